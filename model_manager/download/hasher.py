"""Hashes that follow a download, read back while the data is in the page cache, and complete with the last byte.

One thread hashes the published bytes in order, another the file on disk where it differs from them.  Data of an earlier
run is compared with its CRC-32 on the way, and fetched again where the disk has lost it.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from model_manager.download.pieces import PartialFile, Piece, PieceQueue
from model_manager.download.session import DownloadSession
from model_manager.layout.layout import SourceView, TensorLayout

READ_BYTES = 1 << 20
"""Smaller reads wait more often for the interpreter lock, which the connections hold."""
MAX_DISCARDS = 3
BLOCK_BYTES = 8 << 20


class FileHashes:
    """Hashes of one file: ``hashed`` published bytes so far, SHA-256 of each complete part, and of the file on disk."""

    def __init__(self, file: PartialFile) -> None:
        self.file = file
        self.hashed = 0
        self.parts: list[str] = []
        self.on_disk: str | None = None
        self.differs_on_disk = len(file.parts) != 1 or not file.layout.is_identity

    @property
    def is_complete(self) -> bool:
        """Whether all hashes are known."""
        return len(self.parts) == len(self.file.parts) and self.on_disk is not None

    def damaged_parts(self) -> tuple[int, ...]:
        """Return the indexes of parts with another hash than published; parts without published hash are accepted."""
        pairs = enumerate(zip(self.file.parts, self.parts, strict=False))
        return tuple(index for index, (part, found) in pairs if part.sha256 and part.sha256.lower() != found)


class Hasher:
    """Threads that hash the files of one download in their order."""

    def __init__(self, session: DownloadSession, queue: PieceQueue) -> None:
        self._session = session
        self._queue = queue
        self._discards: dict[Piece, int] = {}
        self.hashes = tuple(FileHashes(file) for file in queue.files)

    @property
    def hashed(self) -> int:
        """Bytes of all published files that are hashed."""
        return sum(each.hashed for each in self.hashes)

    def start(self) -> tuple[threading.Thread, threading.Thread]:
        """Start the threads, which end with the session."""
        return (
            self._session.start_thread("hash published", lambda: self._hash_all(self._hash_published)),
            self._session.start_thread("hash on disk", lambda: self._hash_all(self._hash_on_disk)),
        )

    def _hash_all(self, hash_file: Callable[[FileHashes], None]) -> None:
        for hashes in self.hashes:
            hash_file(hashes)
            self._session.notify()

    def _hash_published(self, hashes: FileHashes) -> None:
        file = hashes.file
        with file.files.part.open("rb", buffering=0) as handle:
            view = SourceView(file.layout, cast(BinaryIO, handle))
            buffer = memoryview(bytearray(READ_BYTES))
            for index in range(len(file.parts)):
                digest = hashlib.sha256()
                for piece in file.pieces_of(index):
                    digest = self._hash_piece(view, piece, digest, buffer)
                    hashes.hashed += piece.length
                    self._session.notify()
                if not hashes.differs_on_disk:
                    hashes.on_disk = digest.hexdigest()
                hashes.parts.append(digest.hexdigest())

    def _hash_piece(self, view: SourceView, piece: Piece, digest: hashlib._Hash, buffer: memoryview) -> hashlib._Hash:
        """Return the digest extended by a piece, after fetching it again where its data is damaged."""
        while True:
            self._wait(lambda: piece.is_complete)
            crc32 = piece.state[1]
            # Bytes of the old header aren't stored: those in the layout must be equal.
            is_checked = piece.from_earlier_run or crc32 is None or piece.source < len(piece.file.layout.source_head)
            trial = digest.copy() if is_checked else digest
            offset = found = 0
            while offset < piece.length:
                self._session.raise_if_over()
                count = view.readinto(piece.source + offset, buffer[: piece.length - offset])
                if not count:
                    break
                trial.update(buffer[:count])
                if is_checked:
                    found = zlib.crc32(buffer[:count], found)
                offset += count
            is_good = offset == piece.length and (not is_checked or crc32 in (None, found))
            discards = self._discards.get(piece, 0)
            if is_good or discards >= MAX_DISCARDS:
                if is_checked:
                    piece.state = (piece.length, found)
                return trial
            self._discards[piece] = discards + 1
            self._queue.discard(piece)

    def _hash_on_disk(self, hashes: FileHashes) -> None:
        if not hashes.differs_on_disk:
            return
        file = hashes.file
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(READ_BYTES))
        with file.files.part.open("rb", buffering=0) as handle:
            for length, needed in blocks_on_disk(file.layout):
                self._wait(lambda needed=needed: hashes.hashed >= needed)  # type: ignore[misc]
                left = length
                while left > 0 and (count := handle.readinto(buffer[:left])):
                    digest.update(buffer[:count])
                    left -= count
                    self._session.raise_if_over()
        hashes.on_disk = digest.hexdigest()

    def _wait(self, ready: Callable[[], bool]) -> None:
        if not ready():
            self._session.wait(ready)
        self._session.raise_if_over()


def blocks_on_disk(layout: TensorLayout, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, int]]:
    """Yield the size of each block of the file on disk, and how many published bytes it needs from the beginning.

    Stacked experts come from up to a layer further on, so the second hash is up to a layer behind the first.
    """
    segments = sorted(layout.segments, key=lambda segment: segment.target)
    first = needed = 0
    for start in range(0, layout.target_bytes, block_bytes):
        end = min(start + block_bytes, layout.target_bytes)
        for index in range(first, len(segments)):
            segment = segments[index]
            if segment.target >= end:
                break
            needed = max(needed, segment.source + min(segment.length, end - segment.target))
            if segment.target + segment.length <= end:
                first = index + 1
        yield end - start, needed
