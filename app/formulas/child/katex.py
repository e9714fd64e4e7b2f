"""KaTeX in an embedded JavaScript engine: from LaTeX to the tree of boxes that it gives to a browser.

Environments and commands that KaTeX lacks, and that models write, are replaced by ones that it has.
"""

from __future__ import annotations

import json
import re
from typing import Any

import quickjs

from app.config.paths import resources

UNSUPPORTED_COLOUR = "#010203"
"""KaTeX writes commands that it refuses, such as links and images, in this colour."""
TAG_COLOUR = "#010204"
"""Colour of the number of a formula, which the drawing puts at the right; nothing else has it."""
_STACK_BYTES = 1280 << 10
"""Less than the stack of the program on Windows, 2 MB."""

_MACROS = {
    r"\label": r"\@secondoftwo{#1}{}",
    r"\require": r"\@secondoftwo{#1}{}",
    # KaTeX puts a tag into the margin of the page, and has none for single rows.
    r"\tag": r"\@ifstar{\tag@later}{\tag@round}",
    r"\tag@round": r"\tag@later{(#1)}",
    r"\tag@later": r"\gdef\tag@end{\tag@here{#1}}",
    r"\tag@end": "",
    r"\tag@row": r"\@ifstar{\tag@here}{\tag@here@round}",
    r"\tag@here": rf"\mathrlap{{\textcolor{{{TAG_COLOUR[1:]}}}{{\text{{#1}}}}}}",
    r"\tag@here@round": r"\tag@here{(#1)}",
    r"\DeclareMathOperator": r"\@ifstar{\declare@limits}{\declare@plain}",
    r"\declare@plain": r"\gdef#1{\operatorname{#2}}",
    r"\declare@limits": r"\gdef#1{\operatorname*{#2}}",
    # A formula may define what KaTeX defines already.
    r"\newcommand": r"\providecommand{#1}{}\renewcommand{#1}",
    r"\mbox": r"\text{#1}",
    r"\strut": r"\rule[-0.3em]{0em}{1em}",
    r"\textsuperscript": r"{}^{\text{#1}}",
    r"\textsubscript": r"{}_{\text{#1}}",
    r"\Q": r"\mathbb{Q}",
    r"\C": r"\mathbb{C}",
    r"\mathds": r"\mathbb",
    r"\mathbbm": r"\mathbb",
    r"\hdots": r"\ldots",
    **dict.fromkeys((r"\displaylimits", r"\centering"), ""),
}
_ALIASES = {
    **dict.fromkeys(("align", "align*", "flalign", "flalign*"), "aligned"),
    **dict.fromkeys(("alignat", "alignat*"), "alignedat"),
    **dict.fromkeys(("gather", "gather*", "multline", "multline*", "equation", "equation*"), "gathered"),
    **dict.fromkeys(("displaymath", "math"), "gathered"),
    **dict.fromkeys(("eqnarray", "eqnarray*"), "darray"),
    "tabular": "array",
}
"""Environments that KaTeX lacks, numbers, or allows in display formulas only."""
_TAG = re.compile(r"\\(begin|end)\s*\{([a-zA-Z]+\*?)\}(\s*\[[tbc]\])?")
_ROWS = re.compile(r"\\begin\s*\{(?:align|alignat|flalign|gather|multline|eqnarray)\*?\}")
_CHEMISTRY = re.compile(r"\\(?:ce|pu)(?![a-zA-Z])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PROGRAM = r"""
var console = {warn() {}, error() {}, log() {}};
(() => {
    const {Span, SymbolNode, PathNode} = katex.__domTree;
    Span.prototype.toJSON = function () {
        return {classes: this.classes, style: this.style, children: this.children};
    };
    SymbolNode.prototype.toJSON = function () {
        return {classes: this.classes, style: this.style, text: this.text, italic: this.italic};
    };
    PathNode.prototype.toJSON = function () {
        return {d: this.toMarkup().split('"')[1]};
    };
})();
function boxes(formula, displayMode) {
    const macros = Object.assign({}, MACROS);
    const options = {displayMode, macros, strict: "ignore", maxSize: 100, errorColor: COLOUR};
    return JSON.stringify(katex.__renderToHTMLTree(formula, options));
}
"""

Node = dict[str, Any]
"""A box: ``classes``, ``style`` and ``children``; a symbol: ``text`` and ``italic`` in place of ``children``; a part of
a picture: ``attributes``, or ``d`` of a path."""


class UnsupportedFormula(ValueError):
    """The formula cannot be drawn correctly."""


class Katex:
    """Converts formulas; not thread-safe."""

    def __init__(self) -> None:
        context = quickjs.Context()
        context.set_max_stack_size(_STACK_BYTES)
        for name in ("katex.min.js", "mhchem.min.js"):
            context.eval((resources() / "katex" / name).read_text("utf-8"))
        program = _PROGRAM.replace("MACROS", json.dumps(_MACROS))
        context.eval(program.replace("COLOUR", json.dumps(UNSUPPORTED_COLOUR)))
        self._boxes = context.get("boxes")
        self.version = str(context.eval("katex.version"))

    def boxes(self, formula: str, *, display: bool) -> Node:
        """Return the tree of boxes.

        Raises:
            quickjs.JSException: it is malformed, or contains a command that KaTeX does not know.
        """
        tree: Node = json.loads(self._boxes(normalise(formula), display))
        return tree


def normalise(formula: str) -> str:
    """Return the formula in environments that KaTeX draws; digits stay together around thousands separators."""
    if not _CHEMISTRY.search(formula):
        formula = _THOUSANDS.sub("{,}", formula)
    if r"\tag" in formula:
        has_rows = _ROWS.search(formula)
        formula = formula.replace(r"\tag", r"\tag@row") if has_rows else f"{formula}\n\\tag@end"
    return _TAG.sub(_environment_tag, formula)


def _environment_tag(tag: re.Match[str]) -> str:
    name = _ALIASES.get(tag[2], tag[2])
    if tag[1] == "end":
        return rf"\end{{{name}}}{tag[3] or ''}"
    return rf"\begin{{{name}}}" + ("{rcl}" if name == "darray" and tag[2] != name else "")
