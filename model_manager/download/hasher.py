"""Hashes that follow a download: known as soon as the last byte is here, and read while the data is still in memory.

One thread reads the published bytes back in their order, part by part, another the file as it lies on the disk where
that is not the same.  What an earlier run left is checked against its CRC-32 on the way, and what the disk lost is
fetched again instead of being found out at the end.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from model_manager.download.pieces import READ_BYTES, Board, PartialFile, Piece
from model_manager.errors import Cancelled
from model_manager.layout.layout import Layout
from model_manager.layout.published_bytes import SourceView

MAX_TAKEN_BACK = 3
BLOCK_BYTES = 8 << 20


class Hashes:
    """What is known of one file: ``hashed`` bytes from the beginning of what was published, a SHA-256 for each part
    that is whole, and ``whole``, that of the file on disk, once there is one.
    """

    def __init__(self, file: PartialFile) -> None:
        self.file = file
        self.hashed = 0
        self.parts: list[str] = []
        self.whole: str | None = None
        self.needs_second = len(file.parts) != 1 or not file.layout.is_identity

    @property
    def is_complete(self) -> bool:
        """Whether everything was hashed that there is."""
        return len(self.parts) == len(self.file.parts) and self.whole is not None

    def damaged_parts(self) -> tuple[int, ...]:
        """The parts that are not what was published; those whose hash nobody told are taken as they are."""
        pairs = zip(self.file.parts, self.parts, strict=False)
        return tuple(index for index, (part, found) in enumerate(pairs) if part.sha256 and part.sha256.lower() != found)


class Hasher:
    """The threads that hash the files of one download, in their order."""

    def __init__(self, board: Board, on_error: Callable[[BaseException], None]) -> None:
        self._board = board
        self._on_error = on_error
        self._taken_back: dict[Piece, int] = {}
        self.hashes = tuple(Hashes(file) for file in board.files)
        self._threads = [
            threading.Thread(target=self._run, args=(step,), name=name, daemon=True)
            for name, step in (("hash of what was published", self._published), ("hash of the file", self._laid_down))
        ]

    @property
    def hashed(self) -> int:
        """Bytes of all published files that were hashed."""
        return sum(each.hashed for each in self.hashes)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def join(self, timeout: float) -> None:
        """Wait for the threads after the end of the board."""
        for thread in self._threads:
            thread.join(timeout)

    def _run(self, step: Callable[[Hashes], None]) -> None:
        try:
            for hashes in self.hashes:
                step(hashes)
                self._board.tell()
        except Cancelled:
            pass
        except BaseException as error:
            self._on_error(error)

    def _published(self, hashes: Hashes) -> None:
        file = hashes.file
        with file.files.part.open("rb", buffering=0) as handle:
            view = SourceView(file.layout, cast(BinaryIO, handle))
            buffer = memoryview(bytearray(READ_BYTES))
            for index in range(len(file.parts)):
                digest = hashlib.sha256()
                for piece in file.pieces_of(index):
                    digest = self._piece(view, piece, digest, buffer)
                    hashes.hashed += piece.length
                    self._board.tell()
                if not hashes.needs_second:
                    hashes.whole = digest.hexdigest()
                hashes.parts.append(digest.hexdigest())

    def _piece(self, view: SourceView, piece: Piece, digest: hashlib._Hash, buffer: memoryview) -> hashlib._Hash:
        while True:
            self._await(lambda: piece.is_complete)
            # Bytes of the old head are dropped on their way: what stands for them must be the same.
            checks = piece.inherited or piece.crc32 is None or piece.source < len(piece.file.layout.source_head)
            trial = digest.copy() if checks else digest
            count, crc = self._read(view, piece, trial, buffer, with_crc=checks)
            good = count == piece.length and (not checks or piece.crc32 in (None, crc))
            taken_back = self._taken_back.get(piece, 0)
            if good or taken_back >= MAX_TAKEN_BACK:
                if checks:
                    piece.state = (piece.length, crc)
                return trial
            self._taken_back[piece] = taken_back + 1
            self._board.take_back(piece)

    def _read(
        self, view: SourceView, piece: Piece, digest: hashlib._Hash, buffer: memoryview, *, with_crc: bool
    ) -> tuple[int, int]:
        at = crc = 0
        while at < piece.length:
            if self._board.ended:
                raise Cancelled
            count = view.readinto(piece.source + at, buffer[: piece.length - at])
            if not count:
                break
            data = buffer[:count]
            digest.update(data)
            if with_crc:
                crc = zlib.crc32(data, crc)
            at += count
        return at, crc

    def _laid_down(self, hashes: Hashes) -> None:
        if not hashes.needs_second:
            return
        file = hashes.file
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(READ_BYTES))
        with file.files.part.open("rb", buffering=0) as handle:
            for length, needed in blocks_on_disk(file.layout):
                self._await(lambda needed=needed: hashes.hashed >= needed)  # type: ignore[misc]
                left = length
                while left > 0 and (count := handle.readinto(buffer[:left])):
                    digest.update(buffer[:count])
                    left -= count
                    if self._board.ended:
                        raise Cancelled
        hashes.whole = digest.hexdigest()

    def _await(self, ready: Callable[[], bool]) -> None:
        if not ready():
            self._board.wait(ready)
        if self._board.ended:
            raise Cancelled


def blocks_on_disk(layout: Layout, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, int]]:
    """The file on disk in blocks from its beginning: bytes of the block, and how far the published file must be for it.

    Experts that are stacked come from up to a layer further on: the second hash runs a layer behind the first.
    """
    segments = sorted(layout.segments, key=lambda segment: segment.target)
    first = needed = 0
    for start in range(0, layout.target_bytes, block_bytes):
        end = min(start + block_bytes, layout.target_bytes)
        for at in range(first, len(segments)):
            segment = segments[at]
            if segment.target >= end:
                break
            needed = max(needed, segment.source + min(segment.length, end - segment.target))
            if segment.target + segment.length <= end:
                first = at + 1
        yield end - start, needed
