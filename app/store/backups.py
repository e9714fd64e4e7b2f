"""Backups of the database: made, listed, pruned, restored, and put in the place of a damaged database."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from app.config.settings import BackupSchedule
from app.store.connections import DATABASE_ERRORS, DamagedRow, connect, database_errors, error_code
from app.store.migrations import STEPS, migrate, missing_object, version_of
from app.store.search_index import drop_index
from app.store.writers import Writer, opening_lock, request_check, writers_in
from model_manager.disk.files import disk_error, disk_errors, replace_durably, replacing
from model_manager.errors import Cancelled, UserError

SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Suffixes of the files of an SQLite database."""
STEPS_BETWEEN_CHECKS = 20_000
"""Instructions of SQLite's virtual machine between two checks for cancellation: some milliseconds."""
RECOVERABLE = ("database_damaged", "database_missing", "nothing_salvaged")
"""Codes of errors after which something else can be put in the place of the database."""
_NAME = re.compile(
    r"conversations-(?P<label>v\d+|daily|asked|replaced)-(?P<time>(?:19[7-9]|2[01]\d)\d{5}T\d{12}Z)\.sqlite3"
)
_TIME = "%Y%m%dT%H%M%S%fZ"


class BackupKind(StrEnum):
    """Why a backup was made; the values are part of file names."""

    AUTOMATIC = "daily"
    MANUAL = "asked"
    BEFORE_RESTORE = "replaced"
    BEFORE_MIGRATION = "v"
    """Followed by the schema version."""


_KEPT = {BackupKind.BEFORE_RESTORE: 10, BackupKind.BEFORE_MIGRATION: 10}
"""How many backups are kept.  Automatic ones depend on the schedule, and all manual ones are kept."""


@dataclass(frozen=True)
class Backup:
    """A copy of the whole database."""

    path: Path
    made_at: datetime
    bytes: int
    kind: BackupKind


class BackupFolder:
    """The backups of the database in ``database_folder``."""

    def __init__(self, database_folder: Path) -> None:
        self.path = database_folder / "backups"

    def list(self) -> list[Backup]:
        """Return all backups, the newest first."""
        found = []
        for path in self.path.iterdir() if self.path.is_dir() else ():
            match = _NAME.fullmatch(path.name)
            # OSError: another process removes it at this moment.  ValueError: the name has no valid date.
            with contextlib.suppress(OSError, ValueError):
                if match is not None:
                    found.append(_backup(path, match))
        return sorted(found, key=lambda backup: (backup.made_at, backup.path.name), reverse=True)

    def is_due(self, schedule: BackupSchedule) -> bool:
        """Return whether the last automatic backup is older than the interval of the schedule."""
        now = datetime.now(UTC)
        # A time in the future comes from a clock that was wrong and must not prevent backups for years.
        return not any(
            backup.kind is BackupKind.AUTOMATIC and now - schedule.interval < backup.made_at <= now
            for backup in self.list()
        )

    def add(
        self, connection: sqlite3.Connection, kind: BackupKind, *, version: int | None = None, kept: int | None = None
    ) -> Backup:
        """Make a backup, and remove the oldest of its kind beyond ``kept`` (None: as usual for its kind).

        Raises ``UserError`` and others as ``copy_database``; then no backup is removed.
        """
        label = kind.value if version is None else f"{kind.value}{version}"
        made_at = datetime.now(UTC)
        path = self.path / f"conversations-{label}-{made_at.strftime(_TIME)}.sqlite3"
        made = Backup(path, made_at, copy_database(connection, path), kind)
        # Without the new one, which is not the newest beside one of a clock that was wrong, or is removed already.
        others = [backup for backup in self.list() if backup.kind is kind and backup.path != path]
        if kept := kept or _KEPT.get(kind):
            for backup in others[kept - 1 :]:
                backup.path.unlink(missing_ok=True)
        return made

    def clear(self) -> None:
        """Remove every backup, every damaged database that was set aside, and temporary files.

        Raises ``UserError`` as ``disk_error``.
        """
        for path in (*(backup.path for backup in self.list()), *self.path.parent.glob("conversations-damaged-*")):
            with disk_errors(path):
                path.unlink(missing_ok=True)
        self.sweep()

    def sweep(self) -> None:
        """Remove the temporary files that killed processes left; no other process may use the database."""
        folder = self.path.parent
        for path in (*folder.glob(".*.part*"), *folder.glob(".*.new*"), *self.path.glob(".*.new*")):
            with disk_errors(path):
                path.unlink(missing_ok=True)

    def keep_all(self) -> None:
        """Exempt the automatic backups from removal."""
        for backup in self.list():
            if backup.kind is BackupKind.AUTOMATIC:
                with disk_errors(backup.path):
                    backup.path.rename(
                        backup.path.with_name(backup.path.name.replace(BackupKind.AUTOMATIC, BackupKind.MANUAL, 1))
                    )


def copy_database(connection: sqlite3.Connection, path: Path) -> int:
    """Copy the database to one file at ``path``, which only the owner may read, without the search index.

    Return its bytes.
    Raises ``UserError`` as ``disk_error``; ``path`` is unchanged; one of ``DATABASE_ERRORS`` or ``DamagedRow`` as it
    occurs, for the caller to convert.
    """
    with replacing(path, private=True) as temporary:
        copy = sqlite3.connect(temporary, isolation_level=None)
        try:
            connection.backup(copy)
            _check_pages(copy)
            drop_index(copy)
            # So that the copy is readable without other files, also from a read-only disk.
            copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            if error_code(error) == "disk_full":
                raise UserError("disk_full", path=path) from error
            raise
        finally:
            copy.close()
        return temporary.stat().st_size


