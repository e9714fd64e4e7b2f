"""Parts of a PDF that Qt does not write: true characters behind the glyphs, an outline and the language."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ui.pdf.glyphs import CharacterMaps

LONGEST_TITLE = 80
"""Characters of an outline entry."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline."""

    title: str
    page: int
    """From 0 on."""
    top: float
    """Points from the lower edge of the paper."""


def finish(content: bytes, characters: CharacterMaps, bookmarks: Sequence[Bookmark], language: str) -> bytes:
    """Return a PDF written by Qt with these parts added; ``language`` is a code such as ``zh-CN``."""
    # Deferred: the import takes 120 ms, which the export dialog does not wait for.
    from pypdf import PdfWriter
    from pypdf.generic import Fit, NameObject, TextStringObject

    writer = PdfWriter(fileobj=io.BytesIO(content), incremental=True)
    fonts: dict[int, Any] = {}
    for page in writer.pages:
        resources: Any = page["/Resources"]
        for font in resources.get("/Font", {}).values():
            fonts[font.get_object().indirect_reference.idnum] = font.get_object()
    for font in fonts.values():
        if "/ToUnicode" in font:
            table = font["/ToUnicode"].get_object()
            name = str(font["/BaseFont"]).removeprefix("/")
            table.set_data(characters.corrected(name, table.get_data(), _glyph_count(font)))
    for bookmark in bookmarks:
        title = bookmark.title
        title = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        writer.add_outline_item(title=title, page_number=bookmark.page, fit=Fit.xyz(top=round(bookmark.top, 1)))
    writer.root_object[NameObject("/Lang")] = TextStringObject(language)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def _glyph_count(font: Any) -> int:
    """Return how many glyphs an embedded font contains (OpenType, table ``maxp``); 0 where it is not TrueType."""
    descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
    program = descriptor["/FontFile2"].get_object().get_data() if "/FontFile2" in descriptor else b""
    for at in range(12, 12 + 16 * int.from_bytes(program[4:6]), 16):
        if program[at : at + 4] == b"maxp":
            start = int.from_bytes(program[at + 8 : at + 12])
            return int.from_bytes(program[start + 4 : start + 6])
    return 0
