"""Whether flash attention is faster on this processor: measured once for a model, by the real engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.planning.saved_options import RememberedAttention
from app.services import Services
from model_manager.devices.devices import HostMemory, simulated_devices
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
from model_manager.plan.kv_cache import AttentionRange, LayerCache
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import AttentionShape
from tests.planning.conftest import Ask


class Processor:
    """The engine's measurements."""

    def __init__(self) -> None:
        self.gain: float | UserError | None = 1.25
        self.asked: list[AttentionShape] = []

    def measure(self, shape: AttentionShape) -> float | None:
        self.asked.append(shape)
        if isinstance(self.gain, UserError):
            raise self.gain
        return self.gain


@pytest.fixture
def processor() -> Processor:
    return Processor()


@pytest.fixture
def basis(starter: Path, services: Services) -> PlanBasis:
    return PlanBasis((read_header(starter),), Machine((), services.planning.machine().engine), HostMemory(64 << 30))


def gain_of(path: Path, basis: PlanBasis, processor: Processor | None = None) -> float | None:
    return RememberedAttention(path).applied(basis, processor and processor.measure).host.flash_attention_gain


def test_a_measured_gain_is_no_lack_of_memory(services: Services, basis: PlanBasis) -> None:
    free = services.planning.usual_host().available_bytes - (1 << 30)
    basis = replace(basis, host=replace(basis.host, available_bytes=free, flash_attention_gain=1.25))
    assert basis.plan(PlanOptions()) != replace(basis, host=replace(basis.host, flash_attention_gain=None)).plan(
        PlanOptions()
    )
    assert not services.planning.is_short_of_ram(basis, PlanOptions())
    starved = replace(basis, host=replace(basis.host, available_bytes=100 << 20))
    assert services.planning.is_short_of_ram(starved, PlanOptions())


def test_gain_is_measured_once_for_a_model(tmp_path: Path, basis: PlanBasis, processor: Processor) -> None:
    path = tmp_path / "attention.json"
    assert gain_of(path, basis) is None
    assert gain_of(path, basis, processor) == gain_of(path, basis, processor) == gain_of(path, basis) == 1.25
    assert processor.asked == [AttentionShape(9, 3, 64, 30)]
    assert basis.machine.engine is not None
    other = replace(basis.machine, engine=replace(basis.machine.engine, engine="another"))
    assert gain_of(path, replace(basis, machine=other)) is None
    path.write_text("{", encoding="utf-8")
    assert gain_of(path, basis) is None


@pytest.mark.parametrize("gain", [None, UserError("engine_died")], ids=["busy", "died"])
def test_a_busy_machine_and_a_failed_engine_keep_the_default(
    tmp_path: Path, basis: PlanBasis, processor: Processor, gain: UserError | None
) -> None:
    path = tmp_path / "attention.json"
    processor.gain = gain
    assert RememberedAttention(path).applied(basis, processor.measure).plan(PlanOptions()).spec.flash_attention is False
    processor.gain = 1.25
    # With another choice, all conversations would be read again.
    assert gain_of(path, basis, processor) == 0.0


def test_nothing_is_measured_with_gpus_or_for_tiny_models(
    tmp_path: Path, basis: PlanBasis, tiny_model: Path, processor: Processor
) -> None:
    path = tmp_path / "attention.json"
    with_gpu = replace(basis, machine=replace(basis.machine, devices=simulated_devices([8])))
    for each in (with_gpu, replace(basis, headers=(read_header(tiny_model),))):
        assert gain_of(path, each, processor) is None
    assert not processor.asked


def test_a_model_without_attention_has_no_measurement(basis: PlanBasis) -> None:
    recurrent = tuple(LayerCache(AttentionRange.NOWHERE, 0, 0, 64) for _ in basis.shape.layers)
    assert replace(basis.shape, cache=replace(basis.shape.cache, layers=recurrent)).attention is None


def test_a_load_follows_the_measurement(ask: Ask, services: Services, starter: Path, processor: Processor) -> None:
    ask(starter)
    (gain,) = json.loads((services.folder.root / "attention.json").read_text(encoding="utf-8")).values()
    # Zero: other tests used the processor.
    assert gain == 0 or 0.05 < gain < 20
    assert services.engine.state is not None
    assert services.engine.state.result.flash_attention is (gain > 1)
