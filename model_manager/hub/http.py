"""The door to HTTP: one connection pool for one way to the network, byte ranges, redirects followed by hand.

Redirects are followed here because the token may not go along and because what a hub says on the way (the size and the
hash of the file that it will send) is worth reading.  What the bytes mean, and when a failure is tried again, is left
to the callers.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.http_body import FastBody
from model_manager.hub.http_errors import TransientError, content_range, is_web_page, status_error, whole_number

MAX_REDIRECTS = 5
MAX_SMALL_BODY = 64 << 10
USER_AGENT = "apus-chat"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_KEEP_ALIVE_S = 30.0
_FINAL_PROXY_ANSWERS = ("401", "403", "404", "405", "407", "Requested ", "Invalid username")


@runtime_checkable
class _Stream(Protocol):
    """A connection as the library hands it to ``trace``."""

    def get_extra_info(self, info: str) -> Any:
        """Its socket, among other things."""

    def start_tls(self, *arguments: Any, **named: Any) -> Any:
        """Tells a connection from everything else that is handed over."""

    def close(self) -> None:
        """Close the socket."""


def file_url(endpoint: str, repository: str, revision: str, name: str) -> str:
    """Where an endpoint serves a file: ``ENDPOINT/OWNER/REPO/resolve/REVISION/NAME``, quoted."""
    return f"{endpoint.rstrip('/')}/{quote(repository)}/resolve/{quote(revision, safe='')}/{quote(name)}"


class Web:
    """A pool of connections for one ``Access``.  Any number of threads may use it at once.

    Every method that goes to the network may raise ``Cancelled`` once ``abort`` was called; ``TransientError``:
    web_unreachable(host, detail), connection_lost(host, detail), web_silent(host, seconds), proxy_failed(proxy,
    detail); and ``UserError``: tls_failed(host, detail), proxy_failed(proxy, detail) where the proxy itself refuses,
    web_address_invalid(url), redirect_loop(host), web_answer_wrong(host, detail).
    """

    def __init__(self, access: Access, *, connect_timeout_s: float = 10.0, read_timeout_s: float = 15.0) -> None:
        """Raises ``UserError``: proxy_failed(proxy, detail) where the proxy's address cannot be one."""
        self.access = access
        self._read_timeout_s = read_timeout_s
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._aborted = False
        timeout = httpx2.Timeout(read_timeout_s, connect=connect_timeout_s, pool=None)
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=16, keepalive_expiry=_KEEP_ALIVE_S)
        if access.proxy and not _is_address(access.proxy, _PROXY_SCHEMES):
            raise UserError("proxy_failed", proxy=_without_password(access.proxy), detail="not an address")
        try:
            self._client = httpx2.Client(
                proxy=access.proxy or None,
                trust_env=access.proxy is None,
                timeout=timeout,
                limits=limits,
                follow_redirects=False,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            )
        except (ValueError, httpx2.InvalidURL, ImportError, OSError) as error:
            proxy = _without_password(access.proxy or " ".join(getproxies().values()))
            raise UserError("proxy_failed", proxy=proxy, detail=str(error)) from error

    def open(self, url: str, start: int, length: int, on_answer: Callable[[Reply], None] | None = None) -> Reply:
        """Ask for ``length`` bytes from ``start`` on; the answer, whatever its status, after all redirects.

        ``on_answer`` sees each answer on the way and the last one, before its body is read, and may raise.
        """
        for _ in range(MAX_REDIRECTS + 1):
            reply = self._ask(url, {"Range": f"bytes={start}-{start + length - 1}"})
            try:
                if on_answer is not None:
                    on_answer(reply)
                if reply.status not in _REDIRECTS:
                    return reply
                place = reply.headers.get("Location")
                if not place:
                    raise UserError("web_answer_wrong", host=host_of(url), detail=f"{reply.status} without a place")
                reply.drain()
            except BaseException:
                reply.close()
                raise
            try:
                url = urljoin(url, place)
            except ValueError as error:
                raise UserError("web_address_invalid", url=place) from error
        raise UserError("redirect_loop", host=host_of(url))

    def read_range(self, url: str, start: int, length: int) -> bytes:
        """``length`` bytes of a file from ``start`` on, over redirects; for what fits into memory.

        Raises as the class says and as ``status_error`` and ``Reply.check_range`` do.
        """
        with self.open(url, start, length) as reply:
            skipped = 0 if reply.check_range(start, length) else start
            content = reply.read(skipped + length)
        if len(content) != skipped + length:
            raise TransientError("connection_lost", host=host_of(reply.url), detail=f"{len(content)} bytes came")
        return content[skipped:]

    def get(
        self, url: str, limit: int, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """A small thing as a whole, no redirects: status, headers and at most ``limit`` bytes of the body."""
        with self._ask(url, dict(headers or {})) as reply:
            return reply.status, reply.headers, reply.read(limit)

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        """Send ``content``; the answer, whatever its status, no redirects.  The token is not shown."""
        return self._ask(url, dict(headers), content)

    def abort(self) -> None:
        """End every request at once, also those that wait for a silent server; all of them raise ``Cancelled``."""
        with self._lock:
            self._aborted = True
            sockets = list(self._sockets)
        for each in sockets:
            _shut_down(each)

    def close(self) -> None:
        """Give the idle connections back.  Not while requests are running."""
        self._client.close()

    def _ask(self, url: str, headers: dict[str, str], content: bytes | None = None) -> Reply:
        _check_address(url)
        method = "GET" if content is None else "POST"
        token = self.access.token_for(url)
        if token:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        for last_try in (False, True):
            made: list[_Stream] = []
            try:
                extensions = {"trace": partial(self._watch, made)}
                request = self._client.build_request(
                    method, url, headers=headers, content=content, extensions=extensions
                )
                response = self._client.send(request, stream=True)
                return Reply(self, url, response, with_token=bool(token))
            except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError) as error:
                _close_all(made)
                # A kept connection that the server closed just now shows only when it is used.
                if last_try or self._aborted:
                    raise self.told(error, url) from error
            except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
                _close_all(made)
                raise self.told(error, url) from error
            except Exception as error:
                _close_all(made)
                proxy = self._proxy_for(url)
                if not proxy:
                    raise
                # What answers there speaks no SOCKS: the library is not prepared for that.
                raise UserError("proxy_failed", proxy=proxy, detail=str(error) or type(error).__name__) from error
        raise AssertionError("unreachable")

    def _watch(self, made: list[_Stream], event: str, info: Mapping[str, Any]) -> None:
        """Remember every socket from its beginning on; called by the library at each step of a request."""
        stream = info.get("return_value")
        if isinstance(stream, _Stream):
            made.append(stream)
            connection = stream.get_extra_info("socket")
            with self._lock:
                self._sockets.add(connection)
            if self._aborted:
                stream.close()
                raise Cancelled
        # Not at other steps: a response must be able to close its connection.
        if self._aborted and event.endswith(("connect_tcp.started", "send_request_headers.started")):
            raise Cancelled

    def told(self, error: Exception, url: str) -> UserError | Cancelled:
        """What a person is told about an error of the library."""
        host, detail = host_of(url), str(error) or type(error).__name__
        if self._aborted:
            return Cancelled()
        certificate = _cause(error, ssl.SSLCertVerificationError)
        if certificate is not None:
            return UserError("tls_failed", host=host, detail=certificate.verify_message or str(certificate))
        proxy = self._proxy_for(url)
        if isinstance(error, httpx2.ProxyError):
            final = detail.startswith(_FINAL_PROXY_ANSWERS)
            return (UserError if final else TransientError)("proxy_failed", proxy=proxy, detail=detail)
        if isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout | httpcore2.ReadTimeout):
            return TransientError("web_silent", host=host, seconds=self._read_timeout_s)
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            detail = _plain_detail(error)
            if proxy:
                return TransientError("proxy_failed", proxy=proxy, detail=detail)
            return TransientError("web_unreachable", host=host, detail=detail)
        if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol | ValueError):
            return UserError("web_address_invalid", url=url)
        return TransientError("connection_lost", host=host, detail=detail)

    def _proxy_for(self, url: str) -> str:
        """The proxy between us and ``url``, as far as one can know; empty where there is none."""
        if self.access.proxy is not None:
            return _without_password(self.access.proxy)
        split = urlsplit(url)
        proxies = getproxies()
        proxy = proxies.get(split.scheme) or proxies.get("all") or ""
        with contextlib.suppress(OSError):
            if proxy and proxy_bypass(split.netloc):
                return ""
        return _without_password(proxy)


