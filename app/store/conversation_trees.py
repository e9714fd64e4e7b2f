"""Whole conversations taken out of the store and merged into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.conversation import Conversation, Message, Status
from app.store.rows import insert_conversation, insert_message
from app.store.tree import all_messages, find_conversation
from model_manager.errors import UserError


@dataclass(frozen=True)
class ConversationTree:
    """A conversation with all its messages, parents before their children."""

    conversation: Conversation
    messages: tuple[Message, ...]

    def branch(self) -> list[Message]:
        """The messages of the branch that is shown, from the first one on."""
        by_id = {message.id: message for message in self.messages}
        branch = []
        message_id = self.conversation.leaf_id
        while message_id is not None:
            branch.append(by_id[message_id])
            message_id = by_id[message_id].parent_id
        return branch[::-1]


@dataclass(frozen=True)
class Refused:
    """A conversation that was not imported: its title, or where it lies in the file, and why."""

    what: str
    error: UserError


@dataclass(frozen=True)
class ImportResult:
    """What an import added; ``messages_added`` counts those of new conversations too."""

    conversations_added: int
    messages_added: int
    refused: tuple[Refused, ...] = ()

    def __add__(self, other: ImportResult) -> ImportResult:
        """Both together."""
        return ImportResult(
            self.conversations_added + other.conversations_added,
            self.messages_added + other.messages_added,
            self.refused + other.refused,
        )


def read_trees(connection: sqlite3.Connection, conversation_ids: Iterable[str]) -> list[ConversationTree]:
    """The conversations in the order they are asked for.

    Raises:
        UserError: ``conversation_missing`` (id).
    """
    return [
        ConversationTree(find_conversation(connection, id_), tuple(all_messages(connection, id_)))
        for id_ in conversation_ids
    ]


def merge_tree(connection: sqlite3.Connection, tree: ConversationTree) -> ImportResult:
    """Add the conversation and the messages that are missing; what is there stays as it is.

    What was deleted here comes back.  An answer that was being written when it was exported is an interrupted one.

    Raises:
        UserError: ``import_conflict`` (message_id, conversation_id): a message of this id belongs to that other
            conversation.
    """
    id_ = tree.conversation.id
    row = connection.execute("SELECT deleted_at, leaf_id FROM conversations WHERE id = ?", (id_,)).fetchone()
    if row is None:
        insert_conversation(connection, tree.conversation)
    elif row["leaf_id"] is None:
        connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (tree.conversation.leaf_id, id_))
    is_new = row is None or row["deleted_at"] is not None
    connection.execute("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (id_,))
    return ImportResult(int(is_new), sum(_add_if_missing(connection, message) for message in tree.messages))


def _add_if_missing(connection: sqlite3.Connection, message: Message) -> bool:
    row = connection.execute("SELECT conversation_id, deleted_at FROM messages WHERE id = ?", (message.id,)).fetchone()
    if row is not None:
        if row["conversation_id"] != message.conversation_id:
            raise UserError("import_conflict", message_id=message.id, conversation_id=row["conversation_id"])
        if row["deleted_at"] is not None:
            connection.execute("UPDATE messages SET deleted_at = NULL WHERE id = ?", (message.id,))
            return True
        return False
    if message.status is Status.STREAMING:
        message = replace(message, status=Status.INTERRUPTED)
    insert_message(connection, message)
    return True
