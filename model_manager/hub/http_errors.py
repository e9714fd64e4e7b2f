"""Errors of HTTP responses, and the response headers that matter for downloads.

Pure functions of status codes and headers.  Sources: ``X-Error-Code`` and its values in
``huggingface_hub/utils/_http.py``; ``Retry-After`` in RFC 9110, section 10.2.3; ``Content-Range`` in section 14.4.
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
TRANSIENT_STATUSES = frozenset({408, 425, 429})
"""Besides all from 500 on."""

_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_CONTENT_RANGE = re.compile(r"bytes\s+(?:(\d+)-(\d+)|\*)/(\d+|\*)", re.IGNORECASE)


class TransientError(UserError):
    """Error that a retry may fix.  ``retry_after_s`` is the server's request, None without one."""

    def __init__(self, code: str, *, retry_after_s: float | None = None, **data: object) -> None:
        super().__init__(code, **data)
        self.retry_after_s = retry_after_s


def status_error(status: int, headers: Mapping[str, str], url: str, *, with_token: bool) -> UserError:
    """Return the error for an error status; ``with_token``: the request contained a token.

    Transient: web_busy(host, status), web_failing(host, status).  Others: gated_without_token(repository, host),
    gated_refused(repository, host), repository_missing(repository, host), revision_missing(repository, revision,
    host), published_file_missing(name, repository, host), token_refused(host), web_refused(host, status).
    """
    host = host_of(url)
    code = headers.get("X-Error-Code", "")
    if status in TRANSIENT_STATUSES or status >= 500:
        kind = "web_busy" if status in (429, 503) else "web_failing"
        return TransientError(kind, retry_after_s=retry_after_s(headers.get("Retry-After")), host=host, status=status)
    match = _RESOLVE.fullmatch(unquote(urlsplit(url).path))
    repository, revision, name = match.groups() if match else ("", "", "")
    if code == "GatedRepo":
        return UserError("gated_refused" if with_token else "gated_without_token", repository=repository, host=host)
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
    """Return the seconds of a ``Retry-After`` header (number or date), at most an hour; None for anything else."""
    text = (value or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        # Dates have no fractions: half a second more avoids a retry that is a moment too early.
        seconds = (until - (now or datetime.now(UTC))).total_seconds() + 0.5
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S) if math.isfinite(seconds) else None


def content_range(value: str | None) -> tuple[int, int, int | None] | None:
    """Return first byte, last byte and total (None for ``*``) of a ``Content-Range``; None where it isn't valid."""
    match = _CONTENT_RANGE.fullmatch((value or "").strip())
    if match is None or match[1] is None:
        return None
    return int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3])


def header_number(value: str | None) -> int | None:
    """Return a header's byte count; None where it is missing or isn't a number."""
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def is_web_page(headers: Mapping[str, str]) -> bool:
    """Return whether the body is an HTML page, such as the login page of a captive portal."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
