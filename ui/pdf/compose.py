"""From blocks of a message to groups of strips: paragraphs, code on its ground, quotes with their bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app.markdown.blocks import Block, Code, Formula, Kind, Prose, Rule, Span, Style, Table
from app.markdown.highlight import coloured_lines
from ui.pdf.faces import HEADINGS, INDENT, LINE, PAD, QUOTE_INDENT, SMALL_SIZE, TEXT_SIZE, Faces
from ui.pdf.lines import Laid, Lines, code_lines, paint_picture
from ui.pdf.pictures import Picture, formula_picture
from ui.pdf.strips import Fill, Group, Strip
from ui.pdf.table import table_group
from ui.pdf.text import clean, runs_of

DEEPEST = 0.45
"""Of the width of the page that nesting may take away."""
BAR = 22
MANY_LINES = 4_000
"""Lines of code that are held at once."""


@dataclass(frozen=True)
class Area:
    """Where on the page a message stands and how."""

    left: float
    width: float
    role: str = "text"
    """Of the colour of its text."""
    size: int = TEXT_SIZE
    fills: tuple[Fill, ...] = ()


class Composer:
    """Makes groups of everything that is exported."""

    def __init__(self, faces: Faces, page_height: float) -> None:
        self._faces = faces
        self._page_height = page_height

    def blocks(self, blocks: Iterable[Block], area: Area) -> Iterator[Group]:
        """The blocks of a message, in their order."""
        row = list(blocks)
        for before, block, after in zip([None, *row], row, [*row[1:], None], strict=False):
            for group in self._block(block, area, self._gap(before, block, area.size)):
                if isinstance(after, Code | Table | Formula) and _announces(block):
                    group.keep_with_next = True
                yield group

    def line(
        self, text: str, area: Area, *, gap: float, bold: bool = False, keep: bool = True, size: int | None = None
    ) -> Group:
        """A line of words above what follows, such as the name of a speaker."""
        size = size or area.size
        span = Span(text, Style.STRONG if bold else Style.PLAIN)
        runs = runs_of([span], self._faces, size, role=area.role)
        strips = Lines(self._faces, size).strips(runs, area.left, area.width)
        return Group(strips, gap, together=True, keep_with_next=keep, fills=area.fills)

    def facts(self, pairs: Iterable[tuple[str, str]], area: Area, *, gap: float) -> Group:
        """What made an answer, one after the other: read seldom, so it takes little room."""
        words = "   ".join(f"{label}: {value}".replace(" ", "\u00a0") for label, value in pairs)
        runs = runs_of([Span(words)], self._faces, SMALL_SIZE, role=area.role)
        strips = Lines(self._faces, SMALL_SIZE, line=1.5).strips(runs, area.left, area.width)
        return Group(strips, gap, together=True, fills=area.fills)

    def code(self, code: Code, area: Area, gap: float, fills: tuple[Fill, ...] = ()) -> Iterator[Group]:
        """Code on its ground; a very long text in several groups that stand close together."""
        faces = self._faces
        ground: Fill = (area.left, area.width, "code_ground")
        strips = [Strip(PAD * 0.7)]
        if code.language:
            words = runs_of([Span(code.language)], faces, SMALL_SIZE, role="quiet_text")
            strips += Lines(faces, SMALL_SIZE, line=1.5).strips(words, area.left + PAD, area.width - 2 * PAD)
        is_first = True
        for line in coloured_lines(code.text, code.language):
            for laid in code_lines(line, faces, area.width - 2 * PAD):
                strips.append(Strip(laid.height, partial(_paint_one, laid, area.left + PAD)))
            if len(strips) >= MANY_LINES:
                yield Group(strips, gap if is_first else 0.0, fills=(*area.fills, *fills, ground))
                strips, is_first = [], False
        strips.append(Strip(PAD * 0.8))
        together = (*area.fills, *fills, ground)
        yield Group(strips, gap if is_first else 0.0, together=is_first, fills=together)

    def _block(self, block: Block, area: Area, gap: float) -> Iterator[Group]:
        indent = min(INDENT * block.depth + QUOTE_INDENT * len(block.quotes), area.width * DEEPEST)
        bars = self._bars(block, area, indent)
        inner = Area(area.left + indent, area.width - indent, area.role, area.size, (*area.fills, *bars))
        if block.quotes and area.role == "text":
            inner = Area(inner.left, inner.width, "quiet_text", inner.size, inner.fills)
        match block:
            case Prose():
                yield self._prose(block, inner, gap)
            case Code():
                yield from self._marked(self.code(block, inner, gap), block, inner)
            case Formula():
                yield self._formula(block, inner, gap)
            case Table():
                group = table_group(block, self._faces, inner.left, inner.width, inner.role, self._page_height)
                group.gap, group.fills = gap, inner.fills
                yield from self._marked([group], block, inner)
            case Rule():
                paint = partial(_paint_rule, self._faces, inner.left, inner.width)
                yield Group([Strip(20, paint)], gap, fills=inner.fills)

    def _prose(self, block: Prose, area: Area, gap: float) -> Group:
        level = block.level if block.kind is Kind.HEADING else 0
        size = round(area.size * HEADINGS[level - 1]) if level else area.size
        line = 1.35 if level else LINE
        runs = runs_of(block.spans, self._faces, size, role=area.role, bold=bool(level))
        strips = Lines(self._faces, size, line=line).strips(runs, area.left, area.width)
        if block.marker:
            strips = self._with_marker(strips, block.marker, area, size * line)
        return Group(strips, gap, keep_with_next=bool(level), fills=area.fills)

    def _formula(self, block: Formula, area: Area, gap: float) -> Group:
        faces = self._faces
        colour = faces.colour(area.role).name()
        drawn = formula_picture(
            faces.mathematics, block.formula, block.source, display=True, size=area.size, colour=colour
        )
        if drawn is None:
            source = Span(block.source.strip(), Style.CODE)
            return self._prose(Prose((source,), marker=block.marker), area, gap)
        drawn = drawn.within(min(area.width, drawn.width * self._page_height * 0.8 / drawn.height))
        left = area.left + (area.width - drawn.width) / 2
        strip = Strip(drawn.height + 60, partial(_paint_formula, drawn, left, faces))
        strips = self._with_marker([strip], block.marker, area, area.size * LINE) if block.marker else [strip]
        return Group(strips, gap, fills=area.fills)

    def _marked(self, groups: Iterable[Group], block: Block, area: Area) -> Iterator[Group]:
        """An item that begins with code or a table has its marker beside the first line."""
        for number, group in enumerate(groups):
            if block.marker and not number:
                group.strips = self._with_marker(group.strips, block.marker, area, area.size * LINE)
            yield group

    def _with_marker(self, strips: list[Strip], marker: str, area: Area, height: float) -> list[Strip]:
        runs = list(runs_of([Span(marker)], self._faces, area.size, role=area.role))
        laid = next(Lines(self._faces, area.size).of(runs, INDENT * 3))
        left = area.left - max(laid.width + area.size * 0.45, INDENT * 0.6)
        if not strips:
            return [Strip(height, partial(_paint_one, laid, left))]
        first = strips[0]
        return [Strip(first.height, partial(_paint_both, first, laid, left), first.fills), *strips[1:]]

    def _bars(self, block: Block, area: Area, indent: float) -> tuple[Fill, ...]:
        whole = INDENT * block.depth + QUOTE_INDENT * len(block.quotes)
        scale = indent / whole if whole else 1.0
        return tuple(
            (area.left + (INDENT * lists + QUOTE_INDENT * number) * scale, BAR, "hairline")
            for number, lists in enumerate(block.quotes)
        )

    def _gap(self, before: Block | None, block: Block, size: int) -> float:
        line = size * LINE
        if before is None:
            return 0.0
        if isinstance(block, Code | Table | Rule) or isinstance(before, Code | Table | Rule):
            return line * 0.75
        if isinstance(before, Prose) and before.kind is Kind.HEADING:
            return line * 0.3
        if isinstance(block, Prose) and block.kind is Kind.HEADING:
            return line * 0.95
        if block.marker and before.depth:
            return line * 0.2
        return line * (0.35 if block.depth and before.depth else 0.55)


def _announces(block: Block) -> bool:
    """Whether a paragraph is nothing without what comes after it."""
    return isinstance(block, Prose) and bool(block.spans) and block.spans[-1].text.rstrip().endswith((":", "："))


def text_code(text: str) -> Code:
    """A text without a language, as code."""
    return Code(clean(text))


def _paint_one(laid: Laid, left: float, painter: QPainter, y: float) -> None:
    laid.paint(painter, left, y)


def _paint_both(strip: Strip, laid: Laid, left: float, painter: QPainter, y: float) -> None:
    laid.paint(painter, left, y)
    if strip.paint is not None:
        strip.paint(painter, y)


def _paint_formula(drawn: Picture, left: float, faces: Faces, painter: QPainter, y: float) -> None:
    paint_picture(painter, drawn, QPointF(left, y + 30), faces)


def _paint_rule(faces: Faces, left: float, width: float, painter: QPainter, y: float) -> None:
    painter.fillRect(QRectF(QPointF(left, y + 6), QPointF(left + width, y + 12)), faces.colour("edge"))
