"""List item of the models page: one model with references to its library entry, its download and its running job.

Nothing is copied: state, title and size are derived when they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal

from app.planning.open_models import OpenModel, open_model_names
from app.translation import QT_TRANSLATE_NOOP
from model_manager.download.transfer import DownloadStatus
from model_manager.errors import UserError
from model_manager.gguf.tensor_types import quantisation_in
from model_manager.hub.catalogue import APUS, CatalogueEntry
from model_manager.library.library import LocalModel
from model_manager.library.removal import Quarantined
from model_manager.library.scan import ImportCandidate
from model_manager.library.verification import Verification
from model_manager.progress import Progress
from model_manager.published import PublishedModel
from ui.plan.bar_data import Bar

Kind = Literal["quiet", "text", "good", "warning", "bad", "accent"]
"""A colour role."""


class ModelState(StrEnum):
    """State of a model, with its text and colour in a row, and the action of the row's button."""

    text: str
    kind: Kind
    action: str

    def __new__(cls, value: str, text: str, kind: Kind, action: str) -> ModelState:
        """Return a member that equals ``value``."""
        state = str.__new__(cls, value)
        state._value_, state.text, state.kind, state.action = value, text, kind, action
        return state

    AVAILABLE = "available", QT_TRANSLATE_NOOP("model_rows", "Not downloaded"), "quiet", "download"
    QUEUED = "queued", QT_TRANSLATE_NOOP("model_rows", "Queued"), "quiet", "pause"
    PREPARING = "preparing", QT_TRANSLATE_NOOP("model_rows", "Preparing…"), "text", "pause"
    DOWNLOADING = "downloading", QT_TRANSLATE_NOOP("model_rows", "Downloading…"), "text", "pause"
    WAITING = "waiting", QT_TRANSLATE_NOOP("model_rows", "Waiting"), "warning", "retry"
    VERIFYING = "verifying", QT_TRANSLATE_NOOP("model_rows", "Verifying…"), "text", "pause"
    PAUSED = "paused", QT_TRANSLATE_NOOP("model_rows", "Paused"), "quiet", "resume"
    FAILED = "failed", QT_TRANSLATE_NOOP("model_rows", "Stopped"), "bad", "retry"
    READY = "ready", QT_TRANSLATE_NOOP("model_rows", "Ready"), "good", "use"
    WORKING = "working", "", "text", "stop"
    NEEDS_CONVERSION = "needs_conversion", QT_TRANSLATE_NOOP("model_rows", "Needs conversion"), "warning", "convert"
    NEEDS_JOINING = "needs_joining", QT_TRANSLATE_NOOP("model_rows", "Needs joining"), "warning", "join"
    DAMAGED = "damaged", QT_TRANSLATE_NOOP("model_rows", "Damaged"), "bad", "redownload"
    QUARANTINED = "quarantined", QT_TRANSLATE_NOOP("model_rows", "Quarantined"), "bad", "redownload"
    UNUSABLE = "unusable", QT_TRANSLATE_NOOP("model_rows", "Can't be used"), "bad", ""


NO_PROGRESS = Progress()
JobKind = Literal["convert", "join", "verify", "redownload", "delete"]


@dataclass(frozen=True)
class Fit:
    """How well a model fits on this machine, as text in the current language.

    ``brief`` is for a row, ``sentence`` for the details.  ``kind`` is ``good`` (full speed), ``warning`` (works
    slowly) or ``bad`` (does not fit).  ``recommended`` is the model for this machine, ``leads_repository`` the one to
    take of the files of its repository.  ``bars`` draw the plan.
    """

    sentence: str
    kind: Literal["good", "warning", "bad"]
    recommended: bool = False
    leads_repository: bool = False
    brief: str = ""
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class ModelJob:
    """A running job on a model file; ``key`` is that of its item, ``candidate`` the dropped file it works on."""

    key: str
    kind: JobKind
    path: Path
    progress: Progress = NO_PROGRESS
    stopping: bool = False
    candidate: ImportCandidate | None = None


