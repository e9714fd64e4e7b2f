"""Table of all shortcuts, from which the window makes them and the dialog lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.json_file import JsonError, from_json


class Shortcut:
    """One action with its description in English and its alternative keys.

    Those with an ``id`` are made by the window; the others are handled by the widget with the keyboard focus and are
    only listed.  ``words`` are others by which the palette finds them.
    """

    def __init__(self, text: str, *keys: str, id: str = "", words: str = "") -> None:
        self.text, self.keys, self.id, self.words = text, keys, id, words


CONVERSATIONS = QT_TRANSLATE_NOOP("shortcuts", "Conversations")
WRITING = QT_TRANSLATE_NOOP("shortcuts", "Writing")
ANSWERS = QT_TRANSLATE_NOOP("shortcuts", "Answers")
READING = QT_TRANSLATE_NOOP("shortcuts", "Reading")
WINDOW = QT_TRANSLATE_NOOP("shortcuts", "Window")
TEXT_SIZE = QT_TRANSLATE_NOOP("shortcuts", "text or font size, larger or smaller")

SHORTCUTS: dict[str, tuple[Shortcut, ...]] = {
    CONVERSATIONS: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "New conversation"), "Ctrl+N", id="new"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Temporary chat (not saved)"), "Ctrl+Shift+N", id="temporary"),
        Shortcut(
            QT_TRANSLATE_NOOP("shortcuts", "Conversation settings"), "Ctrl+Shift+S", id="settings_of_conversation"
        ),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Search all conversations"), "Ctrl+Shift+F", id="search"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Undo the last deletion or move"), "Ctrl+Z", id="undo"),
        Shortcut(
            QT_TRANSLATE_NOOP("shortcuts", "Next conversation"), "Ctrl+PgDown", "Ctrl+Tab", id="next_conversation"
        ),
        Shortcut(
            QT_TRANSLATE_NOOP("shortcuts", "Previous conversation"),
            "Ctrl+PgUp",
            "Ctrl+Shift+Tab",
            id="previous_conversation",
        ),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Go to the list of conversations"), "F6", id="list"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Rename the selected conversation (in the list)"), "F2"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Move the selected conversation to trash (in the list)"), "Del"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Export conversations"), "Ctrl+E", id="export"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Import conversations"), "Ctrl+Shift+I", id="import"),
    ),
    WRITING: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Send"), "Enter"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "New line"), "Shift+Enter"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Go to the message field"), "Ctrl+L", id="write"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Attach files"), "Ctrl+Shift+A", id="attach"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Web search on or off"), "Ctrl+Alt+W", id="web_search"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Edit the last question (when the field is empty)"), "Up"),
    ),
    ANSWERS: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Stop the answer, or cancel the current action"), "Esc", id="escape"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Try the last answer again"), "Ctrl+R", id="retry"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Try again with another model"), "Ctrl+Alt+R", id="retry_with"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Continue the last answer"), "Ctrl+Shift+R", id="continue"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Edit the last question"), "Ctrl+Shift+E", id="edit_last"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Copy the last answer"), "Ctrl+Alt+C", id="copy_last"),
        Shortcut(
            QT_TRANSLATE_NOOP("shortcuts", "Previous version of the last answer"), "Alt+Left", id="previous_version"
        ),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Next version of the last answer"), "Alt+Right", id="next_version"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Details of the last answer"), "Ctrl+I", id="details"),
    ),
    READING: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Find in this conversation"), "Ctrl+F", id="find"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Next match"), "F3", id="find_next"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Previous match"), "Shift+F3", id="find_previous"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Next message"), "Ctrl+Down", "Alt+Down"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Previous message"), "Ctrl+Up", "Alt+Up"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Go to the next button or link in the message"), "Tab", "Right"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Activate the button or link"), "Enter", "Space"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Message menu"), "Shift+F10", "Menu"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Select all"), "Ctrl+A"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Select with the keyboard"), "Shift+Right", "Shift+Down"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Show a caret that moves with the arrow keys"), "F7"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Copy selection"), "Ctrl+C"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Copy selection as Markdown"), "Ctrl+Shift+C"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Go to the beginning"), "Home"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Go to the end and follow the answer"), "End"),
    ),
    WINDOW: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Show or hide conversations"), "Ctrl+B", id="sidebar"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Zoom in"), "Ctrl++", "Ctrl+=", id="larger", words=TEXT_SIZE),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Zoom out"), "Ctrl+-", id="smaller", words=TEXT_SIZE),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Reset zoom"), "Ctrl+0", id="usual_size"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Command palette"), "Ctrl+K", id="palette"),
        Shortcut(
            QT_TRANSLATE_NOOP("shortcuts", "Choose a model"),
            "Ctrl+Shift+M",
            id="choose_model",
            words=QT_TRANSLATE_NOOP("shortcuts", "Change model, switch model"),
        ),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Models"), "Ctrl+M", id="models"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Settings"), "Ctrl+,", id="settings"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Diagnostics"), "Ctrl+Shift+D", id="doctor"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Keyboard shortcuts"), "F1", "Ctrl+/", id="shortcuts"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Quit"), "Ctrl+Q", id="quit"),
    ),
}
"""By the title of their group in English."""


Keys = Mapping[str, Sequence[str]]
"""The keys of each action of the window by its id."""

BY_ID = {each.id: each for group in SHORTCUTS.values() for each in group if each.id}
DEFAULTS: Keys = {id_: each.keys for id_, each in BY_ID.items()}
ARROWS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
FIXED = "escape"
"""The action whose key can't be changed."""


