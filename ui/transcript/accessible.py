"""The transcript for screen readers: a list of messages, each with its buttons and links.

Texts come from the items, so that messages that were never painted can be read too.
"""

from __future__ import annotations

import ctypes

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF
from PySide6.QtGui import QAccessible, QAccessibleActionInterface, QAccessibleInterface, QWindow
from PySide6.QtWidgets import QAccessibleWidget
from shiboken6 import isValid

from ui.transcript.clipboard import item_text
from ui.transcript.message import FocusTarget
from ui.transcript.transcript import Transcript

PRESS = "Press"


class _Children:
    """The children of an interface, made on request and kept, since Qt keeps only their addresses."""

    _children: dict[int, _Painted]

    def childCount(self) -> int:
        """Return 0: an interface without children."""
        return 0

    def _make_child(self, index: int) -> _Painted:
        raise NotImplementedError

    def child(self, index: int) -> _Painted | None:
        """Return one of the children."""
        if not 0 <= index < self.childCount():
            return None
        if index not in self._children:
            self._children[index] = self._make_child(index)
            QAccessible.registerAccessibleInterface(self._children[index])
        return self._children[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Return the index of a child."""
        return child.index if isinstance(child, _Painted) else -1

    def childAt(self, x: int, y: int) -> _Painted | None:
        """Return the child at a point of the screen."""
        children = (self.child(index) for index in range(self.childCount()))
        return next((child for child in children if child and child.rect().contains(x, y)), None)


class AccessibleTranscript(_Children, QAccessibleWidget):  # type: ignore[misc]
    """The list of messages."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript, QAccessible.Role.List, transcript.accessibleName())
        self._transcript = transcript
        self._children = {}

    def childCount(self) -> int:
        """Return the number of messages."""
        return len(self._transcript.page.items)

    def _make_child(self, index: int) -> _Painted:
        return AccessibleMessage(self._transcript, index)

    def childAt(self, x: int, y: int) -> _Painted | None:  # type: ignore[override]
        """Return the message at a point of the screen, without asking each for its rectangle."""
        found = self._transcript.page.message_at(self._transcript.viewport().mapFromGlobal(QPoint(x, y)).y())
        return self.child(found[0]) if found else None

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]
        """Return the message that has the keyboard focus, or its button or link."""
        state = self._transcript.state
        message = self.child(state.focused_message) if self._transcript.hasFocus() else None
        if not isinstance(message, AccessibleMessage):
            return None
        keys = [target.key for target in message.targets()]
        return message.child(keys.index(state.focused_key)) if state.focused_key in keys else message


class _Painted(_Children, QAccessibleInterface):  # type: ignore[misc]
    """A painted area of the transcript, which is neither a QObject nor a widget."""

    def __init__(self, transcript: Transcript, index: int) -> None:
        super().__init__()
        self._transcript = transcript
        self._children = {}
        self.index = index

    def object(self) -> QObject | None:  # type: ignore[override]
        """Return None: it is no QObject."""
        return None

    def window(self) -> QWindow | None:  # type: ignore[override]
        """Return the window of the transcript."""
        return self._transcript.window().windowHandle()

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """Do nothing: it is read only."""

    def _has_focus(self, number: int, key: str) -> bool:
        state = self._transcript.state
        return self._transcript.hasFocus() and (state.focused_message, state.focused_key) == (number, key)

    def _on_screen(self, number: int, rect: QRectF) -> QRect:
        """Return a rectangle of a message in coordinates of the screen; empty where it is not shown."""
        top = self._transcript.page.top_of(number)
        if top is None:
            return QRect()
        moved = rect.translated(QPointF(self._transcript.page.left, top)).toAlignedRect()
        return QRect(self._transcript.viewport().mapToGlobal(moved.topLeft()), moved.size())


