"""Office formats: DOCX and PPTX, which are archives of XML, and tables (XLSX, XLS, ODS) as calamine reads them.

Layouts: ECMA-376, part 1.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from app.documents.child.archive import DocumentArchive, descend
from app.documents.child.markdown import MarkdownWriter

BLOCKS_AT_ONCE = 200
_NOT_SHOWN = frozenset({"Fallback", "del", "moveFrom", "instrText", "delText"})
"""A second form of what the file also contains in a newer form, deleted text, and the code of fields."""


class DocxReader:
    """Reads one DOCX file."""

    def __init__(self, archive: DocumentArchive) -> None:
        self._archive, self._writer = archive, MarkdownWriter()
        self._headings = self._heading_styles()
        self._style_lists = {
            style.get("styleId", ""): properties
            for style in archive.xml("word/styles.xml").iter("style")
            if (properties := style.find("pPr/numPr")) is not None
        }
        self._bullets = self._list_formats()
        self._counts: dict[tuple[str, int], int] = defaultdict(int)
        self._page = 1

    def read(self) -> Iterator[tuple[str, float]]:
        """Yield parts of the text, with the share of the document that was read."""
        body = self._archive.xml("word/document.xml").find("body")
        blocks = list(_blocks(body)) if body is not None else []
        if body is not None and any(map(_is_page_break, body.iter())):
            self._writer.page(1)
        for number, block in enumerate(blocks, 1):
            self._write(block)
            if number % BLOCKS_AT_ONCE == 0:
                yield self._writer.take(), number / len(blocks)
        for name in ("footnotes", "endnotes"):
            for note in self._archive.xml(f"word/{name}.xml"):
                self._writer.paragraph(" ".join(map(_text, note.iter("p"))))
        yield self._writer.take(), 1.0

    def _write(self, block: Element) -> None:
        breaks = sum(map(_is_page_break, block.iter()))
        if block.tag == "tbl":
            self._writer.table([[_cell(cell) for cell in row.iter("tc")] for row in block.iter("tr")])
        else:
            # A break is nearly always before the text of its paragraph.
            self._turn_pages(breaks)
            breaks = 0
            self._write_paragraph(block)
        self._turn_pages(breaks)

    def _turn_pages(self, breaks: int) -> None:
        if breaks:
            self._page += breaks
            self._writer.page(self._page)

    def _write_paragraph(self, paragraph: Element) -> None:
        text, style = _text(paragraph), _value(paragraph, "pPr/pStyle")
        level = _value(paragraph, "pPr/outlineLvl")
        heading = int(level) + 1 if level.isdigit() and int(level) < 9 else self._headings.get(style, 0)
        properties = paragraph.find("pPr/numPr")
        if properties is None:
            properties = self._style_lists.get(style)
        if heading:
            self._writer.heading(heading, text)
        elif properties is not None and (list_id := _value(properties, "numId")) not in ("", "0"):
            depth = int(_value(properties, "ilvl") or 0)
            self._counts[list_id, depth] += 1
            for deeper in range(depth + 1, 9):
                self._counts.pop((list_id, deeper), None)
            is_bullet = self._bullets.get((list_id, depth), True)
            self._writer.item(text, depth, "-" if is_bullet else f"{self._counts[list_id, depth]}.")
        else:
            self._writer.paragraph(text)

    def _heading_styles(self) -> dict[str, int]:
        """Return the heading levels of paragraph styles by their ids."""
        levels: dict[str, int] = {}
        for style in self._archive.xml("word/styles.xml").iter("style"):
            name = _value(style, "name").lower()
            outline = _value(style, "pPr/outlineLvl")
            based = levels.get(_value(style, "basedOn"), 0)
            if name == "title":
                level = 1
            elif name.startswith("heading ") and name[8:].isdigit():
                level = int(name[8:])
            elif outline.isdigit():
                level = int(outline) + 1 if int(outline) < 9 else 0
            else:
                level = based
            if level:
                levels[style.get("styleId", "")] = level
        return levels

    def _list_formats(self) -> dict[tuple[str, int], bool]:
        """Return whether each level of each list has bullets, by the list's id and the level."""
        numbering = self._archive.xml("word/numbering.xml")
        abstract = {each.get("abstractNumId", ""): each for each in numbering.iter("abstractNum")}
        return {
            (each.get("numId", ""), int(level.get("ilvl", "0"))): _value(level, "numFmt") == "bullet"
            for each in numbering.iter("num")
            if (found := abstract.get(_value(each, "abstractNumId"))) is not None
            for level in found.iter("lvl")
        }


