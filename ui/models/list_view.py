"""The list of the models page: rows that change in place, so that neither selection nor scrolling is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from ui.models.row_delegate import KEY_ROLE, ROW_ROLE, ModelRowDelegate
from ui.models.rows import ModelRow

Index = QModelIndex | QPersistentModelIndex
KeyedRow = tuple[str, ModelRow]
"""What names a row, and what it shows; a heading has no name."""


class _Rows(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[KeyedRow] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (as Qt declares it)
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        key, row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.spoken()
            case _ if role == ROW_ROLE:
                return row
            case _ if role == KEY_ROLE:
                return key
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.rows[index.row()][1].is_heading:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def replace(self, rows: Sequence[KeyedRow]) -> bool:
        """Show these; whether rows came or went."""
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
    """Rows with a button each.  Its rows are as wide as it is."""

    chosen = Signal(str)
    """Another row is the current one; its name, empty for none."""
    acted = Signal(str)
    """The button of a row was pressed, or Enter on the row."""
    opened = Signal(str)
    """A row was pressed twice with the mouse."""
    menu_wanted = Signal(str, QPoint)
    """For the row with this name, at this place of the screen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._rows = _Rows(self)
        self._delegate = ModelRowDelegate(self)
        self._pressed_pill = ""
        self._told = ""
        self._is_replacing = False
        self.setModel(self._rows)
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(20)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMouseTracking(True)

    def show_rows(self, rows: Sequence[KeyedRow], wanted: str = "") -> None:
        """Show these, the current row staying what it is, or ``wanted``; else the first, or the one at its place."""
        before, scrolled = self.currentIndex().row(), self.verticalScrollBar().value()
        wanted = wanted or self.key()
        self._is_replacing = True
        if self._rows.replace(rows):
            self._delegate.hovered_pill = -1
        self._is_replacing = False
        if self.key() != wanted or not wanted:
            keys = [key for key, _ in rows]
            at = keys.index(wanted) if wanted and wanted in keys else self._near(before)
            self.setCurrentIndex(self._rows.index(at) if at >= 0 else QModelIndex())
        self.verticalScrollBar().setValue(scrolled)
        self._tell()

    def key(self) -> str:
        """The name of the current row; empty where there is none."""
        index = self.currentIndex()
        return str(index.data(KEY_ROLE)) if index.isValid() else ""

    def set_key(self, key: str) -> bool:
        """Make the row of this name the current one; false where there is none."""
        at = next((at for at, (each, _) in enumerate(self._rows.rows) if each and each == key), -1)
        if at >= 0:
            self.setCurrentIndex(self._rows.index(at))
            self.scrollTo(self._rows.index(at))
        return at >= 0

    def rows(self) -> dict[str, ModelRow]:
        """What is shown, by name."""
        return {key: row for key, row in self._rows.rows if key}

    def retranslate(self) -> None:
        """Make room for the words of another language."""
        self._delegate.measure()
        self.scheduleDelayedItemsLayout()

    def _near(self, row: int) -> int:
        """The row that can be current and lies nearest to this one."""
        able = [at for at, (key, _) in enumerate(self._rows.rows) if key]
        return min(able, key=lambda at: (abs(at - row), at), default=-1) if row >= 0 else next(iter(able), -1)

    def _tell(self) -> None:
        if not self._is_replacing and self.key() != self._told:
            self._told = self.key()
            self.chosen.emit(self._told)

    def _pill_at(self, point: QPoint) -> tuple[int, str]:
        index = self.indexAt(point)
        if index.isValid() and self._delegate.pill_at(self.visualRect(index), index.data(ROW_ROLE), point):
            return index.row(), str(index.data(KEY_ROLE))
        return -1, ""

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Tell of another row, and show all of it."""
        super().currentChanged(current, previous)
        self._tell()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the current row in sight where the list became shorter; rows are as wide as the list."""
        seen = self.viewport().rect().adjusted(0, 0, 0, max(0, event.oldSize().height() - event.size().height()))
        current = self.currentIndex()
        was_seen = current.isValid() and seen.intersects(self.visualRect(current))
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()
        if was_seen and event.size().height() < event.oldSize().height():
            QTimer.singleShot(0, self, lambda: self.scrollTo(self.currentIndex()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up the button under the pointer."""
        row, _ = self._pill_at(event.position().toPoint())
        self._hover(row)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """No button is under the pointer."""
        self._hover(-1)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A button acts when it is released where it was pressed."""
        self._pressed_pill = ""
        if event.button() == Qt.MouseButton.LeftButton:
            _, self._pressed_pill = self._pill_at(event.position().toPoint())
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Press the button."""
        _, key = self._pill_at(event.position().toPoint())
        super().mouseReleaseEvent(event)
        pressed, self._pressed_pill = self._pressed_pill, ""
        if key and key == pressed and event.button() == Qt.MouseButton.LeftButton:
            self.acted.emit(key)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Twice on a button is pressing it twice; anywhere else it opens the row."""
        point = event.position().toPoint()
        _, key = self._pill_at(point)
        if key or event.button() != Qt.MouseButton.LeftButton:
            self.mousePressEvent(event)
            return
        index = self.indexAt(point)
        if index.isValid() and index.data(KEY_ROLE):
            self.opened.emit(index.data(KEY_ROLE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter does what the row's button does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.key():
            self.acted.emit(self.key())
            event.accept()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """For the row under the pointer, or for the current one where the keyboard asked."""
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            index, place = self.indexAt(event.pos()), event.globalPos()
        else:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.visualRect(index).center())
        if index.isValid() and index.data(KEY_ROLE):
            self.setCurrentIndex(index)
            self.menu_wanted.emit(index.data(KEY_ROLE), place)
        event.accept()

    def _hover(self, row: int) -> None:
        if row != self._delegate.hovered_pill:
            self._delegate.hovered_pill = row
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if row >= 0 else Qt.CursorShape.ArrowCursor)
            self.viewport().update()
