"""PDF: text of each page with its headings, which have larger letters or are in the outline."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from app.documents.child.markdown import MarkdownWriter
from app.documents.child.refusal import Refusal

HEADING_FACTOR = 1.12
"""A line is a heading if its letters are larger than the text's by this factor."""
MAX_HEADING = 150
"""Characters."""
FULL_LINE = 0.75
"""A line that ends before this share of the widest one on its page ends its paragraph."""
PARAGRAPH_GAP = 1.45
"""Distance between lines that separates paragraphs, as a multiple of the page's usual one."""
CELL_GAP = 1.3
"""Width of a gap that separates the columns of a table, as a multiple of the line's height."""
MAX_BOOKMARKS = 10_000
_ITEM = re.compile(
    r"(?:[-•‣▪●○◦·*–—\uf0b7]|\(?\d{1,3}[.)]|\(?[a-z][.)]|[（(]?[一二三四五六七八九十]{1,3}[、)）])\s+(?=\S)"
)
_BULLET = re.compile(r"[-•‣▪●○◦·*–—\uf0b7]\s+")
_HYPHEN = re.compile("[\x02\ufffe\xad](?:\r?\n)?")
"""A hyphen at the end of a line within a word, as PDFium marks it."""
_SENTENCE_ENDS = ".:;!?。：；！？"
_SPACES = re.compile(r"[ \t]+")
_FIND, _LOOSE_BOX = pdfium.FPDFText_GetCharIndexFromTextIndex, pdfium.FPDFText_GetLooseCharBox
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]")


@dataclass(frozen=True)
class _Line:
    cells: tuple[str, ...]
    """Its text, in parts where there are wide gaps, as between the columns of a table."""
    columns: tuple[float, ...]
    """Left edges of these parts."""
    size: float
    """Height of its letters in points, 0 where that is not known."""
    top: float
    right: float

    @property
    def width(self) -> float:
        """Its width in points."""
        return self.right - self.columns[0]

    def is_below(self, other: _Line) -> bool:
        """Whether both are rows of one table: a column after the first begins at the same place."""
        return any(abs(one - two) < self.size / 2 for one in self.columns[1:] for two in other.columns[1:])


def read_pdf(path: Path) -> Iterator[tuple[str, float]]:
    """Yield parts of the text, with the share of the document that was read.

    Raises ``Refusal``: ``encrypted`` or ``scan``; ``PdfiumError``: damaged.
    """
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise Refusal("encrypted") from error
        raise
    count = len(document)
    pages: list[list[_Line]] = []
    sizes: Counter[float] = Counter()
    for number in range(count):
        lines = _lines(document, number)
        for line in lines:
            sizes[line.size] += sum(map(len, line.cells))
        pages.append(lines)
        yield "", (number + 1) / count
    if not any(pages):
        raise Refusal("scan")
    writer = _PageWriter(sizes, _outline(document))
    for number, lines in enumerate(pages):
        yield writer.page(number, lines), 1.0


def _lines(document: pypdfium2.PdfDocument, number: int) -> list[_Line]:
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        # A damaged page; the others are read.
        return []
    text_page = page.get_textpage()
    lines, position = [], 0
    for raw in text_page.get_text_range().split("\n"):
        if raw.strip():
            lines += _line(text_page, raw, position)
        position += len(raw) + 1
    text_page.close()
    page.close()
    return lines


def _line(text_page: pypdfium2.PdfTextPage, raw: str, position: int) -> list[_Line]:
    """Return a line of the page's text; ``position`` is that of its first character in the text.

    PDFium joins a short last line of a paragraph with a heading below it; these are two.
    """
    page, box = text_page.raw, pdfium.FS_RECTF()
    reference = ctypes.byref(box)
    start, end = len(raw) - len(raw.lstrip()), len(raw.rstrip())
    first, last = _FIND(page, position + start), _FIND(page, position + end - 1)
    # PDFium also lists characters that are not in the text, but hardly ever within a line.
    is_direct = first >= 0 and last - first == end - 1 - start

    def is_boxed(index: int) -> bool:
        """Read the box of a character, which stays as it is where it has none."""
        place = first + index - start if is_direct else _FIND(page, position + index)
        return place >= 0 and bool(_LOOSE_BOX(page, place, reference))

    right = box.right if is_boxed(end - 1) else 0.0
    left = box.left if is_boxed(start) else 0.0
    size, top = round(abs(box.top - box.bottom) * 2) / 2, box.top
    lines, cells, columns, begin = list[_Line](), list[str](), [left], start
    for space in _SPACES.finditer(raw, start + 1, end - 1):
        before, after = space.span()
        column = box.left if is_boxed(after) else 0.0
        top_after, size_after = box.top, round(abs(box.top - box.bottom) * 2) / 2
        word_end = box.right if is_boxed(before - 1) else 0.0
        if column + size < word_end and top_after < box.bottom and size > 0:
            cells.append(raw[begin:before])
            lines.append(_Line(tuple(cells), tuple(columns), size, top, word_end))
            cells, columns, begin, size, top = [], [column], after, size_after, top_after
        elif column - word_end > CELL_GAP * size > 0:
            cells.append(raw[begin:before])
            columns.append(column)
            begin = after
    cells.append(raw[begin:end])
    return [*lines, _Line(tuple(cells), tuple(columns), size, top, right)]


