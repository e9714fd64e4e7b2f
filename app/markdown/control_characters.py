"""Control characters made visible, one for one, except for escape sequences of terminals, which are removed.

Bidirectional controls can show code in another order than it has (CVE-2021-42574).  Text in Hebrew or Arabic needs the
marks and isolates among them, but not the overrides and embeddings.  Line separators of Unicode break lines where
Markdown has none.
"""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\ufff9-\ufffc]")
_MARKS_AND_ISOLATES = re.compile("[\u061c\u200e\u200f\u2066-\u2069]")
_ESCAPES = re.compile("\x1b(?:\\[[0-?]{0,100}[ -/]{0,20}[@-~]|\\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\\\))")
"""Sequences that set colours, and commands for titles and links (ECMA-48, 5.4 and 5.6)."""
_OPEN_ESCAPE = re.compile("\x1b(?:\\[[0-?]{0,100}[ -/]{0,20}|\\][^\x07\x1b\n]{0,2000}\x1b?)?\\Z")
REPLACEMENT = "\ufffd"


def visible(text: str) -> str:
    """Return the text with a symbol for each control character except tabs, line ends, and marks and isolates.

    Escape sequences are left out.
    """
    return _CONTROLS.sub(_symbol, without_escapes(text))


def without_escapes(text: str) -> str:
    """Return the text without escape sequences."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def open_escape(text: str) -> int:
    """Return where an escape sequence at the end of the text begins that is not complete, or the end."""
    # The end of a command is an escape character too.
    start = text.rfind("\x1b")
    start = text.rfind("\x1b", 0, start) if start > 0 and start == len(text) - 1 else start
    for place in (start, text.rfind("\x1b")):
        if place >= 0 and _OPEN_ESCAPE.match(text, place):
            return place
    return len(text)


def visible_in_code(text: str) -> str:
    """Return visible text with a symbol for each mark and isolate too."""
    return text if text.isascii() else _MARKS_AND_ISOLATES.sub(REPLACEMENT, text)


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else REPLACEMENT
