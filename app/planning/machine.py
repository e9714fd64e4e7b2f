"""Devices and RAM of this machine for plans, with the preferences applied, or simulated GPUs instead.

The engine's own list in a child process decides (``app.engine.device_probe``); NVML and the system add details.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from app.config.device_preferences import DevicePreferences
from app.config.paths import DataFolder
from app.engine.device_probe import DeviceProbe, plan_devices, probe_devices
from app.engine.local_engine import EngineState, LocalEngine
from app.engine.protocol import DeviceList
from app.planning.ram_speed import RememberedRamSpeed
from app.units import GIB
from model_manager.cancellation import CancelToken
from model_manager.devices.devices import (
    Device,
    HostMemory,
    device_keys,
    match_gpus,
    read_host,
    simulated_devices,
)
from model_manager.devices.nvidia import NvidiaGpu, NvidiaInfo, read_nvidia
from model_manager.devices.system_gpus import SystemGpu, read_system_gpus, unused_gpu_hint
from model_manager.errors import UserError

SIMULATED_GPUS_VARIABLE = "APUS_CHAT_GPUS"
"""GiB free of each simulated GPU, separated by commas: ``24,16``; or ``none``."""
NO_GPUS = "none"
FRESH_S = 5.0
"""Seconds for which a list of devices is current."""
_MAX_SIMULATED_GIB = 1 << 20
_Servers = tuple[tuple[str, ...], tuple[str, ...]]
"""Required RPC servers, and optional ones."""


@dataclass(frozen=True)
class Machine:
    """The current devices.

    ``devices`` are those that a plan may use; ``engine`` is the engine's whole list, None for simulated GPUs.
    ``gpus`` false: the engine must be started without GPU drivers (``problem`` is the reason).
    """

    devices: tuple[Device, ...]
    engine: DeviceList | None = None
    rpc_servers: tuple[str, ...] = ()
    gpus: bool = True
    problem: UserError | None = None
    nvidia: NvidiaInfo = field(default_factory=NvidiaInfo)
    system: tuple[SystemGpu, ...] = ()
    offered: tuple[Device, ...] = ()
    """The devices before the preferences were applied; empty where these change nothing."""
    missing: tuple[UserError, ...] = ()
    """Problems with RPC servers of the settings; the others are used."""
    lent: frozenset[str] = frozenset()
    """Devices whose free memory is that before the load: their server is connected to the engine only."""

    @property
    def is_simulated(self) -> bool:
        """Whether the GPUs are simulated."""
        return self.engine is None

    @property
    def listed(self) -> tuple[Device, ...]:
        """All devices, also those that a plan may not use."""
        return (self.engine or self).devices

    @cached_property
    def keys(self) -> dict[str, str]:
        """Keys of the devices in the settings, by their names."""
        return device_keys(self.listed)

    @property
    def left_out(self) -> frozenset[str]:
        """Names of the devices that the settings exclude."""
        return frozenset(each.name for each in self.offered) - {each.name for each in self.devices}

    @cached_property
    def nvidia_gpus(self) -> dict[str, NvidiaGpu]:
        """NVML's information by name of the device."""
        return match_gpus(self.engine.devices, self.nvidia.gpus) if self.engine else {}

    @cached_property
    def hint(self) -> UserError | None:
        """A broken driver, or GPUs that the engine does not use."""
        if self.problem is not None or self.engine is None:
            return self.problem
        return unused_gpu_hint(self.engine.devices, self.system, self.engine.backends)

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same devices, drivers and engine build, independent of their free memory."""
        parts = [self.engine.engine if self.engine else "", self.nvidia.driver or ""]
        parts += [f"{gpu.name} {gpu.driver}" for gpu in self.system]
        parts += [f"{d.name} {d.description} {d.total_bytes}" for d in self.devices if not d.is_rpc]
        # An RPC server's memory varies, and its address says nothing about its hardware.
        parts += [f"{d.name} {d.description}" for d in self.devices if d.is_rpc]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class MachineReader:
    """Reads the machine.  ``read`` and ``host`` are for several threads, ``read_through`` for the engine's."""

    def __init__(self, folder: DataFolder, preferences: Callable[[], DevicePreferences] = DevicePreferences) -> None:
        """``preferences`` returns the current ones."""
        self.preferences = preferences
        self._log_path = folder.logs / "devices.log"
        """Of the child that lists the devices."""
        self.exclusive = threading.RLock()
        """Keeps other threads from listing devices meanwhile: an RPC server serves one connection at a time."""
        self._read: dict[_Servers, tuple[float, Machine, EngineState | None]] = {}
        self._before: tuple[Device, ...] = ()
        """The devices of RPC servers before the last load."""
        self._engine: LocalEngine | None = None
        """The engine whose child listed the devices last, and occupies their servers while it runs."""
        self._system: tuple[SystemGpu, ...] | None = None
        self._gpus: bool | None = None
        """Whether GPU drivers work; None before the first attempt."""
        self._ram_speed = RememberedRamSpeed(folder.root / "ram-speed.json")

    def read(
        self, rpc_servers: tuple[str, ...] = (), *, refresh: bool = False, loaded: EngineState | None = None
    ) -> Machine:
        """Read the machine, or the simulated one.  The memory of ``loaded`` counts as free: a plan replaces it.

        Takes half a second without a current list, more with slow drivers: for background threads.

        Raises:
            UserError: as ``probe_devices``; gpus_pretended_wrong(text).
        """
        preferences = self.preferences()
        if (simulated := simulated_machine_from(os.environ)) is not None:
            return with_preferences(simulated, preferences)
        servers = (rpc_servers, _optional(preferences, rpc_servers))
        with self.exclusive:
            read_at, machine, held = self._read.get(servers, (float("-inf"), None, None))
            is_stale = held is not loaded or time.monotonic() - read_at > FRESH_S
            if machine is None or refresh or is_stale:
                machine = self._probe(servers, self.occupied_servers)
                self._gpus = machine.gpus
                self._read[servers] = (time.monotonic(), machine, loaded)
        return with_preferences(with_freed(machine, loaded), preferences)

    def read_through(
        self,
        engine: LocalEngine,
        rpc_servers: tuple[str, ...],
        preferences: DevicePreferences,
        token: CancelToken,
    ) -> Machine:
        """Read the real devices through the engine's child, which has no file loaded and keeps running.

        Raises:
            UserError: as ``LocalEngine.devices``.
            Cancelled: ``token`` was cancelled.
        """
        if self._gpus is not None:
            engine.gpus = self._gpus
        optional = _optional(preferences, rpc_servers)
        with self.exclusive:
            try:
                listed = engine.devices(rpc_servers, optional_servers=optional, keep=True, token=token)
                found = DeviceProbe(listed, engine.gpus)
            except UserError as error:
                if not engine.gpus or error.code.startswith("rpc_"):
                    raise
                found = probe_devices(self._log_path, rpc_servers, optional_servers=optional)
                engine.gpus = self._gpus = found.gpus
            self._before = tuple(device for device in found.found.devices if device.is_rpc)
            self._engine = engine
        return with_preferences(self._machine(found, for_load=True), preferences)

    @property
    def occupied_servers(self) -> tuple[str, ...]:
        """The RPC servers that are connected to the running engine."""
        is_alive = self._engine is not None and self._engine.pid is not None
        return tuple(dict.fromkeys(device.description for device in self._before)) if is_alive else ()

    def missing(self, servers: tuple[str, ...]) -> tuple[UserError, ...]:
        """Check RPC servers that are not in use and return their problems.  Raises as ``probe_devices``."""
        with self.exclusive:
            probe = probe_devices(self._log_path, optional_servers=servers)
        return _problems(probe.found)

    def host(self, *, available_bytes: int | None = None, measure: bool = True) -> HostMemory:
        """Read the RAM; ``available_bytes`` replaces the measured value.

        The first call with ``measure`` on a machine measures its speed, in half a second.
        """
        speed = self._ram_speed.known()
        if measure and speed is None:
            with self.exclusive:
                speed = self._ram_speed.measure()
        return read_host(available_bytes=available_bytes, speed=speed)

    def _probe(self, servers: _Servers, held: tuple[str, ...]) -> Machine:
        """List the devices.  For a server that the engine has loaded on, the state before the load is used."""
        required, optional = (tuple(each for each in some if each not in held) for some in servers)
        probe = probe_devices(self._log_path, required, optional_servers=optional)
        known = [device for device in self._before if device.description in held]
        found = probe.found
        if not known:
            return self._machine(probe)
        others = [device for device in found.devices if not device.is_rpc]
        new = [device for device in found.devices if device.is_rpc]
        names = tuple(each for some in servers for each in some)
        lent = sorted((*known, *new), key=lambda device: names.index(device.description))
        # Numbered as in the next load.
        lent = [replace(device, name=f"RPC{number}") for number, device in enumerate(lent)]
        used = tuple(each for each in names if each in held or each in found.rpc_servers)
        probe = replace(probe, found=replace(found, devices=(*others, *lent), rpc_servers=used))
        before = frozenset(device.name for device in lent if device.description in held)
        return replace(self._machine(probe), lent=before)

    def _machine(self, probe: DeviceProbe, *, for_load: bool = False) -> Machine:
        found = probe.found
        has_gpus = any(device.kind != "cpu" and not device.is_rpc for device in found.devices)
        # The tools of some systems take a second, which a load without GPUs need not wait for.
        needs_details = has_gpus or not for_load
        if needs_details and self._system is None:
            self._system = read_system_gpus()
        system = (self._system or ()) if needs_details else ()
        nvidia = read_nvidia() if needs_details else NvidiaInfo()
        return Machine(
            devices=plan_devices(found.devices, nvidia.gpus, system),
            engine=found,
            rpc_servers=found.rpc_servers,
            missing=_problems(found),
            gpus=probe.gpus,
            problem=probe.problem,
            nvidia=nvidia,
            system=system,
        )


