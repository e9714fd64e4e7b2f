"""The conversation store: every conversation and message of a person, kept the moment it is made."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from app.conversation import Attachment, ContextPolicy, Conversation, MadeBy, Message, Sampling, SearchHit, Status
from app.store import conversations, tree, turns
from app.store.conversation_trees import ConversationTree, ImportResult, Refused, merge_tree, read_trees
from app.store.database import Database
from app.store.fields import clean_text, time_to_text
from app.store.rows import insert_conversation, sampling_text
from app.store.search import search
from model_manager.errors import UserError

# Inside the class ``list`` is the method.
Conversations: TypeAlias = list[Conversation]
Messages: TypeAlias = list[Message]
Hits: TypeAlias = list[SearchHit]
Trees: TypeAlias = list[ConversationTree]


class ConversationStore(Database):
    """Conversations in ``<folder>/conversations.sqlite3``.  Every method may be called from any thread.

    Every method raises UserError ``disk_full`` (path), ``database_locked`` (path), ``database_damaged`` (path,
    detail), ``data_folder_not_writable`` (path, detail) or ``data_disk_failed`` (path, detail) when that is so.  What
    was stored before is kept then, nothing of the failed call is, and the store can be used on.
    """

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

    def list(self, *, archived: bool = False) -> Conversations:
        """Those in the list, or those in the archive: pinned ones first, then those with something new."""
        with self._connections.reading() as connection:
            return conversations.listed(connection, archived=archived)

    def bin(self) -> Conversations:
        """The deleted ones, the last one first."""
        with self._connections.reading() as connection:
            return conversations.in_bin(connection)

    def rename(self, conversation_id: str, title: str) -> None:
        """Give it the title that a person chose.

        Raises:
            UserError: ``conversation_missing`` (id), as each of those below that change one conversation.
        """
        self._set(conversation_id, title=clean_text(title), title_is_chosen=1)

    def set_automatic_title(self, conversation_id: str, title: str) -> None:
        """Give it a title, where no person chose one."""
        with self._connections.writing() as connection:
            if not tree.find_conversation(connection, conversation_id).title_is_chosen:
                conversations.change(connection, conversation_id, title=clean_text(title))

    def set_system_prompt(self, conversation_id: str, system_prompt: str) -> None:
        """Give it another system prompt."""
        self._set(conversation_id, system_prompt=clean_text(system_prompt))

    def set_model(self, conversation_id: str, model_id: str | None) -> None:
        """Remember the model it is continued with."""
        self._set(conversation_id, model_id=model_id)

    def set_sampling(self, conversation_id: str, sampling: Sampling | None) -> None:
        """Give it a sampling of its own; None takes that of the settings again."""
        self._set(conversation_id, sampling=sampling_text(sampling))

    def set_context_policy(self, conversation_id: str, policy: ContextPolicy | None) -> None:
        """Say what happens when its context is full; None does as the settings say."""
        self._set(conversation_id, context_policy=policy)

    def set_pinned(self, conversation_id: str, pinned: bool) -> None:
        """Let it stand above the others in the list, or among them again."""
        self._set(conversation_id, pinned=int(pinned))

    def set_archived(self, conversation_id: str, archived: bool) -> None:
        """Put it into the archive, which unpins it, or back into the list."""
        with self._connections.writing() as connection:
            tree.find_conversation(connection, conversation_id)
            conversations.archive(connection, [conversation_id], archived)

    def archive_many(self, conversation_ids: Iterable[str], archived: bool = True) -> tuple[str, ...]:
        """As ``set_archived``, for many; tells those that it moved."""
        with self._connections.writing() as connection:
            return conversations.archive(connection, conversation_ids, archived)

    def delete(self, conversation_id: str) -> None:
        """Put it into the bin; ``restore`` brings it back until it is purged."""
        self._set(conversation_id, deleted_at=time_to_text(datetime.now(UTC)))

    def delete_many(self, conversation_ids: Iterable[str]) -> tuple[str, ...]:
        """Put them into the bin; tells those that were not in it or gone already."""
        with self._connections.writing() as connection:
            return conversations.delete(connection, conversation_ids)

    def restore(self, conversation_id: str) -> Conversation:
        """Undo ``delete``.

        Raises:
            UserError: ``conversation_missing`` (id): it was never there, or is purged.
        """
        with self._connections.writing() as connection:
            conversations.restore(connection, [conversation_id])
            return tree.find_conversation(connection, conversation_id)

    def restore_many(self, conversation_ids: Iterable[str]) -> tuple[str, ...]:
        """Take them out of the bin; tells those that were in it."""
        with self._connections.writing() as connection:
            return conversations.restore(connection, conversation_ids)

    def purge(self, conversation_ids: Iterable[str]) -> tuple[str, ...]:
        """Remove those of them that are in the bin, for good; tells which those were."""
        with self._connections.writing() as connection:
            return conversations.purge(connection, conversation_ids)

    def purge_deleted(self, older_than: timedelta) -> int:
        """Remove for good what was deleted longer ago than this, conversations and single messages.

        Tells how many conversations that were.
        """
        with self._connections.writing() as connection:
            return conversations.purge_older(connection, older_than)

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
            leaf_id = tree.find_conversation(connection, conversation_id).leaf_id
            return tree.branch_to(connection, conversation_id, leaf_id)

    def siblings(self, conversation_id: str) -> dict[str, tuple[str, ...]]:
        """For each message that is shown and has siblings: their ids in order of creation, itself included.

        Raises:
            UserError: ``conversation_missing`` (id).
        """
        with self._connections.reading() as connection:
            return tree.siblings(connection, tree.find_conversation(connection, conversation_id))

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
        self,
        conversation_id: str,
        question: str,
        *,
        instead_of: str | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> tuple[Message, Message]:
        """Add a question under the leaf, and under it an empty answer that is being written: the new leaf.

        With ``instead_of``, the id of an earlier question, the new one stands beside that one.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id), ``answer_in_progress`` (id): another
                process is writing the answer that the question would follow.
        """
        with self._connections.writing() as connection:
            return turns.begin_turn(connection, self._writer, conversation_id, question, instead_of, attachments)

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

    def pin_message(self, message_id: str, pinned: bool) -> None:
        """Keep a message in the prompt when older turns roll out, or no longer.

        Raises:
            UserError: ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            tree.find_message(connection, message_id)
            connection.execute("UPDATE messages SET pinned = ? WHERE id = ?", (pinned, message_id))

    def delete_message(self, message_id: str) -> tuple[str, ...]:
        """Hide a message and everything below it, and tell the ids that this hid, for ``restore_messages``.

        Where the branch that is shown went through it, that of the sibling before it is shown, or of the one after
        it; where there is none, the branch ends at the parent.

        Raises:
            UserError: ``message_missing`` (id), ``answer_in_progress`` (id): an answer among them is being written.
        """
        with self._connections.writing() as connection:
            return turns.delete_message(connection, self._writer, message_id)

    def restore_messages(self, message_ids: Sequence[str]) -> None:
        """Undo ``delete_message`` until they are purged; the branch through the first of them is shown.

        Raises:
            UserError: ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            tree.undelete(connection, message_ids)

    def fork(self, conversation_id: str, message_id: str) -> Conversation:
        """Copy the branch down to this message into a new conversation of the same title, which is told.

        An answer that is being written is copied as far as it is stored, as an interrupted one.

        Raises:
            UserError: ``conversation_missing`` or ``message_missing`` (id).
        """
        with self._connections.writing() as connection:
            return turns.fork(connection, conversation_id, message_id)

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
        """Add the conversations and messages that are missing, each conversation whole or not at all.

        What is there stays as it is; a deleted conversation comes back.  An answer that was being written when it was
        exported is an interrupted one here.  A conversation with a message that belongs to another one here is
        refused in the result: ``import_conflict`` (message_id, conversation_id).
        """
        result = ImportResult(0, 0)
        for each in trees:
            # One transaction each: an import of minutes must not keep a running answer from being saved.
            try:
                with self._connections.writing() as connection:
                    result += merge_tree(connection, each)
            except UserError as error:
                if error.code != "import_conflict":
                    raise
                result += ImportResult(0, 0, (Refused(each.conversation.title, error),))
        return result

    def _set(self, conversation_id: str, **values: str | int | None) -> None:
        with self._connections.writing() as connection:
            conversations.change(connection, conversation_id, **values)
