"""What keeps the parser from taking the square of a paragraph's length."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

BRACKETS = 600
"""Opening brackets in one paragraph.  For each of them the parser looks for its end through the whole paragraph."""


def unless_crowded(rule: Callable[[StateInline, bool], bool], state: StateInline, silent: bool) -> bool:
    """Links and pictures; in a paragraph with more brackets than anyone writes they stay text."""
    return not _is_crowded(state.src) and rule(state, silent)


@lru_cache(maxsize=4)
def _is_crowded(paragraph: str) -> bool:
    return paragraph.count("[") > BRACKETS
