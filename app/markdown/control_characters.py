"""Control characters made visible, one for one, so that places in a text stay the same.

Bidirectional controls can show text in another order than it has (CVE-2021-42574); line separators of Unicode break
lines where Markdown has none.
"""

from __future__ import annotations

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROLS = re.compile(f"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffc{_BIDI}]")
REPLACEMENT = "\ufffd"


def visible(text: str) -> str:
    """Return the text with a symbol for each control character except tabs and line ends."""
    return _CONTROLS.sub(_symbol, text)


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else REPLACEMENT
