"""One bounded HTTP request to a search service or a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model_manager.cancellation import CancelToken, start_timer
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access, host_of, is_private_network
from model_manager.hub.http import MAX_REDIRECTS, HttpClient

CONNECT_S, SILENCE_S = 10.0, 15.0
_CODES = {
    "web_unreachable": "unreachable",
    "connection_lost": "unreachable",
    "tls_failed": "unreachable",
    "redirect_loop": "unreachable",
    "web_answer_wrong": "unreachable",
    "web_silent": "too_slow",
}
"""Ends of the codes of errors, by those of ``HttpClient``; their beginning is the kind of request."""


@dataclass(frozen=True)
class Answer:
    """A response with its whole body."""

    url: str
    """After redirects."""
    status: int
    headers: Mapping[str, str]
    body: bytes


def request(
    url: str,
    proxy: str | None,
    token: CancelToken,
    *,
    limit_bytes: int,
    limit_s: float,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    follows: bool = True,
    public_only: bool = False,
    kind: str,
) -> Answer:
    """Return the response to a GET, or to a POST of ``content``.

    ``limit_s`` is for all of it, ``follows`` whether redirects are followed.  ``public_only`` as in ``HttpClient``, and
    ``proxy`` as in ``Access``, not used in a private network.

    Raises:
        UserError: ``KIND_unreachable`` (host, detail), ``KIND_too_slow`` (host, seconds), ``KIND_too_large`` (host,
            limit_bytes), ``proxy_failed`` (proxy, detail), ``web_address_invalid`` (url), ``web_address_private``
            (host).
        Cancelled: ``token`` was cancelled.
    """
    host = host_of(url)
    access = Access(proxy="" if is_private_network(url) else proxy)
    with HttpClient(access, connect_timeout_s=CONNECT_S, read_timeout_s=SILENCE_S, public_only=public_only) as client:
        # A server can send a little now and then for ever.
        timer = start_timer(limit_s, client.abort)
        try:
            with token.on_cancel(client.abort):
                if content is not None:
                    response = client.post(url, content, headers or {})
                else:
                    response = client.get(url, headers, max_redirects=MAX_REDIRECTS if follows else 0)
                with response:
                    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                        raise UserError(f"{kind}_unreachable", host=host, detail="compressed")
                    body = response.read(limit_bytes + 1)
        except Cancelled:
            token.raise_if_cancelled()
            raise UserError(f"{kind}_too_slow", host=host, seconds=round(limit_s)) from None
        except UserError as error:
            if error.code not in _CODES:
                raise
            code = f"{kind}_{_CODES[error.code]}"
            if code.endswith("too_slow"):
                raise UserError(code, host=host, seconds=round(SILENCE_S)) from error
            detail = error.data.get("detail") or "too many redirects"
            raise UserError(code, host=host, detail=detail) from error
        finally:
            timer.cancel()
    if len(body) > limit_bytes:
        raise UserError(f"{kind}_too_large", host=host, limit_bytes=limit_bytes)
    return Answer(response.url, response.status, response.headers, body)
