"""Files with separate experts: stacked during the download and verified by the published hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_manager.download.hasher import blocks_on_disk
from model_manager.download.partial_files import partial_bytes, reopen_for_redownload
from model_manager.errors import Cancelled
from model_manager.gguf.header import check_loadable, read_header
from model_manager.layout.layout import ByteRange, SourceView, TensorLayout
from model_manager.layout.origin import read_origin
from model_manager.layout.stacking import read_layout
from tests.download.download_helpers import PIECE, Fetch, Shelf, names_in, sha256_of
from tests.rigs.apus_shapes import write_shape
from tests.rigs.download_child import start_download
from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model

MODEL = {"n_expert": 4, "n_layer": 8}


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "legacy.gguf", legacy=True, **MODEL)


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    """The same weights with stacked experts."""
    return write_tiny_model(tmp_path / "twin.gguf", **MODEL)


def check(path: Path, legacy: Path, twin: Path) -> None:
    assert path.read_bytes() == twin.read_bytes()
    check_loadable(read_header(path))
    origin = read_origin(path)
    assert origin is not None
    assert origin.sha256 == sha256_of(twin)
    assert not origin.layout.is_identity
    published = legacy.read_bytes()
    with path.open("rb") as file:
        assert SourceView(origin.layout, file).read(0, len(published)) == published
    assert sum(part.bytes for part in origin.parts) == len(published)


def test_experts_are_stacked_during_the_download(
    shelf: Shelf, fetch: Fetch, models: Path, legacy: Path, twin: Path
) -> None:
    shelf.put_file("model.gguf", legacy)
    (path,) = fetch(shelf.published())
    check(path, legacy, twin)
    origin = read_origin(path)
    assert origin is not None
    assert origin.parts[0].sha256 == sha256_of(legacy)
    assert names_in(models) == ["model.gguf", "model.gguf.origin.json"]


@pytest.mark.parametrize("cut", [1000, 5 * PIECE, 7 * PIECE + 13])
def test_raw_parts_are_joined_and_stacked(
    shelf: Shelf, fetch: Fetch, hub: FakeHub, legacy: Path, twin: Path, cut: int
) -> None:
    content = legacy.read_bytes()
    shelf.put_bytes("m.gguf-split-a", content[:cut])
    shelf.put_bytes("m.gguf-split-b", content[cut:])
    hub.fault("cdn", "reset", after=30_000, times=10, skip=3)
    (path,) = fetch(shelf.published("parts", "m.gguf"))
    check(path, legacy, twin)


def test_server_without_ranges(shelf: Shelf, fetch: Fetch, hub: FakeHub, legacy: Path, twin: Path) -> None:
    shelf.put_file("model.gguf", legacy)
    hub.fault("cdn", "ignore_range", times=-1)
    (path,) = fetch(shelf.published())
    check(path, legacy, twin)


def test_pauses_and_kills(shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, legacy: Path, twin: Path) -> None:
    shelf.put_file("model.gguf", legacy)
    size = legacy.stat().st_size
    hub.fault("cdn", "trickle", rate=size // 8, times=-1, skip=1)
    for share in (0.2, 0.5):
        running = fetch.start(shelf.published())
        running.until(lambda status, share=share: status.progress.done > share * size)
        running.cancel()
        assert isinstance(running.error, Cancelled)
    child = start_download(hub.url, models, shelf.published(), piece_bytes=PIECE)
    sent = hub.bytes_sent()
    while hub.bytes_sent() < sent + size // 8 and child.poll() is None:
        pass
    child.kill()
    child.communicate()
    hub.reset()
    here = partial_bytes(shelf.published(), models)
    assert here > size // 2

    (path,) = fetch(shelf.published())

    check(path, legacy, twin)
    assert sum(entry.sent for entry in hub.log) == size - here, "nor was the header read again"


def test_damaged_header_byte_is_found(shelf: Shelf, fetch: Fetch, hub: FakeHub, legacy: Path) -> None:
    shelf.put_file("model.gguf", legacy)
    # Padding or a letter of the vocabulary: only the hash differs.
    at = legacy.read_bytes().index(b"tokenizer.ggml.tokens") + 80
    hub.fault("cdn", "corrupt", offset=at, times=1)
    assert fetch.refused(shelf.published()).code in ("download_damaged", "gguf_damaged")


def test_damaged_tensor_is_quarantined_and_repaired(
    shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, legacy: Path, twin: Path
) -> None:
    shelf.put_file("model.gguf", legacy)
    hub.fault("cdn", "corrupt", offset=legacy.stat().st_size - 100, times=-1)
    assert fetch.refused(shelf.published()).code == "download_damaged"
    hub.reset()
    (path,) = fetch(reopen_for_redownload(models / "model.gguf.bad", None))
    check(path, legacy, twin)


def test_redownload_of_a_stacked_file(
    shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub, legacy: Path, twin: Path
) -> None:
    shelf.put_file("model.gguf", legacy)
    (path,) = fetch(shelf.published())
    with path.open("r+b") as file:
        file.seek(5)
        file.write(b"damaged head")
        file.seek(path.stat().st_size - 1000)
        file.write(b"damaged data")
    hub.log.clear()
    # The checksums of the pieces find the damage.
    published = reopen_for_redownload(path, ())
    (path,) = fetch(published)
    check(path, legacy, twin)
    assert 0 < sum(entry.sent for entry in hub.log) <= 2 * PIECE


def test_inconsistent_experts(shelf: Shelf, fetch: Fetch, models: Path, legacy: Path) -> None:
    content = legacy.read_bytes().replace(b"ffn_up.3.weight", b"ffn_up.7.weight")
    shelf.put_bytes("model.gguf", content)
    assert fetch.refused(shelf.published()).code in ("experts_missing", "gguf_damaged")
    assert names_in(models) == []


@pytest.mark.parametrize("legacy_layout", [False, True])
def test_hash_on_disk_is_at_most_a_layer_behind(tmp_path: Path, legacy_layout: bool) -> None:
    path = tmp_path / "shape.gguf"
    write_shape(path, "Q2_K", legacy=legacy_layout)
    _, layout = read_layout(path)
    at = 0
    for length, needed in blocks_on_disk(layout):
        at += length
        assert needed - at < 1.1 * (1 << 30) if legacy_layout else needed == at
    assert at == layout.target_bytes


def test_blocks_on_disk() -> None:
    def needed_for(layout: TensorLayout, start: int, end: int) -> int:
        return max(
            (
                segment.source + min(segment.length, end - segment.target)
                for segment in layout.segments
                if segment.target < end and segment.target + segment.length > start
            ),
            default=0,
        )

    for layout in layouts():
        at = so_far = 0
        for length, needed in blocks_on_disk(layout, 64):
            so_far = max(so_far, needed_for(layout, at, at + length))
            assert needed == so_far
            at += length


def layouts() -> Iterator[TensorLayout]:
    yield TensorLayout.identity(0)
    yield TensorLayout.identity(1000)
    yield TensorLayout(
        700, 650, (ByteRange(100, 300, 200), ByteRange(300, 50, 200), ByteRange(520, 500, 150)), b"x" * 50, b"y" * 50
    )


def test_stacked_file_without_published_hash(shelf: Shelf, fetch: Fetch, legacy: Path) -> None:
    shelf.put_file("model.gguf", legacy)
    (path,) = fetch(shelf.published(with_hashes=False))
    origin = read_origin(path)
    assert origin is not None
    assert origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin.parts[0].sha256 is None
