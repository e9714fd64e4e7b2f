"""The queue of downloads as the window hears of it: one signal in the window's thread, and the sum of what is left."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal

from model_manager.download.queue import ACTIVE, DownloadManager, DownloadStatus
from ui.widgets.model_strings import time_left_text

translate = QCoreApplication.translate


class QueueWatch(QObject):
    """Tells of changes of the queue for as long as its owner lives."""

    changed = Signal()

    def __init__(self, manager: DownloadManager, owner: QObject) -> None:
        super().__init__(owner)
        ear = _Ear(manager)
        # The application owns it: the queue's thread may be speaking while the owner is being destroyed.
        # Always through the event loop: the queue also speaks in the window's thread, in the middle of what changed it.
        ear.heard.connect(self._heard, Qt.ConnectionType.QueuedConnection)
        self.destroyed.connect(ear.close)
        self._ear = ear

    def _heard(self) -> None:
        self._ear.take()
        self.changed.emit()


class _Ear(QObject):
    heard = Signal()

    def __init__(self, manager: DownloadManager) -> None:
        application = QCoreApplication.instance()
        super().__init__(application)
        if application is not None:
            application.aboutToQuit.connect(self.close)
        self._manager = manager
        self._lock = threading.Lock()
        self._waiting = False
        self._closed = False
        manager.subscribe(self._hear)

    def _hear(self) -> None:
        # In whatever thread.  What was not yet looked at needs no second word.
        with self._lock:
            if not self._closed and not self._waiting:
                self._waiting = True
                self.heard.emit()

    def take(self) -> None:
        with self._lock:
            self._waiting = False

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._manager.unsubscribe(self._hear)
        self.deleteLater()


def queue_text(statuses: Sequence[DownloadStatus]) -> str:
    """How many downloads there are and how long they will take; empty where there are none."""
    going = [each for each in statuses if each.state in ACTIVE]
    resting = [each for each in statuses if each.state == "paused"]
    if not going:
        return _count(len(resting), translate("model_queue", "paused")) if resting else ""
    speed = sum(each.bytes_per_second for each in going)
    left = sum(max(0, each.bytes_total - each.bytes_done) for each in going)
    if speed > 0 and left > 0:
        more = time_left_text(left / speed)
    elif any(each.state == "waiting" for each in going):
        more = translate("model_queue", "waiting")
    else:
        more = ""
    return _count(len(going), more)


def _count(count: int, more: str) -> str:
    if count == 1:
        text = translate("model_queue", "1 download")
    else:
        text = translate("model_queue", "{count} downloads").format(count=count)
    return translate("model_queue", "{downloads}, {more}").format(downloads=text, more=more) if more else text
