"""What a drawn formula is: shapes without a size, and a picture of one size and colour."""

from __future__ import annotations

from dataclasses import dataclass

CHINESE_FACES = "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif"
"""Faces for the characters that the font of mathematics lacks, in CSS's words."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture of a formula."""

    svg: str
    """A whole SVG element: paths, and text for characters that the font of mathematics lacks."""
    width: float
    """Pixels, like ``height``."""
    height: float
    baseline: float
    """Pixels from the top to the line that the letters stand on."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A formula drawn for every size: the figures are in em."""

    svg: str
    width: float
    height: float
    baseline: float

    def at(self, size: float, colour: str, *, faces: str = CHINESE_FACES) -> Drawn:
        """The picture for a size of text in pixels and a colour such as ``#1b1b1d``."""
        width, height = self.width * size, self.height * size
        head = f'<svg width="{width:.2f}" height="{height:.2f}" '
        svg = self.svg.replace("<svg ", head, 1).replace("currentColor", colour)
        svg = svg.replace("<text ", f'<text font-family="{faces}" ')
        return Drawn(svg, width, height, self.baseline * size)

    @property
    def cost(self) -> int:
        """Bytes it takes in memory, about."""
        return len(self.svg) + 200
