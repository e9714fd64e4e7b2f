"""Changes of the download queue as a Qt signal in the window's thread."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal

from model_manager.download.queue import DownloadQueue


class DownloadSignals(QObject):
    """Emits ``changed`` after each change of the queue, while ``parent`` lives.

    The queue calls its listeners in any thread, also in the window's in the middle of a change; the signal always
    arrives through the event loop.
    """

    changed = Signal()

    def __init__(self, queue: DownloadQueue, parent: QObject) -> None:
        super().__init__(parent)
        relay = _Relay(queue)
        relay.queue_changed.connect(self.changed, Qt.ConnectionType.QueuedConnection)
        self.destroyed.connect(relay.close)


class _Relay(QObject):
    """Owned by the application: a thread of the queue may emit while the parent of the signals is being destroyed."""

    queue_changed = Signal()

    def __init__(self, queue: DownloadQueue) -> None:
        application = QCoreApplication.instance()
        super().__init__(application)
        if application is not None:
            application.aboutToQuit.connect(self.close)
        self._queue = queue
        self._listener = self.queue_changed.emit
        queue.subscribe(self._listener)

    def close(self) -> None:
        self._queue.unsubscribe(self._listener)
        self.deleteLater()
