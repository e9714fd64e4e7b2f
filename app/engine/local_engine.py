"""Interface of the engine for the rest of the program: load a file, answer, count tokens, benchmark, list devices.

Used from one thread at a time: the inference worker's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.backend import ChatEvent, ChatRequest, Finished, Loaded, LoadProgress, Piece, PromptMessage, PromptProgress
from app.engine.client import EngineClient
from app.engine.outcome import Phase
from app.engine.protocol import (
    AnswerResult,
    Bench,
    BenchProgress,
    BenchResult,
    Count,
    DeviceList,
    Generate,
    ListDevices,
    Load,
    LoadResult,
    Rehearse,
    TokenCounts,
)
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.plan import LoadSpec, Rehearsal

PROBE_S = 30.0
"""Timeout of the list of devices: some drivers take ten seconds to start."""
REHEARSAL_S = 15.0
MAX_CHARACTERS_IF_IDLE = 2 << 20
"""Counting this many takes about half a second, for which an answer may have to wait."""


@dataclass(frozen=True)
class EngineState:
    """The loaded file, its parameters, and the result of the load."""

    path: Path
    spec: LoadSpec
    result: LoadResult


class LocalEngine:
    """The engine child and the file that is loaded in it."""

    def __init__(self, log_path: Path, *, gpus: bool = True) -> None:
        """``gpus=False`` uses the CPU only, for machines whose drivers crash the child."""
        self._client = EngineClient(log_path, gpus=gpus, on_exit=lambda: self._set_state(None))
        self._state: EngineState | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called, in the worker's thread, when a file was loaded or released."""

    @property
    def state(self) -> EngineState | None:
        """State of the loaded file; None if no file is loaded."""
        return self._state

    @property
    def pid(self) -> int | None:
        """Process id of the child, to attribute memory to it; None if it isn't running."""
        return self._client.pid if self._client.is_alive else None

    @property
    def gpus(self) -> bool:
        """Whether the child may load GPU drivers; a change takes effect with the next child."""
        return self._client.gpus

    @gpus.setter
    def gpus(self, allowed: bool) -> None:
        self._client.gpus = allowed

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
        was_running = self._client.is_alive
        command = ListDevices(rpc_servers, optional_servers)
        try:
            return self._client.result(command, DeviceList, Phase.PROBING, token, timeout_s)
        finally:
            if not was_running and not keep:
                self.release()

    def rehearse(
        self, path: Path, spec: LoadSpec, timeout_s: float = REHEARSAL_S, token: CancelToken = NEVER_CANCELLED
    ) -> Rehearsal:
        """Rehearse loading a model or a header stub (``model_manager.gguf.header_stub``).

        Raises:
            UserError: as the load would, or ``engine_too_slow``; the child may have ended then.
            Cancelled: ``token`` was cancelled.
        """
        command = Rehearse(str(path), spec)
        return self._client.result(command, Rehearsal, Phase.REHEARSING, token, timeout_s)

    def load(self, path: Path, spec: LoadSpec, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load a file unless it is loaded with the same parameters; yields LoadProgress and finally Loaded.

        Raises:
            UserError: ``load_refused``, ``engine_out_of_memory``, ``engine_died``, ``engine_not_startable``, ...
            Cancelled: ``token`` was cancelled.
        """
        token.raise_if_cancelled()
        state = self._state
        if self._client.is_alive and state is not None and (state.path, state.spec) == (path, spec):
            yield Loaded(0.0, state.result.context)
            return
        self._set_state(None)
        yield LoadProgress(0.0, None)
        begin = time.monotonic()
        for event in self._client.request(Load(str(path), spec), Phase.LOADING, token):
            if isinstance(event, LoadProgress):
                yield event
            elif isinstance(event, LoadResult):
                self._set_state(EngineState(path, spec, event))
                yield Loaded(time.monotonic() - begin, event.context)

    def answer(self, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Answer with the loaded file; yields PromptProgress, Piece and finally Finished.

        Raises:
            UserError: ``prompt_too_long``, ``chat_template_failed``, ``engine_died``, ``engine_out_of_memory``, ...
            Cancelled: ``token`` was cancelled before the first token.
        """
        begin = time.monotonic()
        first = last = None
        tokens = 0
        command = Generate(request.messages, request.sampling, request.prefill)
        for event in self._client.request(command, Phase.READING, token):
            match event:
                case PromptProgress():
                    yield event
                case Piece():
                    now = time.monotonic()
                    self._client.phase = Phase.GENERATING
                    first = first or now
                    if event.tokens > tokens:
                        last, tokens = now, event.tokens
                    yield event
                case AnswerResult():
                    generated_s = last - first if first and last else 0.0
                    yield Finished(
                        finish_reason=event.finish_reason,
                        prompt_tokens=event.prompt_tokens,
                        completion_tokens=event.completion_tokens,
                        prompt_tokens_per_second=event.read_tokens / event.reading_s if event.reading_s else None,
                        tokens_per_second=(event.completion_tokens - 1) / generated_s if generated_s else None,
                        time_to_first_token_s=first - begin if first else None,
                    )

    def count(
        self,
        messages: Sequence[PromptMessage] = (),
        prefill: str = "",
        texts: Sequence[str] = (),
        token: CancelToken = NEVER_CANCELLED,
    ) -> tuple[int, tuple[int, ...]]:
        """Count the tokens of the prompt that these messages make with the loaded file, and of each text.

        Raises:
            UserError: ``chat_template_failed``, ``chat_template_too_costly``, ``nothing_loaded``, ``engine_died``.
            Cancelled: ``token`` was cancelled.
        """
        command = Count(tuple(messages), prefill, tuple(texts))
        counts = self._client.result(command, TokenCounts, Phase.READING, token)
        return counts.prompt_tokens, counts.text_tokens

    def count_if_idle(self, texts: Sequence[str]) -> tuple[int, ...] | None:
        """Count the tokens of each text, from any thread.

        None if nothing is loaded, the engine is busy, or the texts are too long.
        """
        if self._state is None or sum(map(len, texts)) > MAX_CHARACTERS_IF_IDLE:
            return None
        event = self._client.try_request(Count(texts=tuple(texts)))
        return event.text_tokens if isinstance(event, TokenCounts) else None

    def bench(
        self,
        prompt_tokens: int = 512,
        generated_tokens: int = 64,
        repetitions: int = 3,
        on_progress: Callable[[BenchProgress], None] = lambda _progress: None,
        token: CancelToken = NEVER_CANCELLED,
    ) -> BenchResult:
        """Measure the loaded file.  The KV cache is cleared.

        Raises:
            UserError: ``bench_context_too_small``, ``nothing_loaded``, ``engine_out_of_memory``, ``engine_died``, ...
            Cancelled: ``token`` was cancelled.
        """
        command = Bench(prompt_tokens, generated_tokens, repetitions)
        for event in self._client.request(command, Phase.MEASURING, token):
            if isinstance(event, BenchProgress):
                on_progress(event)
        assert isinstance(event, BenchResult)
        return event

    def release(self) -> None:
        """End the child; its memory, and that of its devices, is free when this returns."""
        self._set_state(None)
        self._client.close()

    def _set_state(self, state: EngineState | None) -> None:
        if state is not self._state:
            self._state = state
            self.on_change()
