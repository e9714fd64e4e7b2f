"""Progress of a long operation on model files: download, verification, conversion, relocation, hashing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Progress in bytes; ``total`` is 0 while it is unknown.

    ``bytes_per_second`` and ``seconds_left`` are filled in by operations that measure their speed.
    """

    done: int = 0
    total: int = 0
    bytes_per_second: float = 0.0
    seconds_left: float | None = None

    @property
    def fraction(self) -> float | None:
        """The completed share, 0 to 1; None while the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else None


OnProgress = Callable[[Progress], None]
"""Called in the thread that does the work."""


def ignore_progress(_progress: Progress) -> None:
    """Do nothing: the default where the caller shows no progress."""
