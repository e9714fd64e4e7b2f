"""The parts with a ground or a frame of their own: code and tables."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QPainter,
    QPainterPath,
    QTextBlockFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextOption,
    QTextTable,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.render.blocks import Block, Code, Style, Table
from app.render.highlight import CodeRole, highlight
from ui.transcript.parts import Part, Range, write_spans
from ui.transcript.style import CODE_HEAD, CODE_PAD, RADIUS, TextStyle

Line = tuple[tuple[str, CodeRole], ...]

_ALIGN = {"center": Qt.AlignmentFlag.AlignHCenter, "right": Qt.AlignmentFlag.AlignRight}


class CodePart(Part):
    """A block of code: a head with its language, the code below it, scrolled sideways where a line is too long."""

    def __init__(self, style: TextStyle) -> None:
        super().__init__(style)
        self._code = Code("")
        self._lines: list[Line] = []
        self.growing = False
        self.offset = 0.0
        self.document.setDefaultFont(style.code_font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        option.setTabStopDistance(style.small_metrics.horizontalAdvance("0") * 4)
        self.document.setDefaultTextOption(option)
        self._shape = QTextBlockFormat()
        self._shape.setLineHeight(style.code_line, QTextBlockFormat.LineHeightTypes.FixedHeight.value)

    @property
    def code(self) -> str:
        """The code as it was written."""
        return self._code.text

    @property
    def inner(self) -> QPointF:
        """Below the head, moved sideways as far as it is scrolled."""
        return QPointF(CODE_PAD - self.offset, CODE_HEAD)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one block of code; while it grows only its last line is set anew."""
        (code,) = blocks
        assert isinstance(code, Code)
        if self.blocks and code == self._code and not self.growing:
            return
        grows = bool(self.blocks) and code.language == self._code.language and code.text.startswith(self._code.text)
        text = code.text
        lines = (
            _lines(text, code.language, self._lines if grows else [])
            if self.growing
            else _coloured(text, code.language)
        )
        self._write(lines)
        self._code, self.blocks = code, [code]

    def settle(self) -> None:
        """The code is whole: colour it as a whole, since a string may reach over lines."""
        if self.growing:
            self.growing = False
            self._write(_coloured(self._code.text, self._code.language))

    def _write(self, lines: list[Line]) -> None:
        """Set the lines that are not as they were."""
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        old = self._lines
        for number, line in enumerate(lines):
            if number < len(old):
                if old[number] is line or old[number] == line:
                    continue
                cursor.setPosition(self.document.findBlockByNumber(number).position())
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.removeSelectedText()
            elif number:
                cursor.movePosition(QTextCursor.MoveOperation.End)
                cursor.insertBlock(self._shape)
            else:
                cursor.setBlockFormat(self._shape)
            for stretch, role in line:
                cursor.insertText(stretch, self.style.code_format(role))
        if len(lines) < len(old):
            last = self.document.findBlockByNumber(len(lines) - 1)
            cursor.setPosition(last.position() + last.length() - 1)
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        cursor.endEditBlock()
        self._lines = lines

    def lay_out(self, width: float) -> None:
        """Lines are as long as they are; what goes beyond the width can be scrolled to."""
        self.width = width
        self.document.setTextWidth(-1)
        size = self.document.size()
        self.height = CODE_HEAD + size.height() + CODE_PAD
        self.overflow = max(0.0, size.width() + 2 * CODE_PAD - width)
        self.offset = min(self.offset, self.overflow)

    def scroll(self, by: float) -> bool:
        """Move the code sideways; false if it was at its end."""
        offset = min(max(0.0, self.offset + by), self.overflow)
        moved, self.offset = offset != self.offset, offset
        return moved

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw the ground, the language, the code, and a bar where it can be scrolled."""
        style = self.style
        ground = QPainterPath()
        ground.addRoundedRect(QRectF(0, 0, self.width, self.height), RADIUS, RADIUS)
        painter.fillPath(ground, style.colour("code_ground"))
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        head = QRectF(CODE_PAD, 2, self.width - 2 * CODE_PAD - 32, CODE_HEAD - 2)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._code.language)
        painter.save()
        edge = CODE_PAD / 2
        painter.setClipRect(QRectF(edge, CODE_HEAD, self.width - 2 * edge, self.height), Qt.ClipOperation.IntersectClip)
        super().paint(painter, clip, selected, marked)
        painter.restore()
        if self.overflow:
            whole = self.width - 2 * CODE_PAD
            share = whole / (whole + self.overflow)
            left = CODE_PAD + self.offset * share
            bar = QPainterPath()
            bar.addRoundedRect(QRectF(left, self.height - 7, whole * share, 3), 1.5, 1.5)
            painter.fillPath(bar, style.colour("edge"))


def _coloured(text: str, language: str) -> list[Line]:
    """The lines of a text that was coloured as a whole."""
    lines: list[list[tuple[str, CodeRole]]] = [[]]
    for stretch, role in highlight(text, language):
        first, *others = stretch.split("\n")
        if first:
            lines[-1].append((first, role))
        lines += [[(piece, role)] if piece else [] for piece in others]
    return [tuple(line) for line in lines]


def _lines(text: str, language: str, known: list[Line]) -> list[Line]:
    """The lines of a text that is still growing, each coloured alone; the last one, still open, is not."""
    keep = known[: max(0, len(known) - 1)]
    *whole, last = text.split("\n")
    fresh = [tuple(highlight(line, language)) for line in whole[len(keep) :]]
    return [*keep, *fresh, ((last, CodeRole.PLAIN),) if last else ()]


class TablePart(Part):
    """A table with hairlines between its rows."""

    def __init__(self, style: TextStyle) -> None:
        super().__init__(style)
        self._shown: Table | None = None
        self._table: QTextTable | None = None

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one table; rows that are the same stay."""
        (table,) = blocks
        assert isinstance(table, Table)
        if table == self._shown:
            return
        shown, edit = self._shown, QTextCursor(self.document)
        # Without one block around them every cell would lay the whole table out again.
        edit.beginEditBlock()
        if shown and self._table and (shown.head, shown.align) == (table.head, table.align):
            same = 0
            for old, new in zip(shown.rows, table.rows, strict=False):
                if old is not new and old != new:
                    break
                same += 1
            if same < len(shown.rows):
                self._table.removeRows(same + 1, len(shown.rows) - same)
            if same < len(table.rows):
                self._table.appendRows(len(table.rows) - same)
            self._fill(table, same)
        else:
            self._build(table)
        edit.endEditBlock()
        self._shown, self.blocks = table, [table]

    def _build(self, table: Table) -> None:
        cursor = QTextCursor(self.document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        shape = QTextTableFormat()
        shape.setBorder(0)
        shape.setCellPadding(0)
        shape.setCellSpacing(0)
        shape.setBorderCollapse(True)
        shape.setHeaderRowCount(1)
        shape.setWidth(QTextLength())
        self._table = cursor.insertTable(1 + len(table.rows), len(table.head), shape)
        self._write_row(0, table.head, table)
        self._fill(table, 0)
        # A document ends with a paragraph; below a table it would stand as an empty line.
        last = QTextBlockFormat()
        last.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        end = QTextCursor(self.document)
        end.movePosition(QTextCursor.MoveOperation.End)
        end.setBlockFormat(last)

    def _fill(self, table: Table, first: int) -> None:
        for number in range(first, len(table.rows)):
            self._write_row(number + 1, table.rows[number], table)

    def _write_row(self, row: int, cells: tuple, table: Table) -> None:  # type: ignore[type-arg]
        assert self._table
        for column, spans in enumerate(cells):
            cell = self._table.cellAt(row, column)
            frame = QTextTableCellFormat()
            frame.setPadding(7)
            frame.setLeftPadding(0 if column == 0 else 12)
            frame.setRightPadding(12)
            frame.setBottomBorder(1)
            frame.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            frame.setBottomBorderBrush(self.style.colour("edge" if row == 0 else "hairline"))
            cell.setFormat(frame)
            cursor = cell.firstCursorPosition()
            shape = QTextBlockFormat()
            shape.setLineHeight(round(self.style.line * 0.9), QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
            shape.setAlignment(_ALIGN.get(table.align[column], Qt.AlignmentFlag.AlignLeft))
            cursor.setBlockFormat(shape)
            bold = tuple(type(s)(s.text, s.style | Style.STRONG, s.href) for s in spans) if row == 0 else spans
            write_spans(cursor, bold, self.style, 0, table.thought)
