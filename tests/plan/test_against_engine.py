"""Forecast and real allocation on two devices, for several architectures, contexts and cache types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from model_manager.devices.devices import Device, HostMemory, has_amx, repacked_types
from model_manager.gguf.header import GgufHeader, read_header
from model_manager.gguf.shards import read_model
from model_manager.plan.load_plan import LoadPlan, Rehearsal
from model_manager.plan.load_spec import LoadSpec, PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_model, plan_with_rehearsals
from tests.plan.plan_builders import GIB, MIB
from tests.rigs.apus_shapes import write_shape
from tests.rigs.arch_shapes import ARCHITECTURES, write_arch
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

ROUNDING = 0.02 * MIB
"""The engine prints hundredths of a MiB."""
HOST = HostMemory(available_bytes=8 * GIB, bandwidth=20e9, cores=2, repacked_types=repacked_types(), has_amx=has_amx())


@dataclass(frozen=True)
class Machine:
    """An engine with two devices over TCP."""

    engine: LocalEngine
    servers: tuple[str, ...]
    names: tuple[str, ...]

    def devices(self, *mib: int) -> tuple[Device, ...]:
        """As if they had so much memory and kept nothing back."""
        return tuple(
            Device(name, size * MIB, reserve_bytes=0, backend="RPC") for name, size in zip(self.names, mib, strict=True)
        )

    def load(self, path: Path, spec: LoadSpec) -> dict[str, dict[str, int]]:
        """Load a file; the memory that the engine allocates by device."""
        list(self.engine.load(path, replace(spec, rpc_servers=self.servers, threads=2)))
        assert self.engine.state is not None
        return {name: dict(figures) for name, figures in self.engine.state.result.memory.items()}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    engine = LocalEngine(tmp_path_factory.mktemp("logs") / "engine.log")
    with ExitStack() as stack:
        stack.callback(engine.release)
        servers = tuple(stack.enter_context(serving()) for _ in range(2))
        found = {device.description: device.name for device in engine.devices(servers).devices}
        yield Machine(engine, servers, tuple(found[server] for server in servers))


def _compare(
    machine: Machine, path: Path, headers: tuple[GgufHeader, ...], mib: tuple[int, int], **options: object
) -> LoadPlan:
    devices = machine.devices(*mib)
    forecast = plan_model(read_model_shape(headers), devices, HOST, PlanOptions(**options))  # type: ignore[arg-type]
    real = machine.load(path, forecast.spec)
    for device in forecast.devices:
        figures = real.get(device.name, {})
        assert figures.get("weights_bytes", 0) == pytest.approx(device.weights_bytes, abs=ROUNDING)
        assert figures.get("kv_bytes", 0) == pytest.approx(device.kv_bytes, abs=2 * ROUNDING)
        assert figures.get("compute_bytes", 0) <= device.compute_bytes
        assert device.compute_bytes <= 1.5 * figures.get("compute_bytes", 0) + 12 * MIB
    host = real["CPU"]
    assert host["weights_bytes"] == pytest.approx(forecast.host.weights_bytes, abs=2 * ROUNDING)
    assert host.get("kv_bytes", 0) == pytest.approx(forecast.host.kv_bytes, abs=2 * ROUNDING)
    assert host["compute_bytes"] <= forecast.host.compute_bytes + MIB
    assert host.get("repack_bytes", 0) == pytest.approx(forecast.host.repack_bytes, abs=2 * ROUNDING)
    return forecast


MACHINES = {
    "roomy": ((400, 400), {"context": 4096}),
    "uneven": ((400, 200), {"context": 20000, "kv_type": "q8_0", "full_windows": False}),
    "tight": ((45, 40), {"context": 4096, "kv_type": "f16"}),
    "small": ((25, 16), {"context": 4096, "kv_type": "q4_0"}),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_and_cache_are_forecast_exactly(machine: Machine, tmp_path: Path, architecture: str) -> None:
    path = write_arch(tmp_path / "model.gguf", architecture)
    headers = (read_header(path),)
    verdicts = [_compare(machine, path, headers, mib, **options).verdict for mib, options in MACHINES.values()]
    assert verdicts[0] == verdicts[1] == "gpu"
    assert verdicts[3] != "gpu"


def test_split_model_with_rehearsal_has_exact_buffers(machine: Machine, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "moe.gguf", n_layer=6, n_expert=4, tensors_per_file=20)
    headers = read_model(path)
    assert len(headers) > 1
    devices = machine.devices(300, 200)
    options = PlanOptions(context=2048, kv_type="f16", pipeline=False)
    loads: list[dict[str, dict[str, int]]] = []

    def rehearse(plan: LoadPlan) -> Rehearsal:
        loads.append(machine.load(path, plan.spec))
        compute = {name: figures["compute_bytes"] for name, figures in loads[-1].items()}
        return Rehearsal(compute, compute.pop("CPU"), pipeline=False, flash_attention=True, context=plan.context)

    found, reported = plan_with_rehearsals(read_model_shape(headers), devices, HOST, options, rehearse)
    assert len(loads) == 1
    assert reported is not None
    assert "not_rehearsed" in reported.plan.reasons
    assert "not_rehearsed" not in found.reasons
    assert found.host.compute_bytes == loads[0]["CPU"]["compute_bytes"]
    for device in found.devices:
        assert device.compute_bytes == loads[0][device.name]["compute_bytes"]
        assert device.weights_bytes == pytest.approx(loads[0][device.name]["weights_bytes"], abs=ROUNDING)


@pytest.mark.parametrize("mib", [(400, 400), (20, 15), (8, 6), (0, 0)])
def test_repacked_copies_are_forecast(machine: Machine, tmp_path: Path, mib: tuple[int, int]) -> None:
    path = tmp_path / "quantised.gguf"
    write_shape(path, "Q4_K_M", n_layer=8, n_embd=512, n_ff=1024, n_head=8, n_head_kv=2, n_vocab=4096, n_ctx=4096)
    headers = (read_header(path),)
    forecast = _compare(machine, path, headers, mib, context=2048)
    assert (forecast.spec.mmap, forecast.host.repack_bytes) == (False, 0)
    mapped = _compare(machine, path, headers, mib, context=2048, mmap=True)
    assert (mapped.host.weights_bytes > mapped.host.repack_bytes > 0) == (mapped.verdict != "gpu")
