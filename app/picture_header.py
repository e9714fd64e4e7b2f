"""Which files are pictures, and type and size of a PNG or JPEG file, from their first bytes.

Pictures are decoded elsewhere.  A stored one whose header says what is stored beside it can't decode to more.
"""

from __future__ import annotations

import struct

PNG, JPEG = "image/png", "image/jpeg"
_PNG_START, _JPEG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff"
_NO_SIZE = frozenset({0xC4, 0xC8, 0xCC})
"""Markers of JPEG from 0xC0 to 0xCF that begin no frame."""

_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1")
"""Of AVIF and HEIC."""


def read_header(data: bytes) -> tuple[str, int, int] | None:
    """Return media type, width and height in pixels; None for other files.

    Formats: https://www.w3.org/TR/png-3/#11IHDR and ITU-T T.81, B.1 and B.2.2.
    """
    if data.startswith(_PNG_START) and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return (PNG, width, height) if width and height else None
    if not data.startswith(_JPEG_START):
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], struct.unpack_from(">H", data, place + 2)[0]
        if marker == 0xFF:
            place += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return (JPEG, width, height) if width and height else None
        else:
            place += 2 + max(2, length)
    return None


def is_picture(head: bytes) -> bool:
    """Return whether a file that begins so is a picture, perhaps one of a format that is not read."""
    return (
        head.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        # A text may begin with these letters, but not with four zeros after six bytes.
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
        or (head[4:8] == b"ftyp" and head[8:12] in _BRANDS)
    )
