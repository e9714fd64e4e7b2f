"""Salvage: copies the rows of a damaged database that can still be read into a new one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.store.backups import BackupFolder, BackupKind, replace_damaged, temporary_copy
from app.store.connections import DATABASE_ERRORS, DamagedRow, connect, database_errors
from app.store.migrations import migrate
from app.store.records import conversation_of, folder_of, message_of
from model_manager.errors import UserError

MOST_FAILURES = 100_000
"""Failed reads in succession before the rest of a table is given up: more than a damaged page can hide."""
_TABLES = {
    "folders": folder_of,
    "folder_documents": None,
    "conversations": conversation_of,
    "messages": message_of,
    "attachments": None,
    "facts": None,
}
"""With the function that checks a row."""
_REPAIRS = (
    "DELETE FROM folder_documents WHERE folder_id NOT IN (SELECT id FROM folders)",
    "UPDATE folders SET parent_id = NULL WHERE parent_id NOT IN (SELECT id FROM folders WHERE parent_id IS NULL)",
    "UPDATE conversations SET folder_id = NULL WHERE folder_id NOT IN (SELECT id FROM folders)",
    "DELETE FROM attachments WHERE message_id NOT IN (SELECT id FROM messages)",
    # A lost conversation is found by its messages again.
    """
    INSERT INTO conversations (id, title, system_prompt, created_at, updated_at)
    SELECT conversation_id, '', '', min(created_at), max(created_at) FROM messages
    WHERE conversation_id NOT IN (SELECT id FROM conversations) GROUP BY conversation_id
    """,
    # Lost messages are left out: the next one follows the one before them.
    """
    UPDATE messages SET parent_id = (
        SELECT id FROM messages AS earlier
        WHERE earlier.conversation_id = messages.conversation_id AND earlier.number < messages.number
        ORDER BY number DESC LIMIT 1
    ) WHERE parent_id NOT IN (SELECT id FROM messages)
    """,
    """
    UPDATE conversations SET leaf_id = (
        SELECT id FROM messages WHERE conversation_id = conversations.id ORDER BY number DESC LIMIT 1
    ) WHERE leaf_id IS NULL OR leaf_id NOT IN (SELECT id FROM messages)
    """,
)
"""Statements after which no row refers to a lost one."""


@dataclass(frozen=True)
class Salvaged:
    """Numbers of the conversations and messages that were read, and the new path of the damaged database."""

    conversations: int
    messages: int
    damaged: Path


def salvage(folder: Path) -> Salvaged:
    """Set the damaged database in ``folder`` aside, and put one of its readable rows in its place.

    Raises ``UserError``: ``nothing_salvaged`` (path); then nothing is changed; or as ``replace_damaged``.
    """
    path = folder / "conversations.sqlite3"
    with (
        database_errors(path),
        temporary_copy(path, folder) as copy,
        contextlib.closing(connect(copy, busy_timeout_s=0)) as damaged,
        # A temporary database on the disk.
        contextlib.closing(sqlite3.connect("", isolation_level=None)) as new,
    ):
        migrate(new, copy)
        new.execute("PRAGMA foreign_keys = OFF")
        new.execute("BEGIN")
        columns: dict[str, list[str]] = {}
        with contextlib.suppress(*DATABASE_ERRORS):
            # Reads tables although the entry of another object is damaged.
            damaged.execute("PRAGMA writable_schema = ON")
            columns = {table: _columns(damaged, table) for table in _TABLES}
        for table, names in columns.items():
            _copy_rows(damaged, new, table, names)
        if not _count(new, "messages"):
            raise UserError("nothing_salvaged", path=path)
        for statement in _REPAIRS:
            new.execute(statement)
        new.execute("COMMIT")
        backups = BackupFolder(folder)
        # Automatic backups of what was salvaged must not replace those of before.
        backups.keep_all()
        backup = backups.add(new, BackupKind.MANUAL)
        counts = _count(new, "conversations"), _count(new, "messages")
    return Salvaged(*counts, replace_damaged(folder, backup.path))


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _copy_rows(damaged: sqlite3.Connection, new: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
    """Copy the readable rows, of any version; columns that it doesn't have get their defaults."""
    names = [name for name in _columns(new, table) if name in columns]
    insert = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    check = _TABLES[table]
    for row in _readable_rows(damaged, table) if names else ():
        with contextlib.suppress(DamagedRow, sqlite3.IntegrityError):
            if check is not None:
                check(row)
            new.execute(insert, [row[name] for name in names])


def _readable_rows(damaged: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """Yield the rows in their order, one by one, so that a damaged page hides only its own rows."""
    number = failures = 0
    while failures < MOST_FAILURES:
        try:
            row = damaged.execute(
                f"SELECT rowid AS place, 0 AS message_count, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT 1",
                (number,),
            ).fetchone()
        except DATABASE_ERRORS:
            failures += 1
            number += 1
            continue
        if row is None:
            return
        number, failures = row["place"], 0
        yield row


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
