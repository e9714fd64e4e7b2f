"""The conversation store: all conversations and messages, saved as soon as they are made."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypedDict, Unpack

from app.context import ContextPolicy
from app.conversation import (
    EDITED,
    Attachment,
    Conversation,
    ConversationTree,
    ImportResult,
    Message,
    Provenance,
    Role,
    SearchHit,
    ShelfOrder,
    SkippedConversation,
    Status,
)
from app.sampling import Sampling
from app.shelf import Shelf
from app.store import search_index, shelves
from app.store.facts import FactStore
from app.store.folders import FolderStore, add_missing_folder
from app.store.records import (
    CONVERSATIONS,
    clean_text,
    column_value,
    columns_of,
    conversation_of,
    insert_conversation,
    insert_message,
    message_of,
)
from app.store.search import search
from model_manager.errors import UserError

# Inside the class ``list`` is the method.
Conversations: TypeAlias = list[Conversation]
Messages: TypeAlias = list[Message]
Hits: TypeAlias = list[SearchHit]
Trees: TypeAlias = list[ConversationTree]
Ids: TypeAlias = list[str]
Titles: TypeAlias = tuple[list[int], list[str]]

RECENT_CONVERSATIONS = 200
"""Those whose models count as recently used."""

_DESCENDANTS = """
    WITH RECURSIVE descendants (number, id) AS (
        SELECT number, id FROM messages WHERE id = ?
        UNION
        SELECT messages.number, messages.id FROM messages JOIN descendants ON messages.parent_id = descendants.id
        WHERE messages.deleted_at IS NULL
    )
    SELECT id FROM descendants ORDER BY number
