"""Dialog with all shortcuts, in two columns of groups, or one where the width does not suffice.

Those of the window can be changed: a click on the keys waits for others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QDialog, QLabel, QLayout, QWidget

from app.config.settings import SettingsFile
from ui.settings.shortcuts import (
    ANSWERS,
    BY_ID,
    DEFAULTS,
    FIXED,
    READING,
    SHORTCUTS,
    Keys,
    assigned_keys,
    key_text,
    stored_keys,
    translated,
    user_of,
)
from ui.widgets.dialog_parts import (
    MARGIN,
    SMALL_SIZE,
    StatusLine,
    arrange,
    button,
    heading,
    quiet_label,
    resize_within_screen,
    scrolled,
)
from ui.widgets.layouts import TOP, hbox, vbox
from ui.widgets.theme import interface_font
from ui.widgets.tool_button import PushButton

TWO_COLUMNS_WIDTH = 640
RIGHT_COLUMN = (ANSWERS, READING)
EDITING_KEYS = ("Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X", "Ctrl+Y", "Ctrl+Z", "Ctrl+Shift+Z")


class KeyButton(PushButton):
    """Shows the keys of an action; after a click it waits for others.  Esc cancels that, Backspace removes the keys."""

    pressed_keys = Signal(str)
    """The new key sequence; empty for none."""
    _is_waiting = False

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAutoDefault(False)
        self.setProperty("quiet", True)
        self.setStyleSheet("QPushButton { padding: 1px 8px; min-height: 0; }")
        self._name, self._keys = "", ""
        self.clicked.connect(lambda: self._wait(not self._is_waiting))

    def show_keys(self, name: str, keys: str) -> None:
        """Show keys; ``name`` is that of the action."""
        self._name, self._keys = name, keys
        self._wait(False)

    def event(self, event: QEvent) -> bool:
        """Take all keys while waiting, Tab too."""
        if self._is_waiting and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
            event.accept()
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Stop waiting."""
        self._wait(False)
        super().focusOutEvent(event)

    def _wait(self, is_waiting: bool) -> None:
        self._is_waiting = is_waiting
        self.setText(self.tr("Press keys…") if is_waiting else self._keys or self.tr("None"))
        self.setAccessibleName(f"{self._name}: {self.text()}")

    def _take(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_unknown):
            return
        self._wait(False)
        if key == Qt.Key.Key_Backspace:
            self.pressed_keys.emit("")
        elif key != Qt.Key.Key_Escape:
            self.pressed_keys.emit(QKeySequence(event.keyCombination()).toString())


class ShortcutsDialog(QDialog):
    """Lists the shortcuts, and changes them."""

    changed = Signal()
    """Other keys were stored."""

    def __init__(self, settings: SettingsFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutsDialog")
        title = self.tr("Keyboard shortcuts")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._settings = settings
        self.buttons: dict[str, KeyButton] = {}
        """By the ids of the actions."""
        self.status = StatusLine("shortcutsStatus")
        self.defaults = button("defaultShortcutsButton", self.tr("Restore defaults"))
        self.defaults.clicked.connect(partial(self._store, DEFAULTS))
        self._groups = {name: self._group(name) for name in SHORTCUTS}
        self._columns = (vbox(None, spacing=20), vbox(None, spacing=20))
        self._has_two_columns: bool | None = None
        close = button("closeButton", self.tr("Close"))
        close.clicked.connect(self.accept)
        page = QWidget()
        self._body = hbox(*((column, 1) for column in self._columns), spacing=2 * MARGIN)
        hint = quiet_label(
            self.tr("Click the keys of an action to change them. Backspace removes them. Grey ones can't be changed.")
        )
        vbox(heading(title), hint, self._body, None, parent=page, spacing=16, margins=(MARGIN, MARGIN, MARGIN, MARGIN))
        arrange(self, scrolled(page), self.status, self.defaults, close)
        resize_within_screen(self, 1000, 680)
        self._arrange()
        self._show_keys()

    def _group(self, name: str) -> QWidget:
        title = QLabel(translated(name))
        title.setFont(interface_font(SMALL_SIZE, bold=True))
        # No grid: the longest keys would take the room of all names.
        rows: list[QWidget | QLayout] = [title]
        for shortcut in SHORTCUTS[name]:
            action = QLabel(translated(shortcut.text))
            action.setWordWrap(True)
            keys: QWidget
            if shortcut.id and shortcut.id != FIXED:
                keys = self.buttons[shortcut.id] = KeyButton(f"{shortcut.id}Keys")
                keys.pressed_keys.connect(partial(self._assign, shortcut.id))
            else:
                keys = QLabel(self._text(shortcut.keys))
                keys.setProperty("quiet", True)
                keys.setContentsMargins(0, 2, 9, 2)
                keys.setAccessibleName(f"{action.text()}: {keys.text()}")
            rows.append(hbox((action, 1), (keys, 0, TOP), spacing=16))
        box = QWidget()
        vbox(*rows, parent=box, spacing=6)
        return box

    def _text(self, keys: Sequence[str]) -> str:
        texts = [key_text(each) for each in keys]
        return self.tr("{one} or {other}").format(one=texts[0], other=texts[1]) if texts[1:] else "".join(texts)

    def _show_keys(self) -> None:
        for id_, keys in assigned_keys(self._settings.current.shortcuts).items():
            if id_ in self.buttons:
                self.buttons[id_].show_keys(translated(BY_ID[id_].text), self._text(keys))
        self.defaults.setEnabled(bool(self._settings.current.shortcuts))

    def _assign(self, id_: str, sequence: str) -> None:
        keys = {**assigned_keys(self._settings.current.shortcuts)}
        user = user_of(sequence, keys) if sequence else None
        if user is not None and user.id == id_:
            return
        if sequence and _edits_text(sequence):
            text = self.tr("{keys} is needed for editing text.").format(keys=key_text(sequence))
            self.status.show_message(text, "warning")
        elif user is not None:
            text = self.tr("{keys} is already used for “{action}”.")
            text = text.format(keys=key_text(sequence), action=translated(user.text))
            others = [each for each in keys.get(user.id, ()) if each != sequence]
            reassign = partial(self._store, {**keys, user.id: others, id_: [sequence]})
            can_change = user.id and user.id != FIXED
            self.status.show_message(text, "warning", (self.tr("Reassign"), reassign) if can_change else None)
        else:
            self._store({**keys, id_: [sequence] if sequence else []})

    def _store(self, keys: Keys) -> None:
        if self.status.attempt(lambda: self._settings.change(shortcuts=stored_keys(keys))):
            self._show_keys()
            self.changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the groups in one or two columns."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        two_columns = self.width() >= TWO_COLUMNS_WIDTH
        if two_columns == self._has_two_columns:
            return
        self._has_two_columns = two_columns
        for name, group in self._groups.items():
            place = 1 if two_columns and name in RIGHT_COLUMN else 0
            self._columns[1 - place].removeWidget(group)
            self._columns[place].removeWidget(group)
            self._columns[place].insertWidget(self._columns[place].count() - 1, group)
        for column, stretch in zip(self._columns, (1, int(two_columns)), strict=True):
            self._body.setStretchFactor(column, stretch)


def _edits_text(sequence: str) -> bool:
    """Return whether the keys are needed in a text field."""
    *modifiers, key = sequence.split("+")
    is_plain = not {"Ctrl", "Alt", "Meta"} & set(modifiers) and not re.fullmatch(r"F\d+", key)
    return is_plain or sequence in EDITING_KEYS
