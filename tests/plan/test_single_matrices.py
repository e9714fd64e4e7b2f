"""Single matrices of a layer's experts on devices, where the experts of a whole layer don't fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model_manager.plan.engine_arguments import stacks_on_devices, tensor_overrides
from model_manager.plan.load_plan import LoadPlan, Rehearsal
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.planner import plan_model, plan_with_rehearsals
from tests.plan.plan_builders import MIB, apus_shape, cards, check, ram

OPTIONS = PlanOptions(context=8192, kv_type="f16", micro_batch=512)
WHOLE = PlanOptions(context=8192, kv_type="f16", micro_batch=512, stacks_on_devices=())
PARTS_BYTES = 128 * MIB
"""Results of a matrix that stay in a device's buffer, at most."""


def _weights(plan: LoadPlan) -> int:
    return sum(device.weights_bytes for device in plan.devices)


@pytest.mark.parametrize("quantisation", ["Q3_K_M", "Q4_K_M"])
@pytest.mark.parametrize("gib", [(24,), (24, 16), (12,), (23.54, 23.54), (16, 12, 8)])
def test_what_is_left_on_devices_is_filled(quantisation: str, gib: tuple[float, ...]) -> None:
    shape, devices, host = apus_shape(quantisation), cards(*gib), ram(96)
    whole, filled = (plan_model(shape, devices, host, options) for options in (WHOLE, OPTIONS))
    check(filled, shape, devices, host)
    moved = stacks_on_devices(filled.spec)
    smallest = min(
        weights.total
        for layer in filled.experts_in_ram
        for matrix, weights in shape.layers[layer].stacks.items()
        if (layer, matrix) not in moved
    )
    first = filled.devices[0]
    assert first.left_bytes < smallest + PARTS_BYTES
    assert _weights(filled) >= _weights(whole)
    assert filled.prompt_tokens_per_second_estimate >= whole.prompt_tokens_per_second_estimate
    if filled.experts_in_ram == whole.experts_in_ram:
        assert _weights(filled) - _weights(whole) == sum(shape.layers[n].stacks[name].total for n, name in moved)
    if moved:
        assert filled.tokens_per_second_estimate > whole.tokens_per_second_estimate
        assert filled.host.weights_bytes < whole.host.weights_bytes


@pytest.mark.parametrize("quantisation", ["Q3_K_M", "Q4_K_M"])
@pytest.mark.parametrize("gib", [12, 14.5, 16, 20, 24, 31, 32])
def test_no_choice_of_last_layers_has_more_on_the_device(quantisation: str, gib: float) -> None:
    """As llama.cpp's ``--fit`` chooses them; layers of these files have two sizes."""
    shape, devices, host = apus_shape(quantisation), cards(gib), ram(96)
    plan = plan_model(shape, devices, host, OPTIONS)
    layers = [number for number, layer in enumerate(shape.layers) if layer.experts.total]
    choices = [replace(OPTIONS, experts_in_ram=tuple(layers[start:])) for start in range(len(layers))]
    others = [other for each in choices if (other := plan_model(shape, devices, host, each)).verdict == plan.verdict]
    assert _weights(plan) >= max(map(_weights, others))


def test_a_device_without_experts_in_ram_takes_matrices_of_the_first() -> None:
    shape, host, found = apus_shape("Q3_K_M"), ram(96), 0
    for eighths in range(100, 190, 6):
        devices = cards(24, eighths / 8)
        filled = plan_model(shape, devices, host, OPTIONS)
        places = stacks_on_devices(filled.spec)
        first, second = (device.layers for device in filled.devices)
        assert tensor_overrides(filled.spec)[-1][1] == "CPU"
        if not any(layer in first and name == "GPU1" for (layer, _), name in places.items()):
            continue
        found += 1
        check(filled, shape, devices, host)
        fixed = plan_model(shape, devices, host, PlanOptions(**OPTIONS.fixed, tensor_split=filled.tensor_split))
        owners = {"GPU0": first, "GPU1": second}
        assert all(layer in owners[name] for (layer, _), name in stacks_on_devices(fixed.spec).items())
    assert found


