"""HTTP client of one server: list of models, token counts and streamed answers."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from app.servers import protocol
from app.servers.protocol import Delta, ProtocolError, ServedModel, StreamError
from app.servers.registry import is_private_network
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.http import HttpClient, HttpResponse
from model_manager.hub.http_errors import is_web_page, retry_after_s

MAX_BODY = 4 << 20
CONNECT_S = 10.0
FIRST_TOKEN_S = 600.0
"""Time limit for the first token; processing a long prompt can take minutes."""
SHORT_S = 15.0
_END = "[DONE]"


class ServerClient:
    """One server with its API key.  For one thread at a time, except ``stop``.

    Redirects are not followed, so the key is sent to this server only.
    All methods raise Cancelled after ``stop``, and UserError: ``server_unreachable`` (host, detail),
    ``server_silent`` (host, seconds), ``server_lost`` (host), ``tls_failed`` (host, detail), ``proxy_failed`` (proxy,
    detail), ``server_key_missing`` or ``server_key_refused`` (host), ``server_not_an_api`` (url, detail),
    ``server_busy`` (host, wait), ``server_failing`` (host, status, detail), ``server_refused`` (host, status, detail).
    """

    def __init__(self, url: str, key: str = "", proxy: str | None = None) -> None:
        """``url`` is the base URL of the API; ``proxy`` as in ``Access``, not used in a private network."""
        self.url = url.rstrip("/")
        self.host = urlsplit(url).netloc
        self._key = key
        self.proxy = proxy
        """The proxy given to the constructor."""
        self._lock = threading.Lock()
        self._clients: dict[float, HttpClient] = {}
        self._aborted: list[HttpClient] = []
        self._stopped = False

    def models(self) -> tuple[ServedModel, ...]:
        """List the models of the server."""
        try:
            with self._client(SHORT_S).get(f"{self.url}/models", self._headers()) as reply:
                status, headers, body = reply.status, reply.headers, reply.read(MAX_BODY)
        except UserError as error:
            raise self._server_error(error) from error
        if status != 200 or is_web_page(headers):
            raise self._status_error(status, headers.get("Retry-After"), body, headers.get("Content-Type", ""))
        try:
            return protocol.served_models(body)
        except ProtocolError as error:
            raise self._not_an_api(error) from error

    def token_count(self, name: str, messages: list[dict[str, str]]) -> int | None:
        """Count the tokens of a conversation with the server's template (vLLM's ``/tokenize``); None if unsupported."""
        root = self.url.removesuffix("/v1")
        body = json.dumps({"model": name, "messages": messages, "add_generation_prompt": True}).encode()
        try:
            with self._client(SHORT_S).post(f"{root}/tokenize", body, self._headers()) as reply:
                content = reply.read(MAX_BODY) if reply.status == 200 else b"{}"
            count = json.loads(content).get("count")
        except (UserError, ValueError, AttributeError):
            return None
        return count if isinstance(count, int) else None

    def chat(self, body: bytes, name: str) -> Iterator[Delta]:
        """Stream an answer.

        Raises:
            UserError: in addition to those of the class: ``server_model_missing`` (model, host) and
                ``server_context_full`` (host, detail).
        """
        try:
            reply = self._client(FIRST_TOKEN_S).post(f"{self.url}/chat/completions", body, self._headers())
        except UserError as error:
            raise self._server_error(error) from error
        with reply:
            if reply.status != 200 or is_web_page(reply.headers):
                raise self._chat_error(reply, name)
            yield from self._deltas(reply)

    def stop(self) -> None:
        """Shut down the connection, which also stops the server.  Requests raise Cancelled until ``resume``."""
        with self._lock:
            self._stopped = True
            clients, self._clients = list(self._clients.values()), {}
            self._aborted += clients
        for client in clients:
            client.abort()

    def resume(self) -> None:
        """Allow requests after ``stop``.  Not while a request is running."""
        with self._lock:
            self._stopped = False
            aborted, self._aborted = self._aborted, []
        for client in aborted:
            client.close()

    def close(self) -> None:
        """Close all connections.  Not while a request is running."""
        self.resume()
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _client(self, silence_s: float) -> HttpClient:
        """Return a client with a read timeout of ``silence_s`` seconds."""
        with self._lock:
            if self._stopped:
                raise Cancelled
            if silence_s not in self._clients:
                access = Access(proxy="" if is_private_network(self.url) else self.proxy)
                self._clients[silence_s] = HttpClient(access, connect_timeout_s=CONNECT_S, read_timeout_s=silence_s)
            return self._clients[silence_s]

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        return {**headers, "Authorization": f"Bearer {self._key}"} if self._key else headers

    def _deltas(self, reply: HttpResponse) -> Iterator[Delta]:
        done = False
        try:
            for event in protocol.events(reply.chunks()):
                if event.strip() == _END:
                    done = True
                    break
                delta = protocol.parse_delta(event)
                done = done or delta.finish_reason is not None
                yield delta
        except ProtocolError as error:
            raise self._not_an_api(error) from error
        except StreamError as error:
            if protocol.is_context_full(str(error)):
                raise UserError("server_context_full", host=self.host, detail=str(error)) from error
            raise UserError("server_failing", host=self.host, status=200, detail=str(error)) from error
        except UserError as error:
            raise self._server_error(error) from error
        if not done:
            raise UserError("server_lost", host=self.host)
        with contextlib.suppress(UserError):
            # Read the rest, so that the connection can be reused.
            reply.read(MAX_BODY)

    def _chat_error(self, reply: HttpResponse, name: str) -> UserError:
        body = reply.read(MAX_BODY)
        message = protocol.error_message(body)
        if reply.status == 404 and message and message != "Not Found":
            return UserError("server_model_missing", model=name, host=self.host)
        if reply.status in (400, 413, 422) and protocol.is_context_full(message):
            return UserError("server_context_full", host=self.host, detail=message)
        content_type = reply.headers.get("Content-Type", "")
        return self._status_error(reply.status, reply.headers.get("Retry-After"), body, content_type)

    def _status_error(self, status: int, wait: str | None, body: bytes, content_type: str) -> UserError:
        message, host = protocol.error_message(body), self.host
        detail = message.strip().rstrip(".") or f"HTTP {status}"
        if status in (401, 403):
            return UserError("server_key_refused" if self._key else "server_key_missing", host=host)
        if status == 429:
            return UserError("server_busy", host=host, wait=round(retry_after_s(wait) or 0), detail=detail)
        if status >= 500:
            return UserError("server_failing", host=host, status=status, detail=detail)
        is_page = content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
        if status < 400 or is_page or (status in (404, 405) and (not message or message == "Not Found")):
            return UserError("server_not_an_api", url=self.url, detail=f"HTTP {status}")
        return UserError("server_refused", host=host, status=status, detail=detail)

    def _not_an_api(self, error: ProtocolError) -> UserError:
        return UserError("server_not_an_api", url=self.url, detail=str(error)[:120])

    def _server_error(self, error: UserError) -> UserError:
        """Translate an error of ``HttpClient`` to a server error."""
        detail = str(error.data.get("detail", ""))
        match error.code:
            case "web_unreachable":
                return UserError("server_unreachable", host=self.host, detail=detail)
            case "web_silent":
                return UserError("server_silent", host=self.host, seconds=error.data.get("seconds"))
            case "connection_lost":
                return UserError("server_lost", host=self.host)
            case "web_answer_wrong" | "redirect_loop":
                return UserError("server_not_an_api", url=self.url, detail=detail)
            case "web_address_invalid":
                return UserError("server_address_invalid", url=self.url)
        return error
