"""Normalisation of LaTeX to the commands that ziamath 0.13 and latex2mathml 3.81 draw correctly.

Both silently ignore what they do not support: unknown environments lose their delimiters, ``\\tag`` its place and
``\\hline`` its line, ``align`` gains numbers.  Such commands are rewritten here, or the formula is rejected, so that
its source is shown instead of part of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

RULE_ABOVE = "\ue0f1"
"""Marker in the first cell of a row: a line above this row."""
COLUMN_RULE = 0xE100
"""Markers in the first cell of a table: a line before column ``ord(marker) - COLUMN_RULE``."""
MAX_COLUMNS = 64

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}]|[^\\{}]+", re.DOTALL)
_BEGIN = re.compile(r"\\begin\s*\{([a-zA-Z]+\*?)\}")
_TAG = re.compile(r"\\(begin|end)\s*\{([a-zA-Z]+\*?)\}")
_ARRAY = re.compile(r"\s*(?:\[[tbc]\])?\s*\{([^{}]*)\}")
_OPTION = re.compile(r"\s*\[[tbc]\]")
_COUNT = re.compile(r"\s*\{\s*\d+\s*\}")
_CENTRED = ("gather", "gathered", "multline")
_ALIGNED_TAGS = r"\begin{align*}", r"\end{align*}"
_ENVIRONMENTS = {
    **dict.fromkeys(("align", "aligned", "alignat", "alignedat", "flalign", "split"), _ALIGNED_TAGS),
    **dict.fromkeys(("align*", "alignat*", "flalign*"), _ALIGNED_TAGS),
    **dict.fromkeys((*_CENTRED, "gather*", "multline*"), (r"\begin{array}{c}", r"\end{array}")),
    **dict.fromkeys(("equation", "equation*", "displaymath", "math"), ("{", "}")),
    **dict.fromkeys(("eqnarray", "eqnarray*"), (r"\begin{array}{rcl}", r"\end{array}")),
    **dict.fromkeys(("rcases", "drcases"), (r"\left.\begin{array}{ll}", r"\end{array}\right\}")),
    "cases": (r"\begin{cases}", r"\end{cases}"),
    "dcases": (r"\left\{\begin{array}{ll}", r"\end{array}\right."),
}
"""Replacements of the tags of environments."""
_MATRICES = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix"}
_DROPPED = re.compile(r"\\(?:nonumber|notag|displaylimits|allowbreak|nobreak|centering)(?![a-zA-Z])")
_LONG_ARROWS = {
    r"\xrightarrow": r"\longrightarrow",
    r"\xleftarrow": r"\longleftarrow",
    r"\xRightarrow": r"\Longrightarrow",
    r"\xLeftarrow": r"\Longleftarrow",
    r"\xleftrightarrow": r"\longleftrightarrow",
    r"\xlongequal": "=",
}
_NEGATED = ((re.compile(r"\\not\s*="), r"\neq "), (re.compile(r"\\not\s*\\in(?![a-zA-Z])"), r"\notin "))
_ALIASES = {
    r"\bm": r"\boldsymbol",
    r"\pmb": r"\boldsymbol",
    r"\lt": "<",
    r"\gt": ">",
    r"\degree": r"^{\circ}",
    r"\textdegree": r"^{\circ}",
    r"\colon": r"{:}\,",
    **dict.fromkeys((r"\textsf", r"\textnormal", r"\emph"), r"\text"),
    **{rf"\{letter}": rf"\mathbb{{{letter}}}" for letter in "RNZQC"},
    **{rf"\{size}{side}": rf"\{size}" for size in ("big", "Big", "bigg", "Bigg") for side in "lr"},
}
_ALIAS_PATTERN = re.compile("|".join(re.escape(name) + r"(?![a-zA-Z])" for name in sorted(_ALIASES, reverse=True)))
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


class UnsupportedFormula(ValueError):
    """The formula cannot be drawn correctly."""


def normalise(formula: str) -> str:
    """Return the formula in the commands of the libraries.

    Raises:
        UnsupportedFormula: braces or environments are not closed, or an environment is unknown.
    """
    if _closing(formula + " }", 0) != len(formula) + 1:
        raise UnsupportedFormula("braces")
    formula = re.sub(r"(?<!\\)%[^\n]*", "", formula)
    formula = _DROPPED.sub(" ", formula)
    formula = _replace_command(formula, r"\label", 1, lambda _: "")
    formula = _replace_command(formula, r"\tag*", 1, lambda match: rf"\qquad\text{{{match[0]}}}")
    formula = _replace_command(formula, r"\tag", 1, lambda match: rf"\qquad\text{{({match[0]})}}")
    for name in (r"\text", r"\mbox", r"\textrm"):
        formula = _replace_command(formula, name, 1, lambda match: _text(match[0]))
    # A colour with two arguments applies to the second one, not to the rest of the formula.
    formula = _replace_command(formula, r"\color", 2, lambda match: rf"\textcolor{{{match[0]}}}{{{match[1]}}}")
    for name in (r"\binom", r"\dbinom", r"\tbinom"):
        formula = _replace_command(formula, name, 2, _binomial)
    for name, arrow in _LONG_ARROWS.items():
        formula = _replace_command(formula, name, 1, partial(_over_arrow, arrow))
    # The library would draw the bars of |a||b| as a norm.
    formula = formula.replace("||", "| |")
    formula = _THOUSANDS.sub("{,}", formula)
    for negated, name in _NEGATED:
        formula = negated.sub(name.replace("\\", r"\\"), formula)
    return _environments(formula)


def _replace_command(text: str, command: str, count: int, replacement: Callable[[list[str]], str]) -> str:
    """Replace a command and its ``count`` arguments in braces by what ``replacement`` returns."""
    pieces, at = [], 0
    pattern = re.compile(re.escape(command) + r"(?![a-zA-Z*])\s*(?=\{)")
    while match := pattern.search(text, at):
        arguments: list[str] = []
        end = match.end()
        while len(arguments) < count and (opening := re.compile(r"\s*\{").match(text, end)):
            close = _closing(text, opening.end())
            arguments.append(text[opening.end() : close])
            end = close + 1
        if len(arguments) < count:
            pieces.append(text[at : match.end()])
            at = match.end()
            continue
        pieces += [text[at : match.start()], replacement(arguments)]
        at = end
    return "".join([*pieces, text[at:]])


def _closing(text: str, start: int) -> int:
    """Return the place of the brace that closes the one before ``start``."""
    depth = 1
    for match in _TOKEN.finditer(text, start):
        depth += (match[0] == "{") - (match[0] == "}")
        if not depth:
            return match.start()
    raise UnsupportedFormula("braces")


def _binomial(parts: list[str]) -> str:
    above, below = (_replace_command(part, r"\binom", 2, _binomial) for part in parts)
    return rf"\left({{{above} \atop {below}}}\right)"


def _over_arrow(arrow: str, parts: list[str]) -> str:
    return rf"\;\overset{{{parts[0]}}}{{{arrow}}}\;"


def _text(text: str) -> str:
    """Split text that contains formulas between dollars."""
    pieces = re.split(r"(?<!\\)\$", text)
    if len(pieces) % 2 == 0:
        raise UnsupportedFormula("dollars")
    made = ""
    for number, piece in enumerate(pieces):
        if number % 2:
            made += f"{{{piece}}}"
        elif piece:
            made += rf"\text{{{_plain_text(piece)}}}"
    return made or "{}"


def _plain_text(text: str) -> str:
    """Remove the backslash of escaped characters."""
    return re.sub(r"\\([$%&#_{}])", lambda match: match[1] if match[1] not in "{}" else match[0], text)


def _environments(text: str) -> str:
    # Commands that the formula defines itself keep their meaning.
    if not re.search(r"\\(newcommand|renewcommand|def|let)(?![a-zA-Z])", text):
        text = _ALIAS_PATTERN.sub(lambda match: _ALIASES[match[0]], text)
    pieces, at = [], 0
    while match := _BEGIN.search(text, at):
        end_start, end = _end_of(text, match)
        pieces += [text[at : match.start()], _environment(match[1], text[match.end() : end_start])]
        at = end
    rest = text[at:]
    if _TAG.search(rest):
        raise UnsupportedFormula("environment")
    return "".join([*pieces, rest])


def _end_of(text: str, opening: re.Match[str]) -> tuple[int, int]:
    names = [opening[1]]
    for tag in _TAG.finditer(text, opening.end()):
        if tag[1] == "begin":
            names.append(tag[2])
        elif names.pop() != tag[2]:
            break
        if not names:
            return tag.start(), tag.end()
    raise UnsupportedFormula("environment")


def _environment(name: str, body: str) -> str:
    if name in {"array", "tabular"}:
        return _array(body)
    body = _without(_OPTION, body)
    if name in {"alignat", "alignat*", "alignedat"}:
        body = _without(_COUNT, body)
    body = _environments(body)
    if name in _MATRICES:
        return rf"\begin{{{name}}}{_ruled(body)}\end{{{name}}}"
    if name.removesuffix("*") in _CENTRED:
        body = body.replace("&", " ")
    if name not in _ENVIRONMENTS:
        raise UnsupportedFormula("environment")
    opening, closing = _ENVIRONMENTS[name]
    return f"{opening}{body}{closing}"


def _without(pattern: re.Pattern[str], body: str) -> str:
    match = pattern.match(body)
    return body[match.end() :] if match else body


def _array(body: str) -> str:
    columns = _ARRAY.match(body)
    if not columns:
        raise UnsupportedFormula("columns")
    letters, markers = "", ""
    for letter in columns[1].replace(" ", ""):
        if letter in "lcr":
            letters += letter
        elif letter == "|":
            markers += chr(COLUMN_RULE + len(letters))
        else:
            raise UnsupportedFormula("columns")
    if not letters or len(letters) > MAX_COLUMNS:
        raise UnsupportedFormula("columns")
    rows = _ruled(_environments(body[columns.end() :]))
    return rf"\begin{{array}}{{{letters}}}{markers}{rows}\end{{array}}"


def _ruled(body: str) -> str:
    return re.sub(r"\\h(?:dash)?line(?![a-zA-Z])", f" {RULE_ABOVE} ", body)
