"""HTTP client of one server: list of models, token counts and streamed answers; and addresses of servers."""

from __future__ import annotations

import collections
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.config.pinned_key import pinned_context, split_key
from app.servers import protocol
from app.servers.protocol import Delta, ProtocolError, ServedModel, StreamError
from model_manager.cancellation import start_timer
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access, is_private_network, split_url
from model_manager.hub.http import HttpClient, HttpResponse, is_web_page, retry_after_s

MAX_BODY = 4 << 20
CONNECT_S = 10.0
FIRST_TOKEN_S = 600.0
"""Time limit for the first token; processing a long prompt can take minutes."""
SHORT_S, PROBE_S = 15.0, 2.0
LAST_EVENTS_S, DRAIN_S = 3.0, 0.5
"""Time limits for figures and ``[DONE]`` after the end of an answer, and for the end of the response after that."""
_SERVER_ERRORS = {
    "web_unreachable": "server_unreachable",
    "web_silent": "server_silent",
    "connection_lost": "server_lost",
    "web_answer_wrong": "server_not_an_api",
    "redirect_loop": "server_not_an_api",
    "web_address_invalid": "server_address_invalid",
}
"""Codes of errors by those of ``HttpClient``."""


def api_base(text: str, key: str = "") -> str:
    """Normalise an address typed by the user to the base URL of the API.

    ``localhost:8000`` becomes ``http://localhost:8000/v1``, ``api.example.com`` becomes
    ``https://api.example.com/v1``; another path is kept.  With a key that names a certificate, HTTP becomes HTTPS.

    Raises:
        UserError: ``server_address_invalid`` (url).
    """
    text = text.strip()
    if text.partition("://")[2].strip("/") == "" and "://" in text:
        raise UserError("server_address_invalid", url=text)
    text = text.rstrip("/")
    for tail in ("/chat/completions", "/completions", "/models"):
        text = text.removesuffix(tail)
    if "://" not in text:
        text = f"{'http' if is_private_network(f'http://{text}') else 'https'}://{text}"
    try:
        split = urlsplit(text)
        _ = split.port  # raises ValueError if it is not a number
    except ValueError as error:
        raise UserError("server_address_invalid", url=text) from error
    is_address = split.scheme in ("http", "https") and bool(split.hostname) and split.username is None
    if not is_address or any(character.isspace() for character in text):
        raise UserError("server_address_invalid", url=text)
    return encrypted_url(text if split.path.strip("/") else f"{text}/v1", key)


def encrypted_url(url: str, key: str) -> str:
    """Return the URL with HTTPS where the key names a certificate: such a key is never sent unencrypted."""
    return split_url(url)._replace(scheme="https").geturl() if split_key(key)[1] else url


def is_unencrypted(url: str) -> bool:
    """Return whether messages and key are sent over a network in plain HTTP."""
    split = split_url(url)
    host = split.hostname or ""
    try:
        is_loopback = host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    return split.scheme == "http" and not is_loopback


@dataclass
class ServerKnowledge:
    """What the answers of a server have taught about it, for all its clients."""

    models: tuple[ServedModel, ...] | None = None
    """Its models, once they were listed."""
    rejected: set[str] = field(default_factory=set)
    """Request fields that it rejects."""
    guessed_context: dict[str, int] = field(default_factory=dict)
    """Context in tokens by model, estimated from rejected requests."""
    without_pictures: set[str] = field(default_factory=set)
    """Models that refused a request because of its pictures."""


