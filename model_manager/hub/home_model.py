"""Reconstructed GGUF headers of the home model, without a file and without a network.

The headers of the published files replace them once available.  The shape is that of the model card (113.66 B
parameters in 60 layers of 4 experts); tensor types follow the rules of llama.cpp in April 2024
(``llama_tensor_get_type`` in ``llama.cpp``) and result in the published sizes.  Experts are stacked, as they are on
disk after a download or a conversion; the vocabulary has the same length as the published one.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from model_manager.gguf.header import GgufHeader, TensorInfo
from model_manager.gguf.reader import Unread, Value
from model_manager.gguf.tensor_types import FILE_TYPES, TENSOR_TYPES
from model_manager.hub.catalogue import APUS, CatalogueEntry

N_LAYER = 60
N_EMBD = 7168
N_FF = 20480
N_HEAD = 56
N_HEAD_KV = 8
N_EXPERT = 4
N_EXPERT_USED = 2
N_VOCAB = 64_000
N_CTX = 32_768

_ALIGNMENT = 32
_HEAD_BYTES = 1_564_096
"""Metadata, vocabulary and tensor infos with padding: equal for all four, which differ only in numbers."""
_RMS_EPS = 9.999999747378752e-06
"""1e-5 as a 32-bit float."""

_Role = Literal["up", "gate", "down", "q", "k", "v", "o"]


def reconstructed_header(entry: CatalogueEntry) -> GgufHeader:
    """Return the reconstructed header of a quantisation of the home model; ``path`` is a bare file name.

    Raises ValueError for any other entry.
    """
    if entry not in APUS:
        raise ValueError(f"{entry.id} isn't a quantisation of the home model")
    tensors = _tensors(entry.quantisation)
    end = tensors[-1].offset + _padded(tensors[-1].n_bytes)
    return GgufHeader(
        path=Path(entry.file_name),
        file_bytes=_HEAD_BYTES + end,
        version=3,
        metadata=MappingProxyType(_metadata(entry)),
        tensors=tensors,
        data_offset=_HEAD_BYTES,
        alignment=_ALIGNMENT,
    )


def _metadata(entry: CatalogueEntry) -> dict[str, Value]:
    file_type = next(number for number, name in FILE_TYPES.items() if name == entry.quantisation)
    return {
        "general.architecture": "llama",
        "general.name": entry.name,
        "llama.context_length": N_CTX,
        "llama.embedding_length": N_EMBD,
        "llama.block_count": N_LAYER,
        "llama.feed_forward_length": N_FF,
        "llama.rope.dimension_count": N_EMBD // N_HEAD,
        "llama.attention.head_count": N_HEAD,
        "llama.attention.head_count_kv": N_HEAD_KV,
        "llama.expert_count": N_EXPERT,
        "llama.expert_used_count": N_EXPERT_USED,
        "llama.attention.layer_norm_rms_epsilon": _RMS_EPS,
        "llama.rope.freq_base": 5_000_000.0,
        "general.file_type": file_type,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": Unread("str", N_VOCAB),
        "tokenizer.ggml.scores": Unread("f32", N_VOCAB),
        "tokenizer.ggml.token_type": Unread("i32", N_VOCAB),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": N_VOCAB - 1,
        "tokenizer.ggml.unknown_token_id": 0,
    }


def _tensors(quantisation: str) -> tuple[TensorInfo, ...]:
    embedding, output = _OUTER_TYPES[quantisation]
    n_embd_kv = N_HEAD_KV * (N_EMBD // N_HEAD)
    shapes: list[tuple[str, tuple[int, ...], str]] = [("token_embd.weight", (N_EMBD, N_VOCAB), embedding)]
    for layer in range(N_LAYER):
        types = _layer_types(quantisation, layer)
        block = f"blk.{layer}."
        shapes += [
            (block + "attn_norm.weight", (N_EMBD,), "F32"),
            (block + "ffn_norm.weight", (N_EMBD,), "F32"),
            (block + "attn_q.weight", (N_EMBD, N_EMBD), types["q"]),
            (block + "attn_k.weight", (N_EMBD, n_embd_kv), types["k"]),
            (block + "attn_v.weight", (N_EMBD, n_embd_kv), types["v"]),
            (block + "attn_output.weight", (N_EMBD, N_EMBD), types["o"]),
            (block + "ffn_gate_inp.weight", (N_EMBD, N_EXPERT), "F32"),
            (block + "ffn_gate_exps.weight", (N_EMBD, N_FF, N_EXPERT), types["gate"]),
            (block + "ffn_down_exps.weight", (N_FF, N_EMBD, N_EXPERT), types["down"]),
            (block + "ffn_up_exps.weight", (N_EMBD, N_FF, N_EXPERT), types["up"]),
        ]
    shapes += [("output_norm.weight", (N_EMBD,), "F32"), ("output.weight", (N_EMBD, N_VOCAB), output)]
    kinds = {kind.name: kind for kind in TENSOR_TYPES.values()}
    tensors: list[TensorInfo] = []
    offset = 0
    for name, shape, type_name in shapes:
        n_bytes = prod(shape) // kinds[type_name].block_values * kinds[type_name].block_bytes
        tensors.append(TensorInfo(name, shape, type_name, offset, n_bytes))
        offset += _padded(n_bytes)
    return tuple(tensors)


_OUTER_TYPES = {
    "Q2_K": ("Q2_K", "Q6_K"),
    "IQ3_XXS": ("IQ3_S", "Q5_K"),
    "Q3_K_M": ("Q3_K", "Q6_K"),
    "Q4_K_M": ("Q4_K", "Q6_K"),
}
"""Types of the token embedding and of the output tensor."""


def _layer_types(quantisation: str, layer: int) -> dict[_Role, str]:
    if quantisation == "Q2_K":
        every, down, value, output, attention = "Q2_K", "Q3_K", "Q4_K", "Q3_K", "Q2_K"
    elif quantisation == "IQ3_XXS":
        every, down, value, output, attention = "IQ3_XXS", "IQ3_XXS", "Q4_K", "IQ3_S", "IQ2_S"
    elif quantisation == "Q3_K_M":
        down = "Q5_K" if layer < N_LAYER // 16 else "Q4_K"
        value = "Q5_K" if layer < 2 else "Q4_K"
        every, output, attention = "Q3_K", "Q4_K", "Q3_K"
    else:
        every, output, attention = "Q4_K", "Q4_K", "Q4_K"
        down = value = "Q6_K" if _more_bits(layer) else "Q4_K"
    return {"up": every, "gate": every, "down": down, "q": attention, "k": attention, "v": value, "o": output}


def _more_bits(layer: int) -> bool:
    eighth = N_LAYER // 8
    return layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2


def _padded(count: int) -> int:
    return -(-count // _ALIGNMENT) * _ALIGNMENT
