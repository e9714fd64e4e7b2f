"""What the models page knows at this moment, kept true: the disk, the queue, the work, and what fits on this machine.

The disk is looked at in the background, the queue and the work tell when they move.  No widget: the page shows
``entries`` whenever ``changed`` is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from model_manager.download.queue import DownloadStatus
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.library.importer import ImportCandidate
from model_manager.library.verification import Verification
from model_manager.published import PublishedModel
from ui.models.backend import ModelBackend
from ui.models.entries import Entry, Fit, Found, Going, entries, entry_of, look
from ui.models.metadata import expected_headers, headers_of
from ui.models.queue_signals import QueueWatch
from ui.models.workers import ModelWorks
from ui.widgets.job import run_job

FitOf = Callable[[str], Fit | None]
"""How well the model with this id fits on this machine; called in the window's thread, so it answers at once."""


class ModelState(QObject):
    """Belongs to one page."""

    changed = Signal()
    """``entries`` are others now."""
    library_changed = Signal()
    """Something on the disk or on the list is another now; the disk is being looked at again."""
    failed = Signal(object)
    """A ``UserError``: the list could not be read."""

    def __init__(
        self, backend: ModelBackend, works: ModelWorks, current_id: str | None, fit_of: FitOf | None, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._backend = backend
        self._works = works
        self._current_id = current_id
        self._fit_of: FitOf = fit_of or (lambda _key: None)
        self._fits: dict[str, Fit | None] = {}
        self._headers: dict[Path, tuple[GgufHeader, ...]] = {}
        self._found: Found | None = None
        self._arriving: frozenset[str] = frozenset()
        self._over = self._over_now()
        self.candidates: dict[str, ImportCandidate] = {}
        """Dropped files that need something before they can be added, by key."""
        self.verifications: dict[str, Verification] = {}
        """By key, of files that turned out not to be the published ones."""
        self.entries: tuple[Entry, ...] = ()
        self._watch = QueueWatch(backend.manager, self)
        self._watch.changed.connect(self._queue_changed)
        works.changed.connect(self.renew)

    @property
    def is_known(self) -> bool:
        """Whether the disk was looked at."""
        return self._found is not None

    def refresh(self) -> None:
        """Look at the disk again, in the background."""
        library, folder, arriving = self._backend.library, self._backend.folder(), self._arriving
        run_job(self, lambda: look(library, folder), lambda found: self._take(found, arriving), self._unread)

    def refresh_fits(self) -> None:
        """Ask anew how well each model fits: the devices, or what is known of them, changed."""
        self._fits.clear()
        self.renew()

    def tell_library_changed(self) -> None:
        """Something on the disk or on the list was changed."""
        self.library_changed.emit()
        self.refresh()

    def renew(self) -> None:
        """Put the entries together again from what is known."""
        if self._found is not None:
            going = self._going()
            self.entries = tuple(replace(each, fit=self._fit(each.key)) for each in entries(self._found, going))
            self.changed.emit()

    def entry(self, key: str) -> Entry | None:
        """The entry of a row, or of a model of the library."""
        found = (each for each in self.entries if each.key == key or (each.model is not None and each.model.id == key))
        return next(found, None)

    def entry_of(self, published: PublishedModel) -> Entry:
        """What a repository publishes, with what is going on with it here."""
        entry = entry_of(published, self.entries, self._going())
        return replace(entry, fit=self._fit(entry.key))

    def first_key(self) -> str:
        """The model in use, unless that is the starter, whose owner is better told what is recommended."""
        in_use = (each.key for each in self.entries if each.in_use and (each.home or each.catalogue is None))
        recommended = (each.key for each in self.entries if each.fit is not None and each.fit.recommended)
        return next(in_use, "") or next(recommended, "")

    def statuses(self) -> tuple[DownloadStatus, ...]:
        """The queue."""
        return self._backend.manager.statuses()

    def can_move_up(self, entry: Entry) -> bool:
        """Whether a download has another before it in the queue."""
        waiting = [each.id for each in self.statuses() if each.state not in ("done", "cancelled")]
        return entry.key in waiting[1:]

    def headers(self, entry: Entry) -> tuple[GgufHeader, ...]:
        """The headers of a model, or what they are expected to be; read in the background, ``changed`` tells when."""
        expected = expected_headers(entry)
        path = entry.path
        if expected or path is None:
            return expected
        if path not in self._headers:
            self._headers[path] = ()

            def done(headers: tuple[GgufHeader, ...]) -> None:
                self._headers[path] = headers
                self.changed.emit()

            run_job(self, lambda: headers_of(path), done, self.failed.emit)
        return self._headers[path]

    def _take(self, found: Found, arriving: frozenset[str]) -> None:
        self._found = found
        self._arriving -= arriving
        self._headers.clear()
        self._fits.clear()
        self.renew()

    def _unread(self, error: UserError) -> None:
        self.failed.emit(error)
        self._take(self._found or Found(), frozenset())

    def _going(self) -> Going:
        return Going(
            downloads=self.statuses(),
            works=self._works.all(),
            candidates=tuple(self.candidates.values()),
            verifications=self.verifications,
            arriving=self._arriving,
            current_id=self._current_id,
        )

    def _fit(self, key: str) -> Fit | None:
        if key not in self._fits:
            self._fits[key] = self._fit_of(key)
        return self._fits[key]

    def _queue_changed(self) -> None:
        over = self._over_now()
        new, self._over = over - self._over, over
        if new:
            # What failed may have been set aside: that is a change on the disk as well.
            self._arriving |= {model_id for model_id, state in new if state == "done"}
            self.tell_library_changed()
        self.renew()

    def _over_now(self) -> set[tuple[str, str]]:
        return {(each.id, each.state) for each in self.statuses() if each.state in ("done", "failed")}
