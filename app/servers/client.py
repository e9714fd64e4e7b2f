"""How one server is asked: its list of models, the tokens of a conversation, an answer as it comes.

What went wrong is told in this program's codes; words and the next step are made at the edge.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from app.servers import protocol
from app.servers.protocol import Delta, Foreign, ServedModel, StreamRefused
from app.servers.registry import is_near
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.http import HttpClient, HttpResponse
from model_manager.hub.http_errors import is_web_page, retry_after_s

SMALL_ANSWER = 4 << 20
CONNECT_S = 10.0
FIRST_WORD_S = 600.0
"""A server may read a long conversation for minutes before its first word."""
SHORT_S = 15.0
_END = "[DONE]"


class ServerClient:
    """One server with its key.  Used by one thread at a time; ``stop`` may be called by any.

    The key goes to this server's address alone: no redirect is followed.
    Every method raises Cancelled after ``stop``, and UserError: ``server_unreachable`` (host, detail),
    ``server_silent`` (host, seconds), ``server_lost`` (host), ``tls_failed`` (host, detail), ``proxy_failed`` (proxy,
    detail), ``server_key_missing`` or ``server_key_refused`` (host), ``server_not_an_api`` (url, detail),
    ``server_busy`` (host, wait), ``server_failing`` (host, status, detail), ``server_refused`` (host, status, detail).
    """

    def __init__(self, url: str, key: str = "", proxy: str | None = None) -> None:
        """``url`` is the base of the API; ``proxy`` as in ``Access``, never used for a private network."""
        self.url = url.rstrip("/")
        self.host = urlsplit(url).netloc
        self._key = key
        self.proxy = proxy
        """As it was asked for."""
        self._lock = threading.Lock()
        self._webs: dict[float, HttpClient] = {}
        self._aborted: list[HttpClient] = []
        self._stopped = False

    def models(self) -> tuple[ServedModel, ...]:
        """What the server offers."""
        try:
            with self._now(SHORT_S).get(f"{self.url}/models", self._headers()) as reply:
                status, headers, body = reply.status, reply.headers, reply.read(SMALL_ANSWER)
        except UserError as error:
            raise self._told(error) from error
        if status != 200 or is_web_page(headers):
            raise self._refusal(status, headers.get("Retry-After"), body, headers.get("Content-Type", ""))
        try:
            return protocol.served_models(body)
        except Foreign as error:
            raise self._foreign(error) from error

    def token_count(self, name: str, messages: list[dict[str, str]]) -> int | None:
        """Tokens of a conversation in the server's own template (vLLM's ``/tokenize``); None where it cannot tell."""
        root = self.url.removesuffix("/v1")
        body = json.dumps({"model": name, "messages": messages, "add_generation_prompt": True}).encode()
        try:
            with self._now(SHORT_S).post(f"{root}/tokenize", body, self._headers()) as reply:
                content = reply.read(SMALL_ANSWER) if reply.status == 200 else b"{}"
            count = json.loads(content).get("count")
        except (UserError, ValueError, AttributeError):
            return None
        return count if isinstance(count, int) else None

    def chat(self, body: bytes, name: str) -> Iterator[Delta]:
        """What comes of an answer, until the server says that it is done.

        Raises:
            UserError: besides those of the class, ``server_model_missing`` (model, host) and
                ``server_context_full`` (host, detail).
        """
        try:
            reply = self._now(FIRST_WORD_S).post(f"{self.url}/chat/completions", body, self._headers())
        except UserError as error:
            raise self._told(error) from error
        with reply:
            if reply.status != 200 or is_web_page(reply.headers):
                raise self._chat_refusal(reply, name)
            yield from self._deltas(reply)

    def stop(self) -> None:
        """End what is under way: the connection is shut and the server gives up.  Lasts until ``resume``."""
        with self._lock:
            self._stopped = True
            webs, self._webs = list(self._webs.values()), {}
            self._aborted += webs
        for web in webs:
            web.abort()

    def resume(self) -> None:
        """Ask again after a ``stop``.  Not while a request is running."""
        with self._lock:
            self._stopped = False
            aborted, self._aborted = self._aborted, []
        for web in aborted:
            web.close()

    def close(self) -> None:
        """Give the connections back.  Not while a request is running."""
        self.resume()
        with self._lock:
            webs, self._webs = list(self._webs.values()), {}
        for web in webs:
            web.close()

    def _now(self, silence_s: float) -> HttpClient:
        """Connections that wait so many seconds for a word."""
        with self._lock:
            if self._stopped:
                raise Cancelled
            if silence_s not in self._webs:
                access = Access(proxy="" if is_near(self.url) else self.proxy)
                self._webs[silence_s] = HttpClient(access, connect_timeout_s=CONNECT_S, read_timeout_s=silence_s)
            return self._webs[silence_s]

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
                delta = protocol.delta_of(event)
                done = done or delta.finish_reason is not None
                yield delta
        except Foreign as error:
            raise self._foreign(error) from error
        except StreamRefused as error:
            if protocol.says_context_is_full(str(error)):
                raise UserError("server_context_full", host=self.host, detail=str(error)) from error
            raise UserError("server_failing", host=self.host, status=200, detail=str(error)) from error
        except UserError as error:
            raise self._told(error) from error
        if not done:
            raise UserError("server_lost", host=self.host)
        with contextlib.suppress(UserError):
            # What stands behind the end is read too, or the connection would not serve again.
            reply.read(SMALL_ANSWER)

    def _chat_refusal(self, reply: HttpResponse, name: str) -> UserError:
        body = reply.read(SMALL_ANSWER)
        sentence = protocol.refusal(body)
        if reply.status == 404 and sentence and sentence != "Not Found":
            return UserError("server_model_missing", model=name, host=self.host)
        if reply.status in (400, 413, 422) and protocol.says_context_is_full(sentence):
            return UserError("server_context_full", host=self.host, detail=sentence)
        content_type = reply.headers.get("Content-Type", "")
        return self._refusal(reply.status, reply.headers.get("Retry-After"), body, content_type)

    def _refusal(self, status: int, wait: str | None, body: bytes, content_type: str) -> UserError:
        sentence, host = protocol.refusal(body), self.host
        detail = sentence.strip().rstrip(".") or f"HTTP {status}"
        if status in (401, 403):
            return UserError("server_key_refused" if self._key else "server_key_missing", host=host)
        if status == 429:
            return UserError("server_busy", host=host, wait=round(retry_after_s(wait) or 0), detail=detail)
        if status >= 500:
            return UserError("server_failing", host=host, status=status, detail=detail)
        is_page = content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
        if status < 400 or is_page or (status in (404, 405) and (not sentence or sentence == "Not Found")):
            return UserError("server_not_an_api", url=self.url, detail=f"HTTP {status}")
        return UserError("server_refused", host=host, status=status, detail=detail)

    def _foreign(self, error: Foreign) -> UserError:
        return UserError("server_not_an_api", url=self.url, detail=str(error)[:120])

    def _told(self, error: UserError) -> UserError:
        """What the door to HTTP says, about a server instead of a hub."""
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
