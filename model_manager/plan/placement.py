"""Search for the best placement for one context and cache type.

Order of preference: everything on the devices; else all layers on them and the experts of as few layers as possible
in RAM; else as many layers as possible on them, and of those again as few layers' experts as possible in RAM.  Dense
parts go first because every token reads them, and of the experts only those used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from model_manager.plan.problem import Placement, Problem
from model_manager.plan.split import DeviceCapacity, LayerSplit, Slots, fit, fixed_counts, layers_of, spread


def best_placement(problem: Problem) -> Placement:
    """Find the best placement that the devices hold; ``Placement.verdict`` rates whether RAM holds the rest.

    Fixed options that do not fit are placed anyway; the verdict is then ``does_not_fit``.
    """
    total = problem.shape.n_layer + 1
    fixed = problem.options.n_gpu_layers
    most = total if fixed is None or fixed < 0 else min(fixed, total)
    if not problem.devices or most == 0:
        return _nothing(problem)
    found = _from(problem, total - most)
    if found is None and (fixed is None or fixed < 0):
        found = _fewer_layers(problem)
    return _forced(problem, most) if found is None else found


def all_on_devices(problem: Problem) -> Placement | None:
    """Place everything on the devices; None where it does not fit or the options place something elsewhere."""
    fixed = problem.options.n_gpu_layers
    fewer = fixed is not None and 0 <= fixed <= problem.shape.n_layer
    if not problem.devices or fewer or problem.options.experts_in_ram:
        return None
    rooms = problem.rooms(experts=True, ram_layers=False, experts_out=False)
    return _placed(problem, 0, _solve(problem, problem.slots, rooms, 0))


def with_pipeline(problem: Problem) -> Placement | None:
    """Place everything on at least two devices with pipeline parallelism; None where its buffers don't fit."""
    rooms = problem.rooms(experts=True, ram_layers=False, experts_out=False, pipeline=True)
    layout = _solve(problem, problem.slots, rooms, 0)
    if layout is None:
        return None
    found = _placed(problem, 0, _share(problem, problem.slots, rooms, layout))
    if found is None or sum(1 for count in found.counts if count) < 2:
        return None
    return replace(found, pipeline=True)


def balanced(placement: Placement) -> Placement:
    """Distribute the same number of layers and experts so that the devices fill evenly."""
    if not placement.n_gpu_layers:
        return placement
    problem, start = placement.problem, placement.first_slot
    slots = problem.slots.after(start)
    kept = slots.with_experts > len(placement.in_ram) or problem.options.experts_in_ram is not None
    rooms = problem.rooms(
        experts=kept,
        ram_layers=start > 0,
        experts_out=bool(placement.in_ram),
        first_only=problem.options.experts_in_ram is None and bool(placement.in_ram) and placement.keeps_to_first,
    )
    part = slots if kept else slots.without_experts()
    layout = _solve(problem, part, rooms, len(placement.in_ram) if kept else 0)
    if layout is None:
        return placement
    shared = _share(problem, part, rooms, layout)
    return _placed(problem, start, shared if kept else _without_experts(slots, shared)) or placement


def _from(problem: Problem, start: int) -> Placement | None:
    """Find the best placement with the slots from ``start`` on the devices."""
    if start == 0 and (found := all_on_devices(problem)) is not None:
        return found
    slots = problem.slots.after(start)
    out = problem.shape.has_experts and problem.options.experts_in_ram != ()
    candidates = []
    # The experts in RAM are copied to the first device; it needs less memory if they belong to its own layers.
    copies = any(device.copies_weights for device in problem.devices)
    may_choose = copies and len(problem.devices) > 1 and problem.options.experts_in_ram is None
    for first_only in (True, False) if may_choose else (False,):
        rooms = problem.rooms(experts=True, ram_layers=start > 0, experts_out=out, first_only=first_only)
        candidates.append(_placed(problem, start, _solve(problem, slots, rooms, slots.with_experts)))
    best = min((each for each in candidates if each is not None), key=lambda each: each.rank, default=None)
    return best or _placed(problem, start, _all_experts_out(problem, start))


def _all_experts_out(problem: Problem, start: int) -> LayerSplit | None:
    """Place the slots with the experts of every layer in RAM, which also makes the devices' buffers smaller."""
    slots = problem.slots.after(start)
    fixed = problem.options.experts_in_ram
    out = problem.shape.has_experts and fixed != ()
    rooms = problem.rooms(experts=fixed is not None, ram_layers=start > 0, experts_out=out)
    layout = _solve(problem, slots.without_experts(), rooms, 0)
    return None if layout is None else _without_experts(slots, layout)


def _without_experts(slots: Slots, layout: LayerSplit) -> LayerSplit:
    return LayerSplit(layout.counts, tuple(slot for slot, n_bytes in enumerate(slots.experts) if n_bytes))


def _fewer_layers(problem: Problem) -> Placement:
    """Place as many layers as the devices hold without experts, then as many experts as still fit."""
    total = problem.shape.n_layer + 1
    low, high = 0, total
    while high - low > 1:
        middle = (low + high) // 2
        if _all_experts_out(problem, total - middle) is None:
            high = middle
        else:
            low = middle
    return (_from(problem, total - low) if low else None) or _nothing(problem)


def _solve(problem: Problem, slots: Slots, rooms: Sequence[DeviceCapacity], most: int) -> LayerSplit | None:
    if problem.options.tensor_split:
        layout = fixed_counts(slots, rooms, _fixed_layer_counts(problem, len(slots.dense)))
        return None if layout is None or len(layout.in_ram) > most else layout
    return fit(slots, rooms, most)


def _share(problem: Problem, slots: Slots, rooms: Sequence[DeviceCapacity], layout: LayerSplit) -> LayerSplit:
    return layout if problem.options.tensor_split else spread(slots, rooms, problem.usable, layout)


def _fixed_layer_counts(problem: Problem, n_gpu_layers: int) -> tuple[int, ...]:
    where = layers_of(problem.options.tensor_split, n_gpu_layers, problem.shape.n_layer)
    return tuple(where.count(number) for number in range(len(problem.devices)))


def _placed(problem: Problem, start: int, layout: LayerSplit | None) -> Placement | None:
    if layout is None:
        return None
    fixed = problem.options.experts_in_ram
    if fixed is None:
        return Placement(problem, layout.counts, tuple(start + slot for slot in layout.in_ram))
    layers = problem.shape.layers
    on_devices = (layer for layer in sorted(set(fixed)) if start <= layer < len(layers))
    return Placement(problem, layout.counts, tuple(layer for layer in on_devices if layers[layer].experts.total))


def _forced(problem: Problem, most: int) -> Placement:
    """Place what the options fix although it does not fit."""
    start = problem.shape.n_layer + 1 - most
    counts = _fixed_layer_counts(problem, most) if problem.options.tensor_split else _by_room(problem, most)
    layout = _without_experts(problem.slots.after(start), LayerSplit(counts, ()))
    return _placed(problem, start, layout) or _nothing(problem)


def _by_room(problem: Problem, slots: int) -> tuple[int, ...]:
    total = max(1, sum(problem.usable))
    ends = [round(slots * sum(problem.usable[: number + 1]) / total) for number in range(len(problem.devices))]
    ends[-1] = slots
    return tuple(end - begin for begin, end in zip([0, *ends[:-1]], ends, strict=True))


def _nothing(problem: Problem) -> Placement:
    return Placement(problem, (0,) * len(problem.devices))
