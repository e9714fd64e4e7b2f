"""Running text: paragraphs, headings, lists and quotes as one part, and the text that a user typed as another."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import (
    QPainter,
    QPainterPath,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)

from app.markdown.blocks import Block, Prose, Span, Style
from ui.transcript.blocks.formula import RenderContext, insert_formula
from ui.transcript.blocks.markdown import MARKERS, indented, span_length, spans_markdown, spans_slice
from ui.transcript.blocks.part import LINE_BREAK, Part, Range, common_prefix
from ui.transcript.style import HEADINGS


class TextPart(Part):
    """Paragraphs, headings, lists and quotes: one paragraph of the document for each block."""

    is_indented = False

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self.paragraphs: list[Prose] = []
        """One for each paragraph of the document."""
        self._unchanged = 0
        self.set_wrap_mode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show these blocks; equal ones at the front stay."""
        paragraphs = [block for block in blocks if isinstance(block, Prose)]
        unchanged = common_prefix(self.paragraphs, paragraphs)
        if unchanged == len(paragraphs) == len(self.paragraphs):
            return
        self._unchanged = unchanged
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        use_current = not self.paragraphs
        if unchanged < len(self.paragraphs):
            cursor.setPosition(self.document.findBlockByNumber(unchanged).position())
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            use_current = True
        else:
            cursor.movePosition(QTextCursor.MoveOperation.End)
        for number in range(unchanged, len(paragraphs)):
            block = paragraphs[number]
            gap = self.style.gap(paragraphs[number - 1], block) if number else 0
            block_format = self.style.block_format(block, gap)
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
        self.paragraphs, self.blocks = paragraphs, list(blocks)
        if any(span.formula for block in paragraphs[unchanged:] for span in block.spans):
            self.await_formulas(self.document.findBlockByNumber(unchanged))

    @property
    def changed_from(self) -> float:
        """Top of the paragraph before the first one that changed, where the caret may have been."""
        block = self.document.findBlockByNumber(max(0, self._unchanged - 1))
        return self.document.documentLayout().blockBoundingRect(block).top()

    # The text itself

    def _touched(self, start: int, end: int) -> Iterator[tuple[Prose, int, int]]:
        """Yield the paragraphs that a range touches, with the range inside each of them."""
        offset = 0
        for block in self.paragraphs:
            size = sum(map(span_length, block.spans))
            low, high = max(start - offset, 0), min(end - offset, size)
            if low < high or (not size and start <= offset < end):
                yield block, low, high
            offset += size + 1

    def text(self, start: int, end: int) -> str:
        """Return the text between two positions, with the markers of lists."""
        text, before = "", None
        for block, low, high in self._touched(start, end):
            if before is not None:
                text += "\n" if before.depth and block.depth else "\n\n"
            if block.marker and not low:
                text += f"{'  ' * (block.depth - 1)}{block.marker} "
            text += "".join(piece.text for piece in spans_slice(block.spans, low, high))
            before = block
        return text

    def markdown(self, start: int, end: int, *, continues: bool) -> str:
        """Return the paragraphs between two positions as Markdown."""
        lines: list[str] = []
        before: Prose | None = None
        for block, low, high in self._touched(start, end):
            quote = "> " * len(block.quotes)
            if before is not None and not (before.depth and block.depth and block.marker):
                lines.append(quote.rstrip() if before.quotes and block.quotes else "")
            heading = "#" * block.level + " " if block.level and not low else ""
            marker = MARKERS.get(block.marker, block.marker) + " " if block.marker and not low else ""
            indent = "  " * (block.depth - bool(block.marker)) if block.depth else ""
            lines.append(indented(marker + heading + spans_markdown(block.spans, low, high), indent + quote))
            before = block
        return "\n".join(lines)

    # Painting

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw list markers, quote bars and the background of inline code below the text."""
        for paragraph, rect in self.visible_paragraphs(clip):
            block = self.paragraphs[paragraph.blockNumber()]
            self._paint_margin(painter, paragraph, rect, block)
            self._paint_inline_code(painter, clip, paragraph, block)
        super().paint(painter, clip, selected, marked)

    def _paint_margin(self, painter: QPainter, paragraph: QTextBlock, rect: QRectF, block: Prose) -> None:
        number, style = paragraph.blockNumber(), self.style
        previous = self.paragraphs[number - 1] if number else self.previous
        self._paint_bars(painter, previous, block, rect.top(), rect.height())
        if not block.marker or not paragraph.layout().lineCount():
            return
        line = paragraph.layout().lineAt(0)
        painter.setFont(style.marker_fonts[block.level])
        painter.setPen(style.colour("quiet_text"))
        left = style.indent(block) - 8 - style.text_metrics.horizontalAdvance(block.marker)
        painter.drawText(QPointF(left, rect.top() + line.y() + line.ascent()), block.marker)

    def _paint_inline_code(self, painter: QPainter, clip: QRectF, paragraph: QTextBlock, block: Prose) -> None:
        position, half = paragraph.position(), self.style.size * 0.72
        for span in block.spans:
            after = position + span_length(span)
            if Style.CODE in span.style:
                for band in self._bands(clip, position, after, full=False):
                    path = QPainterPath()
                    top = band.center().y() - half
                    path.addRoundedRect(QRectF(band.x() - 1.5, top, band.width() + 3, 2 * half), 4, 4)
                    painter.fillPath(path, self.style.colour("code_ground"))
            position = after


class PlainTextPart(Part):
    """Text exactly as a user typed it."""

    def __init__(self, context: RenderContext, text: str) -> None:
        super().__init__(context)
        self.set_wrap_mode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        block_format = QTextBlockFormat()
        block_format.setLineHeight(self.style.line, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        cursor = QTextCursor(self.document)
        cursor.setBlockFormat(block_format)
        cursor.insertText(text)

    def lay_out(self, width: float) -> None:
        """Become as narrow as the text allows."""
        self.document.setTextWidth(-1)
        super().lay_out(min(width, self.document.idealWidth() + 1))


def write_spans(
    cursor: QTextCursor, spans: tuple[Span, ...], context: RenderContext, level: int, thought: bool
) -> None:
    """Insert spans at the cursor; ``level`` is that of a heading, or 0."""
    style = context.style
    for span in spans:
        span_style = span.style
        if Style.EMPHASIS in span_style and (span.formula or not style.emphasis_can_slant(span.text)):
            span_style = (span_style & ~Style.EMPHASIS) | Style.STRONG
        text_format = style.span_format(span_style, link=bool(span.href), level=level, thought=thought)
        if span.href:
            text_format = QTextCharFormat(text_format)
            text_format.setAnchorHref(span.href)
        if span.formula:
            size = style.size * (HEADINGS[level - 1] if level else 1)
            role = "link" if span.href else "quiet_text" if thought else "text"
            insert_formula(cursor, context, text_format, span, display=False, size=size, role=role)
        else:
            cursor.insertText(span.text.replace("\n", LINE_BREAK), text_format)
