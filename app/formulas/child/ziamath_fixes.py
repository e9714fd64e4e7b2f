"""What ziamath 0.13 does not do by itself: characters its font lacks, lines in tables, nesting without doubling.

Each change hangs on a name of that release; the tests compare what is drawn with and without them.
"""

from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET
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
"""Signs between two things that the library sets too tight or knows no space for."""
ARROWS = "⟵⟶⟷⟸⟹⟺⟼"
"""Long ones, for which it knows no space either."""
INTEGRALS = "∫∬∭∮∯∰∱∲∳"
_BOX_PAD = 0.28
"""Space inside a box, in em."""
TIGHT = "0.1em"
"""The distance of rows in what stands below a sum or inside a line of text."""
_ROW_HEIGHT, _ROW_DEPTH = "0.55em", "0.21em"
"""Every row is at least so high, or rows of low letters would stand closer than others."""
EM = 40.0
"""Size at which everything is drawn."""
_RULE = 0.045
"""Thickness of a line in a table, in em."""
_AROUND_RULE = 0.18
"""Space between such a line and what stands beside it, in em."""


def prepare() -> None:
    """Set the library up; once, before the first formula."""
    config.svg2 = False
    config.precision = 2
    config.math.color = "currentColor"
    find, height = MathFont.findglyph, Mrow._get_height_nostretch

    def findglyph(font: Any, char: str, variant: Any) -> Any:
        if ord(char) > 0x2E7F and not font.glyphindex(char):
            return TextGlyph(char, font, bold=variant.bold)
        return find(font, char, variant)

    def get_height_nostretch(row: Any, line: Any, **how: Any) -> Any:
        # Every row is built twice, first to learn how tall its brackets must be.  Inside that first time brackets do
        # not grow, so nobody asks for the height; without this a formula costs twice as much with each level.
        return (0.0, 0.0) if how.get("nostretch") else height(row, line, **how)

    setattr(MathFont, "findglyph", findglyph)  # noqa: B010 (mypy rightly warns of putting one method for another)
    setattr(Mrow, "_get_height_nostretch", get_height_nostretch)  # noqa: B010
    mnode._node_classes["mtable"] = RuledTable
    mnode._node_classes["menclose"] = RoomyBox
    for (sign, _), how in operators.operators.items():
        if sign in INTEGRALS:
            # An integral in the line of a text is not as tall as what it integrates.
            how["stretchy"] = "false"
    for sign in ARROWS:
        operators.operators[(sign, "infix")] = {"lspace": "thickmathspace", "rspace": "thickmathspace"}
    for sign in BINARY:
        operators.operators[(sign, "infix")] = {"lspace": "mediummathspace", "rspace": "mediummathspace"}


class TextGlyph:
    """A character that the font of mathematics lacks: Chinese, mostly.  Whoever shows the picture has a face for it.

    The face is not known here.  A wide character is one em in all of them; others are taken for 0.6 em.
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
        """Its width in units of the font."""
        return self._width

    def place(self, x: float, y: float, point_size: float) -> ET.Element:
        """A text element with its baseline at a point."""
        made = ET.Element("text", x=f"{x:.2f}", y=f"{y:.2f}")
        made.set("font-size", f"{point_size:.2f}")
        if self._bold:
            made.set("font-weight", "bold")
        made.text = self.char
        return made


class RoomyBox(Menclose, tag="roomybox"):
    """A box that leaves its content some air; the library's own says it is higher than it is."""

    def _setup(self, **how: Any) -> None:
        if self.notation != ["box"]:
            super()._setup(**how)
            return
        base, pad = self.base.bbox, _BOX_PAD * self.glyphsize
        thick = self.units_to_points(self.font.math.consts.radicalRuleThickness)
        width, height = base.xmax - base.xmin + 2 * pad, base.ymax - base.ymin + 2 * pad
        self.nodes += [Box(width, height, thick, style=self.style, **how), self.base]
        self.nodexy += [(thick / 2, pad - base.ymin), (thick / 2 + pad - base.xmin, 0)]
        edge = pad + thick
        self.bbox = BBox(0, width + thick, base.ymin - edge, base.ymax + edge)


