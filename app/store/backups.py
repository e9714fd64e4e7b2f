"""Copies of the database in the folder ``backups``: what there is, when one is due, and how one is brought back."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.store import search_index
from app.store.connections import connect
from app.store.errors import DamagedRow, code_of
from app.store.migrations import migrate, version_of
from app.store.schema import Step
from model_manager.disk.files import disk_errors, is_disk_full
from model_manager.errors import UserError

KEPT = {"daily": 7, "replaced": 10}
"""How many copies of a kind stay.  Those that a person asked for all do."""
DUE_AFTER = timedelta(days=1)
_NAME = re.compile(r"conversations-(?P<kind>v\d+|daily|asked|replaced)-(?P<time>\d{8}T\d{12}Z)\.sqlite3")
_TIME = "%Y%m%dT%H%M%S%fZ"
BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite may put beside a database, after its name."""


@dataclass(frozen=True)
class Backup:
    """A copy of the whole database."""

    path: Path
    made_at: datetime
    bytes: int
    kind: str
    """``daily``, ``asked`` for by the person, ``replaced`` by another one that was restored, or ``migrated``."""


def found(folder: Path) -> list[Backup]:
    """The copies in ``folder / "backups"``, the newest first."""
    return sorted(_all(folder), key=lambda backup: (backup.made_at, backup.path.name), reverse=True)


def backup_at(path: Path) -> Backup:
    """The copy at a path that ``new_path`` made."""
    match = _NAME.fullmatch(path.name)
    assert match is not None
    kind = "migrated" if match["kind"].startswith("v") else match["kind"]
    return Backup(path, datetime.strptime(match["time"], _TIME).replace(tzinfo=UTC), path.stat().st_size, kind)


def new_path(folder: Path, kind: str) -> Path:
    """Where a copy of this kind goes that is made now."""
    return folder / "backups" / f"conversations-{kind}-{datetime.now(UTC).strftime(_TIME)}.sqlite3"


def is_due(folder: Path) -> bool:
    """Whether the last copy of the day was made longer ago than a day."""
    times = [backup.made_at for backup in _all(folder) if backup.kind == "daily"]
    now = datetime.now(UTC)
    # One from the future, by a clock that was wrong, is no reason to make none for years.
    return not any(now - DUE_AFTER < time <= now for time in times)


def remove_old(folder: Path, kind: str) -> None:
    """Remove the oldest copies of this kind, but for as many as are kept."""
    if kind in KEPT:
        for backup in [each for each in found(folder) if each.kind == kind][KEPT[kind] :]:
            backup.path.unlink(missing_ok=True)


def remove_all(folder: Path) -> None:
    """Remove every copy and what was put aside as damaged.

    Raises:
        UserError: ``file_not_writable`` (path, detail).
    """
    paths = [*(backup.path for backup in _all(folder)), *folder.glob("conversations-damaged-*")]
    for path in paths:
        with disk_errors(path):
            path.unlink(missing_ok=True)


@contextmanager
def brought_up_to_date(path: Path, folder: Path, steps: Sequence[Step]) -> Iterator[Path]:
    """Yield a checked copy of the backup at ``path`` with the tables of today; it is gone after the block.

    Raises:
        UserError: ``file_missing`` (path), ``backup_unsound`` (path, detail), ``backup_newer`` (path, version, known),
            ``disk_full`` (path) or ``file_not_writable`` (path, detail).
    """
    if not path.is_file():
        raise UserError("file_missing", path=path)
    temporary = folder / f".{uuid.uuid4().hex}.part"
    try:
        with disk_errors(temporary):
            temporary.touch(0o600)
            for ending in BESIDE[:2]:
                if path.with_name(path.name + ending).exists():
                    shutil.copyfile(path.with_name(path.name + ending), temporary.with_name(temporary.name + ending))
        with _backup_errors(path), contextlib.closing(connect(temporary, busy_timeout_s=0)) as connection:
            _check(connection, path, len(steps))
            migrate(connection, steps, temporary, None)
            connection.execute(
                "UPDATE messages SET status = 'interrupted', writer_id = NULL WHERE status = 'streaming'"
            )
            connection.execute("PRAGMA journal_mode = DELETE")
        yield temporary
    finally:
        for ending in BESIDE:
            with contextlib.suppress(OSError):
                temporary.with_name(temporary.name + ending).unlink()


def newest_sound(folder: Path, steps: Sequence[Step]) -> Backup | None:
    """The newest copy that could be restored."""
    for backup in found(folder):
        with contextlib.suppress(UserError), brought_up_to_date(backup.path, folder, steps):
            return backup
    return None


def replace_everything(connection: sqlite3.Connection) -> None:
    """Put the rows of the attached database ``other`` in the place of those that are here."""
    erase(connection)
    for table in ("conversations", "messages", "attachments"):
        connection.execute(f"INSERT INTO main.{table} SELECT * FROM other.{table}")


def erase(connection: sqlite3.Connection) -> None:
    """Remove every row."""
    search_index.forget_all(connection)
    connection.execute("PRAGMA defer_foreign_keys = ON")
    for table in ("attachments", "messages", "conversations"):
        connection.execute(f"DELETE FROM main.{table}")


def _all(folder: Path) -> list[Backup]:
    backups = folder / "backups"
    paths = list(backups.iterdir()) if backups.is_dir() else []
    made = []
    for path in paths:
        # One that another process removes at this moment is not there; nor is one with a date that never was.
        with contextlib.suppress(OSError, ValueError):
            if _NAME.fullmatch(path.name):
                made.append(backup_at(path))
    return made


def _check(connection: sqlite3.Connection, path: Path, known: int) -> None:
    version = version_of(connection)
    if version > known:
        raise UserError("backup_newer", path=path, version=version, known=known)
    result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if result != "ok":
        raise UserError("backup_unsound", path=path, detail=result)
    tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if version == 0 or not {"conversations", "messages"} <= tables:
        raise UserError("backup_unsound", path=path, detail="it belongs to another program")


@contextmanager
def _backup_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if code_of(error) == "disk_full":
            raise UserError("disk_full", path=path) from error
        raise UserError("backup_unsound", path=path, detail=str(error)) from error
    except (DamagedRow, RuntimeError) as error:
        raise UserError("backup_unsound", path=path, detail=str(error)) from error
    except OSError as error:
        if is_disk_full(error):
            raise UserError("disk_full", path=path) from error
        raise UserError("file_not_writable", path=path, detail=error.strerror or str(error)) from error
