"""What NVIDIA's own library (NVML) tells of its cards: driver, PCIe, display, and who holds their memory now.

The one door to ``pynvml``.  Everything is optional: without a driver, a package or a card there is nothing, and what a
card cannot tell (a notebook's, or Windows about the memory of a process) is None.  Nothing here decides what the engine
can use; its own device list does.

Source: the NVML API reference; ``nvidia-ml-py`` names its functions as the library does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class GpuProcess:
    """A process with memory on a card.  ``used_bytes`` is None where the driver does not tell (Windows)."""

    pid: int
    name: str
    used_bytes: int | None


@dataclass(frozen=True)
class NvidiaCard:
    """One card, numbered as the driver does (by PCI bus).

    ``pci_bus_id`` is ``domain:bus:device.function`` in small letters (``0000:01:00.0``).  PCIe generations and widths
    in lanes are those now (less while the card rests) and the most that card and slot can.  ``drives_display``: a
    desktop is drawn on it.
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
class NvidiaFacts:
    """All cards, and the driver's version (``"550.54.14"``), None where there is no driver."""

    driver: str | None = None
    cards: tuple[NvidiaCard, ...] = ()


class Listed(Protocol):
    """A device of the engine, as far as it takes to find its card."""

    @property
    def name(self) -> str:
        """As the engine calls it."""

    @property
    def description(self) -> str:
        """The card's name."""

    @property
    def pci_bus_id(self) -> str:
        """As of ``NvidiaCard``, or empty."""


def read_nvidia(nvml: Any = None) -> NvidiaFacts:
    """Ask the driver; empty where there is none.  ``nvml`` stands for the module ``pynvml``.

    Takes some ten milliseconds, with a driver that is not up yet seconds: not for a thread that draws.
    """
    if nvml is None:
        try:
            import pynvml  # type: ignore[import-untyped]
        except ImportError:
            return NvidiaFacts()
        nvml = pynvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return NvidiaFacts()
    try:
        return _Reading(nvml).facts()
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def cards_of(devices: Sequence[Listed], cards: Sequence[NvidiaCard]) -> dict[str, NvidiaCard]:
    """Which card each device of the engine is, by the device's name; devices that are none of them are left out.

    By PCI address where the backend tells it, else by the card's name, several of one name in their order.
    """
    found: dict[str, NvidiaCard] = {}
    by_address = {card.pci_bus_id: card for card in cards}
    unnamed: dict[str, list[NvidiaCard]] = {}
    addressed = {device.pci_bus_id for device in devices}
    for card in cards:
        if card.pci_bus_id not in addressed:
            unnamed.setdefault(card.name, []).append(card)
    for device in devices:
        if device.pci_bus_id:
            if card_there := by_address.get(device.pci_bus_id):
                found[device.name] = card_there
        elif same_name := unnamed.get(device.description):
            found[device.name] = same_name.pop(0)
    return found


class _Reading:
    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml

    def facts(self) -> NvidiaFacts:
        nvml = self._nvml
        handles = (
            self._ask(nvml.nvmlDeviceGetHandleByIndex, i) for i in range(self._ask(nvml.nvmlDeviceGetCount) or 0)
        )
        cards = (self._card(index, handle) for index, handle in enumerate(handles) if handle is not None)
        driver = self._ask(nvml.nvmlSystemGetDriverVersion)
        return NvidiaFacts(_text(driver) if driver else None, tuple(card for card in cards if card is not None))

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
            pci_bus_id=normal_address(_text(address.busId)) if address is not None else "",
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


def normal_address(text: str) -> str:
    """A PCI address as the engine writes it: ``00000000:0A:00.0`` becomes ``0000:0a:00.0``."""
    domain, _, rest = text.strip().lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest.count(":") == 1 else text.strip().lower()


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
