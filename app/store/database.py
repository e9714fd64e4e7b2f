"""The SQLite database as a whole: opened, backed up, restored, erased.  Its content belongs to ``app.store.store``."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Self

from app.config.settings import BackupSchedule
from app.store import search_index, shelves
from app.store.backups import (
    Backup,
    BackupFolder,
    BackupKind,
    copy_database,
    newest_restorable,
    restorable_copy,
)
from app.store.connections import Connections, connect, database_errors
from app.store.migrations import STEPS, is_empty, migrate, missing_object, version_of
from app.store.writers import DAMAGED, Writer, opening_lock, writers_in
from model_manager.disk.files import make_private
from model_manager.errors import UserError

_PAGE_BYTES = 512
"""Least size of a page, and so of a database with content."""
_TABLES = ("attachments", "messages", "conversations", "folder_documents", "folders", "facts")
"""Those that refer to others before them."""
LARGEST_CHECKED_BYTES = 256 * 1024 * 1024
"""A check after a crash reads the whole file; for a larger one it would delay the start by seconds."""


class Database:
    """``<folder>/conversations.sqlite3``, or a database in memory.  All methods are thread-safe."""

    def __init__(self, path: Path | None, writer: Writer, connections: Connections) -> None:
        self._path = path
        self._writer = writer
        self._connections = connections
        self.on_delete: Callable[[tuple[str, ...]], object] = lambda _ids: None
        """Called in any thread with conversations that were moved to the trash, or that have lost messages."""
        self._batch = search_index.BATCH
        """Characters of the next step of the search index."""

    @classmethod
    def open(cls, folder: Path, *, busy_timeout_s: float = 5.0) -> Self:
        """Open the database in ``folder``, or create it; answers that a dead process left unfinished are interrupted.

        ``busy_timeout_s`` is how long each method waits for another process, in seconds.  Raises ``UserError``:
        ``database_newer`` (path, version, known), ``database_missing`` (path): there is none, or an empty file, but
        there are backups; or as ``database_errors``.  A newer or damaged database is not changed.
        """
        path = folder / "conversations.sqlite3"
        running = folder / "running"
        with database_errors(path):
            for needed in (folder, folder / "backups", running):
                needed.mkdir(parents=True, exist_ok=True, mode=0o700)
                if not os.access(needed, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(needed))
                make_private(needed)
            with opening_lock(running, path, busy_timeout_s):
                writer = Writer(running)
                try:
                    _prepare(path, writer, busy_timeout_s)
                except BaseException:
                    writer.close()
                    raise
        return cls(path, writer, Connections(path, busy_timeout_s))

    @classmethod
    def in_memory(cls) -> Self:
        """Return a store of this process alone, which never writes to a disk and ends when it is closed."""
        connections = Connections(None)
        with connections.borrowed() as connection:
            migrate(connection, Path(":memory:"))
            search_index.create_index(connection)
        return cls(None, Writer(None), connections)

    def close(self) -> None:
        """Close all connections.  An unfinished answer counts as interrupted at the next opening."""
        self._connections.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update_search_index(self, characters: int | None = None) -> bool:
        """Add messages of this number of characters to the search index, and return whether more may be waiting.

        Without a number as many as take ``STEP_S``.  For a background thread; the search scans the waiting messages
        until then, and those of fewer characters.
        """
        started = time.thread_time()
        with self._connections.writing() as connection:
            has_more = search_index.index_pending(connection, characters or self._batch)
        if has_more and characters is None:
            fitting = self._batch * search_index.STEP_S / max(0.001, time.thread_time() - started)
            self._batch = int(min(search_index.BATCH, max(search_index.SMALLEST_BATCH, fitting)))
        return has_more

    def backup(self, path: Path) -> None:
        """Copy the database to a file at ``path``.  Raises ``UserError`` as ``copy_database``."""
        with self._connections.reading() as connection:
            copy_database(connection, path)

    def backups(self) -> list[Backup]:
        """Return the backups in the folder ``backups``, the newest first; none for a store in memory."""
        return [] if self._path is None else self._backup_folder.list()

    def backup_now(self) -> Backup:
        """Make a manual backup in the folder ``backups``.  Raises ``UserError`` as ``copy_database``."""
        return self._add_backup(BackupKind.MANUAL)

    def backup_if_due(self, schedule: BackupSchedule) -> Backup | None:
        """Make the automatic backup where it is due and there is a conversation; for a background thread.

        Raises ``UserError`` as ``copy_database``.
        """
        if self._path is None or not self._backup_folder.is_due(schedule):
            return None
        with self._connections.reading() as connection:
            if connection.execute("SELECT 1 FROM conversations LIMIT 1").fetchone() is None:
                return None
        return self._add_backup(BackupKind.AUTOMATIC, schedule.kept)

    def restore_backup(self, path: Path) -> Backup:
        """Replace everything by the content of the backup at ``path``, and return a backup of what was replaced.

        Raises ``UserError``: ``answer_in_progress`` (id), and as ``restorable_copy`` and ``copy_database``.
        """
        folder = self._backup_folder.path.parent
        with restorable_copy(path, folder) as copy:
            with self._connections.writing() as connection:
                self._refuse_if_written(connection)
            replaced = self._add_backup(BackupKind.BEFORE_RESTORE)
            with closing(connect(copy, busy_timeout_s=0)) as other, self._connections.writing() as connection:
                self._refuse_if_written(connection)
                _delete_everything(connection)
                for table in reversed(_TABLES):
                    rows = other.execute(f"SELECT * FROM {table}")
                    marks = ", ".join("?" * len(rows.description))
                    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", map(tuple, rows))
        return replaced

    def erase_everything(self) -> None:
        """Remove every conversation, message, attachment and backup, so that no text remains in any file.

        Raises ``UserError``: ``answer_in_progress`` (id), ``database_locked`` (path), or as ``disk_error``.
        """
        with self._connections.writing() as connection:
            self._refuse_if_written(connection)
            _delete_everything(connection)
        # Rebuilds the file without the space of the removed rows.
        with self._connections.borrowed() as connection:
            connection.execute("VACUUM")
            is_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if self._path is not None:
            self._backup_folder.clear()
            if is_busy:
                # Another process reads from the log, which still contains the removed rows.
                raise UserError("database_locked", path=self._path)

    @property
    def _backup_folder(self) -> BackupFolder:
        if self._path is None:
            raise ValueError("a store in memory has no backups")
        return BackupFolder(self._path.parent)

    def _add_backup(self, kind: BackupKind, kept: int | None = None) -> Backup:
        with self._connections.reading() as connection:
            return self._backup_folder.add(connection, kind, kept=kept)

    def _refuse_if_written(
        self, connection: sqlite3.Connection, message_ids: Collection[str] | None = None, *, elsewhere: bool = False
    ) -> None:
        """Refuse while one of these messages, or any message at all, is being written by a living process.

        ``elsewhere``: answers that this store writes are allowed.  Raises ``UserError``: ``answer_in_progress`` (id).
        """
        self._writer.mark_interrupted(connection)
        rows = connection.execute(
            "SELECT id, writer_id FROM messages WHERE status = 'streaming' AND writer_id IS NOT NULL"
        )
        for row in rows.fetchall():
            is_allowed = elsewhere and row["writer_id"] == self._writer.id
            if not is_allowed and (message_ids is None or row["id"] in message_ids):
                raise UserError("answer_in_progress", id=row["id"])


def _prepare(path: Path, writer: Writer, busy_timeout_s: float) -> None:
    # The lock files of dead writers remain when the check fails, so that the next start checks as thoroughly.
    backups, others = BackupFolder(path.parent), writers_in(path.parent / "running") - {writer.id}
    with writer.dead_among(others) as dead:
        size_limit = None if DAMAGED in dead else LARGEST_CHECKED_BYTES if dead else 0
        _check(path, busy_timeout_s, size_limit)
        if others == set(dead):
            backups.sweep()
    # SQLite would make the file readable for everyone; the files it adds later copy these permissions.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    make_private(path)
    with closing(connect(path, busy_timeout_s=busy_timeout_s)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(
            connection,
            path,
            before_step=lambda version: backups.add(connection, BackupKind.BEFORE_MIGRATION, version=version),
        )
        search_index.create_index(connection)
        shelves.create_indexes(connection)
        writer.mark_interrupted(connection)


def _check(path: Path, busy_timeout_s: float, size_limit: int | None) -> None:
    """Refuse a missing, newer, foreign or damaged database without changing it.

    Its pages are checked up to a size of ``size_limit`` bytes; None is no limit.
    """

    def refuse_beside_backups() -> None:
        if newest_restorable(path.parent) is not None:
            # Later backups of a new database would replace those of the lost one.
            raise UserError("database_missing", path=path)

    size = path.stat().st_size if path.exists() else 0
    if size < _PAGE_BYTES:
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size > 0:
            # SQLite would discard the log, which may contain the only data that is left.
            raise UserError("database_damaged", path=path, detail="the file is empty but its log is not")
        refuse_beside_backups()
    if size == 0:
        return
    # Checked first: SQLite would create further files with the permissions of a read-only one and leave them behind.
    os.close(os.open(path, os.O_RDWR))
    with closing(connect(path, busy_timeout_s=busy_timeout_s, read_only=True)) as connection:
        version = version_of(connection)
        if version > len(STEPS):
            raise UserError("database_newer", path=path, version=version, known=len(STEPS))
        if version <= 0:
            if version < 0 or not is_empty(connection):
                raise UserError("database_damaged", path=path, detail="it belongs to another program")
            refuse_beside_backups()
        if missing := missing_object(connection):
            raise UserError("database_damaged", path=path, detail=f"{missing} is missing")
        if size_limit is None or size <= size_limit:
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if result != "ok":
                raise UserError("database_damaged", path=path, detail=result)


def _delete_everything(connection: sqlite3.Connection) -> None:
    search_index.remove_all(connection)
    connection.execute("PRAGMA defer_foreign_keys = ON")
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table}")
