"""Tables: columns as wide as their words need, rows that are not split, the head repeated on each page."""

from __future__ import annotations

from app.markdown.blocks import Span, Table
from ui.pdf.lines import Line, TextLayouter
from ui.pdf.pages import Group, Item, Rectangle, Strip
from ui.pdf.pictures import Picture
from ui.pdf.style import TEXT_SIZE, PageStyle

CELL_MARGIN_X, CELL_MARGIN_Y = 80, 42
SIZES = (TEXT_SIZE - 6, 88, 76, 66)
"""Text sizes, tried until no word of the table is broken."""
CELL_LINE_HEIGHT = 1.42
LONGEST_WORD = 900
MEASURED_ROWS = 400
"""Rows that determine the widths of the columns."""
TALLEST_ROW = 0.5
"""Share of the page height beyond which a row is split between its lines."""

Cell = tuple[Span, ...]


class TableLayouter:
    """Lays a table out to strips."""

    def __init__(
        self, table: Table, style: PageStyle, text: TextLayouter, left: float, width: float, role: str,
        page_height: float,
    ) -> None:  # fmt: skip
        self._table, self._style, self._text = table, style, text
        self._left, self._role, self._page_height = left, role, page_height
        self._size, self._columns = self._measure(width)

    def group(self) -> Group:
        """Return the rows, a strip for each."""
        head = self._row(self._table.head, is_head=True)
        strips = [*head, *(strip for row in self._table.rows for strip in self._row(row, is_head=False))]
        repeated = head if sum(strip.height for strip in head) < self._page_height * 0.3 else []
        return Group(strips, keep_together=len(self._table.rows) <= 12, repeated=repeated)

    def _row(self, cells: tuple[Cell, ...], *, is_head: bool) -> list[Strip]:
        """Return one strip, or one for each line where the row is very high."""
        columns: list[tuple[float, list[Line]]] = []
        x = self._left
        for number, (spans, column) in enumerate(zip(cells, self._columns, strict=True)):
            margin = CELL_MARGIN_X if number else 0
            runs = self._text.span_runs(spans, self._size, role=self._role, bold=is_head)
            width = max(column - margin - CELL_MARGIN_X, 10.0)
            align = self._table.align[number]
            cell_lines = self._text.lines(runs, self._size, width, line_height=CELL_LINE_HEIGHT, align=align)
            columns.append((x + margin, list(cell_lines)))
            x += column
        colour = self._style.colour("edge" if is_head else "hairline")
        rule = Rectangle(x - self._left, 6, colour)
        height = max((sum(line.height for line in lines) for _, lines in columns), default=0.0) + 2 * CELL_MARGIN_Y
        if height <= self._page_height * TALLEST_ROW:
            items: list[Item] = []
            for left, lines in columns:
                y = float(CELL_MARGIN_Y)
                for line in lines:
                    items.append((left, y, line))
                    y += line.height
            return [Strip(max(height, self._size), [*items, (self._left, height - 6, rule)])]
        strips = [Strip(CELL_MARGIN_Y)]
        for number in range(max(len(lines) for _, lines in columns)):
            row = [(left, 0.0, lines[number]) for left, lines in columns if number < len(lines)]
            strips.append(Strip(max(line.height for _, _, line in row), list(row)))
        return [*strips, Strip(CELL_MARGIN_Y, [(self._left, CELL_MARGIN_Y - 6, rule)])]

    def _measure(self, width: float) -> tuple[int, list[float]]:
        """Return the text size and the widths of the columns."""
        least: list[float] = []
        for size in SIZES:
            columns = zip(self._table.head, *self._table.rows[:MEASURED_ROWS], strict=True)
            bounds = [self._column_bounds(cells, size) for cells in columns]
            least, most = [low for low, _ in bounds], [high for _, high in bounds]
            if sum(most) <= width:
                return size, most
            if sum(least) <= width:
                share = (width - sum(least)) / max(1.0, sum(most) - sum(least))
                return size, [low + (high - low) * share for low, high in bounds]
        return SIZES[-1], [low * width / sum(least) for low in least]

    def _column_bounds(self, cells: tuple[Cell, ...], size: int) -> tuple[float, float]:
        """Return the widths of the longest word and of the longest cell, with their margins."""
        low = high = 0.0
        for number, spans in enumerate(cells):
            width = 0.0
            for run in self._text.span_runs(spans, size, bold=number == 0):
                if isinstance(run, Picture):
                    low, width = max(low, run.width), width + run.width
                    continue
                text, text_format = run[0][:2_000], run[1]
                measure = text_format.face, text_format.size
                low = max([low, *(self._style.text_width(word, *measure) for word in text.split())])
                width += max(self._style.text_width(line, *measure) for line in text.split("\n"))
            high = max(high, width)
        margins = 2 * CELL_MARGIN_X + 12
        return min(low, LONGEST_WORD) + margins, high + margins
