"""Folders of conversations, nested one level, and the documents that all their conversations see."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from app.conversation import Attachment, DeletedFolder, DocumentHit, Folder, FolderContent, ShelfOrder
from app.store import shelves
from app.store.database import Database
from app.store.records import clean_text, column_value, columns_of, folder_of, insert_document, insert_folder
from app.store.search import search_documents
from model_manager.errors import UserError


class FolderChanges(TypedDict, total=False):
    """Fields of ``Folder`` that ``FolderStore.update_folder`` can set."""

    name: str
    is_expanded: bool
    instructions: str
    preset_id: str
    model_id: str | None


class FolderStore(Database):
    """The part of the store for folders.  All methods can raise ``UserError``: ``conversation_folder_missing`` (id)."""

    def folders(self) -> list[Folder]:
        """Return all folders in the order of the sidebar, each followed by those in it."""
        with self._connections.reading() as connection:
            return _folders(connection)

    def folder(self, folder_id: str) -> Folder:
        """Return a folder."""
        with self._connections.reading() as connection:
            return _find_folder(connection, folder_id)

    def folder_path(self, folder_id: str | None) -> tuple[Folder, ...]:
        """Return a folder below its parent; nothing for None or a folder that no longer exists."""
        with self._connections.reading() as connection:
            path: list[Folder] = []
            while (found := _read_folder(connection, folder_id)) is not None and len(path) < 2:
                path.insert(0, found)
                folder_id = found.parent_id
            return tuple(path)

    def folder_counts(self, *folder_ids: str) -> dict[str, int]:
        """Return how many conversations of the list are directly in each of these folders, where there are any."""
        with self._connections.reading() as connection:
            return shelves.count_in_folders(connection, folder_ids)

    def folder_order(self, folder_id: str | None, periods: Sequence[datetime] = ()) -> ShelfOrder:
        """Return the order of the list in one folder, or for None outside of all, as ``order``."""
        with self._connections.reading() as connection:
            return shelves.read_folder(connection, folder_id, periods)

    def find_folder(self, text: str) -> Folder:
        """Return the folder with this id, name or path (``Work/Reports``), the first of several.

        Raises ``UserError``: ``conversation_folder_missing`` (id).
        """
        with self._connections.reading() as connection:
            folders = {each.id: each for each in _folders(connection)}
        for each in folders.values():
            path = "/".join(parent.name for parent in (folders.get(each.parent_id or ""), each) if parent is not None)
            if text in (each.id, each.name, path):
                return each
        raise UserError("conversation_folder_missing", id=text)

    def add_folder(self, name: str, parent_id: str | None = None, *, id_: str | None = None) -> Folder:
        """Add a folder below the others.  Raises ``UserError``: ``folder_nested`` as ``move_folder``."""
        with self._connections.writing() as connection:
            _check_parent(connection, parent_id)
            position = len(_siblings(connection, parent_id))
            folder = Folder(id_ or str(uuid.uuid4()), clean_text(name), parent_id, position)
            insert_folder(connection, folder)
            return folder

    def update_folder(self, folder_id: str, **changes: Unpack[FolderChanges]) -> None:
        """Change fields of a folder."""
        columns = columns_of(dict(changes))
        assignments = ", ".join(f"{column} = ?" for column in columns)
        with self._connections.writing() as connection:
            _find_folder(connection, folder_id)
            connection.execute(f"UPDATE folders SET {assignments} WHERE id = ?", (*columns.values(), folder_id))

    def move_folder(self, folder_id: str, parent_id: str | None, position: int | None = None) -> None:
        """Move a folder into another one, or out of it, to a place among those there; the last for None.

        Raises ``UserError``: ``folder_nested``: the parent is in a folder itself, or the folder contains others.
        """
        with self._connections.writing() as connection:
            _find_folder(connection, folder_id)
            _check_parent(connection, parent_id)
            if parent_id is not None and (parent_id == folder_id or _siblings(connection, folder_id)):
                raise UserError("folder_nested")
            siblings = [each for each in _siblings(connection, parent_id) if each != folder_id]
            siblings.insert(len(siblings) if position is None else position, folder_id)
            connection.execute("UPDATE folders SET parent_id = ? WHERE id = ?", (parent_id, folder_id))
            _number(connection, siblings)

    def move_to_folder(self, folder_id: str | None, *conversation_ids: str) -> dict[str, str | None]:
        """Move conversations into a folder, or out of all for None.

        Returns the folders of those that were moved, by their ids.
        """
        moved: dict[str, str | None] = {}
        with self._connections.writing() as connection:
            if folder_id is not None:
                _find_folder(connection, folder_id)
            for id_ in conversation_ids:
                row = connection.execute("SELECT folder_id FROM conversations WHERE id = ?", (id_,)).fetchone()
                if row is not None and row[0] != folder_id:
                    moved[id_] = row[0]
                    connection.execute("UPDATE conversations SET folder_id = ? WHERE id = ?", (folder_id, id_))
        return moved

    def delete_folder(self, folder_id: str, *, with_conversations: bool = False) -> DeletedFolder:
        """Delete a folder; its conversations and folders move to where it was.

        ``with_conversations``: the folders in it are deleted too, and the conversations are moved to the trash.
        """
        with self._connections.writing() as connection:
            folder = _find_folder(connection, folder_id)
            children = [each for each in _folders(connection) if each.parent_id == folder_id]
            deleted = [folder, *children] if with_conversations else [folder]
            moved, trashed = {}, []
            documents: dict[int, tuple[str, Attachment]] = {}
            for each in reversed(deleted):
                rows = connection.execute("SELECT id, deleted_at FROM conversations WHERE folder_id = ?", (each.id,))
                found = {row[0]: row[1] for row in rows}
                moved.update(dict.fromkeys(found, each.id))
                if with_conversations:
                    trashed += [id_ for id_, deleted_at in found.items() if deleted_at is None]
                documents |= {n: (each.id, document) for n, document in _documents(connection, each.id).items()}
            if with_conversations:
                now = column_value(datetime.now(UTC))
                connection.executemany(
                    "UPDATE conversations SET deleted_at = ? WHERE id = ?", [(now, id_) for id_ in trashed]
                )
            connection.executemany(
                "UPDATE conversations SET folder_id = ? WHERE folder_id = ?",
                [(folder.parent_id, each.id) for each in deleted],
            )
            kept = [] if with_conversations else [each.id for each in children]
            siblings = _siblings(connection, folder.parent_id)
            place = siblings.index(folder_id)
            connection.execute(
                "UPDATE folders SET parent_id = NULL WHERE parent_id = ? AND NOT ?", (folder_id, with_conversations)
            )
            for each in reversed(deleted):
                connection.execute("DELETE FROM folders WHERE id = ?", (each.id,))
            _number(connection, [*siblings[:place], *kept, *siblings[place + 1 :]])
        self.on_delete(tuple(trashed))
        return DeletedFolder(tuple(deleted), documents, moved, tuple(kept), tuple(trashed))

    def restore_folder(self, deleted: DeletedFolder) -> None:
        """Undo ``delete_folder``."""
        with self._connections.writing() as connection:
            folder = deleted.folders[0]
            parent_id = folder.parent_id if _read_folder(connection, folder.parent_id) is not None else None
            siblings = [each for each in _siblings(connection, parent_id) if each not in deleted.children]
            for each in (replace(folder, parent_id=parent_id), *deleted.folders[1:]):
                insert_folder(connection, each)
            siblings.insert(folder.position, folder.id)
            _number(connection, siblings)
            connection.executemany(
                "UPDATE folders SET parent_id = ? WHERE id = ?", [(folder.id, each) for each in deleted.children]
            )
            _number(connection, deleted.children)
            for number, (folder_id, document) in deleted.documents.items():
                insert_document(connection, folder_id, document, number)
            connection.executemany(
                "UPDATE conversations SET folder_id = ? WHERE id = ?",
                [(folder_id, id_) for id_, folder_id in deleted.moved.items()],
            )
            connection.executemany(
                "UPDATE conversations SET deleted_at = NULL WHERE id = ?", [(id_,) for id_ in deleted.trashed]
            )

    def merge_folder(self, content: FolderContent) -> None:
        """Add a folder with its documents; one that exists is unchanged."""
        with self._connections.writing() as connection:
            if add_missing_folder(connection, content.folder):
                for each in content.documents:
                    insert_document(connection, content.folder.id, each, None)

    def folder_contents(self, *folder_ids: str) -> list[FolderContent]:
        """Return these folders, or all, each followed by those in it."""
        with self._connections.reading() as connection:
            return [
                FolderContent(each, tuple(_documents(connection, each.id).values()))
                for each in _folders(connection)
                if not folder_ids or each.id in folder_ids or each.parent_id in folder_ids
            ]

    def conversations_in(self, folder_id: str) -> list[str]:
        """Return the ids of the conversations in a folder and the folders in it, with archived ones."""
        with self._connections.reading() as connection:
            _find_folder(connection, folder_id)
            rows = connection.execute(
                "SELECT id FROM conversations WHERE deleted_at IS NULL AND folder_id IN "
                "(SELECT id FROM folders WHERE ? IN (id, parent_id)) ORDER BY number",
                (folder_id,),
            )
            return [row[0] for row in rows]

    def folder_documents(self, *folder_ids: str) -> dict[int, Attachment]:
        """Return the documents of folders by their numbers, those of the first folder first."""
        with self._connections.reading() as connection:
            found: dict[int, Attachment] = {}
            for id_ in folder_ids:
                found |= _documents(connection, id_)
            return found

    def folder_document_names(self, *folder_ids: str) -> list[str]:
        """Return the names of the documents of folders, those of the first folder first."""
        query = "SELECT name FROM folder_documents WHERE folder_id = ? ORDER BY number"
        with self._connections.reading() as connection:
            return [row["name"] for id_ in folder_ids for row in connection.execute(query, (id_,))]

    def folder_document(self, number: int) -> Attachment | None:
        """Return a document by its number; None where it was removed."""
        with self._connections.reading() as connection:
            rows = connection.execute("SELECT name, content, tokens FROM folder_documents WHERE number = ?", (number,))
            return next((Attachment(*row) for row in rows), None)

    def search_documents(self, text: str, folder_id: str | None = None) -> list[DocumentHit]:
        """Return the documents of folders that contain all words of ``text``, or whose names do, in their order.

        ``folder_id``: a folder that is searched alone, with the folders in it.
        """
        with self._connections.reading() as connection:
            return search_documents(connection, text, folder_id)

    def add_documents(self, folder_id: str, documents: Iterable[Attachment]) -> None:
        """Add documents to a folder."""
        with self._connections.writing() as connection:
            _find_folder(connection, folder_id)
            for each in documents:
                insert_document(connection, folder_id, each, None)

    def remove_documents(self, numbers: Iterable[int]) -> None:
        """Remove documents by their numbers."""
        with self._connections.writing() as connection:
            connection.executemany("DELETE FROM folder_documents WHERE number = ?", [(number,) for number in numbers])


def add_missing_folder(connection: sqlite3.Connection, folder: Folder) -> bool:
    """Add a folder below the others, outside of any where its parent isn't there; return false where it exists."""
    if _read_folder(connection, folder.id) is not None:
        return False
    parent = _read_folder(connection, folder.parent_id)
    parent_id = None if parent is None or parent.parent_id is not None else parent.id
    insert_folder(connection, replace(folder, parent_id=parent_id, position=len(_siblings(connection, parent_id))))
    return True


