"""Which layout a header leads to: the new head, the map, and what cannot be stacked."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from model_manager.disk.json_file import from_json, to_json
from model_manager.errors import UserError
from model_manager.gguf.header import parse_header, read_header
from model_manager.layout.layout import TensorLayout
from model_manager.layout.stacking import layout_for, read_layout
from tests.layout.conftest import Twins
from tests.layout.expert_files import Tensor, contents, experts, write
from tests.rigs.apus_shapes import QUANTS, write_shape
from tests.rigs.tiny_model import write_tiny_model


def laid_down(published: bytes, layout: TensorLayout) -> bytes:
    """What a layout makes of a published file, in the plainest way."""
    target = bytearray(layout.target_bytes)
    target[: len(layout.target_head)] = layout.target_head
    for each in layout.segments:
        target[each.target : each.target + each.length] = published[each.source : each.source + each.length]
    return bytes(target)


def refused(path: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        read_layout(path)
    return caught.value


@pytest.mark.parametrize("n_expert", [1, 2, 3, 5, 8, 16])
@pytest.mark.parametrize("tensor_type", ["F32", "F16", "Q8_0", "Q4_0", "Q5_1"])
def test_layout_yields_the_stacked_model(twins: Callable[..., Twins], n_expert: int, tensor_type: str) -> None:
    files = twins(n_expert=n_expert, tensor_type=tensor_type)
    _, layout = read_layout(files.path)
    assert laid_down(files.published, layout) == files.stacked


@pytest.mark.parametrize("alignment", [8, 64, 4096, 65536])
def test_gaps_between_experts_are_removed(twins: Callable[..., Twins], alignment: int) -> None:
    files = twins(n_expert=3, alignment=alignment, tensor_type="Q4_0")
    _, layout = read_layout(files.path)
    assert laid_down(files.published, layout) == files.stacked


@pytest.mark.parametrize("quant", QUANTS)
def test_the_published_shapes(tmp_path: Path, quant: str) -> None:
    write_shape(tmp_path / "old.gguf", quant, legacy=True)
    write_shape(tmp_path / "stacked.gguf", quant)
    before = time.process_time()
    header, layout = read_layout(tmp_path / "old.gguf")
    assert time.process_time() - before < 1
    twin = read_header(tmp_path / "stacked.gguf")
    with (tmp_path / "stacked.gguf").open("rb") as file:
        assert layout.target_head == file.read(twin.data_offset)
    assert layout.target_bytes == twin.file_bytes
    assert header.file_bytes - header.data_offset == twin.file_bytes - twin.data_offset
    assert len(layout.segments) < 700
    # Every tensor of the twin is covered, experts by their number.
    old = {tensor.name: tensor for tensor in header.tensors}
    for tensor in twin.tensors:
        if not tensor.name.endswith("_exps.weight"):
            names = [tensor.name]
        else:
            names = [f"{tensor.name.removesuffix('_exps.weight')}.{number}.weight" for number in range(4)]
        place = twin.data_offset + tensor.offset
        for name in names:
            pieces = list(layout.pieces(header.data_offset + old[name].offset, old[name].n_bytes))
            assert sum(piece.length for piece in pieces) == old[name].n_bytes
            assert [piece.target - piece.source for piece in pieces] == [
                place - header.data_offset - old[name].offset
            ] * len(pieces)
            place += old[name].n_bytes


@pytest.mark.parametrize("options", [{}, {"n_expert": 4}, {"n_expert": 4, "tensor_type": "Q8_0"}])
def test_other_files_have_the_identity_layout(tmp_path: Path, options: dict[str, object]) -> None:
    path = write_tiny_model(tmp_path / "new.gguf", **options)  # type: ignore[arg-type]
    header, layout = read_layout(path)
    assert layout == TensorLayout.identity(path.stat().st_size)
    assert layout.is_identity
    assert layout_for(header, b"") == layout


def test_a_download_is_ahead_by_at_most_one_layer(tmp_path: Path) -> None:
    write_shape(tmp_path / "old.gguf", "Q4_K_M", legacy=True)
    header, layout = read_layout(tmp_path / "old.gguf")
    reached, furthest = 0, 0
    frontier = []  # (target end of what is there without a gap, source end), in the order of the source
    there: dict[int, int] = {len(layout.target_head): len(layout.target_head)}
    for segment in layout.segments:
        there[segment.target] = segment.target + segment.length
        reached = max(reached, len(layout.target_head))
        while reached in there and there[reached] > reached:
            reached = there[reached]
        frontier.append(segment.source + segment.length - reached)
    furthest = max(frontier)
    layer = sum(tensor.n_bytes for tensor in header.tensors if tensor.name.startswith("blk.0."))
    assert reached == layout.target_bytes
    assert furthest < 1.1 * layer


@pytest.mark.parametrize("order", range(12))
def test_any_order_of_tensors(tmp_path: Path, order: int) -> None:
    dice = random.Random(order)
    tensors = [Tensor("token_embd.weight"), *experts(0, 4), *experts(1, 4, type="Q8_0"), Tensor("output.weight", (5,))]
    dice.shuffle(tensors)
    path = write(tmp_path / "shuffled.gguf", tensors, expert_count=4, alignment=dice.choice([32, 256]))
    header, layout = read_layout(path)
    content = laid_down(path.read_bytes(), layout)
    stacked = parse_header(BytesIO(content), len(content), path)
    assert not stacked.experts_in_separate_tensors
    filled = contents(tensors)
    names = [tensor.name for tensor in stacked.tensors]
    assert len(names) == 8
    assert stacked.metadata == header.metadata
    for tensor in stacked.tensors:
        start = stacked.data_offset + tensor.offset
        if tensor.name.endswith("_exps.weight"):
            prefix = tensor.name.removesuffix("_exps.weight")
            expected = b"".join(filled[f"{prefix}.{number}.weight"] for number in range(4))
            assert tensor.shape == (32, 2, 4)
        else:
            expected = filled[tensor.name]
        assert content[start : start + tensor.n_bytes] == expected
    # In the order in which the first expert of each stood.
    first_seen = list(
        dict.fromkeys(
            f"{each.name.rsplit('.', 2)[0]}_exps.weight" if each.name.startswith("blk.") else each.name
            for each in tensors
        )
    )
    assert names == first_seen


@pytest.mark.parametrize("behind", [b"", b"\0" * 20, b"\0" * 32, b"\0" * 24 + b"and more"])
def test_bytes_after_the_last_tensor_are_kept(tmp_path: Path, behind: bytes) -> None:
    tensors = [*experts(0, 2), Tensor("output.weight", (2,))]
    path = write(tmp_path / "file.gguf", tensors, behind=behind)
    _, layout = read_layout(path)
    content = laid_down(path.read_bytes(), layout)
    last = contents(tensors)["output.weight"]
    assert content.rstrip(b"\0").endswith((last + behind).rstrip(b"\0"))
    assert parse_header(BytesIO(content), len(content), path).end_of_data <= len(content)


def test_experts_of_different_types_are_refused(tmp_path: Path) -> None:
    tensors = experts(0, 3)
    tensors[4] = Tensor(tensors[4].name, (32, 2), "Q8_0")
    error = refused(write(tmp_path / "mixed.gguf", tensors, expert_count=3))
    assert (error.code, error.data["tensor"]) == ("experts_differ", "blk.0.ffn_down.1.weight")


def test_experts_of_different_shapes_are_refused(tmp_path: Path) -> None:
    tensors = experts(0, 3)
    tensors[8] = Tensor(tensors[8].name, (32, 4))
    error = refused(write(tmp_path / "mixed.gguf", tensors, expert_count=3))
    assert (error.code, error.data["tensor"]) == ("experts_differ", "blk.0.ffn_up.2.weight")


@pytest.mark.parametrize(
    ("gone", "expert_count", "missing"),
    [
        ("blk.1.ffn_up.3.weight", 4, "blk.1.ffn_up.3.weight"),
        ("blk.1.ffn_up.3.weight", None, "blk.1.ffn_up.3.weight"),
        ("blk.0.ffn_down.0.weight", 4, "blk.0.ffn_down.0.weight"),
        ("blk.0.ffn_gate.2.weight", None, "blk.0.ffn_gate.2.weight"),
        ("nothing", 8, "blk.0.ffn_gate.4.weight"),
        ("nothing", 1 << 10, "blk.0.ffn_gate.4.weight"),
    ],
)
def test_a_missing_expert_is_refused(tmp_path: Path, gone: str, expert_count: int | None, missing: str) -> None:
    tensors = [each for each in [*experts(0, 4), *experts(1, 4)] if each.name != gone]
    error = refused(write(tmp_path / "some.gguf", tensors, expert_count=expert_count))
    assert (error.code, error.data["tensor"]) == ("experts_missing", missing)


@pytest.mark.parametrize(
    "tensors",
    [
        [*experts(0, 4), Tensor("blk.0.ffn_up_exps.weight", (32, 2, 4))],
        [Tensor("blk.0.ffn_up_exps.weight", (32, 2, 4)), *experts(0, 4)],
        [*experts(0, 2), Tensor("blk.0.ffn_up.01.weight")],
        [*experts(0, 4), Tensor("blk.0.ffn_up.4.weight")],
        experts(0, 4, shape=(32, 1, 1, 1)),
        [Tensor(f"blk.{'7' * 40}.ffn_gate.{number}.weight") for number in range(2)],
    ],
    ids=["stacked too", "stacked before", "twice", "too many", "four dimensions", "long name"],
)
def test_inconsistent_expert_tensors_are_refused(tmp_path: Path, tensors: list[Tensor]) -> None:
    expert_count = 4 if len(tensors) > 10 else None
    assert refused(write(tmp_path / "odd.gguf", tensors, expert_count=expert_count)).code == "gguf_damaged"


def test_a_number_with_forty_digits(tmp_path: Path) -> None:
    tensors = [*experts(0, 2), Tensor(f"blk.0.ffn_up.{'9' * 40}.weight")]
    before = time.process_time()
    assert refused(write(tmp_path / "odd.gguf", tensors)).code == "experts_missing"
    assert time.process_time() - before < 0.5


def test_a_huge_head_is_not_read(tmp_path: Path) -> None:
    tensors = experts(0, 1, kinds=["up"])
    path = write(tmp_path / "wide.gguf", tensors)
    content = bytearray(path.read_bytes())
    place = content.index(b"general.alignment") + len(b"general.alignment") + 4
    content[place : place + 4] = (1 << 31).to_bytes(4, "little")
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate((1 << 31) + (1 << 20))
    error = refused(path)
    assert error.code == "gguf_damaged"
    assert str(1 << 31) in str(error.data["detail"])


def test_shards_are_refused(tmp_path: Path) -> None:
    error = refused(write(tmp_path / "m-00001-of-00003.gguf", experts(0, 4), split=3))
    assert (error.code, error.data["count"]) == ("experts_in_shards", 3)


def test_a_truncated_file_is_refused(twins: Callable[..., Twins]) -> None:
    files = twins()
    files.path.write_bytes(files.published[:-200])
    assert refused(files.path).code == "gguf_incomplete"
    header = read_header(files.path, whole=False)
    with pytest.raises(UserError) as caught:
        layout_for(header, files.published[: header.data_offset])
    assert caught.value.code == "gguf_incomplete"


def test_the_head_of_another_file_is_refused(twins: Callable[..., Twins]) -> None:
    files = twins()
    header = read_header(files.path)
    for head in (b"", files.published[: header.data_offset - 1], bytes(header.data_offset)):
        with pytest.raises(ValueError, match="head"):
            layout_for(header, head)


def test_a_layout_survives_storing(twins: Callable[..., Twins]) -> None:
    _, layout = read_layout(twins().path)
    assert from_json(to_json(layout), TensorLayout) == layout
