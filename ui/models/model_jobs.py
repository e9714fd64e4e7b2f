"""Long jobs on model files: converting, joining, verifying, deleting, with progress and an outcome.

They outlive the dialog that started them.  Downloads have their own queue (``model_manager.download.queue``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QThreadPool, Signal

from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.progress import OnProgress, Progress
from ui.models.item import ModelJob
from ui.widgets.job import Job

Work = Callable[[OnProgress, CancelToken], object]

SHUT_DOWN_MS = 5_000
"""How long ``shut_down`` waits for jobs that do not react to cancellation, such as a request to a hub."""


@dataclass(frozen=True)
class Outcome:
    """End of a job: with a result or an error; with ``stopped`` it was cancelled and has neither."""

    job: ModelJob
    result: object = None
    error: UserError | None = None
    stopped: bool = False


class ModelJobs(QObject):
    """All running jobs on model files, at most one for each item."""

    changed = Signal()
    ended = Signal(object)
    """An ``Outcome``, after ``changed``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: dict[str, tuple[ModelJob, Job]] = {}
        self._is_shut_down = False

    def running(self) -> tuple[ModelJob, ...]:
        """Return the running jobs in the order of their start."""
        return tuple(job for job, _ in self._running.values())

    def start(self, job: ModelJob, work: Work) -> bool:
        """Run ``work`` in a thread; return false where the item has a job already.

        ``work`` must hold no widget.  It ends with a result, ``UserError`` or ``Cancelled``.
        """
        if job.key in self._running or self._is_shut_down:
            return False
        thread_job = Job(self)
        self._running[job.key] = (job, thread_job)
        outcomes: list[Outcome] = []
        thread_job.progress.connect(lambda progress: self._show_progress(job.key, progress))
        thread_job.succeeded.connect(lambda result: outcomes.append(Outcome(job, result)))
        thread_job.failed.connect(lambda error: outcomes.append(Outcome(job, error=error)))
        thread_job.finished.connect(lambda: self._finish(job, outcomes))
        report, token = thread_job.report, thread_job.token
        thread_job.start(lambda: work(report, token))
        self.changed.emit()
        return True

    def stop(self, key: str) -> None:
        """Cancel the job of an item; ``ended`` follows."""
        if key in self._running:
            job, thread_job = self._running[key]
            thread_job.cancel()
            self._running[key] = (replace(job, stopping=True), thread_job)
            self.changed.emit()

    def shut_down(self) -> None:
        """Cancel all jobs and wait for them.  No signal is emitted and no job starts after that."""
        self._is_shut_down = True
        running, self._running = list(self._running.values()), {}
        for _, thread_job in running:
            thread_job.cancel()
        if running:
            QThreadPool.globalInstance().waitForDone(SHUT_DOWN_MS)

    def _show_progress(self, key: str, progress: Progress) -> None:
        if key in self._running:
            job, thread_job = self._running[key]
            self._running[key] = (replace(job, progress=progress), thread_job)
            self.changed.emit()

    def _finish(self, job: ModelJob, outcomes: list[Outcome]) -> None:
        if self._running.pop(job.key, None) is not None:
            self.changed.emit()
            self.ended.emit(outcomes[0] if outcomes else Outcome(job, stopped=True))
