"""A process of our own that does what may take for ever or take everything: asked by lines of JSON, watched, ended.

Chat templates and formulas come from files and answers; what they cost is not known before.  The other side is
``app.process.limited_child``.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class LimitedProcess:
    """One process with its pipes.  Used by one thread, but for ``close``, which any thread may call."""

    def __init__(
        self,
        command: Sequence[str],
        name: str,
        limit_bytes: int,
        *,
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        """``name`` is that of the thread that hears it; ``quiet`` drops what it writes to standard error.

        Raises OSError.
        """
        self._limit_bytes = limit_bytes
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # Pipes know no waiting with a time limit, so what it says arrives through a thread.
        threading.Thread(target=self._read, name=name, daemon=True).start()

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def send(self, message: Mapping[str, Any]) -> None:
        """Say a line.  A process that is gone is noticed by the missing answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def answer(self, is_over: Callable[[], bool], look_s: float) -> dict[str, Any] | None:
        """Its next line; None where it is over, takes more memory than its limit, or has ended.

        ``is_over`` is asked every ``look_s`` seconds and may raise.
        """
        while True:
            try:
                line = self._answers.get(timeout=look_s)
            except queue.Empty:
                if is_over() or self._is_too_large():
                    return None
                continue
            if not line.endswith(b"\n"):
                return None
            answer: dict[str, Any] = json.loads(line)
            return answer

    def used_s(self) -> float:
        """Seconds of the processor so far; 0 where it has ended."""
        # The window's start does not wait for this import.
        import psutil

        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self._process.pid).cpu_times()
            return float(times.user + times.system)
        return 0.0

    def close(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _is_too_large(self) -> bool:
        import psutil

        with contextlib.suppress(psutil.Error):
            return bool(psutil.Process(self._process.pid).memory_info().rss > self._limit_bytes)
        return False

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._answers.put(line)
            self._answers.put(b"")
