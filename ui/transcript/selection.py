"""What is selected: a stretch from one place of the conversation to another, over messages that may not be drawn."""

from __future__ import annotations

from dataclasses import dataclass

Spot = tuple[int, int, int]
"""Message, part, place in its text."""

END = 1 << 30
"""A part and a place behind every real one."""


@dataclass(frozen=True)
class Selection:
    """Where it was begun and where it is now."""

    anchor: Spot = (0, 0, 0)
    focus: Spot = (0, 0, 0)

    @property
    def start(self) -> Spot:
        """The earlier end."""
        return min(self.anchor, self.focus)

    @property
    def end(self) -> Spot:
        """The later end."""
        return max(self.anchor, self.focus)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return self.anchor == self.focus

    def within(self, message: int, end: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The share of one message whose last place is ``end``."""
        if self.is_empty or not self.start[0] <= message <= self.end[0]:
            return None
        first = self.start[1:] if message == self.start[0] else (0, 0)
        last = self.end[1:] if message == self.end[0] else end
        return first, min(last, end)
