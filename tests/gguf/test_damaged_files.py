"""Damaged and hostile headers end as a ``UserError``, soon and in little memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from pathlib import Path

import pytest

from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable, read_header
from model_manager.gguf.reader import MAX_SKIPPED_STRINGS
from tests.rigs.gguf_bytes import (
    ARRAY,
    STRING,
    U8,
    U32,
    U64,
    header,
    key,
    padded,
    small_model,
    string,
    tensor,
    u32,
    u64,
)

HUGE = (2**31, 2**40, 2**60, 2**63 - 1, 2**63, 2**64 - 1)
KNOWN_CODES = {
    "not_gguf", "gguf_version_unsupported", "gguf_damaged", "gguf_incomplete", "tensor_type_unsupported",
    "hyperparameters_absurd",
}  # fmt: skip
MAX_SECONDS = 0.5
MAX_BYTES = 8 << 20


def _refused(path: Path, code: str = "gguf_damaged") -> None:
    with pytest.raises(UserError) as caught:
        read_header(path)
    assert caught.value.code == code, caught.value


def _succeeds_or_is_refused(path: Path) -> bool:
    """Whether the file reads; anything but success or a known ``UserError`` in time fails the test."""
    before = time.process_time()
    code = None
    try:
        read_header(path)
    except UserError as error:
        code = error.code
    assert time.process_time() - before < MAX_SECONDS
    assert code is None or code in KNOWN_CODES
    return code is None


def test_random_bytes_changed_in_the_header(tmp_path: Path, tiny_moe: Path) -> None:
    whole = tiny_moe.read_bytes()
    end = read_header(tiny_moe).data_offset
    path = tmp_path / "flipped.gguf"
    path.write_bytes(whole)
    dice = random.Random(20240403)
    read = 0
    with path.open("r+b", buffering=0) as file:
        for _ in range(1500):
            places = [dice.randrange(end) for _ in range(dice.choice((1, 1, 2, 8)))]
            for place in places:
                file.seek(place)
                file.write(bytes([dice.randrange(256)]))
            read += _succeeds_or_is_refused(path)
            for place in places:
                file.seek(place)
                file.write(whole[place : place + 1])
    assert 0 < read < 1500
    assert path.read_bytes() == whole


def test_huge_numbers_anywhere_in_the_header(tmp_path: Path, tiny_moe: Path) -> None:
    whole = tiny_moe.read_bytes()
    end = read_header(tiny_moe).data_offset
    path = tmp_path / "huge.gguf"
    path.write_bytes(whole)
    dice = random.Random(11)
    with path.open("r+b", buffering=0) as file:
        for place in [*range(4, 120), *(dice.randrange(end) for _ in range(400))]:
            file.seek(place)
            file.write(u64(dice.choice(HUGE)))
            _succeeds_or_is_refused(path)
            file.seek(place)
            file.write(whole[place : place + 8])


def test_truncation_anywhere_in_the_header(tmp_path: Path, tiny: Path) -> None:
    whole = tiny.read_bytes()
    end = read_header(tiny).data_offset
    path = tmp_path / "cut.gguf"
    for length in [*range(200), *range(200, end, 97), end - 1, end]:
        path.write_bytes(whole[:length])
        assert not _succeeds_or_is_refused(path)


@pytest.mark.parametrize("count", [2**16 + 1, *HUGE])
def test_impossible_counts(tmp_path: Path, count: int) -> None:
    path = tmp_path / "counts.gguf"
    for content in (
        small_model(tensor_count=count),
        small_model(key_count=count),
        small_model([string("k") + u32(STRING) + u64(count)]),
        small_model([string("k") + u32(ARRAY) + u32(STRING) + u64(count)]),
        small_model([string("k") + u32(ARRAY) + u32(U64) + u64(count)]),
        small_model([u64(count) + b"k"]),
        padded(header([], [tensor("a", (count, count))])) + bytes(64),
    ):
        path.write_bytes(content)
        tracemalloc.start()
        before = time.process_time()
        try:
            with pytest.raises(UserError) as caught:
                read_header(path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert time.process_time() - before < MAX_SECONDS
        assert peak < MAX_BYTES
        assert caught.value.code in {"gguf_damaged", "gguf_incomplete"}


def test_a_hole_of_40_gb_in_place_of_a_vocabulary(tmp_path: Path) -> None:
    """Zeros read as empty strings: the file is long enough for billions of them."""
    path = tmp_path / "hole.gguf"
    for count in (MAX_SKIPPED_STRINGS, MAX_SKIPPED_STRINGS + 1, 2**32):
        path.write_bytes(header([string("k") + u32(ARRAY) + u32(STRING) + u64(count)], [], key_count=2))
        with path.open("r+b") as file:
            file.truncate(40 << 30)
        before = time.process_time()
        _refused(path)
        assert time.process_time() - before < 4 * MAX_SECONDS


def test_distant_strings_do_not_require_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "far.gguf"
    with path.open("wb") as file:
        file.write(header([string("k") + u32(ARRAY) + u32(STRING) + u64(4000)], [], key_count=2))
        for _ in range(4000):
            file.write(u64(1 << 23))
            file.seek(1 << 23, 1)
        file.truncate(40 << 30)
    before = time.process_time()
    _refused(path)
    assert time.process_time() - before < MAX_SECONDS


def test_large_values_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "fat.gguf"
    text = "x" * (1 << 20)
    path.write_bytes(small_model([key(f"k{number}", STRING, text) for number in range(40)]))
    tracemalloc.start()
    try:
        read_header(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


@pytest.mark.parametrize(
    "keys",
    [
        [key("twice", U32, 1), key("twice", U32, 2)],
        [key("", U32, 1)],
        [key("k" * 65536, U32, 1)],
        [string(b"\xff\xfe") + u32(U32) + u32(1)],
        [string("k") + u32(13) + u32(1)],
        [string("k") + u32(ARRAY) + u32(13) + u64(1) + bytes(8)],
        [string("k") + u32(ARRAY) + u32(ARRAY) + u64(1) + u32(U8) + u64(1) + b"\1"],
        [key("general.alignment", U32, 0)],
        [key("general.alignment", U32, 33)],
        [key("general.alignment", U64, 32)],
        [key("general.alignment", STRING, "32")],
    ],
    ids=[
        "a key twice",
        "an empty key",
        "a key of 64 KiB",
        "a key that is no text",
        "a value of unknown type",
        "an array of unknown type",
        "an array of arrays",
        "alignment 0",
        "alignment 33",
        "alignment of another type",
        "alignment in words",
    ],
)
def test_invalid_metadata_is_refused(tmp_path: Path, keys: list[bytes]) -> None:
    path = tmp_path / "keys.gguf"
    path.write_bytes(small_model(keys))
    _refused(path)


@pytest.mark.parametrize(
    "tensors",
    [
        [tensor("a", (8,)), tensor("a", (8,), offset=32)],
        [tensor("", (8,))],
        [tensor("n" * 64, (8,))],
        [tensor("a", (1, 1, 1, 1, 1))],
        [tensor("a", (2**62, 4))],
        [tensor("a", (2**63,))],
        [tensor("a", (0, 2**63))],
        [tensor("a", (33,), 2)],
        [tensor("a", (8,), offset=32)],
        [tensor("a", (8,), offset=2**63)],
        [tensor("a", (8,)), tensor("b", (8,), offset=64)],
        [tensor("a", (8,)), tensor("b", (8,), offset=0)],
    ],
    ids=[
        "a name twice",
        "an empty name",
        "a name of 64 bytes",
        "five dimensions",
        "2^64 values",
        "a dimension of 2^63",
        "no values, in a row of 2^63",
        "half a block",
        "a gap before the first",
        "an offset far outside",
        "a gap between two",
        "one upon the other",
    ],
)
def test_invalid_tensors_are_refused(tmp_path: Path, tensors: list[bytes]) -> None:
    path = tmp_path / "tensors.gguf"
    path.write_bytes(padded(header([], tensors)) + bytes(256))
    _refused(path)


@pytest.mark.parametrize(("number", "name"), [(31, "Q4_0_4_4"), (4, "Q4_2"), (43, "43"), (2**32 - 1, str(2**32 - 1))])
def test_unsupported_tensor_types_are_refused(tmp_path: Path, number: int, name: str) -> None:
    path = tmp_path / "type.gguf"
    path.write_bytes(padded(header([], [tensor("a", (32,), number)])) + bytes(256))
    with pytest.raises(UserError) as caught:
        read_header(path)
    assert caught.value.code == "tensor_type_unsupported"
    assert caught.value.data == {"path": path, "tensor": "a", "type": name}


@pytest.mark.parametrize(
    ("name", "shape", "number", "type_"),
    [
        ("blk.0.attn_q.weight", (32, 2), 9, "Q8_1"),
        ("blk.0.attn_q.weight", (32, 2), 24, "I8"),
        ("blk.0.attn_q.weight", (32, 2), 26, "I32"),
        ("blk.0.attn_norm.weight", (32,), 8, "Q8_0"),
        ("blk.0.attn_norm.weight", (1, 32), 1, "F16"),
        ("blk.0.ffn_down_exps.bias", (32, 2), 1, "F16"),
        ("blk.0.ssm_a", (64, 2), 42, "Q2_0"),
        ("blk.0.ffn_gate_tid2eid.weight", (6, 2), 0, "F32"),
        ("blk.0.ssm_conv1d.weight", (4, 2), 1, "F16"),
        ("blk.0.shortconv.conv.weight", (4, 2), 1, "F16"),
        ("blk.0.attn_q_norm.weight", (32, 2), 8, "Q8_0"),
        ("blk.0.time_mix_first.weight", (32, 2), 1, "F16"),
        ("blk.0.time_mix_lerp_fused.weight", (16, 1, 1, 5), 30, "BF16"),
    ],
)
def test_weights_with_which_the_engine_would_crash_are_refused(
    tmp_path: Path, name: str, shape: tuple[int, ...], number: int, type_: str
) -> None:
    path = tmp_path / "type.gguf"
    keys = [key("general.architecture", STRING, "llama")]
    path.write_bytes(padded(header(keys, [tensor(name, shape, number)])) + bytes(256))
    with pytest.raises(UserError) as caught:
        check_loadable(read_header(path))
    assert caught.value.code == "tensor_type_unsupported"
    assert caught.value.data == {"path": path, "tensor": name, "type": type_}


@pytest.mark.parametrize("alignment", [1, 8, 16])
def test_tensors_that_the_engine_cannot_map_are_refused(tmp_path: Path, alignment: int) -> None:
    path = tmp_path / "unaligned.gguf"
    for length in range(alignment):
        keys = [
            key("general.architecture", STRING, "llama"),
            key("general.alignment", U32, alignment),
            key("general.name", STRING, "x" * length),
        ]
        content = header(keys, [tensor("blk.0.attn_norm.weight", (8,))])
        path.write_bytes(content + bytes(-len(content) % alignment) + bytes(32))
        found = read_header(path)
        if found.data_offset % 32:
            break
    with pytest.raises(UserError) as caught:
        check_loadable(found)
    assert caught.value.data == {"path": path, "key": "general.alignment", "value": str(alignment)}


@pytest.mark.parametrize(("name", "number"), [("d2t", 27), ("blk.0.ffn_gate_tid2eid.weight", 26)])
def test_tables_of_token_numbers_are_accepted(tmp_path: Path, name: str, number: int) -> None:
    path = tmp_path / "table.gguf"
    keys = [key("general.architecture", STRING, "llama")]
    path.write_bytes(padded(header(keys, [tensor(name, (32,), number)])) + bytes(256))
    check_loadable(read_header(path))
