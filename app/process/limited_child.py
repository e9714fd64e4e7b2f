"""The child's side of ``LimitedProcess``: answers JSON lines within limits on memory and time."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_REFUSED = re.compile(
    r"socket\.(?!gethostname)|subprocess\.Popen|os\.(?:system|exec|fork|forkpty|posix_spawn|spawn|startfile)"
)
"""Audit events of Python by which a process reaches the network or starts another one."""
_GRACE_S = 1.0
"""The parent ends this process after its limit; without a parent it ends this many seconds later."""


def serve(handle: Callable[[Mapping[str, Any]], Mapping[str, Any]], limit_bytes: int, limit_s: float) -> None:
    """Answer the requests on standard input by ``handle`` until the parent closes the pipe.

    Python code in this process can neither use the network nor start processes.

    ``limit_s``: wall-clock time for one answer, in seconds.
    """
    # Ctrl+C in a terminal reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # macOS accepts the limit and may ignore it, Windows has none: there the parent checks this process's memory.
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    sys.addaudithook(_refuse)
    with contextlib.suppress(BrokenPipeError), Path(os.devnull).open("w") as null:
        _send({"ready": True})
        for line in sys.stdin.buffer:
            # A watchdog that does not need the GIL: it ends this process even within one endless operation.
            faulthandler.dump_traceback_later(limit_s + _GRACE_S, exit=True, file=null)
            answer = handle(json.loads(line))
            faulthandler.cancel_dump_traceback_later()
            _send(answer)


def _refuse(event: str, _arguments: object) -> None:
    if _REFUSED.match(event):
        raise PermissionError(event)


def _send(answer: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()
