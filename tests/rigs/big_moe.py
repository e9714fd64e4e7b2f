"""A random Mixture-of-Experts model with the layer shape of APUS-xDAN-4.0-MoE, as slow and large as the real one.

    python -m tests.rigs.big_moe OUT.gguf [--layers 6] [--legacy]      Q4_0, about 1 GiB a layer: 6 are 5.9 GiB
    python -m tests.rigs.big_moe OUT.gguf --n-ff 8192                  experts below 128 MiB, where llvmpipe ends

One block of random weights is written repeatedly with small shifts, so that a file takes a minute.  Answers are noise.
"""

from __future__ import annotations

import argparse
from math import prod
from pathlib import Path

import gguf
import numpy as np

from tests.rigs.chatml import add_vocabulary

QT = gguf.GGMLQuantizationType
N_EMBD, N_FF, N_HEAD, N_HEAD_KV, N_EXPERT, N_USED = 7168, 20480, 56, 8, 4, 2
BLOCK_VALUES, BLOCK_BYTES = 32, 18


def write_big_moe(path: Path, *, n_layer: int = 6, n_ff: int = N_FF, legacy: bool = False) -> int:
    """Write one file of about ``n_layer`` GiB, less for a smaller ``n_ff``; return its size in bytes."""
    rng = np.random.default_rng(0)
    # Q4_0 rows: per 32 values an f16 scale and 16 bytes of nibbles
    blocks = max(n_ff, N_EMBD) * N_EMBD // BLOCK_VALUES
    pool = np.empty((blocks, BLOCK_BYTES), dtype=np.uint8)
    pool[:, :2] = np.frombuffer(np.float16(0.004).tobytes(), dtype=np.uint8)
    pool[:, 2:] = rng.integers(0, 256, size=(blocks, BLOCK_BYTES - 2), dtype=np.uint8)

    def quantised(rows: int, columns: int) -> bytes:
        shift = int(rng.integers(blocks))
        return np.roll(pool, shift, axis=0)[: rows * columns // BLOCK_VALUES].tobytes()

    writer = gguf.GGUFWriter(path, "llama", use_temp_file=False)
    writer.add_name("APUS-shaped random MoE")
    writer.add_context_length(32768)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(n_ff)
    writer.add_rope_dimension_count(N_EMBD // N_HEAD)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(N_HEAD_KV)
    writer.add_expert_count(N_EXPERT)
    writer.add_expert_used_count(N_USED)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(5e6)
    writer.add_file_type(2)
    n_vocab = len(add_vocabulary(writer))

    pending: list[tuple[tuple[int, ...], bool]] = []

    def add(name: str, shape: tuple[int, ...], quantise: bool = True) -> None:
        if quantise:
            rows = (*shape[:-1], shape[-1] // BLOCK_VALUES * BLOCK_BYTES)
            writer.add_tensor_info(name, rows, np.dtype("uint8"), prod(rows), raw_dtype=QT.Q4_0)
        else:
            writer.add_tensor_info(name, shape, np.dtype("float32"), prod(shape) * 4)
        pending.append((shape, quantise))

    n_kv = N_HEAD_KV * (N_EMBD // N_HEAD)
    add("token_embd.weight", (n_vocab, N_EMBD))
    for layer in range(n_layer):
        block = f"blk.{layer}."
        add(block + "attn_norm.weight", (N_EMBD,), False)
        add(block + "ffn_norm.weight", (N_EMBD,), False)
        add(block + "attn_q.weight", (N_EMBD, N_EMBD))
        add(block + "attn_k.weight", (n_kv, N_EMBD))
        add(block + "attn_v.weight", (n_kv, N_EMBD))
        add(block + "attn_output.weight", (N_EMBD, N_EMBD))
        add(block + "ffn_gate_inp.weight", (N_EXPERT, N_EMBD), False)
        for expert in range(N_EXPERT) if legacy else (None,):
            for kind, shape in (("gate", (n_ff, N_EMBD)), ("down", (N_EMBD, n_ff)), ("up", (n_ff, N_EMBD))):
                if expert is None:
                    add(f"{block}ffn_{kind}_exps.weight", (N_EXPERT, *shape))
                else:
                    add(f"{block}ffn_{kind}.{expert}.weight", shape)
    add("output_norm.weight", (N_EMBD,), False)
    add("output.weight", (n_vocab, N_EMBD))

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    out = writer.fout[0]
    out.write(bytes(-out.tell() % 32))
    for shape, quantise in pending:
        if quantise:
            for _ in range(prod(shape[:-2])):
                out.write(quantised(shape[-2], shape[-1]))
        else:
            values = np.ones(shape) if len(shape) == 1 else rng.standard_normal(shape) * 0.02
            out.write(values.astype(np.float32).tobytes())
        out.write(bytes(-out.tell() % 32))
    writer.close()
    return path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description="A random MoE with the layer shape of APUS-xDAN-4.0-MoE")
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--n-ff", type=int, default=N_FF, help="width of an expert")
    parser.add_argument("--legacy", action="store_true", help="one tensor per expert")
    args = parser.parse_args()
    size = write_big_moe(args.out, n_layer=args.layers, n_ff=args.n_ff, legacy=args.legacy)
    print(f"{args.out}  {size / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
