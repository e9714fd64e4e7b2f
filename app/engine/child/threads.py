"""Number of threads for generation, which follows the cores that are free.

The engine's threads wait for each other at every layer.  When another process takes a core, all of them wait for the
displaced one, and a fixed count can be twenty times slower.  So the number follows the system's idle time during
generation, and a change that turns out slower is reverted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

FIRST_WINDOW_S = 0.05
"""Seconds of the first measurement in an answer; the system counts time in steps of 0.01 s."""
WINDOW_S = 0.12
ROUNDING = 0.5
"""A core counts as free when at least half of it is: a busy process takes two thirds of one from two threads."""
SLOWER = 1.15
"""A new count is reverted when a token takes this much longer than with the old one."""
HOLD_S = 1.5
"""Seconds for which a reverted count is not tried again."""


@dataclass(frozen=True)
class CpuTimes:
    """Processor times in seconds: the system's idle time over all processors, this process's own, and the clock's."""

    idle: float
    own: float
    clock: float


def read_cpu_times() -> CpuTimes:
    """Read the three times."""
    times = psutil.cpu_times()
    # Processes of low priority give way, the one that computes embeddings among them.
    idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "nice", 0.0)
    return CpuTimes(idle, time.process_time(), time.monotonic())


class ThreadCount:
    """Chooses the number of threads between two tokens."""

    def __init__(
        self,
        cores: int,
        processors: int,
        fixed: int | None = None,
        read: Callable[[], CpuTimes] = read_cpu_times,
    ) -> None:
        self._cores = cores
        self._processors = processors
        self._fixed = fixed
        self._read = read
        self.count = fixed or cores
        self._last = read()
        self._window = WINDOW_S
        self._tokens = 0
        self._token_s: dict[int, float] = {}
        self._previous: int | None = None
        self._held: dict[int, float] = {}

    def begin(self) -> int:
        """Return the count for the start of an answer, from the load since the last one."""
        self._token_s.clear()
        self._held.clear()
        self._previous = None
        if self._fixed is None and self._read().clock - self._last.clock >= WINDOW_S:
            self.count = self._free_cores()
        self._restart_window(FIRST_WINDOW_S)
        return self.count

    def before_batch(self) -> int:
        """Return the count for the next batch of a prompt, from the load since the last measurement."""
        if self._fixed is None and self._read().clock - self._last.clock >= FIRST_WINDOW_S:
            self.count = self._free_cores()
            self._restart_window(FIRST_WINDOW_S)
        return self.count

    def after_token(self, now: float) -> int:
        """Return the count for the next token; ``now`` from ``time.monotonic``."""
        self._tokens += 1
        elapsed = now - self._last.clock
        if self._fixed is not None or elapsed < self._window:
            return self.count
        took = elapsed / self._tokens
        self._token_s[self.count] = took
        free = self._free_cores()
        previous = self._previous
        self._previous = None
        if previous is not None and took > SLOWER * self._token_s[previous]:
            self._held[self.count] = now + HOLD_S
            self.count = previous
        elif free != self.count and self._may_try(free, took, now):
            self._previous, self.count = self.count, free
        self._restart_window(WINDOW_S)
        return self.count

    def _may_try(self, count: int, took: float, now: float) -> bool:
        # A count that was reverted against a figure from a quieter moment is right again once the old count is slower.
        return self._held.get(count, 0.0) <= now or self._token_s[count] < took

    def _free_cores(self) -> int:
        load = self._read()
        seconds = load.clock - self._last.clock
        idle = (load.idle - self._last.idle) / seconds
        own = (load.own - self._last.own) / seconds
        others = max(0.0, self._processors - idle - own)
        return max(1, min(self._cores, int(self._cores - others + ROUNDING)))

    def _restart_window(self, seconds: float) -> None:
        self._last = self._read()
        self._window = seconds
        self._tokens = 0
