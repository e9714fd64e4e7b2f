"""The program of the child process that draws the SVG of answers.

An SVG can take unlimited time or memory.  ``ui.pictures.drawings`` starts and ends the process.

One JSON object per line.  In: ``{"svg"}``.  Out: ``{"ready": true}`` once, then for each drawing
``{"data", "width", "height", "title"}`` with the base64 of a PNG file and its size in pixels, or ``{"broken": WHY}``.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtGui import QFont, QGuiApplication, QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.bounds import MAX_PICTURE_BYTES, PICTURE_SIDE
from app.previews.svg import safe_svg
from app.process.limited_child import serve
from ui.pictures.drawings import LEAST_SIDE, LIMIT_BYTES, LIMIT_S, PATIENCE, SHARPNESS

DEFAULT_TEXT_SIZE = 16
"""Of text without a size, as in browsers (CSS ``medium``)."""


def main() -> None:
    """Serve until the parent closes the pipe."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # Fonts need it.
    application = QGuiApplication(["drawings"])
    serve(_answer, LIMIT_BYTES, LIMIT_S * PATIENCE)
    del application


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        svg = safe_svg(str(request["svg"]))
    except (ValueError, MemoryError) as error:
        return {"broken": str(error)}
    renderer = QSvgRenderer(QByteArray(svg.text.encode()))
    size = renderer.defaultSize()
    if not renderer.isValid() or size.isEmpty():
        return {"broken": "malformed"}
    longest = max(size.width(), size.height())
    side = min(PICTURE_SIDE, SHARPNESS * max(LEAST_SIDE, longest))
    width, height = (max(1, round(length / longest * side)) for length in (size.width(), size.height()))
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setFont(QFont(QGuiApplication.font().families(), DEFAULT_TEXT_SIZE))
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    renderer.render(painter, QRectF(0, 0, width, height))
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    data = buffer.data().data()
    if len(data) > MAX_PICTURE_BYTES:
        return {"broken": "size"}
    return {"data": base64.b64encode(data).decode(), "width": width, "height": height, "title": svg.title}


if __name__ == "__main__":
    main()
