"""Files that are ZIP archives of XML: limits on what is unpacked, and a parser that expands no entities."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from app.documents.child.refusal import Refusal

MAX_MEMBER_BYTES = 128 << 20
MAX_MEMBERS = 20_000
MAX_UNPACKED_BYTES = 512 << 20
"""Of all members that are read."""


class DocumentArchive:
    """A ZIP archive that is read member by member, never unpacked to the disk."""

    def __init__(self, path: Path) -> None:
        """Raises ``zipfile.BadZipFile``."""
        self._zip = zipfile.ZipFile(path)
        self.names = frozenset(self._zip.namelist()[:MAX_MEMBERS])
        self._left = MAX_UNPACKED_BYTES

    def read(self, name: str) -> bytes:
        """Return a member; empty where there is none.  Raises ``Refusal``: ``damaged``, as for a decompression bomb."""
        if name not in self.names:
            return b""
        if self._zip.getinfo(name).flag_bits & 1:
            raise Refusal("encrypted")
        limit = min(MAX_MEMBER_BYTES, self._left)
        with self._zip.open(name) as member:
            content = member.read(limit + 1)
        if len(content) > limit:
            raise Refusal("damaged")
        self._left -= len(content)
        return content

    def xml(self, name: str) -> Element:
        """Return the root of an XML member, an empty element where there is none."""
        content = self.read(name)
        return parse_xml(content) if content else Element("missing")

    def check_sizes(self) -> None:
        """Raise ``Refusal``: ``damaged``, for an archive too large for a library that reads all of it."""
        if sum(member.file_size for member in self._zip.infolist()) > MAX_UNPACKED_BYTES:
            raise Refusal("damaged")

    def relations(self, name: str) -> Mapping[str, str]:
        """Return the members that an Office member refers to, by the ids of the references.

        References to other places are left out: nothing outside the file is read.
        """
        folder, base = posixpath.split(name)
        return {
            each.get("Id", ""): posixpath.normpath(posixpath.join("/" + folder, each.get("Target", "")))[1:]
            for each in self.xml(f"{folder}/_rels/{base}.rels")
            if each.get("TargetMode") != "External"
        }


def parse_xml(content: bytes) -> Element:
    """Return the root element, whose names are without namespaces, except for ``r:id`` and other references.

    Raises ``Refusal``: ``damaged``: it is no XML, or has a document type, which Office files never have and in which
    entities would be declared.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.start(_local(name), {_attribute(key): value for key, value in attributes.items()})

    def refuse(*_declaration: object) -> None:
        raise Refusal("damaged")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: builder.end(_local(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Refusal("damaged") from error
    root: Element = builder.close()
    return root


def descend(element: Element, *, without: frozenset[str]) -> Iterator[Element]:
    """Yield all elements below this one in their order, except for those with these names and what they contain."""
    stack = list(reversed(element))
    while stack:
        child = stack.pop()
        if child.tag not in without:
            yield child
            stack.extend(reversed(child))


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _attribute(name: str) -> str:
    namespace, _, local = name.rpartition("}")
    return f"r:{local}" if namespace.endswith("/relationships") else local
