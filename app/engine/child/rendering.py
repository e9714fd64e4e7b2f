"""The engine's end of the process that runs chat templates: starts it, asks it, and ends it when it takes too much."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from app.engine.child.renderer import LIMIT_BYTES, LIMIT_S
from app.engine.launch import renderer_command
from model_manager.errors import Cancelled, UserError

START_S = 30.0
"""Seconds for the process to come up: a tenth, unless the disk is slow or a scanner reads everything first."""
_LOOK_S = 0.02
"""How often its memory and a wish to stop are looked at."""


class TemplateRefused(Exception):
    """The template does not want this conversation; the text says why."""


class Rendering:
    """Runs one template.  Used by one thread.

    The process is started at once, so that it is up by the time the first prompt is there, and again where it had to
    be ended.
    """

    def __init__(
        self, source: str, bos: str, eos: str, stopped: Callable[[], bool] = lambda: False, limit_s: float = LIMIT_S
    ) -> None:
        """``stopped`` tells whether the person wants an end; ``limit_s`` are the seconds for one prompt."""
        self._opening = {"source": source, "bos": bos, "eos": eos}
        self._stopped = stopped
        self._limit_s = limit_s
        self._process: _Process | None = None
        with contextlib.suppress(OSError):
            self._process = _Process(self._opening)

    def render(self, messages: Sequence[dict[str, str]]) -> str:
        """The prompt.

        Raises:
            TemplateRefused: the template raised an error of its own, or is none.
            UserError: ``chat_template_too_costly`` with ``seconds`` and ``limit_bytes``; ``chat_template_failed`` where
                no process could be started.
            Cancelled: ``stopped`` said so.
        """
        try:
            if self._process is None or not self._process.is_alive():
                self.close()
                self._process = _Process(self._opening)
            answer = self._process.ask({"messages": list(messages)}, self._limit_s, self._stopped)
        except OSError as error:
            self.close()
            raise UserError("chat_template_failed", detail=str(error)) from error
        except BaseException:
            self.close()
            raise
        if "text" in answer:
            return str(answer["text"])
        if "refused" in answer:
            raise TemplateRefused(answer["refused"])
        self.close()
        raise self._too_costly()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _too_costly(self) -> UserError:
        return UserError("chat_template_too_costly", seconds=f"{self._limit_s:g}", limit_bytes=LIMIT_BYTES)


class _Process:
    """One process with its pipes.  What it says arrives through a thread: pipes know no waiting with a time limit."""

    def __init__(self, opening: dict[str, str]) -> None:
        """Raises OSError."""
        self._opening: dict[str, str] | None = opening
        self._process = subprocess.Popen(
            renderer_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="template", daemon=True).start()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], limit_s: float, stopped: Callable[[], bool]) -> dict[str, Any]:
        """One answer; ``{"costly": True}`` where the time, the memory or the process came to an end.

        Raises OSError, Cancelled.
        """
        if self._opening is not None:
            if self._next(START_S, stopped) is None:
                raise OSError("its process did not start")
            self._send(self._opening)
            self._opening = None
        self._send(request)
        answer = self._next(limit_s, stopped)
        return {"costly": True} if answer is None else answer

    def close(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        # A process that is gone is noticed by the missing answer.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _next(self, limit_s: float, stopped: Callable[[], bool]) -> dict[str, Any] | None:
        end = time.monotonic() + limit_s
        while True:
            try:
                line = self._answers.get(timeout=_LOOK_S)
            except queue.Empty:
                if stopped():
                    raise Cancelled from None
                if time.monotonic() >= end or self._is_too_large():
                    return None
                continue
            if not line.endswith(b"\n"):
                return None
            answer: dict[str, Any] = json.loads(line)
            return answer

    def _is_too_large(self) -> bool:
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._process.pid).memory_info().rss > LIMIT_BYTES
        return False

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._answers.put(line)
            self._answers.put(b"")
