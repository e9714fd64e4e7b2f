"""Text: paragraphs, headings, lists and quotes as one part, a display formula, and text that a user typed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)

from app.markdown.blocks import Block, Formula, Prose, Span, Style, has_chinese, has_right_to_left, is_right_to_left
from app.markdown.control_characters import visible_in_code
from app.markdown.highlight import coloured_lines
from app.markdown.parser import fenced_lines
from ui.transcript.blocks.code import code_formats
from ui.transcript.blocks.formula import (
    NO_WIDTH,
    SCALE,
    RenderContext,
    closing_behind,
    formula_scale,
    insert_formula,
    update_sizes,
)
from ui.transcript.blocks.markdown import CopiedBlock, spans_markdown
from ui.transcript.blocks.part import ISOLATE, ISOLATE_END, LINE_BREAK, Part, common_prefix, isolates_in
from ui.transcript.style import CODE_PAD, HEADINGS, RADIUS

MEASURED = 1_000
"""Characters of a line that are surely wider than a question may be."""
MAX_HIGHLIGHTED = 4_000
"""Characters of code in a question that are highlighted, all in one go: some milliseconds."""
FENCE_HEIGHT = 12
"""Of a fence without a language in a question."""
CODE_GAP = 8
"""Between code in a question and a line beside it."""
FORMULA_SPACE = 3
"""Above and below a display formula."""


class TextPart(Part):
    """Paragraphs, headings, lists and quotes: one paragraph of the document for each block."""

    is_indented = False

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self.paragraphs: list[Prose] = []
        """One for each paragraph of the document."""
        self._unchanged = 0

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show these blocks; equal ones at the front stay."""
        paragraphs = [block for block in blocks if isinstance(block, Prose)]
        unchanged = common_prefix(self.paragraphs, paragraphs)
        if unchanged == len(paragraphs) == len(self.paragraphs):
            return
        self._unchanged = unchanged
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        use_current = unchanged < max(1, len(self.paragraphs))
        if use_current:
            cursor.setPosition(self.document.findBlockByNumber(unchanged).position())
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        else:
            cursor.movePosition(QTextCursor.MoveOperation.End)
        is_mirrored = _is_mirrored(self.document.findBlockByNumber(unchanged - 1)) if unchanged else self.is_mirrored
        for number in range(unchanged, len(paragraphs)):
            block = paragraphs[number]
            gap = self.style.gap(paragraphs[number - 1], block) if number else 0
            direction = is_right_to_left(block)
            is_mirrored = is_mirrored if direction is None else direction
            block_format = self.style.block_format(block, gap, is_mirrored=is_mirrored)
            plain = self.style.span_format(Style.PLAIN, link=False, level=block.level, thought=block.thought)
            if use_current:
                cursor.setBlockFormat(block_format)
                cursor.setBlockCharFormat(plain)
                use_current = False
            else:
                cursor.insertBlock(block_format, plain)
            write_spans(cursor, block.spans, self.context, block.level, block.thought)
        if unchanged >= len(paragraphs) and paragraphs:
            # The removed text left an empty paragraph behind.
            cursor.deletePreviousChar()
        cursor.endEditBlock()
        self.paragraphs, self.blocks, self.is_mirrored = paragraphs, blocks, is_mirrored
        if any(span.formula for block in paragraphs[unchanged:] for span in block.spans):
            self.await_formulas(self.document.findBlockByNumber(unchanged))

    @property
    def changed_from(self) -> float:
        """Top of the paragraph before the first one that changed, where the caret may have been."""
        block = self.document.findBlockByNumber(max(0, self._unchanged - 1))
        return self.document.documentLayout().blockBoundingRect(block).top()

    def pieces(self, start: int, end: int) -> Iterator[CopiedBlock]:
        """Yield what a range touches of each paragraph."""
        paragraph = self.document.findBlock(start)
        while paragraph.isValid() and paragraph.position() < end:
            offset, size = paragraph.position(), paragraph.length() - 1
            low, high = max(start - offset, 0), min(end - offset, size)
            if low < high or not size:
                block = self.paragraphs[paragraph.blockNumber()]
                heading = "#" * block.level + " " if block.level and not low else ""
                isolates = isolates_in(paragraph)
                first, last = (each - bisect_left(isolates, offset + each) for each in (low, high))
                source = heading + spans_markdown(block.spans, first, last)
                yield CopiedBlock(block, self.text(offset + low, offset + high), source, is_from_start=not low)
            paragraph = paragraph.next()

    def paint_ground(self, painter: QPainter, clip: QRectF) -> None:
        """Draw list markers, quote bars and the background of inline code."""
        for paragraph, rect in self.visible_paragraphs(clip):
            block = self.paragraphs[paragraph.blockNumber()]
            self._paint_margin(painter, paragraph, rect, block)
            if any(Style.CODE in span.style for span in block.spans):
                self.paint_inline_code(painter, paragraph, rect)

    def _paint_margin(self, painter: QPainter, paragraph: QTextBlock, rect: QRectF, block: Prose) -> None:
        number = paragraph.blockNumber()
        previous = self.paragraphs[number - 1] if number else self.previous
        is_mirrored, layout = _is_mirrored(paragraph), paragraph.layout()
        if not layout.lineCount():
            return
        # The text is at the bottom of its lines, and the last one ends below the rectangle.
        line, last = layout.lineAt(0), layout.lineAt(layout.lineCount() - 1)
        beside = QRectF(rect.x(), rect.y() + line.y(), rect.width(), last.y() + last.height() - line.y())
        self._paint_bars(painter, previous, block, beside, is_mirrored)
        if block.marker:
            self._paint_marker(painter, block, rect.top() + line.y() + line.ascent(), is_mirrored)


