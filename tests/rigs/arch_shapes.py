"""Small sparse GGUF files of other architectures that the engine can load.

    write_arch(PATH, "gemma3")     sliding windows in five of six layers, tied embeddings

The files have all tensors with their shapes and no data, so weights, KV cache and recurrent state are allocated in
their true sizes, but nothing sensible is generated.  Tensors and keys follow ``src/models/*.cpp`` of
llama-cpp-python 0.3.36.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from model_manager.gguf.header import read_header
from tests.rigs.chatml import add_vocabulary

QT = gguf.GGMLQuantizationType
ALIGNMENT = 32
N_EMBD, N_FF, N_HEAD, N_HEAD_KV, HEAD, N_VOCAB, N_CTX = 512, 1024, 8, 2, 64, 4096, 32768
N_EXPERT, N_USED, N_FF_EXP = 8, 2, 256
D_STATE, D_CONV = 64, 4

Tensor = tuple[str, tuple[int, ...]]
"""Name and shape in ggml's order."""
Keys = dict[str, Any]


def _attention(block: str, *, q: int = N_HEAD * HEAD, kv: int = N_HEAD_KV * HEAD) -> Iterator[Tensor]:
    yield f"{block}attn_norm.weight", (N_EMBD,)
    yield f"{block}attn_q.weight", (N_EMBD, q)
    yield f"{block}attn_k.weight", (N_EMBD, kv)
    yield f"{block}attn_v.weight", (N_EMBD, kv)
    yield f"{block}attn_output.weight", (N_HEAD * HEAD, N_EMBD)


def _qk_norm(block: str) -> Iterator[Tensor]:
    yield f"{block}attn_q_norm.weight", (HEAD,)
    yield f"{block}attn_k_norm.weight", (HEAD,)


def _dense(block: str, norm: bool = True) -> Iterator[Tensor]:
    if norm:
        yield f"{block}ffn_norm.weight", (N_EMBD,)
    yield f"{block}ffn_gate.weight", (N_EMBD, N_FF)
    yield f"{block}ffn_down.weight", (N_FF, N_EMBD)
    yield f"{block}ffn_up.weight", (N_EMBD, N_FF)


def _experts(block: str, *, n_ff: int = N_FF_EXP, shared: bool = False) -> Iterator[Tensor]:
    yield f"{block}ffn_gate_inp.weight", (N_EMBD, N_EXPERT)
    yield f"{block}ffn_gate_exps.weight", (N_EMBD, n_ff, N_EXPERT)
    yield f"{block}ffn_down_exps.weight", (n_ff, N_EMBD, N_EXPERT)
    yield f"{block}ffn_up_exps.weight", (N_EMBD, n_ff, N_EXPERT)
    if shared:
        yield f"{block}ffn_gate_shexp.weight", (N_EMBD, n_ff)
        yield f"{block}ffn_down_shexp.weight", (n_ff, N_EMBD)
        yield f"{block}ffn_up_shexp.weight", (N_EMBD, n_ff)


def _llama(block: str, _layer: int) -> Iterator[Tensor]:
    yield from _attention(block)
    yield from _dense(block)


def _qwen3moe(block: str, _layer: int) -> Iterator[Tensor]:
    yield from _attention(block)
    yield from _qk_norm(block)
    yield f"{block}ffn_norm.weight", (N_EMBD,)
    yield from _experts(block)


def _gemma3(block: str, _layer: int) -> Iterator[Tensor]:
    yield from _attention(block)
    yield from _qk_norm(block)
    yield f"{block}post_attention_norm.weight", (N_EMBD,)
    yield from _dense(block)
    yield f"{block}post_ffw_norm.weight", (N_EMBD,)


def _gemma2(block: str, _layer: int) -> Iterator[Tensor]:
    yield from _attention(block)
    yield f"{block}post_attention_norm.weight", (N_EMBD,)
    yield from _dense(block)
    yield f"{block}post_ffw_norm.weight", (N_EMBD,)


N_PER_LAYER, SHARING = 64, 6
"""Width of the inputs of a layer, and the last layers, which share the caches of others."""