"""
"""A message and everything below it, parents before their children.  Only ``restore_messages`` finds deleted ones."""


class ConversationChanges(TypedDict, total=False):
    """Fields of ``Conversation`` that ``ConversationStore.update`` can set."""

    title: str
    system_prompt: str
    model_id: str | None
    sampling: Sampling | None
    context_policy: ContextPolicy | None
    is_pinned: bool
    title_is_chosen: bool


class ConversationStore(FolderStore, FactStore):
    """Conversations in ``<folder>/conversations.sqlite3``.  All methods are thread-safe.

    Every method can raise the ``UserError`` of ``database_errors``, and ``conversation_missing`` (id) or
    ``message_missing`` (id) where there is no such conversation or message, or it is deleted.  It changes nothing then,
    and the store remains usable.
    """

    # Conversations

    def create(self, **fields: Any) -> Conversation:
        """Store a conversation without messages; ``fields`` as those of ``new``."""
        conversation = self.new(**fields)
        with self._connections.writing() as connection:
            insert_conversation(connection, conversation)
        return conversation

    @staticmethod
    def new(
        *,
        title: str = "",
        system_prompt: str = "",
        model_id: str | None = None,
        sampling: Sampling | None = None,
        context_policy: ContextPolicy | None = None,
        folder_id: str | None = None,
    ) -> Conversation:
        """Return a conversation that is not stored, for ``begin_turn``."""
        now = datetime.now(UTC)
        return Conversation(
            id=str(uuid.uuid4()),
            title=clean_text(title),
            created_at=now,
            updated_at=now,
            system_prompt=clean_text(system_prompt),
            model_id=model_id,
            sampling=sampling,
            context_policy=context_policy,
            folder_id=folder_id,
        )

    def get(self, conversation_id: str) -> Conversation:
        """Return the conversation without its messages."""
        with self._connections.reading() as connection:
            return _find_conversation(connection, conversation_id)

    def list(self, *, archived: bool = False) -> Conversations:
        """Return the conversations outside or inside the archive."""
        with self._connections.reading() as connection:
            return shelves.read_all(connection, Shelf.ARCHIVE if archived else Shelf.CONVERSATIONS)

    def trash(self) -> Conversations:
        """Return the deleted conversations, the last deleted first."""
        with self._connections.reading() as connection:
            return shelves.read_all(connection, Shelf.TRASH)

    def count(self, shelf: Shelf) -> int:
        """Return the number of conversations of a shelf."""
        with self._connections.reading() as connection:
            return shelves.count(connection, shelf)

    def order(self, shelf: Shelf, periods: Sequence[datetime] = ()) -> ShelfOrder:
        """Return the order of a shelf; ``periods`` are the beginnings of periods, the latest first."""
        with self._connections.reading() as connection:
            return shelves.read_order(connection, shelf, periods)

    def place(self, number: int) -> int:
        """Return how many conversations of its folder, or outside of all, are before this one in the list."""
        with self._connections.reading() as connection:
            return shelves.place(connection, number)

    def numbered(self, numbers: Iterable[int]) -> dict[int, Conversation]:
        """Return the conversations with these numbers; those that were permanently deleted are missing."""
        with self._connections.reading() as connection:
            return shelves.read_numbered(connection, numbers)

    def number_of(self, conversation_id: str | None) -> int | None:
        """Return the number of a conversation in ``ShelfOrder.numbers``; None for a missing one."""
        with self._connections.reading() as connection:
            row = connection.execute("SELECT number FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
            return None if row is None else int(row[0])

    def titles(self, limit: int = -1) -> Titles:
        """Return number and title of the conversations outside the trash, the latest first, the archive last."""
        with self._connections.reading() as connection:
            numbers, titles = connection.execute(
                "SELECT json_group_array(number), json_group_array(title) FROM ("
                "SELECT number, title FROM conversations WHERE deleted_at IS NULL "
                "ORDER BY archived_at IS NOT NULL, updated_at DESC LIMIT ?)",
                (limit,),
            ).fetchone()
            # As JSON, thousands are read in milliseconds.
            return json.loads(numbers), json.loads(titles)

    def recent_models(self) -> Ids:
        """Return the ids of the models of the latest conversations, the last used first."""
        with self._connections.reading() as connection:
            rows = connection.execute(
                "SELECT model_id FROM (SELECT model_id, updated_at FROM conversations "
                "WHERE deleted_at IS NULL AND archived_at IS NULL ORDER BY pinned DESC, updated_at DESC LIMIT ?) "
                "WHERE model_id IS NOT NULL GROUP BY model_id ORDER BY max(updated_at) DESC",
                (RECENT_CONVERSATIONS,),
            )
            return [row[0] for row in rows]

    def update(self, conversation_id: str, **changes: Unpack[ConversationChanges]) -> None:
        """Change fields of a conversation."""
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
        """Set the title that the user chose."""
        self.update(conversation_id, title=title, title_is_chosen=True)

    def set_automatic_title(self, conversation_id: str, title: str) -> None:
        """Set a title unless the user chose one."""
        with self._connections.writing() as connection:
            _find_conversation(connection, conversation_id)
            connection.execute(
                "UPDATE conversations SET title = ? WHERE id = ? AND NOT title_is_chosen",
                (clean_text(title), conversation_id),
            )

    def pin(self, *conversation_ids: str) -> tuple[str, ...]:
        """Pin conversations, and return the ids of those that were not pinned."""
        return self._update_each(conversation_ids, "pinned = ?", 1, "deleted_at IS NULL AND NOT pinned")

    def unpin(self, *conversation_ids: str) -> tuple[str, ...]:
        """Unpin conversations, and return the ids of those that were pinned."""
        return self._update_each(conversation_ids, "pinned = ?", 0, "deleted_at IS NULL AND pinned")

    def pinned(self, conversation_ids: Sequence[str]) -> Ids:
        """Return the ids of those of the conversations that are pinned."""
        with self._connections.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM conversations WHERE pinned AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(conversation_ids),),
            )
            return [row[0] for row in rows]

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
        moved = self._update_each(conversation_ids, "deleted_at = ?", datetime.now(UTC), "deleted_at IS NULL")
        self.on_delete(moved)
        return moved

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
        """Return the whole tree in the order of creation."""
        with self._connections.reading() as connection:
            _find_conversation(connection, conversation_id)
            return _all_messages(connection, conversation_id)

    def branch(self, conversation_id: str) -> Messages:
        """Return the messages of the selected branch, from the root to the leaf."""
        with self._connections.reading() as connection:
            leaf_id = _find_conversation(connection, conversation_id).leaf_id
            return _branch_to(connection, conversation_id, leaf_id)

    def siblings(self, conversation_id: str) -> dict[str, tuple[str, ...]]:
        """Return for each message of the selected branch that has siblings: all their ids in order of creation."""
        with self._connections.reading() as connection:
            message_id = _find_conversation(connection, conversation_id).leaf_id
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
            return _find_message(connection, message_id)

    def select_leaf(self, conversation_id: str, message_id: str) -> str:
        """Select the branch through this message down to the newest message below it, and return that leaf's id."""
        with self._connections.writing() as connection:
            _find_conversation(connection, conversation_id)
            _find_message(connection, message_id, conversation_id)
            leaf_id = _newest_leaf(connection, message_id)
            _select_leaf(connection, conversation_id, leaf_id)
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
            parent_id = _find_conversation(connection, conversation_id).leaf_id
            if instead_of is not None:
                parent_id = _find_message(connection, instead_of, conversation_id).parent_id
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
            _find_conversation(connection, conversation_id)
            _find_message(connection, parent_id, conversation_id)
            return self._add_answer(connection, conversation_id, parent_id)

    def resume_answer(self, message_id: str) -> Message:
        """Give an answer the status streaming again; its content is kept.

        Raises ``UserError``: ``answer_in_progress`` (id): another process is writing it.
        """
        with self._connections.writing() as connection:
            self._refuse_if_written(connection, [message_id], elsewhere=True)
            _find_message(connection, message_id)
            search_index.queue(connection, message_id)
            connection.execute(
                "UPDATE messages SET status = 'streaming', writer_id = ?, error = NULL WHERE id = ?",
                (self._writer.id, message_id),
            )
            message = _find_message(connection, message_id)
            _touch(connection, message.conversation_id)
            return message

    def edit_answer(self, message_id: str, content: str) -> Message:
        """Add a version of an answer with another text, and return it; it becomes the leaf."""
        with self._connections.writing() as connection:
            original = _find_message(connection, message_id)
            before, provenance = original.provenance, None
            if before is not None:
                provenance = Provenance(
                    before.model_id, None, None, 0, 0, EDITED, thought_s=before.thought_s, documents=before.documents
                )
            text, parent_id = clean_text(content), original.parent_id
            edited = _new_message(original.conversation_id, parent_id, Role.ASSISTANT, Status.COMPLETE, text)
            edited = replace(edited, provenance=provenance, is_pinned=original.is_pinned)
            insert_message(connection, edited)
            _select_leaf(connection, edited.conversation_id, edited.id)
            _touch(connection, edited.conversation_id)
            return edited

    def save_text(self, message_id: str, content: str) -> None:
        """Save the content of an answer so far; ignored once the answer is finished."""
        with self._connections.writing() as connection:
            saved = connection.execute(
                "UPDATE messages SET content = ? WHERE id = ? AND status = 'streaming' AND writer_id = ?",
                (clean_text(content), message_id, self._writer.id),
            )
            if saved.rowcount == 0:
                _find_message(connection, message_id)

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
            message = _find_message(connection, message_id)
            _touch(connection, message.conversation_id)
            return message

    def pin_message(self, message_id: str, pinned: bool) -> None:
        """Keep a message in the prompt when older turns roll out, or stop doing so."""
        with self._connections.writing() as connection:
            _find_message(connection, message_id)
            connection.execute("UPDATE messages SET pinned = ? WHERE id = ?", (pinned, message_id))

    def set_summary(self, message_id: str, summary: str) -> None:
        """Set the summary of the branch down to this message; an empty one deletes it."""
        with self._connections.writing() as connection:
            _find_message(connection, message_id)
            connection.execute("UPDATE messages SET summary = ? WHERE id = ?", (clean_text(summary), message_id))

    def delete_message(self, message_id: str) -> tuple[str, ...]:
        """Delete a message and everything below it, and return their ids for ``restore_messages``.

        Where the selected branch contained it, the branch of the previous or else the next sibling is selected; without
        siblings the branch ends at the parent.  Raises ``UserError``: ``answer_in_progress`` (id): one of them is being
        written.
        """
        with self._connections.writing() as connection:
            message = _find_message(connection, message_id)
            message_ids = _descendants(connection, message_id)
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
            if _find_conversation(connection, message.conversation_id).leaf_id in message_ids:
                place = family.index(message.id)
                others = family[place - 1 : place] or family[place + 1 : place + 2]
                leaf_id = _newest_leaf(connection, others[0]) if others else message.parent_id
                _select_leaf(connection, message.conversation_id, leaf_id)
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
                    _find_message(connection, message_id)
            for message_id in message_ids[:1]:
                conversation_id = _find_message(connection, message_id).conversation_id
                _select_leaf(connection, conversation_id, _newest_leaf(connection, message_id))

    def fork(self, conversation_id: str, message_id: str) -> Conversation:
        """Copy the branch down to this message into a new conversation with the same title, and return it.

        An unfinished answer is copied as far as it is saved, with the status interrupted.
        """
        with self._connections.writing() as connection:
            original = _find_conversation(connection, conversation_id)
            _find_message(connection, message_id, conversation_id)
            branch = _branch_to(connection, conversation_id, message_id)
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
            return _find_conversation(connection, copy.id)

    # All conversations

    def search(
        self,
        text: str,
        limit: int = 200,
        *,
        most_in_one: int | None = None,
        only_in: str | None = None,
        folder_id: str | None = None,
    ) -> Hits:
        """Return titles and messages that contain all words of ``text``, newest first, one hit for each.

        ``most_in_one`` limits the messages of one conversation.  All branches are searched.  ``only_in``: id of a
        conversation whose messages alone are searched; ``folder_id``: a folder whose conversations alone are, with
        those of the folders in it.
        """
        with self._connections.reading() as connection:
            return search(connection, text, limit, most_in_one=most_in_one, only_in=only_in, folder_id=folder_id)

    def message_counts(self, conversation_ids: Sequence[str] | None = None) -> dict[str, int]:
        """Return the number of messages of these conversations, or of all that are not deleted, by their ids."""
        with self._connections.reading() as connection:
            rows = connection.execute(
                """
                SELECT id, (
                    SELECT count(*) FROM messages WHERE conversation_id = conversations.id AND deleted_at IS NULL
                ) FROM conversations WHERE deleted_at IS NULL ORDER BY number
                """
            )
            counts = dict(map(tuple, rows))
        for id_ in conversation_ids or ():
            if id_ not in counts:
                raise UserError("conversation_missing", id=id_)
        return counts if conversation_ids is None else {id_: counts[id_] for id_ in conversation_ids}

    def trees(self, conversation_ids: Sequence[str] | None = None) -> Trees:
        """Return these conversations, or all that are not deleted, with all their messages, from one moment."""
        with self._connections.reading() as connection:
            if conversation_ids is None:
                rows = connection.execute("SELECT id FROM conversations WHERE deleted_at IS NULL ORDER BY number")
                conversation_ids = [row["id"] for row in rows]
            return [
                ConversationTree(_find_conversation(connection, id_), tuple(_all_messages(connection, id_)))
                for id_ in conversation_ids
            ]

    def merge(self, trees: Iterable[ConversationTree]) -> ImportResult:
        """Add the conversations and messages that are missing, each conversation completely or not at all.

        Existing ones are unchanged, and deleted ones are restored; the selected branch of a conversation that was
        continued only elsewhere is the continued one.  An answer that was unfinished when it was exported
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
                result += ImportResult(0, 0, (SkippedConversation(tree.conversation.title, error),))
        return result

    def _update_each(
        self, conversation_ids: Iterable[str], assignments: str, value: datetime | int | None, condition: str
    ) -> tuple[str, ...]:
        statement = f"UPDATE conversations SET {assignments} WHERE id = ? AND {condition}"
        with self._connections.writing() as connection:
            return tuple(
                id_ for id_ in conversation_ids if connection.execute(statement, (column_value(value), id_)).rowcount
            )

    def _add_answer(self, connection: sqlite3.Connection, conversation_id: str, parent_id: str) -> Message:
        answer = _new_message(conversation_id, parent_id, Role.ASSISTANT, Status.STREAMING, "")
        insert_message(connection, answer, self._writer.id)
        _select_leaf(connection, conversation_id, answer.id)
        _touch(connection, conversation_id)
        return answer


def _find_conversation(connection: sqlite3.Connection, conversation_id: str) -> Conversation:
    row = connection.execute(f"{CONVERSATIONS} WHERE id = ? AND deleted_at IS NULL", (conversation_id,)).fetchone()
    if row is None:
        raise UserError("conversation_missing", id=conversation_id)
    return conversation_of(row)


def _find_message(connection: sqlite3.Connection, message_id: str, conversation_id: str | None = None) -> Message:
    """Return the message; one of another conversation than ``conversation_id`` counts as missing."""
    row = connection.execute("SELECT * FROM messages WHERE id = ? AND deleted_at IS NULL", (message_id,)).fetchone()
    if row is None or conversation_id not in (None, row["conversation_id"]):
        raise UserError("message_missing", id=message_id)
    attachments = connection.execute("SELECT * FROM attachments WHERE message_id = ? ORDER BY position", (message_id,))
    return message_of(row, tuple(map(dict, attachments)))


def _all_messages(connection: sqlite3.Connection, conversation_id: str) -> list[Message]:
    rows = connection.execute(
        "SELECT * FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number", (conversation_id,)
    )
    return _with_attachments(connection, conversation_id, rows)


def _branch_to(connection: sqlite3.Connection, conversation_id: str, leaf_id: str | None) -> list[Message]:
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


def _with_attachments(connection: sqlite3.Connection, conversation_id: str, messages: sqlite3.Cursor) -> list[Message]:
    # Starting from the attachments, because they are few and messages are many.
    rows = connection.execute(
        """
        SELECT attachments.* FROM attachments CROSS JOIN messages ON messages.id = attachments.message_id
        WHERE messages.conversation_id = ? ORDER BY attachments.message_id, attachments.position
        """,
        (conversation_id,),
    )
    attachments: dict[str, tuple[dict[str, Any], ...]] = defaultdict(tuple)
    for row in rows:
        attachments[row["message_id"]] += (dict(row),)
    return [message_of(row, attachments.get(row["id"], ())) for row in messages]


def _descendants(connection: sqlite3.Connection, message_id: str) -> list[str]:
    return [row["id"] for row in connection.execute(_DESCENDANTS, (message_id,))]


def _newest_leaf(connection: sqlite3.Connection, message_id: str) -> str:
    """Return the newest message below ``message_id``, or itself."""
    return _descendants(connection, message_id)[-1]


def _select_leaf(connection: sqlite3.Connection, conversation_id: str, leaf_id: str | None) -> None:
    connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf_id, conversation_id))


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
        status=_not_streaming(message.status),
        provenance=provenance,
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
    id_, leaf_id = tree.conversation.id, tree.conversation.leaf_id
    row = connection.execute("SELECT deleted_at, leaf_id FROM conversations WHERE id = ?", (id_,)).fetchone()
    if row is None:
        for each in tree.folders:
            add_missing_folder(connection, each)
        insert_conversation(connection, replace(tree.conversation, folder_id=None))
    is_new = row is None or row["deleted_at"] is not None
    connection.execute("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (id_,))
    if is_new:
        # A live one stays where the user has put it.
        folder_id = column_value(tree.conversation.folder_id)
        connection.execute(
            "UPDATE conversations SET folder_id = ? "
            "WHERE id = ? AND folder_id IS NULL AND EXISTS (SELECT 1 FROM folders WHERE id = ?)",
            (folder_id, id_, folder_id),
        )
    added = sum(_add_if_missing(connection, message) for message in tree.messages)
    if row is not None and row["leaf_id"] != leaf_id and row["leaf_id"] in (None, *(each.id for each in tree.branch())):
        # It was continued elsewhere, and not here.
        _select_leaf(connection, id_, leaf_id)
        updated = column_value(tree.conversation.updated_at)
        connection.execute("UPDATE conversations SET updated_at = max(updated_at, ?) WHERE id = ?", (updated, id_))
    return ImportResult(int(is_new), added, already_there=int(not is_new))


def _add_if_missing(connection: sqlite3.Connection, message: Message) -> bool:
    row = connection.execute("SELECT conversation_id, deleted_at FROM messages WHERE id = ?", (message.id,)).fetchone()
    if row is None:
        insert_message(connection, replace(message, status=_not_streaming(message.status)))
        return True
    if row["conversation_id"] != message.conversation_id:
        raise UserError("import_conflict", message_id=message.id, conversation_id=row["conversation_id"])
    connection.execute("UPDATE messages SET deleted_at = NULL WHERE id = ?", (message.id,))
    return row["deleted_at"] is not None
