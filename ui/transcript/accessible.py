"""The transcript for a screen reader: a list whose items are the messages.

A custom painted widget says nothing by itself.  Text comes from the items, not from what is drawn, so a message can be
read that was never on the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect
from PySide6.QtGui import QAccessible, QAccessibleInterface, QColor, QWindow
from PySide6.QtWidgets import QAccessibleWidget
from shiboken6 import isValid

from app.render.blocks import plain_text
from app.render.markdown import parse

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript


class AccessibleTranscript(QAccessibleWidget):
    """The list of messages."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript, QAccessible.Role.List, transcript.accessibleName())
        self._transcript = transcript
        self._children: dict[int, AccessibleMessage] = {}

    def childCount(self) -> int:
        """One a message."""
        return len(self._transcript.page.items)

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        """A message; made when it is asked for and kept, since Qt keeps only its address."""
        if not 0 <= index < self.childCount():
            return None
        if index not in self._children:
            made = AccessibleMessage(self._transcript, index)
            self._children[index] = made
            QAccessible.registerAccessibleInterface(made)
        return self._children[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Where a message stands."""
        return child.index if isinstance(child, AccessibleMessage) else -1

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        """The message at a point of the screen."""
        point = self._transcript.viewport().mapFromGlobal(QPoint(x, y))
        place = self._transcript.page.message_at(point.y())
        return self.child(place[0]) if place else None


class AccessibleMessage(QAccessibleInterface):
    """One message."""

    def __init__(self, transcript: Transcript, index: int) -> None:
        super().__init__()
        self._transcript = transcript
        self.index = index

    def isValid(self) -> bool:
        """Whether the message is still there."""
        return isValid(self._transcript) and self.index < len(self._transcript.page.items)

    def object(self) -> QObject | None:  # type: ignore[override]
        """None: a message is no object of Qt."""
        return None

    def window(self) -> QWindow | None:  # type: ignore[override]
        """The window of the transcript."""
        return self._transcript.window().windowHandle()

    def parent(self) -> QAccessibleInterface | None:  # type: ignore[override]
        """The list."""
        return QAccessible.queryAccessibleInterface(self._transcript)

    def childCount(self) -> int:
        """None: a message is read as a whole."""
        return 0

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        """None."""
        return None

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        """None."""
        return None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """None."""
        return -1

    def role(self) -> QAccessible.Role:
        """An item of a list."""
        return QAccessible.Role.ListItem

    def text(self, kind: QAccessible.Text) -> str:
        """Who speaks, and what is said."""
        item, words = self._transcript.page.items[self.index], self._transcript.words
        if kind is QAccessible.Text.Name:
            return words.you if item.is_question else words.answer
        if kind in {QAccessible.Text.Value, QAccessible.Text.Description}:
            said = item.content if item.is_question else plain_text(parse(item.content))
            return f"{said}\n\n{item.note}" if item.note else said
        return ""

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """Nothing here can be written."""

    def state(self) -> QAccessible.State:
        """Whether it is on the screen."""
        state = QAccessible.State()
        state.readOnly = 1
        if self.index not in {number for number, _ in self._transcript.page.visible}:
            state.offscreen = 1
        return state

    def rect(self) -> QRect:
        """Its place on the screen."""
        page = self._transcript.page
        for number, top in page.visible:
            if number == self.index:
                corner = self._transcript.viewport().mapToGlobal(QPoint(int(page.left), int(top)))
                return QRect(corner.x(), corner.y(), int(page.column), int(page.heights[number]))
        return QRect()

    def foregroundColor(self) -> QColor:
        """Not told."""
        return QColor()

    def backgroundColor(self) -> QColor:
        """Not told."""
        return QColor()


class AccessibleFactory:
    """Makes the interface of a transcript.  Whoever installs it keeps it: ``QAccessible.installFactory(factory)``.

    The interfaces are never let go.  Qt deletes them together with their widgets, and a second deletion from Python's
    side would end the process.
    """

    def __init__(self) -> None:
        self._made: list[AccessibleTranscript] = []

    def __call__(self, name: str, thing: QObject) -> QAccessibleInterface | None:
        """The interface for a transcript; anything else is left to Qt."""
        from ui.transcript.widget import Transcript

        if not isinstance(thing, Transcript):
            return None
        self._made.append(AccessibleTranscript(thing))
        return self._made[-1]
