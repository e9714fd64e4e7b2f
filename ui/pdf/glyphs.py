"""Glyphs and their characters: the fonts that Qt draws a text with, missing characters, and ToUnicode tables.

A PDF contains glyphs; its ToUnicode tables (ISO 32000-1, 9.10.3) map them to the characters that are copied.  Qt maps
each glyph to the lowest code point that shares it: the radical U+2F42 for U+6587, a tab for a space, a compatibility
character for a ligature, and nothing above U+FFFF.  ``CharacterMaps`` looks each entry up among the characters that
were written with the font.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from PySide6.QtGui import QFont, QRawFont, QTextLayout

from ui.pdf.style import TEXT_SIZE, PageStyle

_LAID_OUT_TOGETHER = 400
"""Characters."""
_RANGE = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})> (?:\[([^\]]*)\]|<([0-9A-Fa-f]{4})>)")
_HEX = re.compile(rb"<([0-9A-Fa-f]+)>")
_INVISIBLE = ("Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Cn", "Cs", "Co")
_BFCHAR_LIMIT = 100
"""Entries of one ``bfchar`` block that readers must accept."""


def raw_fonts(font: QFont, characters: Iterable[str]) -> list[QRawFont]:
    """Return the fonts that Qt draws these characters with, each once."""
    fonts: dict[str, QRawFont] = {}
    ordered = sorted(characters)
    for start in range(0, len(ordered), _LAID_OUT_TOGETHER):
        # The spaces keep the characters from joining.
        layout = QTextLayout(" ".join(ordered[start : start + _LAID_OUT_TOGETHER]), font)
        layout.beginLayout()
        layout.createLine().setNumColumns(1 << 20)
        layout.endLayout()
        for run in layout.glyphRuns():
            raw = run.rawFont()
            # Qt draws boxes with a font without a size for Indic scripts that no font contains.  Reading it crashes.
            if raw.isValid() and raw.pixelSize() > 0:
                fonts.setdefault(postscript_name(raw), raw)
    return list(fonts.values())


def postscript_name(font: QRawFont) -> str:
    """Return the name of a font in a PDF: its PostScript name, from its ``name`` table (OpenType, name 6)."""
    table = bytes(font.fontTable("name").data())
    try:
        _version, count, strings = struct.unpack_from(">HHH", table)
        for number in range(count):
            platform, _encoding, _language, kind, length, offset = struct.unpack_from(">6H", table, 6 + 12 * number)
            if kind == 6:
                raw = table[strings + offset : strings + offset + length]
                return raw.decode("utf-16-be" if platform in (0, 3) else "latin-1")
    except (struct.error, UnicodeDecodeError):
        pass
    return f"{font.familyName()}-{font.styleName()}".replace(" ", "")


@dataclass
class _Font:
    """A font with the characters that were written with it."""

    raw: QRawFont
    characters: dict[int, set[str]] = field(default_factory=dict)
    """By the glyph that they share."""
    supplementary: dict[str, None] = field(default_factory=dict)
    """Characters above U+FFFF that this font draws, in the order of their first use."""


class CharacterMaps:
    """The true characters of the glyphs of a document, and the ``missing`` ones that were drawn as empty boxes."""

    def __init__(self, style: PageStyle, meanings: Mapping[str, str]) -> None:
        """``meanings`` are the texts that placeholders stand for."""
        self._meanings = meanings
        self._fonts: dict[str, _Font] = {}
        self.missing: set[str] = set()
        for face, characters in style.written.items():
            fonts = raw_fonts(style.font(face, TEXT_SIZE), characters)
            visible = {each for each in characters if unicodedata.category(each) not in _INVISIBLE}
            self.missing |= {each for each in visible if not any(font.supportsCharacter(ord(each)) for font in fonts)}
            for raw in fonts:
                by_glyph = self._fonts.setdefault(postscript_name(raw), _Font(raw)).characters
                for character in characters:
                    if glyph := _glyph(raw, character):
                        by_glyph.setdefault(glyph, set()).add(character)
        for character in style.supplementary:
            # Several fonts may contain it; only one of them draws it.
            for face in (face for face, characters in style.written.items() if character in characters):
                for raw in raw_fonts(style.font(face, TEXT_SIZE), character):
                    if _glyph(raw, character):
                        self._fonts[postscript_name(raw)].supplementary[character] = None

    def corrected(self, font_name: str, table: bytes, glyph_count: int) -> bytes:
        """Return the ToUnicode table of a font that contains ``glyph_count`` glyphs, corrected."""
        font = self._fonts.get(font_name)
        entries = {code: _character(text, font) for code, text in _parse(table).items() if text}
        unmapped = [code for code in range(1, glyph_count) if code not in entries]
        supplementary = font.supplementary if font else {}
        if len(unmapped) == len(supplementary):
            # Qt numbers the glyphs of a font in the order of their first use.
            entries.update(zip(unmapped, supplementary, strict=True))
        return _format({code: self._meanings.get(text, text) for code, text in entries.items()})


def _character(text: str, font: _Font | None) -> str:
    normalised = unicodedata.normalize("NFKC", text)
    if font is None:
        return normalised if len(normalised) == 1 and normalised != text else text
    if candidates := font.characters.get(_glyph(font.raw, text)):
        return min(candidates, key=_rank)
    # A ligature or a contextual form.
    return normalised if normalised.strip() else text


def _glyph(font: QRawFont, character: str) -> int:
    glyphs = font.glyphIndexesForString(character)
    return int(glyphs[0]) if glyphs else 0


def _rank(character: str) -> tuple[bool, bool, bool, int]:
    """Sort key: of several characters that share a glyph the plain one comes first."""
    return (
        unicodedata.normalize("NFKC", character) != character,
        "\u2e80" <= character <= "\u2fdf",
        unicodedata.category(character).startswith("C"),
        ord(character),
    )


def _parse(table: bytes) -> dict[int, str]:
    """Return the characters by code, as Qt wrote them; empty for codes that it does not map."""
    entries: dict[int, str] = {}
    for low, high, several, one in _RANGE.findall(table):
        first, last = int(low, 16), int(high, 16)
        texts = _HEX.findall(several) if several else [b"%04X" % (int(one, 16) + at) for at in range(last - first + 1)]
        for code, text in enumerate(texts, first):
            entries[code] = bytes.fromhex(text.decode()).decode("utf-16-be", "replace").strip("\0")
    return entries


def _format(entries: Mapping[int, str]) -> bytes:
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<0000> <FFFF>",
        "endcodespacerange",
    ]
    ordered = sorted(entries.items())
    for start in range(0, len(ordered), _BFCHAR_LIMIT):
        block = ordered[start : start + _BFCHAR_LIMIT]
        lines.append(f"{len(block)} beginbfchar")
        lines += [f"<{code:04X}> <{text.encode('utf-16-be', 'replace').hex().upper()}>" for code, text in block]
        lines.append("endbfchar")
    lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end", ""]
    return "\n".join(lines).encode()
