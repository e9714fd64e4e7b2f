"""Loading with a plan over two real devices: forecast and allocation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.backend import AnswerFinished, ChatRequest, LoadProgress, ModelLoaded, PromptMessage
from app.backends import LocalBackend, loaded_plan
from app.conversation import Role
from app.engine.local_engine import WRAPPER_VARIABLE
from app.messages import sentence
from app.sampling import Sampling
from app.services import Services
from model_manager.errors import UserError
from model_manager.plan.load_spec import PlanOptions
from tests.planning.conftest import Ask
from tests.rigs.apus_shapes import write_shape
from tests.rigs.arch_shapes import write_arch
from tests.rigs.engine_children import engine_children
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

MIB = 1 << 20
PARTS = ("weights_bytes", "kv_bytes", "compute_bytes")


def near(forecast: int, real: int) -> bool:
    """Far closer than 8 MiB: the engine prints hundredths of a MiB."""
    return abs(forecast - real) <= max(MIB // 4, real // 50)


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_experts_in_ram_over_two_devices_match_the_forecast(
    services: Services, ask: Ask, two_devices: tuple[str, ...], tmp_path: Path, kv_type: str
) -> None:
    path = write_tiny_model(tmp_path / "moe.gguf", n_layer=8, n_expert=4, n_embd=256, context_length=8192)
    events = ask(path, rpc_servers=two_devices, experts_in_ram=(1, 4, 6), context=8192, kv_type=kv_type)
    assert isinstance(events[-1], AnswerFinished)
    plan = loaded_plan(services.planning)
    assert (plan["verdict"], plan["experts_in_ram"], plan["kv_type"]) == ("experts_in_ram", [1, 4, 6], kv_type)
    assert "not_rehearsed" not in plan["reasons"]
    assert [device["name"] for device in plan["devices"]] == ["RPC0", "RPC1"]
    for place in (*plan["devices"], plan["host"]):
        assert set(place["actual"]) >= set(PARTS)
        for part in PARTS:
            assert near(place[part], place["actual"][part]), (place, part)
    assert all(device["actual"]["kv_bytes"] > 2 * MIB for device in plan["devices"])
    assert plan["host"]["actual"]["weights_bytes"] > 3 * 3 * 4 * 256 * 512 * 4


def test_starter_on_two_devices_matches_the_forecast(
    services: Services, ask: Ask, two_devices: tuple[str, ...]
) -> None:
    ask("starter", rpc_servers=two_devices, context=4096, kv_type="f16", pipeline=False)
    plan = loaded_plan(services.planning)
    assert plan["verdict"] == "gpu"
    for device in plan["devices"]:
        assert device["actual"]["weights_bytes"] > 20 * MIB
        assert near(device["weights_bytes"], device["actual"]["weights_bytes"])
        assert near(device["kv_bytes"], device["actual"]["kv_bytes"])
        # Far from full, so nobody asked the engine before.
        assert abs(device["compute_bytes"] - device["actual"]["compute_bytes"]) < 8 * MIB
    assert "not_rehearsed" in plan["reasons"]


def test_the_json_of_a_load_has_every_key_of_a_plan(services: Services, ask: Ask, tiny_model: Path) -> None:
    events = ask(tiny_model)
    assert isinstance(events[0], LoadProgress)
    (loaded,) = [event for event in events if isinstance(event, ModelLoaded)]
    assert loaded.seconds > 0.05
    plan = loaded_plan(services.planning)
    forecast = services.planning.basis(str(tiny_model)).plan(PlanOptions()).to_json()
    assert set(plan) == set(forecast)
    assert set(plan["host"]) == {*forecast["host"], "actual"}  # type: ignore[misc]
    assert set(plan["host"]["actual"]) == set(forecast["host"])  # type: ignore[call-overload]
    assert plan["context"] == 2048


def test_loaded_model_answers_without_another_load(services: Services, ask: Ask, tiny_model: Path) -> None:
    ask(tiny_model)
    pid = services.engine.pid
    assert [event for event in ask(tiny_model) if isinstance(event, ModelLoaded)] == [ModelLoaded(0.0, 2048)]
    assert services.engine.pid == pid
    assert engine_children() == [pid], "no other child was started"
    ask(tiny_model, context=512)
    assert loaded_plan(services.planning)["context"] == 512
    services.engine.release()
    assert loaded_plan(services.planning) == {}


def test_a_speed_in_a_long_context_is_not_that_of_the_model(services: Services) -> None:
    model = LocalBackend(services, "starter", PlanOptions(context=4096))

    def speed_after(question: str) -> float:
        request = ChatRequest((PromptMessage(Role.USER, question),), Sampling(temperature=0.0, seed=1, max_tokens=40))
        end = list(model.stream(request))[-1]
        assert isinstance(end, AnswerFinished)
        assert end.completion_tokens == 40
        loaded = services.planning.loader.loaded
        assert loaded is not None
        return services.planning.speeds.applied(loaded.request.path, loaded.plan).tokens_per_second_estimate

    known = speed_after("Tell me a long story.")
    assert speed_after("Tell me a long story. " + "It begins on a ship. " * 400) == known


def test_settings_and_the_cpu_as_device_are_respected(
    services: Services, ask: Ask, two_devices: tuple[str, ...], tiny_model: Path
) -> None:
    services.settings.change(context=1024, gpu_layers=-1)
    ask(tiny_model)
    assert loaded_plan(services.planning)["context"] == 1024
    ask(tiny_model, devices=("CPU",), rpc_servers=two_devices)
    plan = loaded_plan(services.planning)
    assert (plan["n_gpu_layers"], plan["verdict"]) == (0, "layers_in_ram")
    with pytest.raises(UserError) as caught:
        ask(tiny_model, devices=("CUDA7",), rpc_servers=two_devices)
    assert caught.value.code == "device_unknown"


def test_model_that_would_swap_is_not_loaded(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "huge.gguf"
    write_shape(path, "Q4_K_M", n_layer=400)
    with pytest.raises(UserError) as caught:
        ask(path)
    assert caught.value.code == "plan_needs_more_ram"
    assert caught.value.data["needed_bytes"] > 400 << 30
    assert caught.value.data["needed_bytes"] > caught.value.data["available_bytes"] > 0


def test_missing_required_server_is_an_error(services: Services, ask: Ask, starter: Path) -> None:
    with serving() as first:
        with serving() as second:
            ask("starter", rpc_servers=(first, second), context=512)
        with pytest.raises(UserError) as caught:
            ask("starter", rpc_servers=(first, second), context=512)
    assert caught.value.code == "rpc_server_unreachable"
    assert caught.value.data["server"] == second
    assert isinstance(ask("starter", context=512)[-1], AnswerFinished)


def test_a_file_that_ends_the_engine_is_not_called_a_lack_of_memory(ask: Ask, tiny_model: Path, tmp_path: Path) -> None:
    lacking = "blk.1.attn_qkv.weight"
    with pytest.raises(UserError) as caught:
        ask(write_arch(tmp_path / "lacking.gguf", "qwen35", n_layer=4, without=lacking))
    assert caught.value.code == "engine_cannot_run"
    assert caught.value.data["phase"] == "loading"
    assert "memory" not in sentence(caught.value)
    assert isinstance(ask(tiny_model)[-1], AnswerFinished)


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for the driver")
def test_driver_that_crashes_the_child_is_not_loaded(
    services: Services, ask: Ask, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "driver.sh"
    driver.write_text('#!/bin/sh\n[ "$CUDA_VISIBLE_DEVICES" = -1 ] || kill -SEGV $$\nexec "$@"\n')
    driver.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv(WRAPPER_VARIABLE, str(driver))
    assert isinstance(ask(tiny_model)[-1], AnswerFinished)
    assert not services.engine.gpus
    machine = services.planning.machine()
    assert machine.hint is not None
    assert machine.hint.code == "gpu_driver_broken"
    monkeypatch.delenv(WRAPPER_VARIABLE)
    assert services.planning.machine(refresh=True).hint is None
    services.engine.release()
    ask(tiny_model)
    assert services.engine.gpus, "the driver was mended"
