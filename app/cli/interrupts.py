"""Ctrl+C during cancellable work: the first cancels the work, the second ends the program."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""Exit code of an interrupted program (128 + SIGINT)."""


@contextmanager
def stopped_by_interrupt(stop: Callable[[], None]) -> Iterator[list[bool]]:
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
