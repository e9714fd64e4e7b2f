"""Texts and colours of a row: of a model, a repository, a file that cannot be downloaded, or a heading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication

from app.planning.open_models import ExpectedModel, OpenModel
from app.translation import QT_TRANSLATE_NOOP
from app.units import size_text, speed_text
from model_manager.download.transfer import ACTIVE, DownloadStatus
from model_manager.hub.catalogue import STARTER
from model_manager.hub.listing import UnavailableModel
from model_manager.progress import Progress
from model_manager.published import Repository
from ui.models.actions import action_text, primary_action
from ui.models.item import Kind, ModelItem, ModelJob, ModelState
from ui.widgets.error_text import error_text
from ui.widgets.formats import (
    count_text,
    day_text,
    of_text,
    percent_text,
    quality_of,
    quality_text,
    time_left_text,
)

translate = QCoreApplication.translate


@dataclass(frozen=True)
class RowText:
    """Texts of one row, of which a heading has title and label only.

    ``fraction`` is a bar from 0 to 1; ``action`` the text of the row's button.
    """

    title: str
    label: str = ""
    """Beside the title, quieter."""
    mark: str = ""
    mark_kind: Kind = "accent"
    icon: str = ""
    """Before the mark."""
    size: str = ""
    note: str = ""
    fit: str = ""
    fit_kind: Kind = "quiet"
    state: str = ""
    state_kind: Kind = "quiet"
    is_state_implied: bool = False
    """Whether the state is only spoken: the button implies it."""
    fraction: float | None = None
    fraction_kind: Kind = "accent"
    problem: str = ""
    problem_kind: Kind = "bad"
    action: str = ""
    is_dim: bool = False
    """For models that cannot be used."""

    def spoken(self) -> str:
        """Return the row as one text for screen readers."""
        parts = (self.title, self.label, self.mark, self.size, self.note, self.fit, self.state, self.problem)
        return ". ".join(text.rstrip(".") for text in parts if text)


def row_text(item: ModelItem) -> RowText:
    """Return the row of a model."""
    fit = item.fit
    recommended = fit is not None and (fit.leads_repository if item.in_repository else fit.recommended)
    mark = icon = ""
    if item.in_use:
        mark, icon = translate("model_rows", "In use"), "check"
    elif recommended:
        mark, icon = translate("model_rows", "Recommended"), "star"
    problem, problem_kind = problem_text(item)
    state, state_kind = state_text(item)
    quantisation = item.quantisation or ""
    fit_text, fit_kind = (fit.brief or fit.sentence if fit is not None else ""), _fit_kind(item)
    if item.missing_bytes and fit_kind != "bad":
        fit_text = translate("model_rows", "{size} of disk space missing")
        fit_text = fit_text.format(size=size_text(item.missing_bytes))
    row = RowText(
        title=(quantisation or item.title) if item.home else item.title,
        label="" if item.home or quantisation.casefold() in item.title.casefold() else quantisation,
        mark=mark,
        mark_kind="accent" if item.in_use else "good",
        icon=icon,
        size=size_text(item.bytes) if item.bytes else "",
        note=_note(item),
        fit=fit_text,
        fit_kind=fit_kind,
        state=state,
        state_kind=state_kind,
        is_state_implied=item.state is ModelState.AVAILABLE,
        fraction=item.fraction,
        fraction_kind="accent" if item.state.kind == "text" else "quiet",
        problem=problem,
        problem_kind=problem_kind,
        action=button_text(item),
        is_dim=item.state in (ModelState.UNUSABLE, ModelState.QUARANTINED),
    )
    return _in_repository(item, row) if item.in_repository else row


def _fit_kind(item: ModelItem) -> Kind:
    kind: Kind = item.fit.kind if item.fit is not None else "quiet"
    return "warning" if item.missing_bytes and kind != "bad" else kind


def _in_repository(item: ModelItem, row: RowText) -> RowText:
    """Make the quantisation the title, which distinguishes files of a repository, and the file name the label."""
    assert item.published is not None
    name, quantisation = item.published.file_name.removesuffix(".gguf"), item.published.quantisation
    row = replace(row, title=quantisation or name, label=name if quantisation else "")
    if len(item.published.files) < 2:
        return row
    files = translate("model_hub_rows", "{count} files").format(count=len(item.published.files))
    return replace(row, note=" · ".join(text for text in (row.note, files) if text))


def repository_text(repository: Repository) -> RowText:
    """Return the row of a repository."""
    downloads = ""
    if repository.downloads is not None:
        text = translate("model_hub_rows", "{count} downloads")
        downloads = text.format(count=count_text(repository.downloads))
    owner, _, name = repository.id.partition("/")
    updated = translate("model_hub_rows", "Updated {date}")
    return RowText(
        title=name,
        label=owner,
        mark=translate("model_hub_rows", "Gated") if repository.gated else "",
        mark_kind="warning",
        icon="lock",
        size=downloads,
        note=repository.licence or "",
        state=updated.format(date=day_text(repository.updated_at)) if repository.updated_at else "",
        action=translate("model_hub_rows", "Open"),
    )


def unavailable_text(file: UnavailableModel) -> RowText:
    """Return the row of a file that cannot be downloaded."""
    name = file.name.rpartition("/")[2]
    return RowText(
        title=file.quantisation or name,
        label=name if file.quantisation else "",
        state=translate("model_hub_rows", "Can't be downloaded"),
        state_kind="bad",
        problem=error_text(file.problem),
        is_dim=True,
    )


def _note(item: ModelItem) -> str:
    pictures = translate("model_rows", "Reads pictures") if item.projector_name else ""
    return " · ".join(filter(None, (note_text(item), pictures)))


def note_text(item: ModelItem) -> str:
    """Return what the model is good at, or what its quantisation means for the quality, in a few words."""
    if item.open_model is not None:
        return open_model_text(item.open_model)
    if item.embeds:
        return translate("model_rows", "Embedding model, for long documents and other programs")
    if item.catalogue is not None and item.catalogue.id == STARTER.id:
        return translate("model_rows", "Very small and fast, good for a first try")
    return quality_text(quality_of(item.quantisation))


STRENGTHS = {
    "quick": QT_TRANSLATE_NOOP("model_rows", "Quick, for simple questions"),
    "everyday": QT_TRANSLATE_NOOP("model_rows", "All-rounder"),
    "languages": QT_TRANSLATE_NOOP("model_rows", "Conversation and languages"),
    "reasoning": QT_TRANSLATE_NOOP("model_rows", "Reasoning, mathematics and code"),
}
"""Texts of ``OpenModel.strength``."""


def open_model_text(model: OpenModel) -> str:
    """Return what a model of the catalogue is good at, its languages and its year."""
    languages = {
        0: "",
        1: translate("model_rows", "mostly English"),
        2: translate("model_rows", "English and Chinese"),
    }.get(model.languages, translate("model_rows", "{count} languages").format(count=model.languages))
    return " · ".join(filter(None, (translate("model_rows", STRENGTHS[model.strength]), languages, str(model.year))))


def expected_text(expected: ExpectedModel) -> str:
    """Return which model will probably be recommended once the hub can be asked."""
    text = translate("model_rows", "Probably best for this computer: {name}, about {size}")
    return text.format(name=expected.model.name, size=size_text(expected.bytes))


def button_text(item: ModelItem) -> str:
    """Return the text of the button of the primary action; empty where there is none."""
    action = primary_action(item)
    return action_text(action) if action else ""


def state_text(item: ModelItem) -> tuple[str, Kind]:
    """Return the state in a few words, and its colour."""
    state, text = item.state, translate("model_rows", item.state.text)
    percent = None if item.fraction is None else int(item.fraction * 100)
    if item.job is not None:
        text = _job_text(item.job)
    elif state is ModelState.AVAILABLE and (item.open_model or not item.bytes):
        text = ""
    elif state is ModelState.DOWNLOADING and percent is not None:
        text = " · ".join((percent_text(percent), *_speed_texts(item.progress)))
    elif state is ModelState.WAITING and item.download is not None and item.download.retry_in_s is not None:
        seconds = max(1, round(item.download.retry_in_s))
        text = translate("model_rows", "Retrying in {seconds} s").format(seconds=seconds)
    if state in (ModelState.WAITING, ModelState.PAUSED, ModelState.FAILED):
        text = _with_percent(text, percent)
    return text, state.kind


def progress_text(item: ModelItem) -> str:
    """Return the progress with all figures, for the details; empty where nothing is under way."""
    download, job, progress = item.download, item.job, item.progress
    if job is None and not progress.total:
        shown = (
            ModelState.QUEUED,
            ModelState.PREPARING,
            ModelState.DOWNLOADING,
            ModelState.VERIFYING,
            ModelState.PAUSED,
        )
        return state_text(item)[0] if item.state in shown else ""
    is_running = item.state is ModelState.DOWNLOADING
    parts = [percent_text(int((item.fraction or 0) * 100)) if is_running else state_text(item)[0]]
    if progress.done and (job is None or job.kind != "delete"):
        parts.append(of_text(progress.done, progress.total))
    if is_running:
        parts += _speed_texts(progress)
    if download is not None and download.bytes_uploaded:
        parts.append(translate("model_rows", "{size} uploaded").format(size=size_text(download.bytes_uploaded)))
    return " · ".join(parts)


def room_text(n_bytes: int, room: int | None) -> tuple[str, Kind]:
    """Return what a download of this size needs on the disk, with ``room`` for it, and the colour of the text."""
    if room is None or not n_bytes:
        return "", "quiet"
    needed, free = size_text(n_bytes), size_text(room)
    if n_bytes <= room:
        text = translate("model_rows", "Needs {size} on the disk; {free} are free.")
        return text.format(size=needed, free=free), "quiet"
    text = translate("model_rows", "Needs {size} on the disk, but only {free} are free: {missing} are missing.")
    return text.format(size=needed, free=free, missing=size_text(n_bytes - room)), "warning"


def problem_text(item: ModelItem) -> tuple[str, Kind]:
    """Return the problem with the next step, and its colour; empty if there is no problem."""
    problem, text = item.problem, ""
    if item.job is not None:
        return "", "quiet"
    if item.state is ModelState.NEEDS_CONVERSION and (problem is None or problem.code == "experts_in_separate_tensors"):
        text = (
            translate(
                "model_rows",
                "Made before April 2024, in a layout that no current engine loads. Converting creates a "
                "rearranged copy in the models folder, with the same values.",
            )
            if item.is_foreign
            else translate(
                "model_rows",
                "Made before April 2024, in a layout that no current engine loads. Converting rearranges the "
                "file without changing any values.",
            )
        )
    elif item.state is ModelState.DAMAGED:
        text = translate(
            "model_rows", "This file doesn't match the published one. You can re-download only the damaged parts."
        )
    elif problem is not None:
        text = error_text(problem)
    elif item.state is ModelState.NEEDS_JOINING:
        text = translate("model_rows", "{count} parts of one file. Joining them doesn't need space for a second copy.")
        text = text.format(count=len(item.candidate.paths) if item.candidate else 0)
    elif item.state is ModelState.QUARANTINED:
        text = translate(
            "model_rows",
            "This file doesn't match the published one and was quarantined. You can re-download only the "
            "damaged parts.",
        )
    return text, "warning" if item.state.kind == "warning" else "bad"


def queue_text(downloads: Sequence[DownloadStatus]) -> str:
    """Return the number of downloads and the time left for all; empty where there are none."""
    active = [each for each in downloads if each.state in ACTIVE]
    paused = sum(1 for each in downloads if each.state == "paused")
    if not active and not paused:
        return ""
    speed = sum(each.progress.bytes_per_second for each in active)
    left = sum(max(0, each.progress.total - each.progress.done) for each in active)
    more = ""
    if not active:
        more = translate("model_queue", "paused")
    elif speed > 0 and left > 0:
        more = time_left_text(left / speed)
    elif any(each.state == "waiting" for each in active):
        more = translate("model_queue", "waiting")
    count = len(active) or paused
    text = translate("model_queue", "1 download")
    if count != 1:
        text = translate("model_queue", "{count} downloads").format(count=count)
    return translate("model_queue", "{downloads}, {more}").format(downloads=text, more=more) if more else text


def downloading_text(downloads: Sequence[DownloadStatus]) -> str:
    """Return how much of the downloads under way is here; empty where there are none."""
    active = [each.progress for each in downloads if each.state in ACTIVE]
    if not active:
        return ""
    total = sum(each.total for each in active)
    percent = int(100 * sum(each.done for each in active) / total) if total else 0
    return translate("model_queue", "Downloading: {percent} %").format(percent=percent)


def _speed_texts(progress: Progress) -> list[str]:
    texts = [speed_text(progress.bytes_per_second)] if progress.bytes_per_second else []
    return texts if progress.seconds_left is None else [*texts, time_left_text(progress.seconds_left)]


def _job_text(job: ModelJob) -> str:
    texts = {
        "convert": translate("model_rows", "Converting"),
        "join": translate("model_rows", "Joining"),
        "verify": translate("model_rows", "Verifying"),
        "redownload": translate("model_rows", "Checking for damage"),
        "delete": translate("model_rows", "Deleting…"),
    }
    if job.stopping:
        return translate("model_rows", "Stopping…")
    fraction = job.progress.fraction
    return _with_percent(texts[job.kind], None if fraction is None else int(fraction * 100))


def _with_percent(text: str, percent: int | None) -> str:
    return f"{text} · {percent_text(percent)}" if percent else text
