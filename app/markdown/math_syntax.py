"""Where mathematics stands in Markdown: ``$..$``, ``$$..$$``, ``\\(..\\)``, ``\\[..\\]`` and bare environments.

The plugins of mdit-py-plugins know the dollars at the start of a line and amsmath's environments, but neither brackets
nor a formula that begins within a paragraph, and their dollars are either mathematics or money everywhere.  Models
write all of it mixed, so these are rules of our own.

A formula on lines of its own may hold blank lines and lines that look like lists or rules, so a paragraph does not end
inside one.  Everything here is told by the text alone and each place is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

LONGEST = 6_000
"""Characters of a formula; what is longer is text."""
DEEPEST = 20
"""Environments inside each other."""
OPEN_LINE, PREVIEW, TAIL, FAILED = "open_formula", "preview", "tail", "no_closing"
"""Keys of the parser's environment: the first line of a formula that is still open at the end of the text; whether such
a formula is shown as quiet source; the paragraph at the very end; searches that need not be made again."""

_ALIGNED = ("align", "aligned", "alignat", "alignedat", "flalign", "gather", "gathered", "multline", "split")
_OTHERS = ("equation", "eqnarray", "cases", "dcases", "rcases", "array", "smallmatrix")
_MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix")
ENVIRONMENTS = frozenset(name + star for name in (*_ALIGNED, *_OTHERS, *_MATRICES) for star in ("", "*"))

_BEGIN = re.compile(r"\\begin\{([a-zA-Z]+\*?)\}")
_MARK = re.compile(r"\\(begin|end)\{([a-zA-Z]+\*?)\}|\\.", re.DOTALL)
_BRACKET = re.compile(r"\\.", re.DOTALL)
_DOLLAR = re.compile(r"\\.|\$\$", re.DOTALL)
_DOLLARS = re.compile(r"\\.|[{}$]|\n[ \t]*\n", re.DOTALL)
_OPENING = re.compile(r"\\begin\{[a-zA-Z]+\*?\}|\\.|\$\$|`+", re.DOTALL)
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]")
_CLOSING = {"[": "]", "(": ")"}
_BOXED = "\\boxed{"
"""Models put their answer into a box and sometimes forget the dollars around it."""
_SAYS_SOMETHING = re.compile(r"\w")
_SIGN = re.compile(r"[\w+\-=<>*/|]")
_STRONG = re.compile(r"[\\^_{}]")
_WORDS = re.compile(r"[A-Za-z]{2,}|[\u2e80-\u9fff\uff00-\uffef]")
_AMOUNT = re.compile(r"[\d.,]+\s*")
_BAR = "\ufdd0"
"""Stands for a bar of a formula while cells are parted: a noncharacter, which no text holds."""


@dataclass(frozen=True, slots=True)
class Found:
    """A formula in a text."""

    start: int
    end: int
    """Behind its closing mark."""
    formula: str
    display: bool


def formula_at(text: str, start: int, end: int, failed: dict[str, int] | None = None) -> Found | None:
    """The formula whose opening mark stands at ``start``, closed before ``end``."""
    failed = {} if failed is None else failed
    if text.startswith("$$", start):
        return _between_marks(text, start, end, "$$", failed)
    if text[start] == "$":
        return _between_dollars(text, start, end)
    mark = text[start + 1 : start + 2]
    if mark in _CLOSING and mark:
        return _between_marks(text, start, end, mark, failed)
    if text.startswith(_BOXED, start):
        stop = _closing_brace(text, start + len(_BOXED), min(end, start + LONGEST))
        return Found(start, stop, text[start:stop], False) if stop > 0 else None
    begin = _BEGIN.match(text, start)
    if begin and begin[1] in ENVIRONMENTS and _begins_a_line(text, start):
        stop = _end_of_environment(text, start, min(end, start + LONGEST))
        return Found(start, stop, text[start:stop], True) if 0 < stop <= end else None
    return None


def _between_marks(text: str, start: int, end: int, mark: str, failed: dict[str, int]) -> Found | None:
    if failed.get(mark, end + 1) <= start:
        return None
    close = _closing_mark(text, start + 2, min(end, start + LONGEST), mark)
    if close < 0:
        if close == _NEVER and start + LONGEST >= end:
            failed[mark] = min(start, failed.get(mark, start))
        return None
    content = text[start + 2 : close]
    if not _SAYS_SOMETHING.search(content):
        return None
    return Found(start, close + 2, content.strip(), mark != "(")


_NEVER, _CANCELLED = -1, -2


def _closing_mark(text: str, start: int, end: int, mark: str) -> int:
    """Where the closing mark stands; ``_CANCELLED`` where another opening one comes before it."""
    for found in (_DOLLAR if mark == "$$" else _BRACKET).finditer(text, start, end):
        if mark == "$$":
            if found[0] == "$$":
                return found.start()
        elif found[0][1] == _CLOSING[mark]:
            return found.start()
        elif found[0][1] == mark:
            return _CANCELLED
    return _NEVER


def _between_dollars(text: str, start: int, end: int) -> Found | None:
    close = _closing_dollar(text, start, min(end, start + LONGEST))
    if close < 0:
        return None
    content = text[start + 1 : close]
    before, after = text[start - 1 : start], text[close + 1 : close + 2]
    if not content or content[0].isspace() or content[-1].isspace():
        return None
    if after.isdigit() and (content[0].isdigit() or not _STRONG.search(content)):
        return None
    if not _SIGN.search(content) or _is_money(content, before):
        return None
    return Found(start, close + 1, content, False)


def _closing_dollar(text: str, start: int, end: int) -> int:
    """The next dollar that stands in no braces."""
    depth = 0
    for found in _DOLLARS.finditer(text, start + 1, end):
        sign = found[0]
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
        elif sign == "$" and depth <= 0:
            return found.start()
        elif sign[0] == "\n" or depth > DEEPEST * 3:
            return -1
    return -1


def _closing_brace(text: str, start: int, end: int) -> int:
    """Behind the brace that closes the one before ``start``."""
    depth = 1
    for found in _DOLLARS.finditer(text, start, end):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
        elif found[0][0] == "\n" or depth > DEEPEST * 3:
            return _CANCELLED
        if not depth:
            return found.end()
    return _NEVER


def _is_money(content: str, before: str) -> bool:
    """Whether the dollars around this are two prices: a number and then words, or glued to a word or a number."""
    if _STRONG.search(content):
        return False
    if before.isascii() and before.isalnum():
        return True
    amount = _AMOUNT.match(content)
    return bool(amount and _WORDS.search(content, amount.end()))


def _begins_a_line(text: str, start: int) -> bool:
    return not text[text.rfind("\n", 0, start) + 1 : start].strip()


def _end_of_environment(text: str, start: int, end: int) -> int:
    names: list[str] = []
    for found in _MARK.finditer(text, start, end):
        if found[1] == "begin":
            names.append(found[2])
            if len(names) > DEEPEST:
                return _CANCELLED
        elif found[1] == "end":
            if names.pop() != found[2]:
                return _CANCELLED
            if not names:
                return found.end()
    return _NEVER


def _open_mark(line: str) -> tuple[str, int] | None:
    """The opening mark of a formula that this line leaves open, and where it stands."""
    at = 0
    while found := _OPENING.search(line, at):
        mark, at = found[0], found.end()
        if mark[0] == "`":
            close = re.compile(rf"(?<!`){mark}(?!`)").search(line, at)
            at = close.end() if close else at
        elif mark == "$$":
            close_at = _closing_mark(line, at, len(line), "$$")
            if close_at >= 0:
                at = close_at + 2
            elif not line[: found.start()].strip() or not line[at:].strip():
                return mark, found.start()
        elif mark[1] in _CLOSING:
            close_at = _closing_mark(line, at, len(line), mark[1])
            if close_at == _NEVER:
                return mark, found.start()
            at = max(at, close_at + 2)
        elif mark.startswith("\\begin") and not line[: found.start()].strip() and mark[7:-1] in ENVIRONMENTS:
            stop = _end_of_environment(line, found.start(), len(line))
            if stop == _NEVER:
                return mark, found.start()
            at = max(at, stop)
    return None


def _closing_line(state: StateBlock, mark: str, opened: str, first: int) -> tuple[int, str]:
    """The line that closes a formula opened before line ``first``, and what stands behind the closing mark.

    -1 where none does; then the environment is told if only the end of the text is the reason.
    """
    text, after_blank, line = opened, False, first
    while line < state.lineMax:
        if state.isEmpty(line):
            if mark == "\\(":
                return -1, ""
            after_blank = True
            text += "\n"
            line += 1
            continue
        row = state.getLines(line, line + 1, state.blkIndent, False)
        if (after_blank and state.sCount[line] < state.blkIndent) or _FENCE.match(row):
            return -1, ""
        if after_blank and _HEADING.match(row):
            return -1, ""
        after_blank = False
        text += "\n" + row
        if len(text) > LONGEST:
            return -1, ""
        if mark.startswith("\\begin"):
            end = _end_of_environment(text, 0, len(text)) if "\\" in row else _NEVER
        else:
            end = _closing_mark(row, 0, len(row), mark.removeprefix("\\"))
            end = end + 2 + len(text) - len(row) if end >= 0 else end
        if end >= 0:
            return line, text[end:]
        if end == _CANCELLED:
            return -1, ""
        line += 1
    if state.lineMax >= len(state.bMarks) - 1:
        state.env[OPEN_LINE] = min(first - 1, state.env.get(OPEN_LINE, first))
        if state.env.get(PREVIEW):
            return state.lineMax - 1, ""
    return -1, ""


def paragraph(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:  # noqa: ARG001
    """markdown-it's paragraph, but for one thing: it does not end inside a formula."""
    line = start_line + 1
    terminators = state.md.block.ruler.getRules("paragraph")
    end_line = state.lineMax
    before, state.parentType = state.parentType, "paragraph"
    rest = state.getLines(start_line, line, state.blkIndent, False)
    while True:
        opened = _open_mark(rest) if "$" in rest or "\\" in rest else None
        if opened:
            closing, rest = _closing_line(state, opened[0], rest[opened[1] :], line)
            if closing >= 0:
                line = closing + 1
                continue
        if line >= end_line or state.isEmpty(line):
            break
        # What is indented or was taken care of by a quote goes on with the paragraph whatever it is.
        belongs = state.sCount[line] - state.blkIndent > 3 or state.sCount[line] < 0
        if not belongs and any(rule(state, line, end_line, True) for rule in terminators):
            break
        rest = state.getLines(line, line + 1, state.blkIndent, False)
        line += 1
    content = state.getLines(start_line, line, state.blkIndent, False).strip(" \t\n")
    state.line = line
    opening = state.push("paragraph_open", "p", 1)
    opening.map = [start_line, line]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = content, [start_line, line], []
    state.push("paragraph_close", "p", -1)
    state.parentType = before
    return True


