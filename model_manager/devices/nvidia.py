"""NVIDIA cards as NVML reports them: driver, PCIe, display, and the processes that hold their memory.

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


@dataclass(frozen=True)
class GpuProcess:
    """A process with memory on a card.  ``used_bytes`` is None where the driver does not report it (Windows)."""

    pid: int
    name: str
    used_bytes: int | None


@dataclass(frozen=True)
class NvidiaCard:
    """One card, numbered as the driver does (by PCI bus).

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


@dataclass(frozen=True)
class NvidiaInfo:
    """All cards, and the driver's version (``"550.54.14"``), None where there is no driver."""

    driver: str | None = None
    cards: tuple[NvidiaCard, ...] = ()


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
        return _Reader(nvml).read()
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


class _Reader:
    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml

    def read(self) -> NvidiaInfo:
        nvml = self._nvml
        handles = (
            self._ask(nvml.nvmlDeviceGetHandleByIndex, i) for i in range(self._ask(nvml.nvmlDeviceGetCount) or 0)
        )
        cards = (self._card(index, handle) for index, handle in enumerate(handles) if handle is not None)
        driver = self._ask(nvml.nvmlSystemGetDriverVersion)
        return NvidiaInfo(_text(driver) if driver else None, tuple(card for card in cards if card is not None))

    def _card(self, index: int, handle: Any) -> NvidiaCard | None:
        nvml = self._nvml
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle)
        if memory is None:
            return None
        name, address = self._ask(nvml.nvmlDeviceGetName, handle), self._ask(nvml.nvmlDeviceGetPciInfo, handle)
        display = self._ask(nvml.nvmlDeviceGetDisplayActive, handle)
        return NvidiaCard(
            index=index,
            name=_text(name or ""),
            pci_bus_id=normalise_pci_address(_text(address.busId)) if address is not None else "",
            total_bytes=int(memory.total),
            free_bytes=int(memory.free),
            drives_display=None if display is None else bool(display),
            pcie_generation=self._ask(nvml.nvmlDeviceGetCurrPcieLinkGeneration, handle),
            pcie_generation_max=self._ask(nvml.nvmlDeviceGetMaxPcieLinkGeneration, handle),
            pcie_width=self._ask(nvml.nvmlDeviceGetCurrPcieLinkWidth, handle),
            pcie_width_max=self._ask(nvml.nvmlDeviceGetMaxPcieLinkWidth, handle),
            processes=self._processes(handle),
        )

    def _processes(self, handle: Any) -> tuple[GpuProcess, ...]:
        nvml = self._nvml
        used: dict[int, int | None] = {}
        for function in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
            for process in self._ask(function, handle) or ():
                # One that computes and draws is in both lists with the same figure.
                used[process.pid] = used.get(process.pid) or process.usedGpuMemory
        found = [GpuProcess(pid, self._process_name(pid), n_bytes) for pid, n_bytes in used.items()]
        return tuple(sorted(found, key=lambda each: -(each.used_bytes or 0)))

    def _process_name(self, pid: int) -> str:
        name = _text(self._ask(self._nvml.nvmlSystemGetProcessName, pid) or "")
        kind = PureWindowsPath if "\\" in name else PurePosixPath
        return kind(name).name or str(pid)

    def _ask(self, function: Callable[..., T], *arguments: object) -> T | None:
        try:
            return function(*arguments)
        except self._nvml.NVMLError:
            return None


def normalise_pci_address(text: str) -> str:
    """A PCI address as the engine writes it: ``00000000:0A:00.0`` becomes ``0000:0a:00.0``."""
    domain, _, rest = text.strip().lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest.count(":") == 1 else text.strip().lower()


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
