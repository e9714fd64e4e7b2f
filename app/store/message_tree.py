"""SQL statements on one conversation and the tree of its messages.

Deleted messages remain in the table until they are purged; only ``restore`` includes them.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from app.conversation import Attachment, Conversation, Message
from app.store.records import CONVERSATIONS, attachment_of, column_value, conversation_of, message_of
from model_manager.errors import UserError

_DESCENDANTS = """
    WITH RECURSIVE descendants (number, id) AS (
        SELECT number, id FROM messages WHERE id = ?
        UNION
        SELECT messages.number, messages.id FROM messages JOIN descendants ON messages.parent_id = descendants.id
        WHERE messages.deleted_at IS NULL
    )
    SELECT id FROM descendants
"""
"""A message and everything below it."""


def find_conversation(connection: sqlite3.Connection, conversation_id: str) -> Conversation:
    """Return the conversation unless it is deleted.

    Raises:
        UserError: ``conversation_missing`` (id).
    """
    row = connection.execute(f"{CONVERSATIONS} WHERE id = ? AND deleted_at IS NULL", (conversation_id,)).fetchone()
    if row is None:
        raise UserError("conversation_missing", id=conversation_id)
    return conversation_of(row)


def find_message(connection: sqlite3.Connection, message_id: str, conversation_id: str | None = None) -> Message:
    """Return the message unless it is deleted, or belongs to another conversation than ``conversation_id``.

    Raises:
        UserError: ``message_missing`` (id).
    """
    row = connection.execute("SELECT * FROM messages WHERE id = ? AND deleted_at IS NULL", (message_id,)).fetchone()
    if row is None or conversation_id not in (None, row["conversation_id"]):
        raise UserError("message_missing", id=message_id)
    attachments = connection.execute("SELECT * FROM attachments WHERE message_id = ? ORDER BY position", (message_id,))
    return message_of(row, tuple(map(attachment_of, attachments)))


def all_messages(connection: sqlite3.Connection, conversation_id: str) -> list[Message]:
    """Return the whole tree, parents before their children."""
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


def siblings(connection: sqlite3.Connection, conversation: Conversation) -> dict[str, tuple[str, ...]]:
    """Return for each message of the selected branch that has siblings: all their ids in order of creation."""
    rows = connection.execute(
        "SELECT id, parent_id FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number",
        (conversation.id,),
    )
    parents: dict[str, str | None] = {row[0]: row[1] for row in rows}
    children: dict[str | None, list[str]] = defaultdict(list)
    for id_, parent_id in parents.items():
        children[parent_id].append(id_)
    found = {}
    message_id = conversation.leaf_id
    while message_id is not None and message_id in parents:
        parent_id = parents[message_id]
        if len(children[parent_id]) > 1:
            found[message_id] = tuple(children[parent_id])
        message_id = parent_id
    return found


def newest_leaf(connection: sqlite3.Connection, message_id: str) -> str:
    """Return the newest message below ``message_id``, or itself."""
    row = connection.execute(f"{_DESCENDANTS} ORDER BY number DESC LIMIT 1", (message_id,)).fetchone()
    return str(row["id"])


def select_leaf(connection: sqlite3.Connection, conversation_id: str, leaf_id: str | None) -> None:
    """Select the branch that ends at ``leaf_id``."""
    connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf_id, conversation_id))


def descendants(connection: sqlite3.Connection, message_id: str) -> list[str]:
    """Return the ids of the message and of everything below it, parents before their children."""
    return [row["id"] for row in connection.execute(f"{_DESCENDANTS} ORDER BY number", (message_id,))]


def delete(connection: sqlite3.Connection, message: Message, message_ids: Sequence[str]) -> None:
    """Hide the message and its descendants ``message_ids``.

    Where the selected branch contained it, the branch of the previous or else the next sibling is selected; without
    siblings the branch ends at the parent.
    """
    rows = connection.execute(
        """
        SELECT id FROM messages
        WHERE conversation_id = ? AND parent_id IS ? AND deleted_at IS NULL ORDER BY number
        """,
        (message.conversation_id, message.parent_id),
    )
    family = [row["id"] for row in rows]
    now = column_value(datetime.now(UTC))
    connection.executemany("UPDATE messages SET deleted_at = ? WHERE id = ?", [(now, id_) for id_ in message_ids])
    if find_conversation(connection, message.conversation_id).leaf_id in message_ids:
        place = family.index(message.id)
        others = family[place - 1 : place] or family[place + 1 : place + 2]
        leaf_id = newest_leaf(connection, others[0]) if others else message.parent_id
        select_leaf(connection, message.conversation_id, leaf_id)


def restore(connection: sqlite3.Connection, message_ids: Sequence[str]) -> None:
    """Show deleted messages and their ancestors again, and select the branch through the first of them.

    Raises:
        UserError: ``message_missing`` (id).
    """
    for message_id in message_ids:
        restored = connection.execute(
            """
            WITH RECURSIVE ancestors (id) AS (
                SELECT ?
                UNION
                SELECT parent_id FROM messages JOIN ancestors USING (id)
            )
            UPDATE messages SET deleted_at = NULL WHERE id IN (SELECT id FROM ancestors) AND deleted_at IS NOT NULL
            """,
            (message_id,),
        )
        if restored.rowcount == 0:
            find_message(connection, message_id)
    for message_id in message_ids[:1]:
        conversation_id = find_message(connection, message_id).conversation_id
        select_leaf(connection, conversation_id, newest_leaf(connection, message_id))


def _with_attachments(connection: sqlite3.Connection, conversation_id: str, messages: sqlite3.Cursor) -> list[Message]:
    # Starting from the attachments, because they are few and messages are many.
    rows = connection.execute(
        """
        SELECT attachments.* FROM attachments CROSS JOIN messages ON messages.id = attachments.message_id
        WHERE messages.conversation_id = ? ORDER BY attachments.message_id, attachments.position
        """,
        (conversation_id,),
    )
    attachments: dict[str, tuple[Attachment, ...]] = {}
    for row in rows:
        attachments[row["message_id"]] = (*attachments.get(row["message_id"], ()), attachment_of(row))
    return [message_of(row, attachments.get(row["id"], ())) for row in messages]
