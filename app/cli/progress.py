"""Long work: its progress on standard error, and Ctrl+C, which cancels it first and ends the program the second time.

In a terminal progress is one line that is rewritten, elsewhere a line per 10 %.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from app.messages import sentence
from app.units import size_text, speed_text
from model_manager.download.transfer import DownloadStatus, SpeedMeter
from model_manager.progress import Progress

REWRITE_INTERVAL_S = 0.2
STEP_PERCENT = 10


class ProgressLine:
    """Context manager that shows progress; for one thread.  Nothing else may be written inside it."""

    def __init__(self, action: str, *, quiet: bool = False) -> None:
        """``action`` is a word such as ``download``; ``quiet``: show nothing outside of a terminal."""
        self._action = action
        self._is_terminal = sys.stderr.isatty()
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
            self._write("\n")

    def show_status(self, status: DownloadStatus) -> None:
        """Show the status of a download."""
        problem = f"waiting: {sentence(status.problem)}" if status.problem else ""
        if problem:
            if self._is_terminal or problem != self._last_problem:
                self._show_line(problem)
        elif status.progress.total:
            action = "checking" if status.state == "verifying" else self._action
            uploaded = f"  {size_text(status.bytes_uploaded)} uploaded" if status.bytes_uploaded else ""
            self._show_bytes(action, status.progress, uploaded)
        elif self._is_terminal:
            self._show_line(f"{self._action}: preparing")
        self._last_problem = problem

    def show(self, progress: Progress) -> None:
        """Show the progress of work that doesn't measure its speed."""
        self._show_bytes(self._action, self._speed.progress(progress.done, progress.total))

    def show_share(self, share: float, text: str = "") -> None:
        """Show the share of the work that is done, from 0 to 1."""
        self._show_percent(self._action, round(100 * share), text)

    def _show_bytes(self, action: str, progress: Progress, suffix: str = "") -> None:
        done, total = progress.done, progress.total
        text = f"{size_text(done)} of {size_text(total)}"
        if progress.bytes_per_second:
            text += f"  {speed_text(progress.bytes_per_second)}"
        if progress.seconds_left is not None and done < total:
            text += f"  {_duration(progress.seconds_left)} left"
        self._show_percent(action, 100 * done // max(1, total), text + suffix)

    def _show_percent(self, action: str, percent: int, text: str) -> None:
        step = (action, percent // STEP_PERCENT)
        if self._is_terminal or step != self._last_step:
            self._last_step = step
            self._show_line(f"{action}: {percent:3d} %  {text}", is_last=percent >= 100)

    def _show_line(self, text: str, *, is_last: bool = False) -> None:
        if not self._is_terminal:
            if not self._quiet:
                self._write(f"{text}\n")
            return
        now = time.monotonic()
        if now - self._rewritten_at >= REWRITE_INTERVAL_S or is_last:
            self._rewritten_at = now
            self._write("\r" + text.ljust(self._width))
            self._width = len(text)

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


@contextmanager
def cancel_on_interrupt(stop: Callable[[], None]) -> Iterator[list[bool]]:
    """Call ``stop`` at the first Ctrl+C; yields a list that is not empty once that happened."""
    interrupted: list[bool] = []

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        if interrupted:
            raise KeyboardInterrupt
        interrupted.append(True)
        # A handler interrupts the main thread anywhere, also while it holds a lock that ``stop`` takes.
        threading.Thread(target=stop, name="interrupt", daemon=True).start()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _duration(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
