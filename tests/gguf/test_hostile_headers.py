"""Hostile headers: reading them takes little time and memory, and what would abort the engine is refused."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable, invalid_hyperparameters, read_header
from model_manager.gguf.reader import MAX_SKIPPED_STRINGS
from tests.rigs import arch_shapes
from tests.rigs.apus_shapes import write_shape
from tests.rigs.gguf_bytes import (
    ARRAY,
    F32,
    F64,
    I32,
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
    with_keys,
)

ROOT = Path(__file__).resolve().parents[2]
MAX_SECONDS = 1.0
MAX_BYTES = 100 << 20
READ_ALL = """
import json, sys, time
from pathlib import Path
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable, read_header
def peak():
    if sys.platform == "linux":
        # getrusage includes the memory of the parent process.
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    if sys.platform == "win32":
        import psutil
        return psutil.Process().memory_info().peak_wset
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = peak()
def read(name):
    before = time.process_time()
    try:
        check_loadable(read_header(Path(name)))
        code = ""
    except UserError as error:
        code = error.code
    return code, time.process_time() - before
for name in sys.argv[1:]:
    code, seconds = read(name)
    if seconds > 0.7:
        # A busy machine inflates even the processor time.
        seconds = min(seconds, read(name)[1], read(name)[1])
    print(json.dumps([Path(name).name, code, seconds, peak() - begin]))
