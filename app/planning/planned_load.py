"""Loading with a plan, with fallback to smaller plans where memory runs out.

Used by the inference worker's thread, as the engine is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.backend import AnswerFinished, ChatEvent, ChatRequest, LoadProgress, ModelLoaded, PlanChanged, TextDelta
from app.chat.context import fit, room_for_answer
from app.config.device_preferences import DevicePreferences
from app.engine.local_engine import LocalEngine
from app.engine.protocol import LoadResult
from app.planning.basis import PlanBasis
from app.planning.machine import MachineReader, simulated_machine_from
from app.planning.saved_options import MeasuredSpeeds, RememberedAttention, RememberedPlans
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import CPU, LoadSpec, PlanOptions
from model_manager.plan.speed import CONTEXT_IN_USE

OUT_OF_MEMORY = "engine_out_of_memory"
PROMPT_TOO_LONG = "prompt_too_long"
MAX_FALLBACKS = 6
"""Smaller plans that are tried after the first; of more, some are skipped, never the last."""
LEAST_TOKENS = 24
"""Shorter answers say little about the speed."""
MOST_TOKENS = 2 * CONTEXT_IN_USE
"""Of prompt and answer: in a longer context the speed can't be compared with those of other models."""
TIGHT_SHARE = 0.25
"""With less than this part of a device left free, an estimate is rehearsed."""
LARGE_BYTES = 1 << 30
"""Loading this much takes so long that a rehearsal is negligible."""
_LEAST = LoadSpec(context=512, devices=(CPU,), n_gpu_layers=0)
_NO_MEMORY = {"weights_bytes": 0, "kv_bytes": 0, "compute_bytes": 0, "projector_bytes": 0}


@dataclass(frozen=True)
class LoadRequest:
    """A file to load (``path``, the first of several) and its options; ``stamp`` changes with the file.

    The options' RPC servers are required; those of ``preferences`` are optional.
    """

    path: Path
    headers: tuple[GgufHeader, ...] = field(compare=False, repr=False)
    options: PlanOptions = field(default_factory=PlanOptions)
    stamp: tuple[int, ...] = ()
    preferences: DevicePreferences = field(default_factory=DevicePreferences)


@dataclass(frozen=True)
class LoadedPlan:
    """The loaded file: the plan and the result of its load."""

    request: LoadRequest
    plan: LoadPlan
    result: LoadResult

    def to_json(self) -> dict[str, Any]:
        """The plan with "actual" beside every forecast: weights_bytes, kv_bytes, compute_bytes (and repack_bytes)."""
        body: dict[str, Any] = dict(self.plan.to_json())
        body["context"] = self.result.context
        for device in body["devices"]:
            device["actual"] = {**_NO_MEMORY, **self.result.memory.get(device["name"], {})}
        body["host"]["actual"] = {**_NO_MEMORY, "repack_bytes": 0, **self.result.memory.get("CPU", {})}
        return body


@dataclass
class _Attempt:
    """A load in progress: the plan, and the plans after it once one has failed."""

    request: LoadRequest
    basis: PlanBasis
    plan: LoadPlan
    begin: float
    """Time of its beginning."""
    next: list[LoadPlan] | None = None


