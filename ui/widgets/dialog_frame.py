"""Frame of a dialog: body, line, and a foot with buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QWidget

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


def arrange(dialog: QWidget, body: QWidget | QLayout, *foot: QWidget | None) -> None:
    """Put the body over the foot, in which None is a stretch; a status line stretches too."""
    has_status = any(isinstance(each, StatusLine) for each in foot)
    items = [(each, 1) if isinstance(each, StatusLine) else each for each in foot]
    row = hbox(*items, spacing=16 if has_status else 8, margins=(MARGIN, 12, MARGIN, 12))
    vbox((body, 1), hairline(), row, parent=dialog)


def fit_height(dialog: QWidget, width: int) -> None:
    """Give a dialog this width and the height of its texts: a layout does not do that for wrapped labels."""
    layout = dialog.layout()
    assert layout is not None
    layout.activate()
    dialog.resize(width, layout.totalHeightForWidth(width))
