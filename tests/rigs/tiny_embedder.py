"""A tiny embedding model (BERT with word pieces) that the engine loads and computes with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

WORDS = ("the", "cat", "dog", "sat", "ran", "on", "mat", "is", "blue", "sky")
N_EMBD, N_FF, N_LAYER, N_CTX = 32, 64, 2, 128


def write_tiny_embedder(
    path: Path, *, pooling: gguf.PoolingType = gguf.PoolingType.MEAN, words: Sequence[str] = WORDS
) -> Path:
    """Write a random model of these words; ``pooling`` is how the vectors of the tokens become that of the text."""
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_type("model")
    writer.add_context_length(N_CTX)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(N_LAYER)
    writer.add_feed_forward_length(N_FF)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"\u2581{word}" for word in words)]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, 3, *([1] * len(words))])
    writer.add_token_type_count(2)
    for name, number in (("pad", 0), ("unk", 1), ("bos", 2), ("sep", 3)):
        getattr(writer, f"add_{name}_token_id")(number)
    rng = np.random.default_rng(0)

    shapes = {"token_embd": (len(tokens), N_EMBD), "token_types": (2, N_EMBD), "position_embd": (N_CTX, N_EMBD)}
    norms = ["token_embd_norm"]
    for layer in range(N_LAYER):
        block = f"blk.{layer}."
        shapes |= {f"{block}attn_{each}": (N_EMBD, N_EMBD) for each in ("q", "k", "v", "output")}
        shapes |= {f"{block}ffn_up": (N_FF, N_EMBD), f"{block}ffn_down": (N_EMBD, N_FF)}
        norms += [f"{block}attn_output_norm", f"{block}layer_output_norm"]
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.standard_normal(shape).astype(np.float32) * shape[-1] ** -0.5)
    for norm in norms:
        writer.add_tensor(f"{norm}.weight", np.ones(N_EMBD, np.float32))
        writer.add_tensor(f"{norm}.bias", np.zeros(N_EMBD, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
