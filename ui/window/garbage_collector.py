"""Garbage collection of cycles while the program is idle.

A full collection visits every object: with a conversation of ten thousand messages it stops the window for 80 ms.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 60_000
NEVER = 1_000_000
"""More collections of the middle generation than happen in one run of the program."""


class IdleGarbageCollector(QObject):
    """Runs full collections only while nothing is busy; the short ones, of young objects, stay automatic."""

    def __init__(self, is_busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._is_busy = is_busy
        self._thresholds = gc.get_threshold()
        gc.set_threshold(self._thresholds[0], self._thresholds[1], NEVER)
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> bool:
        """Run a full collection unless something is busy; return whether it ran."""
        if self._is_busy():
            return False
        gc.collect()
        return True

    def close(self) -> None:
        """Return to Python's automatic collections."""
        self._timer.stop()
        gc.set_threshold(*self._thresholds)
