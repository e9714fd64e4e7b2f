"""Devices and memory that a model can use, and the state of this machine's RAM and processor.

The engine and NVML list the devices; ``model_manager.plan`` places a model on them.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import psutil

DeviceKind = Literal["gpu", "integrated_gpu", "cpu", "accelerator"]

RESERVE_BYTES = 512 << 20
"""Left free on every GPU: for the driver's own context and for memory that the engine does not report."""
DISPLAY_RESERVE_BYTES = 1 << 30
"""Left free on a GPU that drives a display."""

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

OFFLOADING = frozenset({"", "CUDA", "ROCm", "HIP", "MUSA", "Vulkan", "SYCL", "CANN", "MTL", "Metal"})
"""Backends that copy weights from host memory to the first device, one at a time, while they process a prompt
(``offload_op``).  RPC does not.  The empty name is a simulated GPU."""


@dataclass(frozen=True)
class Device:
    """One device of the engine, with what a plan may use of it.  Bytes as its driver reports them.

    ``backend`` is the engine's name of it ("CUDA", "Vulkan", "RPC", ...), empty for a simulated GPU; ``description`` is
    the card's name, or the address of an RPC server.  ``pci_bus_id`` is ``domain:bus:device.function`` in small letters
    (``0000:c1:00.0``), empty where the backend does not report it.
    """

    name: str
    free_bytes: int
    total_bytes: int = 0
    kind: DeviceKind = "gpu"
    backend: str = ""
    description: str = ""
    pci_bus_id: str = ""
    reserve_bytes: int = RESERVE_BYTES
    """What plans leave free."""
    ceiling_bytes: int | None = None
    """The most that plans use, None for all."""
    link_bytes_per_s: float | None = None
    """Speed of its connection to host memory, None where unknown."""
    offloads: bool | None = None
    """Whether it copies weights from host memory to process a prompt, as the engine says; None where unknown."""

    @property
    def copies_weights(self) -> bool:
        """``offloads``, where unknown that of its backend."""
        return self.backend in OFFLOADING if self.offloads is None else self.offloads

    @property
    def usable_bytes(self) -> int:
        """What a plan may fill, not below 0."""
        usable = self.free_bytes - self.reserve_bytes
        return max(0, usable if self.ceiling_bytes is None else min(usable, self.ceiling_bytes))

    @property
    def is_rpc(self) -> bool:
        """Whether it belongs to an RPC server."""
        return self.backend.startswith("RPC")

    @property
    def shares_ram(self) -> bool:
        """Whether its memory is this machine's RAM (Apple silicon, graphics in the processor)."""
        return self.kind == "integrated_gpu" or self.backend in ("Metal", "MTL")


class GpuIdentity(Protocol):
    """What identifies a GPU; ``pci_bus_id`` as in ``Device``."""

    @property
    def name(self) -> str:
        """The name that its driver reports."""

    @property
    def pci_bus_id(self) -> str:
        """Empty where unknown."""


T = TypeVar("T", bound=GpuIdentity)


@dataclass(frozen=True)
class Memory:
    """This machine's RAM and swap in bytes; ``available_bytes`` can be used without swapping."""

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int


