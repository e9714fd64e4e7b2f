"""HTTP client for one ``Access``: range requests, redirects, and an ``abort`` from other threads.

Redirects are followed here because the token must not reach other hosts, and because a hub announces size and hash of
a file in the headers of its redirect.  Retries are left to the callers.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import re
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access, host_of, is_public_address, split_url

MAX_REDIRECTS = 5
USER_AGENT = "apus-chat"
MAX_RETRY_AFTER_S = 3600.0
TRANSIENT_STATUSES = frozenset({408, 425, 429})
"""Besides all from 500 on."""

_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_CONTENT_RANGE = re.compile(r"bytes\s+(?:(\d+)-(\d+)|\*)/(\d+|\*)", re.IGNORECASE)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_KEEP_ALIVE_S = 30.0
_MAX_DRAINED_BYTES = 64 << 10
_PROXY_REFUSALS = ("401", "403", "404", "405", "407", "Requested ", "Invalid username")
_LOST = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
_READ_BYTES = 256 << 10
_LOG = logging.getLogger(__name__)
_REASONS: dict[type[OSError], str] = {
    socket.gaierror: "name not found",
    ssl.SSLEOFError: "connection reset",
    ssl.SSLError: "no secure connection",
    ConnectionRefusedError: "connection refused",
    ConnectionResetError: "connection reset",
    BrokenPipeError: "connection reset",
    TimeoutError: "no answer",
}
"""In place of the system's descriptions, which are in its own language; the log has those."""
_CERTIFICATE_ERRORS = {
    10: "expired",
    18: "self-signed",
    19: "self-signed",
    20: "unknown issuer",
    21: "unknown issuer",
    62: "for another host",
}
"""By the codes of OpenSSL, ``X509_V_ERR_``."""


def file_url(endpoint: str, repository: str, revision: str, name: str) -> str:
    """Return the URL of a file: ``ENDPOINT/OWNER/REPO/resolve/REVISION/NAME``, quoted."""
    return f"{endpoint.rstrip('/')}/{quote(repository)}/resolve/{quote(revision, safe='')}/{quote(name)}"


class TransientError(UserError):
    """Error that a retry may fix.  ``retry_after_s`` is the server's request, None without one."""

    def __init__(self, code: str, *, retry_after_s: float | None = None, **data: object) -> None:
        super().__init__(code, **data)
        self.retry_after_s = retry_after_s


