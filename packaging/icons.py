"""Create the icons for Windows and macOS from ``resources/icons/app/apus-chat.svg``.

    python packaging/icons.py

Both are containers of PNG files: ICO (https://learn.microsoft.com/previous-versions/ms997538), and ICNS, whose types
ic07 to ic10 hold squares of 128 to 1024 pixels.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "resources" / "icons" / "app" / "apus-chat.svg"
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_TYPES = {b"ic07": 128, b"ic08": 256, b"ic09": 512, b"ic10": 1024}


def png(size: int) -> bytes:
    """Render the icon as a square PNG."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(SOURCE)).render(painter)
    painter.end()
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, b"PNG")
    return bytes(content.data())


def ico() -> bytes:
    """Return the icon in all sizes as ICO."""
    pictures = [(size, png(size)) for size in ICO_SIZES]
    offset = 6 + 16 * len(pictures)
    entries, bodies = b"", b""
    for size, body in pictures:
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(body), offset + len(bodies))
        bodies += body
    return struct.pack("<HHH", 0, 1, len(pictures)) + entries + bodies


def icns() -> bytes:
    """Return the icon in all sizes as ICNS."""
    body = b"".join(
        kind + struct.pack(">I", 8 + len(picture)) + picture
        for kind, picture in ((kind, png(size)) for kind, size in ICNS_TYPES.items())
    )
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


def main() -> int:
    """Write both icon files."""
    _application = QGuiApplication(sys.argv[:1])
    (HERE / "windows" / "apus-chat.ico").write_bytes(ico())
    (HERE / "macos" / "apus-chat.icns").write_bytes(icns())
    return 0


if __name__ == "__main__":
    sys.exit(main())
