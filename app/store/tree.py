"""Statements about one conversation and the tree of its messages."""

from __future__ import annotations

import sqlite3

from app.chat.conversation import Conversation, Message
from app.store.rows import CONVERSATIONS, conversation_of, message_of
from model_manager.errors import UserError


def find_conversation(connection: sqlite3.Connection, conversation_id: str) -> Conversation:
    """The conversation, if it is there and not deleted.

    Raises:
        UserError: ``conversation_missing`` (id).
    """
    row = connection.execute(f"{CONVERSATIONS} WHERE id = ? AND deleted_at IS NULL", (conversation_id,)).fetchone()
    if row is None:
        raise UserError("conversation_missing", id=conversation_id)
    return conversation_of(row)


def find_message(connection: sqlite3.Connection, message_id: str, conversation_id: str | None = None) -> Message:
    """The message; with ``conversation_id`` only if it belongs there.

    Raises:
        UserError: ``message_missing`` (id).
    """
    row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
    if row is None or conversation_id not in (None, row["conversation_id"]):
        raise UserError("message_missing", id=message_id)
    return message_of(row)


def all_messages(connection: sqlite3.Connection, conversation_id: str) -> list[Message]:
    """The whole tree, parents before their children."""
    rows = connection.execute("SELECT * FROM messages WHERE conversation_id = ? ORDER BY number", (conversation_id,))
    return [message_of(row) for row in rows]


def branch_to(connection: sqlite3.Connection, leaf_id: str | None) -> list[Message]:
    """The messages from the first one down to ``leaf_id``."""
    rows = connection.execute(
        """
        WITH RECURSIVE upwards (id) AS (
            SELECT ?
            UNION
            SELECT parent_id FROM messages JOIN upwards USING (id)
        )
        SELECT messages.* FROM messages JOIN upwards USING (id) ORDER BY number
        """,
        (leaf_id,),
    )
    return [message_of(row) for row in rows]


def newest_leaf(connection: sqlite3.Connection, message_id: str) -> str:
    """The newest message below ``message_id``, or itself."""
    row = connection.execute(
        """
        WITH RECURSIVE downwards (number, id) AS (
            SELECT number, id FROM messages WHERE id = ?
            UNION
            SELECT messages.number, messages.id FROM messages JOIN downwards ON messages.parent_id = downwards.id
        )
        SELECT id FROM downwards ORDER BY number DESC LIMIT 1
        """,
        (message_id,),
    ).fetchone()
    return str(row["id"])


def show_leaf(connection: sqlite3.Connection, conversation_id: str, leaf_id: str) -> None:
    """Let the branch that is shown end at ``leaf_id``."""
    connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf_id, conversation_id))
