"""Box layouts from a list of their items."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

T = TypeVar("T", bound=QBoxLayout)
Alignment = Qt.AlignmentFlag
LEFT, RIGHT, TOP = Alignment.AlignLeft, Alignment.AlignRight, Alignment.AlignTop
CENTRE = Alignment.AlignVCenter
MAX_WIDGET_SIZE = 16_777_215
"""Qt's maximum of a width or height, in pixels."""
Item = QWidget | QLayout | int | None
"""A widget, a nested layout, a space in pixels, or None for a stretch."""
Margins = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def vbox(
    *items: Item | tuple[Item, int] | tuple[Item, int, Alignment],
    parent: QWidget | None = None,
    spacing: int = 0,
    margins: Margins = (0, 0, 0, 0),
) -> QVBoxLayout:
    """Return a column; an item can be given with its stretch factor and its alignment."""
    layout = QVBoxLayout() if parent is None else QVBoxLayout(parent)
    return _filled(layout, items, spacing, margins)


def hbox(
    *items: Item | tuple[Item, int] | tuple[Item, int, Alignment],
    parent: QWidget | None = None,
    spacing: int = 0,
    margins: Margins = (0, 0, 0, 0),
) -> QHBoxLayout:
    """Return a row; an item can be given with its stretch factor and its alignment."""
    layout = QHBoxLayout() if parent is None else QHBoxLayout(parent)
    return _filled(layout, items, spacing, margins)


def _filled(layout: T, items: tuple[object, ...], spacing: int, margins: Margins) -> T:
    layout.setSpacing(spacing)
    layout.setContentsMargins(*margins)
    for each in items:
        item, *place = each if isinstance(each, tuple) else (each,)
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item, *place[:1])
        else:
            layout.addWidget(item, *place)
    return layout


def clear(layout: QLayout) -> None:
    """Delete all widgets of a layout."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
