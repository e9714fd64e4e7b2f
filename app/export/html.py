"""The HTML format: one page without scripts and external resources, with its style sheet inside.

Markdown becomes nested lists and quotes, highlighted code, and formulas as SVG.  The text of a model is not trusted:
every character goes through ``escape``, all tags are written in this module, and a content security policy forbids
everything but the style sheet of the page, so that no markup could run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby

from app import __version__
from app.config.paths import resources
from app.conversation import ConversationTree, Picture
from app.export.entries import ExportedMessage, entries, name_bidi_controls, thought_label, title_of
from app.export.formats import ExportFormat, ExportOptions, ThoughtExport, one_conversation
from app.formulas import FormulaRenderer, Shape
from app.markdown.blocks import Block, Code, Formula, Prose, Rule, Span, Style, Table, has_chinese, is_right_to_left
from app.markdown.highlight import CodeRole, highlight
from app.markdown.parser import parse_part
from app.translation import QT_TRANSLATE_NOOP

POLICY = "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
_TAGS = (
    *(
        (Style.STRONG, "strong"),
        (Style.EMPHASIS, "em"),
        (Style.STRUCK, "s"),
        (Style.CODE, "code"),
        (Style.MARKED, "mark"),
    ),
    *((Style.UNDERLINED, "u"), (Style.SUBSCRIPT, "sub"), (Style.SUPERSCRIPT, "sup")),
)
_ROLES = {
    CodeRole.KEYWORD: "k",
    CodeRole.STRING: "s",
    CodeRole.NUMBER: "n",
    CodeRole.NAME: "f",
    CodeRole.TYPE: "t",
    CodeRole.COMMENT: "c",
    CodeRole.DELETED: "d",
}
_TASKS = ("☐", "☑")
_Placed = tuple[str, Block]
"""A block after its ``_containers``."""
_CONTROLS = (*range(9), 11, *range(14, 32), *range(127, 160))
_NOT_IN_HTML = dict.fromkeys((*_CONTROLS, *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0)), "\ufffd")
"""Characters that HTML forbids; ``escape`` also replaces the two at the end of each plane."""
FORMULA_STEPS = 20
"""Steps per em to which the depth of a formula below the baseline is rounded."""


def page(tree: ConversationTree, options: ExportOptions) -> str:
    """Return the whole document."""
    writer = BlockWriter(options.formula_renderer)
    # The style sheet contains rules for the formulas of the body.
    body = "\n".join(_body(tree, options, writer))
    sheet = f"\n{style_sheet()}\n{writer.style_rules()}\n"
    return "\n".join((*_head(tree, options, sheet), body, "</html>")) + "\n"


@lru_cache(maxsize=1)
def style_sheet() -> str:
    """Return the style rules of every page."""
    return (resources() / "export" / "page.css").read_text("utf-8").strip()


def policy(sheet: str) -> str:
    """Return a content security policy that allows this style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return POLICY.format(digest=digest)


def _head(tree: ConversationTree, options: ExportOptions, sheet: str) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield f'<html lang="{escape(options.labels.language)}">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy(sheet)}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f'<meta name="generator" content="APUS Chat {__version__}">'
    yield f"<title>{escape(title_of(tree, options))}</title>"
    yield f"<style>{sheet}</style>"
    yield "</head>"


def _body(tree: ConversationTree, options: ExportOptions, writer: BlockWriter) -> Iterator[str]:
    labels, conversation = options.labels, tree.conversation
    title = title_of(tree, options)
    yield "<body>"
    yield "<main>"
    moment = conversation.created_at
    yield f'<header>\n<h1 dir="auto">{escape(title)}</h1>'
    yield f'<p><time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M} UTC</time></p>\n</header>'
    if conversation.system_prompt:
        yield f'<details class="system">\n<summary>{escape(labels.system)}</summary>'
        prompt = writer.html(parse_part(conversation.system_prompt))
        yield f'<div class="quiet" dir="auto">\n{prompt}\n</div>\n</details>'
    for entry in entries(tree, options, options.formula_renderer):
        yield from _article(entry, options, writer)
    yield "</main>"
    yield "</body>"


def _image(picture: Picture, name: str) -> str:
    return f'<img src="{picture.data_url}" alt="{escape(name)}" width="{picture.width}" height="{picture.height}">'


