"""Plan options in files: those that the user fixed for a model, and those of plans that worked or were the fastest."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeGuard

from app.config.settings import AUTOMATIC_LAYERS, Settings
from app.planning.basis import PlanBasis, applicable_options
from app.planning.ram_speed import machine_name
from model_manager.disk.json_file import JsonError, JsonFile, from_plain
from model_manager.errors import UserError
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import AttentionShape

MAX_NOTES = 100
SAME_SPEED = 0.05
"""Answers whose speeds differ by less than this fraction are equally fast."""
MAX_SPEED = 1e6
LEAST_ATTENTION, MOST_KEYS = 1 << 14, 1 << 14
"""Numbers of a token's queries in all layers for which the way matters, and most of its keys in one."""
MORE_BYTES = 256 << 20
"""This much more free memory on a device is a reason to plan again."""
MORE_RAM = 1.1
"""So is this factor of available RAM, where everything is in RAM."""
_KEY_FIELDS = (
    "context", "kv_type", "flash_attention", "devices", "tensor_split", "n_gpu_layers", "experts_in_ram", "batch",
    "micro_batch", "threads", "split_mode", "main_gpu", "pipeline", "output_rows", "full_windows", "margin_bytes",
)  # fmt: skip
"""Fields of the first version's key, in its order; others count where they are fixed."""

_BOUNDS = {
    "context": (1, 1 << 27),
    "n_gpu_layers": (-1, 1 << 16),
    "threads": (1, 1 << 12),
    "margin_bytes": (0, 1 << 50),
    **dict.fromkeys(("batch", "micro_batch", "offload_min_batch", "output_rows"), (0, 1 << 24)),
}
_LEAST_SHARES, _MOST_SHARES = 1e-6, 1e15
"""Sums that 32 bits hold exactly enough."""

logger = logging.getLogger(__name__)


class _Notes:
    """Values by key in a JSON file.  Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, dict[str, Any], {})
        self._lock = threading.Lock()

    @property
    def problem(self) -> UserError | None:
        """The error if the file can't be read."""
        with self._lock:
            self._file.read()
            return self._file.problem

    def _get(self, key: str) -> Any:
        with self._lock:
            return self._file.read().get(key)

    def _set(self, key: str, value: object, *, limit: int | None = None) -> None:
        """Store a value as the newest of at most ``limit``; None removes it."""
        with self._lock:
            notes = [each for each in self._file.read().items() if each[0] != key]
            notes += [(key, value)] if value is not None else []
            self._file.write(dict(notes if limit is None else notes[-limit:]))


def _options(stored: object) -> PlanOptions:
    """Convert stored options.  Raises ``JsonError`` also for numbers with which nothing can be planned or loaded."""
    options = from_plain(stored, PlanOptions)
    for name, (least, most) in _BOUNDS.items():
        value = getattr(options, name)
        if value is not None and not least <= value <= most:
            raise JsonError(f"{value} - at `$.{name}`")
    shares = options.tensor_split
    if shares and not (min(shares) >= 0 and _LEAST_SHARES <= sum(shares) <= _MOST_SHARES):
        raise JsonError(f"{shares} - at `$.tensor_split`")
    return options


class ModelOverrides(_Notes):
    """Options that the user fixed, by model: ``wishes.json``."""

    def get(self, model_id: str) -> PlanOptions:
        """Return the options of a model, defaults where it has none or they cannot be read."""
        try:
            return _options(self._get(model_id) or {})
        except JsonError as error:
            logger.warning("options of %s are invalid: %s", model_id, error)
            return PlanOptions()

    def set(self, model_id: str, options: PlanOptions) -> None:
        """Store the options for all further loads of a model.  Raises UserError as ``JsonFile.write``."""
        self._set(model_id, options.fixed or None)


def plan_options_from(settings: Settings) -> PlanOptions:
    """Return what the settings fix for all models."""
    layers = settings.gpu_layers
    return PlanOptions(context=settings.context or None, n_gpu_layers=None if layers == AUTOMATIC_LAYERS else layers)


class RememberedPlans(_Notes):
    """Plans that worked after memory ran out, or were the fastest: ``plans.json``.

    A forecast that was wrong once would be wrong the next time, and to find out costs a load.  A note is ignored when
    more memory is free than when it was made.  Plans that worked at once are not noted.
    """

    def find(self, basis: PlanBasis, options: PlanOptions) -> PlanOptions | None:
        """Return options that reproduce the plan that worked; None without a note or if more memory is free now."""
        note = self._get(_key(basis, options))
        devices, available = basis.machine.devices, basis.host.available_bytes
        try:
            free: dict[str, int] = note["free_bytes"]
            if any(device.free_bytes > free[device.name] + MORE_BYTES for device in devices):
                return None
            if not devices and available > note["available_bytes"] * MORE_RAM:
                return None
            return _options(note["wishes"])
        except (JsonError, KeyError, TypeError):
            return None

    def note(self, basis: PlanBasis, options: PlanOptions, plan: LoadPlan) -> None:
        """Remember that this plan worked.  Errors of the file are only logged."""
        note = {
            "wishes": options_reproducing(plan),
            "free_bytes": {device.name: device.free_bytes for device in basis.machine.devices},
            "available_bytes": basis.host.available_bytes,
        }
        try:
            self._set(_key(basis, options), note, limit=MAX_NOTES)
        except UserError as error:
            logger.warning("plan not remembered: %s", error.code)


