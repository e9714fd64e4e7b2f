"""Graphics cards listed by three operating systems, and hints about unused ones."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from model_manager.devices.devices import Device, DeviceKind
from model_manager.devices.system_gpus import SystemGpu, read_system_gpus, unused_gpu_hint

GIB = 1 << 30
RTX = "NVIDIA GeForce RTX 4090"
NUMBERS = count()


def device(backend: str, description: str, pci_bus_id: str = "", kind: DeviceKind = "gpu") -> Device:
    name = f"{backend}{next(NUMBERS)}"
    return Device(name, 0, kind=kind, backend=backend, description=description, pci_bus_id=pci_bus_id)


def hint_of(*arguments: Any) -> tuple[str, dict[str, object]] | None:
    hint = unused_gpu_hint(*arguments)
    return (hint.code, hint.data) if hint else None


def write_card(root: Path, address: str, **files: str) -> Path:
    folder = root / "sys/bus/pci/devices" / address
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text + "\n")
    return folder


def test_linux_gpus(tmp_path: Path) -> None:
    first = write_card(tmp_path, "0000:01:00.0", vendor="0x10de", **{"class": "0x030000"})
    (tmp_path / "sys/bus/pci/drivers/nvidia").mkdir(parents=True)
    (first / "driver").symlink_to(tmp_path / "sys/bus/pci/drivers/nvidia")
    information = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text(f"Model: \t\t {RTX}\nIRQ:   \t\t 95\n")
    second = write_card(
        tmp_path, "0000:0A:00.0", vendor="0x1002", mem_info_vram_total=str(24 * GIB), **{"class": "0x030000"}
    )
    for connector, state in (("card1-HDMI-A-1", "disabled"), ("card1-DP-1", "enabled")):
        status = second / "drm/card1" / connector
        status.mkdir(parents=True)
        (status / "enabled").write_text(state + "\n")
    write_card(tmp_path, "0000:00:02.0", vendor="0x8086", **{"class": "0x030000"})
    write_card(tmp_path, "0000:0b:00.0", vendor="0x1002", mem_info_vram_total=str(GIB // 2), **{"class": "0x038000"})
    write_card(tmp_path, "0000:00:1f.3", vendor="0x8086", **{"class": "0x040300"})
    write_card(tmp_path, "0000:09:00.0", vendor="0x10de")
    assert read_system_gpus("Linux", root=tmp_path) == (
        SystemGpu("Intel", "Intel", "0000:00:02.0", integrated=True),
        SystemGpu("NVIDIA", RTX, "0000:01:00.0", driver="nvidia"),
        SystemGpu("AMD", "AMD", "0000:0a:00.0", total_bytes=24 * GIB, drives_display=True),
        SystemGpu("AMD", "AMD", "0000:0b:00.0", total_bytes=GIB // 2, integrated=True),
    )


WINDOWS = {
    "cards": [
        {
            "Name": RTX,
            "PNPDeviceID": "PCI\\VEN_10DE&DEV_2684&SUBSYS_16F41043&REV_A1\\4&2283F625&0&0019",
            "DriverVersion": "31.0.15.5222",
            "CurrentHorizontalResolution": 3840,
        },
        {
            "Name": "Intel(R) UHD Graphics 770",
            "PNPDeviceID": "PCI\\VEN_8086&DEV_4680",
            "DriverVersion": "31.0.101.4255",
            "CurrentHorizontalResolution": None,
        },
        {"Name": "Microsoft Remote Display Adapter", "PNPDeviceID": "SWD\\REMOTEDISPLAYENUM\\RDPIDD"},
    ],
    "memory": [
        {"DriverDesc": RTX, "HardwareInformation.qwMemorySize": 25757220864},
        {"DriverDesc": "Intel(R) UHD Graphics 770", "HardwareInformation.qwMemorySize": None},
    ],
}


def test_windows_gpus_have_64_bit_memory() -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> str:
        commands.append(command)
        return json.dumps(WINDOWS)

    assert read_system_gpus("Windows", run=run) == (
        SystemGpu("NVIDIA", RTX, total_bytes=25757220864, driver="31.0.15.5222", drives_display=True),
        SystemGpu("Intel", "Intel(R) UHD Graphics 770", driver="31.0.101.4255", drives_display=False, integrated=True),
    )
    assert commands[0][0] == "powershell"


def test_mac_gpus() -> None:
    reported = {
        "SPDisplaysDataType": [
            {
                "sppci_model": "Apple M2 Max",
                "spdisplays_vendor": "sppci_vendor_Apple",
                "spdisplays_ndrvs": [{"_name": "Color LCD"}],
            }
        ]
    }
    assert read_system_gpus("Darwin", run=lambda _: json.dumps(reported)) == (
        SystemGpu("Apple", "Apple M2 Max", drives_display=True, integrated=True),
    )


@pytest.mark.parametrize("system", ["Windows", "Darwin", "Linux", "Plan9"])
def test_failing_tools_give_no_gpus(system: str, tmp_path: Path) -> None:
    for failure in (
        OSError("no such program"),
        subprocess.TimeoutExpired("powershell", 15),
        subprocess.CalledProcessError(1, "powershell"),
    ):

        def run(_: Sequence[str], failure: Exception = failure) -> str:
            raise failure

        assert read_system_gpus(system, root=tmp_path, run=run) == ()
    for output in ("", "null", "[]", "{}", '{"cards": 5, "memory": 5}', '{"SPDisplaysDataType": [7]}'):
        assert read_system_gpus(system, root=tmp_path, run=lambda _, text=output: text) == ()


def test_read_on_this_machine() -> None:
    assert all(gpu.name or gpu.vendor == "other" for gpu in read_system_gpus())


TWO = (SystemGpu("NVIDIA", RTX, "0000:01:00.0"), SystemGpu("NVIDIA", RTX, "0000:02:00.0"))
INTEL = SystemGpu("Intel", "Intel", "0000:00:02.0", integrated=True)
NEED_CUDA = (
    "gpus_need_backend",
    {"gpus": (RTX, RTX), "count": 2, "backend": "cuda", "command": "python3 start.py --backend cuda"},
)


def test_hint_for_gpus_without_backend() -> None:
    processor = device("CPU", "a processor", kind="cpu")
    assert hint_of([processor], (INTEL, *TWO), ("CPU", "RPC")) == NEED_CUDA
    hint = hint_of([processor], (SystemGpu("AMD", "Radeon", "0000:03:00.0"),), ("CPU", "CUDA"))
    assert hint is not None
    assert (hint[0], hint[1]["command"]) == ("gpus_need_backend", "python3 start.py --backend vulkan")


def test_rpc_devices_are_not_system_gpus() -> None:
    assert hint_of([device("RPC", "127.0.0.1:50052"), device("RPC", "127.0.0.1:50053")], TWO, ("RPC",)) == NEED_CUDA


def test_no_hint_if_all_gpus_are_used() -> None:
    cuda = [device("CUDA", RTX, gpu.pci_bus_id) for gpu in TWO]
    vulkan = [device("Vulkan", RTX, gpu.pci_bus_id) for gpu in TWO]
    assert hint_of(cuda, (INTEL, *TWO), ("CUDA",)) is None
    assert hint_of(cuda + vulkan, TWO, ("CUDA", "Vulkan")) is None
    assert hint_of([device("ROCm", "gfx1100")], (SystemGpu("AMD", "Radeon", "0000:03:00.0"),), ("ROCm",)) is None
    assert hint_of([device("Metal", "Apple M2")], (SystemGpu("Apple", "Apple M2", integrated=True),), ("MTL",)) is None
    assert hint_of([], (INTEL,), ("CPU",)) is None
    assert hint_of([], (), ("CPU",)) is None


def test_gpus_without_address_match_by_name_and_number() -> None:
    on_windows = (SystemGpu("NVIDIA", RTX), SystemGpu("NVIDIA", RTX), SystemGpu("Intel", "UHD", integrated=True))
    devices = [device("CUDA", RTX, "0000:01:00.0"), device("CUDA", RTX, "0000:02:00.0")]
    assert hint_of(devices, on_windows, ("CUDA",)) is None
    hint = hint_of([devices[0], device("Vulkan", "UHD", kind="integrated_gpu")], on_windows, ("CUDA", "Vulkan"))
    assert hint == ("gpus_partly_used", {"gpus": (RTX,), "count": 1, "seen": 1})


def test_hint_for_a_missing_driver() -> None:
    assert hint_of([], TWO, ("CPU", "CUDA")) == ("gpus_need_driver", {"gpus": (RTX, RTX), "count": 2, "seen": 0})
    hint = hint_of([device("CUDA", RTX, "0000:02:00.0")], TWO, ("CUDA",))
    assert hint == ("gpus_partly_used", {"gpus": (RTX,), "count": 1, "seen": 1})
