"""Messages of conversations: turns, answers while they are written, versions and branches."""

from __future__ import annotations

import itertools
import re
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.conversation import EDITED, Attachment, Conversation, Message, Provenance, Role, Status
from app.store import search_index
from app.store.branches import (
    all_messages,
    branch_to,
    descendants,
    find_conversation,
    find_message,
    newest_leaf,
    select_leaf,
    touch,
)
from app.store.database import Database
from app.store.merge import not_streaming
from app.store.records import clean_text, column_value, columns_of, insert_conversation, insert_message


class MessageStore(Database):
    """The part of the store for messages.  Errors as of ``ConversationStore``."""

    def messages(self, conversation_id: str) -> list[Message]:
        """Return the whole tree in the order of creation."""
        with self._connections.reading() as connection:
            find_conversation(connection, conversation_id)
            return all_messages(connection, conversation_id)

    def branch(self, conversation_id: str) -> list[Message]:
        """Return the messages of the selected branch, from the root to the leaf."""
        with self._connections.reading() as connection:
            leaf_id = find_conversation(connection, conversation_id).leaf_id
            return branch_to(connection, conversation_id, leaf_id)

    def siblings(self, conversation_id: str) -> dict[str, tuple[str, ...]]:
        """Return for each message of the selected branch that has siblings: all their ids in order of creation."""
        with self._connections.reading() as connection:
            message_id = find_conversation(connection, conversation_id).leaf_id
            rows = connection.execute(
                "SELECT id, parent_id FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number",
                (conversation_id,),
            )
            parents: dict[str, str | None] = {row[0]: row[1] for row in rows}
        children: dict[str | None, list[str]] = defaultdict(list)
        for id_, parent_id in parents.items():
            children[parent_id].append(id_)
        found = {}
        while message_id is not None and message_id in parents:
            parent_id = parents[message_id]
            if len(children[parent_id]) > 1:
                found[message_id] = tuple(children[parent_id])
            message_id = parent_id
        return found

    def message(self, message_id: str) -> Message:
        """Return one message."""
        with self._connections.reading() as connection:
            return find_message(connection, message_id)

    def newest_answer(self, message_id: str) -> Message | None:
        """Return the newest answer to a question."""
        with self._connections.reading() as connection:
            row = connection.execute(
                "SELECT id FROM messages WHERE parent_id = ? AND deleted_at IS NULL ORDER BY number DESC LIMIT 1",
                (message_id,),
            ).fetchone()
            return None if row is None else find_message(connection, row["id"])

    def select_leaf(self, conversation_id: str, message_id: str) -> str:
        """Select the branch through this message down to the newest message below it, and return that leaf's id."""
        with self._connections.writing() as connection:
            find_conversation(connection, conversation_id)
            find_message(connection, message_id, conversation_id)
            leaf_id = newest_leaf(connection, message_id)
            select_leaf(connection, conversation_id, leaf_id)
            return leaf_id

    def begin_turn(
        self,
        conversation_id: str,
        question: str,
        *,
        instead_of: str | None = None,
        attachments: Sequence[Attachment] = (),
        new: Conversation | None = None,
    ) -> tuple[Message, Message]:
        """Add a question below the leaf, and below it an empty streaming answer, which becomes the leaf.

        ``instead_of``: id of an earlier question; the new one becomes its sibling.  ``new`` is a conversation that is
        stored with its first question.  Raises ``UserError``: ``answer_in_progress`` (id): another process writes the
        answer that the question would follow.
        """
        with self._connections.writing() as connection:
            if new is not None:
                insert_conversation(connection, new)
            parent_id = find_conversation(connection, conversation_id).leaf_id
            if instead_of is not None:
                parent_id = find_message(connection, instead_of, conversation_id).parent_id
            if parent_id is not None:
                self._refuse_if_written(connection, [parent_id], elsewhere=True)
            asked = _new_message(conversation_id, parent_id, Role.USER, Status.COMPLETE, clean_text(question))
            clean = [
                replace(each, name=clean_text(each.name), content=clean_text(each.content)) for each in attachments
            ]
            asked = replace(asked, attachments=tuple(clean))
            insert_message(connection, asked)
            return asked, self._add_answer(connection, conversation_id, asked.id)

    def begin_answer(self, conversation_id: str, parent_id: str) -> Message:
        """Add an empty streaming answer to the question ``parent_id``; it becomes the leaf."""
        with self._connections.writing() as connection:
            find_conversation(connection, conversation_id)
            find_message(connection, parent_id, conversation_id)
            return self._add_answer(connection, conversation_id, parent_id)

    def resume_answer(self, message_id: str) -> Message:
        """Give an answer the status streaming again; its content is kept.

        Raises ``UserError``: ``answer_in_progress`` (id): another process is writing it.
        """
        with self._connections.writing() as connection:
            self._refuse_if_written(connection, [message_id], elsewhere=True)
            find_message(connection, message_id)
            search_index.queue(connection, message_id)
            connection.execute(
                "UPDATE messages SET status = 'streaming', writer_id = ?, error = NULL WHERE id = ?",
                (self._writer.id, message_id),
            )
            message = find_message(connection, message_id)
            touch(connection, message.conversation_id)
            return message

    def edit_answer(self, message_id: str, content: str) -> Message:
        """Add a version of an answer with another text, and return it; it becomes the leaf."""
        with self._connections.writing() as connection:
            original = find_message(connection, message_id)
            before, provenance = original.provenance, None
            if before is not None:
                provenance = Provenance(
                    before.model_id, None, None, 0, 0, EDITED, thought_s=before.thought_s, documents=before.documents
                )
            text, parent_id = clean_text(content), original.parent_id
            edited = _new_message(original.conversation_id, parent_id, Role.ASSISTANT, Status.COMPLETE, text)
            edited = replace(edited, provenance=provenance, is_pinned=original.is_pinned)
            insert_message(connection, edited)
            select_leaf(connection, edited.conversation_id, edited.id)
            touch(connection, edited.conversation_id)
            return edited

    def save_text(self, message_id: str, content: str) -> None:
        """Save the content of an answer so far; ignored once the answer is finished."""
        with self._connections.writing() as connection:
            saved = connection.execute(
                "UPDATE messages SET content = ? WHERE id = ? AND status = 'streaming' AND writer_id = ?",
                (clean_text(content), message_id, self._writer.id),
            )
            if saved.rowcount == 0:
                find_message(connection, message_id)

    def finish_answer(
        self,
        message_id: str,
        content: str,
        status: Status,
        provenance: Provenance | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> Message:
        """Finish an answer, and return it as stored.  Values in ``error`` without a JSON form become text."""
        if status is Status.STREAMING:
            raise ValueError("streaming is not the status of a finished answer")
        columns = columns_of({"content": content, "status": status, "made_by": provenance, "error": error})
        with self._connections.writing() as connection:
            search_index.queue(connection, message_id)
            connection.execute(
                "UPDATE messages SET content = ?, status = ?, made_by = ?, error = ?, writer_id = NULL WHERE id = ?",
                (*columns.values(), message_id),
            )
            message = find_message(connection, message_id)
            touch(connection, message.conversation_id)
            return message

    def pin_message(self, message_id: str, pinned: bool) -> None:
        """Keep a message in the prompt when older turns roll out, or stop doing so."""
        with self._connections.writing() as connection:
            find_message(connection, message_id)
            connection.execute("UPDATE messages SET pinned = ? WHERE id = ?", (pinned, message_id))

    def set_summary(self, message_id: str, summary: str) -> None:
        """Set the summary of the branch down to this message; an empty one deletes it."""
        with self._connections.writing() as connection:
            find_message(connection, message_id)
            connection.execute("UPDATE messages SET summary = ? WHERE id = ?", (clean_text(summary), message_id))

    def delete_message(self, message_id: str) -> tuple[str, ...]:
        """Delete a message and everything below it, and return their ids for ``restore_messages``.

        Where the selected branch contained it, the branch of the previous or else the next sibling is selected; without
        siblings the branch ends at the parent.  Raises ``UserError``: ``answer_in_progress`` (id): one of them is being
        written.
        """
        with self._connections.writing() as connection:
            message = find_message(connection, message_id)
            message_ids = descendants(connection, message_id)
            self._refuse_if_written(connection, message_ids)
            rows = connection.execute(
                """
                SELECT id FROM messages
                WHERE conversation_id = ? AND parent_id IS ? AND deleted_at IS NULL ORDER BY number
                """,
                (message.conversation_id, message.parent_id),
            )
            family = [row["id"] for row in rows]
            now = column_value(datetime.now(UTC))
            connection.executemany(
                "UPDATE messages SET deleted_at = ? WHERE id = ?", [(now, id_) for id_ in message_ids]
            )
            if find_conversation(connection, message.conversation_id).leaf_id in message_ids:
                place = family.index(message.id)
                others = family[place - 1 : place] or family[place + 1 : place + 2]
                leaf_id = newest_leaf(connection, others[0]) if others else message.parent_id
                select_leaf(connection, message.conversation_id, leaf_id)
        self.on_delete((message.conversation_id,))
        return tuple(message_ids)

    def restore_messages(self, message_ids: Sequence[str]) -> None:
        """Undo ``delete_message`` unless they were purged; the branch through the first of them is selected."""
        with self._connections.writing() as connection:
            for message_id in message_ids:
                restored = connection.execute(
                    """
                    WITH RECURSIVE ancestors (id) AS (
                        SELECT ?
                        UNION
                        SELECT parent_id FROM messages JOIN ancestors USING (id)
                    )
                    UPDATE messages SET deleted_at = NULL
                    WHERE id IN (SELECT id FROM ancestors) AND deleted_at IS NOT NULL
                    """,
                    (message_id,),
                )
                if restored.rowcount == 0:
                    find_message(connection, message_id)
            for message_id in message_ids[:1]:
                conversation_id = find_message(connection, message_id).conversation_id
                select_leaf(connection, conversation_id, newest_leaf(connection, message_id))

    def fork(self, conversation_id: str, message_id: str) -> Conversation:
        """Copy the branch down to this message into a new conversation with the title and a number, and return it.

        An unfinished answer is copied as far as it is saved, with the status interrupted.
        """
        with self._connections.writing() as connection:
            original = find_conversation(connection, conversation_id)
            find_message(connection, message_id, conversation_id)
            branch = branch_to(connection, conversation_id, message_id)
            new_ids = {message.id: str(uuid.uuid4()) for message in branch}
            now = datetime.now(UTC)
            copy = replace(
                original,
                id=str(uuid.uuid4()),
                title=_numbered(connection, original.title),
                created_at=now,
                updated_at=now,
                leaf_id=new_ids[message_id],
                is_pinned=False,
                archived_at=None,
            )
            insert_conversation(connection, copy)
            for message in branch:
                insert_message(connection, _copied(message, copy.id, new_ids))
            return find_conversation(connection, copy.id)

    def _add_answer(self, connection: sqlite3.Connection, conversation_id: str, parent_id: str) -> Message:
        answer = _new_message(conversation_id, parent_id, Role.ASSISTANT, Status.STREAMING, "")
        insert_message(connection, answer, self._writer.id)
        select_leaf(connection, conversation_id, answer.id)
        touch(connection, conversation_id)
        return answer


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


def _copied(message: Message, conversation_id: str, new_ids: Mapping[str, str]) -> Message:
    provenance = message.provenance
    if provenance is not None:
        provenance = replace(provenance, left_out=tuple(new_ids.get(each, each) for each in provenance.left_out))
    return replace(
        message,
        id=new_ids[message.id],
        conversation_id=conversation_id,
        parent_id=None if message.parent_id is None else new_ids[message.parent_id],
        status=not_streaming(message.status),
        provenance=provenance,
    )


def _numbered(connection: sqlite3.Connection, title: str) -> str:
    """Return a title that no conversation has: with the first free number from 2 on."""
    base = re.sub(r" \(\d+\)$", "", title)
    if not base:
        return ""
    rows = connection.execute("SELECT title FROM conversations WHERE deleted_at IS NULL AND title LIKE '%)'")
    taken = {row["title"] for row in rows}
    names = (f"{base} ({number})" for number in itertools.count(2))
    return next(each for each in names if each not in taken)