def _gemma4(block: str, layer: int) -> Iterator[Tensor]:
    yield from _gemma3(block, layer)
    yield f"{block}inp_gate.weight", (N_EMBD, N_PER_LAYER)
    yield f"{block}proj.weight", (N_PER_LAYER, N_EMBD)
    yield f"{block}post_norm.weight", (N_EMBD,)


def _gpt_oss(block: str, _layer: int) -> Iterator[Tensor]:
    yield from _attention(block)
    yield f"{block}post_attention_norm.weight", (N_EMBD,)
    yield f"{block}attn_sinks.weight", (N_HEAD,)
    yield f"{block}attn_output.bias", (N_EMBD,)
    yield from _experts(block)
    yield f"{block}ffn_gate_inp.bias", (N_EXPERT,)
    yield f"{block}ffn_gate_exps.bias", (N_FF_EXP, N_EXPERT)
    yield f"{block}ffn_down_exps.bias", (N_EMBD, N_EXPERT)
    yield f"{block}ffn_up_exps.bias", (N_FF_EXP, N_EXPERT)


_KV_LORA, _ROPE, _NOPE = 128, 32, 64


def _deepseek2(block: str, layer: int) -> Iterator[Tensor]:
    yield f"{block}attn_norm.weight", (N_EMBD,)
    yield f"{block}attn_q_a_norm.weight", (128,)
    yield f"{block}attn_kv_a_norm.weight", (_KV_LORA,)
    yield f"{block}attn_q_a.weight", (N_EMBD, 128)
    yield f"{block}attn_q_b.weight", (128, N_HEAD * (_NOPE + _ROPE))
    yield f"{block}attn_kv_a_mqa.weight", (N_EMBD, _KV_LORA + _ROPE)
    yield f"{block}attn_k_b.weight", (_NOPE, _KV_LORA, N_HEAD)
    yield f"{block}attn_v_b.weight", (_KV_LORA, HEAD, N_HEAD)
    yield f"{block}attn_output.weight", (N_HEAD * HEAD, N_EMBD)
    yield f"{block}ffn_norm.weight", (N_EMBD,)
    if layer == 0:
        yield from _dense(block, norm=False)
    else:
        yield from _experts(block, shared=True)


N_INDEX_HEAD, INDEX_HEAD = 8, 64


def _deepseek32(block: str, layer: int) -> Iterator[Tensor]:
    yield from _deepseek2(block, layer)
    yield f"{block}indexer.k_norm.weight", (INDEX_HEAD,)
    yield f"{block}indexer.k_norm.bias", (INDEX_HEAD,)
    yield f"{block}indexer.proj.weight", (N_EMBD, N_INDEX_HEAD)
    yield f"{block}indexer.attn_k.weight", (N_EMBD, INDEX_HEAD)
    yield f"{block}indexer.attn_q_b.weight", (128, N_INDEX_HEAD * INDEX_HEAD)


def _mamba(block: str, _layer: int) -> Iterator[Tensor]:
    inner = 2 * N_EMBD
    yield f"{block}attn_norm.weight", (N_EMBD,)
    yield f"{block}ssm_in.weight", (N_EMBD, 2 * inner)
    yield f"{block}ssm_conv1d.weight", (D_CONV, inner)
    yield f"{block}ssm_conv1d.bias", (inner,)
    yield f"{block}ssm_x.weight", (inner, 32 + 2 * D_STATE)
    yield f"{block}ssm_dt.weight", (32, inner)
    yield f"{block}ssm_dt.bias", (inner,)
    yield f"{block}ssm_a", (D_STATE, inner)
    yield f"{block}ssm_d", (inner,)
    yield f"{block}ssm_out.weight", (inner, N_EMBD)


def _lfm2(block: str, layer: int) -> Iterator[Tensor]:
    if layer % 3 == 2:
        yield from _attention(block)
        yield from _qk_norm(block)
    else:
        yield f"{block}attn_norm.weight", (N_EMBD,)
        yield f"{block}shortconv.conv.weight", (3, N_EMBD)
        yield f"{block}shortconv.in_proj.weight", (N_EMBD, 3 * N_EMBD)
        yield f"{block}shortconv.out_proj.weight", (N_EMBD, N_EMBD)
    yield from _dense(block)


_V_HEADS, _K_HEADS = 8, 4


