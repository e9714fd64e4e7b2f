"""Interpretation of the end of an engine child as a ``UserError``."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum

from model_manager.errors import UserError


class Phase(StrEnum):
    """Activity of the child."""

    STARTING = "starting"
    PROBING = "probing"
    REHEARSING = "rehearsing"
    LOADING = "loading"
    READING = "reading"
    GENERATING = "generating"
    MEASURING = "measuring"


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
_WINDOWS_CRASHES = (3, 0xC0000005, 0xC0000409, 0xC0000017)
"""Exit codes on Windows, which has no signals: ``abort()`` of the C library, and the statuses access violation, fail
fast and no memory (ntstatus.h)."""
_MEMORY_PHASES = (Phase.LOADING, Phase.READING, Phase.MEASURING)


def reports_memory_shortage(log: str) -> bool:
    """Whether the log reports an allocation that failed."""
    log = log.lower()
    return any(message in log for message in _SHORTAGE)


@dataclass(frozen=True)
class ProcessOutcome:
    """How a child ended.  ``returncode`` as subprocess gives it: negative for a signal on POSIX."""

    phase: Phase
    returncode: int
    log_tail: str

    @property
    def is_shortage_of_memory(self) -> bool:
        """Whether a lack of memory is the likely cause.

        A silent death (kill, abort, segmentation fault) counts as shortage only until the first token: drivers and the
        kernel end a process in all three ways when an allocation fails.  Later it needs a line in the log.
        """
        if reports_memory_shortage(self.log_tail):
            return True
        is_silent_death = self.ended_by_signal is not None or self.returncode in _WINDOWS_CRASHES
        return self.phase in _MEMORY_PHASES and is_silent_death

    @property
    def ended_by_signal(self) -> str | None:
        """``SIGKILL`` and the like, or None."""
        if self.returncode >= 0:
            return None
        try:
            return signal.Signals(-self.returncode).name
        except ValueError:
            return f"signal {-self.returncode}"

    def error(self) -> UserError:
        """The error to show: ``engine_out_of_memory``, ``engine_not_startable`` or ``engine_died``."""
        code = "engine_died"
        if self.phase is Phase.STARTING:
            code = "engine_not_startable"
        elif self.is_shortage_of_memory:
            code = "engine_out_of_memory"
        return UserError(
            code,
            phase=str(self.phase),
            returncode=self.returncode,
            signal=self.ended_by_signal,
            log=self.log_tail[-2000:],
        )
