"""The graphics cards that the system itself knows, whatever the engine was built for.

With the engine's own list they tell when cards lie idle: "you have two RTX 4090, but this build of the engine cannot
use them".  Where the system tells nothing the list is empty, and nothing is claimed.

Sources: sysfs (``/sys/bus/pci/devices``) and ``/proc/driver/nvidia`` on Linux; on Windows the CIM class
``Win32_VideoController`` and the drivers' registry keys, through PowerShell; on macOS ``system_profiler``.
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Vendor = Literal["NVIDIA", "AMD", "Intel", "Apple", "other"]
HintCode = Literal["gpus_need_backend", "gpus_need_driver", "gpus_partly_used"]

TIMEOUT_S = 15.0
"""For the tools of Windows and macOS, which can take seconds on a machine that was just switched on."""
_VENDORS: Mapping[int, Vendor] = {0x10DE: "NVIDIA", 0x1002: "AMD", 0x8086: "Intel", 0x106B: "Apple"}
"""PCI vendor ids."""
_DISPLAY_CLASS = 0x03
_INTEL_GRAPHICS_SLOT = re.compile(r"[0-9a-f]+:00:02\.0")
"""Where Intel's processors have their graphics, since there are any."""
_LEAST_OWN_MEMORY_BYTES = 3 << 30
"""An AMD card with less is graphics in the processor, which shows a carved-out part of RAM as its memory."""
_BACKENDS: Mapping[Vendor, tuple[str, ...]] = {
    "NVIDIA": ("cuda", "vulkan"),
    "AMD": ("vulkan", "hip"),
    "Intel": ("vulkan",),
    "Apple": ("metal",),
    "other": (),
}
"""What the engine can be built for, the one to recommend first, as ``start.py --backend`` calls it."""
_ENGINE_NAMES = {"cuda": "cuda", "rocm": "hip", "hip": "hip", "vulkan": "vulkan", "mtl": "metal", "metal": "metal"}
"""The engine's own names of these, in small letters."""


@dataclass(frozen=True)
class SystemGpu:
    """One graphics card.

    ``name`` is what its driver calls it, or its maker alone.  ``pci_bus_id`` as the engine writes it
    (``0000:01:00.0``), empty where it is not told; ``total_bytes``, ``driver`` (``nvidia``, ``amdgpu``, a version on
    Windows) and ``drives_display`` are None then.  ``integrated``: part of the processor, with RAM for its memory.
    """

    vendor: Vendor
    name: str
    pci_bus_id: str = ""
    total_bytes: int | None = None
    driver: str | None = None
    drives_display: bool | None = None
    integrated: bool = False


@dataclass(frozen=True)
class Hint:
    """What to tell a person whose cards lie idle: a code with the facts for its sentence.

    ``gpus_need_backend``: this build of the engine has nothing for them; ``gpus_need_driver``: it has, and yet sees
    none; ``gpus_partly_used``: it sees some of them.  The facts are ``gpus`` (a name for each idle card), ``count``,
    and ``backend`` and ``command`` for the first, ``seen`` (the number of others) for the last.
    """

    code: HintCode
    data: Mapping[str, object] = field(default_factory=dict)


class EngineGpu(Protocol):
    """A device as the engine lists it."""

    @property
    def kind(self) -> str:
        """gpu, integrated_gpu, accelerator or cpu."""

    @property
    def backend(self) -> str:
        """CUDA, Vulkan, RPC, ..."""

    @property
    def description(self) -> str:
        """The card's name."""

    @property
    def pci_bus_id(self) -> str:
        """As of ``SystemGpu``, or empty."""


Run = Callable[[Sequence[str]], str]
"""Runs a command and returns what it prints; raises OSError or subprocess.SubprocessError."""


