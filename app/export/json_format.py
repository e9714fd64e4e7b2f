"""Conversations as JSON: everything that is stored, in a form that can be imported again.

One object: ``format`` and ``version``, and ``conversations`` with all their ``messages``, parents before their
children.  Version 2 added pins, attachments, and sampling and context policy of a conversation.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.conversation import Conversation, ConversationTree, Message, Refused, Role
from app.export.formats import Format, Options
from app.store.records import clean_text, column_value
from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.json_file import JsonError, from_plain, to_json
from model_manager.errors import UserError

FORMAT_NAME = "apus-chat-conversations"
FORMAT_VERSION = 2
_MAX_DEPTH = 50
"""Levels of nested lists and objects in a conversation."""
_FIELDS = {"pinned": "is_pinned"}
"""Fields by their keys, where these differ."""
_NOT_EXPORTED = ("conversation_id", "message_count", "deleted_at")
_ATTACHMENT_KEYS = ("name", "tokens", "content")

_Value = TypeVar("_Value", Conversation, Message)


def _keys(type_: type[Conversation | Message]) -> tuple[str, ...]:
    keys = {field: key for key, field in _FIELDS.items()}
    return tuple(keys.get(each.name, each.name) for each in fields(type_) if each.name not in _NOT_EXPORTED)


_CONVERSATION_KEYS, _MESSAGE_KEYS = _keys(Conversation), _keys(Message)


def document(trees: Iterable[ConversationTree]) -> dict[str, Any]:
    """Return the document for ``to_json``.  Times are ISO 8601 in UTC."""
    return {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "conversations": [
            {
                **_as_json(tree.conversation, _CONVERSATION_KEYS),
                "messages": [_as_json(each, _MESSAGE_KEYS) for each in tree.messages],
            }
            for tree in trees
        ],
    }


def check_head(head: dict[str, Any]) -> None:
    """Check format and version of a document.

    Raises:
        JsonError: it is not an export of this program.
        UserError: ``import_newer`` (version, known).
    """
    if head.get("format") != FORMAT_NAME:
        raise _error("unknown format", "format")
    version = from_plain(head.get("version"), int)
    if version > FORMAT_VERSION:
        raise UserError("import_newer", version=version, known=FORMAT_VERSION)


def tree_of(values: object, number: int) -> ConversationTree | Refused:
    """Return the conversation with this number in a document, or why it is refused: ``import_unfit`` (detail)."""
    place = f"conversations[{number}]"
    try:
        return _tree(values, place)
    except JsonError as error:
        title = values.get("title") if isinstance(values, dict) else None
        name = clean_text(title) if isinstance(title, str) and title.strip() else place
        return Refused(name, UserError("import_unfit", detail=error.place))


def _as_json(value: Conversation | Message, keys: Sequence[str]) -> dict[str, Any]:
    json: dict[str, Any] = {}
    for key in keys:
        field = getattr(value, _FIELDS.get(key, key))
        if isinstance(field, datetime):
            field = column_value(field)
        elif key == "attachments":
            field = [{key: getattr(each, key) for key in _ATTACHMENT_KEYS} for each in field]
        json[key] = field
    return json


def _write(trees: Sequence[ConversationTree], _options: Options) -> bytes:
    # Lossless regardless of the options, so that an import restores everything.
    return to_json(document(trees), indent=2) + b"\n"


JSON = Format(
    "json",
    QT_TRANSLATE_NOOP("export", "JSON"),
    QT_TRANSLATE_NOOP("export", "Everything, including all branches; can be imported again."),
    _write,
    many_in_one_file=True,
    needs_history=True,
    is_lossless=True,
)


def _tree(values: object, place: str) -> ConversationTree:
    _check_depth(values, place)
    conversation = _read(values, _CONVERSATION_KEYS, Conversation, place)
    assert isinstance(values, dict)
    if values.get("title_is_chosen") is None:
        # Missing in version 1, where any title may be the user's.
        conversation = replace(conversation, title_is_chosen=bool(conversation.title))
    if not isinstance(values.get("messages"), list):
        raise _error("not a list", f"{place}.messages")
    messages: dict[str, Message] = {}
    for number, each in enumerate(values["messages"]):
        inner = f"{place}.messages[{number}]"
        message = _read(each, _MESSAGE_KEYS, Message, inner, conversation_id=conversation.id)
        if message.id in messages:
            raise _error("duplicate", f"{inner}.id")
        if message.parent_id is not None and message.parent_id not in messages:
            raise _error("no such message", f"{inner}.parent_id")
        messages[message.id] = message
    if conversation.leaf_id is not None and conversation.leaf_id not in messages:
        raise _error("no such message", f"{place}.leaf_id")
    count = sum(message.role is not Role.SYSTEM for message in messages.values())
    return ConversationTree(replace(conversation, message_count=count), tuple(messages.values()))


def _read(values: object, keys: Sequence[str], type_: type[_Value], place: str, **given: str) -> _Value:
    if not isinstance(values, dict):
        raise _error("not an object", place)
    stored = {key: values[key] for key in keys if values.get(key) is not None or key == "parent_id"}
    plain = {_FIELDS.get(key, key): value for key, value in stored.items()}
    try:
        value = from_plain({**plain, **given}, type_)
    except JsonError as error:
        inner = next((key for key, field in _FIELDS.items() if field == error.place), error.place)
        raise _error("invalid value", f"{place}.{inner}") from error
    if not _is_uuid(value.id):
        raise _error("not a UUID", f"{place}.id")
    changes: dict[str, Any] = {}
    for key in keys:
        field = getattr(value, key, None)
        if isinstance(field, datetime):
            changes[key] = _utc(field, f"{place}.{key}")
    return replace(value, **changes)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _utc(time: datetime, place: str) -> datetime:
    try:
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except OverflowError:
        pass
    raise _error("not a time with a time zone", place)


def _check_depth(values: object, place: str) -> None:
    level = [values]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise _error("nested too deeply", place)


def _error(problem: str, place: str) -> JsonError:
    return JsonError(f"{problem} - at `$.{place}`")
