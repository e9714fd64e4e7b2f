"""Base class of the parts of a message: one QTextDocument with its position, and a horizontal rule.

While an answer is written, a part keeps its unchanged beginning and replaces only its end.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextLine,
    QTextOption,
)

from app.markdown.blocks import Block, Prose, has_right_to_left, utf16_length
from app.markdown.parser import BULLETS
from ui.transcript.blocks.formula import (
    OBJECT,
    OBJECT_TYPE,
    FormulaKey,
    RenderContext,
    formula_key,
    formula_source,
    formulas_in,
    is_pending,
    update_sizes,
)
from ui.transcript.blocks.markdown import CopiedBlock
from ui.transcript.decorations import Button
from ui.transcript.item import TranscriptStrings
from ui.transcript.style import INLINE_CODE

_REPLACED = re.compile(f"[{OBJECT}\u2066\u2069]")
"""Characters of a document that may stand for others."""
Range = tuple[int, int]
Paragraphs = Sequence[tuple[QTextBlock, QRectF]]
"""Consecutive paragraphs with their rectangles in the document."""
LINE_BREAK = "\u2028"
BAR_SIZE = 3
"""Width of a quote bar, and height of the scroll bar below a part that is wider than the column."""
BULLET_SIZE = 0.36
"""Of the bullet of a list, in the text size."""
MARKER_SPACE = 8
"""Between the marker of a list item and its text."""
REVEAL_MARGIN = 40.0
RIGHT_TO_LEFT_MARK = "\u200f"
ISOLATE, ISOLATE_END = "\u2066", "\u2069"
"""Around inline code in text from right to left; code itself has neither, see ``visible_in_code``."""


class Part:
    """One part of a message; ``x`` and ``y`` are its corner in the message, positions are those of its document."""

    is_text = True
    """Whether it is read along a line; a formula is one object."""
    is_indented = True
    """Whether the part begins where its block does; running text indents each paragraph separately."""
    continues = False
    """Whether it is a later piece of the table in the part above."""
    is_mirrored = False
    """Whether text beside it is read from right to left, so that its indent, bars and marker are at the right."""

    def __init__(self, context: RenderContext) -> None:
        self.context, self.style = context, context.style
        self.x = self.y = self.width = self.height = self.available = 0.0
        """Place and size; ``available`` is the width that it should be laid out for."""
        self.offset = self.overflow = 0.0
        """How far it is scrolled sideways, and how far it can be."""
        self.document = QTextDocument()
        self.document.setUndoRedoEnabled(False)
        self.document.setDocumentMargin(0)
        self.document.setDefaultFont(self.style.text_font)
        self.document.documentLayout().registerHandler(OBJECT_TYPE, context.formula_object)
        self.blocks: list[Block] = []
        """Consecutive blocks of running text, or the one block."""
        self.previous: Block | None = None
        """The last block of the part above."""
        self.needs_layout = True
        self.pending_formulas: set[FormulaKey] = set()

    @property
    def is_stale(self) -> bool:
        """Whether it is laid out for another width."""
        return self.width != self.available

    @property
    def inner(self) -> QPointF:
        """Corner of the document inside the part."""
        return QPointF(0, 0)

    @property
    def window(self) -> QRectF:
        """Rectangle in the part through which the document is seen."""
        return QRectF(0, 0, self.width, self.height)

    @property
    def scroll_bar(self) -> QRectF:
        """Track of the scroll bar, where the part is wider than the column."""
        return QRectF(0, self.height - BAR_SIZE, self.width, BAR_SIZE)

    @property
    def rect(self) -> QRectF:
        """Rectangle of the part in the message."""
        return QRectF(self.x, self.y, self.width, self.height)

    @property
    def changed_from(self) -> float:
        """Height down to which the last change left the part as it was."""
        return 0.0

    @property
    def length(self) -> int:
        """Number of positions in the text."""
        return self.document.characterCount() - 1

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show other blocks, keeping what is unchanged in the document."""
        self.blocks = blocks

    def lay_out(self, width: float) -> None:
        """Find the height for a width."""
        self.width = width
        # Setting even the same width would lay a table out again.
        if self.document.textWidth() != width:
            self.document.setTextWidth(width)
        self.height = self.document.size().height()

    def set_wrapping(self, wraps: bool, tab_width: float = -1) -> None:
        """Break lines anywhere, or nowhere; ``tab_width`` in pixels, or -1 for the default."""
        option, modes = QTextOption(), QTextOption.WrapMode
        option.setWrapMode(modes.WrapAtWordBoundaryOrAnywhere if wraps else modes.NoWrap)
        option.setTabStopDistance(tab_width)
        self.document.setDefaultTextOption(option)

    def buttons(self, number: int, strings: TranscriptStrings) -> tuple[Button, ...]:
        """Return the buttons of the part, whose number is ``number``."""
        return ()

    def await_formulas(self, first: QTextBlock | None = None) -> None:
        """Remember the formulas, from a paragraph on, that are not rendered yet."""
        formulas = (text_format for _, text_format in formulas_in(self.document, first))
        self.pending_formulas |= {formula_key(text_format) for text_format in formulas if is_pending(text_format)}

    def update_formulas(self) -> bool:
        """Show the formulas that have been rendered since; true if there are some."""
        finished = {key for key in self.pending_formulas if self.context.formulas.is_finished(*key)}
        if finished:
            self.pending_formulas -= finished
            self.needs_layout = True
            update_sizes(self.document, self.context)
        return bool(finished)

    def scroll(self, distance: float) -> bool:
        """Scroll sideways; false if it is at its end already."""
        before = self.offset
        self.offset = min(max(0.0, before + distance), self.overflow)
        return self.offset != before

    def reveal(self, position: int) -> None:
        """Scroll sideways until a position can be seen."""
        x, margin = self.rect_of(position).x(), min(REVEAL_MARGIN, self.window.width() / 3)
        left, right = self.window.left() + margin, self.window.right() - margin
        self.scroll(min(0.0, x - left) or max(0.0, x - right))

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw the area ``clip``, in the part's coordinates."""
        painter.save()
        if self.overflow:
            painter.setClipRect(self.window, Qt.ClipOperation.IntersectClip)
        painter.translate(self.inner)
        clip = clip.translated(-self.inner)
        self.paint_ground(painter, clip)
        paragraphs = list(self.visible_paragraphs(clip)) if marked or selected else []
        if paragraphs and marked:
            first, last = self._visible_range(clip)
            for start, end in marked[max(0, bisect_left(marked, (first, 0)) - 1) : bisect_right(marked, (last, 0))]:
                self._paint_range(painter, paragraphs, start, end, "accent", 0.3)
        if selected:
            self._paint_range(painter, paragraphs, *selected, "selection", 1.0)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = self.style.palette
        context.clip = clip
        self.document.documentLayout().draw(painter, context)
        painter.restore()
        if self.overflow:
            self._paint_scroll_bar(painter)

    def paint_ground(self, painter: QPainter, clip: QRectF) -> None:
        """Draw what is below marks, selection and text, in the document's coordinates."""

    def paint_margin(self, painter: QPainter) -> None:
        """Draw the bars of the quotes and the marker of the list beside the part."""
        block = self.blocks[0]
        self._paint_bars(painter, self.previous, block, QRectF(0, 0, self.width, self.height), self.is_mirrored)
        if block.marker:
            height = self.marker_height
            self._paint_marker(painter, block, (height + self.style.text_metrics.capHeight()) / 2, self.is_mirrored)

    @property
    def marker_height(self) -> float:
        """Height of the area at the top in whose middle the marker of a list is."""
        return min(self.height, self.style.code_head)

    def _paint_range(
        self, painter: QPainter, paragraphs: Paragraphs, start: int, end: int, role: str, opacity: float
    ) -> None:
        colour = self.style.colour(role)
        colour.setAlphaF(opacity)
        for band in self._bands(paragraphs, start, end, full=True):
            painter.fillRect(band, colour)

    def paint_inline_code(self, painter: QPainter, paragraph: QTextBlock, rect: QRectF) -> None:
        """Draw the background of the inline code of a paragraph."""
        half, colour = self.style.size * 0.72, self.style.colour("code_ground")
        for run in paragraph.textFormats():
            if run.format.boolProperty(INLINE_CODE):
                start = paragraph.position() + run.start
                for band in self._bands([(paragraph, rect)], start, start + run.length, full=False):
                    path, top = QPainterPath(), band.center().y() - half
                    path.addRoundedRect(QRectF(band.x() - 1.5, top, band.width() + 3, 2 * half), 4, 4)
                    painter.fillPath(path, colour)

    def _paint_bars(
        self, painter: QPainter, previous: Block | None, block: Block, rect: QRectF, is_mirrored: bool
    ) -> None:
        """Draw the bars of the quotes of a block in ``rect``, joined with those of the block above."""
        joined, bars = self.style.bars(previous) if previous else [], self.style.bars(block)
        continued = bars[: len(bars) - block.new_quotes]
        for bar in bars:
            # The bar above may end before its line does.
            above = self.style.gap(previous, block) + self.style.line // 2 if bar in joined and bar in continued else 0
            left = self._beside(bar, BAR_SIZE, is_mirrored)
            painter.fillRect(
                QRectF(left, rect.top() - above, BAR_SIZE, rect.height() + above), self.style.colour("quote_bar")
            )

    def _paint_marker(self, painter: QPainter, block: Block, baseline: float, is_mirrored: bool) -> None:
        """Draw the marker of a list item beside a block."""
        if block.marker in BULLETS:
            self._paint_bullet(painter, block, baseline, is_mirrored)
            return
        painter.setFont(self.style.marker_fonts[block.level])
        painter.setPen(self.style.colour("quiet_text"))
        width = self.style.text_metrics.horizontalAdvance(block.marker)
        left = self._beside(self.style.indent(block) - MARKER_SPACE - width, width, is_mirrored)
        marker = f"{RIGHT_TO_LEFT_MARK}{block.marker}{RIGHT_TO_LEFT_MARK}" if is_mirrored else block.marker
        painter.drawText(QPointF(left, baseline), marker)

    def _paint_bullet(self, painter: QPainter, block: Block, baseline: float, is_mirrored: bool) -> None:
        """Draw a disc, a ring or a square: the characters have other sizes and heights in each font."""
        font = self.style.marker_fonts[block.level]
        size, colour = font.pixelSize() * BULLET_SIZE, self.style.colour("quiet_text")
        room = self.style.text_metrics.horizontalAdvance(BULLETS[0])
        left = self._beside(self.style.indent(block) - MARKER_SPACE - room, room, is_mirrored)
        rect = QRectF(0, 0, size, size)
        rect.moveCenter(QPointF(left + room / 2, baseline - QFontMetricsF(font).xHeight() / 2))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        match BULLETS.index(block.marker):
            case 0:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                painter.drawEllipse(rect)
            case 1:
                painter.setPen(QPen(colour, size / 4))
                painter.drawEllipse(rect.adjusted(size / 16, size / 16, -size / 16, -size / 16))
            case _:
                # As much area as the disc.
                painter.fillRect(rect.adjusted(size / 16, size / 16, -size / 16, -size / 16), colour)
        painter.restore()

    def _beside(self, distance: float, width: float, is_mirrored: bool) -> float:
        """Return the left edge of something at a distance from the edge of the column, in the part's coordinates."""
        indent = self.style.indent(self.blocks[0]) if self.is_indented else 0
        return self.width + indent - distance - width if is_mirrored else distance - indent

    def _paint_scroll_bar(self, painter: QPainter) -> None:
        """Draw how far the part is scrolled sideways."""
        track = self.scroll_bar
        share = track.width() / (track.width() + self.overflow)
        rect = QRectF(track.left() + self.offset * share, track.top(), track.width() * share, BAR_SIZE)
        path = QPainterPath()
        path.addRoundedRect(rect, BAR_SIZE / 2, BAR_SIZE / 2)
        painter.fillPath(path, self.style.colour("edge"))

    def position_at(self, point: QPointF) -> int:
        """Return the position nearest to a point."""
        return max(0, self.document.documentLayout().hitTest(point - self.inner, Qt.HitTestAccuracy.FuzzyHit))

    def link_at(self, point: QPointF) -> str:
        """Return the address under a point."""
        return self.document.documentLayout().anchorAt(point - self.inner)

    def formula_at(self, point: QPointF) -> str:
        """Return the formula under a point, without its delimiters."""
        for position, text_format in formulas_in(self.document):
            if any(rect.contains(point) for rect in self.line_rects(position, position + 1)):
                return formula_key(text_format)[0]
        return ""

    def rect_of(self, position: int) -> QRectF:
        """Return the caret rectangle of a position in the part's coordinates, without width."""
        block = self.document.findBlock(position)
        if not block.isValid():
            return QRectF(0, 0, 0, self.style.line)
        line = block.layout().lineForTextPosition(position - block.position())
        corner = self.document.documentLayout().blockBoundingRect(block).topLeft() + self.inner
        if not line.isValid():
            return QRectF(corner.x(), corner.y(), 0, self.style.line)
        x = _x(line.cursorToX(position - block.position()))
        return QRectF(corner.x() + x, corner.y() + line.y(), 0, line.height())

    def line_rects(self, start: int, end: int) -> list[QRectF]:
        """Return the rectangles between two positions, one for each line."""
        layout, block = self.document.documentLayout(), self.document.findBlock(start)
        paragraphs = []
        while block.isValid() and block.position() <= end:
            paragraphs.append((block, layout.blockBoundingRect(block)))
            block = block.next()
        return [band.translated(self.inner) for band in self._bands(paragraphs, start, end, full=False)]

    def visible_paragraphs(self, clip: QRectF) -> Iterator[tuple[QTextBlock, QRectF]]:
        """Yield the paragraphs that intersect ``clip``, in the document's coordinates."""
        layout = self.document.documentLayout()
        position = layout.hitTest(QPointF(0, max(0.0, clip.top())), Qt.HitTestAccuracy.FuzzyHit)
        block = self.document.findBlock(max(0, position))
        if block.previous().isValid():
            block = block.previous()
        while block.isValid():
            rect = layout.blockBoundingRect(block)
            if rect.top() > clip.bottom():
                return
            yield block, rect
            block = block.next()

    def _visible_range(self, clip: QRectF) -> Range:
        """Return the first and last position in the lines that intersect ``clip``, in any direction of writing."""
        layout, sides = self.document.documentLayout(), (0.0, self.document.size().width())
        first, last = (
            [layout.hitTest(QPointF(x, max(0.0, y)), Qt.HitTestAccuracy.FuzzyHit) for x in sides]
            for y in (clip.top(), clip.bottom())
        )
        return max(0, min(first)), max(last)

    def _bands(self, paragraphs: Paragraphs, start: int, end: int, *, full: bool) -> Iterator[QRectF]:
        """Yield the rectangles between two positions, for each line one or one for each run in a direction of writing.

        ``full`` leaves no gap between lines.
        """
        first = bisect_right(paragraphs, start, key=lambda each: each[0].position()) - 1
        for number in range(max(0, first), len(paragraphs)):
            block, rect = paragraphs[number]
            if block.position() >= end and not (block.position() == end == start):
                return
            if block.position() + block.length() <= start:
                continue
            layout, low, high = block.layout(), start - block.position(), end - block.position()
            is_bidirectional = has_right_to_left(block.text())
            # From the line above on, which may end there.
            begin = max(0, layout.lineForTextPosition(low).lineNumber() - 1) if low > 0 else 0
            top = layout.lineAt(begin - 1).rect().bottom() if begin else 0.0
            for number in range(begin, layout.lineCount()):
                line = layout.lineAt(number)
                if line.textStart() > high:
                    break
                bottom, line_end = line.y() + line.height(), line.textStart() + line.textLength()
                first, last = max(low, line.textStart()), min(high, line_end)
                # The selected line break is shown as a little extra width.
                beyond = full and high > line_end - 1 and last >= first
                if first < last or (beyond and first <= last):
                    if is_bidirectional and first < last:
                        extents = _visual_extents(block, line, first, last)
                    else:
                        extents = [(_x(line.cursorToX(first)), _x(line.cursorToX(last)))]
                    if beyond and number == layout.lineCount() - 1:
                        left, right = extents[-1]
                        extents[-1] = left, right + 5
                    y = top if full else line.y()
                    for left, right in extents:
                        yield QRectF(rect.x() + left, rect.y() + y, right - left, bottom - y)
                top = bottom

    def text(self, start: int, end: int) -> str:
        """Return the text between two positions as plain text; formulas are their source."""
        cursor = QTextCursor(self.document)
        cursor.setPosition(start)
        cursor.setPosition(min(end, self.length), QTextCursor.MoveMode.KeepAnchor)
        text = cursor.selectedText().replace("\u2029", "\n").replace(LINE_BREAK, "\n")
        return "".join(piece for piece, _, _ in self._copied(text, start)) if _REPLACED.search(text) else text

    def _copied(self, text: str, position: int) -> Iterator[tuple[str, int, int]]:
        """Yield for each character of the text at a position how it is copied, and its positions.

        A formula is copied as its source, and the isolates around code are not.
        """
        block = self.document.findBlock(position)
        copied = {place: formula_source(text_format) for place, text_format in formulas_in(self.document, block)}
        while block.isValid():
            copied.update(dict.fromkeys(isolates_in(block), ""))
            block = block.next()
        for character in text:
            after = position + utf16_length(character)
            yield copied.get(position, character), position, after
            position = after

    def pieces(self, start: int, end: int) -> Iterator[CopiedBlock]:
        """Yield what a range touches, for copying."""
        text = self.text(start, end)
        yield CopiedBlock(Prose(()), text, text, is_from_start=not start)

    def find(self, text: str) -> list[Range]:
        """Return the ranges of a text, ignoring case; a match inside a formula is the whole formula."""
        if not text:
            return []
        pattern, document = search_pattern(text), self.document.toPlainText()
        if not _REPLACED.search(document) and utf16_length(document) == len(document):
            return [match.span() for match in pattern.finditer(document)]
        searched, starts, ends = "", [], []
        for piece, position, after in self._copied(document, 0):
            searched += piece
            starts += [position] * len(piece)
            ends += [after] * len(piece)
        return [(starts[match.start()], ends[match.end() - 1]) for match in pattern.finditer(searched)]

    def links(self) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and address of each link."""
        block = self.document.begin()
        while block.isValid():
            for address, group in groupby(block.textFormats(), lambda run: run.format.anchorHref()):
                runs = list(group)
                if address:
                    yield block.position() + runs[0].start, block.position() + runs[-1].start + runs[-1].length, address
            block = block.next()

    def word_at(self, position: int) -> Range:
        """Return the range of the word around a position; a formula is a word."""
        if self.document.characterAt(position) == OBJECT:
            return position, position + 1
        cursor = QTextCursor(self.document)
        cursor.setPosition(min(position, self.length))
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        return cursor.selectionStart(), cursor.selectionEnd()

    def paragraph_at(self, position: int) -> Range:
        """Return the range of the paragraph around a position."""
        block = self.document.findBlock(min(position, self.length))
        return block.position(), block.position() + block.length() - 1


class RulePart(Part):
    """A horizontal rule."""

    def lay_out(self, width: float) -> None:
        """Use the whole width."""
        self.width, self.height = width, 9

    def pieces(self, start: int, end: int) -> Iterator[CopiedBlock]:
        """Yield the rule as it was written."""
        yield CopiedBlock(self.blocks[0], "", "---", is_from_start=True)

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw the line."""
        painter.fillRect(QRectF(0, 4, self.width, 1), self.style.colour("hairline"))


