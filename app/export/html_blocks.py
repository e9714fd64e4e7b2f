"""Markdown blocks as HTML: nested lists and quotes, highlighted code, formulas as SVG.

Every character of a message goes through ``escape``; all tags are written in this module.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.export.entries import name_bidi_controls
from app.formulas import FormulaRenderer, Shape
from app.markdown.blocks import Block, Code, Formula, Kind, Prose, Rule, Span, Style, Table, has_chinese
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
_CONTROLS = (*range(9), 11, *range(14, 32), *range(127, 160))
_NOT_IN_HTML = dict.fromkeys((*_CONTROLS, *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0)), "\ufffd")
"""Characters that HTML forbids; ``escape`` also replaces the two at the end of each plane."""


FORMULA_STEPS = 20
"""Steps per em to which the depth of a formula below the baseline is rounded."""


def escape(text: str) -> str:
    """Return text for an element or an attribute in double quotes."""
    cleaned = name_bidi_controls(text.replace("\r\n", "\n").replace("\r", "\n")).translate(_NOT_IN_HTML)
    if not cleaned.isascii():
        cleaned = "".join("\ufffd" if ord(each) & 0xFFFE == 0xFFFE else each for each in cleaned)
    return html.escape(cleaned.replace("\f", " "))


def code_html(text: str, language: str = "") -> str:
    """Return a code block below the name of its language."""
    caption = f"<figcaption>{escape(language)}</figcaption>" if language else ""
    return f'<figure class="code">{caption}<pre><code>{"".join(_highlighted(text, language))}</code></pre></figure>'


class BlockWriter:
    """Writes blocks as HTML and collects the style rules that their formulas need.

    A formula gets a class for its depth: style attributes would have to be allowed for the whole page.
    """

    def __init__(self, formula_renderer: FormulaRenderer | None) -> None:
        self._formula_renderer = formula_renderer
        self._depths: set[int] = set()

    def html(self, blocks: Iterable[Block]) -> str:
        """Return blocks as flow content."""
        nesting = _Nesting()
        parts: list[str] = []
        for block in blocks:
            parts += [*nesting.go_to(block), self._block(block)]
        return "\n".join([*parts, *nesting.close_to(0)])

    def style_rules(self) -> str:
        """Return the style rules of the formulas that were written."""
        return "\n".join(
            f".d{depth} {{ vertical-align: -{depth / FORMULA_STEPS:g}em; }}" for depth in sorted(self._depths)
        )

    def _block(self, block: Block) -> str:
        match block:
            case Prose(kind=Kind.HEADING):
                level = min(6, block.level + 2)
                return f"<h{level}>{self._spans(block.spans)}</h{level}>"
            case Prose():
                task = f"{block.marker} " if block.marker in _TASKS else ""
                return f"<p>{task}{self._spans(block.spans)}</p>" if task or block.spans else ""
            case Code():
                return code_html(block.text, block.language)
            case Formula():
                return self._display_formula(block)
            case Table():
                return self._table(block)
            case Rule():
                return "<hr>"
        return ""

    def _display_formula(self, block: Formula) -> str:
        shape = self._shape(block.formula, display=True)
        if shape is None:
            return f'<pre class="source"><code>{escape(block.source.strip())}</code></pre>'
        return f'<div class="formula">{_svg(shape, block.source, "display")}</div>'

    def _table(self, table: Table) -> str:
        aligned = [f' class="{side}"' if side in ("center", "right") else "" for side in table.align]
        head, *rows = (
            [(side, self._spans(cell)) for side, cell in zip(aligned, row, strict=True)]
            for row in (table.head, *table.rows)
        )
        head_cells = "".join(f'<th scope="col"{side}>{content}</th>' for side, content in head)
        body_rows = ["<tr>" + "".join(f"<td{side}>{content}</td>" for side, content in row) + "</tr>" for row in rows]
        body = "\n<tbody>\n" + "\n".join(body_rows) + "\n</tbody>" if rows else ""
        return f'<div class="wide"><table>\n<thead><tr>{head_cells}</tr></thead>{body}\n</table></div>'

    def _spans(self, spans: Iterable[Span]) -> str:
        return "".join(map(self._span, spans))

    def _span(self, span: Span) -> str:
        content = self._inline_formula(span) if span.formula else escape(span.text).replace("\n", "<br>\n")
        for style, tag in reversed(_TAGS):
            if style in span.style:
                # Chinese fonts have no italics; the style sheet makes such emphasis bold.
                kind = ' class="han"' if style is Style.EMPHASIS and has_chinese(span.text) else ""
                content = f"<{tag}{kind}>{content}</{tag}>"
        if span.href:
            content = f'<a href="{escape(span.href)}" rel="noopener noreferrer nofollow">{content}</a>'
        return content

    def _inline_formula(self, span: Span) -> str:
        shape = self._shape(span.formula, display=False)
        if shape is None:
            return f'<code class="source">{escape(span.text)}</code>'
        depth = max(0, round((shape.height - shape.baseline) * FORMULA_STEPS))
        self._depths.add(depth)
        return _svg(shape, span.text, f"d{depth}")

    def _shape(self, formula: str, *, display: bool) -> Shape | None:
        return self._formula_renderer.shape(formula, display) if self._formula_renderer is not None else None


@dataclass
class _Container:
    """An open quote, or an open list with an open item."""

    is_quote: bool
    tag: str = "blockquote"
    kind: str = ""
    """Of a list: ``ul``, ``tasks`` or ``ol``."""
    next: int = 1
    """Number of the next item of an ordered list, unless the tag gives another."""

    def item(self, marker: str) -> str:
        """Return the tag that opens an item."""
        if self.kind != "ol":
            return "<li>"
        number, expected = int(marker[:-1]), self.next
        self.next = number + 1
        return "<li>" if number == expected else f'<li value="{number}">'


class _Nesting:
    """The open quotes and lists at a place in the flat row of blocks."""

    def __init__(self) -> None:
        self.open: list[_Container] = []

    def go_to(self, block: Block) -> Iterator[str]:
        """Yield the tags that close and open containers between the previous block and this one."""
        containers = _containers(block)
        same = 0
        while same < min(len(containers), len(self.open)) and self.open[same].is_quote == containers[same]:
            same += 1
        innermost = max((at for at, is_quote in enumerate(containers) if not is_quote), default=-1)
        begins = block.marker and innermost >= 0
        if begins and same > innermost:
            same = innermost + 1
        yield from self.close_to(same)
        if begins and same > innermost:
            if self.open[innermost].kind == _kind(block.marker):
                yield f"</li>\n{self.open[innermost].item(block.marker)}"
            else:
                yield from self.close_to(innermost)
        for at in range(len(self.open), len(containers)):
            if containers[at]:
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

    def close_to(self, length: int) -> Iterator[str]:
        """Yield the tags that close all but the outer ``length`` containers."""
        while len(self.open) > length:
            last = self.open.pop()
            yield f"</{last.tag}>" if last.is_quote else f"</li>\n</{last.tag}>"


def _containers(block: Block) -> list[bool]:
    """Return the containers of a block, the outermost first: true for a quote, false for a list."""
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


def _svg(shape: Shape, source: str, kind: str) -> str:
    name = " ".join(escape(source).split())
    attributes = (
        f'class="{kind}" role="img" aria-label="{name}" width="{shape.width:.3f}em" height="{shape.height:.3f}em"'
    )
    return shape.svg.replace("<svg ", f"<svg {attributes} ", 1)


def _highlighted(text: str, language: str) -> Iterator[str]:
    for stretch, role in highlight(text, language):
        escaped = escape(stretch)
        yield f'<span class="{_ROLES[role]}">{escaped}</span>' if role in _ROLES else escaped
