"""Projectors: the part of a model that makes its embeddings from pictures, in a separate file (``mmproj*.gguf``).

Source of the keys and of what the engine asserts about them: ``tools/mtmd/clip.cpp`` and ``clip-impl.h`` of llama.cpp,
as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, read_header
from model_manager.gguf.shards import model_stem
from model_manager.published import projector_name

_MARK = "mmproj"
_BOUNDS = {
    "embedding_length": (1, 1 << 14),
    "feed_forward_length": (0, 1 << 17),
    "block_count": (0, 160),
    "attention.head_count": (1, 1 << 10),
    "projection_dim": (0, 1 << 20),
    "image_size": (1, 4096),
    "patch_size": (1, 256),
    "preproc_image_size": (1, 1 << 14),
    "preproc_min_tiles": (0, 64),
    "preproc_max_tiles": (0, 64),
    "image_min_pixels": (0, 1 << 26),
    "image_max_pixels": (0, 1 << 26),
    "projector.scale_factor": (1, 16),
    "spatial_merge_size": (1, 16),
    "n_wa_pattern": (0, 512),
    "window_size": (1, 1 << 14),
}
"""Least and greatest values of ``clip.vision.*``.  The engine divides by some and sizes its buffers by others."""
_NEEDED = ("embedding_length", "block_count", "attention.head_count", "image_size", "patch_size")
MAX_PATCHES = 1 << 15
"""Of a picture at the size that the engine reserves memory for."""
_BY_PLACE = ("deepseek4v", "hunyuanocr", "hunyuanvl")
"""Kinds whose tokens depend on what is before the picture."""
_TOGETHER = ("gemma3", "gemma4v", "gemma4uv")
"""Kinds whose tokens see each other, so that a picture has to be in one batch (``mtmd_decode_use_non_causal``)."""
_AT_ONCE_TOKENS = 4096
"""Most tokens of a picture for which memory is planned, of kinds that make more of large pictures."""
_TYPES = ("f16", "q8_0", "bf16", "f32")
"""Types of projectors, the one to prefer first."""
_NOT_THE_MODEL = re.compile(
    r"mmproj|(?<![a-z0-9])(?:model|ud|mtp|[bf]f?\d\d|i?q\d[a-z0-9_]*|tq\d[a-z0-9_]*|mxfp\d\w*)(?![a-z0-9])"
)


@dataclass(frozen=True)
class Projector:
    """A file that makes embeddings from pictures; ``kind`` is llama.cpp's name."""

    path: Path
    kind: str
    layers: int
    weights_bytes: int
    compute_bytes: int
    """Estimate of the buffers while a picture is read."""

    @property
    def total_bytes(self) -> int:
        """Memory that it takes."""
        return self.weights_bytes + self.compute_bytes

    @property
    def sees_at_once(self) -> bool:
        """Whether all tokens of a picture have to be in one batch."""
        return self.kind in _TOGETHER


def is_projector_name(name: str) -> bool:
    """Return whether a file's name is that of a projector."""
    return _MARK in name.casefold() and name.casefold().endswith(".gguf")


def read_projector(path: Path) -> Projector:
    """Read a projector's header.

    Raises:
        UserError: as ``read_header``; not_a_projector(path) for other files and projectors without pictures,
            projector_unsupported(path, kind), hyperparameters_absurd(path, key, value).
    """
    return _projector(read_header(path))


def projector_for(path: Path, model: GgufHeader) -> Projector:
    """Read a projector that is to be used with a model.

    Raises:
        UserError: as ``read_projector``; projector_of_other_model(path, model) where the widths differ.
    """
    header = read_header(path)
    projector = _projector(header)
    width = model.integer(f"{model.architecture}.embedding_length")
    widths = {size for each in header.tensors if not each.name.startswith("v.") for size in each.shape}
    if width not in widths | {header.integer("clip.vision.projection_dim")}:
        raise UserError("projector_of_other_model", path=path, model=model.path)
    return projector


