"""What the end of an engine child means, as a value that the window and the command line can put into words."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum

from model_manager.errors import UserError


class Phase(StrEnum):
    """What the child was doing."""

    STARTING = "starting"
    LOADING = "loading"
    READING = "reading"
    GENERATING = "generating"


_SHORTAGE = (
    "out of memory",
    "failed to allocate",
    "cannot allocate memory",
    "unable to allocate",
    "alloc_tensor_range",
    "bad_alloc",
    "memoryerror",
    "erroroutofdevicememory",
    "erroroutofhostmemory",
    "cudamalloc failed",
)


@dataclass(frozen=True)
class ProcessOutcome:
    """How a child ended.  ``returncode`` as subprocess gives it: negative for a signal on POSIX."""

    phase: Phase
    returncode: int
    log_tail: str

    @property
    def is_shortage_of_memory(self) -> bool:
        """Whether too little memory is the likely cause.

        A silent death (kill, abort, segmentation fault) counts as shortage only until the first token is there: drivers
        and the kernel end a process in all three ways when an allocation fails.  Later it needs a line in the log.
        """
        if any(word in self.log_tail.lower() for word in _SHORTAGE):
            return True
        return self.phase in (Phase.LOADING, Phase.READING) and self.ended_by_signal is not None

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
        data = {
            "phase": str(self.phase),
            "returncode": self.returncode,
            "signal": self.ended_by_signal,
            "log": self.log_tail[-2000:],
        }
        if self.phase is Phase.STARTING:
            return UserError("engine_not_startable", **data)
        if self.is_shortage_of_memory:
            return UserError("engine_out_of_memory", **data)
        return UserError("engine_died", **data)
