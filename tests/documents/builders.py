"""Small documents of each format, written by hand after their specifications."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

Line = tuple[float, float, str]
"""Size of the letters, horizontal place in points, and Latin text."""


def pdf(
    path: Path,
    pages: Sequence[Sequence[Line | Sequence[Line]]],
    *,
    encrypted: bool = False,
    catalogue: str = "",
    more: Sequence[str] = (),
) -> Path:
    """Write a PDF; the lines of a page are below each other, those in a list beside each other.

    ``catalogue`` is added to the catalogue of the document, ``more`` are further objects.
    """
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalogue} >>",
        "",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for lines in pages:
        y, content = 780.0, []
        for row in lines:
            parts = [row] if isinstance(row[0], float | int) else row
            for size, x, text in parts:  # type: ignore[misc]
                quoted = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
                content.append(f"BT /F1 {size} Tf {x} {y} Td ({quoted}) Tj ET")
            y -= 16
        stream = "\n".join(content)
        objects += [
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {len(objects) + 1} 0 R >>",
        ]
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>"
    objects += more
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    trailer = f"/Size {len(places) + 1} /Root 1 0 R"
    if encrypted:
        password = "00" * 32
        trailer += f" /Encrypt << /Filter /Standard /V 1 /R 2 /O <{password}> /U <{password}> /P -4 >> /ID [<00> <00>]"
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}trailer << {trailer} >>\n".encode()
    out += f"startxref\n{out.rindex(b'xref')}\n%%EOF\n".encode()
    path.write_bytes(out)
    return path


def prose(text: str, *, size: float = 11, width: int = 90) -> list[Line]:
    """Return the lines of a paragraph."""
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line += f"{word} "
    return [(size, 50, each.strip()) for each in (*lines, line)]


def archive(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def docx(path: Path, body: str, *, more: Mapping[str, str] | None = None) -> Path:
    """Write a DOCX file with the XML of its body."""
    styles = (
        '<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="Own"><w:name w:val="Own"/><w:basedOn w:val="2"/></w:style>'
    )
    numbering = (
        '<w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>'
        '<w:num w:numId="3"><w:abstractNumId w:val="7"/></w:num>'
    )
    members = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f"<w:document {W} {R}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {W}>{styles}</w:styles>",
        "word/numbering.xml": f"<w:numbering {W}>{numbering}</w:numbering>",
    }
    return archive(path, members | dict(more or {}))


def w_p(text: str, *, style: str = "", level: int | None = None, page_break: bool = False) -> str:
    """Return a paragraph of a DOCX file, an item of a list where ``level`` is given."""
    properties = f'<w:pStyle w:val="{style}"/>' if style else ""
    if level is not None:
        properties += f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="3"/></w:numPr>'
    mark = "<w:lastRenderedPageBreak/>" if page_break else ""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r>{mark}<w:t>{escape(text)}</w:t></w:r></w:p>"


def w_table(*rows: Sequence[str]) -> str:
    cells = ("".join(f"<w:tc>{w_p(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def relations(*targets: str) -> str:
    parts = (f'<Relationship Id="r{n}" Type="{TYPES}/x" Target="{target}"/>' for n, target in enumerate(targets))
    return f'<Relationships xmlns="{RELATIONS}">{"".join(parts)}</Relationships>'


def pptx(path: Path, *slides: tuple[str, Sequence[str]]) -> Path:
    """Write a presentation of slides with a title and items; they are stored in the opposite order."""
    members = {"[Content_Types].xml": "<Types/>"}
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in range(len(slides)))
    members["ppt/presentation.xml"] = f"<p:presentation {P} {R}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
    names = [f"slides/slide{len(slides) - n}.xml" for n in range(len(slides))]
    members["ppt/_rels/presentation.xml.rels"] = relations(*names)
    for name, (title, items) in zip(names, slides, strict=True):
        shapes = _shape("title", [title]) + _shape("", items)
        members[f"ppt/{name}"] = f"<p:sld {P} {A}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
    return archive(path, members)


def _shape(kind: str, paragraphs: Sequence[str]) -> str:
    texts = "".join(f"<a:p><a:r><a:t>{escape(each)}</a:t></a:r></a:p>" for each in paragraphs)
    of_kind = f' type="{kind}"' if kind else ""
    return (
        f"<p:sp><p:nvSpPr><p:cNvPr/><p:cNvSpPr/><p:nvPr><p:ph{of_kind}/></p:nvPr></p:nvSpPr>"
        f"<p:txBody>{texts}</p:txBody></p:sp>"
    )


def xlsx(path: Path, sheets: Mapping[str, str]) -> Path:
    """Write a workbook of sheets with the XML of their rows; style 1 is a date."""
    names = list(sheets)
    listed = "".join(f'<sheet name="{name}" sheetId="{n + 1}" r:id="r{n}"/>' for n, name in enumerate(names))
    files = [f"worksheets/sheet{n + 1}.xml" for n in range(len(names))]
    parts = "".join(
        f'<Relationship Id="r{n}" Type="{TYPES}/worksheet" Target="{file}"/>' for n, file in enumerate(files)
    )
    parts += f'<Relationship Id="s" Type="{TYPES}/styles" Target="styles.xml"/>'
    formats = '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    members = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="a" Type="{TYPES}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f"<workbook {S} {R}><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">{parts}</Relationships>',
        "xl/styles.xml": f"<styleSheet {S}>{formats}</styleSheet>",
    }
    for file, rows in zip(files, sheets.values(), strict=True):
        members[f"xl/{file}"] = f"<worksheet {S}><sheetData>{rows}</sheetData></worksheet>"
    return archive(path, members)


def epub(path: Path, *chapters: str) -> Path:
    """Write a book of XHTML chapters; they are listed in the opposite order."""
    items = "".join(f'<item id="c{n}" href="text/c%20{n}.xhtml"/>' for n in reversed(range(len(chapters))))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>',
        "OPS/book.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    head = '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><body>'
    members |= {f"OPS/text/c {n}.xhtml": f"{head}{text}</body></html>" for n, text in enumerate(chapters)}
    return archive(path, members)
