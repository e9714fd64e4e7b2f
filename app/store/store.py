"""The conversation store: all conversations and messages, saved as soon as they are made."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypedDict, Unpack

from app.context import ContextPolicy
from app.conversation import (
    Conversation,
    ConversationTree,
    ImportResult,
    SearchHit,
    Shelf,
    ShelfOrder,
    SkippedConversation,
)
from app.sampling import Sampling
from app.store import search_index, shelves
from app.store.branches import all_messages, find_conversation
from app.store.facts import FactStore
from app.store.folders import FolderStore
from app.store.merge import merge
from app.store.messages import MessageStore
from app.store.records import clean_text, column_value, columns_of, insert_conversation
from app.store.search import search
from model_manager.errors import UserError

# Inside the class ``list`` is the method.
Conversations: TypeAlias = list[Conversation]
Hits: TypeAlias = list[SearchHit]
Trees: TypeAlias = list[ConversationTree]
Ids: TypeAlias = list[str]
Titles: TypeAlias = tuple[list[int], list[str]]

RECENT_CONVERSATIONS = 200
"""Those whose models count as recently used."""


class ConversationChanges(TypedDict, total=False):
    """Fields of ``Conversation`` that ``ConversationStore.update`` can set."""

    title: str
    system_prompt: str
    model_id: str | None
    sampling: Sampling | None
    context_policy: ContextPolicy | None
    is_pinned: bool
    title_is_chosen: bool


class ConversationStore(MessageStore, FolderStore, FactStore):
    """Conversations in ``<folder>/conversations.sqlite3``.  All methods are thread-safe.

    Every method can raise the ``UserError`` of ``database_errors``, and ``conversation_missing`` (id) or
    ``message_missing`` (id) where there is no such conversation or message, or it is deleted.  It changes nothing then,
    and the store remains usable.
    """

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
            return find_conversation(connection, conversation_id)

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
            find_conversation(connection, conversation_id)
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
                ConversationTree(find_conversation(connection, id_), tuple(all_messages(connection, id_)))
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
                    result += merge(connection, tree)
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


def _purge(connection: sqlite3.Connection, conversation_ids: Iterable[str]) -> tuple[str, ...]:
    purged = []
    for id_ in conversation_ids:
        if connection.execute("SELECT 1 FROM conversations WHERE id = ? AND deleted_at IS NOT NULL", (id_,)).fetchone():
            search_index.remove(connection, "conversation_id = ?", (id_,))
            connection.execute("DELETE FROM conversations WHERE id = ?", (id_,))
            purged.append(id_)
    return tuple(purged)
