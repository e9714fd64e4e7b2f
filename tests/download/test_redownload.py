"""Re-download of damaged pieces, and crashes at each of its steps."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.download.partial_files import discard, partial_bytes, reopen_for_redownload, unfinished
from model_manager.errors import UserError
from model_manager.layout.origin import read_origin, write_origin
from tests.download.download_helpers import PIECE, Fetch, Shelf, names_in, sha256_of
from tests.rigs.fake_hub import FakeHub

SIZE = 20 * PIECE + 77


@pytest.fixture
def source(shelf: Shelf) -> Path:
    return shelf.put("model.gguf", SIZE)


@pytest.fixture
def damaged(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> Path:
    """Finished file with damaged pieces 3 and 20."""
    (path,) = fetch(shelf.published())
    with path.open("r+b") as file:
        for place in (3 * PIECE + 5, SIZE - 1):
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))
    hub.log.clear()
    return path


def sent(hub: FakeHub) -> int:
    return sum(entry.sent for entry in hub.log)


def test_only_damaged_pieces_are_fetched(
    source: Path, damaged: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, models: Path
) -> None:
    published = reopen_for_redownload(damaged, [3, 20])
    assert (published.id, published.files) == (shelf.published().id, shelf.published().files)
    assert names_in(models) == ["model.gguf.origin.json", "model.gguf.part", "model.gguf.part.json"]
    assert partial_bytes(published, models) == SIZE - PIECE - 77
    assert unfinished(models) == (published,)

    assert fetch(published) == (damaged,)

    assert sha256_of(damaged) == sha256_of(source)
    assert sent(hub) == PIECE + 77
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]


def test_unreported_damage_is_found(source: Path, damaged: Path, fetch: Fetch, hub: FakeHub) -> None:
    fetch(reopen_for_redownload(damaged, [3]))
    assert sha256_of(damaged) == sha256_of(source)
    assert sent(hub) == PIECE + 77


def test_redownload_of_all_pieces(source: Path, damaged: Path, fetch: Fetch, hub: FakeHub) -> None:
    fetch(reopen_for_redownload(damaged, None))
    assert sha256_of(damaged) == sha256_of(source)
    assert sent(hub) == SIZE


def test_redownload_without_damage(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    (path,) = fetch(shelf.published())
    hub.log.clear()
    assert fetch(reopen_for_redownload(path, [])) == (path,)
    assert hub.log == []


def test_redownload_without_piece_checksums(source: Path, damaged: Path, fetch: Fetch, hub: FakeHub) -> None:
    """Its origin was written by a verification, without checksums of pieces."""
    origin = read_origin(damaged)
    assert origin is not None
    write_origin(damaged, replace(origin, piece_crc32=()))
    fetch(reopen_for_redownload(damaged, [3, 20]))
    assert sha256_of(damaged) == sha256_of(source)
    assert sent(hub) == PIECE + 77
    assert read_origin(damaged).piece_crc32 == origin.piece_crc32  # type: ignore[union-attr]


def test_crash_before_the_reopened_file_is_renamed(
    source: Path, damaged: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, models: Path, tmp_path: Path
) -> None:
    reopen_for_redownload(damaged, [3, 20])
    (models / "model.gguf.part").rename(damaged)
    assert unfinished(models) != ()
    assert fetch(shelf.published()) == (damaged,)
    assert sha256_of(damaged) == sha256_of(source)
    assert sent(hub) == PIECE + 77


def test_crash_after_the_repaired_file_is_renamed(
    source: Path, damaged: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, models: Path, tmp_path: Path
) -> None:
    reopen_for_redownload(damaged, [3, 20])
    journal = models / "model.gguf.part.json"
    shutil.copy(journal, tmp_path / "journal")
    fetch(shelf.published())
    shutil.copy(tmp_path / "journal", journal)
    hub.log.clear()
    assert fetch(shelf.published()) == (damaged,)
    assert sha256_of(damaged) == sha256_of(source)
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]


def test_crash_while_a_quarantined_file_is_reopened(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, models: Path
) -> None:
    hub.fault("cdn", "corrupt", offset=SIZE // 2, times=-1)
    fetch.refused(shelf.published())
    hub.reset()
    bad, bad_journal = models / "model.gguf.bad", models / "model.gguf.bad.json"
    kept = bad_journal.read_bytes()
    reopen_for_redownload(bad, None)
    (models / "model.gguf.part").rename(bad)
    bad_journal.write_bytes(kept)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert not bad.exists()


def test_discarded_redownload_is_quarantined(
    source: Path, damaged: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, models: Path
) -> None:
    content = damaged.read_bytes()
    published = reopen_for_redownload(damaged, [3, 20])
    hub.fault("cdn", "status", code=503, times=-1)
    assert fetch.refused(published, patience_s=1.5).code == "web_busy"
    discard(published, models)
    assert names_in(models) == ["model.gguf.bad", "model.gguf.bad.json", "model.gguf.origin.json"]
    assert (models / "model.gguf.bad").read_bytes() == content
    hub.reset()
    fetch(reopen_for_redownload(models / "model.gguf.bad", None))
    assert sha256_of(damaged) == sha256_of(source)
    assert sent(hub) == PIECE + 77


def test_discard_before_the_reopened_file_is_renamed(
    source: Path, damaged: Path, shelf: Shelf, fetch: Fetch, models: Path
) -> None:
    content = damaged.read_bytes()
    published = reopen_for_redownload(damaged, [3, 20])
    (models / "model.gguf.part").rename(damaged)
    discard(published, models)
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]
    assert damaged.read_bytes() == content


def test_redownload_of_known_pieces_of_a_quarantined_file(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, models: Path
) -> None:
    hub.fault("cdn", "corrupt", offset=SIZE // 2, times=-1)
    fetch.refused(shelf.published())
    hub.reset()
    published = reopen_for_redownload(models / "model.gguf.bad", [SIZE // 2 // PIECE])
    (path,) = fetch(published)
    assert sha256_of(path) == sha256_of(source)


def test_files_that_cannot_be_reopened(source: Path, shelf: Shelf, fetch: Fetch, models: Path, tmp_path: Path) -> None:
    models.mkdir()
    for name, code in (("none.gguf", "file_missing"), ("none.gguf.bad", "file_missing"), ("x.txt", "name_not_allowed")):
        with pytest.raises(UserError) as caught:
            reopen_for_redownload(models / name, None)
        assert caught.value.code == code
    for name in ("mine.gguf", "mine.gguf.bad"):
        (models / name).write_bytes(b"mine")
        with pytest.raises(UserError) as caught:
            reopen_for_redownload(models / name, None)
        assert caught.value.code == "origin_unknown"
        assert (models / name).read_bytes() == b"mine"
    assert names_in(models) == ["mine.gguf", "mine.gguf.bad"]


def test_redownload_of_one_shard(shelf: Shelf, fetch: Fetch, hub: FakeHub, models: Path) -> None:
    sources = [shelf.put(f"m-{number:05}-of-00002.gguf", SIZE, seed=number) for number in (1, 2)]
    paths = fetch(shelf.published("shards"))
    hub.log.clear()
    (path,) = fetch(reopen_for_redownload(paths[1], [0]))
    assert path == paths[1]
    assert sent(hub) == PIECE
    # The origin names the shard alone; the model is complete nevertheless.
    hub.log.clear()
    assert fetch(shelf.published("shards")) == paths
    assert hub.log == []
    assert [path.read_bytes() for path in paths] == [source.read_bytes() for source in sources]
