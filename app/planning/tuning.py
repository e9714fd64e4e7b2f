"""Tuning: measures a plan and alternatives of the same model, and remembers the fastest.

Used by the thread that uses the engine.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.engine.local_engine import LocalEngine
from app.planning.basis import PlanBasis
from app.planning.planned_load import LoadedPlan, LoadRequest, PlannedLoader
from app.planning.saved_options import options_reproducing
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.speed import TURN_ANSWER as LONG_ANSWER
from model_manager.plan.speed import TURN_PROMPT as LONG_PROMPT

Change = Literal[
    "present", "kv_f16", "kv_q8_0", "large_batch", "small_batch", "pipeline", "one_device", "even_split", "more_in_ram",
    "fewer_threads", "flash_attention",
]  # fmt: skip
PROMPT_TOKENS, GENERATED_TOKENS, REPETITIONS = 512, 64, 3
TURN_PROMPT, TURN_ANSWER = 512, 256
"""Tokens of the turn whose time decides which plan is the fastest."""
COPIED_PROMPT = 2048
"""Tokens of a measured prompt where weights are copied from RAM for each micro-batch."""
MIN_CORES = 4
USUAL_COUNT = 6
"""Usual number of measured plans."""
MIN_SPEEDUP = 1.03
"""An alternative must be this much faster to be remembered: measurements vary."""


@dataclass(frozen=True)
class Measurement:
    """A plan with its speed in tokens per second (medians); ``problem`` where it could not be measured."""

    change: Change
    plan: LoadPlan
    prompt_tokens_per_second: float = 0.0
    tokens_per_second: float = 0.0
    loaded: LoadedPlan | None = None
    problem: UserError | None = None

    @property
    def turn_s(self) -> float:
        """Seconds of a typical turn."""
        if not (self.prompt_tokens_per_second and self.tokens_per_second):
            return float("inf")
        prompt, answer = (LONG_PROMPT, LONG_ANSWER) if _copies_weights(self.plan) else (TURN_PROMPT, TURN_ANSWER)
        return prompt / self.prompt_tokens_per_second + answer / self.tokens_per_second

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
    """Plan ``number`` of ``count`` is being measured, from 1; ``fraction`` of all the work, from 0 to 1."""

    change: Change
    number: int
    count: int
    fraction: float


@dataclass(frozen=True)
class TuningResult:
    """All measurements, the present plan first; ``best`` is one of them, None where only that plan was measured."""

    measured: tuple[Measurement, ...]
    best: Measurement | None = None


class Tuner:
    """Measures with one engine."""

    def __init__(
        self,
        engine: LocalEngine,
        loader: PlannedLoader,
        *,
        prompt_tokens: int = PROMPT_TOKENS,
        generated_tokens: int = GENERATED_TOKENS,
        repetitions: int = REPETITIONS,
        token: CancelToken = NEVER_CANCELLED,
    ) -> None:
        """``token`` ends the measurement."""
        self._engine, self._loader, self._token = engine, loader, token
        self._tokens = (prompt_tokens, generated_tokens, repetitions)

    def run(
        self, request: LoadRequest, on_progress: Callable[[TuneProgress], None], *, tune: bool = True
    ) -> TuningResult:
        """Measure the present plan; to ``tune``, its alternatives too, and remember the fastest for further loads.

        An alternative that cannot be loaded is not an error.

        Raises:
            UserError: as ``PlannedLoader.load`` and ``LocalEngine.bench``, for the present plan.
            Cancelled: the token was cancelled.
        """

        def measure(change: Change, trial: LoadRequest, number: int, count: int, expected: int) -> Measurement:
            def report(fraction: float) -> None:
                on_progress(TuneProgress(change, number, count, (number - 1 + fraction) / expected))

            return self._measure(change, trial, report)

        present = measure("present", request, 1, 1, USUAL_COUNT if tune else 1)
        if not tune:
            return TuningResult((present,))
        basis = self._loader.unloaded_basis(request, self._token)
        others = alternatives(basis, request.options, present.plan)
        measured, count = [present], len(others) + 1
        for number, (change, plan) in enumerate(others, 2):
            trial = replace(request, options=options_reproducing(plan, request.options.rpc_servers))
            try:
                measured.append(measure(change, trial, number, count, count))
            except UserError as error:
                measured.append(Measurement(change, plan, problem=error))
        best = min(measured, key=lambda each: each.turn_s)
        if best.turn_s * MIN_SPEEDUP > present.turn_s:
            best = present
        if best is not present:
            self._loader.remember(request, best.plan)
        return TuningResult(tuple(measured), best)

    def _measure(self, change: Change, request: LoadRequest, report: Callable[[float], None]) -> Measurement:
        """Load and measure; ``report`` receives fractions of this work."""
        report(0.0)
        for _ in self._loader.load(request, self._token):
            pass
        loaded = self._loader.loaded
        assert loaded is not None
        prompt_tokens, generated, repetitions = self._tokens
        # A small context has no room for the usual prompt.
        if _copies_weights(loaded.plan):
            # As long for every size of the micro-batch, and as a prompt whose time matters.
            prompt_tokens = max(prompt_tokens, COPIED_PROMPT)
        prompt_tokens = max(1, min(prompt_tokens, loaded.result.context - generated - 1))
        result = self._engine.bench(
            prompt_tokens, generated, repetitions, lambda event: report(event.fraction), self._token
        )
        prompt_speed = statistics.median(result.prompt_tokens_per_second)
        speed = statistics.median(result.tokens_per_second)
        self._loader.note_speed(speed, prompt_speed)
        return Measurement(change, loaded.plan, prompt_speed, speed, loaded)


def _copies_weights(plan: LoadPlan) -> bool:
    """Whether devices copy weights from RAM while a prompt is read."""
    return plan.verdict != "gpu" and bool(plan.used_devices)


def alternatives(basis: PlanBasis, options: PlanOptions, present: LoadPlan) -> tuple[tuple[Change, LoadPlan], ...]:
    """Make other plans that fit, with the same context and the fixed options."""
    base = replace(options, context=present.context)
    tries: list[tuple[Change, PlanOptions]] = []
    if options.kv_type == "auto":
        tries.append(
            ("kv_q8_0", replace(base, kv_type="q8_0"))
            if present.kv_type == "f16"
            else ("kv_f16", replace(base, kv_type="f16"))
        )
    if options.micro_batch is None and options.batch is None:
        size = present.spec.n_ubatch
        tries.append(("large_batch", replace(base, batch=2 * size, micro_batch=2 * size)))
        tries.append(("small_batch", replace(base, micro_batch=size // 2)))
    used = present.used_devices
    if options.pipeline is None and present.verdict == "gpu" and len(used) > 1:
        tries.append(("pipeline", replace(base, pipeline=not present.spec.pipeline)))
    if not (options.devices or options.tensor_split) and len(used) > 1:
        largest = max(used, key=lambda device: device.free_bytes - device.reserve_bytes)
        tries.append(("one_device", replace(base, devices=(largest.name,))))
        tries.append(("even_split", replace(base, tensor_split=(1.0,) * len(present.devices))))
    if present.experts_in_ram and options.experts_in_ram is None:
        tries.append(("more_in_ram", replace(base, margin_bytes=options.margin_bytes + (1 << 30))))
    cores = basis.host.cores
    if present.verdict != "gpu" and options.threads is None and cores >= MIN_CORES:
        # Fewer threads saturate the RAM, and more compete with each other.
        tries.append(("fewer_threads", replace(base, threads=cores // 2)))
    if present.verdict != "gpu" and options.flash_attention is None and present.kv_type == "f16":
        is_on = present.spec.flash_attention is not False
        tries.append(("flash_attention", replace(base, kv_type="f16", flash_attention=not is_on)))
    found: list[tuple[Change, LoadPlan]] = []
    for change, changed in tries:
        plan = basis.plan(changed)
        known = (present, *(other for _, other in found))
        if plan.verdict != "does_not_fit" and options_reproducing(plan) not in map(options_reproducing, known):
            found.append((change, plan))
    return tuple(found)
