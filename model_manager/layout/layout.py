"""Where each byte of a published file lies in the file on disk.

Most files are laid down as they are.  One with a tensor for each expert is laid down with its experts stacked: a new
head, and the same tensor data at other offsets.  Everything that writes, checks or repairs a file does it through this
one map, so that nothing else has to know which of the two it is.
"""

from __future__ import annotations

import base64
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Segment:
    """``length`` bytes from ``source`` on in the published file lie from ``target`` on in the file on disk."""

    source: int
    target: int
    length: int


@dataclass(frozen=True)
class Layout:
    """A map of bytes.

    ``segments`` are sorted by ``source`` and overlap on neither side.  Source bytes in no segment (the old head, and
    its padding) are ``source_head``; target bytes in no segment are ``target_head``, from byte 0, and zeros elsewhere.
    Both heads are empty where the file is laid down as it is.
    """

    source_bytes: int
    target_bytes: int
    segments: tuple[Segment, ...] = field(repr=False)
    source_head: bytes = field(default=b"", repr=False)
    target_head: bytes = field(default=b"", repr=False)

    @classmethod
    def identity(cls, n_bytes: int) -> Layout:
        """Every byte stays where it is."""
        return cls(n_bytes, n_bytes, (Segment(0, 0, n_bytes),) if n_bytes else ())

    @property
    def is_identity(self) -> bool:
        """Whether the file on disk is the published one, byte for byte."""
        return not self.target_head and self.source_bytes == self.target_bytes

    @cached_property
    def _sources(self) -> list[int]:
        return [segment.source for segment in self.segments]

    def pieces(self, source: int, length: int) -> Iterator[Segment]:
        """The mapped parts of ``length`` bytes of the published file, in order.  Unmapped bytes are left out."""
        end = source + length
        for segment in self.segments[max(0, bisect_right(self._sources, source) - 1) :]:
            if segment.source >= end:
                return
            start, stop = max(source, segment.source), min(end, segment.source + segment.length)
            if start < stop:
                yield Segment(start, segment.target + start - segment.source, stop - start)

    def to_json(self) -> dict[str, Any]:
        """Plain values; the heads compressed."""
        return {
            "source_bytes": self.source_bytes,
            "target_bytes": self.target_bytes,
            "segments": [[each.source, each.target, each.length] for each in self.segments],
            "source_head": _packed(self.source_head),
            "target_head": _packed(self.target_head),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Layout:
        """The inverse of ``to_json``.  Raises ValueError, KeyError, TypeError or zlib.error for anything else."""
        segments = tuple(
            Segment(int(source), int(target), int(length)) for source, target, length in stored["segments"]
        )
        return cls(
            int(stored["source_bytes"]),
            int(stored["target_bytes"]),
            segments,
            _unpacked(stored["source_head"]),
            _unpacked(stored["target_head"]),
        )


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text, validate=True))
