"""What a model can be put on: devices and memory, as values, and the reading of RAM.

What the engine and NVML tell of devices is read elsewhere and handed in; ``plan`` turns it into where a model lies.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

DeviceKind = Literal["gpu", "integrated_gpu", "cpu", "accelerator"]

RESERVE_BYTES = 512 << 20
"""What a plan leaves free on every GPU: for the driver's own context and for what no buffer line tells."""
DISPLAY_RESERVE_BYTES = 1 << 30
"""What it leaves on a GPU that draws the desktop."""

REPACKED_ON_X86 = frozenset({"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"})
REPACKED_WITH_AVX512 = REPACKED_ON_X86 | {"Q2_K"}
REPACKED_ON_ARM = frozenset({"Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL", "MXFP4", "Q1_0"})
"""Types that the engine copies into the processor's own order: ``ggml_repack_get_optimal_repack_type`` in
``ggml/src/ggml-cpu/repack.cpp`` of llama.cpp."""
TILED_WITH_AMX = {
    "F16": 1.0,
    "Q4_0": 1.0,
    "Q4_1": 1.0,
    "Q8_0": 38 / 34,
    "Q4_K": 148 / 144,
    "Q5_K": 180 / 176,
    "Q6_K": 1.0,
    "IQ4_XS": 138 / 136,
}
"""Types of which a processor with AMX takes plain matrices into tiles, and how many times their bytes those take:
``get_row_size`` in ``ggml/src/ggml-cpu/amx/mmq.cpp``.  Other processors have no such copies."""


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


@dataclass(frozen=True)
class PlanDevice:
    """One GPU as a plan sees it, in the engine's order.  Bytes.

    ``reserve_bytes`` stay free whatever the plan does; ``ceiling_bytes`` is the most that it may use there, None for
    all.  ``backend`` is the engine's name of it (``"CUDA"``, ``"Vulkan"``, ``"RPC"``, ...), empty for a pretended GPU.
    ``description`` is the card's name, from which its speed is known.  ``shares_ram``: what lies there takes this
    machine's RAM (Apple silicon, graphics in the processor).
    """

    name: str
    free_bytes: int
    reserve_bytes: int = RESERVE_BYTES
    ceiling_bytes: int | None = None
    backend: str = ""
    description: str = ""
    shares_ram: bool = False

    @property
    def usable_bytes(self) -> int:
        """What a plan may fill, not below 0."""
        usable = self.free_bytes - self.reserve_bytes
        return max(0, usable if self.ceiling_bytes is None else min(usable, self.ceiling_bytes))


@dataclass(frozen=True)
class HostMemory:
    """The RAM side of a plan.

    ``available_bytes`` can be had without pushing anything to swap.  ``bandwidth`` in bytes per second is what reading
    RAM with all ``cores`` reaches, None where nobody measured it.  ``repacked_types`` are the tensor types that the
    engine copies into the processor's own order here; ``has_amx``: plain matrices go into tiles instead.
    ``core_bandwidth`` is what one core reads by itself, ``cache_bytes`` the last level of the cache, 0 where the
    system does not tell.
    """

    available_bytes: int
    bandwidth: float | None = None
    cores: int = 4
    repacked_types: frozenset[str] = REPACKED_WITH_AVX512
    has_amx: bool = False
    core_bandwidth: float | None = None
    cache_bytes: int = 0

    @property
    def reserve_bytes(self) -> int:
        """What a plan leaves of the available RAM for everything else."""
        return min(1 << 30, max(256 << 20, self.available_bytes // 20))


@dataclass(frozen=True)
class RamSpeed:
    """Bytes that are read from RAM in a second."""

    all_cores: float
    one_core: float


def offered(
    device: Device, *, drives_display: bool = False, ceiling_bytes: int | None = None, shares_ram: bool | None = None
) -> PlanDevice:
    """A device of the engine as a plan may use it.  ``shares_ram`` None: as its kind and backend say."""
    own = device.kind == "integrated_gpu" or device.backend in ("Metal", "MTL")
    return PlanDevice(
        name=device.name,
        free_bytes=device.free_bytes,
        reserve_bytes=DISPLAY_RESERVE_BYTES if drives_display else RESERVE_BYTES,
        ceiling_bytes=ceiling_bytes,
        backend=device.backend,
        description=device.description,
        shares_ram=own if shares_ram is None else shares_ram,
    )


def pretended_devices(gib: Sequence[float]) -> tuple[PlanDevice, ...]:
    """GPUs that are not there, by their free memory in GiB; they drive no display."""
    return tuple(PlanDevice(f"GPU{number}", round(size * (1 << 30))) for number, size in enumerate(gib))


def read_host(*, available_bytes: int | None = None, speed: RamSpeed | None = None) -> HostMemory:
    """This machine's RAM side as it is now; ``available_bytes`` replaces what is read."""
    return HostMemory(
        available_bytes=read_memory().available_bytes if available_bytes is None else available_bytes,
        bandwidth=speed.all_cores if speed else None,
        cores=usable_cores(),
        repacked_types=repacked_types(),
        has_amx=has_amx(),
        core_bandwidth=speed.one_core if speed else None,
        cache_bytes=last_cache_bytes(),
    )


def last_cache_bytes() -> int:
    """Bytes of the third level of the cache, 0 where the system does not tell (``size`` is written as 480K or 96M)."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index3/size").read_text(encoding="ascii").strip()
        return int(text[:-1]) * {"K": 1 << 10, "M": 1 << 20}[text[-1]]
    except (OSError, ValueError, LookupError):
        return 0


def usable_cores() -> int:
    """Cores that this process may use, two threads of one core counted once where the system tells."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(physical, len(os.sched_getaffinity(0))))
    return physical


def repacked_types() -> frozenset[str]:
    """The tensor types that the engine repacks on this processor; the larger set where it cannot be told."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return REPACKED_ON_ARM
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return REPACKED_WITH_AVX512
    if "avx2" not in flags:
        return frozenset()
    return REPACKED_WITH_AVX512 if "avx512f" in flags else REPACKED_ON_X86


def has_amx() -> bool:
    """Whether this processor computes with tiles, as far as the system tells."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "amx_int8" in flags and "avx512_vnni" in flags


def read_memory() -> Memory:
    """RAM and swap as they are now.  Takes well under a millisecond."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Memory(
        total_bytes=memory.total,
        available_bytes=memory.available,
        swap_total_bytes=swap.total,
        swap_free_bytes=swap.free,
    )
