"""The menu of what can be done with the chosen conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.conversation import Conversation
from ui.sidebar.conversation_list import ARCHIVE, BIN
from ui.widgets.icons import icon
from ui.widgets.theme import Theme


class ConversationMenu(QMenu):
    """Made for one choice, gone once it is closed.  ``do`` is called with the name of what was picked."""

    def __init__(
        self,
        shelf: str,
        chosen: Sequence[Conversation | None],
        theme: Theme,
        do: Callable[[str], object],
        parent: QWidget,
    ) -> None:
        """``chosen`` holds None for a hit of which only the id is known."""
        super().__init__(parent)
        self.setObjectName("conversationMenu")
        self.setAccessibleName(self.tr("Conversation"))
        self._theme, self._do = theme, do
        alone = len(chosen) == 1
        if shelf == BIN:
            self._add("undo", self.tr("Restore"), "restore")
            self.addSeparator()
            self._add("trash", self.tr("Delete permanently…"), "purge", QKeySequence.StandardKey.Delete, bad=True)
            return
        known = [each for each in chosen if each is not None]
        if alone:
            self._add("continue", self.tr("Open"), "open")
        if alone and known:
            self._add("edit", self.tr("Rename"), "rename", "F2")
        if known and shelf != ARCHIVE:
            if all(each.is_pinned for each in known):
                self._add("pin", self.tr("Unpin"), "unpin")
            else:
                self._add("pin", self.tr("Pin"), "pin")
        if shelf == ARCHIVE:
            self._add("undo", self.tr("Unarchive"), "unarchive")
        else:
            self._add("archive", self.tr("Archive"), "archive")
        self._add("export", self.tr("Export…"), "export")
        self.addSeparator()
        self._add("trash", self.tr("Move to trash"), "delete", QKeySequence.StandardKey.Delete, bad=True)

    def show_at(self, place: QPoint) -> None:
        """Open at a place on the screen."""
        self.aboutToHide.connect(self.deleteLater)
        self.popup(place)

    def _add(
        self, name: str, text: str, action: str, key: QKeySequence.StandardKey | str | None = None, *, bad: bool = False
    ) -> None:
        added = self.addAction(icon(name, self._theme.bad if bad else self._theme.quiet_text), text)
        added.setObjectName(f"{action}Action")
        added.setData(action)
        if key is not None:
            added.setShortcut(QKeySequence(key))
        added.triggered.connect(self._picked)

    def _picked(self) -> None:
        sender = self.sender()
        if isinstance(sender, QAction):
            self._do(str(sender.data()))
