"""Changed inline rules of markdown-it: emphasis beside Chinese, Japanese and Korean text, and a limit for links.

CommonMark requires a space or punctuation beside a delimiter that has punctuation on its other side, which text
without spaces does not have: ``**中文。**后面`` and ``前面**“引号”**`` remain plain there.  This rule is that of the
"CJK-friendly amendments" to CommonMark (github.com/tats-u/markdown-cjk-friendly): a character of these scripts,
including their punctuation, counts as a space, and their punctuation does not count as punctuation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline
    from markdown_it.rules_inline.state_inline import Scanned

MAX_BRACKETS = 600
"""Opening brackets in one paragraph: for each, markdown-it searches the whole paragraph for its end."""
_FIRST_EMOJI = 0x1F000

InlineRule = Callable[["StateInline", bool], bool]


def with_cjk_delimiters(rule: InlineRule, state: StateInline, silent: bool) -> bool:
    """Apply the emphasis or the strikethrough rule with the delimiters of this module."""
    if state.src[state.pos] not in "*_~":
        return False
    # Through setattr, because mypy forbids to replace a method.
    setattr(state, "scanDelims", partial(_scan_delimiters, state))  # noqa: B010
    return rule(state, silent)


def unless_crowded(rule: InlineRule, state: StateInline, silent: bool) -> bool:
    """Apply the link or the image rule, except in paragraphs with too many brackets."""
    return not _is_crowded(state.src) and rule(state, silent)


@lru_cache(maxsize=4)
def _is_crowded(paragraph: str) -> bool:
    return paragraph.count("[") > MAX_BRACKETS


def _scan_delimiters(state: StateInline, start: int, can_split_word: bool) -> Scanned:
    """Return the length of a delimiter run, and whether it can open and close emphasis."""
    from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
    from markdown_it.rules_inline.state_inline import Scanned

    text, end = state.src, start
    while end < state.posMax and text[end] == text[start]:
        end += 1
    before = _character_before(text, start)
    after = text[end] if end < state.posMax else " "
    punct_before, punct_after = (isMdAsciiPunct(ord(each)) or isPunctChar(each) for each in (before, after))
    space_before, space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
    cjk_before, cjk_after = _is_cjk(before), _is_cjk(after)
    opens = not space_after and (not (punct_after and not cjk_after) or space_before or punct_before or cjk_before)
    closes = not space_before and (not (punct_before and not cjk_before) or space_after or punct_after or cjk_after)
    return Scanned(
        opens and (can_split_word or not closes or punct_before),
        closes and (can_split_word or not opens or punct_after),
        end - start,
    )


def _is_cjk(character: str) -> bool:
    """Whether a character belongs to these scripts or their punctuation; emoji do not."""
    if character < "\u1100":
        return False
    return unicodedata.east_asian_width(character) in {"W", "F", "H"} and (
        ord(character) < _FIRST_EMOJI or unicodedata.category(character) != "So"
    )


def _character_before(text: str, start: int) -> str:
    """Return the character before a delimiter run, without variation selectors."""
    while start > 0 and "\ufe00" <= text[start - 1] <= "\ufe0e":
        start -= 1
    return text[start - 1] if start else " "
