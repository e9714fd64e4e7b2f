"""From the device list and the plan to the load: allocation matches the forecast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.device_probe import plan_devices
from app.engine.local_engine import LocalEngine
from model_manager.devices.devices import Device, read_host
from model_manager.gguf.shards import read_model
from model_manager.plan.load_plan import LoadPlan, Rehearsal
from model_manager.plan.load_spec import LoadSpec, PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_model, plan_with_rehearsals
from tests.engine.requests import ask
from tests.plan.plan_builders import plan_apus
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

MIB = 1 << 20


@pytest.fixture(scope="module")
def two_devices() -> Iterator[tuple[str, ...]]:
    with ExitStack() as servers:
        yield tuple(servers.enter_context(serving()) for _ in range(2))


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("moe") / "moe.gguf", n_layer=6, n_expert=4)


def with_memory(devices: tuple[Device, ...], *mib: float) -> tuple[Device, ...]:
    """As if the devices had so much and kept nothing back."""
    return tuple(
        replace(device, free_bytes=int(size * MIB), reserve_bytes=0) for device, size in zip(devices, mib, strict=True)
    )


@pytest.mark.parametrize(("sizes", "verdict"), [((400, 300), "gpu"), ((4, 4), "experts_in_ram")])
def test_allocation_matches_the_rehearsed_plan(
    engine: LocalEngine,
    two_devices: tuple[str, ...],
    experts: Path,
    sizes: tuple[float, ...],
    verdict: str,
) -> None:
    headers = read_model(experts)
    devices = with_memory(plan_devices(engine.devices(two_devices, keep=True).devices), *sizes)

    def rehearse(plan: LoadPlan) -> Rehearsal:
        return engine.rehearse(experts, plan.spec)

    options = PlanOptions(context=1024, kv_type="f16", output_rows=1, rpc_servers=two_devices)
    planned, reported = plan_with_rehearsals(read_model_shape(headers), devices, read_host(), options, rehearse)
    assert reported is not None
    assert planned.verdict == verdict
    assert "not_rehearsed" not in planned.reasons
    list(engine.load(experts, planned.spec))
    assert engine.state is not None
    result = engine.state.result
    for device in planned.used_devices:
        real = result.memory[device.name]
        for kind in ("weights_bytes", "kv_bytes", "compute_bytes"):
            assert real[kind] == pytest.approx(getattr(device, kind), abs=MIB // 4), (device.name, kind)
    host = result.memory["CPU"]
    for kind in ("weights_bytes", "kv_bytes", "compute_bytes"):
        assert host[kind] == pytest.approx(getattr(planned.host, kind), abs=MIB // 4), kind
    assert result.pipeline == planned.spec.pipeline
    assert ask(engine, "hello", max_tokens=4).finished is not None


def test_plan_without_gpus_does_not_use_their_backends(
    engine: LocalEngine, two_devices: tuple[str, ...], experts: Path
) -> None:
    devices = with_memory(plan_devices(engine.devices(two_devices).devices), 1, 1)
    options = PlanOptions(context=512, rpc_servers=two_devices)
    planned = plan_model(read_model_shape(read_model(experts)), devices, read_host(), options)
    assert planned.used_devices == ()
    list(engine.load(experts, planned.spec))
    assert engine.state is not None
    assert list(engine.state.result.memory) == ["CPU"]
    assert engine.state.result.gpu_layers == 0


def test_plan_options_reach_the_spec() -> None:
    options: dict[str, object] = dict(  # noqa: C408
        context=4096,
        kv_type="q8_0",
        flash_attention=True,
        batch=1024,
        micro_batch=256,
        offload_min_batch=24,
        threads=3,
        split_mode="row",
        main_gpu="GPU1",
        pipeline=False,
        output_rows=2,
        full_windows=False,
        experts_in_ram=(3, 5),
    )
    planned = plan_apus("Q2_K", 48, 48, rpc_servers=("10.0.0.2:50052",), **options)
    assert planned.spec == LoadSpec(
        context=4096,
        batch=1024,
        micro_batch=256,
        offload_min_batch=24,
        n_gpu_layers=61,
        tensor_split=planned.tensor_split,
        experts_in_ram=(3, 5),
        devices=("GPU0", "GPU1"),
        rpc_servers=("10.0.0.2:50052",),
        kv_type="q8_0",
        flash_attention=True,
        threads=3,
        split_mode="row",
        main_gpu="GPU1",
        mmap=False,
        pipeline=False,
        repack=True,
        full_windows=False,
        output_rows=2,
    )
    on_host = plan_apus("Q2_K", context=4096).spec
    assert (on_host.devices, on_host.n_gpu_layers, on_host.mmap) == (("CPU",), 0, False)


def test_mapping_and_repacking_can_be_fixed() -> None:
    assert plan_apus("Q4_K_M", 24, 24, ram_gib=160, mmap=True).spec.mmap is True
    read = plan_apus("Q4_K_M", ram_gib=160, context=4096, mmap=False)
    assert (read.spec.mmap, read.host.repack_bytes) == (False, 0)
    plain = plan_apus("Q4_K_M", ram_gib=160, context=4096, repack=False)
    assert (plain.spec.repack, plain.host.repack_bytes) == (False, 0)
    assert "repacking_off" not in plain.reasons