class HttpClient:
    """Connection pool for one ``Access``, usable by any number of threads.

    Every request may raise ``Cancelled`` after ``abort``; ``TransientError``: web_unreachable(host, detail),
    connection_lost(host, detail), web_silent(host, seconds), proxy_failed(proxy, detail); and ``UserError``:
    tls_failed(host, detail), proxy_failed(proxy, detail) for a refusal by the proxy, web_address_invalid(url),
    redirect_loop(host), web_answer_wrong(host, detail).
    """

    def __init__(
        self,
        access: Access,
        *,
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 15.0,
        public_only: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``tls`` checks certificates in place of the system's authorities.

        With ``public_only`` requests to this computer and private networks raise web_address_private(host).

        What a name resolves to is checked before each request, and the address of the connection before anything is
        sent to it.  Behind a proxy, which resolves names itself, only the first is possible.
        Raises ``UserError``: proxy_failed(proxy, detail) for an invalid proxy address.
        """
        self.access = access
        self._public_only = public_only
        self._read_timeout_s = read_timeout_s
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._aborted = False
        self._closed = False
        self._active = 0
        if access.proxy and not _is_address(access.proxy, _PROXY_SCHEMES):
            raise UserError("proxy_failed", proxy=_without_password(access.proxy), detail="not an address")
        try:
            self._client = httpx2.Client(
                verify=tls or True,
                proxy=access.proxy or None,
                trust_env=access.proxy is None,
                timeout=httpx2.Timeout(read_timeout_s, connect=connect_timeout_s, pool=None),
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=16, keepalive_expiry=_KEEP_ALIVE_S
                ),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            )
        except (ValueError, httpx2.InvalidURL, ImportError, OSError) as error:
            proxy = _without_password(access.proxy or " ".join(getproxies().values()))
            raise UserError("proxy_failed", proxy=proxy, detail=str(error)) from error

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        max_redirects: int = 0,
        on_response: Callable[[HttpResponse], None] | None = None,
    ) -> HttpResponse:
        """Send a GET request; return the response with whatever status, after at most ``max_redirects`` redirects.

        ``on_response`` gets each response before its body is read, redirects too, and may raise.
        """
        for _ in range(max_redirects + 1):
            response = self._send("GET", url, headers or {})
            try:
                if on_response is not None:
                    on_response(response)
                if response.status not in _REDIRECTS or not max_redirects:
                    return response
                location = response.headers.get("Location")
                if not location:
                    detail = f"{response.status} without Location"
                    raise UserError("web_answer_wrong", host=host_of(url), detail=detail)
                response.drain()
            except BaseException:
                response.close()
                raise
            try:
                url = urljoin(url, location)
            except ValueError as error:
                raise UserError("web_address_invalid", url=location) from error
        raise UserError("redirect_loop", host=host_of(url))

    def get_range(
        self, url: str, start: int, length: int, on_response: Callable[[HttpResponse], None] | None = None
    ) -> HttpResponse:
        """Request ``length`` bytes from ``start`` on; return the response as ``get`` does, after redirects."""
        headers = {"Range": f"bytes={start}-{start + length - 1}"}
        return self.get(url, headers, max_redirects=MAX_REDIRECTS, on_response=on_response)

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> HttpResponse:
        """Send a POST request; return the response with whatever status.  Redirects are not followed."""
        return self._send("POST", url, headers, content)

    def abort(self) -> None:
        """End all requests at once, also those waiting for data; they raise ``Cancelled``, as do later ones."""
        with self._lock:
            self._aborted = True
            sockets = list(self._sockets)
        for each in sockets:
            _shut_down(each)

    def close(self) -> None:
        """Close the connections, those of active requests once their response is closed."""
        self._closed = True
        self._count_active(0)

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> HttpResponse:
        if not _is_address(url, ("http", "https")):
            raise UserError("web_address_invalid", url=url)
        if self._public_only:
            _check_public(url)
        if token := self.access.token_for(url):
            headers = {**headers, "Authorization": f"Bearer {token}"}
        self._count_active(1)
        try:
            return HttpResponse(self, url, self._attempt(method, url, headers, content))
        except BaseException:
            self._count_active(-1)
            raise

    def _attempt(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> httpx2.Response:
        for is_last_attempt in (False, True):
            opened: list[Any] = []
            trace = partial(self._trace, opened, self._public_only and not self._proxy_for(url))
            try:
                request = self._client.build_request(
                    method,
                    url,
                    headers=headers,
                    content=content,
                    extensions={"trace": trace},
                )
                return self._client.send(request, stream=True)
            except Exception as error:
                for stream in opened:
                    # The library keeps the connection open after a refusal by the proxy.
                    with contextlib.suppress(OSError):
                        stream.close()
                if isinstance(error, UserError):
                    raise
                # A kept connection that the server has closed fails only when it is used.
                if isinstance(error, _LOST) and not is_last_attempt and not self._aborted:
                    continue
                raise self.translate(error, url) from error
        raise AssertionError("unreachable")

    def _count_active(self, change: int) -> None:
        with self._lock:
            self._active += change
            is_unused = self._closed and self._active == 0
        if is_unused:
            # Not earlier: the descriptor of a socket that is being read could be reused for another file.
            self._client.close()

    def _trace(self, opened: list[Any], is_checked: bool, event: str, info: Mapping[str, Any]) -> None:
        """Register every new socket; called by the library at each step of a request."""
        stream: Any = info.get("return_value")
        if hasattr(stream, "start_tls"):
            opened.append(stream)
            with self._lock:
                self._sockets.add(stream.get_extra_info("socket"))
            if self._aborted:
                stream.close()
                raise Cancelled
            # The name may have resolved to another address than before.
            if is_checked and not is_public_address(address := stream.get_extra_info("server_addr")[0]):
                raise UserError("web_address_private", host=address)
        # Not at other steps: a response must be able to close its connection.
        if self._aborted and event.endswith(("connect_tcp.started", "send_request_headers.started")):
            raise Cancelled

    def translate(self, error: Exception, url: str) -> Exception:
        """Return the error of this module for an exception of the library; ``Cancelled`` after ``abort``."""
        if self._aborted:
            return Cancelled()
        host, detail, proxy = host_of(url), str(error) or type(error).__name__, self._proxy_for(url)
        _LOG.info("%s: %s", host, detail)
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                detail = _CERTIFICATE_ERRORS.get(cause.verify_code) or cause.verify_message or str(cause)
                return UserError("tls_failed", host=host, detail=detail)
        if isinstance(error, httpx2.ProxyError):
            is_refusal = detail.startswith(_PROXY_REFUSALS)
            return (UserError if is_refusal else TransientError)("proxy_failed", proxy=proxy, detail=detail)
        if isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout):
            return TransientError("web_silent", host=host, seconds=self._read_timeout_s)
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            detail = "no answer" if isinstance(error, httpx2.ConnectTimeout) else _reason(error) or detail
            if proxy:
                return TransientError("proxy_failed", proxy=proxy, detail=detail)
            return TransientError("web_unreachable", host=host, detail=detail)
        if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol | ValueError):
            return UserError("web_address_invalid", url=url)
        if isinstance(error, httpx2.HTTPError | httpx2.StreamError):
            ended = "the response ended early" if isinstance(error, httpx2.RemoteProtocolError) else ""
            return TransientError("connection_lost", host=host, detail=_reason(error) or ended or detail)
        # The library passes on whatever happens where the proxy doesn't speak SOCKS.
        return UserError("proxy_failed", proxy=proxy, detail=detail) if proxy else error

    def _proxy_for(self, url: str) -> str:
        """Return the address of the proxy used for ``url``, as far as known; empty without one."""
        if self.access.proxy is not None:
            return _without_password(self.access.proxy)
        split = split_url(url)
        proxies = getproxies()
        with contextlib.suppress(OSError):
            if proxy_bypass(split.netloc):
                return ""
        return _without_password(proxies.get(split.scheme) or proxies.get("all") or "")


class HttpResponse:
    """Response with an unread body, for use as a context manager.

    ``url`` is the address that answered, after redirects; ``headers`` ignore case.
    """

    def __init__(self, client: HttpClient, url: str, response: httpx2.Response) -> None:
        self.url = url
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.with_token = "Authorization" in response.request.headers
        self._client = client
        self._response = response
        self._is_closed = False

    def check_range(self, start: int, length: int, total: int | None = None) -> bool:
        """Check the response to a range request; return whether the body is that range, false for the whole file.

        Raises ``UserError``: captive_portal(host), published_size_differs(host, bytes, expected_bytes) where the file
        isn't ``total`` bytes long, web_answer_wrong(host, detail); and as ``status_error``.
        """
        host = host_of(self.url)
        if self.status not in (200, 206, 416):
            raise status_error(self.status, self.headers, self.url, with_token=self.with_token)
        if self.status != 416 and is_web_page(self.headers):
            raise UserError("captive_portal", host=host)
        if self.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UserError("web_answer_wrong", host=host, detail="compressed")
        received = content_range(self.headers.get("Content-Range"))
        if self.status == 200:
            size = header_number(self.headers.get("Content-Length"))
        elif self.status == 416:
            size = header_number((self.headers.get("Content-Range") or "").rpartition("/")[2]) or 0
            total = total or start + length
        else:
            size = received[2] if received else None
        if self.status == 416 or (total is not None and size not in (None, total)):
            raise UserError("published_size_differs", host=host, bytes=size, expected_bytes=total)
        if self.status == 206 and (received is None or received[:2] != (start, start + length - 1)):
            detail = f"{self.headers.get('Content-Range')} for bytes {start}-{start + length - 1}"
            raise UserError("web_answer_wrong", host=host, detail=detail)
        return self.status == 206

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives, up to 256 KiB at a time.  Raises as ``HttpClient``."""
        try:
            yield from self._response.iter_raw()
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise self._client.translate(error, self.url) from error
        if self._client._aborted:
            # A body without a length just ends.
            raise Cancelled

    def read(self, limit: int) -> bytes:
        """Return at most ``limit`` bytes of the body."""
        content = bytearray()
        for chunk in self.chunks():
            content += chunk
            # One chunk beyond the limit: a body that was read to its end allows the connection to be reused.
            if len(content) > limit:
                break
        return bytes(content[:limit])

    def drain(self) -> None:
        """Read a short body to its end, so that the connection can be reused, and close."""
        with self, contextlib.suppress(TransientError):
            self.read(_MAX_DRAINED_BYTES)

    def shut_down(self) -> None:
        """End the body from another thread: reading it raises connection_lost."""
        stream = self._response.extensions.get("network_stream")
        if stream is not None:
            _shut_down(stream.get_extra_info("socket"))

    def close(self) -> None:
        """Close the response; the connection is kept where the body was read to its end."""
        if not self._is_closed:
            self._is_closed = True
            with contextlib.suppress(httpx2.HTTPError, OSError):
                self._response.close()
            self._client._count_active(-1)

    def __enter__(self) -> HttpResponse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# Status codes and headers.  Sources: ``X-Error-Code`` and its values in ``huggingface_hub/utils/_http.py``;
# ``Retry-After`` in RFC 9110, section 10.2.3; ``Content-Range`` in section 14.4.


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
    match = _RESOLVE.fullmatch(unquote(split_url(url).path))
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


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        split = urlsplit(url)
        return split.scheme in schemes and bool(split.hostname) and (split.port is None or split.port > 0)
    except ValueError:
        return False


def _check_public(url: str) -> None:
    split = split_url(url)
    try:
        found = socket.getaddrinfo(split.hostname, split.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TransientError("web_unreachable", host=host_of(url), detail="name not found") from error
    if not all(is_public_address(str(address[0])) for *_, address in found):
        raise UserError("web_address_private", host=host_of(url))


def _shut_down(connection: socket.socket | None) -> None:
    if connection is not None:
        # Closing a descriptor doesn't wake a thread in recv; shutting the connection down does.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _reason(error: BaseException) -> str:
    """Return why a connection failed, in words that ``app.messages`` translates; empty where no system error did it."""
    cause = next((each for each in _causes(error) if isinstance(each, OSError)), None)
    if cause is None:
        return ""
    for kind, reason in _REASONS.items():
        if isinstance(cause, kind):
            return reason
    is_unreachable = cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
    return "network unreachable" if is_unreachable else cause.strerror or ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _without_password(proxy: str) -> str:
    """Return ``scheme://host:port`` of a proxy's address, for messages."""
    if not proxy:
        return ""
    try:
        split = urlsplit(proxy)
        host = split.hostname or ""
        return f"{split.scheme}://{host}:{split.port}" if split.port else f"{split.scheme}://{host}"
    except ValueError:
        return "?"


_read_parsed_body = httpcore2.HTTP11Connection._receive_response_body


def _read_body(connection: Any, request: httpcore2.Request) -> Iterator[bytes]:
    """Yield a body.  One of known length is read from the connection itself, and the parser only counts its bytes.

    The parser copies each chunk five times, which on fast networks takes as much processor time as the hash.
    """
    parser, timeout = connection._h11_state, request.extensions.get("timeout", {}).get("read")
    reader = parser._reader
    if getattr(reader, "_remaining", 0) and parser._receive_buffer:
        # Received together with the headers.
        yield bytes(parser.next_event().data)
    while size := min(_READ_BYTES, getattr(reader, "_remaining", 0)):
        data = connection._network_stream.read(size, timeout=timeout)
        if not data:
            break
        reader._remaining -= len(data)
        yield data
    # The end or its absence, and bodies of unknown length.
    yield from _read_parsed_body(connection, request)


httpcore2.HTTP11Connection._receive_response_body = _read_body  # type: ignore[method-assign, assignment]
