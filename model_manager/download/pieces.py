"""Pieces of the files of one download: what is present and journalled, and which are free to fetch."""

from __future__ import annotations

import bisect
import contextlib
import heapq
import itertools
import threading
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from model_manager.disk.files import disk_errors, sync, write_at
from model_manager.download.journal import JournalHeader, PieceStates, record_line
from model_manager.download.transfer import Transfer
from model_manager.layout.file_names import ModelFilePaths
from model_manager.layout.layout import SourceView
from model_manager.published import HubFile


@dataclass(slots=True, eq=False)
class Piece:
    """Range of one published file that is fetched, journalled and verified as a unit.

    ``number`` counts within the file on disk; ``start`` is the offset in the published file, ``source`` that in the
    concatenation of all parts.  ``state`` is replaced as a whole: the number of bytes present, from the beginning, and
    their CRC-32 (None: unknown).
    """

    file: PartialFile
    number: int
    part: int
    start: int
    source: int
    length: int
    state: tuple[int, int | None] = (0, 0)
    is_claimed: bool = False
    from_earlier_run: bool = False
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

    def __init__(self, files: ModelFilePaths, header: JournalHeader) -> None:
        self.files = files
        self.header = header
        self.parts = header.parts
        self.layout = header.layout
        self.pieces: tuple[Piece, ...] = tuple(self._split())
        self._is_identity = self.layout.is_identity
        self._journal: BinaryIO | None = None
        self._journal_lock = threading.Lock()
        self._recorded: PieceStates = {}
        self._is_synced = True

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

    def states(self) -> PieceStates:
        """Return the states of all pieces with data."""
        return {piece.number: state for piece in self.pieces if (state := piece.state)[0]}

    def restore(self, states: PieceStates) -> None:
        """Apply the journal of an earlier run.  Incomplete pieces are checked here, others when they are hashed.

        Raises OSError.
        """
        for number, (done, crc32) in states.items():
            if 0 <= number < len(self.pieces) and 0 <= done <= self.pieces[number].length:
                piece = self.pieces[number]
                piece.state = (done, crc32 if done else 0)
                piece.from_earlier_run = done > 0
        with self.files.part.open("rb", buffering=0) as file:
            view = SourceView(self.layout, cast(BinaryIO, file))
            for piece in self.pieces:
                if 0 < piece.done < piece.length:
                    content = view.read(piece.source, piece.done)
                    if len(content) < piece.done or zlib.crc32(content) != piece.state[1]:
                        piece.state = (0, 0)

    def extend(self, piece: Piece, data: bytes, file: BinaryIO) -> None:
        """Store the bytes of a piece that follow those present.  Raises OSError."""
        done, crc32 = piece.state
        source = piece.source + done
        if self._is_identity:
            write_at(file, source, data)
        else:
            view = memoryview(data)
            for segment in self.layout.pieces(source, len(data)):
                begin = segment.source - source
                write_at(file, segment.target, view[begin : begin + segment.length])
        piece.state = (done + len(data), zlib.crc32(data, crc32 or 0))

    def matches(self, source: int, data: bytes) -> bool:
        """Return whether the bytes present are those of ``data``, which starts at ``source``.  Raises OSError."""
        end = source + len(data)
        first = max(0, bisect.bisect(self.pieces, source, key=lambda piece: piece.source) - 1)
        with self.files.part.open("rb", buffering=0) as file:
            view = SourceView(self.layout, cast(BinaryIO, file))
            for piece in itertools.takewhile(lambda piece: piece.source < end, self.pieces[first:]):
                start = max(source, piece.source)
                present = data[start - source : max(0, piece.source + piece.done - source)]
                if view.read(start, len(present)) != present:
                    return False
        return True

    def open_journal(self) -> None:
        """Open the journal, to append to it.  Raises ``UserError`` as ``disk_error``."""
        with disk_errors(self.files.journal):
            self._journal = cast(BinaryIO, self.files.journal.open("ab", buffering=0))
        self._recorded = self.states()

    def append_to_journal(self, *, durable: bool) -> None:
        """Append the pieces that changed.  ``durable``: sync their data before, and the journal after.

        Raises OSError.
        """
        changed = {
            piece.number: state
            for piece in self.pieces
            if (state := piece.state) != self._recorded.get(piece.number, (0, 0))
        }
        durable = durable and (bool(changed) or not self._is_synced)
        if self._journal is None or not (changed or durable):
            return
        try:
            if durable:
                with self.files.part.open("r+b", buffering=0) as handle:
                    sync(cast(BinaryIO, handle))
        except FileNotFoundError:
            # None: the file was finished and renamed meanwhile.
            if self._journal is not None:
                raise
        with self._journal_lock:
            if self._journal is not None:
                self._journal.write(record_line(changed))
                if durable:
                    sync(self._journal)
                self._recorded |= changed
                self._is_synced = durable

    def close_journal(self) -> None:
        """Append the last state without a sync, because the next run checks the data, and close."""
        with self._journal_lock:
            journal, self._journal = self._journal, None
        if journal is not None:
            with journal, contextlib.suppress(OSError):
                journal.write(record_line(self.states()))

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

    def __init__(self, files: Iterable[PartialFile], transfer: Transfer) -> None:
        self.files = tuple(files)
        self._changed = transfer.changed
        self._all = tuple(piece for file in self.files for piece in file.pieces)
        self._order = {piece: index for index, piece in enumerate(self._all)}
        self._open = [index for index, piece in enumerate(self._all) if not piece.is_complete]

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

    def claim(self, *, whole_part: bool) -> list[Piece]:
        """Return the first free piece, claimed for the caller, or with ``whole_part`` also all later ones of its part.

        The last one is first.  Empty where no piece is free at the moment.
        """
        claimed: list[Piece] = []
        with self._changed:
            while self._open:
                piece = self._all[self._open[0]]
                if claimed and (not whole_part or piece.published_file != claimed[0].published_file):
                    break
                heapq.heappop(self._open)
                if not piece.is_claimed and not piece.is_complete:
                    piece.is_claimed = True
                    claimed.append(piece)
        return claimed[::-1]

    def release(self, pieces: Iterable[Piece]) -> None:
        """End a claim; incomplete pieces are free again."""
        with self._changed:
            for piece in pieces:
                piece.is_claimed = False
                if not piece.is_complete:
                    heapq.heappush(self._open, self._order[piece])
            self._changed.notify_all()

    def discard(self, piece: Piece) -> None:
        """Fetch a complete piece again, because the disk returns other data than was written."""
        piece.state = (0, 0)
        piece.from_earlier_run = False
        self.release([piece])
