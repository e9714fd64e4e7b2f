"""From the device list over the plan and its rehearsal to the load: what was forecast is what the engine takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.device_probe import plan_devices
from app.engine.local_engine import LocalEngine
from app.engine.plan_options import load_options
from app.engine.protocol import LoadOptions
from app.engine.rehearsal import Rehearser
from model_manager.devices.devices import PlanDevice, read_host
from model_manager.gguf.shards import read_model
from model_manager.plan import LoadPlan, Rehearsed, Wishes, plan, rehearsed_plan
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


def with_memory(devices: tuple[PlanDevice, ...], *mib: float) -> tuple[PlanDevice, ...]:
    """As if the devices had so much and kept nothing back."""
    return tuple(
        replace(device, free_bytes=int(size * MIB), reserve_bytes=0) for device, size in zip(devices, mib, strict=True)
    )


@pytest.mark.parametrize(("sizes", "verdict"), [((400, 300), "gpu"), ((4, 4), "experts_in_ram")])
def test_the_engine_takes_what_was_forecast(
    engine: LocalEngine,
    tmp_path: Path,
    two_devices: tuple[str, ...],
    experts: Path,
    sizes: tuple[float, ...],
    verdict: str,
) -> None:
    headers = read_model(experts)
    with Rehearser(tmp_path / "rehearsal.log") as rehearser:
        devices = with_memory(plan_devices(rehearser.devices(two_devices).devices), *sizes)

        def rehearse(wanted: LoadPlan) -> Rehearsed:
            told = rehearser.rehearse(load_options(wanted, experts, two_devices))
            return Rehearsed(wanted, told.compute_bytes, told.host_compute_bytes)

        wishes = Wishes(context=1024, kv_type="f16", output_rows=1)
        planned, told = rehearsed_plan(headers, devices, read_host(), wishes, rehearse)
    assert told is not None
    assert planned.verdict == verdict
    assert "not_rehearsed" not in planned.reasons
    list(engine.ensure_loaded(load_options(planned, experts, two_devices)))
    assert engine.state is not None
    result = engine.state.result
    for device in planned.used_devices:
        real = result.memory[device.name]
        for kind in ("weights_bytes", "kv_bytes", "compute_bytes"):
            assert real[kind] == pytest.approx(getattr(device, kind), abs=MIB // 4), (device.name, kind)
    host = result.memory["CPU"]
    for kind in ("weights_bytes", "kv_bytes", "compute_bytes"):
        assert host[kind] == pytest.approx(getattr(planned.host, kind), abs=MIB // 4), kind
    assert result.pipeline == planned.pipeline
    assert ask(engine, "hello", max_tokens=4).finished is not None


def test_a_plan_without_gpus_keeps_their_backends_out(
    engine: LocalEngine, two_devices: tuple[str, ...], experts: Path
) -> None:
    devices = with_memory(plan_devices(engine.devices(two_devices).devices), 1, 1)
    planned = plan(read_model(experts), devices, read_host(), Wishes(context=512))
    assert planned.used_devices == ()
    list(engine.ensure_loaded(load_options(planned, experts, two_devices)))
    assert engine.state is not None
    assert list(engine.state.result.memory) == ["CPU"]
    assert engine.state.result.gpu_layers == 0


def test_everything_that_a_plan_fixes_reaches_the_engine() -> None:
    wishes: dict[str, object] = dict(  # noqa: C408
        context=4096,
        kv_type="q8_0",
        flash_attention=True,
        batch=1024,
        micro_batch=256,
        threads=3,
        split_mode="row",
        main_gpu="GPU1",
        pipeline=False,
        output_rows=2,
        full_windows=False,
        experts_in_ram=(3, 5),
    )
    planned = plan_apus("Q2_K", 48, 48, **wishes)
    options = load_options(planned, Path("model.gguf"), ("10.0.0.2:50052",))
    assert options == LoadOptions(
        path="model.gguf",
        context=4096,
        batch=1024,
        micro_batch=256,
        gpu_layers=61,
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
    on_host = load_options(plan_apus("Q2_K", context=4096), Path("model.gguf"))
    assert (on_host.devices, on_host.gpu_layers, on_host.mmap) == (("CPU",), 0, None)
