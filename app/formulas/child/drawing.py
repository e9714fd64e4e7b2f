"""Drawing of a formula as SVG that contains only shapes and characters."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from app.formulas.child.fonts import Fonts
from app.formulas.child.katex import TAG_COLOUR, Katex, UnsupportedFormula
from app.formulas.child.layout import EM, Glyph, Layout, Letters, Mark, Shape

_MARGIN = 0.03 * EM
"""Margin of the picture: curves are drawn with soft edges."""
_TAG_GAP = 2 * EM
"""Least space between a formula and its number."""
_SIZE = 1.12
"""Text size relative to the text around the formula: the letters of KaTeX's fonts are small."""
_RECURSION = 5_000
_Placed = tuple[float, float, Mark]
_Bounds = tuple[float, float, float, float]
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

        Numbers of formulas (``\\tag``) are a group at the end and at the right; for display formulas ``body`` and
        ``tag`` are the widths of what is beside the gap, in em.  Raises as ``marks`` does.
        """
        marks, width, height, depth = self.marks(formula, display=display)
        if not marks:
            raise UnsupportedFormula("empty")
        body, tags = _separated(marks)
        left, top, right, bottom = _bounds(body, (0.0, -height, width, depth))
        width = right + 2 * _MARGIN - left
        shapes, sizes = "".join(_element(*each) for each in body), {}
        if tags:
            extents = [_bounds(tag) for tag in tags]
            widest = max(extent[2] - extent[0] for extent in extents)
            end = right + _TAG_GAP + widest
            top, bottom = min(top, *(each[1] for each in extents)), max(bottom, *(each[3] for each in extents))
            moved = [
                (x + end - extent[2], y, mark) for tag, extent in zip(tags, extents, strict=True) for x, y, mark in tag
            ]
            shapes += f"<g>{''.join(_element(*each) for each in moved)}</g>"
            if display:
                sizes = {"body": width / EM * _SIZE, "tag": (widest + 2 * _MARGIN) / EM * _SIZE}
            width = end + 2 * _MARGIN - left
        left, top, height = left - _MARGIN, top - _MARGIN, bottom + 2 * _MARGIN - top
        view = f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}"
        return {
            "svg": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">{shapes}</svg>',
            "width": width / EM * _SIZE,
            "height": height / EM * _SIZE,
            "baseline": -top / EM * _SIZE,
            **sizes,
        }


def _separated(marks: list[_Placed]) -> tuple[list[_Placed], list[list[_Placed]]]:
    """Return the marks of a formula, and those of each of its numbers."""
    body: list[_Placed] = []
    tags: list[list[_Placed]] = []
    before: _Placed | None = None
    for placed in marks:
        mark = placed[2]
        if (mark.colour if isinstance(mark, Shape) else mark.style.colour) != TAG_COLOUR:
            body.append(placed)
            before = None
            continue
        if before is None or placed[0] < before[0]:
            tags.append([])
        tags[-1].append(placed)
        before = placed
    return body, tags


def _bounds(marks: Iterable[_Placed], *others: _Bounds) -> _Bounds:
    """Return left, top, right and bottom of all marks and the other rectangles."""
    bounds = [
        (x + left, y + top, x + right, y + bottom) for x, y, mark in marks for left, top, right, bottom in [mark.bounds]
    ]
    lefts, tops, rights, bottoms = zip(*others, *bounds, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


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
    return colour if colour != TAG_COLOUR and _COLOUR.fullmatch(colour) else "currentColor"
