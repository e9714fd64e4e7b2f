"""Movement of a caret through a conversation: by characters, words, lines and to the ends, across messages."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QPointF
from PySide6.QtGui import QTextCursor

from ui.transcript.blocks.part import Part
from ui.transcript.page import Page
from ui.transcript.state import Spot


class Move(Enum):
    """One movement."""

    LEFT = QTextCursor.MoveOperation.PreviousCharacter
    RIGHT = QTextCursor.MoveOperation.NextCharacter
    WORD_LEFT = QTextCursor.MoveOperation.PreviousWord
    WORD_RIGHT = QTextCursor.MoveOperation.NextWord
    UP = QTextCursor.MoveOperation.Up
    DOWN = QTextCursor.MoveOperation.Down
    LINE_START = QTextCursor.MoveOperation.StartOfLine
    LINE_END = QTextCursor.MoveOperation.EndOfLine
    FIRST = QTextCursor.MoveOperation.Start
    LAST = QTextCursor.MoveOperation.End


_BACK = {Move.LEFT, Move.WORD_LEFT, Move.UP}


def moved(page: Page, spot: Spot, move: Move, x: float | None = None) -> Spot:
    """Return where a movement leads; the same spot at the ends.  ``x`` is the column that UP and DOWN keep."""
    if move is Move.FIRST:
        return 0, 0, 0
    if move is Move.LAST:
        last = len(page.items) - 1
        return last, *page.view(last).body.end
    number, at, position = spot
    view = page.view(number)
    if at < len(view.parts):
        part = view.parts[at]
        cursor = QTextCursor(part.document)
        cursor.setPosition(min(position, part.length))
        if move in {Move.UP, Move.DOWN} and x is not None:
            cursor.setVerticalMovementX(round(x - part.x - part.inner.x()))
        if cursor.movePosition(move.value) and cursor.position() != position:
            return number, at, cursor.position()
    if move in {Move.LINE_START, Move.LINE_END}:
        return spot
    neighbour = _neighbour(page, number, at, -1 if move in _BACK else 1)
    if neighbour is None:
        return spot
    number, at, part = neighbour
    if move in {Move.UP, Move.DOWN}:
        y = part.inner.y() + (part.document.size().height() - 2 if move is Move.UP else 2)
        return number, at, part.position_at(QPointF((x or 0.0) - part.x, y))
    return number, at, part.length if move in _BACK else 0


def _neighbour(page: Page, number: int, at: int, step: int) -> tuple[int, int, Part] | None:
    """Return the next part with text in a direction."""
    parts = page.view(number).parts
    while True:
        at += step
        if 0 <= at < len(parts):
            if parts[at].length:
                return number, at, parts[at]
            continue
        number += step
        if not 0 <= number < len(page.items):
            return None
        parts = page.view(number).parts
        at = -1 if step > 0 else len(parts)
