"""Blocks of rendered Markdown as HTML: lists and quotes nested again, code with the roles of its stretches as classes.

Every character that comes from a message goes through ``escape``; what is written as a tag stands in this file.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.export.entries import visible
from app.export.formula_html import FormulaPictures
from app.markdown.blocks import Block, Code, Formula, Kind, Prose, Rule, Span, Style, Table
from app.markdown.highlight import CodeRole, highlight

_TAGS = ((Style.STRONG, "strong"), (Style.EMPHASIS, "em"), (Style.STRUCK, "s"), (Style.CODE, "code"))
_ROLES = {
    CodeRole.KEYWORD: "k",
    CodeRole.STRING: "s",
    CodeRole.NUMBER: "n",
    CodeRole.NAME: "f",
    CodeRole.TYPE: "t",
    CodeRole.COMMENT: "c",
}
_TASKS = ("☐", "☑")
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_CONTROLS = (*range(9), 11, *range(14, 32), *range(127, 160))
_NOT_IN_HTML = dict.fromkeys((*_CONTROLS, *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0)), "\ufffd")
"""Characters that no HTML document may hold; pairs at the end of each plane are left to ``escape``."""


def escape(text: str) -> str:
    """Text for an element or for an attribute in double quotes."""
    cleaned = visible(text.replace("\r\n", "\n").replace("\r", "\n")).translate(_NOT_IN_HTML)
    if not cleaned.isascii():
        cleaned = "".join("\ufffd" if ord(each) & 0xFFFE == 0xFFFE else each for each in cleaned)
    return html.escape(cleaned.replace("\f", " "))


def html_of(blocks: Iterable[Block], pictures: FormulaPictures) -> str:
    """The blocks as flow content."""
    return "\n".join(_Walk(pictures).through(blocks))


def code_html(text: str, language: str = "") -> str:
    """A block of code under the name of its language."""
    caption = f"<figcaption>{escape(language)}</figcaption>" if language else ""
    return f'<figure class="code">{caption}<pre><code>{"".join(_stretches(text, language))}</code></pre></figure>'


def spans_html(spans: Iterable[Span], pictures: FormulaPictures) -> str:
    """A run of text as phrasing content."""
    return "".join(_span(span, pictures) for span in spans)


@dataclass
class _Container:
    """An open quote, or an open list with an open item."""

    is_quote: bool
    tag: str = "blockquote"
    kind: str = ""
    """Of a list: ``ul``, ``tasks`` or ``ol``."""
    next: int = 1
    """The number that the next item of an ordered list has by itself."""

    def item(self, marker: str) -> str:
        """The tag that opens an item."""
        if self.kind != "ol":
            return "<li>"
        number, expected = int(marker[:-1]), self.next
        self.next = number + 1
        return "<li>" if number == expected else f'<li value="{number}">'


@dataclass
class _Walk:
    """A walk along the row of blocks that opens and closes what they lie in."""

    pictures: FormulaPictures
    open: list[_Container] = field(default_factory=list)

    def through(self, blocks: Iterable[Block]) -> Iterator[str]:
        for block in blocks:
            yield from self._go_to(block)
            yield _block(block, self.pictures)
        yield from self._close_to(0)

    def _go_to(self, block: Block) -> Iterator[str]:
        wanted = _containers(block)
        same = 0
        while same < min(len(wanted), len(self.open)) and self.open[same].is_quote == wanted[same]:
            same += 1
        innermost = max((at for at, is_quote in enumerate(wanted) if not is_quote), default=-1)
        begins = block.marker and innermost >= 0
        if begins and same > innermost:
            same = innermost + 1
        yield from self._close_to(same)
        if begins and same > innermost:
            if self.open[innermost].kind == _kind(block.marker):
                yield f"</li>\n{self.open[innermost].item(block.marker)}"
            else:
                yield from self._close_to(innermost)
        for at in range(len(self.open), len(wanted)):
            if wanted[at]:
                self.open.append(_Container(is_quote=True))
                yield "<blockquote>"
            else:
                yield self._open_list(block.marker if at == innermost else "")

    def _open_list(self, marker: str) -> str:
        kind = _kind(marker)
        if kind != "ol":
            self.open.append(_Container(is_quote=False, tag="ul", kind=kind))
            return '<ul class="tasks">\n<li>' if kind == "tasks" else "<ul>\n<li>"
        first = int(marker[:-1])
        self.open.append(_Container(is_quote=False, tag="ol", kind=kind, next=first + 1))
        return "<ol>\n<li>" if first == 1 else f'<ol start="{first}">\n<li>'

    def _close_to(self, length: int) -> Iterator[str]:
        while len(self.open) > length:
            last = self.open.pop()
            yield f"</{last.tag}>" if last.is_quote else f"</li>\n</{last.tag}>"


def _containers(block: Block) -> list[bool]:
    """What a block lies in, from the outermost on: true for a quote, false for a list."""
    found: list[bool] = []
    for level in range(block.depth + 1):
        found += [True] * block.quotes.count(level)
        if level < block.depth:
            found.append(False)
    return found


def _kind(marker: str) -> str:
    if marker in _TASKS:
        return "tasks"
    return "ol" if marker[:-1].isdigit() else "ul"


def _block(block: Block, pictures: FormulaPictures) -> str:
    match block:
        case Prose(kind=Kind.HEADING):
            level = min(6, block.level + 2)
            return f"<h{level}>{spans_html(block.spans, pictures)}</h{level}>"
        case Prose():
            task = f"{block.marker} " if block.marker in _TASKS else ""
            return f"<p>{task}{spans_html(block.spans, pictures)}</p>" if task or block.spans else ""
        case Code():
            return code_html(block.text, block.language)
        case Formula():
            return pictures.display(block.formula, block.source, escape)
        case Table():
            return _table(block, pictures)
        case Rule():
            return "<hr>"
    return ""


def _table(table: Table, pictures: FormulaPictures) -> str:
    aligned = [f' class="{side}"' if side in ("center", "right") else "" for side in table.align]
    head = "".join(
        f'<th scope="col"{side}>{spans_html(cell, pictures)}</th>'
        for side, cell in zip(aligned, table.head, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{side}>{spans_html(cell, pictures)}</td>" for side, cell in zip(aligned, row, strict=True))
        + "</tr>"
        for row in table.rows
    )
    body = f"\n<tbody>\n{rows}\n</tbody>" if rows else ""
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>{body}\n</table></div>'


def _span(span: Span, pictures: FormulaPictures) -> str:
    if span.formula:
        made = pictures.inline(span.formula, span.text, escape)
    else:
        made = escape(span.text).replace("\n", "<br>\n")
    for style, tag in reversed(_TAGS):
        if style in span.style:
            # Chinese has no slanted letters; there emphasis is weight.
            kind = ' class="han"' if style is Style.EMPHASIS and _CHINESE.search(span.text) else ""
            made = f"<{tag}{kind}>{made}</{tag}>"
    if span.href:
        made = f'<a href="{escape(span.href)}" rel="noopener noreferrer nofollow">{made}</a>'
    return made


def _stretches(text: str, language: str) -> Iterator[str]:
    for stretch, role in highlight(text, language):
        written = escape(stretch)
        yield f'<span class="{_ROLES[role]}">{written}</span>' if role in _ROLES else written
