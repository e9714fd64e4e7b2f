"""The transcript for screen readers: a list of messages, each with its buttons and links.

Texts come from the items, so that messages that were never painted can be read too.
"""

from __future__ import annotations

import ctypes
from typing import Any

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF
from PySide6.QtGui import (
    QAccessible,
    QAccessibleActionInterface,
    QAccessibleInterface,
    QAccessibleTextInterface,
    QWindow,
)
from PySide6.QtWidgets import QAccessibleWidget
from shiboken6 import VoidPtr, isValid

from ui.transcript.decorations import Button
from ui.transcript.state import item_text
from ui.transcript.transcript import Transcript

PRESS = "Press"


class _Parent:
    """An interface whose children are made on request and kept, since Qt keeps only their addresses."""

    _children: dict[int, _Area]

    def childCount(self) -> int:
        return 0

    def _make_child(self, index: int) -> _Area:
        raise NotImplementedError

    def child(self, index: int) -> _Area | None:
        if not 0 <= index < self.childCount():
            return None
        if index not in self._children:
            self._children[index] = self._make_child(index)
            QAccessible.registerAccessibleInterface(self._children[index])
        return self._children[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return child.index if isinstance(child, _Area) else -1

    def childAt(self, x: int, y: int) -> _Area | None:
        children = (self.child(index) for index in range(self.childCount()))
        return next((child for child in children if child and child.rect().contains(x, y)), None)


class _List(_Parent, QAccessibleWidget):  # type: ignore[misc]
    """The list of messages."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript, QAccessible.Role.List, transcript.accessibleName())
        self._transcript = transcript
        self._children = {}

    def childCount(self) -> int:
        return len(self._transcript.page.items)

    def _make_child(self, index: int) -> _Area:
        return _Area(self._transcript, index)

    def childAt(self, x: int, y: int) -> _Area | None:  # type: ignore[override]
        # Found by the page: thousands of messages are not asked for their rectangles.
        found = self._transcript.page.message_at(self._transcript.viewport().mapFromGlobal(QPoint(x, y)).y())
        return self.child(found[0]) if found else None

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]
        state = self._transcript.state
        message = self.child(state.focused_message) if self._transcript.hasFocus() else None
        if message is None:
            return None
        keys = [target.key for target in message.targets()]
        return message.child(keys.index(state.focused_key)) if state.focused_key in keys else message


class _Area(_Parent, QAccessibleInterface):  # type: ignore[misc]
    """A message, or one of its buttons and links: painted areas, which are neither QObjects nor widgets.

    The name of a message is its author and the value its text; those of a link are its label and address.
    """

    def __init__(self, transcript: Transcript, number: int, target: int | None = None) -> None:
        super().__init__()
        self._transcript = transcript
        self._children = {}
        self._number = number
        self.index = number if target is None else target
        """Index among the children of the parent."""
        self._action = None if target is None else _PressAction(self)
        self._text = _MessageText(self) if target is None else None

    def object(self) -> QObject | None:  # type: ignore[override]
        return None

    def window(self) -> QWindow | None:  # type: ignore[override]
        return self._transcript.window().windowHandle()

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """Do nothing: it is read only."""

    def _exists(self) -> bool:
        return isValid(self._transcript) and self._number < len(self._transcript.page.items)

    def targets(self) -> list[Button]:
        return self._transcript.page.view(self._number).focus_targets() if self._exists() else []

    def _target(self) -> Button | None:
        """Return the button or link; None for a message, and where it no longer exists."""
        targets = self.targets() if self._action else []
        return targets[self.index] if self.index < len(targets) else None

    def isValid(self) -> bool:
        return self._target() is not None if self._action else self._exists()

    def parent(self) -> QAccessibleInterface | None:  # type: ignore[override]
        transcript = QAccessible.queryAccessibleInterface(self._transcript)
        return transcript.child(self._number) if self._action and transcript else transcript

    def childCount(self) -> int:
        return 0 if self._action else len(self.targets())

    def _make_child(self, index: int) -> _Area:
        return _Area(self._transcript, self._number, index)

    def role(self) -> QAccessible.Role:
        if not self._action:
            return QAccessible.Role.ListItem
        target = self._target()
        return QAccessible.Role.Link if target and target.address else QAccessible.Role.Button

    def text(self, kind: QAccessible.Text) -> str:
        if not self.isValid():
            return ""
        target, state = self._target(), self._transcript.state
        item, strings = state.page.items[self._number], state.strings
        if target:
            return self._target_text(kind, target)
        if kind is QAccessible.Text.Name:
            names = [strings.you if item.is_question else item.author or strings.answer]
            if item.version:
                names.append(strings.version.format(place=item.version[0], count=item.version[1]))
            if item.is_pinned:
                names.append(strings.pinned)
            return ", ".join(names)
        if kind in {QAccessible.Text.Value, QAccessible.Text.Description}:
            text = item_text(item, with_thought=state.thoughts.is_open(item))
            return "\n\n".join(filter(None, (item.divider, text, item.note)))
        return ""

    def _target_text(self, kind: QAccessible.Text, target: Button) -> str:
        if kind is QAccessible.Text.Name:
            # The code blocks of one answer have the same buttons.
            before = self.targets()[: self.index]
            place = 1 + sum(each.name == target.name and not each.address for each in before)
            return target.name if place == 1 or target.address else f"{target.name} {place}"
        if kind is QAccessible.Text.Description and not target.address:
            message = self.parent()
            return message.text(QAccessible.Text.Name) if message is not None else ""
        return target.address if kind is QAccessible.Text.Value else ""

    def state(self) -> QAccessible.State:
        state, target, transcript = QAccessible.State(), self._target(), self._transcript
        focus = transcript.state.focused_message, transcript.state.focused_key
        state.focusable = 1
        state.focused = int(transcript.hasFocus() and focus == (self._number, target.key if target else ""))
        if not self._action:
            state.readOnly = 1
            state.offscreen = int(transcript.page.top_of(self._number) is None)
        state.invalid = int(not self.isValid())
        if target and target.key in {"thought", "fold"}:
            item, thoughts = transcript.page.items[self._number], transcript.state.thoughts
            is_open = item.id in thoughts.unfolded if item.is_question else thoughts.is_open(item)
            state.expandable, state.expanded, state.collapsed = 1, int(is_open), int(not is_open)
        return state

    def rect(self) -> QRect:
        """Return its rectangle on the screen; empty where it is not shown."""
        page, target, viewport = self._transcript.page, self._target(), self._transcript.viewport()
        top = page.top_of(self._number)
        if top is None or not self.isValid():
            return QRect()
        rect = target.rect if target else QRectF(0, 0, page.column, page.heights[self._number])
        moved = rect.translated(QPointF(page.left, top)).toAlignedRect()
        return QRect(viewport.mapToGlobal(moved.topLeft()), moved.size())

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        kinds = QAccessible.InterfaceType
        # PySide crashes where it gets None for a null pointer.
        return {kinds.ActionInterface: self._action, kinds.TextInterface: self._text}.get(kind) or VoidPtr(0)

    def press(self) -> None:
        """Press the button or follow the link."""
        target = self._target()
        if target:
            self._transcript.state.set_focus(self._number, target.key)
            self._transcript.state.press_focused()


class _MessageText(QAccessibleTextInterface):
    """The text of a message, by which a screen reader reads it in lines and words.  Positions are those of UTF-16."""

    def __init__(self, area: _Area) -> None:
        super().__init__()
        self._area = area

    def _encoded(self) -> bytes:
        return self._area.text(QAccessible.Text.Value).encode("utf-16-le", "surrogatepass")

    def text(self, start: int, end: int) -> str:
        return self._encoded()[2 * start : 2 * end].decode("utf-16-le", "replace")

    def characterCount(self) -> int:
        return len(self._encoded()) // 2

    def cursorPosition(self) -> int:
        return 0

    def setCursorPosition(self, position: int) -> None:
        """Do nothing: the caret is that of the transcript."""

    def selectionCount(self) -> int:
        return 0

    def addSelection(self, start: int, end: int) -> None:
        """Do nothing, as for the caret."""

    def removeSelection(self, index: int) -> None:
        """Do nothing."""

    def setSelection(self, index: int, start: int, end: int) -> None:
        """Do nothing."""

    def scrollToSubstring(self, start: int, end: int) -> None:
        """Do nothing."""

    def characterRect(self, offset: int) -> QRect:
        return self._area.rect()

    def offsetAtPoint(self, point: QPoint) -> int:
        return 0 if self._area.rect().contains(point) else -1


class _PressAction(QAccessibleActionInterface):
    """The one action of a button or a link."""

    def __init__(self, area: _Area) -> None:
        super().__init__()
        self._area = area

    def actionNames(self) -> list[str]:
        return [PRESS]

    def localizedActionName(self, name: str) -> str:
        return self._area.text(QAccessible.Text.Name)

    def doAction(self, name: str) -> None:
        if name == PRESS:
            self._area.press()

    def keyBindingsForAction(self, name: str) -> list[str]:
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
        interface = _List(thing)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(interface))
        return interface
