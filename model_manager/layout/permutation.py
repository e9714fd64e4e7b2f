"""Order in which the bytes of a file change places inside the file, so that a crash loses none of them.

A layout becomes batches of moves: within a batch nothing is written where anything is read, so that an interrupted
batch can be repeated.  Where moves wait for each other in a cycle, some bytes are saved in a second, small file.
Carrying out the moves is left to ``in_place``.

After R. C. Burns, L. Stockmeyer, D. D. E. Long: "In-place reconstruction of version differences", IEEE Transactions on
Knowledge and Data Engineering 15 (2003): a graph of conflicts, sorted, with its cycles broken.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from model_manager.layout.layout import ByteRange, Move, TensorLayout, merged

PIECE_BYTES = 8 << 20
SAVED_BYTES = 128 << 20
BATCH_BYTES = 256 << 20


Batch = tuple[Move, ...]


@dataclass(frozen=True)
class Permutation:
    """The batches in their order, and the size of the file of saved bytes."""

    batches: tuple[Batch, ...] = field(repr=False)
    saved_bytes: int

    @property
    def bytes(self) -> int:
        """All bytes written."""
        return sum(move.length for batch in self.batches for move in batch)


def plan_moves(
    layout: TensorLayout,
    *,
    piece_bytes: int = PIECE_BYTES,
    saved_bytes: int = SAVED_BYTES,
    batch_bytes: int = BATCH_BYTES,
) -> Permutation:
    """Plan the moves that bring a file from the published order to that of its layout.

    The file must have the larger of both sizes meanwhile.  Bytes in no segment (heads, padding) are written afterwards:
    no move reads them.  ``saved_bytes`` is roughly what is saved at once; the peak is a few pieces more.  For the
    published APUS files 1.4 times the file's size is written and 160 to 230 MiB are saved.
    """
    return _Planner(_split(layout.segments, piece_bytes), piece_bytes, saved_bytes, batch_bytes).plan()


def _split(segments: Sequence[ByteRange], piece_bytes: int) -> list[ByteRange]:
    return [
        ByteRange(segment.source + start, segment.target + start, min(piece_bytes, segment.length - start))
        for segment in segments
        if segment.source != segment.target
        for start in range(0, segment.length, piece_bytes)
    ]


class _Planner:
    """Orders pieces.  A piece is ready once nothing that is still needed is at its target."""

    def __init__(self, pieces: list[ByteRange], piece_bytes: int, saved_bytes: int, batch_bytes: int) -> None:
        self._pieces = pieces
        self._piece_bytes = piece_bytes
        self._saved_bytes, self._batch_bytes = saved_bytes, batch_bytes
        self._by_target = sorted(range(len(pieces)), key=lambda number: pieces[number].target)
        # For each piece those at its target, itself included, and those whose targets it occupies.
        self._blockers: list[set[int]] = []
        self._blocked: list[list[int]] = [[] for _ in pieces]
        starts = [piece.source for piece in pieces]
        for number, piece in enumerate(pieces):
            first = max(0, bisect_right(starts, piece.target) - 1)
            last = bisect_right(starts, piece.target + piece.length - 1)
            blockers = {each for each in range(first, last) if pieces[each].source + pieces[each].length > piece.target}
            self._blockers.append(blockers)
            for each in blockers:
                self._blocked[each].append(number)
        self._is_placed = [False] * len(pieces)
        self._ready = {number for number in range(len(pieces)) if not self._blockers[number]}
        self._saved: dict[int, int] = {}
        # The file of saved bytes consists of slots for one piece each.
        self._free_slots: list[int] = []
        self._slots = 0
        self._front = 0

    def plan(self) -> Permutation:
        batches = []
        while True:
            if self._ready:
                batches.append(self._place_ready())
            elif self._skip_placed():
                batches.append(self._save_front())
            else:
                return Permutation(tuple(batches), self._slots * self._piece_bytes)

    def _place_ready(self) -> Batch:
        """Move ready pieces to their targets, in the order of the file."""
        chosen = []
        n_bytes = 0
        for number in sorted(self._ready, key=lambda each: self._pieces[each].target):
            if n_bytes >= self._batch_bytes:
                break
            chosen.append(number)
            n_bytes += self._pieces[number].length
        moves = []
        for number in chosen:
            piece, saved_at = self._pieces[number], self._saved.get(number)
            source = piece.source if saved_at is None else saved_at
            moves.append(Move(source, piece.target, piece.length, from_saved=saved_at is not None))
            self._is_placed[number] = True
            self._ready.discard(number)
        for number in chosen:
            if number in self._saved:
                heappush(self._free_slots, self._saved.pop(number))
            else:
                self._release(number)
        return merged(moves)

    def _save_front(self) -> Batch:
        """Save what occupies the foremost targets, since no piece is ready."""
        chosen: dict[int, None] = {}
        n_bytes = 0
        for number in self._by_target[self._front :]:
            if n_bytes >= self._saved_bytes:
                break
            for blocker in sorted(() if self._is_placed[number] else self._blockers[number]):
                if blocker not in chosen:
                    chosen[blocker] = None
                    n_bytes += self._pieces[blocker].length
        moves = []
        for number in sorted(chosen):
            piece = self._pieces[number]
            if not self._free_slots:
                self._free_slots.append(self._slots * self._piece_bytes)
                self._slots += 1
            self._saved[number] = heappop(self._free_slots)
            moves.append(Move(piece.source, self._saved[number], piece.length, to_saved=True))
        for number in chosen:
            self._release(number)
        return merged(moves)

    def _release(self, number: int) -> None:
        """Mark the source of a piece as no longer needed."""
        for waiting in self._blocked[number]:
            self._blockers[waiting].discard(number)
            if not self._blockers[waiting] and not self._is_placed[waiting]:
                self._ready.add(waiting)

    def _skip_placed(self) -> bool:
        while self._front < len(self._pieces) and self._is_placed[self._by_target[self._front]]:
            self._front += 1
        return self._front < len(self._pieces)
