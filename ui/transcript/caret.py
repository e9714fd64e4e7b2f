"""Movement of a caret through a conversation: by characters, words, lines and to the ends, across messages."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QTextCursor

from ui.transcript.blocks.part import Part
from ui.transcript.page import Page
from ui.transcript.state import Spot

Move = QTextCursor.MoveOperation
_BACK = {Move.PreviousCharacter, Move.PreviousWord, Move.Up}


def moved(page: Page, spot: Spot, move: Move, x: float | None = None) -> Spot:
    """Return where a movement leads; the same spot at the ends.  ``x`` is the column that Up and Down keep."""
    if move is Move.Start:
        return 0, 0, 0
    if move is Move.End:
        last = len(page.items) - 1
        return last, *page.view(last).body.end
    number, at, position = spot
    view = page.view(number)
    if at < len(view.parts):
        part = view.parts[at]
        cursor = QTextCursor(part.document)
        cursor.setPosition(min(position, part.length))
        if move in {Move.Up, Move.Down} and x is not None:
            cursor.setVerticalMovementX(round(x - part.x - part.inner.x()))
        if cursor.movePosition(move) and cursor.position() != position:
            return number, at, cursor.position()
    if move in {Move.StartOfLine, Move.EndOfLine}:
        return spot
    neighbour = _neighbour(page, number, at, -1 if move in _BACK else 1)
    if neighbour is None:
        return spot
    number, at, part = neighbour
    if move in {Move.Up, Move.Down}:
        y = part.inner.y() + (part.document.size().height() - 2 if move is Move.Up else 2)
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
