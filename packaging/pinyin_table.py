"""Write ``resources/pinyin.txt``: the pinyin of Chinese characters, for the search in the palette.

    pip install pypinyin && python packaging/pinyin_table.py

The readings are those of pypinyin (MIT licence).  The program itself needs no tones and no phrases.
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
    by_readings: dict[str, str] = defaultdict(str)
    for code in CHARACTERS:
        readings = {_typed(each) for each in PINYIN_DICT.get(code, "").split(",")}
        # Interjections such as "ng" would divide other syllables.
        if known := ",".join(sorted(each for each in readings if each.isascii() and set(each) & set("aeiouv"))):
            by_readings[known] += chr(code)
    TABLE.write_text(
        "".join(f"{readings} {characters}\n" for readings, characters in sorted(by_readings.items())), "utf-8"
    )


def _typed(reading: str) -> str:
    """Return a reading without tones, as on a keyboard: lv for lü."""
    decomposed = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(each for each in decomposed if not unicodedata.combining(each))


if __name__ == "__main__":
    main()
