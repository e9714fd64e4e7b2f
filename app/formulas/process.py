"""One process that draws: asked formula by formula, given up where one takes too much."""

from __future__ import annotations

import os
import time
from typing import Any

from app.formulas.launch import command, environment
from app.formulas.limits import LIMIT_BYTES, PATIENCE
from app.process.limited_process import LimitedProcess

START_S = 30.0
"""Seconds for the process to come up: a fifth, unless the disk is slow or a scanner reads everything first."""
_LOOK_S = 0.1
"""How often its time and its memory are looked at."""


class DrawingProcess:
    """Draws one formula at a time.  Used by one thread, but for ``close``, which any thread may call."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._ready = False
        self._process = LimitedProcess(
            command(), "formula answers", LIMIT_BYTES, environment=environment(os.environ), quiet=True
        )

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.is_alive()

    def ask(self, formula: str, *, display: bool, limit_s: float) -> dict[str, Any] | None:
        """What it answers; None where the time, the memory or the process came to an end.

        ``limit_s`` are seconds of the processor.

        Raises OSError where it does not come up.
        """
        if not self._ready:
            if self._next(START_S, START_S) is None:
                raise OSError("the process that draws formulas did not start")
            self._ready = True
        used = self._process.used_s()
        self._process.send({"formula": formula, "display": display})
        return self._next(limit_s * PATIENCE, used + limit_s)

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.close()

    def _next(self, patience_s: float, until_used_s: float) -> dict[str, Any] | None:
        end = time.monotonic() + patience_s
        return self._process.answer(lambda: time.monotonic() >= end or self._process.used_s() >= until_used_s, _LOOK_S)
