"""The hashes of published files, made while their bytes pass by: a SHA-256 of each part, a CRC-32 of each piece.

Where the bytes come from, and what they are compared with, is the callers' business.
"""

from __future__ import annotations

import hashlib
import zlib

from model_manager.layout.origin import Origin
from model_manager.published import HubFile


class PublishedHashes:
    """Takes the bytes of ``parts``, put end to end, in their order; what comes after the last one is left out.

    ``digests`` holds the SHA-256 of each part that is complete, ``crc32s`` the CRC-32 of each piece that is: pieces of
    ``piece_bytes`` of a part, the last one of a part shorter.
    """

    def __init__(self, parts: tuple[HubFile, ...], piece_bytes: int) -> None:
        self._parts = parts
        self._piece_bytes = piece_bytes
        self._number, self._at = 0, 0
        self._digest = hashlib.sha256()
        self._crc32 = 0
        self.digests: list[str] = []
        self.crc32s: list[int] = []
        self._close_parts()

    def is_whole(self, n_bytes: int) -> bool:
        """Whether a file of so many bytes is the only part, so that the part's SHA-256 is the file's."""
        return len(self._parts) == 1 and self._parts[0].bytes == n_bytes

    def take(self, content: memoryview) -> None:
        """The next bytes."""
        while content and self._number < len(self._parts):
            left_of_part = self._parts[self._number].bytes - self._at
            left_of_piece = self._piece_bytes - self._at % self._piece_bytes
            now = content[: min(left_of_piece, left_of_part)]
            self._digest.update(now)
            self._crc32 = zlib.crc32(now, self._crc32)
            self._at += len(now)
            content = content[len(now) :]
            if len(now) in (left_of_piece, left_of_part):
                self.crc32s.append(self._crc32)
                self._crc32 = 0
            self._close_parts()

    def _close_parts(self) -> None:
        # More than one at once where a part is empty.
        while self._number < len(self._parts) and self._at == self._parts[self._number].bytes:
            self.digests.append(self._digest.hexdigest())
            self._digest = hashlib.sha256()
            self._number, self._at = self._number + 1, 0


def piece_count(origin: Origin) -> int:
    """How many checksums an origin has where every piece has one."""
    return sum(-(-part.bytes // origin.piece_bytes) for part in origin.parts)


def piece_lengths(origin: Origin) -> list[int]:
    """Bytes of each piece, in the order of ``Origin.piece_crc32``."""
    return [
        min(origin.piece_bytes, part.bytes - start)
        for part in origin.parts
        for start in range(0, part.bytes, origin.piece_bytes)
    ]
