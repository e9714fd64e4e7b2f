"""Conversations as JSON: everything that is stored, in a form that can be imported again.

One object: ``format`` and ``version``, and ``conversations`` with all their ``messages``, parents before their
children.  Version 2 added pins, attachments, and sampling and context policy of a conversation.

Imports are streamed: they need the memory of the largest conversation, and conversations before a damaged or missing
part are still imported; where only bytes inside texts are damaged, also those after it.
"""

from __future__ import annotations

import codecs
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from app.conversation import Conversation, ConversationTree, ImportResult, Message, Role, SkippedConversation
from app.export.formats import ExportFormat, ExportOptions
from app.store.bounds import within_bounds
from app.store.records import clean_text, column_value
from app.store.store import ConversationStore
from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.files import error_detail
from model_manager.disk.json_file import JsonError, from_plain, to_json
from model_manager.errors import UserError

FORMAT_NAME = "apus-chat-conversations"
FORMAT_VERSION = 2
CHUNK_BYTES = 1 << 20
MAX_VALUE_CHARACTERS = 1 << 29
"""A longer value is treated as damaged."""
_CONVERSATIONS = "conversations"
_NOT_SPACE = re.compile(r"[^ \t\r\n]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as the decoder replaces them."""
_MAX_DEPTH = 50
"""Levels of nested lists and objects in a conversation."""
_FIELDS = {"pinned": "is_pinned", "made_by": "provenance"}
"""Fields by their keys, where these differ."""
_NOT_EXPORTED = ("conversation_id", "message_count", "deleted_at")
_ATTACHMENT_KEYS = ("name", "tokens", "content")

_Value = TypeVar("_Value", Conversation, Message)


def _keys(type_: type[Conversation | Message]) -> tuple[str, ...]:
    keys = {field: key for key, field in _FIELDS.items()}
    return tuple(keys.get(each.name, each.name) for each in fields(type_) if each.name not in _NOT_EXPORTED)


_CONVERSATION_KEYS, _MESSAGE_KEYS = _keys(Conversation), _keys(Message)


def _parts(trees: Iterable[ConversationTree], _options: ExportOptions) -> Iterator[bytes]:
    """Yield the parts of a document.  Times are ISO 8601 in UTC.

    Lossless regardless of the options, so that an import restores everything.
    """
    yield f'{{\n  "format": "{FORMAT_NAME}",\n  "version": {FORMAT_VERSION},\n  "{_CONVERSATIONS}": ['.encode()
    separator = b"\n    "
    for tree in trees:
        conversation = _as_json(tree.conversation, _CONVERSATION_KEYS)
        conversation["messages"] = [_as_json(each, _MESSAGE_KEYS) for each in tree.messages]
        # A line break inside a string is escaped.
        yield separator + to_json(conversation, indent=2).replace(b"\n", b"\n    ")
        separator = b",\n    "
    yield b"\n  ]\n}\n"


JSON = ExportFormat(
    "json",
    QT_TRANSLATE_NOOP("export", "JSON"),
    QT_TRANSLATE_NOOP("export", "Everything, including all branches; can be imported again."),
    _parts,
    many_in_one_file=True,
    needs_history=True,
    is_lossless=True,
)


def import_conversations(store: ConversationStore, path: Path) -> ImportResult:
    """Merge a JSON export into the store; what the store contains stays as it is.

    The valid conversations of a damaged file are imported; the result lists the others and why.

    Raises:
        UserError: ``file_missing`` (path), ``file_unreadable`` (path, detail), ``import_unreadable`` (path, detail):
            no conversation of the file is valid, ``import_newer`` (path, version, known), and what the store raises.
    """
    refused: list[SkippedConversation] = []
    valid_count = 0

    def valid() -> Iterator[ConversationTree]:
        nonlocal valid_count
        with path.open("rb") as file:
            for tree in read_conversations(file):
                if isinstance(tree, SkippedConversation):
                    refused.append(tree)
                else:
                    valid_count += 1
                    yield tree

    try:
        result = store.merge(valid())
    except FileNotFoundError as error:
        raise UserError("file_missing", path=path) from error
    except OSError as error:
        raise UserError("file_unreadable", path=path, detail=error_detail(error)) from error
    except UserError as error:
        if error.code.startswith("import_"):
            raise UserError(error.code, path=path, **error.data) from error
        raise
    if refused and not valid_count:
        raise UserError("import_unreadable", path=path, **refused[0].error.data)
    return replace(result, refused=(*refused, *result.refused))


def read_conversations(file: BinaryIO) -> Iterator[ConversationTree | SkippedConversation]:
    """Yield each conversation of an export, or why it is refused.

    Raises:
        UserError: ``import_unreadable`` (detail): it is not an export, ``import_newer`` (version, known).
        OSError: the file cannot be read.
    """
    try:
        _check_head(_JsonStreamReader(file))
    except JsonError as error:
        raise UserError("import_unreadable", detail=error.place or str(error)) from error
    file.seek(0)
    count = 0
    try:
        for key, value in _members(_JsonStreamReader(file)):
            if key == _CONVERSATIONS and value is not None:
                yield _tree_or_refused(value[0], value[1], count)
                count += 1
    except JsonError as error:
        yield SkippedConversation(f"{_CONVERSATIONS}[{count}]", UserError("import_unfit", detail=str(error)))


def _as_json(value: Conversation | Message, keys: Sequence[str]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key in keys:
        field = getattr(value, _FIELDS.get(key, key))
        if isinstance(field, datetime):
            field = column_value(field)
        elif key == "attachments":
            field = [{name: getattr(each, name) for name in _ATTACHMENT_KEYS} for each in field]
        plain[key] = field
    return plain


def _tree_or_refused(values: object, is_utf8: bool, number: int) -> ConversationTree | SkippedConversation:
    """Return the conversation with this number in a document, or why it is refused: ``import_unfit`` (detail)."""
    place = f"conversations[{number}]"
    try:
        if not is_utf8:
            raise _error("not UTF-8", place)
        return _tree(values, place)
    except JsonError as error:
        title = values.get("title") if isinstance(values, dict) else None
        name = clean_text(title) if isinstance(title, str) and title.strip() else place
        return SkippedConversation(name, UserError("import_unfit", detail=error.place))


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
    # ``parent_id`` is required, but null for a first message.
    known = [key for key in keys if values.get(key) is not None or (key == "parent_id" and key in values)]
    plain = {_FIELDS.get(key, key): values[key] for key in known}
    try:
        value = from_plain({**plain, **given}, type_)
    except JsonError as error:
        first, dot, rest = error.place.partition(".")
        key = next((key for key, field in _FIELDS.items() if field == first), first)
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


def _check_head(reader: _JsonStreamReader) -> None:
    head: dict[str, Any] = {}
    for key, value in _members(reader):
        head[key] = value
        if head.keys() >= {"format", "version", _CONVERSATIONS}:
            break
    if head.get("format") != FORMAT_NAME:
        raise _error("unknown format", "format")
    version = from_plain(head.get("version"), int)
    if version > FORMAT_VERSION:
        raise UserError("import_newer", version=version, known=FORMAT_VERSION)
    if _CONVERSATIONS not in head:
        raise _error("missing", _CONVERSATIONS)


def _members(reader: _JsonStreamReader) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a document.

    ``conversations`` comes once with None and then once for each conversation, with whether it was valid UTF-8.
    """
    for _ in _items(reader, "{", "}"):
        if reader.peek() != '"':
            raise reader.error()
        key = reader.value()
        reader.skip(":")
        if key != _CONVERSATIONS:
            yield key, reader.value()
            continue
        yield key, None
        for _ in _items(reader, "[", "]"):
            yield key, (reader.value(), reader.is_utf8)


def _items(reader: _JsonStreamReader, opening: str, closing: str) -> Iterator[None]:
    """Yield before each member of an object or element of a list; the caller reads it."""
    reader.skip(opening)
    if reader.peek() == closing:
        reader.skip(closing)
        return
    yield
    while reader.skip("," + closing) == ",":
        yield


class _JsonStreamReader:
    """Reads a JSON file, of which it holds only the current part.  All methods raise JsonError for malformed JSON."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._decoder = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._dropped = 0
        """Characters before the buffer."""
        self._ended = False
        self.is_utf8 = True
        """Whether the last value was valid UTF-8."""

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while True:
            if match := _NOT_SPACE.search(self._buffer, self._at):
                self._at = match.start()
                return match[0]
            self._at = len(self._buffer)
            if not self._fill(CHUNK_BYTES):
                return ""

    def skip(self, characters: str) -> str:
        """Skip the next character, which must be one of ``characters``, and return it."""
        character = self.peek()
        if not character or character not in characters:
            raise self.error()
        self._at += 1
        return character

    def value(self) -> Any:
        """Read the next value."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                raise self.error() from error
            except ValueError as error:
                # Incomplete or malformed.  The buffer doubles each time, so that a long value is parsed a few times.
                length = len(self._buffer) - self._at
                if length > MAX_VALUE_CHARACTERS or not self._fill(max(CHUNK_BYTES, length)):
                    raise self.error() from error
                continue
            # A number at the end of the buffer may continue.
            if end == len(self._buffer) and self._fill(CHUNK_BYTES):
                continue
            self.is_utf8 = _NOT_UTF8.search(self._buffer, self._at, end) is None
            self._at = end
            return value

    def error(self) -> JsonError:
        """Return the error of malformed JSON at the current place."""
        return JsonError(f"character {self._dropped + self._at}")

    def _fill(self, size: int) -> bool:
        """Read ``size`` more bytes; returns whether there may be more."""
        if self._ended:
            return False
        content = self._file.read(size)
        self._ended = not content
        self._dropped += self._at
        self._buffer, self._at = self._buffer[self._at :] + self._decode(content, self._ended), 0
        return True
