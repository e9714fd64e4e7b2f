"""Estimate of the generation speed from bytes per token and bandwidth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.planning.open_models import OpenModel
from model_manager.devices.devices import HostMemory
from model_manager.devices.gpu_bandwidth import memory_bandwidth
from model_manager.devices.ram_bandwidth import measure_ram
from model_manager.gguf.shards import read_model
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_model
from tests.plan.plan_builders import GIB, apus_shape, cards, plan_apus, ram
from tests.rigs.open_model_files import QT, write_open_model


@pytest.mark.parametrize(
    ("name", "gb_per_s"),
    [
        ("NVIDIA GeForce RTX 4090", 1008),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 576),
        ("NVIDIA GeForce RTX 3060 Ti", 448),
        ("NVIDIA GeForce RTX 3060", 360),
        ("NVIDIA RTX 6000 Ada Generation", 960),
        ("NVIDIA RTX A6000", 768),
        ("NVIDIA H100 80GB HBM3", 3350),
        ("NVIDIA H100 PCIe", 2039),
        ("NVIDIA A100-SXM4-80GB", 1935),
        ("AMD Radeon RX 7900 XTX (RADV NAVI31)", 960),
        ("Apple M3 Max", 300),
        ("Apple M1", 68),
        ("Intel(R) Arc(TM) A770 Graphics", 512),
        ("Intel(R) Graphics (BMG G21)", 380),
        ("Intel(R) Arc(TM) Pro B50 Graphics", 224),
        ("AMD Radeon Graphics (RADV GFX1151)", 256),
        ("AMD Instinct MI355X", 8000),
        ("NVIDIA B300 SXM6 AC", 8000),
        ("NVIDIA GB200", 8000),
        ("NVIDIA RTX PRO 2000 Blackwell", 288),
        ("NVIDIA GeForce RTX 5070 Laptop GPU", 384),
        ("NVIDIA GeForce RTX 5070 Ti Laptop GPU", 672),
        ("NVIDIA GeForce RTX 5060 Laptop GPU", 384),
        ("AMD Radeon 890M Graphics (RADV GFX1150)", None),
        ("llvmpipe (LLVM 19.1.7, 256 bits)", None),
        ("", None),
    ],
)
def test_bandwidth_of_known_gpus(name: str, gb_per_s: float | None) -> None:
    assert memory_bandwidth(name) == (None if gb_per_s is None else gb_per_s * 1e9)


def test_speed_depends_on_the_memory_that_holds_the_weights() -> None:
    facts = apus_shape("Q2_K")
    fast = plan_model(facts, cards(24, 24), ram(), PlanOptions(context=4096)).tokens_per_second_estimate
    slow = plan_model(
        facts, cards(24, 24, description="NVIDIA GeForce RTX 3060"), ram(), PlanOptions(context=4096)
    ).tokens_per_second_estimate
    assert 25 < fast < 50  # 22 GB of active weights at 1008 GB/s
    assert 1.8 < fast / slow < 2.8
    host = HostMemory(64 * GIB, bandwidth=40e9, cores=16, repacked_types=frozenset())
    alone = plan_model(facts, (), host, PlanOptions(context=4096)).tokens_per_second_estimate
    doubled = plan_model(facts, (), replace(host, bandwidth=80e9), PlanOptions(context=4096)).tokens_per_second_estimate
    assert 1.5 < alone < 2.2
    assert 1.8 < doubled / alone < 2.1


# Sources: github.com/ggml-org/llama.cpp/pull/15802, github.com/dmatora/LLM-inference-speed-benchmarks/issues/12,
# github.com/ggml-org/llama.cpp/issues/13652 (twice), smeltcore.com/recipes/qwen3-30b-a3b-rtx-3090-ti,
# runaihome.com/blog/qwen3-30b-a3b-local-ai-guide-2026.
@pytest.mark.parametrize(
    ("card", "billions", "active", "kind", "published"),
    [
        ("NVIDIA GeForce RTX 3090", 8.03, 0, QT.Q4_0, 156),
        ("NVIDIA GeForce RTX 3080", 8.03, 0, QT.Q4_K, 112),
        ("NVIDIA A10-24Q", 32.76, 0, QT.Q4_0, 23.2),
        ("NVIDIA A10-24Q", 30.53, 3.35, QT.Q4_0, 103.5),
        ("NVIDIA GeForce RTX 3090 Ti", 30.53, 3.35, QT.Q4_K, 167),
        ("NVIDIA GeForce RTX 4090", 30.53, 3.35, QT.Q4_K, 196),
    ],
)
def test_published_speeds(
    tmp_path: Path, card: str, billions: float, active: float, kind: QT, published: float
) -> None:
    model = OpenModel("", "", "", 2026, billions, "everyday", "", active)
    write_open_model(tmp_path / "model.gguf", model, 0, kind, kind)
    shape = read_model_shape(read_model(tmp_path / "model.gguf"))
    plan = plan_model(shape, cards(32, description=card), ram(), PlanOptions(context=4096))
    assert plan.verdict == "gpu"
    assert plan.tokens_per_second_estimate == pytest.approx(published, rel=0.25)


def test_graphics_in_the_processor_read_the_ram() -> None:
    facts, gpu = apus_shape("Q2_K"), cards(64, backend="Vulkan", description="AMD Radeon 890M Graphics")
    shared = tuple(replace(each, kind="integrated_gpu") for each in gpu)
    plans = [plan_model(facts, devices, ram(96), PlanOptions(context=4096)) for devices in (gpu, shared)]
    assert plans[0].tokens_per_second_estimate > 8 * plans[1].tokens_per_second_estimate
    assert ["speed_guessed" in plan.reasons for plan in plans] == [True, False]


def test_few_cores_are_slower_than_the_ram() -> None:
    facts = apus_shape("IQ3_XXS")
    many = HostMemory(64 * GIB, bandwidth=80e9, cores=32)
    few = replace(many, cores=2)
    speeds = [plan_model(facts, (), host, PlanOptions(context=4096)).tokens_per_second_estimate for host in (many, few)]
    assert speeds[0] > 4 * speeds[1]


def test_one_core_reads_less_than_the_full_ram_bandwidth() -> None:
    facts = apus_shape("Q2_K")
    host = HostMemory(64 * GIB, bandwidth=80e9, cores=16, repacked_types=frozenset(), core_bandwidth=5e9)

    def speed(threads: int, **changed: object) -> float:
        options = PlanOptions(context=4096, threads=threads)
        return plan_model(facts, (), replace(host, **changed), options).tokens_per_second_estimate  # type: ignore[arg-type]

    assert 0.2 < speed(1) < 0.25  # 22 GB of active weights
    assert 1.9 < speed(2) / speed(1) < 2.1
    assert speed(1, cache_bytes=200 * GIB) == pytest.approx(speed(1, core_bandwidth=None), rel=0.01)
    assert speed(1, cache_bytes=480 << 20) == speed(1)


def test_unknown_bandwidth_is_a_reason() -> None:
    assert "speed_guessed" in plan_apus("Q2_K", 24, 24).reasons
    known = plan_model(apus_shape("Q2_K"), cards(24, 24), ram(), PlanOptions())
    assert "speed_guessed" not in known.reasons
    # What computes behind a server cannot be asked.
    others = cards(24, 24, backend="RPC", description="192.168.1.20:50052")
    assert "speed_guessed" in plan_model(apus_shape("Q2_K"), others, ram(), PlanOptions()).reasons


def test_ram_bandwidth_of_this_machine() -> None:
    speed = measure_ram()
    assert 0.2e9 < speed.one_core <= speed.all_cores < 3e12
