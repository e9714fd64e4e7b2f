"""Code blocks: language, highlighted lines, a bar to scroll long lines; long code is highlighted a little at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QTextBlockFormat, QTextCursor, QTextOption

from app.markdown.blocks import Block, Code
from app.markdown.highlight import CodeRole, Line, coloured_lines
from ui.transcript.blocks.formula import RenderContext
from ui.transcript.blocks.markdown import indented
from ui.transcript.blocks.part import Part, Range
from ui.transcript.style import CODE_PAD, RADIUS

HIGHLIGHT_AT_ONCE = 3_000
"""Characters of code that are highlighted in one go: some milliseconds."""


class CodePart(Part):
    """A block of code; lines are not wrapped."""

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self.block = Code("")
        self.is_growing = False
        """Whether more of it may arrive: then each line is highlighted alone when it is finished."""
        self._lines: list[Line] = []
        self._highlighted: Iterator[Line] | None = None
        """The rest of long code that is being highlighted."""
        self._next_line = 0
        self._unchanged = 0
        """How many lines at the front the last change left as they were."""
        font = self.style.code_font
        self.document.setDefaultFont(font)
        self.set_wrap_mode(QTextOption.WrapMode.NoWrap, 4 * QFontMetricsF(font).horizontalAdvance("0"))
        self._line_format = QTextBlockFormat()
        self._line_format.setLineHeight(self.style.code_line, QTextBlockFormat.LineHeightTypes.FixedHeight.value)

    @property
    def inner(self) -> QPointF:
        """Corner of the code below the language, scrolled sideways."""
        return QPointF(CODE_PAD - self.offset, self.style.code_head)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one block of code; equal lines stay."""
        (code,) = blocks
        assert isinstance(code, Code)
        before, self.block, self.blocks = self.block, code, [code]
        extends = code.language == before.language and code.text.startswith(before.text)
        if self.is_growing:
            self._write(_growing_lines(code, self._lines if extends else []))
        elif len(code.text) <= HIGHLIGHT_AT_ONCE:
            self._write(list(coloured_lines(code.text, code.language)))
        else:
            plain = [_plain(line) for line in code.text.split("\n")]
            kept = self._lines[:-1] if extends else []
            self._write([*kept, *plain[len(kept) :]])
            self._highlighted, self._next_line = coloured_lines(code.text, code.language), 0
        if not extends:
            # The language above the code may have changed too.
            self._unchanged = 0

    @property
    def needs_highlight(self) -> bool:
        """Whether some of the code is not highlighted yet."""
        return self._highlighted is not None

    def highlight_until(self, deadline: float) -> None:
        """Highlight more lines until a time of ``perf_counter``."""
        assert self._highlighted is not None
        first, fresh = self._next_line, []
        for line in self._highlighted:
            fresh.append(line)
            if time.perf_counter() > deadline:
                break
        else:
            self._highlighted = None
        self._next_line += len(fresh)
        self._write([*self._lines[:first], *fresh, *self._lines[self._next_line :]])

    def _write(self, lines: list[Line]) -> None:
        """Set the lines that differ from the present ones."""
        self._unchanged = 0
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        old = self._lines
        for number, line in enumerate(lines):
            if number < len(old):
                if old[number] is line or old[number] == line:
                    self._unchanged += self._unchanged == number
                    continue
                cursor.setPosition(self.document.findBlockByNumber(number).position())
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.removeSelectedText()
            elif number:
                cursor.movePosition(QTextCursor.MoveOperation.End)
                cursor.insertBlock(self._line_format)
            else:
                cursor.setBlockFormat(self._line_format)
            for text, role in line:
                cursor.insertText(text, self.style.code_formats[role])
        if len(lines) < len(old):
            last = self.document.findBlockByNumber(len(lines) - 1)
            cursor.setPosition(last.position() + last.length() - 1)
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        cursor.endEditBlock()
        if len(lines) != len(old):
            self._highlighted = None
        self._lines = lines

    @property
    def changed_from(self) -> float:
        """Top of the line before the first one that changed."""
        return self.style.code_head + (self._unchanged - 1) * self.style.code_line if self._unchanged else 0.0

    def lay_out(self, width: float) -> None:
        """Find the height, and how far the longest line goes beyond the width."""
        # The document gets no width: setting one, even the same, lays every line out again.
        self.width = width
        size = self.document.size()
        self.height = self.style.code_head + size.height() + CODE_PAD
        self.overflow = max(0.0, size.width() + 2 * CODE_PAD - width)
        self.offset = min(self.offset, self.overflow)

    @property
    def button_rect(self) -> QRectF:
        """Place in the message for the button that copies the code."""
        side, above = self.style.action, (self.style.code_head - self.style.action) / 2 + 1
        return QRectF(self.x + self.width - side - 5, self.y + above, side, side)

    def markdown(self, start: int, end: int, *, continues: bool) -> str:
        """Return the code between two positions in a fence."""
        if start >= end:
            return ""
        fence = "```" if "```" not in self.block.text else "````"
        text = f"{fence}{self.block.language}\n{self.text(start, end)}\n{fence}"
        return indented(text, "  " * self.block.depth + "> " * len(self.block.quotes))

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw background, language, code, and a scroll bar where a line is too long."""
        style = self.style
        background = QPainterPath()
        background.addRoundedRect(QRectF(0, 0, self.width, self.height), RADIUS, RADIUS)
        painter.fillPath(background, style.colour("code_ground"))
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        head = QRectF(CODE_PAD, 2, self.width - 2 * CODE_PAD - style.action, style.code_head - 2)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.block.language)
        painter.save()
        body = QRectF(CODE_PAD / 2, style.code_head, self.width - CODE_PAD, self.height)
        painter.setClipRect(body, Qt.ClipOperation.IntersectClip)
        super().paint(painter, clip, selected, marked)
        painter.restore()
        self._paint_scroll_bar(painter, CODE_PAD, self.width - 2 * CODE_PAD, self.height - 4)


def _plain(line: str) -> Line:
    return ((line, CodeRole.PLAIN),) if line else ()


def _growing_lines(code: Code, known: list[Line]) -> list[Line]:
    """Return the lines of code that is being written; the last one, still open, is not highlighted."""
    kept = known[:-1]
    *finished, last = code.text.split("\n")
    fresh = [next(coloured_lines(line, code.language)) for line in finished[len(kept) :]]
    return [*kept, *fresh, _plain(last)]
