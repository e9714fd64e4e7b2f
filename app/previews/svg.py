"""Drawings in answers: which code is one, and its SVG without anything that reaches outside of it.

``safe_svg`` is for the limited process that draws: the cost of reading and drawing an SVG is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

MAX_CHARACTERS = 500_000
MAX_ELEMENTS, MAX_DEPTH = 20_000, 64
MAX_IMAGE_CHARACTERS = 200_000
"""Of a picture inside a drawing, as a data URL."""
MAX_SVG_TITLE = 200
"""Characters."""
_ROOT = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--(?:(?!-->).){0,2000}-->\s*|<!DOCTYPE\s+svg[^>\[]{0,500}>\s*){0,4}<svg[\s>]",
    re.DOTALL,
)
_KEPT = frozenset(
    {
        *("svg", "g", "defs", "symbol", "use", "switch", "style", "image", "text", "tspan", "textPath"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "marker"),
        *("linearGradient", "radialGradient", "stop", "pattern", "mask", "clipPath", "filter"),
        *("feBlend", "feColorMatrix", "feComposite", "feFlood", "feGaussianBlur", "feMerge", "feMergeNode", "feOffset"),
    }
)
"""Elements; others, such as scripts, animations and foreign objects, are left out with what is in them."""
_EMBEDDED = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]*")
_OUTSIDE = re.compile(r"""\\|url\(\s*['"]?\s*(?!['"\s#])""", re.IGNORECASE)
"""A reference to another file in CSS, or an escape that could hide one."""
_AT_RULE = re.compile(r"@[^;{]*(?:;|\{(?:[^{}]|\{[^{}]*\})*\})")


@dataclass(frozen=True)
class SafeSvg:
    """An SVG document that refers only to itself."""

    text: str
    title: str
    """Its ``title`` element; empty without one."""


def is_svg(code: str, language: str) -> bool:
    """Return whether a block of code is a drawing."""
    return language in {"svg", "xml", "html"} and len(code) <= MAX_CHARACTERS and _ROOT.match(code) is not None


def safe_svg(code: str) -> SafeSvg:
    """Rewrite a drawing with known elements only, without scripts, events and references to anything outside.

    Raises:
        ValueError: it is malformed, declares entities, or has too many or too deep elements.
    """
    if len(code) > MAX_CHARACTERS:
        raise ValueError("size")
    rewriter = _Rewriter()
    try:
        rewriter.parser.Parse(code.strip().encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError("malformed") from error
    return SafeSvg("".join(rewriter.written), " ".join("".join(rewriter.title).split())[:MAX_SVG_TITLE])


class _Rewriter:
    def __init__(self) -> None:
        self.written: list[str] = []
        self.title: list[str] = []
        self._open: list[str] = []
        self._elements = 0
        self._left_out = 0
        """Depth of the outermost element that is left out, or 0."""
        # Without namespaces: models forget to declare them.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_subset: bool) -> None:
        if has_subset:
            raise ValueError("entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self._elements += 1
        self._open.append(name)
        if self._elements > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise ValueError("size")
        if len(self._open) == 1 and name != "svg":
            raise ValueError("malformed")
        if self._left_out:
            return
        # A link is only a group here.
        written = "g" if name == "a" else name
        if written not in _KEPT:
            self._left_out = len(self._open)
            return
        self.written.append(f"<{written}")
        if len(self._open) == 1:
            self.written.append(' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"')
        seen = set[str]()
        for attribute, value in attributes.items():
            kept = _kept_attribute(name, attribute, value)
            if kept and kept not in seen:
                seen.add(kept)
                self.written.append(f" {kept}={quoteattr(value)}")
        self.written.append(">")

    def _end(self, _name: str) -> None:
        if not self._left_out:
            written = self._open[-1]
            self.written.append(f"</{'g' if written == 'a' else written}>")
        elif self._left_out == len(self._open):
            self._left_out = 0
        self._open.pop()

    def _text(self, text: str) -> None:
        if self._open == ["svg", "title"]:
            self.title.append(text)
        elif not self._left_out:
            self.written.append(escape(_without_rules(text) if self._open[-1] == "style" else text))


def _kept_attribute(element: str, name: str, value: str) -> str:
    """Return the name under which an attribute is kept; empty for one that is left out."""
    prefix, _, local = name.rpartition(":")
    if local == "href":
        is_inside = value.strip().startswith("#")
        is_picture = element == "image" and len(value) <= MAX_IMAGE_CHARACTERS and _EMBEDDED.fullmatch(value.strip())
        return "xlink:href" if element != "a" and (is_inside or is_picture) else ""
    if prefix not in {"", "xml"} or local in {"xmlns", "base"} or local.lower().startswith("on"):
        return ""
    return "" if _OUTSIDE.search(value) else name


def _without_rules(css: str) -> str:
    """Return a style sheet without ``@`` rules; empty if it refers to other files."""
    css = _AT_RULE.sub("", css)
    return "" if "@" in css or _OUTSIDE.search(css) else css
