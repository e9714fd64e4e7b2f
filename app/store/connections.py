"""Connections to the database: one for each thread that is inside the store at this moment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from app.store.errors import database_errors


class StoreClosed(RuntimeError):
    """The store was used after it was closed: a bug, but for what runs in the background while the program ends."""


def connect(path: Path, *, busy_timeout_s: float, read_only: bool = False) -> sqlite3.Connection:
    """Open ``path`` in autocommit mode; transactions are begun by hand.  A read-only connection leaves no trace."""
    location = path.absolute().as_posix()
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"file://{'' if location.startswith('/') else '/'}{quote(location, safe='/:')}?mode={mode}",
        uri=True,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection


def connect_in_memory() -> sqlite3.Connection:
    """A database that lives in this connection and never touches a disk."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


class Connections:
    """Lends connections, each to one thread at a time, and keeps them for the next borrower.

    A pool, not one connection for each thread: a thread that ends leaves nothing open behind it.
    """

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that sees one state of the database, whatever others write meanwhile.

        Raises:
            UserError: see ``database_errors``.
        """
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self, other: Path | None = None) -> Iterator[sqlite3.Connection]:
        """A transaction that is written when the block ends well and undone otherwise.

        The database at ``other`` can be read in it under the name ``other``.

        Raises:
            UserError: see ``database_errors``; nothing of the transaction is kept then.
        """
        with self._transaction("BEGIN IMMEDIATE", other) as connection:
            yield connection

    def compact(self) -> None:
        """Give the room of removed rows back: what was in them is in no file afterwards.

        Raises:
            UserError: see ``database_errors``.
        """
        with database_errors(self._path):
            connection = self._borrow()
            try:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                self._give_back(connection)

    def close(self) -> None:
        """Close what is idle; a connection in use closes when its borrower is done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str, other: Path | None = None) -> Iterator[sqlite3.Connection]:
        with database_errors(self._path):
            connection = self._borrow()
            try:
                if other is not None:
                    connection.execute("ATTACH ? AS other", (str(other),))
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
                if other is not None:
                    connection.execute("DETACH other")
            except BaseException:
                self._undo(connection, other)
                raise
            self._give_back(connection)

    def _undo(self, connection: sqlite3.Connection, other: Path | None) -> None:
        # Kept open where that is possible: on a full disk there may be no room to open another, not even to read.
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if other is not None:
                connection.execute("DETACH other")
        except sqlite3.Error:
            self._drop(connection)
        else:
            self._give_back(connection)

    def _drop(self, connection: sqlite3.Connection) -> None:
        connection.close()

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreClosed("the store is closed")
            if self._idle:
                return self._idle.pop()
        connection = connect(self._path, busy_timeout_s=self._busy_timeout_s)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


class MemoryConnections(Connections):
    """One connection to a database in memory, lent to one thread after another."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(Path(":memory:"), 0)
        self._only = connection
        self._turn = threading.Lock()

    def close(self) -> None:
        """Forget everything, once the thread that uses it is done."""
        with self._turn:
            super().close()
            self._only.close()

    def _borrow(self) -> sqlite3.Connection:
        self._turn.acquire()
        if self._closed:
            self._turn.release()
            raise StoreClosed("the store is closed")
        return self._only

    def _give_back(self, _connection: sqlite3.Connection) -> None:
        self._turn.release()

    def _drop(self, _connection: sqlite3.Connection) -> None:
        # It is all there is: kept, whatever it said.
        self._turn.release()
