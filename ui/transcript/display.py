"""Formulas on lines of their own: in the middle of the column, smaller where they are wide, scrolled where wider."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QTextCursor, QTextOption

from app.markdown.blocks import Block, Formula, Span, Style
from ui.transcript.formula import SCALE, insert_formula, measured, scale_for
from ui.transcript.parts import Part, Range
from ui.transcript.style import TextStyle

AROUND = 3
BAR = 3


class FormulaPart(Part):
    """One formula."""

    is_text = False

    def __init__(self, style: TextStyle) -> None:
        super().__init__(style)
        self._shown = Formula("", "")
        self._drawn_width = 0.0
        self.offset = self.overflow = 0.0
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        self.document.setDefaultTextOption(option)

    @property
    def inner(self) -> QPointF:
        """In the middle, moved sideways as far as it is scrolled."""
        return QPointF(max(0.0, (self.width - self._drawn_width) / 2) - self.offset, AROUND)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one formula."""
        (formula,) = blocks
        assert isinstance(formula, Formula)
        self.blocks = [formula]
        if formula == self._shown:
            return
        self._shown = formula
        cursor = QTextCursor(self.document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        plain = self.style.span_format(Style.PLAIN, link=False, level=0, thought=formula.thought)
        span = Span(formula.source, formula=formula.formula)
        role = "quiet_text" if formula.thought else "text"
        insert_formula(cursor, self.style, plain, span, display=True, size=self.style.size, role=role)
        self.await_formulas()

    def lay_out(self, width: float) -> None:
        """Find the height, and how far the formula reaches beyond the width."""
        formula = self._shown
        measure = measured(self.style, formula.formula, formula.source, True, self.style.size * SCALE, width)
        self._drawn_width = measure.width * scale_for(measure.width, width, display=True)
        self.width = width
        if self.document.textWidth() != width:
            self.document.setTextWidth(width)
        self.overflow = max(0.0, self._drawn_width - width)
        self.offset = min(self.offset, self.overflow)
        self.height = self.document.size().height() + 2 * AROUND + (6 if self.overflow else 0)

    def text(self, start: int, end: int) -> str:
        """The source, with the bullet where it begins an item."""
        marker = self._shown.marker if start == 0 and end > start else ""
        indent = "  " * (self._shown.depth - 1) if marker else ""
        return (f"{indent}{marker} " if marker else "") + super().text(start, end)

    def scroll(self, by: float) -> bool:
        """Move it sideways; false if it was at its end."""
        offset = min(max(0.0, self.offset + by), self.overflow)
        moved, self.offset = offset != self.offset, offset
        return moved

    def paint(self, painter: QPainter, clip: QRectF, selected: Range | None, marked: list[Range]) -> None:
        """Draw the formula, its bullet and the bars of its quotes, and a bar where it can be scrolled."""
        style, formula = self.style, self._shown
        joined = style.bars(self.before) if self.before else []
        for left in style.bars(formula):
            above = style.gap(self.before, formula) + 1 if left in joined else 0
            painter.fillRect(QRectF(left - self.x, -above, BAR, self.height + above), style.colour("hairline"))
        if formula.marker:
            painter.setFont(style.text_font)
            painter.setPen(style.colour("quiet_text"))
            beside = QRectF(-60, 0, 52, self.height)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, formula.marker)
        painter.save()
        if self.overflow:
            painter.setClipRect(QRectF(0, 0, self.width, self.height), Qt.ClipOperation.IntersectClip)
        super().paint(painter, clip, selected, marked)
        painter.restore()
        if self.overflow:
            share = self.width / (self.width + self.overflow)
            bar = QPainterPath()
            bar.addRoundedRect(QRectF(self.offset * share, self.height - BAR, self.width * share, BAR), 1.5, 1.5)
            painter.fillPath(bar, style.colour("edge"))
