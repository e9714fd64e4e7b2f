"""Device list, and estimated against allocated memory on two Vulkan devices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.device_probe import plan_devices, probe_devices
from app.engine.local_engine import LocalEngine
from app.messages import sentence
from app.services import Services
from model_manager.devices.devices import HostMemory, has_amx, repacked_types
from model_manager.errors import UserError
from model_manager.gguf.shards import read_model
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_model, plan_with_rehearsals
from tests.engine.requests import ask, load
from tests.rigs.apus_shapes import write_shape

pytestmark = pytest.mark.vulkan

GIB, MIB = 1 << 30, 1 << 20
HOST = HostMemory(available_bytes=8 * GIB, bandwidth=20e9, cores=2, repacked_types=repacked_types(), has_amx=has_amx())


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home model's layers at an eighth of their width; no buffer reaches 128 MiB."""
    path = tmp_path_factory.mktemp("shapes") / "experts.gguf"
    write_shape(path, "Q4_K_M", n_layer=6, n_embd=1024, n_ff=2816, n_head=8, n_head_kv=2, n_vocab=8000)
    return path


def test_both_devices_are_listed_with_memory_that_falls_as_it_is_taken(
    engine: LocalEngine, experts: Path, tmp_path: Path
) -> None:
    found = probe_devices(tmp_path / "probe.log").found
    assert "Vulkan" in found.backends
    assert [(device.name, device.kind) for device in found.devices] == [
        ("Vulkan0", "gpu"),
        ("Vulkan1", "gpu"),
        ("CPU", "cpu"),
    ]
    before = {device.name: device.free_bytes for device in found.devices}
    assert all(device.total_bytes >= device.free_bytes > 0 for device in found.devices)
    load(engine, experts, context=32768, n_gpu_layers=-1, tensor_split=(1.0, 1.0))
    during = {device.name: device.free_bytes for device in engine.devices().devices}
    assert all(during[name] <= before[name] - 50 * MIB for name in ("Vulkan0", "Vulkan1"))


def test_the_plan_knows_them_by_name_and_keeps_a_reserve(services: Services) -> None:
    machine = services.planning.machine()
    assert [device.name for device in machine.devices] == ["Vulkan0", "Vulkan1"]
    assert all(device.reserve_bytes >= 512 * MIB for device in machine.devices)
    assert machine.engine is not None


def near(forecast: int, real: int) -> bool:
    """Stricter than 8 MiB, because these buffers are small."""
    return abs(forecast - real) <= max(MIB, real // 50)


CASES = [
    (context, kv_type, in_ram)
    for context in (4096, 8192, 32768)
    for kv_type in ("f16", "q8_0")
    for in_ram in ((), (1, 4), (0, 1, 2, 3, 4, 5))
]


@pytest.mark.parametrize(("context", "kv_type", "in_ram"), CASES)
def test_what_is_forecast_is_what_the_engine_takes(
    engine: LocalEngine, experts: Path, context: int, kv_type: str, in_ram: tuple[int, ...]
) -> None:
    headers = read_model(experts)
    devices = tuple(replace(each, reserve_bytes=0) for each in plan_devices(engine.devices().devices))
    options = PlanOptions(
        context=context,
        kv_type=kv_type,
        experts_in_ram=in_ram,
        pipeline=None if context > 8192 else False,
        micro_batch=512,  # the mask of a larger one exceeds 128 MiB
    )
    shape = read_model_shape(headers)
    planned, reported = plan_with_rehearsals(
        shape, devices, HOST, options, lambda plan: engine.rehearse(experts, plan.spec)
    )
    assert reported is not None
    assert (planned.verdict, planned.kv_type) == ("experts_in_ram" if in_ram else "gpu", kv_type)
    list(engine.load(experts, planned.spec))
    assert engine.state is not None
    memory = engine.state.result.memory
    estimated = plan_model(shape, devices, HOST, options)
    for device, guess in zip(planned.devices, estimated.devices, strict=True):
        real = memory[device.name]
        assert device.layers
        for part in ("weights_bytes", "kv_bytes", "compute_bytes"):
            assert near(getattr(device, part), real[part]), (device.name, part)
        assert near(guess.weights_bytes, real["weights_bytes"])
        assert near(guess.kv_bytes, real["kv_bytes"])
        assert real["compute_bytes"] <= guess.compute_bytes + 8 * MIB
    for part in ("weights_bytes", "kv_bytes", "compute_bytes"):
        assert near(getattr(planned.host, part), memory["CPU"][part]), ("host", part)
    assert engine.state.result.pipeline == planned.spec.pipeline


@pytest.mark.parametrize("options", [{}, {"experts_in_ram": (0, 2)}], ids=["all on devices", "experts in RAM"])
def test_an_offloaded_model_answers_as_the_processor_does(
    engine: LocalEngine, small_experts: Path, options: dict[str, object]
) -> None:
    load(engine, small_experts, context=512, n_gpu_layers=-1, tensor_split=(3.0, 2.0), **options)
    offloaded = ask(engine, "hello", max_tokens=8)
    assert engine.state is not None
    assert engine.state.result.memory["Vulkan1"]["weights_bytes"] > 0
    load(engine, small_experts, context=512, n_gpu_layers=0, devices=("CPU",))
    assert offloaded.text == ask(engine, "hello", max_tokens=8).text


def test_a_split_by_rows_is_refused_in_words_and_whole_layers_still_load(
    engine: LocalEngine, small_experts: Path
) -> None:
    """Vulkan has no buffers split over devices."""
    with pytest.raises(UserError) as caught:
        load(engine, small_experts, context=512, n_gpu_layers=-1, split_mode="row")
    assert caught.value.code == "split_mode_not_on_device"
    assert "Vulkan0" in sentence(caught.value)
    load(engine, small_experts, context=512, n_gpu_layers=-1)
    assert ask(engine, "hello", max_tokens=4).finished is not None


def test_one_layer_computed_by_both_devices(engine: LocalEngine, small_experts: Path) -> None:
    load(engine, small_experts, context=512, n_gpu_layers=-1, split_mode="tensor")
    assert engine.state is not None
    memory = engine.state.result.memory
    assert memory["Vulkan0"] == memory["Vulkan1"]
    shared = ask(engine, "hello", max_tokens=8)
    load(engine, small_experts, context=512, n_gpu_layers=0, devices=("CPU",))
    assert shared.text == ask(engine, "hello", max_tokens=8).text


@pytest.fixture(scope="module")
def small_experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.rigs.tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "experts.gguf", n_layer=4, n_expert=4)
