"""Progress of long work on standard error: one line that is rewritten in a terminal, a line per 10 % elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from app.messages import sentence
from app.units import size_text, speed_text
from model_manager.download.transfer import DownloadStatus, SpeedMeter
from model_manager.progress import Progress

REWRITE_INTERVAL_S = 0.2
STEP_PERCENT = 10


class ProgressLine:
    """Context manager that shows progress; for one thread.  Nothing else may be written inside it."""

    def __init__(self, action: str, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        """``action`` is a word such as ``download``; ``quiet``: show nothing outside of a terminal."""
        self._action = action
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._quiet = quiet and not self._is_terminal
        self._speed = SpeedMeter()
        self._rewritten_at = 0.0
        self._width = 0
        self._last_step: tuple[str, int] | None = None
        self._last_problem = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            self._stream.write("\n")
            self._stream.flush()

    def show_status(self, status: DownloadStatus) -> None:
        """Show the status of a download."""
        problem = f"waiting: {sentence(status.problem)}" if status.problem else ""
        if problem:
            if self._is_terminal:
                self._rewrite(problem)
            elif problem != self._last_problem:
                self._write_line(problem)
        elif status.progress.total:
            action = "checking" if status.state == "verifying" else self._action
            uploaded = f"  {size_text(status.bytes_uploaded)} uploaded" if status.bytes_uploaded else ""
            self._show(action, status.progress, uploaded)
        elif self._is_terminal:
            self._rewrite(f"{self._action}: preparing")
        self._last_problem = problem

    def show(self, progress: Progress) -> None:
        """Show the progress of work that doesn't measure its speed."""
        self._show(self._action, self._speed.progress(progress.done, progress.total))

    def _show(self, action: str, progress: Progress, suffix: str = "") -> None:
        done, total = progress.done, progress.total
        percent = 100 * done // max(1, total)
        text = f"{action}: {percent:3d} %  {size_text(done)} of {size_text(total)}"
        if progress.bytes_per_second:
            text += f"  {speed_text(progress.bytes_per_second)}"
        if progress.seconds_left is not None and done < total:
            text += f"  {_duration(progress.seconds_left)} left"
        if self._is_terminal:
            self._rewrite(text + suffix, is_last=done >= total)
        elif (action, percent // STEP_PERCENT) != self._last_step:
            self._last_step = (action, percent // STEP_PERCENT)
            self._write_line(text + suffix)

    def _write_line(self, text: str) -> None:
        if not self._quiet:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _rewrite(self, text: str, *, is_last: bool = False) -> None:
        now = time.monotonic()
        if now - self._rewritten_at < REWRITE_INTERVAL_S and not is_last:
            return
        self._rewritten_at = now
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)


def _duration(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
