"""The objects of a PDF file as Qt writes it, and newer versions of some of them at its end.

An incremental update (ISO 32000-1, 7.5.6) leaves every byte that is there where it is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

_FONT = re.compile(rb"/BaseFont /(\S+)\s.*?/DescendantFonts \[(\d+) 0 R\].*?/ToUnicode (\d+) 0 R", re.DOTALL)
_DESCRIPTOR = re.compile(rb"/FontDescriptor (\d+) 0 R")
_PROGRAM = re.compile(rb"/FontFile2 (\d+) 0 R")
_LENGTH = re.compile(rb"/Length (\d+)( 0 R)?")
_PAGES = re.compile(rb"/Pages (\d+) 0 R")
_KIDS = re.compile(rb"/Kids\s*\[([^\]]*)\]")


class PdfFile:
    """The objects of a file with one classic cross-reference table, as Qt writes it."""

    def __init__(self, content: bytes) -> None:
        """Raises ValueError or IndexError where it is not as Qt writes it."""
        self._content = content
        self._start = int(content[content.rindex(b"startxref") :].split()[1])
        lines = content[self._start :].split(b"trailer", 1)[0].split(b"\n")
        first, count = map(int, lines[1].split())
        if first:
            raise ValueError("a cross-reference table in sections")
        self._offsets = [int(line[:10]) for line in lines[2 : 2 + count]]
        self._trailer = content[self._start :].split(b"trailer", 1)[1].split(b"startxref", 1)[0].strip()
        root = re.search(rb"/Root (\d+) 0 R", self._trailer)
        if root is None:
            raise ValueError("no root")
        self.root = int(root[1])
        """The number of the catalogue."""
        self.size = len(self._offsets)
        """The number of the next new object."""

    def fonts(self) -> list[tuple[str, int, int]]:
        """For each composite font the name of its face, the number of its table and how many glyphs it holds."""
        found = []
        for number in range(1, len(self._offsets)):
            begin = self._offsets[number]
            head = self._content[begin : begin + 600]
            if b"/Subtype /Type0" not in head.split(b"endobj", 1)[0]:
                continue
            match = _FONT.search(head)
            if match:
                found.append((match[1].decode("latin-1"), int(match[3]), self._glyphs(int(match[2]))))
        return found

    def pages(self) -> list[int]:
        """The numbers of the pages' objects, in their order."""
        tree = _PAGES.search(self._body(self.root))
        kids = _KIDS.search(self._body(int(tree[1]))) if tree else None
        if kids is None:
            raise ValueError("no pages")
        return [int(each) for each in re.findall(rb"(\d+) 0 R", kids[1])]

    def _glyphs(self, number: int) -> int:
        """How many glyphs the face holds that a font names (OpenType, table ``maxp``)."""
        descriptor = _DESCRIPTOR.search(self._body(number))
        program = _PROGRAM.search(self._body(int(descriptor[1]))) if descriptor else None
        if program is None:
            return 0
        content = self.stream(int(program[1]))
        for at in range(12, 12 + 16 * int.from_bytes(content[4:6]), 16):
            if content[at : at + 4] == b"maxp":
                place = int.from_bytes(content[at + 8 : at + 12])
                return int.from_bytes(content[place + 4 : place + 6])
        return 0

    def stream(self, number: int) -> bytes:
        """The unpacked content of a stream."""
        begin = self._offsets[number]
        head_end = self._content.index(b"stream", begin)
        head = self._content[begin:head_end]
        length = _LENGTH.search(head)
        if length is None:
            raise ValueError("no length")
        size = int(length[1])
        if length[2]:
            place = self._offsets[size]
            size = int(self._content[place : place + 64].split(b"obj", 1)[1].split()[0])
        start = head_end + len(b"stream")
        start += 2 if self._content[start : start + 2] == b"\r\n" else 1
        data = self._content[start : start + size]
        return zlib.decompress(data) if b"/FlateDecode" in head else data

    def _body(self, number: int) -> bytes:
        begin = self._offsets[number]
        return self._content[begin : self._content.index(b"endobj", begin)].split(b"obj", 1)[1].strip()

    def dictionary(self, number: int, more: str) -> bytes:
        """An object that is a dictionary, with something added to it."""
        body = self._body(number)
        if not body.endswith(b">>"):
            raise ValueError("no dictionary")
        return body[:-2] + more.encode("ascii", "replace") + b"\n>>"

    def with_changed(self, bodies: Mapping[int, bytes]) -> bytes:
        """The file with newer versions of some objects after its end."""
        made = bytearray(self._content)
        if not made.endswith(b"\n"):
            made += b"\n"
        table = bytearray(b"xref\n0 1\n0000000000 65535 f \n")
        for number in sorted(bodies):
            table += b"%d 1\n%010d 00000 n \n" % (number, len(made))
            made += b"%d 0 obj\n%s\nendobj\n" % (number, bodies[number])
        start = len(made)
        size = max([self.size, *(number + 1 for number in bodies)])
        trailer = re.sub(rb"/Size \d+", b"/Size %d" % size, self._trailer)
        trailer = trailer[: trailer.rindex(b">>")].rstrip() + b"\n/Prev %d\n>>" % self._start
        return bytes(made + table + b"trailer\n" + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % start)


def stream(content: bytes) -> bytes:
    """The body of a stream object, packed."""
    packed = zlib.compress(content)
    return b"<<\n/Length %d\n/Filter /FlateDecode\n>>\nstream\n%s\nendstream" % (len(packed), packed)


def text_string(text: str) -> bytes:
    """A text as PDF writes those for people (7.9.2.2): hexadecimal, so that nothing in it means anything."""
    return b"<FEFF%s>" % text.encode("utf-16-be", "replace").hex().upper().encode()
