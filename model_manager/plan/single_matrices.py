"""Single matrices of experts on devices, while the others of their layers stay in RAM.

The search places the experts of whole layers, which take up to 7 GiB (DeepSeek-V3), so that up to as much is left free
on every device.  One or two of a layer's three matrices may fit there.  They are then read from the device's memory
instead of RAM; the computation leaves the layer's device once as before, or twice for a matrix on another device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from model_manager.plan.engine_arguments import stacks_on_devices
from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.placement import best_placement
from model_manager.plan.problem import Placement
from model_manager.plan.speed import tokens_per_second


def with_single_matrices(placement: Placement) -> Placement:
    """Move matrices of experts from RAM to devices with room for them, as long as that makes answers faster.

    Of one layer at a time those that fill the room best.  Fixed options stay as they are: with a fixed split, a device
    only receives matrices of the layers that it has.
    """
    options = placement.problem.options
    if options.stacks_on_devices is not None or options.experts_in_ram is not None:
        return with_moved(placement, options.resolved(devices=tuple(each.name for each in placement.used_devices)))
    if placement.problem.options.split_mode != "layer" or placement.verdict == "does_not_fit":
        return placement
    return max(map(_filled, _fullest(placement)), key=tokens_per_second)


def _fullest(placement: Placement) -> tuple[Placement, ...]:
    """The placement, and on a single device the one with as many layers' experts in RAM, but the fewest bytes."""
    full = best_placement(placement.problem) if len(placement.used_devices) == 1 else placement
    return (full, placement) if full.verdict == placement.verdict and full.rank == placement.rank else (placement,)


def _filled(placement: Placement) -> Placement:
    for number, device in enumerate(placement.problem.devices):
        if placement.counts[number] and not device.is_rpc:
            while (fuller := _next(placement, number)) is not None:
                placement = fuller
    return placement


def with_moved(placement: Placement, spec: LoadSpec) -> Placement:
    """Return the placement with the matrices on devices that the spec names."""
    numbers = {device.name: number for number, device in enumerate(placement.problem.devices)}
    layers = placement.problem.shape.layers
    moved = {
        (layer, matrix): numbers[name]
        for (layer, matrix), name in stacks_on_devices(spec).items()
        if name in numbers and layer < len(layers) and matrix in layers[layer].stacks
    }
    return replace(placement, moved=moved)


def moved_in_spec(placement: Placement) -> tuple[str, ...] | None:
    """Return ``LoadSpec.stacks_on_devices`` of a placement."""
    names = [device.name for device in placement.problem.devices]
    moved = sorted(placement.moved.items())
    return tuple(f"{layer}.{matrix}={names[number]}" for (layer, matrix), number in moved) or None


def _next(placement: Placement, number: int) -> Placement | None:
    """Move the matrices of the layer that fill a device best; None where none fits or answers would be slower."""
    problem, own = placement.problem, placement.devices[number].layers
    has_parts = placement.uses[problem.devices[number].name].parts
    room = problem.usable[number] - placement.devices[number].used_bytes - (0 if has_parts else problem.buffers.parts)
    fitting = [
        (n_bytes, layer in own, layer, matrices)
        for layer, n_bytes, matrices in _choices(placement)
        if n_bytes <= room and (layer in own or not problem.options.tensor_split)
    ]
    if not fitting:
        return None
    _, is_own, layer, matrices = max(fitting, key=lambda each: each[:2])
    moved = {**placement.moved, **{(layer, matrix): number for matrix in matrices}}
    in_ram = placement.in_ram
    if all((layer, matrix) in moved for matrix in problem.shape.layers[layer].stacks):
        in_ram = tuple(each for each in in_ram if each != layer)
        if is_own:
            moved = {place: device for place, device in moved.items() if place[0] != layer or device != number}
    fuller = replace(placement, in_ram=in_ram, moved=moved)
    is_faster = tokens_per_second(fuller) > tokens_per_second(placement)
    return fuller if is_faster and not fuller.exceeds_a_device else None


def _choices(placement: Placement) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield sets of matrices of one layer that are in RAM, with the layer and their bytes."""
    for layer in placement.in_ram:
        stacks = placement.problem.shape.layers[layer].stacks
        left = [matrix for matrix in stacks if (layer, matrix) not in placement.moved]
        for count in range(1, len(left) + 1):
            for matrices in combinations(left, count):
                yield layer, sum(stacks[matrix].total for matrix in matrices), matrices
