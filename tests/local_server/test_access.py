"""Who may use the local server, what hostile requests do to it, and the command that starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from app.local_server import application, protocol
from app.local_server.access import Access, is_origin
from model_manager.errors import UserError
from tests.local_server.conftest import PATIENCE_S, Serve, Served

ROOT = Path(__file__).resolve().parents[2]
SECRET = "the-secret-of-Zanzibar"


def test_a_key_is_required_where_there_is_one(serve: Serve) -> None:
    served = serve(key="right")
    assert served.openai.models.list().data[0].id == "starter"
    for wrong in ("", "Bearer", "Bearer ", "Bearer wrong", "Bearer right2", "Basic right", "Bearer \xe9"):
        status, body = served.call("GET", "/v1/models", Authorization=wrong)
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    assert served.call("POST", "/v1/chat/completions", {})[0] == 401
    assert served.call("GET", "/v1/models", Authorization="bearer right")[0] == 200


def test_another_interface_needs_a_key(serve: Serve) -> None:
    served = serve()
    with pytest.raises(UserError) as refused:
        served.services.local_server.start(Access("0.0.0.0"), served.models)
    assert refused.value.code == "network_needs_key"
    url = served.services.local_server.start(Access("0.0.0.0", key="right"), served.models)
    served.url = url.replace("0.0.0.0", "127.0.0.1")
    # By any name, because the key can't be guessed by a web page.
    assert served.call("GET", "/v1/models", Host="pc.local", Authorization="Bearer right")[0] == 200
    assert served.call("GET", "/v1/models", Host="pc.local")[0] == 401


def test_names_that_lead_here_are_refused(starter_server: Served) -> None:
    for host in ("evil.example", "evil.example:8033", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]:1"):
        status, body = starter_server.call("GET", "/v1/models", Host=host)
        assert (status, body["error"]["code"]) == (403, "host_not_allowed"), host
    for host in ("localhost:1", "127.0.0.1", "[::1]:8033", "LOCALHOST"):
        assert starter_server.call("GET", "/v1/models", Host=host)[0] == 200


def test_web_pages_are_refused_unless_named(serve: Serve, starter_server: Served) -> None:
    for origin in ("https://evil.example", "null", "http://localhost:3000"):
        for method in ("POST", "OPTIONS"):
            status, body = starter_server.call(method, "/v1/chat/completions", b"{}", Origin=origin)
            assert (status, body["error"]["code"]) == (403, "origin_not_allowed")
    named = "https://chat.example"
    served = serve(origins=(named,), key="right")
    preflight = served.send(
        "OPTIONS",
        "/v1/chat/completions",
        Origin=named,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization,content-type,x-stainless-os",
    )
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == named
    assert "x-stainless-os" in preflight.headers["Access-Control-Allow-Headers"]
    models = served.send("GET", "/v1/models", Origin=named, Authorization="Bearer right")
    assert (models.status, models.headers["Access-Control-Allow-Origin"]) == (200, named)
    assert served.call("GET", "/v1/models", Origin="https://other.example")[0] == 403
    assert [is_origin(text) for text in (named, "app://obsidian.md", "*", "chat.example", "https://a/b", "")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_port_in_use_is_reported(serve: Serve) -> None:
    served = serve()
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(UserError) as refused:
        served.services.local_server.start(Access(port=other.getsockname()[1]), served.models)
    assert refused.value.code == "port_in_use"
    with pytest.raises(UserError) as refused:
        served.services.local_server.start(Access("192.0.2.1", key="x"), served.models)
    assert refused.value.code == "address_not_usable"


def answer_to(served: Served, data: bytes) -> bytes:
    """Send raw bytes; return the response."""
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port), PATIENCE_S) as connection:
        connection.sendall(data)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
        return b"".join(parts)


DEEP = b'{"messages":' + b"[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"1" * 5000,
        DEEP,
        b'{"messages": "\xff"}',
        b'{"messages": {"role": "user"}}',
        b'{"messages": [null]}',
        b'{"messages": [{"role": ["user"], "content": "x"}]}',
        b'{"messages": [{"role": "user", "content": [[]]}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": 1e999}',
        b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": true}',
        b'{"messages": [{"role": "user", "content": "x"}], "logit_bias": {"-1": 1}}',
        b'{"messages": [{"role": "user", "content": "x"}], "stop": [[]]}',
        b'{"messages": [{"role": "user", "content": "x"}], "model": {}}',
        b'{"messages": [{"role": "user", "content": "x"}], "\\ud800": 1}',
        b'{"messages": [{"role": "user", "content": "x"}], "n": []}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_wrong_bodies_get_one_error(starter_server: Served, body: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/completions"):
        status, answer = starter_server.call("POST", path, body)
        assert (status, list(answer)) == (400, ["error"])
        assert answer["error"]["message"]


def test_hostile_requests_get_one_error_and_nothing_dies(
    starter_server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method, path, expected in (
        ("GET", "/v1/../../etc/passwd", 404),
        ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/%00", 404),
        ("GET", "/", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/health", 405),
    ):
        status, body = starter_server.call(method, path)
        assert (status, list(body)) == (expected, ["error"]), path
    status, body = starter_server.call("POST", "/v1/chat/completions", b" " * 100_000_000)
    assert (status, body["error"]["code"]) == (413, "body_too_large")
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    for data in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000,
        head + b"Content-Length: -1\r\n\r\n",
        head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        answer = answer_to(starter_server, data)
        assert answer.startswith(b"HTTP/1.1 400 "), data[:60]
        assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]
    # Headers and bodies that don't end.
    monkeypatch.setattr(protocol, "HEADERS_S", 0.05)
    monkeypatch.setattr(application, "BODY_S", 0.05)
    for data in (b"", b"POST /v1/chat", head):
        assert answer_to(starter_server, data) == b""
    slow = answer_to(starter_server, head + b"Connection: close\r\nContent-Length: 5\r\n\r\n{")
    assert slow.startswith(b"HTTP/1.1 408 ")
    # A body that is cut.
    address = urlsplit(starter_server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head + b"Content-Length: 500\r\n\r\n{")
    assert starter_server.ask(max_tokens=1)[0] == 200


def test_too_many_connections_are_refused_in_the_same_form(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 5)
    served = serve()
    address = urlsplit(served.url)
    with ExitStack() as stack:

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection((address.hostname, address.port), PATIENCE_S))

        first = [connect() for _ in range(5)]
        # All are accepted before the next one.
        refused = served.send("GET", "/health")
        assert (refused.status, refused.headers["Connection"]) == (503, "close")
        assert json.loads(refused.read())["error"]["code"] == "too_many_connections"
        more = [connect() for _ in range(6)]
        assert more[-1].recv(1) == b""
        for each in (*first, *more):
            each.close()
        deadline = time.monotonic() + PATIENCE_S
        while served.call("GET", "/health")[0] != 200:
            assert time.monotonic() < deadline


def test_serve_runs_until_interrupted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--api-key-env", "KEY", "--data-dir", str(data)]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, env={**os.environ, "KEY": SECRET}, **streams) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with openai.OpenAI(base_url=f"{url}/v1", api_key=SECRET, max_retries=0, timeout=PATIENCE_S) as client:
            chunks = client.chat.completions.create(
                model="starter",
                messages=[{"role": "user", "content": f"Tell me about {SECRET}"}],
                stream=True,
                max_tokens=5,
            )
            assert "".join(each.choices[0].delta.content or "" for each in chunks)
            with pytest.raises(openai.BadRequestError):
                client.chat.completions.create(model="starter", messages=[], user=SECRET)
        port = str(urlsplit(url).port)
        second = subprocess.run(
            [*command[:5], port, "--data-dir", str(data)], capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S
        )
        assert (second.returncode, second.stdout) == (1, "")
        assert (
            second.stderr
            == f"apus-chat: Port {port} is in use by another program. Close that program, or choose another port.\n"
        )
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output) == (130, "")
    assert "serving starter" in errors
    # Nothing of a request is stored, and nothing is logged.
    for path in data.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_responses_do_not_wait_for_acknowledgements(starter_server: Served) -> None:
    connection = HTTPConnection(urlsplit(starter_server.url).netloc, timeout=PATIENCE_S)
    seconds = []
    for _ in range(60):
        begin = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        seconds.append(time.perf_counter() - begin)
    connection.close()
    # A client delays an acknowledgement by 40 ms, except for the first ones of a connection.
    assert min(seconds[30:]) < 0.035
