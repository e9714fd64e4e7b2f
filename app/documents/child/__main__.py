"""The program of the child process that reads documents.

Documents come from anywhere, and some are made to take unlimited time or memory.  ``app.documents.extraction`` starts
and ends the process.

One JSON object per line.  In: ``{"picture"}``, the base64 of a file.  Out: as ``picture.prepare``.

In: ``{"path"}``, then ``{}`` until the end.  Out: ``{"ready": true}`` once, then each time
``{"text", "done", "end"}``, a part of the text, with the share that was read and whether it was the last one, or
``{"refused": WHY}``.
"""

from __future__ import annotations

import base64
import logging
import sys
import time
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.documents.child.archive import DocumentArchive
from app.documents.child.refusal import Refusal
from app.documents.extraction import LIMIT_BYTES, STEP_LIMIT_S
from app.process.limited_child import serve

STEP_S = 0.2
"""Seconds of reading for one answer."""
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream of an Office file with a password."""


class Extraction:
    """Reads one document in steps."""

    def __init__(self) -> None:
        self._parts: Iterator[tuple[str, float]] = iter(())

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request."""
        try:
            if "picture" in request:
                from app.documents.child.picture import prepare

                return prepare(base64.b64decode(request["picture"]))
            if "path" in request:
                self._parts = _read(Path(request["path"]))
            return self._step()
        except Refusal as refusal:
            return {"refused": refusal.code}
        except Exception:
            # For damaged files the libraries raise anything: struct.error, MemoryError, RecursionError.
            return {"refused": "damaged"}

    def _step(self) -> dict[str, Any]:
        text, done, end = [], 0.0, time.monotonic() + STEP_S
        for part, done in self._parts:
            text.append(part)
            if time.monotonic() >= end:
                return {"text": "".join(text), "done": done, "end": False}
        return {"text": "".join(text), "done": 1.0, "end": True}


def _read(path: Path) -> Iterator[tuple[str, float]]:
    with path.open("rb") as file:
        head = file.read(1024)
    # Each format imports its library when it is needed.
    if b"%PDF-" in head:
        from app.documents.child.pdf import read_pdf

        return read_pdf(path)
    from app.documents.child import html, office

    if head.startswith(_OLE):
        if _ENCRYPTED in path.read_bytes():
            raise Refusal("encrypted")
        if path.suffix.lower() != ".xls":
            raise Refusal("old_format")
        return office.read_workbook(path)
    if not head.startswith(b"PK"):
        return html.read_html(path)
    try:
        archive = DocumentArchive(path)
    except zipfile.BadZipFile as error:
        raise Refusal("damaged") from error
    if "word/document.xml" in archive.names:
        return office.DocxReader(archive).read()
    if "ppt/presentation.xml" in archive.names:
        return office.read_pptx(archive)
    if "META-INF/container.xml" in archive.names and archive.read("mimetype").startswith(b"application/epub"):
        return html.read_epub(archive)
    if archive.names & {"xl/workbook.xml", "xl/workbook.bin"} or path.suffix.lower() == ".ods":
        archive.check_sizes()
        return office.read_workbook(path)
    raise Refusal("not_text")


def main() -> None:
    """Serve until the parent closes the pipe."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(1000)
    serve(Extraction().handle, LIMIT_BYTES, STEP_LIMIT_S)


if __name__ == "__main__":
    main()
