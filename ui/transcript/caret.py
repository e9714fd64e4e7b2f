"""The caret of an answer that is being written: a dot that breathes, or stands still where motion is unwanted."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter

STEP_MS = 60
PERIOD_S = 1.6


class Caret(QObject):
    """When it moves, and how it looks now."""

    moved = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.reduced_motion = False
        self._steps = QTimer(self, interval=STEP_MS)
        self._steps.timeout.connect(self.moved)

    @property
    def is_moving(self) -> bool:
        """Whether it breathes."""
        return self._steps.isActive()

    def watch(self, writing: bool) -> None:
        """Breathe while something is written and can be seen."""
        if not writing or self.reduced_motion:
            self._steps.stop()
        elif not self._steps.isActive():
            self._steps.start()

    def paint(self, painter: QPainter, place: QRectF, colour: QColor) -> None:
        """Draw it."""
        if not self.reduced_motion:
            depth = 0.5 + 0.5 * math.cos(time.monotonic() / PERIOD_S * 2 * math.pi)
            colour.setAlphaF(0.25 + 0.75 * depth)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(place)
