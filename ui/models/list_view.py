"""List view of the models page; rows change in place, which keeps selection and scroll position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from ui.models.row_delegate import KEY_ROLE, ROW_ROLE, ModelRowDelegate
from ui.models.row_text import Heading, ListItem, RowText, row_text

Index = QModelIndex | QPersistentModelIndex
KeyedItem = tuple[str, ListItem]
"""Key of a row and its item; a heading has no key."""


class _ItemModel(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[KeyedItem] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (as Qt declares it)
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        key, item = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row_text(item).title
            case Qt.ItemDataRole.AccessibleTextRole:
                return row_text(item).spoken()
            case _ if role == ROW_ROLE:
                return row_text(item)
            case _ if role == KEY_ROLE:
                return key
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self.rows[index.row()][1], Heading):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def replace(self, rows: Sequence[KeyedItem]) -> bool:
        """Set the rows; return whether rows were added or removed."""
        if [key for key, _ in rows] == [key for key, _ in self.rows]:
            for at, each in enumerate(rows):
                if each != self.rows[at]:
                    self.rows[at] = each
                    self.dataChanged.emit(self.index(at), self.index(at))
            return False
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()
        return True


class ModelList(QListView):
    """List of rows with a button each."""

    current_changed = Signal(str)
    """Key of the new current row, empty for none."""
    activated_button = Signal(str)
    """A row's button was pressed, or Enter on the row; its key."""
    double_clicked = Signal(str)
    """Key of the row."""
    menu_requested = Signal(QPoint)
    """For the current row, at a global position."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._model = _ItemModel(self)
        self._delegate = ModelRowDelegate(self)
        self._pressed_pill = ""
        self._notified = ""
        self._is_replacing = False
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(20)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMouseTracking(True)

    def show_items(self, rows: Sequence[KeyedItem], key: str = "") -> None:
        """Set the rows.

        The current row becomes the one with ``key``, by default the one before; where it is gone, the nearest.
        """
        before, scrolled = self.currentIndex().row(), self.verticalScrollBar().value()
        key = key or self.key()
        self._is_replacing = True
        if self._model.replace(rows):
            self._delegate.hovered_pill = -1
        self._is_replacing = False
        if self.key() != key or not key:
            keys = [each for each, _ in rows]
            at = keys.index(key) if key and key in keys else self._nearest(before)
            self.setCurrentIndex(self._model.index(at) if at >= 0 else QModelIndex())
        self.verticalScrollBar().setValue(scrolled)
        self._notify()

    def key(self) -> str:
        """Return the key of the current row; empty where there is none."""
        index = self.currentIndex()
        return str(index.data(KEY_ROLE)) if index.isValid() else ""

    def set_key(self, key: str) -> bool:
        """Make the row with this key the current one; return false where there is none."""
        at = next((at for at, (each, _) in enumerate(self._model.rows) if each and each == key), -1)
        if at >= 0:
            self.setCurrentIndex(self._model.index(at))
            self.scrollTo(self._model.index(at))
        return at >= 0

    def rows(self) -> dict[str, RowText]:
        """Return the texts of all rows by key."""
        return {key: row_text(item) for key, item in self._model.rows if key}

    def retranslate(self) -> None:
        """Lay out the rows for the current language."""
        self._delegate.measure()
        self.scheduleDelayedItemsLayout()

    def _nearest(self, row: int) -> int:
        """Return the selectable row nearest to this one; -1 where there is none."""
        selectable = [at for at, (key, _) in enumerate(self._model.rows) if key]
        return (
            min(selectable, key=lambda at: (abs(at - row), at), default=-1) if row >= 0 else next(iter(selectable), -1)
        )

    def _notify(self) -> None:
        if not self._is_replacing and self.key() != self._notified:
            self._notified = self.key()
            self.current_changed.emit(self._notified)

    def _pill_at(self, point: QPoint) -> tuple[int, str]:
        index = self.indexAt(point)
        if index.isValid() and self._delegate.pill_at(self.visualRect(index), index.data(ROW_ROLE), point):
            return index.row(), str(index.data(KEY_ROLE))
        return -1, ""

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Emit ``current_changed``."""
        super().currentChanged(current, previous)
        self._notify()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the current row visible where the list became shorter."""
        visible = self.viewport().rect().adjusted(0, 0, 0, max(0, event.oldSize().height() - event.size().height()))
        current = self.currentIndex()
        was_visible = current.isValid() and visible.intersects(self.visualRect(current))
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()
        if was_visible and event.size().height() < event.oldSize().height():
            QTimer.singleShot(0, self, lambda: self.scrollTo(self.currentIndex()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Highlight the button under the pointer."""
        row, _ = self._pill_at(event.position().toPoint())
        self._hover(row)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the highlight."""
        self._hover(-1)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the pressed button; it is activated on release."""
        self._pressed_pill = ""
        if event.button() == Qt.MouseButton.LeftButton:
            _, self._pressed_pill = self._pill_at(event.position().toPoint())
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Activate the button on which the mouse was pressed."""
        _, key = self._pill_at(event.position().toPoint())
        super().mouseReleaseEvent(event)
        pressed, self._pressed_pill = self._pressed_pill, ""
        if key and key == pressed and event.button() == Qt.MouseButton.LeftButton:
            self.activated_button.emit(key)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Count as two presses on a button; elsewhere emit ``double_clicked``."""
        point = event.position().toPoint()
        _, key = self._pill_at(point)
        if key or event.button() != Qt.MouseButton.LeftButton:
            self.mousePressEvent(event)
            return
        index = self.indexAt(point)
        if index.isValid() and index.data(KEY_ROLE):
            self.double_clicked.emit(index.data(KEY_ROLE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Activate the row's button on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.key():
            self.activated_button.emit(self.key())
            event.accept()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Request the menu of the row under the pointer, or of the current row from the keyboard."""
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            index, place = self.indexAt(event.pos()), event.globalPos()
        else:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.visualRect(index).center())
        if index.isValid() and index.data(KEY_ROLE):
            self.setCurrentIndex(index)
            self.menu_requested.emit(place)
        event.accept()

    def _hover(self, row: int) -> None:
        if row != self._delegate.hovered_pill:
            self._delegate.hovered_pill = row
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if row >= 0 else Qt.CursorShape.ArrowCursor)
            self.viewport().update()
