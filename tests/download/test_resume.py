"""Resuming after a pause, a kill, a power cut or damage on the disk."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.download.download import COMPARED_BYTES, DownloadOptions
from model_manager.download.journal import read_journal
from model_manager.download.partial_files import discard, partial_bytes, unfinished
from model_manager.download.transfer import Transfer
from model_manager.errors import Cancelled, UserError
from model_manager.layout.origin import Origin, read_origin
from tests.download.download_helpers import PIECE, QUICK, Fetch, Shelf, names_in, sha256_of
from tests.rigs.download_child import start_download
from tests.rigs.fake_hub import FakeHub

SIZE = 60 * PIECE + 321
MIB = 1 << 20


@pytest.fixture
def source(shelf: Shelf) -> Path:
    return shelf.put("model.gguf", SIZE)


@pytest.fixture
def pause(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> Callable[..., int]:
    """Download a part of the file and cancel; returns the bytes in the journal."""

    def some(n_bytes: int = 10 * PIECE, rate: int = 500_000, *, with_hashes: bool = True) -> int:
        hub.fault("cdn", "trickle", rate=rate, times=-1, skip=1)
        running = fetch.start(shelf.published(with_hashes=with_hashes))
        running.until(lambda status: status.progress.done >= n_bytes)
        running.cancel()
        assert isinstance(running.error, Cancelled)
        hub.reset()
        return partial_bytes(shelf.published(), fetch.models)

    return some


def read_known_origin(path: Path) -> Origin:
    origin = read_origin(path)
    assert origin is not None
    return origin


def fetched(hub: FakeHub) -> int:
    return sum(entry.sent for entry in hub.log if entry.where == "cdn")


def test_resume_fetches_the_rest_only(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, pause: Callable[..., int]
) -> None:
    here = pause()
    assert here >= 10 * PIECE
    assert names_in(models) == ["model.gguf.part", "model.gguf.part.json"]
    assert unfinished(models) == (shelf.published(),)

    (path,) = fetch(shelf.published())

    assert sha256_of(path) == sha256_of(source)
    assert fetched(hub) == SIZE - here


def test_repeated_pauses(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, pause: Callable[..., int]
) -> None:
    for goal in range(5, 45, 8):
        assert pause(goal * PIECE, 1_000_000) >= goal * PIECE
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_crash_at_each_step_of_the_end(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, tmp_path: Path
) -> None:
    """A power cut after each step."""
    published = shelf.published()
    hub.fault("cdn", "cut", after=PIECE, times=-1, skip=1)
    hub.faults[0].skip = 10_000
    (path,) = fetch(published)
    origin = path.with_name("model.gguf.origin.json")
    finished = {each.name: each.read_bytes() for each in models.iterdir()}
    journal = tmp_path / "journal"
    pieces = [
        [number, min(PIECE, SIZE - number * PIECE), crc]
        for number, crc in enumerate(read_known_origin(path).piece_crc32)
    ]
    opening = {
        "format": 1,
        "published": {
            "id": published.id, "repository": published.repository, "commit": published.commit,
            "file_name": published.file_name, "kind": "file", "quantisation": None, "checksums_from": "",
            "files": [[published.files[0].name, SIZE, published.files[0].sha256]],
        },
        "file_name": "model.gguf", "layout": SIZE, "piece_bytes": PIECE, "reopened_from": None,
    }  # fmt: skip
    journal.write_text(json.dumps(opening) + "\n" + json.dumps(pieces) + "\n")
    hub.reset()

    # Before the origin is written, and before the file is renamed
    for kept_origin in (False, True):
        path.rename(models / "model.gguf.part")
        shutil.copy(journal, models / "model.gguf.part.json")
        if not kept_origin:
            origin.unlink()
        assert unfinished(models) == (replace(published, checksums_from=""),)
        assert fetch(published) == (path,)
        assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]
    # Before the journal is removed
    shutil.copy(journal, models / "model.gguf.part.json")
    assert unfinished(models) == ()
    assert fetch(published) == (path,)
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]
    assert path.read_bytes() == finished["model.gguf"]
    assert hub.log == [], "not a byte was fetched again"


def test_incomplete_journal_line(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, pause: Callable[..., int]
) -> None:
    here = pause()
    journal = models / "model.gguf.part.json"
    whole = journal.read_bytes()
    for torn in (b"[[59,65536", b"\0" * 4096, b'[[3,"x",null]]\n[[59,65536,1]]\n', b"[[59]]\n", b"7\n"):
        journal.write_bytes(whole + torn)
        assert partial_bytes(shelf.published(), models) == here
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert fetched(hub) == SIZE - here


def test_temporary_files_of_a_crash_are_removed(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, pause: Callable[..., int]
) -> None:
    pause()
    for name in (".model.gguf.part.json.abc123.new", ".model.gguf.origin.json.x_y.new", ".other.gguf.part.json.1.new"):
        (models / name).write_bytes(b"half")
    fetch(shelf.published())
    assert names_in(models) == [".other.gguf.part.json.1.new", "model.gguf", "model.gguf.origin.json"]


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense\n", b"{}\n", b"[]\n", b"[" * 100_000 + b"\n", b"\0" * 100])
def test_damaged_journal(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, pause: Callable[..., int], content: bytes
) -> None:
    pause()
    (models / "model.gguf.part.json").write_bytes(content)
    assert unfinished(models) == ()
    assert partial_bytes(shelf.published(), models) == 0
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]


def test_missing_partial_file(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, pause: Callable[..., int]
) -> None:
    pause()
    (models / "model.gguf.part").unlink()
    assert partial_bytes(shelf.published(), models) == 0
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


@pytest.mark.parametrize("damage", ["flipped", "cut short", "empty"])
def test_damaged_partial_data_is_downloaded_again(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, pause: Callable[..., int], damage: str
) -> None:
    here = pause(20 * PIECE)
    part = models / "model.gguf.part"
    with part.open("r+b") as file:
        if damage == "flipped":
            for place in (3 * PIECE + 7, 12 * PIECE):
                file.seek(place)
                byte = file.read(1)
                file.seek(place)
                file.write(bytes([byte[0] ^ 0xFF]))
        else:
            file.truncate(11 * PIECE + 5 if damage == "cut short" else 0)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    if damage == "flipped":
        assert SIZE - here < fetched(hub) <= SIZE - here + 2 * PIECE + PIECE


def test_resume_with_a_listing_without_hashes(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, pause: Callable[..., int]
) -> None:
    here = pause()
    changed = replace(shelf.published(with_hashes=False), commit=hub.commit("somebody/model"))
    (path,) = fetch(changed)
    compared = PIECE + (SIZE // PIECE - 1) * COMPARED_BYTES + SIZE % PIECE
    assert fetched(hub) == SIZE - here + compared
    assert read_known_origin(path).parts[0].sha256 is None


def test_changed_file_without_hashes_is_not_continued(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, pause: Callable[..., int]
) -> None:
    """The data of two versions of the same size would be mixed, and no hash would show it."""
    before = shelf.published(with_hashes=False)
    pause(with_hashes=False)
    part = (models / "model.gguf.part").read_bytes()
    shelf.put("model.gguf", SIZE, seed=1)
    shelf.names.pop()
    assert fetch.refused(shelf.published(with_hashes=False)).code == "partial_of_another_file"
    # The queue continues what the journal says.
    assert fetch.refused(before).code == "revision_missing"
    assert (models / "model.gguf.part").read_bytes() == part


def test_two_downloads_of_one_file(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    hub.fault("cdn", "trickle", rate=60_000, times=-1, skip=1)
    running = fetch.start(shelf.published())
    running.until(lambda status: status.progress.done > 0)
    assert fetch.refused(shelf.published()).code == "download_busy"
    with pytest.raises(UserError, match="download_busy"):
        discard(shelf.published(), models)
    child = start_download(hub.url, models, shelf.published())
    assert child.communicate(timeout=60)[0] == "download_busy\n"
    assert running.is_alive
    running.cancel()
    hub.reset()
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


def test_transfer_cancelled_before_the_download(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    transfer = Transfer()
    transfer.token.cancel()
    with pytest.raises(Cancelled):
        fetch(shelf.published(), transfer)
    assert hub.log == []


def kill_and_go_on(shelf: Shelf, hub: FakeHub, models: Path, kills: int, size: int, seed: int) -> None:
    source = shelf.put("big.gguf", size)
    published = shelf.published()
    rate = 1_500_000
    hub.fault("cdn", "cut", after=700_000, rate=rate, times=-1, skip=3)
    chance = random.Random(seed)
    tick = threading.Event()
    for _ in range(kills):
        before = hub.bytes_sent()
        child = start_download(hub.url, models, published)
        goal = before + chance.randrange(1, size // (kills + 1))
        while hub.bytes_sent() < goal and child.poll() is None:
            tick.wait(0.005)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=30)
    child = start_download(hub.url, models, published)
    output, _ = child.communicate(timeout=120)
    assert output.strip() == str(models / "big.gguf")
    assert sha256_of(models / "big.gguf") == sha256_of(source)
    assert names_in(models) == ["big.gguf", "big.gguf.origin.json"]
    headers = sum(entry.sent for entry in hub.log if entry.range == f"bytes=0-{2 * MIB - 1}")
    twice = fetched(hub) - size - headers
    assert twice <= kills * 4 * rate, f"{twice / MIB:.1f} MiB in {kills} kills"


def test_three_kills(shelf: Shelf, hub: FakeHub, models: Path) -> None:
    kill_and_go_on(shelf, hub, models, kills=3, size=10 * MIB + 5, seed=3)


@pytest.mark.kills
def test_twenty_kills(shelf: Shelf, hub: FakeHub, models: Path) -> None:
    kill_and_go_on(shelf, hub, models, kills=20, size=200 * MIB + 5, seed=20)


def test_journal_is_at_most_a_second_old(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    hub.fault("cdn", "trickle", rate=200_000, times=-1, skip=1)
    running = fetch.start(shelf.published())
    tick = threading.Event()
    seen = running.until(lambda status: status.progress.done > 2 * PIECE).progress.done
    tick.wait(1.0)
    journal = read_journal(models / "model.gguf.part.json")
    assert journal is not None
    assert journal.bytes_done >= seen


def test_resume_keeps_the_piece_size(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, pause: Callable[..., int]
) -> None:
    here = pause()
    (path,) = fetch(shelf.published(), options=DownloadOptions(3 * PIECE, QUICK.retry))
    assert sha256_of(path) == sha256_of(source)
    assert fetched(hub) == SIZE - here, "what is there keeps its pieces"
