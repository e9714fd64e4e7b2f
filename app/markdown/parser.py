"""Parser from Markdown to blocks: that of GitHub with formulas, based on markdown-it-py.

The text of a model is not trusted: HTML is text except for a few tags that become styles, images become links, and
links lead to http, https and mailto addresses only.  Two rules differ from CommonMark because of how models write: a
line break remains one, and three dashes below a paragraph are a rule, not the underline of a heading.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from app.markdown import extensions, math_syntax
from app.markdown.blocks import PICTURE, Block, Code, Formula, Prose, Rule, Span, Style, Table
from app.markdown.extensions import bare_links, safe_link
from app.markdown.footnotes import arranged
from app.thoughts import split_thought

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.rules_inline.state_inline import Scanned
    from markdown_it.token import Token

    InlineRule = Callable[[StateInline, bool], bool]

MAX_NESTING = 24
"""Levels of quotes and lists; a list with its item counts as two."""
MAX_BRACKETS = 600
"""Opening brackets in one paragraph: for each, markdown-it searches the whole paragraph for its end."""
MAX_DELIMITERS = 1_000
"""Asterisks, underscores and tildes in one paragraph; with more it has no emphasis."""
BULLETS = ("•", "◦", "▪")
_FIRST_EMOJI = 0x1F000

_ENDED_BY_QUOTE = ["paragraph", "reference", "blockquote", "list"]
_ENDED_BY_LIST = _ENDED_BY_QUOTE[:-1]
_PUNCTUATION = re.compile(r"[.,;:!?。，；：！？、]+")
_CALLOUT = re.compile(r"\[!([A-Za-z]{1,20})\][-+]?")
"""First words of a quote that GitHub and Obsidian show as a box with a title."""
_PLAIN = re.compile(r"(?:[^\W_]|[ ,%+/()-])*")
"""Text without syntax, as in most cells of tables."""
_FENCE = re.compile(r"\s*(`{3,})([^`]*)")
_TASK = re.compile(r"\[([ xX])\]\s+")


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """Return the parser; it has no state between two texts."""
    # Deferred: importing markdown-it takes 30 ms.
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import blockquote, list_block, reference, table
    from markdown_it.rules_inline import emphasis, image, link, strikethrough

    made = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": MAX_NESTING})
    made.enable(["table", "strikethrough"])
    made.disable(["html_block", "html_inline", "lheading"])
    made.block.ruler.at("paragraph", extensions.paragraph)
    made.block.ruler.at("reference", partial(_unless_footnote, reference))
    made.block.ruler.at("table", partial(math_syntax.table, table), {"alt": ["paragraph", "reference"]})
    made.block.ruler.at("blockquote", partial(_unless_too_deep, blockquote), {"alt": _ENDED_BY_QUOTE})
    made.block.ruler.at("list", partial(_unless_too_deep, list_block), {"alt": _ENDED_BY_LIST})
    made.inline.ruler.before("escape", "formula", math_syntax.inline_formula)
    made.inline.ruler.before("link", "footnote", extensions.footnote)
    made.inline.ruler.before("image", "embedded_picture", extensions.embedded_picture)
    made.inline.ruler.after("autolink", "tag", extensions.tag)
    made.core.ruler.after("block", "remember_tail", math_syntax.remember_tail)
    made.inline.ruler.at("link", partial(_unless_crowded, link))
    made.inline.ruler.at("image", partial(_unless_crowded, image))
    made.inline.ruler.at("emphasis", partial(_with_cjk_delimiters, emphasis.tokenize))
    made.inline.ruler.at("strikethrough", partial(_with_cjk_delimiters, strikethrough.tokenize))
    return made


def _unless_too_deep(rule: math_syntax.BlockRule, state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Apply the quote or the list rule; text that is nested too deeply, which markdown-it drops, remains text."""
    return state.level < MAX_NESTING - 3 and rule(state, start, end, silent)


