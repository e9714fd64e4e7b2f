"""What the keyboard can reach inside a message: its buttons and its links, in the order in which they are read."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF

from ui.transcript.message import MessageView
from ui.transcript.parts import Part


@dataclass(frozen=True)
class Stop:
    """A button or a link."""

    key: str
    """The button's key, or ``link:0``."""
    rects: tuple[QRectF, ...]
    """Where it is in the message; a link may lie on several lines."""
    name: str
    address: str = ""
    """Where a link leads."""


def stops(view: MessageView) -> list[Stop]:
    """All of them, from above and from the left."""
    found = [Stop(button.key, (button.rect,), button.name) for button in view.buttons]
    for at, part in enumerate(view.parts):
        for start, end, address in part.links():
            rects = tuple(band.translated(part.x, part.y) for band in part.bands(start, end))
            if rects:
                found.append(Stop(f"link:{at}:{start}", rects, Part.text(part, start, end), address))
    return sorted(found, key=lambda stop: (round(stop.rects[0].center().y()), stop.rects[0].x()))
