"""Values and geometry of the bars in the memory plan, without widgets and texts.

A bar combines the plan, its devices and what the engine allocated.  Positions are in pixels from the bar's left end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from model_manager.devices.devices import Device, HostMemory
from model_manager.plan.load_plan import DevicePlan, LoadPlan
from model_manager.plan.recommendation import USABLE_TOKENS_PER_S

HOST = "CPU"
"""Prefix of the engine's names for host memory."""
MIN_CONTEXT_STEP = 2048
MAX_UNTRAINED_CONTEXT = 131_072
"""Largest context in tokens if the header has no training context."""

PartKind = Literal["weights", "kv", "compute", "projector", "repack", "shared", "over", "reserve", "other", "limit"]
Parts = Mapping[PartKind, int]
"""Memory of a model on one device, in bytes: weights, KV cache, compute buffers, the projector for pictures, and in RAM
second copies of weights (``repack``) and what GPUs take that share it (``shared``)."""
ActualBytes = Mapping[str, Mapping[str, int]]
"""``weights_bytes``, ``kv_bytes``, ``compute_bytes``, ``projector_bytes``, ``repack_bytes`` (missing: 0) by device;
host memory has names with the prefix ``CPU``."""
VerdictKind = Literal["good", "warning", "bad"]

_GPU_VENDORS = ("NVIDIA GeForce ", "NVIDIA ", "AMD Radeon ", "Intel(R) Arc(TM) ", "Intel(R) ", "AMD ")
_NUMBERED = re.compile(r"[A-Za-z]+(\d+)")


@dataclass(frozen=True)
class Bar:
    """One device, or the RAM of this machine; all sizes in bytes.

    ``name`` is the engine's, empty for RAM; ``number`` replaces it if all devices have different numbers.  A plan may
    use ``limit_bytes`` of ``free_bytes``.  ``layers`` are on this device (their experts can be in RAM), without the
    output; ``experts`` counts the layers with only their experts here.  ``is_on`` is false for a device that the user
    excluded.  ``actual`` is what the engine allocated.
    """

    name: str
    number: int | None
    description: str
    is_on: bool
    total_bytes: int
    free_bytes: int
    limit_bytes: int
    parts: Parts
    layers: tuple[int, ...] = ()
    has_output: bool = False
    experts: int = 0
    actual: Parts | None = None

    @property
    def is_ram(self) -> bool:
        """Whether this is the RAM of this machine."""
        return not self.name

    @property
    def used_bytes(self) -> int:
        """Memory the plan uses."""
        return sum(self.parts.values())

    @property
    def other_bytes(self) -> int:
        """Memory of other programs."""
        return max(0, self.total_bytes - self.free_bytes)

    @property
    def reserve_bytes(self) -> int:
        """Memory a plan leaves free."""
        return max(0, self.free_bytes - self.limit_bytes)

    @property
    def left_bytes(self) -> int:
        """Memory left up to the limit; negative if the plan exceeds it."""
        return self.limit_bytes - self.used_bytes


@dataclass(frozen=True)
class BarPart:
    """A part of a bar on the screen, in pixels."""

    kind: PartKind
    left: float
    right: float


@dataclass(frozen=True)
class BarGeometry:
    """A bar on the screen, in pixels: its parts, the ``end`` of the memory and the ``limit`` a plan may fill."""

    stretches: tuple[BarPart, ...]
    end: float
    limit: float


def bars_of(
    plan: LoadPlan,
    devices: Sequence[Device],
    host: HostMemory,
    actual: ActualBytes | None = None,
    left_out: frozenset[str] = frozenset(),
) -> tuple[Bar, ...]:
    """Return a bar for each device in the engine's order, including ``left_out``, and one for RAM.

    Without total bytes the memory of other programs is unknown.
    """
    planned = {device.name: device for device in plan.devices}
    numbers, in_ram = device_numbers([device.name for device in devices]), plan.n_layer + 1 - plan.n_gpu_layers
    found: list[Bar] = []
    for device in devices:
        own = planned.get(device.name) or DevicePlan(device.name, device.free_bytes)
        bar = Bar(
            name=device.name,
            number=numbers.get(device.name),
            description=device.description if device.description != device.name else "",
            is_on=device.name not in left_out,
            total_bytes=max(device.free_bytes, device.total_bytes),
            free_bytes=device.free_bytes,
            limit_bytes=device.usable_bytes,
            parts=_parts(vars(own)),
            layers=tuple(layer for layer in own.layers if layer < plan.n_layer),
            has_output=plan.n_layer in own.layers,
            actual=_parts(actual[device.name]) if actual and device.name in actual else None,
        )
        found.append(bar)
    shared = sum(bar.used_bytes for bar, device in zip(found, devices, strict=True) if device.shares_ram)
    memory = [parts for name, parts in (actual or {}).items() if name.startswith(HOST)]
    ram = Bar(
        name="",
        number=None,
        description="",
        is_on=True,
        total_bytes=max(host.available_bytes, host.total_bytes),
        free_bytes=host.available_bytes,
        limit_bytes=host.available_bytes - host.reserve_bytes,
        parts={**_parts(vars(plan.host)), "shared": shared},
        layers=tuple(range(min(in_ram, plan.n_layer))),
        has_output=plan.n_gpu_layers == 0,
        experts=len(plan.experts_in_ram),
        actual=_parts(*memory) if memory else None,
    )
    return (*found, ram)


