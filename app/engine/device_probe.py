"""Devices of this machine for the engine, listed in a separate child process, which a broken driver may crash.

The engine's list determines the devices; NVML and the system report which GPU drives a display (``model_manager``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.engine.local_engine import PROBE_S, LocalEngine
from app.engine.protocol import DeviceList
from model_manager.devices.devices import DISPLAY_RESERVE_BYTES, Device, default_devices, match_gpus
from model_manager.devices.nvidia import NvidiaGpu
from model_manager.devices.system_gpus import SystemGpu
from model_manager.errors import UserError

_DRIVER_FAILURES = frozenset({"engine_not_startable", "engine_died", "engine_too_slow", "engine_out_of_memory"})


@dataclass(frozen=True)
class DeviceProbe:
    """The engine's current devices.

    With a ``problem`` (``gpu_driver_broken``) GPU drivers crash the child or block it: the list was made without them,
    and an engine must be started with ``gpus`` false.
    """

    found: DeviceList
    gpus: bool = True
    problem: UserError | None = None


def probe_devices(
    log_path: Path,
    rpc_servers: tuple[str, ...] = (),
    *,
    optional_servers: tuple[str, ...] = (),
    timeout_s: float = PROBE_S,
) -> DeviceProbe:
    """List the devices, without GPUs where their drivers crash or block the child.

    Takes half a second, with a blocking driver ``timeout_s``.

    Raises:
        UserError: ``engine_not_startable`` where the engine does not run at all, and for an RPC server:
            ``rpc_server_unreachable``, ``rpc_server_silent``, ``rpc_server_foreign``, ``rpc_server_other_version``,
            ``rpc_not_in_build``.
    """
    try:
        return DeviceProbe(LocalEngine(log_path).devices(rpc_servers, timeout_s, optional_servers=optional_servers))
    except UserError as error:
        if error.code not in _DRIVER_FAILURES:
            raise
        found = LocalEngine(log_path, gpus=False).devices(rpc_servers, optional_servers=optional_servers)
        data = {key: error.data.get(key) for key in ("phase", "returncode", "signal", "seconds", "log")}
        return DeviceProbe(found, gpus=False, problem=UserError("gpu_driver_broken", cause=error.code, **data))


def plan_devices(
    devices: Sequence[Device], nvidia_gpus: Sequence[NvidiaGpu] = (), system_gpus: Sequence[SystemGpu] = ()
) -> tuple[Device, ...]:
    """The devices that a plan may use: those that get layers by default, in the engine's order.

    ``nvidia_gpus`` (NVML) and ``system_gpus`` (the system) report which of
    them drive a display and need a larger reserve.  Where NVML knows the connections of all GPUs, the fastest is first:
    the engine copies weights in RAM to the first one.
    """
    known = match_gpus(devices, nvidia_gpus)
    found = []
    for device in default_devices(devices):
        gpu = known.get(device.name)
        if _drives_display(device, gpu, system_gpus):
            device = replace(device, reserve_bytes=DISPLAY_RESERVE_BYTES)
        found.append(replace(device, link_bytes_per_s=gpu.link_bytes_per_s) if gpu is not None else device)
    if all(device.is_rpc or device.link_bytes_per_s for device in found):
        # Servers stay in front.
        found.sort(key=lambda device: float("-inf") if device.is_rpc else -(device.link_bytes_per_s or 0))
    return tuple(found)


def _drives_display(device: Device, gpu: NvidiaGpu | None, system_gpus: Sequence[SystemGpu]) -> bool:
    if gpu is not None and gpu.drives_display is not None:
        return gpu.drives_display
    if device.is_rpc:
        return False
    # Without addresses, GPUs of one name cannot be distinguished: each keeps the larger reserve.
    same = [other for other in system_gpus if other.pci_bus_id and other.pci_bus_id == device.pci_bus_id] or [
        other
        for other in system_gpus
        if other.name == device.description and not (other.pci_bus_id and device.pci_bus_id)
    ]
    return any(other.drives_display for other in same)