def test_fixed_layers_in_ram_stay_whole() -> None:
    fixed = PlanOptions(**OPTIONS.fixed, experts_in_ram=tuple(range(30)))
    plan = plan_model(apus_shape("Q3_K_M"), cards(23.54, 23.54), ram(96), fixed)
    assert plan.spec.stacks_on_devices is None
    assert plan.experts_in_ram == tuple(range(30))


@pytest.mark.parametrize("more", [-400 * MIB, 0, 300 * MIB, 900 * MIB])
def test_the_plan_after_rehearsals_fits_what_was_rehearsed(more: int) -> None:
    """Where matrices need larger buffers than estimated, a plan without them is made instead of alternating."""
    shape, devices, host = apus_shape("Q3_K_M"), cards(24, 16), ram(96)

    def rehearse(plan: LoadPlan) -> Rehearsal:
        compute = {device.name: 600 * MIB + (more if plan.spec.stacks_on_devices else 0) for device in devices}
        return Rehearsal(compute, plan.host.compute_bytes, pipeline=False, flash_attention=True, context=plan.context)

    plan, reported = plan_with_rehearsals(shape, devices, host, OPTIONS, rehearse)
    assert plan_model(shape, devices, host, OPTIONS, reported) == plan
    check(plan, shape, devices, host)
    compute = rehearse(plan).compute_bytes
    assert all(device.compute_bytes >= compute[device.name] - MIB for device in plan.devices)


def test_what_is_left_is_filled_after_rehearsals_too() -> None:
    """Buffers that turn out larger by nearly a layer's experts, but no larger for single matrices."""
    shape, host = apus_shape("Q3_K_M"), ram(96)
    for sixteenths in range(24 * 16, 25 * 16):
        devices = cards(sixteenths / 16)
        estimate = plan_model(shape, devices, host, WHOLE).devices[0].compute_bytes
        compute = {devices[0].name: estimate + 380 * MIB}

        def rehearse(plan: LoadPlan, compute: dict[str, int] = compute) -> Rehearsal:
            return Rehearsal(compute, plan.host.compute_bytes, False, flash_attention=True, context=plan.context)

        plan, _reported = plan_with_rehearsals(shape, devices, host, OPTIONS, rehearse)
        assert plan.devices[0].compute_bytes - estimate == pytest.approx(380 * MIB, abs=PARTS_BYTES)
        moved = stacks_on_devices(plan.spec)
        stacks = ((n, name, each.total) for n in plan.experts_in_ram for name, each in shape.layers[n].stacks.items())
        smallest = min(n_bytes for layer, matrix, n_bytes in stacks if (layer, matrix) not in moved)
        assert plan.devices[0].left_bytes < smallest + PARTS_BYTES


def test_room_that_only_a_rehearsal_shows_is_filled() -> None:
    """Single matrices need no larger buffers here, although estimates leave 95 MiB for them.

    Without rehearsals of plans that may fit, up to 161 MiB were left.
    """
    shape, host = apus_shape("Q3_K_M"), ram(96)
    for sixteenths in range(16 * 16, 18 * 16):
        devices = cards(sixteenths / 16)
        compute = {devices[0].name: plan_model(shape, devices, host, WHOLE).devices[0].compute_bytes}

        def rehearse(plan: LoadPlan, compute: dict[str, int] = compute) -> Rehearsal:
            return Rehearsal(compute, plan.host.compute_bytes, False, flash_attention=True, context=plan.context)

        plan, reported = plan_with_rehearsals(shape, devices, host, OPTIONS, rehearse)
        assert reported is not None
        assert plan_model(shape, devices, host, OPTIONS, reported) == plan
        assert plan.devices[0].compute_bytes == compute[devices[0].name]
        assert plan.devices[0].left_bytes < 96 * MIB