def _article(entry: ExportedMessage, options: ExportOptions, writer: BlockWriter) -> Iterator[str]:
    labels = options.labels
    yield f'<article class="{entry.message.role.value}">\n<h2 class="speaker">{escape(entry.speaker)}</h2>'
    for attachment in entry.message.attachments:
        name = " ".join(attachment.name.split())
        if attachment.picture is not None:
            yield f'<p class="picture">{_image(attachment.picture, name)}</p>'
            continue
        yield f'<details class="attachment">\n<summary>{escape(f"{labels.attachment}: {name}")}</summary>'
        yield f"{code_html(attachment.content)}\n</details>"
    if entry.thought:
        opened = " open" if options.thoughts is ThoughtExport.KEEP else ""
        yield f'<details class="thought"{opened}>\n<summary>{escape(thought_label(entry, options))}</summary>'
        yield f'<div class="said" dir="auto">\n{writer.html(entry.thought_blocks)}\n</div>\n</details>'
    if entry.text_blocks:
        yield f'<div class="said" dir="auto">\n{writer.html(entry.text_blocks)}\n</div>'
    if entry.status:
        code = f" <code>{escape(entry.error)}</code>" if entry.error else ""
        yield f'<p class="status">({escape(entry.status)}){code}</p>'
    if entry.details:
        yield f'<details class="facts">\n<summary>{escape(labels.details)}</summary>\n<dl>'
        yield from (f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in entry.details)
        yield "</dl>\n</details>"
    yield "</article>"


HTML = ExportFormat(
    "html",
    QT_TRANSLATE_NOOP("export", "HTML page"),
    QT_TRANSLATE_NOOP("export", "Opens in any browser, with formulas and colours; loads no external content."),
    one_conversation(lambda tree, options: [page(tree, options)]),
    folds_thoughts=True,
)


