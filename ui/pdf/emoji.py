"""Pictures among the letters: colour faces draw images, of which a PDF does not know what they say.

Each picture is drawn once and used wherever it occurs.  A letter that means its characters stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QTextCharFormat

from ui.pdf.faces import Faces
from ui.pdf.missing import real_faces
from ui.pdf.pictures import Picture

_BASE = (
    "[\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_AFTER = "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*"
EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_BASE}{_AFTER}(?:\u200d{_BASE}{_AFTER})*")
COLOUR_TABLES = ("CBDT", "COLR", "sbix", "SVG ")
PIXELS = 128
"""Size of the font that a picture is drawn with."""


def parts(text: str, made: QTextCharFormat, faces: Faces) -> Iterator[tuple[str, QTextCharFormat] | Picture]:
    """The text in its format, and the pictures in it."""
    end = 0
    for found in EMOJI.finditer(text):
        drawn = _picture(found[0], made.font(), faces)
        if drawn is not None:
            if found.start() > end:
                yield text[end : found.start()], made
            yield drawn.scaled(made.font().pixelSize() / PIXELS)
            end = found.end()
    if end < len(text):
        yield text[end:], made


def _picture(characters: str, font: QFont, faces: Faces) -> Picture | None:
    if characters not in faces.pictures:
        is_picture = _is_picture(characters, font)
        faces.pictures[characters] = _drawn(characters, font, faces.letter(characters)) if is_picture else None
    return faces.pictures[characters]


def _is_picture(characters: str, font: QFont) -> bool:
    drawn = real_faces(font, [characters])
    return any(not face.fontTable(table).isEmpty() for face in drawn for table in COLOUR_TABLES)


def _drawn(characters: str, font: QFont, letter: str) -> Picture:
    large = QFont(font)
    large.setPixelSize(PIXELS)
    large.setStrikeOut(False)
    metrics = QFontMetricsF(large)
    width, ascent, height = metrics.horizontalAdvance(characters), PIXELS * 0.95, PIXELS * 1.2
    image = QImage(max(1, round(width)), round(height), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setFont(large)
    painter.drawText(QPointF(0, ascent), characters)
    painter.end()
    return Picture(characters, width, height, ascent, image=image, letter=letter)
