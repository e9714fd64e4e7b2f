"""From an older version of the tables to this one, step by step, with a copy of the database before each step."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.store.errors import code_of
from app.store.schema import Step
from app.store.search_index import leave_out
from model_manager.disk.files import replacing
from model_manager.errors import UserError

KEPT_BACKUPS = 10
_BACKUP_NAME = re.compile(r"conversations-v\d+-(\d{8}T\d{12}Z)\.sqlite3")


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables; 0 where there are none yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether there is nothing at all in the database."""
    return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None


def migrate(connection: sqlite3.Connection, steps: Sequence[Step], path: Path, backups: Path | None) -> None:
    """Bring the database up to version ``len(steps)``.

    A step that fails leaves the database as it was before that step.  The last ``KEPT_BACKUPS`` automatic copies in
    ``backups`` are kept; an empty database is not copied, nor is any without that folder.

    Raises:
        UserError: ``database_newer`` (path, version, known), ``disk_full`` (path) where the copy finds no room.
        sqlite3.Error: as it comes, for the caller to word.
    """
    fresh = is_empty(connection)
    while (version := version_of(connection)) != len(steps):
        if version > len(steps):
            raise UserError("database_newer", path=path, version=version, known=len(steps))
        if backups is not None and not fresh:
            time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
            copy_database(connection, backups / f"conversations-v{version}-{time}.sqlite3", private=True)
            _remove_old_backups(backups)
        _take(connection, steps[version], version)


def copy_database(connection: sqlite3.Connection, path: Path, *, private: bool = False) -> None:
    """Copy the whole database, as it is at this moment, to ``path``: one plain file, whole or not at all.

    Raises:
        UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
        sqlite3.Error: as it comes, for the caller to word.
    """
    with replacing(path, private=private) as temporary:
        copy = sqlite3.connect(temporary, isolation_level=None)
        try:
            connection.backup(copy)
            leave_out(copy)
            # A copy must be readable without the files beside it, from a read-only disk too.
            copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            if code_of(error) == "disk_full":
                raise UserError("disk_full", path=path) from error
            raise
        finally:
            copy.close()


def _take(connection: sqlite3.Connection, step: Step, version: int) -> None:
    # A table that is rebuilt loses its references for a moment; they are checked once, before the end.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        step(connection)
        if not connection.in_transaction:
            raise RuntimeError(f"the step from version {version} ended its transaction")
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the step from version {version} broke {len(broken)} references")
        connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _remove_old_backups(backups: Path) -> None:
    found = [(match[1], path) for path in backups.iterdir() if (match := _BACKUP_NAME.fullmatch(path.name))]
    for _, path in sorted(found)[:-KEPT_BACKUPS]:
        path.unlink(missing_ok=True)
