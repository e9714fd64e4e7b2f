"""The child's side of ``app.process.limited_process``: JSON lines, and a memory limit."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any, BinaryIO


def send(answers: BinaryIO, answer: Mapping[str, Any]) -> None:
    """Write an answer as a line."""
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def limit_memory(limit_bytes: int) -> None:
    """Let allocations beyond the limit fail in this process.

    macOS accepts the limit and may ignore it, Windows has none: there the parent checks this process's memory.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
