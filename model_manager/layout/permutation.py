"""The order in which a file's bytes can change places inside the file itself, so that a crash loses none of them.

A file of 60 GiB rarely finds room for a second copy of itself.  Here its layout becomes batches of moves: within a
batch nothing is written where anything is read, so that a batch that was cut short can simply be done again.  Where
moves wait for each other in a circle, some bytes are kept in a second, small file meanwhile.  Who carries the moves
out, and remembers how far they are, is no business of this module.

After R. C. Burns, L. Stockmeyer, D. D. E. Long: "In-place reconstruction of version differences", IEEE Transactions on
Knowledge and Data Engineering 15 (2003): conflicts as a graph, sorted, with its circles broken.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from model_manager.layout.layout import Layout, Segment

PIECE_BYTES = 8 << 20
KEPT_BYTES = 128 << 20
BATCH_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Move:
    """``length`` bytes from ``source`` to ``target``, each a place in the file or, where so said, among those kept."""

    source: int
    target: int
    length: int
    from_kept: bool = False
    to_kept: bool = False


Batch = tuple[Move, ...]


@dataclass(frozen=True)
class MovePlan:
    """The batches in their order, and how long the file of the kept bytes gets."""

    batches: tuple[Batch, ...] = field(repr=False)
    kept_bytes: int

    @property
    def bytes(self) -> int:
        """Bytes that are written in all."""
        return sum(move.length for batch in self.batches for move in batch)


def plan_moves(
    layout: Layout,
    *,
    piece_bytes: int = PIECE_BYTES,
    kept_bytes: int = KEPT_BYTES,
    batch_bytes: int = BATCH_BYTES,
) -> MovePlan:
    """How the file of ``layout`` gets from the published order into its own.

    The file must be as long as the longer of the two all the while.  What lies in no segment (heads, padding) is left
    to be written last: no move reads it.  ``kept_bytes`` is about what is put aside at once; the peak is some pieces
    more.  For the published APUS files that makes writes of 1.4 times the file's size and 160 to 230 MiB kept.
    """
    return _Planner(_cut(layout.segments, piece_bytes), kept_bytes, batch_bytes).plan()


def gaps(layout: Layout) -> Iterator[tuple[int, int]]:
    """Place and length of what is zeros in the file on disk: behind its head and in no segment."""
    end = len(layout.target_head)
    for segment in sorted(layout.segments, key=lambda each: each.target):
        if segment.target > end:
            yield end, segment.target - end
        end = segment.target + segment.length
    if layout.target_bytes > end:
        yield end, layout.target_bytes - end


def _cut(segments: Sequence[Segment], piece_bytes: int) -> list[Segment]:
    return [
        Segment(segment.source + start, segment.target + start, min(piece_bytes, segment.length - start))
        for segment in segments
        if segment.source != segment.target
        for start in range(0, segment.length, piece_bytes)
    ]


class _Planner:
    """Sorts pieces.  A piece may be put once nothing that is still needed lies in its target."""

    def __init__(self, pieces: list[Segment], kept_bytes: int, batch_bytes: int) -> None:
        self._pieces = pieces
        self._kept_bytes, self._batch_bytes = kept_bytes, batch_bytes
        self._by_target = sorted(range(len(pieces)), key=lambda number: pieces[number].target)
        # Which pieces still lie in the target of each, itself included, and whose targets each lies in.
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
        self._placed = [False] * len(pieces)
        self._ready = {number for number in range(len(pieces)) if not self._blockers[number]}
        self._kept: dict[int, int] = {}
        self._room = _Room()
        self._front = 0

    def plan(self) -> MovePlan:
        batches = []
        while True:
            if self._ready:
                batches.append(self._put())
            elif self._skip_placed():
                batches.append(self._put_aside())
            else:
                return MovePlan(tuple(batches), self._room.end)

    def _put(self) -> Batch:
        """The pieces whose targets are free go there, in the order of the file."""
        chosen = []
        n_bytes = 0
        for number in sorted(self._ready, key=lambda each: self._pieces[each].target):
            if n_bytes >= self._batch_bytes:
                break
            chosen.append(number)
            n_bytes += self._pieces[number].length
        moves = []
        for number in chosen:
            piece, kept_at = self._pieces[number], self._kept.get(number)
            source = piece.source if kept_at is None else kept_at
            moves.append(Move(source, piece.target, piece.length, from_kept=kept_at is not None))
            self._placed[number] = True
            self._ready.discard(number)
        for number in chosen:
            if number in self._kept:
                self._room.give_back(self._kept.pop(number), self._pieces[number].length)
            else:
                self._leave(number)
        return _merged(moves)

    def _put_aside(self) -> Batch:
        """Nothing can be put: what lies in the foremost targets is kept elsewhere."""
        chosen: dict[int, None] = {}
        n_bytes = 0
        for number in self._by_target[self._front :]:
            if n_bytes >= self._kept_bytes:
                break
            for blocker in sorted(() if self._placed[number] else self._blockers[number]):
                if blocker not in chosen:
                    chosen[blocker] = None
                    n_bytes += self._pieces[blocker].length
        moves = []
        for number in sorted(chosen):
            piece = self._pieces[number]
            self._kept[number] = self._room.take(piece.length)
            moves.append(Move(piece.source, self._kept[number], piece.length, to_kept=True))
        for number in chosen:
            self._leave(number)
        return _merged(moves)

    def _leave(self, number: int) -> None:
        """Nothing needs the published place of a piece any longer."""
        for waiting in self._blocked[number]:
            self._blockers[waiting].discard(number)
            if not self._blockers[waiting] and not self._placed[waiting]:
                self._ready.add(waiting)

    def _skip_placed(self) -> bool:
        while self._front < len(self._pieces) and self._placed[self._by_target[self._front]]:
            self._front += 1
        return self._front < len(self._pieces)


class _Room:
    """Places in the file of the kept bytes; each goes to the first that is free and large enough."""

    def __init__(self) -> None:
        self.end = 0
        self._free: list[tuple[int, int]] = []

    def take(self, length: int) -> int:
        for number, (start, stop) in enumerate(self._free):
            if stop - start >= length:
                self._free[number : number + 1] = [(start + length, stop)] if stop - start > length else []
                return start
        start = self._free.pop()[0] if self._free and self._free[-1][1] == self.end else self.end
        self.end = start + length
        return start

    def give_back(self, start: int, length: int) -> None:
        insort(self._free, (start, start + length))
        joined: list[tuple[int, int]] = []
        for span in self._free:
            if joined and joined[-1][1] == span[0]:
                joined[-1] = joined[-1][0], span[1]
            else:
                joined.append(span)
        self._free = joined


def _merged(moves: list[Move]) -> Batch:
    merged: list[Move] = []
    for move in moves:
        last = merged[-1] if merged else None
        if (
            last
            and (last.from_kept, last.to_kept) == (move.from_kept, move.to_kept)
            and (last.source + last.length, last.target + last.length) == (move.source, move.target)
        ):
            merged[-1] = Move(last.source, last.target, last.length + move.length, move.from_kept, move.to_kept)
        else:
            merged.append(move)
    return tuple(merged)
