"""Pictures that stand in a line of text: formulas as curves, and emoji as images."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from PySide6.QtCore import QByteArray, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.formulas import Mathematics

_UNSTROKED = re.compile(r"<(?:path|rect|ellipse)(?=\s)(?![^>]*\sstroke)")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a size; lengths in the unit of the page."""

    source: str
    """What it shows, as it was written."""
    width: float
    height: float
    baseline: float
    """From the top."""
    svg: str = ""
    image: QImage | None = None
    letter: str = ""
    """What stands in the text in its place and means ``source`` when it is copied; empty for a space."""

    def scaled(self, by: float) -> Picture:
        """The same in another size."""
        return replace(self, width=self.width * by, height=self.height * by, baseline=self.baseline * by)

    def within(self, width: float) -> Picture:
        """The same, smaller where it is wider than that."""
        return self if self.width <= width else self.scaled(width / self.width)

    def paint(self, painter: QPainter, place: QRectF) -> None:
        """Draw it into a rectangle of its own shape."""
        if self.image is not None:
            painter.drawImage(place, self.image)
            return
        # On paper Qt strokes also what has no stroke, a unit wide: letters would come out bold.
        renderer = QSvgRenderer(QByteArray(_UNSTROKED.sub(r"\g<0> stroke-width='0'", self.svg).encode()))
        renderer.render(painter, place)


def formula_picture(
    mathematics: Mathematics | None, formula: str, source: str, *, display: bool, size: float, colour: str
) -> Picture | None:
    """The formula in a size of text, without a letter; None where only its source can be shown."""
    shape = mathematics.shape(formula, display) if mathematics is not None else None
    if shape is None or shape.width <= 0 or shape.height <= 0:
        return None
    drawn = shape.at(size, colour)
    return Picture(" ".join(source.split()), drawn.width, drawn.height, drawn.baseline, svg=drawn.svg)
