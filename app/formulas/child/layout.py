"""Layout of KaTeX's boxes: the part of HTML and CSS that its style sheet uses.

KaTeX computes heights and vertical positions and leaves widths and horizontal positions to the browser.  Classes and
properties that are not known here raise ``UnsupportedFormula``: a later release of KaTeX is never drawn wrongly.

Lengths are in 1/1000 em of the formula's text size; x grows to the right, y downwards from the baseline.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from app.formulas.child.fonts import Fonts, Outline
from app.formulas.child.katex import UNSUPPORTED_COLOUR, Node, UnsupportedFormula

EM = 1000.0
_LEFT, _CENTRE, _RIGHT = 0.0, 0.5, 1.0
_SIZES = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.44, 1.728, 2.074, 2.488)
"""Text sizes of ``sizing`` and ``fontsize-ensurer``, in em."""
_SIZING = re.compile(r"(reset-)?size(\d+)")
_LINE_HEIGHT, _LINE_DEPTH = 0.905, 0.355
"""Least height and depth of a line at the top level, in em."""

_FAMILIES = {
    **dict.fromkeys(("textrm", "mathit", "mathbf", "mainrm"), "Main"),
    **dict.fromkeys(("textsf", "mathsf", "mathboldsf", "textboldsf", "mathsfit", "mathitsf", "textitsf"), "SansSerif"),
    **dict.fromkeys(("texttt", "mathtt"), "Typewriter"),
    **dict.fromkeys(("mathnormal", "boldsymbol"), "Math"),
    **dict.fromkeys(("amsrm", "mathbb", "textbb"), "AMS"),
    **dict.fromkeys(("mathfrak", "textfrak", "mathboldfrak", "textboldfrak"), "Fraktur"),
    **dict.fromkeys(("mathscr", "textscr"), "Script"),
    **dict.fromkeys(("small-op", "delim-size1"), "Size1"),
    **{"mathcal": "Caligraphic", "large-op": "Size2", "delim-size4": "Size4"},
}
_BOLD = {"textbf", "mathbf", "boldsymbol", "mathboldfrak", "textboldfrak", "mathboldsf", "textboldsf"}
_ITALIC = {"textit", "mathnormal", "mathit", "boldsymbol", "mathsfit", "mathitsf", "textitsf"}
_UPRIGHT = {"mathrm", "mainrm"}
_ALIGNMENT = {
    **dict.fromkeys(("msupsub", "svg-align", "col-align-l"), _LEFT),
    **dict.fromkeys(("mfrac", "op-limits", "accent", "x-arrow", "mover", "munder", "col-align-c"), _CENTRE),
    "col-align-r": _RIGHT,
}
"""Alignment of narrower boxes in a vertical list."""
_PADDING = {"boxpad": 0.3, "cancel-pad": 0.2, "anglpad": 0.03889, "x-arrow-pad": 0.5}
_MARGINS = {"cancel-lap": (-0.2, -0.2), "root": (5 / 18, -10 / 18), "angl": (0.0, 0.03889)}
_WIDTHS = {"nulldelimiter": 0.12, "thinbox": 0.0}
_LAPS = {"rlap": 0.0, "clap": -0.5, "llap": -1.0}
"""Place of an overlapping box relative to its width."""
_LINES = {"frac-line", "overline-line", "underline-line", "hline", "hdashline"}
_FRAMES = {"fbox", "colorbox", "fcolorbox", "angl"}
_PIECES = {
    "halfarrow-left": (0.0, 0.502),
    "halfarrow-right": (0.498, 0.502),
    "brace-left": (0.0, 0.251),
    "brace-center": (0.25, 0.5),
    "brace-right": (0.749, 0.251),
}
"""Left edge and width of the parts of a stretched picture, as shares of its width."""
_HIDDEN = {"strut", "pstrut", "vlist-s", "fix"}
_PLAIN = {
    *("mord", "mop", "mbin", "mrel", "mopen", "mclose", "mpunct", "minner", "mspace", "mtight", "mtable", "mtr"),
    *("base", "enclosing", "nobreak", "allowbreak", "sizing", "fontsize-ensurer", "delimsizing", "delimsizinginner"),
    *("mult", "op-symbol", "delimcenter", "arraycolsep", "accent-body", "accent-full", "sqrt", "overline", "underline"),
    *("vlist-t", "vlist-t2", "vlist-r", "vlist", "vbox", "inner", "overlay", "stretchy", "hide-tail", "rule", "sout"),
    *("vertical-separator", "text", "accentunder", "smash", "textup", "textmd"),
}
"""Classes without an effect on the layout, or with one that ``Layout`` contains."""
_KNOWN = _PLAIN.union(
    _HIDDEN,
    _FRAMES,
    _LINES,
    _PIECES,
    _LAPS,
    _WIDTHS,
    _MARGINS,
    _PADDING,
    _ALIGNMENT,
    _FAMILIES,
    _BOLD,
    _ITALIC,
    _UPRIGHT,
)
_PROPERTIES = {
    *("top", "bottom", "left", "width", "minWidth", "height", "verticalAlign", "color", "position", "textShadow"),
    *("margin", "marginLeft", "marginRight", "marginTop", "paddingLeft", "backgroundColor"),
    *("borderBottomWidth", "borderRightWidth", "borderRightStyle", "borderTopWidth", "borderWidth", "borderStyle"),
    "borderColor",
}
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_COMMAND = re.compile(rf"([A-Za-z])|({_NUMBER.pattern})")
_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "Z": 0}


class Style(NamedTuple):
    """What a box inherits."""

    size: float = EM
    """Text size."""
    family: str = "Main"
    bold: bool = False
    italic: bool = False
    colour: str = "currentColor"
    align: float = _LEFT
    shadow: bool = False


class Glyph(NamedTuple):
    """A character of KaTeX's fonts."""

    char: str
    outline: Outline
    style: Style

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the ink."""
        left, top, right, bottom = (value * self.style.size / EM for value in self.outline[2:])
        return left, top, right, bottom


class Letters(NamedTuple):
    """Characters that these fonts lack, usually Chinese, drawn as text in a font of the viewer."""

    text: str
    width: float
    style: Style

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom, as of most fonts."""
        return 0.0, -0.86 * self.style.size, self.width, 0.12 * self.style.size


