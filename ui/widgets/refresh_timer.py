"""Timer that keeps a visible widget up to date."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

INTERVAL_MS = 500


class RefreshTimer(QTimer):
    """Calls ``refresh`` again and again while ``widget`` is visible."""

    def __init__(self, widget: QWidget, refresh: Callable[[], None]) -> None:
        super().__init__(widget, interval=INTERVAL_MS)
        self.timeout.connect(refresh)
        widget.installEventFilter(self)

    def eventFilter(self, widget: QObject, event: QEvent) -> bool:
        """Start when the widget is shown, stop when it is hidden."""
        if event.type() == QEvent.Type.Show:
            self.start()
        elif event.type() == QEvent.Type.Hide:
            self.stop()
        return super().eventFilter(widget, event)
