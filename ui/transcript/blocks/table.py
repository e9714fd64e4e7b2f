"""Tables with a hairline below each row.

A long table is several parts with shared column widths: laying out a QTextTable costs as much as all its rows, and an
answer that is being written adds one row at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QPainter,
    QTextBlockFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
    QTextTableCell,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.markdown.blocks import WORD, Block, Style, Table, is_right_to_left
from ui.transcript.blocks.formula import SCALE, RenderContext, closing_behind
from ui.transcript.blocks.markdown import CopiedBlock, Row, row_markdown, separator_row
from ui.transcript.blocks.part import Part, common_prefix
from ui.transcript.blocks.text import write_spans
from ui.transcript.decorations import Button
from ui.transcript.item import TranscriptStrings

ROWS, CELLS = 24, 240
"""Rows in one part, and cells: a few milliseconds to lay out."""
MAX_COLUMNS = 40
"""Columns that are shown; more would be narrower than a letter."""
PADDING_X, PADDING_Y = 12, 7
MAX_WORD_WIDTH, MAX_ADDRESS_WIDTH = 320, 160
"""Words and addresses that are longer do not make their column wider."""
NARROW, WIDE = 110, 240
"""Least width of a column with long text, and its width where the table scrolls."""
SCROLL_SPACE = 8
BUTTON_WIDTH, BUTTON_ABOVE = 28, 15
"""Width of the button of a table, and its height in the space above the table."""
WIDTH_STEP = 16

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute
_ALIGNMENT = {
    "left": Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "right": _RIGHT,
}


def split_table(table: Table) -> Iterator[Table]:
    """Yield a table in pieces; only the first has the head."""
    if len(table.align) > MAX_COLUMNS:
        rows = tuple(row[:MAX_COLUMNS] for row in table.rows)
        table = replace(table, head=table.head[:MAX_COLUMNS], rows=rows, align=table.align[:MAX_COLUMNS])
    count = min(ROWS, CELLS // len(table.align))
    yield replace(table, rows=table.rows[:count])
    for first in range(count, len(table.rows), count):
        yield replace(table, head=(), marker="", new_quotes=0, rows=table.rows[first : first + count])


class TablePart(Part):
    """One piece of a table."""

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self._rows: list[Row] = []
        self._block: Table | None = None
        self._table: QTextTable | None = None
        self._columns: list[float] = []
        self._laid_out: list[float] = []
        """Widths of the columns, and those of the last layout."""
        self.table: list[TablePart] = [self]
        """All pieces of the table; they scroll together."""
        self._widths: list[list[tuple[float, float]]] = []
        """For each cell of each row the width of its longest word and of its longest line."""
        self._bounds: list[tuple[float, float]] = []
        self._has_inline_code = False

    @property
    def inner(self) -> QPointF:
        """Corner of the table, at the right for text from right to left, and scrolled sideways."""
        space = self.width - sum(self._columns) if self.is_mirrored else 0.0
        return QPointF(max(0.0, space) - self.offset, 0)

    @property
    def changed_from(self) -> float:
        """Top of the button above the table, which moves where columns become wider."""
        return -BUTTON_ABOVE

    def buttons(self, number: int, strings: TranscriptStrings) -> tuple[Button, ...]:
        """Return the button that copies the table, above the end of its first row."""
        if self.continues:
            return ()
        width = min(self.width, max(sum(self._columns), BUTTON_WIDTH))
        left = self.x + (self.width - width if self.is_mirrored else width - BUTTON_WIDTH)
        rect = QRectF(left, self.y - BUTTON_ABOVE, BUTTON_WIDTH, BUTTON_ABOVE + PADDING_Y)
        return (Button(f"table:{number}", rect, "copy", tip=strings.copy_table, always=False),)

    def column_widths(self) -> list[tuple[float, float]]:
        """Return for each column the minimum width and the one without any line break."""
        if not self._bounds:
            self._bounds = [
                (max(word for word, _ in column), max(line for _, line in column))
                for column in zip(*self._widths, strict=True)
            ]
        return self._bounds

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one piece; equal rows stay."""
        (block,) = blocks
        assert isinstance(block, Table)
        before, old = self._block, self._rows
        rows = [block.head, *block.rows] if block.head else [*block.rows]
        cursor, unchanged = QTextCursor(self.document), 0
        # Without one edit block each cell would lay the whole table out again.
        cursor.beginEditBlock()
        direction = is_right_to_left(block) if block.head else None
        if direction is not None:
            self.is_mirrored = direction
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
        self._bounds = []
        for number in range(unchanged, len(rows)):
            self._write_row(number, block)
        cursor.endEditBlock()
        self._has_inline_code = any(Style.CODE in span.style for row in rows for cell in row for span in cell)
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
        self._widths, self._laid_out = [], []

    def _write_row(self, number: int, block: Table) -> None:
        row, is_head = self._rows[number], self._is_head(number)
        has_formula = any(span.formula for cell in row for span in cell)
        for column, (spans, cell) in enumerate(zip(row, self._cells(number), strict=True)):
            cell_format = QTextTableCellFormat()
            cell_format.setTopPadding(PADDING_Y)
            cell_format.setBottomPadding(PADDING_Y)
            cell_format.setLeftPadding(PADDING_X if column or self.is_mirrored else 0)
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
            leading = _RIGHT if self.is_mirrored else Qt.AlignmentFlag.AlignLeft
            block_format.setAlignment(_ALIGNMENT.get(block.align[column], leading))
            cursor.setBlockFormat(block_format)
            if is_head:
                spans = tuple(replace(span, style=span.style | Style.STRONG) for span in spans)
            write_spans(cursor, spans, self.context, 0, block.thought)
        self._widths.append(self._row_widths(number))

    def _is_head(self, number: int) -> bool:
        return not number and not self.continues

    def _row_widths(self, number: int) -> list[tuple[float, float]]:
        is_head = self._is_head(number)
        widths, padding = [], 2 * PADDING_X + 2
        for spans in self._rows[number]:
            lines, word = [0.0], 0.0
            for place, span in enumerate(spans):
                if span.formula:
                    key, size = (span.formula, False), self.style.size * SCALE
                    width = self.context.formulas.size(self.style, key, span.text, size, 0).width
                    lines[-1] += width
                    closing = closing_behind(spans, place)
                    word = max(word, width + (self.style.bold_metrics.horizontalAdvance(closing) if closing else 0))
                    continue
                metrics = self.style.bold_metrics if is_head or Style.STRONG in span.style else self.style.text_metrics
                wider = self.style.size * 0.1 if Style.CODE in span.style else 0.0
                first, *others = (metrics.horizontalAdvance(line) + wider * len(line) for line in span.text.split("\n"))
                lines[-1] += first
                lines += others
                for each in WORD.findall(span.text):
                    limit = MAX_ADDRESS_WIDTH if "/" in each else MAX_WORD_WIDTH
                    word = max(word, min(limit, metrics.horizontalAdvance(each) + wider * len(each)))
            widths.append((word + padding, max(lines) + padding))
        return widths

    def update_formulas(self) -> bool:
        """Show the formulas that have been rendered since; the columns follow their widths."""
        if not super().update_formulas():
            return False
        self._widths, self._bounds = [self._row_widths(number) for number in range(len(self._rows))], []
        return True

    def set_columns(self, columns: list[float]) -> None:
        """Give the columns their widths."""
        self._columns = columns

    @property
    def is_stale(self) -> bool:
        """Whether it is laid out for another width, or with other columns."""
        return super().is_stale or self._laid_out != self._columns

    def lay_out(self, width: float) -> None:
        """Find the height of the rows, without the empty paragraph that Qt keeps below a table."""
        if self._table and self._laid_out != self._columns:
            table_format = self._table.format()
            fixed, columns = QTextLength.Type.FixedLength, self._columns[:: -1 if self.is_mirrored else 1]
            table_format.setColumnWidthConstraints([QTextLength(fixed, column) for column in columns])
            self._table.setFormat(table_format)
        self._laid_out = self._columns
        # The document is as wide as the table: a table that is scrolled is not laid out again for another width.
        super().lay_out(sum(self._columns))
        self.width, self.overflow = width, max(0.0, sum(self._columns) - width)
        self.offset = min(self.offset, self.overflow)
        if self._table:
            self.height = self.document.documentLayout().frameBoundingRect(self._table).height()
        if self.overflow and self.table[-1] is self:
            self.height += SCROLL_SPACE

    def paint_ground(self, painter: QPainter, clip: QRectF) -> None:
        """Draw the background of inline code."""
        if self._has_inline_code:
            for paragraph, rect in self.visible_paragraphs(clip):
                self.paint_inline_code(painter, paragraph, rect)

    def scroll(self, distance: float) -> bool:
        """Scroll all pieces of the table sideways."""
        has_moved = super().scroll(distance)
        for part in self.table:
            part.offset = self.offset
        return has_moved

    @property
    def scroll_bar(self) -> QRectF:
        """Track of the scroll bar below the last piece."""
        return super().scroll_bar if self.table[-1] is self else QRectF()

    def _cells(self, row: int) -> list[QTextTableCell]:
        """Return the cells of a row in reading order."""
        assert self._table
        # Qt has no tables from right to left: in these the last cell is the first in the document.
        cells = [self._table.cellAt(row, column) for column in range(self._table.columns())]
        return cells[:: -1 if self.is_mirrored else 1]

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
                lines.append("\t".join(self.text(*each).replace("\n", " ") for each in ranges))
                sources.append(row_markdown(row))
        # A range that comes from the piece above begins before the first cell, at 0.
        if sources and not (self.continues and start == 0):
            sources.insert(1, separator_row(self._block.align))
        yield CopiedBlock(self._block, "\n".join(lines), "\n".join(sources), is_from_start=not start)


def share_columns(parts: list[TablePart], width: float) -> None:
    """Give the pieces of one table the same columns: within a width, unless words would have to be broken."""
    columns = list(zip(*(part.column_widths() for part in parts), strict=True))
    # In steps, so that a slightly wider row does not lay out all rows above it again.
    words = [_in_steps(max(low for low, _ in column)) for column in columns]
    natural = [_in_steps(max(high for _, high in column)) for column in columns]
    narrow, wide = (
        [min(high, max(low, parts[0].style.scaled(limit))) for low, high in zip(words, natural, strict=True)]
        for limit in (NARROW, WIDE)
    )
    widths: list[float] = list(natural)
    if sum(narrow) > width:
        widths = list(wide)
    elif sum(natural) > width:
        share = (width - sum(narrow)) / (sum(natural) - sum(narrow))
        widths = [low + (high - low) * share for low, high in zip(narrow, natural, strict=True)]
    for part in parts:
        part.table = parts
        part.set_columns([float(int(each)) for each in widths])


def _in_steps(width: float) -> int:
    return WIDTH_STEP * math.ceil(width / WIDTH_STEP)
