"""How a caret moves through a conversation: by characters, words, lines and to the ends, from message to message."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QPointF
from PySide6.QtGui import QTextCursor

from ui.transcript.page import Page
from ui.transcript.parts import Part
from ui.transcript.selection import Spot


class Step(Enum):
    """One movement."""

    LEFT = "left"
    RIGHT = "right"
    WORD_LEFT = "word left"
    WORD_RIGHT = "word right"
    UP = "up"
    DOWN = "down"
    LINE_START = "line start"
    LINE_END = "line end"
    FIRST = "first"
    LAST = "last"


_MOVES = {
    Step.LEFT: QTextCursor.MoveOperation.PreviousCharacter,
    Step.RIGHT: QTextCursor.MoveOperation.NextCharacter,
    Step.WORD_LEFT: QTextCursor.MoveOperation.PreviousWord,
    Step.WORD_RIGHT: QTextCursor.MoveOperation.NextWord,
    Step.UP: QTextCursor.MoveOperation.Up,
    Step.DOWN: QTextCursor.MoveOperation.Down,
    Step.LINE_START: QTextCursor.MoveOperation.StartOfLine,
    Step.LINE_END: QTextCursor.MoveOperation.EndOfLine,
}
_BACK = {Step.LEFT, Step.WORD_LEFT, Step.UP}
_WITHIN = {Step.LINE_START, Step.LINE_END}


def moved(page: Page, spot: Spot, step: Step, x: float | None = None) -> Spot:
    """Where a step leads; the same spot at the ends.  ``x`` is the column that lines up and down keep to."""
    if not page.items:
        return spot
    if step is Step.FIRST:
        return 0, 0, 0
    if step is Step.LAST:
        last = len(page.items) - 1
        return last, *page.view(last).end
    number, at, place = spot
    view = page.view(number)
    if at < len(view.parts):
        part = view.parts[at]
        cursor = QTextCursor(part.document)
        cursor.setPosition(min(place, part.length))
        if step in {Step.UP, Step.DOWN} and x is not None:
            cursor.setVerticalMovementX(round(x - part.x - part.inner.x()))
        if cursor.movePosition(_MOVES[step]) and cursor.position() != place:
            return number, at, cursor.position()
    if step in _WITHIN:
        return spot
    found = _neighbour(page, number, at, -1 if step in _BACK else 1)
    if found is None:
        return spot
    number, at, part = found
    if step is Step.UP or step is Step.DOWN:
        inside = part.inner.y() + (part.document.size().height() - 2 if step is Step.UP else 2)
        return number, at, part.position_at(QPointF((x or 0.0) - part.x, inside))
    return number, at, part.length if step in _BACK else 0


def _neighbour(page: Page, number: int, at: int, way: int) -> tuple[int, int, Part] | None:
    """The next piece with text in it."""
    parts = page.view(number).parts
    while True:
        at += way
        if 0 <= at < len(parts):
            if parts[at].length:
                return number, at, parts[at]
            continue
        number += way
        if not 0 <= number < len(page.items):
            return None
        parts = page.view(number).parts
        at = -1 if way > 0 else len(parts)
