"""Long jobs on model files: adding, converting, joining, verifying, re-downloading damaged parts, deleting.

``ModelJobs`` runs them; they outlive the dialog that started them.  Downloads have their own queue
(``model_manager.download.queue``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal

from app.downloads import ModelDownloads
from model_manager.cancellation import CancelToken
from model_manager.disk.files import is_file
from model_manager.download.partial_files import reopen_for_redownload
from model_manager.errors import Cancelled, UserError
from model_manager.hub.resolver import find_published
from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts
from model_manager.layout.origin import read_origin
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.library.removal import release_from_quarantine
from model_manager.library.scan import ImportCandidate, inspect_paths
from model_manager.library.verification import (
    Verification,
    find_expected,
    pieces_to_redownload,
    record_verification,
    verify,
    verify_all,
    worst_verification,
)
from model_manager.progress import OnProgress
from model_manager.published import PublishedModel
from ui.models.item import ModelJob
from ui.widgets.job import Job

Work = Callable[[OnProgress, CancelToken], object]

SHUT_DOWN_MS = 5_000
"""How long ``shut_down`` waits for jobs that do not react to cancellation, such as a request to a hub."""


@dataclass(frozen=True)
class Outcome:
    """End of a job.  ``result`` is what it returned, the ``UserError`` it raised, or ``Cancelled``."""

    job: ModelJob
    result: object


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
        results: list[object] = []
        thread_job.progress.connect(lambda progress: self._replace(job.key, progress=progress))
        thread_job.succeeded.connect(results.append)
        thread_job.failed.connect(results.append)
        thread_job.finished.connect(lambda: self._finish(job, *results))
        report, token = thread_job.report, thread_job.token
        thread_job.start(lambda: work(report, token))
        self.changed.emit()
        return True

    def stop(self, key: str) -> None:
        """Cancel the job of an item; ``ended`` follows."""
        if key in self._running:
            self._running[key][1].cancel()
            self._replace(key, stopping=True)

    def shut_down(self) -> None:
        """Cancel all jobs and wait for them.  No signal is emitted and no job starts after that."""
        self._is_shut_down = True
        running, self._running = list(self._running.values()), {}
        for _, thread_job in running:
            thread_job.cancel()
        if running:
            QThreadPool.globalInstance().waitForDone(SHUT_DOWN_MS)

    def _replace(self, key: str, **changes: object) -> None:
        if key in self._running:
            job, thread_job = self._running[key]
            self._running[key] = (replace(job, **changes), thread_job)  # type: ignore[arg-type]
            self.changed.emit()

    def _finish(self, job: ModelJob, result: object = Cancelled) -> None:
        if self._running.pop(job.key, None) is not None:
            self.changed.emit()
            self.ended.emit(Outcome(job, result))


@dataclass(frozen=True)
class AddResult:
    """Result of adding files and folders.

    ``added`` are new models, ``known`` were listed before; ``waiting`` need a conversion or joining first; ``folders``
    are watched from now on.
    """

    added: tuple[LocalModel, ...] = ()
    known: tuple[LocalModel, ...] = ()
    waiting: tuple[ImportCandidate, ...] = ()
    folders: tuple[Path, ...] = ()
    problems: tuple[UserError, ...] = ()


def add_paths(library: ModelLibrary, paths: Sequence[Path]) -> AddResult:
    """Register files and watch folders, as far as possible.  Raises ``UserError`` as the library does."""
    before = {each.id for each in library.list()}
    models: dict[str, LocalModel] = {}
    waiting: dict[Path, ImportCandidate] = {}
    folders: list[Path] = []
    problems: list[UserError] = []
    for path in paths:
        candidates = inspect_paths([path])
        waiting |= {each.paths[0]: each for each in candidates if each.action in ("join", "repair")}
        loadable = [each for each in candidates if each.action == "register"]
        if loadable and path.is_dir():
            found: Sequence[LocalModel] = library.add_folder(path)
            folders.append(path)
        else:
            found = [library.register(each.paths[0], each.name) for each in loadable]
            problems += [each.problem for each in candidates if each.action is None and each.problem]
        models |= {model.id: model for model in found}
    return AddResult(
        added=tuple(model for model in models.values() if model.id not in before),
        known=tuple(model for model in models.values() if model.id in before),
        waiting=tuple(waiting.values()),
        folders=tuple(folders),
        problems=tuple(problems),
    )


def convert_model(
    library: ModelLibrary, path: Path, out: Path | None, on_progress: OnProgress, cancel: CancelToken
) -> LocalModel:
    """Convert a file to the current layout, in place or to ``out``, and register it."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
    return library.register(stack_experts(path, out, on_progress, cancel))


def join_model(
    library: ModelLibrary, paths: Sequence[Path], on_progress: OnProgress, cancel: CancelToken
) -> LocalModel | ImportCandidate:
    """Join split parts to one file and register it; return a candidate where it has to be converted first."""
    (candidate,) = inspect_paths([join_parts(paths, on_progress, cancel)])
    if candidate.action == "register":
        return library.register(candidate.paths[0], candidate.name)
    if candidate.action is None and candidate.problem is not None:
        raise candidate.problem
    return candidate


def verify_model(downloads: ModelDownloads, path: Path, on_progress: OnProgress, cancel: CancelToken) -> Verification:
    """Compare a file with the published one, where a hub can be reached; store the results and return the worst."""
    origin = read_origin(path)
    expected = None
    # Where no hub can be reached, the file is hashed nevertheless.
    with suppress(UserError):
        if origin is not None and origin.model_id:
            expected = find_published(origin.model_id, downloads.access())
        else:
            expected = find_expected(path, downloads.access)
    found = verify_all(path, on_progress, cancel, expected)
    for each in found:
        record_verification(each, downloads.library)
    return replace(worst_verification(found), published_changed=any(each.published_changed for each in found))


def reopen_damaged(verification: Verification) -> PublishedModel:
    """Mark the damaged pieces of a verified file as missing; return the model to download."""
    path = verification.path
    pieces = pieces_to_redownload(verification, read_origin(path))
    if pieces is None:
        raise UserError("origin_unknown", path=path)
    return reopen_for_redownload(path, pieces)


def reopen_quarantined(path: Path, on_progress: OnProgress, cancel: CancelToken) -> PublishedModel | None:
    """Mark the damaged pieces of a quarantined file as missing; return None where it turns out to be intact."""
    if is_file(path.with_name(f"{path.name}.json")):
        # The journal of its download lists the verified pieces.
        return reopen_for_redownload(path, None)
    origin = read_origin(path)
    if origin is None:
        raise UserError("origin_unknown", path=path)
    verification = verify(path, on_progress, cancel)
    pieces = pieces_to_redownload(verification, origin)
    released = release_from_quarantine(path)
    return None if pieces is None else reopen_for_redownload(released, pieces)
