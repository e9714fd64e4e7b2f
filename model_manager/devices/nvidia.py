"""NVIDIA GPUs as NVML reports them: driver, PCIe, display, and the processes that hold their memory.

The only importer of ``pynvml``.  Without a driver, a package or a card the result is empty; what a card does not report
(a notebook's, or a process's memory on Windows) is None.  The engine's own device list decides what can be used.

Source: the NVML API reference; ``nvidia-ml-py`` names its functions as the library does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

T = TypeVar("T")

_LANE_BYTES_PER_S = {1: 0.25e9, 2: 0.5e9, 3: 0.985e9, 4: 1.97e9, 5: 3.94e9, 6: 7.56e9}
"""By PCIe generation."""
_REACHED = 0.8


@dataclass(frozen=True)
class GpuProcess:
    """A process with memory on a GPU.  ``used_bytes`` is None where the driver does not report it (Windows)."""

    pid: int
    name: str
    used_bytes: int | None


@dataclass(frozen=True)
class NvidiaGpu:
    """One GPU, numbered as the driver does (by PCI bus).

    ``pci_bus_id`` is ``domain:bus:device.function`` in small letters (``0000:01:00.0``).  PCIe generations and widths
    in lanes are the current ones (less while the card is idle) and the most that card and slot support.
    """

    index: int
    name: str
    pci_bus_id: str
    total_bytes: int
    free_bytes: int
    drives_display: bool | None
    pcie_generation: int | None
    pcie_generation_max: int | None
    pcie_width: int | None
    pcie_width_max: int | None
    processes: tuple[GpuProcess, ...]

    @property
    def link_bytes_per_s(self) -> float | None:
        """Speed of copies from pinned host memory over PCIe, None where unknown."""
        lane = _LANE_BYTES_PER_S.get(self.pcie_generation_max or 0)
        return lane * self.pcie_width_max * _REACHED if lane and self.pcie_width_max else None


@dataclass(frozen=True)
class NvidiaInfo:
    """All GPUs, and the driver's version (``"550.54.14"``), None where there is no driver."""

    driver: str | None = None
    gpus: tuple[NvidiaGpu, ...] = ()


def read_nvidia(nvml: Any = None) -> NvidiaInfo:
    """Query the driver; empty where there is none.  ``nvml`` replaces the module ``pynvml``.

    Takes some ten milliseconds, seconds while the driver is not initialised: for background threads.
    """
    if nvml is None:
        try:
            import pynvml  # type: ignore[import-untyped]
        except ImportError:
            return NvidiaInfo()
        nvml = pynvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return NvidiaInfo()
    try:
        return _read(nvml)
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _read(nvml: Any) -> NvidiaInfo:
    def ask(function: Callable[..., T], *arguments: object) -> T | None:
        try:
            return function(*arguments)
        except nvml.NVMLError:
            return None

    def process_name(pid: int) -> str:
        name = _text(ask(nvml.nvmlSystemGetProcessName, pid) or "")
        kind = PureWindowsPath if "\\" in name else PurePosixPath
        return kind(name).name or str(pid)

    gpus = []
    for index in range(ask(nvml.nvmlDeviceGetCount) or 0):
        handle = ask(nvml.nvmlDeviceGetHandleByIndex, index)
        memory = ask(nvml.nvmlDeviceGetMemoryInfo, handle) if handle is not None else None
        if memory is None:
            continue
        used: dict[int, int | None] = {}
        for function in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
            for process in ask(function, handle) or ():
                # One that computes and draws is in both lists with the same figure.
                used[process.pid] = used.get(process.pid) or process.usedGpuMemory
        processes = [GpuProcess(pid, process_name(pid), n_bytes) for pid, n_bytes in used.items()]
        address, display = ask(nvml.nvmlDeviceGetPciInfo, handle), ask(nvml.nvmlDeviceGetDisplayActive, handle)
        gpu = NvidiaGpu(
            index=index,
            name=_text(ask(nvml.nvmlDeviceGetName, handle) or ""),
            pci_bus_id=normalise_pci_address(_text(address.busId)) if address is not None else "",
            total_bytes=int(memory.total),
            free_bytes=int(memory.free),
            drives_display=None if display is None else bool(display),
            pcie_generation=ask(nvml.nvmlDeviceGetCurrPcieLinkGeneration, handle),
            pcie_generation_max=ask(nvml.nvmlDeviceGetMaxPcieLinkGeneration, handle),
            pcie_width=ask(nvml.nvmlDeviceGetCurrPcieLinkWidth, handle),
            pcie_width_max=ask(nvml.nvmlDeviceGetMaxPcieLinkWidth, handle),
            processes=tuple(sorted(processes, key=lambda each: -(each.used_bytes or 0))),
        )
        gpus.append(gpu)
    driver = ask(nvml.nvmlSystemGetDriverVersion)
    return NvidiaInfo(_text(driver) if driver else None, tuple(gpus))


def normalise_pci_address(text: str) -> str:
    """A PCI address as the engine writes it: ``00000000:0A:00.0`` becomes ``0000:0a:00.0``."""
    domain, _, rest = text.strip().lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest.count(":") == 1 else text.strip().lower()


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
