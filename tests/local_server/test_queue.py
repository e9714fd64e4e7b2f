"""One queue with the window: order, positions, a bound, hang-ups, and an engine that dies."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.local_server import application, request_queue
from tests.local_server.conftest import PATIENCE_S, Serve, Served
from tests.rigs.api_clients import LIMIT
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
CROWD_S = float(os.environ.get("CROWD_S", "20"))
"""Two minutes are in the benchmark; CROWD_S=120 gives them here."""
GO = {"messages": [{"role": "user", "content": "Go"}]}


def wait_for(condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def state(served: Served) -> tuple[int, int]:
    status = served.services.local_server.status()
    return status.running, status.waiting


def begin(served: Served) -> tuple[HTTPConnection, HTTPResponse]:
    """Start an endless answer; returns once its first piece has arrived."""
    wait_for(lambda: state(served) == (0, 0))
    connection = served.request("POST", "/v1/chat/completions", {**GO, "stream": True})
    response = connection.getresponse()
    assert response.status == 200
    response.readline()
    return connection, response


def hang_up(connection: HTTPConnection) -> None:
    connection.sock.shutdown(socket.SHUT_RDWR)


def test_the_windows_question_goes_before_waiting_requests(tiny_server: Served) -> None:
    running, _ = begin(tiny_server)
    waiting: list[HTTPConnection] = []

    def answered() -> list[HTTPConnection]:
        return [each for each in waiting if select.select([each.sock], [], [], 0)[0]]

    for number in (1, 2):
        waiting.append(tiny_server.request("POST", "/v1/chat/completions", {**GO, "max_tokens": 3}))
        wait_for(lambda number=number: state(tiny_server) == (1, number))  # type: ignore[misc]
    assert tiny_server.call("GET", "/health")[1] == {"status": "ok", "running": 1, "waiting": 2}
    at_windows_turn: list[list[HTTPConnection]] = []
    tiny_server.services.worker.submit(lambda: at_windows_turn.append(answered()))
    hang_up(running)
    # The second has its answer only after the first.
    assert select.select([waiting[1].sock], [], [], PATIENCE_S)[0]
    assert answered() == waiting
    assert at_windows_turn == [[]]
    for each in waiting:
        assert each.getresponse().status == 200
        each.close()


def test_a_waiting_stream_reports_its_position(tiny_server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "KEEP_ALIVE_S", 0.02)
    running, _ = begin(tiny_server)
    waiting = tiny_server.send("POST", "/v1/chat/completions", {**GO, "stream": True, "max_tokens": 3})
    lines = [waiting.readline() for _ in range(4)]
    assert b": position 1 in the queue\n" in lines
    hang_up(running)
    rest = waiting.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    texts = [json.loads(line[6:]) for line in rest.splitlines() if line.startswith(b"data: {")]
    assert texts[-1]["choices"][0]["finish_reason"] == "length"


def test_more_requests_than_may_wait_are_refused(tiny_server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "MAX_WAITING", 1)
    running, _ = begin(tiny_server)
    waiting: list[int] = []
    thread = threading.Thread(target=lambda: waiting.append(tiny_server.ask(max_tokens=1)[0]))
    thread.start()
    wait_for(lambda: state(tiny_server) == (1, 1))
    refused = tiny_server.send("POST", "/v1/chat/completions", GO)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert json.loads(refused.read())["error"]["code"] == "queue_full"
    hang_up(running)
    thread.join(PATIENCE_S)
    assert waiting == [200]


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_ends_its_request(tiny_server: Served, stream: bool) -> None:
    def send(waiting: int) -> HTTPConnection:
        connection = tiny_server.request("POST", "/v1/chat/completions", {**GO, "stream": stream})
        wait_for(lambda: state(tiny_server) == (1, waiting))
        return connection

    running, waiting = send(0), send(1)
    hang_up(waiting)
    wait_for(lambda: state(tiny_server) == (1, 0))
    hang_up(running)
    begun = time.monotonic()
    wait_for(lambda: state(tiny_server) == (0, 0))
    assert time.monotonic() - begun < 20  # within a second on a machine that is not busy


def test_a_dead_engine_is_reported_and_the_next_request_works(tiny_server: Served) -> None:
    def kill_engine() -> None:
        pid = tiny_server.services.engine.pid
        assert pid is not None
        os.kill(pid, signal.SIGTERM)

    _, running = begin(tiny_server)
    kill_engine()
    events = [json.loads(line[6:]) for line in running.read().splitlines() if line.startswith(b"data: {")]
    assert events[-1]["error"]["type"] == "server_error"
    assert "The engine stopped unexpectedly while answering" in events[-1]["error"]["message"]
    results: list[tuple[int, Any]] = []
    wait_for(lambda: state(tiny_server) == (0, 0))
    thread = threading.Thread(target=lambda: results.append(tiny_server.ask()))
    thread.start()
    queue = tiny_server.services.local_server._queue
    wait_for(lambda: (request := queue.running) is not None and request.tokens)
    kill_engine()
    thread.join(PATIENCE_S)
    ((status, body),) = results
    assert (status, body["error"]["code"]) == (500, "engine_died")
    assert tiny_server.ask(max_tokens=2)[0] == 200


def test_stopping_the_server_ends_its_requests(tiny_server: Served) -> None:
    _, running = begin(tiny_server)
    server = tiny_server.services.local_server
    access = server.status().access
    assert access is not None
    server.stop()
    assert b'"local_server_stopped"' in running.read()
    assert server.status().url == ""
    wait_for(lambda: not tiny_server.services.worker.is_busy())
    # The same address is free again.
    server.start(access, tiny_server.models)
    assert tiny_server.ask(max_tokens=2)[0] == 200


def test_fifty_clients_at_once_get_their_own_answers(serve: Serve, tmp_path: Path) -> None:
    served = serve(write_tiny_model(tmp_path / "tiny.gguf", context_length=1 << 14))
    answers: dict[str, str] = {}
    for number in range(1000):
        question = f"Question {number} about {number * 7919}"
        _, body = served.ask(question, temperature=0, max_tokens=LIMIT)
        answers.setdefault(body["choices"][0]["message"]["content"], question)
        if len(answers) == 20:
            break
    expected = [(question, answer) for answer, question in answers.items()]
    process = psutil.Process()
    before = process.memory_info().rss, process.num_fds(), process.num_threads()
    command = [sys.executable, "-m", "tests.rigs.api_clients", served.url, str(CROWD_S), "50"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as clients:
        assert clients.stdin is not None
        clients.stdin.write(json.dumps(expected))
        clients.stdin.close()
        clients.stdin = None
        for _ in range(2):
            # At any moment; the next request starts the engine again.
            threading.Event().wait(CROWD_S / 3)
            wait_for(lambda: (pid := served.services.engine.pid) and os.kill(pid, signal.SIGTERM) is None)
        output, _ = clients.communicate(timeout=CROWD_S + 300)
    counts = json.loads(output)
    assert counts["wrong"] == []
    assert counts["right"] > 20
    assert counts["hung up"] > 20
    wait_for(lambda: state(served) == (0, 0))
    question, answer = expected[0]
    assert served.ask(question, temperature=0, max_tokens=LIMIT)[1]["choices"][0]["message"]["content"] == answer
    memory, files, threads = process.memory_info().rss, process.num_fds(), process.num_threads()
    assert memory - before[0] < 100 << 20
    assert files <= before[1] + 10
    assert threads <= before[2] + 3
