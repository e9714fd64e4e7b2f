"""Requests to one engine child and their events: starts it when needed, bounds their time, tells how it ended.

What is asked and what the answers mean is left to ``local_engine`` (the child that holds a loaded file), ``rehearsal``
and ``probing`` (children of their own, which hold none).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from app.engine.outcome import Phase
from app.engine.process import EngineProcess
from app.engine.protocol import LAST, Command, Event, Failed, Ready, Stop
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

STOP_GRACE_S = 2.0
"""Seconds after which a child that does not hear a stop is ended, where there is nothing in it to lose."""
_NOTHING_TO_LOSE = (Phase.STARTING, Phase.PROBING, Phase.REHEARSING, Phase.LOADING)


class EngineLink:
    """One child at a time.  Used from one thread at a time."""

    def __init__(self, log_path: Path, *, gpus: bool = True) -> None:
        self.gpus = gpus
        """Whether the next child may touch the drivers of GPUs."""
        self._log_path = log_path
        self._process: EngineProcess | None = None
        self._lock = threading.Lock()
        self._is_asked_aside = False
        self._free = threading.Condition(self._lock)
        """Notified when what was asked aside is answered."""
        self._requests = 0
        self._running: int | None = None
        self._phase = Phase.STARTING
        self._timed_out = False

    @property
    def is_alive(self) -> bool:
        """Whether a child runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None where none was started."""
        return self._process.pid if self._process is not None else None

    def enter(self, phase: Phase) -> None:
        """The child is now doing this, with the running request."""
        self._phase = phase

    def ask(
        self, command: Callable[[int], Command], phase: Phase, token: CancelToken, timeout_s: float | None = None
    ) -> Iterator[Event]:
        """Send one command, made from the request's number, and yield its events up to the last.

        Raises:
            UserError: what the child answered; ``engine_too_slow`` when ``timeout_s`` passed and the child was ended;
                what ``ProcessOutcome`` makes of its death.
            Cancelled: ``token`` was cancelled.
        """
        cleanup = contextlib.ExitStack()
        try:
            process = self._begin(phase, token)
            request = self._requests
            cleanup.enter_context(token.on_cancel(partial(self._stop, process, request)))
            if timeout_s is not None:
                timer = threading.Timer(timeout_s, self._give_up, [process, request])
                timer.daemon = True
                timer.start()
                cleanup.callback(timer.cancel)
            process.send(command(request))
            for event in process.events():
                if isinstance(event, Ready):
                    self._phase = phase
                if event.request != request:
                    continue
                if isinstance(event, Failed):
                    if event.code == "cancelled" or (token.is_cancelled and self._phase in _NOTHING_TO_LOSE):
                        raise Cancelled
                    # Whether it was still reading or generating already is known on this side alone.
                    raise UserError(event.code, **{"phase": str(self._phase), **event.data})
                yield event
                if isinstance(event, LAST):
                    return
        finally:
            cleanup.close()
            with self._lock:
                self._running = None
                timed_out = self._timed_out
        self._process = None
        outcome = process.outcome(self._phase)
        process.close()
        token.raise_if_cancelled()
        if timed_out:
            raise UserError("engine_too_slow", phase=str(phase), seconds=f"{timeout_s:g}")
        raise outcome.error()

    def ask_aside(self, command: Callable[[int], Command]) -> Event | None:
        """The answer to something that takes milliseconds, from any thread.

        None where the child is not up or does something else; what is asked meanwhile by ``ask`` waits.
        """
        with self._lock:
            process = self._process
            if process is None or not process.is_ready or self._running is not None or self._is_asked_aside:
                return None
            self._is_asked_aside = True
            self._requests += 1
            request = self._requests
        try:
            process.send(command(request))
            # Who asked last closes the pipe of a child that died.
            with contextlib.suppress(ValueError):
                for event in process.events():
                    if event.request == request and isinstance(event, LAST):
                        return None if isinstance(event, Failed) else event
            return None
        finally:
            with self._free:
                self._is_asked_aside = False
                self._free.notify_all()

    def close(self) -> None:
        """End the child; its memory, and that of its devices, is free when this returns."""
        with self._free:
            process, self._process = self._process, None
            self._free.wait_for(self._is_not_asked_aside)
        if process is not None:
            process.close()

    def _stop(self, process: EngineProcess, request: int) -> None:
        """End the request soon; called by any thread."""
        with self._lock:
            is_running, phase = self._running == request, self._phase
        if not is_running:
            return
        process.send(Stop(request))
        if phase in _NOTHING_TO_LOSE:
            timer = threading.Timer(STOP_GRACE_S, self._kill_if_running, [process, request])
            timer.daemon = True
            timer.start()

    def _give_up(self, process: EngineProcess, request: int) -> None:
        with self._lock:
            self._timed_out = self._running == request
        self._kill_if_running(process, request)

    def _kill_if_running(self, process: EngineProcess, request: int) -> None:
        with self._lock:
            still = self._running == request
        if still:
            process.kill()

    def _is_not_asked_aside(self) -> bool:
        return not self._is_asked_aside

    def _begin(self, phase: Phase, token: CancelToken) -> EngineProcess:
        token.raise_if_cancelled()
        if not self.is_alive:
            self.close()
        if self._process is None:
            self._process = EngineProcess(self._log_path, gpus=self.gpus)
        with self._free:
            self._requests += 1
            self._running, self._timed_out = self._requests, False
            self._phase = phase if self._process.is_ready else Phase.STARTING
            # Nobody else is let in once it is running, so this is one answer long at most.
            self._free.wait_for(self._is_not_asked_aside)
        token.raise_if_cancelled()
        return self._process
