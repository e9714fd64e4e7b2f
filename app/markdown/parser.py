"""Parser from Markdown to blocks: CommonMark with tables, strikethrough and formulas, based on markdown-it-py.

The text of a model is not trusted: raw HTML remains visible text, images become links, and links lead to http, https
and mailto addresses only.  Two rules differ from CommonMark because of how models write: a line break remains one, and
a line of dashes below a paragraph is a rule, not the underline of a heading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN
from app.markdown import math_syntax
from app.markdown.blocks import Block, Code, Formula, Kind, Prose, Rule, Span, Style, Table
from app.markdown.inline_rules import unless_crowded, with_cjk_delimiters

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

MAX_NESTING = 24
"""Levels of quotes and lists; a list with its item counts as two."""
BULLETS = ("•", "◦", "▪")

_ENDED_BY_QUOTE = ["paragraph", "reference", "blockquote", "list"]
_ENDED_BY_LIST = _ENDED_BY_QUOTE[:-1]
_SAFE_LINK = re.compile(r"(https?://|mailto:)[^\s]", re.IGNORECASE)
_BARE_URL = re.compile(r"https?://[^\s<>\"'`\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]+")
_TRAILING = ".,;:!?*_~"
_PUNCTUATION = re.compile(r"[.,;:!?。，；：！？、]+")
_TASK = re.compile(r"\[([ xX])\]\s+")


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """Return the parser; it has no state between two texts."""
    # Deferred: importing markdown-it takes 30 ms.
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import blockquote, list_block
    from markdown_it.rules_inline import emphasis, image, link, strikethrough

    made = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": MAX_NESTING})
    made.enable(["table", "strikethrough"])
    made.disable(["html_block", "html_inline", "lheading"])
    made.block.ruler.at("paragraph", math_syntax.paragraph)
    made.block.ruler.at("blockquote", partial(_unless_too_deep, blockquote), {"alt": _ENDED_BY_QUOTE})
    made.block.ruler.at("list", partial(_unless_too_deep, list_block), {"alt": _ENDED_BY_LIST})
    made.inline.ruler.before("escape", "formula", math_syntax.inline_formula)
    made.core.ruler.before("block", "hide_bars", math_syntax.hide_bars)
    made.core.ruler.after("block", "show_bars", math_syntax.show_bars)
    made.core.ruler.after("show_bars", "remember_tail", math_syntax.remember_tail)
    made.inline.ruler.at("link", partial(unless_crowded, link))
    made.inline.ruler.at("image", partial(unless_crowded, image))
    made.inline.ruler.at("emphasis", partial(with_cjk_delimiters, emphasis.tokenize))
    made.inline.ruler.at("strikethrough", partial(with_cjk_delimiters, strikethrough.tokenize))
    return made


def _unless_too_deep(
    rule: Callable[[StateBlock, int, int, bool], bool], state: StateBlock, start: int, end: int, silent: bool
) -> bool:
    """Apply the quote or the list rule; text that is nested too deeply, which markdown-it drops, remains text."""
    return state.level < MAX_NESTING - 3 and rule(state, start, end, silent)


def parse(text: str) -> list[Block]:
    """Return the blocks of a whole message."""
    thought, closed, answer = split_thought(text)
    blocks = [as_thought(block) for block in parse_part(thought)] if thought else []
    return blocks + (parse_part(answer) if closed else [])


def split_thought(text: str) -> tuple[str, bool, str]:
    """Return the thought in ``<think>`` at the start of a message, whether it has ended, and the text after it."""
    head = text.lstrip()
    if not head.startswith(THOUGHT_OPEN):
        return "", True, text
    thought, closing, answer = head[len(THOUGHT_OPEN) :].partition(THOUGHT_CLOSE)
    return thought, bool(closing), answer


def as_thought(block: Block) -> Block:
    """Return the block, marked as part of the model's thoughts."""
    return replace(block, thought=True)


def parse_part(text: str) -> list[Block]:
    """Return the blocks of a text without a thought."""
    return list(read_tokens(parser().parse(text, {})))


