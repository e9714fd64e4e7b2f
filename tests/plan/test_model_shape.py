"""Parts of a model and cache of each layer, from its header."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.gguf.header import GgufHeader, TensorInfo, read_header
from model_manager.plan.kv_cache import AttentionRange, padded
from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.model_shape import ModelShape, read_model_shape
from tests.plan.plan_builders import MIB, QUANTISATIONS, apus_shape
from tests.rigs.apus_shapes import write_shape
from tests.rigs.arch_shapes import HEAD, N_EMBD, N_HEAD_KV, write_arch


def _facts(path: Path) -> ModelShape:
    return read_model_shape((read_header(path),))


def _layer_bytes(facts: ModelShape, context: int, kv_type: str = "f16", **more: object) -> tuple[int, ...]:
    options = {"micro_batch": 512, "full_windows": False, "flash_attention": True, **more}
    return facts.cache.layer_bytes(LoadSpec(context=context, kv_type=kv_type, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_the_parts_add_up_to_the_file(quantisation: str, tmp_path: Path) -> None:
    path = tmp_path / "shape.gguf"
    write_shape(path, quantisation)
    header = read_header(path)
    facts = read_model_shape((header,))
    assert facts.tensor_bytes == sum(tensor.n_bytes for tensor in header.tensors)
    assert facts.n_layer == 60
    experts = sum(layer.experts.total for layer in facts.layers)
    assert experts > 0.9 * facts.tensor_bytes
    assert all(layer.dense_ffn.total == 0 for layer in facts.layers)
    assert facts.tied_output.total == 0


def test_unstacked_experts_count_like_stacked_ones(tmp_path: Path) -> None:
    parts = []
    for legacy in (False, True):
        path = tmp_path / f"{legacy}.gguf"
        write_shape(path, "Q4_K_M", legacy=legacy, n_layer=3)
        parts.append([layer.experts.total for layer in _facts(path).layers])
    assert parts[0] == parts[1]


def test_the_home_model_needs_240_kib_per_token() -> None:
    facts = apus_shape("Q2_K")
    assert sum(_layer_bytes(facts, 32768)) == 32768 * 240 * 1024
    assert sum(_layer_bytes(facts, 32768, "q8_0")) == 32768 * 240 * 1024 * 34 // 64
    assert sum(_layer_bytes(facts, 32768, "q4_0")) == 32768 * 240 * 1024 * 18 // 64


@pytest.mark.parametrize(("tokens", "rounded"), [(1, 256), (256, 256), (257, 512), (5000, 5120), (32768, 32768)])
def test_a_context_is_rounded_as_the_engine_does(tokens: int, rounded: int) -> None:
    assert padded(tokens) == rounded


def test_shared_experts_are_dense_and_tied_embeddings_are_copied(tmp_path: Path) -> None:
    facts = _facts(write_arch(tmp_path / "model.gguf", "deepseek2"))
    first, *others = facts.layers
    assert first.experts.total == 0
    assert first.dense_ffn.total > 0
    assert all(layer.experts.total > 0 and layer.dense_ffn.total > 0 for layer in others)
    assert facts.tied_output.total == facts.embedding.total > 0
    assert facts.cache.layers[0].value_values == 0  # one compressed row for keys and values


@pytest.mark.parametrize(
    ("architecture", "windowed"),
    [("gemma2", 6), ("gemma3", 10), ("gpt-oss", 6), ("llama", 0)],
)
def test_sliding_windows_keep_less(tmp_path: Path, architecture: str, windowed: int) -> None:
    facts = _facts(write_arch(tmp_path / "model.gguf", architecture))
    assert sum(layer.attends is AttentionRange.WINDOW for layer in facts.cache.layers) == windowed
    full = 2 * N_HEAD_KV * HEAD * 2 * 16384
    each = _layer_bytes(facts, 16384)
    assert each.count(full) == 12 - windowed
    assert max(each[:1]) < full or not windowed
    assert _layer_bytes(facts, 16384, full_windows=True) == (full,) * 12


def test_a_window_is_never_longer_than_the_context(tmp_path: Path) -> None:
    facts = _facts(write_arch(tmp_path / "model.gguf", "gemma3"))
    cells = [
        facts.cache.window_cells(LoadSpec(context=context, micro_batch=micro_batch, full_windows=False))
        for context, micro_batch in ((1024, 512), (16384, 512), (16384, 500))
    ]
    assert cells == [1024, 1536, 1536]


def test_recurrent_state_is_independent_of_the_context(tmp_path: Path) -> None:
    mamba = _facts(write_arch(tmp_path / "mamba.gguf", "mamba"))
    assert not mamba.cache.has_attention
    assert _layer_bytes(mamba, 4096) == _layer_bytes(mamba, 32768)
    hybrid = _facts(write_arch(tmp_path / "hybrid.gguf", "qwen35"))
    short, long = _layer_bytes(hybrid, 4096), _layer_bytes(hybrid, 8192)
    grown = [layer for layer in range(12) if long[layer] != short[layer]]
    assert grown == [3, 7, 11]
    assert all(short[layer] > 0 for layer in range(12))


def test_without_key_length_the_heads_share_the_width(tmp_path: Path) -> None:
    reported = _facts(write_arch(tmp_path / "told.gguf", "qwen3moe"))
    untold = _facts(
        write_arch(
            tmp_path / "untold.gguf", "qwen3moe", keys={"attention.key_length": None, "attention.value_length": None}
        )
    )
    assert _layer_bytes(untold, 4096) == _layer_bytes(reported, 4096)
    assert not untold.cache.estimated


def test_a_header_without_heads_is_estimated_from_its_tensors(tmp_path: Path) -> None:
    facts = _facts(write_arch(tmp_path / "model.gguf", "llama", keys={"attention.head_count": None}))
    bare = _facts(
        write_arch(
            tmp_path / "bare.gguf", "llama", keys={"attention.head_count": None, "attention.head_count_kv": None}
        )
    )
    complete = _facts(write_arch(tmp_path / "complete.gguf", "llama"))
    assert facts.cache.estimated
    assert bare.cache.estimated
    assert _layer_bytes(bare, 4096) == _layer_bytes(facts, 4096) == _layer_bytes(complete, 4096)


def test_an_unknown_architecture_attends_to_everything() -> None:
    tensors = tuple(
        TensorInfo(f"blk.{layer}.attn_k.weight", (N_EMBD, 256), "F16", 0, N_EMBD * 512) for layer in range(2)
    )
    metadata = {
        "general.architecture": "brandnew",
        "brandnew.block_count": 2,
        "brandnew.embedding_length": N_EMBD,
        "brandnew.attention.head_count": 8,
        "brandnew.attention.sliding_window": 512,
    }
    header = GgufHeader(Path("model.gguf"), MIB, 3, metadata, tensors, 0, 32)
    facts = read_model_shape((header,))
    assert _layer_bytes(facts, 4096) == (4096 * N_EMBD * 2 * 2,) * 2


def test_matrices_for_all_layers_belong_to_the_first(tmp_path: Path) -> None:
    header = read_header(write_arch(tmp_path / "model.gguf", "gemma3"))
    for_all = (
        TensorInfo("per_layer_model_proj.weight", (N_EMBD, 4096), "BF16", 0, N_EMBD * 8192),
        TensorInfo("per_layer_proj_norm.weight", (256,), "F32", 0, 1024),
    )
    before, after = (read_model_shape((replace(header, tensors=header.tensors + more),)) for more in ((), for_all))
    assert after.layers[0].dense - before.layers[0].dense == N_EMBD * 8192 + 1024
    assert after.output == before.output


def test_layers_for_predicting_several_tokens_are_not_loaded(tmp_path: Path) -> None:
    path = write_arch(tmp_path / "model.gguf", "deepseek2", keys={"nextn_predict_layers": 1})
    facts = _facts(path)
    assert facts.unused.total > 0
    assert facts.layers[11].dense == facts.layers[11].experts.total == 0
    assert _layer_bytes(facts, 4096)[11] == 0
    assert facts.tensor_bytes == sum(tensor.n_bytes for tensor in read_header(path).tensors)
