"""The parent's end of the pipe: one engine child, commands to it, events from it, and how it ended."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from app.engine.launch import child_command, child_environment
from app.engine.outcome import Phase, ProcessOutcome
from app.engine.protocol import Command, Event, Ready, decode, encode
from model_manager.errors import UserError

LOG_TAIL_BYTES = 16 << 10
SHUTDOWN_S = 3.0
"""Seconds that the child may take to end before it is killed."""

logger = logging.getLogger(__name__)


class EngineProcess:
    """A running engine child.  Events are read by one thread; ``send`` may be called by any."""

    def __init__(self, log_path: Path, *, gpus: bool = True) -> None:
        """Start the child; its standard error goes to ``log_path``, the log of the child before is kept beside it.

        Without ``gpus`` it touches no driver of theirs.

        Raises:
            UserError: ``engine_not_startable``.
        """
        self.is_ready = False
        """Whether the child has said that it is up."""
        self._log_path = log_path
        self._write_lock = threading.Lock()
        log_path.parent.mkdir(parents=True, exist_ok=True)
        if log_path.exists():
            log_path.replace(log_path.with_suffix(".before.log"))
        with log_path.open("wb") as log:
            try:
                self._process = subprocess.Popen(
                    child_command(os.environ),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=child_environment(os.environ, gpus=gpus),
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise UserError("engine_not_startable", detail=str(error), log="") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._commands: IO[bytes] = self._process.stdin
        self._events: IO[bytes] = self._process.stdout

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def send(self, command: Command) -> None:
        """Send a command.  A child that is gone is noticed by who reads its events."""
        with self._write_lock, contextlib.suppress(OSError, ValueError):
            self._commands.write(encode(command))
            self._commands.flush()

    def events(self) -> Iterator[Event]:
        """Events as they come; ends when the child is gone."""
        for line in self._events:
            event = decode(line)
            if event is None or isinstance(event, Command):
                # Not the line itself: it may be a piece of an answer.
                logger.warning("unknown event from the engine, %d bytes", len(line))
                continue
            if isinstance(event, Ready):
                self.is_ready = True
            yield event

    def outcome(self, phase: Phase) -> ProcessOutcome:
        """How the child ended, once its events have.  Waits for the end."""
        return ProcessOutcome(phase, self._process.wait(), self._log_tail())

    def kill(self) -> None:
        """End the child now."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Let the child end, by force after SHUTDOWN_S seconds; its memory is free then."""
        with self._write_lock, contextlib.suppress(OSError):
            self._commands.close()
        try:
            self._process.wait(SHUTDOWN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._events.close()

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError), self._log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace")
        return ""
