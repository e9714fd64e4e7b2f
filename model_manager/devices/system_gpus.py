"""Graphics cards that the operating system lists, independent of the engine's backends.

Compared with the engine's own list they show cards that are not used: "you have two RTX 4090, but this build of the
engine cannot use them".  Where the system reports nothing, the list is empty.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from model_manager.devices.devices import Device, match_gpus
from model_manager.errors import UserError

Vendor = Literal["NVIDIA", "AMD", "Intel", "Apple", "other"]

TIMEOUT_S = 15.0
"""Timeout of the tools of Windows and macOS, which can take seconds after a system start."""
_VENDORS: Mapping[int, Vendor] = {0x10DE: "NVIDIA", 0x1002: "AMD", 0x8086: "Intel", 0x106B: "Apple"}
"""PCI vendor ids."""
_DISPLAY_CLASS = 0x03
_INTEL_GRAPHICS_SLOT = re.compile(r"[0-9a-f]+:00:02\.0")
"""PCI slot of the graphics in Intel's processors."""
_MIN_OWN_MEMORY_BYTES = 3 << 30
"""An AMD card with less is graphics in the processor, which shows a carved-out part of RAM as its memory."""
_BACKENDS: Mapping[Vendor, tuple[str, ...]] = {
    "NVIDIA": ("cuda", "vulkan"),
    "AMD": ("vulkan", "hip"),
    "Intel": ("vulkan",),
    "Apple": ("metal",),
    "other": (),
}
"""Backends per vendor, the recommended one first, as named by ``start.py --backend``."""
_ENGINE_NAMES = {"cuda": "cuda", "rocm": "hip", "hip": "hip", "vulkan": "vulkan", "mtl": "metal", "metal": "metal"}
"""The engine's own names of these, in small letters."""


@dataclass(frozen=True)
class SystemGpu:
    """One graphics card.

    ``name`` comes from its driver, or is the vendor's.  ``pci_bus_id`` as the engine writes it (``0000:01:00.0``),
    empty where unknown; ``total_bytes``, ``driver`` (``nvidia``, ``amdgpu``, a version on Windows) and
    ``drives_display`` are None then.  ``integrated``: part of the processor, with RAM for its memory.
    """

    vendor: Vendor
    name: str
    pci_bus_id: str = ""
    total_bytes: int | None = None
    driver: str | None = None
    drives_display: bool | None = None
    integrated: bool = False


Run = Callable[[Sequence[str]], str]
"""Runs a command and returns what it prints; raises OSError or subprocess.SubprocessError."""


def unused_gpu_hint(
    engine_devices: Sequence[Device], system_gpus: Sequence[SystemGpu], engine_backends: Sequence[str]
) -> UserError | None:
    """A hint about cards that the engine does not use; None where it uses all.

    ``gpus_need_backend``: this build of the engine has no backend for them; ``gpus_need_driver``: it has, and yet sees
    none; ``gpus_partly_used``: it sees some of them.  The data are ``gpus`` (a name for each idle card), ``count``,
    and ``backend`` and ``command`` for the first, ``seen`` (the number of others) for the last.

    ``engine_backends`` are those that the engine was built with (``"CUDA"``, ``"Vulkan"``, ``"CPU"``, ...).  Graphics
    in the processor are not counted where they share its RAM: they are hardly faster.
    """
    gpus = [device for device in engine_devices if device.kind.endswith("gpu") and not device.is_rpc]
    used = match_gpus(_one_a_card(gpus), system_gpus, by_order=True).values()
    idle = [gpu for gpu in system_gpus if _is_relevant(gpu) and all(gpu is not each for each in used)]
    built = {_ENGINE_NAMES.get(name.lower(), "") for name in engine_backends}
    for gpu in idle:
        if not built.intersection(_BACKENDS[gpu.vendor]):
            names = tuple(each.name for each in idle if each.vendor == gpu.vendor)
            backend = _BACKENDS[gpu.vendor][0]
            command = f"python3 start.py --backend {backend}"
            return UserError("gpus_need_backend", gpus=names, count=len(names), backend=backend, command=command)
    if not idle:
        return None
    names, seen = tuple(gpu.name for gpu in idle), sum(map(_is_relevant, system_gpus)) - len(idle)
    return UserError("gpus_partly_used" if seen else "gpus_need_driver", gpus=names, count=len(names), seen=seen)


def _is_relevant(gpu: SystemGpu) -> bool:
    return bool(_BACKENDS[gpu.vendor]) and (gpu.vendor == "Apple" or not gpu.integrated)


def _one_a_card(devices: Sequence[Device]) -> list[Device]:
    """One entry per card that two backends list; of devices without an address those of one backend."""
    by_address = {device.pci_bus_id: device for device in devices if device.pci_bus_id}
    others: dict[str, list[Device]] = {}
    for device in devices:
        if not device.pci_bus_id:
            others.setdefault(device.backend, []).append(device)
    return [*by_address.values(), *max(others.values(), key=len, default=[])]


def read_system_gpus(
    system: str | None = None, *, root: Path = Path("/"), run: Run | None = None
) -> tuple[SystemGpu, ...]:
    """List the cards of this machine; empty where the system's tools fail or take too long.

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
        vendor == "AMD" and total is not None and total < _MIN_OWN_MEMORY_BYTES
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
    """The rest of the first line that starts with ``beginning``."""
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
    command = ["powershell", "-NoProfile", "-NonInteractive", "-Command", _WINDOWS_SCRIPT]
    output: dict[str, Any] = json.loads(run(command))
    sizes = {each.get("DriverDesc"): each.get("HardwareInformation.qwMemorySize") for each in output["memory"] or ()}
    found = []
    for card in output["cards"] or ():
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
                integrated=vendor in ("Intel", "AMD") and (total or 0) < _MIN_OWN_MEMORY_BYTES,
            )
        )
    return tuple(found)


def _mac(run: Run) -> tuple[SystemGpu, ...]:
    output: dict[str, Any] = json.loads(run(["system_profiler", "-json", "SPDisplaysDataType"]))
    makers: Mapping[str, Vendor] = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}
    found = []
    for card in output["SPDisplaysDataType"]:
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
