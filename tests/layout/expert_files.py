"""Files of experts in orders and with faults that no converter makes, byte by byte."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rigs.gguf_bytes import STRING, U16, U32, header, key, padded, tensor

TYPES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q8_0": (8, 32, 34), "I8": (24, 1, 1)}


@dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple[int, ...] = (32, 2)
    type: str = "F32"

    @property
    def n_bytes(self) -> int:
        _, values, n_bytes = TYPES[self.type]
        count = 1
        for size in self.shape:
            count *= size
        return count // values * n_bytes


def experts(
    layer: int, count: int, *, kinds: Sequence[str] = ("gate", "down", "up"), **options: object
) -> list[Tensor]:
    """In the order of the published files: all kinds of expert 0, all kinds of expert 1..."""
    return [
        Tensor(f"blk.{layer}.ffn_{kind}.{number}.weight", **options)  # type: ignore[arg-type]
        for number in range(count)
        for kind in kinds
    ]


def contents(tensors: Sequence[Tensor], seed: int = 1) -> dict[str, bytes]:
    dice = random.Random(seed)
    return {each.name: dice.randbytes(each.n_bytes) for each in tensors}


def write(
    path: Path,
    tensors: Sequence[Tensor],
    *,
    expert_count: int | None = None,
    alignment: int = 32,
    behind: bytes | None = None,
    filling: bytes = b"\0",
    split: int = 1,
) -> Path:
    """Write one file; ``behind`` instead of the last tensor's padding, ``filling`` between tensors."""
    keys = [key("general.architecture", STRING, "llama"), key("general.alignment", U32, alignment)]
    if expert_count is not None:
        keys += [key("llama.expert_count", U32, expert_count), key("llama.expert_used_count", U32, 1)]
    if split > 1:
        keys += [key("split.count", U16, split), key("split.no", U16, 0)]
    infos, data, offset = [], [], 0
    filled = contents(tensors)
    for each in tensors:
        infos.append(tensor(each.name, each.shape, TYPES[each.type][0], offset))
        padding = -each.n_bytes % alignment
        data.append(filled[each.name] + (filling * padding)[:padding])
        offset += each.n_bytes + padding
    if behind is not None and tensors:
        data[-1] = filled[tensors[-1].name] + behind
    path.write_bytes(padded(header(keys, infos), alignment) + b"".join(data))
    return path