def _projector(header: GgufHeader) -> Projector:
    path = header.path
    kind = header.text("clip.projector_type") or header.text("clip.vision.projector_type")
    if header.architecture != "clip" or not header.metadata.get("clip.has_vision_encoder") or not kind:
        raise UserError("not_a_projector", path=path)
    if kind in _BY_PLACE:
        raise UserError("projector_unsupported", path=path, kind=kind)
    numbers: dict[str, int] = {}
    for name, (least, most) in _BOUNDS.items():
        value = header.metadata.get(f"clip.vision.{name}")
        if value is None and name not in _NEEDED:
            continue
        if not isinstance(value, int) or not least <= value <= most:
            raise UserError("hyperparameters_absurd", path=path, key=f"clip.vision.{name}", value=f"{value!r:.40}")
        numbers[name] = value
    side = numbers["image_size"] // numbers["patch_size"]
    if not 0 < side**2 <= MAX_PATCHES:
        raise UserError("hyperparameters_absurd", path=path, key="clip.vision.image_size", value=numbers["image_size"])
    if numbers["embedding_length"] % numbers["attention.head_count"]:
        value = f"{numbers['attention.head_count']} for {numbers['embedding_length']}"
        raise UserError("hyperparameters_absurd", path=path, key="clip.vision.attention.head_count", value=value)
    weights = sum(each.n_bytes for each in header.tensors)
    return Projector(path, kind, numbers["block_count"], weights, _compute_bytes(numbers, side**2))


def _compute_bytes(numbers: dict[str, int], patches: int) -> int:
    """Estimate the buffers for the largest of the feed-forward and the attention of one layer, in 32-bit floats."""
    width, inner = numbers["embedding_length"], numbers.get("feed_forward_length", 0)
    merged = numbers.get("spatial_merge_size", 1) ** 2
    # Kinds with a merged size make tokens by the size of the picture.
    patches = max(patches, _AT_ONCE_TOKENS * merged) if merged > 1 else patches
    return patches * 4 * (6 * width + 2 * max(inner, width)) + (16 << 20)


# The projector beside a model


def projectors_beside(path: Path) -> tuple[Path, ...]:
    """Return the files that may be projectors of the model at ``path``, the best first, by their names alone."""
    try:
        with os.scandir(path.parent) as entries:
            names = [each.name for each in entries]
    except OSError:
        return ()
    return tuple(path.with_name(name) for name in matching_projectors(path.name, names))


def matching_projectors(own_name: str, names: Iterable[str]) -> list[str]:
    """Return those of the files in a folder that may be projectors of one of them, the best first.

    The one that a download put there; those whose names have the model's; or, in a folder of this model alone, those
    without a name of a model.
    """
    names = [name for name in names if name.casefold().endswith(".gguf")]
    found = [name for name in names if is_projector_name(name)]
    if not found:
        return []
    own = model_name(own_name)
    others = {model_name(name) for name in names if not is_projector_name(name)} - {own}
    matching = [name for name in found if model_name(name) == own or (not model_name(name) and not others)]
    return sorted(best_first(matching), key=lambda name: name != projector_name(own_name))


def best_first(names: Iterable[str]) -> list[str]:
    """Return the names of projectors of one model in the order of preference: 16 bits before others."""

    def rank(name: str) -> tuple[int, str]:
        parts = re.split(r"[^a-z0-9_]+", name.casefold())
        return next((number for number, each in enumerate(_TYPES) if each in parts), len(_TYPES)), name

    return sorted(names, key=rank)


@lru_cache(maxsize=4096)
def model_name(name: str) -> str:
    """Return the part of a file's name that is the model's, without its quantisation, to compare it."""
    stem = model_stem(Path(name)).casefold()
    return re.sub(r"[^a-z0-9]+", "", _NOT_THE_MODEL.sub(" ", stem))


def usable_projector(model: GgufHeader, path: Path | None = None) -> Projector | None:
    """Return the projector at ``path``, or the best one beside the model; None where none can be used with it."""
    for each in (path,) if path else projectors_beside(model.path):
        with suppress(UserError):
            return projector_for(each, model)
    return None
