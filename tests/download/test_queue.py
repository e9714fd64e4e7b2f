"""Download queue: order, pause and resume, restart, unreachable hub."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_manager.download.queue import DownloadQueue
from model_manager.download.transfer import DownloadStatus
from model_manager.hub.access import Access
from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model

REPOSITORY = "somebody/tiny"
SECONDS = 30.0
SLOW = {"where": "cdn", "kind": "trickle", "times": -1, "rate": 40_000, "skip": 1}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "published" / "tiny.gguf"
    path.parent.mkdir()
    write_tiny_model(path)
    return path


@pytest.fixture
def hub(tiny: Path) -> Iterator[FakeHub]:
    with FakeHub() as served:
        for name in ("one.gguf", "two.gguf", "three.gguf"):
            served.add_file(REPOSITORY, name, tiny)
        yield served


class Queue:
    """Download queue whose changes can be waited for."""

    def __init__(self, folder: Path, hub_url: str, token: str | None = None) -> None:
        self.folder = folder
        self.access = Access(hub_url, hub_url, token, frozenset({hub_url.split("//")[1]}), "")
        self.arrived: list[tuple[str, tuple[Path, ...]]] = []
        self._changed = threading.Condition()
        self.queue = DownloadQueue(lambda: self.folder, lambda: self.access)
        self.queue.subscribe(self._tell)

    def _tell(self) -> None:
        with self._changed:
            for each in self.queue.statuses():
                if each.state == "done" and (each.id, each.paths) not in self.arrived:
                    self.arrived.append((each.id, each.paths))
            self._changed.notify_all()

    def status(self, model_id: str) -> DownloadStatus | None:
        return next((each for each in self.queue.statuses() if each.id == model_id), None)

    def until(self, happened: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(happened, SECONDS), self.queue.statuses()

    def until_state(self, model_id: str, *states: str) -> DownloadStatus:
        self.until(lambda: (now := self.status(model_id)) and now.state in states)
        status = self.status(model_id)
        assert status is not None
        return status

    def until_some_bytes(self, model_id: str) -> None:
        self.until(lambda: (now := self.status(model_id)) and now.state == "downloading" and now.progress.done > 0)


@pytest.fixture
def make(models: Path) -> Iterator[Callable[..., Queue]]:
    made: list[Queue] = []

    def build(hub_url: str, token: str | None = None) -> Queue:
        queue = Queue(models, hub_url, token)
        made.append(queue)
        return queue

    yield build
    for queue in made:
        queue.queue.close()


def model_id(name: str) -> str:
    return f"{REPOSITORY}:{name}.gguf"


def test_downloads_run_in_order_and_report_their_end(hub: FakeHub, make: Callable[..., Queue], tiny: Path) -> None:
    queue = make(hub.url)
    for name in ("one", "two"):
        queue.queue.add(model_id(name))
    queue.until(lambda: len(queue.arrived) == 2)
    assert [each for each, _ in queue.arrived] == [model_id("one"), model_id("two")]
    for name in ("one", "two"):
        assert (queue.folder / f"{name}.gguf").read_bytes() == tiny.read_bytes()
    assert not queue.queue.is_active
    queue.queue.forget(model_id("one"))
    assert [each.id for each in queue.queue.statuses()] == [model_id("two")]


def test_move_up(hub: FakeHub, make: Callable[..., Queue]) -> None:
    hub.fault(**SLOW, match="one")
    queue = make(hub.url)
    for name in ("one", "two", "three"):
        queue.queue.add(model_id(name))
    queue.until_some_bytes(model_id("one"))
    queue.queue.move_up(model_id("three"))
    queue.queue.pause(model_id("one"))
    queue.until(lambda: len(queue.arrived) == 2)
    assert [each for each, _ in queue.arrived] == [model_id("three"), model_id("two")]
    assert queue.status(model_id("one")).state == "paused"  # type: ignore[union-attr]


def test_pause_keeps_the_data(hub: FakeHub, make: Callable[..., Queue], tiny: Path) -> None:
    hub.fault(**SLOW)
    queue = make(hub.url)
    queue.queue.add(model_id("one"))
    queue.until_some_bytes(model_id("one"))
    queue.queue.pause(model_id("one"))
    queue.until_state(model_id("one"), "paused")
    queue.until(lambda: not queue.queue.is_active)
    assert (queue.folder / "one.gguf.part").exists()
    assert not (queue.folder / "one.gguf").exists()
    hub.faults.clear()
    queue.queue.resume(model_id("one"))
    queue.until_state(model_id("one"), "done")
    assert (queue.folder / "one.gguf").read_bytes() == tiny.read_bytes()


def test_cancel_deletes_the_data(hub: FakeHub, make: Callable[..., Queue]) -> None:
    hub.fault(**SLOW)
    queue = make(hub.url)
    queue.queue.add(model_id("one"))
    queue.until_some_bytes(model_id("one"))
    queue.queue.cancel(model_id("one"))
    queue.until(lambda: queue.status(model_id("one")) is None)
    queue.until(lambda: not list(queue.folder.glob("one.gguf*")))


def test_queue_is_restored_by_the_next_run(hub: FakeHub, make: Callable[..., Queue], tiny: Path) -> None:
    hub.fault(**SLOW)
    queue = make(hub.url)
    for name in ("one", "two", "three"):
        queue.queue.add(model_id(name))
    queue.queue.pause(model_id("three"))
    queue.until_some_bytes(model_id("one"))
    queue.queue.close()
    hub.faults.clear()
    sent = hub.bytes_sent()
    later = make(hub.url)
    later.queue.start()
    later.until_state(model_id("two"), "done")
    assert (later.folder / "one.gguf").read_bytes() == tiny.read_bytes()
    assert later.status(model_id("three")).state == "paused"  # type: ignore[union-attr]
    assert hub.bytes_sent() > sent


def test_unreachable_hub_is_retried_on_resume(make: Callable[..., Queue], tiny: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    queue = make(f"http://127.0.0.1:{port}")
    queue.queue.add(model_id("one"))
    waiting = queue.until_state(model_id("one"), "waiting", "failed")
    assert waiting.state == "waiting"
    assert waiting.problem is not None
    assert waiting.problem.code == "web_unreachable"
    assert waiting.retry_in_s
    with FakeHub(port=port) as hub:
        hub.add_file(REPOSITORY, "one.gguf", tiny)
        queue.queue.resume(model_id("one"))
        queue.until_state(model_id("one"), "done")


def test_the_pause_that_a_server_asks_for_ends_with_resume(hub: FakeHub, make: Callable[..., Queue]) -> None:
    hub.fault("cdn", "status", code=503, times=-1, headers={"Retry-After": "600"}, skip=1)
    queue = make(hub.url)
    queue.queue.add(model_id("one"))
    queue.until_state(model_id("one"), "waiting")
    hub.reset()
    queue.queue.resume(model_id("one"))
    queue.until_state(model_id("one"), "done")


def test_refused_download_fails_until_resumed(hub: FakeHub, make: Callable[..., Queue]) -> None:
    hub.gated[REPOSITORY] = "hf_secret"
    queue = make(hub.url)
    queue.queue.add(model_id("one"))
    failed = queue.until_state(model_id("one"), "failed")
    assert failed.problem is not None
    assert failed.problem.code == "gated_without_token"
    queue.access = Access(hub.url, hub.url, "hf_secret", queue.access.token_hosts, "")
    queue.queue.resume(model_id("one"))
    queue.until_state(model_id("one"), "done")


def test_failed_download_keeps_its_error_after_a_restart(hub: FakeHub, make: Callable[..., Queue]) -> None:
    hub.gated[REPOSITORY] = "hf_secret"
    queue = make(hub.url)
    queue.queue.add(model_id("one"))
    failed = queue.until_state(model_id("one"), "failed")
    queue.queue.close()
    later = make(hub.url)
    later.queue.start()
    status = later.status(model_id("one"))
    assert status is not None
    assert status.state == "failed"
    assert status.problem is not None
    assert failed.problem is not None
    assert status.problem.code == failed.problem.code
    later.queue.close()
    # A file that was changed meanwhile is no reason to fail.
    for problem in ({"code": 1}, {"code": "x", "data": {"code": 1}}, {}):
        stored = {"format": 1, "downloads": {model_id("one"): True}, "problems": {model_id("one"): problem}}
        (later.folder / "downloads.json").write_text(json.dumps(stored))
        again = make(hub.url)
        again.queue.start()
        assert again.status(model_id("one")) is not None
        again.queue.close()


def test_short_id_is_replaced_by_the_full_one(hub: FakeHub, make: Callable[..., Queue], tmp_path: Path) -> None:
    hub.add_file("somebody/other", "only.Q4_K_M.gguf", tmp_path / "published" / "tiny.gguf")
    queue = make(hub.url)
    queue.queue.add("somebody/other:Q4_K_M")
    queue.until(lambda: queue.arrived)
    assert [each.id for each in queue.queue.statuses()] == ["somebody/other:only.Q4_K_M.gguf"]
    assert queue.arrived[0][0] == "somebody/other:only.Q4_K_M.gguf"


def test_suspended_queue_downloads_nothing(hub: FakeHub, make: Callable[..., Queue], tmp_path: Path) -> None:
    hub.fault(**SLOW)
    queue = make(hub.url)
    queue.queue.add(model_id("one"))
    queue.until_some_bytes(model_id("one"))
    with queue.queue.suspended():
        requests = len(hub.log)
        moved = tmp_path / "elsewhere"
        queue.folder.rename(moved)
        queue.folder = moved
        hub.faults.clear()
        assert len(hub.log) == requests
    queue.until_state(model_id("one"), "done")
    assert (moved / "one.gguf").exists()
