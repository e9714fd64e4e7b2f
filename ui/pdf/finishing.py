"""What a PDF gets after Qt has written it: true texts behind its glyphs, a list of the questions, its language."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from ui.pdf.faces import Faces
from ui.pdf.mending import true_tables
from ui.pdf.outline import Mark, outline
from ui.pdf.update import PdfFile


def finished(content: bytes, faces: Faces, meanings: Mapping[str, str], marks: Sequence[Mark], language: str) -> bytes:
    """The finished file; as it was where it is not as Qt writes it.

    ``meanings`` are the letters that stand for something longer, ``language`` is a code such as ``zh-CN``.
    """
    try:
        file = PdfFile(content)
        bodies = true_tables(file, faces, meanings)
        more = f"/Lang ({language})"
        if marks:
            number, objects = outline(file, marks)
            bodies.update(objects)
            more += f"\n/Outlines {number} 0 R"
        bodies[file.root] = file.dictionary(file.root, more)
        return file.with_changed(bodies)
    except (ValueError, IndexError, zlib.error):
        return content
