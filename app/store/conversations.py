"""Statements about conversations as a whole: how they are listed, put away, deleted and brought back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from app.conversation import Conversation
from app.store import search_index
from app.store.fields import time_to_text
from app.store.rows import CONVERSATIONS, conversation_of
from model_manager.errors import UserError


def listed(connection: sqlite3.Connection, *, archived: bool) -> list[Conversation]:
    """Those in the list, or those in the archive: pinned ones first, then those with something new."""
    rows = connection.execute(
        f"""
        {CONVERSATIONS} WHERE deleted_at IS NULL AND (archived_at IS NOT NULL) = ?
        ORDER BY pinned DESC, updated_at DESC, number DESC
        """,
        (archived,),
    )
    return [conversation_of(row) for row in rows]


def in_bin(connection: sqlite3.Connection) -> list[Conversation]:
    """Those that are deleted, the last one first."""
    rows = connection.execute(f"{CONVERSATIONS} WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, number DESC")
    return [conversation_of(row) for row in rows]


def change(connection: sqlite3.Connection, conversation_id: str, **values: str | int | None) -> None:
    """Set columns of a conversation that is not deleted.

    Raises:
        UserError: ``conversation_missing`` (id).
    """
    columns = ", ".join(f"{column} = ?" for column in values)
    changed = connection.execute(
        f"UPDATE conversations SET {columns} WHERE id = ? AND deleted_at IS NULL", (*values.values(), conversation_id)
    )
    if changed.rowcount == 0:
        raise UserError("conversation_missing", id=conversation_id)


def delete(connection: sqlite3.Connection, conversation_ids: Iterable[str]) -> tuple[str, ...]:
    """Put them into the bin; tells those that were not there already."""
    now = time_to_text(datetime.now(UTC))
    return _change_each(
        connection, "UPDATE conversations SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL", now, conversation_ids
    )


def restore(connection: sqlite3.Connection, conversation_ids: Iterable[str]) -> tuple[str, ...]:
    """Take them out of the bin; tells those that were in it."""
    return _change_each(
        connection,
        "UPDATE conversations SET deleted_at = ? WHERE id = ? AND deleted_at IS NOT NULL",
        None,
        conversation_ids,
    )


def archive(connection: sqlite3.Connection, conversation_ids: Iterable[str], archived: bool) -> tuple[str, ...]:
    """Put them into the archive, or take them out; tells those that were elsewhere."""
    # A pin belongs to the list: what is put away is no longer wanted at its top.
    statement = f"""
        UPDATE conversations SET archived_at = ? {", pinned = 0" if archived else ""}
        WHERE id = ? AND deleted_at IS NULL AND archived_at IS {"" if archived else "NOT"} NULL
    """
    time = time_to_text(datetime.now(UTC)) if archived else None
    return _change_each(connection, statement, time, conversation_ids)


def purge(connection: sqlite3.Connection, conversation_ids: Iterable[str]) -> tuple[str, ...]:
    """Remove those of them that are in the bin, for good; tells which those were."""
    purged = []
    for id_ in conversation_ids:
        if connection.execute("SELECT 1 FROM conversations WHERE id = ? AND deleted_at IS NOT NULL", (id_,)).fetchone():
            search_index.forget(connection, "conversation_id = ?", (id_,))
            connection.execute("DELETE FROM conversations WHERE id = ?", (id_,))
            purged.append(id_)
    return tuple(purged)


def purge_older(connection: sqlite3.Connection, older_than: timedelta) -> int:
    """Remove for good what was deleted longer ago than this, and tell how many conversations that were."""
    before = time_to_text(datetime.now(UTC) - older_than)
    rows = connection.execute("SELECT id FROM conversations WHERE deleted_at <= ?", (before,)).fetchall()
    purged = purge(connection, [row["id"] for row in rows])
    search_index.forget(connection, "deleted_at <= ?", (before,))
    # What lies below a deleted message was deleted with it or before it, so that no child is left without its parent.
    connection.execute("DELETE FROM messages WHERE deleted_at <= ?", (before,))
    return len(purged)


def _change_each(
    connection: sqlite3.Connection, statement: str, value: str | None, conversation_ids: Iterable[str]
) -> tuple[str, ...]:
    return tuple(id_ for id_ in conversation_ids if connection.execute(statement, (value, id_)).rowcount)
