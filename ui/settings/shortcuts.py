"""Table of all shortcuts, from which the window makes them and the dialog lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.translation import QT_TRANSLATE_NOOP


class Shortcut:
    """One action with its description in English and its alternative keys.

    Those with an ``id`` are made by the window; the others are handled by the widget with the keyboard focus and are
    only listed.
    """

    def __init__(self, text: str, *keys: str, id: str = "") -> None:
        self.text, self.keys, self.id = text, keys, id


CONVERSATIONS = QT_TRANSLATE_NOOP("shortcuts", "Conversations")
WRITING = QT_TRANSLATE_NOOP("shortcuts", "Writing")
ANSWERS = QT_TRANSLATE_NOOP("shortcuts", "Answers")
READING = QT_TRANSLATE_NOOP("shortcuts", "Reading")
WINDOW = QT_TRANSLATE_NOOP("shortcuts", "Window")

SHORTCUTS: dict[str, tuple[Shortcut, ...]] = {
    CONVERSATIONS: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "New conversation"), "Ctrl+N", id="new"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Temporary chat (not saved)"), "Ctrl+Shift+N", id="temporary"),
        Shortcut(
            QT_TRANSLATE_NOOP("shortcuts", "Conversation settings"), "Ctrl+Shift+S", id="settings_of_conversation"
        ),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Search all conversations"), "Ctrl+Shift+F", id="search"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Next conversation"), "Ctrl+PgDown", id="next_conversation"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Previous conversation"), "Ctrl+PgUp", id="previous_conversation"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Rename the selected conversation"), "F2"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Move the selected conversation to trash"), "Del"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Export"), "Ctrl+E", id="export"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Import conversations"), "Ctrl+Shift+I", id="import"),
    ),
    WRITING: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Send"), "Enter"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "New line"), "Shift+Enter"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Go to the message field"), "Ctrl+L", id="write"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Attach files"), "Ctrl+Shift+A", id="attach"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Edit the last question (when the field is empty)"), "Up"),
    ),
    ANSWERS: (
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Stop the answer, or cancel the current action"), "Esc", id="escape"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Answer the last question again"), "Ctrl+R", id="retry"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Answer again with another model"), "Ctrl+Alt+R", id="retry_with"),
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
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Larger text"), "Ctrl++", "Ctrl+=", id="larger"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Smaller text"), "Ctrl+-", id="smaller"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Reset text size"), "Ctrl+0", id="usual_size"),
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
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Command palette"), "Ctrl+K", id="palette"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Choose a model"), "Ctrl+Shift+M", id="choose_model"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Models"), "Ctrl+M", id="models"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Settings"), "Ctrl+,", id="settings"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Diagnostics"), "Ctrl+Shift+D", id="doctor"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Keyboard shortcuts"), "F1", "Ctrl+/", id="shortcuts"),
        Shortcut(QT_TRANSLATE_NOOP("shortcuts", "Quit"), "Ctrl+Q", id="quit"),
    ),
}
"""By the title of their group in English."""


def make_shortcuts(window: QWidget, actions: Mapping[str, Callable[[], object]]) -> list[QShortcut]:
    """Make the shortcuts of the window; ``actions`` holds a function for each id."""
    made = []
    for shortcut in (each for group in SHORTCUTS.values() for each in group if each.id):
        for keys in shortcut.keys:
            made.append(QShortcut(QKeySequence(keys), window))
            made[-1].activated.connect(actions[shortcut.id])
    return made


def translated(text: str) -> str:
    """Return the title of a group or the text of a shortcut in the current language."""
    return QCoreApplication.translate("shortcuts", text)


def key_text(keys: str) -> str:
    """Return keys as the system writes them."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
