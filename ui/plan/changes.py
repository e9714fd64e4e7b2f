"""Changes of plan options made in the memory plan: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import ModelShape

Change = Callable[[PlanOptions], PlanOptions]


def automatic(options: PlanOptions) -> PlanOptions:
    """Return ``options`` with everything automatic that the memory plan can fix."""
    return PlanOptions(
        pipeline=options.pipeline,
        output_rows=options.output_rows,
        margin_bytes=options.margin_bytes,
    )


def devices_on(options: PlanOptions, names: Sequence[str]) -> frozenset[str]:
    """Return the devices that can be used; none if no layer may be on a device."""
    if options.n_gpu_layers == 0:
        return frozenset()
    return frozenset(name for name in names if not options.devices or name in options.devices)


def with_device(options: PlanOptions, names: Sequence[str], name: str, *, on: bool) -> PlanOptions:
    """Return ``options`` with one device switched on or off.  A manual split is reset."""
    before = devices_on(options, names)
    selected = tuple(each for each in names if (on if each == name else each in before))
    layers = None if options.n_gpu_layers == 0 else options.n_gpu_layers
    return replace(
        options,
        devices=() if len(selected) == len(names) else selected,
        n_gpu_layers=layers if selected else 0,
        tensor_split=(),
        main_gpu=options.main_gpu if options.main_gpu in selected else None,
        split_mode="layer" if options.split_mode == "none" else options.split_mode,
    )


def segments_of(plan: LoadPlan, options: PlanOptions) -> tuple[tuple[str, int], ...]:
    """Return device names and their numbers of layers (with the output); RAM first, with an empty name, if it has some.

    RAM has a segment if it has layers or if the number of layers on GPUs is fixed.
    """
    total = plan.n_layer + 1
    devices = tuple((device.name, len(device.layers)) for device in plan.devices)
    if not devices or (plan.n_gpu_layers >= total and options.n_gpu_layers is None):
        return devices
    return (("", total - plan.n_gpu_layers), *devices)


def with_border(options: PlanOptions, segments: Sequence[tuple[str, int]], border: int, left: int) -> PlanOptions:
    """Return ``options`` with the border after segment number ``border`` moved, so that it has ``left`` layers."""
    counts = [count for _, count in segments]
    both = counts[border] + counts[border + 1]
    counts[border] = min(max(0, left), both)
    counts[border + 1] = both - counts[border]
    on_devices = counts[1:] if segments[0][0] == "" else counts
    if segments[border][0] == "":
        options = replace(options, n_gpu_layers=sum(on_devices))
    shares = tuple(float(count) for count in on_devices)
    return replace(options, tensor_split=shares if len(shares) > 1 and any(shares) else ())


def layers_with_experts(shape: ModelShape) -> tuple[int, ...]:
    """Return the numbers of the layers that have experts."""
    return tuple(number for number, layer in enumerate(shape.layers) if layer.experts.total)


def with_option(options: PlanOptions, option: str, value: object, expert_layers: Sequence[int] = ()) -> PlanOptions:
    """Return ``options`` with one of them set; of ``experts_in_ram`` the value is the number of layers.

    These are spread evenly over ``expert_layers``, because the first ones would all be on the same GPU.
    """
    if option == "experts_in_ram" and isinstance(value, int):
        count = min(value, len(expert_layers))
        value = tuple(expert_layers[(2 * n + 1) * len(expert_layers) // (2 * count)] for n in range(count))
    return replace(options, **{option: value})  # type: ignore[arg-type]
