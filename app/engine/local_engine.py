"""The engine for the rest of the program: load a file, answer, count tokens, benchmark, list devices.

It runs in a child process, which is started when needed; its exit becomes a ``UserError``.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import psutil

from app.backend import (
    AnswerFinished,
    ChatEvent,
    ChatRequest,
    LoadProgress,
    ModelLoaded,
    PromptMessage,
    PromptProgress,
    TextDelta,
    ToolsCalled,
)
from app.engine.external_engine import VARIABLE, external_engine
from app.engine.outcome import Phase, exit_error, failure_error
from app.engine.protocol import (
    Bench,
    BenchProgress,
    BenchResult,
    CacheOptions,
    Command,
    CountTokens,
    DeviceList,
    Embed,
    Embeddings,
    Event,
    Failure,
    FlashAttentionGain,
    Forget,
    Forgotten,
    Generate,
    GenerateResult,
    Lend,
    Lending,
    ListDevices,
    Load,
    LoadResult,
    MeasureAttention,
    Ready,
    Rehearse,
    Result,
    Stop,
    TokenCounts,
    Tokenize,
    Tokens,
    decode,
    encode,
    without_pictures,
)
from app.process.child_process import ENGINE, ChildProcess, child_environment
from app.tool_calls import ToolDefinition
from model_manager.cancellation import NEVER_CANCELLED, CancelToken, start_timer
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.shards import read_model
from model_manager.plan.engine_arguments import OFFLOAD_VARIABLE
from model_manager.plan.load_plan import Rehearsal
from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.model_shape import AttentionShape

T = TypeVar("T")

NICENESS = 10
"""Of a child in the background: it gets a tenth of a core that another process needs."""
WRAPPER_VARIABLE = "APUS_CHAT_ENGINE_WRAPPER"
"""A command that starts the child: ``prlimit --as=2000000000`` to simulate a shortage of memory, or a debugger."""
PROBE_S = 120.0
"""Timeout of the list of devices: some drivers take ten seconds to start."""
REHEARSAL_S = 15.0
STOP_GRACE_S = 2.0
"""Seconds after which a child that does not react to a stop is killed, in phases without state to lose."""
SHUTDOWN_S = 3.0
LOG_TAIL_BYTES = 16 << 10
MAX_CHARACTERS_IF_IDLE = 2 << 20
"""Counting this many takes about half a second, for which an answer may have to wait."""
_PHASES_WITHOUT_STATE = (Phase.STARTING, Phase.PROBING, Phase.REHEARSING, Phase.LOADING)
_NO_GPUS = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "HIP_VISIBLE_DEVICES": "-1",
    "ROCR_VISIBLE_DEVICES": "-1",
    "GGML_DISABLE_VULKAN": "1",
}
"""Read by the runtimes and by ggml's list of backends (ggml-backend-reg.cpp) before they load a driver."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineState:
    """The loaded file, its parameters, and the result of the load."""

    path: Path
    spec: LoadSpec
    result: LoadResult


