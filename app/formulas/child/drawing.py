"""Drawing of a formula as SVG that contains only shapes and characters."""

from __future__ import annotations

import re
import sys
from typing import Any
from xml.sax.saxutils import escape

from app.formulas.child.fonts import Fonts
from app.formulas.child.katex import Katex, UnsupportedFormula
from app.formulas.child.layout import EM, Glyph, Layout, Letters, Mark

_MARGIN = 0.03 * EM
"""Margin of the picture: curves are drawn with soft edges."""
_SIZE = 1.12
"""Text size relative to the text around the formula: the letters of KaTeX's fonts are small."""
_RECURSION = 5_000
_COLOUR = re.compile(r"currentColor|[a-zA-Z]{3,20}|#[0-9a-fA-F]{3,8}")


class Drawer:
    """Draws formulas."""

    def __init__(self) -> None:
        # Boxes are nested a dozen times as deep as the braces of a formula.
        sys.setrecursionlimit(max(_RECURSION, sys.getrecursionlimit()))
        self._katex, self._layout = Katex(), Layout(Fonts())

    def marks(self, formula: str, *, display: bool) -> tuple[list[tuple[float, float, Mark]], float, float, float]:
        """Return what is drawn with its positions, and the width, height and depth of the formula as in TeX.

        Raises:
            UnsupportedFormula: it would be drawn wrongly.
            Exception: it is malformed.
        """
        marks, box, height, depth = self._layout.marks(self._katex.boxes(formula, display=display), display=display)
        return marks, box.width, height, depth

    def draw(self, formula: str, *, display: bool) -> dict[str, Any]:
        """Return ``svg`` in ``currentColor``, and ``width``, ``height`` and ``baseline`` (from the top) in em.

        Raises as ``marks`` does.
        """
        marks, width, height, depth = self.marks(formula, display=display)
        if not marks:
            raise UnsupportedFormula("empty")
        bounds = [(0.0, -height, width, depth)]
        bounds += [
            (x + left, y + top, x + right, y + bottom)
            for x, y, mark in marks
            for left, top, right, bottom in [mark.bounds]
        ]
        lefts, tops, rights, bottoms = zip(*bounds, strict=True)
        left, top = min(lefts) - _MARGIN, min(tops) - _MARGIN
        width, height = max(rights) + _MARGIN - left, max(bottoms) + _MARGIN - top
        shapes = "".join(_element(*each) for each in marks)
        view = f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}"
        return {
            "svg": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">{shapes}</svg>',
            "width": width / EM * _SIZE,
            "height": height / EM * _SIZE,
            "baseline": -top / EM * _SIZE,
        }


def _element(x: float, y: float, mark: Mark) -> str:
    if isinstance(mark, Letters):
        style = mark.style
        weight = ' font-weight="bold"' if style.bold else ""
        place = f'x="{x:.0f}" y="{y:.0f}" font-size="{style.size:.0f}"{weight}'
        return f'<text {place} fill="{_colour(style.colour)}">{escape(mark.text)}</text>'
    if isinstance(mark, Glyph):
        scale = mark.style.size / EM
        matrix = f"matrix({scale:g} 0 0 {scale:g} {x:.1f} {y:.1f})"
        return f'<path transform="{matrix}" fill="{_colour(mark.style.colour)}" d="{mark.outline.path}"/>'
    colour = _colour(mark.colour)
    paint = f'fill="none" stroke="{colour}" stroke-width="{mark.stroke:.0f}"' if mark.stroke else f'fill="{colour}"'
    return f'<path transform="translate({x:.1f} {y:.1f})" {paint} d="{mark.path}"/>'


def _colour(colour: str) -> str:
    return colour if _COLOUR.fullmatch(colour) else "currentColor"
