"""The pieces a message is drawn from, each one text document with its place: running text, code, a table, a rule.

A part knows how to grow while an answer is written: it keeps what stays and sets only the end anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QPainter,
    QPainterPath,
    QTextBlock,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
)

from app.markdown.blocks import Block, Prose, Style
from ui.transcript.formula import OBJECT, OBJECT_TYPE, align_again, formulas_in, key_of, places, with_sources
from ui.transcript.spans import LINE_BREAK, find_text, write_spans
from ui.transcript.style import TextStyle

Range = tuple[int, int]


class Part:
    """One piece; ``x`` and ``y`` are its corner in the message."""

    is_text = True
    """Whether one reads along it; a formula is one thing."""

    def __init__(self, style: TextStyle) -> None:
        self.style = style
        self.x = self.y = self.width = self.height = 0.0
        self.document = QTextDocument()
        self.document.setUndoRedoEnabled(False)
        self.document.setDocumentMargin(0)
        self.document.setDefaultFont(style.text_font)
        self.document.documentLayout().registerHandler(OBJECT_TYPE, style.formula_object)
        self.blocks: list[Block] = []
        self.before: Block | None = None
        """The last block of the part above."""
        self.is_stale = True
        """Whether its height may have changed since it was laid out."""
        self._awaited: set[tuple[str, bool]] = set()

    @property
    def inner(self) -> QPointF:
        """Where the document begins inside the part."""
        return QPointF(0, 0)

    @property
    def rect(self) -> QRectF:
        """Its place in the message."""
        return QRectF(self.x, self.y, self.width, self.height)

    @property
    def changed_from(self) -> float:
        """How far from its top it is as it was before the last change."""
        return 0.0

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show these blocks, keeping what is the same."""

    def lay_out(self, width: float) -> None:
        """Find the height for a width."""
        self.width = width
        # A table is laid out again even for the width it has.
        if self.document.textWidth() != width:
            self.document.setTextWidth(width)
        self.height = self.document.size().height()

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw what lies in ``clip``; both are in the part's own coordinates."""
        painter.save()
        painter.translate(self.inner)
        clip = clip.translated(-self.inner)
        for start, end in marked:
            self._paint_range(painter, clip, start, end, "accent", 0.3)
        if selected:
            self._paint_range(painter, clip, *selected, "selection", 1.0)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = self.style.palette
        context.clip = clip
        self.document.documentLayout().draw(painter, context)
        painter.restore()

    def await_formulas(self, first: QTextBlock | None = None) -> None:
        """Remember which formulas, from a paragraph on, are still to be drawn."""
        known = self.style.formulas.is_known
        keys = {key_of(shape) for _, shape in formulas_in(self.document, first)}
        self._awaited |= {key for key in keys if not known(*key)}

    def take_formulas(self) -> bool:
        """Show the formulas that have been drawn meanwhile; true if there are some."""
        if not self._awaited:
            return False
        arrived = {key for key in self._awaited if self.style.formulas.is_known(*key)}
        if arrived:
            self._awaited -= arrived
            align_again(self.document, self.style)
        return bool(arrived)

    def scroll(self, by: float) -> bool:
        """Move what is wider than the page sideways; false if there is nothing to move."""
        return False

    def position_at(self, point: QPointF) -> int:
        """The place in the text nearest to a point."""
        at = self.document.documentLayout().hitTest(point - self.inner, Qt.HitTestAccuracy.FuzzyHit)
        return max(0, at)

    def link_at(self, point: QPointF) -> str:
        """The address under a point."""
        return self.document.documentLayout().anchorAt(point - self.inner)

    @property
    def length(self) -> int:
        """How many places the text has."""
        return self.document.characterCount() - 1

    def caret(self) -> QRectF:
        """Where the next character goes, in the part's coordinates."""
        return self.place_of(self.length)

    def place_of(self, position: int) -> QRectF:
        """Where a place of the text lies, in the part's coordinates."""
        block = self.document.findBlock(position)
        if not block.isValid():
            return QRectF(0, 0, 0, self.style.line)
        line = block.layout().lineForTextPosition(position - block.position())
        corner = self.document.documentLayout().blockBoundingRect(block).topLeft() + self.inner
        if not line.isValid():
            return QRectF(corner.x(), corner.y(), 0, self.style.line)
        x = _x(line.cursorToX(position - block.position()))
        return QRectF(corner.x() + x, corner.y() + line.y(), 0, line.height())

    def text(self, start: int, end: int) -> str:
        """The characters between two places, as one would copy them."""
        cursor = QTextCursor(self.document)
        cursor.setPosition(start)
        cursor.setPosition(min(end, self.length), QTextCursor.MoveMode.KeepAnchor)
        text = cursor.selectedText().replace("\u2029", "\n").replace(LINE_BREAK, "\n")
        return with_sources(self.document, text, start)

    def word_at(self, position: int) -> Range:
        """The word around a place."""
        return self._around(position, QTextCursor.SelectionType.WordUnderCursor)

    def paragraph_at(self, position: int) -> Range:
        """The paragraph around a place."""
        return self._around(position, QTextCursor.SelectionType.BlockUnderCursor)

    def find(self, needle: str) -> list[Range]:
        """Where a text occurs, whatever the case."""
        return find_text(self.document, pattern_of(needle)) if needle else []

    def links(self) -> Iterator[tuple[int, int, str]]:
        """The stretches that lead somewhere: from, to, address."""
        block = self.document.begin()
        while block.isValid():
            start, end, address = 0, 0, ""
            for run in block.textFormats():
                href = run.format.anchorHref() if run.format.isAnchor() else ""
                if href and href == address and run.start == end:
                    end = run.start + run.length
                    continue
                if address:
                    yield block.position() + start, block.position() + end, address
                start, end, address = run.start, run.start + run.length, href
            if address:
                yield block.position() + start, block.position() + end, address
            block = block.next()

    def bands(self, start: int, end: int) -> list[QRectF]:
        """The stretches of lines between two places, in the part's coordinates."""
        everything = QRectF(0, 0, self.width, self.height)
        return [band.translated(self.inner) for band in self._bands(everything, start, end, full=False)]

    def _around(self, position: int, what: QTextCursor.SelectionType) -> Range:
        if what is QTextCursor.SelectionType.WordUnderCursor and self.document.characterAt(position) == OBJECT:
            return position, position + 1
        cursor = QTextCursor(self.document)
        cursor.setPosition(min(position, self.length))
        cursor.select(what)
        start = cursor.selectionStart()
        if what is QTextCursor.SelectionType.BlockUnderCursor:
            block = self.document.findBlock(position)
            start = block.position()
        return start, cursor.selectionEnd()

    def visible_blocks(self, clip: QRectF, first: QTextBlock | None = None) -> Iterator[tuple[QTextBlock, QRectF]]:
        """The paragraphs that lie in ``clip``, from ``first`` on."""
        layout = self.document.documentLayout()
        if first is None:
            near = layout.hitTest(QPointF(0, max(0.0, clip.top())), Qt.HitTestAccuracy.FuzzyHit)
            first = self.document.findBlock(max(0, near))
            if first.previous().isValid():
                first = first.previous()
        block = first
        while block.isValid():
            rect = layout.blockBoundingRect(block)
            if rect.top() > clip.bottom():
                return
            yield block, rect
            block = block.next()

    def _bands(self, clip: QRectF, start: int, end: int, *, full: bool) -> Iterator[QRectF]:
        """The stretches of lines between two places; ``full`` joins line to line without a gap."""
        for block, rect in self.visible_blocks(clip):
            if block.position() >= end and not (block.position() == end == start):
                return
            if block.position() + block.length() <= start:
                continue
            layout, top = block.layout(), 0.0
            for number in range(layout.lineCount()):
                line = layout.lineAt(number)
                bottom = line.y() + line.height()
                first = max(start - block.position(), line.textStart())
                last = min(end - block.position(), line.textStart() + line.textLength())
                past = full and end - block.position() > line.textStart() + line.textLength() - 1 and last >= first
                if first < last or (past and first <= last):
                    left, right = (_x(line.cursorToX(place)) for place in (first, last))
                    right += 5 if past and number == layout.lineCount() - 1 else 0
                    y = top if full else line.y()
                    yield QRectF(rect.x() + left, rect.y() + y, right - left, bottom - y)
                top = bottom

    def _paint_range(self, painter: QPainter, clip: QRectF, start: int, end: int, role: str, opacity: float) -> None:
        colour = self.style.colour(role)
        colour.setAlphaF(opacity)
        for band in self._bands(clip, start, end, full=True):
            painter.fillRect(band, colour)


