"""Invariants of plans for many machines."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.devices.devices import Device, HostMemory, simulated_devices
from model_manager.gguf.header import read_header
from model_manager.plan.load_plan import VERDICTS, LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import ModelShape, read_model_shape
from model_manager.plan.planner import MICRO_BATCHES, plan_model
from tests.plan.plan_builders import GIB, MIB, QUANTISATIONS, apus_shape, cards, check, ram
from tests.rigs.arch_shapes import write_arch

MACHINES = {
    (24, 16): "experts_in_ram",
    (16, 24): "experts_in_ram",
    (24, 12, 8): "gpu",
    (24,): "experts_in_ram",
    (8,): "experts_in_ram",
    (): "layers_in_ram",
    (24, 24, 24): "gpu",
    (48, 48): "gpu",
    (2,): "layers_in_ram",
    (0.3,): "layers_in_ram",
}
"""Free memory of the cards, and what becomes of the smallest quantisation there."""


def _plan(facts: ModelShape, devices: tuple[Device, ...], host: HostMemory, options: PlanOptions) -> LoadPlan:
    found = plan_model(facts, devices, host, options)
    check(found, facts, devices, host)
    return found


@pytest.mark.parametrize("gib", MACHINES)
def test_uneven_cards_one_card_and_none(gib: tuple[float, ...]) -> None:
    devices = simulated_devices(gib)
    verdicts = []
    for quantisation in QUANTISATIONS:
        for context in (None, 4096, 32768):
            found = _plan(apus_shape(quantisation), devices, ram(96), PlanOptions(context=context))
            verdicts.append(found.verdict)
    assert verdicts[0] == MACHINES[gib]
    assert "does_not_fit" not in verdicts


def test_the_last_gpu_holds_the_output_in_any_order() -> None:
    for gib in ((24, 16), (16, 24), (24, 24, 24)):
        found = _plan(apus_shape("Q2_K"), simulated_devices(gib), ram(), PlanOptions(context=4096))
        assert [60 in device.layers for device in found.devices] == [False] * (len(gib) - 1) + [True]


def test_experts_in_ram_belong_to_the_device_that_they_are_copied_to() -> None:
    found = _plan(apus_shape("Q3_K_M"), simulated_devices((23.54, 23.54)), ram(), PlanOptions(context=8192))
    assert found.experts_in_ram
    assert set(found.experts_in_ram) <= set(found.devices[0].layers)


def test_experts_in_ram_are_spread_over_servers() -> None:
    servers = cards(23.54, 23.54, backend="RPC", description="10.0.0.2:50052")
    found = _plan(apus_shape("Q4_K_M"), servers, ram(), PlanOptions(context=8192))
    per_device = [len(set(device.layers) & set(found.experts_in_ram)) for device in found.devices]
    assert abs(per_device[0] - per_device[1]) <= 2


def test_a_larger_micro_batch_is_chosen_where_experts_in_ram_are_copied_for_each() -> None:
    def plan(**options: object) -> LoadPlan:
        known = [replace(each, description="NVIDIA GeForce RTX 3090", link_bytes_per_s=24e9) for each in cards(24)]
        return _plan(apus_shape("Q2_K"), known, ram(), PlanOptions(context=8192, **options))  # type: ignore[arg-type]

    chosen, fixed = plan(), plan(micro_batch=512)
    assert chosen.experts_in_ram
    assert chosen.spec.n_batch >= chosen.spec.n_ubatch > fixed.spec.n_ubatch == 512
    assert chosen.prompt_tokens_per_second_estimate > 1.2 * fixed.prompt_tokens_per_second_estimate
    assert chosen.tokens_per_second_estimate > 0.85 * fixed.tokens_per_second_estimate
    others = [plan(micro_batch=size).prompt_tokens_per_second_estimate for size in MICRO_BATCHES]
    assert chosen.prompt_tokens_per_second_estimate >= 0.9 * max(others)
    # Two of four experts are used: few tokens need all of them.
    assert chosen.spec.offload_min_batch is not None
    assert chosen.spec.offload_min_batch < 32
    on_gpus = _plan(apus_shape("Q2_K"), cards(48), ram(), PlanOptions(context=8192))
    assert (on_gpus.spec.micro_batch, on_gpus.spec.offload_min_batch) == (512, None)


def test_nothing_fits_where_ram_is_too_small() -> None:
    found = _plan(apus_shape("Q4_K_M"), simulated_devices((24,)), ram(16), PlanOptions())
    assert found.verdict == "does_not_fit"
    assert "ram_too_small" in found.reasons
    assert found.devices[0].weights_bytes > 0
    assert set(found.to_json()) == {
        *("verdict", "context", "kv_type", "n_gpu_layers", "tensor_split", "experts_in_ram"),
        *("devices", "host", "tokens_per_second_estimate", "prompt_tokens_per_second_estimate", "reasons"),
        "engine",
    }


def _random_machine(rng: random.Random) -> tuple[tuple[Device, ...], HostMemory]:
    devices = tuple(
        Device(
            name=f"D{number}",
            free_bytes=rng.randint(0, 50 * GIB),
            reserve_bytes=rng.choice((512 * MIB, GIB)),
            ceiling_bytes=rng.choice((None, None, rng.randint(0, 30 * GIB))),
            backend=rng.choice(("CUDA", "Vulkan", "RPC", "MTL")),
            kind="integrated_gpu" if rng.random() < 0.1 else "gpu",
        )
        for number in range(rng.choice((0, 1, 1, 2, 2, 2, 3, 4, 6)))
    )
    return devices, ram(rng.choice((8, 16, 32, 64, 128)))


def _random_options(rng: random.Random) -> PlanOptions:
    return PlanOptions(
        context=rng.choice((None, 1000, 4096, 8192, 32768)),
        kv_type=rng.choice(("auto", "auto", "f16", "q8_0", "q4_0")),
        flash_attention=rng.choice((None, None, False)),
        micro_batch=rng.choice((None, None, 128)),
        pipeline=rng.choice((None, None, False)),
    )


def test_random_machines_and_options() -> None:
    rng = random.Random(3)
    seen = set()
    for _ in range(150):
        devices, host = _random_machine(rng)
        found = _plan(apus_shape(rng.choice(QUANTISATIONS)), devices, host, _random_options(rng))
        seen.add(found.verdict)
    assert seen == set(VERDICTS)


def test_more_memory_is_never_worse() -> None:
    rng = random.Random(4)
    better = 0
    for _ in range(60):
        devices, host = _random_machine(rng)
        options = _random_options(rng)
        facts = apus_shape(rng.choice(QUANTISATIONS))
        before = _plan(facts, devices, host, options)
        more = list(devices)
        if more and rng.random() < 0.8:
            place = rng.randrange(len(more))
            grown = more[place]
            more[place] = replace(grown, free_bytes=grown.free_bytes + rng.randint(1, 12 * GIB))
        elif rng.random() < 0.5:
            more.append(Device("more", rng.randint(0, 24 * GIB), backend="CUDA"))
        else:
            host = ram(host.available_bytes / GIB + rng.randint(1, 40))
        after = _plan(facts, tuple(more), host, options)
        assert VERDICTS.index(after.verdict) <= VERDICTS.index(before.verdict)
        better += after.verdict != before.verdict
    assert better >= 5


@pytest.mark.parametrize("architecture", ["llama", "deepseek2", "gemma3", "lfm2", "mamba"])
def test_other_architectures_on_small_random_machines(tmp_path: Path, architecture: str) -> None:
    facts = read_model_shape((read_header(write_arch(tmp_path / "model.gguf", architecture)),))
    rng = random.Random(architecture)
    seen = set()
    for _ in range(40):
        devices = tuple(
            Device(
                f"D{number}",
                rng.randint(0, 90) * MIB,
                reserve_bytes=rng.randint(0, 8) * MIB,
                backend=rng.choice(("RPC", "CUDA")),
            )
            for number in range(rng.randint(0, 4))
        )
        options = _random_options(rng)
        seen.add(_plan(facts, devices, ram(4), options).verdict)
    assert {"gpu", "layers_in_ram"} <= seen
