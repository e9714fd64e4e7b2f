"""How full a context is, as a value: alone in its module, because the window shows it before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ContextUse:
    """How full the context of a conversation is, in tokens.  ``size`` 0: not known."""

    used: int
    size: int
    is_estimate: bool = False
    left_out: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()

    @property
    def free(self) -> int:
        """What the next question and its answer may take."""
        return max(0, self.size - self.used)