def usable_hint(
    engine_devices: Sequence[EngineGpu], system_gpus: Sequence[SystemGpu], engine_backends: Sequence[str]
) -> Hint | None:
    """What lies idle and what to do about it, None where the engine uses what is there.

    ``engine_backends`` are those that the engine was built with (``"CUDA"``, ``"Vulkan"``, ``"CPU"``, ...).  Graphics
    in the processor are no reason for a hint where they share its RAM: they are hardly faster.
    """
    gpus = [device for device in engine_devices if device.kind.endswith("gpu") and not device.backend.startswith("RPC")]
    idle = [gpu for gpu in _without(system_gpus, _one_a_card(gpus)) if _is_worth_it(gpu)]
    built = {_ENGINE_NAMES.get(name.lower(), "") for name in engine_backends}
    for gpu in idle:
        if not built.intersection(_BACKENDS[gpu.vendor]):
            names = tuple(each.name for each in idle if each.vendor == gpu.vendor)
            backend = _BACKENDS[gpu.vendor][0]
            command = f"python3 start.py --backend {backend}"
            return Hint(
                "gpus_need_backend", {"gpus": names, "count": len(names), "backend": backend, "command": command}
            )
    if not idle:
        return None
    names, seen = tuple(gpu.name for gpu in idle), sum(map(_is_worth_it, system_gpus)) - len(idle)
    return Hint("gpus_partly_used" if seen else "gpus_need_driver", {"gpus": names, "count": len(names), "seen": seen})


def _is_worth_it(gpu: SystemGpu) -> bool:
    return bool(_BACKENDS[gpu.vendor]) and (gpu.vendor == "Apple" or not gpu.integrated)


def _one_a_card(devices: Sequence[EngineGpu]) -> list[EngineGpu]:
    """Without the second entry of a card that two backends know; those without an address of one backend alone."""
    by_address = {device.pci_bus_id: device for device in devices if device.pci_bus_id}
    others: dict[str, list[EngineGpu]] = {}
    for device in devices:
        if not device.pci_bus_id:
            others.setdefault(device.backend, []).append(device)
    return [*by_address.values(), *max(others.values(), key=len, default=[])]


def _without(gpus: Sequence[SystemGpu], devices: Sequence[EngineGpu]) -> list[SystemGpu]:
    """The cards that are none of the devices: by address, then by name, at last by their number alone."""
    left, unknown = list(gpus), list(devices)

    def same_address(gpu: SystemGpu, device: EngineGpu) -> bool:
        return bool(gpu.pci_bus_id) and gpu.pci_bus_id == device.pci_bus_id

    def same_name(gpu: SystemGpu, device: EngineGpu) -> bool:
        return not (gpu.pci_bus_id and device.pci_bus_id) and gpu.name == device.description

    def may_be(gpu: SystemGpu, device: EngineGpu) -> bool:
        return not (gpu.pci_bus_id and device.pci_bus_id)

    for same in (same_address, same_name, may_be):
        for device in tuple(unknown):
            hit = next((place for place, gpu in enumerate(left) if same(gpu, device)), None)
            if hit is not None:
                del left[hit]
                unknown.remove(device)
    return left


def read_system_gpus(
    system: str | None = None, *, root: Path = Path("/"), run: Run | None = None
) -> tuple[SystemGpu, ...]:
    """The cards of this machine; empty where the system tells none, or its tools do not answer in time.

    Takes milliseconds on Linux and up to seconds elsewhere.  ``system`` as ``platform.system()``; ``root`` is where
    ``/sys`` and ``/proc`` lie, ``run`` runs a command.
    """
    system, run = system or platform.system(), run or _run
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError, subprocess.SubprocessError):
        match system:
            case "Linux":
                return _linux(root)
            case "Windows":
                return _windows(run)
            case "Darwin":
                return _mac(run)
    return ()


def _run(command: Sequence[str]) -> str:
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    return subprocess.run(
        command,
        check=True,
        capture_output=True,
        timeout=TIMEOUT_S,
        encoding="utf-8-sig",
        errors="replace",
        creationflags=flags,
    ).stdout


def _linux(root: Path) -> tuple[SystemGpu, ...]:
    cards = (_linux_card(root, folder) for folder in sorted((root / "sys/bus/pci/devices").glob("*")))
    return tuple(card for card in cards if card is not None)


