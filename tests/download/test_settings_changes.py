"""Cancellation, speed limit and changed access settings of a running download."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_manager.download.download import DownloadOptions
from model_manager.download.session import RetryPolicy
from model_manager.download.transfer import SpeedMeter, Transfer
from model_manager.errors import Cancelled
from model_manager.hub.access import Access
from tests.download.download_helpers import PIECE, Fetch, Running, Shelf, names_in, sha256_of
from tests.rigs.fake_hub import FakeHub

SIZE = 60 * PIECE + 321
CANCEL_S = 0.5
PATIENT = 60.0
PATIENT_OPTIONS = DownloadOptions(PIECE, RetryPolicy(PATIENT, PATIENT, PATIENT, PATIENT))


@pytest.fixture
def source(shelf: Shelf) -> Path:
    return shelf.put("model.gguf", SIZE)


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Address that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """Address where connections are neither accepted nor refused."""
    with contextlib.ExitStack() as held, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def cancel(running: Running) -> None:
    begun = time.monotonic()
    running.cancel()
    assert time.monotonic() - begun <= CANCEL_S
    assert isinstance(running.error, Cancelled)


@pytest.mark.parametrize("kind", ["stall", "trickle"])
def test_cancel_with_a_slow_server(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, kind: str
) -> None:
    hub.fault("cdn", kind, after=PIECE // 2, seconds=120, rate=20_000, times=-1, skip=1)
    running = fetch.start(shelf.published(), options=PATIENT_OPTIONS)
    running.until(lambda status: status.progress.done > 0)
    cancel(running)
    assert names_in(models) == ["model.gguf.part", "model.gguf.part.json"]


@pytest.mark.parametrize("where", ["resolve", "cdn"])
@pytest.mark.parametrize("skip", [0, 1])
def test_cancel_before_a_response(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, where: str, skip: int
) -> None:
    if where == "resolve" and skip:
        hub.fault("cdn", "status", code=403, times=-1, skip=1)
    hub.fault(where, "delay", seconds=3, times=-1, skip=skip)
    running = fetch.start(shelf.published(), options=PATIENT_OPTIONS)
    running.until(lambda _: any(entry.fault == "delay" for entry in hub.log))
    cancel(running)


@pytest.mark.parametrize("place", [silent_server, full_backlog])
def test_cancel_while_connecting(
    source: Path, shelf: Shelf, fetch: Fetch, place: Callable[[], contextlib.AbstractContextManager[str]]
) -> None:
    with place() as endpoint:
        fetch.access = Access(endpoint, endpoint, proxy="")
        running = fetch.start(shelf.published(), options=PATIENT_OPTIONS)
        threading.Event().wait(0.1)
        cancel(running)


def test_cancel_during_a_name_lookup(source: Path, shelf: Shelf, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        asked.set()
        go_on.wait(PATIENT)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    fetch.access = Access("http://hub.test", "http://hub.test", proxy="")
    running = fetch.start(shelf.published(), options=PATIENT_OPTIONS)
    assert asked.wait(10)
    cancel(running)
    go_on.set()


def test_cancel_during_a_long_pause(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "status", code=503, times=-1, headers={"Retry-After": "600"}, skip=1)
    running = fetch.start(shelf.published(), options=PATIENT_OPTIONS)
    waiting = running.until(lambda status: status.state == "waiting")
    assert waiting.retry_in_s is not None
    assert waiting.retry_in_s > 500
    cancel(running)


def test_cancel_at_a_low_speed_limit(source: Path, shelf: Shelf, fetch: Fetch) -> None:
    running = fetch.start(shelf.published())
    running.transfer.limit_bytes_per_s = 1000
    running.until(lambda status: status.state == "downloading" and status.progress.done > 0)
    cancel(running)


def test_speed_limit_applies_to_all_connections(source: Path, shelf: Shelf, fetch: Fetch) -> None:
    transfer = Transfer()
    transfer.limit_bytes_per_s = 2_000_000
    begun = time.monotonic()
    fetch(shelf.published(), transfer)
    expected = SIZE / 2_000_000
    assert 0.8 * expected <= time.monotonic() - begun <= expected + 2


def test_changing_the_speed_limit(source: Path, shelf: Shelf, fetch: Fetch) -> None:
    running = fetch.start(shelf.published())
    running.transfer.limit_bytes_per_s = 50_000
    running.until(lambda status: status.progress.done > 0)
    assert running.is_alive
    running.transfer.limit_bytes_per_s = None
    begun = time.monotonic()
    running.join()
    assert time.monotonic() - begun < 5
    assert sha256_of(running.paths[0]) == sha256_of(source)


def test_changing_the_endpoint(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, second_hub: FakeHub) -> None:
    second_hub.add_file("somebody/model", "model.gguf", source)
    hub.fault("cdn", "trickle", rate=200_000, times=-1, skip=1)
    running = fetch.start(shelf.published())
    running.until(lambda status: status.progress.done > 3 * PIECE)
    fetch.access = Access(second_hub.url, second_hub.url, proxy="")

    running.transfer.reconnect()
    running.join()

    assert sha256_of(running.paths[0]) == sha256_of(source)
    sent = sum(entry.sent for entry in second_hub.log)
    assert 0 < sent <= SIZE - 3 * PIECE, "what was here is kept"
    assert {entry.method for entry in second_hub.log} == {"GET"}


def test_changing_the_endpoint_while_the_first_is_silent(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub
) -> None:
    with silent_server() as endpoint:
        fetch.access = Access(endpoint, endpoint, proxy="")
        running = fetch.start(shelf.published(), options=PATIENT_OPTIONS)
        threading.Event().wait(0.1)
        fetch.access = Access(hub.url, hub.url, proxy="")
        running.transfer.reconnect()
        running.join()
    assert sha256_of(running.paths[0]) == sha256_of(source)


def test_reconnect_ends_a_pause(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "status", code=503, times=4, headers={"Retry-After": "600"}, skip=1)
    running = fetch.start(shelf.published(), options=PATIENT_OPTIONS)
    running.until(lambda status: status.state == "waiting")
    hub.reset()
    running.transfer.reconnect()
    running.join()
    assert sha256_of(running.paths[0]) == sha256_of(source)


def test_repeated_reconnects(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "trickle", rate=400_000, times=-1, skip=1)
    running = fetch.start(shelf.published())
    for goal in range(1, 20):
        running.until(lambda status, goal=goal: status.progress.done > goal * PIECE)
        running.transfer.reconnect()
    hub.reset()
    running.transfer.reconnect()
    running.join()
    assert sha256_of(running.paths[0]) == sha256_of(source)


def test_slow_connection_is_dropped_near_the_end(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    # The slow one of four connections needs half a minute per piece.
    hub.fault("cdn", "trickle", rate=2_000, times=1, skip=1)
    begun = time.monotonic()
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert time.monotonic() - begun < 15


def test_threads_end_after_cancelling(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    before = {thread.name for thread in threading.enumerate()}
    hub.fault("cdn", "trickle", rate=400_000, times=-1, skip=1)
    running = fetch.start(shelf.published())
    running.until(lambda status: status.progress.done > 0)
    cancel(running)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = {thread for thread in threading.enumerate() if thread.name.startswith(("download", "hash"))}
        if not left - {threading.current_thread()}:
            break
        for thread in left:
            thread.join(0.1)
    assert not any(thread.name.startswith(("download ", "hash ")) for thread in threading.enumerate()), before


def test_speed_of_the_last_seconds() -> None:
    meter = SpeedMeter(window_s=5.0)

    def speed(done: int, now: float) -> float:
        return meter.progress(done, 100_000, now).bytes_per_second

    assert speed(0, 100.0) == 0
    assert speed(1000, 101.0) == 1000
    for second in range(2, 20):
        assert speed(1000 * second, 100.0 + second) == 1000
    assert speed(19_000, 130.0) < 100
    assert speed(5_000, 131.0) == 0, "a discarded piece isn't a negative speed"
