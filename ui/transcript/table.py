"""Tables with hairlines between their rows.

A long table is several parts under each other with the columns in common: laying out one of Qt's tables costs as much
as all its rows, and an answer that is being written adds one row at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QTextBlockFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.markdown.blocks import Block, Span, Style, Table
from ui.transcript.formula import SCALE, measured
from ui.transcript.parts import Part
from ui.transcript.spans import write_spans
from ui.transcript.style import TextStyle

ROWS = 24
"""Rows in one part."""
COLUMNS = 40
"""More are narrower than a letter."""
ACROSS, DOWN = 12, 7
LONG_WORD = 160
STEP = 16

Cells = tuple[tuple[Span, ...], ...]

_ALIGN = {"center": Qt.AlignmentFlag.AlignHCenter, "right": Qt.AlignmentFlag.AlignRight}


def pieces(table: Table) -> Iterator[Table]:
    """A table in pieces of a bounded size; only the first has the head."""
    if len(table.align) > COLUMNS:
        rows = tuple(row[:COLUMNS] for row in table.rows)
        table = replace(table, head=table.head[:COLUMNS], rows=rows, align=table.align[:COLUMNS])
    yield replace(table, rows=table.rows[:ROWS])
    for first in range(ROWS, len(table.rows), ROWS):
        yield replace(table, head=(), marker="", rows=table.rows[first : first + ROWS])


class TablePart(Part):
    """One piece of a table."""

    def __init__(self, style: TextStyle) -> None:
        super().__init__(style)
        self._shown: Table | None = None
        self._table: QTextTable | None = None
        self._columns: list[float] = []
        self._wants: list[list[tuple[float, float]]] = []

    @property
    def goes_on(self) -> bool:
        """Whether it is a later piece of the table above."""
        return self._shown is not None and not self._shown.head

    def wants(self) -> list[tuple[float, float]]:
        """For each column the least width and the one without any line break."""
        return [
            (max(low for low, _ in column), max(high for _, high in column))
            for column in zip(*self._wants, strict=True)
        ]

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one piece; rows that are the same stay."""
        (table,) = blocks
        assert isinstance(table, Table)
        if table == self._shown:
            return
        shown, edit = self._shown, QTextCursor(self.document)
        rows = [table.head, *table.rows] if table.head else [*table.rows]
        # Without one block around them every cell would lay the whole table out again.
        edit.beginEditBlock()
        same = 0
        old_rows: list[Cells] = []
        if shown and self._table and (shown.head, shown.align) == (table.head, table.align):
            old_rows = [shown.head, *shown.rows] if shown.head else [*shown.rows]
            for old, new in zip(old_rows, rows, strict=False):
                if old is not new and old != new:
                    break
                same += 1
        # A table of Qt's that loses its last row is gone.
        if self._table and same:
            if same < len(old_rows):
                self._table.removeRows(same, len(old_rows) - same)
            if same < len(rows):
                self._table.appendRows(len(rows) - same)
        else:
            self._build(edit, len(rows), len(table.align))
        del self._wants[same:]
        for number in range(same, len(rows)):
            self._write_row(number, rows[number], table, is_head=bool(table.head) and number == 0)
        edit.endEditBlock()
        self._shown, self.blocks = table, [table]
        if any(span.formula for row in rows for cell in row for span in cell):
            self.await_formulas()

    def take_formulas(self) -> bool:
        """Show the formulas that have been drawn meanwhile; the columns follow their widths."""
        if not super().take_formulas() or not self._shown:
            return False
        table = self._shown
        rows = [table.head, *table.rows] if table.head else [*table.rows]
        self._wants = [
            [self._widths(cell, bool(table.head) and not number) for cell in row] for number, row in enumerate(rows)
        ]
        return True

    def set_columns(self, columns: list[float]) -> None:
        """Give the columns their widths."""
        if self._table and columns != self._columns:
            self._columns = columns
            self.is_stale = True
            shape = self._table.format()
            lengths = [QTextLength(QTextLength.Type.FixedLength, width) for width in columns]
            shape.setColumnWidthConstraints(lengths)
            self._table.setFormat(shape)

    def lay_out(self, width: float) -> None:
        """As high as its rows, without the empty paragraph that Qt keeps below a table."""
        super().lay_out(width)
        if self._table:
            self.height = self.document.documentLayout().frameBoundingRect(self._table).height()

    def rows_within(self, start: int, end: int) -> list[int]:
        """The rows that a stretch touches."""
        assert self._table
        table, columns = self._table, self._table.columns() - 1
        return [
            row
            for row in range(table.rows())
            if table.cellAt(row, 0).firstPosition() <= end and table.cellAt(row, columns).lastPosition() >= start
        ]

    def row_cells(self, row: int) -> Cells:
        """The cells of a row as they were written."""
        assert self._shown
        rows = [self._shown.head, *self._shown.rows] if self._shown.head else self._shown.rows
        return rows[row]

    def text(self, start: int, end: int) -> str:
        """The cells between two places: tabs between them, a line a row."""
        assert self._table
        lines = []
        for row in range(self._table.rows()):
            cells = [self._table.cellAt(row, column) for column in range(self._table.columns())]
            inside = [cell for cell in cells if cell.firstPosition() <= end and cell.lastPosition() >= start]
            if inside:
                spans = [(max(start, cell.firstPosition()), min(end, cell.lastPosition())) for cell in inside]
                lines.append("\t".join(super(TablePart, self).text(*span) for span in spans))
        return "\n".join(lines)

    def _build(self, cursor: QTextCursor, rows: int, columns: int) -> None:
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        shape = QTextTableFormat()
        shape.setBorder(0)
        shape.setCellPadding(0)
        shape.setCellSpacing(0)
        shape.setBorderCollapse(True)
        self._table = cursor.insertTable(rows, columns, shape)
        self._wants, self._columns = [], []

    def _write_row(self, row: int, cells: Cells, table: Table, *, is_head: bool) -> None:
        assert self._table
        wants = []
        has_formula = any(span.formula for cell in cells for span in cell)
        for column, spans in enumerate(cells):
            cell = self._table.cellAt(row, column)
            frame = QTextTableCellFormat()
            frame.setTopPadding(DOWN)
            frame.setBottomPadding(DOWN)
            frame.setLeftPadding(ACROSS if column else 0)
            frame.setRightPadding(ACROSS)
            frame.setBottomBorder(1)
            frame.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            frame.setBottomBorderBrush(self.style.colour("edge" if is_head else "hairline"))
            if has_formula:
                # A fraction makes its row tall; the words beside it stand at half its height.
                frame.setVerticalAlignment(QTextTableCellFormat.VerticalAlignment.AlignMiddle)
            cell.setFormat(frame)
            cursor = cell.firstCursorPosition()
            shape = QTextBlockFormat()
            shape.setLineHeight(round(self.style.line * 0.9), QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
            shape.setAlignment(_ALIGN.get(table.align[column], Qt.AlignmentFlag.AlignLeft))
            cursor.setBlockFormat(shape)
            if is_head:
                spans = tuple(replace(span, style=span.style | Style.STRONG) for span in spans)
            write_spans(cursor, spans, self.style, 0, table.thought)
            wants.append(self._widths(spans, is_head))
        self._wants.append(wants)

    def _widths(self, spans: tuple[Span, ...], is_head: bool) -> tuple[float, float]:
        around = 2 * ACROSS + 2
        metrics = self.style.bold_metrics if is_head else self.style.text_metrics
        lines, word = [0.0], 0.0
        for span in spans:
            if span.formula:
                size = self.style.size * SCALE
                wide = measured(self.style, span.formula, span.text, False, size, 0).width
                lines[-1] += wide
                word = max(word, wide)
                continue
            more = self.style.size * 0.1 * len(span.text) if Style.CODE in span.style else 0.0
            first, *rest = span.text.split("\n")
            lines[-1] += metrics.horizontalAdvance(first) + more
            lines += [metrics.horizontalAdvance(line) + more for line in rest]
            word = max([word, *(metrics.horizontalAdvance(each) for each in span.text.split())])
        whole = max(lines)
        return min(word, LONG_WORD) + around, whole + around


def share_columns(parts: list[TablePart], width: float) -> None:
    """Give the pieces of one table the same columns, within a width."""
    columns = list(zip(*(part.wants() for part in parts), strict=True))
    least = [max(low for low, _ in column) for column in columns]
    # In steps, so that a row that is a little wider does not lay out all rows above it again.
    most = [STEP * math.ceil(max(high for _, high in column) / STEP) for column in columns]
    if sum(most) <= width:
        widths = most
    elif sum(least) >= width:
        widths = [low * width / sum(least) for low in least]
    else:
        spare = (width - sum(least)) / max(1.0, sum(most) - sum(least))
        widths = [low + (high - low) * spare for low, high in zip(least, most, strict=True)]
    for part in parts:
        part.set_columns([float(int(each)) for each in widths])
