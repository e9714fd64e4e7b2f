"""The parts of an answer under each other: what stays the same while the answer grows is neither read nor set again."""

from __future__ import annotations

from bisect import bisect_left

from PySide6.QtCore import QRectF

from app.markdown.blocks import Block, Code, Formula, Prose, Table
from ui.transcript.buttons import Button
from ui.transcript.code import CodePart
from ui.transcript.display import FormulaPart
from ui.transcript.parts import FlowPart, Part, RulePart
from ui.transcript.style import TextStyle
from ui.transcript.table import COLUMNS, TablePart, pieces, share_columns


class Stack:
    """Parts in a column."""

    def __init__(self, style: TextStyle) -> None:
        self._style = style
        self.parts: list[Part] = []
        self._blocks: list[Block] = []
        self._ends: list[int] = []
        """For each part the number of the block behind its last one."""
        self.is_cut = False
        """Whether some columns are not shown."""
        self.changed_from = 0.0
        """Down to where the last layout left everything in its place."""
        self._laid = (-1.0, -1.0)
        self._code_buttons: list[tuple[int, Button]] = []

    # What it shows

    def show(self, blocks: list[Block], *, growing: bool) -> None:
        """Show these blocks; with ``growing`` more of the last one may come."""
        same = 0
        for old, new in zip(self._blocks, blocks, strict=False):
            if old is not new:
                break
            same += 1
        # The part with the first new block, and the one before it, which that block may belong to.
        number = bisect_left(self._ends, same)
        start = self._ends[number - 1] if number else 0
        del self._ends[number:]
        for group, end in _groups(blocks, start):
            self._set_part(number, group, growing=growing and end == len(blocks))
            self._ends.append(end)
            number += 1
        del self.parts[number:]
        self._blocks = blocks
        self.is_cut = any(isinstance(block, Table) and len(block.align) > COLUMNS for block in blocks)

    def _set_part(self, number: int, group: list[Block], *, growing: bool) -> None:
        kind = _part_for(group[0])
        if number == len(self.parts):
            self.parts.append(kind(self._style))
        elif type(self.parts[number]) is not kind:
            self.parts[number:] = [kind(self._style)]
        part = self.parts[number]
        if part.blocks == group and not getattr(part, "growing", False):
            return
        part.is_stale = True
        if not isinstance(part, CodePart):
            part.set_blocks(group)
            return
        part.growing = growing and (part.growing or not part.blocks)
        part.set_blocks(group)

    def take_formulas(self) -> bool:
        """Show the formulas that have been drawn meanwhile; true if there are some."""
        changed = [part for part in self.parts if part.take_formulas()]
        for part in changed:
            part.is_stale = True
        return bool(changed)

    # Where it stands

    def lay_out(self, top: float, width: float, tip: str) -> float:
        """Find the places of the parts; returns the bottom.  ``tip`` names the button that copies code."""
        style, parts = self._style, self.parts
        first = 0
        if self._laid == (top, width):
            first = next((number for number, part in enumerate(parts) if part.is_stale), len(parts))
            while 0 < first < len(parts) and _goes_on(parts[first]):
                first -= 1
        self._laid = (top, width)
        while self._code_buttons and self._code_buttons[-1][0] >= first:
            self._code_buttons.pop()
        y = self.changed_from = parts[first - 1].y + parts[first - 1].height if first else top
        if first:
            # The caret of a growing answer stood there.
            self.changed_from = parts[first - 1].y + parts[first - 1].caret().top()
        before = parts[first - 1].blocks[-1] if first else None
        for number in range(first, len(parts)):
            part = parts[number]
            block = part.blocks[0]
            if isinstance(part, TablePart) and not part.goes_on:
                share_columns(self._table_at(number), width - style.indent(block))
            part.x = 0 if isinstance(part, FlowPart) else style.indent(block)
            part.y = y + style.gap(before, block)
            part.before = before
            was_shown = part.height > 0
            if part.is_stale or part.width != width - part.x:
                part.lay_out(width - part.x)
                part.is_stale = False
                if number == first and was_shown:
                    self.changed_from = part.y + part.changed_from
            y, before = part.y + part.height, part.blocks[-1]
            if isinstance(part, CodePart):
                side, above = style.action, (style.code_head - style.action) / 2 + 1
                spot = QRectF(part.x + part.width - side - 5, part.y + above, side, side)
                self._code_buttons.append((number, Button(f"code:{number}", spot, "copy", "", tip, True)))
        return y

    def _table_at(self, number: int) -> list[TablePart]:
        whole: list[TablePart] = []
        for part in self.parts[number:]:
            if not isinstance(part, TablePart) or (whole and not part.goes_on):
                break
            whole.append(part)
        return whole

    def buttons(self) -> list[Button]:
        """Those of the parts."""
        return [button for _, button in self._code_buttons]

    # Colours

    def colour_more(self, until: float) -> bool:
        """Colour long code on until the clock says so; true if there is more to do."""
        for part in self.parts:
            if isinstance(part, CodePart) and part.wants_colour:
                part.colour_more(until)
                if part.wants_colour:
                    return True
        return False

    @property
    def wants_colour(self) -> bool:
        """Whether some long code has not all its colours."""
        return any(isinstance(part, CodePart) and part.wants_colour for part in self.parts)


def _groups(blocks: list[Block], start: int) -> list[tuple[list[Block], int]]:
    """The blocks of each part from one block on, with the number of the block behind them."""
    groups: list[tuple[list[Block], int]] = []
    for number in range(start, len(blocks)):
        block = blocks[number]
        if isinstance(block, Table):
            groups += [([piece], number + 1) for piece in pieces(block)]
        elif groups and isinstance(block, Prose) and isinstance(groups[-1][0][-1], Prose):
            groups[-1][0].append(block)
            groups[-1] = (groups[-1][0], number + 1)
        else:
            groups.append(([block], number + 1))
    return groups


def _goes_on(part: Part) -> bool:
    return isinstance(part, TablePart) and part.goes_on


def _part_for(block: Block) -> type[Part]:
    if isinstance(block, Prose):
        return FlowPart
    if isinstance(block, Code):
        return CodePart
    if isinstance(block, Formula):
        return FormulaPart
    return TablePart if isinstance(block, Table) else RulePart
