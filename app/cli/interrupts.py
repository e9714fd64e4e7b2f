"""Ctrl+C during work that can be stopped: the first asks the work to end, the second ends the program."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit code of a program that was interrupted, as shells count it."""


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
