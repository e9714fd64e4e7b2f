"""Split of layers over devices: llama.cpp's rule, and the search for the best split.

The engine computes the devices of layers from shares (``tensor_split``) and a number of layers (``n_gpu_layers``);
``layers_of`` is that computation.  The search works on *slots*: the layers on devices in order, followed by the output.
Every device holds a run of slots; of a slot only the experts can be in RAM.

Source: ``llama_model_base::load_tensors`` in ``src/llama-model.cpp``, as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import ctypes
import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

_SPREAD_STEPS = 9


def layers_of(tensor_split: Sequence[float], n_gpu_layers: int, n_layer: int) -> tuple[int | None, ...]:
    """Compute the device of every layer and, last, of the output, as the engine does; None is host memory.

    ``n_gpu_layers`` counts the output too: with ``n_layer + 1`` everything is on devices, with 1 the output alone.
    """
    slots = n_layer + 1
    on_devices = min(max(0, n_gpu_layers), slots) if tensor_split else 0
    first = slots - on_devices
    ends = _normalised(tensor_split) if on_devices else []
    return tuple(
        None if slot < first else min(bisect_right(ends, _f32((slot - first) / on_devices)), len(ends) - 1)
        for slot in range(slots)
    )


def _normalised(tensor_split: Sequence[float]) -> list[float]:
    # Sums and quotients in 32 bits as in the engine, for the same rounding at the borders.
    sums = [_f32(value) for value in accumulate(map(_f32, tensor_split), lambda a, b: _f32(a + b))]
    return [_f32(value / sums[-1]) for value in sums]


def _f32(value: float) -> float:
    return ctypes.c_float(value).value


@dataclass(frozen=True)
class DeviceCapacity:
    """Memory left on one device in bytes, besides its compute buffers.

    ``with_output`` if the output is among its slots; ``leading`` is subtracted for the first device with a slot.
    ``experts_out``: whether experts of its layers may be in RAM.
    """

    plain: int
    with_output: int
    leading: int = 0
    experts_out: bool = True

    def less(self, n_bytes: int) -> DeviceCapacity:
        """Return the memory reduced by ``n_bytes``."""
        return replace(self, plain=self.plain - n_bytes, with_output=self.with_output - n_bytes)


@dataclass(frozen=True)
class Slots:
    """Slots to place: for each the bytes that must be on its device, and those of its experts."""

    dense: tuple[int, ...]
    experts: tuple[int, ...]

    @cached_property
    def with_experts(self) -> int:
        """Number of slots with experts."""
        return sum(1 for n_bytes in self.experts if n_bytes)

    def after(self, start: int) -> Slots:
        """Return the slots from ``start``."""
        return Slots(self.dense[start:], self.experts[start:])

    def without_experts(self) -> Slots:
        """Return the slots with the experts of all of them in RAM."""
        return Slots(self.dense, (0,) * len(self.dense))


@dataclass(frozen=True)
class LayerSplit:
    """A solution: number of slots per device, and the slots whose experts are in RAM (indices in ``Slots``)."""

    counts: tuple[int, ...]
    in_ram: tuple[int, ...]


def fit(slots: Slots, rooms: Sequence[DeviceCapacity], most: int) -> LayerSplit | None:
    """Find the layout with the fewest slots' experts in RAM, at most ``most`` of them; None where none fits.

    Exact: for every number of experts in RAM it tracks the farthest slot that the first devices can reach, and a device
    that begins farther on never needs to leave out more than one that begins earlier.
    """
    end = len(slots.dense)
    most = min(most, slots.with_experts)
    reached: list[int] = [0] * (most + 1)
    steps: list[list[tuple[int, int]]] = []
    for room in rooms:
        farther = list(reached)
        step = [(0, 0)] * (most + 1)
        known: dict[int, list[int]] = {}
        for before, start in enumerate(reached):
            if start == end or (before and reached[before - 1] == start):
                continue  # the same start with fewer left out is at least as good
            if start not in known:
                known[start] = _reach(slots, start, room, most - before if room.experts_out else 0)
            for left_out, stop in enumerate(known[start]):
                if stop > farther[before + left_out]:
                    farther[before + left_out] = stop
                    step[before + left_out] = (before, stop - start)
        for number in range(1, most + 1):
            if farther[number] < farther[number - 1]:
                farther[number] = farther[number - 1]
                step[number] = step[number - 1]
        steps.append(step)
        reached = farther
    total = next((number for number, stop in enumerate(reached) if stop == end), None)
    if total is None:
        return None
    counts: list[int] = []
    for step in reversed(steps):
        before, count = step[total]
        counts.append(count)
        total = before if count else total
    return fixed_counts(slots, rooms, counts[::-1])


def spread(slots: Slots, rooms: Sequence[DeviceCapacity], usable: Sequence[int], layout: LayerSplit) -> LayerSplit:
    """Distribute the same number of experts in RAM so that the devices fill in equal proportion of ``usable``.

    Where possible, the experts left out per device are proportional to its part of ``usable``, among the devices that
    may leave out any.
    """
    most, found = len(layout.in_ram), layout
    even = _fit_evenly(slots, rooms, usable, most) if most else None
    found = even or found
    kept = sum(slots.dense) + sum(slots.experts) - sum(slots.experts[slot] for slot in layout.in_ram)
    # A search in equal ratios distributes a small model as evenly as a large one.
    low, high = math.log(min(1.0, max(1, kept) / max(1, sum(usable)))), 0.0
    for _ in range(_SPREAD_STEPS):
        middle = (low + high) / 2
        unfilled = 1 - math.exp(middle)
        tighter = [room.less(int(unfilled * n_bytes)) for room, n_bytes in zip(rooms, usable, strict=True)]
        candidate = _fit_evenly(slots, tighter, usable, most) if even else fit(slots, tighter, most)
        if candidate is not None:
            high, found = middle, candidate
        else:
            low = middle
    return found


def _fit_evenly(slots: Slots, rooms: Sequence[DeviceCapacity], usable: Sequence[int], most: int) -> LayerSplit | None:
    """Fit with ``most`` experts in RAM, on each device its part of them; None where that is not enough."""
    sharing = [n_bytes if room.experts_out else 0 for room, n_bytes in zip(rooms, usable, strict=True)]
    total, passed, start = max(1, sum(sharing)), 0, 0
    left_out = 0
    counts: list[int] = []
    for room, n_bytes in zip(rooms, sharing, strict=True):
        passed += n_bytes
        own = round(most * passed / total) - left_out if room.experts_out else 0
        left_out += own
        stop = start
        if start < len(slots.dense):
            stops = _reach(slots, start, room, own)
            stop = stops[min(own, len(stops) - 1)]
        counts.append(stop - start)
        start = stop
    if start < len(slots.dense):
        return None
    found = fixed_counts(slots, rooms, counts)
    return found if found is not None and len(found.in_ram) <= most else None


def fixed_counts(slots: Slots, rooms: Sequence[DeviceCapacity], counts: Sequence[int]) -> LayerSplit | None:
    """Find the fewest experts in RAM with these numbers of slots per device; None where that does not fit."""
    in_ram: list[int] = []
    start, leading = 0, True
    for room, count in zip(rooms, counts, strict=True):
        stop = start + count
        if count:
            limit = (room.with_output if stop == len(slots.dense) else room.plain) - (room.leading if leading else 0)
            chosen = _leave_out(slots, start, stop, limit, slots.with_experts if room.experts_out else 0)
            if chosen is None:
                return None
            in_ram += chosen
            leading = False
        start = stop
    return LayerSplit(tuple(counts), tuple(in_ram))


def _reach(slots: Slots, start: int, room: DeviceCapacity, most: int) -> list[int]:
    """Return for every number of experts left out, from 0 on, the slot after the last that the device can hold."""
    end = len(slots.dense)
    leading = room.leading if start == 0 else 0
    stops: list[int] = []
    held: list[int] = []  # sizes of experts, ascending
    total, freed, out = leading - room.plain, 0, 0  # freed: bytes of the ``out`` largest experts held
    for slot in range(start, end):
        experts = slots.experts[slot]
        total += slots.dense[slot] + experts
        if slot + 1 == end:
            total += room.plain - room.with_output
        if experts:
            insort(held, experts)
            if out:
                freed += max(0, experts - held[-out - 1]) if out < len(held) else experts
        while freed < total:
            stops.append(slot)
            out += 1
            if out > most:
                return stops
            freed += held[-out] if out <= len(held) else 0
    stops.append(end)
    return stops


def _leave_out(slots: Slots, start: int, stop: int, limit: int, most: int) -> list[int] | None:
    """Choose the fewest slots of a run whose experts must go, with the fewest bytes, the last ones of a size first."""
    excess = sum(slots.dense[start:stop]) + sum(slots.experts[start:stop]) - limit
    if excess <= 0:
        return []
    largest_first = sorted(range(start, stop), key=lambda slot: (slots.experts[slot], slot), reverse=True)
    chosen: list[int] = []
    freed = 0
    for slot in largest_first:
        if freed >= excess or not slots.experts[slot] or len(chosen) == most:
            break
        chosen.append(slot)
        freed += slots.experts[slot]
    if freed < excess:
        return None
    spare = freed - excess
    others = [slot for slot in largest_first[len(chosen) :] if slots.experts[slot]][::-1]
    for place, slot in enumerate(chosen):
        for index, smaller in enumerate(others):
            saved = slots.experts[slot] - slots.experts[smaller]
            if 0 < saved <= spare:
                chosen[place] = smaller
                others.pop(index)
                spare -= saved
                break
    return sorted(chosen)
