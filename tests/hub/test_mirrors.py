"""The test of the mirrors: the fastest is found, and neither a slow nor a dead one holds the others."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled
from model_manager.hub.access import Access, host_of
from model_manager.hub.catalogue import APUS
from model_manager.hub.mirrors import SAMPLE_BYTES, measure_mirrors
from tests.rigs.fake_hub import FakeHub

REPO, NAME = APUS[0].repository, APUS[0].file_name
ANY = Access(proxy="")


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2 * SAMPLE_BYTES)
    return path


@pytest.fixture
def mirrors(hub: FakeHub, second_hub: FakeHub, sparse: Path) -> tuple[FakeHub, FakeHub]:
    for fake in (hub, second_hub):
        fake.add_file(REPO, NAME, sparse, sha256="5" * 64)
    return hub, second_hub


def test_fastest_mirror_is_first_and_dead_ones_end_in_time(
    mirrors: tuple[FakeHub, FakeHub], refusing_url: str, silent_url: str
) -> None:
    fast, slow = mirrors
    slow.fault("cdn", "trickle", rate=200_000, times=-1)
    started = time.monotonic()
    speeds = measure_mirrors((silent_url, slow.url, refusing_url, fast.url), ANY, seconds=1.0)
    assert time.monotonic() - started < 3
    assert [each.endpoint for each in speeds[:2]] == [fast.url, slow.url]
    assert speeds[0].bytes_per_second is not None
    assert speeds[0].bytes_per_second > 5_000_000
    assert speeds[1].bytes_per_second is not None
    assert 50_000 < speeds[1].bytes_per_second < 1_000_000
    assert all(each.problem is None for each in speeds[:2])
    problems = {each.endpoint: each.problem.code for each in speeds[2:] if each.problem}
    assert problems[refusing_url] == "web_unreachable"
    assert problems[silent_url] == "web_silent"
    assert fast.bytes_sent() <= SAMPLE_BYTES


def test_mirror_that_stalls(mirrors: tuple[FakeHub, FakeHub]) -> None:
    stalling, empty = mirrors
    stalling.fault("cdn", "stall", after=1_000_000, seconds=5)
    empty.fault("cdn", "stall", after=0, seconds=5)
    first, last = measure_mirrors([stalling.url, empty.url], ANY, seconds=0.6)
    assert first.endpoint == stalling.url
    assert first.bytes_per_second is not None
    assert 200_000 < first.bytes_per_second < 4_000_000, "the silence counts"
    assert last.problem is not None
    assert last.problem.code == "web_silent"
    assert last.problem.data["host"] == host_of(empty.url)


def test_captive_portal_and_mirror_without_the_file(mirrors: tuple[FakeHub, FakeHub]) -> None:
    portal, empty = mirrors
    portal.fault("resolve", "status", code=200, text="<html>", headers={"Content-Type": "text/html"})
    del empty.repos[REPO]
    problems = {each.endpoint: each.problem for each in measure_mirrors([portal.url, empty.url], ANY, seconds=2)}
    assert problems[portal.url] is not None
    assert problems[portal.url].code == "captive_portal"  # type: ignore[union-attr]
    assert problems[empty.url].code == "repository_missing"  # type: ignore[union-attr]


def test_invalid_proxy_is_reported(hub: FakeHub) -> None:
    (speed,) = measure_mirrors([hub.url], Access(proxy="gopher://x"), seconds=1)
    assert speed.problem is not None
    assert speed.problem.code == "proxy_failed"


def test_cancelling_the_test(silent_url: str) -> None:
    token = CancelToken()
    started = time.monotonic()
    threading.Timer(0.2, token.cancel).start()
    with pytest.raises(Cancelled):
        measure_mirrors([silent_url], ANY, seconds=30, token=token)
    assert 0.2 <= time.monotonic() - started < 15
