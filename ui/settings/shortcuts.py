"""Every shortcut, once: the window makes its shortcuts from this table and the list of them is made from it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

CONVERSATIONS, ANSWERS, WRITING, READING, WINDOW = "conversations", "answers", "writing", "reading", "window"
GROUPS = (CONVERSATIONS, WRITING, ANSWERS, READING, WINDOW)


@dataclass(frozen=True)
class Shortcut:
    """What one can press: ``keys`` all do the same."""

    id: str
    group: str
    keys: tuple[str, ...]
    is_bound: bool = True
    """Made by the window; the others belong to the part that has the keyboard and are only listed."""


SHORTCUTS = (
    Shortcut("new", CONVERSATIONS, ("Ctrl+N",)),
    Shortcut("temporary", CONVERSATIONS, ("Ctrl+Shift+N",)),
    Shortcut("settings_of_conversation", CONVERSATIONS, ("Ctrl+Shift+S",)),
    Shortcut("search", CONVERSATIONS, ("Ctrl+Shift+F",)),
    Shortcut("next_conversation", CONVERSATIONS, ("Ctrl+PgDown",)),
    Shortcut("previous_conversation", CONVERSATIONS, ("Ctrl+PgUp",)),
    Shortcut("rename", CONVERSATIONS, ("F2",), is_bound=False),
    Shortcut("delete", CONVERSATIONS, ("Del",), is_bound=False),
    Shortcut("export", CONVERSATIONS, ("Ctrl+E",)),
    Shortcut("send", WRITING, ("Enter",), is_bound=False),
    Shortcut("new_line", WRITING, ("Shift+Enter",), is_bound=False),
    Shortcut("write", WRITING, ("Ctrl+L",)),
    Shortcut("attach", WRITING, ("Ctrl+Shift+A",)),
    Shortcut("edit_last_by_arrow", WRITING, ("Up",), is_bound=False),
    Shortcut("escape", ANSWERS, ("Esc",)),
    Shortcut("retry", ANSWERS, ("Ctrl+R",)),
    Shortcut("continue", ANSWERS, ("Ctrl+Shift+R",)),
    Shortcut("edit_last", ANSWERS, ("Ctrl+Shift+E",)),
    Shortcut("copy_last", ANSWERS, ("Ctrl+Alt+C",)),
    Shortcut("previous_version", ANSWERS, ("Alt+Left",)),
    Shortcut("next_version", ANSWERS, ("Alt+Right",)),
    Shortcut("details", ANSWERS, ("Ctrl+I",)),
    Shortcut("find", READING, ("Ctrl+F",)),
    Shortcut("find_next", READING, ("F3",)),
    Shortcut("find_previous", READING, ("Shift+F3",)),
    Shortcut("next_message", READING, ("Ctrl+Down", "Alt+Down"), is_bound=False),
    Shortcut("previous_message", READING, ("Ctrl+Up", "Alt+Up"), is_bound=False),
    Shortcut("walk", READING, ("Tab", "Right"), is_bound=False),
    Shortcut("press", READING, ("Enter", "Space"), is_bound=False),
    Shortcut("message_menu", READING, ("Shift+F10", "Menu"), is_bound=False),
    Shortcut("larger", READING, ("Ctrl++", "Ctrl+=")),
    Shortcut("smaller", READING, ("Ctrl+-",)),
    Shortcut("usual_size", READING, ("Ctrl+0",)),
    Shortcut("select_all", READING, ("Ctrl+A",), is_bound=False),
    Shortcut("select", READING, ("Shift+Right", "Shift+Down"), is_bound=False),
    Shortcut("caret", READING, ("F7",), is_bound=False),
    Shortcut("copy", READING, ("Ctrl+C",), is_bound=False),
    Shortcut("copy_markdown", READING, ("Ctrl+Shift+C",), is_bound=False),
    Shortcut("top", READING, ("Home",), is_bound=False),
    Shortcut("end", READING, ("End",), is_bound=False),
    Shortcut("sidebar", WINDOW, ("Ctrl+B",)),
    Shortcut("models", WINDOW, ("Ctrl+M",)),
    Shortcut("settings", WINDOW, ("Ctrl+,",)),
    Shortcut("doctor", WINDOW, ("Ctrl+Shift+D",)),
    Shortcut("shortcuts", WINDOW, ("F1", "Ctrl+/")),
    Shortcut("quit", WINDOW, ("Ctrl+Q",)),
)


def make_shortcuts(window: QWidget, actions: Mapping[str, Callable[[], object]]) -> list[QShortcut]:
    """The window's shortcuts; ``actions`` says for each bound id what it does."""
    made = []
    for shortcut in SHORTCUTS:
        if shortcut.is_bound:
            for keys in shortcut.keys:
                made.append(QShortcut(QKeySequence(keys), window))
                made[-1].activated.connect(actions[shortcut.id])
    return made


