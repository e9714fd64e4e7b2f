"""File names made from titles, valid on Linux, macOS and Windows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
_MAX_STEM_BYTES = 120
"""Encrypted folders limit a name to 143 bytes, other folders to 255."""


def file_name(title: str, suffix: str, taken_keys: Collection[str], *, untitled: str) -> str:
    """Return a name for ``title`` with this suffix, whose ``name_key`` is not in ``taken_keys``.

    ``untitled`` is the name where no character of the title is valid.
    """
    stem = _stem(title) or _stem(untitled) or "conversation"
    name, number = f"{stem}{suffix}", 1
    while name_key(name) in taken_keys:
        number += 1
        name = f"{stem} ({number}){suffix}"
    return name


def name_key(name: str) -> str:
    """Return the same key for two names that some file system treats as equal."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _stem(title: str) -> str:
    valid = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in unicodedata.normalize("NFC", title)
        if unicodedata.category(character) not in ("Cf", "Cs", "Co", "Cn")
    )
    stem = " ".join(_FORBIDDEN.sub(" ", valid).split())
    stem = stem.encode()[:_MAX_STEM_BYTES].decode(errors="ignore").strip(" .")
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem
