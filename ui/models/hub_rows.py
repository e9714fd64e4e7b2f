"""What a hub tells, as rows: repositories, and what cannot be fetched from them; and addresses that people paste."""

from __future__ import annotations

import re
from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from model_manager.hub.listing import LeftOut
from model_manager.published import PublishedModel, Repository
from ui.models.rows import ModelRow
from ui.widgets.error_text import error_text
from ui.widgets.model_strings import count_text, date_text

translate = QCoreApplication.translate

_ADDRESS = re.compile(
    r"(?:https?://[^/\s]+/)?(?P<repository>[\w.-]+/[\w.-]+)(?:(?:/(?:tree|blob|resolve)/[^/\s]+/?|:)(?P<file>\S+)?)?/?",
    re.ASCII,
)


def repository_in(text: str) -> tuple[str, str] | None:
    """The repository, and the file in it, that a pasted text names; None where it is something to look for."""
    match = _ADDRESS.fullmatch(text.strip())
    return (match["repository"], match["file"] or "") if match else None


def repository_row(repository: Repository) -> ModelRow:
    """A repository among those that were found."""
    downloads = ""
    if repository.downloads is not None:
        text = translate("model_hub_rows", "{count} downloads")
        downloads = text.format(count=count_text(repository.downloads))
    owner, _, name = repository.id.partition("/")
    return ModelRow(
        title=name,
        label=owner,
        mark=translate("model_hub_rows", "Gated") if repository.gated else "",
        mark_kind="warning",
        icon="lock" if repository.gated else "",
        size=downloads,
        note=repository.licence or "",
        state=date_text(repository.updated_at) if repository.updated_at else "",
        action=translate("model_hub_rows", "Open"),
    )


def left_out_row(row: LeftOut) -> ModelRow:
    """What looks like a model of a repository and cannot be fetched."""
    name = row.name.rpartition("/")[2]
    return ModelRow(
        title=row.quantisation or name,
        label=name if row.quantisation else "",
        state=translate("model_hub_rows", "Can't be downloaded"),
        state_kind="bad",
        problem=error_text(row.problem),
        is_dim=True,
    )


def published_row(published: PublishedModel, row: ModelRow) -> ModelRow:
    """A quantisation of a repository, which is what tells it from the others; its file's name stands beside it."""
    name = published.file_name.removesuffix(".gguf")
    row = replace(row, title=published.quantisation or name, label=name if published.quantisation else "")
    if len(published.files) < 2:
        return row
    text = translate("model_hub_rows", "{count} files").format(count=len(published.files))
    return replace(row, note=" · ".join(each for each in (row.note, text) if each))
