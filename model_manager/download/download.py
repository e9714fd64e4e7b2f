"""One download from the published files to verified files on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

from model_manager.disk.files import disk_error, disk_errors, make_folder
from model_manager.disk.space import Reserve, check_space, reserve
from model_manager.download.hasher import FileHashes, Hasher
from model_manager.download.partial_files import (
    discard_file,
    finish,
    is_finished,
    locked,
    open_partial,
    quarantine,
    recover,
    resumable_journal,
)
from model_manager.download.pieces import PartialFile, Piece, PieceQueue
from model_manager.download.session import DownloadSession, RetryPolicy, Worker
from model_manager.download.source import DownloadSource, RemoteFile, ReplacedError
from model_manager.download.transfer import DownloadState, SpeedMeter, Transfer
from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.http import HttpClient, HttpResponse, TransientError
from model_manager.hub.remote_header import read_remote_header
from model_manager.layout.file_names import ModelFilePaths, model_file_paths, target_files
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import PIECE_BYTES
from model_manager.layout.stacking import layout_for
from model_manager.published import HubFile, PublishedModel, TargetFile

TICK_S = 0.1
WAITING_AFTER_S = 0.5
"""A download is waiting when no byte was received for this time after an error."""
JOURNAL_INTERVAL_S = 0.1
JOURNALS_PER_SYNC = 5
SMALLEST_PIECE_BYTES = 2 << 20
PIECES_PER_CONNECTION = 4
"""Small files are split into smaller pieces, so that all connections have work."""
END_S = 0.3
"""Longest wait for the threads at the end: a name lookup can't be interrupted."""
SLOW_PIECE_S = 10.0
SLOW_RATIO = 4.0
"""Near the end, a connection that needs longer for its piece and is slower by this factor is dropped."""
COMPARED_BYTES = 4 << 10
"""What is requested again of each piece without a published hash."""
MAX_RESTARTS = 2
"""So many times a download starts over because the server replaced the file."""


@dataclass(frozen=True)
class DownloadOptions:
    """Parameters of a download; the defaults suit production, tests override them."""

    piece_bytes: int = PIECE_BYTES
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    reserve: Reserve = reserve
    connections: int = 4


def download(
    published: PublishedModel,
    folder: Path,
    access: Callable[[], Access],
    transfer: Transfer,
    *,
    patience_s: float | None = None,
    options: DownloadOptions | None = None,
) -> tuple[Path, ...]:
    """Download and verify a published model; return its files, the first shard first.

    Blocks, and continues what an earlier call left in ``folder``.  ``access`` is called at the start and after each
    ``transfer.reconnect()``.  ``patience_s``: give up with the last error after this time without a byte; None: never.

    Raises ``Cancelled`` after ``transfer.token`` is cancelled, and ``UserError``: name_not_allowed(name),
    download_busy(path), file_in_the_way(path), partial_of_another_file(path, bytes), published_shorter(name, bytes,
    expected_bytes), published_file_changed(name, repository, host), download_damaged(path, name) with the data kept in
    ``path``, lfs_pointer_instead(name), web_page_instead(name), disk_too_small(path, needed_bytes, free_bytes), and as
    ``disk_error``, ``HttpClient``, ``HttpResponse.check_range``, ``parse_header`` and ``layout_for`` do.
    """
    targets = target_files(published)
    files = tuple(model_file_paths(folder, target.file_name) for target in targets)
    make_folder(folder)
    with locked(files):
        for restarts_left in range(MAX_RESTARTS, -1, -1):
            try:
                _Download(published, access, transfer, patience_s, options or DownloadOptions()).run(
                    folder, targets, files
                )
                break
            except ReplacedError:
                with disk_errors(folder):
                    for each in files:
                        discard_file(each)
                if not restarts_left:
                    raise
    return tuple(each.whole for each in files)


class _LayoutReader(Worker):
    """Reads the headers of published files and decides how the files are laid out on disk."""

    def __init__(
        self, session: DownloadSession, layouts: dict[TargetFile, TensorLayout], targets: Sequence[TargetFile]
    ) -> None:
        super().__init__(session)
        self._layouts = layouts
        self._targets = targets

    def step(self, source: DownloadSource) -> bool:
        def read_part(part: HubFile, start: int, length: int) -> bytes:
            return source.file(part).read(start, length, self.add_received)

        for target in self._targets:
            if target not in self._layouts:
                header, head = read_remote_header(target, read_part)
                self._layouts[target] = layout_for(header, head)
        self.session.notify()
        return False


