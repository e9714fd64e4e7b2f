"""How far long work is, on standard error: one line that is written anew in a terminal, a line each 10 % elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from app.cli.output import gibibytes
from app.messages import sentence
from model_manager.download import Progress
from model_manager.errors import UserError
from model_manager.progress import Progress as FileProgress

REWRITE_S = 0.2
STEP_PERCENT = 10


class ProgressLine:
    """Shows progress.  Used by one thread; ``close`` before anything else is written."""

    def __init__(self, what: str, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        """``what`` is done, such as ``download``; ``quiet`` holds where nobody looks, not in a terminal."""
        self._what = what
        self._stream = stream or sys.stderr
        self._rewrites = self._stream.isatty()
        self._quiet = quiet and not self._rewrites
        self._written = 0.0
        self._width = 0
        self._step = -1
        self._phase: str | None = None
        self._problem: str | None = None
        self._begin = time.monotonic()

    def show(self, progress: Progress) -> None:
        """Show how far a download is."""
        problem = sentence(progress.problem) if isinstance(progress.problem, UserError) else None
        if problem is not None:
            self._waiting(problem)
            return
        self._problem = None
        phase = "checking" if progress.phase == "verifying" else self._what
        if progress.bytes_total:
            given = progress.bytes_uploaded
            self._counted(
                phase,
                progress.bytes_done,
                progress.bytes_total,
                progress.bytes_per_second,
                progress.seconds_left,
                f"  {gibibytes(given)} uploaded" if given else "",
            )
        elif self._rewrites:
            self._rewrite(f"{phase}: looking at what is there")

    def count(self, progress: FileProgress) -> None:
        """Show the progress of work with a steady speed."""
        done, total = progress.done, progress.total
        elapsed = time.monotonic() - self._begin
        speed = done / elapsed if elapsed > 1 else 0.0
        self._counted(self._what, done, total, speed, (total - done) / speed if speed else None)

    def note(self, text: str) -> None:
        """One line that stays."""
        if self._quiet:
            return
        self._clear()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the line as it is."""
        if self._rewrites and self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0

    def _counted(
        self, phase: str, done: int, total: int, speed: float, seconds_left: float | None, further: str = ""
    ) -> None:
        percent = 100 * done // max(1, total)
        text = f"{phase}: {percent:3d} %  {gibibytes(done)} of {gibibytes(total)}"
        if speed:
            text += f"  {speed / (1 << 20):.1f} MiB/s"
        if seconds_left is not None and done < total:
            text += f"  {_duration(seconds_left)} left"
        text += further
        if self._rewrites:
            self._rewrite(text, last=done >= total)
            return
        step = percent // STEP_PERCENT
        if (phase, step) != (self._phase, self._step):
            self._phase, self._step = phase, step
            self.note(text)

    def _waiting(self, problem: str) -> None:
        if self._rewrites:
            self._rewrite(f"waiting: {problem}")
        elif problem != self._problem:
            self.note(f"waiting: {problem}")
        self._problem = problem

    def _rewrite(self, text: str, *, last: bool = False) -> None:
        now = time.monotonic()
        if now - self._written < REWRITE_S and not last:
            return
        self._written = now
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)

    def _clear(self) -> None:
        if self._rewrites and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0


def _duration(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