def _unless_footnote(rule: math_syntax.BlockRule, state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Apply the rule for link references, except to footnotes."""
    first = state.bMarks[start] + state.tShift[start]
    return not state.src.startswith("[^", first) and rule(state, start, end, silent)


def _with_cjk_delimiters(rule: InlineRule, state: StateInline, silent: bool) -> bool:
    """Apply the emphasis or the strikethrough rule beside Chinese, Japanese and Korean text too.

    CommonMark requires a space or punctuation beside a delimiter that has punctuation on its other side, which text
    without spaces does not have: ``**中文。**后面`` and ``前面**“引号”**`` remain plain there.  By the "CJK-friendly
    amendments" (github.com/tats-u/markdown-cjk-friendly) a character of these scripts, including their punctuation,
    counts as a space, and their punctuation does not count as punctuation.
    """
    if state.src[state.pos] not in "*_~" or _has_many_delimiters(state.src):
        return False
    # Through setattr, because mypy forbids to replace a method.
    setattr(state, "scanDelims", partial(_scan_delimiters, state))  # noqa: B010
    return rule(state, silent)


def _unless_crowded(rule: InlineRule, state: StateInline, silent: bool) -> bool:
    """Apply the link or the image rule, except in paragraphs with too many brackets."""
    return not _is_crowded(state.src) and rule(state, silent)


@lru_cache(maxsize=4)
def _is_crowded(paragraph: str) -> bool:
    return paragraph.count("[") > MAX_BRACKETS


@lru_cache(maxsize=4)
def _has_many_delimiters(paragraph: str) -> bool:
    return sum(map(paragraph.count, "*_~")) > MAX_DELIMITERS


def _scan_delimiters(state: StateInline, start: int, can_split_word: bool) -> Scanned:
    """Return the length of a delimiter run, and whether it can open and close emphasis."""
    from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
    from markdown_it.rules_inline.state_inline import Scanned

    text, end = state.src, start
    while end < state.posMax and text[end] == text[start]:
        end += 1
    before = _character_before(text, start)
    after = text[end] if end < state.posMax else " "
    punct_before, punct_after = (isMdAsciiPunct(ord(each)) or isPunctChar(each) for each in (before, after))
    space_before, space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
    cjk_before, cjk_after = _is_cjk(before), _is_cjk(after)
    opens = not space_after and (not (punct_after and not cjk_after) or space_before or punct_before or cjk_before)
    closes = not space_before and (not (punct_before and not cjk_before) or space_after or punct_after or cjk_after)
    return Scanned(
        opens and (can_split_word or not closes or punct_before),
        closes and (can_split_word or not opens or punct_after),
        end - start,
    )


def _is_cjk(character: str) -> bool:
    """Whether a character belongs to these scripts or their punctuation; emoji do not."""
    if character < "\u1100":
        return False
    return unicodedata.east_asian_width(character) in {"W", "F", "H"} and (
        ord(character) < _FIRST_EMOJI or unicodedata.category(character) != "So"
    )


def _character_before(text: str, start: int) -> str:
    """Return the character before a delimiter run, without variation selectors."""
    while start > 0 and "\ufe00" <= text[start - 1] <= "\ufe0e":
        start -= 1
    return text[start - 1] if start else " "


def parse(text: str) -> list[Block]:
    """Return the blocks of a whole message."""
    thought, closed, answer = split_thought(text)
    blocks = [as_thought(block) for block in parse_part(thought)] if thought else []
    return blocks + (parse_part(answer) if closed else [])


def table_row(line: str, count: int, environment: dict[str, Any]) -> tuple[tuple[Span, ...], ...]:
    """Return the cells of a further row of a table with ``count`` columns."""
    cells = [*math_syntax.table_cells(line), *[""] * count][:count]
    return tuple(
        ((Span(cell),) if cell else ())
        if _PLAIN.fullmatch(cell)
        else inline_spans(parser().parseInline(cell, environment)[0].children)
        for cell in cells
    )


def as_thought(block: Block) -> Block:
    """Return the block, marked as part of the model's thoughts."""
    return replace(block, thought=True)


def parse_part(text: str) -> list[Block]:
    """Return the blocks of a text without a thought."""
    return arranged(list(Place().blocks(parser().parse(text, {}))))


@dataclass
class Place:
    """The lists and quotes around a token."""

    first_number: int | None = None
    """Number of the first item, if the first token continues an ordered list."""
    next_number: int | None = None
    """Number of the next item of the list that was closed last, None for bullets."""
    _numbers: list[int | None] = field(default_factory=list)
    """Number of the next item of each open list, None for bullets."""
    _quotes: tuple[int, ...] = ()
    _new_quotes: int = 0
    _marker: str = ""

    def blocks(self, tokens: list[Token]) -> Iterator[Block]:
        """Yield the blocks of tokens."""
        index = 0
        while index < len(tokens):
            token = tokens[index]
            match token.type:
                case "bullet_list_open":
                    self._numbers.append(None)
                case "ordered_list_open":
                    start = token.attrGet("start")
                    number = 1 if start is None else int(start)
                    self._numbers.append(number if self.first_number is None or index else self.first_number)
                case "bullet_list_close" | "ordered_list_close":
                    self.next_number = self._numbers.pop()
                case "list_item_open":
                    self._open_item(token.markup)
                case "list_item_close":
                    if self._marker:
                        yield Prose((), **self._where())
                case "blockquote_open":
                    self._quotes += (len(self._numbers),)
                    self._new_quotes += 1
                case "blockquote_close":
                    self._quotes, self._new_quotes = self._quotes[:-1], max(0, self._new_quotes - 1)
                case "paragraph_open":
                    yield from self._paragraph(tokens[index + 1])
                case "heading_open":
                    yield Prose(inline_spans(tokens[index + 1].children), level=int(token.tag[1:]), **self._where())
                case "fence" | "code_block":
                    yield Code(token.content.removesuffix("\n"), language_of(token.info), **self._where())
                case "hr":
                    yield Rule(**self._where())
                case "table_open":
                    end = next(at for at in range(index, len(tokens)) if tokens[at].type == "table_close")
                    yield self._table(tokens[index:end])
                    index = end
            index += 1

    def _where(self) -> dict[str, Any]:
        """Return the fields of ``Block``; only the first block of an item gets its marker, as that of a quote."""
        marker, self._marker = self._marker, ""
        new_quotes, self._new_quotes = self._new_quotes, 0
        return {"depth": len(self._numbers), "quotes": self._quotes, "new_quotes": new_quotes, "marker": marker}

    def _open_item(self, markup: str) -> None:
        number = self._numbers[-1]
        if number is None:
            self._marker = BULLETS[min(self._numbers.count(None), len(BULLETS)) - 1]
        else:
            self._numbers[-1] = number + 1
            self._marker = f"{number}{markup}"

    def _paragraph(self, token: Token) -> Iterator[Block]:
        """Yield a paragraph; a display formula within it, a summary and a footnote separate two."""
        runs = deque(_runs(token.children, in_paragraph=True, may_be_alone=not self._marker))
        if all(isinstance(run, Span) for run in runs):
            spans = [run for run in runs if isinstance(run, Span)]
            if spans or self._marker:
                yield self._prose(_stripped(spans) if "<" in token.content else tuple(spans))
            return
        text: list[Span] = []
        while runs:
            run = runs.popleft()
            if isinstance(run, Span):
                text.append(run)
                continue
            if before := _stripped(text):
                yield self._prose(before)
            text = []
            if run is None:
                continue
            # Punctuation after a formula becomes part of it instead of beginning a line.
            formula, source, after = run.formula, run.source, runs[0] if runs else None
            if isinstance(after, Span) and not after.formula and (mark := _PUNCTUATION.match(after.text)):
                formula, source = formula + rf"\text{{{mark[0]}}}", source + mark[0]
                runs[0] = replace(after, text=after.text[mark.end() :])
            yield Formula(formula, source, **self._where())
        if rest := _stripped(text):
            yield self._prose(rest)

    def _prose(self, spans: tuple[Span, ...]) -> Prose:
        if self._marker and spans and not spans[0].style and (task := _TASK.match(spans[0].text)):
            box, text = "☐" if task[1] == " " else "☑", spans[0].text[task.end() :]
            if self._marker in BULLETS:
                self._marker = box
            else:
                text = f"{box} {text}"
            spans = (replace(spans[0], text=text), *spans[1:])
        elif self._quotes and spans and not spans[0].style and (callout := _CALLOUT.match(spans[0].text)):
            text = spans[0].text[callout.end() :]
            spans = (Span(callout[1].capitalize(), Style.STRONG), *([Span(text)] if text else []), *spans[1:])
        return Prose(spans, **self._where())

    def _table(self, tokens: list[Token]) -> Table:
        rows: list[list[tuple[Span, ...]]] = []
        align: list[str] = []
        for index, token in enumerate(tokens):
            if token.type == "tr_open":
                rows.append([])
            elif token.type in {"th_open", "td_open"}:
                rows[-1].append(inline_spans(tokens[index + 1].children))
                if token.type == "th_open":
                    align.append(str(token.attrGet("style") or "").removeprefix("text-align:"))
        return Table(tuple(rows[0]), tuple(map(tuple, rows[1:])), tuple(align), **self._where())


def language_of(info: str) -> str:
    """Return the language of a code block: the first word after its fence, lower case."""
    words = info.split()
    return words[0].strip("{}.").lower() if words else ""


def fenced_lines(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield for each code in backtick fences the first and the last line inside, counted from 0, and its language.

    The lines around them are the fences; the last code may have no closing one.
    """
    number = 0
    while number < len(lines):
        opening, number = _FENCE.fullmatch(lines[number]), number + 1
        if opening is None:
            continue
        first, fence = number, opening[1]
        while number < len(lines) and (fence not in lines[number] or lines[number].strip().strip("`")):
            number += 1
        if number > first:
            yield first, number - 1, language_of(opening[2])
        number += 1


def _stripped(spans: list[Span]) -> tuple[Span, ...]:
    """Return spans without white space at both ends."""
    for at, strip in ((0, str.lstrip), (-1, str.rstrip)):
        while spans and not spans[at].formula and not spans[at].text.strip():
            del spans[at]
        if spans and not spans[at].formula:
            spans[at] = replace(spans[at], text=strip(spans[at].text))
    return tuple(spans)


def inline_spans(children: list[Token] | None) -> tuple[Span, ...]:
    """Return the spans of one paragraph."""
    return tuple(run for run in _runs(children) if isinstance(run, Span))


_STYLES = {"strong": Style.STRONG, "em": Style.EMPHASIS, "s": Style.STRUCK}


def _runs(
    children: list[Token] | None, *, in_paragraph: bool = False, may_be_alone: bool = False
) -> list[Span | Formula | None]:
    """Return spans, adjacent ones of one style joined.

    ``in_paragraph`` yields display formulas as such, and None where a new paragraph begins.
    """
    runs: list[Span | Formula | None] = []
    open_styles: list[Style] = []
    hrefs = [""]
    children = children or []
    has_tags = any(child.type == "tag" for child in children)
    tags = extensions.meaningful_tags(children, may_be_alone=may_be_alone) if has_tags else set()

    def add(text: str, style: Style, href: str) -> None:
        last = runs[-1] if runs else None
        if isinstance(last, Span) and last.style == style and last.href == href and not last.formula:
            runs.pop()
            text = last.text + text
        if text:
            runs.append(Span(text, style, href))

    def add_text(text: str, style: Style) -> None:
        for piece, href in [(text, hrefs[-1])] if hrefs[-1] else bare_links(text):
            add(piece, style, href)

    def add_tag(child: Token, style: Style) -> None:
        name, closes = child.content, child.meta["closes"]
        is_new_line = not runs or runs[-1] is None or (isinstance(runs[-1], Span) and runs[-1].text.endswith("\n"))
        if name == "br" or (name in {"div", "p", "center", "li"} and not closes and not is_new_line):
            add("\n", style, hrefs[-1])
        if name == "li" and not closes:
            add("• ", style, hrefs[-1])
        elif name == "a" and closes:
            hrefs.pop()
        elif name == "a":
            hrefs.append(safe_link(child.meta.get("href", "")))
        if name in extensions.STYLES and not closes:
            open_styles.append(extensions.STYLES[name])
        elif name in extensions.STYLES:
            open_styles.remove(extensions.STYLES[name])
        if name == "summary" and in_paragraph:
            runs.append(None)

    for index, child in enumerate(children):
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
            case "formula" if in_paragraph and child.meta["display"]:
                runs.append(Formula(child.content, child.markup))
            case "formula":
                runs.append(Span(child.markup, style, hrefs[-1], child.content))
            case "open_formula":
                add(child.markup, style | Style.QUIET, hrefs[-1])
            case "softbreak" | "hardbreak":
                # A break beside a tag that ends a line is not a second one.
                if index - 1 not in tags or children[index - 1].content not in ("br", *extensions.CONTAINERS):
                    add("\n", style, hrefs[-1])
            case "image":
                source = str(child.attrGet("src") or "")
                add(child.content or source, style, hrefs[-1] or safe_link(source))
            case "embedded_picture":
                add(child.content or PICTURE, style if child.content else style | Style.PICTURE, hrefs[-1])
            case "footnote":
                kind = Style.SUPERSCRIPT | Style.FOOTNOTE
                if child.meta["defines"] and in_paragraph:
                    runs.append(None)
                    kind |= Style.NOTE
                add(f"[{child.content}]", style | kind, hrefs[-1])
            case "tag" if index in tags:
                add_tag(child, style)
            case "tag":
                add_text(child.markup, style)
            case "text" | "text_special":
                add_text(child.content, style)
    return runs
