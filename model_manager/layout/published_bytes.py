"""The published bytes of a file, read out of the file on disk through its layout.

With it the SHA-256 that a hub tells can be computed from a file whose experts were stacked, and a damaged piece of it
found.  Who hashes or compares, and when, is the callers' business.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import BinaryIO

from model_manager.layout.layout import Layout, Segment


class SourceView:
    """The published file, ``layout.source_bytes`` long, over ``file``, which may still be growing.

    The old head comes out of the layout and everything that a segment maps out of ``file``.  Published bytes that lie
    nowhere in the file on disk are padding between tensors and come out as zeros: a file whose padding held anything
    else would not show its published SHA-256 here, so it fails verification and is never taken for the published one.

    Not for several threads at once: ``file`` is seeked.
    """

    def __init__(self, layout: Layout, file: BinaryIO) -> None:
        self._layout = layout
        self._file = file
        self._head = layout.source_head
        self._starts = [segment.source for segment in layout.segments]

    def read(self, start: int, length: int) -> bytes:
        """``length`` published bytes from ``start`` on, fewer where the published file or the file on disk ends.

        Raises ``OSError`` as the file does.
        """
        buffer = bytearray(max(0, min(length, self._layout.source_bytes - start)))
        count = self.readinto(start, memoryview(buffer))
        return bytes(buffer[:count])

    def readinto(self, start: int, buffer: memoryview) -> int:
        """Fill ``buffer`` with the published bytes from ``start`` on; returns how many there were, as ``read`` does."""
        wanted = max(0, min(len(buffer), self._layout.source_bytes - start))
        done = 0
        while done < wanted:
            count, expected = self._one_run(start + done, buffer[done:wanted])
            done += count
            if count < expected:
                break
        return done

    def _one_run(self, start: int, buffer: memoryview) -> tuple[int, int]:
        """Fill the beginning of ``buffer`` from the one place that byte ``start`` lies in: bytes got, and asked for."""
        if start < len(self._head):
            count = min(len(buffer), len(self._head) - start)
            buffer[:count] = self._head[start : start + count]
            return count, count
        index = bisect_right(self._starts, start) - 1
        segment = self._layout.segments[index] if index >= 0 else Segment(0, 0, 0)
        left = segment.source + segment.length - start
        if left > 0:
            wanted = min(len(buffer), left)
            return self._from_file(segment.target + start - segment.source, buffer[:wanted]), wanted
        next_start = self._starts[index + 1] if index + 1 < len(self._starts) else self._layout.source_bytes
        count = min(len(buffer), next_start - start)
        buffer[:count] = bytes(count)
        return count, count

    def _from_file(self, place: int, buffer: memoryview) -> int:
        self._file.seek(place)
        done = 0
        while done < len(buffer):
            count = self._file.readinto(buffer[done:])  # type: ignore[attr-defined]
            if not count:
                break
            done += count
        return done
