"""NVIDIA cards as read through NVML: complete, incomplete, and without a driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from model_manager.devices.devices import Device, match_gpus
from model_manager.devices.nvidia import (
    GpuProcess,
    NvidiaGpu,
    NvidiaInfo,
    normalise_pci_address,
    read_nvidia,
)

GIB = 1 << 30


class NvmlError(Exception):
    """As pynvml raises it."""


@dataclass
class Card:
    name: str = "NVIDIA GeForce RTX 4090"
    bus_id: str = "00000000:01:00.0"
    total: int = 24 * GIB
    free: int = 22 * GIB
    display: int = 0
    computing: list[tuple[int, int | None]] = field(default_factory=list)
    drawing: list[tuple[int, int | None]] = field(default_factory=list)
    silent: frozenset[str] = frozenset()
    """Functions that this card does not support."""


class Nvml:
    """The functions of pynvml, over cards that are made up."""

    NVMLError = NvmlError

    def __init__(self, *cards: Card, driver: bool = True, as_bytes: bool = False) -> None:
        self._cards = cards
        self._driver = driver
        self._as_bytes = as_bytes
        self.open = 0

    def nvmlInit(self) -> None:
        if not self._driver:
            raise NvmlError
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> Any:
        return self._text("550.54.14")

    def nvmlDeviceGetCount(self) -> int:
        return len(self._cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:
        return self._cards[index]

    def nvmlSystemGetProcessName(self, pid: int) -> Any:
        names = {7: "/usr/lib/xorg/Xorg", 8: "C:\\Games\\game.exe", 9: "/opt/other/llama-server"}
        if pid not in names:
            raise NvmlError
        return self._text(names[pid])

    def __getattr__(self, name: str) -> Any:
        answers = {
            "nvmlDeviceGetName": lambda card: self._text(card.name),
            "nvmlDeviceGetPciInfo": lambda card: SimpleNamespace(busId=self._text(card.bus_id)),
            "nvmlDeviceGetMemoryInfo": lambda card: SimpleNamespace(total=card.total, free=card.free),
            "nvmlDeviceGetDisplayActive": lambda card: card.display,
            "nvmlDeviceGetCurrPcieLinkGeneration": lambda card: 1,
            "nvmlDeviceGetMaxPcieLinkGeneration": lambda card: 4,
            "nvmlDeviceGetCurrPcieLinkWidth": lambda card: 8,
            "nvmlDeviceGetMaxPcieLinkWidth": lambda card: 16,
            "nvmlDeviceGetComputeRunningProcesses": lambda card: self._processes(card.computing),
            "nvmlDeviceGetGraphicsRunningProcesses": lambda card: self._processes(card.drawing),
        }
        answer = answers[name]

        def asked(card: Card) -> Any:
            if name in card.silent:
                raise NvmlError
            return answer(card)

        return asked

    def _processes(self, listed: list[tuple[int, int | None]]) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in listed]

    def _text(self, text: str) -> Any:
        return text.encode() if self._as_bytes else text


def listed(name: str, description: str, pci_bus_id: str = "") -> Device:
    return Device(name, 0, description=description, pci_bus_id=pci_bus_id)


def test_nvidia_card_is_read() -> None:
    nvml = Nvml(Card(display=1, computing=[(9, 5 * GIB)], drawing=[(7, GIB // 2), (9, 5 * GIB)]))
    facts = read_nvidia(nvml)
    assert facts == NvidiaInfo(
        "550.54.14",
        (
            NvidiaGpu(
                index=0,
                name="NVIDIA GeForce RTX 4090",
                pci_bus_id="0000:01:00.0",
                total_bytes=24 * GIB,
                free_bytes=22 * GIB,
                drives_display=True,
                pcie_generation=1,
                pcie_generation_max=4,
                pcie_width=8,
                pcie_width_max=16,
                processes=(GpuProcess(9, "llama-server", 5 * GIB), GpuProcess(7, "Xorg", GIB // 2)),
            ),
        ),
    )
    assert nvml.open == 0


def test_unsupported_queries_are_none() -> None:
    silent = frozenset(
        {
            "nvmlDeviceGetDisplayActive",
            "nvmlDeviceGetCurrPcieLinkWidth",
            "nvmlDeviceGetGraphicsRunningProcesses",
            "nvmlDeviceGetPciInfo",
        }
    )
    (card,) = read_nvidia(Nvml(Card(silent=silent, computing=[(1234, None), (8, None)]), as_bytes=True)).gpus
    assert (card.drives_display, card.pcie_width, card.pcie_width_max, card.pci_bus_id) == (None, None, 16, "")
    assert card.processes == (GpuProcess(1234, "1234", None), GpuProcess(8, "game.exe", None))
    assert card.name == "NVIDIA GeForce RTX 4090"


def test_failing_card_is_skipped() -> None:
    gone = Card(silent=frozenset({"nvmlDeviceGetMemoryInfo"}))
    (card,) = read_nvidia(Nvml(gone, Card(bus_id="00000000:0A:00.0"))).gpus
    assert (card.index, card.pci_bus_id) == (1, "0000:0a:00.0")


def test_no_driver_gives_no_cards() -> None:
    assert read_nvidia(Nvml(Card(), driver=False)) == NvidiaInfo()


def test_read_on_this_machine() -> None:
    facts = read_nvidia()
    assert bool(facts.gpus) <= bool(facts.driver)


def test_devices_match_cards_by_address() -> None:
    cards = read_nvidia(Nvml(Card(bus_id="00000000:01:00.0"), Card(bus_id="00000000:C1:00.0"))).gpus
    devices = [
        listed("CUDA0", "NVIDIA GeForce RTX 4090", "0000:c1:00.0"),
        listed("CUDA1", "NVIDIA GeForce RTX 4090", "0000:01:00.0"),
        listed("Vulkan2", "AMD Radeon", "0000:05:00.0"),
        listed("CPU", "a processor"),
    ]
    assert {name: card.index for name, card in match_gpus(devices, cards).items()} == {"CUDA0": 1, "CUDA1": 0}


def test_devices_without_address_match_by_name_and_order() -> None:
    small = Card(name="NVIDIA GeForce RTX 3060", bus_id="00000000:02:00.0")
    cards = read_nvidia(Nvml(Card(), small, Card(bus_id="00000000:03:00.0"))).gpus
    devices = [listed(f"Vulkan{i}", name) for i, name in enumerate([small.name, Card.name, Card.name, Card.name])]
    found = match_gpus(devices, cards)
    assert {name: card.index for name, card in found.items()} == {"Vulkan0": 1, "Vulkan1": 0, "Vulkan2": 2}


def test_pci_addresses_are_normalised() -> None:
    assert normalise_pci_address("00000000:0A:00.0") == "0000:0a:00.0"
    assert normalise_pci_address("0001:C1:00.1") == "0001:c1:00.1"
    assert normalise_pci_address("strange") == "strange"
