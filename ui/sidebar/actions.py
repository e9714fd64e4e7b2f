"""Table of the actions on conversations, for the context menu and the selection bar of the sidebar."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence

from app.conversation import Shelf
from app.translation import QT_TRANSLATE_NOOP


@dataclass(frozen=True)
class ConversationAction:
    """One action: its label in English, its icon in the colour of a role, and the key that is shown in the menu."""

    label: str
    icon: str
    colour: str = "quiet_text"
    key: str | QKeySequence.StandardKey = ""
    is_bulk: bool = True
    """Whether the selection bar offers it."""

    def text(self) -> str:
        """Return the label in the current language."""
        return QCoreApplication.translate("conversations", self.label)


DELETE = QKeySequence.StandardKey.Delete

ACTIONS = {
    "open": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Open"), "continue", is_bulk=False),
    "rename": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Rename"), "edit", key="F2", is_bulk=False),
    "pin": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Pin"), "pin"),
    "unpin": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Unpin"), "pin"),
    "archive": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Archive"), "archive"),
    "unarchive": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Unarchive"), "undo"),
    "restore": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Restore"), "undo"),
    "export": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Export…"), "export"),
    "delete": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Move to trash"), "trash", "bad", DELETE),
    "purge": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Delete permanently…"), "trash", "bad", DELETE),
}
"""By id, in the order of the menu."""


def offered_actions(shelf: Shelf | None, count: int, *, are_pinned: bool) -> list[str]:
    """Return the ids of the actions for ``count`` selected conversations; ``shelf`` is None for search results."""
    if shelf is Shelf.TRASH:
        return ["restore", "purge"]
    is_archive, is_single = shelf is Shelf.ARCHIVE, count == 1
    offered = {
        "open": is_single,
        "rename": is_single and shelf is not None,
        "unpin" if are_pinned else "pin": shelf is Shelf.CONVERSATIONS,
        "unarchive" if is_archive else "archive": True,
    }
    return [*(action for action, is_offered in offered.items() if is_offered), "export", "delete"]
