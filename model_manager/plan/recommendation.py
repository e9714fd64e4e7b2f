"""Recommendation of a quantisation: the best of several for these devices, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from model_manager.devices.devices import Device, HostMemory
from model_manager.gguf.header import GgufHeader
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import DEFAULT_CONTEXT, plan_model

USABLE_TOKENS_PER_S = 5.0
"""About the speed of reading."""

RecommendationReason = Literal[
    "best_on_gpus",  # the finest that fits on the GPUs alone
    "best_at_usable_speed",  # none does; the finest that is still fast enough with a part in RAM
    "smallest",  # none is fast enough; the smallest
    "finer_fits",  # a finer one fits as well
    "too_slow",  # runs, but slower than the recommended one
    "does_not_fit",
]


@dataclass(frozen=True)
class Candidate:
    """One quantisation; ``headers`` of all its files, ``bytes`` of all of them together."""

    id: str
    quantisation: str
    bytes: int
    headers: tuple[GgufHeader, ...]


@dataclass(frozen=True)
class Recommendation:
    """One candidate with its plan.  At most one of them is recommended."""

    id: str
    quantisation: str
    bytes: int
    bits_per_weight: float
    plan: LoadPlan
    recommended: bool
    reason: RecommendationReason


def recommend(
    candidates: Sequence[Candidate],
    devices: Sequence[Device],
    host: HostMemory,
    options: PlanOptions | None = None,
) -> tuple[Recommendation, ...]:
    """Plan all candidates and recommend at most one; the result is in their order.

    All are planned for one context: the fixed one, else 8192 tokens.  Recommended is the one with most bits per weight
    that fits on the GPUs alone; else the one with most bits per weight that reaches ``USABLE_TOKENS_PER_S`` with a part
    in RAM; else the smallest that fits at all.
    """
    options = options or PlanOptions()
    if options.context is None:
        options = replace(options, context=DEFAULT_CONTEXT)
    judged: list[Recommendation] = []
    for each in candidates:
        shape = read_model_shape(each.headers)
        plan, bits = plan_model(shape, devices, host, options), shape.bits_per_weight
        judged.append(Recommendation(each.id, each.quantisation, each.bytes, bits, plan, False, "does_not_fit"))
    best, why = _best(judged)
    return tuple(
        replace(each, recommended=each is best, reason=why if each is best else _why_not(each, best)) for each in judged
    )


def _best(judged: Sequence[Recommendation]) -> tuple[Recommendation | None, RecommendationReason]:
    fitting = [each for each in judged if each.plan.verdict != "does_not_fit"]
    on_gpus = [each for each in fitting if each.plan.verdict == "gpu"]
    usable = [each for each in fitting if each.plan.tokens_per_second_estimate >= USABLE_TOKENS_PER_S]
    if finest := max(on_gpus or usable, key=lambda each: (each.bits_per_weight, each.bytes), default=None):
        return finest, "best_on_gpus" if on_gpus else "best_at_usable_speed"
    return min(fitting, key=lambda each: each.bytes, default=None), "smallest"


def _why_not(each: Recommendation, best: Recommendation | None) -> RecommendationReason:
    if each.plan.verdict == "does_not_fit" or best is None:
        return "does_not_fit"
    return "finer_fits" if each.bits_per_weight <= best.bits_per_weight else "too_slow"
