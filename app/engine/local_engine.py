"""The engine as the rest of the program uses it: starts the child when needed, loads, answers, tells what went wrong.

Used from one thread at a time (the inference worker's); ``stop`` may be called from any.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.chat.source import ChatEvent, ChatRequest, Finished, Loaded, LoadProgress, Piece, PromptProgress
from app.engine.outcome import Phase
from app.engine.process import EngineProcess
from app.engine.protocol import (
    AnswerDone,
    Command,
    DeviceList,
    Event,
    Failed,
    Generate,
    ListDevices,
    Load,
    LoadDone,
    Loading,
    LoadOptions,
    Reading,
    Stop,
    TextPiece,
)
from model_manager.errors import Cancelled, UserError

STOP_GRACE_S = 2.0
"""Seconds after which a child that does not hear a stop while it loads is ended; there is nothing in it to lose."""


@dataclass(frozen=True)
class EngineState:
    """What is loaded: the options asked for, and what came of it.  Memory in bytes by device."""

    options: LoadOptions
    result: LoadDone


class LocalEngine:
    """The engine child and the file that is loaded in it."""

    def __init__(self, log_path: Path) -> None:
        self._log_path = log_path
        self._process: EngineProcess | None = None
        self._lock = threading.Lock()
        self._requests = 0
        self._running: int | None = None
        self._stop_wanted = False
        self._phase = Phase.STARTING
        self._state: EngineState | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called, in the worker's thread, when something was loaded or released."""

    @property
    def state(self) -> EngineState | None:
        """What is loaded now, None where nothing is."""
        return self._state

    def devices(self, rpc_servers: tuple[str, ...] = ()) -> DeviceList:
        """Ask the engine for its devices; a child that was not running before ends again, for its drivers hold memory.

        Raises:
            UserError: ``engine_not_startable``, ``rpc_server_unreachable``, ``rpc_not_in_build``.
        """
        self._stop_wanted = False
        was_running = self._process is not None and self._process.is_alive()
        try:
            for event in self._ask(lambda request: ListDevices(request, rpc_servers), Phase.STARTING):
                if isinstance(event, DeviceList):
                    return event
        finally:
            if not was_running:
                self.release()
        raise AssertionError("the engine answered a request without its answer")

    def ensure_loaded(self, options: LoadOptions) -> Iterator[ChatEvent]:
        """Load unless just this is loaded; yields LoadProgress and at last Loaded.

        Raises:
            UserError: ``load_refused``, ``engine_out_of_memory``, ``engine_died``, ``engine_not_startable``, ...
            Cancelled: stopped.
        """
        self._stop_wanted = False
        alive = self._process is not None and self._process.is_alive()
        if alive and self.state is not None and self.state.options == options:
            yield Loaded(0.0, self.state.result.context)
            return
        self._become(None)
        yield LoadProgress(0.0, None)
        begin = time.monotonic()
        for event in self._ask(lambda request: Load(request, options), Phase.LOADING):
            if isinstance(event, Loading):
                yield LoadProgress(event.fraction, event.seconds_left)
            elif isinstance(event, LoadDone):
                self._become(EngineState(options, event))
                yield Loaded(time.monotonic() - begin, event.context)

    def answer(self, request: ChatRequest) -> Iterator[ChatEvent]:
        """Answer with the loaded file, after ``ensure_loaded``; yields PromptProgress, Piece and at last Finished.

        Raises:
            UserError: ``prompt_too_long``, ``chat_template_failed``, ``engine_died``, ``engine_out_of_memory``, ...
            Cancelled: stopped before the first token.
        """
        begin = time.monotonic()
        first = last = None
        tokens = 0

        def command(number: int) -> Generate:
            return Generate(number, request.messages, request.sampling, request.prefill)

        for event in self._ask(command, Phase.READING):
            now = time.monotonic()
            match event:
                case Reading():
                    yield PromptProgress(event.read, event.total, event.reused, event.seconds_left)
                case TextPiece():
                    self._phase = Phase.GENERATING
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

    def stop(self) -> None:
        """End the running request soon, from any thread."""
        with self._lock:
            self._stop_wanted = True
            process, running, phase = self._process, self._running, self._phase
        if process is None or running is None:
            return
        process.send(Stop(running))
        if phase in (Phase.STARTING, Phase.LOADING):
            timer = threading.Timer(STOP_GRACE_S, self._kill_if_running, [process, running])
            timer.daemon = True
            timer.start()

    def release(self) -> None:
        """End the child; its memory, and that of its devices, is free when this returns."""
        self._become(None)
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _become(self, state: EngineState | None) -> None:
        if state is not self._state:
            self._state = state
            self.on_change()

    def _kill_if_running(self, process: EngineProcess, request: int) -> None:
        with self._lock:
            still = self._running == request
        if still:
            process.kill()

    def _ask(self, command: Callable[[int], Command], phase: Phase) -> Iterator[Event]:
        """Send one command and yield its events up to the last; a failure or the child's death is raised."""
        try:
            process = self._begin(phase)
            request = self._requests
            process.send(command(request))
            for event in process.events():
                if event.request != request:
                    continue
                if isinstance(event, Failed):
                    if event.code == "cancelled":
                        raise Cancelled
                    raise UserError(event.code, **event.data)
                yield event
                if isinstance(event, LoadDone | AnswerDone | DeviceList):
                    return
        finally:
            with self._lock:
                self._running = None
                stop_wanted = self._stop_wanted
        self._process = None
        self._become(None)
        outcome = process.outcome(self._phase)
        process.close()
        if stop_wanted:
            raise Cancelled
        raise outcome.error()

    def _begin(self, phase: Phase) -> EngineProcess:
        if self._process is not None and not self._process.is_alive():
            self.release()
        if self._process is None:
            self._process = EngineProcess(self._log_path)
        with self._lock:
            self._requests += 1
            self._running, self._phase = self._requests, phase
            if self._stop_wanted:
                raise Cancelled
        return self._process
