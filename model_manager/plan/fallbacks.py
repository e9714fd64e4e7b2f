"""Fallback plans for a load that ran out of memory: smaller and smaller, until none is left.

Deterministic and finite: every plan takes less of the devices than the one before, or as much and less RAM.  Fixed
options stay fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from model_manager.devices.devices import Device, HostMemory
from model_manager.plan.load_plan import LoadPlan, RehearsedPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import ModelShape
from model_manager.plan.planner import SMALLEST_CONTEXT, plan_model

_MIB = 1 << 20
MARGINS = tuple(size * _MIB for size in (256, 512, 1024, 2048, 4096))
"""Bytes that stay free on every device beyond its reserve, step by step."""
MICRO_BATCHES = (256, 128)
SHARES = (0.7, 0.45, 0.2)
"""Shares of what the failed plan took on each device, for a driver that reports more free memory than it gives."""


def smaller_plans(
    shape: ModelShape,
    devices: Sequence[Device],
    host: HostMemory,
    options: PlanOptions | None = None,
    rehearsed: RehearsedPlan | None = None,
    failed: LoadPlan | None = None,
) -> Iterator[LoadPlan]:
    """Yield the plans after ``failed`` (None: after the first plan) that fit in theory, each smaller than the last.

    In this order: without pipeline parallelism, with more and more memory left free, with smaller micro batches, with a
    smaller cache, with less context (at least 4096 tokens), with less and less on the devices, and at last on the
    CPU alone.  ``devices`` have their current free memory, since another program may have taken some.
    """
    options = options or PlanOptions()
    last = failed or plan_model(shape, devices, host, options, rehearsed)
    for smaller, bounded in _steps(options, last, tuple(devices)):
        candidate = plan_model(shape, bounded, host, smaller, rehearsed)
        if candidate.verdict != "does_not_fit" and _size(candidate) < _size(last):
            yield candidate
            last = candidate


def _steps(
    options: PlanOptions, failed: LoadPlan, devices: tuple[Device, ...]
) -> Iterator[tuple[PlanOptions, tuple[Device, ...]]]:
    margin = options.margin_bytes
    base = options if options.context is not None else replace(options, context=failed.context)
    base = base if options.pipeline is not None else replace(base, pipeline=False)
    yield base, devices
    for more in MARGINS:
        yield replace(base, margin_bytes=margin + more), devices
    base = replace(base, margin_bytes=margin + MARGINS[2])
    if options.micro_batch is None:
        for micro_batch in MICRO_BATCHES:
            base = replace(base, micro_batch=micro_batch)
            yield base, devices
    if options.kv_type == "auto":
        base = replace(base, kv_type="q8_0")
        yield base, devices
    if options.context is None:
        context = failed.context // 2
        while context >= SMALLEST_CONTEXT:
            base = replace(base, context=context)
            yield base, devices
            context //= 2
    if options.n_gpu_layers is not None:
        return
    if not options.tensor_split:
        for share in SHARES:
            yield replace(base, margin_bytes=margin), _bounded(devices, failed, share)
    yield replace(base, n_gpu_layers=0, tensor_split=(), experts_in_ram=None), devices


def _bounded(devices: tuple[Device, ...], failed: LoadPlan, share: float) -> tuple[Device, ...]:
    """Limit each device to this share of the memory that the failed plan used on it."""
    taken = {each.name: each.used_bytes for each in failed.devices}
    return tuple(
        replace(device, ceiling_bytes=min(device.ceiling_bytes or device.free_bytes, int(share * taken[device.name])))
        if device.name in taken
        else device
        for device in devices
    )


def _size(plan: LoadPlan) -> tuple[int, int]:
    return sum(device.used_bytes for device in plan.devices), plan.host.used_bytes
