"""A row of the models page in words: what it says at which place, and what it says to those who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication

from model_manager.hub.catalogue import STARTER
from ui.models.actions import action_text, primary
from ui.models.entries import Entry
from ui.models.workers import Work
from ui.widgets.error_text import error_text
from ui.widgets.model_strings import of_text, quality_of, quality_text, size_text, speed_text, time_left_text

translate = QCoreApplication.translate

Kind = Literal["quiet", "text", "good", "warning", "bad", "accent"]
"""A role of colour."""


@dataclass(frozen=True)
class ModelRow:
    """What a row shows.  ``share`` is a bar from 0 to 1; ``action`` the word on the row's own button."""

    title: str
    label: str = ""
    """Beside the title, quieter: the quantisation where the title is a name."""
    mark: str = ""
    mark_kind: Kind = "accent"
    size: str = ""
    note: str = ""
    fit: str = ""
    fit_kind: Kind = "quiet"
    state: str = ""
    state_kind: Kind = "quiet"
    share: float | None = None
    share_kind: Kind = "accent"
    problem: str = ""
    problem_kind: Kind = "bad"
    action: str = ""
    icon: str = ""
    """Before the mark."""
    is_heading: bool = False
    is_dim: bool = False
    """For what cannot be used as it is."""

    def spoken(self) -> str:
        """The row for those who cannot see it."""
        parts = (self.title, self.label, self.mark, self.size, self.note, self.fit, self.state, self.problem)
        return ". ".join(text.rstrip(".") for text in parts if text)


def row_of(entry: Entry) -> ModelRow:
    """An entry in the words of the moment's language."""
    recommended = entry.fit is not None and entry.fit.recommended
    mark = ""
    if entry.in_use:
        mark = translate("model_rows", "In use")
    elif recommended:
        mark = translate("model_rows", "Recommended")
    problem, problem_kind = problem_of(entry)
    action = primary(entry)
    state, state_kind = state_of(entry)
    return ModelRow(
        title=(entry.quantisation or entry.title) if entry.home else entry.title,
        label=_label_of(entry),
        mark=mark,
        mark_kind="accent" if entry.in_use else "good",
        icon="check" if entry.in_use else "star" if recommended else "",
        size=size_text(entry.bytes) if entry.bytes else "",
        note=note_of(entry),
        fit=(entry.fit.brief or entry.fit.sentence) if entry.fit else "",
        fit_kind=entry.fit.kind if entry.fit else "quiet",
        state=state,
        state_kind=state_kind,
        share=entry.share,
        share_kind="accent" if entry.state in ("downloading", "verifying", "preparing", "working") else "quiet",
        problem=problem,
        problem_kind=problem_kind,
        action=action_of(entry) if action else "",
        is_dim=entry.state in ("unusable", "quarantined"),
    )


def _label_of(entry: Entry) -> str:
    """The quantisation, where the title does not say it already."""
    quantisation = entry.quantisation or ""
    return "" if entry.home or quantisation.casefold() in entry.title.casefold() else quantisation


def note_of(entry: Entry) -> str:
    """What the quantisation means, in a few words."""
    quality = quality_text(quality_of(entry.quantisation))
    if entry.catalogue is not None and entry.catalogue.id == STARTER.id:
        return translate("model_rows", "Very small and fast, good for a first try")
    return quality


def action_of(entry: Entry) -> str:
    """The word on the button of what is to be done first."""
    action = primary(entry)
    if action is None:
        return ""
    if entry.state == "waiting":
        return translate("model_rows", "Retry now")
    return action_text(action)


def state_of(entry: Entry) -> tuple[str, Kind]:
    """What is going on, short enough for a row."""
    percent = None if entry.share is None else int(entry.share * 100)
    if entry.work is not None:
        return _work_text(entry.work), "text"
    if entry.state == "downloading" and entry.download is not None:
        return _going_text(entry, percent), "text"
    if entry.state == "ready":
        return translate("model_rows", "Ready"), "good"
    if entry.state == "available" and entry.bytes == 0:
        return "", "quiet"
    texts: dict[str, tuple[str, Kind]] = {
        "available": (translate("model_rows", "Not downloaded"), "quiet"),
        "queued": (translate("model_rows", "Queued"), "quiet"),
        "preparing": (translate("model_rows", "Preparing…"), "text"),
        "downloading": (translate("model_rows", "Downloading…"), "text"),
        "waiting": (_at(_waiting_text(entry), percent), "warning"),
        "verifying": (translate("model_rows", "Verifying…"), "text"),
        "paused": (_at(translate("model_rows", "Paused"), percent), "quiet"),
        "failed": (_at(translate("model_rows", "Stopped"), percent), "bad"),
        "needs_repair": (translate("model_rows", "Needs conversion"), "warning"),
        "needs_joining": (translate("model_rows", "Needs joining"), "warning"),
        "damaged": (translate("model_rows", "Damaged"), "bad"),
        "quarantined": (translate("model_rows", "Quarantined"), "bad"),
        "unusable": (translate("model_rows", "Can't be used"), "bad"),
    }
    return texts[entry.state]


