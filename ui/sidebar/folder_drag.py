"""Drag and drop of conversations and folders in the sidebar's list."""

from __future__ import annotations

import json

from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QDrag, QDropEvent
from PySide6.QtWidgets import QApplication, QListView

from ui.sidebar.row_delegate import RowDelegate
from ui.sidebar.row_model import FolderRow, RowModel

MIME_TYPE = "application/x-apus-chat-conversations"
"""JSON: the ids of conversations, or an object with the id of a ``folder``."""
EDGE = 4
"""A folder that is dropped in this part of another one at its upper or lower edge is put beside it."""


class FolderDrag(QObject):
    """Finds what a drop means, and emits it."""

    conversations_dropped = Signal(str, tuple)
    """Id of a folder, or an empty string for none, and the ids of the conversations."""
    folder_dropped = Signal(str, str, int)
    """Id of the folder, that of its new parent or an empty string, and the place there or -1 for the last."""

    def __init__(self, view: QListView, delegate: RowDelegate, rows: RowModel) -> None:
        super().__init__(view)
        self._view, self._delegate, self._rows = view, delegate, rows

    def start(self, conversation_ids: tuple[str, ...], folder: FolderRow | None) -> None:
        """Drag these conversations or this folder until they are dropped."""
        dragged = {"folder": folder.folder.id} if folder is not None else list(conversation_ids)
        if not dragged:
            return
        drag, content = QDrag(self._view), QMimeData()
        content.setData(MIME_TYPE, json.dumps(dragged).encode())
        drag.setMimeData(content)
        drag.setPixmap(self._view.grab(self._view.visualRect(self._view.currentIndex())))
        drag.exec(Qt.DropAction.MoveAction)
        self.mark(None)
        # The view takes the row where the drag ended for the one below the pointer.
        QApplication.sendEvent(self._view.viewport(), QEvent(QEvent.Type.Leave))

    def move(self, event: QDropEvent) -> None:
        """Accept what can be dropped here, and mark the folder that it would be in, or the heading outside of all."""
        dragged = _dragged(event)
        if dragged is None:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.MoveAction)
        event.accept()
        position = event.position().toPoint()
        if isinstance(dragged, str):
            parent_id, _place = self._place_of(dragged, position)
        else:
            parent_id = self._folder_at(position)
        row = self._rows.row_of_folder(parent_id)
        if not parent_id and not isinstance(dragged, str) and any(map(self._is_in_folder, dragged)):
            row = self._rows.first_heading()
        self.mark(None if row is None else self._rows.index(row))

    def drop(self, event: QDropEvent) -> None:
        """Emit what is to be moved where."""
        self.mark(None)
        dragged, position = _dragged(event), event.position().toPoint()
        if dragged is None:
            event.ignore()
            return
        # The source must not remove its rows.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if isinstance(dragged, str):
            self.folder_dropped.emit(dragged, *self._place_of(dragged, position))
        else:
            self.conversations_dropped.emit(self._folder_at(position), tuple(dragged))

    def mark(self, target: QModelIndex | None) -> None:
        """Mark the row that would contain what is dragged."""
        if target != self._delegate.drop_target:
            self._delegate.drop_target = target
            self._view.viewport().update()

    def _is_in_folder(self, conversation_id: str) -> bool:
        row = self._rows.row_of(conversation_id)
        return row is not None and self._rows.folder_at(row) is not None

    def _folder_at(self, position: QPoint) -> str:
        index = self._view.indexAt(position)
        folder = self._rows.folder_at(index.row()) if index.isValid() else None
        return folder.id if folder is not None else ""

    def _place_of(self, folder_id: str, position: QPoint) -> tuple[str, int]:
        """Return parent and place of a folder that is dropped here: in, before or after the one there."""
        index = self._view.indexAt(position)
        target = self._rows.folder_at(index.row()) if index.isValid() else None
        if target is None or target.id == folder_id:
            return "", -1
        parent_id = target.parent_id or ""
        siblings = [each.id for each in self._rows.folders if (each.parent_id or "") == parent_id]
        siblings = [each for each in siblings if each != folder_id]
        rect = self._view.visualRect(index)
        from_top, is_row = position.y() - rect.top(), self._rows.is_folder(index.row())
        has_children = any(each.parent_id == folder_id for each in self._rows.folders)
        is_below = from_top > rect.height() / 2
        if has_children and parent_id:
            # Only the parent can be beside it.
            return "", -1
        if is_row and rect.height() // EDGE <= from_top <= rect.height() - rect.height() // EDGE and not has_children:
            return (parent_id or target.id), -1
        return parent_id, siblings.index(target.id) + (is_below if is_row else 1)


def _dragged(event: QDropEvent) -> str | list[str] | None:
    """Return the id of a folder, or the ids of conversations; None for anything else."""
    content = bytes(event.mimeData().data(MIME_TYPE).data())
    dragged: dict[str, str] | list[str] | None = json.loads(content) if content else None
    return dragged["folder"] if isinstance(dragged, dict) else dragged
