"""Rehearsals report what a load takes, to the byte that the engine prints, also on devices that this machine lacks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from model_manager.plan.load_spec import LoadSpec
from tests.rigs.arch_shapes import ARCHITECTURES, write_arch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the devices are loaded with LD_PRELOAD")

NAMES = ("CUDA0", "CUDA1")
ALL_SUPPORTED = ("deepseek32", "mamba")
"""The devices of the rig compute their indexer and state at any size, those of ggml-cuda only at some."""
LAYOUTS = {
    "pipeline": LoadSpec(n_gpu_layers=-1, tensor_split=(4.0, 3.0), pipeline=True),
    "one after the other": LoadSpec(n_gpu_layers=-1, tensor_split=(4.0, 3.0), pipeline=False),
    "experts in RAM": LoadSpec(n_gpu_layers=-1, tensor_split=(4.0, 3.0), pipeline=False, experts_in_ram=(1, 5)),
    "layers in RAM": LoadSpec(n_gpu_layers=4, tensor_split=(2.0, 2.0), pipeline=False, flash_attention=True),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_buffers_of_every_device_are_those_of_a_load(
    cuda: LocalEngine, shared_engine: LocalEngine, tmp_path: Path, architecture: str
) -> None:
    path = tmp_path / "model.gguf"
    write_arch(path, architecture)
    for layout, spec in LAYOUTS.items():
        spec = replace(spec, context=2048, devices=NAMES)
        rehearsed = cuda.rehearse(path, spec)
        simulated = shared_engine.rehearse(path, spec, simulated=NAMES)
        list(cuda.load(path, spec))
        assert cuda.state is not None
        memory = cuda.state.result.memory
        taken = {name: memory[name]["compute_bytes"] for name in NAMES}
        assert (layout, rehearsed.compute_bytes) == (layout, taken)
        assert (layout, rehearsed.host_compute_bytes) == (layout, memory["CPU"]["compute_bytes"])
        if architecture not in ALL_SUPPORTED:
            assert (layout, simulated) == (layout, rehearsed)
