"""Content that is rejected, and errors that only the user can fix."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from model_manager.download.partial_files import partial_bytes, reopen_for_redownload, unfinished
from model_manager.hub.access import Access, host_of
from model_manager.published import HubFile, PublishedModel
from tests.download.download_helpers import PIECE, REPOSITORY, Fetch, Shelf, names_in, sha256_of
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf
from tests.rigs.tiny_model import write_tiny_model

SIZE = 40 * PIECE + 99


@pytest.fixture
def source(shelf: Shelf) -> Path:
    return shelf.put("model.gguf", SIZE)


def test_flipped_byte_is_quarantined_and_repaired(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    hub.fault("cdn", "corrupt", offset=SIZE // 2, times=-1)

    error = fetch.refused(shelf.published())

    assert (error.code, error.data) == (
        "download_damaged",
        {"path": models / "model.gguf.bad", "name": "model.gguf"},
    )
    assert names_in(models) == ["model.gguf.bad", "model.gguf.bad.json"]
    assert unfinished(models) == ()
    hub.reset()
    published = reopen_for_redownload(models / "model.gguf.bad", None)
    assert names_in(models) == ["model.gguf.part", "model.gguf.part.json"]
    assert unfinished(models) == (published,)
    (path,) = fetch(published)
    assert sha256_of(path) == sha256_of(source)
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]


def test_only_the_damaged_part_is_downloaded_again(
    tmp_path: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    whole = shelf.put("whole.gguf", SIZE).read_bytes()
    shelf.names.clear()
    middle = 25 * PIECE + 5
    shelf.put_bytes("m.gguf.part1of2", whole[:middle])
    shelf.put_bytes("m.gguf.part2of2", whole[middle:])
    hub.fault("cdn", "corrupt", offset=100, times=-1, match="part2of2")
    published = shelf.published("parts", "m.gguf")
    error = fetch.refused(published)
    assert (error.code, error.data["name"]) == ("download_damaged", "m.gguf.part2of2")

    hub.reset()
    assert reopen_for_redownload(models / "m.gguf.bad", None) == published
    assert partial_bytes(published, models) == middle
    (path,) = fetch(published)

    assert path.read_bytes() == whole
    assert all("part2of2" in entry.path for entry in hub.log)


def test_bytes_of_another_range(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    hub.fault("cdn", "wrong_range", shift=64, times=3, skip=1)
    assert fetch.refused(shelf.published()).code == "download_damaged"
    assert names_in(models) == ["model.gguf.bad", "model.gguf.bad.json"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"bytes 64-127/{SIZE}", "web_answer_wrong"),
        ("bytes */*", "web_answer_wrong"),
        ("nonsense", "web_answer_wrong"),
        (f"bytes 0-{SIZE - 1}/{SIZE + 1}", "published_file_changed"),
    ],
)
@pytest.mark.parametrize("skip", [0, 1])
def test_wrong_content_range(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, answer: str, code: str, skip: int
) -> None:
    hub.fault("cdn", "headers", headers={"Content-Range": answer}, times=-1, skip=skip)
    assert fetch.refused(shelf.published()).code == code
    assert not (models / "model.gguf").exists()


def test_truncated_file(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    hub.fault("cdn", "truncate", size=SIZE - 1000, times=-1)
    error = fetch.refused(shelf.published())
    assert (error.code, error.data["name"], error.data["repository"]) == (
        "published_file_changed",
        "model.gguf",
        REPOSITORY,
    )
    assert names_in(models) == []


def test_file_truncated_during_the_download(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    hub.fault("cdn", "truncate", size=PIECE * 3, times=-1, skip=1)
    assert fetch.refused(shelf.published()).code == "published_file_changed"
    assert names_in(models) == ["model.gguf.part", "model.gguf.part.json"]


def test_file_replaced_by_one_of_the_same_size(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    before = shelf.published()
    running = fetch.start(before, connections=1)
    running.transfer.limit_bytes_per_s = 400_000
    running.until(lambda status: status.progress.done > 2 * PIECE)
    running.cancel()
    shelf.put("model.gguf", SIZE, seed=1)

    assert fetch.refused(before).code == "published_file_changed"
    assert names_in(models) == ["model.gguf.part", "model.gguf.part.json"]
    shelf.names.pop()
    after = shelf.published()
    error = fetch.refused(after)
    assert error.code == "partial_of_another_file"
    assert error.data["bytes"] == partial_bytes(before, models)


def test_hub_announces_another_file(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    hub.fault("resolve", "headers", headers={"X-Linked-Etag": f'"{"0" * 64}"'}, times=-1)
    assert fetch.refused(shelf.published()).code == "published_file_changed"
    hub.reset()
    hub.fault("resolve", "headers", headers={"X-Linked-Size": str(SIZE + 1)}, times=-1)
    assert fetch.refused(shelf.published()).code == "published_file_changed"
    assert names_in(models) == []
    assert hub.count("cdn") == 0


@pytest.mark.parametrize(("where", "name"), [("resolve", "X-Linked-Etag"), ("cdn", "ETag"), ("cdn", "Last-Modified")])
def test_another_identity_of_a_file_without_hash_starts_the_download_over(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, where: str, name: str
) -> None:
    without = [each for each in ("ETag", "Last-Modified") if each != name]
    hub.fault("cdn", "drop_headers", names=without, times=3)
    hub.fault("cdn", "status", code=403, times=1, skip=2)
    hub.fault(where, "headers", headers={name: f'"{"0" * 64}"'}, times=1)
    hub.faults[2].skip = 1 if where == "resolve" else 0
    if name == "Last-Modified":
        hub.faults.insert(0, hub.fault("cdn", "headers", headers={name: "yesterday"}, times=1))
    (path,) = fetch(shelf.published(with_hashes=False), connections=1)
    assert sha256_of(path) == sha256_of(source)
    assert sum(entry.range == f"bytes=0-{PIECE - 1}" for entry in hub.log if entry.where == "cdn") >= 2


@pytest.mark.parametrize("with_ranges", [True, False])
@pytest.mark.parametrize("legacy", [False, True])
def test_file_without_hash_that_is_swapped_silently_is_never_mixed(
    shelf: Shelf, fetch: Fetch, hub: FakeHub, tmp_path: Path, *, with_ranges: bool, legacy: bool
) -> None:
    """The server gives the new file the size and all identities of the old one."""
    if legacy:
        shape: dict[str, Any] = {"n_expert": 4, "n_layer": 8}
        old, new = (write_tiny_model(tmp_path / f"{seed}", legacy=True, seed=seed, **shape) for seed in (0, 1))
        shelf.put_file("model.gguf", old)
        expected = sha256_of(write_tiny_model(tmp_path / "stacked", seed=1, **shape))
    else:
        shelf.put("model.gguf", SIZE)
        new = write_plain_gguf(tmp_path / "new", SIZE, seed=1)
        expected = sha256_of(new)
    file = hub.repos[REPOSITORY]["model.gguf"]
    if not with_ranges:
        hub.fault("cdn", "ignore_range", rate=2_000_000, times=-1)
    running = fetch.start(shelf.published(with_hashes=False))
    if with_ranges:
        running.transfer.limit_bytes_per_s = 400_000
    running.until(lambda status: status.progress.done > 3 * PIECE)
    file.path = new
    running.transfer.limit_bytes_per_s = None
    if not with_ranges:
        running.transfer.reconnect()
    running.join()
    assert running.error is None
    assert sha256_of(running.paths[0]) == expected


def test_comparison_that_is_answered_with_the_whole_file(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, tmp_path: Path
) -> None:
    """A server that suddenly ignores ranges, as another one behind the same address does."""
    fetch(shelf.published(with_hashes=False), connections=1)
    fetching = hub.count("cdn") - -(-SIZE // PIECE)
    shutil.rmtree(models)
    hub.reset()
    new = write_plain_gguf(tmp_path / "new", SIZE, seed=1)
    hub.fault("cdn", "ignore_range", times=-1, skip=fetching)
    running = fetch.start(shelf.published(with_hashes=False), connections=1)
    running.transfer.limit_bytes_per_s = 400_000
    running.until(lambda status: status.progress.done > 3 * PIECE)
    hub.repos[REPOSITORY]["model.gguf"].path = new
    running.transfer.limit_bytes_per_s = None
    running.join()
    assert running.error is None
    assert sha256_of(running.paths[0]) == sha256_of(new)


def test_file_without_hash_from_a_server_without_ranges_is_sent_once(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub
) -> None:
    hub.fault("cdn", "ignore_range", times=-1)
    (path,) = fetch(shelf.published(with_hashes=False), connections=1)
    assert sha256_of(path) == sha256_of(source)
    assert hub.count("cdn") == 3, "the header, the first piece, and the file"


def test_file_without_hash_that_changes_with_each_request_is_refused(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, tmp_path: Path
) -> None:
    versions = [source, write_plain_gguf(tmp_path / "new", SIZE, seed=1)]

    class Alternating:
        def open(self, mode: str) -> BinaryIO:
            versions.reverse()
            return cast(BinaryIO, versions[0].open(mode))

    hub.repos[REPOSITORY]["model.gguf"].path = cast(Path, Alternating())
    error = fetch.refused(shelf.published(with_hashes=False))
    assert (error.code, error.data["name"]) == ("published_file_changed", "model.gguf")
    assert names_in(models) == []


def test_hub_that_ends_before_a_file_without_hash_is_compared(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    """The data is kept, and compared at the next start."""
    hub.fault("cdn", "trickle", rate=10_000_000, times=1 + -(-SIZE // PIECE))
    hub.fault("cdn", "status", code=503, times=-1)
    error = fetch.refused(shelf.published(with_hashes=False), patience_s=1.0)
    assert error.code == "web_busy"
    assert names_in(models) == ["model.gguf.part", "model.gguf.part.json"]
    hub.reset()
    (path,) = fetch(shelf.published(with_hashes=False))
    assert sha256_of(path) == sha256_of(source)
    assert hub.bytes_sent() < SIZE // 2


@pytest.mark.parametrize("where", ["resolve", "cdn"])
@pytest.mark.parametrize("skip", [0, 1])
def test_captive_portal(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, where: str, skip: int
) -> None:
    if where == "resolve" and skip:
        hub.fault("cdn", "status", code=403, times=1, skip=1)
    hub.fault(where, "page", times=-1, skip=skip)
    error = fetch.refused(shelf.published())
    assert error.code == "captive_portal"
    assert error.data["host"] == host_of(hub.url if where == "resolve" else hub.cdn_url)
    assert not (models / "model.gguf").exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n",
            "lfs_pointer_instead",
        ),
        (b"<!DOCTYPE html><html><head><title>404</title></head></html>" + b" " * 500, "web_page_instead"),
        (b"PK\x03\x04" + bytes(1000), "not_gguf"),
        (b"", "not_gguf"),
        (b"GG", "not_gguf"),
        (b"GGUF" + bytes(600), "gguf_version_unsupported"),
        (b"GGUF\x03\x00\x00\x00" + b"\xff" * 600, "gguf_damaged"),
    ],
)
def test_files_that_are_not_models(shelf: Shelf, fetch: Fetch, models: Path, content: bytes, code: str) -> None:
    shelf.put_bytes("model.gguf", content)
    assert fetch.refused(shelf.published()).code == code
    assert names_in(models) == []


def test_lfs_pointer_instead_of_a_large_file(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    published = shelf.published()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n"
    source.write_bytes(pointer)
    file = hub.repos[REPOSITORY]["model.gguf"]
    file.direct, file.size, file.lfs = True, len(pointer), False
    hub.fault("resolve", "drop_headers", names=["X-Linked-Size", "X-Linked-Etag"], times=-1)
    assert fetch.refused(published).code in ("lfs_pointer_instead", "published_file_changed")
    assert names_in(models) == []


def test_raw_part_missing_in_the_listing(shelf: Shelf, fetch: Fetch, models: Path) -> None:
    whole = shelf.put("whole.gguf", SIZE).read_bytes()
    shelf.names.clear()
    shelf.put_bytes("m.gguf-split-a", whole[: SIZE // 2])
    error = fetch.refused(shelf.published("parts", "m.gguf"))
    assert (error.code, error.data) == (
        "published_shorter",
        {"name": "m.gguf", "bytes": SIZE // 2, "expected_bytes": SIZE},
    )
    assert names_in(models) == []


def test_gated_repositories(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    hub.gated[REPOSITORY] = "hf_right"
    hosts = frozenset({host_of(hub.url)})
    error = fetch.refused(shelf.published())
    assert (error.code, error.data) == ("gated_without_token", {"repository": REPOSITORY, "host": host_of(hub.url)})
    fetch.access = Access(hub.url, hub.url, "hf_wrong", hosts, proxy="")
    assert fetch.refused(shelf.published()).code == "gated_refused"
    fetch.access = Access(hub.url, hub.url, "hf_right", hosts, proxy="")
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    seen = {(entry.where, entry.auth) for entry in hub.log if entry.status < 400}
    assert seen == {("resolve", "Bearer hf_right"), ("cdn", None)}, "the token never goes to the content network"


def test_token_is_not_sent_to_other_hosts(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    fetch.access = Access(hub.url, hub.url, "hf_secret", frozenset({"huggingface.co"}), proxy="")
    fetch(shelf.published())
    assert {entry.auth for entry in hub.log} == {None}


def test_unknown_token(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("resolve", "status", code=401, times=-1)
    fetch.access = Access(hub.url, hub.url, "hf_old", frozenset({host_of(hub.url)}), proxy="")
    assert fetch.refused(shelf.published()).code == "token_refused"


def test_missing_file_repository_and_revision(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    missing = PublishedModel(
        "x", REPOSITORY, hub.commit(REPOSITORY), "m.gguf", "file", (HubFile("none.gguf", 1000, None),)
    )
    error = fetch.refused(missing)
    assert (error.code, error.data["name"]) == ("published_file_missing", "none.gguf")
    nowhere = PublishedModel("x", "no/body", "c" * 40, "m.gguf", "file", (HubFile("m.gguf", 1000, None),))
    error = fetch.refused(nowhere)
    assert (error.code, error.data) == ("repository_missing", {"repository": "no/body", "host": host_of(hub.url)})
    hub.fault("resolve", "status", code=404, times=-1, headers={"X-Error-Code": "RevisionNotFound"})
    assert fetch.refused(shelf.published()).code == "revision_missing"
    assert names_in(models) == []


def test_redirect_loop(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("resolve", "redirect_loop", times=-1)
    assert fetch.refused(shelf.published()).code == "redirect_loop"
    assert hub.count("resolve") == 6


def test_relative_redirect(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    hub.fault("resolve", "redirect", to=f"/{REPOSITORY}/resolve/main/model.gguf?renamed=1", times=1)
    (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)


@pytest.mark.parametrize("place", ["", "ftp://somewhere/x", "http://[broken", "https://"])
def test_invalid_redirects(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, place: str) -> None:
    hub.fault("resolve", "redirect", to=place, times=-1)
    assert fetch.refused(shelf.published()).code in ("web_answer_wrong", "web_address_invalid")


@pytest.mark.parametrize("endpoint", ["not an address", "ftp://127.0.0.1", "http://127.0.0.1:99999", "", "http://"])
def test_invalid_endpoints(shelf: Shelf, source: Path, fetch: Fetch, endpoint: str) -> None:
    fetch.access = Access(endpoint, endpoint, proxy="")
    assert fetch.refused(shelf.published()).code == "web_address_invalid"
