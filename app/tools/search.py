"""Search of the web with a service that the user has chosen.

Sources of the formats: docs.searxng.org/dev/search_api, api-dashboard.search.brave.com (Web Search API) and
docs.tavily.com (POST /search).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

from app.tools.server import clean_text
from app.tools.web_request import request
from model_manager.cancellation import CancelToken
from model_manager.disk.json_file import JsonError, from_json
from model_manager.errors import UserError
from model_manager.hub.access import host_of, split_url

MAX_RESULTS = 8
MAX_QUERY_CHARACTERS = 400
"""Of Brave's API."""
MAX_TITLE_CHARACTERS, MAX_SNIPPET_CHARACTERS, MAX_URL_CHARACTERS = 200, 400, 2000
MAX_BYTES = 4 << 20
SEARCH_S = 20.0
BRAVE, TAVILY = "https://api.search.brave.com/res/v1/web/search", "https://api.tavily.com/search"


@dataclass(frozen=True)
class Source:
    """A page that a search found or that was read."""

    title: str
    url: str
    snippet: str = ""

    @property
    def host(self) -> str:
        """Host for display, without ``www.``."""
        return host_of(self.url).rpartition("@")[2].removeprefix("www.")


@dataclass(frozen=True)
class SearchService:
    """A service with its address; ``key`` of those that need one."""

    id: str
    address: str
    key: str = field(default="", repr=False)


def search(service: SearchService, query: str, proxy: str | None, token: CancelToken) -> tuple[Source, ...]:
    """Return what a service finds, at most ``MAX_RESULTS``.

    Raises:
        UserError: ``search_unreachable`` (host, detail), ``search_key_refused`` (host), ``search_refused`` (host,
            status), ``search_json_off`` (host), ``search_answer_wrong`` (host), ``search_too_slow`` (host, seconds).
        Cancelled: ``token`` was cancelled.
    """
    host, url, content = host_of(service.address), service.address, None
    query = " ".join(query.split())[:MAX_QUERY_CHARACTERS]
    headers = {"Accept": "application/json"}
    match service.id:
        case "searxng":
            url = f"{url.rstrip('/')}/search?{urlencode({'q': query, 'format': 'json'}, errors='replace')}"
        case "brave":
            values = {"q": query, "count": MAX_RESULTS, "text_decorations": "false"}
            url = f"{url}?{urlencode(values, errors='replace')}"
            headers["X-Subscription-Token"] = service.key
        case _:
            content = json.dumps({"query": query, "max_results": MAX_RESULTS}).encode()
            headers |= {"Content-Type": "application/json", "Authorization": f"Bearer {service.key}"}
    answer = request(
        url,
        proxy,
        token,
        limit_bytes=MAX_BYTES,
        limit_s=SEARCH_S,
        headers=headers,
        content=content,
        # The key is sent to the service alone.
        follows=service.id == "searxng",
        kind="search",
    )
    if answer.status in (401, 403, 422) and service.id != "searxng":
        raise UserError("search_key_refused", host=host)
    if answer.status == 403:
        raise UserError("search_json_off", host=host)
    if answer.status != 200:
        raise UserError("search_refused", host=host, status=answer.status)
    try:
        found = from_json(answer.body, _Answer)
    except JsonError as error:
        raise UserError("search_answer_wrong", host=host) from error
    entries = (*found.results, *(found.web.results if found.web is not None else ()))
    sources = {each.url: each for each in map(_source, entries) if each is not None}
    return tuple(sources.values())[:MAX_RESULTS]


@dataclass(frozen=True)
class _Entry:
    url: str | None = None
    title: str | None = None
    content: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class _Web:
    results: tuple[_Entry, ...] = ()


@dataclass(frozen=True)
class _Answer:
    """The answers of all services: Brave's results are in ``web``, with other names."""

    results: tuple[_Entry, ...] = ()
    web: _Web | None = None


def _source(entry: _Entry) -> Source | None:
    url = (entry.url or "").strip()
    is_page = split_url(url).scheme in ("http", "https") and bool(split_url(url).hostname)
    if not is_page or len(url) > MAX_URL_CHARACTERS or line(url, MAX_URL_CHARACTERS) != url or " " in url:
        return None
    title = line(entry.title or "", MAX_TITLE_CHARACTERS) or host_of(url)
    return Source(title, url, line(entry.content or entry.description or "", MAX_SNIPPET_CHARACTERS))


def line(text: str, max_characters: int) -> str:
    """Return a text in one line, without control characters, cut to a length."""
    return " ".join(clean_text(text, 2 * max_characters).split())[:max_characters]