class ServerClient:
    """One server with its API key, kept between answers.  For one thread at a time, except ``stop``.

    As a context manager it is in use, and ready for the next answer at the end.

    Redirects are not followed, so the key is sent to this server only.
    All methods raise Cancelled after ``stop``, and UserError: ``server_unreachable`` (host, detail),
    ``server_silent`` (host, seconds), ``server_lost`` (host), ``tls_failed`` (host, detail), ``server_not_verified``
    (host) where the server hasn't the certificate that the key names, ``server_self_signed`` (host) where the key names
    none, ``server_encrypted`` (host) for HTTP to a server with TLS, ``proxy_failed`` (proxy, detail),
    ``server_key_missing`` or ``server_key_refused`` (host), ``server_not_an_api`` (url, detail), ``server_busy`` (host,
    wait), ``server_failing`` (host, status, detail), ``server_refused`` (host, status, detail).
    """

    def __init__(
        self, url: str, key: str = "", proxy: str | None = None, knowledge: ServerKnowledge | None = None
    ) -> None:
        """``url`` is the base URL of the API; ``proxy`` as in ``Access``, not used in a private network."""
        self.url = encrypted_url(url.rstrip("/"), key)
        self.host = split_url(url).netloc
        self._key = key
        self._pin = split_key(key)[1]
        self.proxy = proxy
        """The proxy given to the constructor."""
        self.knowledge = knowledge or ServerKnowledge()
        self.is_in_use = False
        self._lock = threading.Lock()
        self._clients: dict[float, HttpClient] = {}
        self._stopped = False

    def models(self, silence_s: float = SHORT_S) -> tuple[ServedModel, ...]:
        """List the models of the server, which may take ``silence_s`` to answer."""
        path, more_headers = protocol.models_request(self.url, self._key)
        try:
            with self._client(silence_s).get(f"{self.url}{path}", {**self._headers(), **more_headers}) as reply:
                status, headers, body = reply.status, reply.headers, reply.read(MAX_BODY)
        except UserError as error:
            raise self._request_error(error) from error
        if status != 200 or is_web_page(headers):
            raise self._status_error(status, headers, body)
        try:
            return protocol.served_models(body, self.url)
        except ProtocolError as error:
            raise self._not_an_api(error) from error

    def token_count(self, name: str, messages: list[dict[str, str]]) -> int | None:
        """Count the tokens of a conversation with the server's template (vLLM's ``/tokenize``); None if unsupported."""
        root = self.url.removesuffix("/v1")
        body = json.dumps({"model": name, "messages": messages, "add_generation_prompt": True}).encode()
        try:
            with self._client(SHORT_S).post(f"{root}/tokenize", body, self._headers()) as reply:
                content = reply.read(MAX_BODY) if reply.status == 200 else b"{}"
            return protocol.token_count(content)
        except (UserError, ProtocolError):
            return None

    def chat(self, body: bytes, name: str) -> Iterator[Delta]:
        """Stream an answer.

        Raises:
            UserError: in addition to those of the class: ``server_model_missing`` (model, host, detail) and
                ``server_context_full`` (host, detail).
        """
        try:
            reply = self._client(FIRST_TOKEN_S).post(f"{self.url}/chat/completions", body, self._headers())
        except UserError as error:
            raise self._request_error(error) from error
        with reply:
            if reply.status != 200 or is_web_page(reply.headers):
                raise self._chat_error(reply, name)
            yield from self._deltas(reply)

    def stop(self) -> None:
        """Shut down the connection, which also stops the server.  Requests raise Cancelled until the answer's end."""
        with self._lock:
            self._stopped = True
            for client in self._clients.values():
                client.abort()

    def __enter__(self) -> ServerClient:
        self.is_in_use = True
        self._resume()
        return self

    def __exit__(self, *_: object) -> None:
        self._resume()
        self.is_in_use = False

    def close(self) -> None:
        """Close all connections, those of a running request once it ends."""
        with self._lock:
            clients, self._clients, self._stopped = self._clients, {}, False
        for client in clients.values():
            client.close()

    def _resume(self) -> None:
        """Allow requests after ``stop``."""
        if self._stopped:
            self.close()

    def _client(self, silence_s: float) -> HttpClient:
        """Return a client with a read timeout of ``silence_s`` seconds."""
        with self._lock:
            if self._stopped:
                raise Cancelled
            if silence_s not in self._clients:
                access = Access(proxy="" if is_private_network(self.url) else self.proxy)
                self._clients[silence_s] = HttpClient(
                    access,
                    connect_timeout_s=CONNECT_S,
                    read_timeout_s=silence_s,
                    tls=pinned_context(self._pin) if self._pin else None,
                )
            return self._clients[silence_s]

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        return {**headers, "Authorization": f"Bearer {self._key}"} if self._key else headers

    def _deltas(self, reply: HttpResponse) -> Iterator[Delta]:
        is_complete = False
        timer: threading.Timer | None = None
        chunks = reply.chunks()
        try:
            for event in protocol.events(chunks):
                is_last = event.strip() == protocol.END
                delta = Delta() if is_last else protocol.parse_delta(event)
                if is_last or delta.finish_reason or delta.text or delta.thought:
                    is_complete = is_last or delta.finish_reason is not None
                    if timer is not None:
                        timer.cancel()
                    # Some servers leave the connection open.
                    seconds = DRAIN_S if is_last else LAST_EVENTS_S
                    timer = start_timer(seconds, reply.shut_down) if is_complete else None
                if is_last:
                    # Read the rest, so that the connection can be reused.
                    collections.deque(chunks, maxlen=0)
                    break
                yield delta
        except StreamError as error:
            detail = self._without_key(str(error))
            if protocol.is_context_full(detail):
                raise UserError("server_context_full", host=self.host, detail=detail) from error
            raise UserError("server_failing", host=self.host, status=200, detail=detail) from error
        except ProtocolError as error:
            if not is_complete:
                raise self._not_an_api(error) from error
        except UserError as error:
            if not is_complete:
                raise self._server_error(error) from error
        finally:
            if timer is not None:
                timer.cancel()
        if not is_complete:
            raise UserError("server_lost", host=self.host)

    def _chat_error(self, reply: HttpResponse, name: str) -> UserError:
        body = reply.read(MAX_BODY)
        message = self._message(body)
        if reply.status == 404 and message and message != "Not Found":
            return UserError("server_model_missing", model=name, host=self.host, detail=message)
        if reply.status in (400, 413, 422) and protocol.is_context_full(message):
            return UserError("server_context_full", host=self.host, detail=message)
        return self._status_error(reply.status, reply.headers, body)

    def _status_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UserError:
        message, host = self._message(body), self.host
        detail = message.rstrip(".") or f"HTTP {status}"
        if status in (401, 403):
            return UserError("server_key_refused" if self._key else "server_key_missing", host=host)
        if status == 429:
            wait = round(retry_after_s(headers.get("Retry-After")) or 0)
            return UserError("server_busy", host=host, wait=wait, detail=detail)
        if status >= 500:
            return UserError("server_failing", host=host, status=status, detail=detail)
        if status < 400 or is_web_page(headers) or (status in (404, 405) and (not message or message == "Not Found")):
            return UserError("server_not_an_api", url=self.url, detail=f"HTTP {status}")
        return UserError("server_refused", host=host, status=status, detail=detail)

    def _message(self, body: bytes) -> str:
        return self._without_key(protocol.error_message(body))

    def _without_key(self, text: str) -> str:
        """Messages are shown and stored, and some servers repeat the key in them."""
        return text.replace(self._key, "…") if self._key else text

    def _not_an_api(self, error: ProtocolError) -> UserError:
        return UserError("server_not_an_api", url=self.url, detail=str(error)[:120])

    def _request_error(self, error: UserError) -> UserError:
        """Translate an error of ``HttpClient`` from before a response."""
        is_insecure = error.code == "tls_failed" or error.data.get("detail") == "no secure connection"
        if self._pin and is_insecure:
            return UserError("server_not_verified", host=self.host)
        if is_private_network(self.url):
            if error.code == "tls_failed" and error.data["detail"] == "self-signed":
                return UserError("server_self_signed", host=self.host)
            if error.code == "connection_lost" and self.url.startswith("http:") and _has_tls(self.url):
                return UserError("server_encrypted", host=self.host)
        return self._server_error(error)

    def _server_error(self, error: UserError) -> UserError:
        """Translate an error of ``HttpClient`` to a server error."""
        code = _SERVER_ERRORS.get(error.code)
        return UserError(code, **{"detail": "", **error.data, "host": self.host, "url": self.url}) if code else error


def _has_tls(url: str) -> bool:
    """Return whether a server speaks TLS, with any certificate.  Nothing is sent to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    split = split_url(url)
    try:
        connection = socket.create_connection((split.hostname or "", split.port or 80), PROBE_S)
        with connection, context.wrap_socket(connection):
            return True
    except (OSError, ValueError):
        return False
