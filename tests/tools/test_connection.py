"""Connections to real MCP servers: programs and HTTP, well-behaved and hostile."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.config.secrets import Secrets
from app.messages import sentence
from app.tools.registry import ToolServers
from app.tools.server import Tool, ToolServer
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from tests.rigs import hostile_tool_server, mcp_server

REAL, HOSTILE = Path(mcp_server.__file__), Path(hostile_tool_server.__file__)


@contextmanager
def opened(folder: Path, *servers: ToolServer, connect_s: float = 60.0) -> Iterator[ToolServers]:
    before = servers_running()
    tools = ToolServers(folder / "tools.json", Secrets({}), connect_s=connect_s)
    tools.add(*servers)
    try:
        yield tools
    finally:
        tools.close()
        assert servers_running() <= before


def servers_running() -> set[psutil.Process]:
    return {each for each in psutil.Process().children(recursive=True) if is_server(each)}


def is_server(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(name in " ".join(process.cmdline()) for name in (HOSTILE.name, REAL.name, "time.sleep(600)"))
    return False


def program(path: Path, mode: str = "", **parts: object) -> ToolServer:
    return ToolServer("rig", (sys.executable, str(path), mode), **parts)  # type: ignore[arg-type]


def named(tools: tuple[Tool, ...], name: str) -> Tool:
    return next(each for each in tools if each.name == name)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolServers]:
    with opened(tmp_path_factory.mktemp("hostile"), program(HOSTILE)) as tools:
        yield tools


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The real server over streamable HTTP, in this process."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(mcp_server.server.streamable_http_app(), log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    server.should_exit = True
    thread.join()


def check_calls(tools: ToolServers) -> None:
    by_name = {each.name: each for each in tools.connect("rig")}
    assert by_name["add"].description == "Add two numbers."
    assert by_name["add"].schema["required"] == ["a", "b"]
    assert tools.status("rig").state == "connected"
    assert tools.call(by_name["add"], {"a": 2, "b": 40}).text == "42"
    assert tools.call(by_name["record"], {}).text == "one\nfrom a resource"
    assert tools.call(by_name["picture"], {}).text == "[image: image/png, 0 KiB]"
    failed = tools.call(by_name["add"], {"a": "x"})
    assert failed.is_error
    assert "valid integer" in failed.text


def test_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    with opened(tmp_path, program(REAL, env={"CITY": "Delft"})) as tools:
        check_calls(tools)
        variable = named(tools.connect("rig"), "variable")
        assert tools.call(variable, {"name": "CITY"}).text == "Delft"
        assert tools.call(variable, {"name": "HF_TOKEN"}).text == ""


def test_streamable_http(tmp_path: Path, address: str) -> None:
    with opened(tmp_path, ToolServer("rig", url=address)) as tools:
        check_calls(tools)


def test_a_server_that_is_switched_off_is_not_started_by_a_call(tmp_path: Path) -> None:
    with opened(tmp_path, program(HOSTILE)) as tools:
        echo, before = named(tools.connect("rig"), "echo"), servers_running()
        tools.switch("rig", False)
        with pytest.raises(UserError) as caught:
            tools.call(echo, {})
        assert caught.value.code == "tool_server_off"
        assert servers_running() < before
        tools.switch("rig", True)
        assert tools.call(echo, {}).text == "{}"


def test_a_cancelled_call_ends_at_once_and_the_server_stays(hostile: ToolServers) -> None:
    tools = hostile.connect("rig")
    token, raised = CancelToken(), threading.Event()

    def call() -> None:
        with pytest.raises(Cancelled):
            hostile.call(named(tools, "hang"), {}, token)
        raised.set()

    thread = threading.Thread(target=call)
    thread.start()
    token.cancel()
    assert raised.wait(30)
    thread.join()
    assert hostile.call(named(tools, "echo"), {"a": 1}).text == '{"a": 1}'
    with pytest.raises(UserError) as caught:
        hostile.call(named(tools, "hang"), {}, timeout_s=0.1)
    assert caught.value.code == "tool_silent"


def test_results(hostile: ToolServers) -> None:
    tools = hostile.connect("rig")
    long = hostile.call(named(tools, "long"), {}).text
    assert long.startswith("é" * 100_000 + "\n[cut: 100,000 of 300,000 characters]")
    error = hostile.call(named(tools, "error"), {})
    assert (error.text, error.is_error) == ("no such city", True)
    refused = hostile.call(named(tools, "refuse"), {})
    assert (refused.text, refused.is_error) == ("no tools/call", True)
    assert hostile.call(named(tools, "structured"), {}).text == '{"degrees": 21}'
    assert hostile.call(named(tools, "echo"), {"a": "\ud800", "b": float("inf")}).text == '{"a": "?", "b": null}'
    with pytest.raises(UserError) as caught:
        hostile.call(named(tools, "nonsense"), {})
    assert caught.value.code == "tool_failed"


@pytest.mark.parametrize(
    ("name", "code", "part"),
    [("die", "tool_server_ended", "(out of cheese)"), ("flood", "tool_server_flooding", "more than 16.0 MiB")],
)
def test_a_server_that_ends_in_a_call_is_started_again(hostile: ToolServers, name: str, code: str, part: str) -> None:
    tools = hostile.connect("rig")
    with pytest.raises(UserError) as caught:
        hostile.call(named(tools, name), {})
    assert caught.value.code == code
    assert part in sentence(caught.value)
    assert hostile.status("rig").state == "failed"
    assert hostile.call(named(tools, "echo"), {}).text == "{}"
    if orphan := re.search(r"starting (\d+)", str(caught.value.data.get("log"))):
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(int(orphan[1])).wait(30)


@pytest.mark.parametrize(
    ("mode", "names", "left_out"),
    [
        ("garbage", hostile_tool_server.TOOLS, 0),
        ("many", tuple(f"t{n}" for n in range(256)), 10_000 - 256),
        ("pages", tuple(f"t{n}" for n in range(100)), 0),
        ("names", ("good",), 4),
        ("schema", ("small",), 1),
    ],
)
def test_lists_of_tools(tmp_path: Path, mode: str, names: tuple[str, ...], left_out: int) -> None:
    with opened(tmp_path, program(HOSTILE, mode)) as tools:
        listed = tools.connect("rig")
        assert tuple(each.name for each in listed) == names
        assert tools.status("rig").left_out == left_out
        assert all("\x1b" not in each.description and "\u202e" not in each.description for each in listed)
        assert tools.call(listed[0], {"x": 1}).text == '{"x": 1}'


@pytest.mark.parametrize(
    ("server", "code", "part"),
    [
        (program(HOSTILE, "mute"), "tool_server_silent", ""),
        (program(HOSTILE, "early"), "tool_server_ended", "TOKEN is not set"),
        (program(HOSTILE, "text"), "tool_server_ended", ""),
        (ToolServer("rig", ("no-such-program", "-y")), "tool_command_missing", "Node.js"),
        (ToolServer("rig", (str(HOSTILE.parent),)), "tool_command_missing", ""),
        (ToolServer("rig", url="http://127.0.0.1:1/mcp"), "tool_server_unreachable", "127.0.0.1:1"),
    ],
)
def test_servers_that_do_not_connect(tmp_path: Path, server: ToolServer, code: str, part: str) -> None:
    with opened(tmp_path, server, connect_s=1.0 if code == "tool_server_silent" else 60.0) as tools:
        with pytest.raises(UserError) as caught:
            tools.connect("rig")
        assert caught.value.code == code
        assert part in sentence(caught.value)
        status = tools.status("rig")
        assert (status.state, status.problem) == ("failed", caught.value)


Answer = Callable[[Mapping[str, Any], str], tuple[int, dict[str, str], Iterable[bytes]]]
"""Returns status, headers and body for a request and its session."""


@contextmanager
def web_server(answer: Answer) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, body = answer(request, self.headers.get("Mcp-Session-Id", ""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                for part in body:
                    self.wfile.write(part)

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/mcp"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "kind", "body", "code", "part"),
    [
        (401, "text/plain", [], "tool_server_refused", "401"),
        (200, "text/html", [b"<html>"], "not_a_tool_server", "text/html"),
        (502, "text/html", [b"<html>"], "not_a_tool_server", "502"),
        (200, "application/json", [b"{}"], "not_a_tool_server", ""),
        (200, "application/json", [b"x" * (1 << 20)] * 50, "tool_server_flooding", ""),
        (200, "text/event-stream", [b"data: ", *[b"x" * (1 << 20)] * 50], "not_a_tool_server", "byte limit"),
    ],
)
def test_addresses_that_do_not_connect(
    tmp_path: Path, status: int, kind: str, body: list[bytes], code: str, part: str
) -> None:
    with (
        web_server(lambda _request, _session: (status, {"Content-Type": kind}, body)) as url,
        opened(tmp_path, ToolServer("rig", url=url, headers={"Authorization": "Bearer x"})) as tools,
    ):
        with pytest.raises(UserError) as caught:
            tools.connect("rig")
        assert caught.value.code == code
        assert part in sentence(caught.value)


def test_a_server_that_forgot_the_session_is_connected_again(tmp_path: Path) -> None:
    sessions: list[str] = []

    def answer(request: Mapping[str, Any], session: str) -> tuple[int, dict[str, str], list[bytes]]:
        if "id" not in request:
            return 202, {}, []
        if request["method"] == "initialize":
            sessions.append(str(len(sessions)))
        elif request["method"] != "server/discover" and session != sessions[-1]:
            return 404, {}, []
        reply = json.dumps(hostile_tool_server.reply(request)).encode()
        return 200, {"Content-Type": "application/json", "Mcp-Session-Id": sessions[-1] if sessions else ""}, [reply]

    with web_server(answer) as url, opened(tmp_path, ToolServer("rig", url=url)) as tools:
        echo = named(tools.connect("rig"), "echo")
        assert tools.call(echo, {"a": 1}).text == '{"a": 1}'
        sessions.append("another")
        assert tools.call(echo, {"a": 2}).text == '{"a": 2}'
        assert sessions == ["0", "another", "2"]


def test_closing_ends_waiting_calls_and_stubborn_programs(tmp_path: Path) -> None:
    before = servers_running()
    with opened(tmp_path, program(HOSTILE, "stubborn")) as tools:
        listed, ended = tools.connect("rig"), threading.Event()

        def call() -> None:
            with pytest.raises(Cancelled):
                tools.call(named(listed, "hang"), {})
            ended.set()

        thread = threading.Thread(target=call)
        thread.start()
        assert len(servers_running() - before) == 2
        begin = time.monotonic()
        tools.close()
        assert time.monotonic() - begin < 10  # 1 s on a quiet machine
        assert ended.wait(30)
        thread.join()
        with pytest.raises(Cancelled):
            tools.connect("rig")


def test_nothing_is_started_before_the_first_connection(tmp_path: Path) -> None:
    before = threading.active_count()
    with opened(tmp_path, program(HOSTILE)) as tools:
        assert tools.status("rig").state == "not_connected"
        assert threading.active_count() == before
