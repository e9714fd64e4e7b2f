"""One piece of work off the window's thread, its outcome back in the window's thread.

For work of seconds: a file to write, headers to read.  Answers have the inference worker of ``app.chat`` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, QThreadPool, Signal
from shiboken6 import isValid

from model_manager.errors import Cancelled, UserError

T = TypeVar("T")
_Failed = Callable[[UserError], None]
_Receiver = tuple[QObject, Callable[[Any], None], _Failed]


def run_in_background(
    parent: QObject, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[UserError], None]
) -> None:
    """Do ``work`` in another thread, then call ``done`` with its result or ``failed`` in this one.

    Neither is called once ``parent`` is destroyed, nor after ``Cancelled``.  What else goes wrong is a bug and reaches
    ``sys.excepthook``.  ``work`` must hold no widget: its last reference may be dropped in the other thread.
    """
    # The application owns it: with only references of its own it could be destroyed by the other thread.
    delivery = _Delivery(QCoreApplication.instance(), parent, done, failed)
    emit = delivery.ended.emit

    def run() -> None:
        outcome: tuple[T | None, BaseException | None]
        try:
            outcome = (work(), None)
        except BaseException as error:
            outcome = (None, error)
        emit(outcome)

    QThreadPool.globalInstance().start(run)


class _Delivery(QObject):
    """Lives in the window's thread, so a signal from another one arrives here through the event loop."""

    ended = Signal(object)

    def __init__(self, owner: QObject | None, parent: QObject, done: Callable[[Any], None], failed: _Failed) -> None:
        super().__init__(owner)
        self._receiver: _Receiver | None = (parent, done, failed)
        self.ended.connect(self._deliver)

    def _deliver(self, outcome: tuple[Any, BaseException | None]) -> None:
        if self._receiver is None:
            return
        parent, done, failed = self._receiver
        # Dropped here, in the window's thread: the worker may hold the last reference to this object.
        self._receiver = None
        self.deleteLater()
        result, error = outcome
        if error is not None and not isinstance(error, UserError | Cancelled):
            raise error
        if not isValid(parent) or isinstance(error, Cancelled):
            return
        if error is None:
            done(result)
        else:
            failed(error)