def _folders(connection: sqlite3.Connection) -> list[Folder]:
    folders = [folder_of(row) for row in connection.execute("SELECT * FROM folders ORDER BY position, number")]
    return [
        each
        for parent in folders
        if parent.parent_id is None
        for each in (parent, *(child for child in folders if child.parent_id == parent.id))
    ]


def _read_folder(connection: sqlite3.Connection, folder_id: str | None) -> Folder | None:
    row = connection.execute("SELECT * FROM folders WHERE id = ?", (folder_id,)).fetchone()
    return None if row is None else folder_of(row)


def _find_folder(connection: sqlite3.Connection, folder_id: str) -> Folder:
    folder = _read_folder(connection, folder_id)
    if folder is None:
        raise UserError("conversation_folder_missing", id=folder_id)
    return folder


def _check_parent(connection: sqlite3.Connection, parent_id: str | None) -> None:
    if parent_id is not None and _find_folder(connection, parent_id).parent_id is not None:
        raise UserError("folder_nested")


def _siblings(connection: sqlite3.Connection, parent_id: str | None) -> list[str]:
    """Return the ids of the folders in a folder, or for None of those in none."""
    rows = connection.execute("SELECT id FROM folders WHERE parent_id IS ? ORDER BY position, number", (parent_id,))
    return [row[0] for row in rows]


def _number(connection: sqlite3.Connection, folder_ids: Iterable[str]) -> None:
    connection.executemany("UPDATE folders SET position = ? WHERE id = ?", list(enumerate(folder_ids)))


def _documents(connection: sqlite3.Connection, folder_id: str) -> dict[int, Attachment]:
    rows = connection.execute(
        "SELECT number, name, content, tokens FROM folder_documents WHERE folder_id = ? ORDER BY number", (folder_id,)
    )
    return {row["number"]: Attachment(row["name"], row["content"], row["tokens"]) for row in rows}
