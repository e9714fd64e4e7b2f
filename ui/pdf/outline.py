"""The list of questions beside the pages, to jump by (ISO 32000-1, 12.3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ui.pdf.update import PdfFile, text_string

LONGEST = 80
"""Characters of an entry."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that can be jumped to."""

    words: str
    page: int
    """From 0 on."""
    above: float
    """Points from the lower edge of the paper."""


def outline(file: PdfFile, marks: Sequence[Mark]) -> tuple[int, dict[int, bytes]]:
    """The number of the outline's object, and all of its objects."""
    root, pages = file.size, file.pages()
    bodies: dict[int, bytes] = {}
    first, last = root + 1, root + len(marks)
    for number, mark in enumerate(marks, first):
        words = mark.words if len(mark.words) <= LONGEST else mark.words[: LONGEST - 1] + "…"
        lines = [
            b"/Title " + text_string(words),
            b"/Parent %d 0 R" % root,
            b"/Dest [%d 0 R /XYZ null %.1f null]" % (pages[mark.page], mark.above),
        ]
        if number > first:
            lines.append(b"/Prev %d 0 R" % (number - 1))
        if number < last:
            lines.append(b"/Next %d 0 R" % (number + 1))
        bodies[number] = b"<<\n%s\n>>" % b"\n".join(lines)
    bodies[root] = b"<<\n/Type /Outlines\n/First %d 0 R\n/Last %d 0 R\n/Count %d\n>>" % (first, last, len(marks))
    return root, bodies
