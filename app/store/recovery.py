"""Who is writing an answer, and which of them are dead.

Every open store is a writer: it has a UUID and holds the lock of a file named after it.  The system gives the lock
back when the process ends, however it ends, so a writer whose lock can be taken is dead.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

_SUFFIX = ".lock"
OPENING = f"opening{_SUFFIX}"
"""Held while a database is opened, so that two processes do not migrate it at once."""


class Writer:
    """This store among those that are alive."""

    def __init__(self, running: Path | None) -> None:
        """``running`` is the folder of lock files; None for a store that no other process can see."""
        self.id = str(uuid.uuid4())
        self._running = running
        self._lock = None if running is None else _lock(running / f"{self.id}{_SUFFIX}")
        if self._lock is not None:
            self._lock.acquire(blocking=False)

    def close(self) -> None:
        """Tell the others that this one has ended."""
        if self._lock is not None:
            self._lock.release()
            _remove(Path(self._lock.lock_file))

    @contextmanager
    def dead_among(self, writers: Iterable[str]) -> Iterator[list[str]]:
        """Yield those of ``writers`` that are dead; when the block ends well their lock files are removed."""
        if self._running is None:
            yield []
            return
        with contextlib.ExitStack() as held:
            dead = []
            for writer in writers:
                if writer == self.id:
                    continue
                lock = _lock(self._running / f"{writer}{_SUFFIX}")
                with contextlib.suppress(filelock.Timeout):
                    lock.acquire(blocking=False)
                    held.callback(lock.release)
                    dead.append(writer)
            yield dead
        for writer in dead:
            _remove(self._running / f"{writer}{_SUFFIX}")


def writers_in(running: Path) -> set[str]:
    """The writers that have a lock file: alive, or ended without closing the store."""
    return {path.stem for path in running.glob(f"*{_SUFFIX}") if path.name != OPENING}


def writers_of_messages(connection: sqlite3.Connection) -> set[str]:
    """The writers that have an answer under way."""
    rows = connection.execute("SELECT DISTINCT writer_id FROM messages WHERE status = 'streaming'")
    return {row["writer_id"] for row in rows if row["writer_id"] is not None}


def mark_interrupted(connection: sqlite3.Connection, writers: Iterable[str]) -> int:
    """Mark what these writers were writing, and tell how many messages that were."""
    return sum(
        connection.execute(
            "UPDATE messages SET status = 'interrupted', writer_id = NULL WHERE status = 'streaming' AND writer_id = ?",
            (writer,),
        ).rowcount
        for writer in writers
    )


def _lock(path: Path) -> filelock.BaseFileLock:
    # Not bound to a thread: the thread that closes the store need not be the one that opened it.
    return filelock.FileLock(path, thread_local=False)


def _remove(path: Path) -> None:
    # Somebody else may look at it at this moment, which keeps it on Windows; the next opening removes it then.
    with contextlib.suppress(OSError):
        path.unlink()
