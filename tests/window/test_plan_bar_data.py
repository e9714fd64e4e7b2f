"""Values, geometry, changes and texts of the memory plan, without a window."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from app.units import size_text
from model_manager.devices.devices import Device, HostMemory
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import LoadSpec, PlanOptions
from model_manager.plan.planner import plan_model
from model_manager.plan.problem import Problem
from tests.plan.plan_builders import GIB, apus_shape, cards, plan_apus, ram
from ui.plan.bar_data import (
    Bar,
    bars_of,
    context_steps,
    device_numbers,
    full_bytes,
    part_places,
    places_of,
    short_description,
    strip_edges,
    verdict_kind,
)
from ui.plan.changes import (
    automatic,
    devices_on,
    layers_with_experts,
    segments_of,
    with_border,
    with_device,
    with_option,
)
from ui.plan.strings import (
    bar_description,
    bar_tip,
    bar_title,
    layers_text,
    left_text,
    tokens_short,
    used_text,
)

NAMES = ("GPU0", "GPU1")


def bars_for(plan: LoadPlan, devices: tuple[Device, ...], **more: object) -> tuple[Bar, ...]:
    return bars_of(plan, devices, replace(ram(), total_bytes=96 * GIB), **more)  # type: ignore[arg-type]


def of_24_gib(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    return tuple(replace(device, total_bytes=24 * GIB) for device in devices)


# Figures without a window


def test_bars_have_the_values_of_the_plan():
    devices = of_24_gib(cards(23.5, 21.5))
    plan = plan_model(apus_shape("Q3_K_M"), devices, ram())
    bars = bars_for(plan, devices)
    for bar, device in zip(bars[:-1], plan.devices, strict=True):
        assert list(bar.parts.values()) == [device.weights_bytes, device.kv_bytes, device.compute_bytes, 0, 0]
        assert bar.left_bytes == device.left_bytes
        assert bar.reserve_bytes == device.reserve_bytes
        assert bar.other_bytes == 24 * GIB - device.free_bytes
        assert bar.used_bytes + bar.left_bytes + bar.reserve_bytes + bar.other_bytes == 24 * GIB
    assert [bar.has_output for bar in bars] == [False, True, False]
    assert [layer for bar in bars for layer in bar.layers] == list(range(60))
    memory = bars[-1]
    assert memory.is_ram
    assert memory.experts == len(plan.experts_in_ram) > 0
    assert memory.used_bytes == plan.host.used_bytes
    assert memory.other_bytes == 32 * GIB


def test_ram_has_the_reserve_of_the_plan():
    for gib in (2, 8, 64, 512):
        host = HostMemory(gib * GIB)
        spec = LoadSpec(context=4096)
        problem = Problem(apus_shape("Q2_K"), (), host, PlanOptions(), spec=spec)
        assert problem.ram == host.available_bytes - host.reserve_bytes
        (bar,) = bars_of(plan_model(apus_shape("Q2_K"), (), host, PlanOptions()), (), host)
        assert bar.limit_bytes == problem.ram


def test_an_excluded_device_keeps_its_bar():
    devices = cards(23.5, 23.5)
    plan = plan_model(apus_shape("Q2_K"), devices, ram(), PlanOptions(devices=("GPU1",)))
    left_out, used, _memory = bars_for(plan, devices, left_out=frozenset({"GPU0"}))
    assert (left_out.is_on, left_out.used_bytes, left_out.layers) == (False, 0, ())
    assert used.layers == tuple(range(60))


def test_memory_of_a_gpu_that_shares_ram_counts_in_ram():
    devices = (replace(cards(48)[0], kind="integrated_gpu"),)
    plan = plan_model(apus_shape("Q2_K"), devices, ram(96))
    card, memory = bars_of(plan, devices, ram(96))
    assert memory.parts["shared"] == card.used_bytes > 0
    assert memory.used_bytes == plan.host.used_bytes + card.used_bytes


def test_actual_memory_is_per_device_and_summed_for_ram():
    devices = cards(23.5)
    plan = plan_model(apus_shape("Q2_K"), devices, ram())
    actual = {
        "GPU0": {"weights_bytes": 5, "kv_bytes": 6, "compute_bytes": 7},
        "CPU": {"weights_bytes": 10, "kv_bytes": 20, "compute_bytes": 30},
        "CPU_REPACK": {"repack_bytes": 4},
    }
    card, memory = bars_for(plan, devices, actual=actual)
    assert card.actual == {"weights": 5, "kv": 6, "compute": 7, "projector": 0, "repack": 0}
    assert memory.actual == {"weights": 10, "kv": 20, "compute": 30, "projector": 0, "repack": 4}


def test_without_devices_the_model_is_in_ram():
    plan = plan_apus("Q2_K")
    (memory,) = bars_for(plan, ())
    assert memory.layers == tuple(range(60))
    assert memory.has_output
    assert memory.used_bytes == plan.host.used_bytes


def test_parts_of_a_bar_are_in_order_and_end_at_the_limit():
    bars = bars_for(plan_apus("Q2_K", 23.5, 23.5), of_24_gib(cards(23.5, 23.5)))
    full = full_bytes(bars[:-1])
    places = places_of(bars[0], 480, full)
    assert full == 24 * GIB
    assert [stretch.kind for stretch in places.stretches] == ["weights", "kv", "compute", "reserve", "other"]
    assert places.end == pytest.approx(480)
    assert places.limit == pytest.approx(480 * bars[0].limit_bytes / full)
    weights, cache, work, reserve, other = places.stretches
    assert (weights.left, weights.right, cache.right) == (0, cache.left, work.left)
    assert work.right < places.limit == reserve.left
    assert reserve.right == pytest.approx(other.left)
    assert weights.right == pytest.approx(480 * bars[0].parts["weights"] / full)


def test_excess_extends_beyond_the_limit_and_the_end():
    devices = cards(16, 16)
    plan = plan_model(
        apus_shape("Q2_K"), devices, ram(), PlanOptions(tensor_split=(50.0, 11.0), n_gpu_layers=61, experts_in_ram=())
    )
    assert plan.verdict == "does_not_fit"
    bars = bars_for(plan, devices)
    places = places_of(bars[0], 400, full_bytes(bars[:-1]))
    over = places.stretches[-1]
    assert over.kind == "over"
    assert over.left == pytest.approx(places.limit)
    assert over.right == pytest.approx(400)
    assert places.end < 400
    assert "over" not in [stretch.kind for stretch in places_of(bars[1], 400, full_bytes(bars[:-1])).stretches]


def test_a_smaller_gpu_has_a_shorter_bar():
    bars = bars_for(plan_apus("Q2_K", 24, 12), cards(24, 12))
    assert places_of(bars[1], 600, full_bytes(bars[:-1])).end == pytest.approx(300)


def test_actual_memory_has_the_same_scale():
    assert [
        (each.kind, each.left, each.right)
        for each in part_places({"weights": 10, "kv": 0, "compute": 30, "repack": 10}, 100, 100)
    ] == [
        ("weights", 0, 20),
        ("compute", 20, 50),
    ]


@pytest.mark.parametrize(
    ("trained", "current", "steps"),
    [
        (32768, 8192, (2048, 4096, 8192, 16384, 32768)),
        (40960, 8192, (2048, 4096, 8192, 16384, 32768, 40960)),
        (8192, 3072, (2048, 3072, 4096, 8192)),
        (1024, 1024, (1024,)),
        (None, 8192, (2048, 4096, 8192, 16384, 32768, 65536, 131072)),
    ],
)
def test_context_steps(trained: int | None, current: int, steps: tuple[int, ...]):
    assert context_steps(trained, current) == steps
    assert current in steps


def test_device_numbers_must_be_unique():
    assert device_numbers(["CUDA0", "CUDA1"]) == {"CUDA0": 0, "CUDA1": 1}
    assert device_numbers(["CUDA0", "Vulkan0"]) == {}
    assert device_numbers(["CUDA0", "RPC[10.0.0.2:50052]"]) == {}


def test_an_empty_segment_has_a_minimum_width():
    edges = strip_edges((60, 0, 1), 300, 12)
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(300)
    assert all(right - left >= 12 for left, right in pairwise(edges))


def test_verdict_kinds():
    assert verdict_kind(plan_apus("Q2_K", 23.5, 23.5)) == "good"
    slow = plan_apus("Q4_K_M", 8)
    assert slow.verdict == "experts_in_ram"
    assert verdict_kind(slow) == "warning"
    assert verdict_kind(plan_apus("Q4_K_M", 8, ram_gib=16)) == "bad"


# PlanOptions without a window


def test_switching_devices():
    fixed = PlanOptions(tensor_split=(1.0, 2.0), main_gpu="GPU0", context=4096)
    one = with_device(fixed, NAMES, "GPU0", on=False)
    assert one == PlanOptions(devices=("GPU1",), context=4096)
    none = with_device(one, NAMES, "GPU1", on=False)
    assert none == PlanOptions(n_gpu_layers=0, context=4096)
    assert devices_on(none, NAMES) == frozenset()
    assert with_device(none, NAMES, "GPU0", on=True) == PlanOptions(devices=("GPU0",), context=4096)
    assert with_device(one, NAMES, "GPU0", on=True) == PlanOptions(context=4096)


def test_moving_a_border_keeps_the_number_of_layers():
    segments = (("GPU0", 30), ("GPU1", 20), ("GPU2", 11))
    assert with_border(PlanOptions(), segments, 1, 26).tensor_split == (30, 26, 5)
    assert with_border(PlanOptions(), segments, 0, 99).tensor_split == (50, 0, 11)
    assert with_border(PlanOptions(), segments, 0, -3).tensor_split == (0, 50, 11)


def test_the_border_to_ram_sets_the_layers_on_devices():
    segments = (("", 11), ("GPU0", 30), ("GPU1", 20))
    options = with_border(PlanOptions(), segments, 0, 21)
    assert (options.n_gpu_layers, options.tensor_split) == (40, (20, 20))
    alone = with_border(PlanOptions(), (("", 11), ("GPU0", 50)), 0, 61)
    assert (alone.n_gpu_layers, alone.tensor_split) == (0, ())


def test_experts_are_spread_evenly():
    layers = layers_with_experts(apus_shape("Q2_K"))

    def fixed(count: int | None) -> tuple[int, ...] | None:
        return with_option(PlanOptions(experts_in_ram=(7,)), "experts_in_ram", count, layers).experts_in_ram

    assert fixed(12) == tuple(range(2, 60, 5))
    assert fixed(0) == ()
    assert fixed(99) == layers
    assert fixed(None) is None


def test_automatic_keeps_options_that_the_view_does_not_show():
    options = PlanOptions(context=4096, devices=("GPU0",), threads=3, margin_bytes=5, pipeline=False)
    assert automatic(options) == PlanOptions(margin_bytes=5, pipeline=False)


def test_ram_is_a_segment_if_layers_can_be_there():
    plan = plan_apus("Q4_K_M", 8)
    assert segments_of(plan, PlanOptions()) == (("GPU0", 61),)
    few = PlanOptions(n_gpu_layers=20)
    plan = plan_apus("Q2_K", 12, 12, n_gpu_layers=20)
    assert segments_of(plan, few)[0] == ("", 41)


# Words


def test_texts_of_a_bar():
    devices = of_24_gib(cards(23.5, 21.5))
    plan = plan_model(apus_shape("Q3_K_M"), devices, ram())
    first, second, memory = bars_for(plan, devices)
    assert bar_title(first) == "GPU 0 · RTX 4090"
    assert layers_text(first) == f"layers 0–{len(first.layers) - 1}"
    assert layers_text(second) == f"layers {len(first.layers)}–59 + output"
    assert layers_text(memory) == f"experts of {len(plan.experts_in_ram)} layers"
    assert used_text(first) == f"{first.used_bytes / GIB:.1f} of 24.0 GiB"
    assert left_text(first) == f"{size_text(first.left_bytes)} left"
    words = bar_description(first, as_forecast=False)
    for part in (
        f"Model weights: {first.parts['weights'] / GIB:.1f} GiB",
        "Conversation (KV cache): ",
        "Working memory: ",
        "Kept free: 0.5 GiB",
        "Other programs: 0.5 GiB",
    ):
        assert part in words
    tip = bar_tip(first, as_forecast=False)
    assert tip.startswith("GPU 0 · NVIDIA GeForce RTX 4090\n")
    assert f"Model weights: {first.parts['weights'] / GIB:.1f} GiB" in tip


def test_short_texts():
    assert short_description("AMD Radeon RX 7900 XTX (RADV NAVI31)") == "RX 7900 XTX (RADV NAVI31)"
    assert [tokens_short(count) for count in (2048, 40960, 1 << 20, 3000)] == ["2k", "40k", "1M", "3000"]
