"""Blocks of a message as groups of strips: paragraphs, code on its background, quotes with their bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.conversation import Picture as AttachedPicture
from app.markdown.blocks import WORD, Block, Code, Formula, Prose, Rule, Span, Style, Table, is_right_to_left
from app.markdown.highlight import coloured_lines
from ui.pdf.lines import Line, TextLayouter
from ui.pdf.pages import Fill, Group, Item, Rectangle, Strip
from ui.pdf.pictures import Picture, Pictures
from ui.pdf.style import (
    CODE_LINE_HEIGHT,
    CODE_SIZE,
    HEADING_SCALES,
    INDENT,
    LINE_HEIGHT,
    PADDING,
    QUOTE_INDENT,
    SMALL_SIZE,
    TEXT_SIZE,
    UNITS_PER_POINT,
    PageStyle,
)
from ui.pictures.thumbnails import decoded

LONGEST_TITLE = 80
"""Characters of a bold paragraph that counts as a heading."""
LARGEST_INDENT = 0.45
"""Share of the width."""
BAR_WIDTH = 22
CODE_LINES_HELD = 4_000
"""Lines of code in one group: limits the memory of very long code."""
CELL_MARGIN_X, CELL_MARGIN_Y = 80, 42
PICTURE_SHARE = 0.6
"""Of the width and the height of a page that an attached picture may take."""
POINTS_PER_PIXEL = 0.75
SIZES = (TEXT_SIZE - 6, 88, 76, 66)
"""Text sizes, tried until no word of the table is broken."""
CELL_LINE_HEIGHT = 1.42
SPLIT_SIZE = SIZES[1]
"""Text size of a table that is too wide in all of these."""
LONGEST_WORD, LONGEST_ADDRESS = 1_800, 900
"""Longer ones are broken."""
SHORT_LINE = 600
"""Width up to which a line of a table that is too wide anyway is not broken, such as a number with its unit."""
LARGEST_FIRST_COLUMN = 0.35
"""Share of the width that the first column may take to be repeated in each part of a table that is too wide."""
MEASURED_ROWS = 400
"""Rows that determine the widths of the columns."""
TALLEST_ROW = 0.5
"""Share of the page height beyond which a row is split between its lines."""

Cell = tuple[Span, ...]


@dataclass(frozen=True)
class Area:
    """Place and style of a message on the page."""

    left: float
    width: float
    role: str = "text"
    """Colour of the text."""
    size: int = TEXT_SIZE
    fills: tuple[Fill, ...] = ()
    is_mirrored: bool = False
    """Whether text is read from right to left."""


class BlockLayouter:
    """Lays blocks out to groups."""

    def __init__(self, style: PageStyle, pictures: Pictures, page_height: float) -> None:
        self._style, self._pictures, self._page_height = style, pictures, page_height
        self._text = TextLayouter(style, pictures)

    def blocks(self, blocks: Iterable[Block], area: Area) -> Iterator[Group]:
        """Yield the blocks of a message."""
        row = list(blocks)
        for before, block, after in zip([None, *row], row, [*row[1:], None], strict=False):
            direction = is_right_to_left(block)
            area = area if direction is None else replace(area, is_mirrored=direction)
            keep = _is_title(block) or (
                isinstance(after, Code | Table | Formula) and (_ends_with_colon(block) or _is_one_item(block, after))
            )
            keep &= after is not None
            for group in self._block(block, area, self._gap(before, block, area.size)):
                group.keep_with_next |= keep
                yield group

    def line(
        self, text: str, area: Area, *, gap: float, bold: bool = False, keep_with_next: bool = True,
        size: int | None = None, line_height: float = LINE_HEIGHT,
    ) -> Group:  # fmt: skip
        """Return a separate line, such as the name of a speaker."""
        span = Span(text, Style.STRONG if bold else Style.PLAIN)
        mirrored = bool(is_right_to_left(Prose((span,))))
        lines = self._text.span_lines(
            [span], size or area.size, area.width, role=area.role, line_height=line_height, is_mirrored=mirrored
        )
        return Group(_strips(lines, area.left), gap, True, keep_with_next, fills=area.fills)

    def picture(self, picture: AttachedPicture, name: str, area: Area) -> Group:
        """Return an attached picture; its name can be found and copied."""
        scale = UNITS_PER_POINT * POINTS_PER_PIXEL
        width, height = picture.width * scale, picture.height * scale
        drawn = Picture(name, width, height, height / 2, self._style, image=decoded(picture))
        most = min(area.width * PICTURE_SHARE, width * self._page_height * PICTURE_SHARE / height)
        drawn = drawn.fitted(most)
        return Group([Strip(drawn.height + 30, [(area.left, 15, drawn)])], 60.0, True, True, fills=area.fills)

    def code(self, code: Code, area: Area, gap: float, *, keep_together: bool = True) -> Iterator[Group]:
        """Yield code on its background; a very long one in several groups without a gap."""
        fills = (*area.fills, (area.left, area.width, "code_ground"))
        left, width = area.left + PADDING, area.width - 2 * PADDING
        strips = [Strip(PADDING * 0.7)]
        if code.language:
            caption = [Span(code.language)]
            lines = self._text.span_lines(caption, SMALL_SIZE, width, role="quiet_text", line_height=1.5)
            strips += _strips(lines, left)
        is_first = True
        for stretches in coloured_lines(code.text, code.language):
            lines = self._text.code_lines(stretches, width)
            strips += _strips(lines, left) or [Strip(CODE_SIZE * CODE_LINE_HEIGHT)]
            if len(strips) >= CODE_LINES_HELD:
                yield Group(strips, gap if is_first else 0.0, fills=fills)
                strips, is_first = [], False
        strips.append(Strip(PADDING * 0.8))
        yield Group(strips, gap if is_first else 0.0, keep_together=is_first and keep_together, fills=fills)

    def _block(self, block: Block, area: Area, gap: float) -> Iterator[Group]:
        full_indent = INDENT * block.depth + QUOTE_INDENT * len(block.quotes)
        indent = min(full_indent, area.width * LARGEST_INDENT)
        scale = indent / full_indent if full_indent else 1.0
        distances = [(INDENT * lists + QUOTE_INDENT * number) * scale for number, lists in enumerate(block.quotes)]
        right = area.left + area.width - BAR_WIDTH
        bars = tuple(
            (right - distance if area.is_mirrored else area.left + distance, BAR_WIDTH, "hairline")
            for distance in distances
        )
        role = "quiet_text" if block.quotes and area.role == "text" else area.role
        left = area.left + (0 if area.is_mirrored else indent)
        inner = Area(left, area.width - indent, role, area.size, (*area.fills, *bars), area.is_mirrored)
        groups: Iterable[Group] = ()
        match block:
            case Prose():
                groups = [self._prose(block, inner, gap)]
            case Code():
                groups = self.code(block, inner, gap)
            case Formula():
                groups = [self._formula(block, inner, gap)]
            case Table():
                groups = self._table(block, inner, gap)
            case Rule():
                rule = Rectangle(inner.width, 6, self._style.colour("edge"))
                groups = [Group([Strip(20, [(inner.left, 6, rule)])], gap, fills=inner.fills)]
        for number, group in enumerate(groups):
            if block.marker and not number:
                self._add_marker(group, block, inner)
            yield group

    def _prose(self, block: Prose, area: Area, gap: float) -> Group:
        is_heading = block.level > 0
        lines = self._text.span_lines(
            block.spans,
            _text_size(block, area),
            area.width,
            role=area.role,
            bold=is_heading,
            line_height=1.35 if is_heading else LINE_HEIGHT,
            is_mirrored=area.is_mirrored,
        )
        return Group(_strips(lines, area.left), gap, keep_with_next=is_heading, fills=area.fills)

    def _table(self, table: Table, area: Area, gap: float) -> Iterator[Group]:
        """Yield a table; one that is too wide in parts with some of the columns, below each other."""
        layouter = TableLayouter(table, area, self._style, self._text, self._page_height)
        parts = layouter.parts()
        for number, columns in enumerate(parts):
            if len(parts) > 1:
                part = _columns(table, columns)
                layouter = TableLayouter(part, area, self._style, self._text, self._page_height, is_part=True)
            yield layouter.group(area.size if number else gap)

    def _formula(self, block: Formula, area: Area, gap: float) -> Group:
        picture = self._pictures.formula(
            block.formula, block.source, display=True, size=area.size, role=area.role, width=area.width
        )
        if picture is None:
            return self._prose(Prose((Span(block.source.strip(), Style.CODE),)), area, gap)
        picture = picture.fitted(min(area.width, picture.width * self._page_height * 0.8 / picture.height))
        left = area.left + (area.width - picture.width) / 2
        strip = Strip(picture.height + 60, [(left, 30, picture)])
        return Group([strip], gap, fills=area.fills)

    def _add_marker(self, group: Group, block: Block, area: Area) -> None:
        """Put the marker of a list item beside the first line."""
        text = f"\u200f{block.marker}\u200f" if area.is_mirrored else block.marker
        (marker,) = self._text.span_lines([Span(text)], area.size, INDENT * 3, role=area.role)
        beside = max(marker.width + area.size * 0.45, INDENT * 0.6)
        left = area.left + area.width + beside - marker.width if area.is_mirrored else area.left - beside
        if not group.strips:
            line_height = 1.35 if block.level else LINE_HEIGHT
            group.strips = [Strip(_text_size(block, area) * line_height)]
        first = group.strips[0]
        # A strip may be repeated on further pages, its marker not.
        group.strips = [replace(first, items=[(left, 0.0, marker), *first.items]), *group.strips[1:]]

    def _gap(self, before: Block | None, block: Block, size: int) -> float:
        line = size * LINE_HEIGHT
        if before is None:
            return 0.0
        if isinstance(block, Code | Table | Rule) or isinstance(before, Code | Table | Rule):
            return line * 0.75
        if before.level:
            return line * 0.3
        if block.level:
            return line * 0.95
        if block.marker and before.depth:
            return line * 0.2
        return line * (0.35 if block.depth and before.depth else 0.55)


def _strips(lines: Iterable[Line], left: float) -> list[Strip]:
    return [Strip(line.height, [(left, 0.0, line)]) for line in lines]


def _text_size(block: Block, area: Area) -> int:
    return round(area.size * HEADING_SCALES[block.level - 1]) if block.level else area.size


def _columns(table: Table, numbers: Sequence[int]) -> Table:
    """Return some columns of a table."""
    head, *rows = (tuple(row[number] for number in numbers) for row in (table.head, *table.rows))
    return replace(table, head=head, rows=tuple(rows), align=tuple(table.align[number] for number in numbers))


def _ends_with_colon(block: Block) -> bool:
    """Whether a paragraph introduces the block after it."""
    return isinstance(block, Prose) and bool(block.spans) and block.spans[-1].text.rstrip().endswith((":", "："))


def _is_title(block: Block) -> bool:
    """Whether a short paragraph is wholly bold, as a heading is."""
    return (
        isinstance(block, Prose)
        and not block.marker
        and all(Style.STRONG in each.style for each in block.spans)
        and 0 < sum(len(each.text) for each in block.spans) <= LONGEST_TITLE
    )


def _is_one_item(block: Block, after: Block) -> bool:
    """Whether a block goes on with the list item that another one begins."""
    return bool(block.marker) and not after.marker and after.depth == block.depth


class TableLayouter:
    """Lays a table out: columns as wide as their words need, rows that are not split, the head on each page."""

    def __init__(
        self, table: Table, area: Area, style: PageStyle, text: TextLayouter, page_height: float,
        *, is_part: bool = False,
    ) -> None:  # fmt: skip
        """``is_part`` for some columns of a table that is too wide."""
        self._table, self._area, self._style, self._text = table, area, style, text
        self._page_height = page_height
        self._least: list[float] = []
        """Widths of the columns without broken words in the text size that was tried last."""
        self._size, self._columns = self._measure(area.width, (SPLIT_SIZE,) if is_part else (*SIZES, SPLIT_SIZE))

    def parts(self) -> list[list[int]]:
        """Return the columns that fit the width together without broken words; a narrow first one is in each part."""
        parts: list[list[int]] = [[]]
        room, first = self._area.width, self._least[0]
        repeated = [0] if first <= self._area.width * LARGEST_FIRST_COLUMN else []
        for number, width in enumerate(self._least):
            if width > room and parts[-1] not in ([], repeated):
                parts.append(list(repeated))
                room = self._area.width - (first if repeated else 0)
            parts[-1].append(number)
            room -= width
        return parts

    def group(self, gap: float) -> Group:
        """Return the rows, a strip for each."""
        head = self._row(self._table.head, is_head=True)
        strips = [*head, *(strip for row in self._table.rows for strip in self._row(row, is_head=False))]
        repeated = head if sum(strip.height for strip in head) < self._page_height * 0.3 else []
        keep = len(self._table.rows) <= 12
        return Group(strips, gap, keep_together=keep, repeated=repeated, fills=self._area.fills)

    def _row(self, cells: tuple[Cell, ...], *, is_head: bool) -> list[Strip]:
        """Return one strip, or one for each line where the row is very high."""
        columns: list[tuple[float, list[Line]]] = []
        is_mirrored = self._area.is_mirrored
        start = self._area.left + (self._area.width - sum(self._columns) if is_mirrored else 0)
        x, row_of_cells = start, list(enumerate(zip(cells, self._columns, strict=True)))
        for number, (spans, column) in reversed(row_of_cells) if is_mirrored else row_of_cells:
            margin = CELL_MARGIN_X if number or is_mirrored else 0
            cell_lines = self._text.span_lines(
                spans,
                self._size,
                max(column - margin - CELL_MARGIN_X, 10.0),
                role=self._area.role,
                bold=is_head,
                line_height=CELL_LINE_HEIGHT,
                align=self._table.align[number],
                is_mirrored=is_mirrored,
            )
            columns.append((x + margin, cell_lines))
            x += column
        colour = self._style.colour("edge" if is_head else "hairline")
        rule = Rectangle(x - start, 6, colour)
        height = max((sum(line.height for line in lines) for _, lines in columns), default=0.0) + 2 * CELL_MARGIN_Y
        if height <= self._page_height * TALLEST_ROW:
            items: list[Item] = []
            for left, lines in columns:
                y = float(CELL_MARGIN_Y)
                for line in lines:
                    items.append((left, y, line))
                    y += line.height
            return [Strip(max(height, self._size), [*items, (start, height - 6, rule)])]
        strips = [Strip(CELL_MARGIN_Y)]
        for number in range(max(len(lines) for _, lines in columns)):
            row = [(left, 0.0, lines[number]) for left, lines in columns if number < len(lines)]
            strips.append(Strip(max(line.height for _, _, line in row), list(row)))
        return [*strips, Strip(CELL_MARGIN_Y, [(start, CELL_MARGIN_Y - 6, rule)])]

    def _measure(self, width: float, sizes: Sequence[int]) -> tuple[int, list[float]]:
        """Return the text size and the widths of the columns."""
        least: list[float] = []
        for number, size in enumerate(sizes, 1):
            columns = zip(self._table.head, *self._table.rows[:MEASURED_ROWS], strict=True)
            short_line = SHORT_LINE if number == len(sizes) else 0
            bounds = [self._column_bounds(cells, size, short_line) for cells in columns]
            least, most = [low for low, _ in bounds], [high for _, high in bounds]
            self._least = least
            if sum(most) <= width:
                return size, most
            if sum(least) <= width:
                share = (width - sum(least)) / max(1.0, sum(most) - sum(least))
                return size, [low + (high - low) * share for low, high in bounds]
        return sizes[-1], [low * width / sum(least) for low in least]

    def _column_bounds(self, cells: tuple[Cell, ...], size: int, short_line: float) -> tuple[float, float]:
        """Return the widths of the longest word and of the longest cell, with their margins.

        A cell that is not wider than ``short_line`` counts as a word.
        """
        low = high = 0.0
        for number, spans in enumerate(cells):
            width = 0.0
            for run in self._text.span_runs(spans, size, bold=number == 0):
                if isinstance(run, Picture):
                    low, width = max(low, run.width), width + run.width
                    continue
                text, text_format = run[0][:2_000], run[1]
                measure = text_format.face, text_format.size
                for word in WORD.findall(text):
                    limit = LONGEST_ADDRESS if "/" in word else LONGEST_WORD
                    low = max(low, min(limit, self._style.text_width(word, *measure)))
                width += max(self._style.text_width(line, *measure) for line in text.split("\n"))
            high = max(high, width)
            low = max(low, width if width <= short_line else 0.0)
        margins = 2 * CELL_MARGIN_X + 12
        return low + margins, high + margins
