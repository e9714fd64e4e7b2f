"""Outlines of KaTeX's fonts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from ziafont.font import Font
from ziafont.svgpath import Lineto, Moveto, Quad

from app.config.paths import resources


class Outline(NamedTuple):
    """A glyph in units of 1/1000 em; y grows downwards from the baseline."""

    path: str
    """In the syntax of SVG."""
    advance: float
    left: float
    top: float
    right: float
    bottom: float


class Fonts:
    """The fonts, read when a formula needs them."""

    def __init__(self) -> None:
        self._folder = resources() / "katex" / "fonts"
        self._outlines: dict[tuple[str, bool, bool, str], Outline | None] = {}

    def outline(self, family: str, bold: bool, italic: bool, char: str) -> Outline | None:
        """Return a character of a family such as ``Main``; None if neither it nor the main family has it."""
        key = family, bold, italic, char
        if key not in self._outlines:
            self._outlines[key] = next(
                filter(None, (_read(path, char) for path in self._faces(family, bold, italic))), None
            )
        return self._outlines[key]

    def _faces(self, family: str, bold: bool, italic: bool) -> list[Path]:
        face = "Bold" * bold + "Italic" * italic or "Regular"
        names = [f"{family}-{face}", f"{family}-Regular", f"{family}-Italic", f"Main-{face}", "Main-Regular"]
        paths = [self._folder / f"KaTeX_{name}.ttf" for name in names]
        return [path for path in paths if path.is_file()]


@cache
def _font(path: Path) -> Font:
    return Font(path)


def _read(path: Path, char: str) -> Outline | None:
    font = _font(path)
    index = font.glyphindex(char)
    if not index:
        return None
    glyph = font.glyph_fromid(index)
    pieces: list[str] = []
    for operator in glyph.operators:
        if isinstance(operator, Moveto):
            pieces.append(f"{'Z' if pieces else ''}M{operator.p.x:g} {-operator.p.y:g}")
        elif isinstance(operator, Lineto):
            pieces.append(f"L{operator.p.x:g} {-operator.p.y:g}")
        else:
            assert isinstance(operator, Quad)
            pieces.append(f"Q{operator.p1.x:g} {-operator.p1.y:g} {operator.p2.x:g} {-operator.p2.y:g}")
    box = glyph.bbox
    path_text = "".join(pieces) + ("Z" if pieces else "")
    # The last width of a font is that of all later glyphs.
    advance = font.advwidths[min(index, len(font.advwidths) - 1)].width
    return Outline(path_text, advance, box.xmin, -box.ymax, box.xmax, -box.ymin)