class MeasuredSpeeds(_Notes):
    """Speeds that were measured, by file and plan: ``speeds.json``.  Those of *Measure* count most."""

    def note(self, path: Path, plan: LoadPlan, tokens_per_second: float, reading: float | None = None) -> None:
        """Store the speed of an answer, or those of *Measure*, which knows that of ``reading`` a prompt (tokens/s) too.

        Errors of the file are only logged.
        """
        key = _speed_key(path, plan)
        before = self._get(key)
        if isinstance(before, dict) and isinstance(known := before.get("tokens_per_second"), float):
            is_known = abs(tokens_per_second - known) < SAME_SPEED * known
            if reading is None and (before.get("reading") or is_known):
                return
        try:
            self._set(key, {"tokens_per_second": float(tokens_per_second), "reading": reading}, limit=MAX_NOTES)
        except UserError as error:
            logger.warning("speed not remembered: %s", error.code)

    def applied(self, path: Path, plan: LoadPlan) -> LoadPlan:
        """Return the plan with the measured speeds in place of the estimates, where there are some."""
        note = self._get(_speed_key(path, plan))
        speed, reading = (
            (note.get("tokens_per_second"), note.get("reading")) if isinstance(note, dict) else (None, None)
        )
        if not _is_speed(speed) or plan.verdict == "does_not_fit":
            return plan
        reasons = tuple(each for each in plan.reasons if each not in ("speed_guessed", "speed_measured"))
        return replace(
            plan,
            tokens_per_second_estimate=speed,
            prompt_tokens_per_second_estimate=reading if _is_speed(reading) else plan.prompt_tokens_per_second_estimate,
            reasons=(*reasons, "speed_measured"),
        )


def _is_speed(value: object) -> TypeGuard[float]:
    return isinstance(value, float) and 0 < value < MAX_SPEED


def _speed_key(path: Path, plan: LoadPlan) -> str:
    """The same for the same file in any folder, computer and placement, whatever the length of the context."""
    layers = [(device.name, device.layers) for device in plan.used_devices]
    spec = plan.spec
    values = (plan.verdict, layers, plan.experts_in_ram, spec.stacks_on_devices, plan.kv_type, spec.threads)
    text = "\n".join((path.name, _stamp(path), machine_name(), repr(values)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


class RememberedAttention(_Notes):
    """Whether flash attention is faster on this processor, by the model's attention: ``attention.json``.

    Measured once, before the first load on the CPU alone.  A machine that is busy then keeps the default, as one that
    was measured later would read all conversations again.
    """

    def applied(self, basis: PlanBasis, measure: Callable[[AttentionShape], float | None] | None = None) -> PlanBasis:
        """Return the basis with what is known, or measured now where ``measure`` is given."""
        shape, engine = basis.shape.attention, basis.machine.engine
        if shape is None or engine is None or basis.machine.devices:
            return basis
        is_small = shape.heads * shape.width * shape.layers < LEAST_ATTENTION
        if is_small or shape.key_heads * shape.width > MOST_KEYS:
            return basis
        key = f"{machine_name()}, {engine.engine}, {shape.heads} {shape.key_heads} {shape.width} {shape.layers}"
        gain = self._get(key)
        if not isinstance(gain, float) and measure is not None:
            gain = 0.0
            with suppress(UserError):
                gain = measure(shape) or 0.0
            with suppress(UserError):
                self._set(key, gain, limit=MAX_NOTES)
        return replace(basis, host=replace(basis.host, flash_attention_gain=gain)) if isinstance(gain, float) else basis


def _key(basis: PlanBasis, options: PlanOptions) -> str:
    """The same for the same file (by name, size and time of change), devices, driver and options."""
    path, options = basis.headers[0].path, applicable_options(options, basis.machine)
    # The machine has the RPC servers.
    more = [name for name in options.fixed if name not in (*_KEY_FIELDS, "rpc_servers")]
    # As the first version wrote it.
    rows = 1 if options.output_rows == PlanOptions.output_rows else options.output_rows
    options = replace(options, full_windows=options.full_windows is not False, output_rows=rows)
    values = ", ".join(f"{name}={getattr(options, name)!r}" for name in (*_KEY_FIELDS, *more))
    text = "\n".join((path.name, _stamp(path), f"Wishes({values})", basis.machine.fingerprint))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def options_reproducing(plan: LoadPlan, rpc_servers: tuple[str, ...] = ()) -> PlanOptions:
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
