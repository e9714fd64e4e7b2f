"""Rows to values and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.chat.conversation import Conversation, MadeBy, Message, Role, Status
from app.store.errors import DamagedRow
from app.store.fields import Fields, Unfit, clean_text, plain, time_to_text
from app.store.made_by import made_by_from_json, made_by_to_json

CONVERSATIONS = """
    SELECT conversations.*, (
        SELECT count(*) FROM messages
        WHERE conversation_id = conversations.id AND role IN ('user', 'assistant')
    ) AS message_count
    FROM conversations
"""
"""The beginning of a statement whose rows ``conversation_of`` reads."""


def conversation_of(row: sqlite3.Row) -> Conversation:
    """The conversation in a row of ``CONVERSATIONS``.

    Raises:
        DamagedRow: the row holds what this program never writes.
    """
    try:
        return Conversation(
            id=row["id"],
            title=row["title"],
            created_at=_time(row["created_at"]),
            updated_at=_time(row["updated_at"]),
            system_prompt=row["system_prompt"],
            model_id=row["model_id"],
            leaf_id=row["leaf_id"],
            message_count=row["message_count"],
        )
    except ValueError as error:
        raise DamagedRow(f"conversation {row['id']}: {error}") from error


def message_of(row: sqlite3.Row) -> Message:
    """The message in a row of the table.

    Raises:
        DamagedRow: the row holds what this program never writes.
    """
    try:
        return Message(
            id=row["id"],
            conversation_id=row["conversation_id"],
            parent_id=row["parent_id"],
            role=Role(row["role"]),
            status=Status(row["status"]),
            content=row["content"],
            created_at=_time(row["created_at"]),
            made_by=_made_by(row["made_by"]),
            error=None if row["error"] is None else json.loads(row["error"]),
        )
    except (ValueError, Unfit) as error:
        raise DamagedRow(f"message {row['id']}: {error}") from error


def insert_conversation(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Add a conversation without messages."""
    connection.execute(
        """
        INSERT INTO conversations (id, title, system_prompt, model_id, leaf_id, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
        (
            conversation.id,
            clean_text(conversation.title),
            clean_text(conversation.system_prompt),
            conversation.model_id,
            conversation.leaf_id,
            time_to_text(conversation.created_at),
            time_to_text(conversation.updated_at),
        ),
    )


def insert_message(connection: sqlite3.Connection, message: Message, writer_id: str | None = None) -> None:
    """Add a message; its parent is there already.  ``writer_id`` belongs to one that is being written."""
    connection.execute(
        """
        INSERT INTO messages
            (id, conversation_id, parent_id, role, status, writer_id, created_at, made_by, error, content)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            message.id,
            message.conversation_id,
            message.parent_id,
            message.role,
            message.status,
            writer_id,
            time_to_text(message.created_at),
            made_by_text(message.made_by),
            error_text(message.error),
            clean_text(message.content),
        ),
    )


def made_by_text(made_by: MadeBy | None) -> str | None:
    """As the column holds it."""
    return None if made_by is None else json.dumps(made_by_to_json(made_by), ensure_ascii=False)


def error_text(error: Mapping[str, Any] | None) -> str | None:
    """As the column holds it."""
    return None if error is None else json.dumps(plain(error), ensure_ascii=False)


def _made_by(text: str | None) -> MadeBy | None:
    return None if text is None else made_by_from_json(Fields(json.loads(text), "made_by"))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
