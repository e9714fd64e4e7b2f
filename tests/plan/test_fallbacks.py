"""Fallback plans after a failed load."""

from __future__ import annotations

import pytest

from model_manager.plan.fallbacks import smaller_plans
from model_manager.plan.load_plan import LoadPlan, Rehearsal, RehearsedPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.planner import plan_model
from tests.plan.plan_builders import MIB, QUANTISATIONS, apus_shape, cards, check, ram


def _on_devices(found: LoadPlan) -> int:
    return sum(device.weights_bytes + device.kv_bytes + device.compute_bytes for device in found.devices)


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
@pytest.mark.parametrize("gib", [(24, 24), (24, 16), (8,)])
def test_every_step_is_smaller_and_fits(quantisation: str, gib: tuple[float, ...]) -> None:
    shape, devices, host = apus_shape(quantisation), cards(*gib), ram(96)
    first = plan_model(shape, devices, host)
    steps = list(smaller_plans(shape, devices, host))
    assert steps == list(smaller_plans(shape, devices, host))
    assert len(steps) >= 4
    sizes = [_on_devices(each) for each in (first, *steps)]
    assert sizes == sorted(set(sizes), reverse=True)
    assert steps[-1].n_gpu_layers == 0
    for each in steps:
        check(each, apus_shape(quantisation), devices, host)
        assert each.verdict != "does_not_fit"
        assert each.context >= 4096


def test_fallbacks_start_after_the_failed_plan() -> None:
    shape, devices, host = apus_shape("Q2_K"), cards(24, 24), ram(96)
    steps = list(smaller_plans(shape, devices, host))
    again = list(smaller_plans(shape, devices, host, failed=steps[0]))
    assert again[0] == steps[1]
    assert again[-1] == steps[-1]


def test_fallbacks_for_a_driver_that_overstates_free_memory() -> None:
    """Far more is free than the plan takes, so that leaving some of it free changes nothing."""
    shape, devices, host = apus_shape("Q2_K"), cards(80, 80), ram(96)
    options = PlanOptions(context=4096, kv_type="f16", micro_batch=512)
    first = plan_model(shape, devices, host, options)
    assert first.verdict == "gpu"
    shares = [_on_devices(each) / _on_devices(first) for each in smaller_plans(shape, devices, host, options)]
    assert shares[-1] == 0
    assert sum(0 < share < 0.75 for share in shares) == 3
    assert sum(0 < share < 0.5 for share in shares) == 2


def test_fallbacks_without_devices_reduce_cache_and_buffers() -> None:
    shape, host = apus_shape("Q2_K"), ram(96)
    steps = list(smaller_plans(shape, (), host))
    used = [plan_model(shape, (), host).host.used_bytes, *(each.host.used_bytes for each in steps)]
    assert len(steps) >= 2
    assert used == sorted(set(used), reverse=True)


def test_fallbacks_keep_fixed_options() -> None:
    shape, devices, host = apus_shape("Q3_K_M"), cards(24, 24), ram(96)
    options = PlanOptions(context=8192, kv_type="f16", n_gpu_layers=61, micro_batch=512)
    steps = list(smaller_plans(shape, devices, host, options))
    assert steps
    for each in steps:
        assert (each.context, each.kv_type, each.n_gpu_layers, each.spec.micro_batch) == (8192, "f16", 61, 512)


def test_fallbacks_respect_memory_taken_by_another_program() -> None:
    shape, host = apus_shape("Q2_K"), ram(96)
    failed = plan_model(shape, cards(24, 24), host)
    for each in smaller_plans(shape, cards(24, 9), host, failed=failed):
        check(each, apus_shape("Q2_K"), cards(24, 9), host)


@pytest.mark.parametrize(("micro_batch", "less"), [(512, 16), (256, 8), (128, 4), (1024, 16)])
def test_rehearsal_scales_with_the_micro_batch(micro_batch: int, less: int) -> None:
    """A backend that joins operations does without some rows of the micro batch."""
    shape, devices, host = apus_shape("Q2_K"), cards(24, 24), ram(96)
    reported = plan_model(
        shape, devices, host, PlanOptions(context=4096, kv_type="f16", micro_batch=512, pipeline=False)
    )
    compute = {device.name: device.compute_bytes - 16 * MIB for device in reported.devices}
    rehearsal = Rehearsal(compute, reported.host.compute_bytes, False, True, 4096)
    options = PlanOptions(context=4096, kv_type="f16", micro_batch=micro_batch, batch=2048, pipeline=False)
    guess = plan_model(shape, devices, host, options)
    better = plan_model(shape, devices, host, options, RehearsedPlan(reported, rehearsal))
    for before, after in zip(guess.devices, better.devices, strict=True):
        assert before.layers == after.layers
        assert before.compute_bytes - after.compute_bytes == less * MIB