class ShortcutStrings(QObject):
    """Words for the shortcuts.  A QObject for the sake of ``tr``."""

    def groups(self) -> dict[str, str]:
        """The title of each group."""
        return {
            CONVERSATIONS: self.tr("Conversations"),
            WRITING: self.tr("Writing"),
            ANSWERS: self.tr("Answers"),
            READING: self.tr("Reading"),
            WINDOW: self.tr("Window"),
        }

    def actions(self) -> dict[str, str]:
        """What each shortcut does."""
        return {
            "new": self.tr("New conversation"),
            "temporary": self.tr("Temporary chat (not saved)"),
            "settings_of_conversation": self.tr("Conversation settings"),
            "search": self.tr("Search all conversations"),
            "next_conversation": self.tr("Next conversation"),
            "previous_conversation": self.tr("Previous conversation"),
            "rename": self.tr("Rename the selected conversation"),
            "delete": self.tr("Delete the selected conversation"),
            "export": self.tr("Export"),
            "send": self.tr("Send"),
            "new_line": self.tr("New line"),
            "write": self.tr("Go to the message field"),
            "attach": self.tr("Attach text files"),
            "edit_last_by_arrow": self.tr("Edit the last question (when the field is empty)"),
            "escape": self.tr("Stop the answer, or cancel the current action"),
            "retry": self.tr("Answer the last question again"),
            "continue": self.tr("Continue the last answer"),
            "edit_last": self.tr("Edit the last question"),
            "copy_last": self.tr("Copy the last answer"),
            "previous_version": self.tr("Previous version of the last answer"),
            "next_version": self.tr("Next version of the last answer"),
            "details": self.tr("Details of the last answer"),
            "find": self.tr("Find in this conversation"),
            "find_next": self.tr("Next match"),
            "find_previous": self.tr("Previous match"),
            "next_message": self.tr("Next message"),
            "previous_message": self.tr("Previous message"),
            "walk": self.tr("Go to the next button or link in the message"),
            "press": self.tr("Activate the button or link"),
            "message_menu": self.tr("Message menu"),
            "larger": self.tr("Larger text"),
            "smaller": self.tr("Smaller text"),
            "usual_size": self.tr("Reset text size"),
            "select_all": self.tr("Select all"),
            "select": self.tr("Select with the keyboard"),
            "caret": self.tr("Show a caret that moves with the arrow keys"),
            "copy": self.tr("Copy selection"),
            "copy_markdown": self.tr("Copy selection as Markdown"),
            "top": self.tr("Go to the beginning"),
            "end": self.tr("Go to the end and follow the answer"),
            "sidebar": self.tr("Show or hide conversations"),
            "models": self.tr("Models"),
            "settings": self.tr("Settings"),
            "doctor": self.tr("Diagnostics"),
            "shortcuts": self.tr("Keyboard shortcuts"),
            "quit": self.tr("Quit"),
        }
