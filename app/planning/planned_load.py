"""Loading with a plan, and climbing down where memory runs out: smaller plans by themselves, until one works.

Used by the inference worker's thread, as the engine is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.backend import ChatEvent, ChatRequest, Loaded, LoadProgress, Piece, Replanned
from app.chat.context import fit, room_for_answer
from app.config.device_settings import DeviceWishes
from app.engine.local_engine import LocalEngine
from app.engine.plan_options import load_options
from app.engine.protocol import LoadDone, LoadOptions
from app.planning.basis import PlanBasis, asking, possible
from app.planning.machine import MachineReader, is_rpc, pretended_gpus
from app.planning.remembered_plans import Case, RememberedPlans
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.plan import LoadPlan, Wishes

OUT_OF_MEMORY = "engine_out_of_memory"
PROMPT_TOO_LONG = "prompt_too_long"
MOST_TRIES = 6
"""Smaller plans that are tried after the first; of a longer ladder some rungs are left out, never the last."""
TIGHT_SHARE = 0.25
"""With less than this part of a device left over, the estimate is worth a rehearsal."""
LARGE_BYTES = 1 << 30
"""So much to load takes so long that a rehearsal is not noticed."""

Actual = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Wanted:
    """A file to load (``path``, the first of several) and what is fixed about it; ``stamp`` changes when it does.

    ``rpc_servers`` have to be there; those of ``devices``, the settings, may be missing.
    """

    path: Path
    headers: tuple[GgufHeader, ...] = field(compare=False, repr=False)
    wishes: Wishes = field(default_factory=Wishes)
    rpc_servers: tuple[str, ...] = ()
    stamp: tuple[int, ...] = ()
    devices: DeviceWishes = field(default_factory=DeviceWishes)


@dataclass(frozen=True)
class LoadedPlan:
    """What is loaded: the forecast and what came of it."""

    wanted: Wanted
    plan: LoadPlan
    options: LoadOptions
    result: LoadDone

    @property
    def actual(self) -> Actual:
        """Bytes as the engine allocated them: by name of the device, and under ``CPU`` the host's."""
        return {name: dict(figures) for name, figures in self.result.memory.items()}

    def to_json(self) -> dict[str, Any]:
        """The plan with "actual" beside every forecast: weights_bytes, kv_bytes, compute_bytes (and repack_bytes)."""
        body: dict[str, Any] = dict(self.plan.to_json())
        body["context"] = self.result.context
        for device in body["devices"]:
            device["actual"] = {**_NOTHING, **self.result.memory.get(device["name"], {})}
        body["host"]["actual"] = {**_NOTHING, "repack_bytes": 0, **self.result.memory.get("CPU", {})}
        return body


_NOTHING = {"weights_bytes": 0, "kv_bytes": 0, "compute_bytes": 0}


@dataclass
class _Attempt:
    """One load under way: the plan, and the plans after it once one has failed."""

    case: Case
    basis: PlanBasis
    plan: LoadPlan
    since: float
    """Time of its beginning."""
    next: list[LoadPlan] | None = None
    tried: int = 0


