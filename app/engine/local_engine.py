"""The engine as the rest of the program uses it: starts the child when needed, loads, answers, tells what went wrong.

Used from one thread at a time (the inference worker's).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.backend import ChatEvent, ChatRequest, Finished, Loaded, LoadProgress, Piece, PromptMessage, PromptProgress
from app.engine.link import EngineLink
from app.engine.outcome import Phase
from app.engine.protocol import (
    AnswerDone,
    Bench,
    BenchDone,
    BenchProgress,
    Command,
    Count,
    Counted,
    DeviceList,
    Event,
    Generate,
    ListDevices,
    Load,
    LoadDone,
    Loading,
    LoadOptions,
    Reading,
    RehearsalDone,
    Rehearse,
    TextPiece,
)
from model_manager.cancellation import NEVER_CANCELLED, CancelToken

PROBE_S = 30.0
"""Seconds for the list of devices: some drivers take ten to come up."""
REHEARSAL_S = 15.0
MOST_CHARACTERS_ASIDE = 2 << 20
"""Counting so much takes about half a second, for which an answer may have to wait."""


@dataclass(frozen=True)
class EngineState:
    """What is loaded: the options asked for, and what came of it.  Memory in bytes by device."""

    options: LoadOptions
    result: LoadDone


class LocalEngine:
    """The engine child and the file that is loaded in it."""

    def __init__(self, log_path: Path, *, gpus: bool = True) -> None:
        """``gpus=False``: for a machine whose drivers end the child; nothing but the processor is used then."""
        self._link = EngineLink(log_path, gpus=gpus)
        self._state: EngineState | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called, in the worker's thread, when something was loaded or released."""

    @property
    def state(self) -> EngineState | None:
        """What is loaded now, None where nothing is."""
        return self._state

    @property
    def pid(self) -> int | None:
        """Process id of the child, for telling its memory from that of other programs; None where none runs."""
        return self._link.pid if self._link.is_alive else None

    @property
    def gpus(self) -> bool:
        """Whether the child may touch the drivers of GPUs; a change takes effect with the next child."""
        return self._link.gpus

    @gpus.setter
    def gpus(self, wanted: bool) -> None:
        self._link.gpus = wanted

    def devices(
        self,
        rpc_servers: tuple[str, ...] = (),
        timeout_s: float = PROBE_S,
        *,
        optional_servers: tuple[str, ...] = (),
        keep: bool = False,
        token: CancelToken = NEVER_CANCELLED,
    ) -> DeviceList:
        """Ask the engine for its devices; a child that was not running before ends again, for its drivers hold memory.

        ``keep`` lets it live: for who loads right afterwards.  Of ``optional_servers`` it is told which are missing.

        Raises:
            UserError: ``engine_not_startable``, ``engine_died``, ``engine_too_slow``, ``rpc_server_unreachable``,
                ``rpc_server_silent``, ``rpc_server_foreign``, ``rpc_server_other_version``, ``rpc_not_in_build``.
            Cancelled: ``token`` was cancelled.
        """
        was_running = self._link.is_alive
        try:
            command = partial(ListDevices, rpc_servers=rpc_servers, optional_servers=optional_servers)
            for event in self._ask(command, Phase.PROBING, token, timeout_s):
                if isinstance(event, DeviceList):
                    return event
        finally:
            if not was_running and not keep:
                self.release()
        raise AssertionError("the engine answered a request without its answer")

    def rehearse(
        self, options: LoadOptions, timeout_s: float = REHEARSAL_S, *, token: CancelToken = NEVER_CANCELLED
    ) -> RehearsalDone:
        """Rehearse a load in the child that is to load afterwards; a child of their own is ``rehearsal``'s business.

        Raises:
            UserError: as the load would, or ``engine_too_slow``; the child may be gone then.
            Cancelled: ``token`` was cancelled.
        """
        for event in self._ask(lambda request: Rehearse(request, options), Phase.REHEARSING, token, timeout_s):
            if isinstance(event, RehearsalDone):
                return event
        raise AssertionError("the engine answered a request without its answer")

    def ensure_loaded(self, options: LoadOptions, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Load unless just this is loaded; yields LoadProgress and at last Loaded.

        Raises:
            UserError: ``load_refused``, ``engine_out_of_memory``, ``engine_died``, ``engine_not_startable``, ...
            Cancelled: ``token`` was cancelled.
        """
        if self._link.is_alive and self.state is not None and self.state.options == options:
            yield Loaded(0.0, self.state.result.context)
            return
        self._become(None)
        yield LoadProgress(0.0, None)
        begin = time.monotonic()
        for event in self._ask(lambda request: Load(request, options), Phase.LOADING, token):
            if isinstance(event, Loading):
                yield LoadProgress(event.fraction, event.seconds_left)
            elif isinstance(event, LoadDone):
                self._become(EngineState(options, event))
                yield Loaded(time.monotonic() - begin, event.context)

    def answer(self, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Answer with the loaded file, after ``ensure_loaded``; yields PromptProgress, Piece and at last Finished.

        Raises:
            UserError: ``prompt_too_long``, ``chat_template_failed``, ``engine_died``, ``engine_out_of_memory``, ...
            Cancelled: ``token`` was cancelled before the first token.
        """
        begin = time.monotonic()
        first = last = None
        tokens = 0

        def command(number: int) -> Generate:
            return Generate(number, request.messages, request.sampling, request.prefill)

        for event in self._ask(command, Phase.READING, token):
            now = time.monotonic()
            match event:
                case Reading():
                    yield PromptProgress(event.read, event.total, event.reused, event.seconds_left)
                case TextPiece():
                    self._link.enter(Phase.GENERATING)
                    first = first or now
                    if event.tokens > tokens:
                        last, tokens = now, event.tokens
                    yield Piece(event.text, event.tokens, event.context_used)
                case AnswerDone():
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
        """Tokens of the prompt that these messages make with the loaded file, and of each text by itself.

        Raises:
            UserError: ``chat_template_failed``, ``chat_template_too_costly``, ``nothing_loaded``, ``engine_died``.
            Cancelled: ``token`` was cancelled.
        """

        def command(number: int) -> Count:
            return Count(number, tuple(messages), prefill, tuple(texts))

        for event in self._ask(command, Phase.READING, token):
            if isinstance(event, Counted):
                return event.prompt_tokens, event.text_tokens
        raise AssertionError("the engine answered a request without its answer")

    def count_aside(self, texts: Sequence[str]) -> tuple[int, ...] | None:
        """Tokens of each text, from any thread; None where nothing is loaded, the engine works, or it is too much."""
        if self.state is None or sum(map(len, texts)) > MOST_CHARACTERS_ASIDE:
            return None
        event = self._link.ask_aside(lambda number: Count(number, texts=tuple(texts)))
        return event.text_tokens if isinstance(event, Counted) else None

    def bench(
        self,
        prompt_tokens: int = 512,
        generated_tokens: int = 64,
        repetitions: int = 3,
        token: CancelToken = NEVER_CANCELLED,
    ) -> Iterator[BenchProgress | BenchDone]:
        """Measure what is loaded, after ``ensure_loaded``; yields BenchProgress and at last BenchDone.

        The KV cache of the conversation before is gone afterwards.

        Raises:
            UserError: ``bench_context_too_small``, ``nothing_loaded``, ``engine_out_of_memory``, ``engine_died``, ...
            Cancelled: ``token`` was cancelled.
        """

        def command(number: int) -> Bench:
            return Bench(number, prompt_tokens, generated_tokens, repetitions)

        for event in self._ask(command, Phase.MEASURING, token):
            if isinstance(event, BenchProgress | BenchDone):
                yield event

    def release(self) -> None:
        """End the child; its memory, and that of its devices, is free when this returns."""
        self._become(None)
        self._link.close()

    def _become(self, state: EngineState | None) -> None:
        if state is not self._state:
            self._state = state
            self.on_change()

    def _ask(
        self, command: Callable[[int], Command], phase: Phase, token: CancelToken, timeout_s: float | None = None
    ) -> Iterator[Event]:
        """As ``EngineLink.ask``; with the child goes what was loaded in it."""
        try:
            yield from self._link.ask(command, phase, token, timeout_s)
        finally:
            if not self._link.is_alive:
                self._become(None)
