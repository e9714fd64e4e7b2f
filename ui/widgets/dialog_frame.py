"""How a dialog is arranged: its body, a hairline, and a foot with what can be pressed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

from ui.widgets.dialog_parts import MARGIN, StatusLine, hairline


def scrolled(page: QWidget) -> QScrollArea:
    """A page that scrolls up and down, without a frame."""
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(page)
    return scroll


def arrange(dialog: QWidget, body: QWidget | QLayout, *foot: QWidget | None) -> QVBoxLayout:
    """Put the body over the foot.  None in the foot is a space that stretches, as a status line does by itself."""
    row = QHBoxLayout()
    row.setContentsMargins(MARGIN, 12, MARGIN, 12)
    row.setSpacing(16 if any(isinstance(each, StatusLine) for each in foot) else 8)
    for each in foot:
        if each is None:
            row.addStretch(1)
        else:
            row.addWidget(each, 1 if isinstance(each, StatusLine) else 0)
    whole = QVBoxLayout(dialog)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.setSpacing(0)
    if isinstance(body, QLayout):
        whole.addLayout(body, 1)
    else:
        whole.addWidget(body, 1)
    whole.addWidget(hairline())
    whole.addLayout(row)
    return whole
