"""One download from the published files to verified files on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from model_manager.disk.files import disk_error, disk_errors, make_folder
from model_manager.disk.space import Reserve, check_space, reserve
from model_manager.download.connection import Connection
from model_manager.download.hasher import FileHashes, Hasher
from model_manager.download.journal_writer import JournalWriter
from model_manager.download.partial_files import finish, quarantine
from model_manager.download.piece_queue import PartialFile, PieceQueue
from model_manager.download.prepare import (
    LayoutReader,
    is_finished,
    locked,
    open_partial,
    recover,
    resumable_journal,
)
from model_manager.download.session import RetryPolicy, Session, Worker
from model_manager.download.source import DownloadSource
from model_manager.download.transfer import DownloadState, SpeedMeter, Transfer
from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.http import HttpClient
from model_manager.layout.file_names import FilesOf, files_of, targets_of
from model_manager.layout.origin import PIECE_BYTES
from model_manager.published import PublishedModel, Target

TICK_S = 0.1
WAITING_AFTER_S = 0.5
"""A download is waiting when no byte was received for this time after an error."""
END_S = 0.3
"""Longest wait for threads that are writing."""
SLOW_PIECE_S = 10.0
SLOW_RATIO = 4.0
"""Near the end, a connection that needs longer for its piece and is slower by this factor is dropped."""


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
    targets = targets_of(published)
    files = tuple(files_of(folder, target.file_name) for target in targets)
    make_folder(folder)
    with locked(files):
        run = _Download(published, access, transfer, patience_s, options or DownloadOptions())
        run.fetch(folder, targets, files)
    return tuple(each.whole for each in files)


class _Download:
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
        self._transfer = transfer
        self._patience_s = patience_s
        self._options = options
        self._present_bytes = 0
        """Bytes of finished files, while preparing also of partial ones."""
        self._speed = SpeedMeter()
        transfer.token.raise_if_cancelled()
        self._session = Session(transfer, options.retry, self._new_source())
        self._queue: PieceQueue | None = None
        self._hasher: Hasher | None = None
        self._unverified: list[FileHashes] = []

    def fetch(self, folder: Path, targets: tuple[Target, ...], files: tuple[FilesOf, ...]) -> None:
        """Create all files."""
        with self._transfer.calling(self._session.notify):
            try:
                partial = self._prepare(folder, targets, files)
                if partial:
                    self._fetch_pieces(partial)
            finally:
                self._session.end()

    def _prepare(
        self, folder: Path, targets: tuple[Target, ...], files: tuple[FilesOf, ...]
    ) -> tuple[PartialFile, ...]:
        finished_bytes, missing = 0, []
        with disk_errors(folder):
            for target, each in zip(targets, files, strict=True):
                recover(each)
                if is_finished(each, target):
                    finished_bytes += target.bytes
                    each.part.unlink(missing_ok=True)
                    each.journal.unlink(missing_ok=True)
                else:
                    missing.append((target, each, resumable_journal(each, target)))
        self._present_bytes = finished_bytes + sum(journal.bytes_done for _, _, journal in missing if journal)
        reader = LayoutReader(self._session, (target for target, _, journal in missing if journal is None))
        if not reader.is_done:
            reader.start()
        self._watch(lambda: reader.is_done, (reader,))
        layouts = {target: journal.header.layout for target, _, journal in missing if journal} | reader.layouts
        check_space(folder, {each.part: layouts[target].target_bytes for target, each, _ in missing})
        self._present_bytes = finished_bytes
        options = self._options
        return tuple(
            open_partial(each, self._published, layouts[target], journal, options.piece_bytes, options.reserve)
            for target, each, journal in missing
        )

    def _fetch_pieces(self, partial: tuple[PartialFile, ...]) -> None:
        session = self._session
        session.problem, session.last_byte_at = None, time.monotonic()
        self._queue = queue = PieceQueue(partial, session)
        self._hasher = hasher = Hasher(session, queue)
        journals = JournalWriter(session, partial)
        connections = [Connection(session, queue, number) for number in range(max(1, self._options.connections))]
        self._unverified = list(hasher.hashes)

        def finish_files() -> None:
            for hashes in [each for each in self._unverified if each.is_complete]:
                self._unverified.remove(hashes)
                self._finish(hashes, queue, journals)
            if self._transfer.limit_bytes_per_s is None:
                self._drop_slow_connection(connections)

        try:
            journals.start()
            hasher.start()
            for connection in connections:
                connection.start()
            self._watch(lambda: not self._unverified, connections, finish_files)
        finally:
            session.end()
            queue.wait_for_writers(END_S)
            journals.close()
            hasher.join(END_S)

    def _watch(
        self, is_done: Callable[[], bool], workers: Sequence[Worker], step: Callable[[], object] = lambda: None
    ) -> None:
        """Handle requests and errors and report the status, until ``is_done``; call ``step`` in each round."""
        session = self._session
        while not is_done():
            self._report(workers)
            session.wait(lambda: is_done() or self._has_event(), TICK_S)
            self._transfer.token.raise_if_cancelled()
            if self._transfer.reconnect_requested.is_set():
                self._transfer.reconnect_requested.clear()
                session.replace_source(self._new_source())
            elif session.failure is not None:
                error = session.failure
                if isinstance(error, OSError) and self._queue is not None:
                    raise disk_error(error, self._queue.files[0].files.part, downloading=True)
                raise error
            self._check_patience()
            step()
        self._report(workers)

    def _has_event(self) -> bool:
        transfer = self._transfer
        is_requested = transfer.token.is_cancelled or transfer.reconnect_requested.is_set()
        is_verified = any(each.is_complete for each in self._unverified)
        return is_requested or is_verified or self._session.failure is not None

    def _finish(self, hashes: FileHashes, queue: PieceQueue, journals: JournalWriter) -> None:
        journals.remove(hashes.file)
        damaged = hashes.damaged_parts()
        queue.wait_for_writers(END_S)
        if damaged:
            self._session.end()
            raise quarantine(hashes.file, damaged)
        finish(hashes.file, hashes)

    def _drop_slow_connection(self, connections: Sequence[Connection]) -> None:
        """Near the end, drop a connection that is far slower than the others: an idle one continues its piece."""
        if self._queue is None or self._queue.has_open or not any(each.is_idle for each in connections):
            return
        fastest = max(each.rate for each in connections)
        for each in connections:
            is_slow = each.seconds_left > SLOW_PIECE_S and each.rate * SLOW_RATIO < fastest
            if is_slow and each.response_s > self._options.retry.rate_known_after_s:
                each.drop()
                return

    def _report(self, workers: Sequence[Worker]) -> None:
        session, now = self._session, time.monotonic()
        state: DownloadState = "preparing"
        done = self._present_bytes
        if self._queue is not None and self._hasher is not None:
            state = "verifying" if self._queue.is_complete else "downloading"
            done += self._hasher.hashed if state == "verifying" else self._queue.bytes_done
        progress = self._speed.progress(done, self._published.bytes)
        if state == "verifying" or session.problem is None or now - session.last_byte_at < WAITING_AFTER_S:
            self._transfer.report(state, progress)
        else:
            ends = [end for worker in workers if (end := worker.waiting_until) is not None]
            is_fetching = any(worker.is_fetching for worker in workers)
            retry_in_s = 0.0 if is_fetching or not ends else max(0.0, min(ends) - now)
            self._transfer.report("waiting", progress, problem=session.problem, retry_in_s=retry_in_s)

    def _check_patience(self) -> None:
        session, patience = self._session, self._patience_s
        is_complete = self._queue is not None and self._queue.is_complete
        if patience is None or is_complete or time.monotonic() - session.last_byte_at < patience:
            return
        if session.problem is not None:
            raise session.problem
        if self._transfer.limit_bytes_per_s is None:
            host = host_of(session.source.client.access.endpoint)
            raise UserError("web_silent", host=host, seconds=patience)

    def _new_source(self) -> DownloadSource:
        retry = self._options.retry
        client = HttpClient(
            self._access(), connect_timeout_s=retry.connect_timeout_s, read_timeout_s=retry.read_timeout_s
        )
        return DownloadSource(client, self._published)
