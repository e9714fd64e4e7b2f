"""Read speed of the RAM, measured once per machine and remembered in the data folder."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.units import GIB
from model_manager.devices.devices import RamSpeed, usable_cores
from model_manager.devices.ram_bandwidth import measure_ram
from model_manager.disk.json_file import JsonFile
from model_manager.errors import UserError
from model_manager.plan.speed import UNKNOWN_RAM

IDLE_SAMPLE_S = 0.1
IDLE_PERCENT = 20.0
"""What is measured while other programs use more of the processor is too low, and isn't remembered."""
_USUAL = RamSpeed(UNKNOWN_RAM, UNKNOWN_RAM / 4)
PLAUSIBLE = (1e8, 1e13)
"""Bytes per second."""


@dataclass(frozen=True)
class _Measured:
    machine: str
    speed: RamSpeed


_NOTHING = _Measured("", RamSpeed(0.0, 0.0))


class RememberedRamSpeed:
    """Speed of this machine's RAM; the owner holds a lock during ``measure``."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, _Measured, _NOTHING)
        self._speed: RamSpeed | None = None

    def known(self) -> RamSpeed | None:
        """Return the speed if it was measured, now or in an earlier run on this machine."""
        if self._speed is None:
            stored = self._file.read()
            low, high = PLAUSIBLE
            if stored.machine == machine_name() and low <= stored.speed.one_core <= stored.speed.all_cores <= high:
                self._speed = stored.speed
        return self._speed

    def measure(self) -> RamSpeed:
        """Return the speed, measured in half a second if unknown; on a busy machine at least the usual one."""
        if (known := self.known()) is not None:
            return known
        is_idle = psutil.cpu_percent(IDLE_SAMPLE_S) < IDLE_PERCENT
        measured = measure_ram()
        if is_idle:
            self._speed = measured
            with suppress(UserError):
                self._file.write(_Measured(machine_name(), measured))
        else:
            all_cores, one_core = max(measured.all_cores, _USUAL.all_cores), max(measured.one_core, _USUAL.one_core)
            self._speed = RamSpeed(all_cores, one_core)
        return self._speed


def machine_name() -> str:
    """Return what distinguishes this machine from others, for figures measured on it."""
    gib = round(psutil.virtual_memory().total / GIB)
    return f"{platform.node()}, {platform.machine()}, {usable_cores()} cores, {gib} GiB"
