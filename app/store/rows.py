"""Rows to values and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.conversation import Attachment, ContextPolicy, Conversation, MadeBy, Message, Role, Sampling, Status
from app.store.errors import DamagedRow
from app.store.fields import Fields, Unfit, clean_text, plain, time_to_text
from app.store.provenance import made_by_of_row, made_by_to_json, sampling_from_json, sampling_to_json

CONVERSATIONS = """
    SELECT conversations.*, (
        SELECT count(*) FROM messages
        WHERE conversation_id = conversations.id AND deleted_at IS NULL AND role IN ('user', 'assistant')
    ) AS message_count
    FROM conversations
"""
"""The beginning of a statement whose rows ``conversation_of`` reads."""
# Asking the enumeration itself takes three times as long, and a conversation may have ten thousand messages.
_ROLES = {role.value: role for role in Role}
_STATUSES = {status.value: status for status in Status}


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
            is_pinned=bool(row["pinned"]),
            archived_at=_optional_time(row["archived_at"]),
            deleted_at=_optional_time(row["deleted_at"]),
            title_is_chosen=bool(row["title_is_chosen"]),
            sampling=_sampling(row["sampling"]),
            context_policy=None if row["context_policy"] is None else ContextPolicy(row["context_policy"]),
        )
    except (ValueError, Unfit) as error:
        raise DamagedRow(f"conversation {row['id']}: {error}") from error


def message_of(row: sqlite3.Row, attachments: tuple[Attachment, ...] = ()) -> Message:
    """The message in a row of the table, with the attachments that lie in a table of their own.

    Raises:
        DamagedRow: the row holds what this program never writes.
    """
    try:
        return Message(
            id=row["id"],
            conversation_id=row["conversation_id"],
            parent_id=row["parent_id"],
            role=_ROLES.get(row["role"]) or Role(row["role"]),
            status=_STATUSES.get(row["status"]) or Status(row["status"]),
            content=row["content"],
            created_at=_time(row["created_at"]),
            made_by=_made_by(row["made_by"]),
            error=None if row["error"] is None else json.loads(row["error"]),
            attachments=attachments,
            is_pinned=bool(row["pinned"]),
        )
    except (ValueError, Unfit) as error:
        raise DamagedRow(f"message {row['id']}: {error}") from error


def insert_conversation(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Add a conversation without messages."""
    connection.execute(
        """
        INSERT INTO conversations
            (id, title, system_prompt, model_id, leaf_id, created_at, updated_at, pinned, archived_at,
            title_is_chosen, sampling, context_policy)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            conversation.id,
            clean_text(conversation.title),
            clean_text(conversation.system_prompt),
            conversation.model_id,
            conversation.leaf_id,
            time_to_text(conversation.created_at),
            time_to_text(conversation.updated_at),
            int(conversation.is_pinned),
            None if conversation.archived_at is None else time_to_text(conversation.archived_at),
            int(conversation.title_is_chosen),
            sampling_text(conversation.sampling),
            conversation.context_policy,
        ),
    )


def insert_message(connection: sqlite3.Connection, message: Message, writer_id: str | None = None) -> None:
    """Add a message with its attachments; its parent is there already.

    ``writer_id`` belongs to one that is being written.
    """
    connection.execute(
        """
        INSERT INTO messages
            (id, conversation_id, parent_id, role, status, writer_id, created_at, pinned, made_by, error, content)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            message.id,
            message.conversation_id,
            message.parent_id,
            message.role,
            message.status,
            writer_id,
            time_to_text(message.created_at),
            int(message.is_pinned),
            made_by_text(message.made_by),
            error_text(message.error),
            clean_text(message.content),
        ),
    )
    connection.executemany(
        "INSERT INTO attachments (message_id, position, name, tokens, content) VALUES (?, ?, ?, ?, ?)",
        [
            (message.id, position, clean_text(each.name), each.tokens, clean_text(each.content))
            for position, each in enumerate(message.attachments)
        ],
    )


def attachment_of(row: sqlite3.Row) -> Attachment:
    """The attachment in a row of the table."""
    return Attachment(row["name"], row["content"], row["tokens"])


def sampling_text(sampling: Sampling | None) -> str | None:
    """As the column holds it."""
    return None if sampling is None else json.dumps(sampling_to_json(sampling), ensure_ascii=False)


def made_by_text(made_by: MadeBy | None) -> str | None:
    """As the column holds it."""
    return None if made_by is None else json.dumps(made_by_to_json(made_by), ensure_ascii=False)


def error_text(error: Mapping[str, Any] | None) -> str | None:
    """As the column holds it."""
    return None if error is None else json.dumps(plain(error), ensure_ascii=False)


def _made_by(text: str | None) -> MadeBy | None:
    return None if text is None else made_by_of_row(text)


def _sampling(text: str | None) -> Sampling | None:
    return None if text is None else sampling_from_json(Fields(json.loads(text), "sampling"))


def _optional_time(text: str | None) -> datetime | None:
    return None if text is None else _time(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
