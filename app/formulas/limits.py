"""What a formula may be and take.  Honest ones are a line long and take some milliseconds."""

from __future__ import annotations

import re

MAX_LENGTH = 6_000
"""Characters."""
MAX_DEPTH = 60
"""Braces, brackets and environments inside each other."""
LIMIT_S = 1.5
"""Seconds of the processor for one formula; then its process is ended and it stays source."""
PATIENCE = 4
"""By the clock it may take so many times longer: while an answer is written, other processes want the processor too."""
LIMIT_BYTES = 512 << 20
"""Memory of the process."""
MAX_SVG = 2_000_000
"""Characters of a drawing."""

_NESTING = re.compile(r"\\left(?![a-z])|\\right(?![a-z])|\\.|[{}]", re.DOTALL)
_CHANGE = {"{": 1, "\\left": 1, "}": -1, "\\right": -1}


def may_be_drawn(formula: str) -> bool:
    """Whether it is worth asking for."""
    return bool(formula.strip()) and len(formula) <= MAX_LENGTH and depth(formula) <= MAX_DEPTH


def depth(formula: str) -> int:
    """How deep it is nested."""
    now = most = 0
    for found in _NESTING.finditer(formula):
        now += _CHANGE.get(found[0], 0)
        most = max(most, now)
    return most
