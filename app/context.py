"""Use of a model's context, and what happens when it is full."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ContextPolicy(StrEnum):
    """What happens when a conversation no longer fits into the context."""

    STOP = "stop"
    """The question is refused with an error, and the user decides."""
    ROLL = "roll"
    """The oldest turns are left out, except pinned messages; a line in the transcript marks the place."""
    SUMMARISE = "summarise"
    """The model summarises the oldest turns, except pinned messages, and gets the summary in their place."""


@dataclass(frozen=True)
class ContextUse:
    """How full the context of a conversation is, in tokens; ``size`` is 0 where it is not known."""

    used: int
    size: int
    is_estimate: bool = False
    left_out: tuple[str, ...] = ()
    """Ids of the messages that the model does not see."""
    summarised: tuple[str, ...] = ()
    """Ids of the messages that the model gets a summary of."""
    pinned: tuple[str, ...] = ()
    """Ids of the pinned messages."""

    @property
    def free(self) -> int:
        """Tokens left for the next question and its answer."""
        return max(0, self.size - self.used)
