"""Which layers' experts stay in RAM, and single matrices of them that fill devices.

The search finds how many layers' experts the devices hold.  Files have layers of different sizes, because more bits are
spent on some, so that other layers may use the room better.  The first device's buffer is smaller where only smaller
matrices are copied to it from RAM, and, for some architectures, where its last layers are those (Qwen3-Next: 380 MiB).

Experts of a layer take up to 7 GiB (DeepSeek-V3).  One or two of their three matrices may fit where the third does not.
They are then read from the device's memory instead of RAM; the computation leaves the layer's device once as before, or
twice for a matrix on another device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from model_manager.plan.engine_arguments import stacks_on_devices
from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.problem import Placement
from model_manager.plan.speed import turn_seconds


def with_single_matrices(placement: Placement) -> Placement:
    """Move matrices of experts from RAM to devices with room for them, as long as that makes turns shorter.

    Of one layer at a time those that fill the room best.  Fixed options stay as they are: with a fixed split, a device
    only receives matrices of the layers that it has.
    """
    options = placement.problem.options
    if options.stacks_on_devices is not None or options.experts_in_ram is not None:
        return with_moved(placement, options.resolved(devices=tuple(each.name for each in placement.used_devices)))
    if placement.problem.options.split_mode != "layer" or placement.verdict == "does_not_fit":
        return placement
    return min(map(_filled, _with_other_layers(placement)), key=turn_seconds)


def _with_other_layers(placement: Placement) -> Iterator[Placement]:
    """Yield the placement, and others with as much experts of whole layers on the first device as it holds.

    The device has the first layers whatever their size, or first the larger ones, or first the smaller ones.
    """
    yield placement
    number = next((number for number, count in enumerate(placement.counts) if count), None)
    if number is None or not placement.in_ram:
        return
    sizes = [layer.experts.total for layer in placement.problem.shape.layers]
    own = [layer for layer in placement.devices[number].layers if layer < len(sizes) and sizes[layer]]
    others = tuple(layer for layer in placement.in_ram if layer not in own)
    for sign in (0, -1, 1):
        left = sorted(own, key=lambda layer: (sign * sizes[layer], layer))
        found = replace(placement, in_ram=tuple(sorted((*others, *own))))
        before: list[int] = []
        while left != before:
            # Every layer may make the buffer smaller.
            before, room = list(left), placement.problem.usable[number] - found.devices[number].used_bytes
            for layer in before:
                if sizes[layer] <= room:
                    room -= sizes[layer]
                    left.remove(layer)
            if left == before:
                if found.verdict == placement.verdict:
                    yield found
                left = _exchanged(left, [layer for layer in own if layer not in left], sizes, room)
            found = replace(found, in_ram=tuple(sorted((*others, *left))))


def _exchanged(left: list[int], placed: list[int], sizes: Sequence[int], room: int) -> list[int]:
    """Return the layers that are left once one of them is placed instead of a smaller one, if that fits."""
    outer, inner = {sizes[layer]: layer for layer in left}, {sizes[layer]: layer for layer in placed}
    fitting = [(out - into, outer[out], inner[into]) for out in outer for into in inner if 0 < out - into <= room]
    if not fitting:
        return left
    _gain, taken, given = max(fitting)
    return [given if layer == taken else layer for layer in left]


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
    """Move the matrices of the layer that fill a device best; None where none fits or turns would take longer."""
    problem, own = placement.problem, placement.devices[number].layers
    needs_more = not (placement.uses[problem.devices[number].name].parts or problem.is_hopeful)
    room = problem.usable[number] - placement.devices[number].used_bytes - problem.buffers.parts * needs_more
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
    is_faster = turn_seconds(fuller) < turn_seconds(placement)
    return fuller if is_faster and not fuller.exceeds_a_device else None


def _choices(placement: Placement) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield sets of matrices of one layer that are in RAM, with the layer and their bytes."""
    for layer in placement.in_ram:
        stacks = placement.problem.shape.layers[layer].stacks
        left = [matrix for matrix in stacks if (layer, matrix) not in placement.moved]
        for count in range(1, len(left) + 1):
            for matrices in combinations(left, count):
                yield layer, sum(stacks[matrix].total for matrix in matrices), matrices
