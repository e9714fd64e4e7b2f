"""Measuring a plan and a few others of the same model, and keeping the fastest that fits.

Used by the thread that uses the engine.  Which plans there are is ``basis``'s business, loading them ``loading``'s.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.engine.local_engine import LocalEngine
from app.engine.protocol import BenchDone, BenchProgress
from app.planning.basis import PlanBasis
from app.planning.planned_load import LoadedPlan, PlannedLoads, Wanted
from app.planning.remembered_plans import fixing
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError
from model_manager.plan import LoadPlan, Wishes

Change = Literal[
    "present", "kv_f16", "kv_q8_0", "large_batch", "small_batch", "pipeline", "one_device", "even_split", "more_in_ram",
    "fewer_threads",
]  # fmt: skip
PROMPT_TOKENS, GENERATED_TOKENS, REPETITIONS = 512, 64, 3
TURN_PROMPT, TURN_ANSWER = 512, 256
"""Tokens of the turn whose time decides which plan is the fastest."""
LEAST_CORES = 4
USUAL_COUNT = 6
"""About so many plans are measured."""
WORTH = 1.03
"""A change must be so many times faster to be kept: measurements vary."""


@dataclass(frozen=True)
class Measured:
    """One plan with its speed, tokens a second (medians); ``problem`` where it could not be measured."""

    change: Change
    plan: LoadPlan
    prompt_tokens_per_second: float = 0.0
    tokens_per_second: float = 0.0
    loaded: LoadedPlan | None = None
    problem: UserError | None = None

    @property
    def turn_s(self) -> float:
        """Seconds of a usual turn."""
        if not (self.prompt_tokens_per_second and self.tokens_per_second):
            return float("inf")
        return TURN_PROMPT / self.prompt_tokens_per_second + TURN_ANSWER / self.tokens_per_second

    def to_json(self) -> dict[str, Any]:
        """For the command line."""
        return {
            "change": self.change,
            "prompt_tokens_per_second": self.prompt_tokens_per_second,
            "tokens_per_second": self.tokens_per_second,
            "plan": self.loaded.to_json() if self.loaded else self.plan.to_json(),
            "problem": self.problem.code if self.problem else None,
        }


@dataclass(frozen=True)
class TuneProgress:
    """The ``number``-th of ``count`` plans is measured, from 1; ``fraction`` of all the work, from 0 to 1."""

    change: Change
    number: int
    count: int
    fraction: float


@dataclass(frozen=True)
class Tuned:
    """The end: all measured, the present plan first; ``best`` is one of them."""

    measured: tuple[Measured, ...]
    best: Measured


class Tuner:
    """Measures with one engine."""

    def __init__(
        self,
        engine: LocalEngine,
        loads: PlannedLoads,
        *,
        prompt_tokens: int = PROMPT_TOKENS,
        generated_tokens: int = GENERATED_TOKENS,
        repetitions: int = REPETITIONS,
        token: CancelToken = NEVER_CANCELLED,
    ) -> None:
        """``token`` ends the measurement."""
        self._engine, self._loads, self._token = engine, loads, token
        self._tokens = (prompt_tokens, generated_tokens, repetitions)

    def measure(self, wanted: Wanted, change: Change = "present") -> Iterator[float | Measured]:
        """Load and measure; yields fractions of the work from 0 to 1 and at last ``Measured``.

        Raises:
            UserError: as ``PlannedLoads.load`` and ``LocalEngine.bench``.
            Cancelled: the token was cancelled.
        """
        yield 0.0
        for _ in self._loads.load(wanted, self._token):
            pass
        loaded = self._loads.loaded
        assert loaded is not None
        prompt_tokens, generated, repetitions = self._tokens
        # A small context has no room for the usual prompt.
        prompt_tokens = max(1, min(prompt_tokens, loaded.result.context - generated - 1))
        for event in self._engine.bench(prompt_tokens, generated, repetitions, self._token):
            match event:
                case BenchProgress():
                    yield event.fraction
                case BenchDone():
                    reading = statistics.median(event.prompt_tokens_per_second)
                    yield Measured(change, loaded.plan, reading, statistics.median(event.tokens_per_second), loaded)

    def tune(self, wanted: Wanted) -> Iterator[TuneProgress | Tuned]:
        """Measure the present plan and its alternatives, keep the fastest for the loads to come.

        Yields TuneProgress and at last Tuned.  An alternative that cannot be loaded is no failure.

        Raises: as ``measure``, for the present plan.
        """
        measured: list[Measured] = []
        others: tuple[tuple[Change, LoadPlan], ...] = ()
        number = 0
        while number <= len(others):
            change: Change = "present"
            plan: LoadPlan | None = None
            if number:
                change, plan = others[number - 1]
            trial = wanted if plan is None else replace(wanted, wishes=fixing(plan))
            count = len(others) + 1
            # Which others there are is known once the present plan is loaded.
            expected = max(count, USUAL_COUNT) if plan is None else count
            try:
                for step in self.measure(trial, change):
                    if isinstance(step, Measured):
                        measured.append(step)
                    else:
                        yield TuneProgress(change, number + 1, count, (number + step) / expected)
            except UserError as error:
                if plan is None:
                    raise
                measured.append(Measured(change, plan, problem=error))
            if plan is None:
                present = measured[0]
                others = alternatives(self._loads.look(wanted, self._token), wanted.wishes, present.plan)
            number += 1
        best = min(measured, key=lambda each: each.turn_s)
        if best.turn_s * WORTH > measured[0].turn_s:
            best = measured[0]
        if best is not measured[0]:
            self._loads.keep(wanted, best.plan)
        yield Tuned(tuple(measured), best)


def alternatives(basis: PlanBasis, wishes: Wishes, present: LoadPlan) -> tuple[tuple[Change, LoadPlan], ...]:
    """Other plans that fit, with the same context, and with what a person fixed by hand."""
    base = replace(wishes, context=present.context)
    tries: list[tuple[Change, Wishes]] = []
    if wishes.kv_type == "auto":
        tries.append(
            ("kv_q8_0", replace(base, kv_type="q8_0"))
            if present.kv_type == "f16"
            else ("kv_f16", replace(base, kv_type="f16"))
        )
    if wishes.micro_batch is None and wishes.batch is None:
        tries.append(("large_batch", replace(base, batch=1024, micro_batch=1024)))
        tries.append(("small_batch", replace(base, micro_batch=256)))
    used = present.used_devices
    if wishes.pipeline is None and present.verdict == "gpu" and len(used) > 1:
        tries.append(("pipeline", replace(base, pipeline=not present.pipeline)))
    if not (wishes.devices or wishes.tensor_split) and len(used) > 1:
        largest = max(used, key=lambda device: device.free_bytes - device.reserve_bytes)
        tries.append(("one_device", replace(base, devices=(largest.name,))))
        tries.append(("even_split", replace(base, tensor_split=(1.0,) * len(present.devices))))
    if present.experts_in_ram and wishes.experts_in_ram is None:
        tries.append(("more_in_ram", replace(base, margin_bytes=wishes.margin_bytes + (1 << 30))))
    cores = basis.host.cores
    if present.verdict != "gpu" and wishes.threads is None and cores >= LEAST_CORES:
        # Reading RAM needs fewer of them than there are, and they get into each other's way.
        tries.append(("fewer_threads", replace(base, threads=cores // 2)))
    found: list[tuple[Change, LoadPlan]] = []
    for change, wished in tries:
        plan = basis.plan(wished)
        if plan.verdict != "does_not_fit" and fixing(plan) not in [fixing(present), *(fixing(p) for _, p in found)]:
            found.append((change, plan))
    return tuple(found)
