"""Client of a hub's REST API: search, and the files of a repository.

Two requests of the API that ``huggingface_hub`` uses too (``HfApi.list_models`` and ``HfApi.model_info``), sent through
``HttpClient``, so that proxies, timeouts, errors and the token's hosts are the same as for downloads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.json_file import JsonError, from_json
from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.http import MAX_REDIRECTS, HttpClient, is_web_page, status_error
from model_manager.published import MAX_FILE_BYTES, HubFile, Repository

MAX_ANSWER_BYTES = 32 << 20
"""A listing of ten thousand files has a tenth of this."""
REPOSITORY_ID = r"[\w.-]{1,100}/[\w.-]{1,100}"
MAX_COUNT = 1 << 53
MAX_NAME_CHARACTERS = 1000
MAX_LICENCE_CHARACTERS = 100

_SEARCH_FIELDS = ("downloads", "gated", "lastModified", "sha", "tags")
_NETWORK_LOGIN_REQUIRED = 511
_ID = re.compile(REPOSITORY_ID, re.ASCII)
_COMMIT = re.compile(r"[\w.-]{1,100}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIRST_UPDATE = datetime(2000, 1, 1, tzinfo=UTC)
_T = TypeVar("_T")


class HubClient:
    """Client of the hub at the endpoint of an ``Access``, usable from any thread.

    Requests may raise ``Cancelled`` once ``token`` is cancelled, ``UserError``: hub_answer_strange(host, detail) for an
    answer that isn't a hub's, such as a captive portal's page; and as ``HttpClient`` and ``status_error``.
    """

    def __init__(self, access: Access, token: CancelToken = NEVER_CANCELLED) -> None:
        self.access = access
        self._token = token
        self._host = host_of(access.endpoint)

    def search(self, text: str, limit: int = 30) -> tuple[Repository, ...]:
        """Return GGUF repositories whose names contain ``text``, by number of downloads, without their files."""
        query: list[tuple[str, object]] = [("filter", "gguf"), ("sort", "downloads"), ("limit", limit)]
        query += [("expand", field) for field in _SEARCH_FIELDS]
        if text.strip():
            query.append(("search", text.strip()))
        return parse_search(self._get(f"models?{urlencode(query)}"), self._host)

    def repository(self, repo_id: str) -> Repository:
        """Return the current commit of a repository with all its files, their sizes and hashes.

        Raises ``UserError``: repository_missing(repository, host), also for a private one;
        gated_without_token(repository, host), gated_refused(repository, host).
        """
        if not _ID.fullmatch(repo_id):
            raise UserError("repository_missing", repository=repo_id, host=self._host)
        try:
            content = self._get(f"models/{repo_id}?blobs=true")
        except UserError as error:
            # Without a token a hub answers 401 for missing and for private repositories alike.
            is_missing = error.code == "web_refused" and error.data.get("status") in (401, 404)
            if is_missing or error.code in ("repository_missing", "gated_without_token", "gated_refused"):
                code = "repository_missing" if is_missing else error.code
                raise UserError(code, repository=repo_id, host=self._host) from error
            raise
        return parse_repository(content, self._host)

    def _get(self, path: str) -> bytes:
        url = f"{self.access.endpoint.rstrip('/')}/api/{path}"
        with (
            HttpClient(self.access) as client,
            self._token.on_cancel(client.abort),
            client.get(url, max_redirects=MAX_REDIRECTS) as response,
        ):
            is_page = response.status < 400 and is_web_page(response.headers)
            if response.status == _NETWORK_LOGIN_REQUIRED or is_page:
                raise UserError("hub_answer_strange", host=self._host, detail="a web page")
            if not 200 <= response.status < 300:
                raise status_error(response.status, response.headers, response.url, with_token=response.with_token)
            return response.read(MAX_ANSWER_BYTES)


def parse_search(content: bytes, host: str) -> tuple[Repository, ...]:
    """Return the GGUF repositories in the answer to a search.

    Raises ``UserError``: hub_answer_strange(host, detail).
    """
    found = _parse(content, list[_ModelInfo], host)
    # Some mirrors ignore the filter.
    listed = (each for each in found if each.tags is None or "gguf" in each.tags)
    return tuple(_repository(each, host) for each in listed if _ID.fullmatch(each.id))


def parse_repository(content: bytes, host: str) -> Repository:
    """Return a repository from the answer to a request for it.

    Files with names that can't be requested are left out.  Raises ``UserError``: hub_answer_strange(host, detail).
    """
    info = _parse(content, _ModelInfo, host)
    if not _ID.fullmatch(info.id):
        raise UserError("hub_answer_strange", host=host, detail="no repository")
    if not _COMMIT.fullmatch(info.sha or ""):
        raise UserError("hub_answer_strange", host=host, detail="no commit")
    named = (each for each in info.siblings or () if _is_printable(each.rfilename, MAX_NAME_CHARACTERS))
    return _repository(info, host, tuple(_file(each, host) for each in named))


def _is_printable(text: str, max_characters: int) -> bool:
    """Return whether a text is short, and without characters that are invisible or control a terminal."""
    return 0 < len(text) <= max_characters and text.isprintable()


def _parse(content: bytes, type_: type[_T], host: str) -> _T:
    try:
        return from_json(content, type_)
    except JsonError as error:
        raise UserError("hub_answer_strange", host=host, detail=str(error)[:100]) from error


def _repository(info: _ModelInfo, host: str, files: tuple[HubFile, ...] = ()) -> Repository:
    return Repository(
        id=info.id,
        commit=info.sha or "",
        licence=_licence(info),
        gated=bool(info.gated),
        files=files,
        downloads=info.downloads if 0 <= (info.downloads or 0) <= MAX_COUNT else None,
        updated_at=_plausible(info.lastModified),
        listed_by=host,
    )


def _plausible(updated_at: datetime | None) -> datetime | None:
    """Return the time with its zone; None for one that is impossible, which other zones may not be able to show."""
    known = updated_at.replace(tzinfo=updated_at.tzinfo or UTC) if updated_at else None
    return known if known and _FIRST_UPDATE < known < datetime.now(UTC) + timedelta(days=1) else None


def _file(sibling: _Sibling, host: str) -> HubFile:
    size = sibling.lfs.size if sibling.lfs else sibling.size
    if size is None or not 0 <= size <= MAX_FILE_BYTES:
        raise UserError("hub_answer_strange", host=host, detail=f"no size of {sibling.rfilename[:100]}")
    sha256 = sibling.lfs.sha256 if sibling.lfs else None
    return HubFile(sibling.rfilename, size, sha256 if _SHA256.fullmatch(str(sha256)) else None)


# Answers of the API, with its names for the fields


@dataclass(frozen=True)
class _Lfs:
    size: int
    sha256: Any = None


@dataclass(frozen=True)
class _Sibling:
    rfilename: str
    size: int | None = None
    lfs: _Lfs | None = None


@dataclass(frozen=True)
class _ModelInfo:
    id: str
    sha: str | None = None
    gated: Any = False
    downloads: int | None = None
    lastModified: datetime | None = None
    cardData: dict[str, Any] | None = None
    tags: list[Any] | None = None
    siblings: list[_Sibling] | None = None


def _licence(info: _ModelInfo) -> str | None:
    """Return the licence of the model card; the makers' own name for it where it has one."""
    card = info.cardData or {}
    licence = card.get("license")
    if licence == "other":
        licence = card.get("license_name") or licence
    names = licence if isinstance(licence, list) else [licence]
    texts = [", ".join(each for each in names if isinstance(each, str))]
    tags = (tag for tag in info.tags or () if isinstance(tag, str))
    texts += [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    return next((each for each in texts if _is_printable(each, MAX_LICENCE_CHARACTERS)), None)
