"""LaTeX as models write it, put into the words that ziamath 0.13 and latex2mathml 3.81 draw rightly.

Both pass over in silence what they do not know: an unknown environment loses its frame, ``\\tag`` its place and
``\\hline`` its line, ``align`` gains numbers nobody wrote.  Here such things are rewritten, and what cannot be is
refused, so that the person sees the source instead of half a formula.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

RULE_ABOVE = "\ue0f1"
"""A mark in the first cell of a row of an array: a line above this row."""
COLUMN_RULE = 0xE100
"""Marks in the first cell of an array: a line before column ``ord(mark) - COLUMN_RULE``."""
MAX_COLUMNS = 64

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}]|[^\\{}]+", re.DOTALL)
_BEGIN = re.compile(r"\\begin\s*\{([a-zA-Z]+\*?)\}")
_MARK = re.compile(r"\\(begin|end)\s*\{([a-zA-Z]+\*?)\}")
_ARRAY = re.compile(r"\s*(?:\[[tbc]\])?\s*\{([^{}]*)\}")
_OPTION = re.compile(r"\s*\[[tbc]\]")
_COUNT = re.compile(r"\s*\{\s*\d+\s*\}")
_ALIGNED = {"align", "aligned", "alignat", "alignedat", "flalign", "split", "align*", "alignat*", "flalign*"}
_CENTRED = {"gather", "gathered", "multline", "gather*", "multline*"}
_PLAIN = {"equation", "equation*", "displaymath", "math"}
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
_OTHER_NAMES = {
    r"\bm": r"\boldsymbol",
    r"\pmb": r"\boldsymbol",
    r"\lt": "<",
    r"\gt": ">",
    r"\degree": r"^{\circ}",
    r"\textdegree": r"^{\circ}",
    r"\R": r"\mathbb{R}",
    r"\N": r"\mathbb{N}",
    r"\Z": r"\mathbb{Z}",
    r"\Q": r"\mathbb{Q}",
    r"\C": r"\mathbb{C}",
    r"\colon": r"{:}\,",
    r"\textsf": r"\text",
    r"\textnormal": r"\text",
    r"\emph": r"\text",
    r"\bigl": r"\big",
    r"\bigr": r"\big",
    r"\Bigl": r"\Big",
    r"\Bigr": r"\Big",
    r"\biggl": r"\bigg",
    r"\biggr": r"\bigg",
    r"\Biggl": r"\Bigg",
    r"\Biggr": r"\Bigg",
}
_NAMES = re.compile("|".join(re.escape(name) + r"(?![a-zA-Z])" for name in sorted(_OTHER_NAMES, reverse=True)))
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


class Refused(ValueError):
    """This cannot be drawn as it was meant."""


def tidied(formula: str) -> str:
    """The formula in the words of the drawing library.

    Raises:
        Refused: braces or environments that do not close, or an environment nobody knows.
    """
    _check_braces(formula)
    formula = re.sub(r"(?<!\\)%[^\n]*", "", formula)
    formula = _DROPPED.sub(" ", formula)
    formula = with_arguments(formula, r"\label", 1, lambda _: "")
    formula = with_arguments(formula, r"\tag*", 1, lambda found: rf"\qquad\text{{{found[0]}}}")
    formula = with_arguments(formula, r"\tag", 1, lambda found: rf"\qquad\text{{({found[0]})}}")
    for name in (r"\text", r"\mbox", r"\textrm"):
        formula = with_arguments(formula, name, 1, lambda found: _text(found[0]))
    # A colour with braces behind it is meant for what stands in them, not for all the rest.
    formula = with_arguments(formula, r"\color", 2, lambda found: rf"\textcolor{{{found[0]}}}{{{found[1]}}}")
    for name in (r"\binom", r"\dbinom", r"\tbinom"):
        formula = with_arguments(formula, name, 2, _binomial)
    for name, arrow in _LONG_ARROWS.items():
        formula = with_arguments(formula, name, 1, partial(_over_arrow, arrow))
    # The library would make one sign for a norm out of |a||b|.
    formula = formula.replace("||", "| |")
    formula = _THOUSANDS.sub("{,}", formula)
    for negated, name in _NEGATED:
        formula = negated.sub(name.replace("\\", r"\\"), formula)
    return _environments(formula)


def with_arguments(text: str, command: str, count: int, made: Callable[[list[str]], str]) -> str:
    """Put something else for a command with ``count`` arguments in braces, wherever it stands."""
    pieces, at = [], 0
    pattern = re.compile(re.escape(command) + r"(?![a-zA-Z*])\s*(?=\{)")
    while found := pattern.search(text, at):
        arguments: list[str] = []
        end = found.end()
        while len(arguments) < count and (opening := re.compile(r"\s*\{").match(text, end)):
            close = _closing(text, opening.end())
            arguments.append(text[opening.end() : close])
            end = close + 1
        if len(arguments) < count:
            pieces.append(text[at : found.end()])
            at = found.end()
            continue
        pieces += [text[at : found.start()], made(arguments)]
        at = end
    return "".join([*pieces, text[at:]])


def _check_braces(text: str) -> None:
    depth = 0
    for token in _TOKEN.findall(text):
        depth += (token == "{") - (token == "}")
        if depth < 0:
            raise Refused("braces")
    if depth:
        raise Refused("braces")


def _closing(text: str, start: int) -> int:
    """The place of the brace that closes the one before ``start``."""
    depth = 1
    for found in _TOKEN.finditer(text, start):
        depth += (found[0] == "{") - (found[0] == "}")
        if not depth:
            return found.start()
    raise Refused("braces")


def _binomial(parts: list[str]) -> str:
    above, below = (tidied_part(part) for part in parts)
    return rf"\left({{{above} \atop {below}}}\right)"


def tidied_part(part: str) -> str:
    """The same for an argument that was cut out."""
    return with_arguments(part, r"\binom", 2, _binomial)


def _over_arrow(arrow: str, parts: list[str]) -> str:
    return rf"\;\overset{{{parts[0]}}}{{{arrow}}}\;"


def _text(words: str) -> str:
    """Text with mathematics between dollars in it: text, mathematics, text."""
    pieces = re.split(r"(?<!\\)\$", words)
    if len(pieces) % 2 == 0:
        raise Refused("dollars")
    made = ""
    for number, piece in enumerate(pieces):
        if number % 2:
            made += f"{{{piece}}}"
        elif piece:
            made += rf"\text{{{_plain_text(piece)}}}"
    return made or "{}"


def _plain_text(words: str) -> str:
    """Commands inside text: only signs with a backslash have a meaning there."""
    return re.sub(r"\\([$%&#_{}])", lambda found: found[1] if found[1] not in "{}" else found[0], words)


def _environments(text: str) -> str:
    # A name that the formula gives itself keeps its own meaning.
    if not re.search(r"\\(newcommand|renewcommand|def|let)(?![a-zA-Z])", text):
        text = _NAMES.sub(lambda found: _OTHER_NAMES[found[0]], text)
    pieces, at = [], 0
    while found := _BEGIN.search(text, at):
        end_start, end = _end_of(text, found)
        pieces += [text[at : found.start()], _environment(found[1], text[found.end() : end_start])]
        at = end
    rest = text[at:]
    if _MARK.search(rest):
        raise Refused("environment")
    return "".join([*pieces, rest])


def _end_of(text: str, opening: re.Match[str]) -> tuple[int, int]:
    names = [opening[1]]
    for mark in _MARK.finditer(text, opening.end()):
        if mark[1] == "begin":
            names.append(mark[2])
        elif names.pop() != mark[2]:
            break
        if not names:
            return mark.start(), mark.end()
    raise Refused("environment")


def _environment(name: str, body: str) -> str:
    if name in {"array", "tabular"}:
        return _array(body)
    body = _without(_OPTION, body)
    if name in {"alignat", "alignat*", "alignedat"}:
        body = _without(_COUNT, body)
    body = _environments(body)
    if name in _ALIGNED:
        return rf"\begin{{align*}}{body}\end{{align*}}"
    if name in _CENTRED:
        return rf"\begin{{array}}{{c}}{body.replace('&', ' ')}\end{{array}}"
    if name in _PLAIN:
        return f"{{{body}}}"
    if name in {"eqnarray", "eqnarray*"}:
        return rf"\begin{{array}}{{rcl}}{body}\end{{array}}"
    if name == "cases":
        return rf"\begin{{cases}}{body}\end{{cases}}"
    if name == "dcases":
        return rf"\left\{{\begin{{array}}{{ll}}{body}\end{{array}}\right."
    if name in {"rcases", "drcases"}:
        return rf"\left.\begin{{array}}{{ll}}{body}\end{{array}}\right\}}"
    if name in _MATRICES:
        return rf"\begin{{{name}}}{_ruled(body)}\end{{{name}}}"
    raise Refused("environment")


def _without(pattern: re.Pattern[str], body: str) -> str:
    found = pattern.match(body)
    return body[found.end() :] if found else body


def _array(body: str) -> str:
    columns = _ARRAY.match(body)
    if not columns:
        raise Refused("columns")
    letters, marks = "", ""
    for letter in columns[1].replace(" ", ""):
        if letter in "lcr":
            letters += letter
        elif letter == "|":
            marks += chr(COLUMN_RULE + len(letters))
        else:
            raise Refused("columns")
    if not letters or len(letters) > MAX_COLUMNS:
        raise Refused("columns")
    rows = _ruled(_environments(body[columns.end() :]))
    return rf"\begin{{array}}{{{letters}}}{marks}{rows}\end{{array}}"


def _ruled(body: str) -> str:
    return re.sub(r"\\h(?:dash)?line(?![a-zA-Z])", f" {RULE_ABOVE} ", body)
