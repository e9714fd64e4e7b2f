"""Published bytes of a file: read from the file on disk through its layout, and hashed while they pass by.

This allows comparing a file whose experts were stacked with the hub's SHA-256, and finding its damaged pieces.
"""

from __future__ import annotations

import hashlib
import zlib
from bisect import bisect_right
from typing import BinaryIO

from model_manager.layout.layout import Layout, Segment
from model_manager.published import HubFile


class SourceView:
    """Read access to the published file, ``layout.source_bytes`` long, over ``file``, which may still be growing.

    The old header comes from the layout, and everything in a segment from ``file``.  Published bytes in neither are
    padding between tensors and read as zeros: a file whose padding isn't zero fails verification.  Not thread-safe:
    ``file`` is seeked.
    """

    def __init__(self, layout: Layout, file: BinaryIO) -> None:
        self._layout = layout
        self._file = file
        self._head = layout.source_head
        self._starts = [segment.source for segment in layout.segments]

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
        while done < length:
            count, expected = self._read_run(start + done, buffer[done:length])
            done += count
            if count < expected:
                break
        return done

    def _read_run(self, start: int, buffer: memoryview) -> tuple[int, int]:
        """Fill ``buffer`` as far as the head, segment or gap at ``start`` goes: bytes read, and bytes expected."""
        if start < len(self._head):
            count = min(len(buffer), len(self._head) - start)
            buffer[:count] = self._head[start : start + count]
            return count, count
        index = bisect_right(self._starts, start) - 1
        segment = self._layout.segments[index] if index >= 0 else Segment(0, 0, 0)
        rest = segment.source + segment.length - start
        if rest > 0:
            expected = min(len(buffer), rest)
            return self._read_file(segment.target + start - segment.source, buffer[:expected]), expected
        next_start = self._starts[index + 1] if index + 1 < len(self._starts) else self._layout.source_bytes
        count = min(len(buffer), next_start - start)
        buffer[:count] = bytes(count)
        return count, count

    def _read_file(self, offset: int, buffer: memoryview) -> int:
        self._file.seek(offset)
        done = 0
        while done < len(buffer):
            count = self._file.readinto(buffer[done:])  # type: ignore[attr-defined]
            if not count:
                break
            done += count
        return done


class PublishedHashes:
    """Hashes of published parts, updated with their concatenated bytes; bytes after the last part are ignored.

    ``digests`` holds the SHA-256 of each complete part, ``crc32s`` the CRC-32 of each complete piece: ``piece_bytes``
    of a part, the last piece of a part shorter.
    """

    def __init__(self, parts: tuple[HubFile, ...], piece_bytes: int) -> None:
        self._parts = parts
        self._piece_bytes = piece_bytes
        self._number, self._offset = 0, 0
        self._digest = hashlib.sha256()
        self._crc32 = 0
        self.digests: list[str] = []
        self.crc32s: list[int] = []
        self._finish_parts()

    def is_only_part(self, n_bytes: int) -> bool:
        """Return whether a file of this size is the only part, so that the part's SHA-256 is the file's."""
        return len(self._parts) == 1 and self._parts[0].bytes == n_bytes

    def update(self, content: memoryview) -> None:
        """Add the next bytes."""
        while content and self._number < len(self._parts):
            rest_of_part = self._parts[self._number].bytes - self._offset
            rest_of_piece = self._piece_bytes - self._offset % self._piece_bytes
            now = content[: min(rest_of_piece, rest_of_part)]
            self._digest.update(now)
            self._crc32 = zlib.crc32(now, self._crc32)
            self._offset += len(now)
            content = content[len(now) :]
            if len(now) in (rest_of_piece, rest_of_part):
                self.crc32s.append(self._crc32)
                self._crc32 = 0
            self._finish_parts()

    def _finish_parts(self) -> None:
        # More than one at once where a part is empty.
        while self._number < len(self._parts) and self._offset == self._parts[self._number].bytes:
            self.digests.append(self._digest.hexdigest())
            self._digest = hashlib.sha256()
            self._number, self._offset = self._number + 1, 0
