"""A server on loopback that answers chats with given bytes, whatever they are."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
"""The body ends with the connection."""
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"
MODELS = b'{"data": [{"id": "m", "owned_by": "someone"}]}'


def event(values: object) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(values).encode() + b"\n\n"


def delta(text: str, **more: object) -> bytes:
    """An event with a piece of text."""
    return event({"choices": [{"delta": {"content": text}, **more}]})


FINISH = event({"choices": [{"delta": {}, "finish_reason": "stop"}]})


def chunk(content: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def response(body: bytes, status: str = "200 OK") -> bytes:
    """A whole JSON response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def raw_server(
    chat: bytes | Callable[[], bytes], *, endless: bytes = b"", holds: bool = False, models: bytes = MODELS
) -> Iterator[str]:
    """Serve and give the base URL.

    Each chat gets ``chat``, then ``endless`` again and again; ``holds`` keeps the connection open afterwards.
    """
    closing = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                request = self.rfile.readline()
                length = 0
                while (line := self.rfile.readline()).strip():
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                self.rfile.read(length)
                if b"/models" in request:
                    self.wfile.write(response(models))
                    return
                self.wfile.write(chat if isinstance(chat, bytes) else chat())
                while endless and not closing.is_set():
                    self.wfile.write(endless)
                while holds and not closing.is_set():
                    self.connection.settimeout(0.05)
                    with suppress(TimeoutError):
                        if not self.connection.recv(1):
                            return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        closing.set()
        server.shutdown()
        thread.join()