class Reply:
    """An answer whose body is still to be read.  ``url`` is the one that answered, ``headers`` know no case."""

    def __init__(self, web: Web, url: str, response: httpx2.Response, *, with_token: bool) -> None:
        self.url = url
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.with_token = with_token
        self._web = web
        self._response = response

    def check_range(self, start: int, length: int, total: int | None = None) -> bool:
        """Whether the body is exactly the range that was asked for; false where it is the whole file.

        Raises ``UserError``: captive_portal(host), published_size_differs(host, bytes, expected_bytes) where ``total``
        is known and another, web_answer_wrong(host, detail); and as ``status_error``.
        """
        host = host_of(self.url)
        if self.status not in (200, 206, 416):
            raise status_error(self.status, self.headers, self.url, with_token=self.with_token)
        if self.status != 416 and is_web_page(self.headers):
            raise UserError("captive_portal", host=host)
        if self.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UserError("web_answer_wrong", host=host, detail="a packed body")
        size = whole_number(self.headers.get("Content-Length"))
        if self.status == 200:
            if total is not None and size is not None and size != total:
                raise UserError("published_size_differs", host=host, bytes=size, expected_bytes=total)
            return False
        if self.status == 416:
            there = (self.headers.get("Content-Range") or "").rpartition("/")[2]
            raise UserError(
                "published_size_differs",
                host=host,
                bytes=whole_number(there) or 0,
                expected_bytes=total or start + length,
            )
        got = content_range(self.headers.get("Content-Range"))
        if got is not None and total is not None and got[2] not in (None, total):
            raise UserError("published_size_differs", host=host, bytes=got[2], expected_bytes=total)
        if got is None or got[:2] != (start, start + length - 1):
            asked = f"bytes {start}-{start + length - 1}"
            raise UserError("web_answer_wrong", host=host, detail=f"{self.headers.get('Content-Range')} for {asked}")
        return True

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, in pieces of up to 256 KiB.  Raises as ``Web`` says."""
        fast = FastBody(self._response)
        # Kept until the end: the library closes the connection when its iterator goes.
        body = self._response.iter_raw()
        try:
            for chunk in body:
                yield chunk
                if fast.may_begin(chunk):
                    yield from fast.rest()
                    if fast.left:
                        raise httpx2.RemoteProtocolError("the answer ended early")
                    return
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpx2.HTTPError, httpx2.StreamError) as error:
            raise self._web.told(error, self.url) from error
        finally:
            fast.end()

    def read(self, limit: int) -> bytes:
        """The body, at most ``limit`` bytes of it."""
        content = bytearray()
        for chunk in self.chunks():
            content += chunk
            # At the limit one look further: a body that was read to its end leaves the connection in use.
            if len(content) > limit:
                break
        return bytes(content[:limit])

    def drain(self) -> None:
        """Read a small body to its end, so that the connection serves again."""
        with contextlib.suppress(TransientError):
            self.read(MAX_SMALL_BODY)
        self.close()

    def shut_down(self) -> None:
        """End the body from another thread: whoever reads it gets connection_lost at once."""
        stream = self._response.extensions.get("network_stream")
        if stream is not None:
            _shut_down(stream.get_extra_info("socket"))

    def close(self) -> None:
        """Done with it; a connection whose body was read to its end is kept."""
        with contextlib.suppress(httpx2.HTTPError, OSError):
            self._response.close()

    def __enter__(self) -> Reply:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _close_all(streams: list[_Stream]) -> None:
    """The library leaves a connection open where its proxy refused."""
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.close()


def _check_address(url: str) -> None:
    if not _is_address(url, ("http", "https")):
        raise UserError("web_address_invalid", url=url)


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        split = urlsplit(url)
        return split.scheme in schemes and bool(split.hostname) and (split.port is None or split.port > 0)
    except ValueError:
        return False


def _shut_down(connection: socket.socket | None) -> None:
    if connection is not None:
        # Closing a descriptor does not wake who waits in recv; shutting the connection down does.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _cause(error: BaseException, kind: type[ssl.SSLCertVerificationError]) -> ssl.SSLCertVerificationError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _plain_detail(error: Exception) -> str:
    if isinstance(error, httpx2.ConnectTimeout):
        return "no answer"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return str(error) or type(error).__name__


def _without_password(proxy: str) -> str:
    """``scheme://host:port`` of a proxy's address, for people to read."""
    if not proxy:
        return ""
    try:
        split = urlsplit(proxy)
        host = split.hostname or ""
        return f"{split.scheme}://{host}:{split.port}" if split.port else f"{split.scheme}://{host}"
    except ValueError:
        return "?"
