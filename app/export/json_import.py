"""Reading an export piece by piece: a file of any size takes the memory of its largest conversation.

A file that is cut off or spoilt in the middle gives what comes before that place.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from app.export.json_format import check_head, tree_of
from app.store.conversation_trees import ConversationTree, ImportResult, Refused
from app.store.store import ConversationStore
from model_manager.disk.json_file import JsonError
from model_manager.errors import UserError

CHUNK_BYTES = 1 << 20
LARGEST_CHARACTERS = 1 << 29
"""Of one conversation: beyond this it is no conversation."""
_CONVERSATIONS = "conversations"


def import_conversations(store: ConversationStore, path: Path) -> ImportResult:
    """Merge a JSON export into the store; what the store contains stays as it is.

    The valid conversations of a damaged file are imported; the result lists the others and why.

    Raises:
        UserError: ``file_missing`` (path), ``file_not_readable`` (path, detail), ``import_unreadable`` (path, detail):
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
        raise UserError("file_not_readable", path=path, detail=error.strerror or str(error)) from error
    except UserError as error:
        if error.code.startswith("import_"):
            raise UserError(error.code, path=path, **error.data) from error
        raise
    if refused and not valid_count:
        raise UserError("import_unreadable", path=path, **refused[0].error.data)
    return replace(result, refused=(*refused, *result.refused))


def read_conversations(file: BinaryIO) -> Iterator[ConversationTree | Refused]:
    """Yield each conversation of an export, or why it is not taken.

    Raises:
        UserError: ``import_unreadable`` (detail) where it is no export, ``import_newer`` (version, known).
        OSError: as the file says.
    """
    try:
        head = _head(_Text(file))
        check_head(head)
        if _CONVERSATIONS not in head:
            raise JsonError(f"missing - at `$.{_CONVERSATIONS}`")
    except JsonError as error:
        raise UserError("import_unreadable", detail=error.place) from error
    except _Spoilt as error:
        raise UserError("import_unreadable", detail=str(error)) from error
    file.seek(0)
    text = _Text(file)
    number = 0
    try:
        for key in _keys(text):
            if key != _CONVERSATIONS:
                text.value()
                continue
            for _ in _elements(text):
                yield tree_of(text.value(), number)
                number += 1
    except _Spoilt as error:
        yield Refused(f"{_CONVERSATIONS}[{number}]", UserError("import_unfit", detail=str(error)))


class _Spoilt(ValueError):
    """The text is no JSON from here on.  ``str()`` says where."""


class _Text:
    """The text of a JSON file, of which only the part is held that is being read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._decoder = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._before = 0
        self._ended = False

    def next(self) -> str:
        """The next sign that is not white space, not yet taken; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in " \t\r\n":
                    return self._buffer[self._at]
                self._at += 1
            if not self._more(CHUNK_BYTES):
                return ""

    def take(self, signs: str) -> str:
        """Take the next sign, which is one of ``signs``."""
        sign = self.next()
        if not sign or sign not in signs:
            raise self._spoilt()
        self._at += 1
        return sign

    def value(self) -> Any:
        """Take the next value, whatever it is."""
        self.next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                raise self._spoilt() from error
            except ValueError as error:
                # Cut off here, or spoilt?  Twice as much is held each time: a long one is parsed a few times, not many.
                held = len(self._buffer) - self._at
                if held > LARGEST_CHARACTERS or not self._more(max(CHUNK_BYTES, held)):
                    raise self._spoilt() from error
                continue
            # A number at the end of what was read may go on.
            if end == len(self._buffer) and self._more(CHUNK_BYTES):
                continue
            self._at = end
            return value

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        content = self._file.read(size)
        self._ended = not content
        try:
            more = self._decode(content, self._ended)
        except UnicodeDecodeError as error:
            raise self._spoilt() from error
        self._before += self._at
        self._buffer, self._at = self._buffer[self._at :] + more, 0
        return True

    def _spoilt(self) -> _Spoilt:
        return _Spoilt(f"character {self._before + self._at}")


def _head(text: _Text) -> dict[str, Any]:
    """What stands beside the conversations; their place is taken by ``True``."""
    found: dict[str, Any] = {}
    for key in _keys(text):
        if key == _CONVERSATIONS:
            found[key] = True
            if "format" in found and "version" in found:
                break
            for _ in _elements(text):
                text.value()
        else:
            found[key] = text.value()
    return found


def _keys(text: _Text) -> Iterator[str]:
    """Yield the keys of an object; whoever takes them takes each value before the next key."""
    text.take("{")
    if text.next() == "}":
        return
    while True:
        if text.next() != '"':
            text.take('"')
        key = text.value()
        text.take(":")
        yield key
        if text.take(",}") == "}":
            return


def _elements(text: _Text) -> Iterator[None]:
    """Yield before each value of a list; whoever takes them takes that value."""
    text.take("[")
    if text.next() == "]":
        text.take("]")
        return
    while True:
        yield None
        if text.take(",]") == "]":
            return
