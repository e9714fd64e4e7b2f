"""Notes about plans that worked, and when they are ignored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.planning.saved_options import MORE_BYTES, RememberedPlans, options_reproducing
from model_manager.devices.devices import Device, HostMemory
from model_manager.hub.catalogue import APUS
from model_manager.hub.home_model import reconstructed_header
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions

GIB = 1 << 30
OPTIONS = PlanOptions()


def machine(*gib: float, driver_of: str = "NVIDIA GeForce RTX 4090") -> Machine:
    devices = tuple(
        Device(f"CUDA{number}", round(size * GIB), 24 * GIB, backend="CUDA", description=driver_of)
        for number, size in enumerate(gib)
    )
    return Machine(devices)


@pytest.fixture
def basis(tmp_path: Path) -> PlanBasis:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    header = replace(reconstructed_header(APUS[2]), path=path)
    return PlanBasis((header,), machine(23, 20), HostMemory(64 * GIB))


def placement(plan: LoadPlan) -> tuple[object, ...]:
    layers = tuple(device.layers for device in plan.devices)
    return (
        layers,
        plan.experts_in_ram,
        plan.spec.stacks_on_devices,
        [device.weights_bytes for device in plan.devices],
        plan.context,
        plan.kv_type,
        plan.spec.micro_batch,
        plan.spec.pipeline,
        plan.n_gpu_layers,
    )


@pytest.mark.parametrize("rung", [0, 2, -1])
def test_remembered_plan_is_reproduced(tmp_path: Path, basis: PlanBasis, rung: int) -> None:
    worked = list(basis.smaller(PlanOptions(), basis.plan(PlanOptions())))[rung]
    plans = RememberedPlans(tmp_path / "plans.json")
    plans.note(basis, OPTIONS, worked)
    noted = RememberedPlans(tmp_path / "plans.json").find(basis, OPTIONS)
    assert noted == options_reproducing(worked)
    again = basis.plan(noted)
    assert placement(again) == placement(worked)
    assert again.verdict == worked.verdict


def test_note_applies_to_one_case(tmp_path: Path, basis: PlanBasis) -> None:
    plans = RememberedPlans(tmp_path / "plans.json")
    plans.note(basis, OPTIONS, basis.plan(OPTIONS))
    assert plans.find(basis, OPTIONS) is not None
    assert plans.find(basis, PlanOptions(context=4096)) is None
    assert plans.find(replace(basis, machine=machine(23, 20, driver_of="NVIDIA RTX A6000")), OPTIONS) is None
    basis.headers[0].path.write_bytes(b"GGUF, another one")
    assert plans.find(basis, OPTIONS) is None


def test_note_is_ignored_with_more_free_memory(tmp_path: Path, basis: PlanBasis) -> None:
    plans = RememberedPlans(tmp_path / "plans.json")
    plans.note(basis, OPTIONS, basis.plan(OPTIONS))
    less = replace(basis, machine=machine(22, 19.9))
    more = replace(basis, machine=machine(23, 20 + 2 * MORE_BYTES / GIB))
    assert plans.find(less, OPTIONS) is not None
    assert plans.find(more, OPTIONS) is None
    alone = replace(basis, machine=machine())
    plans.note(alone, OPTIONS, alone.plan(OPTIONS))
    assert plans.find(alone, OPTIONS) is not None
    assert plans.find(replace(alone, host=HostMemory(80 * GIB)), OPTIONS) is None


@pytest.mark.parametrize("content", ["{", "[]", "{}", "null"])
def test_damaged_notes_are_set_aside(tmp_path: Path, basis: PlanBasis, content: str) -> None:
    path, aside = tmp_path / "plans.json", tmp_path / "plans.json.damaged"
    path.write_text(content)
    plans = RememberedPlans(path)
    assert plans.find(basis, OPTIONS) is None
    plans.note(basis, OPTIONS, basis.plan(OPTIONS))
    assert plans.find(basis, OPTIONS) is not None
    if content == "{}":
        assert not aside.exists()
    else:
        assert aside.read_text() == content
        assert plans.problem is not None
        assert (plans.problem.code, plans.problem.data) == ("file_set_aside", {"path": path, "aside": aside})
    path.write_text(path.read_text().replace('"wishes"', '"wish"'))
    assert plans.find(basis, OPTIONS) is None
