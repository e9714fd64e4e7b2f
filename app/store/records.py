"""Conversions between database rows and values.  Columns are named after the fields, except for ``_COLUMNS``."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args, get_type_hints

from app.bounds import within_bounds
from app.conversation import Attachment, Conversation, Folder, Message, Picture
from app.store.connections import DamagedRow
from model_manager.disk.json_file import JsonError, from_json, from_plain, to_json

CONVERSATIONS = """
    SELECT conversations.*, (
        SELECT count(*) FROM messages
        WHERE conversation_id = conversations.id AND deleted_at IS NULL AND role IN ('user', 'assistant')
    ) AS message_count
    FROM conversations
"""
"""Beginning of a statement whose rows ``conversation_of`` reads."""
_COLUMNS = {"is_pinned": "pinned", "is_expanded": "expanded", "provenance": "made_by"}
_Value = TypeVar("_Value", Conversation, Message, Folder)


def _columns_with(type_: type, kind: type) -> frozenset[str]:
    """Return the columns whose field may hold a value of this type."""
    hints = get_type_hints(type_).items()
    return frozenset(_COLUMNS.get(name, name) for name, hint in hints if kind in (get_args(hint) or (hint,)))


_KINDS = (Conversation, Message, Folder)
_FLAGS, _TEXTS = ({type_: _columns_with(type_, kind) for type_ in _KINDS} for kind in (bool, str))
"""Columns of flags and of texts; an object in another column is JSON."""


def conversation_of(row: sqlite3.Row) -> Conversation:
    """Return the conversation in a row of ``CONVERSATIONS``.

    Raises ``DamagedRow``: the row contains values that this program never writes.
    """
    return _read(row, Conversation)


def message_of(row: sqlite3.Row, attachments: tuple[dict[str, Any], ...] = ()) -> Message:
    """Return the message in a row of the table, with the rows of its attachments.

    Raises ``DamagedRow``: the row contains values that this program never writes.
    """
    pictured = ({**each, "picture": each if each["data"] is not None else None} for each in attachments)
    return _read(row, Message, attachments=tuple(pictured))


def folder_of(row: sqlite3.Row) -> Folder:
    """Return the folder in a row of the table.

    Raises ``DamagedRow``: the row contains values that this program never writes.
    """
    return _read(row, Folder)


def insert_folder(connection: sqlite3.Connection, folder: Folder) -> None:
    """Insert a folder; its parent must exist."""
    _insert(connection, "folders", _stored(folder))


def insert_document(connection: sqlite3.Connection, folder_id: str, document: Attachment, number: int | None) -> None:
    """Insert a document of a folder, with a new number for None."""
    columns = _stored(document, "picture")
    _insert(connection, "folder_documents", {**columns, "folder_id": folder_id, "number": number})


def insert_conversation(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Insert a conversation without its messages."""
    _insert(connection, "conversations", _stored(conversation, "message_count", "deleted_at"))


def insert_message(connection: sqlite3.Connection, message: Message, writer_id: str | None = None) -> None:
    """Insert a message with its attachments; its parent must exist.

    ``writer_id``: the store that writes this answer.
    """
    _insert(connection, "messages", {**_stored(message, "attachments"), "writer_id": writer_id})
    for position, attachment in enumerate(message.attachments):
        columns = {**_stored(attachment, "picture"), "message_id": message.id, "position": position}
        if attachment.picture is not None:
            columns |= _stored(attachment.picture, "name")
        _insert(connection, "attachments", columns)


def columns_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that store these fields."""
    return {_COLUMNS.get(name, name): column_value(value) for name, value in fields.items()}


def column_value(value: Any) -> str | int | bytes | None:
    """Return a field's value as a column stores it."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, datetime):
        # Sorts as the times do.
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None or isinstance(value, int | bytes):
        return value
    text = to_json(value).decode()
    # Lone surrogates are escaped in it.
    return clean_text(json.dumps(json.loads(text), ensure_ascii=False)) if "\\ud" in text else text


def clean_text(text: str) -> str:
    """Return ``text`` with surrogate pairs joined, and lone surrogates, which UTF-8 can't encode, replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _stored(value: Conversation | Message | Folder | Attachment | Picture, *elsewhere: str) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(value) if field.name not in elsewhere)
    return columns_of({name: getattr(value, name) for name in names})


def _insert(connection: sqlite3.Connection, table: str, columns: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))


def _read(row: sqlite3.Row, type_: type[_Value], **further: Any) -> _Value:
    fields = {**dict(row), **further}
    try:
        for column, value in fields.items():
            if column in _FLAGS[type_]:
                fields[column] = bool(value)
            elif isinstance(value, str) and value.startswith("{") and column not in _TEXTS[type_]:
                fields[column] = from_json(value, dict[str, Any])
        for name, column in _COLUMNS.items():
            if column in fields:
                fields[name] = fields.pop(column)
        return within_bounds(from_plain(fields, type_))
    except (JsonError, TypeError) as error:
        raise DamagedRow(f"{type_.__name__.lower()} {row['id']}: {error}") from error
