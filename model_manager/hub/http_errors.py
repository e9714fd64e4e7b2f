"""What can go wrong on the way to a hub, told apart: what may pass by itself, and what only a person can mend.

Pure functions over status codes and headers: which library fetches the bytes is ``web``'s business, and how long one
waits for what may pass the callers'.

Source of the headers ``X-Error-Code`` and their values: ``huggingface_hub/utils/_http.py`` of huggingface_hub; of
``Retry-After``: RFC 9110, section 10.2.3; of ``Content-Range``: section 14.4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

from model_manager.errors import UserError
from model_manager.hub.access import host_of

MAX_RETRY_AFTER_S = 3600.0
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 525, 527, 530})

_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_CONTENT_RANGE = re.compile(r"bytes\s+(?:(\d+)-(\d+)|\*)/(\d+|\*)", re.IGNORECASE)


class TransientError(UserError):
    """Trouble that may be over when the same thing is tried again.

    ``retry_after_s`` is what the server asked for, None where it asked for nothing.
    """

    def __init__(self, code: str, *, retry_after_s: float | None = None, **data: object) -> None:
        super().__init__(code, **data)
        self.retry_after_s = retry_after_s


def status_error(status: int, headers: Mapping[str, str], url: str, *, with_token: bool) -> UserError:
    """The error for an answer that is no file; ``with_token`` tells whether the request showed a token.

    Transient: web_busy(host, status), web_failing(host, status).  Else: gated_without_token(repository, host),
    gated_refused(repository, host), repository_missing(repository, host), revision_missing(repository, revision,
    host), published_file_missing(name, repository, host), token_refused(host), web_refused(host, status).
    """
    host = host_of(url)
    code = headers.get("X-Error-Code", "")
    if status in PASSING_STATUSES or status >= 500:
        kind = "web_busy" if status in (429, 503) else "web_failing"
        return TransientError(kind, retry_after_s=retry_after_s(headers.get("Retry-After")), host=host, status=status)
    match = _RESOLVE.fullmatch(unquote(urlsplit(url).path))
    repository, revision, name = match.groups() if match else ("", "", "")
    if code == "GatedRepo":
        kind = "gated_refused" if with_token else "gated_without_token"
        return UserError(kind, repository=repository, host=host)
    if code == "RepoNotFound":
        return UserError("repository_missing", repository=repository, host=host)
    if code == "RevisionNotFound":
        return UserError("revision_missing", repository=repository, revision=revision, host=host)
    if match and (code == "EntryNotFound" or status in (404, 410)):
        return UserError("published_file_missing", name=name, repository=repository, host=host)
    if status == 401 and with_token:
        return UserError("token_refused", host=host)
    return UserError("web_refused", host=host, status=status)


def retry_after_s(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a ``Retry-After`` asks for, in either of its forms; at most an hour, None where it says nothing."""
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        # A date has no fractions: half a second more is better than coming a moment too early.
        seconds = (until - (now or datetime.now(UTC))).total_seconds() + 0.5
    if not math.isfinite(seconds):
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)


def content_range(value: str | None) -> tuple[int, int, int | None] | None:
    """First byte, last byte and total of a ``Content-Range``; None where it is none.  A total of ``*`` is None."""
    match = _CONTENT_RANGE.fullmatch((value or "").strip())
    if match is None or match[1] is None:
        return None
    return int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3])


def whole_number(value: str | None) -> int | None:
    """A header's number of bytes; None where it is not there or none."""
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def is_web_page(headers: Mapping[str, str]) -> bool:
    """Whether the body is a page for people, as a captive portal answers every question."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
