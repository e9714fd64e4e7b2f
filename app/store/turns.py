"""Questions and their answers, from the empty answer to the finished one."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.chat.conversation import MadeBy, Message, Role, Status
from app.store.fields import clean_text, time_to_text
from app.store.recovery import Writer, mark_interrupted
from app.store.rows import error_text, insert_message, made_by_text
from app.store.tree import find_conversation, find_message, show_leaf
from model_manager.errors import UserError


def begin_turn(
    connection: sqlite3.Connection, writer: Writer, conversation_id: str, question: str, instead_of: str | None
) -> tuple[Message, Message]:
    """Add a question and its empty answer.  See ``ConversationStore.begin_turn``."""
    parent_id = find_conversation(connection, conversation_id).leaf_id
    if instead_of is not None:
        parent_id = find_message(connection, instead_of, conversation_id).parent_id
    if parent_id is not None:
        _refuse_if_written_elsewhere(connection, writer, parent_id)
    asked = _new_message(conversation_id, parent_id, Role.USER, Status.COMPLETE, clean_text(question))
    insert_message(connection, asked)
    return asked, begin_answer(connection, writer, conversation_id, asked.id)


def begin_answer(connection: sqlite3.Connection, writer: Writer, conversation_id: str, parent_id: str) -> Message:
    """Add an empty answer.  See ``ConversationStore.begin_answer``."""
    find_conversation(connection, conversation_id)
    find_message(connection, parent_id, conversation_id)
    answer = _new_message(conversation_id, parent_id, Role.ASSISTANT, Status.STREAMING, "")
    insert_message(connection, answer, writer.id)
    show_leaf(connection, conversation_id, answer.id)
    _touch(connection, conversation_id)
    return answer


def resume_answer(connection: sqlite3.Connection, writer: Writer, message_id: str) -> Message:
    """Go on with an answer.  See ``ConversationStore.resume_answer``."""
    _refuse_if_written_elsewhere(connection, writer, message_id)
    connection.execute(
        "UPDATE messages SET status = 'streaming', writer_id = ?, error = NULL WHERE id = ?", (writer.id, message_id)
    )
    message = find_message(connection, message_id)
    _touch(connection, message.conversation_id)
    return message


def save_text(connection: sqlite3.Connection, writer: Writer, message_id: str, content: str) -> None:
    """Keep what there is of an answer.  See ``ConversationStore.save_text``."""
    saved = connection.execute(
        "UPDATE messages SET content = ? WHERE id = ? AND status = 'streaming' AND writer_id = ?",
        (clean_text(content), message_id, writer.id),
    )
    if saved.rowcount == 0:
        find_message(connection, message_id)


def finish_answer(
    connection: sqlite3.Connection,
    message_id: str,
    content: str,
    status: Status,
    made_by: MadeBy | None,
    error: Mapping[str, Any] | None,
) -> Message:
    """End an answer.  See ``ConversationStore.finish_answer``."""
    connection.execute(
        "UPDATE messages SET content = ?, status = ?, made_by = ?, error = ?, writer_id = NULL WHERE id = ?",
        (clean_text(content), status, made_by_text(made_by), error_text(error), message_id),
    )
    message = find_message(connection, message_id)
    _touch(connection, message.conversation_id)
    return message


def _new_message(conversation_id: str, parent_id: str | None, role: Role, status: Status, content: str) -> Message:
    return Message(
        id=str(uuid.uuid4()),
        conversation_id=conversation_id,
        parent_id=parent_id,
        role=role,
        status=status,
        content=content,
        created_at=datetime.now(UTC),
    )


def _touch(connection: sqlite3.Connection, conversation_id: str) -> None:
    connection.execute(
        "UPDATE conversations SET updated_at = ? WHERE id = ?", (time_to_text(datetime.now(UTC)), conversation_id)
    )


def _refuse_if_written_elsewhere(connection: sqlite3.Connection, writer: Writer, message_id: str) -> None:
    row = connection.execute(
        "SELECT writer_id FROM messages WHERE id = ? AND status = 'streaming'", (message_id,)
    ).fetchone()
    if row is None or row["writer_id"] == writer.id:
        return
    with writer.dead_among([row["writer_id"]]) as dead:
        mark_interrupted(connection, dead)
    if not dead:
        raise UserError("answer_in_progress", id=message_id)
