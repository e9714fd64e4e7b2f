"""Connections that break off again and again: what arrived is kept, and only the rest is asked for."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.download import session
from model_manager.download.download import DownloadOptions
from model_manager.download.session import RetryPolicy
from model_manager.download.transfer import Transfer
from model_manager.layout.origin import PIECE_BYTES
from tests.download.download_helpers import PIECE, QUICK, REPOSITORY, Fetch, Shelf, sha256_of
from tests.rigs.download_child import start_download
from tests.rigs.fake_hub import FakeHub

KB, MB = 1000, 1_000_000
PRODUCTION_PIECES = replace(QUICK, piece_bytes=PIECE_BYTES, retry=replace(QUICK.retry, first_pause_s=0.002))
ANYWHERE = (1, MB)
BREAKS = (
    (1, 140),
    (10 * KB, MB),
    (90 * KB, 3 * MB),
    (700 * KB, 6 * MB),
    (MB, 8 * MB),
    (3 * MB, 16 * MB),
    (ANYWHERE, 6 * MB),
)
"""After how many bytes a connection breaks off, and the size of the file."""
CLEAN = 1.3
"""Most bytes served, as a multiple of the file."""


def served(*hubs: FakeHub) -> int:
    return sum(entry.sent for hub in hubs for entry in hub.log if entry.where == "cdn")


PATTERNS = (
    *((kind, after, size) for kind in ("cut", "reset") for after, size in BREAKS),
    ("trickle", 0, 2 * MB),
)


@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize(("after", "size"), BREAKS)
def test_every_connection_breaks_off(
    shelf: Shelf, fetch: Fetch, hub: FakeHub, kind: str, after: int | tuple[int, int], size: int
) -> None:
    source = shelf.put("model.gguf", size)
    hub.fault("cdn", kind, after=after, times=-1)
    # One connection alone has pieces of more than 3 MB.
    connections = 1 if after == 3 * MB else 4
    (path,) = fetch(shelf.published(), options=PRODUCTION_PIECES, connections=connections, patience_s=20)
    assert sha256_of(path) == sha256_of(source)
    assert hub.count("cdn") > 3
    if kind == "cut":
        assert served(hub) == size, "a closed connection delivers all that was sent"


def test_cuts_cost_no_pauses(shelf: Shelf, fetch: Fetch, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    source = shelf.put("model.gguf", MB)
    hub.fault("cdn", "cut", after=20 * KB, times=-1)
    monkeypatch.setattr(session, "PAUSE_AFTER_PROGRESS_S", 60.0)
    options = DownloadOptions(retry=RetryPolicy(first_pause_s=60.0, longest_pause_s=60.0))
    (path,) = fetch(shelf.published(), options=options, connections=1, patience_s=20)
    assert sha256_of(path) == sha256_of(source)


def test_all_connections_work_on_a_small_file(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    shelf.put("model.gguf", PIECE_BYTES)
    hub.fault("cdn", "trickle", rate=50 * KB, times=-1, skip=1)
    running = fetch.start(shelf.published(), options=PRODUCTION_PIECES)
    running.until(lambda _: hub.count("cdn") == 1 + 4)
    running.cancel()
    assert len({entry.range for entry in hub.log if entry.where == "cdn"}) == 5


@pytest.mark.parametrize(("kind", "after", "size"), PATTERNS)
def test_each_pattern_with_refusals_expired_links_another_mirror_and_a_kill(
    shelf: Shelf,
    fetch: Fetch,
    hub: FakeHub,
    second_hub: FakeHub,
    models: Path,
    kind: str,
    after: int | tuple[int, int],
    size: int,
) -> None:
    source = shelf.put("model.gguf", size)
    second_hub.add_file(REPOSITORY, "model.gguf", source)
    for each in (hub, second_hub):
        for skip, code in enumerate((429, 503, 403)):
            each.fault("cdn", "status", code=code, times=1, skip=2 * skip)
        options = {"rate": 4 * MB} if kind == "trickle" else {"after": after, "rate": 16 * MB}
        each.fault("cdn", kind, times=-1, **options)
    child = start_download(hub.url, models, shelf.published(), piece_bytes=PIECE)
    while served(hub) < size / 4:
        assert child.poll() is None
    child.kill()
    child.communicate()
    before = served(hub)
    running = fetch.start(shelf.published())
    running.until(lambda _: served(hub) - before > min(size / 4, size - before - 1))
    fetch.access = replace(fetch.access, endpoint=second_hub.url)
    running.transfer.reconnect()
    running.join()
    assert running.error is None
    assert sha256_of(running.paths[0]) == sha256_of(source)
    if kind != "reset":
        assert served(hub, second_hub) - before <= CLEAN * size


@pytest.mark.parametrize(
    ("after", "where", "kind", "options"),
    [
        (700 * KB, "cdn", "status", {"code": 429, "headers": {"Retry-After": "0"}}),
        (90 * KB, "resolve", "status", {"code": 503}),
        (ANYWHERE, "cdn", "ignore_range", {}),
        (90 * KB, "cdn", "stall", {"after": 5 * KB, "seconds": 30}),
    ],
)
def test_cuts_together_with_other_faults(
    shelf: Shelf,
    fetch: Fetch,
    hub: FakeHub,
    after: int | tuple[int, int],
    where: str,
    kind: str,
    options: dict[str, object],
) -> None:
    size = 5 * MB
    source = shelf.put("model.gguf", size)
    for skip in (0, 2, 3):
        hub.fault(where, kind, times=2, skip=skip, **options)
    hub.fault("cdn", "cut", after=after, times=-1)
    (path,) = fetch(shelf.published(), patience_s=20)
    assert sha256_of(path) == sha256_of(source)
    if kind != "ignore_range":
        assert served(hub) <= CLEAN * size


def test_single_answer_without_range_is_not_remembered(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    """If ranges were given up, a line that always breaks off would never finish."""
    source = shelf.put("model.gguf", 5 * MB)
    hub.fault("cdn", "ignore_range", times=1, skip=3)
    hub.fault("cdn", "cut", after=90 * KB, times=-1)
    (path,) = fetch(shelf.published(), patience_s=20)
    assert sha256_of(path) == sha256_of(source)


@pytest.mark.parametrize("in_header", [True, False])
def test_mirror_changes_between_cuts(
    shelf: Shelf, fetch: Fetch, hub: FakeHub, second_hub: FakeHub, in_header: bool
) -> None:
    size = MB
    source = shelf.put("model.gguf", size)
    second_hub.add_file(REPOSITORY, "model.gguf", source)
    for each in (hub, second_hub):
        each.fault("cdn", "cut", after=20 * KB, rate=MB, times=-1)
    running = fetch.start(shelf.published())
    running.until(lambda status: served(hub) > (20 * KB if in_header else 300 * KB))
    fetch.access = replace(fetch.access, endpoint=second_hub.url)
    running.transfer.reconnect()
    running.join()
    assert sha256_of(running.paths[0]) == sha256_of(source)
    assert served(hub, second_hub) <= CLEAN * size
    assert not any((entry.range or "").startswith("bytes=0-") for entry in second_hub.log), "the header is kept too"


def test_links_refused_for_a_moment(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    """All connections are refused at once, again with their new links."""
    source = shelf.put("model.gguf", 40 * PIECE)
    hub.fault("cdn", "status", code=403, times=12, skip=3)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_bytes_reset_the_pauses(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    source = shelf.put("model.gguf", 4 * PIECE)
    for _ in range(4):
        hub.fault("cdn", "status", code=503, times=2)
        hub.fault("cdn", "cut", after=1000, times=1)
    transfer = Transfer()
    options = DownloadOptions(PIECE, RetryPolicy(2.0, 2.0, first_pause_s=0.02, longest_pause_s=30.0))
    begun = time.monotonic()
    (path,) = fetch(shelf.published(), transfer, options=options, connections=1)
    # Twelve pauses that grow all the time would take a minute.
    assert time.monotonic() - begun < 10
    assert sha256_of(path) == sha256_of(source)
