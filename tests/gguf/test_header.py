"""What a header says, read from real files."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from math import prod
from pathlib import Path

import gguf
import pytest

from model_manager.errors import UserError
from model_manager.gguf.header import Unread, check_loadable, read_header
from tests.rigs.apus_shapes import write_shape
from tests.rigs.gguf_bytes import (
    ARRAY,
    BOOL,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    header,
    key,
    padded,
    small_model,
    tensor,
)
from tests.rigs.tiny_model import write_tiny_model

APUS_PARAMETERS = 113_662_983_168


def _code(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_header(path)
    assert caught.value.data["path"] == path
    return caught.value.code


def test_a_dense_model(tiny: Path) -> None:
    found = read_header(tiny)
    assert found.path == tiny
    assert (found.architecture, found.name, found.version) == ("llama", "Tiny random", 3)
    assert (found.context_length, found.block_count, found.expert_count) == (2048, 2, 0)
    assert (found.quantisation, found.chat_template) == ("F32", None)
    assert found.alignment == 32
    assert not found.experts_in_separate_tensors
    assert found.file_bytes == found.end_of_data == tiny.stat().st_size
    check_loadable(found)


def test_a_mixture_of_experts_with_a_template(tmp_path: Path) -> None:
    template = "{% for message in messages %}{{ message.content }}{% endfor %}你好"
    path = write_tiny_model(tmp_path / "moe.gguf", n_expert=4, chat_template=template, context_length=777)
    found = read_header(path)
    assert (found.expert_count, found.context_length, found.chat_template) == (4, 777, template)
    stacked = next(each for each in found.tensors if each.name == "blk.1.ffn_down_exps.weight")
    assert (stacked.shape, stacked.type, stacked.n_bytes) == ((128, 64, 4), "F32", 128 * 64 * 4 * 4)
    check_loadable(found)


def test_the_starter(starter_file: Path) -> None:
    found = read_header(starter_file)
    assert (found.architecture, found.quantisation, found.context_length) == ("llama", "Q4_1", 8192)
    assert found.block_count == 30
    assert found.parameter_count == pytest.approx(135e6, rel=0.01)
    assert found.end_of_data == found.file_bytes == 98_362_432
    assert found.chat_template is not None
    assert "<|im_start|>" in found.chat_template
    assert found.metadata["tokenizer.ggml.tokens"] == Unread("str", 49152)
    assert found.metadata["tokenizer.ggml.token_type"] == Unread("i32", 49152)
    assert found.metadata["tokenizer.ggml.add_bos_token"] is False
    check_loadable(found)


def test_the_gguf_package_reads_the_same(tmp_path: Path, tiny_moe: Path) -> None:
    quantised = tmp_path / "quantised.gguf"
    write_shape(quantised, "Q4_K_M", n_layer=9, n_embd=512, n_ff=1024, n_head=8, n_head_kv=2, n_vocab=400)
    for path in (tiny_moe, quantised):
        found, theirs = read_header(path), gguf.GGUFReader(path)
        assert [each.name for each in found.tensors] == [each.name for each in theirs.tensors]
        for ours, other in zip(found.tensors, theirs.tensors, strict=True):
            assert ours.shape == tuple(int(size) for size in other.shape)
            assert (ours.type, ours.n_bytes) == (other.tensor_type.name, other.n_bytes)
            assert found.data_offset + ours.offset == other.data_offset
        for name, value in found.metadata.items():
            if not isinstance(value, Unread | tuple):
                assert theirs.fields[name].contents() == value


@pytest.mark.parametrize(
    ("quant", "giga_bytes"), [("Q2_K", 41.5), ("IQ3_XXS", 43.7), ("Q3_K_M", 54.4), ("Q4_K_M", 69.0)]
)
@pytest.mark.parametrize("legacy", [False, True])
def test_the_whole_model_at_its_full_size(tmp_path: Path, quant: str, giga_bytes: float, legacy: bool) -> None:
    path = tmp_path / "huge.gguf"
    size = write_shape(path, quant, legacy=legacy)
    assert path.stat().st_blocks * 512 < 8 << 20, "this file system writes out holes"
    seconds = []
    for _ in range(3):
        before = time.process_time()
        found = read_header(path)
        seconds.append(time.process_time() - before)
    assert min(seconds) < 0.15
    assert found.file_bytes == found.end_of_data == size
    assert size / 1e9 == pytest.approx(giga_bytes, abs=0.05)
    assert (found.quantisation, found.parameter_count) == (quant, APUS_PARAMETERS)
    assert (found.block_count, found.expert_count, found.context_length) == (60, 4, 32768)
    assert found.experts_in_separate_tensors is legacy
    if not legacy:
        check_loadable(found)
        return
    with pytest.raises(UserError) as caught:
        check_loadable(found)
    assert (caught.value.code, caught.value.data) == ("experts_in_separate_tensors", {"path": path})


def test_the_vocabulary_is_not_kept_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.gguf"
    write_shape(path, "Q2_K")
    tracemalloc.start()
    try:
        read_header(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_values_of_every_type(tmp_path: Path) -> None:
    values = {
        "u8": (U8, 255),
        "i8": (I8, -128),
        "u16": (U16, 65535),
        "i16": (I16, -32768),
        "u32": (U32, 2**32 - 1),
        "i32": (I32, -(2**31)),
        "f32": (F32, 0.5),
        "bool": (BOOL, True),
        "u64": (U64, 2**64 - 1),
        "i64": (I64, -(2**63)),
        "f64": (F64, 1e300),
        "text": (STRING, "模型"),
        "empty": (STRING, ""),
    }
    path = tmp_path / "types.gguf"
    path.write_bytes(small_model([key(name, kind, value) for name, (kind, value) in values.items()]))
    found = read_header(path).metadata
    assert {name: found[name] for name in values} == {name: value for name, (_, value) in values.items()}
    assert found["bool"] is True


def test_short_arrays_of_numbers_are_read_and_others_counted(tmp_path: Path) -> None:
    heads = [8, 4, 8, 4]
    path = tmp_path / "arrays.gguf"
    path.write_bytes(
        small_model(
            [
                key("llama.attention.head_count_kv", ARRAY, (I32, heads)),
                key("none", ARRAY, (U8, [])),
                key("long", ARRAY, (F32, [0.0] * 1025)),
                key("general.languages", ARRAY, (STRING, ["zh", "en"])),
                key("after", STRING, "still in step"),
            ]
        )
    )
    found = read_header(path)
    assert found.metadata["llama.attention.head_count_kv"] == tuple(heads)
    assert found.metadata["none"] == ()
    assert found.metadata["long"] == Unread("f32", 1025)
    assert found.metadata["general.languages"] == Unread("str", 2)
    assert found.text("after") == "still in step"
    assert found.integer("llama.attention.head_count_kv") is None


def test_a_string_of_megabytes_is_counted_and_a_broken_character_replaced(tmp_path: Path) -> None:
    path = tmp_path / "strings.gguf"
    tokenizer = "x" * (3 << 20)
    path.write_bytes(
        small_model(
            [key("tokenizer.huggingface.json", STRING, tokenizer), key("tokenizer.chat_template", STRING, b"a\xffb")]
        )
    )
    found = read_header(path)
    assert found.metadata["tokenizer.huggingface.json"] == Unread("str", 3 << 20)
    assert found.chat_template == "a\ufffdb"


@pytest.mark.parametrize("version", [2, 3])
def test_both_versions_of_the_format(tmp_path: Path, version: int) -> None:
    path = tmp_path / "version.gguf"
    path.write_bytes(small_model(version=version))
    assert read_header(path).version == version


@pytest.mark.parametrize(
    ("stored", "version", "big_endian"), [(1, 1, False), (4, 4, False), (0, 0, False), (3 << 24, 3, True)]
)
def test_other_versions_are_reported(tmp_path: Path, stored: int, version: int, big_endian: bool) -> None:
    path = tmp_path / "version.gguf"
    path.write_bytes(small_model(version=stored))
    with pytest.raises(UserError) as caught:
        read_header(path)
    assert caught.value.code == "gguf_version_unsupported"
    assert caught.value.data == {"path": path, "version": version, "big_endian": big_endian}


def test_another_alignment(tmp_path: Path) -> None:
    path = tmp_path / "aligned.gguf"
    keys = [key("general.alignment", U32, 256)]
    tensors = [tensor("a", (32,)), tensor("b", (32, 2), 2, offset=256)]
    path.write_bytes(padded(header(keys, tensors), 256) + bytes(256 + 36))
    found = read_header(path)
    assert (found.alignment, found.data_offset % 256) == (256, 0)
    assert found.end_of_data == found.data_offset + 256 + 36 == found.file_bytes


@pytest.mark.parametrize("file_type", [None, 9999, 4])
def test_without_a_known_file_type_the_largest_type_names_the_quantisation(tmp_path: Path, file_type: int) -> None:
    path = tmp_path / "unnamed.gguf"
    keys = [] if file_type is None else [key("general.file_type", U32, file_type)]
    tensors = [tensor("a", (256, 300), 12), tensor("b", (4096,), offset=256 * 300 // 256 * 144 // 32 * 32 + 0)]
    path.write_bytes(padded(header(keys, tensors)) + bytes(43_200 + 16_384))
    assert read_header(path).quantisation == "Q4_K"


def test_a_guessed_file_type_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "guessed.gguf"
    path.write_bytes(small_model([key("general.file_type", U32, 1024 + 15)]))
    assert read_header(path).quantisation == "Q4_K_M"


def test_a_file_with_truncated_tensors_is_incomplete(tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "cut.gguf"
    whole = tiny.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(UserError) as caught:
        read_header(path)
    assert caught.value.code == "gguf_incomplete"
    assert caught.value.data == {"path": path, "bytes": len(whole) - 1, "expected_bytes": len(whole)}
    assert read_header(path, whole=False).end_of_data == len(whole)


def test_a_partial_download_with_its_header(tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "tiny.gguf.part"
    path.write_bytes(tiny.read_bytes()[: read_header(tiny).data_offset])
    assert _code(path) == "gguf_incomplete"
    assert read_header(path, whole=False).tensors == read_header(tiny).tensors


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    assert _code(tmp_path / "nowhere.gguf") == "file_missing"
    assert _code(tmp_path / "no" / "such" / "folder.gguf") == "file_missing"
    assert _code(tmp_path / "zero\0byte.gguf") == "file_missing"
    assert _code(tmp_path) == "is_a_folder"


def test_a_pipe_is_refused_without_blocking(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    assert _code(pipe) == "not_a_file"


@pytest.mark.parametrize("content", [b"", b"G", b"GGU", b"GGML", b"PK\x03\x04 a zip archive", b"\0" * 4096])
def test_other_formats_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.gguf"
    path.write_bytes(content)
    assert _code(path) == "not_gguf"


def test_an_unreadable_file_is_reported(
    tmp_path: Path, tiny: Path, closed_to_us: Callable[[Path], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "closed.gguf"
    path.write_bytes(tiny.read_bytes())
    with closed_to_us(path), pytest.raises(UserError) as caught:
        read_header(path)
    assert caught.value.code == "file_unreadable"
    assert caught.value.data["detail"]


def test_broken_links_are_reported(tmp_path: Path) -> None:
    loop, dangling = tmp_path / "loop.gguf", tmp_path / "dangling.gguf"
    loop.symlink_to(loop)
    dangling.symlink_to(tmp_path / "gone.gguf")
    assert _code(loop) == "file_unreadable"
    assert _code(dangling) == "file_missing"


@pytest.mark.parametrize(
    ("keys", "tensors"),
    [
        ([], [tensor("a", (1,))]),
        ([key("general.architecture", STRING, "clip")], [tensor("a", (1,))]),
        (
            [key("general.architecture", STRING, "llama"), key("general.type", STRING, "adapter")],
            [tensor("a", (1,))],
        ),
        ([key("general.architecture", STRING, "llama")], []),
        *(([key("general.architecture", STRING, name)], [tensor("a", (1,))]) for name in ("t5", "wavtokenizer-dec")),
    ],
    ids=["no architecture", "projector", "adapter", "vocabulary without weights", "translation model", "vocoder"],
)
def test_gguf_files_that_are_not_chat_models_are_refused(
    tmp_path: Path, keys: list[bytes], tensors: list[bytes]
) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(padded(header(keys, tensors)) + bytes(32))
    with pytest.raises(UserError) as caught:
        check_loadable(read_header(path))
    assert caught.value.code == "not_a_chat_model"


def test_counted_values_add_up(tiny_moe: Path) -> None:
    found = read_header(tiny_moe)
    assert found.parameter_count == sum(prod(each.shape) for each in found.tensors)
    assert sum(each.n_bytes for each in found.tensors) == 4 * found.parameter_count


def test_the_header_is_immutable(tiny: Path) -> None:
    found = read_header(tiny)
    with pytest.raises(TypeError):
        found.metadata["general.name"] = "mine"  # type: ignore[index]
    assert hash(found) == hash(read_header(tiny))
    assert found == read_header(tiny)
