"""Resolver from model ids to published files with sizes, hashes and commit.

Sizes and hashes come from the authority, the official hub unless the settings name another; the files themselves may
come from any mirror.  Where the authority isn't reachable, the endpoint's listing is used, and
``PublishedModel.checksums_from`` names it.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.hub.catalogue import CatalogueEntry, find_entry
from model_manager.hub.client import REPOSITORY_ID, HubClient
from model_manager.hub.http import TransientError
from model_manager.hub.listing import published_models, unavailable_models
from model_manager.published import PublishedModel, Repository

AUTHORITY_TIMEOUT_S = 6.0
"""Longest wait for the authority after another endpoint has answered."""

_HUB_ID = re.compile(rf"(?P<repository>{REPOSITORY_ID})(?::(?P<file>[^\x00-\x1f\x7f]+))?", re.ASCII)


def find_published(model_id: str, access: Access) -> PublishedModel:
    """Return the model with an id of the catalogue, or ``OWNER/REPO:FILE``.

    FILE may be a file name with or without folders, that of any shard or part, or a quantisation that one file has; the
    id of the result has the full name.  FILE may be missing where the repository has one model.

    Raises ``UserError``: hub_id_unclear(id), published_file_missing(name, repository, host, known),
    published_ambiguous(name, repository, known), published_file_changed(name, repository, host) where the catalogue has
    another hash; the problems of ``unavailable_models``; and as ``fetch_repository``.
    """
    entry = find_entry(model_id)
    if entry is not None:
        repository = fetch_repository(entry.repository, access)
        return _pinned(replace(_select(repository, entry.file_name, entry.quantisation), id=entry.id), entry)
    match = _HUB_ID.fullmatch(model_id)
    if match is None:
        raise UserError("hub_id_unclear", id=model_id)
    return _select(fetch_repository(match["repository"], access), match["file"] or "", match["file"] or "")


def fetch_repository(
    repository: str,
    access: Access,
    *,
    token: CancelToken = NEVER_CANCELLED,
    authority_timeout_s: float = AUTHORITY_TIMEOUT_S,
) -> Repository:
    """Return a repository as listed by the authority, or by the endpoint where the authority doesn't answer.

    Both are asked at once; after the endpoint has answered, the authority has ``authority_timeout_s``.

    Raises ``Cancelled`` once ``token`` is cancelled, and ``UserError`` as ``HubClient.repository`` where neither has an
    answer.
    """
    requests = CancelToken()
    if access.authority.rstrip("/") == access.endpoint.rstrip("/"):
        return _fetch(access.authority, access, repository, token)
    answers: queue.SimpleQueue[tuple[str, Repository | Exception]] = queue.SimpleQueue()

    def ask(endpoint: str) -> None:
        try:
            answers.put((endpoint, _fetch(endpoint, access, repository, requests)))
        except Exception as error:
            answers.put((endpoint, error))

    for endpoint in (access.authority, access.endpoint):
        # Daemons, cancelled after the first usable answer: an unresponsive network must not block.
        threading.Thread(target=ask, args=(endpoint,), name="hub", daemon=True).start()
    found: Repository | None = None
    errors: dict[str, Exception] = {}
    deadline = time.monotonic() + authority_timeout_s
    try:
        with token.on_cancel(requests.cancel):
            while len(errors) < (2 if found is None else 1):
                timeout_s = None if found is None else max(0.0, deadline - time.monotonic())
                endpoint, answer = answers.get(timeout=timeout_s)
                if isinstance(answer, Exception):
                    errors[endpoint] = answer
                elif endpoint == access.authority:
                    return answer
                else:
                    found = answer
    except queue.Empty:
        pass
    finally:
        requests.cancel()
    if found is not None:
        return found
    of_authority, of_endpoint = errors[access.authority], errors[access.endpoint]
    # The endpoint has the files, so its error counts, unless only the other one is final.
    is_temporary = isinstance(of_endpoint, TransientError) and not isinstance(of_authority, TransientError)
    raise of_authority if is_temporary else of_endpoint


def _fetch(endpoint: str, access: Access, repository: str, token: CancelToken) -> Repository:
    return HubClient(replace(access, endpoint=endpoint), token).repository(repository)


def _select(repository: Repository, name: str, quantisation: str) -> PublishedModel:
    models = published_models(repository)
    found: Sequence[PublishedModel] = (
        [model for model in models if not name or _file_of(model) == name]
        or [model for model in models if name.casefold() in _file_names(model)]
        or [model for model in models if (model.quantisation or "").casefold() == quantisation.casefold()]
    )
    if len(found) == 1:
        return found[0]
    known = [_file_of(model) for model in found or models]
    if found:
        raise UserError("published_ambiguous", name=name, repository=repository.id, known=known)
    for each in unavailable_models(repository):
        if name in (each.name, each.name.rpartition("/")[2]) or (each.quantisation or "").casefold() == name.casefold():
            raise each.problem
    data = {"repository": repository.id, "host": repository.listed_by, "known": known}
    raise UserError("published_file_missing", name=name or "*.gguf", **data)


def _file_of(model: PublishedModel) -> str:
    """Return the FILE of the id."""
    return model.id.partition(":")[2]


def _file_names(model: PublishedModel) -> set[str]:
    names = {_file_of(model), *(file.name for file in model.files)}
    return {each.casefold() for name in names for each in (name, name.rpartition("/")[2])}


def _pinned(model: PublishedModel, entry: CatalogueEntry) -> PublishedModel:
    """Return the model with the catalogue's hash, where that has one."""
    if entry.sha256 is None:
        return model
    file = model.files[0]
    if len(model.files) > 1 or file.bytes != entry.bytes or file.sha256 not in (None, entry.sha256):
        raise UserError(
            "published_file_changed", name=file.name, repository=model.repository, host=model.checksums_from
        )
    return replace(model, files=(replace(file, sha256=entry.sha256),))
