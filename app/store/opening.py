"""Opening the database: looking before touching, bringing it up to date, finding what was interrupted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from app.store import search_index
from app.store.backups import BESIDE, brought_up_to_date
from app.store.connections import connect
from app.store.errors import database_errors
from app.store.migrations import is_empty, migrate, version_of
from app.store.recovery import OPENING, Writer, mark_interrupted, writers_in, writers_of_messages
from app.store.schema import STEPS, Step
from model_manager.disk.files import move_over, replacing
from model_manager.errors import UserError

LARGEST_CHECKED_BYTES = 256 * 1024 * 1024
"""A check reads the whole file; beyond this it would hold up the start by seconds."""


def open_database(folder: Path, steps: Sequence[Step], busy_timeout_s: float) -> tuple[Path, Writer]:
    """Make the database in ``folder`` ready for this program: the path of its file, and us as one of its writers.

    Raises:
        UserError: as told at ``ConversationStore.open``.
    """
    path = folder / "conversations.sqlite3"
    running = folder / "running"
    with database_errors(path):
        for needed in (folder, folder / "backups", running):
            needed.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _one_at_a_time(running, path, busy_timeout_s):
            writer = Writer(running)
            try:
                _prepare(path, writer, steps, busy_timeout_s)
            except BaseException:
                writer.close()
                raise
    return path, writer


def replace_damaged(folder: Path, backup: Path, steps: Sequence[Step] = STEPS, busy_timeout_s: float = 5.0) -> Path:
    """Put the copy at ``backup`` in the place of a damaged database, and tell where that lies now.

    Raises:
        UserError: ``database_locked`` (path): another process has it open, and as ``brought_up_to_date``.
    """
    path, running = folder / "conversations.sqlite3", folder / "running"
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = folder / f"conversations-damaged-{time}.sqlite3"
    with database_errors(path), _one_at_a_time(running, path, busy_timeout_s):
        writer = Writer(running)
        try:
            others = writers_in(running) - {writer.id}
            with writer.dead_among(others) as dead, brought_up_to_date(backup, folder, steps) as current:
                if others - set(dead):
                    raise UserError("database_locked", path=path)
                for ending in BESIDE:
                    beside = path.with_name(path.name + ending)
                    if beside.exists():
                        move_over(beside, aside.with_name(aside.name + ending))
                with replacing(path, private=True) as temporary:
                    shutil.copyfile(current, temporary)
        finally:
            writer.close()
    return aside


def _prepare(path: Path, writer: Writer, steps: Sequence[Step], busy_timeout_s: float) -> None:
    # The lock files of the dead stay when the look fails: the next start has to look as thoroughly again.
    with writer.dead_among(writers_in(path.parent / "running")) as dead:
        _look(path, len(steps), busy_timeout_s, thorough=bool(dead))
    _create_private(path)
    connection = connect(path, busy_timeout_s=busy_timeout_s)
    try:
        migrate(connection, steps, path, path.parent / "backups")
        connection.execute("PRAGMA journal_mode = WAL")
        search_index.prepare(connection)
        with writer.dead_among(writers_of_messages(connection)) as dead:
            mark_interrupted(connection, dead)
    finally:
        connection.close()


def _look(path: Path, known: int, busy_timeout_s: float, *, thorough: bool) -> None:
    """Refuse what is not ours to open, without changing a byte of it."""
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size > 0:
            # SQLite would throw the log away, and it may be all that is left.
            raise UserError("database_damaged", path=path, detail="the file is empty but its log is not")
        return
    # Asked first: SQLite would give the files beside a read-only one its permissions and leave them there.
    os.close(os.open(path, os.O_RDWR))
    connection = connect(path, busy_timeout_s=busy_timeout_s, read_only=True)
    try:
        version = version_of(connection)
        if version > known:
            raise UserError("database_newer", path=path, version=version, known=known)
        if version == 0 and not is_empty(connection):
            raise UserError("database_damaged", path=path, detail="it belongs to another program")
        if thorough and size <= LARGEST_CHECKED_BYTES:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise UserError("database_damaged", path=path, detail=found)
    finally:
        connection.close()


def _create_private(path: Path) -> None:
    # SQLite would let everybody read it; the files that it adds later have the permissions of this one.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


@contextmanager
def _one_at_a_time(running: Path, path: Path, timeout_s: float) -> Iterator[None]:
    lock = filelock.FileLock(running / OPENING, timeout=timeout_s, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise UserError("database_locked", path=path) from error
    try:
        yield
    finally:
        lock.release()
