"""Text of a part of an answer as it is copied: plain, or as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from app.markdown.blocks import Block, Span, Style, Table, placed, spans_text, utf16_length

Row = tuple[tuple[Span, ...], ...]

_BOXES = {"☐": "[ ]", "☑": "[x]"}
_MARKERS = {"•": "-", "◦": "-", "▪": "-", **{box: f"- {source}" for box, source in _BOXES.items()}}
"""Shown markers of list items and their Markdown."""
_DELIMITERS = (
    *((Style.CODE, "`", "`"), (Style.STRONG, "**", "**"), (Style.EMPHASIS, "*", "*"), (Style.STRUCK, "~~", "~~")),
    *((Style.UNDERLINED, "<u>", "</u>"), (Style.MARKED, "<mark>", "</mark>")),
    *((Style.SUBSCRIPT, "<sub>", "</sub>"), (Style.SUPERSCRIPT, "<sup>", "</sup>")),
)
_SEPARATORS = {"center": ":-:", "right": "--:", "left": ":--"}
LIST_STEP = 4
"""Indentation of a list: enough for items up to ``99.``, and not too much for bullets."""


def span_length(span: Span) -> int:
    """Return the number of positions that a span takes in a document: a formula is one."""
    return 1 if span.formula else utf16_length(span.text)


def _slice(spans: tuple[Span, ...], start: int, end: int) -> Iterator[Span]:
    """Yield the spans between two positions, cut to them; a formula stays whole."""
    offset = 0
    for span in spans:
        size = span_length(span)
        low, high = max(start - offset, 0), min(end - offset, size)
        offset += size
        if low < high:
            yield span if high - low == size else replace(span, text=_utf16_slice(span.text, low, high))


def spans_markdown(spans: tuple[Span, ...], start: int = 0, end: int | None = None) -> str:
    """Return the spans between two positions as Markdown."""
    cut = _slice(spans, start, sum(map(span_length, spans)) if end is None else end)
    runs = groupby(cut, lambda span: (span.style & ~Style.QUIET, span.href))
    return "".join(_with_delimiters("".join(span.text for span in run), *key) for key, run in runs)


def _with_delimiters(text: str, style: Style, href: str) -> str:
    """Return a run of one style with its delimiters, which are next to letters and not to blanks."""
    inner = text.strip()
    if not inner:
        return text
    left, right = text[: text.index(inner[0])], text[len(text.rstrip()) :]
    if Style.FOOTNOTE in style:
        label = inner.replace("[", "[^")
        return f"{left}{label}{':' if Style.NOTE in style else ''}{right}"
    written = inner
    for each, opening, closing in _DELIMITERS:
        if each in style:
            written = f"`` {inner} ``" if each is Style.CODE and "`" in inner else f"{opening}{written}{closing}"
    if href and href != inner:
        written = f"[{written}]({href})"
    return left + written + right


def _utf16_slice(text: str, low: int, high: int) -> str:
    if len(text) == utf16_length(text):
        return text[low:high]
    return text.encode("utf-16-le", "surrogatepass")[2 * low : 2 * high].decode("utf-16-le", "replace")


def table_markdown(table: Table) -> str:
    """Return a table as Markdown."""
    rows = [row_markdown(row) for row in (table.head, *table.rows)]
    return "\n".join([rows[0], separator_row(table.align), *rows[1:]])


def row_markdown(row: Row) -> str:
    """Return a row of a table as Markdown."""
    cells = (spans_markdown(cell).replace("|", "\\|").replace("\n", "<br>") for cell in row)
    return f"| {' | '.join(cells)} |"


def separator_row(align: Sequence[str]) -> str:
    """Return the line below the head of a table."""
    return "|" + "|".join(_SEPARATORS.get(each, "---") for each in align) + "|"


def table_csv(table: Table) -> str:
    """Return a table as CSV (RFC 4180); formulas are their source."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([spans_text(cell) for cell in row] for row in (table.head, *table.rows))
    return text.getvalue()


class CopiedBlock(NamedTuple):
    """What a range touches of one block."""

    block: Block
    text: str
    """Plain text, without the marker of a list; whole code is in a fence."""
    markdown: str
    """Source, without the marker of a list."""
    is_from_start: bool
    """Whether the range contains the start of the block."""


def copied(piece: CopiedBlock, *, markdown: bool) -> str:
    """Return a piece in its lists and quotes, with its marker."""
    block, text = piece.block, piece.markdown if markdown else piece.text
    if not text or (not piece.is_from_start and not markdown):
        return text
    marker = block.marker if piece.is_from_start else ""
    if not markdown:
        return placed(block, text, marker)
    for box, source in _BOXES.items():
        if marker and text.startswith(f"{box} "):
            text = source + text[1:]
    return placed(block, text, _MARKERS.get(marker, marker), LIST_STEP)
