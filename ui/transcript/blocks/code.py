"""Code blocks: language, highlighted lines, a bar to scroll long lines; long code is highlighted a little at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QTextBlockFormat, QTextCursor, QTextLayout

from app.markdown.blocks import Block, Code, fenced, utf16_length
from app.markdown.control_characters import visible_in_code
from app.markdown.highlight import CodeRole, Line, coloured_lines
from ui.transcript.blocks.formula import RenderContext
from ui.transcript.blocks.markdown import CopiedBlock
from ui.transcript.blocks.part import BAR_SIZE, Part, Range, common_prefix
from ui.transcript.style import CODE_PAD, RADIUS

HIGHLIGHT_AT_ONCE = 3_000
"""Characters of code that are highlighted in one go: some milliseconds."""


class CodePart(Part):
    """A block of code; lines are not wrapped.  Highlighting is formatting on top of the document."""

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self.block = Code("")
        self.is_growing = False
        """Whether more of it may arrive: then each line is highlighted alone when it is finished."""
        self._lines = [""]
        self._highlighter: Iterator[Line] | None = None
        """The rest of the highlighted lines."""
        self._next_line = 0
        """Number of the line that is highlighted next."""
        self._highlights: dict[int, Line] = {}
        """The highlighting in the document by the number of the line."""
        self._unchanged = 0
        """How many lines at the front the last change left as they were."""
        font = self.style.code_font
        self.document.setDefaultFont(font)
        self.disable_wrapping(tab_width=4 * QFontMetricsF(font).horizontalAdvance("0"))
        line_format = QTextBlockFormat()
        line_format.setLineHeight(self.style.code_line, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        QTextCursor(self.document).setBlockFormat(line_format)

    @property
    def inner(self) -> QPointF:
        """Corner of the code below the language, scrolled sideways."""
        return QPointF(CODE_PAD - self.offset, self.style.code_head)

    @property
    def window(self) -> QRectF:
        """The part without its head and a margin at the sides."""
        return QRectF(CODE_PAD / 2, self.style.code_head, self.width - CODE_PAD, self.height - self.style.code_head)

    @property
    def scroll_bar(self) -> QRectF:
        """Track of the scroll bar inside the background."""
        return QRectF(CODE_PAD, self.height - 4 - BAR_SIZE, self.width - 2 * CODE_PAD, BAR_SIZE)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one block of code; equal lines stay."""
        (code,) = blocks
        assert isinstance(code, Code)
        before, self.block, self.blocks = self.block, code, blocks
        # One edit block for text and highlighting, so that the lines are laid out once.
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        self._set_lines(visible_in_code(code.text).split("\n"), cursor)
        if code.language != before.language or not code.text.startswith(before.text):
            # The language above the code may have changed too.
            self._unchanged = self._next_line = 0
        if self.is_growing:
            finished = self._lines[self._next_line : -1]
            self._highlighter = (next(coloured_lines(line, code.language)) for line in finished)
        else:
            self._highlighter, self._next_line = coloured_lines(code.text, code.language), 0
        if self.is_growing or len(code.text) <= HIGHLIGHT_AT_ONCE:
            self.highlight_until(math.inf)
        cursor.endEditBlock()

    def _set_lines(self, lines: list[str], cursor: QTextCursor) -> None:
        before, self._lines = self._lines, lines
        self._unchanged = common_prefix(before, lines)
        # At least the last line of both is written again, which needs no insertion of a line break.
        first = min(self._unchanged, len(before) - 1, len(lines) - 1)
        start = self.document.findBlockByNumber(first)
        if self._highlights.get(first):
            start.layout().clearFormats()
        cursor.setPosition(start.position())
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText("\n".join(lines[first:]), self.style.code_formats[CodeRole.PLAIN])
        self._next_line = min(self._next_line, first)
        for number in range(first, len(before)):
            self._highlights.pop(number, None)

    @property
    def needs_highlight(self) -> bool:
        """Whether some of the code is not highlighted yet."""
        return self._highlighter is not None

    def highlight_until(self, deadline: float) -> None:
        """Highlight more lines until a time of ``perf_counter``."""
        assert self._highlighter is not None
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        for line in self._highlighter:
            highlight = line if any(role is not CodeRole.PLAIN for _, role in line) else ()
            if highlight != self._highlights.get(self._next_line, ()):
                self._highlights[self._next_line] = highlight
                self.document.findBlockByNumber(self._next_line).layout().setFormats(self._formats(highlight))
            self._next_line += 1
            if time.perf_counter() > deadline:
                break
        else:
            self._highlighter = None
        cursor.endEditBlock()

    def _formats(self, line: Line) -> list[QTextLayout.FormatRange]:
        formats, start = [], 0
        for text, role in line:
            length = utf16_length(text)
            if role is not CodeRole.PLAIN:
                range_ = QTextLayout.FormatRange()
                range_.start, range_.length, range_.format = start, length, self.style.code_formats[role]
                formats.append(range_)
            start += length
        return formats

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

    def pieces(self, start: int, end: int) -> Iterator[CopiedBlock]:
        """Yield the code, as Markdown in a fence."""
        if start < end:
            text, is_whole = self.text(start, end), not start and end == self.length
            source = fenced(text, self.block.language)
            yield CopiedBlock(self.block, source if is_whole else text, source, is_from_start=not start)

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw background, language and code."""
        style = self.style
        background = QPainterPath()
        background.addRoundedRect(QRectF(0, 0, self.width, self.height), RADIUS, RADIUS)
        painter.fillPath(background, style.colour("code_ground"))
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        head = QRectF(CODE_PAD, 2, self.width - 2 * CODE_PAD - style.action, style.code_head - 2)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.block.language)
        super().paint(painter, clip, selected, marked)
