"""The order of moves inside one file: an interrupted batch can be repeated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from model_manager.disk.json_file import CompressedBytes
from model_manager.layout.layout import ByteRange, TensorLayout
from model_manager.layout.permutation import Batch, Permutation, plan_moves
from model_manager.layout.stacking import read_layout
from tests.rigs.apus_shapes import QUANTS, write_shape


def shuffled(dice: random.Random, count: int, sizes: Sequence[int], shift: int) -> TensorLayout:
    """Segments in a random order, with holes on both sides, all of it moved by ``shift``."""
    sources, place = [], 200
    for _ in range(count):
        length = dice.choice(sizes)
        sources.append((place, length))
        place += length + dice.choice([0, 0, 7])
    end, segments, place = place, [], 200 + shift
    for source, length in dice.sample(sources, count):
        segments.append(ByteRange(source, place, length))
        place += length + dice.choice([0, 0, 5])
    return TensorLayout(
        end, place, tuple(sorted(segments, key=lambda each: each.source)), bytes(200), bytes(200 + shift)
    )


def do(batch: Batch, file: bytearray, kept: bytearray) -> None:
    for move in batch:
        content = (kept if move.from_saved else file)[move.source : move.source + move.length]
        (kept if move.to_saved else file)[move.target : move.target + move.length] = content


def spoil(dice: random.Random, batch: Batch, file: bytearray, kept: bytearray) -> None:
    """What a crash may leave: anything at all, wherever the batch writes."""
    for move in batch:
        if dice.random() < 0.7:
            start, stop = sorted(dice.randint(0, move.length) for _ in range(2))
            where = kept if move.to_saved else file
            where[move.target + start : move.target + stop] = dice.randbytes(stop - start)


def apply(plan: Permutation, layout: TensorLayout, published: bytes, dice: random.Random) -> bytes:
    file = bytearray(published.ljust(max(layout.source_bytes, layout.target_bytes), b"\0"))
    kept = bytearray(plan.saved_bytes)
    for batch in plan.batches:
        for _ in range(dice.choice([0, 1, 2])):
            spoil(dice, batch, file, kept)
        do(batch, file, kept)
    return bytes(file)


@pytest.mark.parametrize("seed", range(60))
def test_every_byte_arrives_after_crashes(seed: int) -> None:
    dice = random.Random(seed)
    sizes = dice.choice([[100], [64, 128], [1, 50, 1000], [3000]])
    layout = shuffled(dice, dice.choice([1, 2, 12, 40]), sizes, dice.choice([0, 1, 40, -40, -199, 3000]))
    published = dice.randbytes(layout.source_bytes)
    plan = plan_moves(
        layout,
        piece_bytes=dice.choice([16, 100, 1 << 20]),
        saved_bytes=dice.choice([1, 300, 1 << 20]),
        batch_bytes=dice.choice([1, 500, 1 << 20]),
    )
    result = apply(plan, layout, published, dice)
    for each in layout.segments:
        assert result[each.target : each.target + each.length] == published[each.source : each.source + each.length]


def test_an_identity_needs_no_moves() -> None:
    assert plan_moves(TensorLayout.identity(1 << 40)) == Permutation((), 0)


def test_unpublished_bytes_are_outside_all_segments() -> None:
    head = CompressedBytes(b"h" * 25)
    segments = ByteRange(20, 40, 10), ByteRange(60, 25, 5), ByteRange(70, 50, 20)
    layout = TensorLayout(100, 130 + (1 << 20), segments, CompressedBytes(bytes(20)), head)
    assert list(layout.unpublished()) == [(0, head), (30, bytes(10)), (70, bytes(1 << 20)), (70 + (1 << 20), bytes(60))]


@pytest.mark.parametrize("quant", QUANTS)
def test_the_published_shapes_need_little_space(tmp_path: Path, quant: str) -> None:
    write_shape(tmp_path / "old.gguf", quant, legacy=True)
    _, layout = read_layout(tmp_path / "old.gguf")
    plan = plan_moves(layout)
    assert plan.saved_bytes <= 256 << 20
    assert layout.source_bytes < plan.bytes < 1.5 * layout.source_bytes
    for batch in plan.batches:
        for kept in (False, True):
            spans = sorted(
                [(move.target, move.target + move.length) for move in batch if move.to_saved == kept]
                + [(move.source, move.source + move.length) for move in batch if move.from_saved == kept]
            )
            assert all(start >= end for (_, end), (start, _) in pairwise(spans))
