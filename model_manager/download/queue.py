"""Queue of downloads: one after the other, with pause and resume, continued after a restart.

The order is stored in ``downloads.json`` in the models folder; the state of each file is in its own journal.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from model_manager.disk.files import make_folder
from model_manager.disk.json_file import JsonFile
from model_manager.download.download import download
from model_manager.download.partial_files import discard, partial_bytes, unfinished
from model_manager.download.torrent import discard_magnet, download_magnet, is_magnet, magnet_bytes
from model_manager.download.transfer import ACTIVE, DownloadState, DownloadStatus, Transfer
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.http import TransientError
from model_manager.hub.resolver import find_published
from model_manager.progress import Progress
from model_manager.published import PublishedModel

TICK_S = 0.25
RETRY_S = 30.0
RETRIED = frozenset({"hub_answer_strange", "proxy_failed"})
"""Errors of a hub that a later attempt may fix, such as a login page, besides a ``TransientError``."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _StoredQueue:
    format: int = 1
    downloads: dict[str, bool] = field(default_factory=dict)
    """Ids in order; true for downloads that wait until the user resumes them."""
    problems: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Code and data of the errors of failed downloads, by id."""


class DownloadQueue:
    """Downloads of one models folder.  Every method may be called from any thread and returns at once."""

    def __init__(self, folder: Callable[[], Path], access: Callable[[], Access]) -> None:
        self._folder = folder
        self._access = access
        self._changed = threading.Condition()
        self._statuses: dict[str, DownloadStatus] = {}
        self._published: dict[str, PublishedModel] = {}
        self._transfer: Transfer | None = None
        """The running download."""
        self._limit: float | None = None
        self._suspensions = 0
        self._closed = False
        self._retry_now = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Restore the queue of the last run and work until ``close``."""
        with self._change():
            self._restore()
            self._start_thread()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every change, in the thread that made it."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        """Stop calling ``listener``."""
        with contextlib.suppress(ValueError):
            self._listeners.remove(listener)

    def statuses(self) -> tuple[DownloadStatus, ...]:
        """Return all downloads in order; finished and failed ones stay until ``forget``."""
        with self._changed:
            return tuple(self._statuses.values())

    def add(self, model_id: str, published: PublishedModel | None = None) -> None:
        """Append a download, or resume it; ``published`` saves the request to the hub."""
        with self._change():
            if published is not None:
                self._published[model_id] = published
            known = self._statuses.get(model_id)
            if known is None or known.state in ("done", "cancelled"):
                self._statuses.pop(model_id, None)
                total = published.bytes if published else 0
                self._statuses[model_id] = DownloadStatus(model_id, "queued", Progress(0, total))
            elif known.state not in ACTIVE:
                self._statuses[model_id] = replace(known, state="queued", problem=None)
            self._start_thread()

    def resume(self, model_id: str) -> None:
        """Resume a paused or failed download; one that waits for the network or the server retries now."""
        with self._changed:
            status = self._statuses.get(model_id)
            if status is None:
                return
            if status.state == "waiting" and self._transfer is not None:
                self._transfer.reconnect()
        self._retry_now.set()
        self.add(model_id)

    def pause(self, model_id: str) -> None:
        """Stop a download; its data is kept."""
        with self._change():
            status = self._statuses.get(model_id)
            if status is not None and (self._is_running(model_id) or status.state == "queued"):
                self._statuses[model_id] = _at_rest(status, state="paused")
                self._interrupt(model_id)

    def cancel(self, model_id: str) -> None:
        """Remove a download and delete its data."""
        with self._change():
            published, is_running = self._published.get(model_id), self._is_running(model_id)
            status = self._statuses.pop(model_id, None)
            if is_running and status is not None:
                # Removed by the queue's thread, which deletes the data first.
                self._statuses[model_id] = _at_rest(status, state="cancelled")
                self._interrupt(model_id)
        if not is_running:
            self._discard(model_id, published)

    def move_up(self, model_id: str) -> None:
        """Exchange a download with the one before it."""
        with self._change():
            order = list(self._statuses)
            index = order.index(model_id) if model_id in order else 0
            if index:
                order[index - 1], order[index] = order[index], order[index - 1]
                self._statuses = {each: self._statuses[each] for each in order}

    def forget(self, model_id: str) -> None:
        """Remove a finished or failed download from the list; its data is kept."""
        with self._change():
            status = self._statuses.get(model_id)
            if status is not None and status.state in ("done", "failed", "cancelled"):
                del self._statuses[model_id]

    def limit(self, bytes_per_second: float | None) -> None:
        """Set the speed limit; None removes it."""
        with self._changed:
            self._limit = bytes_per_second
            if self._transfer is not None:
                self._transfer.limit_bytes_per_s = bytes_per_second

    def reconnect(self) -> None:
        """Continue with changed access settings: endpoint, proxy or token."""
        with self._changed:
            if self._transfer is not None:
                self._transfer.reconnect()
        self._retry_now.set()

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Download nothing inside the block, so that the files can be moved; the folder is read again after it."""
        with self._changed:
            self._suspensions += 1
            self._interrupt()
            self._changed.wait_for(lambda: self._transfer is None)
        try:
            yield
        finally:
            with self._change():
                self._suspensions -= 1

    @property
    def is_active(self) -> bool:
        """Whether a download is running or will be without the user."""
        return any(status.state in ACTIVE for status in self.statuses())

    def close(self) -> None:
        """Stop within half a second; the next start continues."""
        with self._changed:
            self._closed = True
            self._interrupt()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    # The queue's thread

    def _start_thread(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="downloads", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._next() is not None)
                model_id = self._next()
                if self._closed or model_id is None:
                    return
                transfer = self._transfer = Transfer(model_id, self._update)
                transfer.limit_bytes_per_s = self._limit
                self._statuses[model_id] = replace(self._statuses[model_id], state="preparing", problem=None)
            self._notify()
            self._download(transfer)

    def _next(self) -> str | None:
        if self._suspensions:
            return None
        return next((each for each, status in self._statuses.items() if status.state == "queued"), None)

    def _download(self, transfer: Transfer) -> None:
        problem: UserError | None = None
        paths: tuple[Path, ...] = ()
        folder = self._folder()
        try:
            if is_magnet(transfer.model_id):
                paths = download_magnet(transfer.model_id, folder, self._access, transfer)
            else:
                paths = download(self._resolve(transfer), folder, self._access, transfer)
        except Cancelled:
            pass
        except UserError as error:
            problem = error
            _log.info("download of %s failed: %s", transfer.model_id, error)
        model_id = transfer.model_id
        with self._change():
            status = _at_rest(self._statuses[model_id], problem=problem, paths=paths)
            if paths:
                progress = Progress(status.progress.total, status.progress.total)
                status = replace(status, state="done", progress=progress)
            elif problem is not None:
                status = replace(status, state="failed")
            elif status.state not in ("paused", "cancelled"):
                status = replace(status, state="queued")
            self._statuses[model_id] = status
            if is_cancelled := status.state == "cancelled":
                del self._statuses[model_id]
            published, self._transfer = self._published.get(model_id), None
        if is_cancelled:
            self._discard(model_id, published)
            self._notify()

    def _resolve(self, transfer: Transfer) -> PublishedModel:
        while (published := self._published.get(transfer.model_id)) is None:
            try:
                found = find_published(transfer.model_id, self._access())
            except UserError as error:
                if not isinstance(error, TransientError) and error.code not in RETRIED:
                    raise
                self._wait(transfer, error)
            else:
                self._published[found.id] = found
                self._rename(transfer, found.id)
        return published

    def _rename(self, transfer: Transfer, model_id: str) -> None:
        """Use the full id instead of a short one (``OWNER/REPO:Q4_K_M``)."""
        with self._change():
            short, transfer.model_id = transfer.model_id, model_id
            if short != model_id:
                self._statuses.pop(model_id, None)
                renamed = {model_id if each == short else each: status for each, status in self._statuses.items()}
                self._statuses = renamed | {model_id: replace(renamed[model_id], id=model_id)}

    def _wait(self, transfer: Transfer, problem: UserError) -> None:
        """Wait until the next attempt to reach the hub."""
        self._retry_now.clear()
        end = time.monotonic() + RETRY_S
        while (left := end - time.monotonic()) > 0 and not self._retry_now.wait(TICK_S):
            transfer.token.raise_if_cancelled()
            transfer.report("waiting", Progress(), problem=problem, retry_in_s=left)
        transfer.token.raise_if_cancelled()
        transfer.report("preparing", Progress())

    def _update(self, status: DownloadStatus) -> None:
        """Take over the status of the running download."""
        with self._changed:
            known = self._statuses[status.id]
            if self._transfer is None or self._transfer.token.is_cancelled:
                return
            if not status.progress.total:
                status = replace(status, progress=known.progress)
            if status == known:
                return
            self._statuses[status.id] = status
        self._notify()

    def _discard(self, model_id: str, published: PublishedModel | None) -> None:
        if is_magnet(model_id):
            discard_magnet(model_id, self._folder())
        elif published is not None:
            discard(published, self._folder())

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """Hold the lock for the block, then store the queue and notify the listeners."""
        with self._changed:
            yield
            self._save()
            self._changed.notify_all()
        self._notify()

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    # With the lock held

    def _is_running(self, model_id: str) -> bool:
        return self._transfer is not None and self._transfer.model_id == model_id

    def _interrupt(self, model_id: str | None = None) -> None:
        """Cancel the running download, or only the one with this id."""
        if self._transfer is not None and model_id in (None, self._transfer.model_id):
            self._transfer.token.cancel()
        self._retry_now.set()

    # Storage

    def _restore(self) -> None:
        folder = self._folder()
        for published in unfinished(folder):
            self._published.setdefault(published.id, published)
        queue = _queue_file(folder).read()
        stored = queue.downloads
        for model_id in (*stored, *self._published):
            if model_id in self._statuses:
                continue
            known = self._published.get(model_id)
            done = partial_bytes(known, folder) if known else 0
            done = magnet_bytes(model_id, folder) if is_magnet(model_id) else done
            state: DownloadState = "paused" if stored.get(model_id, True) else "queued"
            problem = _problem_from(queue.problems.get(model_id, {})) if state == "paused" else None
            state = "failed" if problem is not None else state
            progress = Progress(done, known.bytes if known else 0)
            self._statuses[model_id] = DownloadStatus(model_id, state, progress, problem)

    def _save(self) -> None:
        downloads = {
            model_id: status.state in ("paused", "failed")
            for model_id, status in self._statuses.items()
            if status.state not in ("done", "cancelled")
        }
        problems = {
            model_id: _problem_to(status.problem)
            for model_id, status in self._statuses.items()
            if status.state == "failed" and status.problem is not None
        }
        folder = self._folder()
        stored = _queue_file(folder)
        before = stored.read()
        if list(before.downloads.items()) == list(downloads.items()) and before.problems == problems:
            return
        try:
            make_folder(folder)
            stored.write(_StoredQueue(downloads=downloads, problems=problems))
        except UserError as error:
            # The journals still record which downloads are unfinished.
            _log.warning("the download queue can't be stored: %s", error)


def _queue_file(folder: Path) -> JsonFile[_StoredQueue]:
    return JsonFile(folder / "downloads.json", _StoredQueue, _StoredQueue())


def _problem_to(problem: UserError) -> dict[str, Any]:
    data = {key: value if isinstance(value, int | float | str) else str(value) for key, value in problem.data.items()}
    return {"code": problem.code, "data": data}


def _problem_from(stored: dict[str, Any]) -> UserError | None:
    code, data = stored.get("code"), stored.get("data")
    if not isinstance(code, str) or not isinstance(data, dict):
        return None
    return UserError(code, **{key: value for key, value in data.items() if key not in ("self", "code")})


def _at_rest(status: DownloadStatus, **changes: object) -> DownloadStatus:
    """Return the status without the values of a running download."""
    progress = replace(status.progress, bytes_per_second=0.0, seconds_left=None)
    return replace(status, progress=progress, retry_in_s=None, **changes)  # type: ignore[arg-type]
