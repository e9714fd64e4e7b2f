"""The published bytes out of the file on disk: what a SHA-256 is computed from."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from model_manager.layout.convert import stack_experts
from model_manager.layout.layout import SourceView, TensorLayout
from model_manager.layout.stacking import read_layout
from tests.layout.conftest import Twins
from tests.layout.expert_files import Tensor, experts, write
from tests.layout.test_stacking import laid_down


def viewed(path: Path, layout: TensorLayout, size: int) -> bytes:
    """The whole published file, read with a buffer of ``size`` bytes."""
    buffer = memoryview(bytearray(size))
    content = bytearray()
    with path.open("rb", buffering=0) as file:
        view = SourceView(layout, file)
        while count := view.readinto(len(content), buffer):
            content += buffer[:count]
    return bytes(content)


@pytest.mark.parametrize("tensor_type", ["F32", "Q8_0", "Q4_0"])
@pytest.mark.parametrize("alignment", [32, 4096])
@pytest.mark.parametrize("size", [4093, 1 << 18])
def test_the_published_hash_is_computed_from_a_stacked_file(
    twins: Callable[..., Twins], tensor_type: str, alignment: int, size: int
) -> None:
    files = twins(n_expert=3, n_layer=1, tensor_type=tensor_type, alignment=alignment)
    _, layout = read_layout(files.path)
    files.path.write_bytes(files.stacked)
    digest = hashlib.sha256(viewed(files.path, layout, size)).hexdigest()
    assert digest == hashlib.sha256(files.published).hexdigest()


def test_single_bytes_around_the_end_of_the_head(twins: Callable[..., Twins]) -> None:
    files = twins()
    _, layout = read_layout(files.path)
    files.path.write_bytes(files.stacked)
    end = len(layout.source_head)
    with files.path.open("rb", buffering=0) as file:
        view = SourceView(layout, file)
        found = b"".join(view.read(place, 1) for place in range(end - 50, end + 50))
    assert found == files.published[end - 50 : end + 50]


def test_random_ranges(twins: Callable[..., Twins]) -> None:
    files = twins(alignment=1024, tensor_type="Q4_0")
    _, layout = read_layout(files.path)
    files.path.write_bytes(files.stacked)
    dice = random.Random(0)
    with files.path.open("rb", buffering=0) as file:
        view = SourceView(layout, file)
        for _ in range(500):
            start, length = dice.randrange(len(files.published) + 50), dice.randrange(1, 50_000)
            assert view.read(start, length) == files.published[start : start + length]


def test_a_file_stored_as_published(tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(random.Random(0).randbytes(100_000))
    assert viewed(path, TensorLayout.identity(100_000), 1000) == path.read_bytes()
    with path.open("rb") as file:
        assert SourceView(TensorLayout.identity(100_000), file).read(99_990, 100) == path.read_bytes()[-10:]


def test_an_incomplete_file_ends_early(twins: Callable[..., Twins]) -> None:
    files = twins()
    _, layout = read_layout(files.path)
    files.path.write_bytes(files.stacked[: len(files.stacked) // 2])
    content = viewed(files.path, layout, 4096)
    assert len(layout.source_head) < len(content) < len(files.published)
    assert files.published.startswith(content)


def test_padding_that_is_not_zero_changes_the_hash(tmp_path: Path) -> None:
    tensors = [*experts(0, 2, shape=(30,)), Tensor("output.weight")]
    path = write(tmp_path / "file.gguf", tensors, filling=b"!")
    published = path.read_bytes()
    _, layout = read_layout(path)
    path.write_bytes(laid_down(published, layout))
    seen = viewed(path, layout, 4096)
    assert len(seen) == len(published)
    # Eight bytes behind each first expert have no place between stacked experts; those behind the last have.
    lost = [place for place, (one, other) in enumerate(zip(seen, published, strict=True)) if one != other]
    assert len(lost) == 3 * 8
    assert {published[place] for place in lost} == {ord("!")}
    assert {seen[place] for place in lost} == {0}


@pytest.mark.slow
def test_reading_costs_less_than_hashing(tmp_path: Path) -> None:
    """At 256 KiB a time over a real file of a gibibyte: the view itself reaches 1 GB/s beside the hash."""
    from tests.rigs.big_moe import write_big_moe

    path = tmp_path / "old.gguf"
    write_big_moe(path, n_layer=1, legacy=True)
    _, layout = read_layout(path)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    stack_experts(path)
    buffer = memoryview(bytearray(1 << 18))
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        view = SourceView(layout, file)
        place = 0
        reading = 0.0
        while True:
            before = time.thread_time()
            count = view.readinto(place, buffer)
            reading += time.thread_time() - before
            if not count:
                break
            digest.update(buffer[:count])
            place += count
    assert digest.hexdigest() == expected
    assert place / reading > 1e9
