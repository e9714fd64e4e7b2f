"""Passages: a long text cut along its structure, for the choice of those that answer a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PASSAGE_BYTES = 900
"""Size of a passage in UTF-8, about 250 tokens in English and in Chinese."""
SMALL_SECTION = 3
"""A section shorter than this part of a passage shares one with the next section."""
MAX_HEADING = 120
"""Characters of the headings above a passage."""
_PAGE = re.compile(r"\[Page (\d{1,7})\]")
_HEADING = re.compile(r"(#{1,6}) +(\S.*)")
_UNDERLINED = re.compile(r"(\S[^\n|]*)\n(([#*=\-~^\"])\3{2,})\s*")
_UNDERLINES = '#*=-~^"'
"""Below a heading in Markdown and reStructuredText, from the outermost to the innermost."""
_BLOCK = re.compile(r"[^\n]+(?:\n[^\n]+)*\n*")
_CUTS = tuple(map(re.compile, (r"[.!?]\n|[。！？；][”）]?", r"\n", r"[.!?;]\s+|[，、]", r"\s+")))
"""Where a long paragraph may be cut, the best first: at the end of a sentence, of a line, between words."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text, as positions in it."""

    start: int
    end: int
    page: int
    """Page where it is, from 1; 0 in texts without pages."""
    headings: str
    """Headings above it."""


def page_count(text: str) -> int:
    """Return the number of pages of a text; 0 where it has none."""
    return text.count("\n[Page ") + text.startswith("[Page ")


def cut(text: str) -> list[Passage]:
    """Return the passages of a text, in order and without gaps between their blocks.

    No passage reaches over the end of a page.
    """
    passages: list[Passage] = []
    headings: list[str] = []
    above = ""
    start = end = size = page = 0
    is_heading = False

    def close(at: int) -> None:
        nonlocal start, size
        if at > start and text[start:at].strip():
            passages.append(Passage(start, at, page, above))
        start, size = at, 0

    for block_start, block_end in _blocks(text):
        first_line = text[block_start:block_end].split("\n", 1)[0].strip()
        if (mark := _PAGE.fullmatch(first_line)) is not None:
            close(block_start)
            page, start = int(mark[1]), block_end
            end, is_heading = block_end, False
            continue
        block_bytes = len(text[block_start:block_end].encode("utf-8", "replace"))
        heading = _heading(text[block_start:block_end], first_line)
        is_full = size + block_bytes > PASSAGE_BYTES and not is_heading
        if size and (is_full or (heading is not None and size * SMALL_SECTION >= PASSAGE_BYTES)):
            close(block_start)
        if heading is not None:
            headings = [*headings[: heading[0] - 1], heading[1]]
            if not size:
                above = " › ".join(headings)[-MAX_HEADING:]
        elif not size:
            above = " › ".join(headings)[-MAX_HEADING:]
        size += block_bytes
        end, is_heading = block_end, heading is not None
    close(end)
    return passages


def _heading(block: str, first_line: str) -> tuple[int, str] | None:
    """Return level and text of a block that is a heading."""
    if match := _HEADING.fullmatch(first_line):
        return len(match[1]), match[2]
    if (match := _UNDERLINED.fullmatch(block)) and 2 * len(match[2]) > len(match[1]):
        return 1 + _UNDERLINES.index(match[3]), match[1].strip()
    return None


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the paragraphs, and of the parts of long ones."""
    for match in _BLOCK.finditer(text):
        start, end = match.span()
        while len(part := text[start : min(end, start + PASSAGE_BYTES)].encode("utf-8", "replace")) > PASSAGE_BYTES or (
            start + PASSAGE_BYTES < end
        ):
            start, before = start + _place_to_cut(part[:PASSAGE_BYTES].decode("utf-8", "ignore")), start
            yield before, start
        yield start, end


def _place_to_cut(part: str) -> int:
    middle = len(part) // 2
    for pattern in _CUTS:
        ends = [found.end() for found in pattern.finditer(part, middle)]
        if ends:
            return ends[-1]
    return len(part)
