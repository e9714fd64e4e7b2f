"""Pool of SQLite connections, and SQLite's errors as ``UserError``."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from app.store.writers import request_check
from model_manager.disk.files import error_detail, is_disk_full
from model_manager.errors import Cancelled, UserError

_CODES = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_BUSY: "database_locked",
    sqlite3.SQLITE_LOCKED: "database_locked",
    sqlite3.SQLITE_PROTOCOL: "database_locked",
    sqlite3.SQLITE_CORRUPT: "database_damaged",
    sqlite3.SQLITE_NOTADB: "database_damaged",
    sqlite3.SQLITE_READONLY: "data_folder_not_writable",
    sqlite3.SQLITE_CANTOPEN: "data_folder_not_writable",
    sqlite3.SQLITE_PERM: "data_folder_not_writable",
    sqlite3.SQLITE_IOERR: "data_disk_failed",
    # A full disk or an exhausted quota, when the shared-memory index or the log has to grow.
    sqlite3.SQLITE_IOERR_SHMSIZE: "disk_full",
    sqlite3.SQLITE_IOERR_WRITE: "disk_full",
    sqlite3.SQLITE_IOERR_SHORT_READ: "database_damaged",
}
_NOT_UTF8 = "Could not decode to UTF-8"
_DAMAGED = (
    *("no such table", "no such column", "no such index", "unsupported file format"),
    # Of the search, whose function gets text that isn't UTF-8.
    "user-defined function raised exception",
)
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""Errors of ``sqlite3``: it raises the second for a message that quotes a schema which isn't UTF-8."""


class StoreClosed(Cancelled):
    """The store was used after it was closed: a background job has outlived it, and counts as cancelled."""


class DamagedRow(Exception):
    """A row or the schema is not as this program writes it; ``str()`` names the place."""


def connect(path: Path, *, busy_timeout_s: float, read_only: bool = False) -> sqlite3.Connection:
    """Open the existing database at ``path`` in autocommit mode.

    A read-only connection changes no file, unless a killed process has left a rollback journal: what that process had
    begun to change is taken back, before which nothing can be read.
    """
    location = path.absolute().as_posix()
    mode = "ro" if read_only and not path.with_name(f"{path.name}-journal").exists() else "rw"
    connection = sqlite3.connect(
        f"file://{'' if location.startswith('/') else '/'}{quote(location, safe='/:')}?mode={mode}",
        uri=True,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection


def error_code(error: sqlite3.Error | UnicodeDecodeError) -> str | None:
    """Return the ``UserError`` code of one of ``DATABASE_ERRORS``, or None for a bug."""
    number = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, UnicodeDecodeError) or str(error).startswith((_NOT_UTF8, *_DAMAGED)):
        return "database_damaged"
    return None if number is None else _CODES.get(number, _CODES.get(number & 0xFF))


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Raise errors of the database at ``path`` as ``UserError``; after damage the next opening checks it.

    Raises ``UserError``: ``disk_full`` (path), ``database_locked`` (path), ``database_damaged`` (path, detail),
    ``data_folder_not_writable`` (path, detail) or ``data_disk_failed`` (path, detail).
    """
    try:
        yield
    except (*DATABASE_ERRORS, DamagedRow) as error:
        code = "database_damaged" if isinstance(error, DamagedRow) else error_code(error)
        if code is None:
            raise
        if code == "database_damaged":
            request_check(path.parent)
        raise UserError(code, path=path, detail=str(error)) from error
    except OSError as error:
        code = "disk_full" if is_disk_full(error) else "data_folder_not_writable"
        raise UserError(code, path=path, detail=error_detail(error)) from error


class Connections:
    """Pool of connections to one database, each used by one thread at a time.

    A pool, not a connection for each thread: a thread that ends leaves no connection open.  A database in memory
    (``path`` is None) has a single connection, for which threads wait.  The context managers raise the ``UserError`` of
    ``database_errors``.
    """

    def __init__(self, path: Path | None, busy_timeout_s: float = 0.0) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._changed = threading.Condition()
        if path is None:
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA foreign_keys = ON")
            self._idle.append(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Transaction that reads a single state of the database, regardless of concurrent writers."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Transaction that is committed at the end of the block, and rolled back after an exception."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def borrowed(self) -> Iterator[sqlite3.Connection]:
        """Connection in autocommit mode, for statements that can't run in a transaction."""
        with database_errors(self._path or Path(":memory:")):
            connection = self._borrow()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def close(self) -> None:
        """Close idle connections now, and the others when they are returned."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for connection in idle:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self.borrowed() as connection:
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")

    def _borrow(self) -> sqlite3.Connection:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._closed or self._path is not None)
            if self._closed:
                raise StoreClosed("the store is closed")
            if self._idle:
                return self._idle.pop()
        assert self._path is not None
        connection = connect(self._path, busy_timeout_s=self._busy_timeout_s)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        with self._changed:
            # A database in memory has no other connection.
            if not self._closed and (self._path is None or not connection.in_transaction):
                # Kept even after an error: on a full disk there may be no space to open another one.
                self._idle.append(connection)
                self._changed.notify()
                return
        connection.close()
