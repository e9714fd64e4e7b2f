"""One process that draws, with its pipes: started, asked, and ended when it takes too much."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from typing import Any

from app.mathematics.launch import command, environment
from app.mathematics.limits import LIMIT_BYTES, PATIENCE

START_S = 30.0
"""Seconds for the process to come up: a fifth, unless the disk is slow or a scanner reads everything first."""
_LOOK_S = 0.1
"""How often its memory is looked at."""


class DrawingProcess:
    """Draws one formula at a time.  Used by one thread, but for ``close``, which any thread may call."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._ready = False
        self._process = subprocess.Popen(
            command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(os.environ),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # Pipes know no waiting with a time limit, so what it says arrives through a thread.
        threading.Thread(target=self._read, name="formula answers", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, formula: str, *, display: bool, limit_s: float) -> dict[str, Any] | None:
        """What it answers; None where the time, the memory or the process came to an end.

        ``limit_s`` are seconds of the processor.

        Raises OSError where it does not come up.
        """
        if not self._ready:
            if self._next(START_S, START_S) is None:
                raise OSError("the process that draws formulas did not start")
            self._ready = True
        assert self._process.stdin is not None
        used = self._used_s()
        # A process that is gone is noticed by the missing answer.
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps({"formula": formula, "display": display}).encode() + b"\n")
            self._process.stdin.flush()
        return self._next(limit_s * PATIENCE, used + limit_s)

    def close(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _next(self, patience_s: float, until_used_s: float) -> dict[str, Any] | None:
        end = time.monotonic() + patience_s
        while True:
            try:
                line = self._answers.get(timeout=min(_LOOK_S, max(0.001, end - time.monotonic())))
            except queue.Empty:
                if time.monotonic() >= end or self._used_s() >= until_used_s or self._is_too_large():
                    return None
                continue
            if not line.endswith(b"\n"):
                return None
            answer: dict[str, Any] = json.loads(line)
            return answer

    def _used_s(self) -> float:
        """Seconds of the processor so far."""
        # The window's start does not wait for this import.
        import psutil

        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self._process.pid).cpu_times()
            return times.user + times.system
        return 0.0

    def _is_too_large(self) -> bool:
        import psutil

        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._process.pid).memory_info().rss > LIMIT_BYTES
        return False

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._answers.put(line)
            self._answers.put(b"")
