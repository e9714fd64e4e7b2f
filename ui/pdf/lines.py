"""Runs laid out to lines, with pictures among the words.

A picture takes the place of one invisible letter that is spaced as wide as the picture and means its source.  Where no
letter is to be had it is a space, and the source is written invisibly below the picture.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFont, QPainter, QTextCharFormat, QTextLayout, QTextLine

from app.markdown.highlight import CodeRole
from ui.pdf.faces import CODE_LINE, CODE_SIZE, LINE, Faces
from ui.pdf.pictures import Picture
from ui.pdf.strips import Strip
from ui.pdf.text import Run, clean, code_runs, split, units

CHUNK = 2_000
"""Units of UTF-16 that are laid out at once; Qt's cost for one paragraph grows faster than its length."""
SPACE = "\u00a0"
SOURCE_SIZE = 40
"""Of a formula's invisible source."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A line, laid out."""

    height: float
    width: float
    paint: Callable[[QPainter, float, float], None]
    """Draws it with its upper left corner there."""


class Lines:
    """Lays runs out to lines of a width."""

    def __init__(self, faces: Faces, size: int, *, line: float = LINE, kind: str = "text") -> None:
        self._faces = faces
        self._size = size
        self._line = line
        self._kind = kind
        self._option = faces.code_option() if kind == "mono" else faces.option()

    def of(self, runs: Iterable[Run | Picture], width: float, *, align: str = "") -> Iterator[Laid]:
        """The lines of a paragraph; a ``\\n`` in it begins a new one."""
        row: deque[Run | Picture] = deque()
        for run in runs:
            if isinstance(run, Picture):
                row.append(run.within(width))
                continue
            for number, text in enumerate(run[0].split("\n")):
                if number:
                    yield from self._paragraph(row, width, align)
                    row.clear()
                row.extend((piece, run[1]) for piece in _pieces(text))
        yield from self._paragraph(row, width, align)

    def strips(self, runs: Iterable[Run | Picture], left: float, width: float) -> list[Strip]:
        """The same as strips that begin at ``left``."""
        return [Strip(line.height, partial(_paint_at, line, left)) for line in self.of(runs, width)]

    def _paragraph(self, row: deque[Run | Picture], width: float, align: str) -> Iterator[Laid]:
        while row:
            part: list[Run | Picture] = []
            taken = 0
            while row and taken < CHUNK:
                each = row.popleft()
                part.append(each)
                taken += _length(each)
            lines, tail = self._lay_out(part, width, align, is_last=not row)
            yield from lines
            row.extendleft(reversed(tail))

    def _lay_out(
        self, row: Sequence[Run | Picture], width: float, align: str, *, is_last: bool
    ) -> tuple[list[Laid], list[Run | Picture]]:
        """The lines, and what stood on the last one where more of the paragraph follows."""
        text, place, last = "", 0, None
        formats: list[QTextLayout.FormatRange] = []
        pictures: list[tuple[Picture, int]] = []
        for each in row:
            written, made = (each.letter or SPACE, self._spaced(each)) if isinstance(each, Picture) else each
            if isinstance(each, Picture):
                pictures.append((each, place))
            length = units(written)
            if last is made:
                # One range for the pieces of a long text, or each would be a text of its own in the file.
                formats[-1].length += length
            else:
                found = QTextLayout.FormatRange()
                found.start, found.length, found.format = place, length, made
                formats.append(found)
            text, place, last = text + written, place + length, made
        layout = QTextLayout(text, self._faces.font(self._kind, self._size))
        layout.setTextOption(self._option)
        layout.setFormats(formats)
        lines: list[QTextLine] = []
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, 0))
            lines.append(line)
        layout.endLayout()
        tail = _from(row, lines.pop().textStart()) if not is_last and len(lines) > 1 else []
        return [self._laid(layout, line, width, align, pictures) for line in lines], tail

    def _laid(
        self, layout: QTextLayout, line: QTextLine, width: float, align: str, pictures: Sequence[tuple[Picture, int]]
    ) -> Laid:
        start, end = line.textStart(), line.textStart() + line.textLength()
        here = [(each, _left_of(line, place)) for each, place in pictures if start <= place < end]
        height = self._size * self._line
        above = height / 2 + self._size * 0.35
        below = height - above
        lead = self._size * 0.25
        for each, _ in here:
            # An emoji is as high as a line; a formula needs air.
            if each.image is None:
                above = max(above, each.baseline + lead)
                below = max(below, each.height - each.baseline + lead)
        natural = float(line.naturalTextWidth())
        shift = {"right": width - natural, "center": (width - natural) / 2}.get(align, 0.0)
        return Laid(above + below, natural, partial(self._paint, layout, line, above, max(0.0, shift), here))

    def _paint(
        self,
        _layout: QTextLayout,
        line: QTextLine,
        above: float,
        shift: float,
        pictures: list[tuple[Picture, float]],
        painter: QPainter,
        x: float,
        y: float,
    ) -> None:
        """The layout is held because the line lives in it."""
        painter.setPen(self._faces.colour("text"))
        line.draw(painter, QPointF(x + shift, y + above - line.ascent()))
        for shown, left in pictures:
            paint_picture(painter, shown, QPointF(x + shift + left, y + above - shown.baseline), self._faces)

    def _spaced(self, shown: Picture) -> QTextCharFormat:
        base = self._faces.font("text", self._size)
        if shown.letter:
            self._faces.note(shown.letter, "text", self._size)
        font = QFont(base)
        own = self._faces.advance(base, shown.letter or SPACE)
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, shown.width - own)
        made = QTextCharFormat()
        made.setFont(font)
        made.setForeground(QColor(0, 0, 0, 0))
        return made


