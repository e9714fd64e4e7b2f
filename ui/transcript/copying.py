"""What is copied: the selected characters as plain text, or as the Markdown that they were written in."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from app.markdown.blocks import Code, Formula, Prose, Span, Style, Table, plain_text
from app.markdown.control_characters import visible
from app.markdown.parser import parse, split_thought
from ui.transcript.code import CodePart
from ui.transcript.formula import places
from ui.transcript.item import Item
from ui.transcript.message import MessageView, Place
from ui.transcript.parts import FlowPart, Part
from ui.transcript.selection import END, Selection
from ui.transcript.spans import units
from ui.transcript.table import TablePart

if TYPE_CHECKING:
    from ui.transcript.page import Page

_MARKS = ((Style.CODE, "`"), (Style.STRONG, "**"), (Style.EMPHASIS, "*"), (Style.STRUCK, "~~"))
_MARKERS = {"•": "-", "◦": "-", "▪": "-", "☐": "- [ ]", "☑": "- [x]"}


def item_text(item: Item, *, with_thought: bool = True) -> str:
    """The text of a whole message as one would copy it; what is folded is left out where that is wanted."""
    if item.is_question:
        return visible(item.content)
    content = item.content if with_thought else split_thought(item.content)[2]
    return plain_text(parse(visible(content)))


def selected_text(page: Page, chosen: Selection) -> str:
    """The selected characters; messages are parted by blank lines, and those never drawn are not drawn for it."""
    pieces = []
    for number in _numbers(page, chosen):
        if _is_whole(page, chosen, number) and (number not in page.views or page.views[number].is_cut):
            pieces.append(item_text(page.items[number], with_thought=page.thought_is_open(page.items[number])))
            continue
        view = page.view(number)
        share = chosen.within(number, view.end)
        pieces.append(view.text(*share) if share else "")
    return "\n\n".join(piece for piece in pieces if piece)


def selected_markdown(page: Page, chosen: Selection) -> str:
    """The source of what is selected: of whole messages as it is, of a stretch as it would be written."""
    pieces = []
    for number in _numbers(page, chosen):
        if _is_whole(page, chosen, number):
            pieces.append(page.items[number].content)
            continue
        view = page.view(number)
        share = chosen.within(number, view.end)
        if share and view.item.is_question:
            pieces.append(view.text(*share))
        elif share:
            pieces.append(view_markdown(view, *share))
    return pieces[0] if len(pieces) == 1 else "\n\n".join(piece.strip("\n") for piece in pieces if piece)


def view_markdown(view: MessageView, start: Place, end: Place) -> str:
    """Markdown for a stretch of one message."""
    pieces: list[str] = []
    for number in range(start[0], min(end[0] + 1, len(view.parts))):
        part = view.parts[number]
        low = start[1] if number == start[0] else 0
        high = end[1] if number == end[0] else part.length
        goes_on = isinstance(part, TablePart) and part.goes_on and bool(pieces)
        piece = _part_markdown(part, low, high, has_head=goes_on)
        if piece:
            pieces.append(("\n" if goes_on else "\n\n") + piece if pieces else piece)
    return "".join(pieces)


def _numbers(page: Page, chosen: Selection) -> range:
    return range(0) if chosen.is_empty else range(chosen.start[0], min(chosen.end[0] + 1, len(page.items)))


def _is_whole(page: Page, chosen: Selection, number: int) -> bool:
    if chosen.start > (number, 0, 0):
        return False
    if chosen.end >= (number, END, 0) or chosen.end[0] > number:
        return True
    return number in page.views and chosen.end >= (number, *page.views[number].end)


def _part_markdown(part: Part, low: int, high: int, *, has_head: bool) -> str:
    if isinstance(part, FlowPart):
        return _prose_markdown(part, low, high)
    block = part.blocks[0] if part.blocks else None
    if isinstance(part, CodePart) and isinstance(block, Code):
        fence = "```" if "```" not in block.text else "````"
        text = f"{fence}{block.language}\n{part.text(low, high)}\n{fence}"
        return _prefixed(text, "  " * block.depth + "> " * len(block.quotes))
    if isinstance(block, Formula):
        marker = _MARKERS.get(block.marker, block.marker)
        indent = "  " * (block.depth - (1 if marker else 0)) if block.depth else ""
        begins = marker + " " if marker else ""
        return _prefixed(begins + block.source, indent + "> " * len(block.quotes)) if low < high else ""
    if isinstance(part, TablePart) and isinstance(block, Table):
        return _table_markdown(part, block, low, high, has_head=has_head)
    return "---" if not part.length else part.text(low, high)


def _prose_markdown(part: FlowPart, low: int, high: int) -> str:
    lines: list[str] = []
    before: Prose | None = None
    at = 0
    for prose in part.prose:
        size = sum(places(span) for span in prose.spans)
        start, end = max(low - at, 0), min(high - at, size)
        if at <= high and low <= at + size and (start < end or (not size and low < high)):
            text = _spans_markdown(prose.spans, start, end)
            head = "#" * prose.level + " " if prose.level and start == 0 else ""
            marker = _MARKERS.get(prose.marker, prose.marker)
            begins = marker + " " if marker and start == 0 else ""
            indent = "  " * (prose.depth - (1 if prose.marker else 0)) if prose.depth else ""
            quote = "> " * len(prose.quotes)
            if before is not None:
                tight = bool(before.depth and prose.depth and prose.marker)
                lines += [] if tight else [quote.rstrip() if before.quotes and prose.quotes else ""]
            lines.append(_prefixed(begins + head + text, indent + quote))
            before = prose
        at += size + 1
    return "\n".join(lines)


def _spans_markdown(spans: tuple[Span, ...], start: int, end: int) -> str:
    pieces: list[tuple[Style, str, str]] = []
    at = 0
    for span in spans:
        size = places(span)
        low, high = max(start - at, 0), min(end - at, size)
        at += size
        if low < high:
            text = span.text if span.formula else _units_slice(span.text, low, high)
            pieces.append((span.style & ~Style.QUIET, span.href, text))
    whole = []
    for (style, href), group in groupby(pieces, key=lambda piece: piece[:2]):
        whole.append(_marked("".join(text for *_, text in group), style, href))
    return "".join(whole)


def _marked(text: str, style: Style, href: str) -> str:
    """A run of one style with its marks, which stand next to letters and not to blanks."""
    inner = text.strip()
    if not inner:
        return text
    left, right = text[: text.index(inner[0])], text[len(text.rstrip()) :]
    written = inner
    for each, mark in _MARKS:
        if each in style:
            written = f"`` {inner} ``" if each is Style.CODE and "`" in inner else f"{mark}{written}{mark}"
    if href and href != inner:
        written = f"[{written}]({href})"
    return left + written + right


def _units_slice(text: str, low: int, high: int) -> str:
    if len(text) == units(text):
        return text[low:high]
    return text.encode("utf-16-le", "surrogatepass")[2 * low : 2 * high].decode("utf-16-le", "replace")


def _table_markdown(part: TablePart, table: Table, low: int, high: int, *, has_head: bool) -> str:
    rows = [part.row_cells(number) for number in part.rows_within(low, high)]
    lines = ["| " + " | ".join(spans_source(cell).replace("|", "\\|") for cell in cells) + " |" for cells in rows]
    if lines and not has_head:
        bars = {"center": ":-:", "right": "--:", "left": ":--"}
        lines.insert(1, "|" + "|".join(bars.get(align, "---") for align in table.align) + "|")
    return "\n".join(lines)


def spans_source(spans: tuple[Span, ...]) -> str:
    """The Markdown of a paragraph or a cell."""
    return _spans_markdown(spans, 0, sum(places(span) for span in spans))


def _prefixed(text: str, prefix: str) -> str:
    hanging = prefix if not prefix or ">" in prefix else " " * len(prefix)
    return prefix + text.replace("\n", "\n" + hanging)
