"""One connection of a download: takes pieces, fetches what is missing of them, tries again when something breaks.

What cannot be mended by trying again is handed to the download, which ends; what may pass is waited out, longer and
longer while nothing comes, and hardly at all after a byte came.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from model_manager.download.control import Throttle
from model_manager.download.pieces import Board, Piece
from model_manager.download.source import Link
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import host_of
from model_manager.hub.http import HttpResponse
from model_manager.hub.http_errors import TransientError

_log = logging.getLogger(__name__)

OTHERS_FARE_WELL_S = 1.0
AFTER_PROGRESS_S = 0.1
RUN_BYTES = 128 << 20
FIRST_RUN_BYTES = 32 << 20
"""What one request asks for at most: more where answers begin late, for in that moment nothing comes; little where they
begin at once, for the hash follows what is here without a gap."""
RUN_OVER_ANSWER = 50
WRITE_BYTES = 256 << 10
GATHER_S = 0.05


@dataclass(frozen=True)
class Pace:
    """Seconds: how long to wait for a connection and for its next byte, and between two tries."""

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 15.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    known_after_s: float = 5.0
    """How long an answer must have been read before its speed says something."""

    def pause_s(self, failures: int) -> float:
        """How long to wait after so many failures before the last one; never quite the same, so that not all come."""
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(failures, 30)) * random.uniform(0.5, 1.0)


@dataclass
class Shared:
    """What the connections of one download share."""

    board: Board
    throttle: Throttle
    pace: Pace
    fail: Callable[[BaseException], None]
    link: Link
    connections: int
    last_byte_at: float = field(default_factory=time.monotonic)
    problem: TransientError | None = None
    """The last trouble; none once a byte came after it."""


class Worker(threading.Thread):
    """One connection.  ``waiting_until`` is when it tries again, on the monotonic clock, while it waits."""

    def __init__(self, shared: Shared, number: int) -> None:
        super().__init__(name=f"download {number}", daemon=True)
        self._shared = shared
        self._board = shared.board
        self.is_fetching = False
        self.waiting_until: float | None = None
        self.piece: Piece | None = None
        """What is being fetched."""
        self.reply: HttpResponse | None = None
        self._pauses = 0
        self._received = 0
        self._reply_since = 0.0
        self._reply_bytes = 0
        self._last_rate = 0.0
        self._answer_s: float | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it finds nothing to do."""
        return not self.is_fetching and self.waiting_until is None

    @property
    def rate(self) -> float:
        """Bytes a second of the answer that is being read, or of the last one."""
        reply, seconds = self.reply, time.monotonic() - self._reply_since
        return self._reply_bytes / seconds if reply is not None and seconds > 0 else self._last_rate

    @property
    def seconds_read(self) -> float:
        """How long the answer is being read; 0 where there is none."""
        return time.monotonic() - self._reply_since if self.reply is not None else 0.0

    def seconds_to_next(self) -> float:
        """How long until the piece that is being fetched is here, at this rate."""
        piece = self.piece
        if piece is None:
            return 0.0
        rate = self.rate
        return (piece.length - piece.done) / rate if rate > 0 else float("inf")

    def run(self) -> None:
        """Work until the board ends."""
        try:
            while not self._board.ended:
                self._turn()
        except BaseException as error:
            self._shared.fail(error)

    def _turn(self) -> None:
        with self._shared.link as link:
            if link.not_before > time.monotonic():
                self._wait(link.not_before - time.monotonic(), link)
                return
            before = self._received
            self.is_fetching = True
            try:
                idle = not self._fetch(link)
            except Cancelled:
                return
            except TransientError as error:
                self.is_fetching = False
                self._tried_in_vain(error, link, came=self._received != before)
                return
            except UserError as error:
                if link is self._shared.link and not self._board.ended:
                    self._shared.fail(error)
                return
            finally:
                self.is_fetching = False
            if idle:
                self._wait_for_work(link)

    def _fetch(self, link: Link) -> bool:
        """One run of pieces, or a whole file from its beginning; false where there is nothing to do."""
        if not link.ranges:
            return self._fetch_in_one_stream(link)
        run = self._board.claim(self, self._run_bytes(), self._shared.connections)
        if not run:
            return False
        try:
            self._fetch_run(link, run)
        finally:
            self.piece = None
            self._board.give_back(self, run)
        return True

    def _run_bytes(self) -> int:
        if self._answer_s is None:
            return FIRST_RUN_BYTES
        return min(RUN_BYTES, int(self._last_rate * self._answer_s * RUN_OVER_ANSWER))

    def _fetch_run(self, link: Link, run: list[Piece]) -> None:
        first, last = run[0], run[-1]
        start = first.start + first.done
        length = last.start + last.length - start
        asked_at = time.monotonic()
        reply, ranged = link.file(first.file.parts[first.part]).open(start, length)
        self._answer_s = time.monotonic() - asked_at
        with self._reading(reply):
            if not ranged:
                link.ranges = False
                self._board.tell()
                return
            with self._board.writing(first.file) as file:
                rest = self._keep_run(file, run, reply)
        if rest:
            raise TransientError("connection_lost", host=host_of(reply.url), detail="the answer ended early")

    def _keep_run(self, file: BinaryIO, run: list[Piece], reply: HttpResponse) -> bool:
        """Write what comes; whether something is missing in the end."""
        left = list(reversed(run))
        for data in self._gathered(reply):
            while data:
                if not left:
                    raise UserError("web_answer_wrong", host=host_of(reply.url), detail="more bytes than asked for")
                piece = left[-1]
                if piece is not self.piece:
                    if not self._board.begin(self, piece):
                        # Another one had nothing to do and took over here.
                        return False
                    self.piece = piece
                missing = piece.length - piece.done
                self._keep(file, piece, data[:missing])
                data = data[missing:]
                if piece.is_complete:
                    self._board.give_back(self, [left.pop()])
        return bool(left)

    def _gathered(self, reply: HttpResponse) -> Iterator[bytes]:
        """The body in larger chunks while it comes fast: each write and each checksum costs the threads a turn."""
        chunks: list[bytes] = []
        size, counted, fast = 0, 0, False
        since = time.monotonic()
        try:
            for chunk in reply.chunks():
                chunks.append(chunk)
                size += len(chunk)
                if fast and size < WRITE_BYTES and time.monotonic() - since < GATHER_S:
                    continue
                yield chunk if len(chunks) == 1 else b"".join(chunks)
                counted += size
                chunks.clear()
                size = 0
                if counted >= WRITE_BYTES:
                    now = time.monotonic()
                    # Held back for a moment at most: what is not written yet is lost with the program.
                    fast = now - since < GATHER_S
                    since, counted = now, 0
        except TransientError:
            # What came before the trouble is as good as the rest.
            yield b"".join(chunks)
            raise
        yield b"".join(chunks)

    def _keep(self, file: BinaryIO, piece: Piece, data: bytes) -> None:
        if self._board.ended:
            raise Cancelled
        done, crc = piece.state
        piece.file.write(file, piece.source + done, data)
        piece.state = (done + len(data), zlib.crc32(data, crc or 0))
        self._came(len(data))

    def _came(self, count: int) -> None:
        shared = self._shared
        shared.last_byte_at = time.monotonic()
        shared.problem = None
        self._pauses = 0
        self._received += count
        self._reply_bytes += count
        shared.throttle.take(count)

    @contextmanager
    def _reading(self, reply: HttpResponse) -> Iterator[None]:
        """Read an answer that others may end meanwhile."""
        self._reply_since, self._reply_bytes = time.monotonic(), 0
        self.reply = reply
        try:
            with reply:
                yield
        finally:
            self._last_rate = self.rate
            self.reply = None

    # Servers that know no ranges

    def _fetch_in_one_stream(self, link: Link) -> bool:
        with self._streaming(link) as mine:
            first = self._board.first_open() if mine else None
            if first is None:
                return False
            part = first.file.parts[first.part]
            reply, _ = link.file(part).open(0, part.bytes)
            with self._reading(reply), self._board.writing(first.file) as file:
                at = 0
                pieces = first.file.pieces_of(first.part)
                for data in self._gathered(reply):
                    if at + len(data) > part.bytes:
                        raise UserError("web_answer_wrong", host=host_of(reply.url), detail="more bytes than expected")
                    self._spread(file, pieces, at, data)
                    at += len(data)
            if at < part.bytes:
                raise TransientError("connection_lost", host=host_of(reply.url), detail="the answer ended early")
            return True

    @contextmanager
    def _streaming(self, link: Link) -> Iterator[bool]:
        mine = link.stream.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                link.stream.release()
                self._board.tell()

    def _spread(self, file: BinaryIO, pieces: tuple[Piece, ...], at: int, data: bytes) -> None:
        """Give each piece what it misses of some bytes from ``at`` on; what is here is skipped."""
        if not data:
            return
        piece_bytes = pieces[0].file.opening.piece_bytes
        end = at + len(data)
        self._shared.last_byte_at = time.monotonic()
        for piece in pieces[at // piece_bytes : (end - 1) // piece_bytes + 1]:
            if not self._board.claim_this(self, piece):
                continue
            try:
                begin = piece.start + piece.done
                if at <= begin < end:
                    self._keep(file, piece, data[begin - at : piece.start + piece.length - at])
            finally:
                self._board.give_back(self, [piece])
        if self._board.ended:
            raise Cancelled

    # Waiting

    def _tried_in_vain(self, error: TransientError, link: Link, *, came: bool) -> None:
        shared = self._shared
        if error.retry_after_s is not None:
            pause = error.retry_after_s
            if time.monotonic() - shared.last_byte_at > OTHERS_FARE_WELL_S:
                # It was meant for all of us, not for one connection too many.
                link.not_before = max(link.not_before, time.monotonic() + pause)
        else:
            pause = shared.pace.pause_s(0 if came else self._pauses)
            self._pauses += 1
        if came:
            pause = min(pause, AFTER_PROGRESS_S) if error.retry_after_s is None else pause
        shared.problem = error
        _log.info("%s, again in %.1f s", error, pause)
        self._wait(pause, link)

    def _wait(self, seconds: float, link: Link) -> None:
        until = time.monotonic() + seconds
        self.waiting_until = until
        try:
            self._board.wait(lambda: self._shared.link is not link, max(0.0, seconds))
        finally:
            self.waiting_until = None

    def _wait_for_work(self, link: Link) -> None:
        def may_go_on() -> bool:
            if self._shared.link is not link:
                return True
            return self._board.has_open if link.ranges else not link.stream.locked() and not self._board.is_complete

        self._board.wait(may_go_on)
