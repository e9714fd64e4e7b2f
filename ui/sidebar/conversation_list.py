"""List in the sidebar: conversations under headings, or search results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from app.conversation import Conversation, SearchHit
from ui.sidebar.row_delegate import ID_ROLE, ROW_ROLE, RowDelegate

_EXTENDS_SELECTION = (
    Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
)


class ListMode(StrEnum):
    """What the list shows."""

    CONVERSATIONS = "conversations"
    ARCHIVE = "archive"
    TRASH = "trash"
    RESULTS = "results"
    """Results of a search."""


class ConversationList(QListWidget):
    """The list, with extended selection and an editor for titles."""

    opened = Signal(str, str)
    """Conversation id, and the message id of a search result or an empty string."""
    delete_requested = Signal()
    """Of the selected conversations."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("conversationList")
        self.delegate = RowDelegate(self)
        self.setItemDelegate(self.delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._shelf = ListMode.CONVERSATIONS
        self._postponed: tuple[ListMode, Sequence[Conversation | SearchHit]] | None = None
        self._extends_selection = False
        # Queued: the editor still exists when the signal is emitted.
        self.delegate.closeEditor.connect(self._show_postponed, Qt.ConnectionType.QueuedConnection)
        self.itemClicked.connect(self._on_click)
        self.itemActivated.connect(self._open)

    def show_rows(self, shelf: ListMode, rows: Sequence[Conversation | SearchHit]) -> None:
        """Show conversations or search results; the selection and the scroll position of the same shelf are kept.

        While a title is being edited, this waits for the end of that.
        """
        if self.state() == QAbstractItemView.State.EditingState:
            self._postponed = shelf, rows
            return
        self._postponed = None
        is_same = shelf == self._shelf
        selected = self.selected_ids() if is_same else ()
        position = self.verticalScrollBar().value() if is_same else 0
        self._shelf = shelf
        self.blockSignals(True)
        self.clear()
        heading = None
        today = date.today()
        for row in rows:
            if isinstance(row, Conversation) and (group := self._group(row, today)) != heading:
                heading = group
                self._add_heading(group)
            self._add(row)
        for item in self._items():
            item.setSelected(len(selected) > 1 and item.data(ID_ROLE) in selected)
        self.blockSignals(False)
        self.verticalScrollBar().setValue(position)
        self.itemSelectionChanged.emit()

    def mark_open(self, conversation_id: str | None) -> None:
        """Mark the open conversation; it is also selected, unless several are."""
        self.delegate.open_id = conversation_id
        self.viewport().update()
        if len(self.selected_ids()) > 1:
            return
        item = next((each for each in self._items() if each.data(ID_ROLE) == conversation_id), None)
        if item is None:
            self.setCurrentRow(-1)
        elif item is not self.currentItem() or not item.isSelected():
            self.setCurrentItem(item)

    def selected(self) -> dict[str, Conversation | SearchHit]:
        """Return the selected rows from the top down, by the ids of their conversations."""
        places = sorted(self.row(item) for item in self.selectedItems())
        return {item.data(ID_ROLE): item.data(ROW_ROLE) for item in map(self.item, places)}

    def selected_ids(self) -> tuple[str, ...]:
        """Return the ids of the selected conversations from the top down, each once."""
        return tuple(self.selected())

    def select_open(self) -> None:
        """Select the open conversation alone, or none."""
        self.clearSelection()
        self.mark_open(self.delegate.open_id)

    def edit_title(self, conversation_id: str) -> None:
        """Open the editor for a title."""
        for item in self._items():
            if item.data(ID_ROLE) == conversation_id and item.flags() & Qt.ItemFlag.ItemIsEditable:
                self.setCurrentItem(item)
                self.editItem(item)
                return

    def open_first(self) -> None:
        """Open the first row."""
        item = next(self._items(), None)
        if item is not None:
            self._open(item)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Rename on F2, delete on Delete."""
        item = self.currentItem()
        if item is not None and event.key() == Qt.Key.Key_F2:
            self.edit_title(item.data(ID_ROLE))
        elif self.selected_ids() and event.matches(QKeySequence.StandardKey.Delete):
            self.delete_requested.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Track whether the click extends the selection: it opens nothing then."""
        self._extends_selection = bool(event.modifiers() & _EXTENDS_SELECTION)
        super().mousePressEvent(event)

    def _on_click(self, item: QListWidgetItem) -> None:
        if not self._extends_selection:
            self._open(item)

    def _open(self, item: QListWidgetItem) -> None:
        row = item.data(ROW_ROLE)
        if row is not None and self._shelf != ListMode.TRASH:
            message_id = row.message_id if isinstance(row, SearchHit) else None
            self.opened.emit(item.data(ID_ROLE), message_id or "")

    def _show_postponed(self) -> None:
        if self._postponed is not None:
            self.show_rows(*self._postponed)
            self.mark_open(self.delegate.open_id)

    def _items(self) -> Iterator[QListWidgetItem]:
        """Iterate over the rows that are no headings."""
        items = (self.item(row) for row in range(self.count()))
        return (item for item in items if item.data(ID_ROLE) is not None)

    def _add(self, row: Conversation | SearchHit) -> None:
        title = row.title or self.tr("Untitled")
        item = QListWidgetItem(title)
        accessible = title
        if isinstance(row, SearchHit):
            item.setData(ID_ROLE, row.conversation_id)
            accessible = f"{title}: {row.snippet}"
        else:
            item.setData(ID_ROLE, row.id)
            if row.is_pinned:
                accessible = self.tr("{title}, pinned").format(title=title)
            if self._shelf != ListMode.TRASH:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        item.setData(ROW_ROLE, row)
        item.setToolTip(title)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, accessible)
        self.addItem(item)

    def _add_heading(self, text: str) -> None:
        item = QListWidgetItem(text)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.addItem(item)

    def _group(self, conversation: Conversation, today: date) -> str:
        """Return the heading of a conversation on its shelf."""
        if self._shelf == ListMode.CONVERSATIONS and conversation.is_pinned:
            return self.tr("Pinned")
        times = {ListMode.ARCHIVE: conversation.archived_at, ListMode.TRASH: conversation.deleted_at}
        day = (times.get(self._shelf) or conversation.updated_at).astimezone().date()
        if day >= today:
            return self.tr("Today")
        if day == today - timedelta(days=1):
            return self.tr("Yesterday")
        if day > today - timedelta(days=7):
            return self.tr("Previous 7 days")
        return self.tr("Earlier")
