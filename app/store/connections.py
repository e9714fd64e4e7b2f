"""Connections to the database: one for each thread that is inside the store at this moment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from app.store.errors import database_errors


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
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is written when the block ends well and undone otherwise.

        Raises:
            UserError: see ``database_errors``; nothing of the transaction is kept then.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def close(self) -> None:
        """Close what is idle; a connection in use closes when its borrower is done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with database_errors(self._path):
            connection = self._borrow()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._undo(connection)
                raise
            self._give_back(connection)

    def _undo(self, connection: sqlite3.Connection) -> None:
        # Kept open where that is possible: on a full disk there may be no room to open another, not even to read.
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
        else:
            self._give_back(connection)

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise RuntimeError("the store is closed")
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