@lru_cache(maxsize=8)
def pattern_of(needle: str) -> re.Pattern[str]:
    """What finds a text whatever the case."""
    return re.compile(re.escape(needle), re.IGNORECASE)


def find_in(parts: list[Part], needle: str) -> dict[int, list[Range]]:
    """The parts in which a text occurs, and where."""
    return {at: ranges for at, part in enumerate(parts) if (ranges := part.find(needle))}


def _x(value: object) -> float:
    return float(value[0] if isinstance(value, tuple) else value)  # type: ignore[arg-type]


class FlowPart(Part):
    """Paragraphs, headings, lists and quotes: one paragraph of the document a block."""

    def __init__(self, style: TextStyle) -> None:
        super().__init__(style)
        self.prose: list[Prose] = []
        """One for each paragraph of the document."""
        self._same = 0
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document.setDefaultTextOption(option)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show these blocks; the same ones at the front are not touched."""
        prose = [block for block in blocks if isinstance(block, Prose)]
        same = 0
        for old, new in zip(self.prose, prose, strict=False):
            if old is not new and old != new:
                break
            same += 1
        if same == len(prose) == len(self.prose):
            return
        self._same = same
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        if same < len(self.prose):
            cursor.setPosition(self.document.findBlockByNumber(same).position())
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            fresh = True
        else:
            cursor.movePosition(QTextCursor.MoveOperation.End)
            fresh = not self.prose
        for number in range(same, len(prose)):
            block = prose[number]
            shape = self.style.block_format(block, self.style.gap(prose[number - 1], block) if number else 0)
            plain = self.style.span_format(Style.PLAIN, link=False, level=block.level, thought=block.thought)
            if fresh:
                cursor.setBlockFormat(shape)
                cursor.setBlockCharFormat(plain)
                fresh = False
            else:
                cursor.insertBlock(shape, plain)
            write_spans(cursor, block.spans, self.style, block.level, block.thought)
        if same >= len(prose) and prose:
            # What was removed left an empty paragraph behind; it goes with the break before it.
            cursor.deletePreviousChar()
        cursor.endEditBlock()
        self.prose, self.blocks = prose, list(blocks)
        if any(span.formula for block in prose[same:] for span in block.spans):
            self.await_formulas(self.document.findBlockByNumber(same))

    @property
    def changed_from(self) -> float:
        """The top of the paragraph before the first one that changed: a caret may have stood in it."""
        block = self.document.findBlockByNumber(max(0, self._same - 1))
        return self.document.documentLayout().blockBoundingRect(block).top()

    def text(self, start: int, end: int) -> str:
        """The characters between two places, with the markers of lists."""
        lines = []
        block = self.document.findBlock(start)
        while block.isValid() and block.position() <= end:
            first, last = max(start, block.position()), min(end, block.position() + block.length() - 1)
            prose = self.prose[block.blockNumber()]
            marker = f"{'  ' * (prose.depth - 1)}{prose.marker} " if prose.marker and first == block.position() else ""
            after = "" if block.position() + block.length() > end else "\n"
            following = self.prose[block.blockNumber() + 1] if block.next().isValid() else None
            if after and not (following and following.depth and prose.depth):
                after = "\n\n"
            lines.append(marker + super().text(first, last) + after)
            block = block.next()
        return "".join(lines)

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw markers, bars and the ground of code below the text."""
        blocks = [(block, rect, self.prose[block.blockNumber()]) for block, rect in self.visible_blocks(clip)]
        for block, rect, prose in blocks:
            self._paint_marks(painter, block, rect, prose)
            self._paint_inline_code(painter, clip, block, prose)
        super().paint(painter, clip, selected, marked)

    def _paint_marks(self, painter: QPainter, block: QTextBlock, rect: QRectF, prose: Prose) -> None:
        style, before = self.style, self.prose[block.blockNumber() - 1] if block.blockNumber() else self.before
        joined = style.bars(before) if before else []
        for left in style.bars(prose):
            above = style.gap(before, prose) + 1 if left in joined else 0
            painter.fillRect(QRectF(left, rect.top() - above, 3, rect.height() + above), style.colour("hairline"))
        if not prose.marker or not block.layout().lineCount():
            return
        line = block.layout().lineAt(0)
        font = style.marker_fonts[prose.level]
        painter.setFont(font)
        painter.setPen(style.colour("quiet_text"))
        width = style.text_metrics.horizontalAdvance(prose.marker)
        painter.drawText(QPointF(style.indent(prose) - 8 - width, rect.top() + line.y() + line.ascent()), prose.marker)

    def _paint_inline_code(self, painter: QPainter, clip: QRectF, block: QTextBlock, prose: Prose) -> None:
        at = block.position()
        for span in prose.spans:
            if Style.CODE in span.style:
                for band in self._bands(clip, at, at + places(span), full=False):
                    path = QPainterPath()
                    middle = band.center().y()
                    half = self.style.size * 0.72
                    path.addRoundedRect(QRectF(band.x() - 1.5, middle - half, band.width() + 3, 2 * half), 4, 4)
                    painter.fillPath(path, self.style.colour("code_ground"))
            at += places(span)


class PlainPart(Part):
    """Text exactly as a person typed it."""

    def __init__(self, style: TextStyle, text: str) -> None:
        super().__init__(style)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document.setDefaultTextOption(option)
        shape = QTextBlockFormat()
        shape.setLineHeight(style.line, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        cursor = QTextCursor(self.document)
        cursor.setBlockFormat(shape)
        cursor.insertText(text)

    def lay_out(self, width: float) -> None:
        """Become as narrow as the text allows."""
        self.document.setTextWidth(-1)
        super().lay_out(min(width, self.document.idealWidth() + 1))


class RulePart(Part):
    """A line across."""

    def set_blocks(self, blocks: list[Block]) -> None:
        """Keep the block for what follows it."""
        self.blocks = list(blocks)

    def lay_out(self, width: float) -> None:
        """Take the whole width."""
        self.width, self.height = width, 9

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw the line."""
        painter.fillRect(QRectF(0, 4, self.width, 1), self.style.colour("hairline"))
