"""The conversation store: every conversation and message of a person, kept the moment it is made."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from app.chat.conversation import Conversation, MadeBy, Message, SearchHit, Status
from app.store import tree, turns
from app.store.connections import Connections
from app.store.fields import clean_text, time_to_text
from app.store.migrations import copy_database
from app.store.opening import open_database
from app.store.recovery import Writer, mark_interrupted, writers_of_messages
from app.store.rows import CONVERSATIONS, conversation_of, insert_conversation
from app.store.schema import STEPS, Step
from app.store.search import search
from app.store.trees import ConversationTree, ImportResult, merge_trees, read_trees
from model_manager.errors import UserError

# Inside the class ``list`` is the method.
Conversations: TypeAlias = list[Conversation]
Messages: TypeAlias = list[Message]
Hits: TypeAlias = list[SearchHit]
Trees: TypeAlias = list[ConversationTree]


class ConversationStore:
    """Conversations in ``<folder>/conversations.sqlite3``.  Every method may be called from any thread.

    Every method raises UserError ``disk_full`` (path), ``database_locked`` (path), ``database_damaged`` (path,
    detail), ``data_folder_not_writable`` (path, detail) or ``data_disk_failed`` (path, detail) when that is so.  What
    was stored before is kept then, nothing of the failed call is, and the store can be used on.
    """

    def __init__(self, path: Path, writer: Writer, busy_timeout_s: float) -> None:
        self._path = path
        self._writer = writer
        self._connections = Connections(path, busy_timeout_s)

    @classmethod
    def open(cls, folder: Path, *, busy_timeout_s: float = 5.0, steps: Sequence[Step] = STEPS) -> Self:
        """Open the store in ``folder``, make it where there is none, and mark as interrupted what a dead process left.

        ``busy_timeout_s`` is how long any method waits for another process, in seconds.

        Raises:
            UserError: besides those told at the class, ``database_newer`` (path, version, known).  No byte of a newer
                or damaged database is changed.
        """
        path, writer = open_database(folder, steps, busy_timeout_s)
        return cls(path, writer, busy_timeout_s)

    def close(self) -> None:
        """Give everything back.  An answer still being written counts as interrupted at the next opening."""
        self._connections.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Conversations

    def create(self, *, title: str = "", system_prompt: str = "", model_id: str | None = None) -> Conversation:
        """Begin a conversation."""
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
        """The conversation, without its messages.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            return tree.find_conversation(connection, conversation_id)

    def list(self) -> Conversations:
        """All conversations, those with something new first; deleted ones are left out."""
        with self._connections.reading() as connection:
            rows = connection.execute(f"{CONVERSATIONS} WHERE deleted_at IS NULL ORDER BY updated_at DESC, number DESC")
            return [conversation_of(row) for row in rows]

    def rename(self, conversation_id: str, title: str) -> None:
        """Give it another title.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        self._set(conversation_id, "title", clean_text(title))

    def set_system_prompt(self, conversation_id: str, system_prompt: str) -> None:
        """Give it another system prompt.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        self._set(conversation_id, "system_prompt", clean_text(system_prompt))

    def set_model(self, conversation_id: str, model_id: str | None) -> None:
        """Remember the model it is continued with.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        self._set(conversation_id, "model_id", model_id)

    def delete(self, conversation_id: str) -> None:
        """Take it out of sight; ``restore`` brings it back until it is purged.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        self._set(conversation_id, "deleted_at", time_to_text(datetime.now(UTC)))

    def restore(self, conversation_id: str) -> Conversation:
        """Undo ``delete``.

        Raises:
            UserError: ``conversation_missing`` (id): it was never there, or is purged.
        """
        with self._connections.writing() as connection:
            connection.execute("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (conversation_id,))
            return tree.find_conversation(connection, conversation_id)

    def purge_deleted(self, older_than: timedelta) -> int:
        """Remove for good what was deleted longer ago than this, and tell how many conversations that were."""
        with self._connections.writing() as connection:
            return connection.execute(
                "DELETE FROM conversations WHERE deleted_at <= ?", (time_to_text(datetime.now(UTC) - older_than),)
            ).rowcount

    # Messages

    def messages(self, conversation_id: str) -> Messages:
        """The whole tree, in the order of creation.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            tree.find_conversation(connection, conversation_id)
            return tree.all_messages(connection, conversation_id)

    def branch(self, conversation_id: str) -> Messages:
        """The messages that are shown, from the first one to the leaf.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            return tree.branch_to(connection, tree.find_conversation(connection, conversation_id).leaf_id)

    def message(self, message_id: str) -> Message:
        """One message.

        Raises:
            UserError: ``message_missing`` (id).
        """
        with self._connections.reading() as connection:
            return tree.find_message(connection, message_id)

    def select_leaf(self, conversation_id: str, message_id: str) -> str:
        """Show the branch through this message down to the newest message below it, and tell that message's id.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            tree.find_conversation(connection, conversation_id)
            tree.find_message(connection, message_id, conversation_id)
            leaf_id = tree.newest_leaf(connection, message_id)
            tree.show_leaf(connection, conversation_id, leaf_id)
            return leaf_id

    def begin_turn(
        self, conversation_id: str, question: str, *, instead_of: str | None = None
    ) -> tuple[Message, Message]:
        """Add a question under the leaf, and under it an empty answer that is being written: the new leaf.

        With ``instead_of``, the id of an earlier question, the new one stands beside that one.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id), ``answer_in_progress`` (id): another
                process is writing the answer that the question would follow.
        """
        with self._connections.writing() as connection:
            return turns.begin_turn(connection, self._writer, conversation_id, question, instead_of)

    def begin_answer(self, conversation_id: str, parent_id: str) -> Message:
        """Add an empty answer to the question ``parent_id``, beside those it has: the new leaf.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            return turns.begin_answer(connection, self._writer, conversation_id, parent_id)

    def resume_answer(self, message_id: str) -> Message:
        """Go on writing an answer; what it holds is kept.

        Raises:
            UserError: ``message_missing`` (id), ``answer_in_progress`` (id): another process is writing it.
        """
        with self._connections.writing() as connection:
            return turns.resume_answer(connection, self._writer, message_id)

    def save_text(self, message_id: str, content: str) -> None:
        """Keep what there is of an answer.  Does nothing once the answer is finished: what comes late is dropped.

        Raises:
            UserError: ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            turns.save_text(connection, self._writer, message_id, content)

    def finish_answer(
        self,
        message_id: str,
        content: str,
        status: Status,
        made_by: MadeBy | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> Message:
        """End an answer and tell it as it is stored.  Values in ``error`` that JSON cannot hold become text.

        Raises:
            UserError: ``message_missing`` (id).
        """
        if status is Status.STREAMING:
            raise ValueError("an answer does not end by being written")
        with self._connections.writing() as connection:
            return turns.finish_answer(connection, message_id, content, status, made_by, error)

    # Everything

    def search(self, text: str, limit: int = 200) -> Hits:
        """Titles and messages that contain ``text``, newest first; one hit for each.

        Upper and lower case are the same, any white space equals any other; all branches are searched.
        """
        with self._connections.reading() as connection:
            return search(connection, text, limit)

    def trees(self, conversation_ids: Sequence[str] | None = None) -> Trees:
        """These conversations with all their messages, or all that are not deleted, as of one moment.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            if conversation_ids is None:
                rows = connection.execute("SELECT id FROM conversations WHERE deleted_at IS NULL ORDER BY number")
                conversation_ids = [row["id"] for row in rows]
            return read_trees(connection, conversation_ids)

    def merge(self, trees: Iterable[ConversationTree]) -> ImportResult:
        """Add the conversations and messages that are missing, all or none; what is there stays as it is.

        A deleted conversation comes back.  An answer that was being written when it was exported is an interrupted
        one here.

        Raises:
            UserError: ``import_conflict`` (message_id, conversation_id): a message of this id belongs to that other
                conversation.
        """
        with self._connections.writing() as connection:
            return merge_trees(connection, trees)

    def backup(self, path: Path) -> None:
        """Copy everything to ``path``: one SQLite file, whole or not at all.

        Raises:
            UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
        """
        with self._connections.reading() as connection:
            copy_database(connection, path)

    def recover(self) -> int:
        """Mark as interrupted what processes that died since were writing, and tell how many answers that were."""
        with self._connections.writing() as connection:
            writers = writers_of_messages(connection)
            with self._writer.dead_among(writers) as dead:
                return mark_interrupted(connection, dead)

    def _set(self, conversation_id: str, column: str, value: str | None) -> None:
        with self._connections.writing() as connection:
            changed = connection.execute(
                f"UPDATE conversations SET {column} = ? WHERE id = ? AND deleted_at IS NULL", (value, conversation_id)
            )
            if changed.rowcount == 0:
                raise UserError("conversation_missing", id=conversation_id)