def _linux_card(root: Path, folder: Path) -> SystemGpu | None:
    kind, vendor_id = _number(folder / "class"), _number(folder / "vendor")
    if kind is None or kind >> 16 != _DISPLAY_CLASS or vendor_id is None:
        return None
    vendor = _VENDORS.get(vendor_id, "other")
    address = folder.name.lower()
    total = _number(folder / "mem_info_vram_total")
    driver = (folder / "driver").resolve().name if (folder / "driver").exists() else None
    information = _line(root / "proc/driver/nvidia/gpus" / address / "information", "Model:")
    name = information or _line(folder / "product_name") or (vendor if vendor != "other" else "")
    connectors = [_line(status) for status in folder.glob("drm/card*/card*-*/enabled")]
    integrated = bool(vendor == "Intel" and _INTEL_GRAPHICS_SLOT.fullmatch(address)) or bool(
        vendor == "AMD" and total is not None and total < _LEAST_OWN_MEMORY_BYTES
    )
    return SystemGpu(
        vendor=vendor,
        name=name,
        pci_bus_id=address,
        total_bytes=total,
        driver=driver,
        drives_display="enabled" in connectors if connectors else None,
        integrated=integrated,
    )


def _number(path: Path) -> int | None:
    text = _line(path)
    try:
        return int(text, 0) if text else None
    except ValueError:
        return None


def _line(path: Path, beginning: str = "") -> str:
    """What follows ``beginning`` in the first line that has it."""
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()
    return ""


_WINDOWS_SCRIPT = r"""
[Console]::OutputEncoding = [Text.Encoding]::UTF8
$cards = Get-CimInstance Win32_VideoController |
    Select-Object Name, PNPDeviceID, DriverVersion, CurrentHorizontalResolution
$keys = 'HKLM:\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}\0*'
$memory = Get-ItemProperty $keys -ErrorAction SilentlyContinue |
    Select-Object DriverDesc, HardwareInformation.qwMemorySize
ConvertTo-Json -Compress -Depth 3 @{ cards = @($cards); memory = @($memory) }
"""
"""``AdapterRAM`` of Win32_VideoController ends at 4 GiB; the registry has all 64 bits."""


def _windows(run: Run) -> tuple[SystemGpu, ...]:
    told: dict[str, Any] = json.loads(run(["powershell", "-NoProfile", "-NonInteractive", "-Command", _WINDOWS_SCRIPT]))
    sizes = {each.get("DriverDesc"): each.get("HardwareInformation.qwMemorySize") for each in told["memory"] or ()}
    found = []
    for card in told["cards"] or ():
        match = re.match(r"PCI\\VEN_([0-9A-F]{4})", str(card.get("PNPDeviceID") or ""), re.IGNORECASE)
        if match is None:
            continue
        vendor, name = _VENDORS.get(int(match[1], 16), "other"), str(card.get("Name") or "")
        size = sizes.get(name)
        total = size if isinstance(size, int) else None
        found.append(
            SystemGpu(
                vendor=vendor,
                name=name,
                total_bytes=total,
                driver=card.get("DriverVersion"),
                drives_display=card.get("CurrentHorizontalResolution") is not None,
                integrated=vendor in ("Intel", "AMD") and (total or 0) < _LEAST_OWN_MEMORY_BYTES,
            )
        )
    return tuple(found)


def _mac(run: Run) -> tuple[SystemGpu, ...]:
    told: dict[str, Any] = json.loads(run(["system_profiler", "-json", "SPDisplaysDataType"]))
    makers: Mapping[str, Vendor] = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}
    found = []
    for card in told["SPDisplaysDataType"]:
        text = f"{card.get('spdisplays_vendor', '')} {card.get('sppci_model', '')}".lower()
        vendor: Vendor = next((maker for word, maker in makers.items() if word in text), "other")
        found.append(
            SystemGpu(
                vendor=vendor,
                name=str(card.get("sppci_model") or vendor),
                drives_display=bool(card.get("spdisplays_ndrvs")),
                integrated=vendor in ("Apple", "Intel"),
            )
        )
    return tuple(found)
