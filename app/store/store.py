"""The conversation store: all conversations and messages, saved as soon as they are made."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypedDict, Unpack

from app.conversation import Attachment, ContextPolicy, Conversation, MadeBy, Message, Role, Sampling, SearchHit, Status
from app.store import message_tree, search_index
from app.store.conversation_trees import ConversationTree, ImportResult, Refused
from app.store.database import Database
from app.store.message_tree import find_conversation, find_message
from app.store.records import (
    CONVERSATIONS,
    clean_text,
    column_value,
    columns_of,
    conversation_of,
    insert_conversation,
    insert_message,
)
from app.store.search import search
from model_manager.errors import UserError

# Inside the class ``list`` is the method.
Conversations: TypeAlias = list[Conversation]
Messages: TypeAlias = list[Message]
Hits: TypeAlias = list[SearchHit]
Trees: TypeAlias = list[ConversationTree]


class ConversationChanges(TypedDict, total=False):
    """Fields of ``Conversation`` that ``ConversationStore.update`` can set."""

    title: str
    system_prompt: str
    model_id: str | None
    sampling: Sampling | None
    context_policy: ContextPolicy | None
    is_pinned: bool
    title_is_chosen: bool


class ConversationStore(Database):
    """Conversations in ``<folder>/conversations.sqlite3``.  All methods are thread-safe.

    Every method can raise the ``UserError`` of ``database_errors``; it changes nothing then, and the store remains
    usable.
    """

    # Conversations

    def create(self, *, title: str = "", system_prompt: str = "", model_id: str | None = None) -> Conversation:
        """Create a conversation."""
        now = datetime.now(UTC)
        conversation = Conversation(
            id=str(uuid.uuid4()),
            title=clean_text(title),
            created_at=now,
            updated_at=now,
            system_prompt=clean_text(system_prompt),
            model_id=model_id,
        )
        with self._connections.writing() as connection:
            insert_conversation(connection, conversation)
        return conversation

    def get(self, conversation_id: str) -> Conversation:
        """Return the conversation without its messages.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            return find_conversation(connection, conversation_id)

    def list(self, *, archived: bool = False) -> Conversations:
        """Return the conversations outside or inside the archive: pinned ones first, then the latest activity."""
        with self._connections.reading() as connection:
            rows = connection.execute(
                f"""
                {CONVERSATIONS} WHERE deleted_at IS NULL AND (archived_at IS NOT NULL) = ?
                ORDER BY pinned DESC, updated_at DESC, number DESC
                """,
                (archived,),
            )
            return [conversation_of(row) for row in rows]

    def trash(self) -> Conversations:
        """Return the deleted conversations, the last deleted first."""
        with self._connections.reading() as connection:
            rows = connection.execute(
                f"{CONVERSATIONS} WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, number DESC"
            )
            return [conversation_of(row) for row in rows]

    def update(self, conversation_id: str, **changes: Unpack[ConversationChanges]) -> None:
        """Change fields of a conversation.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        columns = columns_of(dict(changes))
        assignments = ", ".join(f"{column} = ?" for column in columns)
        with self._connections.writing() as connection:
            updated = connection.execute(
                f"UPDATE conversations SET {assignments} WHERE id = ? AND deleted_at IS NULL",
                (*columns.values(), conversation_id),
            )
            if updated.rowcount == 0:
                raise UserError("conversation_missing", id=conversation_id)

    def rename(self, conversation_id: str, title: str) -> None:
        """Set the title that the user chose.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        self.update(conversation_id, title=title, title_is_chosen=True)

    def set_automatic_title(self, conversation_id: str, title: str) -> None:
        """Set a title unless the user chose one.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.writing() as connection:
            find_conversation(connection, conversation_id)
            connection.execute(
                "UPDATE conversations SET title = ? WHERE id = ? AND NOT title_is_chosen",
                (clean_text(title), conversation_id),
            )

    def archive(self, *conversation_ids: str) -> tuple[str, ...]:
        """Move conversations to the archive, which unpins them, and return the ids of those that were moved."""
        return self._update_each(
            conversation_ids,
            "archived_at = ?, pinned = 0",
            datetime.now(UTC),
            "deleted_at IS NULL AND archived_at IS NULL",
        )

    def unarchive(self, *conversation_ids: str) -> tuple[str, ...]:
        """Move conversations out of the archive, and return the ids of those that were moved."""
        return self._update_each(
            conversation_ids, "archived_at = ?", None, "deleted_at IS NULL AND archived_at IS NOT NULL"
        )

    def delete(self, *conversation_ids: str) -> tuple[str, ...]:
        """Move conversations to the trash, and return the ids of those that were moved."""
        return self._update_each(conversation_ids, "deleted_at = ?", datetime.now(UTC), "deleted_at IS NULL")

    def restore(self, *conversation_ids: str) -> tuple[str, ...]:
        """Move conversations out of the trash, and return the ids of those that were moved."""
        return self._update_each(conversation_ids, "deleted_at = ?", None, "deleted_at IS NOT NULL")

    def purge(self, *conversation_ids: str) -> tuple[str, ...]:
        """Delete those of the conversations that are in the trash permanently, and return their ids."""
        with self._connections.writing() as connection:
            return _purge(connection, conversation_ids)

    def purge_deleted(self, older_than: timedelta) -> int:
        """Delete conversations and single messages permanently that were deleted longer ago than ``older_than``.

        Returns the number of conversations.
        """
        before = column_value(datetime.now(UTC) - older_than)
        with self._connections.writing() as connection:
            rows = connection.execute("SELECT id FROM conversations WHERE deleted_at <= ?", (before,)).fetchall()
            purged = _purge(connection, [row["id"] for row in rows])
            search_index.remove(connection, "deleted_at <= ?", (before,))
            # Everything below a deleted message was deleted with it or before it, so no child loses its parent.
            connection.execute("DELETE FROM messages WHERE deleted_at <= ?", (before,))
        return len(purged)

    # Messages

    def messages(self, conversation_id: str) -> Messages:
        """Return the whole tree in the order of creation.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            find_conversation(connection, conversation_id)
            return message_tree.all_messages(connection, conversation_id)

    def branch(self, conversation_id: str) -> Messages:
        """Return the messages of the selected branch, from the root to the leaf.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            leaf_id = find_conversation(connection, conversation_id).leaf_id
            return message_tree.branch_to(connection, conversation_id, leaf_id)

    def siblings(self, conversation_id: str) -> dict[str, tuple[str, ...]]:
        """Return for each message of the selected branch that has siblings: all their ids in order of creation.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            return message_tree.siblings(connection, find_conversation(connection, conversation_id))

    def message(self, message_id: str) -> Message:
        """Return one message.

        Raises:
            UserError: ``message_missing`` (id).
        """
        with self._connections.reading() as connection:
            return find_message(connection, message_id)

    def select_leaf(self, conversation_id: str, message_id: str) -> str:
        """Select the branch through this message down to the newest message below it, and return that leaf's id.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            find_conversation(connection, conversation_id)
            find_message(connection, message_id, conversation_id)
            leaf_id = message_tree.newest_leaf(connection, message_id)
            message_tree.select_leaf(connection, conversation_id, leaf_id)
            return leaf_id

    def begin_turn(
        self,
        conversation_id: str,
        question: str,
        *,
        instead_of: str | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> tuple[Message, Message]:
        """Add a question below the leaf, and below it an empty streaming answer, which becomes the leaf.

        ``instead_of``: id of an earlier question; the new one becomes its sibling.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id), ``answer_in_progress`` (id): another
                process is writing the answer that the question would follow.
        """
        with self._connections.writing() as connection:
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
        """Add an empty streaming answer to the question ``parent_id``; it becomes the leaf.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            find_conversation(connection, conversation_id)
            find_message(connection, parent_id, conversation_id)
            return self._add_answer(connection, conversation_id, parent_id)

    def resume_answer(self, message_id: str) -> Message:
        """Give an answer the status streaming again; its content is kept.

        Raises:
            UserError: ``message_missing`` (id), ``answer_in_progress`` (id): another process is writing it.
        """
        with self._connections.writing() as connection:
            self._refuse_if_written(connection, [message_id], elsewhere=True)
            find_message(connection, message_id)
            search_index.remove(connection, "id = ?", (message_id,))
            connection.execute(
                "UPDATE messages SET status = 'streaming', writer_id = ?, error = NULL WHERE id = ?",
                (self._writer.id, message_id),
            )
            message = find_message(connection, message_id)
            _touch(connection, message.conversation_id)
            return message

    def save_text(self, message_id: str, content: str) -> None:
        """Save the content of an answer so far; ignored once the answer is finished.

        Raises:
            UserError: ``message_missing`` (id).
        """
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
        made_by: MadeBy | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> Message:
        """Finish an answer, and return it as stored.  Values in ``error`` without a JSON form become text.

        Raises:
            UserError: ``message_missing`` (id).
        """
        if status is Status.STREAMING:
            raise ValueError("streaming is not the status of a finished answer")
        columns = columns_of({"content": content, "status": status, "made_by": made_by, "error": error})
        with self._connections.writing() as connection:
            search_index.remove(connection, "id = ?", (message_id,))
            connection.execute(
                "UPDATE messages SET content = ?, status = ?, made_by = ?, error = ?, writer_id = NULL WHERE id = ?",
                (*columns.values(), message_id),
            )
            message = find_message(connection, message_id)
            _touch(connection, message.conversation_id)
            return message

    def pin_message(self, message_id: str, pinned: bool) -> None:
        """Keep a message in the prompt when older turns roll out, or stop doing so.

        Raises:
            UserError: ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            find_message(connection, message_id)
            connection.execute("UPDATE messages SET pinned = ? WHERE id = ?", (pinned, message_id))

    def delete_message(self, message_id: str) -> tuple[str, ...]:
        """Delete a message and everything below it, and return their ids for ``restore_messages``.

        Where the selected branch contained it, the branch of the previous or else the next sibling is selected;
        without siblings the branch ends at the parent.

        Raises:
            UserError: ``message_missing`` (id), ``answer_in_progress`` (id): one of them is being written.
        """
        with self._connections.writing() as connection:
            message = find_message(connection, message_id)
            message_ids = message_tree.descendants(connection, message_id)
            self._refuse_if_written(connection, message_ids)
            message_tree.delete(connection, message, message_ids)
            return tuple(message_ids)

    def restore_messages(self, message_ids: Sequence[str]) -> None:
        """Undo ``delete_message`` unless they were purged; the branch through the first of them is selected.

        Raises:
            UserError: ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            message_tree.restore(connection, message_ids)

    def fork(self, conversation_id: str, message_id: str) -> Conversation:
        """Copy the branch down to this message into a new conversation with the same title, and return it.

        An unfinished answer is copied as far as it is saved, with the status interrupted.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            original = find_conversation(connection, conversation_id)
            find_message(connection, message_id, conversation_id)
            branch = message_tree.branch_to(connection, conversation_id, message_id)
            new_ids = {message.id: str(uuid.uuid4()) for message in branch}
            now = datetime.now(UTC)
            copy = replace(
                original,
                id=str(uuid.uuid4()),
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

    # All conversations

    def search(self, text: str, limit: int = 200) -> Hits:
        """Return titles and messages that contain ``text``, newest first, one hit for each.

        Case is ignored and any white space equals any other; all branches are searched.
        """
        with self._connections.reading() as connection:
            return search(connection, text, limit)

    def trees(self, conversation_ids: Sequence[str] | None = None) -> Trees:
        """Return these conversations, or all that are not deleted, with all their messages, from one moment.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            if conversation_ids is None:
                rows = connection.execute("SELECT id FROM conversations WHERE deleted_at IS NULL ORDER BY number")
                conversation_ids = [row["id"] for row in rows]
            return [
                ConversationTree(find_conversation(connection, id_), tuple(message_tree.all_messages(connection, id_)))
                for id_ in conversation_ids
            ]

    def merge(self, trees: Iterable[ConversationTree]) -> ImportResult:
        """Add the conversations and messages that are missing, each conversation completely or not at all.

        Existing ones are unchanged, and deleted ones are restored.  An answer that was unfinished when it was exported
        is interrupted.  A conversation with a message that belongs to another conversation here is refused in the
        result: ``import_conflict`` (message_id, conversation_id).
        """
        result = ImportResult(0, 0)
        for tree in trees:
            # A transaction for each, so that a long import doesn't block saving a running answer.
            try:
                with self._connections.writing() as connection:
                    result += _merge(connection, tree)
            except UserError as error:
                if error.code != "import_conflict":
                    raise
                result += ImportResult(0, 0, (Refused(tree.conversation.title, error),))
        return result

    def _update_each(
        self, conversation_ids: Iterable[str], assignments: str, value: datetime | None, condition: str
    ) -> tuple[str, ...]:
        statement = f"UPDATE conversations SET {assignments} WHERE id = ? AND {condition}"
        with self._connections.writing() as connection:
            return tuple(
                id_ for id_ in conversation_ids if connection.execute(statement, (column_value(value), id_)).rowcount
            )

    def _add_answer(self, connection: sqlite3.Connection, conversation_id: str, parent_id: str) -> Message:
        answer = _new_message(conversation_id, parent_id, Role.ASSISTANT, Status.STREAMING, "")
        insert_message(connection, answer, self._writer.id)
        message_tree.select_leaf(connection, conversation_id, answer.id)
        _touch(connection, conversation_id)
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
    made_by = message.made_by
    if made_by is not None:
        made_by = replace(made_by, left_out=tuple(new_ids.get(each, each) for each in made_by.left_out))
    return replace(
        message,
        id=new_ids[message.id],
        conversation_id=conversation_id,
        parent_id=None if message.parent_id is None else new_ids[message.parent_id],
        status=_not_streaming(message.status),
        made_by=made_by,
    )


