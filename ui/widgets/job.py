"""Background jobs, and other calls from threads to the window's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, QThreadPool, Signal, SignalInstance
from shiboken6 import isValid

from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

T = TypeVar("T")

PROGRESS_INTERVAL_S = 0.1
"""Least time between two ``progress`` signals of one job."""
MAX_THREADS = 32
"""Jobs that can run at once: most of them wait for a disk or a network."""


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


class Job(QObject):
    """One callable, run once by ``start``.

    All signals are emitted in the window's thread, none after the parent was destroyed.  The job is cancelled when its
    parent is destroyed and when the application quits; it deletes itself once it has finished.  An exception other
    than ``UserError`` and ``Cancelled`` is a bug and reaches ``sys.excepthook``.
    """

    progress = Signal(object)
    """The newest value given to ``report``."""
    succeeded = Signal(object)
    """The return value."""
    failed = Signal(object)
    """The ``UserError`` that was raised."""
    finished = Signal()
    """After ``succeeded`` or ``failed``, and alone after ``Cancelled`` or a bug."""
    _reported = Signal()
    _returned = Signal()

    def __init__(self, parent: QObject) -> None:
        application = QCoreApplication.instance()
        # Owned by the application: the thread can outlive the parent.
        super().__init__(application)
        self.token = CancelToken()
        self._parent: QObject | None = parent
        self._work: Callable[[], object] | None = None
        self._result: object = None
        self._error: BaseException | None = None
        self._unsent: list[object] = []
        self._last_sent = 0.0
        self._returning = threading.RLock()
        self._reported.connect(self._send_progress)
        self._returned.connect(self._finish)
        parent.destroyed.connect(self.cancel)
        if application is not None:
            application.aboutToQuit.connect(self.cancel)

    def start(self, work: Callable[[], object], submit: Callable[[Callable[[], None]], object] | None = None) -> None:
        """Run ``work`` in a thread of the global thread pool, or where ``submit`` runs it.

        ``work`` may pass ``report`` and ``token`` on.  It is released in the window's thread.
        """
        self._work = work
        if submit is None:
            pool = QThreadPool.globalInstance()
            pool.setMaxThreadCount(max(MAX_THREADS, pool.maxThreadCount()))
            submit = pool.start
        submit(self._run)

    def report(self, value: object) -> None:
        """Emit ``progress`` with ``value``, or with a newer one.  For the thread of the job."""
        now = time.monotonic()
        self._unsent = [value]
        if now - self._last_sent >= PROGRESS_INTERVAL_S:
            self._last_sent = now
            self._reported.emit()

    def cancel(self) -> None:
        """Request the end of the job; ``finished`` follows once ``work`` has returned."""
        self.token.cancel()

    def _run(self) -> None:
        assert self._work is not None
        try:
            self._result = self._work()
        except BaseException as error:
            self._error = error
        with self._returning:
            self._returned.emit()

    def _send_progress(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent and self._parent is not None and isValid(self._parent):
            self.progress.emit(unsent[0])

    def _finish(self) -> None:
        self._send_progress()
        parent, result, error = self._parent, self._result, self._error
        self._parent = self._work = self._result = self._error = None
        with self._returning:
            # The thread may still be in the signal, which would end in freed memory.
            self.deleteLater()
        if isValid(parent):
            if error is None:
                self.succeeded.emit(result)
            elif isinstance(error, UserError):
                self.failed.emit(error)
            self.finished.emit()
        if error is not None and not isinstance(error, UserError | Cancelled):
            raise error


def run_job(
    parent: QObject, work: Callable[[], T], succeeded: Callable[[T], Any], failed: Callable[[UserError], Any]
) -> Job:
    """Start a job for ``work`` and connect its two outcomes."""
    job = Job(parent)
    job.succeeded.connect(succeeded)
    job.failed.connect(failed)
    job.start(work)
    return job
