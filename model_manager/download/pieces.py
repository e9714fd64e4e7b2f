"""The pieces of the files of one download: what is here, who fetches what, and writing it where it belongs."""

from __future__ import annotations

import heapq
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from model_manager.disk.files import write_at
from model_manager.download.journal import Opening, PieceNote
from model_manager.errors import Cancelled
from model_manager.layout.file_names import FilesOf
from model_manager.layout.layout import Layout
from model_manager.layout.published_bytes import SourceView
from model_manager.published import HubFile

READ_BYTES = 256 << 10


class Piece:
    """A range of one part that is fetched, journalled and checked as one.

    ``number`` counts through the file, ``start`` from the beginning of the part, ``source`` from that of the published
    file.  ``state`` is replaced as a whole: bytes that are here, and their CRC-32 (None: nobody computed it).
    """

    __slots__ = ("file", "inherited", "length", "number", "owner", "part", "source", "start", "state")

    def __init__(self, file: PartialFile, number: int, part: int, start: int, source: int, length: int) -> None:
        self.file = file
        self.number = number
        self.part = part
        self.start = start
        self.source = source
        self.length = length
        self.state: tuple[int, int | None] = (0, 0)
        self.owner: object | None = None
        """Who fetches it."""
        self.inherited = False
        """Whether a note of an earlier run says that it is here: what the disk holds must show it."""

    @property
    def done(self) -> int:
        """Bytes that are here."""
        return self.state[0]

    @property
    def crc32(self) -> int | None:
        """The CRC-32 of those."""
        return self.state[1]

    @property
    def is_complete(self) -> bool:
        """Whether all of it is here."""
        return self.state[0] == self.length


class PartialFile:
    """One file on its way: its pieces, and its data at their final offsets in ``files.part``."""

    def __init__(self, files: FilesOf, opening: Opening) -> None:
        self.files = files
        self.opening = opening
        self.parts: tuple[HubFile, ...] = opening.parts
        self.layout: Layout = opening.layout
        self.pieces: tuple[Piece, ...] = tuple(self._cut())
        self.is_finished = False
        self._identity = self.layout.is_identity
        self._notes: dict[int, tuple[int, int | None]] = {}

    @property
    def bytes_done(self) -> int:
        """Bytes of the published file that are here."""
        return sum(piece.state[0] for piece in self.pieces)

    @property
    def is_complete(self) -> bool:
        """Whether every byte is here."""
        return all(piece.is_complete for piece in self.pieces)

    def pieces_of(self, part: int) -> tuple[Piece, ...]:
        """The pieces of one part, in order."""
        return tuple(piece for piece in self.pieces if piece.part == part)

    def restore(self, notes: Iterable[PieceNote]) -> None:
        """Take over what an earlier run noted; nothing is believed that the disk does not show."""
        for note in notes:
            if 0 <= note.number < len(self.pieces) and 0 <= note.bytes <= self.pieces[note.number].length:
                piece = self.pieces[note.number]
                piece.state = (note.bytes, note.crc32 if note.bytes else 0)
                piece.inherited = note.bytes > 0
        with self.files.part.open("rb", buffering=0) as file:
            view = SourceView(self.layout, cast(BinaryIO, file))
            for piece in self.pieces:
                # Whole ones are looked at on the way, while they are hashed.
                if 0 < piece.done < piece.length and not self._shows(view, piece):
                    piece.state = (0, 0)

    def _shows(self, view: SourceView, piece: Piece) -> bool:
        buffer = memoryview(bytearray(READ_BYTES))
        at, crc = 0, 0
        while at < piece.done:
            count = view.readinto(piece.source + at, buffer[: piece.done - at])
            if not count:
                return False
            crc = zlib.crc32(buffer[:count], crc)
            at += count
        return crc == piece.crc32

    def notes(self, *, new: bool = False) -> list[PieceNote]:
        """How far each piece is; ``new`` tells only what changed since the last call."""
        found = []
        for piece in self.pieces:
            state = piece.state
            if state != self._notes.get(piece.number, (0, 0)) or (not new and state[0]):
                self._notes[piece.number] = state
                found.append(PieceNote(piece.number, *state))
        return found

    def write(self, file: BinaryIO, source: int, data: bytes) -> None:
        """Put published bytes where they belong.  Raises OSError."""
        if self._identity:
            write_at(file, source, data)
            return
        view = memoryview(data)
        for segment in self.layout.pieces(source, len(data)):
            begin = segment.source - source
            write_at(file, segment.target, view[begin : begin + segment.length])

    def _cut(self) -> Iterator[Piece]:
        number = source = 0
        for index, part in enumerate(self.parts):
            for start in range(0, part.bytes, self.opening.piece_bytes):
                length = min(self.opening.piece_bytes, part.bytes - start)
                yield Piece(self, number, index, start, source + start, length)
                number += 1
            source += part.bytes


