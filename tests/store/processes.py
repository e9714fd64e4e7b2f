"""Second processes for tests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


class Child:
    """A process that runs a task of ``child.py``; ``told`` is what it said before it began to wait."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the child said nothing and ended with {process.wait()}"
        self.report: dict[str, Any] = json.loads(line)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait() == 0


@contextmanager
def start(task: str, folder: Path, before: Sequence[str] = ()) -> Iterator[Child]:
    with subprocess.Popen(
        [*before, sys.executable, str(Path(__file__).with_name("child.py")), task, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


def start_script(script: str) -> Any:
    """Return the JSON printed by a Python script in a separate process; Linux only."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("no list of open files here")
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    return json.loads(done.stdout)
