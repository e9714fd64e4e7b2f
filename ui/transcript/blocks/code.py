"""Code blocks: a head with language and buttons, which stays in view, and highlighted lines with their numbers.

Long lines are scrolled or wrapped.  Long code is highlighted a little at a time.  A drawing is shown in place of its
code on request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QTextBlockFormat, QTextCursor, QTextLayout

from app.markdown.blocks import Block, Code, fenced, utf16_length
from app.markdown.control_characters import visible_in_code
from app.markdown.highlight import PLAIN_LANGUAGES, CodeRole, Line, coloured_lines
from app.previews.pages import is_page
from app.previews.svg import is_svg
from app.tool_calls import CALL, FAILED, RESULT
from app.translation import QT_TRANSLATE_NOOP
from ui.pictures.drawings import Drawing
from ui.pictures.thumbnails import fitted
from ui.transcript.blocks.formula import RenderContext
from ui.transcript.blocks.markdown import CopiedBlock
from ui.transcript.blocks.part import BAR_SIZE, Part, Range, common_prefix
from ui.transcript.decorations import Button, ButtonKind
from ui.transcript.item import TranscriptStrings
from ui.transcript.style import CODE_PAD, RADIUS, TextStyle

HIGHLIGHT_AT_ONCE = 3_000
"""Characters of code that are highlighted in one go: some milliseconds."""
_TOOL_LABELS = {
    CALL: QT_TRANSLATE_NOOP("transcript", "Tool call"),
    RESULT: QT_TRANSLATE_NOOP("transcript", "Result of the tool"),
    FAILED: QT_TRANSLATE_NOOP("transcript", "Error of the tool"),
}
MAX_DRAWING_HEIGHT = 560
"""Of a drawing in the transcript, in pixels without zoom."""
_DRAWING, _NOT_DRAWN = QT_TRANSLATE_NOOP("transcript", "Drawing…"), QT_TRANSLATE_NOOP("transcript", "Can't be drawn")
NUMBERED_LINES, LEAST_DIGITS = 20, 3
"""Lines from which on code in a language has their numbers, which have room for this many digits."""
NUMBER_SPACE = 12
"""Between a number and its line."""


class CodePart(Part):
    """A block of code.  Highlighting is formatting on top of the document."""

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
        self.head = 0.0
        """How far the head is below the top, where that is above the screen."""
        self._wraps = False
        self._preview = ""
        """The button beside the others: ``preview`` for a drawing, ``browser`` for HTML."""
        self._drawing: Drawing | None = None
        """The drawing that the part is laid out for."""
        self._drawing_rect = QRectF()
        self._digit = QFontMetricsF(self.style.code_font).horizontalAdvance("0")
        self.document.setDefaultFont(self.style.code_font)
        self.set_wrapping(False, tab_width=4 * self._digit)
        line_format = QTextBlockFormat()
        line_format.setLineHeight(self.style.code_line, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        QTextCursor(self.document).setBlockFormat(line_format)

    @property
    def inner(self) -> QPointF:
        """Corner of the code below the language, scrolled sideways."""
        return QPointF(CODE_PAD + self._numbers_width - self.offset, self.style.code_head)

    @property
    def window(self) -> QRectF:
        """The part without its head, the numbers of the lines and a margin at the sides."""
        numbers, head = self._numbers_width, self.style.code_head
        return QRectF(CODE_PAD / 2 + numbers, head, self.width - CODE_PAD - numbers, self.height - head)

    @property
    def _numbers_width(self) -> float:
        """Width of the numbers of the lines with the space after them; 0 without numbers."""
        count = len(self._lines)
        if count < NUMBERED_LINES or not self.block.language or self.block.language in PLAIN_LANGUAGES:
            return 0.0
        return round(max(LEAST_DIGITS, len(str(count))) * self._digit) + NUMBER_SPACE - CODE_PAD / 2

    @property
    def scroll_bar(self) -> QRectF:
        """Track of the scroll bar inside the background."""
        return QRectF(CODE_PAD, self.height - 4 - BAR_SIZE, self.width - 2 * CODE_PAD, BAR_SIZE)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one block of code; equal lines stay."""
        (code,) = blocks
        assert isinstance(code, Code)
        numbers_width = self._numbers_width
        before, self.block, self.blocks = self.block, code, blocks
        self._preview = "" if self.is_growing or self.context.drawings is None else _preview_of(code)
        # One edit block for text and highlighting, so that the lines are laid out once.
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        self._set_lines(visible_in_code(code.text).split("\n"), cursor)
        if code.language != before.language or not code.text.startswith(before.text):
            # The language above the code may have changed too.
            self._unchanged = self._next_line = 0
        elif self._numbers_width != numbers_width:
            self._unchanged = 0
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
                self.document.findBlockByNumber(self._next_line).layout().setFormats(
                    code_formats(highlight, self.style)
                )
            self._next_line += 1
            if time.perf_counter() > deadline:
                break
        else:
            self._highlighter = None
        cursor.endEditBlock()

    @property
    def changed_from(self) -> float:
        """Top of the line before the first one that changed."""
        if not self._unchanged:
            return 0.0
        block = self.document.findBlockByNumber(self._unchanged - 1)
        return self.style.code_head + self.document.documentLayout().blockBoundingRect(block).top()

    @property
    def is_stale(self) -> bool:
        """Whether it is laid out for another width, or its lines should be wrapped or not."""
        return super().is_stale or self._wraps != self.context.wraps_code or self._drawing is not self._shown_drawing

    @property
    def _shown_drawing(self) -> Drawing | None:
        drawings = self.context.drawings if self._preview else None
        return drawings.drawing(self.block.text) if drawings is not None else None

    def lay_out(self, width: float) -> None:
        """Find the height, and how far the longest line goes beyond the width."""
        if self._wraps != self.context.wraps_code:
            self._wraps = self.context.wraps_code
            self.set_wrapping(self._wraps, tab_width=4 * self._digit)
        self.width = width
        room = width - 2 * CODE_PAD - self._numbers_width
        wrapped = max(room, self._digit) if self._wraps else -1.0
        # Setting a width, even the same, lays every line out again.
        if self.document.textWidth() != wrapped:
            self.document.setTextWidth(wrapped)
        size = self.document.size()
        self.height = self.style.code_head + size.height() + CODE_PAD
        self.overflow = 0.0 if self._wraps else max(0.0, size.width() - room)
        self._drawing = self._shown_drawing
        if self._drawing is not None:
            self._lay_out_drawing(self._drawing)
        self.offset = min(self.offset, self.overflow)
        self.hold_head(self.head)

    def _lay_out_drawing(self, drawing: Drawing) -> None:
        """Place the drawing below the head, at most as wide as the part."""
        room, height = self.width - 2 * CODE_PAD, self.style.scaled(MAX_DRAWING_HEIGHT)
        largest = (
            min(room, self.style.scaled(round(drawing.width))),
            min(height, self.style.scaled(round(drawing.height))),
        )
        size = fitted(drawing.picture, *largest).toSizeF()
        self._drawing_rect = QRectF(QPointF(CODE_PAD, self.style.code_head), size)
        self.height, self.overflow = self._drawing_rect.bottom() + CODE_PAD, 0.0

    def hold_head(self, distance: float) -> bool:
        """Show the head this far below the top, but above the last line; true if it was elsewhere."""
        before = self.head
        if self._drawing is not None:
            distance = 0.0
        self.head = max(0.0, min(distance, self.height - self.style.code_head - self.style.code_line - CODE_PAD))
        return self.head != before

    def buttons(self, number: int, strings: TranscriptStrings) -> tuple[Button, ...]:
        """Return the buttons that show, wrap, save and copy the code, where there is something to show or wrap."""
        side, above = self.style.action, (self.style.code_head - self.style.action) / 2 + 1
        rect = QRectF(self.x + self.width - side - 5, self.y + self.head + above, side, side)
        copy = Button(f"code:{number}", rect, "copy", tip=strings.copy_code)
        save = Button(f"save:{number}", rect.translated(-side, 0), "save", tip=strings.save_code)
        tip = strings.unwrap_code if self._wraps else strings.wrap_code
        wrap = Button(f"wrap:{number}", rect.translated(-2 * side, 0), "wrap", tip=tip)
        # All lines are equally high.
        has_wrapped = self._wraps and self.document.size().height() > self.document.blockCount() * self.style.code_line
        wraps = (wrap,) if self._drawing is None and (has_wrapped or self.overflow) else ()
        place = rect.translated(-(2 + len(wraps)) * side, 0)
        return (*self._preview_buttons(number, strings, place), *wraps, save, copy)

    def _preview_buttons(self, number: int, strings: TranscriptStrings, rect: QRectF) -> Iterator[Button]:
        """Yield the drawing, and the button that shows it or the code, or opens HTML."""
        drawing = self._drawing
        if drawing is not None:
            title = strings.named_drawing.format(name=drawing.title) if drawing.title else strings.drawing
            place = self._drawing_rect.translated(self.x, self.y)
            kind = ButtonKind.PICTURE
            yield Button(f"picture:{number}", place, tip=title, kind=kind, picture=drawing.picture)
            yield Button(f"preview:{number}", rect, "code", tip=strings.unpreview_code)
        elif self._preview == "preview":
            yield Button(f"preview:{number}", rect, "preview", tip=strings.preview_code)
        elif self._preview:
            yield Button(f"browser:{number}", rect, "globe", tip=strings.open_code)

    @property
    def drawing(self) -> Drawing | None:
        """The drawing that is shown instead of the code."""
        return self._drawing

    def position_at(self, point: QPointF) -> int:
        """Return the position nearest to a point; that of a drawing is its start or its end."""
        if self._drawing is None:
            return super().position_at(point)
        return 0 if point.y() < self.height / 2 else self.length

    def rect_of(self, position: int) -> QRectF:
        """Return the caret rectangle of a position; all positions of a drawing are at its corner or its end."""
        if self._drawing is None:
            return super().rect_of(position)
        top = self._drawing_rect.top() if position < self.length else self._drawing_rect.bottom() - self.style.line
        return QRectF(CODE_PAD, top, 0, self.style.line)

    def line_rects(self, start: int, end: int) -> list[QRectF]:
        """Return the rectangles between two positions, one for each line; of a drawing its own."""
        return super().line_rects(start, end) if self._drawing is None else [self._drawing_rect]

    def pieces(self, start: int, end: int) -> Iterator[CopiedBlock]:
        """Yield the code, as Markdown in a fence."""
        if start < end:
            text, is_whole = self.text(start, end), not start and end == self.length
            source = fenced(text, self.block.language)
            yield CopiedBlock(self.block, source if is_whole else text, source, is_from_start=not start)

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw background, numbers, code, and above them the language."""
        style = self.style
        background = QPainterPath()
        background.addRoundedRect(QRectF(0, 0, self.width, self.height), RADIUS, RADIUS)
        painter.fillPath(background, style.colour("code_ground"))
        if self._drawing is not None:
            if selected:
                painter.fillRect(self._drawing_rect.adjusted(-4, -4, 4, 4), style.colour("selection"))
        else:
            super().paint(painter, clip, selected, marked)
            if self._numbers_width:
                self._paint_numbers(painter, clip)
        head = QRectF(0, self.head, self.width, style.code_head)
        if self.head:
            painter.fillRect(head, style.colour("code_ground"))
            painter.fillRect(QRectF(0, head.bottom() - 1, self.width, 1), style.colour("edge"))
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        room = head.adjusted(CODE_PAD, 2, -CODE_PAD - 4 * style.action, 0)
        label = self.block.language
        if label in _TOOL_LABELS:
            label = QCoreApplication.translate("transcript", _TOOL_LABELS[label])
        drawings = self.context.drawings if self._preview else None
        if drawings is not None and drawings.is_pending(self.block.text):
            label = f"{label} · {QCoreApplication.translate('transcript', _DRAWING)}"
        elif drawings is not None and drawings.has_failed(self.block.text):
            label = f"{label} · {QCoreApplication.translate('transcript', _NOT_DRAWN)}"
        language = style.small_metrics.elidedText(label, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, language)

    def _paint_numbers(self, painter: QPainter, clip: QRectF) -> None:
        """Draw the number of each line at the height of its first row."""
        painter.setFont(self.style.code_font)
        painter.setPen(self.style.colour("quiet_text"))
        corner = QPointF(0, self.style.code_head)
        right = self.inner.x() + self.offset - NUMBER_SPACE
        for block, rect in self.visible_paragraphs(clip.translated(-corner)):
            number, row = str(block.blockNumber() + 1), block.layout().lineAt(0)
            baseline = rect.top() + row.y() + row.ascent()
            painter.drawText(corner + QPointF(right - len(number) * self._digit, baseline), number)


def code_formats(line: Line, style: TextStyle) -> list[QTextLayout.FormatRange]:
    """Return the formats of a highlighted line."""
    formats, start = [], 0
    for text, role in line:
        length = utf16_length(text)
        if role is not CodeRole.PLAIN:
            range_ = QTextLayout.FormatRange()
            range_.start, range_.length, range_.format = start, length, style.code_formats[role]
            formats.append(range_)
        start += length
    return formats


def _preview_of(code: Code) -> str:
    if is_svg(code.text, code.language):
        return "preview"
    return "browser" if is_page(code.text, code.language) else ""
