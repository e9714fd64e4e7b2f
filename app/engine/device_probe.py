"""Which devices this machine has for the engine, found out in a child of its own, which a broken driver may end.

The engine's own list decides.  NVML adds which card drives a display, what the system tells adds the cards that this
build of the engine cannot use (both in ``model_manager``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from app.engine.device_choice import usual_devices
from app.engine.local_engine import PROBE_S, LocalEngine
from app.engine.protocol import DeviceList, EngineDevice
from model_manager.devices.devices import Device, DeviceKind, PlanDevice, offered
from model_manager.devices.nvidia import NvidiaCard, cards_of
from model_manager.devices.system_gpus import SystemGpu
from model_manager.errors import UserError

_DRIVER = frozenset({"engine_not_startable", "engine_died", "engine_too_slow", "engine_out_of_memory"})


@dataclass(frozen=True)
class DeviceProbe:
    """The engine's devices as they are now.

    With a ``problem`` (``gpu_driver_broken``) the drivers of GPUs end the child or keep it waiting: the list is what
    is left without them, and ``gpus`` false is how an engine has to be started here.
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
    """List the devices, without those of GPUs where their drivers do not let the child live.

    Takes half a second; a driver gets ``timeout_s``.

    Raises:
        UserError: ``engine_not_startable`` where the engine does not run at all, and what is wrong with an RPC server:
            ``rpc_server_unreachable``, ``rpc_server_silent``, ``rpc_server_foreign``, ``rpc_server_other_version``,
            ``rpc_not_in_build``.
    """
    try:
        return DeviceProbe(LocalEngine(log_path).devices(rpc_servers, timeout_s, optional_servers=optional_servers))
    except UserError as error:
        if error.code not in _DRIVER:
            raise
        found = LocalEngine(log_path, gpus=False).devices(rpc_servers, optional_servers=optional_servers)
        facts = {key: error.data.get(key) for key in ("phase", "returncode", "signal", "seconds", "log")}
        return DeviceProbe(found, gpus=False, problem=UserError("gpu_driver_broken", cause=error.code, **facts))


def plan_devices(
    devices: Sequence[EngineDevice], cards: Sequence[NvidiaCard] = (), gpus: Sequence[SystemGpu] = ()
) -> tuple[PlanDevice, ...]:
    """The engine's devices as a plan may use them: those that get layers by themselves, in the engine's order.

    ``cards`` (NVML) and ``gpus`` (the system) tell which of them draws a desktop and keeps a larger reserve for that.
    """
    known = cards_of(devices, cards)
    return tuple(
        offered(
            Device(
                name=device.name,
                kind=cast(DeviceKind, device.kind),
                backend=device.backend,
                description=device.description,
                total_bytes=device.total_bytes,
                free_bytes=device.free_bytes,
            ),
            drives_display=_drives_display(device, known.get(device.name), gpus),
            shares_ram=True if device.kind == "integrated_gpu" else None,
        )
        for device in usual_devices(devices)
    )


def _drives_display(device: EngineDevice, card: NvidiaCard | None, gpus: Sequence[SystemGpu]) -> bool:
    if card is not None and card.drives_display is not None:
        return card.drives_display
    if device.backend.startswith("RPC"):
        return False
    # Where one side tells no address, cards of one name cannot be told apart: each keeps the larger reserve.
    same = [gpu for gpu in gpus if gpu.pci_bus_id and gpu.pci_bus_id == device.pci_bus_id] or [
        gpu for gpu in gpus if gpu.name == device.description and not (gpu.pci_bus_id and device.pci_bus_id)
    ]
    return any(gpu.drives_display for gpu in same)