@dataclass(frozen=True)
class ModelItem:
    """One model.  ``key`` identifies its row while the page is open, whatever state the model is in."""

    key: str
    model: LocalModel | None = None
    catalogue: CatalogueEntry | None = None
    published: PublishedModel | None = None
    open_model: OpenModel | None = None
    """Facts of a model of the catalogue other than the home model."""
    download: DownloadStatus | None = None
    """Only while it is neither done nor cancelled."""
    job: ModelJob | None = None
    candidate: ImportCandidate | None = None
    """A dropped or unfinished file that needs a conversion or joining before it can be registered."""
    quarantined: Quarantined | None = None
    verification: Verification | None = None
    refusal: UserError | None = None
    """Why the engine would refuse ``model``."""
    just_downloaded: bool = False
    """The download is done, but the folder was not scanned since."""
    in_use: bool = False
    can_move_up: bool = False
    """Another download precedes this one in the queue."""
    fit: Fit | None = None
    room: int | None = None
    """Bytes that new files can take on the disk; None where that is unknown."""
    in_repository: bool = False
    """Shown among the files of its repository, where the quantisation is the title."""

    @property
    def home(self) -> bool:
        """Whether it is a quantisation of the home model."""
        return self.catalogue in APUS

    @property
    def embeds(self) -> bool:
        """Whether it compares texts and can't be used for conversations."""
        return self.model is not None and self.model.embeds

    @property
    def projector_name(self) -> str:
        """Name of the file with which it reads pictures, here or once it is downloaded; empty for none."""
        if self.model is not None:
            return self.model.projector.name if self.model.projector is not None else ""
        projector = self.published.projector if self.published is not None else None
        return projector.name.rpartition("/")[2] if projector is not None else ""

    @cached_property
    def state(self) -> ModelState:
        """What the row shows; a running job or download comes before the state of the file."""
        if self.job is not None:
            return ModelState.WORKING
        if self.download is not None:
            if self.download.state == "failed" and self.quarantined is not None and self.model is None:
                return ModelState.QUARANTINED
            return ModelState[self.download.state.upper()]
        if self.model is not None:
            if self.verification is not None and self.verification.matches is False:
                return ModelState.DAMAGED
            if self.model.ready:
                return ModelState.READY
            is_old = self.refusal is not None and self.refusal.code == "experts_in_separate_tensors"
            return ModelState.NEEDS_CONVERSION if is_old else ModelState.UNUSABLE
        if self.just_downloaded:
            return ModelState.VERIFYING
        if self.quarantined is not None:
            return ModelState.QUARANTINED
        if self.candidate is not None:
            return ModelState.NEEDS_JOINING if self.candidate.action == "join" else ModelState.NEEDS_CONVERSION
        return ModelState.AVAILABLE

    @property
    def problem(self) -> UserError | None:
        """The error behind the state."""
        if self.download is not None:
            return self.download.problem
        return self.refusal or (self.candidate.problem if self.candidate is not None else None)

    @cached_property
    def title(self) -> str:
        """Name of the model, or of its file."""
        if self.catalogue is not None:
            return self.catalogue.name
        if self.open_model is not None:
            return self.open_model.name
        if self.model is not None:
            return self.model.name or self.model.path.stem
        if self.published is not None:
            return self.published.file_name.removesuffix(".gguf")
        if self.candidate is not None:
            return self.candidate.name
        if self.quarantined is not None and self.download is None:
            return self.quarantined.name.removesuffix(".gguf")
        # OWNER/REPO:FILE, or the name in a magnet link.
        repository, _, file = self.key.partition(":")
        return open_model_names().get(repository) or file.rpartition("/")[2].removesuffix(".gguf") or self.key

    @cached_property
    def quantisation(self) -> str | None:
        """Quantisation of the weights; None where it is unknown."""
        for source in (self.catalogue, self.model, self.published, self.candidate):
            if source is not None:
                return source.quantisation
        return quantisation_in(self.key) or quantisation_in(f"{self.title}.gguf")

    @property
    def bytes(self) -> int:
        """Size of all files; 0 where it is unknown."""
        download = self.download.progress.total if self.download else 0
        others = (self.published, self.candidate, self.quarantined, self.catalogue)
        sizes = (self.model.bytes if self.model else 0, download, *(each.bytes for each in others if each))
        return next(filter(None, sizes), 0)

    @property
    def missing_bytes(self) -> int:
        """Bytes that the disk lacks for its download; 0 where it has room or the model is here."""
        is_checked = self.room is not None and self.state is ModelState.AVAILABLE
        return max(0, self.bytes - (self.room or 0)) if is_checked else 0

    @property
    def path(self) -> Path | None:
        """The file on this machine."""
        if self.model is not None:
            return self.model.path
        if self.quarantined is not None:
            return self.quarantined.path
        if self.candidate is not None:
            return self.candidate.paths[0]
        return self.job.path if self.job else None

    @property
    def full_name(self) -> str:
        """Name for use outside the list."""
        return f"{self.title} {self.quantisation}" if self.home and self.quantisation else self.title

    @property
    def is_foreign(self) -> bool:
        """Whether another program manages the file."""
        if self.candidate is not None:
            return self.candidate.foreign
        return self.model is not None and self.model.folder is not None and not self.model.in_models_folder

    @property
    def progress(self) -> Progress:
        """Progress of the job or the download."""
        source = self.job or self.download
        return source.progress if source is not None else NO_PROGRESS

    @property
    def fraction(self) -> float | None:
        """Progress from 0 to 1; None where nothing is under way or the total is unknown."""
        return None if self.state is ModelState.QUARANTINED else self.progress.fraction

    @property
    def repository(self) -> str:
        """``OWNER/REPO`` that publishes it; empty where it is unknown."""
        origin = self.model.published if self.model is not None else None
        for source in (self.catalogue, self.published, origin):
            if source is not None:
                return source.repository
        name = self.key.partition(":")[0]
        return name if name.count("/") == 1 and not name.startswith("/") else ""


def candidate_key(candidate: ImportCandidate) -> str:
    """Key of the item of a candidate."""
    return str(candidate.paths[0])