class LocalEngine:
    """The engine child, one at a time, and the file that is loaded in it.

    Used from one thread at a time, the inference worker's, except for ``count_if_idle``.
    """

    def __init__(self, log_path: Path, *, gpus: bool = True, background: bool = False) -> None:
        """The child's standard error goes to ``log_path``; the previous child's log is kept beside it.

        ``gpus=False`` uses the CPU only, for machines whose drivers crash the child.  ``background`` gives the child a
        low priority.
        """
        self.gpus = gpus
        self._is_background = background
        """Whether the child may load GPU drivers; a change takes effect with the next child."""
        self.offload_min_batch: int | None = None
        """Tokens of a batch from which devices take weights out of host memory; takes effect with the next child."""
        self.state: EngineState | None = None
        """State of the loaded file; None if no file is loaded."""
        self.cache_options: Callable[[], CacheOptions | None] = lambda: None
        """Returns the folder and the limits of the conversation cache; None keeps no states."""
        self.exact_batches: Callable[[], Path | None] = lambda: None
        """Returns the file of tests that guesses of tokens need; None for no guesses."""
        self.on_change: Callable[[], None] = lambda: None
        """Called, in the worker's thread, when a file was loaded or released."""
        self._log_path = log_path
        self._process: ChildProcess | None = None
        self._is_ready = False
        """Whether the child has reported that it is up."""
        self._changed = threading.Condition()
        self._is_counting = False
        """Whether ``count_if_idle`` uses the child."""
        self._requests = 0
        self._running: int | None = None
        self._phase = Phase.STARTING
        """What the child does with the running request."""

    @property
    def pid(self) -> int | None:
        """Process id of the child, to attribute memory to it; None if it isn't running."""
        process = self._process  # another thread may release it
        return process.pid if process is not None and process.is_alive() else None

    def devices(
        self,
        rpc_servers: tuple[str, ...] = (),
        timeout_s: float = PROBE_S,
        *,
        optional_servers: tuple[str, ...] = (),
        keep: bool = False,
        token: CancelToken = NEVER_CANCELLED,
    ) -> DeviceList:
        """List the engine's devices.  A child that was not running ends afterwards, because its drivers hold memory.

        ``keep`` keeps it running, for a load right afterwards.

        Raises:
            UserError: ``engine_not_startable``, ``engine_died``, ``engine_too_slow``, ``rpc_server_unreachable``,
                ``rpc_server_silent``, ``rpc_server_foreign``, ``rpc_server_other_version``, ``rpc_not_in_build``.
            Cancelled: ``token`` was cancelled.
        """
        was_running = self.pid is not None
        try:
            return self._result(ListDevices(rpc_servers, optional_servers), DeviceList, Phase.PROBING, token, timeout_s)
        finally:
            if not was_running and not keep:
                self.release()

    def flash_attention_gain(self, shape: AttentionShape, token: CancelToken = NEVER_CANCELLED) -> float | None:
        """Measure how many times faster a model's attention is with flash attention, on the CPU.

        Raises as ``devices``.
        """
        command = MeasureAttention(shape)
        return self._result(command, FlashAttentionGain, Phase.PROBING, token, PROBE_S).gain

    def rehearse(
        self,
        path: Path,
        spec: LoadSpec,
        timeout_s: float = REHEARSAL_S,
        token: CancelToken = NEVER_CANCELLED,
        simulated: tuple[str, ...] = (),
    ) -> Rehearsal:
        """Rehearse loading a model or a header stub (``model_manager.gguf.header_stub``).

        ``simulated``: names of devices that this machine lacks, rehearsed like CUDA's.

        Raises:
            UserError: as the load would, or ``engine_too_slow``; the child may have ended then.
            Cancelled: ``token`` was cancelled.
        """
        return self._result(Rehearse(str(path), spec, simulated), Rehearsal, Phase.REHEARSING, token, timeout_s)

    def load(self, path: Path, spec: LoadSpec, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load a file unless it is loaded with the same parameters; yield LoadProgress and finally ModelLoaded.

        Raises:
            UserError: ``load_refused``, ``engine_out_of_memory``, ``engine_died``, ``engine_not_startable``, ...
            Cancelled: ``token`` was cancelled.
        """
        token.raise_if_cancelled()
        state = self.state
        if self.pid is not None and state is not None and (state.path, state.spec) == (path, spec):
            yield ModelLoaded(0.0, state.result.context)
            return
        self._set_state(None)
        yield LoadProgress(0.0, None)
        begin = time.monotonic()
        for event in self._request(Load(str(path), spec), Phase.LOADING, token):
            if isinstance(event, LoadProgress):
                yield event
            elif isinstance(event, LoadResult):
                self._set_state(EngineState(path, spec, event))
                yield ModelLoaded(time.monotonic() - begin, event.context)

    def answer(self, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Answer with the loaded file; yield PromptProgress, TextDelta and finally AnswerFinished.

        Raises:
            UserError: ``prompt_too_long``, ``chat_template_failed``, ``engine_died``, ``engine_out_of_memory``, ...
            Cancelled: ``token`` was cancelled before the first token.
        """
        begin = time.monotonic()
        first = last = None
        tokens = 0
        command = Generate(
            request.messages,
            request.sampling,
            request.prefill,
            request.controls,
            request.conversation_id,
            self.cache_options(),
            str(self.exact_batches() or ""),
            request.tools,
        )
        for event in self._request(command, Phase.READING, token):
            match event:
                case PromptProgress() | ToolsCalled():
                    yield event
                case TextDelta():
                    now = time.monotonic()
                    self._phase = Phase.GENERATING
                    first = first or now
                    if event.tokens > tokens:
                        last, tokens = now, event.tokens
                    yield event
                case GenerateResult():
                    generated_s = last - first if first and last else 0.0
                    yield AnswerFinished(
                        finish_reason=event.finish_reason,
                        prompt_tokens=event.prompt_tokens,
                        completion_tokens=event.completion_tokens,
                        prompt_tokens_per_second=event.read_tokens / event.reading_s if event.reading_s else None,
                        tokens_per_second=(event.completion_tokens - 1) / generated_s if generated_s else None,
                        time_to_first_token_s=first - begin if first else None,
                        speculation=event.speculation,
                        stop_string=event.stop_string,
                    )

    def count(
        self,
        messages: Sequence[PromptMessage] = (),
        prefill: str = "",
        texts: Sequence[str] = (),
        token: CancelToken = NEVER_CANCELLED,
        thinking: str = "",
        tools: tuple[ToolDefinition, ...] = (),
    ) -> tuple[int, tuple[int, ...]]:
        """Count the tokens of the prompt that these messages make with the loaded file, and of each text.

        ``thinking`` as in ``Sampling``; ``tools`` are those of the request.

        Raises:
            UserError: ``chat_template_failed``, ``chat_template_too_costly``, ``nothing_loaded``, ``engine_died``.
            Cancelled: ``token`` was cancelled.
        """
        command = CountTokens(without_pictures(messages), prefill, thinking, tuple(texts), tools)
        counts = self._result(command, TokenCounts, Phase.READING, token)
        return counts.prompt_tokens, counts.text_tokens

    def tokenize(
        self, text: str, *, special: bool = True, with_ends: bool = False, token: CancelToken = NEVER_CANCELLED
    ) -> Tokens:
        """Return the tokens of a text, as ``Tokenize`` describes.  Raises as ``count``."""
        return self._result(Tokenize(text, special, with_ends), Tokens, Phase.READING, token)

    def count_if_idle(self, texts: Sequence[str]) -> tuple[int, ...] | None:
        """Count the tokens of each text, from any thread; a request that begins meanwhile waits.

        None if nothing is loaded, the engine is busy, or the texts are too long.
        """
        if sum(map(len, texts)) > MAX_CHARACTERS_IF_IDLE:
            return None
        with self._changed:
            process = self._process
            if process is None or self.state is None or self._running is not None or self._is_counting:
                return None
            self._is_counting = True
            self._requests += 1
            number = self._requests
        try:
            event = next(self._events(process, number, CountTokens(texts=tuple(texts)), self._phase), None)
            return event.text_tokens if isinstance(event, TokenCounts) else None
        finally:
            with self._changed:
                self._is_counting = False
                self._changed.notify_all()

    def forget(self, conversation_ids: Sequence[str] | None) -> None:
        """Delete the states of these conversations, or all for None, that the child holds.  Raises as ``count``."""
        if self.pid is not None and self.state is not None:
            ids = None if conversation_ids is None else tuple(conversation_ids)
            self._result(Forget(ids), Forgotten, Phase.READING, NEVER_CANCELLED)

    def bench(
        self,
        prompt_tokens: int = 512,
        generated_tokens: int = 64,
        repetitions: int = 3,
        on_progress: Callable[[BenchProgress], None] = lambda _progress: None,
        token: CancelToken = NEVER_CANCELLED,
        *,
        depth: int = 0,
    ) -> BenchResult:
        """Measure the loaded file as ``Bench`` describes.  The KV cache is cleared.

        Raises:
            UserError: ``bench_context_too_small``, ``nothing_loaded``, ``engine_out_of_memory``, ``engine_died``, ...
            Cancelled: ``token`` was cancelled.
        """
        command = Bench(prompt_tokens, generated_tokens, repetitions, depth)
        for event in self._request(command, Phase.MEASURING, token):
            if isinstance(event, BenchProgress):
                on_progress(event)
        assert isinstance(event, BenchResult)
        return event

    def embed(self, path: Path, texts: Sequence[str], token: CancelToken = NEVER_CANCELLED) -> Embeddings:
        """Compute the embeddings of some texts with an embedding model, on the CPU, in batches.

        The model stays loaded beside the loaded file, until the child ends.

        Raises:
            UserError: as ``read_model``; ``load_refused``, ``not_an_embedding_model``, ``text_too_long_to_embed``
                (tokens, limit), ``engine_died``, ...
            Cancelled: ``token`` was cancelled.
        """
        read_model(path)  # the engine aborts on some damaged files
        return self._result(Embed(str(path), tuple(texts)), Embeddings, Phase.READING, token)

    def lend(self, host: str, port: int, cache: Path, limit_bytes: int | None) -> Iterator[Lending]:
        """Lend this PC's devices until the child ends, by ``release`` in another thread; yields each new state.

        Raises ``UserError``: as ``app.engine.child.lending.lend``, and ``engine_died`` at the end.
        """
        for event in self._request(Lend(host, port, str(cache), limit_bytes), Phase.LENDING, NEVER_CANCELLED):
            if isinstance(event, Lending):
                yield event

    def release(self) -> None:
        """End the child; its memory, and that of its devices, is free when this returns."""
        self._set_state(None)
        with self._changed:
            process, self._process = self._process, None
            self._changed.wait_for(lambda: not self._is_counting)
        if process is not None:
            process.close(SHUTDOWN_S)

    def _set_state(self, state: EngineState | None) -> None:
        if state is not self.state:
            self.state = state
            self.on_change()

    # The child

    def _result(
        self, command: Command, type_: type[T], phase: Phase, token: CancelToken, timeout_s: float | None = None
    ) -> T:
        *_, result = self._request(command, phase, token, timeout_s)
        assert isinstance(result, type_)
        return result

    def _request(
        self, command: Command, phase: Phase, token: CancelToken, timeout_s: float | None = None
    ) -> Iterator[Event]:
        """Send a command and yield its events, the last of them a ``Result``.

        Raises:
            UserError: the child's failure; ``engine_too_slow`` when ``timeout_s`` passed and the child was killed;
                ``exit_error`` when it died.
            Cancelled: ``token`` was cancelled.
        """
        is_timed_out = threading.Event()
        with ExitStack() as cleanup:
            cleanup.callback(self._end_request)
            process, number = self._begin(phase, token)
            cleanup.enter_context(token.on_cancel(partial(self._stop, process, number)))
            if timeout_s is not None:
                timer = start_timer(timeout_s, partial(self._kill_if_running, process, number, is_timed_out))
                cleanup.callback(timer.cancel)
            for event in self._events(process, number, command, phase):
                if isinstance(event, Failure):
                    stopped = token.is_cancelled and self._phase in _PHASES_WITHOUT_STATE
                    if event.code == "cancelled" or stopped:
                        raise Cancelled
                    raise failure_error(event, self._phase)
                yield event
                if isinstance(event, Result):
                    return
        self._process = None
        error = exit_error(self._phase, process.wait(), self._log_tail())
        process.close()
        self._set_state(None)
        token.raise_if_cancelled()
        if is_timed_out.is_set():
            raise UserError("engine_too_slow", phase=str(phase), seconds=f"{timeout_s:g}")
        raise error

    def _begin(self, phase: Phase, token: CancelToken) -> tuple[ChildProcess, int]:
        token.raise_if_cancelled()
        if self.pid is None:
            self.release()
            self._process = self._start()
        assert self._process is not None
        with self._changed:
            self._requests += 1
            self._running = self._requests
            self._phase = phase if self._is_ready else Phase.STARTING
            self._changed.wait_for(lambda: not self._is_counting)
        token.raise_if_cancelled()
        return self._process, self._requests

    def _end_request(self) -> None:
        with self._changed:
            self._running = None

    def _start(self) -> ChildProcess:
        self._is_ready = False
        command = [*shlex.split(os.environ.get(WRAPPER_VARIABLE, "")), *ENGINE.command()]
        external = external_engine()
        environment = {
            **child_environment(),
            # An abort would start a debugger, which delays the end of the child for seconds.
            "GGML_NO_BACKTRACE": "1",
            VARIABLE: str(external.path) if external and external.is_compatible else "",
            **({} if self.gpus else _NO_GPUS),
            **({OFFLOAD_VARIABLE: str(self.offload_min_batch)} if self.offload_min_batch else {}),
        }
        with self._new_log() as log:
            try:
                child = ChildProcess(command, environment, log)
            except OSError as error:
                raise UserError("engine_not_startable", detail=str(error), log="") from error
        if self._is_background:
            with suppress(psutil.Error):
                _lower_priority(psutil.Process(child.pid))
        return child

    def _new_log(self) -> BinaryIO:
        try:
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            if self._log_path.exists():
                self._log_path.replace(self._log_path.with_suffix(".before.log"))
            return self._log_path.open("wb")
        except OSError as error:
            logger.info("the engine runs without a log: %s", error)
            return Path(os.devnull).open("wb")

    def _events(self, process: ChildProcess, number: int, command: Command, phase: Phase) -> Iterator[Event]:
        """Send a command and yield the events that answer it, until the child ends."""
        process.send(encode(number, command))
        for line in process.lines():
            answered, event = decode(line)
            if isinstance(event, Ready):
                self._is_ready, self._phase = True, phase
            elif event is None:
                # Not the line itself: it may be a piece of an answer.
                logger.warning("unknown event from the engine, %d bytes", len(line))
            elif answered == number:
                yield event

    def _stop(self, process: ChildProcess, request: int) -> None:
        """End the request soon; called by any thread."""
        with self._changed:
            is_running, phase = self._running == request, self._phase
        if is_running:
            process.send(encode(request, Stop()))
            if phase in _PHASES_WITHOUT_STATE:
                start_timer(STOP_GRACE_S, partial(self._kill_if_running, process, request))

    def _kill_if_running(self, process: ChildProcess, request: int, killed: threading.Event | None = None) -> None:
        with self._changed:
            is_running = self._running == request
        if is_running:
            if killed is not None:
                killed.set()
            process.kill()

    def _log_tail(self) -> str:
        with suppress(OSError), self._log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace")
        return ""


def _lower_priority(process: psutil.Process) -> None:
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(max(NICENESS, process.nice()))