def _parts(*figures: Mapping[str, Any]) -> Parts:
    kinds: tuple[PartKind, ...] = ("weights", "kv", "compute", "projector", "repack")
    return {kind: sum(each.get(f"{kind}_bytes", 0) for each in figures) for kind in kinds}


def device_numbers(names: Sequence[str]) -> dict[str, int]:
    """Return the numbers in the device names (``CUDA0``: 0), or nothing if they are not unique."""
    matches = {name: _NUMBERED.fullmatch(name) for name in names}
    numbers = {name: int(match[1]) for name, match in matches.items() if match}
    return numbers if len(set(numbers.values())) == len(names) else {}


def short_description(description: str) -> str:
    """Return a GPU's name without the vendor: RTX 4090."""
    vendor = next((vendor for vendor in _GPU_VENDORS if description.startswith(vendor)), "")
    return description.removeprefix(vendor)


def full_bytes(bars: Sequence[Bar]) -> int:
    """Return the bytes that the full width represents, the same for all bars so that they are comparable."""
    return max((max(bar.total_bytes, bar.used_bytes, sum((bar.actual or {}).values())) for bar in bars), default=1)


def places_of(bar: Bar, width: float, full: int) -> BarGeometry:
    """Return the positions of a bar's parts in ``width`` pixels that represent ``full`` bytes.

    The model starts at the left; reserve and other programs are at the right, beyond the limit.  The part beyond the
    limit is ``over``, which can cover them and extend beyond the end.
    """
    scale = width / max(1, full)
    model = []
    for stretch in part_places(bar.parts, width, full):
        inside = min(stretch.right, bar.limit_bytes * scale)
        if inside > stretch.left:
            model.append(BarPart(stretch.kind, stretch.left, inside))
    filled = min(bar.used_bytes, max(0, bar.limit_bytes))
    if bar.left_bytes < 0:
        model.append(BarPart("over", filled * scale, bar.used_bytes * scale))
    covered = max(bar.limit_bytes, bar.used_bytes)
    if bar.free_bytes > covered:
        model.append(BarPart("reserve", covered * scale, bar.free_bytes * scale))
    if bar.total_bytes > max(bar.free_bytes, covered):
        model.append(BarPart("other", max(bar.free_bytes, covered) * scale, bar.total_bytes * scale))
    return BarGeometry(tuple(model), bar.total_bytes * scale, bar.limit_bytes * scale)


def part_places(parts: Parts, width: float, full: int) -> tuple[BarPart, ...]:
    """Return the positions of the model's parts; copies of weights are weights."""
    scale, begin, found = width / max(1, full), 0, []
    sizes = {**parts, "weights": parts.get("weights", 0) + parts.get("repack", 0), "repack": 0}
    for kind, n_bytes in sizes.items():
        if n_bytes:
            found.append(BarPart(kind, begin * scale, (begin + n_bytes) * scale))
        begin += n_bytes
    return tuple(found)


def verdict_kind(plan: LoadPlan) -> VerdictKind:
    """Rate a plan: good if on GPUs only or fast enough, a warning if slow, bad if it does not fit."""
    if plan.verdict == "does_not_fit":
        return "bad"
    fast = plan.verdict == "gpu" or plan.tokens_per_second_estimate >= USABLE_TOKENS_PER_S
    return "good" if fast else "warning"


def context_steps(trained: int | None, current: int) -> tuple[int, ...]:
    """Return the contexts to offer: powers of two from 2048 to the training context, and the current one."""
    maximum = trained or max(MAX_UNTRAINED_CONTEXT, current)
    steps = {maximum, current}
    step = MIN_CONTEXT_STEP
    while step < maximum:
        steps.add(step)
        step *= 2
    return tuple(sorted(steps))


def strip_edges(counts: Sequence[int], width: float, minimum: float) -> tuple[float, ...]:
    """Return the edges of segments in ``width`` pixels, one more than there are segments.

    Each segment gets at least ``minimum`` pixels, so that an empty one is visible and its borders can be told apart.
    """
    if not counts:
        return (0.0,)
    minimum = min(minimum, width / len(counts))
    spare, total = width - minimum * len(counts), max(1, sum(counts))
    edges = [0.0]
    for count in counts:
        edges.append(edges[-1] + minimum + spare * count / total)
    return tuple(edges)


def pixels_per_layer(counts: Sequence[int], width: float, minimum: float) -> float:
    """Return the distance a border moves for one layer."""
    return max(0.5, (width - minimum * len(counts)) / max(1, sum(counts)))
