"""One download from its beginning to its end: the thread that called it watches, others fetch, hash and note."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from model_manager.disk.files import disk_error
from model_manager.disk.space import Reserve, check_space, reserve
from model_manager.download.balance import balance
from model_manager.download.control import Control, Phase, Progress, Speed, Throttle
from model_manager.download.finish import Scribe, finish, quarantine
from model_manager.download.hasher import Hasher, Hashes
from model_manager.download.pieces import Board, PartialFile
from model_manager.download.prepare import find_layout, is_finished, left_over, locked, open_partial, settle
from model_manager.download.source import Link
from model_manager.download.worker import Pace, Shared, Worker
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.http import HttpClient
from model_manager.hub.http_errors import TransientError
from model_manager.layout.file_names import FilesOf, files_of, targets_of
from model_manager.layout.layout import Layout
from model_manager.layout.origin import PIECE_BYTES
from model_manager.published import PublishedModel, Target

TICK_S = 0.1
STILL_S = 0.5
"""Without a byte for so long after trouble, a download counts as waiting."""
END_S = 0.3
"""How long the end waits for who is just writing."""


@dataclass(frozen=True)
class Ways:
    """What only tests and odd machines change: size of the pieces, seconds of patience, how room is reserved."""

    piece_bytes: int = PIECE_BYTES
    pace: Pace = field(default_factory=Pace)
    reserve: Reserve = reserve


def download(
    published: PublishedModel,
    folder: Path,
    access: Callable[[], Access],
    control: Control,
    *,
    connections: int = 4,
    patience_s: float | None = None,
    ways: Ways | None = None,
) -> tuple[Path, ...]:
    """Fetch a published model whole and verified; returns its files, the one that stands for it first.

    Blocks; goes on with what an earlier call left in ``folder``.  ``access`` is asked at the start and after each
    ``control.reconnect()``.  ``patience_s``: give up with the last trouble after so long without a byte; None never
    does.

    Raises ``Cancelled`` after ``control.stop()``, and ``UserError``: name_not_allowed(name), download_busy(path),
    file_in_the_way(path), partial_of_another_file(path, bytes), published_shorter(name, bytes, expected_bytes),
    published_file_changed(name, repository, host), download_damaged(path, name) with the data kept in ``path``,
    lfs_pointer_instead(name), web_page_instead(name), disk_too_small(path, needed_bytes, free_bytes), and as
    ``disk_error``, ``HttpClient``, ``HttpResponse.check_range``, ``parse_header`` and ``layout_for`` do.
    """
    ways = ways or Ways()
    targets = targets_of(published)
    files = tuple(files_of(folder, target.file_name) for target in targets)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error
    with locked(files):
        run = _Run(published, access, control, max(1, connections), patience_s, ways)
        control.listen(run.wake)
        try:
            return run.fetch(folder, targets, files)
        finally:
            control.listen(None)
            run.end()


class _Run:
    def __init__(
        self,
        published: PublishedModel,
        access: Callable[[], Access],
        control: Control,
        connections: int,
        patience_s: float | None,
        ways: Ways,
    ) -> None:
        self._published = published
        self._access = access
        self._control = control
        self._patience_s = patience_s
        self._ways = ways
        self._board = Board(())
        self._throttle = Throttle(lambda: control.limit_bytes_per_s, lambda: self._board.ended)
        self._failure: BaseException | None = None
        self._finished_bytes = 0
        self._speed = Speed()
        self._reconnects = control.reconnects
        self._check_stop()
        self._shared = Shared(self._board, self._throttle, ways.pace, self._fail, self._new_link(), connections)

    # Called from other threads

    def wake(self) -> None:
        """Something was asked of the control."""
        self._throttle.wake()
        self._board.tell()

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
        self._board.tell()

    # The calling thread

    def fetch(self, folder: Path, targets: tuple[Target, ...], files: tuple[FilesOf, ...]) -> tuple[Path, ...]:
        """All files of the model."""
        partial = self._prepare(folder, targets, files)
        if partial:
            self._transfer(partial)
        return tuple(each.whole for each in files)

    def end(self) -> None:
        """Let go of everything; nobody writes afterwards."""
        self._board.end()
        self._throttle.wake()
        self._shared.link.end()

    def _prepare(
        self, folder: Path, targets: tuple[Target, ...], files: tuple[FilesOf, ...]
    ) -> tuple[PartialFile, ...]:
        left = []
        try:
            for target, each in zip(targets, files, strict=True):
                settle(each)
                if is_finished(each, target):
                    self._finished_bytes += target.bytes
                    each.part.unlink(missing_ok=True)
                    each.journal.unlink(missing_ok=True)
                else:
                    left.append((target, each, left_over(each, target)))
        except OSError as error:
            raise disk_error(error, folder) from error
        here = sum(journal.bytes_done for _, _, journal in left if journal)
        self._tell("preparing", self._finished_bytes + here)
        planned = [
            (each, journal.opening.layout if journal else self._find_layout(target), journal)
            for target, each, journal in left
        ]
        check_space(folder, {each.part: layout.target_bytes for each, layout, _ in planned})
        return tuple(
            open_partial(each, self._published, layout, journal, self._ways.piece_bytes, self._ways.reserve)
            for each, layout, journal in planned
        )

    def _find_layout(self, target: Target) -> Layout:
        failures = 0
        while True:
            link = self._shared.link
            try:
                return self._in_reach(lambda link=link: find_layout(target, link.read))  # type: ignore[misc]
            except TransientError as error:
                pause = error.retry_after_s
                pause = self._ways.pace.pause_s(failures) if pause is None else pause
                failures += 1
                self._wait_out(error, link, time.monotonic() + pause)
            except Cancelled:
                self._check_stop()
            except UserError:
                if link is self._shared.link:
                    raise

    def _in_reach(self, step: Callable[[], Layout]) -> Layout:
        """Do something that asks the network, in a thread that is left alone when it hangs and we are stopped."""
        link = self._shared.link
        outcome: list[Layout | BaseException] = []

        def run() -> None:
            with link:
                try:
                    outcome.append(step())
                except BaseException as error:
                    outcome.append(error)
            self._board.tell()

        threading.Thread(target=run, name="download header", daemon=True).start()
        while not outcome:
            self._board.wait(lambda: bool(outcome) or self._is_asked())
            self._answer_control()
            if link is not self._shared.link:
                raise Cancelled
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    def _wait_out(self, problem: TransientError, link: Link, until: float) -> None:
        self._shared.problem = problem
        while (left := until - time.monotonic()) > 0 and link is self._shared.link:
            self._check_patience()
            self._tell("waiting", self._finished_bytes, problem, left)
            self._board.wait(self._is_asked, min(left, TICK_S))
            self._answer_control()

    def _transfer(self, partial: tuple[PartialFile, ...]) -> None:
        board = self._board = Board(partial)
        shared = self._shared
        shared.board, shared.problem, shared.last_byte_at = board, None, time.monotonic()
        hasher = Hasher(board, self._fail)
        scribe = Scribe(board, self._fail)
        workers = tuple(Worker(shared, number) for number in range(shared.connections))
        try:
            scribe.start()
            hasher.start()
            for worker in workers:
                worker.start()
            self._watch(hasher, scribe, workers)
        finally:
            self.end()
            board.wait_for_writers(END_S)
            scribe.close()
            hasher.join(END_S)

    def _watch(self, hasher: Hasher, scribe: Scribe, workers: tuple[Worker, ...]) -> None:
        left = list(hasher.hashes)
        while left:
            self._board.wait(lambda: self._is_asked() or any(each.is_complete for each in left), TICK_S)
            self._answer_control()
            if self._failure is not None:
                raise self._told(self._failure)
            for hashes in [each for each in left if each.is_complete]:
                left.remove(hashes)
                self._end_of(hashes, scribe)
            if self._control.limit_bytes_per_s is None:
                balance(self._board, workers, self._ways.pace.known_after_s)
            self._report(hasher, workers)

    def _end_of(self, hashes: Hashes, scribe: Scribe) -> None:
        file = hashes.file
        scribe.drop(file)
        damaged = hashes.damaged_parts()
        self._board.wait_for_writers(END_S)
        if damaged:
            self.end()
            raise quarantine(file, damaged)
        finish(file, hashes)

    def _report(self, hasher: Hasher, workers: tuple[Worker, ...]) -> None:
        shared, now = self._shared, time.monotonic()
        if self._board.is_complete:
            self._tell("verifying", self._finished_bytes + hasher.hashed)
            return
        done = self._finished_bytes + self._board.bytes_done
        if shared.problem is None or now - shared.last_byte_at < STILL_S:
            self._tell("downloading", done)
        else:
            waits = [until - now for worker in workers if (until := worker.waiting_until) is not None]
            busy = any(worker.is_fetching for worker in workers)
            self._tell("waiting", done, shared.problem, 0.0 if busy or not waits else max(0.0, min(waits)))
        self._check_patience()

    def _tell(self, phase: Phase, done: int, problem: UserError | None = None, retry_in_s: float | None = None) -> None:
        total = self._published.bytes
        speed = self._speed.update(done) if phase != "preparing" else 0.0
        left = (total - done) / speed if speed > 0 else None
        self._control.report(Progress(phase, done, total, speed, left, problem, retry_in_s))

    # What others ask, and what goes wrong

    def _is_asked(self) -> bool:
        control = self._control
        return control.is_stopped or control.reconnects != self._reconnects or self._failure is not None

    def _answer_control(self) -> None:
        self._check_stop()
        if self._control.reconnects != self._reconnects:
            self._reconnects = self._control.reconnects
            old, self._shared.link = self._shared.link, self._new_link()
            self._shared.problem, self._shared.last_byte_at = None, time.monotonic()
            old.end()
            self._board.tell()

    def _check_stop(self) -> None:
        if self._control.is_stopped:
            raise Cancelled

    def _check_patience(self) -> None:
        shared, patience = self._shared, self._patience_s
        if patience is None or time.monotonic() - shared.last_byte_at < patience:
            return
        if shared.problem is None and self._control.limit_bytes_per_s is not None:
            return
        host = host_of(shared.link.web.access.endpoint)
        raise shared.problem or UserError("web_silent", host=host, seconds=patience)

    def _new_link(self) -> Link:
        pace = self._ways.pace
        web = HttpClient(self._access(), connect_timeout_s=pace.connect_timeout_s, read_timeout_s=pace.read_timeout_s)
        return Link(web, self._published)

    def _told(self, failure: BaseException) -> BaseException:
        if isinstance(failure, OSError):
            return disk_error(failure, self._board.files[0].files.part, downloading=True)
        return failure