def _qwen35(block: str, layer: int) -> Iterator[Tensor]:
    value, key = D_STATE * _V_HEADS, D_STATE * _K_HEADS
    yield f"{block}post_attention_norm.weight", (N_EMBD,)
    if layer % 4 == 3:
        yield from _attention(block, q=2 * N_HEAD * HEAD)
        yield from _qk_norm(block)
    else:
        yield f"{block}attn_norm.weight", (N_EMBD,)
        yield f"{block}attn_qkv.weight", (N_EMBD, 2 * key + value)
        yield f"{block}attn_gate.weight", (N_EMBD, value)
        yield f"{block}ssm_conv1d.weight", (D_CONV, 2 * key + value)
        yield f"{block}ssm_dt.bias", (_V_HEADS,)
        yield f"{block}ssm_a", (_V_HEADS,)
        yield f"{block}ssm_beta.weight", (N_EMBD, _V_HEADS)
        yield f"{block}ssm_alpha.weight", (N_EMBD, _V_HEADS)
        yield f"{block}ssm_norm.weight", (D_STATE,)
        yield f"{block}ssm_out.weight", (value, N_EMBD)
    yield from _dense(block, norm=False)


_MOE: Keys = {"expert_count": N_EXPERT, "expert_used_count": N_USED, "expert_feed_forward_length": N_FF_EXP}
_SSM: Keys = {"ssm.conv_kernel": D_CONV, "ssm.state_size": D_STATE, "ssm.time_step_rank": 8, "ssm.group_count": 1}
_HEADS: Keys = {"attention.key_length": HEAD, "attention.value_length": HEAD}

_LAYERS = 12
_COMPRESSED: Keys = {
    **_MOE,
    "attention.head_count_kv": 1,
    "attention.key_length": _KV_LORA + _ROPE,
    "attention.value_length": _KV_LORA,
    "attention.key_length_mla": _NOPE + _ROPE,
    "attention.value_length_mla": HEAD,
    "attention.kv_lora_rank": _KV_LORA,
    "attention.q_lora_rank": 128,
    "rope.dimension_count": _ROPE,
    "leading_dense_block_count": 1,
    "expert_shared_count": 1,
    "expert_weights_scale": 1.0,
}

ARCHITECTURES: dict[str, tuple[Callable[[str, int], Iterator[Tensor]], Keys]] = {
    "llama": (_llama, {}),
    "qwen2vl": (_llama, {"rope.dimension_sections": [16, 8, 8, 0]}),
    "qwen3moe": (_qwen3moe, {**_MOE, **_HEADS}),
    "gemma2": (_gemma2, {**_HEADS, "attention.sliding_window": 1024}),
    "gemma3": (_gemma3, {**_HEADS, "attention.sliding_window": 1024}),
    "gemma4": (
        _gemma4,
        {
            **_HEADS,
            "attention.key_length_swa": HEAD,
            "attention.value_length_swa": HEAD,
            "attention.sliding_window": 1024,
            "attention.sliding_window_pattern": [layer % 3 < 2 for layer in range(_LAYERS)],
            "attention.shared_kv_layers": SHARING,
            "embedding_length_per_layer_input": N_PER_LAYER,
        },
    ),
    "gpt-oss": (_gpt_oss, {**_MOE, "attention.sliding_window": 128}),
    "deepseek2": (_deepseek2, _COMPRESSED),
    "deepseek32": (
        _deepseek32,
        {
            **_COMPRESSED,
            "attention.indexer.head_count": N_INDEX_HEAD,
            "attention.indexer.key_length": INDEX_HEAD,
            "attention.indexer.top_k": 256,
            "expert_gating_func": 1,
        },
    ),
    "mamba": (_mamba, {**_SSM, "ssm.inner_size": 2 * N_EMBD, "ssm.time_step_rank": 32, "attention.head_count": 0}),
    "lfm2": (
        _lfm2,
        {
            "shortconv.l_cache": 3,
            "attention.head_count_kv": [N_HEAD_KV if layer % 3 == 2 else 0 for layer in range(_LAYERS)],
        },
    ),
    "qwen35": (
        _qwen35,
        {
            **_SSM,
            **_HEADS,
            "ssm.inner_size": D_STATE * _V_HEADS,
            "ssm.group_count": _K_HEADS,
            "rope.dimension_sections": [8, 8, 8, 0],
        },
    ),
}
"""Tensors of a layer and additional metadata keys, by architecture."""

