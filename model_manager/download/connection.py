"""One connection of a download: claims pieces and fetches what is missing of them."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from model_manager.download.piece_queue import Piece, PieceQueue
from model_manager.download.session import Session, Worker
from model_manager.download.source import DownloadSource
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import host_of
from model_manager.hub.http import HttpResponse
from model_manager.hub.http_errors import TransientError


class Connection(Worker):
    """Thread that fetches one piece after the other."""

    def __init__(self, session: Session, queue: PieceQueue, number: int) -> None:
        super().__init__(session, f"download {number}")
        self._queue = queue
        self._piece: Piece | None = None
        self._response: HttpResponse | None = None
        self._response_started = 0.0
        self._response_bytes = 0
        self._last_rate = 0.0

    @property
    def rate(self) -> float:
        """Bytes per second of the current response, or of the last one."""
        seconds = self.response_s
        return self._response_bytes / seconds if seconds > 0 else self._last_rate

    @property
    def response_s(self) -> float:
        """How long the current response has been read; 0 without one."""
        return time.monotonic() - self._response_started if self._response is not None else 0.0

    @property
    def seconds_left(self) -> float:
        """Time until the current piece is complete at the current rate."""
        piece, rate = self._piece, self.rate
        if piece is None:
            return 0.0
        return (piece.length - piece.done) / rate if rate > 0 else float("inf")

    def drop(self) -> None:
        """Close the current response, from another thread; its piece is free for another connection."""
        response = self._response
        if response is not None:
            response.shut_down()

    def has_work(self, source: DownloadSource) -> bool:
        """Return whether a piece is free, or a whole file to be read from a server without ranges."""
        if source.supports_ranges:
            return self._queue.has_open
        return not source.stream_lock.locked() and not self._queue.is_complete

    def step(self, source: DownloadSource) -> bool:
        """Fetch the rest of a piece, or a whole file from a server without ranges."""
        if not source.supports_ranges:
            return self._stream(source)
        piece = self._queue.claim()
        if piece is None:
            return False
        self._piece = piece
        try:
            self._fetch(source, piece)
        finally:
            self._piece = None
            self._queue.release(piece)
        return True

    def _fetch(self, source: DownloadSource, piece: Piece) -> None:
        file = source.file(piece.published_file)
        response, is_range = file.open(piece.start + piece.done, piece.length - piece.done)
        with self._reading(response):
            if not is_range:
                source.supports_ranges = False
                return
            with self._queue.writing(piece.file) as handle:
                for data in response.chunks():
                    if len(data) > piece.length - piece.done:
                        raise _too_long(response)
                    self._store(handle, piece, data)
        if not piece.is_complete:
            raise _too_short(response)

    def _stream(self, source: DownloadSource) -> bool:
        """Read a whole published file and store what is missing; one connection at a time."""
        if not source.stream_lock.acquire(blocking=False):
            return False
        try:
            first = self._queue.first_incomplete()
            if first is None:
                return False
            part = first.published_file
            response, _ = source.file(part).open(0, part.bytes)
            pieces, offset = first.file.pieces_of(first.part), 0
            with self._reading(response), self._queue.writing(first.file) as handle:
                for data in response.chunks():
                    if offset + len(data) > part.bytes:
                        raise _too_long(response)
                    self._store_missing(handle, pieces, offset, data)
                    offset += len(data)
            if offset < part.bytes:
                raise _too_short(response)
            return True
        finally:
            source.stream_lock.release()
            self.session.notify()

    def _store_missing(self, handle: BinaryIO, pieces: tuple[Piece, ...], offset: int, data: bytes) -> None:
        """Store the missing part of ``data``, which starts at ``offset`` of the published file."""
        piece_bytes = pieces[0].file.header.piece_bytes
        end = offset + len(data)
        self.session.last_byte_at = time.monotonic()
        for piece in pieces[offset // piece_bytes : -(-end // piece_bytes)]:
            if not self._queue.claim_piece(piece):
                continue
            try:
                begin = piece.start + piece.done
                if offset <= begin < end:
                    self._store(handle, piece, data[begin - offset : piece.start + piece.length - offset])
            finally:
                self._queue.release(piece)
        if self.session.is_over:
            raise Cancelled

    def _store(self, handle: BinaryIO, piece: Piece, data: bytes) -> None:
        if self.session.is_over:
            raise Cancelled
        done, crc = piece.state
        piece.file.write(handle, piece.source + done, data)
        piece.state = (done + len(data), zlib.crc32(data, crc or 0))
        self._response_bytes += len(data)
        self.add_received(len(data))
        self.session.throttle(len(data))

    @contextmanager
    def _reading(self, response: HttpResponse) -> Iterator[None]:
        self._response_started, self._response_bytes = time.monotonic(), 0
        self._response = response
        try:
            with response:
                yield
        finally:
            self._last_rate = self.rate
            self._response = None


def _too_long(response: HttpResponse) -> UserError:
    return UserError("web_answer_wrong", host=host_of(response.url), detail="more bytes than requested")


def _too_short(response: HttpResponse) -> TransientError:
    return TransientError("connection_lost", host=host_of(response.url), detail="the response ended early")
