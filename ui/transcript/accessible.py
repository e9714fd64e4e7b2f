"""The transcript for a screen reader: a list whose items are the messages, each with its buttons and links.

A custom painted widget says nothing by itself.  Text comes from the items, not from what is drawn, so a message can be
read that was never on the screen.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF, QRect
from PySide6.QtGui import (
    QAccessible,
    QAccessibleActionInterface,
    QAccessibleEvent,
    QAccessibleInterface,
    QColor,
    QWindow,
)
from PySide6.QtWidgets import QAccessibleWidget
from shiboken6 import isValid

from ui.transcript.copying import item_text
from ui.transcript.focus_order import Stop, stops

if TYPE_CHECKING:
    from ui.transcript.screen import Screen

PRESS = "Press"


class AccessibleTranscript(QAccessibleWidget):
    """The list of messages."""

    def __init__(self, transcript: Screen) -> None:
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

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]
        """The message that has the keyboard, or its button or link."""
        keyboard = self._transcript.keyboard
        message = self.child(keyboard.message) if self._transcript.hasFocus() else None
        if message is None or not keyboard.key:
            return message
        assert isinstance(message, AccessibleMessage)
        return message.child_of_key(keyboard.key) or message


class _Painted(QAccessibleInterface):
    """What both a message and a spot in it have in common."""

    def __init__(self, transcript: Screen, index: int) -> None:
        super().__init__()
        self._transcript = transcript
        self.index = index

    def object(self) -> QObject | None:  # type: ignore[override]
        """None: it is no object of Qt."""
        return None

    def window(self) -> QWindow | None:  # type: ignore[override]
        """The window of the transcript."""
        return self._transcript.window().windowHandle()

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """Nothing here can be written."""

    def foregroundColor(self) -> QColor:
        """Not told."""
        return QColor()

    def backgroundColor(self) -> QColor:
        """Not told."""
        return QColor()


class AccessibleMessage(_Painted):
    """One message."""

    def __init__(self, transcript: Screen, index: int) -> None:
        super().__init__(transcript, index)
        self._children: dict[int, AccessibleStop] = {}

    def isValid(self) -> bool:
        """Whether the message is still there."""
        return isValid(self._transcript) and self.index < len(self._transcript.page.items)

    def parent(self) -> QAccessibleInterface | None:  # type: ignore[override]
        """The list."""
        return QAccessible.queryAccessibleInterface(self._transcript)

    def stops(self) -> list[Stop]:
        """Its buttons and links as they are now."""
        return stops(self._transcript.page.view(self.index)) if self.isValid() else []

    def childCount(self) -> int:
        """One a button and a link."""
        return len(self.stops())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        """A button or a link, kept like a message."""
        if not 0 <= index < self.childCount():
            return None
        if index not in self._children:
            made = AccessibleStop(self._transcript, index, self)
            self._children[index] = made
            QAccessible.registerAccessibleInterface(made)
        return self._children[index]

    def child_of_key(self, key: str) -> QAccessibleInterface | None:
        """The button or link of a key."""
        return next((self.child(at) for at, stop in enumerate(self.stops()) if stop.key == key), None)

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        """The button or link at a point of the screen."""
        for at in range(self.childCount()):
            child = self.child(at)
            if child is not None and child.rect().contains(x, y):
                return child
        return None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Where a button or a link stands."""
        return child.index if isinstance(child, AccessibleStop) else -1

    def role(self) -> QAccessible.Role:
        """An item of a list."""
        return QAccessible.Role.ListItem

    def text(self, kind: QAccessible.Text) -> str:
        """Who speaks, and what is said."""
        if not self.isValid():
            return ""
        item, words = self._transcript.page.items[self.index], self._transcript.words
        if kind is QAccessible.Text.Name:
            names = [words.you if item.is_question else words.answer]
            if item.place:
                names.append(words.place.format(place=item.place[0], count=item.place[1]))
            if item.is_pinned:
                names.append(words.pinned)
            return ", ".join(names)
        if kind in {QAccessible.Text.Value, QAccessible.Text.Description}:
            said = item_text(item, with_thought=self._transcript.thoughts.is_open(item))
            return "\n\n".join(filter(None, (item.divider, said, item.note)))
        return ""

    def state(self) -> QAccessible.State:
        """Whether it is on the screen and has the keyboard."""
        state = QAccessible.State()
        state.readOnly = 1
        state.focusable = 1
        if self.index not in {number for number, _ in self._transcript.page.visible}:
            state.offscreen = 1
        keyboard = self._transcript.keyboard
        if self._transcript.hasFocus() and keyboard.message == self.index and not keyboard.key:
            state.focused = 1
        return state

    def rect(self) -> QRect:
        """Its place on the screen."""
        page = self._transcript.page
        for number, top in page.visible:
            if number == self.index:
                corner = self._transcript.viewport().mapToGlobal(QPoint(int(page.left), int(top)))
                return QRect(corner.x(), corner.y(), int(page.column), int(page.heights[number]))
        return QRect()


