"""Tiny random projectors (``mmproj`` files) of three kinds, for models that read pictures.

    write_projector(PATH)                             like LLaVA's: a fixed number of tokens per picture
    write_projector(PATH, "qwen2vl_merger", 512)      tokens by the picture's size, positions in two dimensions
    write_projector(PATH, "gemma3", 512)              a picture's tokens see each other

Tensors and keys follow ``tools/mtmd/clip.cpp`` of llama.cpp, as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from app.conversation import Picture
from tests.rigs.tiny_model import N_EMBD, Weights

WIDTH, HEADS, FEED_FORWARD, PATCH = 32, 2, 64, 8
IMAGE = {"mlp": 32, "qwen2vl_merger": 64, "gemma3": 128}
"""Pixels of a side, of which a projector may make others."""
TOKENS = {"mlp": 16, "gemma3": 16}
"""Tokens of any picture."""


def write_projector(
    path: Path,
    kind: str = "mlp",
    n_embd: int = N_EMBD,
    *,
    n_layer: int = 3,
    image: int = 0,
    seed: int = 0,
    keys: Any = None,
) -> Path:
    """Write a projector for models of this width; ``image`` are other pixels of a side than the kind's.

    ``keys`` replace metadata (None removes a key).
    """
    side = image or IMAGE[kind]
    writer = gguf.GGUFWriter(path, "clip")
    metadata: dict[str, Any] = {
        "general.type": "mmproj",
        "general.name": "Tiny projector",
        "clip.has_vision_encoder": True,
        "clip.projector_type": kind,
        "clip.use_gelu": True,
        "clip.vision.embedding_length": WIDTH,
        "clip.vision.attention.head_count": HEADS,
        "clip.vision.feed_forward_length": FEED_FORWARD,
        "clip.vision.block_count": n_layer,
        "clip.vision.projection_dim": n_embd,
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.image_size": side,
        "clip.vision.patch_size": PATCH,
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.5, 0.5, 0.5],
        **(keys or {}),
    }
    for key, value in metadata.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        elif value is not None:
            writer.add_array(key, value)
    for name, values in _tensors(kind, n_embd, n_layer, side, np.random.default_rng(seed)):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(
    kind: str, n_embd: int, n_layer: int, side: int, rng: np.random.Generator
) -> Iterator[tuple[str, Weights]]:
    def random(*shape: int) -> Weights:
        return (rng.standard_normal(shape) * shape[-1] ** -0.5).astype(np.float32)

    def norm(name: str) -> Iterator[tuple[str, Weights]]:
        yield f"{name}.weight", np.ones(WIDTH, np.float32)
        yield f"{name}.bias", np.zeros(WIDTH, np.float32)

    def linear(name: str, outputs: int, inputs: int) -> Iterator[tuple[str, Weights]]:
        yield f"{name}.weight", random(outputs, inputs)
        yield f"{name}.bias", random(outputs)

    yield "v.patch_embd.weight", random(WIDTH, 3, PATCH, PATCH) * 0.5
    if kind == "qwen2vl_merger":
        yield "v.patch_embd.weight.1", random(WIDTH, 3, PATCH, PATCH) * 0.5
    else:
        yield "v.position_embd.weight", random((side // PATCH) ** 2, WIDTH)
    for layer in range(n_layer):
        block = f"v.blk.{layer}."
        yield from norm(f"{block}ln1")
        for part in ("q", "k", "v", "out"):
            yield from linear(f"{block}attn_{part}", WIDTH, WIDTH)
        yield from norm(f"{block}ln2")
        yield from linear(f"{block}ffn_up", FEED_FORWARD, WIDTH)
        yield from linear(f"{block}ffn_down", WIDTH, FEED_FORWARD)
    if kind == "gemma3":
        yield from norm("v.post_ln")
        yield "mm.input_projection.weight", random(WIDTH, n_embd)
        yield "mm.soft_emb_norm.weight", np.ones(WIDTH, np.float32)
        return
    inner = 4 * WIDTH if kind == "qwen2vl_merger" else 3 * WIDTH
    if kind == "qwen2vl_merger":
        yield from norm("v.post_ln")
    yield from linear("mm.0", inner, inner if kind == "qwen2vl_merger" else WIDTH)
    yield from linear("mm.2", n_embd, inner)


def png(width: int, height: int, seed: int = 0) -> bytes:
    """Return a PNG file with stripes and noise that depend on ``seed``."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[:, :: 2 + seed % 5] //= 4
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + kind + data + _checksum(kind + data) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _checksum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def picture(seed: int = 0, width: int = 48, height: int = 32) -> Picture:
    """Return a picture as a question contains it."""
    return Picture(f"picture{seed}.png", png(width, height, seed), "image/png", width, height)
