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
    judged: list[tuple[Candidate, float, LoadPlan]] = []
    for candidate in candidates:
        shape = read_model_shape(candidate.headers)
        judged.append((candidate, shape.bits_per_weight, plan_model(shape, devices, host, options)))
    best, why = _best(judged)
    return tuple(
        Recommendation(
            id=candidate.id,
            quantisation=candidate.quantisation,
            bytes=candidate.bytes,
            bits_per_weight=bits,
            plan=plan,
            recommended=number == best,
            reason=why if number == best else _why_not(plan, bits, judged[best][1] if best is not None else 0.0),
        )
        for number, (candidate, bits, plan) in enumerate(judged)
    )


def _best(judged: Sequence[tuple[Candidate, float, LoadPlan]]) -> tuple[int | None, RecommendationReason]:
    def finest(numbers: Sequence[int]) -> int:
        return max(numbers, key=lambda number: (judged[number][1], judged[number][0].bytes))

    fitting = [number for number, (_, _, plan) in enumerate(judged) if plan.verdict != "does_not_fit"]
    if on_gpus := [number for number in fitting if judged[number][2].verdict == "gpu"]:
        return finest(on_gpus), "best_on_gpus"
    if usable := [n for n in fitting if judged[n][2].tokens_per_second_estimate >= USABLE_TOKENS_PER_S]:
        return finest(usable), "best_at_usable_speed"
    if fitting:
        return min(fitting, key=lambda number: judged[number][0].bytes), "smallest"
    return None, "does_not_fit"


def _why_not(plan: LoadPlan, bits: float, best_bits: float) -> RecommendationReason:
    if plan.verdict == "does_not_fit":
        return "does_not_fit"
    return "finer_fits" if bits <= best_bits else "too_slow"
