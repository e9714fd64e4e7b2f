"""Drawing of a formula as SVG that contains only shapes and characters."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from ziamath.tex import tex2mml
from ziamath.zmath import Math

from app.formulas.child import ziamath_fixes
from app.formulas.child.normalise import UnsupportedFormula, normalise
from app.formulas.child.ziamath_fixes import ARROWS, EM, TIGHT

_MARGIN = 0.03 * EM
"""Margin of the picture: italic letters exceed their advance width."""
_SHAPES = {"path", "rect", "ellipse", "text", "g"}
_NUMBERS = {"x", "y", "width", "height", "cx", "cy", "rx", "ry", "stroke-width", "font-size"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_COLOUR = re.compile(r"currentColor|none|[a-zA-Z]{3,20}|#[0-9a-fA-F]{3,8}")
_OPERATORS = {"\u27c2": "\u22a5", "~": "\u223c", "\u29f5": "\u29f5"} | {sign: sign for sign in ARROWS}
"""Operators that latex2mathml treats as letters, by the names in the operator dictionary of the font."""
_PREFIXES = {"+", "-", "\u2212", "\u00b1", "\u2213"}
_CLOSING = {")", "]", "}", "|", "!", "\u2032", "\u27e9", "\u230b", "\u2309", "\u2016", "\u2026", "\u22ef", "%"}
_PATH = re.compile(r"[MLHVCSQTAZmlhvcsqtaz0-9eE .,+-]*")


class Drawer:
    """Draws formulas."""

    def __init__(self) -> None:
        ziamath_fixes.prepare()

    def draw(self, formula: str, *, display: bool) -> dict[str, Any]:
        """Return ``svg`` in ``currentColor``, and ``width``, ``height`` and ``baseline`` (from the top) in em.

        Raises:
            UnsupportedFormula: it would be drawn wrongly.
            Exception: it is malformed; the library raises a dozen types.
        """
        tree = ET.fromstring(tex2mml(normalise(formula), inline=not display).replace("<mi>&</mi>", "<mi>\\&</mi>"))
        _reject_unknown_commands(tree)
        _correct(tree)
        drawn = Math(tree, size=EM)
        box = drawn.node.bbox
        if not -9000 < box.ymin <= box.ymax < 9000:
            raise UnsupportedFormula("empty")
        left, top = box.xmin - _MARGIN, -box.ymax - _MARGIN
        width, height = box.xmax - box.xmin + 2 * _MARGIN, box.ymax - box.ymin + 2 * _MARGIN
        canvas = ET.Element("svg")
        drawn.node.draw(0, 0, canvas)
        picture = ET.Element("svg", xmlns="http://www.w3.org/2000/svg")
        picture.set("viewBox", f"{left:.2f} {top:.2f} {width:.2f} {height:.2f}")
        picture.extend(_clean(canvas))
        return {
            "svg": ET.tostring(picture, encoding="unicode"),
            "width": width / EM,
            "height": height / EM,
            "baseline": -top / EM,
        }


def _reject_unknown_commands(tree: ET.Element) -> None:
    """Raise for commands that latex2mathml does not know: it outputs them with their backslash."""
    for element in tree.iter():
        text = (element.text or "").strip()
        if text.startswith("\\") and len(text) > 1:
            raise UnsupportedFormula(text)


def _correct(tree: ET.Element) -> None:
    """Correct operators that are letters, signs of numbers, and distances in tables."""
    for parent in tree.iter():
        tag = parent.tag.rpartition("}")[2]
        if tag == "mtable":
            spacing = parent.get("columnspacing")
            # The columns of an aligned equation meet at their operator; others have space between them.
            parent.set("columnspacing", spacing if spacing and "0em" in spacing else "0.75em")
            parent.set("rowspacing", TIGHT if parent.get("rowspacing") == TIGHT else "0.2em")
        before: ET.Element | None = None
        for child in parent:
            text = (child.text or "").strip()
            kind = child.tag.rpartition("}")[2]
            if kind == "mi" and text in _OPERATORS:
                child.tag, child.text = child.tag.replace("mi", "mo"), _OPERATORS[text]
            elif text in _PREFIXES and tag in {"mrow", "mtd", "math"} and not _ends_a_term(before):
                child.set("form", "prefix")
            if not (kind in {"mi", "mspace"} and not text):
                before = child


def _ends_a_term(element: ET.Element | None) -> bool:
    if element is None:
        return False
    return not element.tag.endswith("mo") or (element.text or "").strip() in _CLOSING


def _clean(canvas: ET.Element) -> list[ET.Element]:
    """Return only shapes with numbers and colours: a formula may name colours, and a colour may contain a URL."""
    cleaned = []
    for element in canvas:
        if element.tag not in _SHAPES:
            continue
        copy = ET.Element(element.tag)
        for name, value in element.attrib.items():
            if (
                (name in _NUMBERS and _NUMBER.fullmatch(value))
                or (name == "d" and _PATH.fullmatch(value))
                or (name == "font-weight" and value == "bold")
            ):
                copy.set(name, value)
            elif name in {"fill", "stroke"}:
                copy.set(name, value if _COLOUR.fullmatch(value) else "currentColor")
        if "fill" not in copy.attrib and element.tag != "g":
            copy.set("fill", "none" if "stroke" in copy.attrib else "currentColor")
        if element.tag == "text":
            copy.text = element.text
        copy.extend(_clean(element))
        cleaned.append(copy)
    return cleaned
