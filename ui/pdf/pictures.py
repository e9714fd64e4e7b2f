"""Pictures in a line of text: formulas as curves, colour emoji as images.

A PDF reader copies neither.  Each picture is therefore preceded by a placeholder: an invisible letter that occurs
nowhere else in the document and whose ToUnicode entry is the source of the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.formulas import FormulaRenderer
from ui.pdf.glyphs import raw_fonts
from ui.pdf.style import TEXT_SIZE, Face, PageStyle, TextFormat

_UNSTROKED = re.compile(r"<(?:path|rect|ellipse)(?=\s)(?![^>]*\sstroke)")
_BASE = (
    "[\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_MODIFIERS = "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_BASE}{_MODIFIERS}(?:\u200d{_BASE}{_MODIFIERS})*")
_COLOUR_TABLES = ("CBDT", "COLR", "sbix", "SVG ")
_EMOJI_PIXELS = 128
_PLACEHOLDERS = (*range(0xAC00, 0xD7A4), *range(0x100, 0x250), *range(0x400, 0x500))
"""Code points of letters that many fonts contain and few texts use; lines may break beside the first range."""
_LONGEST_MEANING = 500
"""Bytes of UTF-16: an entry of a ToUnicode table may have 512 (Adobe technical note 5014, 6.4.2)."""
_HIDDEN_SIZE = 40


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a size, in the unit of the page."""

    source: str
    """Text that the picture shows."""
    width: float
    height: float
    baseline: float
    """Distance from the top."""
    style: PageStyle
    svg: str = ""
    image: QImage | None = None
    placeholder: str = ""
    """Letter that is copied as ``source``; without one the source is on the picture as invisible text."""

    def scaled(self, factor: float) -> Picture:
        """Return the picture in another size."""
        return replace(self, width=self.width * factor, height=self.height * factor, baseline=self.baseline * factor)

    def fitted(self, width: float) -> Picture:
        """Return the picture, shrunk where it is wider than ``width``."""
        return self if self.width <= width else self.scaled(width / self.width)

    def draw(self, painter: QPainter, x: float, y: float) -> None:
        """Draw it with its upper left corner at a point."""
        rect = QRectF(x, y, self.width, self.height)
        if self.image is not None:
            painter.drawImage(rect, self.image)
        else:
            # For a QPdfWriter Qt strokes shapes without a stroke one unit wide, which makes letters bold.
            renderer = QSvgRenderer(QByteArray(_UNSTROKED.sub(r"\g<0> stroke-width='0'", self.svg).encode()))
            renderer.render(painter, rect)
        if not self.placeholder:
            self._draw_source(painter, x, y + self.baseline)

    def _draw_source(self, painter: QPainter, x: float, y: float) -> None:
        self.style.record(self.source, Face())
        painter.save()
        painter.setFont(self.style.font(Face(), _HIDDEN_SIZE))
        painter.setPen(QColor(0, 0, 0, 0))
        painter.translate(x, y)
        natural = self.style.text_width(self.source, Face(), _HIDDEN_SIZE)
        if natural > self.width > 0:
            painter.scale(self.width / natural, 1.0)
        painter.drawText(QPointF(0, 0), self.source)
        painter.restore()


class Pictures:
    """The pictures of one document and their placeholders."""

    def __init__(self, style: PageStyle, formula_renderer: FormulaRenderer | None, text: str) -> None:
        """``text`` contains all text of the document: its characters don't become placeholders."""
        self._style, self._formula_renderer = style, formula_renderer
        self._emoji: dict[str, Picture | None] = {}
        self._placeholders: dict[str, str] = {}
        self._reserved = frozenset(text)
        self._free: Iterator[str] | None = None

    @property
    def meanings(self) -> dict[str, str]:
        """Sources by their placeholders."""
        return {letter: source for source, letter in self._placeholders.items() if letter}

    def formula(
        self, formula: str, source: str, *, display: bool, size: float, role: str, width: float = 0.0
    ) -> Picture | None:
        """Return a formula in the colour ``role``, in line with a placeholder; None where it cannot be drawn.

        ``width`` is that of the column: a numbered formula becomes as wide.
        """
        shape = self._formula_renderer.shape(formula, display) if self._formula_renderer is not None else None
        if shape is None or shape.width <= 0 or shape.height <= 0:
            return None
        drawn = shape.spread(width / size).at(size, self._style.colour(role).name())
        source = " ".join(source.split())
        placeholder = "" if display else self._placeholder(source)
        return Picture(
            source, drawn.width, drawn.height, drawn.baseline, self._style, svg=drawn.svg, placeholder=placeholder
        )

    def split_emoji(self, text: str, text_format: TextFormat) -> Iterator[tuple[str, TextFormat] | Picture]:
        """Yield the text in its format and the pictures of its colour emoji."""
        end = 0
        for match in () if text.isascii() else _EMOJI.finditer(text):
            picture = self._emoji_picture(match[0], text_format.char_format.font())
            if picture is not None:
                if match.start() > end:
                    yield text[end : match.start()], text_format
                yield picture.scaled(text_format.size / _EMOJI_PIXELS)
                end = match.end()
        if end < len(text):
            yield text[end:], text_format

    def _emoji_picture(self, emoji: str, font: QFont) -> Picture | None:
        if emoji not in self._emoji:
            fonts = raw_fonts(font, [emoji])
            is_coloured = any(not each.fontTable(table).isEmpty() for each in fonts for table in _COLOUR_TABLES)
            self._emoji[emoji] = self._draw_emoji(emoji, font) if is_coloured else None
        return self._emoji[emoji]

    def _draw_emoji(self, emoji: str, font: QFont) -> Picture:
        large = QFont(font)
        large.setPixelSize(_EMOJI_PIXELS)
        large.setStrikeOut(False)
        width = QFontMetricsF(large).horizontalAdvance(emoji)
        ascent, height = _EMOJI_PIXELS * 0.95, _EMOJI_PIXELS * 1.2
        image = QImage(max(1, round(width)), round(height), QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setFont(large)
        painter.drawText(QPointF(0, ascent), emoji)
        painter.end()
        return Picture(emoji, width, height, ascent, self._style, image=image, placeholder=self._placeholder(emoji))

    def _placeholder(self, source: str) -> str:
        if source not in self._placeholders:
            if self._free is None:
                self._free = self._unused_letters()
            fits = len(source.encode("utf-16-be", "replace")) <= _LONGEST_MEANING
            self._placeholders[source] = next(self._free, "") if fits else ""
        return self._placeholders[source]

    def _unused_letters(self) -> Iterator[str]:
        for font in raw_fonts(self._style.font(Face(), TEXT_SIZE), "A")[:1]:
            for code in _PLACEHOLDERS:
                if chr(code) not in self._reserved and font.supportsCharacter(code):
                    yield chr(code)
