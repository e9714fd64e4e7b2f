"""The parts of one message below each other.

Unchanged parts of a growing answer are neither read nor laid out again.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app.markdown.blocks import Block, Code, Formula, Prose, Rule, Table, separator
from ui.transcript.blocks.code import CodePart
from ui.transcript.blocks.formula import RenderContext
from ui.transcript.blocks.markdown import copied
from ui.transcript.blocks.part import Part, Range, RulePart, common_prefix
from ui.transcript.blocks.table import MAX_COLUMNS, TablePart, share_columns, split_table
from ui.transcript.blocks.text import FormulaPart, PlainTextPart, TextPart
from ui.transcript.decorations import Button
from ui.transcript.item import TranscriptStrings

BodyPosition = tuple[int, int]
"""Number of a part, and a position in its text."""
BodyRange = tuple[BodyPosition, BodyPosition]
Marks = dict[int, list[Range]]
"""Marked ranges by the number of their part."""

MAX_TEXT, MIN_TEXT = 6_000, 60
"""Characters of running text in one part, and at least for each paragraph: a few milliseconds to lay out."""

_PARTS: dict[type[Block], type[Part]] = {
    Prose: TextPart,
    Code: CodePart,
    Formula: FormulaPart,
    Table: TablePart,
    Rule: RulePart,
}


class PartStack:
    """Parts in a column; rectangles and points are those of the message."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self.parts: list[Part] = []
        self.blocks: list[Block] = []
        """What they show; not of a plain text."""
        self._ends: list[int] = []
        """For each part the number of the block after its last one."""
        self.is_cut = False
        """Whether some table columns are not shown."""
        self.changed_from = 0.0
        """Height down to which the last layout changed nothing."""
        self._layout = (-1.0, -1.0)
        """Top and width of the last layout."""
        self._unchanged = 0
        """Number of parts at the top that need no layout at the same place and width."""
        self._stale: list[int] = []
        """Parts that the last layout left for another width."""
        self._code: list[int] = []
        """Parts that are code, and first pieces of tables: those with buttons."""
        self._buttons: list[tuple[Button, ...]] = []
        """Those of the first of them whose place has not changed."""
        self._held = -1
        """The part whose head is held in view, or -1."""
        self._found: tuple[str, Marks] | None = None
        """The text searched last, and where it occurs."""

    def show_plain(self, text: str) -> None:
        """Show text as a user typed it."""
        self.parts = [PlainTextPart(self._context, text)]

    def show(self, blocks: list[Block], *, growing: bool) -> None:
        """Show these blocks; ``growing`` if more of the last one may arrive."""
        self._found = None
        unchanged = common_prefix(self.blocks, blocks)
        # The part with the first new block, or the one above it, which that block may belong to.
        first = number = bisect_left(self._ends, unchanged)
        start = self._ends[number - 1] if number else 0
        del self._ends[number:]
        for group, end in _groups(blocks, start):
            self._set_part(number, group, growing=growing and end == len(blocks))
            self._ends.append(end)
            number += 1
        del self.parts[number:]
        self.blocks = blocks
        self._unchanged = min(self._unchanged, number)
        self._stale = [each for each in self._stale if each < number]
        self._code = [each for each in self._code if each < first]
        self._code += [each for each in range(first, number) if _has_buttons(self.parts[each])]
        new = blocks if self.is_cut else blocks[unchanged:]
        self.is_cut = any(isinstance(block, Table) and len(block.align) > MAX_COLUMNS for block in new)

    def _set_part(self, number: int, group: list[Block], *, growing: bool) -> None:
        kind = _PARTS[type(group[0])]
        if number == len(self.parts):
            self.parts.append(kind(self._context))
        elif type(self.parts[number]) is not kind:
            self.parts[number:] = [kind(self._context)]
        part = self.parts[number]
        is_growing_code = isinstance(part, CodePart) and part.is_growing
        if part.blocks == group and not is_growing_code:
            return
        if isinstance(part, CodePart):
            part.is_growing = growing and (part.is_growing or not part.blocks)
        part.needs_layout = True
        self._unchanged = min(self._unchanged, number)
        part.is_mirrored = self.parts[number - 1].is_mirrored if number else False
        part.set_blocks(group)

    def update_formulas(self) -> bool:
        """Show the formulas that have been rendered since; true if there are some."""
        changed = [number for number, part in enumerate(self.parts) if part.update_formulas()]
        self._unchanged = min([self._unchanged, *changed])
        return bool(changed)

    @property
    def _code_parts(self) -> Iterator[CodePart]:
        return (part for number in self._code if isinstance(part := self.parts[number], CodePart))

    @property
    def needs_highlight(self) -> bool:
        """Whether some long code is not highlighted yet."""
        return any(part.needs_highlight for part in self._code_parts)

    def highlight_until(self, deadline: float) -> None:
        """Highlight long code until a time of ``perf_counter``."""
        for part in self._code_parts:
            if part.needs_highlight and time.perf_counter() < deadline:
                part.highlight_until(deadline)

    def lay_out(self, top: float, width: float) -> float:
        """Find the places of the parts; returns the bottom.

        Parts that were laid out for another width keep their height until ``lay_out_stale``.
        """
        parts, first = self.parts, 0
        if self._layout == (top, width):
            first = self._unchanged
            while 0 < first < len(parts) and parts[first].continues:
                first -= 1
        self._layout, self._unchanged = (top, width), len(parts)
        self._stale = [number for number in self._stale if number < first]
        y = self.changed_from = top
        previous = None
        if first:
            above = parts[first - 1]
            y, previous = above.y + above.height, above.blocks[-1]
            # The caret of a growing answer was in its last line.
            self.changed_from = above.y + above.rect_of(above.length).top()
        for number in range(first, len(parts)):
            part = parts[number]
            block = part.blocks[0]
            indent = self._context.style.indent(block)
            if isinstance(part, TablePart) and not part.continues:
                share_columns(self._table_at(number), width - indent)
            part.x = indent if part.is_indented and not part.is_mirrored else 0
            part.y = y + self._context.style.gap(previous, block)
            part.previous = previous
            was_shown = part.height > 0
            part.available = width - indent if part.is_indented else width
            if part.needs_layout or not was_shown:
                part.lay_out(part.available)
                part.needs_layout = False
                if number == first and was_shown:
                    self.changed_from = part.y + part.changed_from
            if part.is_stale:
                self._stale.append(number)
            y, previous = part.y + part.height, part.blocks[-1]
        del self._buttons[bisect_left(self._code, first) :]
        return y

    @property
    def is_stale(self) -> bool:
        """Whether some parts are laid out for another width."""
        return bool(self._stale)

    def lay_out_stale(self, top: float, bottom: float, deadline: float = 0.0) -> bool:
        """Lay out the stale parts between two heights, and others until a time of ``perf_counter``; true if there were.

        The places of the parts are wrong until the next ``lay_out``.
        """
        left = []
        for number in self._stale:
            part = self.parts[number]
            if (part.y < bottom and part.y + part.height > top) or time.perf_counter() < deadline:
                part.lay_out(part.available)
            else:
                left.append(number)
        has_changed = len(left) < len(self._stale)
        self._stale = left
        if has_changed:
            self._layout = (-1.0, -1.0)
        return has_changed

    def buttons(self, strings: TranscriptStrings) -> Iterator[Button]:
        """Return the buttons of code and tables."""
        for number in self._code[len(self._buttons) :]:
            self._buttons.append(self.parts[number].buttons(number, strings))
        return chain.from_iterable(self._buttons)

    def hold_head(self, top: float, strings: TranscriptStrings) -> bool:
        """Keep the head of the code at a height below that height; true if a head was moved."""
        before, self._held, has_moved = self._held, self._number_at(top), False
        for number in {before, self._held}:
            part = self.parts[number] if 0 <= number < len(self.parts) else None
            if isinstance(part, CodePart) and part.hold_head(top - part.y if number == self._held else 0):
                self._buttons[bisect_left(self._code, number)] = part.buttons(number, strings)
                has_moved = True
        return has_moved

    @property
    def holds_head(self) -> bool:
        """Whether the head of some code is held in view."""
        part = self.parts[self._held] if 0 <= self._held < len(self.parts) else None
        return isinstance(part, CodePart) and part.head > 0

    def wrap_code(self) -> None:
        """Lay the code out again that is wrapped or drawn, or no longer."""
        self._layout = (-1.0, -1.0)

    def table(self, number: int) -> Table:
        """Return the whole table whose first piece is a part."""
        block = self.blocks[self._ends[number] - 1]
        assert isinstance(block, Table)
        return block

    def _table_at(self, number: int) -> list[TablePart]:
        pieces: list[TablePart] = []
        for part in self.parts[number:]:
            if not isinstance(part, TablePart) or (pieces and not part.continues):
                break
            pieces.append(part)
        return pieces

    def paint(self, painter: QPainter, clip: QRectF, selection: BodyRange | None, marks: Marks) -> None:
        """Draw the parts that intersect ``clip``."""
        selected = {number: (low, high) for number, low, high in self.ranges(*selection)} if selection else {}
        # The bars of quotes are drawn into the gap above a part.
        top, bottom = clip.top() - 4, clip.bottom() + 2 * self._context.style.line
        for number in range(self._number_at(top), len(self.parts)):
            part = self.parts[number]
            if part.y > bottom:
                break
            low, high = selected.get(number, (0, 0))
            painter.save()
            painter.translate(part.x, part.y)
            inside = clip.translated(-part.x, -part.y)
            if part.is_indented and part.blocks:
                part.paint_margin(painter)
            part.paint(painter, inside, (low, high) if low < high else None, marks.get(number, []))
            painter.restore()

    @property
    def end(self) -> BodyPosition:
        """The position after the last character."""
        return (len(self.parts) - 1, self.parts[-1].length) if self.parts else (0, 0)

    def part_at(self, point: QPointF) -> Part | None:
        """Return the part under a point."""
        return next((part for part in self.parts if part.rect.contains(point)), None)

    def position_at(self, point: QPointF) -> BodyPosition:
        """Return the position nearest to a point."""
        number = self._number_at(point.y())
        if number == len(self.parts):
            return self.end
        part = self.parts[number]
        return number, part.position_at(point - part.rect.topLeft()) if point.y() >= part.y else 0

    def _number_at(self, y: float) -> int:
        return bisect_left(self.parts, y, key=lambda part: part.y + part.height)

    @property
    def end_at_left(self) -> float | None:
        """Left edge of the last line where it is written from right to left, else None."""
        part = self.parts[-1]
        block = part.document.findBlock(part.length)
        if block.textDirection() is not Qt.LayoutDirection.RightToLeft or not block.layout().lineCount():
            return None
        line = block.layout().lineAt(block.layout().lineCount() - 1)
        left = part.document.documentLayout().blockBoundingRect(block).left() + line.naturalTextRect().left()
        return part.x + part.inner.x() + left

    def rect_of(self, position: BodyPosition) -> QRectF:
        """Return the caret rectangle of a position, without width."""
        if position[0] >= len(self.parts):
            return QRectF(0, 0, 0, self._context.style.line)
        part = self.parts[position[0]]
        return part.rect_of(position[1]).translated(part.x, part.y)

    def ranges(self, start: BodyPosition, end: BodyPosition) -> Iterator[tuple[int, int, int]]:
        """Yield the number, first and last position of each part between two positions."""
        for number in range(start[0], min(end[0] + 1, len(self.parts))):
            low = start[1] if number == start[0] else 0
            yield number, low, end[1] if number == end[0] else self.parts[number].length

    def texts(self, start: BodyPosition, end: BodyPosition, *, markdown: bool = False) -> Iterator[str]:
        """Yield the text between two positions piece by piece, as plain text or as Markdown."""
        if start[0] == end[0] < len(self.parts) and isinstance(code := self.parts[start[0]], CodePart) and not markdown:
            yield code.text(start[1], end[1])
            return
        before: Block | None = None
        for number, low, high in self.ranges(start, end):
            for piece in self.parts[number].pieces(low, high):
                written, block = copied(piece, markdown=markdown), piece.block
                if before is not None and written:
                    is_in_item = before.depth and block.depth and not block.marker
                    lines = "\n\n" if markdown and is_in_item else separator(before, block)
                    yield "\n" if self.parts[number].continues else lines
                yield written
                before = block if written else before

    def text(self, start: BodyPosition, end: BodyPosition, *, markdown: bool = False) -> str:
        """Return the text between two positions, as plain text or as Markdown."""
        return "".join(self.texts(start, end, markdown=markdown))

    def find(self, text: str) -> Marks:
        """Return where a text occurs, ignoring case."""
        if self._found is None or self._found[0] != text:
            marks = {number: ranges for number, part in enumerate(self.parts) if (ranges := part.find(text))}
            self._found = (text, marks)
        return self._found[1]


def _has_buttons(part: Part) -> bool:
    return isinstance(part, CodePart) or (isinstance(part, TablePart) and not part.continues)


def _groups(blocks: list[Block], start: int) -> list[tuple[list[Block], int]]:
    """Return the blocks of each part from one block on, with the number of the block after them."""
    groups: list[tuple[list[Block], int]] = []
    size = 0
    for number in range(start, len(blocks)):
        block = blocks[number]
        if isinstance(block, Table):
            groups += [([piece], number + 1) for piece in split_table(block)]
            continue
        length = sum(len(span.text) for span in block.spans) if isinstance(block, Prose) else MAX_TEXT
        if size + length < MAX_TEXT and groups and isinstance(groups[-1][0][-1], Prose):
            groups[-1] = ([*groups[-1][0], block], number + 1)
            size += length + MIN_TEXT
        else:
            groups.append(([block], number + 1))
            size = length
    return groups