def read_pptx(archive: DocumentArchive) -> Iterator[tuple[str, float]]:
    """Yield the text of each slide, with the share of the document that was read."""
    name = "ppt/presentation.xml"
    presentation, relations = archive.xml(name), archive.relations(name)
    writer = MarkdownWriter()
    slides = [relations.get(each.get("r:id", ""), "") for each in presentation.iter("sldId")]
    for number, slide in enumerate(slides, 1):
        writer.page(number)
        for shape in descend(archive.xml(slide), without=_NOT_SHOWN):
            if shape.tag == "tbl":
                writer.table([[_cell(cell) for cell in row.iter("tc")] for row in shape.iter("tr")])
            elif shape.tag == "sp":
                _write_shape(shape, writer)
        for related in archive.relations(slide).values():
            if related.startswith("ppt/notesSlides/"):
                for shape in archive.xml(related).iter("sp"):
                    if _placeholder(shape) == "body":
                        _write_shape(shape, writer)
        yield writer.take(), number / len(slides)


def read_workbook(path: Path) -> Iterator[tuple[str, float]]:
    """Yield the sheets as tables.  Formulas are not computed: their stored results are read."""
    from python_calamine import CalamineWorkbook

    workbook, writer = CalamineWorkbook.from_path(path), MarkdownWriter()
    names = workbook.sheet_names
    for number, name in enumerate(names, 1):
        rows = [[_cell_text(value) for value in row] for row in workbook.get_sheet_by_name(name).iter_rows()]
        if any(map(any, rows)):
            writer.heading(2, name)
            writer.table(rows)
        yield writer.take(), number / len(names)


def _write_shape(shape: Element, writer: MarkdownWriter) -> None:
    kind = _placeholder(shape)
    if kind in ("title", "ctrTitle"):
        writer.heading(2, " ".join(map(_text, shape.iter("p"))))
        return
    if kind in ("sldNum", "dt", "ftr", "hdr"):
        return
    for paragraph in shape.iter("p"):
        properties = paragraph.find("pPr")
        level = properties.get("lvl", "0") if properties is not None else "0"
        if kind in ("body", "obj", "subTitle", ""):
            writer.item(_text(paragraph), int(level) if level.isdigit() else 0)
        else:
            writer.paragraph(_text(paragraph))


def _placeholder(shape: Element) -> str:
    """Return the kind of a placeholder; empty for one without a kind, ``none`` for another shape."""
    placeholder = shape.find("nvSpPr/nvPr/ph")
    return "none" if placeholder is None else placeholder.get("type", "")


def _blocks(body: Element) -> Iterator[Element]:
    """Yield paragraphs and tables, also those in content controls and text boxes."""
    stack = list(reversed(body))
    while stack:
        element = stack.pop()
        if element.tag in ("p", "tbl"):
            yield element
        if element.tag != "tbl" and element.tag not in _NOT_SHOWN:
            stack.extend(reversed(element))


def _is_page_break(element: Element) -> bool:
    # Word stores where its pages ended when it saved the file.
    return element.tag == "lastRenderedPageBreak"


def _cell(cell: Element) -> str:
    return " ".join(filter(None, map(_text, cell.iter("p"))))


def _text(paragraph: Element) -> str:
    parts = []
    for element in descend(paragraph, without=_NOT_SHOWN | {"txbxContent"}):
        if element.tag == "t":
            parts.append(element.text or "")
        elif element.tag == "tab":
            parts.append("\t")
        elif element.tag in ("br", "cr"):
            parts.append("\n")
    return "".join(parts).strip()


def _value(element: Element, path: str) -> str:
    """Return the attribute ``val`` of an element below; empty where there is none."""
    found = element.find(path)
    return found.get("val", "") if found is not None else ""


def _cell_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)
