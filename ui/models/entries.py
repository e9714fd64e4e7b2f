"""What the models page lists, as values: each known model once, with everything that is going on with it.

Pure: put together from what the library found, the queue of downloads and the work that is being done.  Words are
``model_row_words``'s, deeds are the dialog's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from model_manager.disk.files import is_file
from model_manager.download.queue import DownloadStatus
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.quantisation_names import quantisation_in
from model_manager.gguf.shards import read_model
from model_manager.hub.catalogue import APUS, STARTER, CatalogueEntry
from model_manager.layout.convert import unfinished_repairs
from model_manager.layout.join import unfinished_joins
from model_manager.library.importer import ImportCandidate, look_at
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.library.quarantine import Quarantined, quarantined
from model_manager.library.verification import Verification
from model_manager.published import PublishedModel
from ui.models.workers import Work
from ui.plan.figures import Bar

State = Literal[
    "available",
    "queued",
    "preparing",
    "downloading",
    "waiting",
    "verifying",
    "paused",
    "failed",
    "ready",
    "working",
    "needs_repair",
    "needs_joining",
    "damaged",
    "quarantined",
    "unusable",
]


FETCHING: frozenset[str] = frozenset({"queued", "preparing", "downloading", "waiting", "verifying"})
"""States of a download that goes on by itself."""
SAME_SIZE = 0.01
"""A file that carries a catalogue's name and differs less than this in size is taken to be that model."""


@dataclass(frozen=True)
class Fit:
    """How well a model fits on this machine, in a few words of the window's language.

    ``brief`` is for a row, ``sentence`` for where there is room.  ``kind`` is ``good`` (as fast as it gets),
    ``warning`` (it works, slowly) or ``bad`` (it does not fit).  ``bars`` are the picture of its plan.
    """

    sentence: str
    kind: Literal["good", "warning", "bad"]
    recommended: bool = False
    brief: str = ""
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A model of the library and, where the engine would refuse it, why."""

    model: LocalModel
    problem: UserError | None


@dataclass(frozen=True)
class Found:
    """What is on the disk: the library, files set aside, and repairs and joins that were stopped halfway."""

    models: tuple[Listed, ...] = ()
    set_aside: tuple[Quarantined, ...] = ()
    unfinished: tuple[ImportCandidate, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One model: ``key`` names its row for as long as the page lives, whatever becomes of it."""

    key: str
    title: str
    quantisation: str | None
    bytes: int
    state: State
    home: bool = False
    """Whether it is one of the home model's quantisations."""
    model: LocalModel | None = None
    catalogue: CatalogueEntry | None = None
    published: PublishedModel | None = None
    download: DownloadStatus | None = None
    work: Work | None = None
    candidate: ImportCandidate | None = None
    set_aside: Quarantined | None = None
    verification: Verification | None = None
    problem: UserError | None = None
    in_use: bool = False
    fit: Fit | None = None

    @property
    def path(self) -> Path | None:
        """The file on this machine that stands for it."""
        if self.model is not None:
            return self.model.path
        if self.set_aside is not None:
            return self.set_aside.path
        return self.candidate.paths[0] if self.candidate else self.work.path if self.work else None

    @property
    def full_name(self) -> str:
        """What to call it where its row is not seen."""
        return f"{self.title} {self.quantisation}" if self.home and self.quantisation else self.title

    @property
    def is_foreign(self) -> bool:
        """Whether another program looks after the file."""
        if self.candidate is not None:
            return self.candidate.foreign
        return self.model is not None and self.model.folder is not None and not self.model.in_models_folder

    @property
    def share(self) -> float | None:
        """How far what is going on with it is, from 0 to 1; None where nothing is, or nobody knows."""
        if self.work is not None:
            return self.work.share
        if self.download is None or self.state not in (*FETCHING, "paused", "failed") or not self.download.bytes_total:
            return None
        return min(1.0, self.download.bytes_done / self.download.bytes_total)


