"""Statements about one conversation and the tree of its messages.

Messages that are deleted lie in the table still, until they are purged; nothing here but ``delete`` and ``undelete``
sees them.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from app.conversation import Attachment, Conversation, Message
from app.store.fields import time_to_text
from app.store.rows import CONVERSATIONS, attachment_of, conversation_of, message_of
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
    """The message, if it is there and not deleted; with ``conversation_id`` only if it belongs there.

    Raises:
        UserError: ``message_missing`` (id).
    """
    row = connection.execute("SELECT * FROM messages WHERE id = ? AND deleted_at IS NULL", (message_id,)).fetchone()
    if row is None or conversation_id not in (None, row["conversation_id"]):
        raise UserError("message_missing", id=message_id)
    attachments = connection.execute("SELECT * FROM attachments WHERE message_id = ? ORDER BY position", (message_id,))
    return message_of(row, tuple(map(attachment_of, attachments)))


def all_messages(connection: sqlite3.Connection, conversation_id: str) -> list[Message]:
    """The whole tree, parents before their children."""
    rows = connection.execute(
        "SELECT * FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number", (conversation_id,)
    )
    attachments = _attachments(connection, conversation_id)
    return [message_of(row, attachments.get(row["id"], ())) for row in rows]


def branch_to(connection: sqlite3.Connection, conversation_id: str, leaf_id: str | None) -> list[Message]:
    """The messages from the first one down to ``leaf_id``."""
    rows = connection.execute(
        """
        WITH RECURSIVE upwards (number, parent_id) AS (
            SELECT number, parent_id FROM messages WHERE id = ?
            UNION
            SELECT messages.number, messages.parent_id FROM messages JOIN upwards ON messages.id = upwards.parent_id
        )
        SELECT messages.* FROM upwards CROSS JOIN messages ON messages.number = upwards.number
        ORDER BY messages.number
        """,
        (leaf_id,),
    )
    attachments = _attachments(connection, conversation_id)
    return [message_of(row, attachments.get(row["id"], ())) for row in rows]


def siblings(connection: sqlite3.Connection, conversation: Conversation) -> dict[str, tuple[str, ...]]:
    """For each message that is shown and has siblings: their ids in order of creation, itself included."""
    rows = connection.execute(
        "SELECT id, parent_id FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number",
        (conversation.id,),
    )
    parents: dict[str, str | None] = {row[0]: row[1] for row in rows}
    beside: dict[str | None, list[str]] = defaultdict(list)
    for id_, parent_id in parents.items():
        beside[parent_id].append(id_)
    found = {}
    shown = conversation.leaf_id
    while shown is not None and shown in parents:
        if len(beside[parents[shown]]) > 1:
            found[shown] = tuple(beside[parents[shown]])
        shown = parents[shown]
    return found


def newest_leaf(connection: sqlite3.Connection, message_id: str) -> str:
    """The newest message below ``message_id``, or itself."""
    row = connection.execute(
        """
        WITH RECURSIVE downwards (number, id) AS (
            SELECT number, id FROM messages WHERE id = ?
            UNION
            SELECT messages.number, messages.id FROM messages JOIN downwards ON messages.parent_id = downwards.id
            WHERE messages.deleted_at IS NULL
        )
        SELECT id FROM downwards ORDER BY number DESC LIMIT 1
        """,
        (message_id,),
    ).fetchone()
    return str(row["id"])


def show_leaf(connection: sqlite3.Connection, conversation_id: str, leaf_id: str | None) -> None:
    """Let the branch that is shown end at ``leaf_id``."""
    connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf_id, conversation_id))


def below(connection: sqlite3.Connection, message_id: str) -> list[str]:
    """The message and everything below it, parents before their children."""
    rows = connection.execute(
        """
        WITH RECURSIVE downwards (number, id) AS (
            SELECT number, id FROM messages WHERE id = ?
            UNION
            SELECT messages.number, messages.id FROM messages JOIN downwards ON messages.parent_id = downwards.id
            WHERE messages.deleted_at IS NULL
        )
        SELECT id FROM downwards ORDER BY number
        """,
        (message_id,),
    )
    return [row["id"] for row in rows]


def delete(connection: sqlite3.Connection, message: Message) -> list[str]:
    """Hide the message and everything below it, and tell what that was.

    Where the branch that is shown went through it, that of the sibling before it is shown, or of the one after it;
    where there is none, the branch ends at the parent.
    """
    hidden = below(connection, message.id)
    beside = _living_beside(connection, message)
    now = time_to_text(datetime.now(UTC))
    connection.executemany("UPDATE messages SET deleted_at = ? WHERE id = ?", [(now, id_) for id_ in hidden])
    if find_conversation(connection, message.conversation_id).leaf_id in hidden:
        place = beside.index(message.id)
        others = beside[place - 1 : place] or beside[place + 1 : place + 2]
        leaf_id = newest_leaf(connection, others[0]) if others else message.parent_id
        show_leaf(connection, message.conversation_id, leaf_id)
    return hidden


def undelete(connection: sqlite3.Connection, message_ids: Sequence[str]) -> None:
    """Show hidden messages again, with what lies above them; the branch through the first of them is shown.

    Raises:
        UserError: ``message_missing`` (id).
    """
    for message_id in message_ids:
        shown = connection.execute(
            """
            WITH RECURSIVE upwards (id) AS (
                SELECT ?
                UNION
                SELECT parent_id FROM messages JOIN upwards USING (id)
            )
            UPDATE messages SET deleted_at = NULL WHERE id IN (SELECT id FROM upwards) AND deleted_at IS NOT NULL
            """,
            (message_id,),
        )
        if shown.rowcount == 0:
            find_message(connection, message_id)
    for message_id in message_ids[:1]:
        conversation_id = find_message(connection, message_id).conversation_id
        show_leaf(connection, conversation_id, newest_leaf(connection, message_id))


def _living_beside(connection: sqlite3.Connection, message: Message) -> list[str]:
    rows = connection.execute(
        """
        SELECT id FROM messages
        WHERE conversation_id = ? AND parent_id IS ? AND deleted_at IS NULL ORDER BY number
        """,
        (message.conversation_id, message.parent_id),
    )
    return [row["id"] for row in rows]


def _attachments(connection: sqlite3.Connection, conversation_id: str) -> dict[str, tuple[Attachment, ...]]:
    # Attachments first: they are few, and messages many.
    rows = connection.execute(
        """
        SELECT attachments.* FROM attachments CROSS JOIN messages ON messages.id = attachments.message_id
        WHERE messages.conversation_id = ? ORDER BY attachments.message_id, attachments.position
        """,
        (conversation_id,),
    )
    found: dict[str, tuple[Attachment, ...]] = {}
    for row in rows:
        found[row["message_id"]] = (*found.get(row["message_id"], ()), attachment_of(row))
    return found
