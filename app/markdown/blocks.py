"""Blocks of parsed Markdown: paragraphs, code, formulas, tables and rules in one flat list.

Lists and quotes are not containers: a list item is a ``Prose`` with a marker and a depth, so that renderers walk one
list and code within a list is a block like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Flag

_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


class Style(Flag):
    """Text style of a span."""

    PLAIN = 0
    STRONG = 1
    EMPHASIS = 2
    CODE = 4
    STRUCK = 8
    QUIET = 16
    """A formula whose end has not been received yet."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style.  ``\\n`` in it is a line break inside the paragraph."""

    text: str
    style: Style = Style.PLAIN
    href: str = ""
    """Target of a link (http, https or mailto), or empty."""
    formula: str = ""
    """LaTeX of an inline formula without its delimiters; ``text`` is then the source with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block and its place in lists and quotes."""

    depth: int = 0
    """Number of lists around it."""
    quotes: tuple[int, ...] = ()
    """For each quote around it, the number of lists around that quote."""
    marker: str = ""
    """``•`` or ``3.`` for the first block of a list item, else empty."""
    thought: bool = False
    """Whether it is part of the model's thoughts."""
    level: int = 0
    """1 to 6 for a heading."""


@dataclass(frozen=True, slots=True)
class Prose(Block):
    """A paragraph or a heading."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Code(Block):
    """A code block."""

    text: str
    language: str = ""
    """First word after the fence, lower case."""


@dataclass(frozen=True, slots=True)
class Formula(Block):
    """A display formula."""

    formula: str
    """LaTeX without its delimiters."""
    source: str
    """The source with its delimiters."""


@dataclass(frozen=True, slots=True)
class Table(Block):
    """A table; all rows have as many cells as the head."""

    head: tuple[tuple[Span, ...], ...]
    rows: tuple[tuple[tuple[Span, ...], ...], ...]
    align: tuple[str, ...]
    """``left``, ``center``, ``right`` or empty, one per column."""


@dataclass(frozen=True, slots=True)
class Rule(Block):
    """A horizontal rule."""


def plain_text(blocks: list[Block]) -> str:
    """Return the text without Markdown syntax, as it is copied."""
    text = ""
    for number, block in enumerate(blocks):
        if number:
            text += "\n" if block.depth and blocks[number - 1].depth else "\n\n"
        text += "  " * max(0, block.depth - 1) + (f"{block.marker} " if block.marker else "") + block_text(block)
    return text


def block_text(block: Block) -> str:
    """Return the text of a block without its marker; tabs separate the cells of a table."""
    match block:
        case Prose():
            return spans_text(block.spans)
        case Code():
            return block.text
        case Formula():
            return block.source
        case Table():
            return "\n".join("\t".join(map(spans_text, row)) for row in (block.head, *block.rows))
    return ""


def spans_text(spans: tuple[Span, ...]) -> str:
    """Return the text of spans."""
    return "".join(span.text for span in spans)


def has_chinese(text: str) -> bool:
    """Whether a text contains Chinese or Japanese characters; their fonts have no italics."""
    return bool(_CHINESE.search(text))


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as Qt counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