class FormulaPart(Part):
    """A display formula: centred, scaled down where it is wide, scrolled where it is wider still."""

    is_text = False

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self._block = Formula("", "")
        self._drawn_width = 0.0
        self.set_wrapping(False)

    @property
    def inner(self) -> QPointF:
        """Corner of the formula: centred, and scrolled sideways."""
        return QPointF(max(0.0, (self.width - self._drawn_width) / 2) - self.offset, FORMULA_SPACE)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one formula."""
        (block,) = blocks
        assert isinstance(block, Formula)
        self._block, self.blocks = block, blocks
        cursor = QTextCursor(self.document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        plain = self.style.span_format(Style.PLAIN, link=False, level=0, thought=block.thought)
        span = Span(block.source, formula=block.formula)
        insert_formula(cursor, self.context, plain, span, display=True, size=self.style.size)
        self.await_formulas()

    def lay_out(self, width: float) -> None:
        """Find the height, and how far the formula goes beyond the width."""
        key = self._block.formula, True
        size = self.context.formulas.size(self.style, key, self._block.source, self.style.size * SCALE, width)
        is_other = width != self.width
        super().lay_out(width)
        shape = self.context.formulas.shape(*key)
        if is_other and shape is not None and shape.tag:
            # With its number it is as wide as the column.
            update_sizes(self.document, self.context)
            super().lay_out(width)
        self._drawn_width = size.width * formula_scale(size.width, width, display=True)
        self.overflow = max(0.0, self._drawn_width - width)
        self.offset = min(self.offset, self.overflow)
        self.height += 2 * FORMULA_SPACE + (6 if self.overflow else 0)

    def pieces(self, start: int, end: int) -> Iterator[CopiedBlock]:
        """Yield the source."""
        if start < end:
            yield CopiedBlock(self._block, self._block.source, self._block.source, is_from_start=True)

    @property
    def marker_height(self) -> float:
        """All of it."""
        return self.height


class PlainTextPart(Part):
    """Text exactly as a user typed it; code between fences looks like code, and the fences are not drawn."""

    def __init__(self, context: RenderContext, text: str) -> None:
        super().__init__(context)
        block_format = QTextBlockFormat()
        block_format.setLineHeight(self.style.line, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        cursor.setBlockFormat(block_format)
        cursor.insertText(text)
        lines = self.document.toPlainText().split("\n") if "```" in text else []
        self._code = list(fenced_lines(lines))
        """First and last paragraph of each code, and its language."""
        if self._code:
            self.set_wrapping(True, tab_width=4 * QFontMetricsF(self.style.code_font).horizontalAdvance("0"))
        for first, last, language in self._code:
            self._set_code(first, lines[first : last + 1], language)
            self._set_fence(first - 1, lines[first - 1], above=CODE_GAP if any(lines[first - 2 : first - 1]) else 0)
            if last + 1 < len(lines):
                self._set_fence(last + 1, lines[last + 1], below=CODE_GAP if any(lines[last + 2 : last + 3]) else 0)
        cursor.endEditBlock()
        self._longest = max(text.split("\n"), key=len)[:MEASURED]

    def _set_code(self, first: int, lines: list[str], language: str) -> None:
        """Give code its font, margins and colours."""
        cursor, code_format = QTextCursor(self.document), QTextBlockFormat()
        code_format.setLineHeight(self.style.code_line, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        code_format.setLeftMargin(CODE_PAD)
        code_format.setRightMargin(CODE_PAD)
        code_format.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        text_format = QTextCharFormat()
        text_format.setFont(self.style.code_font)
        block = self.document.findBlockByNumber(first)
        cursor.setPosition(block.position())
        last = self.document.findBlockByNumber(first + len(lines) - 1)
        cursor.setPosition(last.position() + last.length() - 1, QTextCursor.MoveMode.KeepAnchor)
        cursor.setBlockFormat(code_format)
        cursor.setCharFormat(text_format)
        code = "\n".join(lines)
        if len(code) <= MAX_HIGHLIGHTED:
            for line in coloured_lines(code, language):
                block.layout().setFormats(code_formats(line, self.style))
                block = block.next()

    def _set_fence(self, number: int, line: str, *, above: int = 0, below: int = 0) -> None:
        """Hide a fence; the language after it is the head of the code."""
        fence_format, head, hidden = QTextBlockFormat(), QTextCharFormat(), QTextCharFormat()
        height = FENCE_HEIGHT if not line.strip().strip("`") else self.style.code_head
        fence_format.setLineHeight(height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        fence_format.setLeftMargin(CODE_PAD)
        fence_format.setRightMargin(CODE_PAD)
        fence_format.setTopMargin(above)
        fence_format.setBottomMargin(below)
        head.setFont(self.style.small_font)
        head.setForeground(self.style.colour("quiet_text"))
        hidden.setFontLetterSpacingType(QFont.SpacingType.PercentageSpacing)
        hidden.setFontLetterSpacing(NO_WIDTH)
        hidden.setForeground(Qt.GlobalColor.transparent)
        cursor = QTextCursor(self.document.findBlockByNumber(number))
        start = cursor.position()
        cursor.setBlockFormat(fence_format)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(head)
        cursor.setPosition(start)
        cursor.setPosition(start + line.rindex("`") + 1, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(hidden)

    def paint_ground(self, painter: QPainter, clip: QRectF) -> None:
        """Draw the ground of code."""
        layout = self.document.documentLayout()
        for first, last, _ in self._code:
            top = layout.blockBoundingRect(self.document.findBlockByNumber(first - 1)).top()
            block = self.document.findBlockByNumber(last + 1)
            bottom = layout.blockBoundingRect(block if block.isValid() else self.document.lastBlock()).bottom()
            rect = QRectF(0, top, self.width, bottom - top)
            if rect.intersects(clip):
                path = QPainterPath()
                path.addRoundedRect(rect, RADIUS, RADIUS)
                painter.fillPath(path, self.style.colour("page"))

    def lay_out(self, width: float) -> None:
        """Become as narrow as the text allows."""
        needed = width
        if self.style.text_metrics.horizontalAdvance(self._longest) < width:
            # Only here, because it is another layout.
            self.document.setTextWidth(-1)
            needed = min(width, self.document.idealWidth() + 1)
        super().lay_out(needed)
        self.available = self.width


def write_spans(
    cursor: QTextCursor, spans: tuple[Span, ...], context: RenderContext, level: int, thought: bool
) -> None:
    """Insert spans at the cursor; ``level`` is that of a heading, or 0."""
    style = context.style
    texts = [visible_in_code(span.text) if Style.CODE in span.style else span.text for span in spans]
    is_bidirectional = any(map(has_right_to_left, texts))
    closing = ""
    for number, (span, text) in enumerate(zip(spans, texts, strict=True)):
        text_format = style.span_format(_drawn_style(span), link=bool(span.href), level=level, thought=thought)
        if span.href:
            text_format = QTextCharFormat(text_format)
            text_format.setAnchorHref(span.href)
        if span.formula:
            size = style.size * (HEADINGS[level - 1] if level else 1)
            closing, font = "" if is_bidirectional else closing_behind(spans, number), None
            if closing:
                font = style.span_font(_drawn_style(spans[number + 1]), level)
            insert_formula(
                cursor, context, text_format, span, display=False, size=size, closing=closing, closing_font=font
            )
        else:
            if closing:
                undrawn = QTextCharFormat(text_format)
                undrawn.setFontLetterSpacingType(QFont.SpacingType.PercentageSpacing)
                undrawn.setFontLetterSpacing(NO_WIDTH)
                undrawn.setForeground(Qt.GlobalColor.transparent)
                cursor.insertText(closing, undrawn)
                text, closing = text[len(closing) :], ""
            if is_bidirectional and Style.CODE in span.style:
                # Code is read from left to right; the text around it would change its order.
                text = f"{ISOLATE}{text}{ISOLATE_END}"
            cursor.insertText(text.replace("\n", LINE_BREAK), text_format)


def _drawn_style(span: Span) -> Style:
    """Return the style of a span: emphasis is bold where fonts have no italics."""
    if Style.EMPHASIS in span.style and (span.formula or has_chinese(span.text) or has_right_to_left(span.text)):
        return (span.style & ~Style.EMPHASIS) | Style.STRONG
    return span.style


def _is_mirrored(paragraph: QTextBlock) -> bool:
    return paragraph.blockFormat().layoutDirection() is Qt.LayoutDirection.RightToLeft
