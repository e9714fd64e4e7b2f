"""Pieces of the files of one download: what is present, which are free to fetch, and writing at the final offsets."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from model_manager.disk.files import write_at
from model_manager.download.journal import JournalHeader, PieceRecord
from model_manager.download.session import Session
from model_manager.errors import Cancelled
from model_manager.layout.file_names import FilesOf
from model_manager.layout.layout import SourceView
from model_manager.published import HubFile

READ_BYTES = 256 << 10


class Piece:
    """Range of one published file that is fetched, journalled and verified as a unit.

    ``number`` counts within the file on disk; ``start`` is the offset in the published file, ``source`` that in the
    concatenation of all parts.  ``state`` is replaced as a whole: the number of bytes present, from the beginning, and
    their CRC-32 (None: unknown).
    """

    __slots__ = ("file", "from_earlier_run", "is_claimed", "length", "number", "part", "source", "start", "state")

    def __init__(self, file: PartialFile, number: int, part: int, start: int, source: int, length: int) -> None:
        self.file = file
        self.number = number
        self.part = part
        self.start = start
        self.source = source
        self.length = length
        self.state: tuple[int, int | None] = (0, 0)
        self.is_claimed = False
        self.from_earlier_run = False
        """Whether the data was written by an earlier run and must be checked."""

    @property
    def published_file(self) -> HubFile:
        """The published file that contains it."""
        return self.file.parts[self.part]

    @property
    def done(self) -> int:
        """Bytes present."""
        return self.state[0]

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are present."""
        return self.state[0] == self.length


class PartialFile:
    """Incomplete file: its pieces, and their data at the final offsets in ``files.part``."""

    def __init__(self, files: FilesOf, header: JournalHeader) -> None:
        self.files = files
        self.header = header
        self.parts = header.parts
        self.layout = header.layout
        self.pieces: tuple[Piece, ...] = tuple(self._split())
        self._is_identity = self.layout.is_identity
        self._recorded: dict[int, tuple[int, int | None]] = {}

    @property
    def bytes_done(self) -> int:
        """Bytes of the published file that are present."""
        return sum(piece.state[0] for piece in self.pieces)

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are present."""
        return all(piece.is_complete for piece in self.pieces)

    def pieces_of(self, part: int) -> tuple[Piece, ...]:
        """Return the pieces of one part, in order."""
        return tuple(piece for piece in self.pieces if piece.part == part)

    def restore(self, records: Iterable[PieceRecord]) -> None:
        """Apply the journal of an earlier run.  Incomplete pieces are checked here, others when they are hashed.

        Raises OSError.
        """
        for record in records:
            if 0 <= record.number < len(self.pieces) and 0 <= record.bytes <= self.pieces[record.number].length:
                piece = self.pieces[record.number]
                piece.state = (record.bytes, record.crc32 if record.bytes else 0)
                piece.from_earlier_run = record.bytes > 0
        with self.files.part.open("rb", buffering=0) as file:
            view = SourceView(self.layout, cast(BinaryIO, file))
            for piece in self.pieces:
                if 0 < piece.done < piece.length:
                    content = view.read(piece.source, piece.done)
                    if len(content) < piece.done or zlib.crc32(content) != piece.state[1]:
                        piece.state = (0, 0)

    def records(self, *, changed_only: bool = False) -> list[PieceRecord]:
        """Return the states of all pieces with data, or of those that changed since the last call."""
        found = []
        for piece in self.pieces:
            state = piece.state
            if state != self._recorded.get(piece.number, (0, 0)) or (not changed_only and state[0]):
                self._recorded[piece.number] = state
                found.append(PieceRecord(piece.number, *state))
        return found

    def write(self, file: BinaryIO, source: int, data: bytes) -> None:
        """Write published bytes, which start at ``source``, to their places on disk.  Raises OSError."""
        if self._is_identity:
            write_at(file, source, data)
            return
        view = memoryview(data)
        for segment in self.layout.pieces(source, len(data)):
            begin = segment.source - source
            write_at(file, segment.target, view[begin : begin + segment.length])

    def _split(self) -> Iterator[Piece]:
        number = source = 0
        for index, part in enumerate(self.parts):
            for start in range(0, part.bytes, self.header.piece_bytes):
                length = min(self.header.piece_bytes, part.bytes - start)
                yield Piece(self, number, index, start, source + start, length)
                number += 1
            source += part.bytes


class PieceQueue:
    """Pieces to fetch, handed out in file order so that the hash can follow closely."""

    def __init__(self, files: Iterable[PartialFile], session: Session) -> None:
        self.files = tuple(files)
        self._session = session
        self._all = tuple(piece for file in self.files for piece in file.pieces)
        self._order = {piece: index for index, piece in enumerate(self._all)}
        self._open = [index for index, piece in enumerate(self._all) if not piece.is_complete]
        self._writers = 0

    @property
    def bytes_done(self) -> int:
        """Bytes of all published files that are present."""
        return sum(file.bytes_done for file in self.files)

    @property
    def is_complete(self) -> bool:
        """Whether all bytes of all files are present."""
        return all(file.is_complete for file in self.files)

    @property
    def has_open(self) -> bool:
        """Whether there may be a piece to claim."""
        return bool(self._open)

    def claim(self) -> Piece | None:
        """Return the first free piece, claimed for the caller; None where there is none at the moment."""
        with self._session.changed:
            while self._open:
                piece = self._all[heapq.heappop(self._open)]
                if self._claim(piece):
                    return piece
        return None

    def claim_piece(self, piece: Piece) -> bool:
        """Claim a certain piece; return false where it is complete or claimed."""
        with self._session.changed:
            return self._claim(piece)

    def first_incomplete(self) -> Piece | None:
        """Return the first piece that isn't complete."""
        return next((piece for piece in self._all if not piece.is_complete), None)

    def release(self, piece: Piece) -> None:
        """End a claim; an incomplete piece is free again."""
        with self._session.changed:
            piece.is_claimed = False
            if not piece.is_complete:
                heapq.heappush(self._open, self._order[piece])
            self._session.changed.notify_all()

    def discard(self, piece: Piece) -> None:
        """Fetch a complete piece again, because the disk returns other data than was written."""
        piece.state = (0, 0)
        piece.from_earlier_run = False
        self.release(piece)

    @contextmanager
    def writing(self, file: PartialFile) -> Iterator[BinaryIO]:
        """Open the data for writing by the calling thread.  Raises ``Cancelled`` after the end, and OSError."""
        with self._session.changed:
            if self._session.is_over:
                raise Cancelled
            self._writers += 1
        try:
            with file.files.part.open("r+b", buffering=0) as handle:
                yield cast(BinaryIO, handle)
        finally:
            with self._session.changed:
                self._writers -= 1
                self._session.changed.notify_all()

    def wait_for_writers(self, timeout_s: float) -> None:
        """Wait until no thread has data open for writing, at most ``timeout_s``."""
        with self._session.changed:
            self._session.changed.wait_for(lambda: self._writers == 0, timeout_s)

    def _claim(self, piece: Piece) -> bool:
        if piece.is_claimed or piece.is_complete:
            return False
        piece.is_claimed = True
        return True