@dataclass(frozen=True)
class Going:
    """What is going on at this moment, beside what was found on the disk."""

    downloads: tuple[DownloadStatus, ...] = ()
    works: tuple[Work, ...] = ()
    candidates: tuple[ImportCandidate, ...] = ()
    """Dropped files that need something before they can be added."""
    verifications: Mapping[str, Verification] = field(default_factory=dict)
    """By key, of files that turned out not to be the published ones."""
    arriving: frozenset[str] = frozenset()
    """Downloads that have ended and that the library has not been asked about since."""
    current_id: str | None = None


def look(library: ModelLibrary, folder: Path) -> Found:
    """Everything on the disk.  Reads headers: not for the window's thread.  Raises as ``ModelLibrary.list``."""
    stopped = [*unfinished_repairs(folder), *unfinished_joins(folder)]
    working = [path.with_name(path.name + end) for path in stopped for end in (".repairing", ".joining")]
    return Found(
        models=tuple(Listed(model, None if model.ready else _problem_of(model)) for model in library.list()),
        set_aside=quarantined(folder),
        unfinished=tuple(each for each in look_at(path for path in working if is_file(path)) if each.action),
    )


def entries(found: Found, going: Going) -> tuple[Entry, ...]:
    """The home model's quantisations, the starter, then everything else."""
    left = {each.model.id: each for each in found.models}
    rows = []
    for catalogue in (*APUS, STARTER):
        listed = _of_catalogue(catalogue, left)
        rows.append(_entry(catalogue.id, listed, catalogue, found, going))
        if listed is not None:
            left.pop(listed.model.id)
    rows += [_entry(listed.model.id, listed, None, found, going) for listed in left.values()]
    keys = {row.key for row in rows} | {row.model.id for row in rows if row.model}
    rows += [
        _entry(status.id, None, None, found, going)
        for status in going.downloads
        if status.id not in keys and (status.state not in ("done", "cancelled") or status.id in going.arriving)
    ]
    return (*rows, *_not_listed(rows, found, going))


def entry_of(published: PublishedModel, known: Sequence[Entry], going: Going) -> Entry:
    """What a repository publishes, as a row: the one on the list where it is known there."""
    for entry in known:
        if entry.key == published.id or (entry.catalogue and _is_of(entry.catalogue, published)):
            return replace(entry, published=published)
    made = _entry(published.id, None, None, Found(), going)
    return replace(
        made,
        title=published.file_name.removesuffix(".gguf"),
        quantisation=published.quantisation,
        bytes=published.bytes,
        published=published,
    )


def _entry(key: str, listed: Listed | None, catalogue: CatalogueEntry | None, found: Found, going: Going) -> Entry:
    model = listed.model if listed else None
    names = {key, *([model.id] if model else [])}
    download = next((each for each in going.downloads if each.id in names), None)
    work = next((each for each in going.works if each.key in names), None)
    aside = next((each for each in found.set_aside if _is_aside(each, key, catalogue, download)), None)
    verification = going.verifications.get(key)
    fetching = download is not None and download.state not in ("done", "cancelled")
    problem = listed.problem if listed else None
    state: State = "available"
    if work is not None:
        state = "working"
    elif download is not None and fetching:
        fetch_state: State = download.state  # type: ignore[assignment]  # done and cancelled are out
        state, problem = fetch_state, download.problem
        if state == "failed" and aside is not None and model is None:
            state = "quarantined"
    elif key in going.arriving and model is None:
        state = "verifying"
    elif model is not None and verification is not None and verification.matches is False:
        state = "damaged"
    elif model is not None and model.ready:
        state = "ready"
    elif model is not None:
        state = "needs_repair" if problem and problem.code == "experts_in_separate_tensors" else "unusable"
    elif aside is not None:
        state = "quarantined"
    title, quantisation, n_bytes = _facts(key, model, catalogue, download)
    return Entry(
        key=key,
        title=title,
        quantisation=quantisation,
        bytes=n_bytes,
        state=state,
        home=catalogue in APUS,
        model=model,
        catalogue=catalogue,
        download=download if fetching else None,
        work=work,
        set_aside=None if model else aside,
        verification=verification,
        problem=problem,
        in_use=going.current_id is not None and going.current_id in names,
    )


