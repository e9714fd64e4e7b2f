"""Streaming JSON reader: files larger than memory, values of which some may be damaged."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from model_manager.disk.json_file import JsonError

CHUNK_BYTES = 1 << 20
MAX_VALUE_CHARACTERS = 1 << 27
"""A longer value is treated as damaged."""
MAX_DAMAGED = 1000
"""After this many damaged values the rest of a file is not read."""
_NOT_SPACE = re.compile(r"[^ \t\r\n]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as the decoder replaces them."""
_STRUCTURE, _IN_STRING = re.compile(r'["\[\]{}]'), re.compile(r'["\\]')
_AFTER_SCALAR, _NEXT_OBJECT = re.compile(r"(?=[,\]}\s])"), re.compile(r"[\r\n](?=\{)")
_NEAR_END = 32
"""Malformed JSON this near to the end of the buffer may be incomplete: no number or literal is longer."""


class JsonStream:
    """Reads a JSON file, of which it holds only the current part.  All methods raise JsonError for malformed JSON.

    Raises ``OSError`` and what else ``file`` raises.
    """

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
        """Read the next value; after ``JsonError`` the position is unchanged."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                raise self.error() from error
            except ValueError as error:
                # Incomplete or malformed.  The buffer doubles each time, so that a long value is parsed a few times.
                length = len(self._buffer) - self._at
                if self._is_malformed(error) or length > MAX_VALUE_CHARACTERS:
                    raise self.error() from error
                if not self._fill(max(CHUNK_BYTES, length)):
                    raise self.error() from error
                continue
            # A number at the end of the buffer may continue.
            if end == len(self._buffer) and self._fill(CHUNK_BYTES):
                continue
            self.is_utf8 = _NOT_UTF8.search(self._buffer, self._at, end) is None
            self._at = end
            return value

    def skip_value(self) -> None:
        """Skip the next value by its brackets and quotation marks, of any size and depth; its inside may be malformed.

        Raises ``JsonError``: the file ends within the value.
        """
        if self.peek() not in ("[", "{", '"'):
            # A number or a literal, or something malformed: up to the next character of the structure.
            self._skip_to(_AFTER_SCALAR)
            return
        depth = 0
        while True:
            match self._skip_to(_STRUCTURE):
                case '"':
                    while self._skip_to(_IN_STRING) == "\\":
                        if self._at == len(self._buffer) and not self._fill(CHUNK_BYTES):
                            raise self.error()
                        self._at += 1
                case "[" | "{":
                    depth += 1
                case _:
                    depth -= 1
            if depth <= 0:
                return

    def skip_object(self) -> None:
        """Skip to the next line that begins with an object.  Raises ``JsonError``: there is none."""
        self._skip_to(_NEXT_OBJECT)

    def error(self) -> JsonError:
        """Return the error of malformed JSON at the current place."""
        return JsonError(f"character {self._dropped + self._at}")

    def _is_malformed(self, error: ValueError) -> bool:
        """Return whether more of the file can't make the value valid."""
        if not isinstance(error, json.JSONDecodeError):
            # A number with too many digits.
            return True
        return not error.msg.startswith("Unterminated string") and error.pos < len(self._buffer) - _NEAR_END

    def _skip_to(self, pattern: re.Pattern[str]) -> str:
        """Skip the next match and what is before it, and return it."""
        while (match := pattern.search(self._buffer, self._at)) is None:
            self._at = len(self._buffer)
            if not self._fill(CHUNK_BYTES):
                raise self.error()
        self._at = match.end()
        return match[0]

    def _fill(self, size: int) -> bool:
        """Read ``size`` more bytes; returns whether there may be more."""
        if self._ended:
            return False
        content = self._file.read(size)
        self._ended = not content
        self._dropped += self._at
        self._buffer, self._at = self._buffer[self._at :] + self._decode(content, self._ended), 0
        return True


def members(stream: JsonStream) -> Iterator[str]:
    """Yield the keys of an object; before the next one the caller reads or skips the value."""
    for _ in items(stream, "{", "}"):
        if stream.peek() != '"':
            raise stream.error()
        key = stream.value()
        stream.skip(":")
        yield key


def items(stream: JsonStream, opening: str, closing: str) -> Iterator[None]:
    """Yield before each member of an object or element of a list; the caller reads it."""
    stream.skip(opening)
    if stream.peek() == closing:
        stream.skip(closing)
        return
    yield
    while stream.skip("," + closing) == ",":
        yield


def elements(stream: JsonStream) -> Iterator[Any]:
    """Yield the elements of a list, and a ``JsonError`` for each damaged one.

    Damaged are malformed ones and those that are too large or nested too deeply.  The elements after a damaged one
    follow, except where the file ends within it.
    """
    return _sound_and_damaged(stream, items(stream, "[", "]"), stream.skip_value)


def lines(stream: JsonStream) -> Iterator[Any]:
    """Yield the objects of a file with one object per line, or with a single one, as ``elements``."""
    return _sound_and_damaged(stream, iter(lambda: bool(stream.peek()), False), stream.skip_object)


def _sound_and_damaged(stream: JsonStream, places: Iterator[object], skip: Callable[[], None]) -> Iterator[Any]:
    damaged = 0
    try:
        for _ in places:
            try:
                value = stream.value()
            except JsonError as error:
                value = error
                skip()
            yield value
            damaged += not isinstance(value, dict)
            if damaged == MAX_DAMAGED:
                return
    except JsonError as error:
        yield error