def tokens_of(text: str, references: MutableMapping[str, Any], *, preview: bool = False) -> list[Token]:
    """Return the tokens of a part of a text; ``references`` are the link references of the parts before it.

    With ``preview`` a formula without its end is a formula too.
    """
    return parser().parse(text, {"references": references, math_syntax.PREVIEW: preview})


def tokens_and_open_line(text: str, references: MutableMapping[str, Any]) -> tuple[list[Token], int | None]:
    """Return the tokens, and the line of a formula whose end may follow in the next part."""
    environment: dict[str, Any] = {"references": references}
    tokens = parser().parse(text, environment)
    return tokens, environment.get(math_syntax.OPEN_LINE)


@dataclass
class _Place:
    """Lists and quotes around the current token."""

    numbers: list[int | None] = field(default_factory=list)
    """Number of the next item of each open list, None for bullets."""
    quotes: tuple[int, ...] = ()
    marker: str = ""


def read_tokens(tokens: list[Token], first_number: int | None = None) -> Iterator[Block]:
    """Yield the blocks of tokens.  ``first_number``: number of the first item, if an ordered list is continued."""
    place = _Place()
    index = 0
    while index < len(tokens):
        token = tokens[index]
        match token.type:
            case "bullet_list_open":
                place.numbers.append(None)
            case "ordered_list_open":
                number = int(token.attrGet("start") or 1) if token.attrGet("start") != 0 else 0
                place.numbers.append(number if first_number is None or index else first_number)
            case "bullet_list_close" | "ordered_list_close":
                place.numbers.pop()
            case "list_item_open":
                place.marker = _marker(place, token.markup)
            case "list_item_close":
                if place.marker:
                    yield Prose((), **_where(place))
            case "blockquote_open":
                place.quotes += (len(place.numbers),)
            case "blockquote_close":
                place.quotes = place.quotes[:-1]
            case "paragraph_open":
                yield from _paragraph(tokens[index + 1], place)
            case "heading_open":
                spans = inline_spans(tokens[index + 1].children)
                yield Prose(spans, Kind.HEADING, int(token.tag[1:]), **_where(place))
            case "fence" | "code_block":
                language = token.info.split()[0].strip("{}.").lower() if token.info.strip() else ""
                yield Code(token.content.removesuffix("\n"), language, **_where(place))
            case "hr":
                yield Rule(**_where(place))
            case "table_open":
                end = next(at for at in range(index, len(tokens)) if tokens[at].type == "table_close")
                yield _table(tokens[index:end], place)
                index = end
        index += 1


def _where(place: _Place) -> dict[str, Any]:
    """Return the fields of ``Block``; only the first block of an item gets its marker."""
    marker, place.marker = place.marker, ""
    return {"depth": len(place.numbers), "quotes": place.quotes, "marker": marker}


def _marker(place: _Place, markup: str) -> str:
    number = place.numbers[-1]
    if number is None:
        bullets = sum(1 for each in place.numbers if each is None)
        return BULLETS[min(bullets, len(BULLETS)) - 1]
    place.numbers[-1] = number + 1
    return f"{number}{markup}"


def _paragraph(token: Token, place: _Place) -> Iterator[Block]:
    """Yield a paragraph; a display formula within it separates two."""
    runs = _runs(token.children, with_display_formulas=True)
    spans = tuple(run for run in runs if isinstance(run, Span))
    if len(spans) == len(runs):
        yield _prose(spans, place)
        return
    text: list[Span] = []
    for number, run in enumerate(runs):
        if isinstance(run, Span):
            text.append(run)
            continue
        if before := _stripped(text):
            yield _prose(before, place)
        text = []
        # Punctuation after a formula becomes part of it instead of beginning a line.
        formula, source, after = run.formula, run.source, runs[number + 1] if number + 1 < len(runs) else None
        if isinstance(after, Span) and not after.formula and (mark := _PUNCTUATION.match(after.text)):
            formula, source = formula + rf"\text{{{mark[0]}}}", source + mark[0]
            runs[number + 1] = replace(after, text=after.text[mark.end() :])
        yield Formula(formula, source, **_where(place))
    if rest := _stripped(text):
        yield _prose(rest, place)


