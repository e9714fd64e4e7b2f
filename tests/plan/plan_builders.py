"""Shared parts of the planner tests: headers of the home model, machines, and invariants of every plan."""

from __future__ import annotations

from functools import cache

from model_manager.devices.devices import Device, HostMemory, simulated_devices
from model_manager.gguf.header import GgufHeader
from model_manager.hub.catalogue import APUS
from model_manager.hub.home_model import reconstructed_header
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import ModelShape, read_model_shape
from model_manager.plan.planner import plan_model
from model_manager.plan.split import layers_of

GIB = 1 << 30
MIB = 1 << 20
QUANTISATIONS = tuple(entry.quantisation for entry in APUS)


@cache
def apus_header(quantisation: str) -> GgufHeader:
    return reconstructed_header(next(entry for entry in APUS if entry.quantisation == quantisation))


@cache
def apus_shape(quantisation: str) -> ModelShape:
    return read_model_shape((apus_header(quantisation),))


def ram(gib: float = 64, bandwidth: float | None = 40e9) -> HostMemory:
    return HostMemory(available_bytes=round(gib * GIB), bandwidth=bandwidth, cores=8)


def cards(*gib: float, backend: str = "CUDA", description: str = "NVIDIA GeForce RTX 4090") -> tuple[Device, ...]:
    return tuple(
        Device(device.name, device.free_bytes, backend=backend, description=description)
        for device in simulated_devices(gib)
    )


def plan_apus(quantisation: str, *gib: float, ram_gib: float = 64, **options: object) -> LoadPlan:
    return plan_model(apus_shape(quantisation), simulated_devices(gib), ram(ram_gib), PlanOptions(**options))  # type: ignore[arg-type]


def check(plan: LoadPlan, facts: ModelShape, devices: tuple[Device, ...], host: HostMemory) -> None:
    """Everything that must hold whatever the machine: nothing over, nothing twice, nothing missing."""
    layers = [layer for device in plan.devices for layer in device.layers]
    on_host = facts.n_layer + 1 - plan.n_gpu_layers
    assert layers == list(range(on_host, facts.n_layer + 1))
    where = layers_of(plan.tensor_split, plan.n_gpu_layers, plan.n_layer)
    for number, device in enumerate(plan.devices):
        assert tuple(slot for slot, place in enumerate(where) if place == number) == device.layers
        filled = device.weights_bytes + device.kv_bytes + device.compute_bytes
        assert filled + device.reserve_bytes + device.left_bytes == device.free_bytes
        if plan.verdict != "does_not_fit":
            assert device.left_bytes >= 0
            assert filled <= devices[number].usable_bytes
        if not device.layers:
            assert filled == 0
    weights = sum(device.weights_bytes for device in plan.devices) + plan.host.weights_bytes
    assert weights - plan.output_copy_bytes + plan.unused_bytes == facts.tensor_bytes
    assert set(plan.experts_in_ram) <= set(layers)
    assert all(facts.layers[layer].experts.total for layer in plan.experts_in_ram)
    if plan.verdict != "does_not_fit":
        assert plan.host.used_bytes < host.available_bytes
    everything = plan.n_gpu_layers == facts.n_layer + 1
    fits = {"gpu": everything and not plan.experts_in_ram, "experts_in_ram": everything and bool(plan.experts_in_ram)}
    assert fits.get(plan.verdict, plan.verdict == "does_not_fit" or not everything)
    if plan.kv_type != "f16":
        assert plan.spec.flash_attention is True
    if plan.spec.pipeline:
        assert plan.verdict == "gpu"
        assert len(plan.used_devices) > 1
