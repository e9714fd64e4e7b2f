"""Formulas in Markdown: ``$..$``, ``$$..$$``, ``\\(..\\)``, ``\\[..\\]`` and environments without delimiters.

The plugins of mdit-py-plugins support dollars at the start of a line and amsmath environments, but neither brackets nor
a display formula within a paragraph, and they do not distinguish formulas from prices.  Models mix all of these.

A display formula may contain blank lines and lines that look like lists or rules, so it does not end a paragraph.  Each
place of the text is examined a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

    BlockRule = Callable[[StateBlock, int, int, bool], bool]

MAX_LENGTH = 6_000
"""Characters of a formula; longer ones are text."""
MAX_DEPTH = 20
"""Nested environments."""
OPEN_LINE, PREVIEW, TAIL, FAILED, HIDDEN = "open_formula", "preview", "tail", "no_closing", "without_bars"
"""Keys of the parser's environment: the first line of a formula that is open at the end of the text; whether such a
formula is shown; the last paragraph; searches that failed; the text without the bars of its formulas."""

_ALIGNED = ("align", "aligned", "alignat", "alignedat", "flalign", "gather", "gathered", "multline", "split")
_OTHERS = ("equation", "eqnarray", "cases", "dcases", "rcases", "array", "smallmatrix")
_MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix")
ENVIRONMENTS = frozenset(name + star for name in (*_ALIGNED, *_OTHERS, *_MATRICES) for star in ("", "*"))

_BEGIN = re.compile(r"\\begin\{([a-zA-Z]+\*?)\}")
_ENVIRONMENT_TAG = re.compile(r"\\(begin|end)\{([a-zA-Z]+\*?)\}|\\.", re.DOTALL)
_BRACKET = re.compile(r"\\.", re.DOTALL)
_DOLLAR = re.compile(r"\\.|\$+", re.DOTALL)
_DOLLARS = re.compile(r"\\.|[{}$]|\n[ \t]*\n", re.DOTALL)
_OPENING = re.compile(r"\\begin\{[a-zA-Z]+\*?\}|\\.|\$\$+|`+", re.DOTALL)
_CODE_OR_FORMULA = re.compile(r"`+|\\.|\$+")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]")
_PAIRS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}
"""Closing delimiters."""
_BOXED = "\\boxed{"
"""Models sometimes write ``\\boxed`` without delimiters around it."""
_HAS_WORD = re.compile(r"\w")
_SIGN = re.compile(r"[\w+\-=<>*/|]")
_IS_LATEX = re.compile(r"[\\^_{}]")
_WORDS = re.compile(r"[A-Za-z]{2,}|[\u2e80-\u9fff\uff00-\uffef]")
_LONG_WORD = re.compile(r"[a-z]{3}")
_AMOUNT = re.compile(r"[\d.,]+\s*")
_UNDERLINE = re.compile(r"(?:=+|-{4,})[ \t]*")
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
    delimiter = _delimiter_at(text, start)
    if not delimiter or failed.get(delimiter, end + 1) <= start:
        return None
    stop = _end_of(text, delimiter, start, min(end, start + MAX_LENGTH))
    if stop < 0:
        if stop == _NEVER and delimiter in _PAIRS and start + MAX_LENGTH >= end:
            failed[delimiter] = min(start, failed.get(delimiter, start))
        return None
    if delimiter.startswith(("\\begin", _BOXED)):
        return FormulaMatch(start, stop, text[start:stop], delimiter != _BOXED)
    content = text[start + len(delimiter) : stop - len(delimiter)]
    if delimiter in _PAIRS:
        if not _HAS_WORD.search(content) or (delimiter == "$$" and _is_legend(content)):
            return None
        return FormulaMatch(start, stop, content.strip(), delimiter != "\\(")
    if not content or content[0].isspace() or content[-1].isspace() or not _SIGN.search(content):
        return None
    if text[stop : stop + 1].isdigit() and (content[0].isdigit() or not _IS_LATEX.search(content)):
        return None
    return None if _is_money(content, text[start - 1 : start]) else FormulaMatch(start, stop, content, False)


def _delimiter_at(text: str, start: int) -> str:
    """Return the opening delimiter at a place, or an empty string; three dollars and more are a level of a price."""
    pair = text[start : start + 2]
    if pair == "$$" and "$" in (text[start + 2 : start + 3], text[start - 1 : start]):
        return ""
    if pair in _PAIRS or pair[:1] == "$":
        return pair if pair in _PAIRS else "$"
    if pair != "\\b":
        return ""
    if text.startswith(_BOXED, start):
        return _BOXED
    begin = _BEGIN.match(text, start)
    begins_a_line = begin is not None and not text[text.rfind("\n", 0, start) + 1 : start].strip()
    return begin[0] if begin and begins_a_line and begin[1] in ENVIRONMENTS else ""


_NEVER, _CANCELLED = -1, -2


def _end_of(text: str, delimiter: str, start: int, end: int) -> int:
    """Return the end of the formula whose opening delimiter is at ``start``.

    ``_NEVER`` if it is not closed before ``end``, ``_CANCELLED`` if it cannot be closed later either.
    """
    after = start + len(delimiter)
    if delimiter == "$$":
        return next((match.end() for match in _DOLLAR.finditer(text, after, end) if match[0] == "$$"), _NEVER)
    if delimiter in _PAIRS:
        for match in _BRACKET.finditer(text, after, end):
            if match[0] in (_PAIRS[delimiter], delimiter):
                return match.end() if match[0] != delimiter else _CANCELLED
        return _NEVER
    if delimiter in ("$", _BOXED):
        return _end_outside_braces(text, after, end, "$" if delimiter == "$" else "}")
    names: list[str] = []
    for match in _ENVIRONMENT_TAG.finditer(text, start, end):
        if match[1] == "begin":
            names.append(match[2])
        if len(names) > MAX_DEPTH or (match[1] == "end" and names.pop() != match[2]):
            return _CANCELLED
        if match[1] and not names:
            return match.end()
    return _NEVER


def _end_outside_braces(text: str, start: int, end: int, closing: str) -> int:
    """Return the end of the next ``closing`` that is not in braces, in the same paragraph."""
    depth = 0
    for match in _DOLLARS.finditer(text, start, end):
        sign = match[0]
        if sign == closing and depth <= 0:
            return match.end()
        if sign[0] == "\n" or depth > MAX_DEPTH * 3:
            return _CANCELLED
        depth += (sign == "{") - (sign == "}")
    return _NEVER


def _is_money(content: str, before: str) -> bool:
    """Whether the dollars around ``content`` are prices: a number and words, or directly after a word or number."""
    if _IS_LATEX.search(content):
        return False
    if before.isascii() and before.isalnum():
        return True
    amount = _AMOUNT.match(content)
    return bool(amount and _WORDS.search(content, amount.end()))


def _is_legend(content: str) -> bool:
    """Whether the text between two ``$$`` explains levels of a price: ``$$ = moderate, $$$ = expensive``."""
    if _IS_LATEX.search(content) or "\n" in content or not _LONG_WORD.search(content):
        return False
    words = content.split()
    return words[0][0] in "=:,;|\u2013\u2014" or words[-1][-1] in ",;" or words[-1] in {"and", "or", "to"}


def _open_delimiter(line: str) -> tuple[str, int] | None:
    """Return the opening delimiter of a formula that this line leaves open, and its place."""
    at = 0
    while match := _OPENING.search(line, at):
        start, at = match.start(), match.end()
        if match[0][0] == "`":
            at = _end_of_code(line, match)
            continue
        delimiter = _delimiter_at(line, start)
        if delimiter not in _PAIRS and not delimiter.startswith("\\begin"):
            continue
        stop = _end_of(line, delimiter, start, len(line))
        if stop == _NEVER and (delimiter != "$$" or not line[:start].strip() or not line[at:].strip()):
            return delimiter, start
        at = max(at, stop)
    return None


def _end_of_code(line: str, opening: re.Match[str]) -> int:
    """Return the end of inline code, or of its backticks if it is not closed."""
    close = re.compile(rf"(?<!`){opening[0]}(?!`)").search(line, opening.end())
    return close.end() if close else opening.end()


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
        start = 0 if delimiter.startswith("\\begin") else len(text) - len(row) - len(delimiter)
        end = _end_of(text, delimiter, start, len(text)) if delimiter[0] in row else _NEVER
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
    """Apply the rules of markdown-it for paragraphs and underlined headings, but do not end them within a formula.

    Three dashes are a rule: models write them below a paragraph more often than they underline a heading.
    """
    line, underline = start_line + 1, None
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
        if 0 <= state.sCount[line] - state.blkIndent <= 3:
            underline = _UNDERLINE.fullmatch(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])
            if underline:
                break
        # Indented lines and lazy continuation lines of a quote always continue the paragraph.
        belongs = state.sCount[line] - state.blkIndent > 3 or state.sCount[line] < 0
        if not belongs and any(rule(state, line, end_line, True) for rule in terminators):
            break
        rest = state.getLines(line, line + 1, state.blkIndent, False)
        line += 1
    content = state.getLines(start_line, line, state.blkIndent, False).strip(" \t\n")
    state.line = line + bool(underline)
    kind, html_tag = ("heading", "h1" if underline[0][0] == "=" else "h2") if underline else ("paragraph", "p")
    opening = state.push(f"{kind}_open", html_tag, 1)
    opening.map = [start_line, state.line]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = content, [start_line, line], []
    state.push(f"{kind}_close", html_tag, -1)
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
            while text.startswith("$", state.pos, state.posMax):
                state.pos += 1
            if not silent:
                state.pending += text[start : state.pos]
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
    delimiter = _delimiter_at(text, start)
    if delimiter != "$":
        return bool(delimiter) and _end_of(text, delimiter, start, end) == _NEVER
    before, after = text[start - 1 : start], text[start + 1 : start + 2]
    if not after or after.isspace() or after.isdigit() or (before.isascii() and before.isalnum()):
        return False
    return "$" not in text[start + 1 : end] and "\n\n" not in text[start:end] and end - start < 400


def table(rule: BlockRule, state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Apply the table rule of markdown-it to a text without the bars of formulas, which do not separate cells."""
    source, count = state.src, len(state.tokens)
    if HIDDEN not in state.env:
        has_both = "|" in source and ("$" in source or "\\(" in source) and _BAR not in source
        # As long as the source, so that places remain the same.
        state.env[HIDDEN] = has_both and "\n".join(
            "".join(_without_bars(line)) if "|" in line and ("$" in line or "\\(" in line) else line
            for line in source.split("\n")
        )
    if not state.env[HIDDEN]:
        return rule(state, start_line, end_line, silent)
    state.src = state.env[HIDDEN]
    is_table = rule(state, start_line, end_line, silent)
    state.src = source
    for token in state.tokens[count:]:
        token.content = token.content.replace(_BAR, "|")
    return is_table


def table_cells(row: str) -> list[str]:
    """Return the cells of a row that is known to belong to a table, as the table rule does."""
    # Deferred, as in ``parser``.
    from markdown_it.rules_block.table import escapedSplit

    has_formula = ("$" in row or "\\(" in row) and _BAR not in row
    cells = escapedSplit("".join(_without_bars(row)).strip() if has_formula else row.strip())
    cells = cells[not cells[0] :]
    if cells and not cells[-1]:
        cells.pop()
    return [cell.strip().replace(_BAR, "|") if has_formula else cell.strip() for cell in cells]


def _without_bars(line: str) -> Iterator[str]:
    at = 0
    while match := _CODE_OR_FORMULA.search(line, at):
        yield line[at : match.start()]
        at = match.end()
        if match[0][0] == "`":
            at = _end_of_code(line, match)
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


def remember_tail(state: StateCore) -> None:
    """Remember the last paragraph: a formula without its end can only be there."""
    if state.env.get(PREVIEW):
        inline = [token for token in state.tokens if token.type == "inline"]
        state.env[TAIL] = inline[-1].content if inline else None
