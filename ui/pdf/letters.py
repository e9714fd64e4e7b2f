"""Letters that stand for something longer when text is copied: a picture's characters, a formula's source.

In the file such a letter is an invisible glyph with a width of its own, and the table of its face says what it means.
"""

from __future__ import annotations

from collections.abc import Iterator

from ui.pdf.faces import TEXT_SIZE, Faces
from ui.pdf.missing import real_faces

CODES = (*range(0xAC00, 0xD7A4), *range(0x100, 0x250), *range(0x400, 0x500))
"""Code points of letters that many faces have and few texts use; a line may end beside the first ones."""
LONGEST = 250
"""Units of UTF-16.  A table's entry may have 512 bytes (Adobe technical note 5014, 6.4.2)."""


class Letters:
    """Gives each meaning a letter that occurs nowhere in the document."""

    def __init__(self, faces: Faces, avoided: str) -> None:
        self.meanings: dict[str, str] = {}
        """By letter."""
        self._known: dict[str, str] = {}
        self._faces = faces
        self._avoided = frozenset(avoided)
        self._free: Iterator[str] | None = None

    def of(self, meaning: str) -> str:
        """Its letter; empty where it is too long or there is none left."""
        if meaning not in self._known:
            if self._free is None:
                self._free = self._unused()
            fits = len(meaning.encode("utf-16-be", "replace")) <= 2 * LONGEST
            self._known[meaning] = letter = next(self._free, "") if fits else ""
            if letter:
                self.meanings[letter] = meaning
        return self._known[meaning]

    def _unused(self) -> Iterator[str]:
        (face, *_others) = [*real_faces(self._faces.font("text", TEXT_SIZE), "A"), None]
        for code in CODES:
            if face is not None and chr(code) not in self._avoided and face.supportsCharacter(code):
                yield chr(code)
