"""Box layouts from a list of their items."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget
from shiboken6 import Shiboken

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
            nest(layout, item, *place[:1])
        else:
            layout.addWidget(item, *place)
    return layout


def nest(outer: QBoxLayout | QGridLayout, inner: QLayout, *place: int) -> None:
    """Add a layout to another one, with its stretch factor, or with its row and column."""
    if isinstance(outer, QGridLayout):
        row, column = place
        outer.addLayout(inner, row, column)
    else:
        outer.addLayout(inner, *place)
    forget_items(inner)


def forget_items(layout: QLayout) -> None:
    """Invalidate the Python objects of the items of a layout, which ``nest`` and ``itemAt`` make.

    They outlive the items.  PySide 6.10 and 6.11 end with a segmentation fault where a QObject whose memory was that of
    such an item is deleted.
    """
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if isinstance(item, QLayout):
            forget_items(item)
        elif item is not None:
            Shiboken.invalidate(item)


def clear(layout: QLayout) -> None:
    """Delete all widgets of a layout."""
    parent = layout.parentWidget()
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    for widget in parent.findChildren(QWidget, options=direct) if parent is not None else ():
        if layout.indexOf(widget) >= 0:
            layout.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