@contextmanager
def restorable_copy(path: Path, folder: Path) -> Iterator[Path]:
    """Yield a verified copy of the backup at ``path``, migrated to the current schema, for the duration of the block.

    ``folder`` is where the temporary copy is made.  Raises ``UserError``: ``file_missing`` (path), ``backup_unsound``
    (path, detail), ``backup_newer`` (path, version, known), or as ``disk_error``.
    """
    if not path.is_file():
        raise UserError("file_missing", path=path)
    with temporary_copy(path, folder) as temporary:
        with _backup_errors(path), contextlib.closing(connect(temporary, busy_timeout_s=0)) as connection:
            _migrate(connection, path)
            connection.execute(
                "UPDATE messages SET status = 'interrupted', writer_id = NULL WHERE status = 'streaming'"
            )
            connection.execute("PRAGMA journal_mode = DELETE")
        yield temporary


@contextmanager
def temporary_copy(path: Path, folder: Path) -> Iterator[Path]:
    """Yield a copy of the database at ``path`` as it is, in ``folder``; an empty file where there is none.

    Raises ``UserError`` as ``disk_error``.
    """
    temporary = folder / f".{uuid.uuid4().hex}.part"
    try:
        with disk_errors(temporary):
            temporary.touch(0o600)
            for suffix in ("", "-wal", "-journal"):
                source = path.with_name(path.name + suffix)
                if source.exists():
                    shutil.copyfile(source, temporary.with_name(temporary.name + suffix))
        yield temporary
    finally:
        for suffix in SUFFIXES:
            with contextlib.suppress(OSError):
                temporary.with_name(temporary.name + suffix).unlink()


def database_damage(path: Path, is_cancelled: Callable[[], bool]) -> str:
    """Return SQLite's description of the damage of the database at ``path``, without changing a file; empty without.

    Reads the whole database, which takes seconds for a large one.  Raises ``Cancelled`` where ``is_cancelled()``.
    """
    try:
        with contextlib.closing(connect(path, busy_timeout_s=5, read_only=True)) as connection:
            connection.set_progress_handler(lambda: int(is_cancelled()), STEPS_BETWEEN_CHECKS)
            result = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except (*DATABASE_ERRORS, OSError) as error:
        if is_cancelled():
            raise Cancelled from error
        result = str(error)
    if result == "ok":
        return ""
    request_check(path.parent)
    return result


def newest_restorable(folder: Path) -> Backup | None:
    """Return the newest backup that can be restored."""
    for backup in BackupFolder(folder).list():
        with contextlib.suppress(UserError), restorable_copy(backup.path, folder):
            return backup
    return None


def replace_damaged(folder: Path, backup: Path | None, busy_timeout_s: float = 5.0) -> Path:
    """Set a damaged or empty database aside, and put the backup, or an empty database, in its place.

    Return the new path of the other one, which doesn't exist where there was none.  Raises ``UserError``:
    ``database_locked`` (path): another process has it open, and as ``restorable_copy``.
    """
    path, running = folder / "conversations.sqlite3", folder / "running"
    aside = folder / f"conversations-damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.sqlite3"
    new = _empty_copy(folder) if backup is None else restorable_copy(backup, folder)
    with database_errors(path), opening_lock(running, path, busy_timeout_s):
        writer = Writer(running)
        try:
            others = writers_in(running) - {writer.id}
            with writer.dead_among(others) as dead, new as copy:
                if others - set(dead):
                    raise UserError("database_locked", path=path)
                for suffix in SUFFIXES:
                    part = path.with_name(path.name + suffix)
                    if part.exists():
                        replace_durably(part, aside.with_name(aside.name + suffix))
                with replacing(path, private=True) as temporary:
                    shutil.copyfile(copy, temporary)
        finally:
            writer.close()
    return aside


@contextmanager
def _empty_copy(folder: Path) -> Iterator[Path]:
    """Yield a new database, whose automatic backups will not replace those of the one before."""
    BackupFolder(folder).keep_all()
    with temporary_copy(folder / "new", folder) as temporary:
        with contextlib.closing(connect(temporary, busy_timeout_s=0)) as connection:
            migrate(connection, temporary)
        yield temporary


def _backup(path: Path, match: re.Match[str]) -> Backup:
    label = match["label"]
    kind = BackupKind.BEFORE_MIGRATION if label.startswith("v") else BackupKind(label)
    return Backup(path, datetime.strptime(match["time"], _TIME).replace(tzinfo=UTC), path.stat().st_size, kind)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Verify and migrate the copy of the backup at ``path``."""
    version = version_of(connection)
    if version > len(STEPS):
        raise UserError("backup_newer", path=path, version=version, known=len(STEPS))
    _check_pages(connection)
    if version <= 0:
        raise DamagedRow("it belongs to another program")
    migrate(connection, path)
    if missing := missing_object(connection):
        raise DamagedRow(f"{missing} is missing")


def _check_pages(connection: sqlite3.Connection) -> None:
    result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if result != "ok":
        raise DamagedRow(result)


@contextmanager
def _backup_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (*DATABASE_ERRORS, DamagedRow) as error:
        is_full = not isinstance(error, DamagedRow) and error_code(error) == "disk_full"
        raise UserError("disk_full" if is_full else "backup_unsound", path=path, detail=str(error)) from error
    except OSError as error:
        raise disk_error(error, path) from error
