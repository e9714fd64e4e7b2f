"""A child process with limits on time and memory, which answers JSON lines.

Chat templates and formulas come from files and answers, and their cost is unknown.  The child's side is
``app.process.limited_child``.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any

from app.process.child_process import ChildProcess
from app.process.child_program import ChildProgram


class LimitedProcess(ChildProcess):
    """One process.  Used by one thread, except for ``close``, which any thread may call."""

    def __init__(
        self,
        program: ChildProgram,
        limit_bytes: int,
        *,
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        """Start it; ``quiet`` discards its standard error.  Raises OSError."""
        super().__init__(program.command(), environment, subprocess.DEVNULL if quiet else None)
        self._limit_bytes = limit_bytes
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # A pipe cannot be read with a time limit, a queue can.
        threading.Thread(target=self._read, name=program.module, daemon=True).start()

    def send_json(self, message: Mapping[str, Any]) -> None:
        """Write a message as a line."""
        self.send(json.dumps(message).encode() + b"\n")

    def answer(self, is_over: Callable[[], bool], interval_s: float) -> dict[str, Any] | None:
        """Return the next answer; None if it is over, exceeds its memory limit, or has ended.

        ``is_over`` is called every ``interval_s`` seconds and may raise.
        """
        while True:
            try:
                line = self._answers.get(timeout=interval_s)
            except queue.Empty:
                if is_over() or self._is_too_large():
                    return None
                continue
            if not line.endswith(b"\n"):
                return None
            answer: dict[str, Any] = json.loads(line)
            return answer

    def cpu_seconds(self) -> float:
        """Processor time that it has used, 0 once it has ended."""
        # Deferred for the start of the window.
        import psutil

        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self.pid).cpu_times()
            return float(times.user + times.system)
        return 0.0

    def _is_too_large(self) -> bool:
        import psutil

        with contextlib.suppress(psutil.Error):
            return bool(psutil.Process(self.pid).memory_info().rss > self._limit_bytes)
        return False

    def _read(self) -> None:
        # ``close`` may close the pipe meanwhile.
        with contextlib.suppress(ValueError):
            for line in self.lines():
                self._answers.put(line)
        self._answers.put(b"")
