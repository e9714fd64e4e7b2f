"""Characters that would play tricks on a reader, made visible one for one: places in a text stay where they are.

Bidi overrides and isolates can show text in another order than it has (CVE-2021-42574), control characters do what a
terminal did with them, and the separators of Unicode break lines where Markdown sees none.
"""

from __future__ import annotations

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_TRICKS = re.compile(f"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffc{_BIDI}]")
_DELETE = 0x7F
UNKNOWN = "\ufffd"


def visible(text: str) -> str:
    """The same text with a mark for each such character.  Tabs, line feeds and carriage returns stay."""
    return _TRICKS.sub(_mark, text)


def _mark(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == _DELETE else UNKNOWN
