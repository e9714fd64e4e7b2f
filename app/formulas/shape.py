"""Drawn formulas: a shape without a size, and a picture of one size and colour."""

from __future__ import annotations

from dataclasses import dataclass

CHINESE_FAMILIES = "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif"
"""CSS font families for the characters that the mathematics font lacks."""


@dataclass(frozen=True, slots=True)
class FormulaPicture:
    """A picture of a formula.  Lengths are pixels."""

    svg: str
    """An SVG element of paths, and of text for characters that the mathematics font lacks."""
    width: float
    height: float
    baseline: float
    """Distance from the top."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A formula for all sizes, in ``currentColor``.  Lengths are em."""

    svg: str
    width: float
    height: float
    baseline: float

    def at(self, size: float, colour: str, *, families: str = CHINESE_FAMILIES) -> FormulaPicture:
        """Return the picture for a text size in pixels and a colour such as ``#1b1b1d``."""
        width, height = self.width * size, self.height * size
        svg = self.svg.replace("<svg ", f'<svg width="{width:.2f}" height="{height:.2f}" ', 1)
        svg = svg.replace("currentColor", colour).replace("<text ", f'<text font-family="{families}" ')
        return FormulaPicture(svg, width, height, self.baseline * size)

    @property
    def cost(self) -> int:
        """Approximate size in memory, in bytes."""
        return len(self.svg) + 200
