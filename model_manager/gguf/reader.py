"""Reader of the bytes of a GGUF header, which may be damaged or hostile.

Memory and time are bounded: one window of the file is in memory at a time, arrays and very long strings are skipped,
and every count is compared with the file's size.  The meaning of the values is left to ``header``.

Source of the format: ``ggml/include/gguf.h`` and ``ggml/src/gguf.cpp`` of llama.cpp.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

MAX_HEADER_BYTES = 64 << 20
"""The largest known headers contain a ``tokenizer.json`` of 33 MB."""
MAX_STRING_BYTES = 1 << 20
MAX_ARRAY_VALUES = 1024
MAX_SKIPPED_STRINGS = 1 << 22
MAX_KEPT_BYTES = 16 << 20

_WINDOW_BYTES = 1 << 20
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_NUMBERS = {
    0: ("u8", struct.Struct("<B")),
    1: ("i8", struct.Struct("<b")),
    2: ("u16", struct.Struct("<H")),
    3: ("i16", struct.Struct("<h")),
    4: ("u32", struct.Struct("<I")),
    5: ("i32", struct.Struct("<i")),
    6: ("f32", struct.Struct("<f")),
    7: ("bool", struct.Struct("<?")),
    10: ("u64", struct.Struct("<Q")),
    11: ("i64", struct.Struct("<q")),
    12: ("f64", struct.Struct("<d")),
}
_STRING, _ARRAY = 8, 9
U32_TYPE = 4


@dataclass(frozen=True, slots=True)
class Unread:
    """A value that was skipped: ``count`` array elements of a type, or a string (``"str"``) of ``count`` bytes."""

    type: str
    count: int


Number = bool | int | float
Value = Number | str | tuple[Number, ...] | Unread


class Damaged(Exception):
    """The bytes are no GGUF header; ``str()`` names the place."""


class GgufReader:
    """Bounds-checked reader from byte 0.  Every method may raise ``Damaged`` or ``OSError``."""

    def __init__(self, file: BinaryIO, file_bytes: int) -> None:
        self._file = file
        self._limit = min(file_bytes, MAX_HEADER_BYTES)
        self._window = b""
        self._window_start = 0
        self._at = 0
        self._kept_bytes = 0
        self._skipped_strings = 0

    @property
    def position(self) -> int:
        """Offset of the next byte."""
        return self._window_start + self._at

    def u32(self) -> int:
        """Read an unsigned number of 4 bytes."""
        self._need(4)
        value: int = _U32.unpack_from(self._window, self._at)[0]
        self._at += 4
        return value

    def u64(self) -> int:
        """Read an unsigned number of 8 bytes."""
        self._need(8)
        value: int = _U64.unpack_from(self._window, self._at)[0]
        self._at += 8
        return value

    def read(self, count: int) -> bytes:
        """Read ``count`` bytes."""
        self._need(count)
        start = self._at
        self._at += count
        return self._window[start : self._at]

    def identifier(self, max_bytes: int) -> str:
        """Read a name: not empty, at most ``max_bytes``, valid UTF-8."""
        start = self.position
        count = self.u64()
        if not 0 < count <= max_bytes:
            raise Damaged(f"name of {count} bytes at byte {start}")
        try:
            return self.read(count).decode()
        except UnicodeDecodeError:
            raise Damaged(f"name that is not UTF-8 at byte {start}") from None

    def value(self) -> tuple[int, Value]:
        """Read a metadata value; returns the number of its type and the value."""
        start = self.position
        kind = self.u32()
        if kind in _NUMBERS:
            scalar = _NUMBERS[kind][1]
            return kind, scalar.unpack(self.read(scalar.size))[0]
        if kind == _STRING:
            return kind, self._text()
        if kind == _ARRAY:
            return kind, self._array()
        raise Damaged(f"value of unknown type {kind} at byte {start}")

    def _text(self) -> Value:
        count = self.u64()
        if count > MAX_STRING_BYTES or not self._may_keep(count):
            self._skip(count)
            return Unread("str", count)
        # Chat templates with an invalid character exist and load; only the character is replaced.
        return self.read(count).decode(errors="replace")

    def _array(self) -> Value:
        start = self.position
        kind, count = self.u32(), self.u64()
        if kind == _STRING:
            self._skip_strings(count)
            return Unread("str", count)
        if kind not in _NUMBERS:
            raise Damaged(f"array of type {kind} at byte {start}")
        name, scalar = _NUMBERS[kind]
        if count > MAX_ARRAY_VALUES or not self._may_keep(count * 40):
            self._skip(count * scalar.size)
            return Unread(name, count)
        return struct.unpack(f"<{count}{scalar.format[-1]}", self.read(count * scalar.size))

    def _may_keep(self, count: int) -> bool:
        self._kept_bytes += min(count, MAX_STRING_BYTES)
        return self._kept_bytes <= MAX_KEPT_BYTES

    def _skip(self, count: int) -> None:
        self._check(count)
        self._at += count

    def _skip_strings(self, count: int) -> None:
        self._check(count * 8)
        self._skipped_strings += count
        if self._skipped_strings > MAX_SKIPPED_STRINGS:
            raise Damaged(f"{self._skipped_strings} strings up to byte {self.position}")
        # Hot loop over a vocabulary of a hundred thousand strings, hence the local names.
        unpack = _U64.unpack_from
        window, at = self._window, self._at
        last = len(window) - 8
        for _ in range(count):
            if at > last:
                self._at = at
                self._need(8)
                window, at = self._window, self._at
                last = len(window) - 8
            at += 8 + unpack(window, at)[0]
        self._at = at
        self._check(0)

    def _check(self, count: int) -> None:
        if self.position + count > self._limit:
            raise Damaged(f"{count} bytes at byte {self.position}, past the end at byte {self._limit}")

    def _need(self, count: int) -> None:
        if self._at + count <= len(self._window):
            return
        self._check(count)
        start = self.position
        length = min(max(count, _WINDOW_BYTES), self._limit - start)
        self._file.seek(start)
        pieces = []
        while length > 0 and (piece := self._file.read(length)):
            pieces.append(piece)
            length -= len(piece)
        self._window = b"".join(pieces)
        self._window_start, self._at = start, 0
        if count > len(self._window):
            raise Damaged(f"the file ended at byte {start + len(self._window)} while it was being read")