def assigned_keys(stored: str) -> Keys:
    """Return the keys of all actions; ``stored`` is ``Settings.shortcuts``."""
    changed: Keys = {}
    with suppress(JsonError):
        changed = from_json(stored.encode(), dict[str, tuple[str, ...]]) if stored else {}
    return {id_: changed.get(id_, keys) for id_, keys in DEFAULTS.items()}


def stored_keys(keys: Keys) -> str:
    """Return the value of ``Settings.shortcuts`` for keys."""
    changed = {id_: list(each) for id_, each in keys.items() if tuple(each) != tuple(DEFAULTS[id_])}
    return json.dumps(changed) if changed else ""


def user_of(sequence: str, keys: Keys) -> Shortcut | None:
    """Return what already uses a key sequence."""
    for id_, each in keys.items():
        if sequence in each:
            return BY_ID[id_]
    fixed = (each for group in SHORTCUTS.values() for each in group if not each.id)
    return next((each for each in fixed if sequence in each.keys), None)


def make_shortcuts(window: QWidget, actions: Mapping[str, Callable[[], object]], keys: Keys) -> list[QShortcut]:
    """Make the shortcuts of the window; ``actions`` holds a function for each id."""
    made = []
    for id_, sequences in keys.items():
        for sequence in sequences:
            made.append(QShortcut(QKeySequence(sequence), window))
            made[-1].activated.connect(actions[id_])
    return made


def show_keys(window: QWidget, before: Keys, now: Keys) -> None:
    """Replace the keys at the end of tool tips, as in "Export (Ctrl+E)", and as accessible descriptions."""
    if before == now:
        return
    texts = {each: key_text(now[id_][0]) if now[id_] else "" for id_, keys in before.items() for each in keys}

    def replaced(found: re.Match[str]) -> str:
        new = texts.get(found[2], found[2])
        return f"{found[1]}{new}{found[3]}" if new else ""

    for widget in window.findChildren(QWidget):
        if tip := widget.toolTip():
            widget.setToolTip(re.sub(r"( ?[(（])([^()（）]+)([)）])$", replaced, tip))
        if (keys := widget.accessibleDescription()) in texts:
            widget.setAccessibleDescription(texts[keys])


def translated(text: str) -> str:
    """Return the title of a group or the text of a shortcut in the current language."""
    return QCoreApplication.translate("shortcuts", text)


def key_text(keys: str) -> str:
    """Return keys as the system writes them, with the arrows as signs."""
    style, key = QKeySequence.SequenceFormat.NativeText, keys.rpartition("+")[2]
    text = QKeySequence(keys).toString(style)
    return text.removesuffix(QKeySequence(key).toString(style)) + ARROWS[key] if key in ARROWS else text
