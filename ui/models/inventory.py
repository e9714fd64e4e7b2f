"""The items of the models page, kept up to date from the disk, the download queue, the running jobs and the plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.downloads import ModelDownloads
from app.planning.open_models import OpenModel, Suggestion
from model_manager.disk.space import room_for_files
from model_manager.download.transfer import DownloadStatus
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, check_loadable
from model_manager.gguf.shards import read_model
from model_manager.hub.catalogue import APUS, STARTER, CatalogueEntry
from model_manager.hub.home_model import reconstructed_header
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.library.removal import Quarantined, quarantined
from model_manager.library.scan import ImportCandidate, unfinished_work
from model_manager.library.verification import Verification
from model_manager.published import PublishedModel
from ui.models.downloads import on_queue_change
from ui.models.item import Fit, ModelItem, ModelJob, ModelState, candidate_key
from ui.models.jobs import ModelJobs
from ui.widgets.job import run_job

SAME_SIZE = 0.01
"""A file with the name of a catalogue entry counts as that model if its size differs by less than this fraction."""
OVER = ("done", "cancelled")
"""States of downloads that are not listed."""

FitOf = Callable[[str], Fit | None]
"""Fit of the model with this id, without blocking."""


@dataclass(frozen=True)
class DiskScan:
    """Models of the library; why the engine would refuse some, by id; quarantined files; unfinished conversions."""

    models: tuple[LocalModel, ...] = ()
    refusals: Mapping[str, UserError] = field(default_factory=dict)
    quarantined: tuple[Quarantined, ...] = ()
    unfinished: tuple[ImportCandidate, ...] = ()


@dataclass
class Activity:
    """State that is not on the disk.

    ``candidates`` are dropped files that need a conversion or joining, and ``verifications`` those that failed, by item
    key.  ``just_downloaded`` are ids of finished downloads that no scan has seen yet.
    """

    downloads: tuple[DownloadStatus, ...] = ()
    jobs: tuple[ModelJob, ...] = ()
    candidates: dict[str, ImportCandidate] = field(default_factory=dict)
    verifications: dict[str, Verification] = field(default_factory=dict)
    just_downloaded: frozenset[str] = frozenset()
    current_id: str | None = None
    room: int | None = None
    """Bytes that new files can take in the models folder; None where that is unknown."""
    suggestions: Sequence[Suggestion] = ()
    """Models of the catalogue that the hub has, the best one for this machine first."""


def scan_disk(library: ModelLibrary, folder: Path) -> DiskScan:
    """Scan the library and the models folder.  For a background thread.  Raises as ``ModelLibrary.list``."""
    models = tuple(library.list())
    return DiskScan(
        models=models,
        refusals={model.id: _refusal(model) for model in models if not model.ready},
        quarantined=quarantined(folder),
        unfinished=unfinished_work(folder),
    )


def list_items(scan: DiskScan, activity: Activity) -> tuple[ModelItem, ...]:
    """Merge the catalogue, the disk and the activity: the home model first, then the starter, then all others.

    The open models come last, without those of which a file is here.
    """
    models = {model.id: model for model in scan.models}
    here = {model.published.repository for model in scan.models if model.published is not None}
    suggested = [
        _item(each.published.id, scan, activity, published=each.published, open_model=each.model)
        for each in activity.suggestions
        if each.published.repository not in here
    ]
    items = []
    for entry in (*APUS, STARTER):
        found = _model_of(entry, models)
        items.append(_item(entry.id, scan, activity, model=models.pop(found, None), catalogue=entry))
    items += [_item(key, scan, activity, model=model) for key, model in models.items()]
    keys = {item.key for item in (*items, *suggested)} | {item.model.id for item in items if item.model}
    items += [
        _item(status.id, scan, activity)
        for status in activity.downloads
        if status.id not in keys and (status.state not in OVER or status.id in activity.just_downloaded)
    ]
    return (*items, *_unlisted(items, scan, activity), *suggested)


def _item(
    key: str,
    scan: DiskScan,
    activity: Activity,
    *,
    model: LocalModel | None = None,
    catalogue: CatalogueEntry | None = None,
    published: PublishedModel | None = None,
    open_model: OpenModel | None = None,
) -> ModelItem:
    ids = {key, *([model.id] if model else [])}
    download = next((each for each in activity.downloads if each.id in ids), None)
    bad = None
    if model is None:
        bad = next((each for each in scan.quarantined if _is_bad_file_of(each, key, catalogue, download)), None)
    return ModelItem(
        key=key,
        model=model,
        catalogue=catalogue,
        published=published,
        open_model=open_model,
        download=download if download is not None and download.state not in OVER else None,
        job=next((each for each in activity.jobs if each.key in ids), None),
        quarantined=bad,
        verification=activity.verifications.get(key),
        refusal=scan.refusals.get(model.id) if model is not None else None,
        just_downloaded=key in activity.just_downloaded,
        in_use=model is not None and activity.current_id in ids,
        room=activity.room,
        can_move_up=key in [each.id for each in activity.downloads if each.state not in OVER][1:],
    )


def _unlisted(items: Sequence[ModelItem], scan: DiskScan, activity: Activity) -> list[ModelItem]:
    """Files without an item so far: quarantined, unfinished, dropped, or with a job."""
    jobs = {job.key: job for job in activity.jobs}
    listed = {item.quarantined.path for item in items if item.quarantined}
    found = {
        str(bad.path): ModelItem(str(bad.path), quarantined=bad) for bad in scan.quarantined if bad.path not in listed
    }
    candidates = {candidate_key(each): each for each in scan.unfinished} | activity.candidates
    candidates |= {job.key: job.candidate for job in activity.jobs if job.candidate}
    paths = {item.path for item in items if item.path}
    for key, candidate in candidates.items():
        if candidate.paths[0] not in paths or key in jobs:
            found[key] = ModelItem(key, candidate=candidate)
    return [replace(item, job=jobs.get(key)) for key, item in found.items()]


def _model_of(entry: CatalogueEntry, models: Mapping[str, LocalModel]) -> str:
    """Return the id of the local model that is this catalogue entry: by id, by origin, or by file name and size."""
    if entry.id in models:
        return entry.id
    for model in models.values():
        if model.published and model.published.model_id == entry.id:
            return model.id
        same_size = abs(model.bytes - entry.bytes) <= SAME_SIZE * entry.bytes
        if same_size and model.path.name.casefold() == entry.file_name.casefold():
            return model.id
    return ""


def _is_bad_file_of(
    bad: Quarantined, key: str, catalogue: CatalogueEntry | None, download: DownloadStatus | None
) -> bool:
    if download is not None and download.problem is not None and download.problem.data.get("path") == bad.path:
        return True
    if bad.published is not None:
        return bad.published.model_id == key
    return catalogue is not None and bad.name == catalogue.file_name


def _refusal(model: LocalModel) -> UserError:
    # The library keeps only the code; the message needs the data, which may have changed since.
    try:
        check_loadable(*read_model(model.path))
    except UserError as error:
        # The details show the folder already.
        data = {**error.data, "path": model.path.name} if "path" in error.data else error.data
        return UserError(error.code, **data)
    return UserError(model.problem or "file_changed", path=model.path.name)


def _headers(path: Path) -> tuple[GgufHeader, ...]:
    try:
        return read_model(path, whole=False)
    except UserError:
        return ()


class ModelInventory(QObject):
    """Items of one models page."""

    changed = Signal()
    """``items`` or the headers of one have changed."""
    library_changed = Signal()
    """A file or the library has changed; a new scan has started."""
    failed = Signal(object)
    """A ``UserError``: the library could not be read."""

    def __init__(
        self,
        downloads: ModelDownloads,
        jobs: ModelJobs,
        current_id: str | None,
        fit_of: FitOf | None,
        suggestions: Callable[[], Sequence[Suggestion]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._suggestions = suggestions
        self._downloads = downloads
        self._jobs = jobs
        self._fit_of: FitOf = fit_of or (lambda _key: None)
        self._fits: dict[str, Fit | None] = {}
        self._headers: dict[Path, tuple[GgufHeader, ...]] = {}
        self._scan: DiskScan | None = None
        self._ended, self._writing = self._ended_downloads(), self._writing_downloads()
        self.activity = Activity(current_id=current_id)
        self.items: tuple[ModelItem, ...] = ()
        on_queue_change(downloads.queue, self, self._on_queue_changed)
        jobs.changed.connect(self.update)

    def rescan(self) -> None:
        """Scan the disk again, in the background."""
        self._refresh_room()
        library, folder, seen = self._downloads.library, self._downloads.folder(), self.activity.just_downloaded
        run_job(self, lambda: scan_disk(library, folder), lambda scan: self._set_scan(scan, seen), self._scan_failed)

    def _refresh_room(self) -> None:
        folder = self._downloads.folder()

        def store(room: int | None) -> None:
            if room != self.activity.room:
                self.activity.room = room
                self.update()

        run_job(self, lambda: room_for_files(folder), store, self.failed.emit)

    def refresh_fits(self) -> None:
        """Query all fits again."""
        self._fits.clear()
        self.update()

    def notify_library_changed(self) -> None:
        """Announce that a file or the library has changed, and scan again."""
        self.library_changed.emit()
        self.rescan()

    def update(self) -> None:
        """Rebuild ``items``."""
        self.activity.downloads, self.activity.jobs = self._downloads.queue.statuses(), self._jobs.running()
        self.activity.suggestions = self._suggestions()
        if self._scan is not None:
            items = list_items(self._scan, self.activity)
            # What can't be read has a plan by what was known of it before.
            fits = (None if item.state is ModelState.UNUSABLE else self._fit(item.key) for item in items)
            self.items = tuple(replace(item, fit=fit) for item, fit in zip(items, fits, strict=True))
            self.changed.emit()

    def item(self, key: str) -> ModelItem | None:
        """Return the item with this key or model id."""
        return next((item for item in self.items if key in (item.key, item.model.id if item.model else None)), None)

    def published_item(self, published: PublishedModel) -> ModelItem:
        """Return the item of a published model, with its download and its fit: the listed one where it is listed."""
        name = (published.repository, published.quantisation)
        for item in self.items:
            entry = item.catalogue
            if item.key == published.id or (entry and (entry.repository, entry.quantisation) == name):
                found = replace(item, published=published)
                break
        else:
            found = _item(published.id, DiskScan(), self.activity, published=published)
        return replace(found, fit=self._fit(found.key), in_repository=True)

    def default_key(self) -> str:
        """Key of the item to select first: the model in use, or the recommended one while that is the starter."""
        in_use = (item.key for item in self.items if item.in_use and (item.home or item.catalogue is None))
        recommended = (item.key for item in self.items if item.fit is not None and item.fit.recommended)
        return next(in_use, "") or next(recommended, "")

    def headers(self, item: ModelItem) -> tuple[GgufHeader, ...]:
        """Return the headers of a model, or those expected of a home model that is not here.

        They are read in the background: empty until ``changed`` is emitted.
        """
        if item.catalogue in APUS and item.model is None:
            assert item.catalogue is not None
            return (reconstructed_header(item.catalogue),)
        path = item.path
        if path is None:
            return ()
        if path not in self._headers:
            self._headers[path] = ()

            def store(headers: tuple[GgufHeader, ...]) -> None:
                self._headers[path] = headers
                self.changed.emit()

            run_job(self, lambda: _headers(path), store, self.failed.emit)
        return self._headers[path]

    def _set_scan(self, scan: DiskScan, seen: frozenset[str]) -> None:
        self._scan = scan
        self.activity.just_downloaded -= seen
        self._headers.clear()
        self.refresh_fits()

    def _scan_failed(self, error: UserError) -> None:
        self.failed.emit(error)
        self._set_scan(self._scan or DiskScan(), frozenset())

    def _fit(self, key: str) -> Fit | None:
        if key not in self._fits:
            self._fits[key] = self._fit_of(key)
        return self._fits[key]

    def _on_queue_changed(self) -> None:
        ended = self._ended_downloads()
        new, self._ended = ended - self._ended, ended
        if new:
            # A failed download may have quarantined its file: the disk has changed too.
            self.activity.just_downloaded |= {model_id for model_id, state in new if state == "done"}
            self.notify_library_changed()
        writing, before = self._writing_downloads(), self._writing
        if writing != before:
            # A download reserves its space once it begins.
            self._writing = writing
            self._refresh_room()
        self.update()

    def _writing_downloads(self) -> set[str]:
        return {each.id for each in self._downloads.queue.statuses() if each.state in ("downloading", "paused")}

    def _ended_downloads(self) -> set[tuple[str, str]]:
        return {(each.id, each.state) for each in self._downloads.queue.statuses() if each.state in ("done", "failed")}
