"""Tables with a hairline below each row.

A long table is several parts with shared column widths: laying out a QTextTable costs as much as all its rows, and an
answer that is being written adds one row at a time.
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
    QTextTableCell,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.markdown.blocks import Block, Span, Style, Table
from ui.transcript.blocks.formula import SCALE, RenderContext
from ui.transcript.blocks.markdown import CopiedBlock, spans_markdown
from ui.transcript.blocks.part import Part, common_prefix
from ui.transcript.blocks.text import write_spans

ROWS = 24
"""Rows in one part."""
MAX_COLUMNS = 40
"""Columns that are shown; more would be narrower than a letter."""
PADDING_X, PADDING_Y = 12, 7
MAX_WORD_WIDTH = 160
"""A longer word does not make its column wider."""
WIDTH_STEP = 16

Row = tuple[tuple[Span, ...], ...]

_ALIGNMENT = {"center": Qt.AlignmentFlag.AlignHCenter, "right": Qt.AlignmentFlag.AlignRight}
_PIPE = "\\|"
_SEPARATORS = {"center": ":-:", "right": "--:", "left": ":--"}


def split_table(table: Table) -> Iterator[Table]:
    """Yield a table in pieces of ``ROWS`` rows; only the first has the head."""
    if len(table.align) > MAX_COLUMNS:
        rows = tuple(row[:MAX_COLUMNS] for row in table.rows)
        table = replace(table, head=table.head[:MAX_COLUMNS], rows=rows, align=table.align[:MAX_COLUMNS])
    yield replace(table, rows=table.rows[:ROWS])
    for first in range(ROWS, len(table.rows), ROWS):
        yield replace(table, head=(), marker="", rows=table.rows[first : first + ROWS])


class TablePart(Part):
    """One piece of a table."""

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self._rows: list[Row] = []
        self._block: Table | None = None
        self._table: QTextTable | None = None
        self._columns: list[float] = []
        self._widths: list[list[tuple[float, float]]] = []
        """For each cell of each row the width of its longest word and of its longest line."""

    def column_widths(self) -> list[tuple[float, float]]:
        """Return for each column the minimum width and the one without any line break."""
        return [
            (max(word for word, _ in column), max(line for _, line in column))
            for column in zip(*self._widths, strict=True)
        ]

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one piece; equal rows stay."""
        (block,) = blocks
        assert isinstance(block, Table)
        before, old = self._block, self._rows
        rows = [block.head, *block.rows] if block.head else [*block.rows]
        cursor, unchanged = QTextCursor(self.document), 0
        # Without one edit block each cell would lay the whole table out again.
        cursor.beginEditBlock()
        if before and (before.head, before.align) == (block.head, block.align):
            unchanged = common_prefix(old, rows)
        # A QTextTable that loses its last row is deleted.
        if self._table and unchanged:
            if unchanged < len(old):
                self._table.removeRows(unchanged, len(old) - unchanged)
            if unchanged < len(rows):
                self._table.appendRows(len(rows) - unchanged)
        else:
            self._build(cursor, len(rows), len(block.align))
        self._block, self._rows, self.blocks = block, rows, blocks
        self.continues = not block.head
        del self._widths[unchanged:]
        for number in range(unchanged, len(rows)):
            self._write_row(number, block)
        cursor.endEditBlock()
        if any(span.formula for row in rows for cell in row for span in cell):
            self.await_formulas()

    def _build(self, cursor: QTextCursor, rows: int, columns: int) -> None:
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        table_format = QTextTableFormat()
        table_format.setBorder(0)
        table_format.setCellPadding(0)
        table_format.setCellSpacing(0)
        table_format.setBorderCollapse(True)
        self._table = cursor.insertTable(rows, columns, table_format)
        self._widths, self._columns = [], []

    def _write_row(self, number: int, block: Table) -> None:
        row, is_head = self._rows[number], self._is_head(number)
        has_formula = any(span.formula for cell in row for span in cell)
        for column, (spans, cell) in enumerate(zip(row, self._cells(number), strict=True)):
            cell_format = QTextTableCellFormat()
            cell_format.setTopPadding(PADDING_Y)
            cell_format.setBottomPadding(PADDING_Y)
            cell_format.setLeftPadding(PADDING_X if column else 0)
            cell_format.setRightPadding(PADDING_X)
            cell_format.setBottomBorder(1)
            cell_format.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            cell_format.setBottomBorderBrush(self.style.colour("edge" if is_head else "hairline"))
            if has_formula:
                # A fraction makes its row tall; the text beside it is centred.
                cell_format.setVerticalAlignment(QTextTableCellFormat.VerticalAlignment.AlignMiddle)
            cell.setFormat(cell_format)
            cursor = cell.firstCursorPosition()
            block_format = QTextBlockFormat()
            minimum = QTextBlockFormat.LineHeightTypes.MinimumHeight.value
            block_format.setLineHeight(round(self.style.line * 0.9), minimum)
            block_format.setAlignment(_ALIGNMENT.get(block.align[column], Qt.AlignmentFlag.AlignLeft))
            cursor.setBlockFormat(block_format)
            if is_head:
                spans = tuple(replace(span, style=span.style | Style.STRONG) for span in spans)
            write_spans(cursor, spans, self.context, 0, block.thought)
        self._widths.append(self._row_widths(number))

    def _is_head(self, number: int) -> bool:
        return not number and not self.continues

    def _row_widths(self, number: int) -> list[tuple[float, float]]:
        metrics = self.style.bold_metrics if self._is_head(number) else self.style.text_metrics
        widths, padding = [], 2 * PADDING_X + 2
        for spans in self._rows[number]:
            lines, word = [0.0], 0.0
            for span in spans:
                if span.formula:
                    key, size = (span.formula, False), self.style.size * SCALE
                    width = self.context.formulas.size(self.style, key, span.text, size, 0).width
                    lines[-1] += width
                    word = max(word, width)
                    continue
                more = self.style.size * 0.1 * len(span.text) if Style.CODE in span.style else 0.0
                first, *others = (metrics.horizontalAdvance(line) + more for line in span.text.split("\n"))
                lines[-1] += first
                lines += others
                word = max([word, *(metrics.horizontalAdvance(each) for each in span.text.split())])
            widths.append((min(word, MAX_WORD_WIDTH) + padding, max(lines) + padding))
        return widths

    def update_formulas(self) -> bool:
        """Show the formulas that have been rendered since; the columns follow their widths."""
        if not super().update_formulas():
            return False
        self._widths = [self._row_widths(number) for number in range(len(self._rows))]
        return True

    def set_columns(self, columns: list[float]) -> None:
        """Give the columns their widths."""
        if self._table and columns != self._columns:
            self._columns, self.needs_layout = columns, True
            table_format = self._table.format()
            fixed = QTextLength.Type.FixedLength
            table_format.setColumnWidthConstraints([QTextLength(fixed, width) for width in columns])
            self._table.setFormat(table_format)

    def lay_out(self, width: float) -> None:
        """Find the height of the rows, without the empty paragraph that Qt keeps below a table."""
        super().lay_out(width)
        if self._table:
            self.height = self.document.documentLayout().frameBoundingRect(self._table).height()

    def _cells(self, row: int) -> list[QTextTableCell]:
        assert self._table
        return [self._table.cellAt(row, column) for column in range(self._table.columns())]

    def pieces(self, start: int, end: int) -> Iterator[CopiedBlock]:
        """Yield the cells between two positions, separated by tabs and lines; as Markdown the touched rows whole."""
        assert self._block
        lines, sources = [], []
        for number, row in enumerate(self._rows):
            ranges = [
                (max(start, cell.firstPosition()), min(end, cell.lastPosition()))
                for cell in self._cells(number)
                if cell.firstPosition() <= end and cell.lastPosition() >= start
            ]
            if ranges:
                lines.append("\t".join(self.text(*each) for each in ranges))
                sources.append(f"| {' | '.join(spans_markdown(cell).replace('|', _PIPE) for cell in row)} |")
        # A range that comes from the piece above begins before the first cell, at 0.
        if sources and not (self.continues and start == 0):
            sources.insert(1, "|" + "|".join(_SEPARATORS.get(align, "---") for align in self._block.align) + "|")
        yield CopiedBlock(self._block, "\n".join(lines), "\n".join(sources))


def share_columns(parts: list[TablePart], width: float) -> None:
    """Give the pieces of one table the same columns, within a width."""
    columns = list(zip(*(part.column_widths() for part in parts), strict=True))
    minimum = [max(low for low, _ in column) for column in columns]
    # In steps, so that a slightly wider row does not lay out all rows above it again.
    natural = [WIDTH_STEP * math.ceil(max(high for _, high in column) / WIDTH_STEP) for column in columns]
    widths: list[float] = list(natural)
    if sum(minimum) >= width:
        widths = [low * width / sum(minimum) for low in minimum]
    elif sum(natural) > width:
        share = (width - sum(minimum)) / max(1.0, sum(natural) - sum(minimum))
        widths = [low + (high - low) * share for low, high in zip(minimum, natural, strict=True)]
    for part in parts:
        part.set_columns([float(int(each)) for each in widths])
