"""Import of JSON exports: a file is read in parts, so that it takes the memory of its largest conversation only.

The conversations before the place where a file is damaged or cut off are imported.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from app.conversation import ConversationTree, ImportResult, Refused
from app.export.json_format import check_head, tree_of
from app.store.store import ConversationStore
from model_manager.disk.json_file import JsonError
from model_manager.errors import UserError

CHUNK_BYTES = 1 << 20
MAX_CONVERSATION = 1 << 29
"""Characters.  A longer value is treated as damaged."""
_CONVERSATIONS = "conversations"


def import_conversations(store: ConversationStore, path: Path) -> ImportResult:
    """Merge a JSON export into the store; what the store contains stays as it is.

    The valid conversations of a damaged file are imported; the result lists the others and why.

    Raises:
        UserError: ``file_missing`` (path), ``file_unreadable`` (path, detail), ``import_unreadable`` (path, detail):
            no conversation of the file is valid, ``import_newer`` (path, version, known), and what the store raises.
    """
    refused: list[Refused] = []
    valid_count = 0

    def valid() -> Iterator[ConversationTree]:
        nonlocal valid_count
        with path.open("rb") as file:
            for tree in read_conversations(file):
                if isinstance(tree, Refused):
                    refused.append(tree)
                else:
                    valid_count += 1
                    yield tree

    try:
        result = store.merge(valid())
    except FileNotFoundError as error:
        raise UserError("file_missing", path=path) from error
    except OSError as error:
        raise UserError("file_unreadable", path=path, detail=error.strerror or str(error)) from error
    except UserError as error:
        if error.code.startswith("import_"):
            raise UserError(error.code, path=path, **error.data) from error
        raise
    if refused and not valid_count:
        raise UserError("import_unreadable", path=path, **refused[0].error.data)
    return replace(result, refused=(*refused, *result.refused))


def read_conversations(file: BinaryIO) -> Iterator[ConversationTree | Refused]:
    """Yield each conversation of an export, or why it is refused.

    Raises:
        UserError: ``import_unreadable`` (detail): it is not an export, ``import_newer`` (version, known).
        OSError: the file cannot be read.
    """
    try:
        _check_head(_Reader(file))
    except JsonError as error:
        raise UserError("import_unreadable", detail=error.place or str(error)) from error
    file.seek(0)
    count = 0
    try:
        for key, value in _members(_Reader(file)):
            if key == _CONVERSATIONS and value is not None:
                yield tree_of(value[0], count)
                count += 1
    except JsonError as error:
        yield Refused(f"{_CONVERSATIONS}[{count}]", UserError("import_unfit", detail=str(error)))


def _check_head(reader: _Reader) -> None:
    head: dict[str, Any] = {}
    for key, value in _members(reader):
        head[key] = value
        if head.keys() >= {"format", "version", _CONVERSATIONS}:
            break
    check_head(head)
    if _CONVERSATIONS not in head:
        raise JsonError(f"missing - at `$.{_CONVERSATIONS}`")


def _members(reader: _Reader) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a document.

    ``conversations`` comes once with None and then once for each conversation, which is in a tuple.
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
            yield key, (reader.value(),)


def _items(reader: _Reader, opening: str, closing: str) -> Iterator[None]:
    """Yield before each member of an object or element of a list; the caller reads it."""
    reader.skip(opening)
    if reader.peek() == closing:
        reader.skip(closing)
        return
    yield
    while reader.skip("," + closing) == ",":
        yield


class _Reader:
    """Reads a JSON file, of which it holds only the current part.  All methods raise JsonError for malformed JSON."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._decoder = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._dropped = 0
        """Characters before the buffer."""
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in " \t\r\n":
                    return self._buffer[self._at]
                self._at += 1
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
                if length > MAX_CONVERSATION or not self._fill(max(CHUNK_BYTES, length)):
                    raise self.error() from error
                continue
            # A number at the end of the buffer may continue.
            if end == len(self._buffer) and self._fill(CHUNK_BYTES):
                continue
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
        try:
            text = self._decode(content, self._ended)
        except UnicodeDecodeError as error:
            raise self.error() from error
        self._dropped += self._at
        self._buffer, self._at = self._buffer[self._at :] + text, 0
        return True
