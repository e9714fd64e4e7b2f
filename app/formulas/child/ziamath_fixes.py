"""Extensions of ziamath 0.13: characters that its font lacks, lines in tables, nesting in linear time.

They replace internal names of that release; the tests compare the output with and without them.
"""

from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from ziafont.fonttypes import BBox
from ziamath import operators
from ziamath.config import config
from ziamath.drawable import Box, HLine, VLine
from ziamath.mathfont import MathFont
from ziamath.nodes import mnode
from ziamath.nodes.menclose import Menclose
from ziamath.nodes.mrow import Mrow
from ziamath.nodes.mtable import Mtable

from app.formulas.child.normalise import COLUMN_RULE, MAX_COLUMNS, RULE_ABOVE

BINARY = "×÷⋅·∗∘∪∩∧∨⊕⊗⊖⊙\u29f5"
"""Binary operators without sufficient space in the library."""
ARROWS = "⟵⟶⟷⟸⟹⟺⟼"
"""Long arrows without space in the library."""
INTEGRALS = "∫∬∭∮∯∰∱∲∳"
_BOX_PAD = 0.28
"""Padding of a box, in em."""
TIGHT = "0.1em"
"""Distance of rows in subscripts of sums and in inline formulas."""
_ROW_HEIGHT, _ROW_DEPTH = "0.55em", "0.21em"
"""Minimum height of a row, so that the distances of all rows are equal."""
EM = 40.0
"""Text size of all drawings."""
_RULE = 0.045
"""Thickness of lines in tables, in em."""
_AROUND_RULE = 0.18
"""Space beside such lines, in em."""


def prepare() -> None:
    """Configure the library, once before the first formula."""
    config.svg2 = False
    config.precision = 2
    config.math.color = "currentColor"
    find, height = MathFont.findglyph, Mrow._get_height_nostretch

    def findglyph(font: Any, char: str, variant: Any) -> Any:
        if ord(char) > 0x2E7F and not font.glyphindex(char):
            return TextGlyph(char, font, bold=variant.bold)
        return find(font, char, variant)

    def get_height_nostretch(row: Any, line: Any, **options: Any) -> Any:
        # Each row is built twice, first without stretching to measure its brackets.  That pass needs no heights of
        # inner rows; without this change the time would double with each level.
        return (0.0, 0.0) if options.get("nostretch") else height(row, line, **options)

    setattr(MathFont, "findglyph", findglyph)  # noqa: B010 (mypy forbids to replace a method)
    setattr(Mrow, "_get_height_nostretch", get_height_nostretch)  # noqa: B010
    mnode._node_classes["mtable"] = RuledTable
    mnode._node_classes["menclose"] = PaddedBox
    for (sign, _), how in operators.operators.items():
        if sign in INTEGRALS:
            # An inline integral is not as tall as its integrand.
            how["stretchy"] = "false"
    for sign in ARROWS:
        operators.operators[(sign, "infix")] = {"lspace": "thickmathspace", "rspace": "thickmathspace"}
    for sign in BINARY:
        operators.operators[(sign, "infix")] = {"lspace": "mediummathspace", "rspace": "mediummathspace"}


class TextGlyph:
    """A character that the mathematics font lacks, usually Chinese, drawn as text in a font of the viewer.

    A wide character is one em in any font; 0.6 em is assumed for others.
    """

    index = 0
    id = "text"

    def __init__(self, char: str, font: Any, *, bold: bool) -> None:
        self.char = char
        self.font = font
        self._bold = bold
        unit: int = font.info.layout.unitsperem
        self._width = round(unit * (1.0 if unicodedata.east_asian_width(char) in "WF" else 0.6))
        if unicodedata.combining(char):
            self._width = 0
        box = BBox(0, self._width, round(-0.12 * unit), round(0.86 * unit))
        self.bbox = box
        self.path = SimpleNamespace(bbox=box)

    def advance(self, nextchr: Any = None) -> int:  # noqa: ARG002 (the library's signature)
        """Return the width in font units."""
        return self._width

    def place(self, x: float, y: float, point_size: float) -> ET.Element:
        """Return a text element with its baseline at a point."""
        made = ET.Element("text", x=f"{x:.2f}", y=f"{y:.2f}")
        made.set("font-size", f"{point_size:.2f}")
        if self._bold:
            made.set("font-weight", "bold")
        made.text = self.char
        return made


class PaddedBox(Menclose, tag="paddedbox"):
    """A box with padding; the height of the library's own is wrong."""

    def _setup(self, **options: Any) -> None:
        if self.notation != ["box"]:
            super()._setup(**options)
            return
        base, pad = self.base.bbox, _BOX_PAD * self.glyphsize
        thick = self.units_to_points(self.font.math.consts.radicalRuleThickness)
        width, height = base.xmax - base.xmin + 2 * pad, base.ymax - base.ymin + 2 * pad
        self.nodes += [Box(width, height, thick, style=self.style, **options), self.base]
        self.nodexy += [(thick / 2, pad - base.ymin), (thick / 2 + pad - base.xmin, 0)]
        edge = pad + thick
        self.bbox = BBox(0, width + thick, base.ymin - edge, base.ymax + edge)


