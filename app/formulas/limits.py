"""Limits of formulas.  Usual ones are a line long and take some milliseconds."""

from __future__ import annotations

import re

MAX_LENGTH = 6_000
"""Characters."""
MAX_DEPTH = 60
"""Nested braces, brackets and environments."""
LIMIT_S = 1.5
"""Processor time for one formula, in seconds; then its process is ended and its source is shown."""
PATIENCE = 4
"""Wall-clock time as a multiple of the processor time: other processes need the processor too."""
LIMIT_BYTES = 512 << 20
"""Memory of the process."""
MAX_SVG = 2_000_000
"""Characters of a drawing."""

_NESTING = re.compile(r"\\left(?![a-z])|\\right(?![a-z])|\\.|[{}]", re.DOTALL)
_CHANGE = {"{": 1, "\\left": 1, "}": -1, "\\right": -1}


def is_within_limits(formula: str) -> bool:
    """Whether a formula is worth drawing."""
    return bool(formula.strip()) and len(formula) <= MAX_LENGTH and depth(formula) <= MAX_DEPTH


def depth(formula: str) -> int:
    """Return the nesting depth of a formula."""
    current = deepest = 0
    for match in _NESTING.finditer(formula):
        current += _CHANGE.get(match[0], 0)
        deepest = max(deepest, current)
    return deepest