_WITH_OUTPUT = ("llama", "qwen2vl", "gpt-oss", "qwen3moe")
"""The others have tied embeddings without ``output.weight``."""


def write_arch(
    path: Path, architecture: str, *, n_layer: int = _LAYERS, keys: Keys | None = None, without: str = ""
) -> Path:
    """Write one file of ``n_layer`` layers; ``keys`` replace or add metadata (None removes a key).

    ``without`` is the name of a tensor that is left out.
    """
    layer_tensors, own_keys = ARCHITECTURES[architecture]
    writer = gguf.GGUFWriter(path, architecture)
    metadata: Keys = {
        "block_count": n_layer,
        "context_length": N_CTX,
        "embedding_length": N_EMBD,
        "feed_forward_length": N_FF,
        "attention.head_count": N_HEAD,
        "attention.head_count_kv": N_HEAD_KV,
        "attention.layer_norm_rms_epsilon": 1e-5,
        **own_keys,
        **(keys or {}),
    }
    for key, value in metadata.items():
        name = f"{architecture}.{key}"
        if isinstance(value, list):
            writer.add_array(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        elif value is not None:
            writer.add_uint32(name, value)
    add_vocabulary(writer, N_VOCAB)
    total = 0
    for name, shape in _tensors(architecture, layer_tensors, n_layer):
        if name == without:
            continue
        quantised = len(shape) > 1 and name.endswith(".weight") and "conv" not in name and "norm" not in name
        quantised &= "ssm_dt" not in name and "ssm_x" not in name and "gate_inp" not in name
        if quantised:
            rows = (*shape[:0:-1], shape[0] // 32 * 34)
            writer.add_tensor_info(name, rows, np.dtype("uint8"), prod(rows), raw_dtype=QT.Q8_0)
            n_bytes = prod(rows)
        else:
            n_bytes = prod(shape) * 4
            writer.add_tensor_info(name, shape[::-1], np.dtype("float32"), n_bytes)
        total += -(-n_bytes // ALIGNMENT) * ALIGNMENT
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    out = writer.fout[0]
    out.truncate(-(-out.tell() // ALIGNMENT) * ALIGNMENT + total)
    writer.close()
    return path


def _tensors(
    architecture: str, layer_tensors: Callable[[str, int], Iterator[Tensor]], n_layer: int
) -> Iterator[Tensor]:
    yield "token_embd.weight", (N_EMBD, N_VOCAB)
    for layer in range(n_layer):
        yield from layer_tensors(f"blk.{layer}.", layer)
    if architecture == "gemma4":
        yield "per_layer_token_embd.weight", (N_PER_LAYER * n_layer, N_VOCAB)
        yield "per_layer_model_proj.weight", (N_EMBD, N_PER_LAYER * n_layer)
        yield "per_layer_proj_norm.weight", (N_PER_LAYER,)
        yield "rope_freqs.weight", (HEAD // 2,)
    yield ("token_embd_norm.weight" if architecture == "lfm2" else "output_norm.weight"), (N_EMBD,)
    if architecture in _WITH_OUTPUT:
        yield "output.weight", (N_EMBD, N_VOCAB)


def fill_weights(path: Path, seed: int = 1) -> Path:
    """Fill the tensors with random weights, so that answers depend on every token of the prompt."""
    header, rng = read_header(path), np.random.default_rng(seed)
    with path.open("r+b") as file:
        for tensor in header.tensors:
            count = prod(tensor.shape)
            if tensor.type == "Q8_0":
                blocks = np.empty(count // 32, dtype=[("scale", "<f2"), ("values", "i1", 32)])
                # Small embeddings: else each token would be followed by itself.
                blocks["scale"] = (0.1 if "embd" in tensor.name else 1) / (60 * tensor.shape[0] ** 0.5)
                blocks["values"] = rng.integers(-127, 128, (count // 32, 32))
                data = blocks.tobytes()
            else:
                sign = -1 if tensor.name.endswith("ssm_a") else 1  # a positive one would let the state grow for ever
                data = (sign + 0.1 * rng.standard_normal(count)).astype("<f4").tobytes()
            file.seek(header.data_offset + tensor.offset)
            file.write(data)
    return path