def progress_text(entry: Entry) -> str:
    """How far it is, with everything that is known; for the details."""
    download = entry.download
    if entry.work is not None:
        text = _work_text(entry.work)
        if entry.work.bytes_total and entry.work.kind != "delete":
            text += " · " + of_text(entry.work.bytes_done, entry.work.bytes_total)
        return text
    if download is None or not download.bytes_total:
        return (
            state_of(entry)[0] if entry.state in ("queued", "preparing", "downloading", "verifying", "paused") else ""
        )
    parts = [state_of(entry)[0] if entry.state != "downloading" else f"{int((entry.share or 0) * 100)} %"]
    if download.bytes_done:
        parts.append(of_text(download.bytes_done, download.bytes_total))
    if entry.state == "downloading" and download.bytes_per_second:
        parts.append(speed_text(download.bytes_per_second))
    if entry.state == "downloading" and download.seconds_left is not None:
        parts.append(time_left_text(download.seconds_left))
    if download.bytes_uploaded:
        parts.append(translate("model_rows", "{size} uploaded").format(size=size_text(download.bytes_uploaded)))
    return " · ".join(parts)


def problem_of(entry: Entry) -> tuple[str, Kind]:
    """What is in the way and what to do about it; empty where nothing is."""
    problem = entry.problem
    if entry.work is not None:
        return "", "quiet"
    if entry.state == "waiting":
        return error_text(problem) if problem else "", "warning"
    if entry.state == "needs_repair":
        return _repair_text(entry), "warning"
    if entry.state == "needs_joining":
        count = len(entry.candidate.paths) if entry.candidate else 0
        if problem is not None:
            return error_text(problem), "warning"
        text = translate("model_rows", "{count} parts of one file. Joining them doesn't need space for a second copy.")
        return text.format(count=count), "warning"
    if entry.state == "damaged":
        text = translate(
            "model_rows", "This file doesn't match the published one. You can re-download only the damaged parts."
        )
        return text, "bad"
    if entry.state == "quarantined" and problem is None:
        text = translate(
            "model_rows",
            "This file doesn't match the published one and was quarantined. You can re-download only the "
            "damaged parts.",
        )
        return text, "bad"
    return (error_text(problem), "bad") if problem else ("", "quiet")


def _repair_text(entry: Entry) -> str:
    if entry.problem is not None and entry.problem.code != "experts_in_separate_tensors":
        return error_text(entry.problem)
    if entry.is_foreign:
        return translate(
            "model_rows",
            "Made before April 2024, in a layout that no current engine loads. Converting creates a "
            "rearranged copy in the models folder, with the same values.",
        )
    return translate(
        "model_rows",
        "Made before April 2024, in a layout that no current engine loads. Converting rearranges the "
        "file without changing any values.",
    )


def _going_text(entry: Entry, percent: int | None) -> str:
    download = entry.download
    assert download is not None
    if percent is None:
        return translate("model_rows", "Downloading…")
    parts = [f"{percent} %"]
    if download.bytes_per_second:
        parts.append(speed_text(download.bytes_per_second))
    if download.seconds_left is not None:
        parts.append(time_left_text(download.seconds_left))
    return " · ".join(parts)


def _waiting_text(entry: Entry) -> str:
    wait = entry.download.retry_in_s if entry.download else None
    if wait is None:
        return translate("model_rows", "Waiting")
    return translate("model_rows", "Retrying in {seconds} s").format(seconds=max(1, round(wait)))


def _work_text(work: Work) -> str:
    if work.stopping:
        return translate("model_rows", "Stopping…")
    texts = {
        "repair": translate("model_rows", "Converting"),
        "join": translate("model_rows", "Joining"),
        "verify": translate("model_rows", "Verifying"),
        "mend": translate("model_rows", "Checking for damage"),
        "delete": translate("model_rows", "Deleting…"),
    }
    text = texts[work.kind]
    return text if work.share is None else f"{text} · {int(work.share * 100)} %"


def _at(text: str, percent: int | None) -> str:
    return f"{text} · {percent} %" if percent else text
