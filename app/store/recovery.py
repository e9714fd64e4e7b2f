"""Recovery from a damaged database, before any store is open: check it, find a backup, put it in place."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.store.backups import SUFFIXES, Backup, BackupFolder, restorable_copy
from app.store.connections import connect, database_errors
from app.store.writers import Writer, opening_lock, writers_in
from model_manager.disk.files import move_over, replacing
from model_manager.errors import Cancelled, UserError

STEPS_BETWEEN_CHECKS = 20_000
"""Instructions of SQLite's virtual machine between two checks for cancellation: some milliseconds."""


@dataclass(frozen=True)
class DatabaseReport:
    """State of the database file."""

    path: Path
    bytes: int
    """Size, including the write-ahead log."""
    problem: str
    """SQLite's description of the damage; empty for an intact database."""
    backups: tuple[Backup, ...]
    """The newest first."""


def check_database(folder: Path, is_cancelled: Callable[[], bool] = lambda: False) -> DatabaseReport | None:
    """Check the database in ``folder`` without changing a file; None where there is none.

    Reads the whole database, which takes seconds for a large one.

    Raises:
        Cancelled: ``is_cancelled()`` returned true.
    """
    path = folder / "conversations.sqlite3"
    if not path.exists():
        return None
    size = sum(each.stat().st_size for each in (path, path.with_name(f"{path.name}-wal")) if each.exists())
    return DatabaseReport(path, size, _problem(path, is_cancelled), tuple(BackupFolder(folder).list()))


def newest_restorable(folder: Path) -> Backup | None:
    """Return the newest backup that can be restored."""
    for backup in BackupFolder(folder).list():
        with contextlib.suppress(UserError), restorable_copy(backup.path, folder):
            return backup
    return None


def replace_damaged(folder: Path, backup: Path, busy_timeout_s: float = 5.0) -> Path:
    """Set the damaged database aside, put the backup in its place, and return the new path of the damaged one.

    Raises:
        UserError: ``database_locked`` (path): another process has it open, and as ``restorable_copy``.
    """
    path, running = folder / "conversations.sqlite3", folder / "running"
    aside = folder / f"conversations-damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.sqlite3"
    with database_errors(path), opening_lock(running, path, busy_timeout_s):
        writer = Writer(running)
        try:
            others = writers_in(running) - {writer.id}
            with writer.dead_among(others) as dead, restorable_copy(backup, folder) as copy:
                if others - set(dead):
                    raise UserError("database_locked", path=path)
                for suffix in SUFFIXES:
                    part = path.with_name(path.name + suffix)
                    if part.exists():
                        move_over(part, aside.with_name(aside.name + suffix))
                with replacing(path, private=True) as temporary:
                    shutil.copyfile(copy, temporary)
        finally:
            writer.close()
    return aside


def _problem(path: Path, is_cancelled: Callable[[], bool]) -> str:
    try:
        with contextlib.closing(connect(path, busy_timeout_s=5, read_only=True)) as connection:
            connection.set_progress_handler(lambda: int(is_cancelled()), STEPS_BETWEEN_CHECKS)
            result = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except (sqlite3.Error, OSError) as error:
        if is_cancelled():
            raise Cancelled from error
        result = str(error)
    return "" if result == "ok" else result
