"""Downloads that finish despite network and server errors."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from model_manager.download.download import DownloadOptions
from model_manager.download.session import RetryPolicy
from model_manager.download.transfer import DownloadStatus, Transfer
from model_manager.errors import UserError
from model_manager.hub.access import Access
from tests.download.download_helpers import PIECE, QUICK, Fetch, Shelf, sha256_of
from tests.rigs.fake_hub import FakeHub

SIZE = 60 * PIECE + 777
BEHIND_THE_HEADER = 1
"""Requests for the header, before the faults."""


@pytest.fixture
def source(shelf: Shelf) -> Path:
    return shelf.put("model.gguf", SIZE)


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_connections_lost_before_the_response(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, kind: str
) -> None:
    hub.fault("cdn", kind, after=0, times=8)
    hub.fault("resolve", "status", code=502, times=3)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


@pytest.mark.parametrize("where", ["cdn", "resolve"])
@pytest.mark.parametrize("code", [408, 500, 502, 503, 504, 429])
def test_five_transient_statuses(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, where: str, code: int) -> None:
    hub.fault(where, "status", code=code, times=5)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert hub.faults[0].times == 0


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_respected(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, form: str, code: int) -> None:
    delay_s = 1.0

    def value() -> str:
        # Dates have no fractions.
        date = datetime.now(UTC) + timedelta(seconds=delay_s + 1)
        return str(int(delay_s)) if form == "seconds" else format_datetime(date, usegmt=True)

    hub.fault("cdn", "status", code=code, times=1, skip=BEHIND_THE_HEADER, headers={"Retry-After": value})
    running = fetch.start(shelf.published(), connections=1)
    waiting = running.until(lambda status: status.state == "waiting")
    running.join()

    assert waiting.problem is not None
    assert waiting.problem.code == "web_busy"
    assert waiting.retry_in_s is not None
    assert 0 <= waiting.retry_in_s <= delay_s + 2
    refused, again = [entry for entry in hub.log if entry.where == "cdn"][1:3]
    assert (refused.status, again.status) == (code, 206)
    assert again.t - refused.t >= delay_s * 0.99
    assert sha256_of(running.paths[0]) == sha256_of(source)


def test_retry_after_of_one_connection_does_not_delay_the_others(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub
) -> None:
    hub.fault("cdn", "trickle", rate=2_000_000, times=-1, skip=BEHIND_THE_HEADER + 2)
    hub.fault("cdn", "status", code=429, times=1, skip=BEHIND_THE_HEADER, headers={"Retry-After": "3600"})
    hub.faults.reverse()
    begun = time.monotonic()
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert time.monotonic() - begun < 30


def test_expired_links_are_resolved_again(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    for code in (403, 401, 410):
        hub.fault("cdn", "cut", after=100_000, times=1, skip=BEHIND_THE_HEADER)
        hub.fault("cdn", "status", code=code, times=1, skip=BEHIND_THE_HEADER)
    (path,) = fetch(shelf.published(), connections=1)
    assert sha256_of(path) == sha256_of(source)
    assert sum(entry.where == "resolve" for entry in hub.log) == 4
    assert all(fault.times == 0 for fault in hub.faults)


def test_links_that_are_always_refused(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "status", code=403, times=-1)
    error = fetch.refused(shelf.published())
    assert (error.code, error.data["status"]) == ("web_refused", 403)


def test_stalled_connections(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "stall", after=100_000, seconds=30, times=2, skip=BEHIND_THE_HEADER)
    begun = time.monotonic()
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert time.monotonic() - begun < 10


def test_stalled_header(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "stall", after=100, seconds=30, times=1)
    hub.fault("resolve", "delay", seconds=5, times=1)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_server_without_ranges(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "ignore_range", times=-1)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_server_stops_supporting_ranges(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "cut", after=PIECE * 3, times=4, skip=BEHIND_THE_HEADER)
    hub.fault("cdn", "ignore_range", times=-1, skip=BEHIND_THE_HEADER)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_server_without_ranges_closes_connections(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "ignore_range", times=1)
    hub.fault("cdn", "ignore_range", times=1)
    hub.fault("cdn", "cut", after=SIZE // 2, times=2)
    hub.fault("cdn", "ignore_range", times=-1)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_raw_parts_from_a_server_without_ranges(tmp_path: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    whole = shelf.put("whole.gguf", SIZE)
    shelf.names.clear()
    content = whole.read_bytes()
    shelf.put_bytes("m.gguf.part1of2", content[: SIZE // 3])
    shelf.put_bytes("m.gguf.part2of2", content[SIZE // 3 :])
    hub.fault("cdn", "ignore_range", times=-1)
    (path,) = fetch(shelf.published("parts", "m.gguf"))
    assert path.read_bytes() == content


def test_hub_without_content_network(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.repos["somebody/model"]["model.gguf"].direct = True
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert hub.count("cdn") == 0


@pytest.mark.parametrize("delta", [10, -10])
def test_wrong_content_length(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, delta: int) -> None:
    hub.fault("cdn", "length", delta=delta, times=6, skip=BEHIND_THE_HEADER)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_what_a_server_sends_behind_a_range_is_not_kept(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "extra", times=-1)
    with pytest.raises(UserError, match="web_answer_wrong"):
        fetch(shelf.published())
    hub.faults.clear()
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_missing_content_length(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "drop_headers", names=["Content-Length"], times=-1)
    hub.fault("resolve", "drop_headers", names=["X-Linked-Size", "X-Linked-Etag", "X-Repo-Commit"], times=-1)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_network_outage(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    address = ("127.0.0.1", hub.server.server_address[1])
    published = shelf.published()
    hub.fault("cdn", "cut", after=100_000, times=4, skip=BEHIND_THE_HEADER)
    hub.fault("cdn", "reset", after=0, times=-1, skip=BEHIND_THE_HEADER)
    running = fetch.start(published)
    running.until(lambda status: status.progress.done > 100_000)
    hub.server.shutdown()
    hub.server.socket.close()
    running.until(
        lambda status: status.state == "waiting" and status.problem and status.problem.code == "web_unreachable"
    )
    hub.faults.clear()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        hub.server.socket = listener
        again = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.05})
        again.start()
        running.join()
        hub.server.shutdown()
        again.join()
    assert sha256_of(running.paths[0]) == sha256_of(source)


def test_patience_ends_with_the_last_error(shelf: Shelf, source: Path, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "status", code=503, times=-1, skip=BEHIND_THE_HEADER)
    begun = time.monotonic()
    error = fetch.refused(shelf.published(), patience_s=1.5)
    assert error.code == "web_busy"
    assert 1.5 <= time.monotonic() - begun < 5


def test_patience_with_an_unreachable_hub(shelf: Shelf, source: Path, fetch: Fetch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        fetch.access = Access(f"http://127.0.0.1:{holder.getsockname()[1]}", proxy="")
        error = fetch.refused(shelf.published(), patience_s=1.5)
    assert error.code == "web_unreachable"
    assert error.data["detail"] == "connection refused"


def test_pauses_grow(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "status", code=500, times=6, skip=BEHIND_THE_HEADER)
    options = DownloadOptions(PIECE, RetryPolicy(2.0, 0.5, first_pause_s=0.05, longest_pause_s=0.2))
    fetch(shelf.published(), options=options, connections=1)
    entries = [entry for entry in hub.log if entry.where == "cdn"][1:8]
    pauses = [after.t - before.t for before, after in pairwise(entries)]
    bounds = [0.05, 0.1, 0.2, 0.2, 0.2, 0.2]
    assert [pause >= bound / 2 for pause, bound in zip(pauses, bounds, strict=True)] == [True] * 6


def test_statuses_during_a_download(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("cdn", "trickle", rate=1_000_000, times=-1, skip=BEHIND_THE_HEADER)
    seen: list[DownloadStatus] = []
    fetch(shelf.published(), Transfer("an id", seen.append))

    assert {status.id for status in seen} == {"an id"}
    assert seen[0].state == "preparing"
    downloading = [status.progress for status in seen if status.state == "downloading"]
    done = [progress.done for progress in downloading]
    assert len(done) > 1
    assert done == sorted(done)
    assert {status.progress.total for status in seen} == {SIZE}
    late = downloading[-1]
    assert 0.5e6 < late.bytes_per_second < 16e6
    assert late.seconds_left == pytest.approx((SIZE - late.done) / late.bytes_per_second)


def test_faults_at_full_speed(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    source = shelf.put("large.gguf", 60 << 20)
    for kind in ("cut", "reset", "stall"):
        hub.fault("cdn", kind, after=9_000_000, times=3, skip=1, seconds=30)
    options = DownloadOptions(1 << 20, QUICK.retry)
    (path,) = fetch(shelf.published(), options=options, connections=2)
    assert sha256_of(path) == sha256_of(source)
    assert [fault.times for fault in hub.faults] == [0, 0, 0]
