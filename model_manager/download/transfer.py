"""Handle and status of one download, and a speed meter."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.progress import Progress

DownloadState = Literal[
    "queued", "preparing", "downloading", "waiting", "verifying", "paused", "failed", "done", "cancelled"
]

ACTIVE: frozenset[DownloadState] = frozenset({"queued", "preparing", "downloading", "waiting", "verifying"})
"""States that change without the user."""

NO_PROGRESS = Progress()
SPEED_WINDOW_S = 5.0


@dataclass(frozen=True)
class DownloadStatus:
    """Status of one download.

    ``progress`` counts bytes of the published files; while ``verifying`` those that are hashed.  ``problem`` is the
    reason why it is waiting or failed; ``retry_in_s`` the time to the next attempt, 0 during one.  ``bytes_uploaded``
    is only used by magnet links.  ``paths`` are the files of a finished download, the first shard first.
    """

    id: str
    state: DownloadState
    progress: Progress = NO_PROGRESS
    problem: UserError | None = None
    retry_in_s: float | None = None
    bytes_uploaded: int = 0
    paths: tuple[Path, ...] = ()


class Transfer:
    """Handle of one running download, usable from any thread, also before and after it.

    ``token`` ends the download with ``Cancelled`` within half a second; the downloaded bytes are kept.
    """

    def __init__(self, model_id: str = "", on_status: Callable[[DownloadStatus], None] = lambda _: None) -> None:
        """``on_status`` is called in the thread of the download, several times per second."""
        self.model_id = model_id
        self.token = CancelToken()
        self.status = DownloadStatus(model_id, "preparing")
        self.changed = threading.Condition()
        """Lock of the download's state, notified of its changes."""
        self.reconnect_requested = False
        """For the download, which clears it."""
        self._on_status = on_status
        self._limit: float | None = None

    def reconnect(self) -> None:
        """Close the connections and read the access settings again: endpoint, proxy or token changed."""
        self.reconnect_requested = True
        self.notify()

    @property
    def limit_bytes_per_s(self) -> float | None:
        """Speed limit for all connections together; None without a limit."""
        return self._limit

    @limit_bytes_per_s.setter
    def limit_bytes_per_s(self, value: float | None) -> None:
        self._limit = value if value and value > 0 else None
        self.notify()

    def notify(self) -> None:
        """Wake the threads that wait for ``changed``."""
        with self.changed:
            self.changed.notify_all()

    # For the download

    def report(
        self,
        state: DownloadState,
        progress: Progress,
        *,
        problem: UserError | None = None,
        retry_in_s: float | None = None,
        bytes_uploaded: int = 0,
    ) -> None:
        """Publish the status."""
        self.status = DownloadStatus(self.model_id, state, progress, problem, retry_in_s, bytes_uploaded)
        self._on_status(self.status)


class SpeedMeter:
    """Average speed of the last seconds."""

    def __init__(self, window_s: float = SPEED_WINDOW_S) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def progress(self, done: int, total: int, now: float | None = None) -> Progress:
        """Record that ``done`` bytes are complete; return the progress with speed and time left."""
        now = time.monotonic() if now is None else now
        if self._samples and done < self._samples[-1][1]:
            # A damaged piece was discarded, or hashing started.
            self._samples.clear()
        self._samples.append((now, done))
        while len(self._samples) > 2 and self._samples[1][0] <= now - self._window_s:
            self._samples.popleft()
        first_time, first_done = self._samples[0]
        speed = (done - first_done) / (now - first_time) if now > first_time else 0.0
        return Progress(done, total, speed, (total - done) / speed if speed > 0 and total else None)
