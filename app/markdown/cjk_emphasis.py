"""Where ``**`` may open and close next to Chinese, Japanese and Korean.

CommonMark asks for a space or punctuation beside a mark that has punctuation on its other side.  Texts without spaces
cannot give it: ``**中文。**后面`` and ``前面**“引号”**`` stay unmarked there.  The rule here is the one proposed as the
"CJK-friendly amendments" to CommonMark (github.com/tats-u/markdown-cjk-friendly): a character of these scripts, their
punctuation included, counts like a space, and their punctuation does not count as such.
"""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline
    from markdown_it.rules_inline.state_inline import Scanned

_FIRST_EMOJI = 0x1F000


def emphasis(state: StateInline, silent: bool) -> bool:
    """markdown-it's emphasis with this rule."""
    if state.src[state.pos] not in "*_":
        return False
    from markdown_it.rules_inline.emphasis import tokenize

    return tokenize(_friendly(state), silent)


def strikethrough(state: StateInline, silent: bool) -> bool:
    """markdown-it's strikethrough with this rule."""
    if state.src[state.pos] != "~":
        return False
    from markdown_it.rules_inline.strikethrough import tokenize

    return tokenize(_friendly(state), silent)


def _friendly(state: StateInline) -> StateInline:
    setattr(state, "scanDelims", partial(scan, state))  # noqa: B010 (mypy rightly warns of putting one method for another)
    return state


def scan(state: StateInline, start: int, in_words: bool) -> Scanned:
    """How long a run of marks is, and whether it may open and close."""
    from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
    from markdown_it.rules_inline.state_inline import Scanned

    text, end = state.src, start
    while end < state.posMax and text[end] == text[start]:
        end += 1
    before = _base(text, start)
    after = text[end] if end < state.posMax else " "
    mark_before, mark_after = (isMdAsciiPunct(ord(each)) or isPunctChar(each) for each in (before, after))
    space_before, space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
    wide_before, wide_after = is_wide(before), is_wide(after)
    opens = not space_after and (not (mark_after and not wide_after) or space_before or mark_before or wide_before)
    closes = not space_before and (not (mark_before and not wide_before) or space_after or mark_after or wide_after)
    return Scanned(
        opens and (in_words or not closes or mark_before), closes and (in_words or not opens or mark_after), end - start
    )


def is_wide(character: str) -> bool:
    """Whether a character belongs to these scripts or their punctuation; emoji do not."""
    if character < "\u1100":
        return False
    return unicodedata.east_asian_width(character) in {"W", "F", "H"} and (
        ord(character) < _FIRST_EMOJI or unicodedata.category(character) != "So"
    )


def _base(text: str, start: int) -> str:
    """The character before the marks; one that only chooses a shape says nothing itself."""
    while start > 0 and "\ufe00" <= text[start - 1] <= "\ufe0e":
        start -= 1
    return text[start - 1] if start else " "
