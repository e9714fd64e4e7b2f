"""Fonts, colours and text formats of the printed page, always light.

All lengths are tenths of a point, the unit of the page.  Fonts belong to the thread that uses them; only the names of
the families are shared between threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QTextCharFormat, QTextOption

from app.markdown.blocks import Style
from ui.widgets.theme import LIGHT, interface_font, mono_families

UNITS_PER_POINT = 10
TEXT_SIZE = 105
CODE_SIZE = 86
SMALL_SIZE = 82
TITLE_SIZE = 190
HEADING_SCALES = (1.35, 1.2, 1.08, 1.0, 1.0, 1.0)
LINE_HEIGHT = 1.52
CODE_LINE_HEIGHT = 1.42
INDENT = 170
QUOTE_INDENT = 120
PADDING = 90

_LIGATURE_FEATURES = ("liga", "clig", "calt", "dlig", "hlig", "locl")
"""OpenType features that substitute glyphs: a PDF cannot map the substitutes back to characters."""


class Face(NamedTuple):
    """A font without its size."""

    mono: bool = False
    bold: bool = False
    italic: bool = False


@dataclass(frozen=True)
class TextFormat:
    """The format of a run of text."""

    face: Face
    size: int
    char_format: QTextCharFormat


def installed_families() -> tuple[list[str], list[str]]:
    """Return the font families of the window for text and for code, best first; only for the window's thread."""
    return interface_font().families(), list(mono_families())


class PageStyle:
    """Fonts and formats of one document, and the characters that were written with each font."""

    def __init__(self, text_families: list[str], mono_families: list[str]) -> None:
        self._text_families, self._mono_families = text_families, mono_families
        self._fonts: dict[tuple[Face, int, bool], QFont] = {}
        self._formats: dict[tuple[Face, int, Style, str, str], TextFormat] = {}
        self.written: dict[Face, dict[str, None]] = {}
        """Characters by font, in the order of their first use."""
        self.supplementary: dict[str, None] = {}
        """Characters above U+FFFF, in the order of their first use in the document."""
        self.text_option = QTextOption()
        self.text_option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.text_option.setUseDesignMetrics(True)
        self.text_option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        self.mirrored_option = QTextOption(self.text_option)
        self.mirrored_option.setTextDirection(Qt.LayoutDirection.RightToLeft)
        self.code_option = QTextOption()
        self.code_option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        self.code_option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.code_option.setTabStopDistance(self.text_width("0", Face(mono=True), CODE_SIZE) * 4)

    def font(self, face: Face, size: int, *, struck_out: bool = False) -> QFont:
        """Return the font of a face and size."""
        key = (face, size, struck_out)
        if key not in self._fonts:
            font = QFont()
            font.setFamilies(self._mono_families if face.mono else self._text_families)
            if face.mono:
                font.setStyleHint(QFont.StyleHint.Monospace)
                font.setFixedPitch(True)
            font.setPixelSize(size)
            font.setWeight(QFont.Weight.DemiBold if face.bold else QFont.Weight.Normal)
            font.setItalic(face.italic)
            font.setStrikeOut(struck_out)
            font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
            for feature in _LIGATURE_FEATURES:
                tag = QFont.Tag.fromString(feature)
                if tag is not None:
                    font.setFeature(tag, 0)
            self._fonts[key] = font
        return self._fonts[key]

    def text_width(self, text: str, face: Face, size: int) -> float:
        """Return the width of a text on one line."""
        return QFontMetricsF(self.font(face, size)).horizontalAdvance(text)

    def record(self, text: str, face: Face) -> None:
        """Remember the characters that are written with a face."""
        self.written.setdefault(face, {}).update(dict.fromkeys(text))
        if not text.isascii() and max(text) > "\uffff":
            self.supplementary.update(dict.fromkeys(each for each in text if each > "\uffff"))

    def text_format(self, face: Face, size: int, role: str, style: Style = Style.PLAIN, href: str = "") -> TextFormat:
        """Return the format of text in the colour ``role`` of the theme; ``face`` counts for bold and italics."""
        key = (face, size, style, role, href)
        if key not in self._formats:
            char_format = QTextCharFormat()
            specified = QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesAll
            char_format.setFont(self.font(face, size, struck_out=Style.STRUCK in style), specified)
            char_format.setForeground(self.colour("link" if href else role))
            if style & (Style.CODE | Style.MARKED):
                char_format.setBackground(self.colour("question" if Style.MARKED in style else "code_ground"))
            if Style.UNDERLINED in style:
                char_format.setFontUnderline(True)
            if Style.SUBSCRIPT in style:
                char_format.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSubScript)
            elif Style.SUPERSCRIPT in style:
                char_format.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
            if href:
                char_format.setAnchor(True)
                char_format.setAnchorHref(escape_url(href))
            self._formats[key] = TextFormat(face, size, char_format)
        return self._formats[key]

    def colour(self, role: str) -> QColor:
        """Return the colour of a role of the theme."""
        return QColor(getattr(LIGHT, role))


def escape_url(url: str) -> str:
    """Percent-encode the characters that could end the PDF string, into which Qt writes the URL unescaped."""
    return quote(url, ":/?#[]@!$&'*+,;=%", errors="replace")