def _stripped(spans: list[Span]) -> tuple[Span, ...]:
    """Return spans without white space at both ends."""
    left, right = 0, len(spans)
    while left < right and not spans[left].formula and not spans[left].text.strip():
        left += 1
    while left < right and not spans[right - 1].formula and not spans[right - 1].text.strip():
        right -= 1
    kept = spans[left:right]
    if kept and not kept[0].formula:
        kept[0] = replace(kept[0], text=kept[0].text.lstrip())
    if kept and not kept[-1].formula:
        kept[-1] = replace(kept[-1], text=kept[-1].text.rstrip())
    return tuple(kept)


def _prose(spans: tuple[Span, ...], place: _Place) -> Prose:
    if place.marker in BULLETS and spans and not spans[0].style:
        task = _TASK.match(spans[0].text)
        if task:
            place.marker = "☐" if task[1] == " " else "☑"
            spans = (replace(spans[0], text=spans[0].text[task.end() :]), *spans[1:])
    return Prose(spans, **_where(place))


def _table(tokens: list[Token], place: _Place) -> Table:
    rows: list[list[tuple[Span, ...]]] = []
    align: list[str] = []
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            rows[-1].append(inline_spans(tokens[index + 1].children))
            if token.type == "th_open":
                align.append(str(token.attrGet("style") or "").removeprefix("text-align:"))
    return Table(tuple(rows[0]), tuple(map(tuple, rows[1:])), tuple(align), **_where(place))


def inline_spans(children: list[Token] | None) -> tuple[Span, ...]:
    """Return the spans of one paragraph."""
    return tuple(run for run in _runs(children) if isinstance(run, Span))


_STYLES = {"strong": Style.STRONG, "em": Style.EMPHASIS, "s": Style.STRUCK}


def _runs(children: list[Token] | None, *, with_display_formulas: bool = False) -> list[Span | Formula]:
    """Return spans, adjacent ones of one style joined; display formulas are spans too unless asked for."""
    runs: list[Span | Formula] = []
    open_styles: list[Style] = []
    hrefs = [""]

    def add(text: str, style: Style, href: str) -> None:
        last = runs[-1] if runs else None
        if isinstance(last, Span) and last.style == style and last.href == href and not last.formula:
            runs.pop()
            text = last.text + text
        if text:
            runs.append(Span(text, style, href))

    for child in children or []:
        style = reduce(or_, open_styles, Style.PLAIN)
        match child.type:
            case "strong_open" | "em_open" | "s_open":
                open_styles.append(_STYLES[child.tag])
            case "strong_close" | "em_close" | "s_close":
                open_styles.remove(_STYLES[child.tag])
            case "link_open":
                hrefs.append(safe_link(str(child.attrGet("href") or "")))
            case "link_close":
                hrefs.pop()
            case "code_inline":
                add(child.content, style | Style.CODE, hrefs[-1])
            case "formula" if with_display_formulas and child.meta["display"]:
                runs.append(Formula(child.content, child.markup))
            case "formula":
                runs.append(Span(child.markup, style, hrefs[-1], child.content))
            case "open_formula":
                add(child.markup, style | Style.QUIET, hrefs[-1])
            case "softbreak" | "hardbreak":
                add("\n", style, hrefs[-1])
            case "image":
                source = str(child.attrGet("src") or "")
                add(child.content or source, style, hrefs[-1] or safe_link(source))
            case "text" | "text_special":
                pieces = [(child.content, hrefs[-1])] if hrefs[-1] else bare_links(child.content)
                for text, href in pieces:
                    add(text, style, href)
    return runs


def safe_link(address: str) -> str:
    """Return the address if its scheme is allowed, else an empty string."""
    return address if _SAFE_LINK.match(address) else ""


def bare_links(text: str) -> Iterator[tuple[str, str]]:
    """Yield the text in parts, each with the address that it is, or an empty string."""
    if "://" not in text:
        yield text, ""
        return
    end = 0
    for match in _BARE_URL.finditer(text):
        address = match[0].rstrip(_TRAILING)
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(_TRAILING)
        if not _SAFE_LINK.match(address):
            continue
        yield text[end : match.start()], ""
        yield address, address
        end = match.start() + len(address)
    yield text[end:], ""
