"""What an answer is made of once its Markdown is read: a flat row of blocks, each with its place in the nesting.

Lists and quotes are not containers here: an item of a list is a ``Prose`` with a marker and a depth, so that a reader
(the window, an exporter) walks one row, and so that code inside a list is a block like any other.  A block is a value;
whoever draws it decides on faces, colours and distances.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Flag, StrEnum

_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


class Style(Flag):
    """How a span stands out from its neighbours."""

    PLAIN = 0
    STRONG = 1
    EMPHASIS = 2
    CODE = 4
    STRUCK = 8
    QUIET = 16
    """A formula that is still being written."""


class Kind(StrEnum):
    """What a paragraph is."""

    TEXT = "text"
    HEADING = "heading"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style.  ``\\n`` in it is a line break inside the paragraph."""

    text: str
    style: Style = Style.PLAIN
    href: str = ""
    """Where it leads: http, https or mailto, or nowhere."""
    formula: str = ""
    """LaTeX without its marks, to be drawn in the line; ``text`` is then the source with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Where a block stands."""

    depth: int = 0
    """How many lists it lies in."""
    quotes: tuple[int, ...] = ()
    """For each quote it lies in, how many lists are around that quote."""
    marker: str = ""
    """``•`` or ``3.`` where it begins an item of a list; the later blocks of the item have none."""
    thought: bool = False
    """Part of what the model wrote to itself before it answered."""


@dataclass(frozen=True, slots=True)
class Prose(Block):
    """A paragraph or a heading."""

    spans: tuple[Span, ...]
    kind: Kind = Kind.TEXT
    level: int = 0
    """1 to 6 for a heading."""


@dataclass(frozen=True, slots=True)
class Code(Block):
    """A block of code as it was written."""

    text: str
    language: str = ""
    """The first word after the fence, lower case."""


@dataclass(frozen=True, slots=True)
class Formula(Block):
    """A formula on a line of its own."""

    formula: str
    """LaTeX without its marks."""
    source: str
    """As it was written, with its marks."""


@dataclass(frozen=True, slots=True)
class Table(Block):
    """A table; every row has as many cells as the head."""

    head: tuple[tuple[Span, ...], ...]
    rows: tuple[tuple[tuple[Span, ...], ...], ...]
    align: tuple[str, ...]
    """``left``, ``center``, ``right`` or nothing, one a column."""


@dataclass(frozen=True, slots=True)
class Rule(Block):
    """A line across."""


def plain_text(blocks: list[Block]) -> str:
    """The text without its marks, as one would copy it."""
    text = ""
    for number, block in enumerate(blocks):
        if number:
            text += "\n" if block.depth and blocks[number - 1].depth else "\n\n"
        text += "  " * max(0, block.depth - 1) + (f"{block.marker} " if block.marker else "") + block_text(block)
    return text


def block_text(block: Block) -> str:
    """The characters of one block, without its marker; the cells of a table are parted by tabs."""
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
    """The characters of a paragraph."""
    return "".join(span.text for span in spans)


def has_chinese(text: str) -> bool:
    """Whether a text contains Chinese or Japanese characters; their fonts have no italics."""
    return bool(_CHINESE.search(text))
