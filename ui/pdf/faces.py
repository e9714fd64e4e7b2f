"""Faces and colours of the printed page, always light.  All lengths are tenths of a point, the unit of the page.

Fonts are made in the thread that uses them; only the names of the families cross from the window's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QColor, QFont, QFontMetricsF, QTextCharFormat, QTextOption

from app.formulas import Mathematics
from app.markdown.blocks import Style
from app.markdown.highlight import CodeRole
from ui.pdf.pictures import Picture
from ui.widgets.theme import LIGHT, Theme, interface_font, mono_families

POINT = 10
TEXT_SIZE = 105
CODE_SIZE = 86
SMALL_SIZE = 82
TITLE_SIZE = 190
HEADINGS = (1.35, 1.2, 1.08, 1.0, 1.0, 1.0)
LINE = 1.52
CODE_LINE = 1.42
INDENT = 170
QUOTE_INDENT = 120
PAD = 90

_JOINING = ("liga", "clig", "calt", "dlig", "hlig", "locl")
"""Features of OpenType that put another glyph in a letter's place: the file could not say what it stands for."""
_SAFE_IN_ADDRESS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'*+,;=%")


FontKey = tuple[str, int, bool, bool, bool]
"""Kind, size, bold, slanted, struck."""


@dataclass(frozen=True)
class Families:
    """Names of the families, best first; looked up in the window's thread."""

    text: tuple[str, ...]
    mono: tuple[str, ...]

    @classmethod
    def of_this_machine(cls) -> Families:
        """As the window uses them."""
        return cls(tuple(interface_font().families()), tuple(mono_families()))


class Faces:
    """Everything that text is written with.  Belongs to one thread."""

    def __init__(self, families: Families, mathematics: Mathematics | None = None, theme: Theme = LIGHT) -> None:
        self.theme = theme
        self.mathematics = mathematics
        self._families = families
        self._fonts: dict[FontKey, QFont] = {}
        self._formats: dict[tuple[str, int, Style, str], QTextCharFormat] = {}
        self.written: dict[FontKey, dict[str, None]] = {}
        """The characters that were written with each font, in the order of their first use."""
        self.order: dict[str, None] = {}
        """All of them in that order."""
        self.letter: Callable[[str], str] = lambda _meaning: ""
        """A letter that stands for something when text is copied; empty where there is none."""
        self.pictures: dict[str, Picture | None] = {}
        """Emoji by their characters; None for those that are letters here."""

    def font(self, kind: str, size: int, *, bold: bool = False, slanted: bool = False, struck: bool = False) -> QFont:
        """A font of ``text`` or ``mono``; the same object for the same wishes."""
        key = (kind, size, bold, slanted, struck)
        if key not in self._fonts:
            made = QFont()
            made.setFamilies(list(self._families.mono if kind == "mono" else self._families.text))
            if kind == "mono":
                made.setStyleHint(QFont.StyleHint.Monospace)
                made.setFixedPitch(True)
            made.setPixelSize(size)
            made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
            made.setItalic(slanted)
            made.setStrikeOut(struck)
            # A page has no pixels that an outline could be fitted to.
            made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
            for feature in _JOINING:
                tag = QFont.Tag.fromString(feature)
                if tag is not None:
                    made.setFeature(tag, 0)
            self._fonts[key] = made
            self.written[key] = {}
        return self._fonts[key]

    def advance(self, font: QFont, text: str) -> float:
        """How wide a text is on one line."""
        return QFontMetricsF(font).horizontalAdvance(text)

    def note(self, text: str, kind: str, size: int, *, bold: bool = False, slanted: bool = False) -> None:
        """Remember what is written with a font."""
        self.font(kind, size, bold=bold, slanted=slanted)
        characters = dict.fromkeys(text)
        self.written[(kind, size, bold, slanted, False)].update(characters)
        self.order.update(characters)

    def span_format(self, kind: str, size: int, style: Style, role: str) -> QTextCharFormat:
        """How a span is written, in the colour of a role of the theme."""
        key = (kind, size, style, role)
        if key not in self._formats:
            made = QTextCharFormat()
            specified = QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesAll
            made.setFont(
                self.font(
                    kind,
                    size,
                    bold=Style.STRONG in style,
                    slanted=Style.EMPHASIS in style,
                    struck=Style.STRUCK in style,
                ),
                specified,
            )
            made.setForeground(self.colour(role))
            if Style.CODE in style:
                made.setBackground(self.colour("code_ground"))
            self._formats[key] = made
        return self._formats[key]

    def link_format(self, base: QTextCharFormat, href: str) -> QTextCharFormat:
        """The same as a link."""
        made = QTextCharFormat(base)
        made.setForeground(self.colour("link"))
        made.setAnchor(True)
        made.setAnchorHref(safe_address(href))
        return made

    def code_format(self, role: CodeRole) -> QTextCharFormat:
        """How a stretch of code is written."""
        key = ("mono", CODE_SIZE, Style.PLAIN, f"code_{role.value}")
        if key not in self._formats:
            made = QTextCharFormat()
            made.setFont(self.font("mono", CODE_SIZE))
            made.setForeground(self.colour(key[3]))
            self._formats[key] = made
        return self._formats[key]

    def colour(self, role: str) -> QColor:
        """A role's colour."""
        return QColor(getattr(self.theme, role))

    def option(self) -> QTextOption:
        """Lines are broken between words, and within one that is longer than a line."""
        made = QTextOption()
        made.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        made.setUseDesignMetrics(True)
        return made

    def code_option(self) -> QTextOption:
        """Code is broken wherever the line ends; its tabs are four characters wide."""
        made = QTextOption()
        made.setWrapMode(QTextOption.WrapMode.WrapAnywhere)
        made.setTabStopDistance(QFontMetricsF(self.font("mono", CODE_SIZE)).horizontalAdvance("0") * 4)
        return made


def safe_address(href: str) -> str:
    """An address that stays within its own string in the file: Qt writes it there as it is given."""
    raw = href.encode("utf-8", "replace")
    return "".join(chr(byte) if byte in _SAFE_IN_ADDRESS else f"%{byte:02X}" for byte in raw)