class AccessibleMessage(_Painted):
    """One message."""

    def isValid(self) -> bool:
        """Whether the message still exists."""
        return isValid(self._transcript) and self.index < len(self._transcript.page.items)

    def parent(self) -> QAccessibleInterface | None:  # type: ignore[override]
        """Return the list."""
        return QAccessible.queryAccessibleInterface(self._transcript)

    def targets(self) -> list[FocusTarget]:
        """Return its present buttons and links."""
        return self._transcript.page.view(self.index).focus_targets() if self.isValid() else []

    def childCount(self) -> int:
        """Return the number of its buttons and links."""
        return len(self.targets())

    def _make_child(self, index: int) -> _Painted:
        return AccessibleTarget(self._transcript, index, self)

    def role(self) -> QAccessible.Role:
        """Return the role of a list item."""
        return QAccessible.Role.ListItem

    def text(self, kind: QAccessible.Text) -> str:
        """Return the author as the name, and the text as the value."""
        if not self.isValid():
            return ""
        state = self._transcript.state
        item, strings = state.page.items[self.index], state.strings
        if kind is QAccessible.Text.Name:
            names = [strings.you if item.is_question else strings.answer]
            if item.version:
                names.append(strings.version.format(place=item.version[0], count=item.version[1]))
            if item.is_pinned:
                names.append(strings.pinned)
            return ", ".join(names)
        if kind in {QAccessible.Text.Value, QAccessible.Text.Description}:
            text = item_text(item, with_thought=state.thoughts.is_open(item))
            return "\n\n".join(filter(None, (item.divider, text, item.note)))
        return ""

    def state(self) -> QAccessible.State:
        """Return whether it is on the screen and has the keyboard focus."""
        state = QAccessible.State()
        state.readOnly = state.focusable = 1
        state.offscreen = int(self._transcript.page.top_of(self.index) is None)
        state.focused = int(self._has_focus(self.index, ""))
        return state

    def rect(self) -> QRect:
        """Return its rectangle on the screen."""
        page = self._transcript.page
        height = page.heights[self.index] if self.isValid() else 0.0
        return self._on_screen(self.index, QRectF(0, 0, page.column, height))


class AccessibleTarget(_Painted):
    """A button or a link of a message."""

    def __init__(self, transcript: Transcript, index: int, message: AccessibleMessage) -> None:
        super().__init__(transcript, index)
        self._message = message
        self._action = _PressAction(self)

    def target(self) -> FocusTarget | None:
        """Return the button or link, or None where it no longer exists."""
        targets = self._message.targets()
        return targets[self.index] if self.index < len(targets) else None

    def isValid(self) -> bool:
        """Whether it still exists."""
        return self.target() is not None

    def parent(self) -> QAccessibleInterface | None:  # type: ignore[override]
        """Return the message."""
        return self._message

    def role(self) -> QAccessible.Role:
        """Return the role of a link or of a button."""
        target = self.target()
        return QAccessible.Role.Link if target and target.address else QAccessible.Role.Button

    def text(self, kind: QAccessible.Text) -> str:
        """Return the label as the name, and the address of a link as the value."""
        target = self.target()
        if target is None:
            return ""
        return {QAccessible.Text.Name: target.name, QAccessible.Text.Value: target.address}.get(kind, "")

    def state(self) -> QAccessible.State:
        """Return whether it has the keyboard focus, and whether the thoughts that it folds are expanded."""
        state, target, number = QAccessible.State(), self.target(), self._message.index
        state.focusable = 1
        state.invalid = int(target is None)
        state.focused = int(target is not None and self._has_focus(number, target.key))
        if target is not None and target.key == "thought":
            is_open = self._transcript.state.thoughts.is_open(self._transcript.page.items[number])
            state.expandable, state.expanded, state.collapsed = 1, int(is_open), int(not is_open)
        return state

    def rect(self) -> QRect:
        """Return its rectangle on the screen."""
        target = self.target()
        return self._on_screen(self._message.index, target.rects[0]) if target else QRect()

    def interface_cast(self, kind: QAccessible.InterfaceType) -> object:  # type: ignore[override]
        """Return its action."""
        return self._action if kind == QAccessible.InterfaceType.ActionInterface else None

    def press(self) -> None:
        """Press the button or follow the link."""
        target = self.target()
        if target is not None:
            self._transcript.state.set_focus(self._message.index, target.key)
            self._transcript.state.press_focused()


class _PressAction(QAccessibleActionInterface):
    """The one action of a button or a link."""

    def __init__(self, target: AccessibleTarget) -> None:
        super().__init__()
        self._target = target

    def actionNames(self) -> list[str]:
        """Return the name of the action."""
        return [PRESS]

    def localizedActionName(self, name: str) -> str:
        """Return the label of the button."""
        return self._target.text(QAccessible.Text.Name)

    def doAction(self, name: str) -> None:
        """Press it."""
        if name == PRESS:
            self._target.press()

    def keyBindingsForAction(self, name: str) -> list[str]:
        """Return no key bindings."""
        return []


class AccessibleFactory:
    """Makes the interface of a transcript; the caller of ``QAccessible.installFactory(factory)`` keeps it.

    The interfaces are never released by Python, not even with the factory: Qt deletes them with their widgets or at
    the end of the program, and a second deletion would crash.
    """

    def __call__(self, name: str, thing: QObject) -> QAccessibleInterface | None:
        """Return the interface of a transcript; anything else is left to Qt."""
        if not isinstance(thing, Transcript):
            return None
        interface = AccessibleTranscript(thing)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(interface))
        return interface
