"""State shared by the threads of one download, and the base class of those that use the network."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from model_manager.download.source import DownloadSource
from model_manager.download.transfer import Transfer
from model_manager.errors import Cancelled, UserError
from model_manager.hub.http import TransientError

OTHERS_ACTIVE_S = 1.0
"""A server that sent a byte within this time is busy for one connection only."""
PAUSE_AFTER_PROGRESS_S = 0.1
PROGRESS_BYTES = 8 << 10
"""A response that delivered so much before it broke off is continued without a pause."""
MAX_REFUSALS = 5
"""So many new links refused in a row, while no byte arrives, haven't expired: the server refuses the file."""
BURST_S = 0.1
"""Time whose bytes may exceed the speed limit."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetryPolicy:
    """Timeouts and pauses between attempts, in seconds."""

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 15.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    rate_known_after_s: float = 5.0
    """How long a response must have been read before its speed counts."""

    def pause_s(self, failures: int) -> float:
        """Return the pause after so many earlier failures; randomised, so that connections don't retry together."""
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(failures, 30)) * random.uniform(0.5, 1.0)


class DownloadSession:
    """Shared state of one download, guarded by ``Transfer.changed``, which is notified of every change."""

    def __init__(self, transfer: Transfer, policy: RetryPolicy, source: DownloadSource) -> None:
        self.transfer = transfer
        self.changed = transfer.changed
        self.notify = transfer.notify
        self.is_over = False
        self.source = source
        self.policy = policy
        self.failure: BaseException | None = None
        """First error that ends the download."""
        self.problem: TransientError | None = None
        """Last transient error; None once a byte was received after it."""
        self.last_byte_at = time.monotonic()
        self._credit = 0.0
        self._credit_at = time.monotonic()

    def wait(self, ready: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait for ``ready`` or the end of the download; return false after the timeout."""
        with self.changed:
            return self.changed.wait_for(lambda: self.is_over or ready(), timeout_s)

    def start_thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Run ``work`` in a thread; any error except ``Cancelled`` ends the download."""

        def run() -> None:
            try:
                work()
            except Cancelled:
                pass
            except BaseException as error:
                self.fail(error)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def fail(self, error: BaseException) -> None:
        """End the download with an error."""
        self.failure = self.failure or error
        self.notify()

    def replace_source(self, source: DownloadSource) -> None:
        """Continue with another source; the requests to the old one end."""
        old, self.source = self.source, source
        self.problem, self.last_byte_at = None, time.monotonic()
        old.close()
        self.notify()

    def end(self) -> None:
        """Stop all threads."""
        with self.changed:
            self.is_over = True
            self.changed.notify_all()
        self.source.close()

    def raise_if_over(self) -> None:
        """Raise ``Cancelled`` after the end of the download."""
        if self.is_over:
            raise Cancelled

    def throttle(self, count: int) -> None:
        """Wait until the speed limit, which may change meanwhile, allows the ``count`` bytes that were received."""
        if self.transfer.limit_bytes_per_s is None:
            return
        with self.changed:
            self._credit -= count
            while not self.is_over and (limit := self.transfer.limit_bytes_per_s) is not None:
                now = time.monotonic()
                self._credit = min(self._credit + limit * (now - self._credit_at), limit * BURST_S)
                self._credit_at = now
                if self._credit >= 0:
                    return
                self.changed.wait(-self._credit / limit)
            self._credit = 0.0


class Worker:
    """Thread that repeats ``step`` until the download ends, with growing pauses after transient errors.

    The pauses start over once bytes were received.
    """

    def __init__(self, session: DownloadSession) -> None:
        self.session = session
        self.is_fetching = False
        self.waiting_until: float | None = None
        """Monotonic time of the next attempt, during a pause."""
        self._failures = 0
        self._refusals = 0
        self._refused_at = 0.0
        self._received = 0

    def step(self, source: DownloadSource) -> bool:
        """Do one piece of work; return false where there is none."""
        raise NotImplementedError

    def has_work(self) -> bool:
        """Return whether ``step`` may find more work; called with the session's lock held."""
        return False

    def start(self) -> threading.Thread:
        """Work in a thread until the download ends."""
        return self.session.start_thread("download", self._run)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for work."""
        return not self.is_fetching and self.waiting_until is None

    def add_received(self, count: int) -> None:
        """Record received bytes."""
        self._failures = 0
        self._received += count
        self.session.last_byte_at = time.monotonic()
        self.session.problem = None

    def _run(self) -> None:
        while not self.session.is_over:
            self._attempt(self.session.source)

    def _attempt(self, source: DownloadSource) -> None:
        session = self.session
        if source.not_before > time.monotonic():
            self._pause(source.not_before, source)
            return
        received = self._received
        self.is_fetching = True
        try:
            found_work = self.step(source)
        except Cancelled:
            # The source was replaced, or the download is over.
            return
        except TransientError as error:
            self.is_fetching = False
            self._retry_later(error, source, self._received - received)
            return
        except UserError as error:
            if source is session.source and not session.is_over:
                session.fail(error)
                session.wait(lambda: session.source is not source)
            return
        finally:
            self.is_fetching = False
        if not found_work:
            session.wait(lambda: session.source is not source or self.has_work())

    def _retry_later(self, error: TransientError, source: DownloadSource, received: int) -> None:
        session, pause = self.session, error.retry_after_s
        if pause is None:
            pause = session.policy.pause_s(self._failures)
            self._failures += 1
            if received:
                pause = min(pause, PAUSE_AFTER_PROGRESS_S) if received < PROGRESS_BYTES else 0.0
            if error.code == "link_ended":
                self._refusals = self._refusals + 1 if session.last_byte_at < self._refused_at else 1
                self._refused_at = time.monotonic()
                if self._refusals >= MAX_REFUSALS and source is session.source:
                    session.fail(UserError("web_refused", **error.data))
        elif time.monotonic() - session.last_byte_at > OTHERS_ACTIVE_S:
            # Not one connection too many: the server rejects all of them.
            source.not_before = max(source.not_before, time.monotonic() + pause)
        session.problem = error
        _log.info("%s, retry in %.1f s", error, pause)
        self._pause(time.monotonic() + pause, source)

    def _pause(self, end: float, source: DownloadSource) -> None:
        self.waiting_until = end
        self.session.wait(lambda: self.session.source is not source, max(0.0, end - time.monotonic()))
        self.waiting_until = None
