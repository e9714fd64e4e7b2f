"""A chat server on loopback like vLLM, llama-server or a hosted one, with fault injection.

As vLLM it responds like vLLM 0.32; the tests marked ``vllm`` check the same against the real one.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ("The", " answer", " is", " 四", " experts", ".")


@dataclass
class Behaviour:
    """Behaviour of the server, which can change while it runs."""

    owner: str = "vllm"
    models: tuple[str, ...] = ("apus",)
    context: int | None = 1024
    key: str = ""
    words: tuple[str, ...] = WORDS
    thoughts: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    """Names and arguments of the calls that it makes, instead of words, until a request has results."""
    calls_again: bool = False
    """Whether it makes them after results too."""
    reasoning_field: str = "reasoning_content"
    finish_reason: str = "stop"
    tells_usage: bool = True
    refuses: tuple[str, ...] = ()
    """Request fields it rejects."""
    refuses_tool_role: bool = False
    """Whether its chat template knows no results of tools."""
    instead: str = ""
    """Field names it suggests instead."""
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Response body to every chat if ``status`` is not 200."""
    error_in_stream: str = ""
    breaks_before: list[int] = field(default_factory=list)
    """For each request in order: number of words after which the connection is closed."""
    waits_before: int | None = None
    """Number of words after which it waits until released or until the client disconnects."""
    line_end: str = "\n"
    characters: int | None = None
    """Context in words; longer conversations are refused."""
    refuses_pictures: tuple[int, str] | None = None
    """Status and message of the refusal of a request with pictures."""
    capabilities: tuple[str, ...] | None = None
    """Of its models, as llama-server lists them."""


@dataclass
class Seen:
    """A received request."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    peer: Any = None
    """Address of the client's end of the connection."""


class OpenAiServer:
    """The server; ``seen`` are the requests, ``gone`` is set when a client disconnects during an answer."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.seen: list[Seen] = []
        self.gone = threading.Event()
        self.waiting = threading.Event()
        self.let_go = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def chats(self) -> list[dict[str, Any]]:
        """Return the bodies of all chat requests."""
        return [each.body for each in self.seen if each.path.endswith("/chat/completions")]

    def close(self) -> None:
        """Stop the server."""
        self.let_go.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def openai_server(**values: Any) -> Iterator[OpenAiServer]:
    """Run a server with this behaviour."""
    server = OpenAiServer(Behaviour(**values))
    try:
        yield server
    finally:
        server.close()


def _call_pieces(number: int, name: str, arguments: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the values of ``tool_calls`` in the events of a call."""
    function = {"name": name, "arguments": ""}
    yield [{"index": number, "id": f"call_{number}", "type": "function", "function": function}]
    for start in range(0, len(arguments), 4):
        yield [{"index": number, "function": {"arguments": arguments[start : start + 4]}}]


