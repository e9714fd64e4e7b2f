"""What to try when a load failed for want of memory all the same: smaller and smaller plans, until none is left.

Deterministic, and it ends: every plan takes less of the devices than the one before, or as much and less RAM.  What a
person fixed by hand stays fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from model_manager.devices.devices import HostMemory, PlanDevice
from model_manager.gguf.header import GgufHeader
from model_manager.plan.model_shape import model_facts
from model_manager.plan.planner import SMALLEST_CONTEXT, plan_model
from model_manager.plan.values import LoadPlan, Rehearsed, Wishes

_MIB = 1 << 20
MARGINS = tuple(size * _MIB for size in (256, 512, 1024, 2048, 4096))
"""Bytes that stay free on every device beyond its reserve, one step after the other."""
MICRO_BATCHES = (256, 128)
SHARES = (0.7, 0.45, 0.2)
"""Of what the failed plan took on each device: where a driver tells of more free memory than it gives."""


def ladder(
    headers: Sequence[GgufHeader],
    devices: Sequence[PlanDevice],
    host: HostMemory,
    wishes: Wishes | None = None,
    measured: Rehearsed | None = None,
    failed: LoadPlan | None = None,
) -> Iterator[LoadPlan]:
    """The plans after ``failed`` (None: after the first plan), each one that fits by reckoning and is smaller.

    In this order: without pipeline parallelism, with more and more memory left free, with smaller micro batches, with a
    smaller cache, with less context (at least 4096 tokens), with less and less on the devices, and at last on the
    processor alone.  ``devices`` with their free memory as it is now, since another program may have taken some.
    """
    facts, wishes = model_facts(headers), wishes or Wishes()
    last = failed or plan_model(facts, devices, host, wishes, measured)
    for smaller, bounded in _steps(wishes, last, tuple(devices)):
        candidate = plan_model(facts, bounded, host, smaller, measured)
        if candidate.verdict != "does_not_fit" and _size(candidate) < _size(last):
            yield candidate
            last = candidate


def _steps(
    wishes: Wishes, failed: LoadPlan, devices: tuple[PlanDevice, ...]
) -> Iterator[tuple[Wishes, tuple[PlanDevice, ...]]]:
    margin = wishes.margin_bytes
    base = wishes if wishes.context is not None else replace(wishes, context=failed.context)
    base = base if wishes.pipeline is not None else replace(base, pipeline=False)
    yield base, devices
    for more in MARGINS:
        yield replace(base, margin_bytes=margin + more), devices
    base = replace(base, margin_bytes=margin + MARGINS[2])
    if wishes.micro_batch is None:
        for micro_batch in MICRO_BATCHES:
            base = replace(base, micro_batch=micro_batch)
            yield base, devices
    if wishes.kv_type == "auto":
        base = replace(base, kv_type="q8_0")
        yield base, devices
    if wishes.context is None:
        context = failed.context // 2
        while context >= SMALLEST_CONTEXT:
            base = replace(base, context=context)
            yield base, devices
            context //= 2
    if wishes.n_gpu_layers is not None:
        return
    if not wishes.tensor_split:
        for share in SHARES:
            yield replace(base, margin_bytes=margin), _bounded(devices, failed, share)
    yield replace(base, n_gpu_layers=0, tensor_split=(), experts_in_ram=None), devices


def _bounded(devices: tuple[PlanDevice, ...], failed: LoadPlan, share: float) -> tuple[PlanDevice, ...]:
    """The devices with no more to take than this share of what the failed plan took of each."""
    taken = {each.name: each.weights_bytes + each.kv_bytes + each.compute_bytes for each in failed.devices}
    return tuple(
        replace(device, ceiling_bytes=min(device.ceiling_bytes or device.free_bytes, int(share * taken[device.name])))
        if device.name in taken
        else device
        for device in devices
    )


def _size(plan: LoadPlan) -> tuple[int, int]:
    on_devices = sum(device.weights_bytes + device.kv_bytes + device.compute_bytes for device in plan.devices)
    return on_devices, plan.host.used_bytes
