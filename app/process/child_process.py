"""Child processes that run a part of this program and exchange lines over their standard input and output.

``limited_child`` is the child's side of a ``LimitedProcess``.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

START_S = 30.0
"""Seconds for the start of a process: a fifth, unless the disk is slow or a virus scanner reads everything first."""
CHECK_INTERVAL_S = 0.05


@dataclass(frozen=True)
class ChildProgram:
    """A module of this program with a ``main`` function."""

    module: str
    flag: str
    """First argument of a frozen program, which has no ``python -m``; handled in ``app.__main__``."""

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, self.flag] if getattr(sys, "frozen", False) else [sys.executable, "-m", self.module]


ENGINE = ChildProgram("app.engine.child", "--engine-child")
TEMPLATE_RENDERER = ChildProgram("app.engine.child.template_child", "--template-renderer")
FORMULAS = ChildProgram("app.formulas.child", "--formula-child")
DOCUMENTS = ChildProgram("app.documents.child", "--document-child")
DRAWINGS = ChildProgram("ui.pictures.drawing_child", "--drawing-child")


_LIMITED_ENVIRONMENT = re.compile(
    r"PATH|PYTHON\w+|(LD|DYLD)_\w+|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|WINDIR|HOME|USERPROFILE|APPDATA|_PYI_\w+",
    re.IGNORECASE,
)
"""Variables that a Python process may need.  A ``LimitedProcess`` gets no others, because they may be secret."""


def child_environment() -> dict[str, str]:
    """Return the environment of a child, which finds ``app`` where this process found it, in any working folder."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": path}


class ChildProcess:
    """A running child.  ``send`` and ``kill`` may be called by any thread, the lines are read by one."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        stderr: IO[bytes] | int | None = None,
    ) -> None:
        """Start it; ``stderr`` as in ``subprocess``.  Raises OSError."""
        self._write_lock = threading.Lock()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: IO[bytes] = self._process.stdin
        self._output: IO[bytes] = self._process.stdout
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, line: bytes) -> None:
        """Write a line, with its line end.  The reader notices a child that has ended."""
        with self._write_lock, contextlib.suppress(OSError, ValueError):
            self._input.write(line)
            self._input.flush()

    def lines(self) -> Iterator[bytes]:
        """Yield its lines; ends with the child."""
        # Another thread may close it, and with it the pipe.
        with contextlib.suppress(ValueError):
            # Not "yield from", which closes the pipe where the caller wants no further line.
            for line in self._output:  # noqa: UP028
                yield line

    def wait(self) -> int:
        """Wait for the end and return the exit code, as ``subprocess`` does."""
        return self._process.wait()

    def kill(self) -> None:
        """End it immediately."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self, grace_s: float = 0.0) -> None:
        """Close its input, kill it after ``grace_s`` seconds and wait for its end; its memory is free then."""
        with self._write_lock, contextlib.suppress(OSError):
            self._input.close()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._output.close()


class LimitedProcess(ChildProcess):
    """A child with limits on time and memory, which answers JSON lines.

    Chat templates, formulas, documents and drawings come from files and answers, and their cost is unknown.  Used by
    one thread, except for ``close``, which any thread may call.
    """

    def __init__(self, program: ChildProgram, limit_bytes: int, *, quiet: bool = False) -> None:
        """Start it; ``quiet`` discards its standard error.  Raises OSError."""
        needed = {name: text for name, text in child_environment().items() if _LIMITED_ENVIRONMENT.fullmatch(name)}
        super().__init__(program.command(), needed, subprocess.DEVNULL if quiet else None)
        self._limit_bytes = limit_bytes
        self._is_ready = False
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # A pipe cannot be read with a time limit, a queue can.
        threading.Thread(target=self._read, name=program.module, daemon=True).start()

    def wait_until_ready(self) -> None:
        """Wait for the start of the process.  Raises OSError if it does not start."""
        if not self._is_ready and self._next(START_S, lambda: False) is None:
            raise OSError("the process did not start")
        self._is_ready = True

    def ask(self, request: Mapping[str, Any], limit_s: float, is_over: Callable[[], bool]) -> dict[str, Any] | None:
        """Return the answer to a request; None if its time, its memory or the process came to an end.

        ``is_over`` is called all the time and may raise.  Raises OSError if the process does not start.
        """
        self.wait_until_ready()
        self.send(json.dumps(request).encode() + b"\n")
        return self._next(limit_s, is_over)

    def _next(self, limit_s: float, is_over: Callable[[], bool]) -> dict[str, Any] | None:
        end = time.monotonic() + limit_s
        while True:
            try:
                line = self._answers.get(timeout=CHECK_INTERVAL_S)
            except queue.Empty:
                if is_over() or time.monotonic() >= end or self._is_too_large():
                    return None
                continue
            answer: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
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