def _not_streaming(status: Status) -> Status:
    return Status.INTERRUPTED if status is Status.STREAMING else status


def _touch(connection: sqlite3.Connection, conversation_id: str) -> None:
    connection.execute(
        "UPDATE conversations SET updated_at = ? WHERE id = ?", (column_value(datetime.now(UTC)), conversation_id)
    )


def _purge(connection: sqlite3.Connection, conversation_ids: Iterable[str]) -> tuple[str, ...]:
    purged = []
    for id_ in conversation_ids:
        if connection.execute("SELECT 1 FROM conversations WHERE id = ? AND deleted_at IS NOT NULL", (id_,)).fetchone():
            search_index.remove(connection, "conversation_id = ?", (id_,))
            connection.execute("DELETE FROM conversations WHERE id = ?", (id_,))
            purged.append(id_)
    return tuple(purged)


def _merge(connection: sqlite3.Connection, tree: ConversationTree) -> ImportResult:
    id_ = tree.conversation.id
    row = connection.execute("SELECT deleted_at, leaf_id FROM conversations WHERE id = ?", (id_,)).fetchone()
    if row is None:
        insert_conversation(connection, tree.conversation)
    elif row["leaf_id"] is None:
        message_tree.select_leaf(connection, id_, tree.conversation.leaf_id)
    is_new = row is None or row["deleted_at"] is not None
    connection.execute("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (id_,))
    return ImportResult(int(is_new), sum(_add_if_missing(connection, message) for message in tree.messages))


def _add_if_missing(connection: sqlite3.Connection, message: Message) -> bool:
    row = connection.execute("SELECT conversation_id, deleted_at FROM messages WHERE id = ?", (message.id,)).fetchone()
    if row is None:
        insert_message(connection, replace(message, status=_not_streaming(message.status)))
        return True
    if row["conversation_id"] != message.conversation_id:
        raise UserError("import_conflict", message_id=message.id, conversation_id=row["conversation_id"])
    connection.execute("UPDATE messages SET deleted_at = NULL WHERE id = ?", (message.id,))
    return row["deleted_at"] is not None
