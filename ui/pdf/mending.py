"""Mends what Qt writes about its characters, so that text copied out of a PDF is the text that was put in.

A PDF draws glyphs; its ToUnicode tables (ISO 32000-1, 9.10.3) say which characters they are.  Qt fills them with the
lowest code point that a face shows with that glyph: the radical U+2F42 for U+6587, a tab for a space, a compatibility
letter for a ligature, and nothing at all above U+FFFF.  Here each entry is looked up again among the characters that
were written with that face.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QRawFont

from ui.pdf.faces import Faces
from ui.pdf.missing import face_name, real_faces
from ui.pdf.update import PdfFile, stream

_RANGE = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})> (?:\[([^\]]*)\]|<([0-9A-Fa-f]{4})>)")
_HEX = re.compile(rb"<([0-9A-Fa-f]+)>")
_BLOCK = 100
"""Entries of one ``bfchar`` block that readers must take."""


@dataclass(frozen=True)
class _Written:
    """One real face with the characters that were written with it."""

    face: QRawFont
    by_glyph: Mapping[int, tuple[str, ...]]
    beyond: tuple[str, ...]
    """Those above U+FFFF that it drew, in the order of their first use."""


def true_tables(file: PdfFile, faces: Faces, meanings: Mapping[str, str]) -> dict[int, bytes]:
    """New versions of the tables, by the numbers of their objects.

    ``meanings`` are the letters that stand for something longer.
    """
    written = _written(faces)
    tables: dict[int, bytes] = {}
    for name, number, glyphs in file.fonts():
        true = _true_entries(_entries(file.stream(number)), glyphs, written.get(name))
        tables[number] = stream(_table({code: meanings.get(text, text) for code, text in true.items()}))
    return tables


def _written(faces: Faces) -> dict[str, _Written]:
    characters: dict[str, set[str]] = {}
    found: dict[str, QRawFont] = {}
    beyond: dict[str, dict[str, None]] = {}
    high = [character for character in faces.order if ord(character) > 0xFFFF]
    for key, texts in faces.written.items():
        if not texts:
            continue
        font = faces.font(*key[:2], bold=key[2], slanted=key[3])
        for face in real_faces(font, texts):
            name = face_name(face)
            found[name] = face
            characters.setdefault(name, set()).update(texts)
        for character in high:
            # Several faces may have it; only one of them draws it.
            if character in texts:
                for face in real_faces(font, character):
                    if _glyph(face, character):
                        beyond.setdefault(face_name(face), {})[character] = None
    return {name: _of_face(face, characters[name], beyond.get(name, {})) for name, face in found.items()}


def _of_face(face: QRawFont, characters: Iterable[str], beyond: Iterable[str]) -> _Written:
    by_glyph: dict[int, list[str]] = {}
    for character in sorted(characters):
        if glyph := _glyph(face, character):
            by_glyph.setdefault(glyph, []).append(character)
    return _Written(face, {glyph: tuple(each) for glyph, each in by_glyph.items()}, tuple(beyond))


def _glyph(face: QRawFont, character: str) -> int:
    glyphs = face.glyphIndexesForString(character)
    return int(glyphs[0]) if glyphs else 0


def _entries(table: bytes) -> dict[int, str]:
    """Code to text, as Qt wrote it; codes that it knows nothing of have an empty text."""
    found: dict[int, str] = {}
    for low, high, several, one in _RANGE.findall(table):
        first, last = int(low, 16), int(high, 16)
        texts = _HEX.findall(several) if several else [b"%04X" % (int(one, 16) + at) for at in range(last - first + 1)]
        for at, text in enumerate(texts):
            found[first + at] = bytes.fromhex(text.decode()).decode("utf-16-be", "replace").strip("\0")
    return found


def _true_entries(entries: Mapping[int, str], glyphs: int, written: _Written | None) -> dict[int, str]:
    found = {code: _true_text(text, written) for code, text in entries.items() if text}
    unknown = [code for code in range(1, glyphs) if code not in found]
    if written is not None and len(unknown) == len(written.beyond):
        # A face's glyphs are numbered in the order of their first use.
        found.update(zip(unknown, written.beyond, strict=True))
    return found


def _true_text(text: str, written: _Written | None) -> str:
    plain = unicodedata.normalize("NFKC", text)
    if written is None:
        return plain if len(plain) == 1 and plain != text else text
    candidates = written.by_glyph.get(_glyph(written.face, text), ())
    if not candidates:
        # A ligature or a form that the letters took beside each other.
        return plain if plain.strip() else text
    return min(candidates, key=_oddness)


def _oddness(character: str) -> tuple[bool, bool, bool, int]:
    """Of several characters that look the same the plain one is taken."""
    return (
        unicodedata.normalize("NFKC", character) != character,
        "\u2e80" <= character <= "\u2fdf",
        unicodedata.category(character).startswith("C"),
        ord(character),
    )


def _table(entries: Mapping[int, str]) -> bytes:
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<0000> <FFFF>",
        "endcodespacerange",
    ]
    ordered = sorted(entries.items())
    for start in range(0, len(ordered), _BLOCK):
        block = ordered[start : start + _BLOCK]
        lines.append(f"{len(block)} beginbfchar")
        lines += [f"<{code:04X}> <{text.encode('utf-16-be', 'replace').hex().upper()}>" for code, text in block]
        lines.append("endbfchar")
    lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end", ""]
    return "\n".join(lines).encode()
