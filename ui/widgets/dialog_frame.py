"""Frame of a dialog: body, line, and a foot with buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget

from ui.widgets.dialog_parts import MARGIN, StatusLine, hairline
from ui.widgets.layouts import hbox, vbox


def scrolled(page: QWidget) -> QScrollArea:
    """Return a vertical scroll area without a frame around ``page``."""
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(page)
    return scroll


def arrange(dialog: QWidget, body: QWidget | QLayout, *foot: QWidget | None) -> QVBoxLayout:
    """Put the body over the foot, in which None is a stretch; a status line stretches too."""
    has_status = any(isinstance(each, StatusLine) for each in foot)
    items = [(each, 1) if isinstance(each, StatusLine) else each for each in foot]
    row = hbox(*items, spacing=16 if has_status else 8, margins=(MARGIN, 12, MARGIN, 12))
    return vbox((body, 1), hairline(), row, parent=dialog)
