"""Table of the actions on conversations, for the context menu and the selection bar of the sidebar."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence

from app.conversation import Conversation, SearchHit
from app.translation import QT_TRANSLATE_NOOP
from ui.sidebar.conversation_list import ListMode


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
    "pin": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Pin"), "pin", is_bulk=False),
    "unpin": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Unpin"), "pin", is_bulk=False),
    "archive": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Archive"), "archive"),
    "unarchive": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Unarchive"), "undo"),
    "restore": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Restore"), "undo"),
    "export": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Export…"), "export"),
    "delete": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Move to trash"), "trash", "bad", DELETE),
    "purge": ConversationAction(QT_TRANSLATE_NOOP("conversations", "Delete permanently…"), "trash", "bad", DELETE),
}
"""By id, in the order of the menu."""


def offered_actions(shelf: ListMode, selected: Collection[Conversation | SearchHit]) -> list[str]:
    """Return the ids of the actions for the selected rows; of a search result only the conversation's id is known."""
    if shelf == ListMode.TRASH:
        return ["restore", "purge"]
    known = [row for row in selected if isinstance(row, Conversation)]
    is_archive, is_single = shelf == ListMode.ARCHIVE, len(selected) == 1
    offered = {
        "open": is_single,
        "rename": is_single and bool(known),
        "unpin" if all(each.is_pinned for each in known) else "pin": bool(known) and not is_archive,
        "unarchive" if is_archive else "archive": True,
    }
    return [*(action for action, is_offered in offered.items() if is_offered), "export", "delete"]