def simulated_machine_from(environment: Mapping[str, str]) -> Machine | None:
    """Return the machine of ``SIMULATED_GPUS_VARIABLE``; None where it is not set.  Raises as ``simulated_machine``."""
    text = environment.get(SIMULATED_GPUS_VARIABLE, "").strip()
    return simulated_machine([] if text.lower() == NO_GPUS else text.split(",")) if text else None


def simulated_machine(sizes: Sequence[str | float]) -> Machine:
    """Make a machine with simulated GPUs, by the GiB free on each; they drive no display.

    Raises:
        UserError: gpus_pretended_wrong(text).
    """
    try:
        gib = [float(size) for size in sizes]
    except ValueError:
        gib = [0.0]
    if not all(0 < size <= _MAX_SIMULATED_GIB for size in gib):
        raise UserError("gpus_pretended_wrong", text=",".join(map(str, sizes)))
    return Machine(simulated_devices(gib))


def with_freed(machine: Machine, loaded: EngineState | None) -> Machine:
    """Return the machine with the memory of the loaded file counted as free."""
    if loaded is None:
        return machine
    held = {name: sum(figures.values()) for name, figures in loaded.result.memory.items()}

    def freed(device: Device) -> Device:
        if device.name in machine.lent:
            return device
        total = max(device.free_bytes, device.total_bytes)
        return replace(device, free_bytes=min(device.free_bytes + held.get(device.name, 0), total))

    return replace(machine, devices=tuple(map(freed, machine.devices)))


def with_preferences(machine: Machine, preferences: DevicePreferences) -> Machine:
    """Return the machine as the preferences allow its use."""
    found = []
    for device in machine.devices:
        preference = preferences.of(machine.keys.get(device.name, device.name))
        if preference.use:
            reserve, ceiling = preference.reserve_gib, preference.ceiling_gib
            found.append(
                replace(
                    device,
                    reserve_bytes=device.reserve_bytes if reserve is None else round(reserve * GIB),
                    ceiling_bytes=device.ceiling_bytes if ceiling is None else round(ceiling * GIB),
                )
            )
    devices = tuple(found)
    return machine if devices == machine.devices else replace(machine, devices=devices, offered=machine.devices)


def _optional(preferences: DevicePreferences, rpc_servers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(server for server in preferences.rpc_servers if server not in rpc_servers)


def _problems(found: DeviceList) -> tuple[UserError, ...]:
    return tuple(UserError(each.code, **each.data) for each in found.missing)