class RuledTable(Mtable, tag="ruledtable"):
    """A table with the lines whose markers ``normalise`` put into its cells."""

    def _setup(self, **options: Any) -> None:
        above, before = _remove_markers(self.element)
        if self.element.get("rowspacing") != TIGHT:
            for cells_of_row in self.element:
                if len(cells_of_row):
                    ET.SubElement(cells_of_row[0], "mspace", height=_ROW_HEIGHT, depth=_ROW_DEPTH)
        super()._setup(**options)
        if above or before:
            self._draw_lines(above, before, **options)

    def _draw_lines(self, above: dict[int, int], before: list[int], **options: Any) -> None:
        """Draw ``above[row]`` lines above rows and a line before each column of ``before``."""
        padding, thickness = _AROUND_RULE * self.glyphsize, _RULE * self.glyphsize
        space = padding * 2 + thickness
        lines_height = sum(above.values()) * space
        # Rows below a line move down, columns after one to the right.
        cells = [
            _Cell(
                row,
                column,
                node,
                x + sum(at <= column for at in before) * space,
                y + sum(count for at, count in above.items() if at <= row) * space - lines_height / 2,
            )
            for (row, column), node, (x, y) in zip(_positions(self), self.nodes, self.nodexy, strict=True)
        ]
        self.nodexy = [(cell.x, cell.y) for cell in cells]
        row_count, column_count = (max(place) + 1 for place in zip(*((c.row, c.column) for c in cells), strict=True))
        left, width = self.bbox.xmin, self.bbox.xmax - self.bbox.xmin + len(before) * space
        top, bottom = -self.bbox.ymax - lines_height / 2, -self.bbox.ymin + lines_height / 2
        for at, count in above.items():
            # In the middle between two rows, or at the edge of the first or last one.
            if at == 0:
                y = top = _top(cells, 0) - padding - thickness
            elif at >= row_count:
                y = _bottom(cells, row_count - 1) + padding
                bottom = y + thickness
            else:
                y = (_bottom(cells, at - 1) + _top(cells, at)) / 2
            for line in range(count):
                self.nodes.append(HLine(width, thickness, style=self.style, **options))
                self.nodexy.append((left, y + (line - (count - 1) / 2) * 3 * thickness))
        for at in before:
            ends = [cell.x + cell.node.bbox.xmax for cell in cells if cell.column == at - 1]
            starts = [cell.x + cell.node.bbox.xmin for cell in cells if cell.column == at]
            if at == 0:
                x = left + thickness / 2
            elif at >= column_count:
                x = left + width - thickness / 2
            else:
                x = (max(ends) + min(starts)) / 2 if ends and starts else left + padding
            self.nodes.append(VLine(bottom - top, thickness, style=self.style, **options))
            self.nodexy.append((x, top))
        self.bbox = BBox(left, left + width, -bottom, -top)


def _remove_markers(table: ET.Element) -> tuple[dict[int, int], list[int]]:
    """Return the lines above each row and before each column; removes their markers and rows without anything else."""
    above: dict[int, int] = {}
    before: list[int] = []
    number = 0
    for row in list(table):
        cells = list(row)
        if cells:
            markers = [each for each in cells[0].iter() if each.tag == "mi" and _is_marker(each.text)]
            for marker in markers:
                for char in (marker.text or "").strip():
                    if char == RULE_ABOVE:
                        above[number] = above.get(number, 0) + 1
                    else:
                        before.append(ord(char) - COLUMN_RULE)
                _remove(cells[0], marker)
            if markers and len(cells) == 1 and not len(cells[0]) and number:
                table.remove(row)
                continue
        number += 1
    return above, before


def _is_marker(text: str | None) -> bool:
    text = (text or "").strip()
    return bool(text) and all(
        char == RULE_ABOVE or COLUMN_RULE <= ord(char) <= COLUMN_RULE + MAX_COLUMNS for char in text
    )


def _remove(tree: ET.Element, what: ET.Element) -> None:
    for parent in tree.iter():
        if what in list(parent):
            parent.remove(what)
            return


def _positions(table: Mtable) -> list[tuple[int, int]]:
    """Return row and column of each cell, in the order of the library."""
    return [(row, column) for row, cells in enumerate(table.element) for column in range(len(cells))]


@dataclass(frozen=True)
class _Cell:
    row: int
    column: int
    node: Any
    x: float
    y: float

    @property
    def is_empty(self) -> bool:
        return bool(abs(self.node.bbox.ymax) >= 9000)


def _top(cells: list[_Cell], row: int) -> float:
    return min((cell.y - cell.node.bbox.ymax for cell in cells if cell.row == row and not cell.is_empty), default=0.0)


def _bottom(cells: list[_Cell], row: int) -> float:
    return max((cell.y - cell.node.bbox.ymin for cell in cells if cell.row == row and not cell.is_empty), default=0.0)