class Shape(NamedTuple):
    """A path in the syntax of SVG: filled, or a line of the width ``stroke``."""

    path: str
    bounds: tuple[float, float, float, float]
    colour: str
    stroke: float = 0.0


Mark = Glyph | Letters | Shape


class Box(NamedTuple):
    """A width and what is drawn, relative to the left end of the baseline."""

    width: float
    items: list[tuple[float, float, Any]]
    """x, y and a ``Mark`` or ``Box``."""


class Layout:
    """Finds the positions of all characters and lines of formulas."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts

    def marks(self, tree: Node, *, display: bool) -> tuple[list[tuple[float, float, Mark]], Box, float, float]:
        """Return all marks with their positions, the box of the formula, and its height and depth as in TeX."""
        while "html" not in _classes(tree):
            (tree,) = tree["children"]
        style = Style(align=_CENTRE if display else _LEFT)
        lines: list[list[Node]] = [[]]
        gaps = [0.0]
        for node in tree["children"]:
            if "newline" in _classes(node):
                lines.append([])
                gaps.append(_em(node["style"].get("marginTop", "0em")) * EM)
            else:
                lines[-1].append(node)
        boxes = [self._flow(line, style) for line in lines]
        extents = [_extent(line) for line in lines]
        width = max(box.width for box in boxes)
        items, y = [], 0.0
        for number, box in enumerate(boxes):
            if number:
                y += max(extents[number - 1][1], _LINE_DEPTH * EM) + gaps[number]
                y += max(extents[number][0], _LINE_HEIGHT * EM)
            items.append(((width - box.width) * style.align, y, box))
        whole = Box(width, items)
        return list(_flatten(whole)), whole, extents[0][0], y + extents[-1][1]

    def _flow(self, nodes: list[Node], style: Style) -> Box:
        """Lay boxes out from left to right."""
        x, items = 0.0, []
        for node in nodes:
            box = self._box(node, style)
            if box.items:
                items.append((x, 0.0, box))
            x += box.width
        return Box(x, items)

    def _box(self, node: Node, style: Style) -> Box:
        classes, own = _classes(node), node.get("style", {})
        if classes & _HIDDEN:
            return Box(0.0, [])
        style = _inherit(style, classes, own)
        em = style.size
        content = self._content(node, classes, own, style)
        width, x, y = content.width, 0.0, 0.0
        for name, share in _LAPS.items():
            if name in classes:
                x, width = share * width, 0.0
        if "width" in own:
            width = _em(own["width"]) * em
        elif "accent-body" in classes and "accent-full" not in classes:
            width = 0.0
        for name in classes & _WIDTHS.keys():
            width = _WIDTHS[name] * em
        left = _em(own.get("paddingLeft", "0em"))
        right = _em(own["marginRight"]) if "marginRight" in own else max(0.0, node.get("italic", 0.0))
        if "margin" in own:
            left = right = _em(own["margin"].split()[1])
        for name in classes & _PADDING.keys():
            left, right = left + _PADDING[name], right + _PADDING[name]
        for name in classes & _MARGINS.keys():
            left, right = left + _MARGINS[name][0], right + _MARGINS[name][1]
        left += _em(own.get("marginLeft", "0em"))
        x += (left + _em(own.get("left", "0em"))) * em
        y += (_em(own.get("top", "0em")) - _em(own.get("bottom", "0em"))) * em
        return Box((left + right) * em + width, [(x, y, content)] if content.items else [])

    def _content(self, node: Node, classes: frozenset[str], own: dict[str, str], style: Style) -> Box:
        em = style.size
        if "text" in node:
            return self._symbol(node["text"], style)
        if "rule" in classes:
            width, height = _em(own["borderRightWidth"]) * em, _em(own["borderTopWidth"]) * em
            return Box(width, [(0.0, 0.0, _rectangle(0, -height, width, 0, style.colour))])
        if "vertical-separator" in classes:
            width, height = _em(own["borderRightWidth"]) * em, _em(own["height"]) * em
            bottom = -_em(own.get("verticalAlign", "0em")) * em
            dashed = own["borderRightStyle"] == "dashed"
            return Box(width, [(0.0, 0.0, _line(0, bottom - height, width, bottom, style.colour, dashed=dashed))])
        children = node["children"]
        if "vlist-t" in classes:
            return self._list(children[0]["children"][0]["children"], style)
        if children and "attributes" in children[0]:
            return self._picture(children[0], _em(own["width"]) * em, _em(own["height"]) * em, style)
        return self._flow(children, style)

    def _symbol(self, text: str, style: Style) -> Box:
        x, items, plain = 0.0, [], style._replace(shadow=False)
        outlines = [self._fonts.outline(style.family, style.bold, style.italic, char) for char in text]
        # Letters of other fonts stay together: they may join, and run from right to left.
        for _, run in groupby(enumerate(outlines), lambda each: each[0] if each[1] else None):
            places = [number for number, _ in run]
            outline, piece = outlines[places[0]], text[places[0] : places[-1] + 1]
            advance = (outline.advance / EM if outline else sum(map(_letter_width, piece))) * style.size
            mark = Glyph(piece, outline, plain) if outline else Letters(piece, advance, plain)
            if outline is None or outline.path:
                items.append((x, 0.0, mark))
                if style.shadow:
                    items.append((x + 0.02 * style.size, 0.01 * style.size, mark._replace(style=style)))
            x += advance
        return Box(x, items)

    def _list(self, wrappers: list[Node], style: Style) -> Box:
        """Place boxes above each other at the heights that KaTeX computed."""
        em, placed, width = style.size, [], 0.0
        if style.colour == "currentColor" and any(
            "backgroundColor" in wrapper["children"][1].get("style", {}) for wrapper in wrappers
        ):
            # The text colour of a dark theme cannot be read on a light colour.
            style = style._replace(colour="#000000")
        for wrapper in wrappers:
            own, classes = wrapper["style"], _classes(wrapper)
            strut, *elements = wrapper["children"]
            y = (_em(own["top"]) + _em(strut["style"]["height"])) * em
            inner = _inherit(style, classes, {})
            left, right = (_em(own.get(name, "0em")) * em for name in ("marginLeft", "marginRight"))
            (element,) = elements
            stretched = _is_stretched(element)
            if stretched:
                needed, box = _em(element["style"].get("minWidth", "0em")) * em, None
            else:
                box = self._box(element, inner)
                needed = box.width
            width = max(width, left + needed + right)
            placed.append((y, left, right, inner, element, box))
        items = []
        for y, left, right, inner, element, box in placed:
            available = width - left - right
            if box is None:
                box = self._stretched(element, available, inner)
            x = left + (available - box.width) * inner.align
            items.append((x, y, box))
        return Box(width, items)

    def _stretched(self, node: Node, width: float, style: Style) -> Box:
        """Return a line, frame or picture of a width."""
        classes, own = _classes(node), node["style"]
        style = _inherit(style, classes, own)
        em = style.size
        if classes & _LINES or "sout" in classes:
            thickness = _em(own.get("borderBottomWidth", "0.08em")) * em
            mark = _line(0, -thickness, width, 0, style.colour, dashed="hdashline" in classes)
            return Box(width, [(0.0, 0.0, mark)])
        height = _em(own["height"]) * em
        if classes & _FRAMES:
            return Box(width, [(0.0, -height, mark) for mark in _frame(classes, own, width, height, em, style.colour)])
        if "attributes" in node["children"][0]:
            return self._picture(node["children"][0], width, height, style)
        items = []
        for piece in node["children"]:
            (start, share), picture = _PIECES[next(iter(_classes(piece) & _PIECES.keys()))], piece["children"][0]
            items.append((start * width, 0.0, self._picture(picture, share * width, height, style)))
        return Box(width, items)

    def _picture(self, picture: Node, width: float, height: float, style: Style) -> Box:
        """Draw an SVG element of KaTeX above the baseline."""
        attributes, items = picture["attributes"], []
        for part in picture["children"]:
            if "d" in part:
                mark = _scaled(part["d"], attributes, width, height, style.colour)
            else:
                line = part["attributes"]
                x1, x2 = (width if line[name] == "100%" else 0.0 for name in ("x1", "x2"))
                y1, y2 = (height if line[name] == "100%" else 0.0 for name in ("y1", "y2"))
                path = f"M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"
                mark = Shape(path, (0.0, 0.0, width, height), style.colour, _em(line["stroke-width"]) * style.size)
            items.append((0.0, -height, mark))
        return Box(width, items)


def _classes(node: Node) -> frozenset[str]:
    return _class_set(tuple(node.get("classes", ())))


@lru_cache(maxsize=4096)
def _class_set(names: tuple[str | None, ...]) -> frozenset[str]:
    """Return the classes; later releases of KaTeX write ``katex-`` before some.

    Raises:
        UnsupportedFormula: one is not known.
    """
    words = [word.removeprefix("katex-") for name in names if name for word in name.split()]
    classes = frozenset(words)
    for name in classes - _KNOWN - {"html", "katex", "display", "newline"}:
        if not _SIZING.fullmatch(name) and not name.endswith("_fallback"):
            raise UnsupportedFormula(name)
    return classes


def _inherit(style: Style, classes: frozenset[str], own: dict[str, str]) -> Style:
    """Apply the rules of the style sheet and of the box to an inherited style."""
    if classes:
        style = _styled(style, classes)
    if own:
        for name in own:
            if name not in _PROPERTIES:
                raise UnsupportedFormula(name)
        colour = own.get("color")
        if colour == UNSUPPORTED_COLOUR:
            raise UnsupportedFormula("command")
        if colour:
            style = style._replace(colour=colour)
        if "textShadow" in own:
            style = style._replace(shadow=True)
    return style


@lru_cache(maxsize=4096)
def _styled(style: Style, classes: frozenset[str]) -> Style:
    for name in classes & _FAMILIES.keys():
        style = style._replace(family=_FAMILIES[name])
    style = style._replace(
        bold=style.bold or bool(classes & _BOLD),
        italic=(style.italic or bool(classes & _ITALIC)) and not classes & _UPRIGHT,
    )
    sizes = {match[1]: int(match[2]) for match in map(_SIZING.fullmatch, classes) if match}
    if "delimsizing" in classes and None in sizes:
        style = style._replace(family=f"Size{sizes[None]}")
    elif len(sizes) == 2:
        style = style._replace(size=style.size * _SIZES[sizes[None] - 1] / _SIZES[sizes["reset-"] - 1])
    for name in classes & _ALIGNMENT.keys():
        style = style._replace(align=_ALIGNMENT[name])
    return style


def _em(length: str) -> float:
    """Return a length in em.  Raises ValueError."""
    return float(length.removesuffix("em"))


def _letter_width(char: str) -> float:
    """Return a width in em: a wide character or symbol is one em in most fonts, 0.6 em is assumed for others."""
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf"):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(char) in "WF" or category in ("So", "Sm", "No") else 0.6


def _extent(line: list[Node]) -> tuple[float, float]:
    """Return the height and depth of a line, from the struts of its boxes."""
    height = depth = 0.0
    for node in line:
        strut = node["children"][0]["style"]
        below = -_em(strut.get("verticalAlign", "0em")) * EM
        height, depth = max(height, _em(strut["height"]) * EM - below), max(depth, below)
    return height, depth


def _is_stretched(node: Node) -> bool:
    """Whether a box is as wide as the list that contains it."""
    if "text" in node:
        return False
    classes, children = _classes(node), node["children"]
    if classes & _LINES or classes & {"stretchy", "hide-tail"}:
        return True
    return bool(children and "attributes" in children[0] and "width" not in node["style"])


def _rectangle(left: float, top: float, right: float, bottom: float, colour: str) -> Shape:
    path = f"M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}Z"
    return Shape(path, (left, top, right, bottom), colour)


def _line(left: float, top: float, right: float, bottom: float, colour: str, *, dashed: bool = False) -> Shape:
    if not dashed:
        return _rectangle(left, top, right, bottom, colour)
    thickness = min(right - left, bottom - top)
    length, step = max(right - left, bottom - top), 6 * thickness
    dashes = []
    for number in range(int(length / step) + 1):
        start, end = number * step, min(number * step + 3 * thickness, length)
        across = right - left > bottom - top
        dashes.append(
            _rectangle(left + start, top, left + end, bottom, colour)
            if across
            else _rectangle(left, top + start, right, top + end, colour)
        )
    return Shape("".join(dash.path for dash in dashes), (left, top, right, bottom), colour)


def _frame(
    classes: frozenset[str], own: dict[str, str], width: float, height: float, em: float, colour: str
) -> Iterator[Shape]:
    """Yield the background and the border of a frame, from its top left corner."""
    if "backgroundColor" in own:
        yield _rectangle(0, 0, width, height, own["backgroundColor"])
    default = "0.049em" if "angl" in classes else "0.04em" if classes & {"fbox", "fcolorbox"} else "0em"
    line = _em(own.get("borderWidth", own.get("borderTopWidth", default))) * em
    colour = own.get("borderColor", colour)
    if line:
        yield _rectangle(0, 0, width, line, colour)
        yield _rectangle(width - line, 0, width, height, colour)
        if "angl" not in classes:
            yield _rectangle(0, height - line, width, height, colour)
            yield _rectangle(0, 0, line, height, colour)


def _scaled(path: str, attributes: dict[str, str], width: float, height: float, colour: str) -> Shape:
    """Fit a path into a box as its ``preserveAspectRatio`` says.

    What lies outside consists of horizontal lines, so that moving its points to the edge cuts it off.
    """
    _, _, full_width, full_height = map(float, attributes["viewBox"].split())
    how = attributes.get("preserveAspectRatio", "xMidYMid")
    scale_x, scale_y = width / full_width, height / full_height
    if "slice" in how:
        scale_x = scale_y = max(scale_x, scale_y)
    elif how != "none":
        scale_x = scale_y = min(scale_x, scale_y)
    free = width - full_width * scale_x
    shift = free * (_LEFT if "xMin" in how else _RIGHT if "xMax" in how else _CENTRE)
    contours: list[list[tuple[str, list[float]]]] = []
    for command, values in _absolute(path):
        points = [
            min(max(value * scale_x + shift, 0.0), width) if not number % 2 else value * scale_y
            for number, value in enumerate(values)
        ]
        if command == "M":
            contours.append([])
        contours[-1].append((command, points))
    made = "".join(
        command + " ".join(f"{value:.1f}" for value in points)
        for contour in _without_repetitions(contours)
        for command, points in contour
    )
    return Shape(made, (0.0, 0.0, width, height), colour)


def _without_repetitions(contours: list[list[tuple[str, list[float]]]]) -> list[list[tuple[str, list[float]]]]:
    """Remove equal contours and rectangles within others: KaTeX draws lines twice, which makes soft edges bold."""
    kept: list[list[tuple[str, list[float]]]] = []
    polygons: list[list[tuple[float, float]]] = []
    for contour in contours:
        polygon = [(points[-2], points[-1]) for _, points in contour if points]
        xs, ys = sorted({x for x, _ in polygon}), sorted({y for _, y in polygon})
        left, right, top, bottom = xs[0], xs[-1], ys[0], ys[-1]
        is_rectangle = all(x in (left, right) or y in (top, bottom) for x, y in polygon) and all(
            command in "MLZ" for command, _ in contour
        )
        centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
        places = [(centre_x, centre_y), (centre_x, top * 0.9 + bottom * 0.1), (centre_x, top * 0.1 + bottom * 0.9)]
        places += [(left * 0.9 + right * 0.1, centre_y), (left * 0.1 + right * 0.9, centre_y)]
        if polygon in polygons or (
            is_rectangle and any(all(_contains(other, *place) for place in places) for other in polygons)
        ):
            continue
        kept.append(contour)
        polygons.append(polygon)
    return kept


def _contains(polygon: list[tuple[float, float]], x: float, y: float) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in pairwise([*polygon, polygon[0]]):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


@lru_cache(maxsize=256)
def _absolute(path: str) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Return a path as the commands M, L, C, Q and Z with absolute coordinates."""
    tokens = [match[1] or float(match[2]) for match in _COMMAND.finditer(path)]
    made: list[tuple[str, tuple[float, ...]]] = []
    x = y = start_x = start_y = control_x = control_y = 0.0
    letter, at = "", 0
    while at < len(tokens):
        if isinstance(tokens[at], str):
            letter = str(tokens[at])
            at += 1
        elif letter in "zZ":
            raise UnsupportedFormula("path")
        command = letter.upper()
        if command not in _ARGUMENTS:
            raise UnsupportedFormula(command)
        values = [float(value) for value in tokens[at : at + _ARGUMENTS[command]]]
        at += _ARGUMENTS[command]
        if command == "Z":
            made.append(("Z", ()))
            x, y = start_x, start_y
            continue
        if command == "H":
            command, values = "L", [values[0], 0.0 if letter.islower() else y]
        elif command == "V":
            command, values = "L", [0.0 if letter.islower() else x, values[0]]
        if letter.islower():
            values = [value + (y if number % 2 else x) for number, value in enumerate(values)]
        if command == "S":
            mirrored = [2 * x - control_x, 2 * y - control_y] if made[-1][0] == "C" else [x, y]
            command, values = "C", mirrored + values
        made.append((command, tuple(values)))
        if command == "C":
            control_x, control_y = values[2], values[3]
        x, y = values[-2], values[-1]
        if command == "M":
            start_x, start_y = x, y
            letter = "l" if letter == "m" else "L"
    return tuple(made)


def _flatten(box: Box) -> Iterator[tuple[float, float, Mark]]:
    """Yield the visible marks of a box and of all boxes in it, in the order of drawing."""
    stack: list[tuple[float, float, Any]] = [(0.0, 0.0, box)]
    while stack:
        x, y, item = stack.pop()
        if isinstance(item, Box):
            stack += [(x + right, y + down, inner) for right, down, inner in reversed(item.items)]
        elif (item.colour if isinstance(item, Shape) else item.style.colour) != "transparent":
            yield x, y, item
