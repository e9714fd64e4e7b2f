"""Write ``resources/pinyin.txt``: the pinyin initials of Chinese characters, for the search in the palette.

    pip install pypinyin && python packaging/pinyin_table.py

The readings are those of pypinyin (MIT licence).  The program itself needs a few KB of it and no phrases.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import Path

from pypinyin.constants import PINYIN_DICT

TABLE = Path(__file__).resolve().parents[1] / "resources" / "pinyin.txt"
CHARACTERS = range(0x4E00, 0x9FA6)
"""The characters of Unicode 1.1, simplified and traditional."""


def main() -> None:
    by_initials: dict[str, str] = defaultdict(str)
    for code in CHARACTERS:
        readings = PINYIN_DICT.get(code, "").split(",")
        first = {unicodedata.normalize("NFD", each)[0] for each in readings if each}
        if initials := "".join(sorted(each for each in first if each.isascii() and each.isalpha())):
            by_initials[initials] += chr(code)
    lines = (f"{initials} {characters}\n" for initials, characters in sorted(by_initials.items()))
    TABLE.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
