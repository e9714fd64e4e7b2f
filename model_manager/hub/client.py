"""What a hub tells about its repositories: the one door to ``huggingface_hub``, and never used for the bytes of a file.

The library puts questions together and reads the answers; the questions travel through ``web``, so that proxies, time
limits, errors and the rule of who may see the token are the same as for downloads.  The library's own ways to send
are not used: they show a token that the person stored for other programs to any endpoint, they hold one connection
pool for the whole process, and they try again for half a minute before they say a word.

Importing the library takes a third of a second: it happens with the first question.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode, urljoin

from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.http import Web
from model_manager.hub.http_errors import TransientError, is_web_page, status_error
from model_manager.published import HubFile, Repository

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

MAX_ANSWER_BYTES = 32 << 20
"""The listing of a repository with ten thousand files takes a tenth of it."""
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOGIN_WANTED = 511
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNREACHABLE = frozenset({"web_unreachable", "connection_lost", "web_silent"})
_T = TypeVar("_T")


class Hub:
    """The hub behind the endpoint of one ``Access``.  Every method may be called from any thread.

    Every question may raise ``Cancelled`` once ``abort`` was called, and ``UserError``: hub_unreachable(host, detail),
    proxy_failed(proxy, detail), hub_busy(host, status), hub_failed(host, status) — the four ``TransientError``, unless
    the proxy itself refuses —, tls_failed(host, detail), hub_answer_strange(host, detail) for an answer that no hub
    gives, such as a captive portal's page, token_refused(host), web_refused(host, status), web_address_invalid(url).
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._host = host_of(access.endpoint)
        self._lock = threading.Lock()
        self._running: set[Web] = set()
        self._aborted = False

    def search(self, text: str, limit: int = 30) -> tuple[Repository, ...]:
        """Repositories of GGUF files whose names hold ``text``, those that are fetched most first; without files."""

        def ask(api: HfApi) -> tuple[Repository, ...]:
            found = api.list_models(
                search=text.strip() or None,
                filter="gguf",
                sort="downloads",
                limit=limit,
                expand=["downloads", "gated", "lastModified", "sha", "tags"],
            )
            # An endpoint that knows no filter answers with everything.
            return tuple(_repository(each, ()) for each in found if each.tags is None or "gguf" in each.tags)

        return self._ask(ask)

    def repository(self, repo_id: str, revision: str = "main") -> Repository:
        """A repository at a revision with all its files, their sizes and hashes, in one question.

        Raises ``UserError``: repository_missing(repository, host) also for one that nobody without a token may know of,
        revision_missing(repository, revision, host), gated_without_token(repository, host), gated_refused(repository,
        host).
        """
        from huggingface_hub.errors import HFValidationError

        def ask(api: HfApi) -> Repository:
            info = api.model_info(repo_id, revision=revision, files_metadata=True)
            if not info.sha:
                raise ValueError("a repository without a commit")
            return _repository(info, tuple(_file(each) for each in info.siblings or ()))

        try:
            return self._ask(ask)
        except HFValidationError as error:
            raise UserError("repository_missing", repository=repo_id, host=self._host) from error
        except UserError as error:
            raise _about_repository(error, repo_id, revision, self._host) from error

    def abort(self) -> None:
        """End the questions that are being asked, and all later ones, at once."""
        with self._lock:
            self._aborted = True
            running = tuple(self._running)
        for web in running:
            web.abort()

    def _ask(self, question: Callable[[HfApi], _T]) -> _T:
        """The answer to a question that is asked of ``api`` in this thread."""
        from huggingface_hub.errors import HFValidationError

        with self._a_web() as web, _asked_through(web):
            try:
                return question(_library()(endpoint=self.access.endpoint.rstrip("/"), token=False))
            except HFValidationError:
                raise
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                detail = f"unreadable, {type(error).__name__}"
                raise UserError("hub_answer_strange", host=self._host, detail=detail) from error
            except UserError as error:
                raise _of_the_hub(error) from error

    @contextmanager
    def _a_web(self) -> Iterator[Web]:
        web = Web(self.access)
        with self._lock:
            self._running.add(web)
            aborted = self._aborted
        try:
            if aborted:
                web.abort()
            yield web
        finally:
            with self._lock:
                self._running.discard(web)
            web.close()


# huggingface_hub asks for its HTTP client where it needs it and holds one for the whole process.  It gets one that only
# looks up through which ``Web`` this very thread is asking at the moment.

_ASKING: ContextVar[Web] = ContextVar("_ASKING")


@contextmanager
def _asked_through(web: Web) -> Iterator[None]:
    token = _ASKING.set(web)
    try:
        yield
    finally:
        _ASKING.reset(token)


