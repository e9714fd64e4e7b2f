"""Proxies on 127.0.0.1: HTTP (forwarding and CONNECT) and SOCKS5.

    with HttpProxy() as proxy: ...        proxy.url, proxy.seen: the requests
    with SocksProxy(refuse=5) as proxy:   answers every request with that SOCKS reply code

``answer`` makes an HTTP proxy answer everything with one status line; ``user`` makes both require a password.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
from types import TracebackType
from urllib.parse import urlsplit

BUFFER = 64 << 10


class _Proxy:
    scheme = ""

    def __init__(self, *, user: tuple[str, str] | None = None) -> None:
        self.user = user
        self.seen: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self._lock = threading.Lock()
        host, port = self._listener.getsockname()
        login = f"{user[0]}:{user[1]}@" if user else ""
        self.host = f"{host}:{port}"
        self.url = f"{self.scheme}://{login}{self.host}"

    def __enter__(self):  # type: ignore[no-untyped-def]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._lock:
                    self._open.append(client)
                threading.Thread(target=self._serve_quietly, args=(client,), daemon=True).start()

    def _serve_quietly(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            self.serve(client)
        client.close()

    def serve(self, client: socket.socket) -> None:
        raise NotImplementedError

    def connect(self, host: str, port: int) -> socket.socket:
        server = socket.create_connection((host, port), timeout=10)
        server.settimeout(None)
        with self._lock:
            self._open.append(server)
        return server


class HttpProxy(_Proxy):
    scheme = "http"

    def __init__(self, *, user: tuple[str, str] | None = None, answer: str = "") -> None:
        super().__init__(user=user)
        self.answer = answer

    def serve(self, client: socket.socket) -> None:
        while True:
            head = _read_head(client)
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, version = first.split(" ")
            self.seen.append(f"{method} {target}")
            headers = dict(line.split(": ", 1) for line in lines if ": " in line)
            if refusal := self.answer or self._login_wanted(headers):
                client.sendall(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n".encode())
                continue
            if method == "CONNECT":
                host, port = target.rsplit(":", 1)
                server = self.connect(host, int(port))
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pass_on(client, server)
                return
            split = urlsplit(target)
            server = self.connect(split.hostname or "", split.port or 80)
            path = f"{split.path}?{split.query}" if split.query else split.path
            kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
            server.sendall("\r\n".join([f"{method} {path} {version}", "Connection: close", *kept]).encode("latin-1"))
            with server:
                while data := server.recv(BUFFER):
                    client.sendall(data)
            # One request per connection.
            return

    def _login_wanted(self, headers: dict[str, str]) -> str:
        if self.user is None:
            return ""
        wanted = "Basic " + base64.b64encode(":".join(self.user).encode()).decode()
        return "" if headers.get("Proxy-Authorization") == wanted else "407 Proxy Authentication Required"


class SocksProxy(_Proxy):
    scheme = "socks5h"

    def __init__(self, *, user: tuple[str, str] | None = None, refuse: int = 0) -> None:
        super().__init__(user=user)
        self.refuse = refuse

    def serve(self, client: socket.socket) -> None:
        _, count = _read(client, 2)
        methods = _read(client, count)
        wanted = 2 if self.user else 0
        client.sendall(bytes([5, wanted if wanted in methods else 255]))
        if wanted not in methods:
            return
        if self.user:
            _, length = _read(client, 2)
            name = _read(client, length).decode()
            password = _read(client, _read(client, 1)[0]).decode()
            client.sendall(bytes([1, 0 if (name, password) == self.user else 1]))
        _, _, _, kind = _read(client, 4)
        named = kind == 3
        host = _read(client, _read(client, 1)[0]).decode() if named else socket.inet_ntoa(_read(client, 4))
        (port,) = struct.unpack(">H", _read(client, 2))
        self.seen.append(f"{host}:{port}")
        answer = bytes([5, self.refuse, 0, 1, 0, 0, 0, 0, 0, 0])
        if self.refuse:
            client.sendall(answer)
            return
        server = self.connect(host, port)
        client.sendall(answer)
        _pass_on(client, server)


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        got = client.recv(count - len(data))
        if not got:
            raise EOFError
        data += got
    return data


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _read(client, 1)
    return head


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    def back() -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(BUFFER):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    with contextlib.suppress(OSError):
        while data := client.recv(BUFFER):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
    thread.join()
    server.close()
