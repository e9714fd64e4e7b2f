"""What the hands on the picture of a plan change in its wishes.  Pure functions, without a widget and without words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from model_manager.plan import LoadPlan, ModelFacts, Wishes

Change = Callable[[Wishes], Wishes]
"""What a hand does: from the wishes of now to new ones."""


def automatic(wishes: Wishes) -> Wishes:
    """The same with everything left to the plan that can be fixed in the picture."""
    usual = Wishes()
    return replace(
        wishes,
        context=usual.context,
        kv_type=usual.kv_type,
        flash_attention=usual.flash_attention,
        devices=usual.devices,
        tensor_split=usual.tensor_split,
        n_gpu_layers=usual.n_gpu_layers,
        experts_in_ram=usual.experts_in_ram,
        batch=usual.batch,
        micro_batch=usual.micro_batch,
        threads=usual.threads,
        split_mode=usual.split_mode,
        main_gpu=usual.main_gpu,
    )


def devices_on(wishes: Wishes, names: Sequence[str]) -> frozenset[str]:
    """The devices that may be used: none of them where no layer may lie on any."""
    if wishes.n_gpu_layers == 0:
        return frozenset()
    return frozenset(name for name in names if not wishes.devices or name in wishes.devices)


def with_device(wishes: Wishes, names: Sequence[str], name: str, *, on: bool) -> Wishes:
    """One device taken in or left out.  A split by hand was made for other devices and ends."""
    now = devices_on(wishes, names)
    wanted = tuple(each for each in names if (on if each == name else each in now))
    layers = None if wishes.n_gpu_layers == 0 else wishes.n_gpu_layers
    mode = "layer" if wishes.split_mode == "none" else wishes.split_mode
    return replace(
        wishes,
        devices=() if len(wanted) == len(names) else wanted,
        n_gpu_layers=layers if wanted else 0,
        tensor_split=(),
        main_gpu=wishes.main_gpu if wishes.main_gpu in wanted else None,
        split_mode=mode,
    )


def segments_of(plan: LoadPlan, wishes: Wishes) -> tuple[tuple[str, int], ...]:
    """How many layers lie where, the output among them: RAM (an empty name) where some may, then each device."""
    total = plan.n_layer + 1
    devices = tuple((device.name, len(device.layers)) for device in plan.devices)
    if not devices or (plan.n_gpu_layers >= total and wishes.n_gpu_layers is None):
        return devices
    return (("", total - plan.n_gpu_layers), *devices)


def with_border(wishes: Wishes, segments: Sequence[tuple[str, int]], border: int, left: int) -> Wishes:
    """The split in which the segment before a border has ``left`` layers and the one behind it the rest of both.

    ``border`` 0 lies between the first two segments.
    """
    counts = [count for _, count in segments]
    both = counts[border] + counts[border + 1]
    counts[border] = min(max(0, left), both)
    counts[border + 1] = both - counts[border]
    on_devices = counts[1:] if segments[0][0] == "" else counts
    if segments[border][0] == "":
        wishes = replace(wishes, n_gpu_layers=sum(on_devices))
    shares = tuple(float(count) for count in on_devices)
    return replace(wishes, tensor_split=shares if len(shares) > 1 and any(shares) else ())


def layers_with_experts(facts: ModelFacts) -> tuple[int, ...]:
    """The layers whose experts could stay in RAM."""
    return tuple(number for number, layer in enumerate(facts.layers) if layer.experts.total)


def with_experts(wishes: Wishes, layers: Sequence[int], count: int | None) -> Wishes:
    """The experts of so many layers in RAM, spread evenly over all: those of the first ones would empty one card alone
    and leave the others full.  None leaves it to the plan."""
    if count is None:
        return replace(wishes, experts_in_ram=None)
    count = min(count, len(layers))
    chosen = tuple(layers[(2 * number + 1) * len(layers) // (2 * count)] for number in range(count))
    return replace(wishes, experts_in_ram=chosen)