def inline_formula(state: StateInline, silent: bool) -> bool:
    """A formula inside a paragraph, a heading or a cell."""
    text, start = state.src, state.pos
    if text[start] not in "$\\":
        return False
    # A text may be shown in several pieces; what was not found in one says nothing about another.
    failed = state.env.setdefault(FAILED, {}).setdefault(text, {}) if state.posMax == len(text) else {}
    found = formula_at(text, start, state.posMax, failed)
    if found is None:
        if state.env.get(PREVIEW) and text is state.env.get(TAIL) and _is_open(text, start, state.posMax):
            found = Found(start, state.posMax, "", False)
        elif text.startswith("$$", start):
            if not silent:
                state.pending += "$$"
            state.pos += 2
            return True
        else:
            return False
    if not silent:
        token = state.push("formula" if found.formula else "open_formula", "", 0)
        token.content, token.markup = found.formula, text[found.start : found.end]
        token.meta = {"display": found.display}
    state.pos = found.end
    return True


def _is_open(text: str, start: int, end: int) -> bool:
    """Whether a formula may begin here whose end has not been written yet."""
    if text.startswith("$$", start) or text.startswith(("\\[", "\\("), start):
        mark = "$$" if text[start] == "$" else text[start + 1]
        return _closing_mark(text, start + 2, end, mark) == _NEVER
    if text[start] == "$":
        after = text[start + 1 : start + 2]
        before = text[start - 1 : start]
        if not after or after.isspace() or after.isdigit() or (before.isascii() and before.isalnum()):
            return False
        return "$" not in text[start + 1 : end] and "\n\n" not in text[start:end] and end - start < 400
    if text.startswith(_BOXED, start):
        return _closing_brace(text, start + len(_BOXED), end) == _NEVER
    begin = _BEGIN.match(text, start)
    return bool(begin and begin[1] in ENVIRONMENTS and _begins_a_line(text, start))