def code_lines(line: Iterable[tuple[str, CodeRole]], faces: Faces, width: float) -> list[Laid]:
    """One line of code, broken where it is longer than the page is wide."""
    found = list(Lines(faces, CODE_SIZE, line=CODE_LINE, kind="mono").of(code_runs(line, faces), width))
    return found or [Laid(CODE_SIZE * CODE_LINE, 0.0, _paint_nothing)]


def paint_picture(painter: QPainter, shown: Picture, corner: QPointF, faces: Faces) -> None:
    """A picture, and where no letter stands for it its source, which is seen by none and found by a search."""
    shown.paint(painter, QRectF(corner.x(), corner.y(), shown.width, shown.height))
    if shown.letter:
        return
    source = " ".join(clean(shown.source).split())
    font = faces.font("text", SOURCE_SIZE)
    faces.note(source, "text", SOURCE_SIZE)
    painter.save()
    painter.setFont(font)
    painter.setPen(QColor(0, 0, 0, 0))
    painter.translate(corner.x(), corner.y() + shown.baseline)
    natural = faces.advance(font, source)
    if natural > shown.width > 0:
        painter.scale(shown.width / natural, 1.0)
    painter.drawText(QPointF(0, 0), source)
    painter.restore()


def _left_of(line: QTextLine, place: int) -> float:
    found = line.cursorToX(place)
    # Its stub says object; it is the pair of C++'s value and argument.
    assert isinstance(found, tuple)
    return float(found[0])


def _paint_at(line: Laid, left: float, painter: QPainter, y: float) -> None:
    line.paint(painter, left, y)


def _paint_nothing(_painter: QPainter, _x: float, _y: float) -> None:
    """An empty line."""


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces that are taken and given back cheaply."""
    for start in range(0, len(text), CHUNK // 4):
        yield text[start : start + CHUNK // 4]


def _length(each: Run | Picture) -> int:
    return 1 if isinstance(each, Picture) else units(each[0])


def _from(row: Sequence[Run | Picture], start: int) -> list[Run | Picture]:
    """The row from a unit on."""
    taken = 0
    for number, each in enumerate(row):
        length = _length(each)
        if taken + length > start:
            if isinstance(each, Picture):
                return list(row[number:])
            return [(split(each[0], start - taken)[1], each[1]), *row[number + 1 :]]
        taken += length
    return []
