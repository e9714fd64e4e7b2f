"""Where the projector of a model that reads pictures is placed, and that its memory is part of the plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.devices.devices import simulated_devices
from model_manager.gguf.projector import Projector
from model_manager.plan.engine_arguments import llama_server_command
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import CPU, PlanOptions
from model_manager.plan.planner import plan_model
from tests.plan.plan_builders import GIB, apus_shape, plan_apus, ram

PROJECTOR = Projector(Path("/m/mmproj.gguf"), "gemma3", 27, GIB, GIB // 2)


def plan(*gib: float, ram_gib: float = 64, projector: Projector = PROJECTOR, **options: object) -> LoadPlan:
    shape = replace(apus_shape("Q2_K"), projector=projector)
    return plan_model(shape, simulated_devices(gib), ram(ram_gib), PlanOptions(**options))  # type: ignore[arg-type]


def check(found: LoadPlan) -> None:
    for each in found.devices:
        assert each.used_bytes + each.reserve_bytes + each.left_bytes == each.free_bytes
        assert each.left_bytes >= 0
    total = sum(each.projector_bytes for each in found.devices) + found.host.projector_bytes
    assert total == PROJECTOR.total_bytes
    assert found.spec.projector == str(PROJECTOR.path)


@pytest.mark.parametrize("gib", [(48, 48), (24,), (16, 8)])
def test_first_device_gets_the_projector(gib: tuple[float, ...]) -> None:
    found, without = plan(*gib), plan_apus("Q2_K", *gib)
    check(found)
    assert found.verdict == without.verdict
    name = found.used_devices[0].name
    assert found.spec.projector_device == name
    assert [each.projector_bytes for each in found.devices if each.name == name] == [PROJECTOR.total_bytes]
    assert "mmproj" in llama_server_command(found.spec, "m.gguf")
    assert "--no-mmproj-offload" not in llama_server_command(found.spec, "m.gguf")


def test_without_a_device_it_is_in_ram() -> None:
    found = plan(ram_gib=128)
    check(found)
    assert found.spec.projector_device == CPU
    assert found.host.used_bytes == plan_apus("Q2_K", ram_gib=128).host.used_bytes + PROJECTOR.total_bytes
    assert "--no-mmproj-offload" in llama_server_command(found.spec, "m.gguf")


def test_one_that_would_push_the_model_out_stays_on_the_cpu() -> None:
    large = replace(PROJECTOR, weights_bytes=200 * GIB)
    found = plan(48, 48, ram_gib=512, projector=large)
    assert found.verdict == plan_apus("Q2_K", 48, 48, ram_gib=512).verdict
    assert found.spec.projector_device == CPU
    assert found.host.projector_bytes == large.total_bytes


def test_model_that_just_fits_keeps_its_context() -> None:
    found, without = plan(24, 24), plan_apus("Q2_K", 24, 24)
    check(found)
    assert (found.verdict, found.context) == (without.verdict, without.context) == ("gpu", found.context)
    assert found.spec.projector_device == CPU


def test_device_can_be_chosen() -> None:
    found = plan(48, 48, projector_device="GPU1")
    check(found)
    assert [each.projector_bytes for each in found.devices] == [0, PROJECTOR.total_bytes]
    assert plan(48, 48, projector_device=CPU).spec.projector_device == CPU


def test_plan_in_json_has_the_projector() -> None:
    body = plan(48, 48).to_json()
    assert body["engine"]["mmproj"] == str(PROJECTOR.path)  # type: ignore[index]
    assert [each["projector_bytes"] for each in body["devices"]] == [PROJECTOR.total_bytes, 0]  # type: ignore[attr-defined]
    assert body["host"]["projector_bytes"] == 0  # type: ignore[index]