class _Comparison(Worker):
    """Requests the beginning of each piece without a published hash again, once the whole file is present.

    Nothing else shows that a server replaced the file by one of the same size between two requests: what was fetched
    before differs.  The first piece is compared as a whole, because it begins with the header, which versions share;
    a published file is where the server ignores the range.
    """

    def __init__(self, session: DownloadSession, pieces: set[Piece], free: list[Piece]) -> None:
        """``pieces`` are those to compare, which are removed; the workers share them and the ``free`` ones."""
        super().__init__(session)
        self._pieces = pieces
        self._free = free

    def has_work(self) -> bool:
        """Return whether a piece is free."""
        return bool(self._free)

    def step(self, source: DownloadSource) -> bool:
        """Compare one piece."""
        with self.session.changed:
            if not self._free:
                return False
            piece = self._free.pop()
        try:
            compared = self._compare(piece, source.file(piece.published_file))
            with self.session.changed:
                self._pieces.difference_update(compared)
                self._free[:] = [each for each in self._free if each in self._pieces]
        except BaseException:
            self._free.append(piece)
            raise
        finally:
            self.session.notify()
        return True

    def _compare(self, piece: Piece, remote: RemoteFile) -> tuple[Piece, ...]:
        """Return the pieces that were compared."""
        length = min(piece.length, COMPARED_BYTES) if piece.number else piece.length
        response, is_range = remote.open(piece.start, length)
        offset, end = (piece.start, piece.start + length) if is_range else (0, piece.published_file.bytes)
        with response:
            for data in response.chunks():
                if not piece.file.matches(piece.source - piece.start + offset, data[: end - offset]):
                    raise remote.replaced(response)
                offset += len(data)
                self.add_received(len(data))
        if offset < end:
            raise TransientError("connection_lost", host=host_of(response.url), detail="the response ended early")
        return (piece,) if is_range else piece.file.pieces_of(piece.part)


class _Connection(Worker):
    """Thread that fetches one piece after the other, or whole published files from a server without ranges."""

    def __init__(self, session: DownloadSession, queue: PieceQueue, uncompared: set[Piece]) -> None:
        """``uncompared`` are the pieces without a published hash; those that came in one response are removed."""
        super().__init__(session)
        self._queue = queue
        self._uncompared = uncompared
        self._piece: Piece | None = None
        self._response: HttpResponse | None = None
        self._started = 0.0
        self._received_before = 0
        self._last_rate = 0.0

    @property
    def seconds(self) -> float:
        """How long the current piece has been fetched; 0 without one."""
        return time.monotonic() - self._started if self._piece is not None else 0.0

    @property
    def rate(self) -> float:
        """Bytes per second of the current piece, or of the last one."""
        seconds = self.seconds
        return (self._received - self._received_before) / seconds if seconds > 0 else self._last_rate

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

    def has_work(self) -> bool:
        """Return whether a piece may be free."""
        return self._queue.has_open

    def step(self, source: DownloadSource) -> bool:
        """Fetch the rest of a piece, or of a whole published file."""
        missing = self._queue.claim(whole_part=not source.supports_ranges)
        if not missing:
            return False
        self._started, self._received_before = time.monotonic(), self._received
        self._piece = missing[-1]
        try:
            self._fetch(source, missing, is_stream=not source.supports_ranges)
        finally:
            self._last_rate = self.rate
            self._piece = self._response = None
            self._queue.release(missing)
        return True

    def _fetch(self, source: DownloadSource, missing: list[Piece], *, is_stream: bool) -> None:
        first = missing[-1]
        part = first.published_file
        offset, end = first.start + first.done, first.start + first.length
        response, is_range = source.file(part).open(offset, end - offset)
        streamed: list[Piece] = []
        with response:
            self._response = response
            if is_range:
                # Also from a server that answered without ranges before.
                source.supports_ranges = True
                self._queue.release(missing[:-1])
                del missing[:-1]
            elif not is_stream:
                source.supports_ranges = False
                return
            else:
                offset, end = 0, part.bytes
                # Others fetch the rest.
                streamed = [each for each in first.file.pieces_of(first.part) if each.is_complete or each in missing]
            with first.file.files.part.open("r+b", buffering=0) as handle:
                for data in response.chunks():
                    if offset + len(data) > end:
                        detail = "more bytes than requested"
                        raise UserError("web_answer_wrong", host=host_of(response.url), detail=detail)
                    if not (is_range or part.sha256 or first.file.matches(first.source - first.start + offset, data)):
                        raise source.file(part).replaced(response)
                    self.session.last_byte_at = time.monotonic()
                    self._store(cast(BinaryIO, handle), missing, offset, data)
                    offset += len(data)
                    self.session.throttle(len(data))
        if offset < end:
            raise TransientError("connection_lost", host=host_of(response.url), detail="the response ended early")
        with self.session.changed:
            self._uncompared.difference_update(streamed)

    def _store(self, handle: BinaryIO, missing: list[Piece], offset: int, data: bytes) -> None:
        """Store what is missing of ``data``, which starts at ``offset`` of the published file.

        ``missing`` are claimed pieces, the last one first; complete ones are released and removed.
        """
        self.session.raise_if_over()
        while missing and missing[-1].start < offset + len(data):
            piece = missing[-1]
            content = data[max(0, piece.start + piece.done - offset) : piece.start + piece.length - offset]
            if content:
                piece.file.extend(piece, content, handle)
                self.add_received(len(content))
            if not piece.is_complete:
                return
            self._queue.release([missing.pop()])