@cache
def _library() -> type[HfApi]:
    from huggingface_hub import HfApi, constants, set_client_factory

    # Constants of the environment, read when the library was imported: nothing is told about this machine, no token of
    # other programs is looked for, and nothing is fetched in any other way than ours.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = True
    constants.HF_HUB_DISABLE_XET = True
    set_client_factory(cast(Any, _Session))
    return HfApi


class _Session:
    """As much of an HTTP client as the library uses to ask."""

    def get(self, url: str, *, params: Mapping[str, Any] | None = None, **_headers_and_limits: Any) -> _Answer:
        return self.request("GET", url, params=params)

    def request(
        self, method: str, url: str, *, params: Mapping[str, Any] | None = None, **_headers_and_limits: Any
    ) -> _Answer:
        """Follows redirects, which a renamed repository answers with.  Headers are ``Web``'s: it knows who may know."""
        if method != "GET":
            raise NotImplementedError(method)
        web = _ASKING.get()
        first_host = host_of(url)
        if params:
            url = f"{url}?{urlencode({key: _plain(value) for key, value in params.items()}, doseq=True)}"
        for _ in range(MAX_REDIRECTS + 1):
            status, headers, body = web.get(url, MAX_ANSWER_BYTES)
            place = headers.get("Location")
            if status in _REDIRECTS and place:
                url = urljoin(url, place)
                continue
            if status == _LOGIN_WANTED or (status < 400 and is_web_page(headers)):
                raise UserError("hub_answer_strange", host=first_host, detail="a web page")
            if not 200 <= status < 300:
                with_token = web.access.token_for(url) is not None
                raise status_error(status, headers, url, with_token=with_token)
            if len(body) >= MAX_ANSWER_BYTES:
                raise UserError("hub_answer_strange", host=first_host, detail="too long")
            return _Answer(status, headers, body)
        raise UserError("hub_answer_strange", host=first_host, detail="too many redirects")

    def close(self) -> None:
        """Nothing to close: a ``Web`` ends with the question that it was made for."""


@dataclass(frozen=True)
class _Answer:
    """As much of an HTTP response as the library reads of a good one; bad ones never get this far."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """No further pages: what is asked for fits on one."""
        return {}

    def raise_for_status(self) -> None:
        """Its status is good."""

    def json(self) -> Any:
        return json.loads(self.body)


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _of_the_hub(error: UserError) -> UserError:
    """What ``web`` says about bytes, said about a hub."""
    host, wait = error.data.get("host"), error.retry_after_s if isinstance(error, TransientError) else None
    if error.code in _UNREACHABLE:
        detail = error.data.get("detail") or "no answer"
        return TransientError("hub_unreachable", host=host, detail=detail)
    if error.code in ("web_busy", "web_failing"):
        status = error.data["status"]
        code = "hub_busy" if status == 429 else "hub_failed"
        return TransientError(code, retry_after_s=wait, host=host, status=status)
    if error.code in ("redirect_loop", "web_answer_wrong", "captive_portal"):
        return UserError("hub_answer_strange", host=host, detail=error.data.get("detail", error.code))
    return error


def _about_repository(error: UserError, repo_id: str, revision: str, host: str) -> UserError:
    """The same with the repository in it, which the address of a question does not tell ``web``."""
    if error.code in ("gated_without_token", "gated_refused", "repository_missing"):
        return UserError(error.code, repository=repo_id, host=host)
    if error.code == "revision_missing":
        return UserError("revision_missing", repository=repo_id, revision=revision, host=host)
    # Without a token a hub says 401 about what does not exist and about what is private, so that nobody learns which.
    if error.code == "web_refused" and error.data.get("status") in (401, 404):
        return UserError("repository_missing", repository=repo_id, host=host)
    return error


def _repository(info: ModelInfo, files: tuple[HubFile, ...]) -> Repository:
    if not isinstance(info.id, str) or not isinstance(info.sha, str | None):
        raise TypeError("names that are no text")
    return Repository(
        id=info.id,
        commit=info.sha or "",
        licence=_licence(info),
        gated=bool(info.gated),
        files=files,
        downloads=info.downloads if isinstance(info.downloads, int) else None,
        updated_at=info.last_modified,
    )


def _licence(info: ModelInfo) -> str | None:
    """As the card writes it; the name of one of the makers' own where it has one."""
    card = info.card_data
    told = (
        (card.get("license_name") if card.get("license") == "other" else None) or card.get("license") if card else None
    )
    if isinstance(told, list):
        told = ", ".join(str(each) for each in told)
    if told:
        return str(told)
    tags = (str(tag) for tag in info.tags or ())
    return next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), None)


def _file(sibling: Any) -> HubFile:
    large = sibling.lfs
    size = large.size if large is not None else sibling.size
    if not isinstance(sibling.rfilename, str) or not isinstance(size, int) or size < 0:
        raise TypeError("a file without a name or a size")
    sha256 = large.sha256 if large is not None else None
    return HubFile(sibling.rfilename, size, sha256 if _SHA256.fullmatch(str(sha256)) else None)
