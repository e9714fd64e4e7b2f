"""What a model can be put on: devices and memory, as values, and the reading of RAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import psutil

DeviceKind = Literal["gpu", "cpu", "accelerator"]


@dataclass(frozen=True)
class Device:
    """One device of the engine.  Bytes as its driver reports them; ``free_bytes`` is what it can give right now."""

    name: str
    kind: DeviceKind
    backend: str
    description: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Memory:
    """This machine's RAM and swap in bytes; ``available_bytes`` is what can be had without pushing anything to swap."""

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int


def read_memory() -> Memory:
    """RAM and swap as they are now.  Takes well under a millisecond."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Memory(
        total_bytes=memory.total,
        available_bytes=memory.available,
        swap_total_bytes=swap.total,
        swap_free_bytes=swap.free,
    )
