"""Runs of text in a document: how they are put there, and where something stands in them."""

from __future__ import annotations

import re

from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextDocument

from app.markdown.blocks import Span, Style
from ui.transcript.formula import OBJECT, formulas_in, insert_formula, source_of
from ui.transcript.style import HEADINGS, TextStyle

LINE_BREAK = "\u2028"


def write_spans(cursor: QTextCursor, spans: tuple[Span, ...], style: TextStyle, level: int, thought: bool) -> None:
    """Put spans where the cursor stands."""
    for span in spans:
        how = span.style
        if Style.EMPHASIS in how and (span.formula or not style.emphasis_can_slant(span.text)):
            how = (how & ~Style.EMPHASIS) | Style.STRONG
        shape = style.span_format(how, link=bool(span.href), level=level, thought=thought)
        if span.href:
            shape = QTextCharFormat(shape)
            shape.setAnchorHref(span.href)
        if span.formula:
            size = style.size * (HEADINGS[level - 1] if level else 1)
            role = "link" if span.href else "quiet_text" if thought else "text"
            insert_formula(cursor, style, shape, span, display=False, size=size, role=role)
        else:
            cursor.insertText(span.text.replace("\n", LINE_BREAK), shape)


def units(text: str) -> int:
    """How many places a text takes in a document of Qt."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def find_text(document: QTextDocument, pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """Where a document holds what a pattern finds; formulas are looked through as they were written."""
    text = document.toPlainText()
    if OBJECT not in text:
        found = [match.span() for match in pattern.finditer(text)]
        # Qt counts characters beyond the first plane twice.
        return [(units(text[:start]), units(text[:end])) for start, end in found] if units(text) > len(text) else found
    sources = iter([source_of(shape) for _, shape in formulas_in(document)])
    whole, starts, at = "", [], 0
    for character in text:
        piece = next(sources, OBJECT) if character == OBJECT else character
        whole += piece
        starts += [at] * len(piece)
        at += units(character)
    starts.append(at)
    # A hit inside a formula marks the whole of it.
    return [
        (starts[match.start()], max(starts[match.end()], _behind(starts, match.end() - 1)))
        for match in pattern.finditer(whole)
    ]


def _behind(starts: list[int], index: int) -> int:
    """The first place behind the one where a character stands."""
    here = starts[index]
    return next((place for place in starts[index + 1 :] if place > here), here)
