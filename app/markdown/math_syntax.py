"""Formulas in Markdown: ``$..$``, ``$$..$$``, ``\\(..\\)``, ``\\[..\\]`` and environments without delimiters.

The plugins of mdit-py-plugins support dollars at the start of a line and amsmath environments, but neither brackets nor
a display formula within a paragraph, and they do not distinguish formulas from prices.  Models mix all of these.

A display formula may contain blank lines and lines that look like lists or rules, so it does not end a paragraph.  Each
place of the text is examined a bounded number of times.
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

MAX_LENGTH = 6_000
"""Characters of a formula; longer ones are text."""
MAX_DEPTH = 20
"""Nested environments."""
OPEN_LINE, PREVIEW, TAIL, FAILED = "open_formula", "preview", "tail", "no_closing"
"""Keys of the parser's environment: the first line of a formula that is open at the end of the text; whether such a
formula is shown; the last paragraph; searches that failed."""

_ALIGNED = ("align", "aligned", "alignat", "alignedat", "flalign", "gather", "gathered", "multline", "split")
_OTHERS = ("equation", "eqnarray", "cases", "dcases", "rcases", "array", "smallmatrix")
_MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix")
ENVIRONMENTS = frozenset(name + star for name in (*_ALIGNED, *_OTHERS, *_MATRICES) for star in ("", "*"))

_BEGIN = re.compile(r"\\begin\{([a-zA-Z]+\*?)\}")
_ENVIRONMENT_TAG = re.compile(r"\\(begin|end)\{([a-zA-Z]+\*?)\}|\\.", re.DOTALL)
_BRACKET = re.compile(r"\\.", re.DOTALL)
_DOLLAR = re.compile(r"\\.|\$\$", re.DOTALL)
_DOLLARS = re.compile(r"\\.|[{}$]|\n[ \t]*\n", re.DOTALL)
_OPENING = re.compile(r"\\begin\{[a-zA-Z]+\*?\}|\\.|\$\$|`+", re.DOTALL)
_CODE_OR_FORMULA = re.compile(r"`+|\\.|\$+")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]")
_CLOSING = {"[": "]", "(": ")"}
_BOXED = "\\boxed{"
"""Models sometimes write ``\\boxed`` without delimiters around it."""
_HAS_WORD = re.compile(r"\w")
_SIGN = re.compile(r"[\w+\-=<>*/|]")
_IS_LATEX = re.compile(r"[\\^_{}]")
_WORDS = re.compile(r"[A-Za-z]{2,}|[\u2e80-\u9fff\uff00-\uffef]")
_AMOUNT = re.compile(r"[\d.,]+\s*")
_BAR = "\ufdd0"
"""Noncharacter that replaces the bars of a formula while a table is split into cells."""


@dataclass(frozen=True, slots=True)
class FormulaMatch:
    """Place of a formula in a text."""

    start: int
    end: int
    """End of its closing delimiter."""
    formula: str
    display: bool


def formula_at(text: str, start: int, end: int, failed: dict[str, int] | None = None) -> FormulaMatch | None:
    """Return the formula whose opening delimiter is at ``start``, if it is closed before ``end``."""
    failed = {} if failed is None else failed
    if text.startswith("$$", start):
        return _between_delimiters(text, start, end, "$$", failed)
    if text[start] == "$":
        return _between_dollars(text, start, end)
    delimiter = text[start + 1 : start + 2]
    if delimiter in _CLOSING and delimiter:
        return _between_delimiters(text, start, end, delimiter, failed)
    if text.startswith(_BOXED, start):
        stop = _closing_brace(text, start + len(_BOXED), min(end, start + MAX_LENGTH))
        return FormulaMatch(start, stop, text[start:stop], False) if stop > 0 else None
    begin = _BEGIN.match(text, start)
    if begin and begin[1] in ENVIRONMENTS and _begins_a_line(text, start):
        stop = _end_of_environment(text, start, min(end, start + MAX_LENGTH))
        return FormulaMatch(start, stop, text[start:stop], True) if 0 < stop <= end else None
    return None


def _between_delimiters(text: str, start: int, end: int, delimiter: str, failed: dict[str, int]) -> FormulaMatch | None:
    if failed.get(delimiter, end + 1) <= start:
        return None
    close = _closing_delimiter(text, start + 2, min(end, start + MAX_LENGTH), delimiter)
    if close < 0:
        if close == _NEVER and start + MAX_LENGTH >= end:
            failed[delimiter] = min(start, failed.get(delimiter, start))
        return None
    content = text[start + 2 : close]
    if not _HAS_WORD.search(content):
        return None
    return FormulaMatch(start, close + 2, content.strip(), delimiter != "(")


_NEVER, _CANCELLED = -1, -2


def _closing_delimiter(text: str, start: int, end: int, delimiter: str) -> int:
    """Return the place of the closing delimiter; ``_CANCELLED`` if another opening one precedes it."""
    for match in (_DOLLAR if delimiter == "$$" else _BRACKET).finditer(text, start, end):
        if delimiter == "$$":
            if match[0] == "$$":
                return match.start()
        elif match[0][1] == _CLOSING[delimiter]:
            return match.start()
        elif match[0][1] == delimiter:
            return _CANCELLED
    return _NEVER


def _between_dollars(text: str, start: int, end: int) -> FormulaMatch | None:
    close = _closing_dollar(text, start, min(end, start + MAX_LENGTH))
    if close < 0:
        return None
    content = text[start + 1 : close]
    before, after = text[start - 1 : start], text[close + 1 : close + 2]
    if not content or content[0].isspace() or content[-1].isspace():
        return None
    if after.isdigit() and (content[0].isdigit() or not _IS_LATEX.search(content)):
        return None
    if not _SIGN.search(content) or _is_money(content, before):
        return None
    return FormulaMatch(start, close + 1, content, False)


def _closing_dollar(text: str, start: int, end: int) -> int:
    """Return the place of the next dollar outside of braces, or -1."""
    depth = 0
    for match in _DOLLARS.finditer(text, start + 1, end):
        sign = match[0]
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
        elif sign == "$" and depth <= 0:
            return match.start()
        elif sign[0] == "\n" or depth > MAX_DEPTH * 3:
            return -1
    return -1


def _closing_brace(text: str, start: int, end: int) -> int:
    """Return the end of the brace that closes the one before ``start``, or a negative number."""
    depth = 1
    for match in _DOLLARS.finditer(text, start, end):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
        elif match[0][0] == "\n" or depth > MAX_DEPTH * 3:
            return _CANCELLED
        if not depth:
            return match.end()
    return _NEVER


def _is_money(content: str, before: str) -> bool:
    """Whether the dollars around ``content`` are prices: a number and words, or directly after a word or number."""
    if _IS_LATEX.search(content):
        return False
    if before.isascii() and before.isalnum():
        return True
    amount = _AMOUNT.match(content)
    return bool(amount and _WORDS.search(content, amount.end()))


def _begins_a_line(text: str, start: int) -> bool:
    return not text[text.rfind("\n", 0, start) + 1 : start].strip()


def _end_of_environment(text: str, start: int, end: int) -> int:
    names: list[str] = []
    for match in _ENVIRONMENT_TAG.finditer(text, start, end):
        if match[1] == "begin":
            names.append(match[2])
            if len(names) > MAX_DEPTH:
                return _CANCELLED
        elif match[1] == "end":
            if names.pop() != match[2]:
                return _CANCELLED
            if not names:
                return match.end()
    return _NEVER


def _open_delimiter(line: str) -> tuple[str, int] | None:
    """Return the opening delimiter of a formula that this line leaves open, and its place."""
    at = 0
    while match := _OPENING.search(line, at):
        delimiter, at = match[0], match.end()
        if delimiter[0] == "`":
            close = re.compile(rf"(?<!`){delimiter}(?!`)").search(line, at)
            at = close.end() if close else at
        elif delimiter == "$$":
            close_at = _closing_delimiter(line, at, len(line), "$$")
            if close_at >= 0:
                at = close_at + 2
            elif not line[: match.start()].strip() or not line[at:].strip():
                return delimiter, match.start()
        elif delimiter[1] in _CLOSING:
            close_at = _closing_delimiter(line, at, len(line), delimiter[1])
            if close_at == _NEVER:
                return delimiter, match.start()
            at = max(at, close_at + 2)
        elif delimiter.startswith("\\begin") and not line[: match.start()].strip() and delimiter[7:-1] in ENVIRONMENTS:
            stop = _end_of_environment(line, match.start(), len(line))
            if stop == _NEVER:
                return delimiter, match.start()
            at = max(at, stop)
    return None


def _closing_line(state: StateBlock, delimiter: str, opened: str, first: int) -> tuple[int, str]:
    """Return the line that closes a formula opened before line ``first``, and the text after its closing delimiter.

    -1 if none does; sets ``OPEN_LINE`` where the end may follow in later text.
    """
    text, after_blank, line = opened, False, first
    while line < state.lineMax:
        if state.isEmpty(line):
            if delimiter == "\\(":
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
        if len(text) > MAX_LENGTH:
            return -1, ""
        if delimiter.startswith("\\begin"):
            end = _end_of_environment(text, 0, len(text)) if "\\" in row else _NEVER
        else:
            end = _closing_delimiter(row, 0, len(row), delimiter.removeprefix("\\"))
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
    """Apply the paragraph rule of markdown-it, but do not end a paragraph within a formula."""
    line = start_line + 1
    terminators = state.md.block.ruler.getRules("paragraph")
    end_line = state.lineMax
    before, state.parentType = state.parentType, "paragraph"
    rest = state.getLines(start_line, line, state.blkIndent, False)
    while True:
        opened = _open_delimiter(rest) if "$" in rest or "\\" in rest else None
        if opened:
            closing, rest = _closing_line(state, opened[0], rest[opened[1] :], line)
            if closing >= 0:
                line = closing + 1
                continue
        if line >= end_line or state.isEmpty(line):
            break
        # Indented lines and lazy continuation lines of a quote always continue the paragraph.
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
    """Parse a formula in a paragraph, a heading or a cell."""
    text, start = state.src, state.pos
    if text[start] not in "$\\":
        return False
    # markdown-it may parse part of a text; failed searches are remembered for the whole text only.
    failed = state.env.setdefault(FAILED, {}).setdefault(text, {}) if state.posMax == len(text) else {}
    formula = formula_at(text, start, state.posMax, failed)
    if formula is None:
        if state.env.get(PREVIEW) and text is state.env.get(TAIL) and _is_open(text, start, state.posMax):
            formula = FormulaMatch(start, state.posMax, "", False)
        elif text.startswith("$$", start):
            if not silent:
                state.pending += "$$"
            state.pos += 2
            return True
        else:
            return False
    if not silent:
        token = state.push("formula" if formula.formula else "open_formula", "", 0)
        token.content, token.markup = formula.formula, text[formula.start : formula.end]
        token.meta = {"display": formula.display}
    state.pos = formula.end
    return True


def _is_open(text: str, start: int, end: int) -> bool:
    """Whether a formula may begin at ``start`` whose end may follow in later text."""
    if text.startswith("$$", start) or text.startswith(("\\[", "\\("), start):
        delimiter = "$$" if text[start] == "$" else text[start + 1]
        return _closing_delimiter(text, start + 2, end, delimiter) == _NEVER
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
    """Replace the bars of formulas by ``_BAR``, so that they do not separate cells."""
    if "|" not in state.src or _BAR in state.src or not ("$" in state.src or "\\(" in state.src):
        return
    state.src = "\n".join(
        "".join(_without_bars(line)) if "|" in line and ("$" in line or "\\(" in line) else line
        for line in state.src.split("\n")
    )
    state.env["bars"] = True


def _without_bars(line: str) -> Iterator[str]:
    at = 0
    while match := _CODE_OR_FORMULA.search(line, at):
        yield line[at : match.start()]
        at = match.end()
        if match[0][0] == "`":
            close = re.compile(rf"(?<!`){match[0]}(?!`)").search(line, at)
            at = close.end() if close else at
            yield line[match.start() : at]
            continue
        formula = formula_at(line, match.start(), len(line))
        if formula and not (formula.display and match[0][0] == "\\") and _contains_its_bars(formula.formula):
            at = formula.end
            yield re.sub(r"(?<!\\)\|", _BAR, line[formula.start : at])
        else:
            yield match[0]
    yield line[at:]


def _contains_its_bars(formula: str) -> bool:
    if _IS_LATEX.search(formula):
        return True
    return formula.count("|") % 2 == 0 or " | " not in formula


def show_bars(state: StateCore) -> None:
    """Restore the bars that ``hide_bars`` replaced."""
    if state.env.pop("bars", False):
        state.src = state.src.replace(_BAR, "|")
        for token in state.tokens:
            token.content = token.content.replace(_BAR, "|")
            token.info = token.info.replace(_BAR, "|")


def remember_tail(state: StateCore) -> None:
    """Remember the last paragraph: a formula without its end can only be there."""
    if state.env.get(PREVIEW):
        inline = [token for token in state.tokens if token.type == "inline"]
        state.env[TAIL] = inline[-1].content if inline else None
