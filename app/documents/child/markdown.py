"""Markdown of a document: headings, paragraphs, list items, tables and page numbers as blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

PAGE = "[Page {number}]"
"""The line above the text of a page or slide; ``app.documents.passages`` reads it."""
_UNSAFE = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters, and code units that are no characters: some files contain them."""


class MarkdownWriter:
    """Collects the blocks of a document."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._in_list = False

    def page(self, number: int) -> None:
        """Begin a page, numbered from 1."""
        self._add(PAGE.format(number=number))

    def heading(self, level: int, text: str) -> None:
        """Add a heading; ``level`` is 1 for the title."""
        self._add_text(f"{'#' * max(1, min(level, 6))} {{}}", " ".join(text.split()))

    def paragraph(self, text: str) -> None:
        """Add a paragraph, with its line breaks."""
        self._add_text("{}", text.strip())

    def item(self, text: str, depth: int = 0, marker: str = "-") -> None:
        """Add a list item; ``depth`` is 0 for the outermost list."""
        self._add_text(f"{'  ' * depth}{marker} {{}}", " ".join(text.split()), in_list=True)

    def code(self, text: str) -> None:
        """Add preformatted text."""
        self._add_text("```\n{}\n```", text.strip("\n"))

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Add a table, whose first row is its head; empty rows are left out."""
        cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
        cells = [row for row in cells if any(row)]
        if not cells:
            return
        width = max(map(len, cells))
        lines = ["| " + " | ".join([*row, *[""] * (width - len(row))]) + " |" for row in cells]
        self._add_text("{}", "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]]))

    def take(self) -> str:
        """Return the text of the blocks since the last call."""
        text, self._parts = "".join(self._parts), []
        return text

    def _add_text(self, block: str, text: str, *, in_list: bool = False) -> None:
        if text:
            self._add(block.replace("{}", text), in_list=in_list)

    def _add(self, block: str, *, in_list: bool = False) -> None:
        if in_list and self._in_list:
            # The items of a list follow each other without an empty line.
            self._parts.append(f"{_UNSAFE.sub('', block)}\n")
        else:
            self._parts.append(f"\n{_UNSAFE.sub('', block)}\n")
        self._in_list = in_list