def _handler(server: OpenAiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The header and the first event are sent in two writes.
        disable_nagle_algorithm = True

        def log_message(self, *_arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            self._note({})
            behaviour = server.behaviour
            if not self._key_is_right():
                return
            if self.path != "/v1/models":
                self._answer(404, {"detail": "Not Found"})
                return
            entries: list[dict[str, Any]] = []
            for name in behaviour.models:
                entry: dict[str, Any] = {"id": name, "object": "model", "owned_by": behaviour.owner}
                if behaviour.owner == "vllm":
                    entry["max_model_len"] = behaviour.context
                elif behaviour.owner == "llamacpp":
                    entry["meta"] = {"n_ctx_train": behaviour.context}
                entries.append(entry)
            listing: dict[str, Any] = {"object": "list", "data": entries}
            if behaviour.capabilities is not None:
                own = list(behaviour.capabilities)
                listing["models"] = [{"name": name, "capabilities": own} for name in behaviour.models]
            self._answer(200, listing)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._note(body)
            behaviour = server.behaviour
            if not self._key_is_right():
                return
            if self.path == "/tokenize" and behaviour.owner == "vllm":
                count = sum(len(each["content"]) for each in body["messages"])
                self._answer(200, {"count": count, "max_model_len": behaviour.context})
                return
            if self.path != "/v1/chat/completions":
                self._answer(404, {"detail": "Not Found"})
                return
            if behaviour.status != 200:
                self._answer_bytes(behaviour.status, behaviour.body, behaviour.headers)
                return
            if body["model"] not in behaviour.models:
                message = f"The model `{body['model']}` does not exist."
                self._answer(404, {"error": {"message": message, "type": "NotFoundError", "code": 404}})
                return
            if behaviour.refuses_pictures and any(isinstance(each["content"], list) for each in body["messages"]):
                status, message = behaviour.refuses_pictures
                self._answer(status, {"error": {"message": message}})
                return
            if behaviour.refuses_tool_role and any(each["role"] == "tool" for each in body["messages"]):
                self._answer(400, {"error": {"message": "Conversation roles must alternate user/assistant/..."}})
                return
            refused = [name for name in behaviour.refuses if name in body]
            if refused:
                message = f"Unsupported parameter: '{refused[0]}' is not supported with this model."
                message += f" Use '{behaviour.instead}' instead." if behaviour.instead else ""
                self._answer(400, {"error": {"message": message, "type": "invalid_request_error", "code": None}})
                return
            if behaviour.characters and sum(len(each["content"]) for each in body["messages"]) > behaviour.characters:
                self._answer(400, {"error": {"message": "This exceeds the maximum context length."}})
                return
            self._stream(body)

        def _stream(self, body: dict[str, Any]) -> None:
            behaviour = server.behaviour
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            breaks = behaviour.breaks_before.pop(0) if behaviour.breaks_before else None
            prompt = sum(len(each["content"]) for each in body["messages"])
            running = body.get("stream_options", {}).get("continuous_usage_stats", False)
            pieces: list[tuple[str, Any]] = [(behaviour.reasoning_field, each) for each in behaviour.thoughts]
            has_result = any(each["role"] == "tool" or "Result of" in str(each["content"]) for each in body["messages"])
            calls = () if has_result and not behaviour.calls_again else behaviour.calls
            pieces += [("content", each) for each in (() if calls else behaviour.words)]
            pieces += [
                ("tool_calls", each) for number, call in enumerate(calls) for each in _call_pieces(number, *call)
            ]
            try:
                if breaks == 0:
                    self._break()
                    return
                self._event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
                for number, (name, text) in enumerate(pieces):
                    if number == behaviour.waits_before:
                        server.waiting.set()
                        self._wait_for_the_client_to_go()
                    if number == breaks:
                        self._break()
                        return
                    event: dict[str, Any] = {"choices": [{"index": 0, "delta": {name: text}, "finish_reason": None}]}
                    if running:
                        event["usage"] = {"prompt_tokens": prompt, "completion_tokens": number + 1}
                    self._event(event)
                if behaviour.error_in_stream:
                    self._event({"error": {"message": behaviour.error_in_stream, "code": 500}})
                    self._chunk(b"")
                    return
                reason = "tool_calls" if calls else behaviour.finish_reason
                self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
                if behaviour.tells_usage and body.get("stream_options", {}).get("include_usage"):
                    self._event({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": len(pieces)}})
                self._write("data: [DONE]")
                self._chunk(b"")
            except OSError:
                self.close_connection = True
                server.gone.set()

        def _wait_for_the_client_to_go(self) -> None:
            self.connection.settimeout(0.02)
            while not server.let_go.is_set():
                try:
                    if not self.connection.recv(1):
                        raise BrokenPipeError
                except TimeoutError:
                    continue
            self.connection.settimeout(None)

        def _break(self) -> None:
            self.close_connection = True
            self.wfile.flush()

        def _event(self, values: dict[str, Any]) -> None:
            self._write(f"data: {json.dumps(values, ensure_ascii=False)}")

        def _write(self, line: str) -> None:
            self._chunk((line + 2 * server.behaviour.line_end).encode())

        def _chunk(self, content: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

        def _note(self, body: dict[str, Any]) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            server.seen.append(Seen(self.path, headers, body, self.client_address))

        def _key_is_right(self) -> bool:
            key = server.behaviour.key
            if not key or self.headers.get("Authorization") == f"Bearer {key}":
                return True
            self._answer(401, {"error": "Unauthorized"})
            return False

        def _answer(self, status: int, values: dict[str, Any]) -> None:
            self._answer_bytes(status, json.dumps(values).encode(), {"Content-Type": "application/json"})

        def _answer_bytes(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
