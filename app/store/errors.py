"""What SQLite and the file system say, as something that can be worded.  Everything not named here is a bug."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_manager.disk.files import is_disk_full
from model_manager.errors import UserError

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
    # No space for the index of the log comes as an input/output error, and so does a quota that is used up.
    sqlite3.SQLITE_IOERR_SHMSIZE: "disk_full",
    sqlite3.SQLITE_IOERR_WRITE: "disk_full",
    sqlite3.SQLITE_IOERR_SHORT_READ: "database_damaged",
}
_NOT_TEXT = "Could not decode to UTF-8"


class DamagedRow(Exception):
    """A row holds what this program never writes.  ``str()`` says where."""


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn the errors of a database at ``path`` into UserErrors.

    Raises:
        UserError: ``disk_full`` (path), ``database_locked`` (path), ``database_damaged`` (path, detail),
            ``data_folder_not_writable`` (path, detail) or ``data_disk_failed`` (path, detail).
    """
    try:
        yield
    except sqlite3.Error as error:
        code = code_of(error)
        if code is None:
            raise
        raise _told(code, path, str(error)) from error
    except DamagedRow as error:
        raise UserError("database_damaged", path=path, detail=str(error)) from error
    except OSError as error:
        code = "disk_full" if is_disk_full(error) else "data_folder_not_writable"
        raise _told(code, path, error.strerror or str(error)) from error


def code_of(error: sqlite3.Error) -> str | None:
    """The code of the UserError that it is, or None for a bug."""
    number = getattr(error, "sqlite_errorcode", None)
    if number is None:
        return "database_damaged" if str(error).startswith(_NOT_TEXT) else None
    return _CODES.get(number, _CODES.get(number & 0xFF))


def _told(code: str, path: Path, detail: str) -> UserError:
    if code in ("disk_full", "database_locked"):
        return UserError(code, path=path)
    return UserError(code, path=path, detail=detail)
