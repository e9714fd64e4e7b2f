"""The figures and the geometry of the picture of a plan, without a widget and without words.

What a bar shows comes from the plan, from the devices it was made for, and from what the engine allocated when it was
loaded; where its parts lie on the screen is worked out here too, in pixels from the left end of the bar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from model_manager.devices.devices import HostMemory, PlanDevice
from model_manager.plan import USABLE_TOKENS_PER_S, DevicePlan, LoadPlan

GIB = 1 << 30
HOST = "CPU"
"""Names of the engine's host memory begin like this."""
SMALLEST_CONTEXT_STEP = 2048
LARGEST_UNTRAINED_CONTEXT = 131_072
"""Where the header does not say what the model was trained for."""

PartKind = Literal["weights", "kv", "compute", "shared", "over", "reserve", "other", "limit"]
ActualBytes = Mapping[str, Mapping[str, int]]
"""By device, and for host memory by names that begin with ``CPU``: ``weights_bytes``, ``kv_bytes``, ``compute_bytes``,
``repack_bytes``; what is missing counts as 0."""
VerdictKind = Literal["good", "warning", "bad"]

_CARD_MAKERS = ("NVIDIA GeForce ", "NVIDIA ", "AMD Radeon ", "Intel(R) Arc(TM) ", "Intel(R) ", "AMD ")
_NUMBERED = re.compile(r"[A-Za-z]+(\d+)")


@dataclass(frozen=True)
class Parts:
    """What a model takes in one place, in bytes.  ``repack`` are second copies of weights in RAM."""

    weights: int = 0
    kv: int = 0
    compute: int = 0
    repack: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.kv + self.compute + self.repack


@dataclass(frozen=True)
class Bar:
    """One device, or this machine's RAM, in bytes.

    ``name`` is the engine's, empty for RAM; ``number`` stands for it where all devices have numbers of their own.
    ``free_bytes`` is what the model could have, ``limit_bytes`` what a plan may fill of it.  ``shared_bytes`` lie on
    GPUs that take this RAM.  ``layers`` are those that lie here whole but for experts in RAM, without the output;
    ``experts`` counts the layers whose experts alone lie here.  ``is_on``: not left out by the person.
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
    shared_bytes: int = 0
    actual: Parts | None = None

    @property
    def is_ram(self) -> bool:
        """Whether it is this machine's RAM."""
        return not self.name

    @property
    def used_bytes(self) -> int:
        """What the plan puts here."""
        return self.parts.total + self.shared_bytes

    @property
    def other_bytes(self) -> int:
        """What other programs hold."""
        return max(0, self.total_bytes - self.free_bytes)

    @property
    def reserve_bytes(self) -> int:
        """What a plan leaves free."""
        return max(0, self.free_bytes - self.limit_bytes)

    @property
    def left_bytes(self) -> int:
        """Room up to the limit; negative where there is too much."""
        return self.limit_bytes - self.used_bytes


@dataclass(frozen=True)
class Stretch:
    """A part of a bar on the screen."""

    kind: PartKind
    left: float
    right: float


@dataclass(frozen=True)
class BarPlaces:
    """A bar on the screen: ``end`` of the memory itself, ``limit`` of what may be filled, and what fills it."""

    stretches: tuple[Stretch, ...]
    end: float
    limit: float


def bars_of(
    plan: LoadPlan,
    devices: Sequence[PlanDevice],
    host: HostMemory,
    total_bytes: Mapping[str, int] | None = None,
    host_total_bytes: int | None = None,
    actual: ActualBytes | None = None,
    left_out: frozenset[str] = frozenset(),
) -> tuple[Bar, ...]:
    """A bar for each device in the engine's order, also for those left out, and the last one for RAM.

    Without total bytes nothing is known of other programs.
    """
    totals, planned = total_bytes or {}, {device.name: device for device in plan.devices}
    numbers = device_numbers([device.name for device in devices])
    found = [
        _device_bar(
            device,
            planned.get(device.name),
            numbers.get(device.name),
            max(device.free_bytes, totals.get(device.name, 0)),
            plan.n_layer,
            actual,
            is_on=device.name not in left_out,
        )
        for device in devices
    ]
    sharing = {device.name for device in devices if device.shares_ram}
    shared = sum(bar.parts.total for bar in found if bar.name in sharing)
    return (*found, _ram_bar(plan, host, host_total_bytes, shared, actual))


def _device_bar(
    device: PlanDevice,
    planned: DevicePlan | None,
    number: int | None,
    total: int,
    n_layer: int,
    actual: ActualBytes | None,
    *,
    is_on: bool,
) -> Bar:
    planned = planned or DevicePlan(device.name, device.free_bytes)
    return Bar(
        name=device.name,
        number=number,
        description=device.description if device.description != device.name else "",
        is_on=is_on,
        total_bytes=total,
        free_bytes=device.free_bytes,
        limit_bytes=device.usable_bytes,
        parts=Parts(planned.weights_bytes, planned.kv_bytes, planned.compute_bytes),
        layers=tuple(layer for layer in planned.layers if layer < n_layer),
        has_output=n_layer in planned.layers,
        actual=_parts(actual[device.name]) if actual and device.name in actual else None,
    )


