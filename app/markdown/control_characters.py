"""Control characters made visible, one for one, so that places in a text stay the same.

Bidirectional controls can show code in another order than it has (CVE-2021-42574).  Text in Hebrew or Arabic needs the
marks and isolates among them, but not the overrides and embeddings.  Line separators of Unicode break lines where
Markdown has none.
"""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\ufff9-\ufffc]")
_MARKS_AND_ISOLATES = re.compile("[\u061c\u200e\u200f\u2066-\u2069]")
REPLACEMENT = "\ufffd"


def visible(text: str) -> str:
    """Return the text with a symbol for each control character except tabs, line ends, and marks and isolates."""
    return _CONTROLS.sub(_symbol, text)


def visible_in_code(text: str) -> str:
    """Return visible text with a symbol for each mark and isolate too."""
    return text if text.isascii() else _MARKS_AND_ISOLATES.sub(REPLACEMENT, text)


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else REPLACEMENT
