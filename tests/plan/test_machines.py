"""Plans for many machines: never over any device's memory, never a tensor lost, and more memory is never worse."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from model_manager.devices.devices import HostMemory, PlanDevice, pretended_devices
from model_manager.gguf.header import read_header
from model_manager.plan import VERDICTS, LoadPlan, ModelFacts, Wishes, model_facts, plan_model
from tests.plan.plan_builders import GIB, MIB, QUANTISATIONS, apus_facts, check, ram
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


def _plan(facts: ModelFacts, devices: tuple[PlanDevice, ...], host: HostMemory, wishes: Wishes) -> LoadPlan:
    found = plan_model(facts, devices, host, wishes)
    check(found, facts, devices, host)
    return found


@pytest.mark.parametrize("gib", MACHINES)
def test_uneven_cards_one_card_and_none(gib: tuple[float, ...]) -> None:
    devices = pretended_devices(gib)
    verdicts = []
    for quantisation in QUANTISATIONS:
        for context in (None, 4096, 32768):
            found = _plan(apus_facts(quantisation), devices, ram(96), Wishes(context=context))
            verdicts.append(found.verdict)
    assert verdicts[0] == MACHINES[gib]
    assert "does_not_fit" not in verdicts


def test_the_last_card_holds_the_output_whatever_the_order() -> None:
    for gib in ((24, 16), (16, 24), (24, 24, 24)):
        found = _plan(apus_facts("Q2_K"), pretended_devices(gib), ram(), Wishes(context=4096))
        assert [60 in device.layers for device in found.devices] == [False] * (len(gib) - 1) + [True]


def test_experts_in_ram_are_spread_over_the_cards() -> None:
    found = _plan(apus_facts("Q4_K_M"), pretended_devices((23.54, 23.54)), ram(), Wishes(context=8192))
    per_card = [len(set(device.layers) & set(found.experts_in_ram)) for device in found.devices]
    assert min(per_card) > 0
    assert abs(per_card[0] - per_card[1]) <= 2


def test_nothing_fits_where_ram_is_too_small() -> None:
    found = _plan(apus_facts("Q4_K_M"), pretended_devices((24,)), ram(16), Wishes())
    assert found.verdict == "does_not_fit"
    assert "ram_too_small" in found.reasons
    assert found.devices[0].weights_bytes > 0
    assert set(found.to_json()) == {
        *("verdict", "context", "kv_type", "n_gpu_layers", "tensor_split", "experts_in_ram"),
        *("devices", "host", "tokens_per_second_estimate", "reasons"),
    }


def _random_machine(rng: random.Random) -> tuple[tuple[PlanDevice, ...], HostMemory]:
    devices = tuple(
        PlanDevice(
            name=f"D{number}",
            free_bytes=rng.randint(0, 50 * GIB),
            reserve_bytes=rng.choice((512 * MIB, GIB)),
            ceiling_bytes=rng.choice((None, None, rng.randint(0, 30 * GIB))),
            backend=rng.choice(("CUDA", "Vulkan", "RPC", "MTL")),
            shares_ram=rng.random() < 0.1,
        )
        for number in range(rng.choice((0, 1, 1, 2, 2, 2, 3, 4, 6)))
    )
    return devices, ram(rng.choice((8, 16, 32, 64, 128)))


def _random_wishes(rng: random.Random) -> Wishes:
    return Wishes(
        context=rng.choice((None, 1000, 4096, 8192, 32768)),
        kv_type=rng.choice(("auto", "auto", "f16", "q8_0", "q4_0")),
        flash_attention=rng.choice((None, None, False)),
        micro_batch=rng.choice((None, None, 128)),
        pipeline=rng.choice((None, None, False)),
    )


def test_random_machines_and_wishes() -> None:
    rng = random.Random(3)
    seen = set()
    for _ in range(150):
        devices, host = _random_machine(rng)
        found = _plan(apus_facts(rng.choice(QUANTISATIONS)), devices, host, _random_wishes(rng))
        seen.add(found.verdict)
    assert seen == set(VERDICTS)


def test_more_memory_is_never_worse() -> None:
    rng = random.Random(4)
    better = 0
    for _ in range(60):
        devices, host = _random_machine(rng)
        wishes = _random_wishes(rng)
        facts = apus_facts(rng.choice(QUANTISATIONS))
        before = _plan(facts, devices, host, wishes)
        more = list(devices)
        if more and rng.random() < 0.8:
            place = rng.randrange(len(more))
            grown = more[place]
            more[place] = PlanDevice(
                grown.name,
                grown.free_bytes + rng.randint(1, 12 * GIB),
                grown.reserve_bytes,
                grown.ceiling_bytes,
                grown.backend,
                shares_ram=grown.shares_ram,
            )
        elif rng.random() < 0.5:
            more.append(PlanDevice("more", rng.randint(0, 24 * GIB), backend="CUDA"))
        else:
            host = ram(host.available_bytes / GIB + rng.randint(1, 40))
        after = _plan(facts, tuple(more), host, wishes)
        assert VERDICTS.index(after.verdict) <= VERDICTS.index(before.verdict)
        better += after.verdict != before.verdict
    assert better >= 5


@pytest.mark.parametrize("architecture", ["llama", "deepseek2", "gemma3", "lfm2", "mamba"])
def test_other_architectures_on_small_random_machines(tmp_path: Path, architecture: str) -> None:
    facts = model_facts((read_header(write_arch(tmp_path / "model.gguf", architecture)),))
    rng = random.Random(architecture)
    seen = set()
    for _ in range(40):
        devices = tuple(
            PlanDevice(
                f"D{number}", rng.randint(0, 90) * MIB, rng.randint(0, 8) * MIB, backend=rng.choice(("RPC", "CUDA"))
            )
            for number in range(rng.randint(0, 4))
        )
        wishes = _random_wishes(rng)
        seen.add(_plan(facts, devices, ram(4), wishes).verdict)
    assert {"gpu", "layers_in_ram"} <= seen