class Board:
    """Who fetches which piece.  Pieces are handed out in order, so that the hash can follow closely.

    A fetcher claims a run of pieces that lie end to end, for one request; what it has not begun of them may be taken
    from it for another that has nothing to do.
    """

    def __init__(self, files: Iterable[PartialFile]) -> None:
        self.files = tuple(files)
        self.changed = threading.Condition()
        """Told of whatever somebody may be waiting for: pieces, ends, changes of the access."""
        self.ended = False
        self._all = tuple(piece for file in self.files for piece in file.pieces)
        self._order = {piece: at for at, piece in enumerate(self._all)}
        self._open = [at for at, piece in enumerate(self._all) if not piece.is_complete]
        self._ahead: dict[object, list[Piece]] = {}
        self._writers = 0

    @property
    def bytes_done(self) -> int:
        """Bytes of all published files that are here."""
        return sum(file.bytes_done for file in self.files)

    @property
    def is_complete(self) -> bool:
        """Whether every byte of every file is here."""
        return all(file.is_complete for file in self.files)

    def claim(self, owner: object, most_bytes: int, sharers: int) -> list[Piece]:
        """The first pieces that nobody has, as one run of at most ``most_bytes``; empty where there is none just now.

        ``sharers`` fetch at once: towards the end the runs become shorter, so that all end together.
        """
        with self.changed:
            run: list[Piece] = []
            while self._open and not run:
                piece = self._all[heapq.heappop(self._open)]
                if piece.owner is None and not piece.is_complete:
                    longest = len(self._open) // (2 * sharers)
                    run = self._run_from(piece, most_bytes, longest)
            for piece in run:
                piece.owner = owner
            if len(run) > 1:
                self._ahead[owner] = run[1:]
            return run

    def _run_from(self, first: Piece, most_bytes: int, longest: int) -> list[Piece]:
        run, total = [first], first.length
        for piece in self._all[self._order[first] + 1 :][: max(0, longest - 1)]:
            total += piece.length
            fresh = piece.owner is None and not piece.done
            if not fresh or total > most_bytes or (piece.file, piece.part) != (first.file, first.part):
                break
            run.append(piece)
        return run

    def begin(self, owner: object, piece: Piece) -> bool:
        """Whether a piece of the owner's run, reached now, is still its own."""
        with self.changed:
            if piece.owner is not owner:
                return False
            ahead = self._ahead.get(owner, [])
            if piece in ahead:
                ahead.remove(piece)
            if not ahead:
                self._ahead.pop(owner, None)
            return True

    def claim_this(self, owner: object, piece: Piece) -> bool:
        """Take a certain piece, where nobody has it and something of it is missing."""
        with self.changed:
            if piece.owner not in (None, owner) or piece.is_complete:
                return False
            piece.owner = owner
            return True

    def ahead_of(self, owner: object) -> int:
        """Pieces that somebody claimed and has not begun."""
        return len(self._ahead.get(owner, ()))

    def release(self, owner: object) -> None:
        """Take the later half of what somebody claimed and has not begun, for others."""
        with self.changed:
            ahead = self._ahead.get(owner, [])
            taken = ahead[len(ahead) // 2 :]
            del ahead[len(ahead) // 2 :]
            for piece in taken:
                piece.owner = None
                heapq.heappush(self._open, self._order[piece])
            self.changed.notify_all()

    @property
    def has_open(self) -> bool:
        """Whether there may be a piece to claim."""
        return bool(self._open)

    def first_open(self) -> Piece | None:
        """The first piece that is not complete."""
        return next((piece for piece in self._all if not piece.is_complete), None)

    def give_back(self, owner: object, pieces: Iterable[Piece]) -> None:
        """Done with pieces, whether they are complete or somebody else must go on with them."""
        with self.changed:
            for piece in pieces:
                if piece.owner is owner:
                    piece.owner = None
                    if not piece.is_complete:
                        heapq.heappush(self._open, self._order[piece])
            self._ahead = {
                each: left
                for each, ahead in self._ahead.items()
                if (left := [piece for piece in ahead if piece.owner is each])
            }
            self.changed.notify_all()

    def take_back(self, piece: Piece) -> None:
        """What the disk holds of a piece is not what was written: it must be fetched again."""
        with self.changed:
            piece.state = (0, 0)
            piece.inherited = False
            heapq.heappush(self._open, self._order[piece])
            self.changed.notify_all()

    def end(self) -> None:
        """Nobody may write any more."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def tell(self) -> None:
        """Something changed."""
        with self.changed:
            self.changed.notify_all()

    def wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until ``ready`` or the end; false where neither came in time."""
        with self.changed:
            return self.changed.wait_for(lambda: self.ended or ready(), timeout)

    @contextmanager
    def writing(self, file: PartialFile) -> Iterator[BinaryIO]:
        """The data, open for writing by the calling thread alone.  Raises ``Cancelled`` after the end, and OSError."""
        with self.changed:
            if self.ended:
                raise Cancelled
            self._writers += 1
        try:
            with file.files.part.open("r+b", buffering=0) as handle:
                yield cast(BinaryIO, handle)
        finally:
            with self.changed:
                self._writers -= 1
                self.changed.notify_all()

    def wait_for_writers(self, timeout: float) -> bool:
        """Wait until nobody has the data open; false where somebody still has."""
        with self.changed:
            return self.changed.wait_for(lambda: self._writers == 0, timeout)
