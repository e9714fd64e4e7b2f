"""The process that draws formulas: one formula at a time, ended when one takes too much."""

from __future__ import annotations

import os
import time
from typing import Any

from app.formulas.limits import LIMIT_BYTES, PATIENCE
from app.process.child_program import FORMULAS, child_environment
from app.process.limited_process import LimitedProcess

START_S = 30.0
"""Seconds for the start of the process: a fifth, unless the disk is slow or a virus scanner reads everything first."""
_INTERVAL_S = 0.1
"""Interval of the checks of time and memory."""


class DrawingProcess(LimitedProcess):
    """Draws one formula at a time.  Used by one thread, except for ``close``, which any thread may call."""

    def __init__(self) -> None:
        """Raises OSError."""
        super().__init__(FORMULAS, LIMIT_BYTES, environment=child_environment(os.environ), quiet=True)
        self._ready = False

    def ask(self, formula: str, *, display: bool, limit_s: float) -> dict[str, Any] | None:
        """Return its answer; None if the time, the memory or the process came to an end.

        ``limit_s`` is processor time in seconds.  Raises OSError if the process does not start.
        """
        if not self._ready:
            if self._next(START_S, START_S) is None:
                raise OSError("the process that draws formulas did not start")
            self._ready = True
        used = self.cpu_seconds()
        self.send_json({"formula": formula, "display": display})
        return self._next(limit_s * PATIENCE, used + limit_s)

    def _next(self, patience_s: float, until_used_s: float) -> dict[str, Any] | None:
        end = time.monotonic() + patience_s
        return self.answer(lambda: time.monotonic() >= end or self.cpu_seconds() >= until_used_s, _INTERVAL_S)