class PlannedLoader:
    """Loads and answers with plans.  One engine, one loaded file."""

    def __init__(
        self,
        engine: LocalEngine,
        reader: MachineReader,
        remembered: RememberedPlans,
        attention: RememberedAttention,
        speeds: MeasuredSpeeds,
    ) -> None:
        self._engine, self._reader, self._remembered, self._attention = engine, reader, remembered, attention
        self._speeds = speeds
        self._loaded: LoadedPlan | None = None
        self._ran_out: tuple[LoadedPlan, UserError] | None = None
        """The load that ran out of memory during an answer."""

    @property
    def loaded(self) -> LoadedPlan | None:
        """The loaded plan, None without one.  May be read by any thread."""
        loaded, state = self._loaded, self._engine.state
        return loaded if loaded is not None and state is not None and state.result is loaded.result else None

    def load(self, request: LoadRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load unless the same is loaded; yield LoadProgress, PlanChanged and finally ModelLoaded.

        Raises:
            UserError: as ``answer``.
            Cancelled: ``token`` was cancelled.
        """
        attempt = yield from self._ensure_loaded(request, None, None, token)
        self._remember(attempt)

    def answer(
        self, request: LoadRequest, chat: ChatRequest, token: CancelToken = NEVER_CANCELLED
    ) -> Iterator[ChatEvent]:
        """Load if needed, and answer.  If memory runs out before the first piece, a smaller plan is loaded.

        ``ContextFitted`` reports which part of the conversation the loaded context holds, before the prompt is read.

        Raises:
            UserError: plan_needs_more_ram(path, needed_bytes, available_bytes), plan_wish_too_large(device,
                lacking_bytes); engine_out_of_memory where no smaller plan is left; context_full and others of
                ``app.chat.context.fit``; as ``LocalEngine`` and ``plan_model``.
            Cancelled: ``token`` was cancelled.
        """
        attempt: _Attempt | None = None
        failure: UserError | None = None
        if self._ran_out is not None and self._ran_out[0].request == request:
            before, failure = self._ran_out
            attempt = self._begin(request, token, failed=before)
        self._ran_out = None
        while True:
            attempt = yield from self._ensure_loaded(request, attempt, failure, token)
            state = self._engine.state
            assert state is not None
            context = state.result.context
            has_begun = False
            try:
                count = partial(self._engine.count, token=token, thinking=chat.sampling.thinking, tools=chat.tools)
                fitting, fitted = fit(chat, context, count)
                yield fitted
                for event in self._engine.answer(fitting, token):
                    if isinstance(event, TextDelta) and not has_begun:
                        has_begun = True
                        self._remember(attempt)
                    elif isinstance(event, AnswerFinished) and _is_comparable(event):
                        self.note_speed(event.tokens_per_second)
                    yield event
                return
            except UserError as error:
                lost = self._lost_server()
                if lost is not None:
                    if has_begun:
                        raise lost from error
                    failure, attempt = None, None
                    continue
                if error.code == PROMPT_TOO_LONG:
                    tokens = int(str(error.data["prompt_tokens"]))
                    needed = tokens + room_for_answer(context, chat.sampling.max_tokens, chat.prefill)
                    raise UserError("context_full", needed=needed, context=context, prompt_tokens=tokens) from error
                if error.code != OUT_OF_MEMORY:
                    raise
                if has_begun:
                    self._ran_out = (self._loaded, error) if self._loaded else None
                    raise
                failure = error
                if attempt is None:
                    attempt = self._begin(request, token, failed=self._loaded)

    def unloaded_basis(self, request: LoadRequest, token: CancelToken = NEVER_CANCELLED) -> PlanBasis:
        """Release the loaded file and return the basis of plans.  Raises as ``LocalEngine.devices``."""
        self._engine.release()
        return self._basis(request, token)

    def remember(self, request: LoadRequest, plan: LoadPlan) -> None:
        """Use this plan first for further loads with the same options.  Raises as ``unloaded_basis``."""
        self._engine.release()
        self._remembered.note(self._basis(request, NEVER_CANCELLED), request.options, plan)

    def note_speed(self, tokens_per_second: float | None, reading: float | None = None) -> None:
        """Note a measured speed of answers with the loaded plan, as ``MeasuredSpeeds.note``."""
        if tokens_per_second and (loaded := self.loaded) is not None:
            self._speeds.note(loaded.request.path, loaded.plan, tokens_per_second, reading)

    def _loaded_for(self, request: LoadRequest) -> LoadedPlan | None:
        loaded = self.loaded
        # The child may have died without a request.
        is_loaded = loaded is not None and loaded.request == request and self._engine.pid is not None
        return loaded if is_loaded else None

    def _begin(self, request: LoadRequest, token: CancelToken, failed: LoadedPlan | None = None) -> _Attempt:
        """Make the first plan.  ``failed``: the loaded plan that ran out of memory and is not tried again."""
        begin = time.monotonic()
        if self._engine.state is not None or failed is not None:
            # The loaded file holds memory that the plan counts as free.
            self._engine.release()
        basis = self._basis(request, token)
        if failed is not None:
            return _Attempt(request, basis, failed.plan, begin)
        noted = self._remembered.find(basis, request.options)
        if noted is not None:
            plan = basis.plan(noted)
            if plan.verdict != "does_not_fit":
                return _Attempt(request, basis, plan, begin)
        plan = basis.plan(request.options)
        if _is_worth_rehearsing(plan):
            basis = basis.rehearsed(request.options, partial(self._engine.rehearse, request.path, token=token))
            plan = basis.plan(request.options)
        _raise_if_too_large(plan, request.path)
        return _Attempt(request, basis, plan, begin)

    def _basis(self, request: LoadRequest, token: CancelToken) -> PlanBasis:
        required = request.options.rpc_servers
        machine = self._reader.read_through(self._engine, required, request.preferences, token)
        simulated = simulated_machine_from(os.environ)
        if simulated is not None and not simulated.devices:
            machine = replace(machine, devices=tuple(device for device in machine.devices if device.is_rpc))
        basis = PlanBasis(request.headers, machine, self._reader.host(measure=False))
        return self._attention.applied(basis, partial(self._engine.flash_attention_gain, token=token))

    def _ensure_loaded(
        self, request: LoadRequest, attempt: _Attempt | None, failure: UserError | None, token: CancelToken
    ) -> Generator[ChatEvent, None, _Attempt | None]:
        """Load unless the same is loaded; returns the attempt, None where nothing was loaded."""
        if failure is None and (loaded := self._loaded_for(request)) is not None:
            yield from self._engine.load(request.path, loaded.plan.spec, token)
            return attempt
        if attempt is None:
            yield LoadProgress(0.0, None)
            attempt = self._begin(request, token)
            yield from _missing_servers(attempt)
        yield from self._load(attempt, failure, token)
        return attempt

    def _load(self, attempt: _Attempt, failure: UserError | None, token: CancelToken) -> Iterator[ChatEvent]:
        """Load the attempt's plan, or after a ``failure`` the next one, and so on until one loads."""
        while True:
            token.raise_if_cancelled()
            if failure is not None:
                yield self._next_plan(attempt, failure, token)
            request, spec = attempt.request, attempt.plan.spec
            try:
                self._choose_drivers(attempt)
                for event in self._engine.load(request.path, spec, token):
                    # Listing the devices and failed loads are part of the waiting time.
                    seconds = time.monotonic() - attempt.begin
                    yield ModelLoaded(seconds, event.context) if isinstance(event, ModelLoaded) else event
            except UserError as error:
                if self._lost_server(spec.rpc_servers) is not None:
                    fresh = self._begin(request, token)
                    attempt.basis, attempt.plan, attempt.next, failure = fresh.basis, fresh.plan, None, None
                    yield from _missing_servers(attempt)
                    continue
                if attempt.next is None and "returncode" in error.data:
                    self._raise_if_unusable(request.path, error, token)
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
            if state.result.pinned is False:
                attempt.plan = replace(attempt.plan, reasons=(*attempt.plan.reasons, "not_pinned"))
                yield PlanChanged(UserError("memory_not_pinned"), attempt.plan)
            self._loaded = LoadedPlan(request, attempt.plan, state.result)
            return

    def _raise_if_unusable(self, path: Path, crash: UserError, token: CancelToken) -> None:
        """Refuse a file that ends the engine in a rehearsal on the CPU too, which needs neither memory nor drivers.

        Such a file lacks tensors that the engine believes to be optional, for example.
        """
        self._engine.gpus = False
        try:
            self._engine.rehearse(path, _LEAST, token=token)
        except UserError as error:
            if error.code in ("engine_died", "engine_cannot_run"):
                ending = {"assertion": error.data["signal"] or error.data["returncode"], **error.data}
                raise UserError("engine_cannot_run", **ending | {"phase": crash.data["phase"]}) from crash

    def _next_plan(self, attempt: _Attempt, failure: UserError, token: CancelToken) -> PlanChanged:
        if self._engine.state is not None:
            self._engine.release()
        if attempt.next is None:
            # Another program may have taken memory meanwhile, or a device be gone.
            attempt.basis = replace(self._basis(attempt.request, token), rehearsal=attempt.basis.rehearsal)
            attempt.next = _at_most(MAX_FALLBACKS, list(attempt.basis.smaller(attempt.request.options, attempt.plan)))
        if not attempt.next:
            raise failure
        attempt.plan = attempt.next.pop(0)
        return PlanChanged(failure, attempt.plan)

    def _choose_drivers(self, attempt: _Attempt) -> None:
        """Restart the engine if its child was started for another plan.

        Without a GPU of this machine in the plan it starts without GPU drivers, which would only take memory.
        """
        has_own_devices = any(not device.is_rpc for device in attempt.basis.machine.devices)
        gpus = attempt.basis.machine.gpus and (bool(attempt.plan.used_devices) or not has_own_devices)
        least = attempt.plan.spec.offload_min_batch
        if self._engine.gpus is not gpus or self._engine.offload_min_batch != least:
            self._engine.release()
            self._engine.gpus, self._engine.offload_min_batch = gpus, least

    def _lost_server(self, servers: tuple[str, ...] | None = None) -> UserError | None:
        """The error of an RPC server of the load that is gone, if the engine has ended."""
        if servers is None:
            servers = self._loaded.plan.spec.rpc_servers if self._loaded else ()
        if not servers or self._engine.pid is not None:
            return None
        missing = self._reader.missing(servers)
        return UserError("rpc_server_lost", server=missing[0].data.get("server", "")) if missing else None

    def _remember(self, attempt: _Attempt | None) -> None:
        """Note the plan that works, unless it was the first."""
        if attempt is not None and attempt.next is not None:
            self._remembered.note(attempt.basis, attempt.request.options, attempt.plan)


def _missing_servers(attempt: _Attempt) -> Iterator[PlanChanged]:
    """Yield an event for each optional RPC server that is missing."""
    for problem in attempt.basis.machine.missing:
        yield PlanChanged(problem, attempt.plan)


def _is_worth_rehearsing(plan: LoadPlan) -> bool:
    """Whether a rehearsal's fraction of a second is small compared to the load, or its megabytes matter."""
    if not plan.devices or plan.verdict == "does_not_fit":
        return False
    if sum(device.weights_bytes for device in plan.devices) >= LARGE_BYTES:
        return True
    return plan.verdict != "gpu" or any(d.left_bytes < TIGHT_SHARE * d.free_bytes for d in plan.used_devices)


def _raise_if_too_large(plan: LoadPlan, path: Path) -> None:
    if plan.verdict != "does_not_fit":
        return
    if "wish_too_large" not in plan.reasons:
        host = plan.host
        raise UserError(
            "plan_needs_more_ram", path=path, needed_bytes=host.used_bytes, available_bytes=host.available_bytes
        )
    fullest = min(plan.devices, key=lambda device: device.left_bytes)
    # A split fixed by the user may use the reserve.
    if -fullest.left_bytes > fullest.reserve_bytes:
        raise UserError("plan_wish_too_large", device=fullest.name, lacking_bytes=-fullest.left_bytes)


def _is_comparable(answer: AnswerFinished) -> bool:
    """Whether the speed of an answer says something about its model."""
    tokens = answer.completion_tokens
    return tokens >= LEAST_TOKENS and answer.prompt_tokens + tokens <= MOST_TOKENS


def _at_most(count: int, plans: list[LoadPlan]) -> list[LoadPlan]:
    if len(plans) <= count:
        return plans
    return [plans[round(number * (len(plans) - 1) / (count - 1))] for number in range(count)]
