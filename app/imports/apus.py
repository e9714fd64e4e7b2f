"""Our own JSON, as ``app.export.json_format`` writes it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.bounds import within_bounds
from app.config.presets import Preset
from app.conversation import (
    Attachment,
    Conversation,
    ConversationTree,
    Folder,
    FolderContent,
    Message,
    Role,
    SkippedConversation,
)
from app.export.json_format import (
    CONVERSATION_KEYS,
    CONVERSATIONS,
    FIELDS,
    FOLDERS,
    FORMAT_NAME,
    FORMAT_VERSION,
    MESSAGE_KEYS,
    PRESETS,
)
from app.imports.json_stream import JsonStream, elements, members
from app.imports.program import ImportedFile, Item, Program
from app.sampling import Sampling
from app.store.records import clean_text
from model_manager.disk.json_file import JsonError, from_plain
from model_manager.errors import UserError

_MAX_DEPTH = 50
"""Levels of nested lists and objects in a conversation."""
_Value = TypeVar("_Value", Conversation, Message)


@dataclass(frozen=True)
class _Documents:
    documents: tuple[Attachment, ...] = ()


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    return head.get("format") == FORMAT_NAME and head.get("version") is not None


def _read(file: ImportedFile) -> Iterator[Item]:
    """Yield each preset, folder and conversation of an export, or why it is refused.

    Raises ``UserError``: ``import_newer`` (path, version, known).
    """
    version, number, is_damaged = file.head.get("version"), 0, False
    if not isinstance(version, int) or isinstance(version, bool):
        raise UserError("import_unreadable", path=file.name, detail="version")
    if version > FORMAT_VERSION:
        raise UserError("import_newer", path=file.name, version=version, known=FORMAT_VERSION)
    with file.open() as content:
        stream, has_list = JsonStream(content), False
        try:
            for key in members(stream):
                if key == PRESETS:
                    for place, value in enumerate(elements(stream)):
                        yield _preset_or_refused(value, stream.is_utf8, f"{PRESETS}[{place}]")
                    continue
                if key == FOLDERS:
                    for place, value in enumerate(elements(stream)):
                        yield _folder_or_refused(value, stream.is_utf8, f"{FOLDERS}[{place}]")
                    continue
                if key != CONVERSATIONS:
                    stream.skip_value()
                    continue
                has_list = True
                for value in elements(stream):
                    is_damaged |= isinstance(value, JsonError)
                    yield _tree_or_refused(value, stream.is_utf8, number)
                    number += 1
        except JsonError as error:
            # Reported already where the file ends within the list.
            if not is_damaged:
                yield _tree_or_refused(error, True, number)
    if not has_list:
        raise UserError("import_unreadable", path=file.name, detail=CONVERSATIONS)


APUS = Program("apus", "APUS Chat", _recognises, _read)


def _tree_or_refused(values: object, is_utf8: bool, number: int) -> ConversationTree | SkippedConversation:
    """Return the conversation with this number in a document, or why it is refused: ``import_unfit`` (detail)."""
    place = f"conversations[{number}]"
    if isinstance(values, JsonError):
        return SkippedConversation(place, UserError("import_unfit", detail=str(values)))
    try:
        if not is_utf8:
            raise _error("not UTF-8", place)
        return _tree(values, place)
    except JsonError as error:
        title = values.get("title") if isinstance(values, dict) else None
        name = clean_text(title) if isinstance(title, str) and title.strip() else place
        return SkippedConversation(name, UserError("import_unfit", detail=error.place))


def _folder_or_refused(values: object, is_utf8: bool, place: str) -> FolderContent | SkippedConversation:
    try:
        if isinstance(values, JsonError) or not is_utf8:
            raise _error("damaged", place)
        _check_depth(values, place)
        folder = within_bounds(from_plain(values, Folder))
        if not _is_uuid(folder.id):
            raise _error("not a UUID", f"{place}.id")
        documents = from_plain(values, _Documents).documents
    except JsonError as error:
        return SkippedConversation(place, UserError("import_unfit", detail=error.place or str(error)))
    return FolderContent(folder, tuple(map(within_bounds, documents)))


def _preset_or_refused(values: object, is_utf8: bool, place: str) -> Preset | SkippedConversation:
    try:
        if isinstance(values, JsonError) or not is_utf8:
            raise _error("damaged", place)
        _check_depth(values, place)
        preset = from_plain(values, Preset)
        if not _is_uuid(preset.id):
            raise _error("not a UUID", f"{place}.id")
    except JsonError as error:
        return SkippedConversation(place, UserError("import_unfit", detail=error.place or str(error)))
    return replace(preset, sampling=_without_tools(preset.sampling and within_bounds(preset.sampling)))


def _without_tools(sampling: Sampling | None) -> Sampling | None:
    """Return the sampling without tools, which act with the rights of the user: no file chooses them."""
    return replace(sampling, tools=()) if sampling is not None else None


def _tree(values: object, place: str) -> ConversationTree:
    _check_depth(values, place)
    conversation = _value(values, CONVERSATION_KEYS, Conversation, place)
    assert isinstance(values, dict)
    if values.get("title_is_chosen") is None:
        # Missing in version 1, where any title may be the user's.
        conversation = replace(conversation, title_is_chosen=bool(conversation.title))
    if not isinstance(values.get("messages"), list):
        raise _error("not a list", f"{place}.messages")
    messages: dict[str, Message] = {}
    for number, each in enumerate(values["messages"]):
        inner = f"{place}.messages[{number}]"
        message = _value(each, MESSAGE_KEYS, Message, inner, conversation_id=conversation.id)
        if message.id in messages:
            raise _error("duplicate", f"{inner}.id")
        if message.parent_id is not None and message.parent_id not in messages:
            raise _error("no such message", f"{inner}.parent_id")
        messages[message.id] = message
    if conversation.leaf_id is not None and conversation.leaf_id not in messages:
        raise _error("no such message", f"{place}.leaf_id")
    count = sum(message.role is not Role.SYSTEM for message in messages.values())
    conversation = replace(conversation, message_count=count, sampling=_without_tools(conversation.sampling))
    return ConversationTree(conversation, tuple(messages.values()))


def _value(values: object, keys: Sequence[str], type_: type[_Value], place: str, **given: str) -> _Value:
    if not isinstance(values, dict):
        raise _error("not an object", place)
    # ``parent_id`` is required, but null for a first message.
    known = [key for key in keys if values.get(key) is not None or (key == "parent_id" and key in values)]
    plain = {FIELDS.get(key, key): values[key] for key in known}
    try:
        value = from_plain({**plain, **given}, type_)
    except JsonError as error:
        first, dot, rest = error.place.partition(".")
        key = next((key for key, field in FIELDS.items() if field == first), first)
        raise _error("invalid value", f"{place}.{key}{dot}{rest}") from error
    if not _is_uuid(value.id):
        raise _error("not a UUID", f"{place}.id")
    names = [key for key in keys if isinstance(getattr(value, key, None), datetime)]
    for name in names:
        if getattr(value, name).tzinfo is None:
            raise _error("not a time with a time zone", f"{place}.{name}")
    value = within_bounds(value)
    times: dict[str, Any] = {name: getattr(value, name).astimezone(UTC) for name in names}
    return replace(value, **times)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


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
