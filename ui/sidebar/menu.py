"""Context menu of the selected conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.conversation import Conversation
from ui.sidebar.conversation_list import Shelf
from ui.widgets.icons import set_icon


class ConversationMenu(QMenu):
    """Calls ``act`` with the id of the chosen action; deletes itself once it is closed."""

    def __init__(
        self,
        shelf: Shelf,
        selected: Sequence[Conversation | None],
        act: Callable[[str], object],
        parent: QWidget,
    ) -> None:
        """``selected`` holds None for a search result, of which only the id is known."""
        super().__init__(parent)
        self.setObjectName("conversationMenu")
        self.setAccessibleName(self.tr("Conversation"))
        self._act = act
        if shelf == Shelf.TRASH:
            self._add("undo", self.tr("Restore"), "restore")
            self.addSeparator()
            self._add("trash", self.tr("Delete permanently…"), "purge", QKeySequence.StandardKey.Delete)
            return
        known = [each for each in selected if each is not None]
        if len(selected) == 1:
            self._add("continue", self.tr("Open"), "open")
            if known:
                self._add("edit", self.tr("Rename"), "rename", "F2")
        if known and shelf != Shelf.ARCHIVE:
            if all(each.is_pinned for each in known):
                self._add("pin", self.tr("Unpin"), "unpin")
            else:
                self._add("pin", self.tr("Pin"), "pin")
        if shelf == Shelf.ARCHIVE:
            self._add("undo", self.tr("Unarchive"), "unarchive")
        else:
            self._add("archive", self.tr("Archive"), "archive")
        self._add("export", self.tr("Export…"), "export")
        self.addSeparator()
        self._add("trash", self.tr("Move to trash"), "delete", QKeySequence.StandardKey.Delete)

    def show_at(self, position: QPoint) -> None:
        """Open at a position on the screen."""
        self.aboutToHide.connect(self.deleteLater)
        self.popup(position)

    def _add(self, name: str, text: str, action: str, key: QKeySequence.StandardKey | str | None = None) -> None:
        added = self.addAction(text)
        set_icon(added, name, "bad" if name == "trash" else "quiet_text")
        added.setObjectName(f"{action}Action")
        if key is not None:
            added.setShortcut(QKeySequence(key))
        added.triggered.connect(partial(self._act, action))
