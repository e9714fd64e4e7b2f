"""What a plan can use on this machine, read anew when it is asked for: devices, who else holds their memory, RAM.

The engine's own list in a child process decides (``app.engine.device_probe``); NVML and the system add what they know.
Instead of the real GPUs others can be pretended, to see what a plan would be there.  Nothing here is planned.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from app.config.device_settings import DeviceWishes, device_keys
from app.engine.device_probe import DeviceProbe, plan_devices, probe_devices
from app.engine.local_engine import EngineState, LocalEngine
from app.engine.protocol import DeviceList, EngineDevice
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.devices.devices import HostMemory, PlanDevice, RamSpeed, pretended_devices, read_host
from model_manager.devices.nvidia import NvidiaCard, NvidiaFacts, cards_of, read_nvidia
from model_manager.devices.system_gpus import SystemGpu, read_system_gpus, usable_hint
from model_manager.errors import UserError
from model_manager.plan import measure_ram

PRETEND_VARIABLE = "APUS_CHAT_GPUS"
"""GiB free of each GPU to pretend, with commas between them: ``24,16``; or ``none``."""
NO_GPUS = "none"
FRESH_S = 5.0
"""How long a list of devices is taken for the present one."""
GIB = 1 << 30
_MOST_PRETENDED_GIB = 1 << 20
_Servers = tuple[tuple[str, ...], tuple[str, ...]]
"""RPC servers that must be there, and those that may be missing."""


@dataclass(frozen=True)
class Machine:
    """The devices as they are now.

    ``devices`` are those that a plan may use; ``engine`` is the engine's whole list, None where GPUs are pretended.
    ``gpus`` false: the engine must be started without their drivers (``problem`` says why).
    """

    devices: tuple[PlanDevice, ...]
    total_bytes: Mapping[str, int] = field(default_factory=dict)
    """By name of the device."""
    engine: DeviceList | None = None
    rpc_servers: tuple[str, ...] = ()
    gpus: bool = True
    problem: UserError | None = None
    nvidia: NvidiaFacts = field(default_factory=NvidiaFacts)
    system: tuple[SystemGpu, ...] = ()
    offered: tuple[PlanDevice, ...] = ()
    """What a plan could use if nothing were left out or bounded; empty where nothing is."""
    missing: tuple[UserError, ...] = ()
    """What is wrong with RPC servers of the settings, a sentence each; the others are used."""
    lent: frozenset[str] = frozenset()
    """Devices whose free memory is that of before the load: their server speaks with the engine alone."""

    @property
    def is_pretended(self) -> bool:
        """Whether these GPUs are not there."""
        return self.engine is None

    @cached_property
    def keys(self) -> dict[str, str]:
        """By the name of each device what the settings know it by."""
        return device_keys(self.engine.devices) if self.engine else {each.name: each.name for each in self.devices}

    @property
    def left_out(self) -> frozenset[str]:
        """Names of the devices that the settings leave out."""
        return frozenset(each.name for each in self.offered) - {each.name for each in self.devices}

    @cached_property
    def cards(self) -> dict[str, NvidiaCard]:
        """What NVML knows of the devices, by their name."""
        return cards_of(self.engine.devices, self.nvidia.cards) if self.engine else {}

    @cached_property
    def hint(self) -> UserError | None:
        """A driver that is broken, or cards that lie idle, with what to do about it."""
        if self.problem is not None or self.engine is None:
            return self.problem
        hint = usable_hint(self.engine.devices, self.system, self.engine.backends)
        return UserError(hint.code, **hint.data) if hint else None

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same devices, drivers and build of the engine, however much is free."""
        parts = [self.engine.engine if self.engine else "", self.nvidia.driver or ""]
        parts += [f"{gpu.name} {gpu.driver}" for gpu in self.system]
        parts += [f"{d.name} {d.description} {self.total_bytes.get(d.name, 0)}" for d in self.devices if not is_rpc(d)]
        # An RPC server lends what it has at the moment, under an address that says nothing about it.
        parts += [f"{d.name} {d.description}" for d in self.devices if is_rpc(d)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class MachineReader:
    """Reads the machine.  ``now`` and ``host`` may be used by several threads, ``through`` by the engine's own."""

    def __init__(self, log_path: Path, chosen: Callable[[], DeviceWishes] = DeviceWishes) -> None:
        """``log_path``: for the child that lists the devices.  ``chosen``: what the settings say of the devices."""
        self.chosen = chosen
        self._log_path = log_path
        self._lock = threading.RLock()
        self._read: dict[_Servers, tuple[float, Machine, EngineState | None]] = {}
        self._before: tuple[EngineDevice, ...] = ()
        """The devices of RPC servers as they were before the last load."""
        self._engine: LocalEngine | None = None
        """Whose child was asked last, and speaks with their servers alone while it lives."""
        self._system: tuple[SystemGpu, ...] | None = None
        self._gpus: bool | None = None
        """Whether the drivers of GPUs let a child live; None while nobody tried."""
        self._ram_speed: RamSpeed | None = None

    def now(
        self, rpc_servers: tuple[str, ...] = (), *, refresh: bool = False, loaded: EngineState | None = None
    ) -> Machine:
        """The machine, or the pretended one, with its settings.  ``loaded`` counts as free: a plan takes its place.

        Takes half a second where it has to ask, with drivers that are slow to come up more: for background threads.

        Raises:
            UserError: as ``probe_devices``; gpus_pretended_wrong(text).
        """
        pretended = pretended_gpus(os.environ)
        if pretended is not None:
            return choosing(pretended_machine(pretended), self.chosen())
        wishes = self.chosen()
        servers = (rpc_servers, _optional(wishes, rpc_servers))
        with self._lock:
            read_at, machine, held = self._read.get(servers, (float("-inf"), None, None))
            # What was free before a load is no longer free after it.
            stale = held is not loaded or time.monotonic() - read_at > FRESH_S
            if machine is None or refresh or stale:
                machine = self._anew(servers, self.engaged)
                self._gpus = machine.gpus
                self._read[servers] = (time.monotonic(), machine, loaded)
        return choosing(counting_as_free(machine, loaded), wishes)

    def through(
        self,
        engine: LocalEngine,
        rpc_servers: tuple[str, ...],
        wishes: DeviceWishes | None = None,
        *,
        token: CancelToken = NEVER_CANCELLED,
    ) -> Machine:
        """The real devices, asked in the engine's child, which nothing is loaded in and which lives on.

        ``wishes`` stand for those of the settings.

        Raises:
            UserError: as ``LocalEngine.devices``.
            Cancelled: ``token`` was cancelled.
        """
        if self._gpus is not None:
            engine.gpus = self._gpus
        wishes = self.chosen() if wishes is None else wishes
        optional = _optional(wishes, rpc_servers)
        with self.alone():
            try:
                listed = engine.devices(rpc_servers, optional_servers=optional, keep=True, token=token)
                found = DeviceProbe(listed, engine.gpus)
            except UserError as error:
                if not engine.gpus or error.code.startswith("rpc_"):
                    raise
                found = probe_devices(self._log_path, rpc_servers, optional_servers=optional)
                engine.gpus = self._gpus = found.gpus
            self._before = tuple(device for device in found.found.devices if device.backend.startswith("RPC"))
            self._engine = engine
        return choosing(self._machine(found, for_load=True), wishes)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else of this program asks the devices meanwhile: an RPC server lets a second one wait."""
        with self._lock:
            yield

    @property
    def engaged(self) -> tuple[str, ...]:
        """The RPC servers that speak with the engine now, and with nobody else."""
        is_alive = self._engine is not None and self._engine.pid is not None
        return tuple(dict.fromkeys(device.description for device in self._before)) if is_alive else ()

    def missing(self, servers: tuple[str, ...]) -> tuple[UserError, ...]:
        """What is wrong with these RPC servers, which this program does not use now.  Raises as ``probe_devices``."""
        with self.alone():
            probe = probe_devices(self._log_path, optional_servers=servers)
        return tuple(UserError(each.code, **each.data) for each in probe.found.missing)

    def host(self, *, available_bytes: int | None = None, measure: bool = True) -> HostMemory:
        """The RAM as it is now, or with so much available.

        The first time with ``measure`` its speed is measured, in some tenths of a second.
        """
        if measure and self._ram_speed is None:
            with self._lock:
                self._ram_speed = self._ram_speed or measure_ram()
        return read_host(available_bytes=available_bytes, speed=self._ram_speed)

    def _anew(self, servers: _Servers, held: tuple[str, ...]) -> Machine:
        """Ask.  A server that the engine has loaded on speaks with nobody else: of it is known what was before."""
        asked, optional = (tuple(each for each in some if each not in held) for some in servers)
        probe = probe_devices(self._log_path, asked, optional_servers=optional)
        known = [device for device in self._before if device.description in held]
        found = probe.found
        if not known:
            return self._machine(probe)
        others = [device for device in found.devices if not device.backend.startswith("RPC")]
        new = [device for device in found.devices if device.backend.startswith("RPC")]
        names = tuple(each for some in servers for each in some)
        lent = sorted((*known, *new), key=lambda device: names.index(device.description))
        # Numbered as the next load will number them.
        lent = [replace(device, name=f"RPC{number}") for number, device in enumerate(lent)]
        used = tuple(each for each in names if each in held or each in found.rpc_servers)
        probe = replace(probe, found=replace(found, devices=(*others, *lent), rpc_servers=used))
        before = frozenset(device.name for device in lent if device.description in held)
        return replace(self._machine(probe), lent=before)

    def _machine(self, probe: DeviceProbe, *, for_load: bool = False) -> Machine:
        found = probe.found
        has_gpus = any(device.kind != "cpu" and not device.backend.startswith("RPC") for device in found.devices)
        # The tools of some systems take a second, and a load that no GPU is there for need not wait for them.
        asked = has_gpus or not for_load
        if asked and self._system is None:
            self._system = read_system_gpus()
        system = (self._system or ()) if asked else ()
        nvidia = read_nvidia() if asked else NvidiaFacts()
        return Machine(
            devices=plan_devices(found.devices, nvidia.cards, system),
            total_bytes={device.name: device.total_bytes for device in found.devices},
            engine=found,
            rpc_servers=found.rpc_servers,
            missing=tuple(UserError(each.code, **each.data) for each in found.missing),
            gpus=probe.gpus,
            problem=probe.problem,
            nvidia=nvidia,
            system=system,
        )


def pretended_gpus(environment: Mapping[str, str]) -> tuple[float, ...] | None:
    """The GPUs to pretend by ``PRETEND_VARIABLE``, in GiB; None where it is not set.

    Raises:
        UserError: gpus_pretended_wrong(text).
    """
    text = environment.get(PRETEND_VARIABLE, "").strip()
    return parse_gpus(text.split(",")) if text else None


def parse_gpus(words: Sequence[str]) -> tuple[float, ...]:
    """Sizes in GiB from words; ``none`` alone is no GPU at all.

    Raises:
        UserError: gpus_pretended_wrong(text).
    """
    if [word.strip().lower() for word in words] == [NO_GPUS]:
        return ()
    try:
        sizes = tuple(float(word) for word in words)
    except ValueError:
        raise UserError("gpus_pretended_wrong", text=",".join(words)) from None
    if not all(0 < size <= _MOST_PRETENDED_GIB for size in sizes):
        raise UserError("gpus_pretended_wrong", text=",".join(words))
    return sizes


def pretended_machine(gib: Sequence[float]) -> Machine:
    """GPUs that are not there, by the GiB free on each; they drive no display."""
    devices = pretended_devices(gib)
    return Machine(devices=devices, total_bytes={device.name: device.free_bytes for device in devices})


def counting_as_free(machine: Machine, loaded: EngineState | None) -> Machine:
    """The machine as it is once what is loaded has made room."""
    if loaded is None:
        return machine
    held = {name: sum(figures.values()) for name, figures in loaded.result.memory.items()}
    devices = tuple(
        replace(
            device,
            free_bytes=min(
                device.free_bytes + held.get(device.name, 0),
                max(device.free_bytes, machine.total_bytes.get(device.name, 0)),
            ),
        )
        if device.name not in machine.lent
        else device
        for device in machine.devices
    )
    return replace(machine, devices=devices)


def choosing(machine: Machine, wishes: DeviceWishes) -> Machine:
    """The machine as the settings let it be used."""
    found = []
    for device in machine.devices:
        wish = wishes.of(machine.keys.get(device.name, device.name))
        if wish.use:
            reserve = device.reserve_bytes if wish.reserve_gib is None else round(wish.reserve_gib * GIB)
            ceiling = device.ceiling_bytes if wish.ceiling_gib is None else round(wish.ceiling_gib * GIB)
            found.append(replace(device, reserve_bytes=reserve, ceiling_bytes=ceiling))
    devices = tuple(found)
    return machine if devices == machine.devices else replace(machine, devices=devices, offered=machine.devices)


def _optional(wishes: DeviceWishes, rpc_servers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(server for server in wishes.rpc_servers if server not in rpc_servers)


def is_rpc(device: PlanDevice) -> bool:
    """Whether it is lent by an RPC server."""
    return device.backend.startswith("RPC")
