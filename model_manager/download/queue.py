"""The queue of downloads: one after the other, paused and resumed by hand, going on after a restart.

What is to be fetched stands in ``downloads.json`` in the models folder; how far each file is stands in its own journal
(``download``).  The bytes, their checks and the retries are ``download``'s; this file decides whose turn it is.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from model_manager.download import Control, Progress, discard, download, partial_bytes, unfinished
from model_manager.download.queue_entry import ACTIVE, DownloadState, DownloadStatus, keep_list, read_list
from model_manager.download.torrent import discard_magnet, download_magnet, is_magnet, magnet_bytes
from model_manager.download.torrent_published import compare_with_hub
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.resolver import find_published
from model_manager.published import PublishedModel

__all__ = ["ACTIVE", "DownloadManager", "DownloadState", "DownloadStatus"]

TICK_S = 0.25
RETRY_S = 30.0
LATER = frozenset({"hub_unreachable", "hub_busy", "hub_failed", "hub_answer_strange", "proxy_failed"})
"""What may be over when it is tried again: the network was away, the hub was busy, a hotel wanted a log-in first."""

_log = logging.getLogger(__name__)


class DownloadManager:
    """The queue of one models folder.  Every method may be called from any thread and returns at once."""

    def __init__(
        self,
        folder: Callable[[], Path],
        access: Callable[[], Access],
        on_done: Callable[[str, tuple[Path, ...]], None] = lambda _id, _paths: None,
    ) -> None:
        """``on_done`` is called in the queue's thread when a model is whole."""
        self._folder = folder
        self._access = access
        self._on_done = on_done
        self._changed = threading.Condition()
        self._items: dict[str, DownloadStatus] = {}
        self._published: dict[str, PublishedModel] = {}
        self._control: Control | None = None
        self._current: str | None = None
        self._limit: float | None = None
        self._suspended = 0
        self._closed = False
        self._retry_now = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take up what was left by the last run, and work until ``close``."""
        with self._changed:
            self._take_up()
            self._start_thread()
        self._tell()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every change, in whatever thread it was made."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        """No longer call it."""
        with contextlib.suppress(ValueError):
            self._listeners.remove(listener)

    def statuses(self) -> tuple[DownloadStatus, ...]:
        """All downloads, in the order of their turn; finished and failed ones stay until they are forgotten."""
        with self._changed:
            return tuple(self._items.values())

    def add(self, model_id: str, published: PublishedModel | None = None) -> None:
        """Put it at the end of the queue; one that is there goes on.  ``published`` spares asking the hub."""
        with self._changed:
            if published is not None:
                self._published[model_id] = published
            known = self._items.get(model_id)
            if known is None or known.state in ("done", "cancelled"):
                self._items.pop(model_id, None)
                total = published.bytes if published else 0
                self._items[model_id] = DownloadStatus(model_id, "queued", bytes_total=total)
            elif known.state not in ACTIVE:
                self._items[model_id] = replace(known, state="queued", problem=None)
            self._save()
            self._start_thread()
            self._changed.notify_all()
        self._tell()

    def resume(self, model_id: str) -> None:
        """Go on with a paused or failed one; one that waits for the network tries now."""
        with self._changed:
            if model_id not in self._items:
                return
        self._retry_now.set()
        self.add(model_id)

    def pause(self, model_id: str) -> None:
        """Stop it; what was fetched stays."""
        self._end(model_id, "paused")

    def cancel(self, model_id: str) -> None:
        """Take it out of the queue and delete what was fetched of it."""
        with self._changed:
            published = self._published.get(model_id)
            running = self._current == model_id
        self._end(model_id, "cancelled")
        if not running:
            self._discard(model_id, published)

    def move_up(self, model_id: str) -> None:
        """Let it have its turn before the one that stands before it."""
        with self._changed:
            order = list(self._items)
            at = order.index(model_id) if model_id in order else 0
            if at:
                order[at - 1], order[at] = order[at], order[at - 1]
                self._items = {each: self._items[each] for each in order}
                self._save()
        self._tell()

    def forget(self, model_id: str) -> None:
        """Take a finished or failed one off the list; what a failed one fetched stays on disk."""
        with self._changed:
            known = self._items.get(model_id)
            if known is not None and known.state in ("done", "failed", "cancelled"):
                del self._items[model_id]
                self._save()
        self._tell()

    def limit(self, bytes_per_second: float | None) -> None:
        """Fetch no faster than this from now on; None takes all there is."""
        with self._changed:
            self._limit = bytes_per_second
            if self._control is not None:
                self._control.limit_bytes_per_s = bytes_per_second

    def reconnect(self) -> None:
        """The endpoint, the proxy or the token changed: go on with the new ones."""
        with self._changed:
            if self._control is not None:
                self._control.reconnect()
        self._retry_now.set()

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Fetch nothing inside the block, so that the files may be moved; the folder is asked anew afterwards."""
        with self._changed:
            self._suspended += 1
            self._interrupt()
            self._changed.wait_for(lambda: self._current is None)
        try:
            yield
        finally:
            with self._changed:
                self._suspended -= 1
                self._save()
                self._changed.notify_all()

    @property
    def is_active(self) -> bool:
        """Whether anything is being fetched or will be without a person."""
        with self._changed:
            return any(item.state in ACTIVE for item in self._items.values())

    def close(self) -> None:
        """Stop within half a second; everything goes on at the next start."""
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
                if self._closed:
                    return
                model_id = self._next()
                assert model_id is not None
                self._current, self._control = model_id, Control()
                self._control.limit_bytes_per_s = self._limit
                self._items[model_id] = replace(self._items[model_id], state="preparing", problem=None)
            self._tell()
            self._one(model_id, self._control)

    def _next(self) -> str | None:
        if self._suspended:
            return None
        return next((each for each, item in self._items.items() if item.state == "queued"), None)

    def _one(self, model_id: str, control: Control) -> None:
        watching = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(control, watching), name="download progress")
        watcher.start()
        outcome: DownloadState = "done"
        problem: UserError | None = None
        paths: tuple[Path, ...] = ()
        try:
            paths = self._fetch(model_id, control)
        except Cancelled:
            outcome = "queued"
        except UserError as error:
            outcome, problem = "failed", error
            _log.info("download of %s failed: %s", model_id, error)
        finally:
            watching.set()
            watcher.join()
        model_id = self._current or model_id
        if outcome == "done":
            self._on_done(model_id, paths)
        self._ended(model_id, outcome, problem, paths)

    def _fetch(self, model_id: str, control: Control) -> tuple[Path, ...]:
        folder = self._folder()
        if is_magnet(model_id):
            paths = download_magnet(model_id, folder, control)
            compare_with_hub(paths, self._access())
            return paths
        return download(self._find(model_id, control), folder, self._access, control)

    def _find(self, model_id: str, control: Control) -> PublishedModel:
        while model_id not in self._published:
            try:
                published = find_published(model_id, self._access())
            except UserError as error:
                if error.code not in LATER:
                    raise
                self._wait(model_id, error, control)
            else:
                self._published[published.id] = published
                self._call_it(model_id, published.id)
                model_id = published.id
        return self._published[model_id]

    def _call_it(self, asked: str, model_id: str) -> None:
        """Use the whole id from now on where a shorter one was asked for (``OWNER/REPO:Q4_K_M``)."""
        with self._changed:
            if model_id == asked:
                return
            item = replace(self._items[asked], id=model_id)
            others = {each: status for each, status in self._items.items() if each != model_id}
            self._items = {(model_id if each == asked else each): status for each, status in others.items()}
            self._items[model_id] = item
            self._current = model_id
            self._save()

    def _wait(self, model_id: str, problem: UserError, control: Control) -> None:
        self._retry_now.clear()
        seconds = RETRY_S
        while seconds > 0 and not self._retry_now.is_set():
            with self._changed:
                if control.is_stopped:
                    raise Cancelled
                self._items[model_id] = replace(
                    self._items[model_id], state="waiting", problem=problem, retry_in_s=seconds
                )
            self._tell()
            self._retry_now.wait(TICK_S)
            seconds -= TICK_S
        with self._changed:
            if control.is_stopped:
                raise Cancelled
            self._items[model_id] = replace(self._items[model_id], state="preparing", problem=None, retry_in_s=None)

    def _watch(self, control: Control, ended: threading.Event) -> None:
        last: Progress | None = None
        while not ended.wait(TICK_S):
            progress = control.progress
            with self._changed:
                model_id = self._current or ""
                waits_for_the_hub = self._items[model_id].state == "waiting" and model_id not in self._published
                if progress == last or control.is_stopped or waits_for_the_hub:
                    continue
                last = progress
                self._items[model_id] = replace(
                    self._items[model_id],
                    state=progress.phase,
                    bytes_done=progress.bytes_done,
                    bytes_total=progress.bytes_total or self._items[model_id].bytes_total,
                    bytes_per_second=progress.bytes_per_second,
                    seconds_left=progress.seconds_left,
                    problem=progress.problem,
                    retry_in_s=progress.retry_in_s,
                    bytes_uploaded=progress.bytes_uploaded,
                )
            self._tell()

    def _ended(self, model_id: str, outcome: DownloadState, problem: UserError | None, paths: tuple[Path, ...]) -> None:
        with self._changed:
            item = self._items[model_id]
            # A person may have paused or cancelled it in the very moment of its end: whole is whole.
            state = item.state if outcome == "queued" and item.state in ("paused", "cancelled") else outcome
            done = item.bytes_total if outcome == "done" else item.bytes_done
            self._items[model_id] = replace(
                item,
                state=state,
                problem=problem,
                paths=paths,
                bytes_done=done,
                bytes_per_second=0.0,
                seconds_left=None,
                retry_in_s=None,
            )
            published = self._published.get(model_id)
            self._current = self._control = None
            if state == "cancelled":
                del self._items[model_id]
            self._save()
            self._changed.notify_all()
        if state == "cancelled":
            self._discard(model_id, published)
        self._tell()

    def _discard(self, model_id: str, published: PublishedModel | None) -> None:
        if is_magnet(model_id):
            discard_magnet(model_id, self._folder())
        elif published is not None:
            discard(published, self._folder())

    # Shared

    def _end(self, model_id: str, state: DownloadState) -> None:
        with self._changed:
            item = self._items.get(model_id)
            if item is None:
                return
            if self._current == model_id:
                self._items[model_id] = replace(item, state=state, bytes_per_second=0.0, seconds_left=None)
                self._interrupt()
            elif state == "cancelled":
                del self._items[model_id]
            elif item.state == "queued":
                self._items[model_id] = replace(item, state=state)
            self._save()
        self._tell()

    def _interrupt(self) -> None:
        if self._control is not None:
            self._control.stop()
        self._retry_now.set()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    # What outlives the program

    def _take_up(self) -> None:
        folder = self._folder()
        for published in unfinished(folder):
            self._published.setdefault(published.id, published)
        stored = read_list(folder)
        for model_id in (*stored, *self._published):
            if model_id in self._items:
                continue
            known = self._published.get(model_id)
            self._items[model_id] = DownloadStatus(
                model_id,
                "paused" if stored.get(model_id, True) else "queued",
                bytes_done=_bytes_here(model_id, known, folder),
                bytes_total=known.bytes if known else 0,
            )

    def _save(self) -> None:
        kept = {
            model_id: item.state in ("paused", "failed")
            for model_id, item in self._items.items()
            if item.state not in ("done", "cancelled")
        }
        keep_list(self._folder(), kept)


def _bytes_here(model_id: str, published: PublishedModel | None, folder: Path) -> int:
    if is_magnet(model_id):
        return magnet_bytes(model_id, folder)
    return partial_bytes(published, folder) if published else 0
