"""Questions and their answers, from the empty answer to the finished one."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.conversation import Attachment, Conversation, MadeBy, Message, Role, Status
from app.store import search_index
from app.store.fields import clean_text, time_to_text
from app.store.recovery import Writer, mark_interrupted
from app.store.rows import error_text, insert_conversation, insert_message, made_by_text
from app.store.tree import below, branch_to, delete, find_conversation, find_message, show_leaf
from model_manager.errors import UserError


def begin_turn(
    connection: sqlite3.Connection,
    writer: Writer,
    conversation_id: str,
    question: str,
    instead_of: str | None,
    attachments: Sequence[Attachment],
) -> tuple[Message, Message]:
    """Add a question and its empty answer.  See ``ConversationStore.begin_turn``."""
    parent_id = find_conversation(connection, conversation_id).leaf_id
    if instead_of is not None:
        parent_id = find_message(connection, instead_of, conversation_id).parent_id
    if parent_id is not None:
        _refuse_if_written_elsewhere(connection, writer, parent_id)
    asked = _new_message(conversation_id, parent_id, Role.USER, Status.COMPLETE, clean_text(question))
    asked = replace(asked, attachments=tuple(map(_clean_attachment, attachments)))
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
    find_message(connection, message_id)
    search_index.forget(connection, "id = ?", (message_id,))
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
    search_index.forget(connection, "id = ?", (message_id,))
    connection.execute(
        "UPDATE messages SET content = ?, status = ?, made_by = ?, error = ?, writer_id = NULL WHERE id = ?",
        (clean_text(content), status, made_by_text(made_by), error_text(error), message_id),
    )
    message = find_message(connection, message_id)
    _touch(connection, message.conversation_id)
    return message


def delete_message(connection: sqlite3.Connection, writer: Writer, message_id: str) -> tuple[str, ...]:
    """Hide a message and what lies below it.  See ``ConversationStore.delete_message``."""
    message = find_message(connection, message_id)
    refuse_if_written(connection, writer, below(connection, message_id))
    return tuple(delete(connection, message))


def fork(connection: sqlite3.Connection, conversation_id: str, message_id: str) -> Conversation:
    """Copy a branch into a new conversation.  See ``ConversationStore.fork``."""
    original = find_conversation(connection, conversation_id)
    find_message(connection, message_id, conversation_id)
    branch = branch_to(connection, conversation_id, message_id)
    fresh = {message.id: str(uuid.uuid4()) for message in branch}
    now = datetime.now(UTC)
    copy = replace(
        original,
        id=str(uuid.uuid4()),
        created_at=now,
        updated_at=now,
        leaf_id=fresh[message_id],
        is_pinned=False,
        archived_at=None,
        message_count=0,
    )
    insert_conversation(connection, copy)
    for message in branch:
        made_by = message.made_by
        if made_by is not None:
            made_by = replace(made_by, left_out=tuple(fresh.get(each, each) for each in made_by.left_out))
        insert_message(
            connection,
            replace(
                message,
                id=fresh[message.id],
                conversation_id=copy.id,
                parent_id=None if message.parent_id is None else fresh[message.parent_id],
                status=Status.INTERRUPTED if message.status is Status.STREAMING else message.status,
                made_by=made_by,
            ),
        )
    return find_conversation(connection, copy.id)


def refuse_if_written(connection: sqlite3.Connection, writer: Writer, message_ids: Sequence[str] | None = None) -> None:
    """Refuse where one of these messages, or any at all, is being written, by whomever that lives.

    Raises:
        UserError: ``answer_in_progress`` (id).
    """
    rows = connection.execute("SELECT id, writer_id FROM messages WHERE status = 'streaming'").fetchall()
    chosen = None if message_ids is None else set(message_ids)
    written = {row["id"]: row["writer_id"] for row in rows if chosen is None or row["id"] in chosen}
    with writer.dead_among({each for each in written.values() if each is not None}) as dead:
        mark_interrupted(connection, dead)
    for message_id, by in written.items():
        if by is not None and by not in dead:
            raise UserError("answer_in_progress", id=message_id)


def _clean_attachment(attachment: Attachment) -> Attachment:
    return Attachment(clean_text(attachment.name), clean_text(attachment.content), attachment.tokens)


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
