"""What is written: stretches of text with their formats, and pictures between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from PySide6.QtGui import QTextCharFormat

from app.export.entries import visible
from app.markdown.blocks import Span, Style
from app.markdown.highlight import CodeRole
from ui.pdf.emoji import parts
from ui.pdf.faces import CODE_SIZE, Faces
from ui.pdf.pictures import Picture, formula_picture

_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffc]|[\ud800-\udfff]")

Run = tuple[str, QTextCharFormat]


def clean(text: str) -> str:
    """Text as it may be drawn: directions that are not obeyed, no controls, one kind of line break."""
    return _CONTROLS.sub("\ufffd", visible(text.replace("\r\n", "\n").replace("\r", "\n")))


def runs_of(
    spans: Iterable[Span], faces: Faces, size: int, *, role: str = "text", bold: bool = False
) -> Iterator[Run | Picture]:
    """Spans as stretches of text with their formats, and as pictures of formulas."""
    for span in spans:
        if span.formula:
            colour = faces.colour(role).name()
            drawn = formula_picture(faces.mathematics, span.formula, span.text, display=False, size=size, colour=colour)
            if drawn is not None:
                yield replace(drawn, letter=faces.letter(drawn.source))
                continue
            span = replace(span, style=span.style | Style.CODE)
        style, text = span.style | (Style.STRONG if bold else Style.PLAIN), clean(span.text)
        kind, own = ("mono", round(size * 0.9)) if Style.CODE in style else ("text", size)
        if Style.EMPHASIS in style and _CHINESE.search(text):
            # Chinese has no slanted letters; there emphasis is weight.
            style = (style & ~Style.EMPHASIS) | Style.STRONG
        made = faces.span_format(kind, own, style, role)
        faces.note(text, kind, own, bold=Style.STRONG in style, slanted=Style.EMPHASIS in style)
        yield from parts(text, faces.link_format(made, span.href) if span.href else made, faces)


def code_runs(line: Iterable[tuple[str, CodeRole]], faces: Faces) -> Iterator[Run | Picture]:
    """One line of code in its colours."""
    for stretch, role in line:
        text = clean(stretch)
        faces.note(text, "mono", CODE_SIZE)
        yield from parts(text, faces.code_format(role), faces)


def units(text: str) -> int:
    """How long Qt takes a text to be: it counts in UTF-16."""
    if text.isascii() or max(text) <= "\uffff":
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, length: int) -> tuple[str, str]:
    """The first ``length`` units of a text, one less where a character would be cut in two, and the rest."""
    if text.isascii() or max(text) <= "\uffff":
        return text[:length], text[length:]
    place = 0
    for number, character in enumerate(text):
        place += units(character)
        if place > length:
            return text[:number], text[number:]
    return text, ""
