"""Conversions between database rows and values.  Columns are named after the fields, except for ``_COLUMNS``."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar, get_args, get_type_hints

from app.conversation import Attachment, Conversation, MadeBy, Message, Sampling
from app.store.connections import DamagedRow
from model_manager.disk.json_file import from_json, to_json

CONVERSATIONS = """
    SELECT conversations.*, (
        SELECT count(*) FROM messages
        WHERE conversation_id = conversations.id AND deleted_at IS NULL AND role IN ('user', 'assistant')
    ) AS message_count
    FROM conversations
"""
"""Beginning of a statement whose rows ``conversation_of`` reads."""
_COLUMNS = {"is_pinned": "pinned"}
_JSON = (Sampling, MadeBy, dict[str, Any])
"""Types that a column contains as JSON."""

_Fields: TypeAlias = Sequence[tuple[str, str, Callable[[Any], Any] | None]]
"""Name, column and conversion of each field."""
_Value = TypeVar("_Value", Conversation, Message)


def conversation_of(row: sqlite3.Row) -> Conversation:
    """Return the conversation in a row of ``CONVERSATIONS``.

    Raises:
        DamagedRow: the row contains values that this program never writes.
    """
    return _read(row, Conversation, _CONVERSATION_FIELDS)


def message_of(row: sqlite3.Row, attachments: tuple[Attachment, ...] = ()) -> Message:
    """Return the message in a row of the table.

    Raises:
        DamagedRow: the row contains values that this program never writes.
    """
    return _read(row, Message, _MESSAGE_FIELDS, attachments=attachments)


def attachment_of(row: sqlite3.Row) -> Attachment:
    """Return the attachment in a row of the table."""
    return Attachment(row["name"], row["content"], row["tokens"])


def insert_conversation(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Insert a conversation without its messages."""
    _insert(connection, "conversations", _stored(conversation, "message_count", "deleted_at"))


def insert_message(connection: sqlite3.Connection, message: Message, writer_id: str | None = None) -> None:
    """Insert a message with its attachments; its parent must exist.

    ``writer_id``: the store that writes this answer.
    """
    _insert(connection, "messages", {**_stored(message, "attachments"), "writer_id": writer_id})
    for position, attachment in enumerate(message.attachments):
        columns = columns_of(dataclasses.asdict(attachment))
        _insert(connection, "attachments", {**columns, "message_id": message.id, "position": position})


def columns_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that store these fields."""
    return {_COLUMNS.get(name, name): column_value(value) for name, value in fields.items()}


def column_value(value: Any) -> str | int | None:
    """Return a field's value as a column stores it."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, datetime):
        # Sorts as the times do.
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None or isinstance(value, int):
        return value
    return to_json(value).decode()


def clean_text(text: str) -> str:
    """Return ``text`` with surrogate pairs joined, and lone surrogates, which UTF-8 can't encode, replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _stored(value: Conversation | Message, *elsewhere: str) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(value) if field.name not in elsewhere)
    return columns_of({name: getattr(value, name) for name in names})


def _insert(connection: sqlite3.Connection, table: str, columns: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))


def _read(row: sqlite3.Row, type_: type[_Value], fields: _Fields, **given: Any) -> _Value:
    try:
        stored: dict[str, Any] = {
            name: value if convert is None or value is None else convert(value)
            for name, column, convert in fields
            for value in (row[column],)
        }
        return type_(**stored, **given)
    except (KeyError, ValueError) as error:
        raise DamagedRow(f"{type_.__name__.lower()} {row['id']}: {error}") from error


def _fields(type_: Any, *elsewhere: str) -> _Fields:
    hints = get_type_hints(type_)
    return [
        (field.name, _COLUMNS.get(field.name, field.name), _reader(hints[field.name]))
        for field in dataclasses.fields(type_)
        if field.name not in elsewhere
    ]


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    kind = next((each for each in get_args(hint) if each is not type(None)), hint) if hint not in _JSON else hint
    if kind in _JSON:
        return partial(from_json, type_=kind)
    if kind is datetime:
        return datetime.fromisoformat
    if kind is bool:
        return bool
    if issubclass(kind, str) and kind is not str:
        # Calling the enumeration takes three times as long, and a conversation may have ten thousand messages.
        return {member.value: member for member in kind}.__getitem__
    return None


_CONVERSATION_FIELDS = _fields(Conversation)
_MESSAGE_FIELDS = _fields(Message, "attachments")
