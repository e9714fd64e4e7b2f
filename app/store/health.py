"""Whether the database is whole, looked at from outside: nothing is opened for writing, nothing is changed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.store.backups import Backup, found
from app.store.connections import connect
from model_manager.errors import Cancelled

STEPS_BETWEEN_LOOKS = 20_000
"""Of SQLite's machine: some milliseconds."""


@dataclass(frozen=True)
class Health:
    """The file and its log in bytes; ``problem`` is what SQLite says is wrong with it, empty where nothing is."""

    path: Path
    bytes: int
    problem: str
    backups: tuple[Backup, ...]
    """The newest first."""


def look_at(folder: Path, is_cancelled: Callable[[], bool] = lambda: False) -> Health | None:
    """The database in ``folder``; None where there is none yet.  Reads all of it: seconds where it is large.

    Raises:
        Cancelled: ``is_cancelled()`` became true.
    """
    path = folder / "conversations.sqlite3"
    if not path.exists():
        return None
    size = sum(each.stat().st_size for each in (path, path.with_name(f"{path.name}-wal")) if each.exists())
    return Health(path, size, _problem(path, is_cancelled), tuple(found(folder)))


def _problem(path: Path, is_cancelled: Callable[[], bool]) -> str:
    try:
        with contextlib.closing(connect(path, busy_timeout_s=5, read_only=True)) as connection:
            connection.set_progress_handler(lambda: int(is_cancelled()), STEPS_BETWEEN_LOOKS)
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except (sqlite3.Error, OSError) as error:
        if is_cancelled():
            raise Cancelled from error
        said = str(error)
    return "" if said == "ok" else said
