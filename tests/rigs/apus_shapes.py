"""Sparse GGUF files with the real shape of APUS-xDAN-4.0-MoE.

The header (metadata, 64,000-token vocabulary, every tensor's name, shape, type and offset) is complete; the tensor data
is a hole in a sparse file.  A planner, a header reader and the engine's own dry run (``llama_model_params.no_alloc``)
see the model at its full size: 39 to 64 GiB as published, about 1.6 MB on disk.  Nothing can be generated from it.

    python -m tests.rigs.apus_shapes OUT_DIR                        all four quantisations
    python -m tests.rigs.apus_shapes OUT_DIR --quant Q2_K --legacy  one tensor per expert (before April 2024)

Shape, from the model card: llama architecture, 60 layers, 4 experts of which 2 are used, 56 query and 8 key/value
heads, embedding 7168, feed-forward 20480, vocabulary 64000, context 32768.  113.66 B parameters.  The type of each
tensor follows llama.cpp's quantisation rules of that time; the sizes come out as published (41.5 GB for Q2_K and
43.7 GB for IQ3_XXS to the last digit shown).  Reconstructed: the published files' own headers decide.
"""

from __future__ import annotations

import argparse
from math import prod
from pathlib import Path

import gguf
import numpy as np

from tests.rigs.chatml import add_vocabulary

QT = gguf.GGMLQuantizationType
ALIGNMENT = 32
FILE_TYPES = {"Q2_K": 10, "IQ3_XXS": 23, "Q3_K_M": 12, "Q4_K_M": 15}
QUANTS = tuple(FILE_TYPES)
OUTER_TYPES = {  # token_embd, output
    "Q2_K": (QT.Q2_K, QT.Q6_K),
    "IQ3_XXS": (QT.IQ3_S, QT.Q5_K),
    "Q3_K_M": (QT.Q3_K, QT.Q6_K),
    "Q4_K_M": (QT.Q4_K, QT.Q6_K),
}


def file_name(quant: str) -> str:
    """Return the published file name."""
    return f"APUS-xDAN4.0-MoE-0402.{quant}{'_Matrix' if quant == 'Q3_K_M' else ''}.gguf"


def tensor_types(quant: str, layer: int, n_layer: int) -> dict[str, QT]:
    """Return the tensor types of one layer under llama.cpp's rules for this quantisation."""
    if quant == "Q2_K":
        every, down, value, output = QT.Q2_K, QT.Q3_K, QT.Q4_K, QT.Q3_K
        attention = QT.Q2_K
    elif quant == "IQ3_XXS":
        every, down, value, output = QT.IQ3_XXS, QT.IQ3_XXS, QT.Q4_K, QT.IQ3_S
        attention = QT.IQ2_S
    elif quant == "Q3_K_M":
        every, output = QT.Q3_K, QT.Q4_K
        down = QT.Q5_K if layer < n_layer // 16 else QT.Q4_K
        value = QT.Q5_K if layer < 2 else QT.Q4_K
        attention = QT.Q3_K
    elif quant == "Q4_K_M":
        every, output, attention = QT.Q4_K, QT.Q4_K, QT.Q4_K
        down = value = QT.Q6_K if _more_bits(layer, n_layer) else QT.Q4_K
    else:
        raise ValueError(f"unknown quantisation {quant!r}; one of {QUANTS}")
    return {"up": every, "gate": every, "down": down, "q": attention, "k": attention, "v": value, "o": output}


def write_shape(
    path: Path,
    quant: str,
    *,
    legacy: bool = False,
    n_layer: int = 60,
    n_embd: int = 7168,
    n_ff: int = 20480,
    n_head: int = 56,
    n_head_kv: int = 8,
    n_expert: int = 4,
    n_expert_used: int = 2,
    n_vocab: int = 64000,
    n_ctx: int = 32768,
) -> int:
    """Write one file; return its size in bytes (the apparent size, not the disk used)."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("APUS-xDAN-4.0-MoE")
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(n_ff)
    writer.add_rope_dimension_count(n_embd // n_head)
    writer.add_head_count(n_head)
    writer.add_head_count_kv(n_head_kv)
    writer.add_expert_count(n_expert)
    writer.add_expert_used_count(n_expert_used)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(5e6)
    writer.add_file_type(FILE_TYPES[quant])
    add_vocabulary(writer, n_vocab)

    total = 0

    def add(name: str, shape: tuple[int, ...], qtype: QT) -> None:
        nonlocal total
        block, block_bytes = gguf.GGML_QUANT_SIZES[qtype]
        n_bytes = prod(shape) // block * block_bytes
        if qtype == QT.F32:
            writer.add_tensor_info(name, shape, np.dtype("float32"), n_bytes)
        else:
            rows = (*shape[:-1], shape[-1] // block * block_bytes)
            writer.add_tensor_info(name, rows, np.dtype("uint8"), n_bytes, raw_dtype=qtype)
        total += -(-n_bytes // ALIGNMENT) * ALIGNMENT

    embd_type, output_type = OUTER_TYPES[quant]
    n_embd_kv = n_head_kv * (n_embd // n_head)
    add("token_embd.weight", (n_vocab, n_embd), embd_type)
    for layer in range(n_layer):
        types = tensor_types(quant, layer, n_layer)
        block = f"blk.{layer}."
        add(block + "attn_norm.weight", (n_embd,), QT.F32)
        add(block + "ffn_norm.weight", (n_embd,), QT.F32)
        add(block + "attn_q.weight", (n_embd, n_embd), types["q"])
        add(block + "attn_k.weight", (n_embd_kv, n_embd), types["k"])
        add(block + "attn_v.weight", (n_embd_kv, n_embd), types["v"])
        add(block + "attn_output.weight", (n_embd, n_embd), types["o"])
        add(block + "ffn_gate_inp.weight", (n_expert, n_embd), QT.F32)
        experts = {"gate": (n_ff, n_embd), "down": (n_embd, n_ff), "up": (n_ff, n_embd)}
        if legacy:
            for expert in range(n_expert):
                for kind, shape in experts.items():
                    add(f"{block}ffn_{kind}.{expert}.weight", shape, types[kind])
        else:
            for kind, shape in experts.items():
                add(f"{block}ffn_{kind}_exps.weight", (n_expert, *shape), types[kind])
    add("output_norm.weight", (n_embd,), QT.F32)
    add("output.weight", (n_vocab, n_embd), output_type)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    out = writer.fout[0]
    data_start = -(-out.tell() // ALIGNMENT) * ALIGNMENT
    out.truncate(data_start + total)
    writer.close()
    return data_start + total


def _more_bits(layer: int, n_layer: int) -> bool:
    eighth = n_layer // 8
    return layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2


def main() -> None:
    parser = argparse.ArgumentParser(description="Sparse GGUF files with the shape of APUS-xDAN-4.0-MoE")
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--quant", choices=QUANTS, action="append", help="default: all four")
    parser.add_argument("--legacy", action="store_true", help="one tensor per expert, as before April 2024")
    args = parser.parse_args()
    args.out_dir.mkdir(parents=True, exist_ok=True)
    for quant in args.quant or QUANTS:
        name = file_name(quant)
        size = write_shape(args.out_dir / name, quant, legacy=args.legacy)
        print(f"{name}  {size:,} bytes  {size / 1e9:.1f} GB  {size / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
