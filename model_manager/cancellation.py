"""What ends work early: a cancellation token, passed down from a Stop or Cancel button to the work, and a timer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from model_manager.errors import Cancelled


class CancelToken:
    """Flag that is set once and never cleared.  Safe to use from several threads, not from signal handlers.

    Each piece of work has its own token: a late ``cancel`` has no effect on the work after it.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Set the flag and run the callbacks, in the calling thread.  Further calls have no effect."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def raise_if_cancelled(self) -> None:
        """Raise ``Cancelled`` once ``cancel`` was called."""
        if self._event.is_set():
            raise Cancelled

    def wait(self, timeout_s: float) -> bool:
        """Wait until cancelled, at most ``timeout_s`` seconds; return ``is_cancelled``."""
        return self._event.wait(timeout_s)

    def on_cancel(self, callback: Callable[[], None]) -> AbstractContextManager[object]:
        """Call ``callback`` on ``cancel``, or immediately where that has happened.

        The callback must not block.  The returned context manager removes it on exit; where it is discarded, the
        callback stays registered.
        """
        with self._lock:
            is_cancelled = self._event.is_set()
            if not is_cancelled:
                self._callbacks.append(callback)
        if is_cancelled:
            callback()
        registration = ExitStack()
        registration.callback(self._remove, callback)
        return registration

    def _remove(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)


NEVER_CANCELLED = CancelToken()
"""Default of optional token parameters; nothing cancels it."""


def start_timer(seconds: float, action: Callable[[], object]) -> threading.Timer:
    """Call ``action`` in another thread after ``seconds``, unless the returned timer is cancelled before.

    The timer doesn't keep the program from ending.
    """
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer
