"""HTML pages, and EPUB books, which are archives of them.  Nothing they refer to is loaded."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from app.documents.attachments import decode
from app.documents.child.archive import DocumentArchive, parse_xml
from app.documents.child.markdown import MarkdownWriter
from app.documents.child.refusal import Refusal

_NOT_SHOWN = frozenset({"script", "style", "template", "noscript", "svg", "math", "head", "iframe", "object", "select"})
_BLOCK = re.compile(
    "address|article|aside|blockquote|body|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|header|"
    "hr|html|legend|main|nav|ol|p|section|summary|ul"
)
_HEADING = re.compile(r"h[1-6]")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{2,40})""", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
"""With its own entities, which are not read."""
_DOCTYPE_BYTES = re.compile(_DOCTYPE.pattern.encode(), re.IGNORECASE)
MAX_DEPTH = 20
"""Of lists."""


class _HtmlReader(HTMLParser):
    """Writes what a page shows as Markdown."""

    def __init__(self, writer: MarkdownWriter) -> None:
        super().__init__(convert_charrefs=True)
        self._writer = writer
        self._text: list[str] = []
        self._hidden = ""
        """Element that is not shown, with the number of those open in ``_hidden_depth``."""
        self._hidden_depth = 0
        self._is_code = False
        self._lists: list[int] = []
        """Number of the last item of each open list, -1 for lists with bullets."""
        self._heading = 0
        self._is_item = False
        self._rows: list[list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Begin an element."""
        if self._hidden:
            self._hidden_depth += tag == self._hidden
        elif tag in _NOT_SHOWN:
            self._hidden, self._hidden_depth = tag, 1
        elif self._rows is not None:
            self._start_in_table(tag)
        elif tag == "table":
            self._end_block()
            self._rows = []
        elif tag == "br":
            self._text.append("\n")
        elif tag == "pre":
            self._end_block()
            self._is_code = True
        elif tag == "li":
            self._end_block()
            self._is_item = True
            if self._lists and self._lists[-1] >= 0:
                self._lists[-1] += 1
        elif _HEADING.fullmatch(tag):
            self._end_block()
            self._heading = int(tag[1])
        elif _BLOCK.fullmatch(tag):
            if not (self._is_item and not "".join(self._text).strip()):
                self._end_block()
            if tag in ("ol", "ul") and len(self._lists) < MAX_DEPTH:
                self._lists.append(0 if tag == "ol" else -1)

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if self._hidden:
            self._hidden_depth -= tag == self._hidden
            if not self._hidden_depth:
                self._hidden = ""
        elif self._rows is not None:
            if tag == "table":
                self._end_cell()
                rows, self._rows = self._rows, None
                self._writer.table(rows)
        elif _BLOCK.fullmatch(tag) or tag in ("li", "pre") or _HEADING.fullmatch(tag):
            self._end_block()
            if tag in ("ol", "ul") and self._lists:
                self._lists.pop()

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if not self._hidden:
            self._text.append(data if self._is_code else re.sub(r"\s+", " ", data))

    def close(self) -> None:
        """End the page."""
        super().close()
        if self._rows is not None:
            self._end_cell()
            self._writer.table(self._rows)
        self._end_block()

    def _start_in_table(self, tag: str) -> None:
        # A table within a table is a part of its rows.
        assert self._rows is not None
        if tag == "tr":
            self._end_cell()
            self._rows.append([])
        elif tag in ("td", "th"):
            self._end_cell()
            if not self._rows:
                self._rows.append([])
            self._rows[-1].append("")
        elif _BLOCK.fullmatch(tag) or tag in ("br", "li"):
            self._text.append(" ")

    def _end_cell(self) -> None:
        text, self._text = "".join(self._text).strip(), []
        if self._rows and self._rows[-1]:
            self._rows[-1][-1] += text

    def _end_block(self) -> None:
        text, self._text = "".join(self._text), []
        if self._is_code:
            self._writer.code(text)
        elif not text.strip():
            return
        elif self._heading:
            self._writer.heading(self._heading, text)
        elif self._is_item:
            number = self._lists[-1] if self._lists else -1
            self._writer.item(text, max(0, len(self._lists) - 1), "-" if number < 0 else f"{number}.")
        else:
            self._writer.paragraph(re.sub(r" *\n *", "\n", text))
        self._is_code = self._is_item = False
        self._heading = 0


def html_to_markdown(content: bytes) -> str:
    """Return what a page shows; empty where that is nothing.  Raises ``Refusal``: ``not_text``."""
    writer = MarkdownWriter()
    named = _CHARSET.search(content[:4096])
    text = None
    if named is not None:
        try:
            text = content.decode(named[1].decode())
        except (LookupError, UnicodeError):
            # Not what it says of itself.
            text = None
    text = text if text is not None else decode(content)
    if text is None:
        raise Refusal("not_text")
    reader = _HtmlReader(writer)
    reader.feed(_DOCTYPE.sub("", text, count=1))
    reader.close()
    return writer.take()


def read_html(path: Path) -> Iterator[tuple[str, float]]:
    """Yield the text of a page, or its source where it shows none."""
    content = path.read_bytes()
    yield html_to_markdown(content) or decode(content) or "", 1.0


def read_epub(archive: DocumentArchive) -> Iterator[tuple[str, float]]:
    """Yield the text of each chapter, with the share of the book that was read."""
    if "META-INF/rights.xml" in archive.names:
        raise Refusal("encrypted")
    root = next(parse_xml(archive.read("META-INF/container.xml")).iter("rootfile"), None)
    name = root.get("full-path", "") if root is not None else ""
    package = parse_xml(_DOCTYPE_BYTES.sub(b"", archive.read(name)))
    items = {each.get("id", ""): each.get("href", "") for each in package.iter("item")}
    spine = [each.get("idref", "") for each in package.iter("itemref") if each.get("linear") != "no"]
    for number, each in enumerate(spine, 1):
        chapter = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(items.get(each, ""))))
        yield html_to_markdown(archive.read(chapter)), number / len(spine)
