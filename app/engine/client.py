"""Client of the engine child: starts it when needed, sends requests, yields their events, and reports its exit."""

from __future__ import annotations

import logging
import os
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.engine.external_engine import VARIABLE, external_engine
from app.engine.outcome import Phase, exit_error
from app.engine.protocol import Command, Event, Failure, Ready, Result, Stop, decode, encode
from app.process.child_process import ChildProcess
from app.process.child_program import ENGINE, child_environment
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

T = TypeVar("T")

WRAPPER_VARIABLE = "APUS_CHAT_ENGINE_WRAPPER"
"""A command that starts the child: ``prlimit --as=2000000000`` to simulate a shortage of memory, or a debugger."""
STOP_GRACE_S = 2.0
"""Seconds after which a child that does not react to a stop is killed, in phases without state to lose."""
SHUTDOWN_S = 3.0
LOG_TAIL_BYTES = 16 << 10
_PHASES_WITHOUT_STATE = (Phase.STARTING, Phase.PROBING, Phase.REHEARSING, Phase.LOADING)
_NO_GPUS = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "HIP_VISIBLE_DEVICES": "-1",
    "ROCR_VISIBLE_DEVICES": "-1",
    "GGML_DISABLE_VULKAN": "1",
}
"""Read by the runtimes and by ggml's list of backends (ggml-backend-reg.cpp) before they load a driver."""

logger = logging.getLogger(__name__)


class EngineClient:
    """One engine child at a time.  Used from one thread at a time, except for ``try_request``."""

    def __init__(self, log_path: Path, *, gpus: bool = True, on_exit: Callable[[], None] = lambda: None) -> None:
        """The child's standard error goes to ``log_path``; the previous child's log is kept beside it.

        ``on_exit`` is called when a child has ended, in the thread that notices it.
        """
        self.gpus = gpus
        """Whether the next child may load GPU drivers."""
        self._log_path = log_path
        self._on_exit = on_exit
        self._process: ChildProcess | None = None
        self._is_ready = False
        """Whether the child has reported that it is up."""
        self._lock = threading.Lock()
        self._side_request = False
        self._side_request_ended = threading.Condition(self._lock)
        self._requests = 0
        self._running: int | None = None
        self.phase = Phase.STARTING
        """What the child does with the running request."""

    @property
    def is_alive(self) -> bool:
        """Whether a child runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None where none was started."""
        return self._process.pid if self._process is not None else None

    def request(
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
                timer = _start_timer(timeout_s, lambda: self._kill_if_running(process, number, is_timed_out))
                cleanup.callback(timer.cancel)
            process.send(encode(number, command))
            for line in process.lines():
                answered, event = self._decode(line, phase)
                if answered != number or event is None:
                    continue
                if isinstance(event, Failure):
                    stopped = token.is_cancelled and self.phase in _PHASES_WITHOUT_STATE
                    if event.code == "cancelled" or stopped:
                        raise Cancelled
                    # Only this side distinguishes reading from generating.
                    raise UserError(event.code, **{"phase": str(self.phase), **event.data})
                yield event
                if isinstance(event, Result):
                    return
        self._process = None
        error = exit_error(self.phase, process.wait(), self._log_tail())
        process.close()
        self._on_exit()
        token.raise_if_cancelled()
        if is_timed_out.is_set():
            raise UserError("engine_too_slow", phase=str(phase), seconds=f"{timeout_s:g}")
        raise error

    def result(
        self, command: Command, type_: type[T], phase: Phase, token: CancelToken, timeout_s: float | None = None
    ) -> T:
        """Send a command and return its result.  Raises as ``request``."""
        *_, result = self.request(command, phase, token, timeout_s)
        assert isinstance(result, type_)
        return result

    def try_request(self, command: Command) -> Event | None:
        """Return the result of a command that takes milliseconds, from any thread.

        None if the child is not up, is busy, or fails; a ``request`` waits meanwhile.
        """
        with self._lock:
            process = self._process
            if process is None or not self._is_ready or self._running is not None or self._side_request:
                return None
            self._side_request = True
            self._requests += 1
            number = self._requests
        try:
            process.send(encode(number, command))
            # The pipe of a child that died may be closed meanwhile.
            with suppress(ValueError):
                for line in process.lines():
                    answered, event = self._decode(line, self.phase)
                    if answered == number and isinstance(event, Result):
                        return None if isinstance(event, Failure) else event
            return None
        finally:
            with self._side_request_ended:
                self._side_request = False
                self._side_request_ended.notify_all()

    def close(self) -> None:
        """End the child; its memory, and that of its devices, is free when this returns."""
        with self._side_request_ended:
            process, self._process = self._process, None
            self._side_request_ended.wait_for(lambda: not self._side_request)
        if process is not None:
            process.close(SHUTDOWN_S)
            self._on_exit()

    def _begin(self, phase: Phase, token: CancelToken) -> tuple[ChildProcess, int]:
        token.raise_if_cancelled()
        if not self.is_alive:
            self.close()
        if self._process is None:
            self._process = self._start()
        with self._side_request_ended:
            self._requests += 1
            self._running = self._requests
            self.phase = phase if self._is_ready else Phase.STARTING
            self._side_request_ended.wait_for(lambda: not self._side_request)
        token.raise_if_cancelled()
        return self._process, self._requests

    def _end_request(self) -> None:
        with self._lock:
            self._running = None

    def _start(self) -> ChildProcess:
        self._is_ready = False
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        if self._log_path.exists():
            self._log_path.replace(self._log_path.with_suffix(".before.log"))
        with self._log_path.open("wb") as log:
            try:
                return ChildProcess(_command(os.environ), _environment(os.environ, gpus=self.gpus), log)
            except OSError as error:
                raise UserError("engine_not_startable", detail=str(error), log="") from error

    def _decode(self, line: bytes, phase: Phase) -> tuple[int, Event | None]:
        number, event = decode(line)
        if isinstance(event, Ready):
            self._is_ready, self.phase = True, phase
        elif event is None:
            # Not the line itself: it may be a piece of an answer.
            logger.warning("unknown event from the engine, %d bytes", len(line))
        return number, event

    def _stop(self, process: ChildProcess, request: int) -> None:
        """End the request soon; called by any thread."""
        with self._lock:
            is_running, phase = self._running == request, self.phase
        if not is_running:
            return
        process.send(encode(request, Stop()))
        if phase in _PHASES_WITHOUT_STATE:
            _start_timer(STOP_GRACE_S, lambda: self._kill_if_running(process, request))

    def _kill_if_running(self, process: ChildProcess, request: int, killed: threading.Event | None = None) -> None:
        with self._lock:
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


def _start_timer(seconds: float, action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


def _command(inherited: Mapping[str, str]) -> list[str]:
    return [*shlex.split(inherited.get(WRAPPER_VARIABLE, "")), *ENGINE.command()]


def _environment(inherited: Mapping[str, str], *, gpus: bool) -> dict[str, str]:
    # An abort would start a debugger, which delays the end of the child for seconds.
    environment = {**child_environment(inherited), "GGML_NO_BACKTRACE": "1"}
    external = external_engine(inherited)
    environment[VARIABLE] = str(external.path) if external and external.is_compatible else ""
    return environment if gpus else environment | _NO_GPUS
