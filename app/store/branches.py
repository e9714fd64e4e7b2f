"""Conversations, messages and branches as the methods of the store read and select them, inside a transaction."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from app.conversation import Conversation, Message
from app.store.records import CONVERSATIONS, column_value, conversation_of, message_of
from model_manager.errors import UserError

_DESCENDANTS = """
    WITH RECURSIVE descendants (number, id) AS (
        SELECT number, id FROM messages WHERE id = ?
        UNION
        SELECT messages.number, messages.id FROM messages JOIN descendants ON messages.parent_id = descendants.id
        WHERE messages.deleted_at IS NULL
    )
    SELECT id FROM descendants ORDER BY number
"""
"""A message and everything below it.  Only ``restore_messages`` finds deleted ones."""


def find_conversation(connection: sqlite3.Connection, conversation_id: str) -> Conversation:
    """Return the conversation.  Raises ``UserError``: ``conversation_missing`` (id), also where it is deleted."""
    row = connection.execute(f"{CONVERSATIONS} WHERE id = ? AND deleted_at IS NULL", (conversation_id,)).fetchone()
    if row is None:
        raise UserError("conversation_missing", id=conversation_id)
    return conversation_of(row)


def find_message(connection: sqlite3.Connection, message_id: str, conversation_id: str | None = None) -> Message:
    """Return the message.  Raises ``UserError``: ``message_missing`` (id).

    One of another conversation than ``conversation_id`` counts as missing.
    """
    row = connection.execute("SELECT * FROM messages WHERE id = ? AND deleted_at IS NULL", (message_id,)).fetchone()
    if row is None or conversation_id not in (None, row["conversation_id"]):
        raise UserError("message_missing", id=message_id)
    attachments = connection.execute("SELECT * FROM attachments WHERE message_id = ? ORDER BY position", (message_id,))
    return message_of(row, tuple(map(dict, attachments)))


def all_messages(connection: sqlite3.Connection, conversation_id: str) -> list[Message]:
    """Return the whole tree of a conversation in the order of creation."""
    rows = connection.execute(
        "SELECT * FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number", (conversation_id,)
    )
    return _with_attachments(connection, conversation_id, rows)


def branch_to(connection: sqlite3.Connection, conversation_id: str, leaf_id: str | None) -> list[Message]:
    """Return the messages from the root to ``leaf_id``."""
    rows = connection.execute(
        """
        WITH RECURSIVE ancestors (number, parent_id) AS (
            SELECT number, parent_id FROM messages WHERE id = ?
            UNION
            SELECT messages.number, messages.parent_id FROM messages JOIN ancestors ON messages.id = ancestors.parent_id
        )
        SELECT messages.* FROM ancestors CROSS JOIN messages ON messages.number = ancestors.number
        ORDER BY messages.number
        """,
        (leaf_id,),
    )
    return _with_attachments(connection, conversation_id, rows)


def _with_attachments(connection: sqlite3.Connection, conversation_id: str, messages: sqlite3.Cursor) -> list[Message]:
    # Starting from the attachments, because they are few and messages are many.
    rows = connection.execute(
        """
        SELECT attachments.* FROM attachments CROSS JOIN messages ON messages.id = attachments.message_id
        WHERE messages.conversation_id = ? ORDER BY attachments.message_id, attachments.position
        """,
        (conversation_id,),
    )
    attachments: dict[str, tuple[dict[str, Any], ...]] = defaultdict(tuple)
    for row in rows:
        attachments[row["message_id"]] += (dict(row),)
    return [message_of(row, attachments.get(row["id"], ())) for row in messages]


def descendants(connection: sqlite3.Connection, message_id: str) -> list[str]:
    """Return the ids of a message and of everything below it, parents before their children."""
    return [row["id"] for row in connection.execute(_DESCENDANTS, (message_id,))]


def newest_leaf(connection: sqlite3.Connection, message_id: str) -> str:
    """Return the newest message below ``message_id``, or itself."""
    return descendants(connection, message_id)[-1]


def select_leaf(connection: sqlite3.Connection, conversation_id: str, leaf_id: str | None) -> None:
    """Make the branch down to this message the selected one."""
    connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf_id, conversation_id))


def touch(connection: sqlite3.Connection, conversation_id: str) -> None:
    """Make now the time of the last change of a conversation."""
    connection.execute(
        "UPDATE conversations SET updated_at = ? WHERE id = ?", (column_value(datetime.now(UTC)), conversation_id)
    )
