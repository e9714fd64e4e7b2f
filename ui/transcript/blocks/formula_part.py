"""Display formulas: centred, scaled down where they are wide, scrolled where they are wider still."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QTextCursor, QTextOption

from app.markdown.blocks import Block, Formula, Span, Style
from ui.transcript.blocks.formula import SCALE, RenderContext, formula_scale, insert_formula
from ui.transcript.blocks.markdown import MARKERS, indented
from ui.transcript.blocks.part import Part, Range

SPACE = 3
"""Above and below a formula."""


class FormulaPart(Part):
    """One display formula."""

    is_text = False

    def __init__(self, context: RenderContext) -> None:
        super().__init__(context)
        self._block = Formula("", "")
        self._drawn_width = 0.0
        self.set_wrap_mode(QTextOption.WrapMode.NoWrap)

    @property
    def inner(self) -> QPointF:
        """Corner of the formula: centred, and scrolled sideways."""
        return QPointF(max(0.0, (self.width - self._drawn_width) / 2) - self.offset, SPACE)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one formula."""
        (block,) = blocks
        assert isinstance(block, Formula)
        self.blocks = [block]
        if block == self._block:
            return
        self._block = block
        cursor = QTextCursor(self.document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        plain = self.style.span_format(Style.PLAIN, link=False, level=0, thought=block.thought)
        span = Span(block.source, formula=block.formula)
        role = "quiet_text" if block.thought else "text"
        insert_formula(cursor, self.context, plain, span, display=True, size=self.style.size, role=role)
        self.await_formulas()

    def lay_out(self, width: float) -> None:
        """Find the height, and how far the formula goes beyond the width."""
        key = self._block.formula, True
        size = self.context.formulas.size(self.style, key, self._block.source, self.style.size * SCALE, width)
        super().lay_out(width)
        self._drawn_width = size.width * formula_scale(size.width, width, display=True)
        self.overflow = max(0.0, self._drawn_width - width)
        self.offset = min(self.offset, self.overflow)
        self.height += 2 * SPACE + (6 if self.overflow else 0)

    def text(self, start: int, end: int) -> str:
        """Return the source, with the marker where it begins a list item."""
        block = self._block
        marker = f"{'  ' * (block.depth - 1)}{block.marker} " if block.marker and start == 0 and end > start else ""
        return marker + super().text(start, end)

    def markdown(self, start: int, end: int, *, continues: bool) -> str:
        """Return the source in its lists and quotes."""
        if start >= end:
            return ""
        block = self._block
        marker = MARKERS.get(block.marker, block.marker) + " " if block.marker else ""
        indent = "  " * (block.depth - bool(marker)) if block.depth else ""
        return indented(marker + block.source, indent + "> " * len(block.quotes))

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw the formula, its list marker and quote bars, and a scroll bar where it is too wide."""
        self._paint_bars(painter, self.previous, self._block, 0, self.height)
        if self._block.marker:
            painter.setFont(self.style.text_font)
            painter.setPen(self.style.colour("quiet_text"))
            beside = QRectF(-60, 0, 52, self.height)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._block.marker)
        painter.save()
        if self.overflow:
            painter.setClipRect(QRectF(0, 0, self.width, self.height), Qt.ClipOperation.IntersectClip)
        super().paint(painter, clip, selected, marked)
        painter.restore()
        self._paint_scroll_bar(painter, 0, self.width, self.height)