class RuledTable(Mtable, tag="ruledtable"):
    """A table with the lines that ``tidy`` marked in its cells."""

    def _setup(self, **how: Any) -> None:
        above, before = _take_marks(self.element)
        if self.element.get("rowspacing") != TIGHT:
            for cells_of_row in self.element:
                if len(cells_of_row):
                    ET.SubElement(cells_of_row[0], "mspace", height=_ROW_HEIGHT, depth=_ROW_DEPTH)
        super()._setup(**how)
        if not (above or before):
            return
        pad, thick = _AROUND_RULE * self.glyphsize, _RULE * self.glyphsize
        left, right, low, high = self.bbox.xmin, self.bbox.xmax, self.bbox.ymin, self.bbox.ymax
        rows, cells = _rows(self), self.nodes[:]
        places = list(self.nodexy)
        extra = pad * 2 + thick
        # Rows below a line move down, columns behind one to the right.
        for number, (row, column) in enumerate(rows):
            x, y = places[number]
            down = sum(count for at, count in above.items() if at <= row) * extra
            aside = sum(1 for at in before if at <= column) * extra
            places[number] = (x + aside, y + down)
        total_down, total_aside = sum(above.values()) * extra, len(before) * extra
        count = max(row for row, _ in rows) + 1
        columns = max(column for _, column in rows) + 1
        tops = [_edge(rows, cells, places, row=row, top=True) for row in range(count)]
        bottoms = [_edge(rows, cells, places, row=row, top=False) for row in range(count)]
        shift = -total_down / 2
        self.nodexy = [(x, y + shift) for x, y in places]
        width = right - left + total_aside
        top, bottom = -high + shift, -low + total_down + shift
        for at, lines in above.items():
            # Between two rows in the middle; above the first and below the last at the edge.
            if at == 0:
                y = top = tops[0] - pad - thick + shift
            elif at >= count:
                y = bottoms[-1] + pad + shift
                bottom = y + thick
            else:
                y = (bottoms[at - 1] + tops[at]) / 2 + shift
            for line in range(lines):
                self.nodes.append(HLine(width, thick, style=self.style, **how))
                self.nodexy.append((left, y + (line - (lines - 1) / 2) * 3 * thick))
        for at in before:
            self.nodes.append(VLine(bottom - top, thick, style=self.style, **how))
            self.nodexy.append((self._between(rows, cells, places, at, columns, pad, thick, left, width), top))
        self.bbox = BBox(left, left + width, -bottom, -top)

    @staticmethod
    def _between(
        rows: list[tuple[int, int]],
        cells: list[Any],
        places: list[tuple[float, float]],
        at: int,
        columns: int,
        pad: float,
        thick: float,
        left: float,
        width: float,
    ) -> float:
        if at == 0:
            return left + thick / 2
        if at >= columns:
            return left + width - thick / 2
        ends = [places[n][0] + cells[n].bbox.xmax for n, (_, column) in enumerate(rows) if column == at - 1]
        starts = [places[n][0] + cells[n].bbox.xmin for n, (_, column) in enumerate(rows) if column == at]
        return (max(ends) + min(starts)) / 2 if ends and starts else left + pad


def _take_marks(table: ET.Element) -> tuple[dict[int, int], list[int]]:
    """The lines above each row and before each column; their marks and a row of nothing else are taken out."""
    above: dict[int, int] = {}
    before: list[int] = []
    number = 0
    for row in list(table):
        cells = list(row)
        if cells:
            marks = [each for each in cells[0].iter() if each.tag == "mi" and _is_mark(each.text)]
            for mark in marks:
                for char in (mark.text or "").strip():
                    if char == RULE_ABOVE:
                        above[number] = above.get(number, 0) + 1
                    else:
                        before.append(ord(char) - COLUMN_RULE)
                _remove(cells[0], mark)
            if marks and len(cells) == 1 and not len(cells[0]) and number:
                table.remove(row)
                continue
        number += 1
    return above, before


def _is_mark(text: str | None) -> bool:
    text = (text or "").strip()
    return bool(text) and all(
        char == RULE_ABOVE or COLUMN_RULE <= ord(char) <= COLUMN_RULE + MAX_COLUMNS for char in text
    )


def _remove(tree: ET.Element, what: ET.Element) -> None:
    for parent in tree.iter():
        if what in list(parent):
            parent.remove(what)
            return


def _rows(table: Mtable) -> list[tuple[int, int]]:
    """Row and column of each cell, in the order in which the library places them."""
    return [(row, column) for row, cells in enumerate(table.element) for column in range(len(cells))]


def _edge(
    rows: list[tuple[int, int]], cells: list[Any], places: list[tuple[float, float]], *, row: int, top: bool
) -> float:
    values = [
        places[number][1] - (cells[number].bbox.ymax if top else cells[number].bbox.ymin)
        for number, (at, _) in enumerate(rows)
        if at == row and abs(cells[number].bbox.ymax) < 9000
    ]
    return (min(values) if top else max(values)) if values else 0.0
