"""Interpretation of failures and the end of an engine child as a ``UserError``."""

from __future__ import annotations

import re
import signal
from enum import StrEnum

from app.engine.protocol import Failure
from model_manager.errors import UserError

LOG_CHARACTERS = 6000
"""Length of the end of the log in the data of an error."""


class Phase(StrEnum):
    """Activity of the child."""

    STARTING = "starting"
    PROBING = "probing"
    REHEARSING = "rehearsing"
    LOADING = "loading"
    READING = "reading"
    GENERATING = "generating"
    MEASURING = "measuring"
    LENDING = "lending"


_SHORTAGE = (
    "out of memory",
    "outofmemory",
    "not enough memory",
    "insufficient memory",
    "paging file is too small",
    "failed to allocate",
    "cannot allocate memory",
    "unable to allocate",
    "alloc_tensor_range",
    "bad_alloc",
    "memoryerror",
    "erroroutofdevicememory",
    "erroroutofhostmemory",
    "cudamalloc failed",
    "status_alloc_failed",
    "thread creation failed",
    "can't start new thread",
)
"""Parts of messages about failed allocations by llama.cpp, its backends, drivers, the C++ library and three systems."""
_ASSERTION = re.compile(
    r"(?:src[/\\](?:models[/\\]|llama-)[\w-]+\.(?:cpp|h)|ggml\.c|ggml-cpu[/\\]ops\.cpp):\d+: "
    r"(?!.*mem_buffer)(?:GGML_ASSERT\()?(.+?)(?:\) failed)?$",
    re.MULTILINE,
)
"""An assertion of llama.cpp about the shapes and parameters of a model, which fails with every plan."""
_WINDOWS_CRASHES = (3, 0xC0000005, 0xC0000409, 0xC0000017)
"""Exit codes on Windows, which has no signals: ``abort()`` of the C library, and the statuses access violation, fail
fast and no memory (ntstatus.h)."""
_NOT_OF_MEMORY = ("SIGFPE", "SIGILL", "SIGTRAP")
"""Signals of a crash that no lack of memory causes."""
_NO_MEMORY = -2
"""Result of llama_decode when an allocation failed."""
_MEMORY_PHASES = (Phase.LOADING, Phase.READING, Phase.MEASURING)


def failure_error(failure: Failure, phase: Phase) -> UserError:
    """Return the error for a failed request, ``engine_out_of_memory`` where the engine's log reports a shortage."""
    log = str(failure.data.get("log", ""))
    is_shortage = _reports_shortage(log) or failure.data.get("result") == _NO_MEMORY
    data = {"phase": str(phase), **failure.data, **({"log": log[-LOG_CHARACTERS:]} if log else {})}
    return UserError("engine_out_of_memory" if is_shortage else failure.code, **data)


def exit_error(phase: Phase, returncode: int, log: str) -> UserError:
    """Return the error for a child that ended.

    Its code is engine_not_startable, engine_out_of_memory, engine_cannot_run(assertion) or engine_died.
    ``returncode`` as in subprocess: negative for a signal on POSIX.  A crash without a message (kill, abort,
    segmentation fault) counts as a shortage of memory only until the first token: drivers and the kernel end a process
    in all three ways when an allocation fails.  After that, the log must mention a failed allocation.
    """
    signal_name = _signal_name(returncode)
    is_crash = signal_name not in (None, *_NOT_OF_MEMORY) or returncode in _WINDOWS_CRASHES
    data = {"phase": str(phase), "returncode": returncode, "signal": signal_name, "log": log[-2000:]}
    if phase is Phase.STARTING:
        return UserError("engine_not_startable", **data)
    if _reports_shortage(log):
        return UserError("engine_out_of_memory", **data)
    if assertions := _ASSERTION.findall(log):
        return UserError("engine_cannot_run", **data, assertion=assertions[-1])
    return UserError("engine_out_of_memory" if phase in _MEMORY_PHASES and is_crash else "engine_died", **data)


def _reports_shortage(log: str) -> bool:
    log = log.lower()
    return any(message in log for message in _SHORTAGE)


def _signal_name(returncode: int) -> str | None:
    if returncode >= 0:
        return None
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
