"""Tuning: alternatives are measured and the fastest is remembered."""

from __future__ import annotations

from pathlib import Path

from app.backends import loaded_plan
from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.planning.tuning import Measurement, TuneProgress, Tuner, alternatives
from app.services import Services
from model_manager.devices.devices import HostMemory, simulated_devices
from model_manager.errors import UserError
from model_manager.hub.catalogue import APUS
from model_manager.hub.home_model import reconstructed_header
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.tiny_model import write_tiny_model

GIB = 1 << 30


def changes(quantisation: int, gib: tuple[float, ...], **options: object) -> list[str]:
    basis = PlanBasis(
        (reconstructed_header(APUS[quantisation]),), Machine(simulated_devices(gib)), HostMemory(96 * GIB)
    )
    options = PlanOptions(**options)  # type: ignore[arg-type]
    return [change for change, _ in alternatives(basis, options, basis.plan(options))]


def test_alternatives_depend_on_the_plan() -> None:
    assert changes(0, (48, 24)) == ["kv_q8_0", "large_batch", "small_batch", "pipeline", "one_device", "even_split"]
    assert "one_device" not in changes(0, (24, 24), devices=("GPU0", "GPU1"))
    assert {"more_in_ram", "fewer_threads"} <= set(changes(3, (24, 24), context=8192))
    assert "fewer_threads" not in changes(3, (24, 24), context=8192, threads=3)
    fixed = changes(0, (24, 24), kv_type="f16", micro_batch=512, pipeline=False)
    assert fixed == ["one_device", "even_split"]


def test_tuning_measures_all_and_remembers_the_fastest(services: Services, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "wide.gguf", n_embd=256)
    request = services.planning.load_request(path, PlanOptions(context=1024))
    tuner = Tuner(services.engine, services.planning.loader, prompt_tokens=64, generated_tokens=8, repetitions=1)
    progress: list[TuneProgress] = []
    tuned = tuner.run(request, progress.append)
    assert [step.fraction for step in progress[-3:]] == sorted(step.fraction for step in progress[-3:])
    assert {step.change for step in progress} == {each.change for each in tuned.measured}
    assert [each.change for each in tuned.measured] == [
        "present",
        "kv_q8_0",
        "large_batch",
        "small_batch",
        "flash_attention",
    ]
    assert all(each.tokens_per_second > 0 and each.prompt_tokens_per_second > 0 for each in tuned.measured)
    assert tuned.best is not None
    list(services.planning.loader.load(request))
    plan = loaded_plan(services.planning)
    assert (plan["kv_type"], plan["context"]) == (tuned.best.plan.kv_type, 1024)
    assert services.planning.loader.loaded is not None
    assert services.planning.loader.loaded.plan.spec.micro_batch == tuned.best.plan.spec.micro_batch


def test_failed_measurement_is_never_the_best(services: Services, tiny_model: Path) -> None:
    plan = services.planning.basis(str(tiny_model)).plan(PlanOptions())
    failed = Measurement("kv_q8_0", plan, problem=UserError("engine_out_of_memory"))
    assert failed.turn_s > Measurement("present", plan, 1.0, 1.0).turn_s