class PlannedLoads:
    """Loads and answers with plans.  One engine, one loaded file."""

    def __init__(self, engine: LocalEngine, reader: MachineReader, remembered: RememberedPlans) -> None:
        self._engine, self._reader, self._remembered = engine, reader, remembered
        self._loaded: LoadedPlan | None = None
        self._ran_out: tuple[LoadedPlan, UserError] | None = None
        """What ran out of memory in the middle of an answer."""

    @property
    def loaded(self) -> LoadedPlan | None:
        """What is loaded now, None where nothing is or not by a plan.  May be read by any thread."""
        loaded, state = self._loaded, self._engine.state
        return loaded if loaded is not None and state is not None and state.result is loaded.result else None

    def load(self, wanted: Wanted, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load unless just this is loaded; yields LoadProgress, Replanned and at last Loaded.

        Raises:
            UserError: as ``answer``.
            Cancelled: ``token`` was cancelled.
        """
        if self._is_loaded(wanted):
            assert self._loaded is not None
            yield from self._engine.ensure_loaded(self._loaded.options, token)
            return
        yield LoadProgress(0.0, None)
        attempt = self._begin(wanted, token)
        yield from _without_servers(attempt)
        yield from self._climb(wanted, attempt, None, token)
        self._settle(attempt)

    def answer(self, wanted: Wanted, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load where needed, and answer.  Where memory runs out before the first piece, a smaller plan is loaded.

        ``Fitted`` tells what of the conversation the loaded context holds, before the prompt is read.

        Raises:
            UserError: plan_needs_more_ram(path, needed_bytes, available_bytes), plan_wish_too_large(device,
                lacking_bytes); engine_out_of_memory where no smaller plan is left; context_full and its kind as
                ``app.chat.context.fit``; as ``LocalEngine`` and ``plan_model``.
            Cancelled: ``token`` was cancelled.
        """
        attempt: _Attempt | None = None
        failure: UserError | None = None
        if self._ran_out is not None and self._ran_out[0].wanted == wanted:
            before, failure = self._ran_out
            attempt = self._begin(wanted, token, again=before)
        self._ran_out = None
        while True:
            if failure is None and self._is_loaded(wanted):
                assert self._loaded is not None
                yield from self._engine.ensure_loaded(self._loaded.options, token)
            else:
                if attempt is None:
                    yield LoadProgress(0.0, None)
                    attempt = self._begin(wanted, token)
                    yield from _without_servers(attempt)
                yield from self._climb(wanted, attempt, failure, token)
            spoken = False
            try:
                for event in self._fitted_answer(request, token):
                    if isinstance(event, Piece) and not spoken:
                        spoken = True
                        if attempt is not None:
                            self._settle(attempt)
                    yield event
                return
            except UserError as error:
                lost = self._lost(self._loaded.options.rpc_servers if self._loaded else ())
                if lost is not None:
                    if spoken:
                        raise lost from error
                    failure, attempt = None, None
                    continue
                if error.code != OUT_OF_MEMORY:
                    raise
                if spoken:
                    self._ran_out = (self._loaded, error) if self._loaded else None
                    raise
                failure = error
                if attempt is None:
                    attempt = self._begin(wanted, token, again=self._loaded)

    def _fitted_answer(self, request: ChatRequest, token: CancelToken) -> Iterator[ChatEvent]:
        """Answer with what fits of the conversation into the context that was loaded."""
        state = self._engine.state
        assert state is not None
        fitting, fitted = fit(request, state.result.context, partial(self._engine.count, token=token))
        yield fitted
        try:
            yield from self._engine.answer(fitting, token)
        except UserError as error:
            if error.code != PROMPT_TOO_LONG:
                raise
            tokens, context = int(str(error.data["prompt_tokens"])), state.result.context
            keep = room_for_answer(context, request.sampling.max_tokens, request.prefill)
            raise UserError("context_full", needed=tokens + keep, context=context, prompt_tokens=tokens) from error

    def look(self, wanted: Wanted, token: CancelToken = NEVER_CANCELLED) -> PlanBasis:
        """What plans of a file are made from now, as they would be with nothing loaded; ends what is loaded.

        Raises: as ``LocalEngine.devices``.
        """
        self._engine.release()
        return self._look(wanted, token)[1]

    def keep(self, wanted: Wanted, plan: LoadPlan) -> None:
        """Take this plan first when the file is loaded with the same wishes again.  Raises as ``look``."""
        self._engine.release()
        self._remembered.note(self._look(wanted, NEVER_CANCELLED)[0], plan)

    def _is_loaded(self, wanted: Wanted) -> bool:
        loaded = self.loaded
        if loaded is None or loaded.wanted != wanted:
            return False
        # The child may have died without our asking it anything.
        return self._engine.pid is not None

    def _begin(self, wanted: Wanted, token: CancelToken, again: LoadedPlan | None = None) -> _Attempt:
        """The first plan.  ``again``: what was loaded and failed now, which is not to be tried once more."""
        since = time.monotonic()
        if self._engine.state is not None or again is not None:
            # What is loaded holds the memory that the plan is to count.
            self._engine.release()
        case, basis = self._look(wanted, token)
        noted = self._remembered.find(case)
        if again is not None:
            return _Attempt(case, basis, again.plan, since)
        if noted is not None:
            plan = basis.plan(noted)
            if plan.verdict != "does_not_fit":
                return _Attempt(case, basis, plan, since)
        plan = basis.plan(wanted.wishes)
        if _is_worth_it(plan):
            ask = asking(partial(self._engine.rehearse, token=token), wanted.path, basis.machine.rpc_servers)
            basis = basis.rehearsed(wanted.wishes, ask)
            plan = basis.plan(wanted.wishes)
        _refuse(plan, wanted.path)
        return _Attempt(case, basis, plan, since)

    def _look(self, wanted: Wanted, token: CancelToken) -> tuple[Case, PlanBasis]:
        machine = self._reader.through(self._engine, wanted.rpc_servers, wanted.devices, token=token)
        if pretended_gpus(os.environ) == ():
            machine = replace(machine, devices=tuple(filter(is_rpc, machine.devices)))
        host = self._reader.host(measure=False)
        wishes = possible(wanted.wishes, machine)
        return Case(wanted.path, wishes, machine, host), PlanBasis(wanted.headers, machine, host)

    def _climb(
        self, wanted: Wanted, attempt: _Attempt, failure: UserError | None, token: CancelToken
    ) -> Iterator[ChatEvent]:
        """Load the attempt's plan, or after a ``failure`` the next one, and so on until one loads."""
        while True:
            token.raise_if_cancelled()
            if failure is not None:
                yield self._next(wanted, attempt, failure, token)
            options = load_options(attempt.plan, wanted.path, attempt.basis.machine.rpc_servers)
            try:
                self._choose_drivers(attempt)
                for event in self._engine.ensure_loaded(options, token):
                    # Looking at the devices and loads that failed are part of what a person waited for.
                    taken = time.monotonic() - attempt.since
                    yield Loaded(taken, event.context) if isinstance(event, Loaded) else event
            except UserError as error:
                if self._lost(options.rpc_servers) is not None:
                    fresh = self._begin(wanted, token)
                    attempt.case, attempt.basis, attempt.plan, attempt.next = fresh.case, fresh.basis, fresh.plan, None
                    failure = None
                    yield from _without_servers(attempt)
                    continue
                if error.code != OUT_OF_MEMORY:
                    raise
                failure = error
                continue
            finally:
                if not self._engine.gpus and self._engine.state is None:
                    self._engine.release()
                self._engine.gpus = attempt.basis.machine.gpus
            state = self._engine.state
            assert state is not None
            self._loaded = LoadedPlan(wanted, attempt.plan, options, state.result)
            return

    def _next(self, wanted: Wanted, attempt: _Attempt, failure: UserError, token: CancelToken) -> Replanned:
        if self._engine.state is not None:
            self._engine.release()
        if attempt.next is None:
            # Another program may have taken memory meanwhile, or a device be gone.
            attempt.case, fresh = self._look(wanted, token)
            attempt.basis = replace(fresh, measured=attempt.basis.measured)
            attempt.next = _some(list(attempt.basis.smaller(wanted.wishes, attempt.plan)))
        if not attempt.next:
            raise failure
        attempt.plan = attempt.next.pop(0)
        attempt.tried += 1
        return Replanned(failure, attempt.plan, attempt.tried)

    def _choose_drivers(self, attempt: _Attempt) -> None:
        """With nothing on the GPUs of this machine their drivers would only take memory."""
        own = [device for device in attempt.basis.machine.devices if not is_rpc(device)]
        wanted = attempt.basis.machine.gpus and (bool(attempt.plan.used_devices) or not own)
        if self._engine.gpus is not wanted:
            self._engine.release()
            self._engine.gpus = wanted

    def _lost(self, servers: tuple[str, ...]) -> UserError | None:
        """Which of the RPC servers that were loaded on went away, where the engine ended."""
        if not servers or self._engine.pid is not None:
            return None
        missing = self._reader.missing(servers)
        return UserError("rpc_server_lost", server=missing[0].data.get("server", "")) if missing else None

    def _settle(self, attempt: _Attempt) -> None:
        """It works: keep in mind which plan it took, where it was not the first."""
        if attempt.next is not None:
            self._remembered.note(attempt.case, attempt.plan)


def _without_servers(attempt: _Attempt) -> Iterator[Replanned]:
    for problem in attempt.basis.machine.missing:
        yield Replanned(problem, attempt.plan, attempt.tried)


def _is_worth_it(plan: LoadPlan) -> bool:
    """Whether a rehearsal's fraction of a second is little beside the load, or its megabytes decide."""
    if not plan.devices or plan.verdict == "does_not_fit":
        return False
    if sum(device.weights_bytes for device in plan.devices) >= LARGE_BYTES:
        return True
    return plan.verdict != "gpu" or any(d.left_bytes < TIGHT_SHARE * d.free_bytes for d in plan.used_devices)


def _refuse(plan: LoadPlan, path: Path) -> None:
    if plan.verdict != "does_not_fit":
        return
    if "wish_too_large" not in plan.reasons:
        host = plan.host
        raise UserError(
            "plan_needs_more_ram", path=path, needed_bytes=host.used_bytes, available_bytes=host.available_bytes
        )
    fullest = min(plan.devices, key=lambda device: device.left_bytes)
    # Whoever fixed a split by hand may have meant the reserve to be used.
    if -fullest.left_bytes > fullest.reserve_bytes:
        raise UserError("plan_wish_too_large", device=fullest.name, lacking_bytes=-fullest.left_bytes)


def _some(plans: list[LoadPlan]) -> list[LoadPlan]:
    if len(plans) <= MOST_TRIES:
        return plans
    return [plans[round(number * (len(plans) - 1) / (MOST_TRIES - 1))] for number in range(MOST_TRIES)]
