"""Which process writes an answer, and which of these processes have died.

Every open store is a writer: it has a UUID and holds the lock of a file named after it.  The system releases the lock
when the process ends, however it ends, so a writer whose lock is free is dead.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model_manager.disk.files import FileLock
from model_manager.errors import UserError

OPENING = "opening.lock"
"""Name of the lock held while a database is opened, so that two processes don't migrate it concurrently."""
DAMAGED = "damaged"
"""Name in place of the id of a dead writer; its lock file means that damage was found."""


class Writer:
    """Registration of this store among the writers that are alive."""

    def __init__(self, running: Path | None) -> None:
        """``running`` is the folder of lock files; None for a store that no other process can open."""
        self.id = str(uuid.uuid4())
        self._running = running
        self._lock = None if running is None else _lock(running, self.id, remove=True)
        if self._lock is not None:
            self._lock.acquire()

    def close(self) -> None:
        """Unregister."""
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def dead_among(self, writers: Iterable[str]) -> Iterator[list[str]]:
        """Yield those of ``writers`` that are dead; their lock files are removed unless the block raises."""
        locks = {}
        with contextlib.ExitStack() as held:
            for writer in writers:
                if self._running is None or writer == self.id:
                    continue
                lock = _lock(self._running, writer, remove=False)
                try:
                    held.enter_context(lock)
                except UserError as error:
                    if error.code != "database_locked":
                        raise
                else:
                    locks[writer] = lock
            yield list(locks)
        for lock in locks.values():
            # Windows keeps the file while another process examines it; the next opening removes it then.
            with contextlib.suppress(OSError):
                lock.path.unlink()

    def mark_interrupted(self, connection: sqlite3.Connection) -> None:
        """Give the unfinished answers of dead writers the status interrupted."""
        rows = connection.execute("SELECT DISTINCT writer_id FROM messages WHERE status = 'streaming'").fetchall()
        with self.dead_among(row["writer_id"] for row in rows if row["writer_id"] is not None) as dead:
            connection.executemany(
                """
                UPDATE messages SET status = 'interrupted', writer_id = NULL
                WHERE status = 'streaming' AND writer_id = ?
                """,
                [(writer,) for writer in dead],
            )


def writers_in(running: Path) -> set[str]:
    """Return the writers that have a lock file: alive, or ended without closing the store."""
    return {path.stem for path in running.glob("*.lock") if path.name != OPENING}


def request_check(folder: Path) -> None:
    """Let the next opening check the database in ``folder`` thoroughly, because it is damaged."""
    with contextlib.suppress(OSError):
        (folder / "running" / f"{DAMAGED}.lock").touch()


def opening_lock(running: Path, database: Path, timeout_s: float) -> FileLock:
    """Return the lock held while ``database`` is opened."""
    return FileLock(running / OPENING, UserError("database_locked", path=database), timeout_s=timeout_s, remove=False)


def _lock(running: Path, writer: str, *, remove: bool) -> FileLock:
    path = running / f"{writer}.lock"
    return FileLock(path, UserError("database_locked", path=path), remove=remove)
