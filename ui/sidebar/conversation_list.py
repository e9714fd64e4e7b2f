"""The list in the sidebar: its rows under their headings, several chosen at once, keys, and the editor for a title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from app.conversation import Conversation, SearchHit
from ui.sidebar.row_delegate import HEADING_ROLE, HIT_ROLE, ID_ROLE, MESSAGE_ROLE, PINNED_ROLE, RowDelegate
from ui.widgets.theme import Theme

LIST, ARCHIVE, BIN, HITS = "list", "archive", "bin", "hits"
_MORE = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier


@dataclass(frozen=True)
class Content:
    """What the list is to show: conversations on one of its shelves, or what a search found."""

    shelf: str
    conversations: Sequence[Conversation] = ()
    hits: Sequence[SearchHit] = ()


class ConversationList(QListWidget):
    """Rows of conversations or hits.  Ids that are told are those of all chosen rows."""

    opened = Signal(str, str)
    """Conversation id, and the message id of a hit or an empty string."""
    rename_done = Signal(str, str)
    removal_wanted = Signal()
    choice_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("conversationList")
        self.rows = RowDelegate(theme, self)
        self.setItemDelegate(self.rows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._content = Content(LIST)
        self._waiting: Content | None = None
        self._today = date.today()
        self._choosing_more = False
        self.rows.title_edited.connect(self.rename_done)
        # Queued: the editor is still there while it tells.
        self.rows.closeEditor.connect(self._after_editing, Qt.ConnectionType.QueuedConnection)
        self.itemClicked.connect(self._on_click)
        self.itemActivated.connect(self._open)
        self.itemSelectionChanged.connect(self.choice_changed)

    @property
    def content(self) -> Content:
        """What is shown."""
        return self._content

    def show_content(self, content: Content) -> None:
        """Show this; what was chosen stays so, and a title that is being edited is not disturbed."""
        if self.state() == QAbstractItemView.State.EditingState:
            self._waiting = content
            return
        self._waiting = None
        chosen = set(self.chosen()) if content.shelf == self._content.shelf else set()
        place = self.verticalScrollBar().value() if content.shelf == self._content.shelf else 0
        self._content = content
        self._today = date.today()
        self.blockSignals(True)
        self.clear()
        if content.shelf == HITS:
            for hit in content.hits:
                self._add(hit.title, hit.conversation_id, hit)
        else:
            self._add_conversations(content)
        self._choose(chosen if len(chosen) > 1 else set())
        self.blockSignals(False)
        self.verticalScrollBar().setValue(place)
        self.choice_changed.emit()

    def mark_open(self, conversation_id: str | None) -> None:
        """Show which conversation is open; it is the chosen one, unless several are."""
        self.rows.open_id = conversation_id
        self.viewport().update()
        if len(self.chosen()) > 1:
            return
        for row in range(self.count()):
            item = self.item(row)
            if item.data(ID_ROLE) is not None and item.data(ID_ROLE) == conversation_id:
                if item is not self.currentItem() or not item.isSelected():
                    self.setCurrentItem(item)
                return
        self.setCurrentRow(-1)

    def chosen(self) -> tuple[str, ...]:
        """The ids of the chosen conversations, from the top down, each once."""
        rows = sorted(self.row(item) for item in self.selectedItems())
        return tuple(dict.fromkeys(self.item(row).data(ID_ROLE) for row in rows))

    def choose_one(self) -> None:
        """Choose the open conversation alone, or none."""
        self.clearSelection()
        self.mark_open(self.rows.open_id)

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The conversation of this id, if it is shown."""
        return next((each for each in self._content.conversations if each.id == conversation_id), None)

    def edit_title(self, conversation_id: str) -> None:
        """Open the editor for a title."""
        for row in range(self.count()):
            item = self.item(row)
            if item.data(ID_ROLE) == conversation_id and item.flags() & Qt.ItemFlag.ItemIsEditable:
                self.setCurrentItem(item)
                self.editItem(item)
                return

    def open_first(self) -> None:
        """Open the topmost row."""
        for row in range(self.count()):
            if self.item(row).data(ID_ROLE):
                self._open(self.item(row))
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F2 renames, Delete deletes."""
        item = self.currentItem()
        if item is not None and event.key() == Qt.Key.Key_F2:
            self.edit_title(item.data(ID_ROLE))
        elif self.chosen() and event.matches(QKeySequence.StandardKey.Delete):
            self.removal_wanted.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Notice whether the click chooses more, and opens nothing."""
        self._choosing_more = bool(event.modifiers() & _MORE)
        super().mousePressEvent(event)

    def _on_click(self, item: QListWidgetItem) -> None:
        if not self._choosing_more:
            self._open(item)

    def _open(self, item: QListWidgetItem) -> None:
        if item.data(ID_ROLE) and self._content.shelf != BIN:
            self.opened.emit(item.data(ID_ROLE), item.data(MESSAGE_ROLE) or "")

    def _after_editing(self) -> None:
        if self._waiting is not None:
            self.show_content(self._waiting)
            self.mark_open(self.rows.open_id)

    def _add_conversations(self, content: Content) -> None:
        heading = None
        for conversation in content.conversations:
            group = self._group(conversation, content.shelf)
            if group != heading:
                heading = group
                self._add_heading(group)
            self._add(conversation.title, conversation.id, None, pinned=conversation.is_pinned)

    def _add(self, title: str, conversation_id: str, hit: SearchHit | None, *, pinned: bool = False) -> None:
        title = title or self.tr("Untitled")
        item = QListWidgetItem(title)
        item.setData(ID_ROLE, conversation_id)
        item.setData(HIT_ROLE, hit)
        item.setData(MESSAGE_ROLE, hit.message_id if hit else None)
        item.setData(PINNED_ROLE, pinned)
        item.setToolTip(title)
        if hit is not None:
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title}: {hit.snippet}")
        else:
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole, self.tr("{title}, pinned").format(title=title) if pinned else title
            )
            if self._content.shelf != BIN:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        self.addItem(item)

    def _add_heading(self, text: str) -> None:
        item = QListWidgetItem(text)
        item.setData(HEADING_ROLE, True)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.addItem(item)

    def _choose(self, conversation_ids: set[str]) -> None:
        for row in range(self.count()):
            if self.item(row).data(ID_ROLE) in conversation_ids:
                self.item(row).setSelected(True)

    def _group(self, conversation: Conversation, shelf: str) -> str:
        if shelf == LIST and conversation.is_pinned:
            return self.tr("Pinned")
        times = {ARCHIVE: conversation.archived_at, BIN: conversation.deleted_at}
        time: datetime = times.get(shelf) or conversation.updated_at
        day = time.astimezone().date()
        if day >= self._today:
            return self.tr("Today")
        if day == self._today - timedelta(days=1):
            return self.tr("Yesterday")
        if day > self._today - timedelta(days=7):
            return self.tr("Previous 7 days")
        return self.tr("Earlier")