class AccessibleStop(_Painted):
    """A button or a link of a message."""

    def __init__(self, transcript: Screen, index: int, message: AccessibleMessage) -> None:
        super().__init__(transcript, index)
        self._message = message
        self._press = _Press(self)

    def _stop(self) -> Stop | None:
        found = self._message.stops()
        return found[self.index] if self.index < len(found) else None

    def isValid(self) -> bool:
        """Whether it is still there."""
        return self._message.isValid() and self._stop() is not None

    def parent(self) -> QAccessibleInterface | None:  # type: ignore[override]
        """The message."""
        return self._message

    def childCount(self) -> int:
        """None."""
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
        """A link where it leads somewhere."""
        stop = self._stop()
        return QAccessible.Role.Link if stop and stop.address else QAccessible.Role.Button

    def text(self, kind: QAccessible.Text) -> str:
        """What it is called, and where it leads."""
        stop = self._stop()
        if stop is None:
            return ""
        return {QAccessible.Text.Name: stop.name, QAccessible.Text.Value: stop.address}.get(kind, "")

    def state(self) -> QAccessible.State:
        """Whether it has the keyboard, and whether the thought it folds is open."""
        state, stop, keyboard = QAccessible.State(), self._stop(), self._transcript.keyboard
        state.focusable = 1
        if stop is None:
            state.invalid = 1
            return state
        if self._transcript.hasFocus() and (keyboard.message, keyboard.key) == (self._message.index, stop.key):
            state.focused = 1
        if stop.key == "thought":
            state.expandable = 1
            is_open = self._transcript.thoughts.is_open(self._transcript.page.items[self._message.index])
            state.expanded, state.collapsed = int(is_open), int(not is_open)
        return state

    def rect(self) -> QRect:
        """Its place on the screen."""
        page, stop = self._transcript.page, self._stop()
        top = dict(page.visible).get(self._message.index)
        if top is None or stop is None:
            return QRect()
        rect = stop.rects[0].translated(QPointF(page.left, top)).toAlignedRect()
        return QRect(self._transcript.viewport().mapToGlobal(rect.topLeft()), rect.size())

    def interface_cast(self, kind: QAccessible.InterfaceType) -> object:  # type: ignore[override]
        """It can be pressed."""
        return self._press if kind == QAccessible.InterfaceType.ActionInterface else None

    def press(self) -> None:
        """Do what a click does."""
        stop = self._stop()
        if stop is not None:
            self._transcript.keyboard.take(self._message.index, stop.key)
            self._transcript.keyboard.press()


class _Press(QAccessibleActionInterface):
    """The one thing that can be done with a button or a link."""

    def __init__(self, stop: AccessibleStop) -> None:
        super().__init__()
        self._stop = stop

    def actionNames(self) -> list[str]:
        """To press it."""
        return [PRESS]

    def localizedActionName(self, name: str) -> str:
        """What the button is called."""
        return self._stop.text(QAccessible.Text.Name)

    def localizedActionDescription(self, name: str) -> str:
        """Nothing more."""
        return ""

    def doAction(self, name: str) -> None:
        """Press it."""
        if name == PRESS and self._stop.isValid():
            self._stop.press()

    def keyBindingsForAction(self, name: str) -> list[str]:
        """None of its own."""
        return []


def tell_focus(transcript: Screen) -> None:
    """Let a screen reader say what has the keyboard now."""
    if not QAccessible.isActive():
        return
    page = QAccessible.queryAccessibleInterface(transcript)
    child = page.focusChild() if page is not None else None
    if child is not None:
        QAccessible.updateAccessibility(QAccessibleEvent(child, QAccessible.Event.Focus))


class AccessibleFactory:
    """Makes the interface of a transcript.  Whoever installs it keeps it: ``QAccessible.installFactory(factory)``.

    The interfaces are never let go, not even with the factory.  Qt deletes them together with their widgets, or at the
    end of the program, and a second deletion from Python's side would end the process.
    """

    def __call__(self, name: str, thing: QObject) -> QAccessibleInterface | None:
        """The interface for a transcript; anything else is left to Qt."""
        from ui.transcript.screen import Screen

        if not isinstance(thing, Screen):
            return None
        made = AccessibleTranscript(thing)
        # One reference that nobody gives back.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))
        return made
