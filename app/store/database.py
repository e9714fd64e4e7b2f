"""The database as a whole: opened, closed, copied, restored, erased.  What is in it belongs to ``app.store.store``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from app.store import backups, search_index
from app.store.backups import Backup
from app.store.connections import Connections, MemoryConnections, StoreClosed, connect_in_memory
from app.store.migrations import copy_database, migrate
from app.store.opening import open_database
from app.store.recovery import Writer, mark_interrupted, writers_of_messages
from app.store.schema import STEPS, Step
from app.store.turns import refuse_if_written


class Database:
    """``<folder>/conversations.sqlite3``, or a database in memory.  Every method may be called from any thread."""

    def __init__(self, path: Path | None, writer: Writer, connections: Connections, steps: Sequence[Step]) -> None:
        self._path = path
        self._writer = writer
        self._connections = connections
        self._steps = steps

    @classmethod
    def open(cls, folder: Path, *, busy_timeout_s: float = 5.0, steps: Sequence[Step] = STEPS) -> Self:
        """Open the store in ``folder``, make it where there is none, and mark as interrupted what a dead process left.

        ``busy_timeout_s`` is how long any method waits for another process, in seconds.

        Raises:
            UserError: besides those told at the class, ``database_newer`` (path, version, known).  No byte of a newer
                or damaged database is changed.
        """
        path, writer = open_database(folder, steps, busy_timeout_s)
        return cls(path, writer, Connections(path, busy_timeout_s), steps)

    @classmethod
    def in_memory(cls) -> Self:
        """A store of this process alone, which never touches a disk and is forgotten when it is closed."""
        connection = connect_in_memory()
        migrate(connection, STEPS, Path(":memory:"), None)
        return cls(None, Writer(None), MemoryConnections(connection), STEPS)

    def close(self) -> None:
        """Give everything back.  An answer still being written counts as interrupted at the next opening."""
        self._connections.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def recover(self) -> int:
        """Mark as interrupted what processes that died since were writing, and tell how many answers that were."""
        with self._connections.writing() as connection:
            writers = writers_of_messages(connection)
            with self._writer.dead_among(writers) as dead:
                return mark_interrupted(connection, dead)

    def update_search(self, limit: int = 200) -> bool:
        """Take some of the new messages into the search index, and tell whether more wait; for a background thread.

        Until then the search reads them through.  Does nothing once the store is closed.
        """
        try:
            with self._connections.writing() as connection:
                return search_index.add_some(connection, limit)
        except StoreClosed:
            return False

    def backup(self, path: Path) -> None:
        """Copy everything to ``path``: one SQLite file, whole or not at all.

        Raises:
            UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
        """
        with self._connections.reading() as connection:
            copy_database(connection, path)

    def backups(self) -> list[Backup]:
        """The copies in the folder ``backups``, the newest first; a store in memory has none."""
        return [] if self._path is None else backups.found(self._path.parent)

    def backup_now(self) -> Backup:
        """Make a copy in the folder ``backups``.

        Raises:
            UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
        """
        return self._copy("asked")

    def backup_if_due(self) -> Backup | None:
        """Make the copy of the day where there is none yet and there is something to copy; for a background thread.

        Does nothing once the store is closed.

        Raises:
            UserError: as ``backup_now``.
        """
        if self._path is None or not backups.is_due(self._path.parent):
            return None
        try:
            with self._connections.reading() as connection:
                if connection.execute("SELECT 1 FROM conversations LIMIT 1").fetchone() is None:
                    return None
            return self._copy("daily")
        except StoreClosed:
            return None

    def restore_backup(self, path: Path) -> Backup:
        """Replace everything by what the copy at ``path`` holds, and tell the copy that was made of what was here.

        Raises:
            UserError: ``answer_in_progress`` (id), ``file_missing`` (path), ``backup_unsound`` (path, detail): it is
                damaged or something else, ``backup_newer`` (path, version, known), and as ``backup_now``.
        """
        if self._path is None:
            raise ValueError("a store in memory has no backups")
        with backups.brought_up_to_date(path, self._path.parent, self._steps) as current:
            with self._connections.writing() as connection:
                refuse_if_written(connection, self._writer)
            kept = self._copy("replaced")
            with self._connections.writing(current) as connection:
                refuse_if_written(connection, self._writer)
                backups.replace_everything(connection)
        return kept

    def erase_everything(self) -> None:
        """Remove every conversation, message and attachment, and the copies in ``backups``; nothing stays in a file.

        Raises:
            UserError: ``answer_in_progress`` (id).
        """
        with self._connections.writing() as connection:
            refuse_if_written(connection, self._writer)
            backups.erase(connection)
        self._connections.compact()
        if self._path is not None:
            backups.remove_all(self._path.parent)

    def _copy(self, kind: str) -> Backup:
        if self._path is None:
            raise ValueError("a store in memory has no backups")
        path = backups.new_path(self._path.parent, kind)
        with self._connections.reading() as connection:
            copy_database(connection, path, private=True)
        backups.remove_old(self._path.parent, kind)
        return backups.backup_at(path)
