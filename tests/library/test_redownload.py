"""From a download over damage to a right file again, with real downloads: only what is damaged is fetched twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model_manager.disk.hashing import sha256_of
from model_manager.download.partial_files import reopen_for_redownload
from model_manager.gguf.header import read_header
from model_manager.layout.convert import stack_experts
from model_manager.layout.origin import read_origin
from model_manager.library.library import ModelLibrary
from model_manager.library.relocation import relocate_models
from model_manager.library.removal import quarantine, release_from_quarantine
from model_manager.library.verification import Verification, pieces_to_redownload, record_verification, verify
from model_manager.published import PublishedModel
from tests.download.download_helpers import PIECE, Fetch, Shelf
from tests.rigs.downloaded import damage
from tests.rigs.fake_hub import FakeHub
from tests.rigs.moves import other_disk


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def fetch(models: Path, hub: FakeHub) -> Fetch:
    return Fetch(models, hub)


@pytest.fixture(params=["plain", "stacked", "stacked from parts"])
def published(
    request: pytest.FixtureRequest, tmp_path: Path, hub: FakeHub, tiny: Path, tiny_legacy: Path
) -> PublishedModel:
    shelf = Shelf(tmp_path / "published", hub)
    content = (tiny if request.param == "plain" else tiny_legacy).read_bytes()
    if "parts" not in request.param:
        shelf.put_bytes("m.gguf", content)
        return shelf.published()
    for number, piece in enumerate((content[:300_001], content[300_001:])):
        shelf.put_bytes(f"m.gguf.part{number + 1}of2", piece)
    return shelf.published("parts", "m.gguf")


def _pieces(path: Path) -> tuple[Verification, tuple[int, ...]]:
    found = verify(path)
    pieces = pieces_to_redownload(found, read_origin(path))
    assert pieces is not None
    return found, pieces


def test_a_download_matches_the_published_file(fetch: Fetch, published: PublishedModel, library: ModelLibrary) -> None:
    (path,) = fetch(published)
    (model,) = library.list()
    assert (model.id, model.path, model.ready) == (published.id, path, True)
    # The download has verified it: that stands in the list at once.
    assert model.sha256 == sha256_of(path)
    assert model.published is not None
    assert model.published.stacked is (len(path.read_bytes()) != published.bytes)
    found = verify(path, expected=published)
    assert (found.matches, found.published_changed) == (True, False)
    assert list(found.digests) == [file.sha256 for file in published.files]


def test_only_damaged_pieces_are_downloaded_again(
    fetch: Fetch, published: PublishedModel, hub: FakeHub, library: ModelLibrary
) -> None:
    (path,) = fetch(published)
    right = sha256_of(path)
    origin = read_origin(path)
    assert origin is not None
    segment = origin.layout.segments[len(origin.layout.segments) // 2]
    damage(path, segment.target + segment.length // 2)
    _, pieces = _pieces(path)
    assert len(pieces) == 1
    hub.reset()
    (repaired,) = fetch(reopen_for_redownload(path, pieces))
    assert (repaired, sha256_of(repaired)) == (path, right)
    # The head is read once more, to see that it is still the same file.
    assert hub.bytes_sent() <= PIECE + read_header(path).data_offset + PIECE
    assert verify(path).matches is True
    record_verification(verify(path), library)
    assert library.list()[0].sha256 == right


@pytest.mark.parametrize("published", ["stacked", "stacked from parts"], indirect=True)
def test_a_damaged_head_is_rewritten_without_downloading(fetch: Fetch, published: PublishedModel) -> None:
    (path,) = fetch(published)
    origin = read_origin(path)
    assert origin is not None
    right = sha256_of(path)
    damage(path, 50)
    found, pieces = _pieces(path)
    assert (found.head_damaged, pieces) == (True, ())
    (repaired,) = fetch(reopen_for_redownload(path, pieces))
    assert sha256_of(repaired) == right


def test_a_quarantined_file_is_relocated_released_and_repaired(
    hub: FakeHub, fetch: Fetch, published: PublishedModel, models: Path, tmp_path: Path
) -> None:
    (path,) = fetch(published)
    right = sha256_of(path)
    damage(path, path.stat().st_size - 10)
    bad = quarantine(path)
    new = tmp_path / "new"
    relocate_models(models, new, rename=other_disk)
    released = release_from_quarantine(new / bad.name)
    _, pieces = _pieces(released)
    (repaired,) = Fetch(new, hub)(reopen_for_redownload(released, pieces))
    assert (repaired, sha256_of(repaired)) == (new / path.name, right)


@pytest.mark.parametrize("published", ["stacked", "stacked from parts"], indirect=True)
def test_a_converted_file_matches_the_published_one(
    tmp_path: Path, tiny_legacy: Path, library: ModelLibrary, published: PublishedModel, hub: FakeHub
) -> None:
    old = tmp_path / "old.gguf"
    old.write_bytes(tiny_legacy.read_bytes())
    path = stack_experts(old, tmp_path / "repaired.gguf")
    # What was published is unknown.
    assert (verify(path).matches, verify(path).published_id) == (None, None)
    found = verify(path, expected=published)
    assert (found.matches, found.published_id, found.origin.stacked) == (True, published.id, True)
    record_verification(found, library)
    assert verify(path).matches is True
    right = sha256_of(path)
    damage(path, path.stat().st_size - 1)
    assert verify(path, expected=published).matches is False
    _, pieces = _pieces(path)
    assert len(pieces) == 1
    (repaired,) = Fetch(tmp_path, hub)(reopen_for_redownload(path, pieces))
    assert sha256_of(repaired) == right


def test_a_file_copied_into_the_models_folder_gets_an_origin(
    models: Path, tiny: Path, tmp_path: Path, hub: FakeHub, library: ModelLibrary
) -> None:
    shelf = Shelf(tmp_path / "published", hub)
    shelf.put_bytes("m.gguf", tiny.read_bytes())
    published = shelf.published()
    by_hand, elsewhere = models / "m.gguf", tmp_path / "m.gguf"
    for path in (by_hand, elsewhere):
        path.write_bytes(tiny.read_bytes())
        record_verification(verify(path, expected=published), library)
    assert [each.id for each in library.list()] == [published.id]
    assert library.list()[0].sha256 == sha256_of(by_hand)
    # No origin is written in the user's own folders.
    assert read_origin(elsewhere) is None
    damage(by_hand, 5)
    _, pieces = _pieces(by_hand)
    assert pieces == (0,)
