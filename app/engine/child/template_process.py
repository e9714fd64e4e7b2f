"""The engine's end of the process that runs chat templates: starts it, asks it, and ends it when it takes too much."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from app.engine.child.template_child import LIMIT_BYTES, LIMIT_S
from app.engine.launch import renderer_command
from app.process.limited_process import LimitedProcess
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
    """One process for one template."""

    def __init__(self, opening: dict[str, str]) -> None:
        """Raises OSError."""
        self._opening: dict[str, str] | None = opening
        self._process = LimitedProcess(renderer_command(), "template", LIMIT_BYTES)
        self.is_alive, self.close = self._process.is_alive, self._process.close

    def ask(self, request: dict[str, Any], limit_s: float, stopped: Callable[[], bool]) -> dict[str, Any]:
        """One answer; ``{"costly": True}`` where the time, the memory or the process came to an end.

        Raises OSError, Cancelled.
        """
        if self._opening is not None:
            if self._next(START_S, stopped) is None:
                raise OSError("its process did not start")
            self._process.send(self._opening)
            self._opening = None
        self._process.send(request)
        answer = self._next(limit_s, stopped)
        return {"costly": True} if answer is None else answer

    def _next(self, limit_s: float, stopped: Callable[[], bool]) -> dict[str, Any] | None:
        end = time.monotonic() + limit_s

        def is_over() -> bool:
            if stopped():
                raise Cancelled
            return time.monotonic() >= end

        return self._process.answer(is_over, _LOOK_S)
