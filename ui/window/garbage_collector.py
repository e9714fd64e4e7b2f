"""Python's search for garbage in cycles, kept out of the way of an answer that is being written.

A full search looks at every object: with a conversation of ten thousand messages it holds the window for 80 ms, in the
middle of whatever it does.  Here it waits for a moment of rest.  What is in no cycle is freed at once, as always.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 60_000
NEVER = 1_000_000
"""More young searches than a run of the program has."""


class GarbageAtRest(QObject):
    """Full searches only while nothing is under way; the short ones, for young objects, go on by themselves."""

    def __init__(self, is_busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._is_busy = is_busy
        self._before = gc.get_threshold()
        gc.set_threshold(self._before[0], self._before[1], NEVER)
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> bool:
        """Search now unless something is under way; whether it was done."""
        if self._is_busy():
            return False
        gc.collect()
        return True

    def leave(self) -> None:
        """Let Python decide by itself again."""
        self._timer.stop()
        gc.set_threshold(*self._before)
