"""Lines of text: spans and code as runs of one format, laid out to lines with pictures between the words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFont, QPainter, QTextCharFormat, QTextLayout, QTextLine, QTextOption

from app.export.entries import name_bidi_controls
from app.markdown.blocks import Span, Style, has_chinese, utf16_length
from app.markdown.highlight import CodeRole
from ui.pdf.pictures import Picture, Pictures
from ui.pdf.style import CODE_LINE_HEIGHT, CODE_SIZE, LINE_HEIGHT, Face, PageStyle, TextFormat

LONGEST_PARAGRAPH = 20_000
"""Characters that are laid out together; the cost of a QTextLayout grows faster than its length."""
NO_BREAK_SPACE = "\u00a0"
_IN_FACE = Style.STRONG | Style.EMPHASIS
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffc]|[\ud800-\udfff]")

Run: TypeAlias = tuple[str, TextFormat] | Picture


@dataclass(frozen=True, slots=True)
class Line:
    """A line, laid out."""

    height: float
    width: float
    baseline: float
    """Distance from the top."""
    shift: float
    """Distance of the text from the left edge, for its alignment."""
    line: QTextLine
    layout: QTextLayout
    """Owner of ``line``."""
    pictures: Sequence[tuple[float, Picture]]
    """With their distances from the left edge of the text."""

    def draw(self, painter: QPainter, x: float, y: float) -> None:
        """Draw it with its upper left corner at a point."""
        self.line.draw(painter, QPointF(x + self.shift, y + self.baseline - self.line.ascent()))
        for left, picture in self.pictures:
            picture.draw(painter, x + self.shift + left, y + self.baseline - picture.baseline)


class TextLayouter:
    """Makes lines of spans and code."""

    def __init__(self, style: PageStyle, pictures: Pictures) -> None:
        self._style, self._pictures = style, pictures

    def span_runs(self, spans: Iterable[Span], size: int, *, role: str = "text", bold: bool = False) -> Iterator[Run]:
        """Yield spans as runs of text and pictures, in the colour ``role`` of the theme."""
        for span in spans:
            if span.formula:
                picture = self._pictures.formula(span.formula, span.text, display=False, size=size, role=role)
                if picture is not None:
                    yield picture
                    continue
                span = replace(span, style=span.style | Style.CODE)
            style = span.style | (Style.STRONG if bold else Style.PLAIN)
            text = clean(span.text, in_code=Style.CODE in style)
            if Style.EMPHASIS in style and has_chinese(text):
                # Chinese fonts have no italics; emphasis is bold there.
                style = (style & ~Style.EMPHASIS) | Style.STRONG
            is_code = Style.CODE in style
            face = Face(is_code, Style.STRONG in style, Style.EMPHASIS in style)
            text_format = self._style.text_format(
                face, round(size * 0.9) if is_code else size, role, style & ~_IN_FACE, span.href
            )
            yield from self._pictures.split_emoji(text, text_format)

    def span_lines(
        self, spans: Iterable[Span], size: int, width: float, *, role: str = "text", bold: bool = False,
        line_height: float = LINE_HEIGHT, align: str = "", is_mirrored: bool = False,
    ) -> list[Line]:  # fmt: skip
        """Return the lines of spans; each line feed in them ends a paragraph.

        ``is_mirrored`` if they are read from right to left: then they begin at the right.
        """
        paragraphs = _paragraphs(self.span_runs(spans, size, role=role, bold=bold), width)
        option = self._style.mirrored_option if is_mirrored else self._style.text_option
        align = align or ("right" if is_mirrored else "")
        return [line for runs in paragraphs for line in self._lines(runs, size, width, line_height, option, align)]

    def code_lines(self, stretches: Iterable[tuple[str, CodeRole]], width: float) -> list[Line]:
        """Return the lines that one line of highlighted code takes; none where it is empty."""
        runs: list[Run] = []
        for text, role in stretches:
            text_format = self._style.text_format(Face(mono=True), CODE_SIZE, f"code_{role.value}")
            runs += self._pictures.split_emoji(clean(text, in_code=True), text_format)
        return [
            line
            for paragraph in _paragraphs(runs, width)
            for line in self._lines(paragraph, CODE_SIZE, width, CODE_LINE_HEIGHT, self._style.code_option)
        ]

    def _lines(
        self, runs: list[Run], size: int, width: float, line_height: float, option: QTextOption, align: str = ""
    ) -> Iterator[Line]:
        """Yield the lines of a paragraph."""
        style, texts, length = self._style, [], 0
        formats: list[QTextLayout.FormatRange] = []
        pictures: list[tuple[int, Picture]] = []
        for run in runs:
            if isinstance(run, Picture):
                text, face, char_format = run.placeholder or NO_BREAK_SPACE, Face(), self._placeholder_format(run, size)
                pictures.append((length, run))
            else:
                text, face, char_format = run[0], run[1].face, run[1].char_format
            style.record(text, face)
            range_ = QTextLayout.FormatRange()
            range_.start, range_.length, range_.format = length, utf16_length(text), char_format
            formats.append(range_)
            texts.append(text)
            length += range_.length
        layout = QTextLayout("".join(texts), style.font(Face(mono=option is style.code_option), size))
        layout.setTextOption(option)
        layout.setFormats(formats)
        lines: list[QTextLine] = []
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, 0))
            lines.append(line)
        layout.endLayout()
        for line in lines:
            start, end = line.textStart(), line.textStart() + line.textLength()
            # Within text from right to left the position after a picture is at its left.
            here = [(min(_x_of(line, at), _x_of(line, at + 1)), each) for at, each in pictures if start <= at < end]
            height = size * line_height
            above = height / 2 + size * 0.35
            below = height - above
            for _, picture in here:
                # An emoji is as high as a line; a formula needs space around it.
                if picture.image is None:
                    above = max(above, picture.baseline + size * 0.25)
                    below = max(below, picture.height - picture.baseline + size * 0.25)
            natural = float(line.naturalTextWidth())
            shift = {"right": width - natural, "center": (width - natural) / 2}.get(align, 0.0)
            yield Line(above + below, natural, above, max(0.0, shift), line, layout, here)

    def _placeholder_format(self, picture: Picture, size: int) -> QTextCharFormat:
        """Return the format of an invisible letter that is as wide as the picture."""
        font = QFont(self._style.font(Face(), size))
        width = self._style.text_width(picture.placeholder or NO_BREAK_SPACE, Face(), size)
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, picture.width - width)
        char_format = QTextCharFormat()
        char_format.setFont(font)
        char_format.setForeground(QColor(0, 0, 0, 0))
        return char_format


def clean(text: str, *, in_code: bool = False) -> str:
    """Return text that can be drawn: bidirectional controls by name, no control characters, ``\\n`` as line break."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("\ufffd", name_bidi_controls(lines, in_prose=not in_code))