def escape(text: str, *, in_prose: bool = False) -> str:
    """Return text for an element or an attribute in double quotes; ``in_prose`` keeps bidirectional isolates."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = name_bidi_controls(lines, in_prose=in_prose).translate(_NOT_IN_HTML)
    if not cleaned.isascii():
        cleaned = "".join("\ufffd" if ord(each) & 0xFFFE == 0xFFFE else each for each in cleaned)
    return html.escape(cleaned.replace("\f", " "))


def code_html(text: str, language: str = "") -> str:
    """Return a code block below the name of its language."""
    caption = f"<figcaption>{escape(language)}</figcaption>" if language else ""
    code = "".join(
        f'<span class="{_ROLES[role]}">{escape(stretch)}</span>' if role in _ROLES else escape(stretch)
        for stretch, role in highlight(text, language)
    )
    return f'<figure class="code">{caption}<pre><code>{code}</code></pre></figure>'


class BlockWriter:
    """Writes blocks as HTML and collects the style rules that their formulas need.

    A formula gets a class for its depth: style attributes would have to be allowed for the whole page.
    """

    def __init__(self, formula_renderer: FormulaRenderer | None) -> None:
        self._formula_renderer = formula_renderer
        self._depths: set[int] = set()
        self._has_right_to_left = False

    def html(self, blocks: Iterable[Block]) -> str:
        """Return blocks as flow content."""
        blocks = list(blocks)
        self._has_right_to_left = any(map(is_right_to_left, blocks))
        return "\n".join(self._flow([(_containers(block), block) for block in blocks], 0))

    def _direction(self, blocks: Iterable[Block]) -> str:
        """Return the attribute for the direction of blocks, if some are read from right to left."""
        direction = next((each for each in map(is_right_to_left, blocks) if each is not None), None)
        return f' dir="{"rtl" if direction else "ltr"}"' if self._has_right_to_left and direction is not None else ""

    def _flow(self, blocks: Iterable[_Placed], level: int) -> Iterator[str]:
        """Yield blocks that are in the same ``level`` outer containers."""
        for container, group in groupby(blocks, lambda placed: placed[0][level : level + 1]):
            if container == "q":
                inner = list(group)
                yield f"<blockquote{self._direction(block for _, block in inner)}>"
                yield from self._flow(inner, level + 1)
                yield "</blockquote>"
            elif container == "l":
                yield from self._lists(group, level)
            else:
                yield from (self._block(block) for _, block in group)

    def _lists(self, blocks: Iterable[_Placed], level: int) -> Iterator[str]:
        items: list[list[_Placed]] = []
        for containers, block in blocks:
            if not items or (block.marker and "l" not in containers[level + 1 :]):
                items.append([])
            items[-1].append((containers, block))
        for (tag, css_class), group in groupby(items, lambda item: _list_tag(item, level)):
            expected = 1
            for position, item in enumerate(group):
                number = int(item[0][1].marker[:-1]) if tag == "ol" else expected
                attribute = "" if number == expected else f' {"value" if position else "start"}="{number}"'
                direction = self._direction(block for _, block in item)
                start = f"<{tag}{css_class}{attribute}{direction}>\n<li>"
                yield f"</li>\n<li{attribute}{direction}>" if position else start
                yield from self._flow(item, level + 1)
                expected = number + 1
            yield f"</li>\n</{tag}>"

    def style_rules(self) -> str:
        """Return the style rules of the formulas that were written."""
        return "\n".join(
            f".d{depth} {{ vertical-align: -{depth / FORMULA_STEPS:g}em; }}" for depth in sorted(self._depths)
        )

    def _block(self, block: Block) -> str:
        match block:
            case Prose() if block.level:
                level = min(6, block.level + 2)
                return f"<h{level}{self._direction([block])}>{self._spans(block.spans)}</h{level}>"
            case Prose():
                task = f"{block.marker} " if block.marker in _TASKS else ""
                return (
                    f"<p{self._direction([block])}>{task}{self._spans(block.spans)}</p>" if task or block.spans else ""
                )
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
        shape, number = shape.split()
        drawn = _svg(shape, block.source, "display")
        if number is None:
            return f'<div class="formula">{drawn}</div>'
        # Its source, the description of the formula, contains the number.
        return f'<div class="formula numbered">{drawn}{_svg(number, "", "display")}</div>'

    def _table(self, table: Table) -> str:
        aligned = [f' class="{side}"' if side in ("center", "right") else "" for side in table.align]
        head, *rows = (
            [(side, self._spans(cell)) for side, cell in zip(aligned, row, strict=True)]
            for row in (table.head, *table.rows)
        )
        head_cells = "".join(f'<th scope="col"{side}>{content}</th>' for side, content in head)
        body_rows = ["<tr>" + "".join(f"<td{side}>{content}</td>" for side, content in row) + "</tr>" for row in rows]
        body = "\n<tbody>\n" + "\n".join(body_rows) + "\n</tbody>" if rows else ""
        direction = self._direction([table])
        return f'<div class="wide"{direction}><table>\n<thead><tr>{head_cells}</tr></thead>{body}\n</table></div>'

    def _spans(self, spans: Iterable[Span]) -> str:
        return "".join(map(self._span, spans))

    def _span(self, span: Span) -> str:
        content = self._inline_formula(span) if span.formula else self._text(span)
        for style, tag in reversed(_TAGS):
            if style in span.style:
                # Chinese fonts have no italics; the style sheet makes such emphasis bold.
                kind = ' class="han"' if style is Style.EMPHASIS and has_chinese(span.text) else ""
                content = f"<{tag}{kind}>{content}</{tag}>"
        if span.href:
            content = f'<a href="{escape(span.href)}" rel="noopener noreferrer nofollow">{content}</a>'
        return content

    def _text(self, span: Span) -> str:
        return escape(span.text, in_prose=Style.CODE not in span.style).replace("\n", "<br>\n")

    def _inline_formula(self, span: Span) -> str:
        shape = self._shape(span.formula, display=False)
        if shape is None:
            return f'<code class="source">{escape(span.text)}</code>'
        depth = max(0, round((shape.height - shape.baseline) * FORMULA_STEPS))
        self._depths.add(depth)
        return _svg(shape, span.text, f"d{depth}")

    def _shape(self, formula: str, *, display: bool) -> Shape | None:
        return self._formula_renderer.shape(formula, display) if self._formula_renderer is not None else None


def _containers(block: Block) -> str:
    """Return the containers of a block, the outermost first: ``q`` for a quote, ``l`` for a list."""
    return "l".join("q" * block.quotes.count(level) for level in range(block.depth + 1))


def _list_tag(item: list[_Placed], level: int) -> tuple[str, str]:
    """Return the tag of an item's list, and its class attribute."""
    containers, block = item[0]
    marker = block.marker if "l" not in containers[level + 1 :] else ""
    if marker in _TASKS:
        return "ul", ' class="tasks"'
    return ("ol" if marker[:-1].isdigit() else "ul"), ""


def _svg(shape: Shape, source: str, kind: str) -> str:
    name = " ".join(escape(source).split())
    attributes = (
        f'class="{kind}" role="img" aria-label="{name}" width="{shape.width:.3f}em" height="{shape.height:.3f}em"'
    )
    return shape.svg.replace("<svg ", f"<svg {attributes} ", 1)
