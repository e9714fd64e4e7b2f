"""Plans that worked after memory ran out, or were the fastest, by file, devices, driver and options: ``plans.json``.

A forecast that was wrong once would be wrong the next time, and to find out costs a load.  A note is ignored when more
memory is free than when it was made.  Plans that worked at once are not noted.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from app.planning.machine import Machine
from model_manager.devices.devices import HostMemory
from model_manager.disk.json_file import JsonError, JsonFile, from_plain
from model_manager.errors import UserError
from model_manager.plan import LoadPlan, PlanOptions

MAX_NOTES = 100
MORE_BYTES = 256 << 20
"""This much more free memory on a device is a reason to plan again."""
MORE_RAM = 1.1
"""So is this factor of available RAM, where everything is in RAM."""
_KEY_FIELDS = (
    "context", "kv_type", "flash_attention", "devices", "tensor_split", "n_gpu_layers", "experts_in_ram", "batch",
    "micro_batch", "threads", "split_mode", "main_gpu", "pipeline", "output_rows", "full_windows", "margin_bytes",
)  # fmt: skip
"""Fields of the first version's key, in its order; others count where they are fixed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlanCase:
    """The circumstances of a plan."""

    path: Path
    options: PlanOptions
    machine: Machine
    host: HostMemory

    @property
    def key(self) -> str:
        """The same for the same file (by name, size and time of change), devices, driver and options."""
        try:
            found = self.path.stat()
            stamp = f"{found.st_size} {found.st_mtime_ns}"
        except OSError:
            stamp = ""
        # The machine has the RPC servers.
        more = [name for name in self.options.fixed if name not in (*_KEY_FIELDS, "rpc_servers")]
        values = ", ".join(f"{name}={getattr(self.options, name)!r}" for name in (*_KEY_FIELDS, *more))
        text = "\n".join((str(self.path), stamp, f"Wishes({values})", self.machine.fingerprint))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class RememberedPlans:
    """The notes of one data folder.  Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, dict[str, Any], {})
        self._lock = threading.Lock()

    def find(self, case: PlanCase) -> PlanOptions | None:
        """Return options that reproduce the plan that worked; None without a note or if more memory is free now."""
        with self._lock:
            note: Any = self._file.read().get(case.key)
        try:
            free: dict[str, int] = note["free_bytes"]
            if any(device.free_bytes > free[device.name] + MORE_BYTES for device in case.machine.devices):
                return None
            if not case.machine.devices and case.host.available_bytes > note["available_bytes"] * MORE_RAM:
                return None
            return from_plain(note["wishes"], PlanOptions)
        except (JsonError, KeyError, TypeError):
            return None

    def note(self, case: PlanCase, plan: LoadPlan) -> None:
        """Remember that this plan worked.  Errors of the file are only logged."""
        note = {
            "wishes": reproducing(plan),
            "free_bytes": {device.name: device.free_bytes for device in case.machine.devices},
            "available_bytes": case.host.available_bytes,
        }
        with self._lock:
            notes = {key: each for key, each in self._file.read().items() if key != case.key}
            try:
                self._file.write(dict(list({**notes, case.key: note}.items())[-MAX_NOTES:]))
            except UserError as error:
                logger.warning("plan not remembered: %s", error.code)


def reproducing(plan: LoadPlan, rpc_servers: tuple[str, ...] = ()) -> PlanOptions:
    """Return options with which the planner makes this plan again; ``rpc_servers`` are the required ones."""
    on_devices = plan.n_gpu_layers > 0
    is_named = on_devices or plan.spec.split_mode == "none"
    options = PlanOptions(**{field.name: getattr(plan.spec, field.name) for field in fields(plan.spec)})
    return replace(
        options,
        devices=tuple(device.name for device in plan.devices) if is_named else (),
        tensor_split=plan.tensor_split if on_devices else (),
        experts_in_ram=plan.experts_in_ram if on_devices else None,
        rpc_servers=rpc_servers,
        repack=True,
        mmap=None,
    )