class _Download(DownloadSession):
    def __init__(
        self,
        published: PublishedModel,
        access: Callable[[], Access],
        transfer: Transfer,
        patience_s: float | None,
        options: DownloadOptions,
    ) -> None:
        self._published = published
        self._access = access
        self._patience_s = patience_s
        self._options = options
        self._present_bytes = 0
        """Bytes of finished files, while preparing also of partial ones."""
        self._heads: dict[str, bytearray] = {}
        """What was read of published files for their headers."""
        self._speed = SpeedMeter()
        self._queue: PieceQueue | None = None
        self._hasher: Hasher | None = None
        self._unverified: list[FileHashes] = []
        self._uncompared: set[Piece] = set()
        """Pieces without a published hash."""
        transfer.token.raise_if_cancelled()
        super().__init__(transfer, options.retry, self._new_source())

    def run(self, folder: Path, targets: Sequence[TargetFile], files: Sequence[ModelFilePaths]) -> None:
        """Create all files."""
        try:
            with self.transfer.token.on_cancel(self.notify):
                partial = self._prepare(folder, targets, files)
                if partial:
                    self._fetch_pieces(partial)
        finally:
            self.end()

    def _prepare(
        self, folder: Path, targets: Sequence[TargetFile], files: Sequence[ModelFilePaths]
    ) -> tuple[PartialFile, ...]:
        finished_bytes, missing, published = 0, [], self._published
        with disk_errors(folder):
            for target, each in zip(targets, files, strict=True):
                recover(each)
                if is_finished(each, target, published.commit):
                    finished_bytes += target.bytes
                    each.part.unlink(missing_ok=True)
                    each.journal.unlink(missing_ok=True)
                else:
                    missing.append((target, each, resumable_journal(each, target, published.commit)))
        self._present_bytes = finished_bytes + sum(journal.bytes_done for _, _, journal in missing if journal)
        layouts = {target: journal.header.layout for target, _, journal in missing if journal}
        if len(layouts) < len(missing):
            reader = _LayoutReader(self, layouts, [target for target, _, journal in missing if journal is None])
            reader.start()
            self._watch(lambda: len(layouts) == len(missing), (reader,))
        check_space(folder, {each.part: layouts[target].target_bytes for target, each, _ in missing})
        self._present_bytes = finished_bytes
        options = self._options
        share = published.bytes // (PIECES_PER_CONNECTION * max(1, options.connections))
        piece_bytes = min(options.piece_bytes, max(SMALLEST_PIECE_BYTES, share))
        return tuple(
            open_partial(each, published, layouts[target], journal, piece_bytes, options.reserve, self._heads)
            for target, each, journal in missing
        )

    def _fetch_pieces(self, partial: tuple[PartialFile, ...]) -> None:
        self.problem, self.last_byte_at = None, time.monotonic()
        self._queue = queue = PieceQueue(partial, self.transfer)
        self._hasher = hasher = Hasher(self, queue)
        self._uncompared = {piece for file in partial for piece in file.pieces if not piece.published_file.sha256}
        connections = [_Connection(self, queue, self._uncompared) for _ in range(max(1, self._options.connections))]
        self._unverified = list(hasher.hashes)
        workers: list[Worker] = [*connections]
        threads: list[threading.Thread] = []

        def write_journals() -> None:
            for number in count(1):
                if self.wait(lambda: False, JOURNAL_INTERVAL_S):
                    return
                for file in partial:
                    file.append_to_journal(durable=number % JOURNALS_PER_SYNC == 0)

        def finish_files() -> None:
            for hashes in [each for each in self._unverified if self._is_verifiable(each)]:
                self._unverified.remove(hashes)
                hashes.file.close_journal()
                if damaged := hashes.damaged_parts():
                    self.end()
                    raise quarantine(hashes.file, damaged)
                finish(hashes.file, hashes.on_disk)
            if self._uncompared and queue.is_complete and len(workers) == len(connections):
                self.last_byte_at = time.monotonic()
                free = list(self._uncompared)
                workers.extend(_Comparison(self, self._uncompared, free) for _ in connections)
                threads.extend(each.start() for each in workers[len(connections) :])
            if self.transfer.limit_bytes_per_s is None:
                self._drop_slow_connection(connections)

        try:
            for file in partial:
                file.open_journal()
            self.start_thread("download journal", write_journals)
            threads = [*hasher.start(), *(connection.start() for connection in connections)]
            self._watch(lambda: not self._unverified, workers, finish_files)
        finally:
            self.end()
            deadline = time.monotonic() + END_S
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
            for file in partial:
                file.close_journal()

    def _watch(
        self, is_done: Callable[[], bool], workers: Sequence[Worker], step: Callable[[], object] = lambda: None
    ) -> None:
        """Handle requests and errors and report the status, until ``is_done``; call ``step`` in each round."""
        transfer = self.transfer

        def has_event() -> bool:
            is_requested = transfer.token.is_cancelled or transfer.reconnect_requested
            is_verified = any(self._is_verifiable(each) for each in self._unverified)
            return is_done() or is_requested or is_verified or self.failure is not None

        while not is_done():
            self._report(workers)
            self.wait(has_event, TICK_S)
            transfer.token.raise_if_cancelled()
            if transfer.reconnect_requested:
                transfer.reconnect_requested = False
                self.replace_source(self._new_source())
            elif self.failure is not None:
                if isinstance(self.failure, OSError) and self._queue is not None:
                    raise disk_error(self.failure, self._queue.files[0].files.part, downloading=True)
                raise self.failure
            self._check_patience()
            step()
        self._report(workers)

    def _is_verifiable(self, hashes: FileHashes) -> bool:
        return hashes.is_complete and self._uncompared.isdisjoint(hashes.file.pieces)

    def _drop_slow_connection(self, connections: Sequence[_Connection]) -> None:
        """Near the end, drop a connection that is far slower than the others: an idle one continues its piece."""
        if self._queue is None or self._queue.has_open or not any(each.is_idle for each in connections):
            return
        fastest = max(each.rate for each in connections)
        for each in connections:
            is_slow = each.seconds_left > SLOW_PIECE_S and each.rate * SLOW_RATIO < fastest
            if is_slow and each.seconds > self.policy.rate_known_after_s:
                each.drop()
                return

    def _report(self, workers: Sequence[Worker]) -> None:
        now = time.monotonic()
        state: DownloadState = "preparing"
        done = self._present_bytes
        if self._queue is not None and self._hasher is not None:
            state = "verifying" if self._queue.is_complete else "downloading"
            done += self._hasher.hashed if state == "verifying" else self._queue.bytes_done
        progress = self._speed.progress(done, self._published.bytes)
        is_local = state == "verifying" and not self._uncompared
        if is_local or self.problem is None or now - self.last_byte_at < WAITING_AFTER_S:
            self.transfer.report(state, progress)
        else:
            ends = [end for worker in workers if (end := worker.waiting_until) is not None]
            is_fetching = any(worker.is_fetching for worker in workers)
            retry_in_s = 0.0 if is_fetching or not ends else max(0.0, min(ends) - now)
            self.transfer.report("waiting", progress, problem=self.problem, retry_in_s=retry_in_s)

    def _check_patience(self) -> None:
        patience = self._patience_s
        is_complete = self._queue is not None and self._queue.is_complete and not self._uncompared
        if patience is None or is_complete or time.monotonic() - self.last_byte_at < patience:
            return
        if self.problem is not None:
            raise self.problem
        if self.transfer.limit_bytes_per_s is None:
            host = host_of(self.source.client.access.endpoint)
            raise UserError("web_silent", host=host, seconds=patience)

    def _new_source(self) -> DownloadSource:
        retry = self._options.retry
        client = HttpClient(
            self._access(), connect_timeout_s=retry.connect_timeout_s, read_timeout_s=retry.read_timeout_s
        )
        return DownloadSource(client, self._published, self._heads)
