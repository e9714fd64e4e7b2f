"""Metadata of a model as a list of label and value: from its header, its files and its origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.units import grouped, size_text
from model_manager.gguf.header import GgufHeader, Unread
from model_manager.published import Repository
from ui.models.item import ModelItem
from ui.widgets.model_strings import date_text

translate = QCoreApplication.translate

SHOWN_FILES = 6
SHOWN_DIGITS = 8
"""Hexadecimal digits shown of the beginning and of the end of a hash."""


@dataclass(frozen=True)
class Fact:
    """One label and value; ``copy`` is the text for the clipboard.  An empty label begins a new group."""

    label: str
    value: str = ""
    copy: str = ""
    is_path: bool = False
    """Shown in one line, elided in the middle."""
    is_link: bool = False
    """The value is a repository with a page."""


def facts_of(item: ModelItem, headers: Sequence[GgufHeader], repository: Repository | None) -> tuple[Fact, ...]:
    """Return all facts, in groups."""
    groups = (_of_header(item, headers), _of_files(item), _of_origin(item, repository))
    facts: list[Fact] = []
    for group in groups:
        if group and facts:
            facts.append(Fact(""))
        facts += group
    return tuple(facts)


def _of_header(item: ModelItem, headers: Sequence[GgufHeader]) -> list[Fact]:
    if not headers:
        return []
    first = headers[0]
    n_parameters = sum(header.parameter_count for header in headers)
    facts = [
        Fact(translate("model_facts", "Architecture"), first.architecture or "?"),
        Fact(translate("model_facts", "Parameters"), _parameters_text(n_parameters)),
    ]
    if first.block_count:
        facts.append(Fact(translate("model_facts", "Layers"), str(first.block_count)))
    if first.expert_count:
        used = first.integer(f"{first.architecture}.expert_used_count")
        text = translate("model_facts", "{count} ({used} active)") if used else "{count}"
        facts.append(Fact(translate("model_facts", "Experts"), text.format(count=first.expert_count, used=used)))
    if first.context_length:
        text = translate("model_facts", "{count} tokens").format(count=grouped(first.context_length))
        facts.append(Fact(translate("model_facts", "Context"), text))
    if (vocabulary := _vocabulary(first)) is not None:
        text = translate("model_facts", "{count} tokens").format(count=grouped(vocabulary))
        facts.append(Fact(translate("model_facts", "Vocabulary"), text))
    if n_parameters:
        facts.append(Fact(translate("model_facts", "Quantisation"), _quantisation_text(headers, n_parameters)))
    template = (
        translate("model_facts", "included in the model")
        if first.chat_template
        else translate("model_facts", "none (ChatML is used)")
    )
    # The reconstructed header has no template because the published one has none.
    facts.append(Fact(translate("model_facts", "Chat template"), template))
    if item.model is not None and item.model.published is not None and item.model.published.stacked:
        facts.append(
            Fact(translate("model_facts", "Expert tensors"), translate("model_facts", "stacked during download"))
        )
    elif first.experts_in_separate_tensors:
        facts.append(Fact(translate("model_facts", "Expert tensors"), translate("model_facts", "separate")))
    return facts


def _of_files(item: ModelItem) -> list[Fact]:
    facts = []
    n_bytes = item.bytes
    if n_bytes:
        exact = item.catalogue is None or item.catalogue.exact or item.model is not None or item.published is not None
        text = (
            translate("model_facts", "{size} ({bytes}\u00a0bytes)")
            if exact
            else translate("model_facts", "about {size}")
        )
        facts.append(
            Fact(translate("model_facts", "Size"), text.format(size=size_text(n_bytes), bytes=grouped(n_bytes)))
        )
    names = _file_names(item)
    label = translate("model_facts", "File") if len(names) == 1 else translate("model_facts", "Files")
    for at, name in enumerate(names[:SHOWN_FILES]):
        facts.append(Fact(label if at == 0 else " ", name, is_path=True))
    if len(names) > SHOWN_FILES:
        more = translate("model_facts", "and {count} more").format(count=len(names) - SHOWN_FILES)
        facts.append(Fact(" ", more))
    model = item.model
    if item.path is not None:
        facts.append(Fact(translate("model_facts", "Folder"), str(item.path.parent), str(item.path), is_path=True))
    sha256 = model.sha256 if model else None
    if sha256:
        facts.append(Fact("SHA-256", _short(sha256), sha256))
        if model is not None and model.verified_at is not None and item.state != "damaged":
            text = translate("model_facts", "computed on {date}")
            if _is_verified(item):
                text = translate("model_facts", "verified on {date}")
            facts.append(Fact(" ", text.format(date=date_text(model.verified_at))))
    elif published := _published_sha256(item):
        facts.append(Fact("SHA-256", _short(published), published))
    return facts


def _of_origin(item: ModelItem, repository: Repository | None) -> list[Fact]:
    facts = []
    licence = (item.catalogue.licence if item.catalogue else None) or (repository.licence if repository else None)
    if licence:
        facts.append(Fact(translate("model_facts", "Licence"), licence))
    elif item.catalogue is not None:
        facts.append(Fact(translate("model_facts", "Licence"), translate("model_facts", "see the repository page")))
    if item.catalogue is not None:
        facts.append(Fact(translate("model_facts", "Created by"), item.catalogue.author))
    if name := item.repository:
        facts.append(Fact(translate("model_facts", "Repository"), name, is_link=True))
    return facts


def _file_names(item: ModelItem) -> list[str]:
    if item.path is not None:
        return [path.name for path in item.candidate.paths] if item.candidate else [item.path.name]
    if item.published is not None:
        return [file.name.rpartition("/")[2] for file in item.published.files]
    return [item.catalogue.file_name] if item.catalogue else []


def _published_sha256(item: ModelItem) -> str | None:
    if item.published is not None and len(item.published.files) == 1:
        return item.published.files[0].sha256
    return item.catalogue.sha256 if item.catalogue else None


def _is_verified(item: ModelItem) -> bool:
    """Whether the file was compared with the published one, and not only hashed."""
    model = item.model
    if model is None:
        return False
    pinned = item.catalogue.sha256 if item.catalogue else None
    return model.published is not None or (pinned is not None and pinned == model.sha256)


def _short(sha256: str) -> str:
    return f"{sha256[:SHOWN_DIGITS]}…{sha256[-SHOWN_DIGITS:]}"


def _parameters_text(count: int) -> str:
    """Return a parameter count as model cards write it, in every language."""
    return f"{count / 1e9:.1f} B" if count >= 1_000_000_000 else f"{count / 1e6:.1f} M"


def _quantisation_text(headers: Sequence[GgufHeader], n_parameters: int) -> str:
    n_bytes: dict[str, int] = {}
    for header in headers:
        for tensor in header.tensors:
            n_bytes[tensor.type] = n_bytes.get(tensor.type, 0) + tensor.n_bytes
    total = max(1, sum(n_bytes.values()))
    kinds = sorted(n_bytes, key=lambda kind: -n_bytes[kind])
    shares = ", ".join(
        f"{kind} {100 * n_bytes[kind] / total:.0f} %" for kind in kinds if n_bytes[kind] / total >= 0.005
    )
    bits = translate("model_facts", "{bits} bits per weight").format(bits=f"{8 * total / n_parameters:.2f}")
    return f"{bits} ({shares})"


def _vocabulary(header: GgufHeader) -> int | None:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    return tokens.count if isinstance(tokens, Unread) else None
