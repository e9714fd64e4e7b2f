"""Folding of texts for the search: letters that a reader takes for the same become equal.

Case, accents (Latin, Greek, Cyrillic, and the vowel points of Hebrew and Arabic), width, ligatures and invisible
characters are removed; composed and decomposed characters are equal.  Marks that make another letter, as in Japanese
and Indian scripts, are kept.  Each character is folded alone, so that positions can be mapped back.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate

_CHUNK = 4096
_ACCENTS = range(200, 256)
_POINTS = range(10, 37)
"""Canonical combining classes of accents and of Hebrew and Arabic vowel points."""
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
"""Letters with a stroke and others that Unicode doesn't decompose."""


class _Folding(dict[int, str]):
    """Folded form of each character code, computed when it is first needed."""

    def __missing__(self, code: int) -> str:
        if unicodedata.category(chr(code))[0] == "P":
            return chr(code)
        decomposed = unicodedata.normalize("NFKD", chr(code)).casefold()
        kept = "".join(each for each in unicodedata.normalize("NFKD", decomposed) if not _is_ignored(each))
        self[code] = folded = unicodedata.normalize("NFC", kept.translate(_LETTERS))
        return folded


def _is_ignored(character: str) -> bool:
    mark = unicodedata.combining(character)
    return mark in _ACCENTS or mark in _POINTS or unicodedata.category(character) == "Cf"


_FOLDING = _Folding()
_CHANGING = re.compile(
    "[^\x00-@\\[-\x7f\u3001-\u3020\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff"
    "\uac00-\ud7a3\uff0c\U00020000-\U0002a6df]+"
)
"""All characters but the most frequent of those that folding doesn't change, which need no look-up."""


def composed(text: str) -> str:
    """Return the text in the form (NFC) to whose positions ``original_position`` refers."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return the folded text."""
    return text.lower() if text.isascii() else _fold_composed(composed(text))


def _fold_composed(text: str) -> str:
    return _CHANGING.sub(lambda match: match[0].translate(_FOLDING), text)


def original_position(text: str, position: int) -> int:
    """Return the position in a composed text of the character at ``position`` of its folded form."""
    if text.isascii():
        return position
    # Most characters are folded to one.
    if len(_fold_composed(text[:position])) == position < len(text) and _FOLDING[ord(text[position])]:
        return position
    for start in range(0, len(text), _CHUNK):
        chunk = text[start : start + _CHUNK]
        length = len(_fold_composed(chunk))
        if position < length:
            ends = list(accumulate(len(_FOLDING[ord(character)]) for character in chunk))
            return start + bisect_right(ends, position)
        position -= length
    return len(text)
