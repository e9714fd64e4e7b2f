"""From the id of a published model to the files that make it up, their sizes and hashes, and the commit they are of.

Sizes and hashes are asked of the authority, which is the official hub unless the person chose otherwise: bytes may
come from any mirror, the word on what they must be does not.  Only where the authority cannot be asked is the
endpoint's own word taken, and ``PublishedModel.checksums_from`` says whose it is.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.catalogue import CatalogueEntry, find_entry
from model_manager.hub.client import Hub
from model_manager.hub.http_errors import TransientError
from model_manager.hub.listing import left_out, published_models
from model_manager.layout.origin import Origin
from model_manager.published import PublishedModel, Repository

AUTHORITY_PATIENCE_S = 6.0
"""How long the authority may take where another endpoint has answered, in seconds."""

PublishedState = Literal["same", "changed", "gone"]

_ON_THE_HUB = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?::(?P<file>[^\x00-\x1f\x7f]+))?", re.ASCII)


@dataclass(frozen=True)
class Told:
    """A repository, and the host whose word it is."""

    repository: Repository
    checksums_from: str


def find_published(model_id: str, access: Access) -> PublishedModel:
    """The files of a model by its id: one of the catalogue's, or ``OWNER/REPO:FILE``.

    FILE may be a file's name with or without its folders, that of any shard or part, or a quantisation that only one
    file has; the id of the answer names the file in full.  It may be left away where the repository holds one model.

    Raises ``UserError``: hub_id_unclear(id) for what is no such id, published_file_missing(name, repository, host,
    known), published_ambiguous(name, repository, known), published_file_changed(name, repository, host) where the
    catalogue knows better; as ``left_out`` says for what cannot be fetched; and as ``look_up`` does.
    """
    entry = find_entry(model_id)
    if entry is not None:
        told = look_up(entry.repository, access)
        return _pinned(replace(_chosen(told, entry.file_name, entry.quantisation), id=entry.id), entry)
    match = _ON_THE_HUB.fullmatch(model_id)
    if match is None:
        raise UserError("hub_id_unclear", id=model_id)
    return _chosen(look_up(match["repository"], access), match["file"] or "", match["file"] or "")


def list_published(repository: str, access: Access) -> tuple[Repository, tuple[PublishedModel, ...]]:
    """A repository and the models in it, as ``published_models`` sorts them, with hashes at the authority's word.

    Raises ``UserError`` as ``look_up`` does.
    """
    told = look_up(repository, access)
    return told.repository, _models(told)


def current_state(origin: Origin, access: Access) -> PublishedState:
    """Whether what a file here was made from is still what the repository holds under that name.

    Raises ``UserError``: hub_id_unclear(id) for a file that came from no repository; and as ``look_up`` does.
    """
    if not _ON_THE_HUB.fullmatch(origin.repository):
        raise UserError("hub_id_unclear", id=origin.model_id)
    try:
        told = look_up(origin.repository, access)
    except UserError as error:
        if error.code == "repository_missing":
            return "gone"
        raise
    files = {file.name: file for file in told.repository.files}
    if any(part.name not in files for part in origin.parts):
        return "gone"
    for part in origin.parts:
        now = files[part.name]
        if now.bytes != part.bytes or (now.sha256 and part.sha256 and now.sha256 != part.sha256):
            return "changed"
    return "same"


def look_up(
    repository: str, access: Access, revision: str = "main", *, patience_s: float = AUTHORITY_PATIENCE_S
) -> Told:
    """A repository at the authority's word, or at the endpoint's own where the authority does not give it.

    Both are asked at the same time; where the endpoint has answered, the authority has ``patience_s`` in all.
    Raises ``UserError`` as ``Hub.repository`` does where neither knows an answer.
    """
    authority = Hub(replace(access, endpoint=access.authority))
    if access.authority.rstrip("/") == access.endpoint.rstrip("/"):
        return _ask(authority, repository, revision)
    endpoint = Hub(access)
    answers: queue.SimpleQueue[tuple[Hub, Told | Exception]] = queue.SimpleQueue()

    def ask(hub: Hub) -> None:
        try:
            answers.put((hub, _ask(hub, repository, revision)))
        except Exception as error:
            answers.put((hub, error))

    for hub in (authority, endpoint):
        # Daemons, ended as soon as there is an answer: a network that swallows everything must hold nobody.
        threading.Thread(target=ask, args=(hub,), name="hub", daemon=True).start()
    try:
        return _first_word(answers, authority, time.monotonic() + patience_s)
    finally:
        authority.abort()
        endpoint.abort()


def _ask(hub: Hub, repository: str, revision: str) -> Told:
    return Told(hub.repository(repository, revision), host_of(hub.access.endpoint))


def _first_word(answers: queue.SimpleQueue[tuple[Hub, Told | Exception]], authority: Hub, patient_until: float) -> Told:
    own: Told | None = None
    problems: dict[bool, Exception] = {}
    while len(problems) < 2:
        # Without the endpoint's answer there is nothing else to take: then the time limits of the requests hold.
        try:
            hub, answer = answers.get(timeout=None if own is None else max(0.0, patient_until - time.monotonic()))
        except queue.Empty:
            break
        if isinstance(answer, Exception):
            problems[hub is authority] = answer
        elif hub is authority:
            return answer
        else:
            own = answer
        if own is not None and True in problems:
            break
    if own is not None:
        return own
    raise _more_telling(of_authority=problems[True], of_endpoint=problems[False])


def _more_telling(of_authority: Exception, of_endpoint: Exception) -> Exception:
    """Of two failures the endpoint's, for that is where the bytes are, unless only the other says something final."""
    if isinstance(of_endpoint, TransientError) and not isinstance(of_authority, TransientError):
        return of_authority
    return of_endpoint


def _models(told: Told) -> tuple[PublishedModel, ...]:
    return tuple(replace(each, checksums_from=told.checksums_from) for each in published_models(told.repository))


def _chosen(told: Told, name: str, quantisation: str) -> PublishedModel:
    models = _models(told)
    exact = [model for model in models if _file_of(model) == name]
    found: Sequence[PublishedModel] = (
        (models if not name else exact)
        or [model for model in models if name.casefold() in _names(model)]
        or [model for model in models if (model.quantisation or "").casefold() == quantisation.casefold()]
    )
    if len(found) == 1:
        return found[0]
    repository, known = told.repository.id, [_file_of(model) for model in found or models]
    if found:
        raise UserError("published_ambiguous", name=name, repository=repository, known=known)
    for each in left_out(told.repository):
        if name in (each.name, each.name.rpartition("/")[2]) or (each.quantisation or "").casefold() == name.casefold():
            raise each.problem
    host = told.checksums_from
    raise UserError("published_file_missing", name=name or "*.gguf", repository=repository, host=host, known=known)


def _file_of(model: PublishedModel) -> str:
    """FILE in ``OWNER/REPO:FILE``."""
    return model.id.partition(":")[2]


def _names(model: PublishedModel) -> set[str]:
    names = {_file_of(model), *(file.name for file in model.files)}
    return {each.casefold() for name in names for each in (name, name.rpartition("/")[2])}


def _pinned(model: PublishedModel, entry: CatalogueEntry) -> PublishedModel:
    """The model with the hash that the catalogue vouches for, where it does."""
    if entry.sha256 is None:
        return model
    (file, *further) = model.files
    if further or file.bytes != entry.bytes or file.sha256 not in (None, entry.sha256):
        raise UserError(
            "published_file_changed", name=file.name, repository=model.repository, host=model.checksums_from
        )
    return replace(model, files=(replace(file, sha256=entry.sha256),))
