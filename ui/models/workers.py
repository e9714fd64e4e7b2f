"""Long work on model files, in threads of its own: repairing, joining, verifying, deleting, with progress and an end.

It outlives the dialog that began it: the one who holds this object decides how long it may go on.  Downloads are not
among it, they have their queue (``model_manager.download.queue``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication, QObject, Signal

from model_manager.errors import Cancelled, UserError
from model_manager.library.importer import ImportCandidate

WorkKind = Literal["repair", "join", "verify", "mend", "delete"]
OnProgress = Callable[[int, int], None]
IsCancelled = Callable[[], bool]
Job = Callable[[OnProgress, IsCancelled], object]

TICK_S = 0.1
"""Between two words about progress."""
PATIENCE_S = 5.0
"""How long ``close`` waits for work that does not see that it was stopped, such as a question to a hub."""


@dataclass(frozen=True)
class Work:
    """Something that is being done to a file; ``key`` is the row's, ``candidate`` what a dropped file is."""

    key: str
    kind: WorkKind
    title: str
    path: Path
    bytes_done: int = 0
    bytes_total: int = 0
    stopping: bool = False
    candidate: ImportCandidate | None = None

    @property
    def share(self) -> float | None:
        """How far it is, from 0 to 1; None before anybody knows."""
        return min(1.0, self.bytes_done / self.bytes_total) if self.bytes_total else None


@dataclass(frozen=True)
class Outcome:
    """How work ended: with a result, with an error for the person, or because the person stopped it (neither)."""

    work: Work
    result: object = None
    error: UserError | None = None
    stopped: bool = False


class ModelWorks(QObject):
    """Everything that is being done to model files.  To be used from the window's thread."""

    changed = Signal()
    ended = Signal(object)
    """An ``Outcome``; ``changed`` was told before."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._works: dict[str, Work] = {}
        self._cancels: dict[str, threading.Event] = {}
        self._threads: dict[str, threading.Thread] = {}
        # The application owns what the threads speak through: this object may be gone before they have ended.
        application = QCoreApplication.instance()
        self._relay: _Relay | None = _Relay(application)
        self._relay.moved.connect(self._moved)
        self._relay.ended.connect(self._ended)
        if application is not None:
            application.aboutToQuit.connect(self.close)

    def all(self) -> tuple[Work, ...]:
        """What is being done now, in the order in which it was begun."""
        return tuple(self._works.values())

    def start(self, work: Work, job: Job) -> bool:
        """Do ``job`` in a thread; false where something is being done to that model already.

        ``job`` must hold no widget; it ends with a result, ``UserError`` or ``Cancelled``.
        """
        if work.key in self._works or self._relay is None:
            return False
        cancel = threading.Event()
        moved, ended = self._relay.moved.emit, self._relay.ended.emit
        last = 0.0

        def on_progress(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= TICK_S or done >= total:
                last = now
                moved(work.key, done, total)

        def run() -> None:
            outcome: object
            try:
                outcome = Outcome(work, job(on_progress, cancel.is_set))
            except Cancelled:
                outcome = Outcome(work, stopped=True)
            except UserError as error:
                outcome = Outcome(work, error=error)
            except BaseException as error:
                outcome = error
            ended(work.key, outcome)

        self._works[work.key] = work
        self._cancels[work.key] = cancel
        thread = threading.Thread(target=run, name=f"{work.kind} model", daemon=True)
        self._threads[work.key] = thread
        thread.start()
        self.changed.emit()
        return True

    def stop(self, key: str) -> None:
        """Ask it to end; it does within a moment."""
        if key in self._works:
            self._cancels[key].set()
            self._works[key] = replace(self._works[key], stopping=True)
            self.changed.emit()

    def close(self) -> None:
        """Stop everything and wait a moment for it.  Nothing is told of it any more, and nothing begins."""
        for cancel in self._cancels.values():
            cancel.set()
        for thread in self._threads.values():
            thread.join(PATIENCE_S)
        relay, self._relay = self._relay, None
        if relay is not None and not any(thread.is_alive() for thread in self._threads.values()):
            relay.deleteLater()
        self._works.clear()

    def _moved(self, key: str, done: int, total: int) -> None:
        if key in self._works:
            self._works[key] = replace(self._works[key], bytes_done=done, bytes_total=total)
            self.changed.emit()

    def _ended(self, key: str, outcome: Outcome | BaseException) -> None:
        if key not in self._works:
            return
        del self._works[key], self._cancels[key], self._threads[key]
        self.changed.emit()
        if isinstance(outcome, BaseException):
            raise outcome
        self.ended.emit(outcome)


class _Relay(QObject):
    moved = Signal(str, object, object)
    ended = Signal(str, object)
