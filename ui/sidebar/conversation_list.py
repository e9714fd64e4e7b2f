"""List in the sidebar: conversations under headings, or search results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from app.conversation import DocumentHit, SearchHit, Shelf
from ui.sidebar.folder_drag import FolderDrag
from ui.sidebar.row_delegate import RowDelegate
from ui.sidebar.row_model import FolderRow, Found, Heading, Index, Mark, MoreHits, RowModel

if TYPE_CHECKING:
    from app.store.store import ConversationStore

_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
_EXTENDS_SELECTION = Qt.KeyboardModifier.ShiftModifier | _COMMAND


class ConversationList(QListView):
    """The list, with extended selection and an editor for titles."""

    opened = Signal(str, str)
    """Conversation id, and the message id of a search result or an empty string."""
    delete_requested = Signal()
    """Of the selected conversations."""
    text_typed = Signal(str)
    """Text was typed, which the list has no use for."""
    selection_changed = Signal()
    folder_opened = Signal(str)
    """Id of a folder that a search has found."""
    document_opened = Signal(DocumentHit)
    folder_toggled = Signal(str, bool)
    """Id of a folder, and whether it is to be expanded."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("conversationList")
        self.rows = RowModel()
        self.setModel(self.rows)
        self.delegate = RowDelegate(self, self.rows)
        self.setItemDelegate(self.delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.drag = FolderDrag(self, self.delegate, self.rows)
        self._shelf: Shelf | None = None
        """None for search results."""
        self._extends_selection = False
        self._pressed_menu = QModelIndex()
        """Row whose menu button is pressed."""
        self._opened: object = None
        """Key of the row that was opened last."""
        self.setMouseTracking(True)
        self.clicked.connect(self._on_click)
        self.activated.connect(self._open)
        self.selectionModel().selectionChanged.connect(lambda *_: self.selection_changed.emit())

    def show_shelf(self, store: ConversationStore, shelf: Shelf, changed: str | None = None) -> None:
        """Show a shelf as it is stored now; selection and scroll position are kept where it was shown before.

        ``changed``: id of the only conversation that has changed.

        Raises:
            UserError: as the store does.
        """
        self._replace(shelf, partial(self.rows.show_shelf, store, shelf, changed))

    def show_results(self, found: Sequence[Found], folders: Sequence[FolderRow | DocumentHit] = ()) -> None:
        """Show the results of a search; selection and scroll position are kept where others were shown before."""
        self._replace(None, partial(self.rows.show_results, found, folders))

    def show_folders(self, store: ConversationStore) -> None:
        """Show the folders as they are stored now.

        Raises:
            UserError: as the store does.
        """
        if self._shelf is Shelf.CONVERSATIONS:
            self._replace(self._shelf, partial(self.rows.show_folders, store))

    def is_editing(self) -> bool:
        """Return whether a title is being edited; the rows must not be replaced then."""
        return self.state() == QAbstractItemView.State.EditingState

    def mark_open(self, conversation_id: str | None) -> None:
        """Mark the open conversation; it is also selected, unless several are or a search hit of it is."""
        self.delegate.open_id = conversation_id
        self.viewport().update()
        selected = self._selected_rows()
        if len(selected) > 1:
            return
        if selected and self.rows.conversation_id(selected[0]) == conversation_id:
            return
        row = self.rows.row_of(conversation_id)
        if row is None:
            self.selectionModel().clear()
        else:
            self.setCurrentIndex(self.rows.index(row))

    def show_several(self, has_several: bool) -> None:
        """Set whether several conversations are selected, beside which the open one is marked no longer."""
        if has_several != self.delegate.has_several:
            self.delegate.has_several = has_several
            self.viewport().update()

    def show_marks(self, marks: Mapping[str, Mark]) -> None:
        """Mark conversations with answers that run, wait or are new, by their ids."""
        if marks != self.rows.marks:
            self.rows.marks = marks
            self.viewport().update()

    def selected_count(self) -> int:
        """Return the number of selected conversations, without reading those of a shelf."""
        return len(self.selected_ids() if self._shelf is None else self._selected_conversations())

    def selected_ids(self) -> tuple[str, ...]:
        """Return the ids of the selected conversations from the top down, each once."""
        rows = self._selected_conversations()
        self.rows.read(rows)
        ids = map(self.rows.conversation_id, rows)
        return tuple(dict.fromkeys(id_ for id_ in ids if id_ is not None))

    def are_pinned(self) -> bool:
        """Return whether all selected conversations are pinned."""
        return self.rows.are_pinned(self._selected_conversations())

    def selected_folder(self) -> FolderRow | None:
        """Return the selected folder, where nothing else is selected."""
        selected = self._selected_rows()
        row = self.rows.row(selected[0]) if len(selected) == 1 else None
        return row if isinstance(row, FolderRow) else None

    def folder_of_selected(self) -> str | None:
        """Return the id of the folder of the selected conversation, or an empty string; None where several are."""
        if self.selected_count() != 1:
            return None
        folder = self.rows.folder_at(self._selected_conversations()[0])
        return "" if folder is None else folder.id

    def select_folder(self, folder_id: str) -> None:
        """Select a folder, with the focus in the list."""
        row = self.rows.row_of_folder(folder_id)
        if row is not None:
            self.setFocus()
            self.setCurrentIndex(self.rows.index(row))

    def edit_folder(self, folder_id: str) -> None:
        """Open the editor for the name of a folder."""
        self.select_folder(folder_id)
        if self.rows.row_of_folder(folder_id) is not None:
            self.edit_title()

    def setCurrentIndex(self, index: Index) -> None:
        """Select a row alone; ``QListView`` would add it to the selection while Ctrl of a shortcut is held."""
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def select_open(self) -> None:
        """Select the open conversation alone, or none."""
        self.clearSelection()
        self.mark_open(self.delegate.open_id)

    def edit_title(self) -> None:
        """Open the editor for the title of the current conversation."""
        index = self.currentIndex()
        if index.isValid() and index.flags() & Qt.ItemFlag.ItemIsEditable:
            self.edit(index)

    def move_selection(self, step: int) -> None:
        """Select the next row in the direction of ``step`` that can be selected."""
        row = self._selected_row(-1 if step > 0 else self.rows.rowCount()) + step
        while 0 <= row < self.rows.rowCount():
            if self.rows.key(row) is not None:
                self.setCurrentIndex(self.rows.index(row))
                return
            row += step

    def open_hit(self, step: int) -> None:
        """Open the selected search hit, or where that is open the next one in the direction of ``step``."""
        row = self._selected_row(-1)
        if isinstance(self.rows.row(row) if row >= 0 else None, MoreHits):
            self._open(self.rows.index(row))
            return
        hits = self.rows.hit_rows()
        if row not in hits or self.rows.key(row) == self._opened:
            later = [each for each in hits if (each - row) * step > 0]
            hits = later or hits
            row = hits[0 if step > 0 else -1] if hits else -1
        if row >= 0:
            self.setCurrentIndex(self.rows.index(row))
            self._open(self.rows.index(row))

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Paint changed rows again; ``QListView`` would lay out all rows again, even where they are equally high."""
        view = QAbstractItemView if self.uniformItemSizes() else QListView
        view.dataChanged(self, first, last, list(roles))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Rename on F2, delete on Delete, open the menu on Shift+F10, and pass typed text on."""
        text = event.text()
        if event.key() == Qt.Key.Key_F2:
            self.edit_title()
        elif event.matches(QKeySequence.StandardKey.Delete):
            self.delete_requested.emit()
        elif event.key() == Qt.Key.Key_F10 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._request_menu(self.currentIndex())
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers() & _EXTENDS_SELECTION:
            self._step_into(expand=event.key() == Qt.Key.Key_Right)
        elif text.strip() and text.isprintable() and not event.modifiers() & _COMMAND:
            self.text_typed.emit(text)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Press the menu button of a row, or track whether the click extends the selection: it opens nothing then."""
        index = self._menu_at(event.position().toPoint())
        if index.isValid() and event.button() is Qt.MouseButton.LeftButton:
            self._pressed_menu = index
            if not self.selectionModel().isSelected(index):
                self.setCurrentIndex(index)
            return
        self._extends_selection = bool(event.modifiers() & _EXTENDS_SELECTION)
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open the menu when its button is released."""
        index, self._pressed_menu = self._pressed_menu, QModelIndex()
        if not index.isValid():
            super().mouseReleaseEvent(event)
        elif index == self._menu_at(event.position().toPoint()):
            self._request_menu(index)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take the second click of a double click on the menu button or a folder as another click."""
        index = self.indexAt(event.position().toPoint())
        is_folder = index.isValid() and self.rows.is_folder(index.row())
        if is_folder or self._menu_at(event.position().toPoint()).isValid():
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show whether the mouse is over the menu button."""
        self._move_pointer(event.position().toPoint())
        if not self._pressed_menu.isValid():
            super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Show the menu button without the mouse over it."""
        self._move_pointer(QPoint(-1, -1))
        super().leaveEvent(event)

    def _move_pointer(self, position: QPoint) -> None:
        before, self.delegate.pointer = self._menu_at(self.delegate.pointer), position
        for index in (before, self._menu_at(position)):
            self.update(index)

    def _menu_at(self, position: QPoint) -> QModelIndex:
        """Return the row whose menu button is at this position of the viewport; invalid for none."""
        index = self.indexAt(position)
        is_there = index.isValid() and self.delegate.menu_area(self.visualRect(index), index).contains(position)
        return index if is_there else QModelIndex()

    def _request_menu(self, index: QModelIndex) -> None:
        row = self.visualRect(index)
        button = self.delegate.menu_area(row, index)
        self.customContextMenuRequested.emit(row.center() if button.isEmpty() else button.bottomLeft())

    def startDrag(self, _actions: Qt.DropAction) -> None:
        """Drag the selected conversations, or the selected folder."""
        self.drag.start(self.selected_ids(), self.selected_folder())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: D102
        self.drag.move(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: D102
        super().dragMoveEvent(event)
        self.drag.move(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: D102
        super().dragLeaveEvent(event)
        self.drag.mark(None)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: D102
        self.drag.drop(event)

    def _step_into(self, *, expand: bool) -> None:
        """Expand or collapse the current folder; from a row in a folder, go to its folder, and on to the first row."""
        current = self.currentIndex().row()
        row = self.rows.row(current) if current >= 0 else None
        if isinstance(row, FolderRow) and row.folder.is_expanded != expand and not row.is_result:
            self.folder_toggled.emit(row.folder.id, expand)
            return
        folder = self.rows.folder_at(current) if current >= 0 else None
        parent_id = folder.id if folder is not None and not isinstance(row, FolderRow) else None
        if isinstance(row, FolderRow):
            parent_id = row.folder.parent_id
        target = self.rows.row_of_folder(parent_id) if parent_id is not None and not expand else None
        if isinstance(row, FolderRow) and expand:
            target = current + 1
        if target is not None:
            self.setCurrentIndex(self.rows.index(target))

    def _replace(self, shelf: Shelf | None, fill: Callable[[], None]) -> None:
        keys: set[object] = set()
        position = 0
        if shelf == self._shelf:
            keys = {self.rows.key(row) for row in self._selected_rows()}
            position = self.verticalScrollBar().value()
        fill()
        if shelf is None or shelf != self._shelf:
            # Rows of results have several heights; on a shelf the view asks for that of one row instead of thousands.
            self.setUniformItemSizes(shelf is not None)
            self.scheduleDelayedItemsLayout()
        self._shelf = shelf
        if rows := self.rows.rows_with(keys):
            self._select(rows)
        else:
            # The places of rows that are gone would stay selected.
            self.selectionModel().clear()
            if shelf is not None:
                self.mark_open(self.delegate.open_id)
        self.executeDelayedItemsLayout()
        self.verticalScrollBar().setValue(position)
        self.selection_changed.emit()

    def _select(self, rows: Sequence[int]) -> None:
        if len(rows) == 1:
            self.setCurrentIndex(self.rows.index(rows[0]))
            return
        selection = QItemSelection()
        # One range for each run of neighbours: the view compares each row it paints with all ranges.
        begins = [row for row, before in zip(rows, [-1, *rows], strict=False) if row != before + 1]
        ends = [row for row, after in zip(rows, [*rows[1:], -1], strict=True) if row != after - 1]
        for begin, end in zip(begins, ends, strict=True):
            selection.select(self.rows.index(begin), self.rows.index(end))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _selected_row(self, default: int) -> int:
        """Return the current row where it is selected."""
        index = self.currentIndex()
        return index.row() if self.selectionModel().isSelected(index) else default

    def _selected_rows(self) -> list[int]:
        """Return the selected rows from the top down; headings between them are not among them."""
        ranges = [(each.top(), each.bottom()) for each in self.selectionModel().selection().toList()]
        return sorted(row for top, bottom in ranges for row in range(top, bottom + 1) if self.rows.key(row) is not None)

    def _selected_conversations(self) -> list[int]:
        """Return the selected rows without folders."""
        return [row for row in self._selected_rows() if not self.rows.is_folder(row)]

    def _on_click(self, index: QModelIndex) -> None:
        if not self._extends_selection:
            self._open(index)

    def _open(self, index: QModelIndex) -> None:
        row = self.rows.row(index.row())
        if isinstance(row, FolderRow):
            if row.is_result:
                self.folder_opened.emit(row.folder.id)
            else:
                self.folder_toggled.emit(row.folder.id, not row.folder.is_expanded)
            return
        if isinstance(row, DocumentHit):
            self.document_opened.emit(row)
            return
        if isinstance(row, MoreHits):
            self._replace(None, partial(self.rows.expand, row.conversation_id))
            # The first hit that was not shown has taken its place.
            self.setCurrentIndex(self.rows.index(index.row()))
            return
        hit = row.hits[0] if isinstance(row, Found) and row.hits else row
        self._opened = self.rows.key(index.row())
        conversation_id = self.rows.conversation_id(index.row())
        if conversation_id is not None and self._shelf is not Shelf.TRASH and not isinstance(row, Heading):
            message_id = hit.message_id if isinstance(hit, SearchHit) else None
            self.opened.emit(conversation_id, message_id or "")
