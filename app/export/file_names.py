"""File names made from titles, allowed on Linux, macOS and Windows alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
_LONGEST_BYTES = 120
"""Of the stem.  Encrypted folders allow 143 bytes for a name where others allow 255."""


def file_name(title: str, suffix: str, taken: Iterable[str], *, untitled: str) -> str:
    """A name for ``title`` that ends in ``suffix`` and differs from all of ``taken``, also where case does not count.

    ``untitled`` is the name where nothing of the title can be kept.
    """
    return free_name(title, suffix, {name_key(name) for name in taken}, untitled=untitled)


def free_name(title: str, suffix: str, taken_keys: Collection[str], *, untitled: str) -> str:
    """As ``file_name``, for many names in turn: ``taken_keys`` holds the ``name_key`` of each."""
    stem = _stem(title) or _stem(untitled) or "conversation"
    name, number = f"{stem}{suffix}", 1
    while name_key(name) in taken_keys:
        number += 1
        name = f"{stem} ({number}){suffix}"
    return name


def name_key(name: str) -> str:
    """The same for two names that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _stem(title: str) -> str:
    kept = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in unicodedata.normalize("NFC", title)
        if unicodedata.category(character) not in ("Cf", "Cs", "Co", "Cn")
    )
    stem = " ".join(_FORBIDDEN.sub(" ", kept).split())
    stem = stem.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip(" .")
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem
