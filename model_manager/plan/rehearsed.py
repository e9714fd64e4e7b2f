"""Bringing a plan and the engine's rehearsal of it together, until the one no longer changes the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from model_manager.devices.devices import HostMemory, PlanDevice
from model_manager.gguf.header import GgufHeader
from model_manager.plan.model_shape import model_facts
from model_manager.plan.planner import plan_model
from model_manager.plan.values import LoadPlan, Rehearsed, Wishes

_ROUNDS = 3


def rehearsed_plan(
    headers: Sequence[GgufHeader],
    devices: Sequence[PlanDevice],
    host: HostMemory,
    wishes: Wishes | None,
    rehearse: Callable[[LoadPlan], Rehearsed | None],
) -> tuple[LoadPlan, Rehearsed | None]:
    """The plan with the rehearsed buffers, and the rehearsal to give to plans that follow.

    ``rehearse`` asks the engine about one plan, None where it cannot; then the estimate stands, with the reason
    "not_rehearsed".  Asked once where the estimate was right, up to three times where the plan changes with what it
    told.
    """
    facts = model_facts(headers)
    best = plan_model(facts, devices, host, wishes)
    told: Rehearsed | None = None
    for _ in range(_ROUNDS):
        heard = rehearse(best)
        if heard is None:
            break
        told = heard
        after = plan_model(facts, devices, host, wishes, told)
        same = _placement(after) == _placement(best)
        best = after
        if same:
            break
    return best, told


def _placement(plan: LoadPlan) -> tuple[object, ...]:
    layers = tuple(device.layers for device in plan.devices)
    return layers, plan.experts_in_ram, plan.pipeline, plan.context, plan.kv_type, plan.micro_batch
