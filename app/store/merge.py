"""Merging of conversations from elsewhere into the store, inside a transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from app.conversation import ConversationTree, ImportResult, Message, Status
from app.store.branches import select_leaf
from app.store.folders import add_missing_folder
from app.store.records import column_value, insert_conversation, insert_message
from model_manager.errors import UserError


def merge(connection: sqlite3.Connection, tree: ConversationTree) -> ImportResult:
    """Add what is missing of a conversation, as ``ConversationStore.merge`` describes.

    Raises ``UserError``: ``import_conflict`` (message_id, conversation_id).
    """
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
        select_leaf(connection, id_, leaf_id)
        updated = column_value(tree.conversation.updated_at)
        connection.execute("UPDATE conversations SET updated_at = max(updated_at, ?) WHERE id = ?", (updated, id_))
    return ImportResult(int(is_new), added, already_there=int(not is_new))


def not_streaming(status: Status) -> Status:
    """Return the status of a copied message: an unfinished answer is interrupted."""
    return Status.INTERRUPTED if status is Status.STREAMING else status


def _add_if_missing(connection: sqlite3.Connection, message: Message) -> bool:
    row = connection.execute("SELECT conversation_id, deleted_at FROM messages WHERE id = ?", (message.id,)).fetchone()
    if row is None:
        insert_message(connection, replace(message, status=not_streaming(message.status)))
        return True
    if row["conversation_id"] != message.conversation_id:
        raise UserError("import_conflict", message_id=message.id, conversation_id=row["conversation_id"])
    connection.execute("UPDATE messages SET deleted_at = NULL WHERE id = ?", (message.id,))
    return row["deleted_at"] is not None