def _ram_bar(plan: LoadPlan, host: HostMemory, total: int | None, shared_bytes: int, actual: ActualBytes | None) -> Bar:
    memory = [_parts(parts) for name, parts in (actual or {}).items() if name.startswith(HOST)]
    return Bar(
        name="",
        number=None,
        description="",
        is_on=True,
        total_bytes=max(host.available_bytes, total or 0),
        free_bytes=host.available_bytes,
        limit_bytes=host.available_bytes - host.reserve_bytes,
        parts=Parts(plan.host.weights_bytes, plan.host.kv_bytes, plan.host.compute_bytes, plan.host.repack_bytes),
        layers=tuple(range(max(0, plan.n_layer + 1 - plan.n_gpu_layers)))[: plan.n_layer],
        has_output=plan.n_gpu_layers == 0,
        experts=len(plan.experts_in_ram),
        shared_bytes=shared_bytes,
        actual=None
        if not memory
        else Parts(
            sum(parts.weights for parts in memory),
            sum(parts.kv for parts in memory),
            sum(parts.compute for parts in memory),
            sum(parts.repack for parts in memory),
        ),
    )


def _parts(figures: Mapping[str, int]) -> Parts:
    kinds = ("weights_bytes", "kv_bytes", "compute_bytes", "repack_bytes")
    return Parts(*(figures.get(kind, 0) for kind in kinds))


def device_numbers(names: Sequence[str]) -> dict[str, int]:
    """The engine's own number of each device, where it makes them different: of ``CUDA0`` and ``CUDA1``, 0 and 1."""
    matches = {name: _NUMBERED.fullmatch(name) for name in names}
    numbers = {name: int(match[1]) for name, match in matches.items() if match}
    return numbers if len(set(numbers.values())) == len(names) else {}


def short_description(description: str) -> str:
    """A card's name without its maker's: RTX 4090."""
    for maker in _CARD_MAKERS:
        if description.startswith(maker):
            return description.removeprefix(maker)
    return description


def full_bytes(bars: Sequence[Bar]) -> int:
    """How many bytes the whole width stands for, so that the bars can be compared with each other."""
    return max((max(bar.total_bytes, bar.used_bytes, bar.actual.total if bar.actual else 0) for bar in bars), default=1)


def places_of(bar: Bar, width: float, full: int) -> BarPlaces:
    """Where the parts of a bar lie in ``width`` pixels that stand for ``full`` bytes.

    The model grows from the left; the reserve and other programs stand at the right end, beyond the limit.  What is
    beyond the limit is ``over``: it may cover them, and go on beyond the end.
    """

    def x(n_bytes: int) -> float:
        return width * n_bytes / max(1, full)

    found: list[Stretch] = []
    parts = bar.parts
    filled = 0
    for kind, n_bytes in (
        ("weights", parts.weights + parts.repack),
        ("kv", parts.kv),
        ("compute", parts.compute),
        ("shared", bar.shared_bytes),
    ):
        inside = max(0, min(filled + n_bytes, bar.limit_bytes) - filled)
        if inside:
            found.append(Stretch(kind, x(filled), x(filled + inside)))  # type: ignore[arg-type]
        filled += inside
    if bar.left_bytes < 0:
        found.append(Stretch("over", x(filled), x(bar.used_bytes)))
    covered = max(bar.limit_bytes, bar.used_bytes)
    for kind, begin, end in (
        ("reserve", bar.limit_bytes, bar.free_bytes),
        ("other", bar.free_bytes, bar.total_bytes),
    ):
        if end > max(begin, covered):
            found.append(Stretch(kind, x(max(begin, covered)), x(end)))  # type: ignore[arg-type]
    return BarPlaces(tuple(found), x(bar.total_bytes), x(bar.limit_bytes))


def actual_places(parts: Parts, width: float, full: int) -> tuple[Stretch, ...]:
    """The same for what the engine allocated."""
    found: list[Stretch] = []
    filled = 0
    for kind, n_bytes in (("weights", parts.weights + parts.repack), ("kv", parts.kv), ("compute", parts.compute)):
        if n_bytes:
            ends = [width * value / max(1, full) for value in (filled, filled + n_bytes)]
            found.append(Stretch(kind, *ends))  # type: ignore[arg-type]
        filled += n_bytes
    return tuple(found)


def verdict_kind(plan: LoadPlan) -> VerdictKind:
    """Good: on the GPUs alone, or fast enough all the same.  Warning: it works, slowly.  Bad: it does not fit."""
    if plan.verdict == "does_not_fit":
        return "bad"
    fast = plan.verdict == "gpu" or plan.tokens_per_second_estimate >= USABLE_TOKENS_PER_S
    return "good" if fast else "warning"


def context_steps(trained: int | None, now: int) -> tuple[int, ...]:
    """The contexts to choose from: doubled from 2048 up to what the model was trained for, and the one of now."""
    most = trained or max(LARGEST_UNTRAINED_CONTEXT, now)
    steps = {most, now}
    step = SMALLEST_CONTEXT_STEP
    while step < most:
        steps.add(step)
        step *= 2
    return tuple(sorted(steps))


def nearest_step(steps: Sequence[int], context: int) -> int:
    """The place of the step that is nearest to ``context``."""
    return min(range(len(steps)), key=lambda place: abs(steps[place] - context))


def strip_edges(counts: Sequence[int], width: float, least: float) -> tuple[float, ...]:
    """The borders of segments that share ``width`` pixels, one more than there are segments.

    Each gets at least ``least`` pixels, so that an empty one can be seen and its two borders taken apart.
    """
    if not counts:
        return (0.0,)
    least = min(least, width / len(counts))
    spare, total = width - least * len(counts), max(1, sum(counts))
    edges = [0.0]
    for count in counts:
        edges.append(edges[-1] + least + spare * count / total)
    return tuple(edges)


def pixels_a_slot(counts: Sequence[int], width: float, least: float) -> float:
    """How far a border goes for one layer."""
    return max(0.5, (width - least * len(counts)) / max(1, sum(counts)))
