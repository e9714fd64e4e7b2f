"""The projector of a model that reads pictures is downloaded with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model_manager.download.partial_files import discard, partial_bytes, unfinished
from model_manager.layout.origin import read_origin
from model_manager.published import PublishedModel
from tests.download.download_helpers import PIECE, Fetch, Shelf, names_in, sha256_of
from tests.rigs.fake_hub import FakeHub

SIZE = 20 * PIECE + 12345


def published_in(shelf: Shelf) -> PublishedModel:
    """Put a model and its projector on the hub."""
    shelf.put("m-Q4_K_M.gguf", SIZE)
    shelf.put("mmproj-F16.gguf", SIZE // 2, seed=1)
    whole = shelf.published(file_name="m-Q4_K_M.gguf")
    return replace(whole, files=whole.files[:1], projector=whole.files[1])


def test_projector_comes_with_the_model_and_is_verified(shelf: Shelf, fetch: Fetch, models: Path) -> None:
    published = published_in(shelf)
    model, projector = fetch(published)
    assert (model.name, projector.name) == ("m-Q4_K_M.gguf", "mmproj-m-Q4_K_M.gguf")
    assert projector.read_bytes() == (shelf.folder / "mmproj-F16.gguf").read_bytes()
    origin = read_origin(projector)
    assert origin is not None
    assert (origin.sha256, origin.parts) == (sha256_of(projector), (published.projector,))
    assert origin.verified_at is not None
    assert published.bytes == SIZE + SIZE // 2
    assert len(names_in(models)) == 4


def test_model_that_is_there_gets_its_projector(shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    published = published_in(shelf)
    fetch(replace(published, projector=None))
    before = hub.count("cdn", "GET")
    model, projector = fetch(published)
    assert projector.is_file()
    assert model.stat().st_size == SIZE
    ranges = hub.count("cdn", "GET") - before
    assert 0 < ranges < before


def test_unfinished_projector_is_resumed_and_discarded(shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    published = published_in(shelf)
    running = fetch.start(published)
    running.cancel()
    known = unfinished(models)
    assert all(each.projector == published.projector for each in known)
    _, projector = fetch(published)
    assert projector.stat().st_size == SIZE // 2
    assert partial_bytes(published, models) == published.bytes
    discard(published, models)
    assert projector.is_file()