def _facts(
    key: str, model: LocalModel | None, catalogue: CatalogueEntry | None, download: DownloadStatus | None
) -> tuple[str, str | None, int]:
    if catalogue is not None:
        n_bytes = model.bytes if model else (download.bytes_total if download else 0) or catalogue.bytes
        return catalogue.name, catalogue.quantisation, n_bytes
    if model is not None:
        return model.name or model.path.stem, model.quantisation, model.bytes
    # OWNER/REPO:FILE, or what a magnet link calls it.
    name = key.partition(":")[2].rpartition("/")[2].removesuffix(".gguf") or key
    return name, quantisation_in(f"{name}.gguf"), download.bytes_total if download else 0


def _not_listed(rows: Sequence[Entry], found: Found, going: Going) -> list[Entry]:
    """Files that no row stands for yet: set aside, stopped halfway, dropped, or being worked on."""
    works = {each.key: each for each in going.works}
    made: dict[str, Entry] = {}
    known = {row.set_aside.path for row in rows if row.set_aside}
    for aside in found.set_aside:
        if aside.path not in known:
            key, title = str(aside.path), aside.name.removesuffix(".gguf")
            made[key] = Entry(key, title, quantisation_in(aside.name), aside.bytes, "quarantined", set_aside=aside)
    candidates = {candidate_key(each): each for each in (*found.unfinished, *going.candidates)}
    candidates |= {each.key: each.candidate for each in going.works if each.candidate}
    paths = {row.path for row in rows if row.path}
    for key, candidate in candidates.items():
        if candidate.paths[0] not in paths or key in works:
            made[key] = entry_of_candidate(candidate)
    return [
        replace(each, work=works[each.key], state="working") if each.key in works else each for each in made.values()
    ]


def entry_of_candidate(candidate: ImportCandidate) -> Entry:
    """A dropped file that needs something first, as a row."""
    return Entry(
        key=candidate_key(candidate),
        title=candidate.name,
        quantisation=candidate.quantisation,
        bytes=candidate.bytes,
        state="needs_joining" if candidate.action == "join" else "needs_repair",
        candidate=candidate,
        problem=candidate.problem,
    )


def candidate_key(candidate: ImportCandidate) -> str:
    """What names the row of a dropped file."""
    return str(candidate.paths[0])


def _of_catalogue(catalogue: CatalogueEntry, models: Mapping[str, Listed]) -> Listed | None:
    if catalogue.id in models:
        return models[catalogue.id]
    for listed in models.values():
        model = listed.model
        if model.published and model.published.model_id == catalogue.id:
            return listed
        alike = abs(model.bytes - catalogue.bytes) <= SAME_SIZE * catalogue.bytes
        if alike and model.path.name.casefold() == catalogue.file_name.casefold():
            return listed
    return None


def _is_aside(aside: Quarantined, key: str, catalogue: CatalogueEntry | None, download: DownloadStatus | None) -> bool:
    if download is not None and download.problem is not None and download.problem.data.get("path") == aside.path:
        return True
    if aside.published is not None:
        return aside.published.model_id == key
    return catalogue is not None and aside.name == catalogue.file_name


def _is_of(catalogue: CatalogueEntry, published: PublishedModel) -> bool:
    return published.repository == catalogue.repository and published.quantisation == catalogue.quantisation


def _problem_of(model: LocalModel) -> UserError:
    # The library keeps only the code; a sentence needs the facts, and they may have changed since.
    try:
        check_loadable(*read_model(model.path))
    except UserError as error:
        facts = error.data
        if "path" in facts:
            # The details show the folder already.
            facts = {**facts, "path": Path(str(facts["path"])).name}
        return UserError(error.code, **facts)
    return UserError(model.problem or "file_changed", path=model.path.name)
