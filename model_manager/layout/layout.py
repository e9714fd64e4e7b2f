"""Map from the bytes of a published file to the bytes of the file on disk.

Most files are stored as published.  One with a tensor for each expert is stored with its experts stacked: a new header,
and the same tensor data at other offsets.  Everything that writes, verifies or repairs a file uses this map.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO, NamedTuple, TypeVar

from model_manager.disk.json_file import CompressedBytes
from model_manager.published import MAX_FILE_BYTES


class ByteRange(NamedTuple):
    """``length`` bytes at ``source`` in the published file are at ``target`` in the file on disk."""

    source: int
    target: int
    length: int


class Move(NamedTuple):
    """``length`` bytes from ``source`` to ``target``: offsets in the file, or in the file of saved bytes.

    Journals of earlier versions store the flags as 0 and 1.
    """

    source: int
    target: int
    length: int
    from_saved: bool | int = False
    to_saved: bool | int = False


Piece = TypeVar("Piece", ByteRange, Move)
_ZEROS_BYTES = 1 << 20
_MAX_UNMAPPED_BYTES = 1 << 30
"""Header and padding."""


@dataclass(frozen=True)
class TensorLayout:
    """A map of bytes.

    ``segments`` are sorted by ``source`` and overlap on neither side.  Source bytes in no segment (the old header and
    its padding) are ``source_head``; target bytes in no segment are ``target_head``, from byte 0, and zeros elsewhere.
    Both heads are empty where the file is stored as published.
    """

    source_bytes: int
    target_bytes: int
    segments: tuple[ByteRange, ...] = field(repr=False)
    source_head: CompressedBytes = field(default=CompressedBytes(), repr=False)
    target_head: CompressedBytes = field(default=CompressedBytes(), repr=False)

    @classmethod
    def identity(cls, n_bytes: int) -> TensorLayout:
        """Return the layout of a file that is stored as published."""
        return cls(n_bytes, n_bytes, (ByteRange(0, 0, n_bytes),) if n_bytes else ())

    @property
    def is_identity(self) -> bool:
        """Whether the file on disk is the published one, byte for byte."""
        return not self.target_head and self.source_bytes == self.target_bytes

    @property
    def is_sound(self) -> bool:
        """Whether the sizes are plausible and no two segments overlap; a stored layout may have been edited."""
        sources = [(each.source, each.length) for each in self.segments]
        targets = sorted((each.target, each.length) for each in self.segments)
        return _fit(sources, 0, self.source_bytes) and _fit(targets, len(self.target_head), self.target_bytes)

    def source_end(self, n_bytes: int) -> int:
        """Return the end of the published bytes that are in the first ``n_bytes`` of the file on disk."""
        if n_bytes >= self.target_bytes:
            return self.source_bytes
        ends = (
            each.source + min(each.length, n_bytes - each.target) for each in self.segments if each.target < n_bytes
        )
        return max(ends, default=0)

    @cached_property
    def _sources(self) -> list[int]:
        return [segment.source for segment in self.segments]

    def pieces(self, source: int, length: int) -> Iterator[ByteRange]:
        """Yield the mapped parts of ``length`` bytes of the published file, in order; unmapped bytes are left out."""
        end = source + length
        for segment in self.segments[max(0, bisect_right(self._sources, source) - 1) :]:
            if segment.source >= end:
                return
            start, stop = max(source, segment.source), min(end, segment.source + segment.length)
            if start < stop:
                yield ByteRange(start, segment.target + start - segment.source, stop - start)

    def unpublished(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and content of the bytes on disk that are in no segment: the head, and zeros, 1 MiB at most."""
        yield 0, self.target_head
        end = len(self.target_head)
        for segment in (*sorted(self.segments, key=lambda each: each.target), ByteRange(0, self.target_bytes, 0)):
            for start in range(end, segment.target, _ZEROS_BYTES):
                yield start, bytes(min(_ZEROS_BYTES, segment.target - start))
            end = segment.target + segment.length


class SourceView:
    """Read access to the published file, ``layout.source_bytes`` long, over ``file``, which may still be growing.

    The old header comes from the layout, and everything in a segment from ``file``.  Published bytes in neither are
    padding between tensors and read as zeros: a file whose padding isn't zero fails verification.  Not thread-safe:
    ``file`` is seeked.
    """

    def __init__(self, layout: TensorLayout, file: BinaryIO) -> None:
        self._layout = layout
        self._file = file

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` published bytes from ``start``, fewer where the published file or the file on disk ends.

        Raises ``OSError``.
        """
        buffer = bytearray(max(0, min(length, self._layout.source_bytes - start)))
        count = self.readinto(start, memoryview(buffer))
        return bytes(buffer[:count])

    def readinto(self, start: int, buffer: memoryview) -> int:
        """Fill ``buffer`` with the published bytes from ``start``; returns their number, as ``read`` does."""
        length = max(0, min(len(buffer), self._layout.source_bytes - start))
        done = 0
        for segment in self._layout.pieces(start, length):
            self._fill_unmapped(start + done, buffer[done : segment.source - start])
            done = segment.source - start
            count = self._read_file(segment.target, buffer[done : done + segment.length])
            done += count
            if count < segment.length:
                return done
        self._fill_unmapped(start + done, buffer[done:length])
        return length

    def _fill_unmapped(self, start: int, buffer: memoryview) -> None:
        head = self._layout.source_head[start : start + len(buffer)]
        buffer[: len(head)] = head
        buffer[len(head) :] = bytes(len(buffer) - len(head))

    def _read_file(self, offset: int, buffer: memoryview) -> int:
        self._file.seek(offset)
        done = 0
        while done < len(buffer):
            count = self._file.readinto(buffer[done:])  # type: ignore[attr-defined]
            if not count:
                break
            done += count
        return done


def _fit(ranges: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    """Return whether sorted ranges (start, length) lie one after the other from ``start`` to ``end``."""
    position, unmapped = start, start
    for begin, length in ranges:
        if begin < position or length < 0:
            return False
        unmapped += begin - position
        position = begin + length
    return position <= end <= MAX_FILE_BYTES and unmapped + end - position <= _MAX_UNMAPPED_BYTES


def merged(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return the pieces without empty ones, and with those joined that are adjacent on both sides."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if last and last[3:] == piece[3:] and (last.source + last.length, last.target + last.length) == piece[:2]:
            found[-1] = last._replace(length=last.length + piece.length)
        elif piece.length:
            found.append(piece)
    return tuple(found)
