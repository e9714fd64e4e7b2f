"""Calls from any thread to the window's."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, SignalInstance


class Relay(QObject):
    """Calls a slot in the window's thread for each call in any thread, through the event loop.

    ``slot`` is a method or a signal of ``receiver``.  After the receiver's end, and that of the event loop, calls do
    nothing.  A signal of an object that the window's thread deletes meanwhile may end the program with a segmentation
    fault.
    """

    _called = Signal()

    def __init__(self, receiver: QObject, slot: Callable[[], object] | SignalInstance) -> None:
        application = QCoreApplication.instance()
        super().__init__(application)
        self._is_open, self._calling = True, threading.Lock()
        self._called.connect(slot, Qt.ConnectionType.QueuedConnection)
        receiver.destroyed.connect(self.close)
        if application is not None:
            application.aboutToQuit.connect(self.close)

    def __call__(self) -> None:
        """Request a call of the slot."""
        with self._calling:
            if self._is_open:
                self._called.emit()

    def close(self) -> None:
        """Make further calls do nothing."""
        with self._calling:
            self._is_open = False
        self.deleteLater()
