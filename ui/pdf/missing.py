"""Which real faces Qt drew a text with, and which characters none of them has."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable

from PySide6.QtGui import QFont, QRawFont, QTextLayout

from ui.pdf.faces import Faces

AT_ONCE = 400
"""Characters that are laid out together."""


def real_faces(font: QFont, characters: Iterable[str]) -> list[QRawFont]:
    """The faces that these characters of a text in ``font`` come from, each once."""
    found: dict[str, QRawFont] = {}
    ordered = sorted(characters)
    for start in range(0, len(ordered), AT_ONCE):
        # Each on a line of its own would be exact and slow; a space between keeps them from joining.
        layout = QTextLayout(" ".join(ordered[start : start + AT_ONCE]), font)
        layout.beginLayout()
        layout.createLine().setNumColumns(1 << 20)
        layout.endLayout()
        for run in layout.glyphRuns():
            face = run.rawFont()
            # Where no face has the characters, Qt draws boxes with one that is none.
            if face.isValid():
                found.setdefault(face_name(face), face)
    return list(found.values())


def missing_characters(faces: Faces) -> set[str]:
    """Characters that were written as empty boxes."""
    missing: set[str] = set()
    for key, characters in faces.written.items():
        shown = {each for each in characters if _is_seen(each)}
        found = real_faces(faces.font(*key[:2], bold=key[2], slanted=key[3]), shown) if shown else []
        missing |= {each for each in shown if not any(face.supportsCharacter(ord(each)) for face in found)}
    return missing


def face_name(face: QRawFont) -> str:
    """The name that a face has in a PDF: its PostScript name, from its ``name`` table (OpenType, name 6)."""
    table = bytes(face.fontTable("name").data())
    try:
        _version, count, strings = struct.unpack_from(">HHH", table)
        for number in range(count):
            platform, _encoding, _language, kind, length, offset = struct.unpack_from(">6H", table, 6 + 12 * number)
            if kind == 6:
                raw = table[strings + offset : strings + offset + length]
                return raw.decode("utf-16-be" if platform in (0, 3) else "latin-1")
    except (struct.error, UnicodeDecodeError):
        pass
    return f"{face.familyName()}-{face.styleName()}".replace(" ", "")


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Cn", "Cs", "Co")
