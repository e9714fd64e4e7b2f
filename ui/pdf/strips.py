"""What a page is filled with: strips that cannot be torn, and groups of them that know how they like to be parted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtGui import QPainter

Fill = tuple[float, float, str]
"""Left edge, width and role of the colour of a ground behind a strip."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A band across the page, a line of text most often."""

    height: float
    paint: Callable[[QPainter, float], None] | None = None
    """Draws it with its upper edge there."""
    fills: tuple[Fill, ...] = ()


@dataclass(slots=True)
class Group:
    """Strips that belong together: a paragraph, a block of code, a table."""

    strips: list[Strip]
    gap: float = 0.0
    """Above it, where it does not begin a page."""
    together: bool = False
    """Not parted where a page can hold it whole."""
    keep_with_next: bool = False
    is_end: bool = False
    """The lower edge of what is above it: left out where a page ends between them."""
    mark: str = ""
    """What it is called in the list of places to jump to; most groups are not in it."""
    repeated: list[Strip] = field(default_factory=list)
    """Shown again at the top of each further page, as the head of a table is."""
    fills: tuple[Fill, ...] = ()
    """Grounds behind all of its strips, and behind the gap where the group above has them too."""

    @property
    def height(self) -> float:
        """Without the gap."""
        return sum(strip.height for strip in self.strips)

    def least(self, page_height: float) -> float:
        """What must fit for the group to begin on this page."""
        height = self.height
        if self.together and height <= page_height:
            return height
        return sum(strip.height for strip in self.strips[: 2 if len(self.strips) > 1 else 1])
