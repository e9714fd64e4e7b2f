"""Estimated memory of devices against the engine's own, on simulated CUDA devices: plans that were not rehearsed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from app.engine.device_probe import plan_devices
from app.engine.local_engine import LocalEngine
from model_manager.devices.devices import HostMemory
from model_manager.gguf.shards import read_model
from model_manager.plan.load_plan import Verdict
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_model
from tests.rigs.apus_shapes import write_shape
from tests.rigs.arch_shapes import write_arch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the devices are loaded with LD_PRELOAD")

MIB = 1 << 20
HOST = HostMemory(available_bytes=64 << 30, bandwidth=60e9, cores=8)
TOLERANCE = 8 * MIB


@dataclass(frozen=True)
class Case:
    """A model on devices with so much memory (MiB), and the verdict of its plan."""

    write: Callable[[Path], object]
    devices: tuple[int, ...]
    verdict: Verdict
    options: PlanOptions


def _shape(**widths: int) -> Callable[[Path], object]:
    return lambda path: write_shape(path, "Q4_K_M", **widths)


def _arch(name: str) -> Callable[[Path], object]:
    return partial(write_arch, architecture=name)


WIDE = {"n_layer": 6, "n_embd": 2048, "n_ff": 8192, "n_head": 16, "n_head_kv": 4, "n_expert": 16, "n_vocab": 4096}
MANY = {"n_layer": 6, "n_embd": 1024, "n_ff": 256, "n_head": 8, "n_head_kv": 4, "n_expert": 32, "n_expert_used": 16}
NARROW_HEADS = {"n_layer": 6, "n_embd": 1536, "n_ff": 2048, "n_head": 32, "n_head_kv": 8, "n_vocab": 4096}
F16 = PlanOptions(context=8192, kv_type="f16", micro_batch=512, full_windows=True)

CASES = {
    "quantised cache": Case(_arch("llama"), (2000,), "gpu", replace(F16, context=32768, kv_type="q8_0")),
    "heads without flash attention": Case(_shape(**NARROW_HEADS), (4000,), "gpu", F16),
    "many small experts": Case(_shape(**MANY), (4000,), "gpu", replace(F16, micro_batch=2048)),
    "experts in RAM": Case(_shape(**WIDE), (1400,), "experts_in_ram", replace(F16, experts_in_ram=(0, 1, 2, 3, 4))),
    "experts of two devices in RAM": Case(
        _shape(**WIDE), (1400, 1100), "experts_in_ram", replace(F16, experts_in_ram=(0, 1, 4, 5))
    ),
    "layers in RAM": Case(_arch("llama"), (90,), "layers_in_ram", replace(F16, context=32768, kv_type="q8_0")),
    "caches of another device": Case(_arch("gemma4"), (2000, 2000), "gpu", replace(F16, tensor_split=(6, 7))),
    "indexer": Case(_arch("deepseek32"), (4000,), "gpu", F16),
    "state and cache": Case(_arch("qwen35"), (1000, 1000), "gpu", replace(F16, micro_batch=2048)),
}


@pytest.mark.parametrize("name", CASES)
def test_memory_of_devices_is_estimated(cuda: LocalEngine, tmp_path: Path, name: str) -> None:
    case, path = CASES[name], tmp_path / "model.gguf"
    case.write(path)
    listed = plan_devices(cuda.devices(keep=True).devices)
    devices = tuple(
        replace(each, free_bytes=size * MIB, reserve_bytes=0) for each, size in zip(listed, case.devices, strict=False)
    )
    plan = plan_model(read_model_shape(read_model(path)), devices, HOST, case.options)
    assert plan.verdict == case.verdict
    rehearsed = cuda.rehearse(path, plan.spec)
    for planned in plan.used_devices:
        real = rehearsed.compute_bytes[planned.name]
        used = planned.weights_bytes + planned.kv_bytes + real
        assert planned.compute_bytes == pytest.approx(real, abs=max(TOLERANCE, 0.02 * used)), planned.name
        assert used <= planned.free_bytes