@dataclass(frozen=True)
class HostMemory:
    """The RAM side of a plan.

    ``available_bytes`` can be used without swapping.  ``bandwidth`` in bytes per second is the read speed with all
    ``cores``, ``core_bandwidth`` that of one core; None where not measured.  ``repacked_types`` are the tensor types
    that the engine copies into this processor's own order; ``has_amx``: plain matrices go into tiles instead.
    ``cache_bytes``: last cache level, 0 where unknown; so is ``total_bytes``, the whole RAM.
    ``flash_attention_gain``: how many times faster the planned model's attention is with flash attention; None where
    not measured.
    """

    available_bytes: int
    bandwidth: float | None = None
    cores: int = 4
    repacked_types: frozenset[str] = REPACKED_WITH_AVX512
    has_amx: bool = False
    core_bandwidth: float | None = None
    cache_bytes: int = 0
    total_bytes: int = 0
    flash_attention_gain: float | None = None

    @property
    def reserve_bytes(self) -> int:
        """Part of the available RAM that plans leave free."""
        return min(1 << 30, max(256 << 20, self.available_bytes // 20))


@dataclass(frozen=True)
class RamSpeed:
    """Bytes read from RAM per second."""

    all_cores: float
    one_core: float


def simulated_devices(gib: Sequence[float]) -> tuple[Device, ...]:
    """Simulated GPUs by their free memory in GiB; they drive no display."""
    sizes = [round(size * (1 << 30)) for size in gib]
    return tuple(Device(f"GPU{number}", size, size) for number, size in enumerate(sizes))


def default_devices(devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices that llama.cpp uses by default (``llama_prepare_model_devices`` in its ``src/llama.cpp``).

    RPC servers first, then GPUs, each card once even if two backends list it, and integrated GPUs of one backend only
    where there is no other GPU.
    """
    servers: list[Device] = []
    gpus: dict[str, Device] = {}
    integrated: list[Device] = []
    for device in devices:
        if device.is_rpc:
            servers.append(device)
        elif device.kind == "gpu":
            gpus.setdefault(device.pci_bus_id or device.name, device)
        elif device.kind == "integrated_gpu" and (not integrated or integrated[0].backend == device.backend):
            integrated.append(device)
    return (*servers, *(gpus.values() or integrated))


def match_gpus(devices: Sequence[Device], gpus: Sequence[T], *, by_order: bool = False) -> dict[str, T]:
    """Match devices with the GPUs of another list; return these by device name.

    By PCI address, where both have one, else by the name, several of one name in their order, and at last
    ``by_order`` alone.
    """
    by_address = {gpu.pci_bus_id: gpu for gpu in gpus if gpu.pci_bus_id}
    found = {device.name: by_address[device.pci_bus_id] for device in devices if device.pci_bus_id in by_address}
    left = [gpu for gpu in gpus if all(gpu is not other for other in found.values())]
    for same_name in (True, False) if by_order else (True,):
        for device in devices:
            for place, gpu in enumerate(left):
                have_addresses = device.pci_bus_id and gpu.pci_bus_id
                if (
                    device.name not in found
                    and not have_addresses
                    and (gpu.name == device.description or not same_name)
                ):
                    found[device.name] = left.pop(place)
                    break
    return found


def device_keys(devices: Sequence[Device]) -> dict[str, str]:
    """Return a stable key for each device name; the engine may number RPC devices and GPUs differently each time."""
    keys: dict[str, str] = {}
    counts: dict[str, int] = {}
    for device in devices:
        if device.is_rpc:
            number = counts.get(device.description, 0)
            counts[device.description] = number + 1
            keys[device.name] = f"rpc {device.description}/{number}"
        elif device.pci_bus_id:
            keys[device.name] = f"{device.backend} {device.pci_bus_id}"
        else:
            keys[device.name] = device.name
    return keys


def read_host(*, available_bytes: int | None = None, speed: RamSpeed | None = None) -> HostMemory:
    """Read this machine's RAM and processor; ``available_bytes`` replaces the measured value."""
    memory = read_memory()
    return HostMemory(
        available_bytes=memory.available_bytes if available_bytes is None else available_bytes,
        bandwidth=speed.all_cores if speed else None,
        cores=usable_cores(),
        repacked_types=repacked_types(),
        has_amx=has_amx(),
        core_bandwidth=speed.one_core if speed else None,
        cache_bytes=last_cache_bytes(),
        total_bytes=memory.total_bytes,
    )


def last_cache_bytes() -> int:
    """Bytes of the third cache level, 0 where unknown (``size`` is written as 480K or 96M)."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index3/size").read_text(encoding="ascii").strip()
        return int(text[:-1]) * {"K": 1 << 10, "M": 1 << 20}[text[-1]]
    except (OSError, ValueError, LookupError):
        return 0


def usable_cores() -> int:
    """Physical cores that this process may use, logical ones where the system does not distinguish them."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(physical, len(os.sched_getaffinity(0))))
    return physical


def repacked_types() -> frozenset[str]:
    """Tensor types that the engine repacks on this processor; the larger set where unknown."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return REPACKED_ON_ARM
    flags = _cpu_flags()
    if flags and "avx2" not in flags:
        return frozenset()
    return REPACKED_ON_X86 if flags and "avx512f" not in flags else REPACKED_WITH_AVX512


def has_amx() -> bool:
    """Whether this processor has AMX, as far as the system reports it."""
    flags = _cpu_flags()
    return "amx_int8" in flags and "avx512_vnni" in flags


def _cpu_flags() -> str:
    """Flags of the processor among other text, empty where unknown."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def read_memory() -> Memory:
    """Read RAM and swap, in well under a millisecond."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Memory(
        total_bytes=memory.total,
        available_bytes=memory.available,
        swap_total_bytes=swap.total,
        swap_free_bytes=swap.free,
    )
