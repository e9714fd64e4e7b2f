"""Blocks of code on a ground of their own, coloured a little at a time where they are long."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QTextBlockFormat, QTextCursor, QTextOption

from app.markdown.blocks import Block, Code
from app.markdown.highlight import CodeRole, Line, coloured_lines
from ui.transcript.parts import Part, Range
from ui.transcript.style import CODE_PAD, RADIUS, TextStyle

AT_ONCE = 3_000
"""Characters of code that are coloured at once: some milliseconds."""


class CodePart(Part):
    """A block of code: a head with its language, the code below it, scrolled sideways where a line is too long."""

    def __init__(self, style: TextStyle) -> None:
        super().__init__(style)
        self._code = Code("")
        self._lines: list[Line] = []
        self._colours: Iterator[Line] | None = None
        self._next_line = 0
        self._same = 0
        """How many lines at the front the last change left alone."""
        self.growing = False
        """Whether more of it may come: then each line is coloured alone, as it is finished."""
        self.offset = self.overflow = 0.0
        self.document.setDefaultFont(style.code_font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        option.setTabStopDistance(QFontMetricsF(style.code_font).horizontalAdvance("0") * 4)
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
        return QPointF(CODE_PAD - self.offset, self.style.code_head)

    def set_blocks(self, blocks: list[Block]) -> None:
        """Show one block of code; lines that are the same are not touched."""
        (code,) = blocks
        assert isinstance(code, Code)
        before, self._code, self.blocks = self._code, code, [code]
        grows = code.language == before.language and code.text.startswith(before.text)
        if self.growing:
            self._write(_growing_lines(code, self._lines if grows else []))
        elif len(code.text) <= AT_ONCE:
            self._write(list(coloured_lines(code.text, code.language)))
        else:
            plain: list[Line] = [((line, CodeRole.PLAIN),) if line else () for line in code.text.split("\n")]
            if not grows:
                self._write(plain)
            else:
                self._write([*self._lines[:-1], *plain[max(0, len(self._lines) - 1) :]])
            self._colours, self._next_line = coloured_lines(code.text, code.language), 0
        if not grows:
            # The language stands in the head.
            self._same = 0

    @property
    def wants_colour(self) -> bool:
        """Whether a part of long code has not its colours yet."""
        return self._colours is not None

    def colour_more(self, until: float) -> None:
        """Colour on until the clock says so; long code takes longer than a frame may."""
        assert self._colours is not None
        first, fresh = self._next_line, []
        for line in self._colours:
            fresh.append(line)
            if time.perf_counter() > until:
                break
        else:
            self._colours = None
        self._next_line += len(fresh)
        self._write([*self._lines[:first], *fresh, *self._lines[first + len(fresh) :]])

    def _write(self, lines: list[Line]) -> None:
        """Set the lines that are not as they were."""
        self._same = 0
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        old = self._lines
        for number, line in enumerate(lines):
            if number < len(old):
                if old[number] is line or old[number] == line:
                    self._same += self._same == number
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
        self._lines, self._colours = lines, self._colours if len(lines) == len(old) else None

    @property
    def changed_from(self) -> float:
        """The top of the line before the first one that changed."""
        return self.style.code_head + (self._same - 1) * self.style.code_line if self._same else 0.0

    def lay_out(self, width: float) -> None:
        """Lines are as long as they are; what goes beyond the width can be scrolled to."""
        # Without a width from the beginning: giving one again, even the same, lays every line out again.
        self.width = width
        size = self.document.size()
        self.height = self.style.code_head + size.height() + CODE_PAD
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
        head = QRectF(CODE_PAD, 2, self.width - 2 * CODE_PAD - style.action, style.code_head - 2)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._code.language)
        painter.save()
        edge = CODE_PAD / 2
        painter.setClipRect(
            QRectF(edge, style.code_head, self.width - 2 * edge, self.height), Qt.ClipOperation.IntersectClip
        )
        super().paint(painter, clip, selected, marked)
        painter.restore()
        if self.overflow:
            whole = self.width - 2 * CODE_PAD
            share = whole / (whole + self.overflow)
            left = CODE_PAD + self.offset * share
            bar = QPainterPath()
            bar.addRoundedRect(QRectF(left, self.height - 7, whole * share, 3), 1.5, 1.5)
            painter.fillPath(bar, style.colour("edge"))


def _growing_lines(code: Code, known: list[Line]) -> list[Line]:
    """The lines of code that is still being written; the last one, still open, has no colours."""
    keep = known[: max(0, len(known) - 1)]
    *whole, last = code.text.split("\n")
    fresh = [next(coloured_lines(line, code.language)) for line in whole[len(keep) :]]
    return [*keep, *fresh, ((last, CodeRole.PLAIN),) if last else ()]
