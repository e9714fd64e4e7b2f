"""Complete downloads: single files, raw parts, shards, and the files beside them."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from model_manager.download.partial_files import discard, partial_bytes, unfinished
from model_manager.download.transfer import Transfer
from model_manager.errors import UserError
from model_manager.layout.origin import read_origin
from model_manager.published import HubFile, PublishedModel
from tests.download.download_helpers import PIECE, REPOSITORY, Fetch, Shelf, names_in, sha256_of
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf

SIZE = 40 * PIECE + 12345


def test_single_file_with_its_origin(shelf: Shelf, fetch: Fetch, models: Path) -> None:
    source = shelf.put("folder/model.gguf", SIZE)
    published = shelf.published(file_name="model.gguf")

    (path,) = fetch(published)

    assert path == models / "model.gguf"
    assert path.read_bytes() == source.read_bytes()
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]
    origin = read_origin(path)
    assert origin is not None
    assert origin.sha256 == sha256_of(source)
    assert origin.verified_at is not None
    assert (origin.repository, origin.commit, origin.parts) == (REPOSITORY, published.commit, published.files)
    content = source.read_bytes()
    assert origin.piece_bytes == PIECE
    assert list(origin.piece_crc32) == [zlib.crc32(content[at : at + PIECE]) for at in range(0, SIZE, PIECE)]


def test_finished_file_is_not_downloaded_again(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    shelf.put("model.gguf", SIZE)
    first = fetch(shelf.published())
    hub.log.clear()

    assert fetch(shelf.published()) == first
    assert hub.log == []


def test_each_byte_is_fetched_once(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    shelf.put("model.gguf", SIZE)
    fetch(shelf.published())

    assert sum(entry.sent for entry in hub.log) == SIZE
    assert sum(entry.where == "resolve" for entry in hub.log) == 1


def test_raw_parts_are_joined(tmp_path: Path, shelf: Shelf, fetch: Fetch, models: Path) -> None:
    whole = write_plain_gguf(tmp_path / "whole.gguf", SIZE)
    content = whole.read_bytes()
    cuts = [0, 7 * PIECE + 1, 20 * PIECE, SIZE]
    for number, (start, end) in enumerate(pairwise(cuts)):
        shelf.put_bytes(f"model.gguf-split-{'abc'[number]}", content[start:end])

    (path,) = fetch(shelf.published("parts", "model.gguf"))

    assert path.read_bytes() == content
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]
    origin = read_origin(path)
    assert origin is not None
    assert origin.sha256 == sha256_of(whole)
    assert [part.bytes for part in origin.parts] == [end - start for start, end in pairwise(cuts)]


def test_shards_stay_separate_files(shelf: Shelf, fetch: Fetch, models: Path) -> None:
    sources = [shelf.put(f"q/m-{number:05}-of-00003.gguf", SIZE + number, seed=number) for number in (1, 2, 3)]
    published = shelf.published("shards", "m-00001-of-00003.gguf")
    transfer = Transfer()

    paths = fetch(published, transfer)

    assert [path.name for path in paths] == [f"m-{number:05}-of-00003.gguf" for number in (1, 2, 3)]
    assert [path.read_bytes() for path in paths] == [source.read_bytes() for source in sources]
    assert len(names_in(models)) == 6
    assert transfer.status.progress.total == 3 * SIZE + 6


@pytest.mark.parametrize("n_bytes", [512, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE - 1])
def test_sizes_around_the_piece_size(shelf: Shelf, fetch: Fetch, n_bytes: int) -> None:
    source = shelf.put("model.gguf", n_bytes)
    (path,) = fetch(shelf.published())
    assert path.read_bytes() == source.read_bytes()


def test_file_without_published_hash(shelf: Shelf, fetch: Fetch) -> None:
    source = shelf.put("model.gguf", SIZE)
    (path,) = fetch(shelf.published(with_hashes=False))
    origin = read_origin(path)
    assert origin is not None
    assert origin.parts[0].sha256 is None
    assert origin.sha256 == sha256_of(source)


@pytest.mark.parametrize(
    "name",
    [
        "../model.gguf", "a/b.gguf", "a\\b.gguf", "model", "model.bin", ".gguf", ".hidden.gguf", "con.gguf",
        "COM1.x.gguf", "lpt9 .gguf", "a:b.gguf", "what?.gguf", "line\nbreak.gguf", "model.gguf ", "x" * 250 + ".gguf",
        "lone\udc80.gguf", "..", "", "a\x9b2J.gguf", "\u202egpj.gguf", "zero\u200bwidth.gguf", "line\u2028.gguf",
        "tag\U000e0041.gguf", "no-break\u00a0space.gguf",
    ],
)  # fmt: skip
def test_invalid_file_names(fetch: Fetch, models: Path, hub: FakeHub, name: str) -> None:
    published = PublishedModel("x", REPOSITORY, "c" * 40, name, "file", (HubFile("m.gguf", 1000, None),))
    assert fetch.refused(published).code == "name_not_allowed"
    assert names_in(models) == []
    assert hub.log == []


@pytest.mark.parametrize(
    "names",
    [
        ("a.gguf", "b/A.gguf"), ("../../a.gguf", "b.gguf"), ("x//a.gguf", "b.gguf"), ("\u00e9.gguf", "b/e\u0301.gguf"),
        ("\u00df.gguf", "b/SS.gguf"),
    ],
)  # fmt: skip
def test_invalid_shard_names(fetch: Fetch, names: tuple[str, ...]) -> None:
    files = tuple(HubFile(name, 1000, None) for name in names)
    published = PublishedModel("x", REPOSITORY, "c" * 40, "a.gguf", "shards", files)
    assert fetch.refused(published).code == "name_not_allowed"


def test_unusual_file_name(shelf: Shelf, fetch: Fetch) -> None:
    source = shelf.put("口语 #1 100%+é.gguf", SIZE)
    (path,) = fetch(shelf.published())
    assert path.name == "口语 #1 100%+é.gguf"
    assert path.read_bytes() == source.read_bytes()


def test_finished_file_without_hash_belongs_to_its_commit(
    shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    shelf.put("model.gguf", SIZE)
    published = shelf.published(with_hashes=False)
    (path,) = fetch(published)
    assert fetch(published) == (path,)
    assert fetch.refused(replace(published, commit="f" * 40)).code == "file_in_the_way"


def test_existing_file_of_another_origin_is_kept(shelf: Shelf, fetch: Fetch, models: Path) -> None:
    shelf.put("model.gguf", SIZE)
    models.mkdir()
    (models / "model.gguf").write_bytes(b"mine")
    error = fetch.refused(shelf.published())
    assert (error.code, error.data) == ("file_in_the_way", {"path": models / "model.gguf"})
    assert (models / "model.gguf").read_bytes() == b"mine"
    discard(shelf.published(), models)
    assert names_in(models) == ["model.gguf"]


def test_changed_file_does_not_replace_the_old_one(shelf: Shelf, fetch: Fetch, models: Path) -> None:
    shelf.put("model.gguf", SIZE)
    (path,) = fetch(shelf.published())
    before = path.read_bytes()
    shelf.put("model.gguf", SIZE, seed=1)
    shelf.names.pop()
    assert fetch.refused(shelf.published()).code == "file_in_the_way"
    assert path.read_bytes() == before


def test_discard_deletes_an_incomplete_model(shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    for number in (1, 2):
        shelf.put(f"m-{number:05}-of-00002.gguf", SIZE, seed=number)
    published = shelf.published("shards")
    hub.fault("cdn", "status", code=403, times=-1, match="m-00002")
    # One connection: the first shard is complete when the second is refused.
    hub.faults[-1].skip = 1
    running = fetch.start(published, connections=1)
    running.until(lambda _: (models / "m-00001-of-00002.gguf").exists())
    running.cancel()
    assert partial_bytes(published, models) >= SIZE
    assert unfinished(models) == (published,)

    discard(published, models)

    assert names_in(models) == []
    assert partial_bytes(published, models) == 0
    assert unfinished(models) == ()


def test_discard_keeps_complete_and_quarantined_files(shelf: Shelf, fetch: Fetch, models: Path) -> None:
    shelf.put("model.gguf", SIZE)
    (path,) = fetch(shelf.published())
    (models / "other.gguf.bad").write_bytes(b"quarantined")
    (models / "model.gguf.part").write_bytes(b"left over")
    discard(shelf.published(), models)
    assert path.exists()
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json", "other.gguf.bad"]


def test_discard_in_a_missing_folder(shelf: Shelf, models: Path) -> None:
    shelf.put("model.gguf", SIZE)
    discard(shelf.published(), models)
    assert unfinished(models) == ()
    with pytest.raises(UserError, match="name_not_allowed"):
        discard(replace(shelf.published(), file_name="../x.gguf"), models)


def test_revision_unknown_to_a_mirror(shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    source = shelf.put("model.gguf", SIZE)
    published = replace(shelf.published(), commit="f" * 40)
    (path,) = fetch(published)
    assert path.read_bytes() == source.read_bytes()
    assert [entry.status for entry in hub.log if entry.where == "resolve"] == [404, 302]


def test_unknown_revision_without_a_hash(shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    """Nothing shows that the latest revision has the same file."""
    shelf.put("model.gguf", SIZE)
    published = replace(shelf.published(with_hashes=False), commit="f" * 40)
    assert fetch.refused(published).code == "revision_missing"
    hub.fault("resolve", "headers", headers={"X-Repo-Commit": "e" * 40}, times=-1)
    assert fetch.refused(shelf.published(with_hashes=False)).code == "published_file_changed"
    assert names_in(models) == []


def test_unknown_revision_with_another_file(shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    shelf.put("model.gguf", SIZE)
    published = replace(shelf.published(), commit="f" * 40)
    shelf.put("model.gguf", SIZE, seed=1)
    assert fetch.refused(published).code == "published_file_changed"
    assert names_in(models) == []
    assert hub.count("cdn") == 0
