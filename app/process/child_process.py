"""A child process that is controlled by lines on its standard input and answers by lines on its standard output."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO


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

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

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
        return iter(self._output)

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