def _paragraphs(runs: Iterable[Run], width: float) -> Iterator[list[Run]]:
    """Yield the runs between line feeds, in parts where they are too long; pictures are shrunk to the width."""
    paragraph: list[Run] = []
    length = 0
    for run in runs:
        for is_new, piece in _pieces(run, width):
            size = 1 if isinstance(piece, Picture) else len(piece[0])
            if paragraph and (is_new or length + size > LONGEST_PARAGRAPH):
                yield paragraph
                paragraph, length = [], 0
            if size:
                paragraph.append(piece)
                length += size
    if paragraph:
        yield paragraph


def _pieces(run: Run, width: float) -> Iterator[tuple[bool, Run]]:
    """Cut a run at line feeds and where it is too long; each piece with whether a line feed precedes."""
    if isinstance(run, Picture):
        yield False, run.fitted(width)
        return
    for number, text in enumerate(run[0].split("\n")):
        is_new = number > 0
        while len(text) > LONGEST_PARAGRAPH:
            end = text.rfind(" ", 0, LONGEST_PARAGRAPH) + 1 or LONGEST_PARAGRAPH
            yield is_new, (text[:end], run[1])
            text, is_new = text[end:], False
        yield is_new, (text, run[1])


def _x_of(line: QTextLine, position: int) -> float:
    # The stub says object; it is a pair of the value and the argument of C++.
    x = line.cursorToX(position)
    assert isinstance(x, tuple)
    return float(x[0])
