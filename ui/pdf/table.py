"""Tables: columns as wide as their words need, rows that are not torn, the head again on each page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.markdown.blocks import Span, Table
from ui.pdf.faces import TEXT_SIZE, Faces
from ui.pdf.lines import Laid, Lines
from ui.pdf.pictures import Picture
from ui.pdf.strips import Group, Strip
from ui.pdf.text import runs_of

ACROSS, DOWN = 80, 42
SIZES = (TEXT_SIZE - 6, 88, 76, 66)
"""Of the text; a wide table takes the first in which no word is broken, or the last."""
LONG_WORD = 900
SAMPLE = 400
"""Rows that the widths of the columns are measured from."""
TALL = 0.5
"""Of a page: a higher row is torn between its lines."""

Cell = tuple[Span, ...]
Rule = Callable[[QPainter, float], None]


def table_group(table: Table, faces: Faces, left: float, width: float, role: str, page_height: float) -> Group:
    """The rows as strips; the head is repeated."""
    size, columns = _columns(table, faces, width)
    made = _Rows(table, faces, left, columns, size, role, page_height)
    head = made.row(table.head, is_head=True)
    strips = list(head)
    for row in table.rows:
        strips += made.row(row, is_head=False)
    repeated = head if sum(strip.height for strip in head) < page_height * 0.3 else []
    return Group(strips, together=len(table.rows) <= 12, repeated=repeated)


class _Rows:
    def __init__(
        self, table: Table, faces: Faces, left: float, columns: list[float], size: int, role: str, page_height: float
    ) -> None:
        self._table, self._faces, self._left, self._columns = table, faces, left, columns
        self._size, self._role, self._tall = size, role, page_height * TALL
        self._lines = Lines(faces, size, line=1.42)

    def row(self, cells: tuple[Cell, ...], *, is_head: bool) -> list[Strip]:
        """One strip, or one for each line where the row is very high."""
        laid: list[list[tuple[Laid, float]]] = []
        x = self._left
        for number, (spans, column) in enumerate(zip(cells, self._columns, strict=True)):
            runs = runs_of(spans, self._faces, self._size, role=self._role, bold=is_head)
            room = column - ACROSS * (2 if number else 1)
            inset = x + (ACROSS if number else 0)
            align = self._table.align[number]
            laid.append([(line, inset) for line in self._lines.of(runs, max(room, 10.0), align=align)])
            x += column
        height = max((sum(line.height for line, _ in column) for column in laid), default=0.0)
        rule = partial(_paint_rule, self._faces, self._left, x - self._left, "edge" if is_head else "hairline")
        whole = height + 2 * DOWN
        if whole <= self._tall:
            return [Strip(max(whole, self._size), partial(_paint_cells, laid, rule, whole))]
        count = max(map(len, laid))
        strips = [Strip(DOWN)]
        for number in range(count):
            cells_here = [[column[number]] if number < len(column) else [] for column in laid]
            tallest = max(line.height for column in cells_here for line, _ in column)
            strips.append(Strip(tallest, partial(_paint_cells, cells_here, None, 0.0)))
        return [*strips, Strip(DOWN, partial(_paint_end, rule))]


def _columns(table: Table, faces: Faces, width: float) -> tuple[int, list[float]]:
    least: list[float] = []
    most: list[float] = []
    for size in SIZES:
        wants = [_wants(column, faces, size) for column in zip(table.head, *table.rows[:SAMPLE], strict=True)]
        least, most = [low for low, _ in wants], [high for _, high in wants]
        if sum(most) <= width:
            return size, most
        if sum(least) <= width:
            spare = (width - sum(least)) / max(1.0, sum(most) - sum(least))
            return size, [low + (high - low) * spare for low, high in zip(least, most, strict=True)]
    return SIZES[-1], [low * width / sum(least) for low in least]


def _wants(cells: tuple[Cell, ...], faces: Faces, size: int) -> tuple[float, float]:
    low = high = 0.0
    for number, spans in enumerate(cells):
        width = 0.0
        for run in runs_of(spans, faces, size, bold=number == 0):
            if isinstance(run, Picture):
                low, width = max(low, run.width), width + run.width
                continue
            text, font = run[0][:2_000], run[1].font()
            low = max([low, *(faces.advance(font, word) for word in text.split())])
            width += max(faces.advance(font, line) for line in text.split("\n"))
        high = max(high, width)
    around = 2 * ACROSS + 12
    return min(low, LONG_WORD) + around, high + around


def _paint_cells(
    laid: list[list[tuple[Laid, float]]], rule: Rule | None, whole: float, painter: QPainter, y: float
) -> None:
    for column in laid:
        at = y + (DOWN if rule else 0)
        for line, x in column:
            line.paint(painter, x, at)
            at += line.height
    if rule is not None:
        rule(painter, y + whole)


def _paint_end(rule: Rule, painter: QPainter, y: float) -> None:
    rule(painter, y + DOWN)


def _paint_rule(faces: Faces, left: float, width: float, role: str, painter: QPainter, y: float) -> None:
    painter.fillRect(QRectF(left, y - 6, width, 6), faces.colour(role))