def hide_bars(state: StateCore) -> None:
    """A bar inside a formula parts no cells: put a sign of the same length in its place until the cells are parted."""
    if "|" not in state.src or _BAR in state.src or not ("$" in state.src or "\\(" in state.src):
        return
    state.src = "\n".join(
        "".join(_without_bars(line)) if "|" in line and ("$" in line or "\\(" in line) else line
        for line in state.src.split("\n")
    )
    state.env["bars"] = True


def _without_bars(line: str) -> Iterator[str]:
    at = 0
    for_search = re.compile(r"`+|\\.|\$+")
    while found := for_search.search(line, at):
        yield line[at : found.start()]
        at = found.end()
        if found[0][0] == "`":
            close = re.compile(rf"(?<!`){found[0]}(?!`)").search(line, at)
            at = close.end() if close else at
            yield line[found.start() : at]
            continue
        formula = formula_at(line, found.start(), len(line))
        if formula and not (formula.display and found[0][0] == "\\") and _bars_are_its_own(formula.formula):
            at = formula.end
            yield re.sub(r"(?<!\\)\|", _BAR, line[formula.start : at])
        else:
            yield found[0]
    yield line[at:]


def _bars_are_its_own(formula: str) -> bool:
    if _STRONG.search(formula):
        return True
    return formula.count("|") % 2 == 0 or " | " not in formula


def show_bars(state: StateCore) -> None:
    """Put the bars back."""
    if state.env.pop("bars", False):
        state.src = state.src.replace(_BAR, "|")
        for token in state.tokens:
            token.content = token.content.replace(_BAR, "|")
            token.info = token.info.replace(_BAR, "|")


def mark_tail(state: StateCore) -> None:
    """Remember the paragraph at the very end: a formula that is still being written stands there."""
    if state.env.get(PREVIEW):
        inline = [token for token in state.tokens if token.type == "inline"]
        state.env[TAIL] = inline[-1].content if inline else None