def _outline(document: pypdfium2.PdfDocument) -> dict[tuple[int, str], int]:
    """Return the levels of the outline's titles by page and title."""
    levels = {}
    for bookmark in islice(document.get_toc(), MAX_BOOKMARKS):
        target = bookmark.get_dest()
        page = target.get_index() if target is not None else None
        if page is not None:
            levels[page, _key(bookmark.get_title())] = bookmark.level + 1
    return levels


def _key(title: str) -> str:
    """Return a title without spaces and its number."""
    return re.sub(r"^[\d.]+|\s+", "", title).casefold()


class _PageWriter:
    """Writes pages as Markdown: joins the lines of a paragraph, finds headings, lists and tables."""

    def __init__(self, sizes: Counter[float], outline: dict[tuple[int, str], int]) -> None:
        """``sizes``: number of characters by the height of their lines."""
        self._writer, self._outline = MarkdownWriter(), outline
        body = sizes.most_common(1)[0][0]
        larger = sorted((size for size in sizes if size > body * HEADING_FACTOR), reverse=True)
        self._levels = {size: min(level, 4) for level, size in enumerate(larger, 1)}

    def page(self, number: int, lines: list[_Line]) -> str:
        """Return the Markdown of the page with this index."""
        writer = self._writer
        writer.page(number + 1)
        widest = max((line.width for line in lines), default=0.0)
        gaps = sorted(above.top - below.top for above, below in pairwise(lines) if above.top > below.top)
        usual = gaps[len(gaps) // 3] if gaps else 0.0
        paragraph = ""
        before: _Line | None = None
        for rows in _rows(lines):
            if len(rows) > 1:
                self._end(paragraph)
                paragraph, before = "", None
                writer.table([[_clean(cell) for cell in row.cells] for row in rows])
                continue
            line = rows[0]
            text = _clean(" ".join(line.cells))
            level = self._level(number, line, text)
            ends = (
                before is None
                or before.width < FULL_LINE * widest
                or before.top - line.top > PARAGRAPH_GAP * usual > 0
                or line.top > before.top
            )
            # A number at the beginning of a line can also be within a sentence.
            if level or ends or (_ITEM.match(text) and (_ITEM.match(paragraph) or paragraph[-1:] in _SENTENCE_ENDS)):
                self._end(paragraph)
                paragraph = ""
            if level:
                writer.heading(level, text)
                before = None
            else:
                paragraph, before = _joined(paragraph, text), line
        self._end(paragraph)
        return writer.take()

    def _end(self, paragraph: str) -> None:
        item = _ITEM.match(paragraph)
        if item is None:
            self._writer.paragraph(paragraph)
        elif _BULLET.match(paragraph):
            self._writer.item(paragraph[item.end() :])
        else:
            self._writer.item(paragraph[item.end() :], marker=item[0].strip())

    def _level(self, number: int, line: _Line, text: str) -> int:
        if len(text) > MAX_HEADING:
            return 0
        listed = self._outline.get((number, _key(text))) if self._outline else None
        return listed or self._levels.get(line.size, 0)


def _rows(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Yield the lines, those of a table together."""
    rows: list[_Line] = []
    for line in lines:
        if rows and not line.is_below(rows[-1]):
            yield rows
            rows = []
        rows.append(line)
    if rows:
        yield rows


def _clean(text: str) -> str:
    return _HYPHEN.sub("", text.strip("\r\n"))


def _joined(paragraph: str, line: str) -> str:
    """Return a paragraph with one more line; Chinese lines are joined without a space."""
    if not paragraph:
        return line
    if paragraph[-1] == "-" and line[:1].islower():
        return paragraph + line
    is_wide = _WIDE.match(paragraph[-1]) and _WIDE.match(line[:1])
    return paragraph + ("" if is_wide else " ") + line
