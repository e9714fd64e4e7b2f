"""Blocks of parsed Markdown: paragraphs, code, formulas, tables and rules in one flat list.

Lists and quotes are not containers: a list item is a ``Prose`` with a marker and a depth, so that renderers walk one
list and code within a list is a block like any other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Flag

WORD = re.compile(r"[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+")
"""A word that no line breaks; Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese lines break between letters."""
PICTURE = "Picture"
"""Text of spans of that style; ``with_picture_word`` gives another language."""
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u2067\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Blocks of Unicode with scripts from right to left, and the mark and isolate of that direction."""


class Style(Flag):
    """Text style of a span."""

    PLAIN = 0
    STRONG = 1
    EMPHASIS = 2
    CODE = 4
    STRUCK = 8
    QUIET = 16
    """A formula whose end has not been received yet."""
    SUBSCRIPT = 32
    SUPERSCRIPT = 64
    UNDERLINED = 128
    MARKED = 256
    FOOTNOTE = 512
    """The label of a footnote in brackets, also a superscript."""
    NOTE = 1024
    """The label in front of the text of a footnote."""
    PICTURE = 2048
    """``PICTURE`` in place of an embedded picture without a description."""


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
    new_quotes: int = 0
    """How many of the innermost quotes begin with it."""
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
    """Return the text without Markdown syntax, except for the fences of code and the marks of quotes."""
    text = ""
    for number, block in enumerate(blocks):
        content = fenced(block.text, block.language) if isinstance(block, Code) and block.text else block_text(block)
        text += (separator(blocks[number - 1], block) if number else "") + placed(block, content, block.marker)
    return text


def separator(above: Block, block: Block) -> str:
    """Return what separates the texts of two blocks."""
    if above.depth and block.depth:
        return "\n"
    return f"\n{('> ' * min(len(above.quotes), len(block.quotes) - block.new_quotes)).rstrip()}\n"


def placed(block: Block, text: str, marker: str, step: int = 2) -> str:
    """Return the text of a block with its marker, each line behind the marks of its quotes.

    ``step`` is the indentation in spaces of each list around it.
    """
    if not block.depth and not block.quotes:
        return text
    first = following = ""
    for lists in range(block.depth + 1):
        quote = "> " * block.quotes.count(lists)
        indent = " " * step if lists < block.depth else ""
        first += quote + (f"{marker} " if marker and lists == block.depth - 1 else indent)
        following += quote + indent
    line, *others = text.split("\n")
    return "\n".join([first + line, *(following + other if other else following.rstrip() for other in others)])


def fenced(text: str, language: str = "") -> str:
    """Return code between fences that it does not contain."""
    fence = longer_run(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def longer_run(text: str, shortest: int) -> str:
    """Return a run of at least ``shortest`` backticks that is longer than those of a text."""
    return "`" * max([shortest, *(len(run) + 1 for run in re.findall(r"`+", text) if len(run) >= shortest)])


def block_text(block: Block) -> str:
    """Return the text of a block without its marker; tabs separate the cells of a table, lines its rows."""
    match block:
        case Prose():
            return spans_text(block.spans)
        case Code():
            return block.text
        case Formula():
            return block.source
        case Table():
            rows = (map(spans_text, row) for row in (block.head, *block.rows))
            return "\n".join("\t".join(cell.replace("\n", " ") for cell in row) for row in rows)
    return ""


def spans_of(block: Block) -> Iterator[Span]:
    """Yield the spans of a paragraph or a table."""
    match block:
        case Prose():
            yield from block.spans
        case Table():
            yield from (span for row in (block.head, *block.rows) for cell in row for span in cell)


def with_texts(block: Block, style: Style, change: Callable[[str], str]) -> Block:
    """Return the block with other texts of the spans that have a style."""
    if not any(style in span.style for span in spans_of(block)):
        return block

    def changed(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(replace(span, text=change(span.text)) if style in span.style else span for span in spans)

    match block:
        case Prose():
            return replace(block, spans=changed(block.spans))
        case Table():
            rows = tuple(tuple(map(changed, row)) for row in block.rows)
            return replace(block, head=tuple(map(changed, block.head)), rows=rows)
    return block


def with_picture_word(blocks: list[Block], word: str) -> list[Block]:
    """Return the blocks with the word for a picture in another language."""
    return [with_texts(block, Style.PICTURE, lambda text: text.replace(PICTURE, word)) for block in blocks]


def spans_text(spans: tuple[Span, ...]) -> str:
    """Return the text of spans."""
    return "".join(span.text for span in spans)


def has_chinese(text: str) -> bool:
    """Whether a text contains Chinese or Japanese characters; their fonts have no italics."""
    return bool(_CHINESE.search(text))


def has_right_to_left(text: str) -> bool:
    """Whether a text contains letters that are read from right to left; few of their fonts have italics."""
    return not text.isascii() and bool(_RIGHT_TO_LEFT.search(text))


def is_right_to_left(block: Block) -> bool | None:
    """Whether a paragraph or a table is read from right to left; None where its text has no direction.

    By the first letter with a direction (Unicode Standard Annex 9, P2) that is not in code, which is left to right.
    """
    match block:
        case Prose():
            spans = block.spans
        case Table():
            spans = tuple(span for row in (block.head, *block.rows[:1]) for cell in row for span in cell)
        case _:
            return None
    for span in spans:
        if Style.CODE in span.style or span.formula:
            continue
        if span.text.isascii() and any(map(str.isalpha, span.text)):
            return False
        for character in span.text:
            direction = unicodedata.bidirectional(character)
            if direction in {"L", "R", "AL"}:
                return direction != "L"
    return None


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as Qt counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
