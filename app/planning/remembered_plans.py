"""Which plan worked after memory had run out, for each file, devices, driver and wishes: ``plans.json``.

What was forecast to fit and did not would not fit the next time either, and to find that out takes a load.  A note is
left unused once there is more free memory than when it was made.  Plans that worked at once are not noted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.planning.machine import Machine
from model_manager.devices.devices import HostMemory
from model_manager.disk.files import write_atomically
from model_manager.errors import UserError
from model_manager.plan import LoadPlan, Wishes

MOST_NOTES = 100
MORE_BYTES = 256 << 20
"""So much more free memory on a device is a reason to try again."""
MORE_RAM = 1.1
"""And so many times the available RAM, where everything lies in it."""
_TUPLES = ("devices", "tensor_split", "experts_in_ram")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Case:
    """What a note is about."""

    path: Path
    wishes: Wishes
    machine: Machine
    host: HostMemory

    @property
    def key(self) -> str:
        """The same for the same file (by name, size and time of change), devices, driver and wishes."""
        try:
            found = self.path.stat()
            stamp = f"{found.st_size} {found.st_mtime_ns}"
        except OSError:
            stamp = ""
        text = "\n".join((str(self.path), stamp, repr(self.wishes), self.machine.fingerprint))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class RememberedPlans:
    """The notes of one data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def find(self, case: Case) -> Wishes | None:
        """Wishes that fix the plan that worked, None where there is no note or more is free now."""
        note = self._read().get(case.key)
        if not isinstance(note, dict):
            return None
        try:
            free: dict[str, int] = note["free_bytes"]
            if any(device.free_bytes > free[device.name] + MORE_BYTES for device in case.machine.devices):
                return None
            if not case.machine.devices and case.host.available_bytes > note["available_bytes"] * MORE_RAM:
                return None
            values: dict[str, Any] = dict(note["wishes"])
            tuples = {key: tuple(values[key]) for key in _TUPLES if values[key] is not None}
            return Wishes(**{**values, **tuples})
        except (KeyError, TypeError, ValueError):
            return None

    def note(self, case: Case, plan: LoadPlan) -> None:
        """Remember that this one worked.  A file that cannot be written is logged, no more."""
        with self._lock:
            notes = self._read()
            notes.pop(case.key, None)
            notes[case.key] = {
                "wishes": dataclasses.asdict(fixing(plan)),
                "free_bytes": {device.name: device.free_bytes for device in case.machine.devices},
                "available_bytes": case.host.available_bytes,
            }
            self._write(notes)

    def _read(self) -> dict[str, Any]:
        try:
            notes = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logger.warning("remembered plans not readable: %s", error)
            return {}
        return notes if isinstance(notes, dict) else {}

    def _write(self, notes: dict[str, Any]) -> None:
        kept = dict(list(notes.items())[-MOST_NOTES:])
        try:
            write_atomically(self._path, json.dumps(kept, indent=1).encode())
        except UserError as error:
            logger.warning("remembered plan not kept: %s", error.code)


def fixing(plan: LoadPlan) -> Wishes:
    """Wishes that leave nothing open but what the plan left open."""
    on_devices = plan.n_gpu_layers > 0
    return Wishes(
        context=plan.context,
        kv_type=plan.kv_type,
        flash_attention=plan.flash_attention,
        devices=tuple(device.name for device in plan.devices) if on_devices else (),
        tensor_split=plan.tensor_split if on_devices else (),
        n_gpu_layers=plan.n_gpu_layers,
        experts_in_ram=plan.experts_in_ram if on_devices else None,
        batch=plan.batch,
        micro_batch=plan.micro_batch,
        threads=plan.threads,
        split_mode=plan.split_mode,
        main_gpu=plan.main_gpu,
        pipeline=plan.pipeline,
        output_rows=plan.output_rows,
        full_windows=plan.full_windows,
    )