def common_prefix(old: Sequence[object], new: Sequence[object]) -> int:
    """Return how many elements at the front of two sequences are equal."""
    for number, (before, after) in enumerate(zip(old, new, strict=False)):
        if before is not after and before != after:
            return number
    return min(len(old), len(new))


@lru_cache(maxsize=8)
def search_pattern(text: str) -> re.Pattern[str]:
    """Compile the pattern that finds a text, ignoring case."""
    return re.compile(re.escape(text), re.IGNORECASE)


def isolates_in(paragraph: QTextBlock) -> list[int]:
    """Return the positions of the isolates around the code of a paragraph."""
    if ISOLATE not in paragraph.text():
        return []
    document, start, found = paragraph.document(), paragraph.position(), []
    for run in paragraph.textFormats():
        if run.format.boolProperty(INLINE_CODE):
            positions = range(start + run.start, start + run.start + run.length)
            found += [each for each in positions if document.characterAt(each) in {ISOLATE, ISOLATE_END}]
    return found


def _visual_extents(block: QTextBlock, line: QTextLine, first: int, last: int) -> list[tuple[float, float]]:
    """Return the left and right edges of a part of a line with both directions of writing, from left to right."""
    rects = [run.boundingRect() for run in line.glyphRuns(first, last - first)]
    extents = [(rect.left(), rect.right()) for rect in rects]
    # Formulas and tabs have no glyphs.
    document, start = block.document(), block.position()
    for position in range(first, last):
        if document.characterAt(start + position) in {OBJECT, "\t"}:
            left, right = sorted(_x(line.cursorToX(each)) for each in (position, position + 1))
            extents.append((left, right))
    joined: list[tuple[float, float]] = []
    for left, right in sorted(extents):
        if joined and left <= joined[-1][1] + 0.5:
            joined[-1] = joined[-1][0], max(right, joined[-1][1])
        else:
            joined.append((left, right))
    return joined


def _x(value: object) -> float:
    return float(value[0] if isinstance(value, tuple) else value)  # type: ignore[arg-type]
