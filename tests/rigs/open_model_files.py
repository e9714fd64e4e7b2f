"""The open models of the catalogue as sparse files on a fake hub, with headers of about their true shapes.

Sizes are those of the published files within some percent: parameters and active parameters are the catalogue's.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

import gguf
import numpy as np
import pytest

from app.planning.open_models import OpenModel, open_models
from tests.rigs.chatml import add_vocabulary
from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model

QT = gguf.GGMLQuantizationType
ALIGNMENT = 32
FILE_TYPES = {
    "Q3_K_M": (12, QT.Q3_K, QT.Q4_K),
    "Q4_K_M": (15, QT.Q4_K, QT.Q5_K),
    "Q6_K": (18, QT.Q6_K, QT.Q6_K),
    "Q8_0": (7, QT.Q8_0, QT.Q8_0),
}
"""Number of the file type, type of most tensors, and type of the second layer of each feed-forward network."""
MXFP4 = {"MXFP4": (38, QT.MXFP4, QT.MXFP4)}
N_VOCAB, N_CTX, N_EXPERT = 512, 131_072, 32
WIDTHS = {1: 1024, 3: 2048, 6: 2560, 16: 4096}
"""Embedding length of models with less than so many billion parameters."""
WIDEST = 5120
HUGE_BYTES = 4 << 40


def publish_open_models(hub: FakeHub, folder: Path, leave_out: tuple[str, ...] = ()) -> None:
    """Publish the models of the catalogue, each in its usual quantisations, without those named in ``leave_out``."""
    folder.mkdir(exist_ok=True)
    for model in open_models():
        if model.name in leave_out:
            continue
        stem = model.repository.partition("/")[2].removesuffix("-GGUF")
        for quantisation, types in (MXFP4 if "gpt-oss" in model.name else FILE_TYPES).items():
            path = folder / f"{stem}-{quantisation}.gguf"
            if not path.exists():
                write_open_model(path, model, *types)
            hub.add_file(model.repository, path.name, path, sha256=f"{abs(hash(path.name)):064x}"[-64:])
        projector = folder / "mmproj-F16.gguf"
        projector.touch()
        hub.add_file(model.repository, projector.name, projector)


def use_small_catalogue(monkeypatch: pytest.MonkeyPatch, hub: FakeHub, folder: Path, *others: str) -> tuple[str, str]:
    """Replace the catalogue by a real chat model of half a megabyte and one for which no machine has the memory.

    Returns the ids of the two.  ``others`` are the names of further small models, which are no better.
    """
    path = write_tiny_model(folder / "Tiny-Q8_0.gguf")
    huge = folder / "Huge-Q8_0.gguf"
    with huge.open("wb") as file:
        file.truncate(HUGE_BYTES)
    facts = {"licence": "MIT", "year": 2026, "languages": 2, "source": "https://example.org"}
    catalogue = []
    for file in (path, huge, *(write_tiny_model(folder / f"{name}-Q8_0.gguf") for name in others)):
        name = file.stem.partition("-")[0]
        hub.add_file(f"makers/{name}-GGUF", file.name, file, sha256="0" * 64 if file is huge else None)
        entry = {"name": f"{name} model", "repository": f"makers/{name}-GGUF", "strength": "everyday"}
        catalogue.append({**entry, **facts, "parameters": file.stat().st_size / 1e9})
    (folder / "catalogue.json").write_text(json.dumps(catalogue), "utf-8")
    monkeypatch.setattr("app.planning.open_models.resources", lambda: folder)
    monkeypatch.setattr("app.planning.open_models.open_models", open_models.__wrapped__)
    return "makers/Tiny-GGUF:Tiny-Q8_0.gguf", "makers/Huge-GGUF:Huge-Q8_0.gguf"


def write_open_model(path: Path, model: OpenModel, file_type: int, kind: QT, down: QT) -> None:
    """Write one sparse file: metadata, vocabulary and tensor infos, and a hole for the weights."""
    n_embd = next((width for limit, width in WIDTHS.items() if model.parameters < limit), WIDEST)
    n_kv, is_moe = n_embd // 4, bool(model.active)
    attention = 2 * n_embd * n_embd + 2 * n_embd * n_kv
    n_layer = 48 if is_moe else max(12, round(model.parameters * 1e9 / (attention + 9 * n_embd * n_embd)))
    per_layer = (model.parameters * 1e9 / n_layer - attention) / (3 * n_embd)
    n_ff = round(per_layer / (N_EXPERT if is_moe else 1) / 256) * 256
    architecture = "qwen3moe" if is_moe else "llama"
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(model.name)
    writer.add_context_length(N_CTX)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(n_ff)
    writer.add_head_count(n_embd // 128)
    writer.add_head_count_kv(n_kv // 128)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(file_type)
    if is_moe:
        writer.add_expert_count(N_EXPERT)
        writer.add_expert_used_count(
            max(1, round(N_EXPERT * (model.active * 1e9 / n_layer - attention) / per_layer / 3 / n_embd))
        )
        writer.add_expert_feed_forward_length(n_ff)
    add_vocabulary(writer, N_VOCAB)
    total = 0

    def add(name: str, *shape: int, qtype: QT = kind) -> None:
        nonlocal total
        block, block_bytes = gguf.GGML_QUANT_SIZES[qtype]
        n_bytes = prod(shape) // block * block_bytes
        if qtype == QT.F32:
            writer.add_tensor_info(name, shape, np.dtype("float32"), n_bytes)
        else:
            rows = (*shape[:-1], shape[-1] // block * block_bytes)
            writer.add_tensor_info(name, rows, np.dtype("uint8"), n_bytes, raw_dtype=qtype)
        total += -(-n_bytes // ALIGNMENT) * ALIGNMENT

    experts, suffix = ((N_EXPERT,), "_exps") if is_moe else ((), "")
    add("token_embd.weight", N_VOCAB, n_embd)
    for layer in range(n_layer):
        block = f"blk.{layer}."
        add(block + "attn_norm.weight", n_embd, qtype=QT.F32)
        add(block + "ffn_norm.weight", n_embd, qtype=QT.F32)
        add(block + "attn_q.weight", n_embd, n_embd)
        add(block + "attn_k.weight", n_kv, n_embd)
        add(block + "attn_v.weight", n_kv, n_embd)
        add(block + "attn_output.weight", n_embd, n_embd)
        if is_moe:
            add(block + "ffn_gate_inp.weight", N_EXPERT, n_embd, qtype=QT.F32)
        add(f"{block}ffn_gate{suffix}.weight", *experts, n_ff, n_embd)
        add(f"{block}ffn_down{suffix}.weight", *experts, n_embd, n_ff, qtype=down)
        add(f"{block}ffn_up{suffix}.weight", *experts, n_ff, n_embd)
    add("output_norm.weight", n_embd, qtype=QT.F32)
    add("output.weight", N_VOCAB, n_embd)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    out = writer.fout[0]
    out.truncate(-(-out.tell() // ALIGNMENT) * ALIGNMENT + total)
    writer.close()