"""
ABSURD: list[tuple[str, tuple[int, object]]] = [
    *(("block_count", (U32, value)) for value in (0, 513, 2**31 - 1, 2**32 - 1)),
    *(("expert_count", (U32, value)) for value in (0, 1, 1025, 10**6, 2**32 - 1)),
    *(("expert_used_count", (U32, value)) for value in (0, 5, 2**31)),
    ("expert_used_count", (ARRAY, (U32, [2, 5]))),
    *(("expert_group_count", (U32, value)) for value in (2, 3, 4, 2**31)),
    ("nextn_predict_layers", (U32, 3)),
    *(("context_length", (U32, value)) for value in (0, 1, 2**31 - 1, 2**32 - 1)),
    *(("embedding_length", (U32, value)) for value in (0, 2**31)),
    ("feed_forward_length", (ARRAY, (U32, [128, 2**31]))),
    ("attention.head_count", (U32, 2**31)),
    ("attention.head_count_kv", (ARRAY, (U32, [2, 2**31]))),
    ("attention.key_length", (U32, 2**32 - 1)),
    ("attention.layer_norm_rms_epsilon", (F32, -1.0)),
    ("attention.layer_norm_rms_epsilon", (F32, float("nan"))),
    ("rope.scaling.type", (STRING, "bogus")),
    ("rope.scaling.type", (STRING, "")),
    *(("attention.head_count", (kind, value)) for kind in (F32, F64) for value in (4.0, math.nan, math.inf)),
    *((f"attention.head_count{kind}", (ARRAY, (F32, [math.nan, math.inf]))) for kind in ("", "_kv")),
    ("embedding_length", (STRING, "64")),
    ("feed_forward_length", (ARRAY, (U32, [128] * 2000))),
    ("attention.sliding_window", (I32, -1)),
    *(("attention.head_count", value) for value in ((U32, 0), (ARRAY, (U32, [0, 0])))),
    *(("attention.head_count_kv", (ARRAY, (I32, heads))) for heads in ([2, 4], [2, 0])),
    *(("rope.dimension_count", (U32, value)) for value in (0, 2, 7, 1 << 16)),
    ("ssm.inner_size", (U32, 0)),
    *((f"attention.{name}", (U32, 0)) for name in ("key_length", "value_length_swa")),
    *((f"ssm.{name}", (U32, 0)) for name in ("group_count", "time_step_rank")),
    ("full_attention_interval", (U32, 0)),
]
"""What the engine's process does not survive (tried one by one), or what is no number, for a model of 2 layers and 4
experts."""


def _hole(path: Path, content: bytes, n_bytes: int = 40 << 30) -> None:
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(n_bytes)


def _hostile_files(folder: Path) -> dict[str, str]:
    """Names of files in ``folder``, with the codes that they are to be refused with."""
    huge = 2**63 - 1
    contents = {
        "counts of tensors": (small_model(tensor_count=2**60), "gguf_damaged"),
        "counts of keys": (small_model(key_count=2**60), "gguf_damaged"),
        "an array of 10^8 strings": (
            small_model([string("k") + u32(ARRAY) + u32(STRING) + u64(10**8)]),
            "gguf_damaged",
        ),
        "an array of 2^60 bytes": (small_model([string("k") + u32(ARRAY) + u32(U8) + u64(2**60)]), "gguf_damaged"),
        "arrays in arrays": (
            small_model([string("k") + u32(ARRAY) + (u32(ARRAY) + u64(1)) * 100_000 + u32(U8) + u64(1) + b"\1"]),
            "gguf_damaged",
        ),
        "a string of 2^63": (small_model([string("k") + u32(STRING) + u64(huge)]), "gguf_damaged"),
        "40 strings of 1 MiB": (small_model([key(f"k{n}", STRING, "x" * (1 << 20)) for n in range(40)]), ""),
        "offsets one upon the other": (
            padded(header([], [tensor("a", (8,)), tensor("b", (8,))])) + bytes(256),
            "gguf_damaged",
        ),
        "an offset between two steps": (
            padded(header([], [tensor("a", (8,)), tensor("b", (8,), offset=33)])) + bytes(256),
            "gguf_damaged",
        ),
        "an offset past the end": (padded(header([], [tensor("a", (8,), offset=huge)])) + bytes(256), "gguf_damaged"),
        "a tensor of no values": (padded(header([], [tensor("a", (8, 0))])) + bytes(256), "gguf_damaged"),
        "an alignment of 2 GiB": (small_model([key("general.alignment", U32, 1 << 31)]), "gguf_damaged"),
        "a tensor of 2^62 values": (padded(header([], [tensor("a", (2**31, 2**31))])) + bytes(256), "gguf_incomplete"),
        "as many tensors and keys as may be": (
            padded(
                header(
                    [key("general.architecture", STRING, "llama")]
                    + [key(f"key.{n:060}", ARRAY, (U32, [1] * 4)) for n in range(2**16 - 1)],
                    [tensor(f"{n:063}", (1, 1, 1, 1), offset=n * 32) for n in range(2**16)],
                )
            )
            + bytes(2**16 * 32),
            "",
        ),
        "a web page": (b"\xef\xbb\xbf \r\n<!DOCTYPE html><html><title>Sign in</title>" + bytes(5000), "is_web_page"),
        "an answer in JSON": (b'{"error":"Repository not found"}', "is_web_page"),
        "a pointer": (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 41500000000\n",
            "is_lfs_pointer",
        ),
        "another format": (b"PK\3\4" + bytes(1000), "not_gguf"),
        "nothing": (b"", "not_gguf"),
        "three letters": (b"GGU", "not_gguf"),
    }
    expected = {}
    for name, (content, code) in contents.items():
        (folder / name).write_bytes(content)
        expected[name] = code
    strings = string("k") + u32(ARRAY) + u32(STRING)
    for name, count in (("as many empty strings as may be", MAX_SKIPPED_STRINGS), ("2^32 empty strings", 2**32)):
        _hole(folder / name, header([strings + u64(count)], [], key_count=2))
        expected[name] = "gguf_damaged"
    _hole(folder / "numbers up to the limit", header([string("k") + u32(ARRAY) + u32(U64) + u64(2**32)], []))
    expected["numbers up to the limit"] = "gguf_damaged"
    return expected


def test_reading_hostile_headers_takes_little_time_and_memory(tmp_path: Path) -> None:
    expected = _hostile_files(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *(str(tmp_path / name) for name in expected)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    seen: list[list[Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert {name: code for name, code, _, _ in seen} == expected
    assert {name: seconds for name, _, seconds, _ in seen if seconds > MAX_SECONDS} == {}
    assert 0 < max(grown for _, _, _, grown in seen) < MAX_BYTES


@pytest.mark.parametrize(("name", "value"), ABSURD, ids=lambda value: str(value)[:40])
def test_invalid_hyperparameters_are_refused(
    tmp_path: Path, tiny_moe: Path, name: str, value: tuple[int, object]
) -> None:
    path = with_keys(tiny_moe, tmp_path / "absurd.gguf", {f"llama.{name}": value})
    with pytest.raises(UserError) as caught:
        read_header(path)
    assert caught.value.code == "hyperparameters_absurd"
    assert str(caught.value.data["key"]).startswith("llama.")
    assert caught.value.data["path"] == path


@pytest.mark.parametrize(
    "changes",
    [
        {"llama.expert_count": (U32, 4), "llama.expert_used_count": (ARRAY, (U32, [2, 4]))},
        {"llama.attention.head_count_kv": (ARRAY, (I32, [2, 2]))},
        {"llama.rope.scaling.type": (STRING, "yarn"), "llama.vocab_size": (U32, 300_000)},
        {"llama.context_length": (U32, 10_485_760), "llama.attention.key_length": None},
        {"llama.block_count": None, "llama.expert_used_count": (U32, 4)},
    ],
    ids=["experts by layer", "heads by layer", "yarn", "ten million tokens", "keys that are missing"],
)
def test_unusual_hyperparameters_are_accepted(
    tmp_path: Path, tiny_moe: Path, changes: dict[str, tuple[int, object] | None]
) -> None:
    header = read_header(with_keys(tiny_moe, tmp_path / "fine.gguf", changes))
    check_loadable(header)
    assert {key for key, change in changes.items() if change is None}.isdisjoint(header.metadata)
    assert {key for key, change in changes.items() if change is not None} <= header.metadata.keys()
    assert not list(invalid_hyperparameters(header))


@pytest.mark.parametrize(
    ("architecture", "keys"),
    [
        ("gemma2", {"attention.sliding_window_pattern": 1}),
        ("gpt-oss", {"attention.value_length": 1}),
        ("gpt-oss", {"expert_count": 0, "expert_used_count": 0}),
        ("deepseek2", {"attention.key_length_mla": 32}),
        ("deepseek2", {"rope.dimension_count": None}),
        ("qwen35", {"ssm.inner_size": 1}),
        ("qwen35", {"ssm.group_count": 3}),
        ("qwen3moe", {"rope.dimension_count": 32}),
        ("qwen3moe", {"attention.head_count_kv": 3}),
        ("qwen3moe", {"expert_gating_func": 5}),
        ("lfm2", {"rope.dimension_count": 3}),
        ("llama", {"attention.value_length": 32}),
        ("llama", {"embedding_length": 510}),
        ("gemma3", {"attention.value_length_swa": 32}),
        ("deepseek2", {"attention.key_length": 1 << 16}),
        ("deepseek2", {"attention.head_count_kv": 2}),
        ("qwen35", {"ssm.inner_size": 1 << 16}),
        ("qwen2vl", {"attention.key_length": 128, "attention.value_length": 128, "rope.dimension_count": 128}),
        *(("qwen2vl", {"rope.dimension_sections": each}) for each in ([16, 24, 24, 1], [0, 0, 0, 4], [-1, 0, 0, 1])),
        ("gpt-oss", {"attention.key_length": 128, "attention.value_length": 128}),
    ],
    ids=str,
)
def test_what_only_some_architectures_do_not_survive_is_refused(
    tmp_path: Path, architecture: str, keys: dict[str, Any]
) -> None:
    path = arch_shapes.write_arch(tmp_path / "some.gguf", architecture, n_layer=1, keys=keys)
    with pytest.raises(UserError, match="hyperparameters_absurd"):
        read_header(path)


@pytest.mark.parametrize(
    ("architecture", "numbers"),
    [
        *((name, {"attention.key_length": 32, "attention.value_length": 16}) for name in ("phi3", "phimoe", "minicpm")),
        ("ernie4_5-moe", {"interleave_moe_layer_step": 0}),
        *((name, {"embedding_length": 512, "ssm.inner_size": 512}) for name in ("jamba", "granitehybrid")),
        *((name, {"ssm.inner_size": 512, "ssm.time_step_rank": 7}) for name in ("mamba2", "nemotron_h")),
        ("plamo2", {"ssm.group_count": 1}),
        ("hrm_text", {"block_count": 2, "hrm.layers_per_stack": 1, "hrm.h_cycles": 1, "hrm.l_cycles": 2}),
    ],
    ids=str,
)
def test_what_the_graphs_of_further_architectures_assert_is_refused(
    tmp_path: Path, architecture: str, numbers: dict[str, int]
) -> None:
    path, keys = tmp_path / "some.gguf", [key(f"{architecture}.{name}", U32, value) for name, value in numbers.items()]
    path.write_bytes(padded(header([key("general.architecture", STRING, architecture), *keys], [])))
    with pytest.raises(UserError, match="hyperparameters_absurd"):
        read_header(path)


@pytest.mark.parametrize(
    ("architecture", "kv_heads", "weight", "shape", "is_accepted"),
    [
        ("dots1", 2, "attn_k", (64, 64), False),
        ("cogvlm", 2, "attn_qkv", (64, 192), False),
        ("olmoe", 2, "attn_k", (64, 32), False),
        ("olmoe", 4, "attn_k", (64, 64), True),
        ("falcon", 2, "attn_qkv", (64, 192), False),
        *((name, 2, "attn_v", (64, 64), False) for name in ("gemma-embedding", "hunyuan-moe", "pangu-embedded")),
        ("exaone4", 2, "attn_output", (32, 64), False),
        ("bailingmoe", 2, "attn_v", (64, 16), False),
        ("minicpm3", 2, "attn_kv_b", (16, 128), False),
        ("falcon", 2, "attn_qkv", (64, 128), True),
        ("command-r", 2, "attn_q", (64, 64), True),
        ("deepseek2", 4, "attn_kv_b", (16, 128), True),
        ("minimax-01", 2, "attn_qkv", (64, 192), True),
    ],
)
def test_weights_of_attention_are_as_wide_as_the_heads_that_the_graph_makes_of_them(
    tmp_path: Path, architecture: str, kv_heads: int, weight: str, shape: tuple[int, int], is_accepted: bool
) -> None:
    numbers = {"embedding_length": 64, "attention.head_count": 4, "attention.head_count_kv": kv_heads}
    numbers |= {"attention.key_length": 16, "attention.value_length": 16}
    numbers["rope.dimension_count"] = 8 if architecture in ("minicpm3", "deepseek2") else 16
    keys = [key(f"{architecture}.{name}", U32, value) for name, value in numbers.items()]
    path, entries = tmp_path / "some.gguf", [key("general.architecture", STRING, architecture), *keys]
    path.write_bytes(padded(header(entries, [tensor(f"blk.0.{weight}.weight", shape)])) + bytes(1 << 16))
    if is_accepted:
        assert read_header(path).architecture == architecture
    else:
        with pytest.raises(UserError, match="hyperparameters_absurd"):
            read_header(path)


@pytest.mark.parametrize(("architecture", "is_accepted"), [("hunyuan-dense", True), ("hunyuan-moe", False)])
def test_the_engine_forgets_used_experts_of_some_architectures(
    tmp_path: Path, architecture: str, is_accepted: bool
) -> None:
    path = tmp_path / "some.gguf"
    keys = [("general.architecture", STRING, architecture), (f"{architecture}.expert_used_count", U32, 53)]
    path.write_bytes(padded(header([key(*each) for each in keys], [])))
    if is_accepted:
        assert read_header(path).architecture == architecture
    else:
        with pytest.raises(UserError, match="hyperparameters_absurd"):
            read_header(path)


@pytest.mark.parametrize(
    ("architecture", "experts", "gate", "is_accepted"),
    [
        *((name, 4, None, False) for name in ("dots1", "hy_v4", "minimax-m2", "smallthinker")),
        *((name, 4, 0, False) for name in ("dots1", "exaone-moe", "lfm2moe", "minimax-m3")),
        ("dots1", 4, 2, True),
        ("dots1", 0, None, True),
        ("glm4moe", 4, None, True),
        ("cohere2moe", 4, 0, True),
    ],
)
def test_files_say_how_experts_are_chosen_where_the_engine_has_no_default(
    tmp_path: Path, architecture: str, experts: int, gate: int | None, is_accepted: bool
) -> None:
    path = tmp_path / "some.gguf"
    numbers = {"expert_count": experts, "expert_used_count": min(experts, 2), "expert_gating_func": gate}
    numbers["rope.dimension_count"] = 8
    keys = [key(f"{architecture}.{name}", U32, value) for name, value in numbers.items() if value is not None]
    path.write_bytes(padded(header([key("general.architecture", STRING, architecture), *keys], [])))
    if is_accepted:
        assert read_header(path).expert_count == experts
    else:
        with pytest.raises(UserError, match="hyperparameters_absurd") as caught:
            read_header(path)
        assert caught.value.data["key"] == f"{architecture}.expert_gating_func"


@pytest.mark.parametrize("architecture", ["bailingmoe3", "deepseek2", "glm5-next", "hy_v4", "kimi-k3", "kimi-linear"])
@pytest.mark.parametrize(("length", "shape"), [(24, (64, 24)), (24, (64, 24, 1)), (32, (64, 24)), (24, (64,))], ids=str)
def test_keys_of_latent_attention_are_as_long_as_what_is_kept(
    tmp_path: Path, architecture: str, length: int, shape: tuple[int, ...]
) -> None:
    numbers = {"attention.head_count": 4, "attention.head_count_kv": 1, "attention.key_length": length}
    keys = [
        key(f"{architecture}.{name}", U32, value) for name, value in (numbers | {"rope.dimension_count": 8}).items()
    ]
    kept = tensor("blk.0.attn_kv_a_mqa.weight", shape)
    weights = [kept, tensor("blk.0.attn_k_b.weight", (8, 16, 4), offset=math.prod(shape) * 4)]
    path = tmp_path / "some.gguf"
    path.write_bytes(
        padded(header([key("general.architecture", STRING, architecture), *keys], weights)) + bytes(1 << 16)
    )
    if length in shape:
        assert read_header(path).architecture == architecture
    else:
        with pytest.raises(UserError, match="hyperparameters_absurd"):
            read_header(path)


@pytest.mark.parametrize(
    ("architecture", "heads", "is_accepted"),
    [
        *((name, {}, False) for name in ("modern-bert", "neo-bert", "olmo2", "phimoe")),
        ("neo-bert", {"": 4}, True),
        ("neo-bert", {"": 4, "_kv": 0}, False),
        ("neo-bert", {"": 4, "_kv": 4}, True),
    ],
)
def test_attention_without_heads_is_refused(
    tmp_path: Path, architecture: str, heads: dict[str, int], is_accepted: bool
) -> None:
    numbers = {"embedding_length": 64} | {f"attention.head_count{kind}": count for kind, count in heads.items()}
    entries = [key(f"{architecture}.{name}", U32, value) for name, value in numbers.items()]
    path, name = tmp_path / "some.gguf", key("general.architecture", STRING, architecture)
    path.write_bytes(padded(header([name, *entries], [tensor("blk.0.attn_qkv.weight", (64, 192))])) + bytes(1 << 16))
    if is_accepted:
        assert read_header(path).architecture == architecture
    else:
        with pytest.raises(UserError, match="hyperparameters_absurd"):
            read_header(path)


HEADS = "attention.head_count_kv"
INDEXER = "attention.indexer.key_length"
EVEN = [("deepseek2-ocr", {}), ("deepseek4", {HEADS: 1}), ("minicpm3", {})]
EXPERTS = {"expert_count": 4, "expert_used_count": 2}
POOLED, NONE_ROTATED = "attention.indexer.kpool", {"embedding_length": 64, "rope.dimension_count": 0}
LINEAR = {"embedding_length": 64, "rope.dimension_sections": [4, 2, 2, 0]}
LINEAR |= {"ssm.inner_size": 128, "ssm.state_size": 16, "ssm.time_step_rank": 8}
LENGTHS = {"attention.key_length_swa": 8, "attention.value_length_swa": 8}
WINDOW, PATTERN = "attention.sliding_window", "attention.sliding_window_pattern"


@pytest.mark.parametrize(
    ("architecture", "numbers", "is_accepted"),
    [
        *((name, {HEADS: [0, 2]}, True) for name in ("jamba", "lfm2", "plamo2")),
        *((name, {HEADS: heads}, False) for name in ("jamba", "lfm2", "plamo2") for heads in ([0, 0], [2, 2], 2)),
        ("lfm2", {HEADS: [0, 0, 2], "block_count": 3, "nextn_predict_layers": 1}, False),
        ("nemotron_h", {HEADS: [0, 2, 0], "feed_forward_length": [0, 0, 96], "block_count": 3}, True),
        ("nemotron_h", {HEADS: [2, 2, 0], "feed_forward_length": [0, 0, 96], "block_count": 3}, False),
        ("minimax-01", {"full_attention_interval": 2}, True),
        *(("minimax-01", {"full_attention_interval": interval}, False) for interval in (1, 3)),
        ("minimax-01", {}, False),
        ("minimax-01", {"attention.recurrent_layers": [0, 1]}, True),
        ("minimax-01", {"attention.recurrent_layers": [1, 1]}, False),
        ("mimo2", {WINDOW: 16, PATTERN: [1, 0]}, True),
        ("mimo2", {WINDOW: 16, PATTERN: [0, 0]}, False),
        ("afmoe", {WINDOW: 16}, True),
        *(("afmoe", keys, False) for keys in ({}, {WINDOW: 0}, {WINDOW: 16, PATTERN: 1})),
        ("llama4", {}, False),
        ("llama4", {WINDOW: 0, "block_count": 4}, False),
        ("llama4", {"block_count": 4}, True),
        ("gemma-embedding", {WINDOW: 16, "block_count": 5}, False),
        ("gemma-embedding", {WINDOW: 16, "block_count": 6}, True),
    ],
)
def test_models_of_two_kinds_of_layers_have_both(
    tmp_path: Path, architecture: str, numbers: dict[str, Any], is_accepted: bool
) -> None:
    _check_numbers(tmp_path, architecture, {"block_count": 2, "attention.head_count": 4, **numbers}, is_accepted)


@pytest.mark.parametrize(
    ("architecture", "numbers", "is_accepted"),
    [
        *((name, {"token_shift_count": 2}, name in ("rwkv6", "rwkv7")) for name in ("rwkv6", "rwkv7", "arwkv7")),
        *((name, {"token_shift_count": 1}, name == "arwkv7") for name in ("rwkv6", "rwkv7", "arwkv7")),
        ("rwkv6", {}, True),
        ("arwkv7", {}, False),
        *(("gemma4", {"block_count": 4, "attention.shared_kv_layers": number}, number < 3) for number in (2, 3)),
        *(("rwkv7", {"embedding_length": 64, "wkv.head_size": n}, n == 16) for n in (16, 24)),
        *(("mamba2", {**LINEAR, "ssm.group_count": n}, n == 4) for n in (4, 16)),
        *((name, NONE_ROTATED, True) for name in ("deepseek2-ocr", "glm5-next")),
        *((name, {"rope.dimension_count": 0}, False) for name in ("deepseek2", "mimo2")),
        *(("step35", {"embedding_length": 64, "rope.dimension_count": number}, number == 8) for number in (6, 8)),
        *(("deepseek32", {"rope.dimension_count": 8, INDEXER: n}, n in (64, 128)) for n in (4, 32, 64, 96, 128)),
        *(("deepseek4", {HEADS: 1, "rope.dimension_count": 8, INDEXER: n}, n in (64, 192)) for n in (4, 64, 96, 192)),
        *(
            (name, {**one, "rope.dimension_count": 8, "embedding_length": 4 * n}, n == 66)
            for n in (65, 66)
            for name, one in EVEN
        ),
        ("deepseek4", {"rope.dimension_count": 8}, False),
        *(("deepseek4", {HEADS: 1, "hyper_connection.sinkhorn_iterations": n}, n == 1) for n in (0, 1)),
        ("llama4", {"block_count": 4, PATTERN: 1}, False),
        *(("hy_v4", {"rope.dimension_count": 8, "hyper_connection.count": n}, n == 4) for n in (4, 1000)),
        *(("t5encoder", {HEADS: n}, n == 4) for n in (1, 4)),
        *(("t5encoder", {"attention.relative_buckets_count": n}, n == 4) for n in (3, 4)),
        *(("grovemoe", {**EXPERTS, "experts_per_group": n}, n == 2) for n in (0, 2, 3)),
        *(
            (name, {"embedding_length": 64, f"attention.{part}_length_swa": n}, n == 16)
            for name in ("mimo2", "step35")
            for part in ("key", "value")
            for n in (8, 16)
        ),
        *(("deepseek4", {HEADS: 1, "hyper_connection.count": n}, n == 4) for n in (1, 4)),
        *(("deepseek4", {HEADS: 1, "attention.output_group_count": n}, n == 2) for n in (0, 2, 3)),
        *(("minimax-m3", {"rope.dimension_count": 8, INDEXER: n}, n == 8) for n in (4, 8)),
        ("minimax-m3", {"attention.indexer.block_size": 0}, False),
        *(("glm5-next", {**NONE_ROTATED, POOLED: n, "attention.indexer.top_k": 8}, n == 2) for n in (0, 1, 2, 3)),
        *(("glm5-next", {**NONE_ROTATED, "hyper_connection.count": n}, n == 4) for n in (1, 4)),
        *(("qwen4exp", {**LINEAR, "ssm.group_count": n}, n == 4) for n in (4, 16)),
        *(("minimax-m3", {HEADS: 2, "attention.indexer.head_count": n}, n == 2) for n in (1, 2)),
        *(("minimax-m3", {"attention.indexer.head_count": n}, n == 4) for n in (2, 4)),
        *(("bailingmoe3", {"rope.dimension_count": 8, "kda.gate_lower_bound": n}, n < 0) for n in (-5.0, 0.0, 1.0)),
        *((name, {"embedding_length": 36}, False) for name in ("mimo2", "plamo2", "plamo3", "step35")),
        *((name, {"embedding_length": 64, "attention.key_length": 32}, False) for name in ("gemma4", "maple", "jamba")),
        *(
            ("gemma4", {"embedding_length": 64, **LENGTHS, "rope.dimension_count_swa": number}, number == 8)
            for number in (8, 10)
        ),
    ],
)
def test_what_further_graphs_assert_of_numbers_is_refused(
    tmp_path: Path, architecture: str, numbers: dict[str, Any], is_accepted: bool
) -> None:
    _check_numbers(tmp_path, architecture, {"attention.head_count": 4, **numbers}, is_accepted)


def _check_numbers(folder: Path, architecture: str, numbers: dict[str, Any], is_accepted: bool) -> None:
    path, entries = folder / "some.gguf", [key("general.architecture", STRING, architecture)]
    for name, value in numbers.items():
        kind = ARRAY if isinstance(value, list) else F32 if isinstance(value, float) else U32
        entries.append(key(f"{architecture}.{name}", kind, (U32, value) if kind == ARRAY else value))
    path.write_bytes(padded(header(entries, [])))
    if is_accepted:
        assert read_header(path).architecture == architecture
    else:
        with pytest.raises(UserError, match="hyperparameters_absurd"):
            read_header(path)


def test_only_files_of_plamo_2_say_that_there_are_no_groups(tmp_path: Path) -> None:
    path = tmp_path / "some.gguf"
    keys = [("general.architecture", STRING, "plamo2"), ("plamo2.ssm.group_count", U32, 0)]
    path.write_bytes(padded(header([key(*each) for each in keys], [])))
    assert read_header(path).integer("plamo2.ssm.group_count") == 0


@pytest.mark.parametrize("architecture", arch_shapes.ARCHITECTURES)
def test_every_architecture_is_accepted(tmp_path: Path, architecture: str) -> None:
    header = read_header(arch_shapes.write_arch(tmp_path / "some.gguf", architecture))
    check_loadable(header)
    assert header.architecture == architecture
    assert not list(invalid_hyperparameters(header))


def test_the_published_shapes_and_the_starter_are_accepted(tmp_path: Path, starter_file: Path) -> None:
    starter = read_header(starter_file)
    check_loadable(starter)
    assert starter.quantisation == "Q4_1"
    for quantisation in ("Q2_K", "Q4_K_M"):
        write_shape(tmp_path / "shape.gguf", quantisation)
        shape = read_header(tmp_path / "shape.gguf")
        check_loadable(shape)
        assert (shape.quantisation, shape.expert_count) == (quantisation, 4)


def test_a_word_piece_vocabulary_is_refused(tmp_path: Path, tiny: Path) -> None:
    path = with_keys(tiny, tmp_path / "bert.gguf", {"tokenizer.ggml.model": (STRING, "bert")})
    with pytest.raises(UserError, match="not_a_chat_model"):
        check_loadable(read_header(path))
