"""Map from the bytes of a published file to the bytes of the file on disk.

Most files are stored as published.  One with a tensor for each expert is stored with its experts stacked: a new header,
and the same tensor data at other offsets.  Everything that writes, verifies or repairs a file uses this map.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from model_manager.disk.json_file import CompressedBytes, from_plain, to_plain


class Segment(NamedTuple):
    """``length`` bytes at ``source`` in the published file are at ``target`` in the file on disk."""

    source: int
    target: int
    length: int


@dataclass(frozen=True)
class Layout:
    """A map of bytes.

    ``segments`` are sorted by ``source`` and overlap on neither side.  Source bytes in no segment (the old header and
    its padding) are ``source_head``; target bytes in no segment are ``target_head``, from byte 0, and zeros elsewhere.
    Both heads are empty where the file is stored as published.
    """

    source_bytes: int
    target_bytes: int
    segments: tuple[Segment, ...] = field(repr=False)
    source_head: CompressedBytes = field(default=CompressedBytes(), repr=False)
    target_head: CompressedBytes = field(default=CompressedBytes(), repr=False)

    @classmethod
    def identity(cls, n_bytes: int) -> Layout:
        """Return the layout of a file that is stored as published."""
        return cls(n_bytes, n_bytes, (Segment(0, 0, n_bytes),) if n_bytes else ())

    @property
    def is_identity(self) -> bool:
        """Whether the file on disk is the published one, byte for byte."""
        return not self.target_head and self.source_bytes == self.target_bytes

    @cached_property
    def _sources(self) -> list[int]:
        return [segment.source for segment in self.segments]

    def pieces(self, source: int, length: int) -> Iterator[Segment]:
        """Yield the mapped parts of ``length`` bytes of the published file, in order; unmapped bytes are left out."""
        end = source + length
        for segment in self.segments[max(0, bisect_right(self._sources, source) - 1) :]:
            if segment.source >= end:
                return
            start, stop = max(source, segment.source), min(end, segment.source + segment.length)
            if start < stop:
                yield Segment(start, segment.target + start - segment.source, stop - start)

    def gaps(self) -> Iterator[tuple[int, int]]:
        """Yield offset and length of the zeros in the file on disk: after its head and in no segment."""
        end = len(self.target_head)
        for segment in sorted(self.segments, key=lambda each: each.target):
            if segment.target > end:
                yield end, segment.target - end
            end = segment.target + segment.length
        if self.target_bytes > end:
            yield end, self.target_bytes - end

    def to_json(self) -> Any:
        """Return the layout as plain values."""
        return to_plain(self)

    @classmethod
    def from_json(cls, stored: object) -> Layout:
        """Return the layout that ``to_json`` made.  Raises ``JsonError``, a ``ValueError``."""
        return from_plain(stored, cls)
