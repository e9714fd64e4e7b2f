"""The handle of one running download: what others may ask of it, and what it tells about itself."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

Phase = Literal["preparing", "downloading", "waiting", "verifying"]

SPEED_WINDOW_S = 5.0


@dataclass(frozen=True)
class Progress:
    """How far a download is.  Bytes of the published files.

    While ``verifying``, ``bytes_done`` counts what was hashed: everything is here by then.  ``problem`` is why it is
    ``waiting``, and ``retry_in_s`` how long until the next try, 0 while that runs.  ``bytes_uploaded`` stays 0 except
    for magnet links.
    """

    phase: Phase = "preparing"
    bytes_done: int = 0
    bytes_total: int = 0
    bytes_per_second: float = 0.0
    seconds_left: float | None = None
    problem: UserError | None = None
    retry_in_s: float | None = None
    bytes_uploaded: int = 0


class Control:
    """The handle of one download.  Every method may be called from any thread, before and after it runs too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._progress = Progress()
        self.token = CancelToken()
        self._reconnects = 0
        self._limit: float | None = None
        self._on_change: Callable[[], None] = _nothing

    def stop(self) -> None:
        """End it: ``download`` raises ``Cancelled`` within half a second, and what was fetched stays."""
        self.token.cancel()
        self._on_change()

    def reconnect(self) -> None:
        """Drop the connections and take the access anew: endpoint, proxy or token changed."""
        with self._lock:
            self._reconnects += 1
        self._on_change()

    @property
    def limit_bytes_per_s(self) -> float | None:
        """Bytes a second that all connections together may take; None takes all there is."""
        return self._limit

    @limit_bytes_per_s.setter
    def limit_bytes_per_s(self, value: float | None) -> None:
        self._limit = value if value and value > 0 else None
        self._on_change()

    @property
    def progress(self) -> Progress:
        """How far it is, some tenths of a second old at most."""
        return self._progress

    # For whoever does the downloading

    @property
    def is_stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self.token.is_cancelled

    @property
    def reconnects(self) -> int:
        """How often ``reconnect`` was called."""
        return self._reconnects

    def report(self, progress: Progress) -> None:
        """Tell how far it is."""
        self._progress = progress

    def listen(self, on_change: Callable[[], None] | None) -> None:
        """Call ``on_change``, in whatever thread, after each ``stop``, ``reconnect`` and change of the limit."""
        self._on_change = on_change or _nothing


class Speed:
    """Bytes a second, over the last seconds."""

    def __init__(self, window_s: float = SPEED_WINDOW_S) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, total: int, now: float | None = None) -> float:
        """``total`` bytes are here by now; returns the speed."""
        now = time.monotonic() if now is None else now
        if self._samples and total < self._samples[-1][1]:
            # A damaged piece was taken back: what came before says nothing about the speed.
            self._samples.clear()
        self._samples.append((now, total))
        while len(self._samples) > 2 and self._samples[1][0] <= now - self._window_s:
            self._samples.popleft()
        then, before = self._samples[0]
        return (total - before) / (now - then) if now > then else 0.0


class Throttle:
    """Holds all connections together to a speed that may change at any time."""

    BURST_S = 0.1

    def __init__(self, limit: Callable[[], float | None], ended: Callable[[], bool]) -> None:
        self._limit = limit
        self._ended = ended
        self._changed = threading.Condition()
        self._credit = 0.0
        self._at = time.monotonic()

    def take(self, count: int) -> None:
        """Return once ``count`` bytes that just came may have come."""
        if self._limit() is None:
            return
        with self._changed:
            self._refill()
            self._credit -= count
            while self._credit < 0 and not self._ended():
                limit = self._refill()
                if limit is None:
                    return
                if self._credit < 0:
                    self._changed.wait(-self._credit / limit)

    def wake(self) -> None:
        """The limit changed, or all is over."""
        with self._changed:
            self._changed.notify_all()

    def _refill(self) -> float | None:
        now, limit = time.monotonic(), self._limit()
        if limit is None:
            self._credit = 0.0
        else:
            self._credit = min(self._credit + limit * (now - self._at), limit * self.BURST_S)
        self._at = now
        return limit


def _nothing() -> None:
    pass
