"""Documents of each format as Markdown, and what is refused, in the real child process."""

from __future__ import annotations

import resource
import socket
import zipfile
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QPdfWriter, QTextDocument

from app.documents.attachments import read_attachment
from app.documents.child.archive import MAX_MEMBER_BYTES
from app.documents.passages import page_count
from app.messages import sentence
from app.process.child_process import ChildProgram, LimitedProcess
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from tests.documents.builders import RELATIONS, W, archive, docx, epub, pdf, pptx, prose, w_p, w_table, xlsx


def text_of(path: Path) -> str:
    return read_attachment(path).content


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_attachment(path)
    text = sentence(caught.value)
    assert path.name in text
    return caught.value.code


def test_pdf_has_headings_paragraphs_lists_tables_and_pages(tmp_path: Path) -> None:
    long = "The tide rises twice a day because the moon pulls at the water, and the earth turns below it. " * 2
    first = [(20, 50, "Tides"), *prose(long), (11, 50, "1. Spring tide"), (11, 50, "2. Neap tide"), (11, 50, "· high")]
    table = [
        [(11, 50, "Port"), (11, 200, "Range")],
        [(11, 50, "Bristol"), (11, 200, "12 m")],
        [(11, 50, "Venice"), (11, 200, "1 m")],
    ]
    path = pdf(tmp_path / "tides.pdf", [first, [(16, 50, "Ports"), *table]])
    assert text_of(path) == (
        f"[Page 1]\n\n# Tides\n\n{long.strip()}\n\n1. Spring tide\n2. Neap tide\n- high\n\n[Page 2]\n\n## Ports\n\n"
        "| Port | Range |\n| --- | --- |\n| Bristol | 12 m |\n| Venice | 1 m |\n"
    )


@pytest.mark.usefixtures("qapp")
def test_headings_and_paragraphs_of_a_pdf_below_a_short_line_are_their_own(tmp_path: Path) -> None:
    """PDFium gives them in one line, as it found them in PDFs that Qt has written."""
    text = "The pump is guaranteed for two years and cleaning is due every ten cups; the filter costs five euros. " * 2
    document, path = QTextDocument(), tmp_path / "warranty.pdf"
    # Which lines are short depends on the font, and other tests change the program's.
    document.setDefaultFont(QFont("DejaVu Sans", 9))
    document.setHtml(f"<h2>Part 1</h2><p>{text}</p><p>{text}</p><h2>Part 2</h2><p>{text}</p>")
    # On one page it adds a page number below.
    document.print_(QPdfWriter(str(path)))
    text = text.strip()
    assert text_of(path) == f"[Page 1]\n\n# Part 1\n\n{text}\n\n{text}\n\n# Part 2\n\n{text}\n\n1\n"


def test_docx_has_headings_lists_tables_and_the_pages_that_word_stored(tmp_path: Path) -> None:
    body = (
        w_p("年度报告", style="1")
        + w_p("概述", style="Own")
        + w_p("收入增长了 12%。")
        + w_p("one", level=0)
        + w_p("inner", level=1)
        + w_p("inner too", level=1)
        + w_p("two", level=0)
        + w_p("第二页", page_break=True)
        + w_table(["地区", "销售|额"], ["华东", "35"])
        + "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        + "<w:r><w:t>kept</w:t><w:tab/><w:t>end</w:t></w:r></w:p>"
    )
    assert text_of(docx(tmp_path / "报告.docx", body)) == (
        "[Page 1]\n\n# 年度报告\n\n## 概述\n\n收入增长了 12%。\n\n- one\n  1. inner\n  2. inner too\n- two\n\n"
        "[Page 2]\n\n第二页\n\n"
        "| 地区 | 销售\\|额 |\n| --- | --- |\n| 华东 | 35 |\n\nkept\tend\n"
    )


def test_slides_are_pages_in_the_order_of_the_presentation(tmp_path: Path) -> None:
    path = pptx(tmp_path / "talk.pptx", ("Why", ["first point", "second"]), ("How", ["a step"]))
    assert text_of(path) == ("[Page 1]\n\n## Why\n\n- first point\n- second\n\n[Page 2]\n\n## How\n\n- a step\n")


def test_sheets_are_tables_with_results_of_formulas_and_dates(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>day</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>sum</t></is></c></row>'
        '<row r="2"><c r="A2" s="1"><v>45000</v></c><c r="B2"><f>WEBSERVICE("http://127.0.0.1/x")</f><v>7</v></c></row>'
    )
    path = xlsx(tmp_path / "book.xlsx", {"Sales": rows, "Empty": ""})
    assert text_of(path) == "## Sales\n\n| day | sum |\n| --- | --- |\n| 2023-03-15 | 7 |\n"


def test_html_and_books_become_markdown_without_scripts(tmp_path: Path) -> None:
    page = (
        "<head><title>not shown</title><style>p{}</style></head><h1>T &amp; U</h1>"
        "<p>One\n line<br>two<script>bad()</script>"
        "<ul><li>a<ol><li>b<li>c</ol><li><p>d</ul><pre>x\n  y</pre><table><tr><th>k<th>v<tr><td>1<td>2</table>last"
    )
    markdown = (
        "# T & U\n\nOne line\ntwo\n\n- a\n  1. b\n  2. c\n- d\n\n```\nx\n  y\n```\n\n"
        "| k | v |\n| --- | --- |\n| 1 | 2 |\n\nlast\n"
    )
    path = tmp_path / "page.html"
    path.write_text(page, "utf-8")
    assert text_of(path) == markdown
    path.write_bytes('<meta charset="gb18030"><p>中文网页</p>'.encode("gb18030"))
    assert text_of(path) == "中文网页\n"
    path.write_text("<script>only()</script>", "utf-8")
    assert text_of(path) == "<script>only()</script>\n"
    assert text_of(epub(tmp_path / "b.epub", page, "<h2>第二章</h2><p>完</p>")) == f"{markdown}\n## 第二章\n\n完\n"


def test_what_has_no_readable_text_is_refused_with_a_sentence(tmp_path: Path) -> None:
    assert refused(pdf(tmp_path / "scan.pdf", [[], []])) == "attachment_scan"
    assert refused(pdf(tmp_path / "locked.pdf", [prose("secret")], encrypted=True)) == "attachment_encrypted"
    cut = pdf(tmp_path / "cut.pdf", [prose("words")])
    cut.write_bytes(cut.read_bytes()[:20])
    assert refused(cut) == "attachment_damaged"
    word = docx(tmp_path / "broken.docx", w_p("text"))
    word.write_bytes(word.read_bytes()[:-30])
    assert refused(word) == "attachment_damaged"
    assert refused(docx(tmp_path / "empty.docx", w_p(""))) == "attachment_scan"
    assert refused(archive(tmp_path / "files.zip", {"a.txt": "text"})) == "attachment_not_text"
    old = tmp_path / "old.doc"
    old.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    assert refused(old) == "attachment_old_format"
    locked = tmp_path / "locked.docx"
    locked.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"))
    assert refused(locked) == "attachment_encrypted"


def test_hostile_archives_are_refused(tmp_path: Path) -> None:
    entities = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    path = docx(tmp_path / "entity.docx", "")
    xml = f'{entities}<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body></w:document>'
    assert refused(docx(path, "", more={"word/document.xml": xml})) == "attachment_damaged"
    bomb = tmp_path / "bomb.docx"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("word/document.xml", "w") as member,
    ):
        member.write(b"<document>")
        for _ in range((MAX_MEMBER_BYTES >> 20) + 1):
            member.write(b" " * (1 << 20))
        member.write(b"</document>")
    assert refused(bomb) == "attachment_damaged"
    deep = docx(tmp_path / "deep.docx", "<w:sdt>" * 100_000 + w_p("found") + "</w:sdt>" * 100_000)
    assert text_of(deep) == "found\n"


def test_nothing_in_a_document_is_fetched_or_run_and_its_text_is_read(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        script = f"/S /JavaScript /JS (app.launchURL\\('{address}'\\); this.exportDataObject\\(0\\))"
        hostile = pdf(
            tmp_path / "hostile.pdf",
            [prose("The text of the report.")],
            catalogue=f"/OpenAction << {script} >> /AA << /WC << /S /Launch /F (/bin/true) >> >> "
            f"/URI << /Base ({address}) >> /AcroForm << /XFA (x) /Fields [] >> /Names << /JavaScript << /Names "
            f"[(a) << {script} >>] >> /EmbeddedFiles << /Names [(evil.txt) << /Type /Filespec /F (evil.txt) /EF "
            "<< /F 6 0 R >> >>] >> >>",
            more=["<< /Type /EmbeddedFile /Length 20 >>\nstream\ntext of the attachme\nendstream"],
        )
        assert text_of(hostile) == "[Page 1]\n\nThe text of the report.\n"
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        relations = "".join(
            f'<Relationship Id="r{number}" Type="{kind}/{name}" Target="{address}" TargetMode="External"/>'
            for number, name in enumerate(("hyperlink", "image", "attachedTemplate", "aFChunk", "oleObject"))
        )
        package = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        field = f'<w:p><w:r><w:instrText>INCLUDETEXT "{address}"</w:instrText></w:r></w:p><w:altChunk r:id="r3"/>'
        linked = docx(
            tmp_path / "linked.docx",
            field + w_p("The text below the links."),
            more={
                "word/_rels/document.xml.rels": f"{package}{relations}</Relationships>",
                "word/_rels/settings.xml.rels": f"{package}{relations}</Relationships>",
                "word/vbaProject.bin": "macro",
            },
        )
        assert text_of(linked) == "The text below the links.\n"
        page = tmp_path / "page.html"
        page.write_text(
            f'<img src="{address}"><link rel="stylesheet" href="{address}"><iframe src="{address}"></iframe>'
            "<p>Seen.</p>"
        )
        assert "Seen." in text_of(page)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_formulas_of_spreadsheets_are_text_and_their_results_are_shown(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text('name,value\n=HYPERLINK("http://127.0.0.1"),=1+1\n@SUM(A1),-2\n', "utf-8")
    text = text_of(table)
    assert "=1+1" in text
    assert "@SUM(A1)" in text


def test_hostile_pdfs_end_in_a_sentence_or_their_text(tmp_path: Path) -> None:
    line = [prose("The text of the report.")]
    many = pdf(tmp_path / "objects.pdf", line, more=[f"<< /A {number} >>" for number in range(100_000)])
    script = (
        '<script contentType="application/x-javascript">while (true) xfa.host.gotoURL("http://127.0.0.1:1")</script>'
    )
    form = f"<< /Length {len(script)} >>\nstream\n{script}\nendstream"
    xfa = pdf(tmp_path / "xfa.pdf", line, catalogue="/AcroForm << /XFA 6 0 R /Fields [] >>", more=[form])
    # Each item of the outline is above itself.
    outline = "<< /Title (a) /First 6 0 R /Next 6 0 R /Dest [5 0 R /Fit] >>"
    circular = pdf(tmp_path / "outline.pdf", line, catalogue="/Outlines 6 0 R", more=[outline])
    for path in (many, xfa, circular):
        assert text_of(path) == "[Page 1]\n\nThe text of the report.\n"
    pages = pdf(tmp_path / "pages.pdf", line)
    pages.write_bytes(pages.read_bytes().replace(b"[5 0 R]", b"[2 0 R]"))
    assert refused(pages) == "attachment_scan"
    # Drawn 10 ** 30 times, until the memory of the process ends.
    forms = [
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {number + 1} 0 R >> >> "
        "/Length 60 >>\nstream\n" + "/X Do " * 10 + "\nendstream"
        for number in range(6, 36)
    ]
    bomb = pdf(tmp_path / "forms.pdf", line, more=forms)
    bomb.write_bytes(
        bomb.read_bytes()
        .replace(b"/F1 3 0 R >> >>", b"/F1 3 0 R >> /XObject << /X 6 0 R >> >>")
        .replace(b" Tj ET", b" Tj ET /X Do")
    )
    assert refused(bomb) == "attachment_damaged"


def test_hostile_office_files_pages_and_tables_end_in_a_sentence_or_their_text(tmp_path: Path) -> None:
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    inner = w_p("x")
    for _ in range(14):
        part = f"<mc:Choice>{inner}</mc:Choice><mc:Fallback>{inner}</mc:Fallback>"
        inner = f"<mc:AlternateContent {mc}>{part}</mc:AlternateContent>"
    assert text_of(docx(tmp_path / "alternatives.docx", inner)) == "x\n"
    based = '<w:style w:styleId="1"><w:name w:val="a"/><w:basedOn w:val="1"/></w:style>'
    styles = {"word/styles.xml": f"<w:styles {W}>{based}</w:styles>"}
    assert text_of(docx(tmp_path / "styles.docx", w_p("text", style="1"), more=styles)) == "text\n"
    # 17 thousand million cells between the two.
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    assert refused(xlsx(tmp_path / "sparse.xlsx", {"S": corners})) == "attachment_damaged"
    media = '<Relationship Id="v" Type="t/video" Target="http://127.0.0.1:1/v.mp4" TargetMode="External"/>'
    media += '<Relationship Id="n" Type="t/notesSlide" Target="file:///etc/passwd" TargetMode="External"/>'
    talk = pptx(tmp_path / "media.pptx", ("Title", ["item"]))
    with zipfile.ZipFile(talk, "a") as file:
        file.writestr("ppt/slides/_rels/slide1.xml.rels", f'<Relationships xmlns="{RELATIONS}">{media}</Relationships>')
    assert text_of(talk) == "[Page 1]\n\n## Title\n\n- item\n"
    book = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>',
        "book.opf": '<package><manifest><item id="a" href="a.xhtml"/><item id="o" href="book.opf"/></manifest>'
        "<spine>" + '<itemref idref="a"/>' * 50_000 + '<itemref idref="o"/></spine></package>',
        "a.xhtml": f"<p>{'again ' * 100}</p>",
    }
    assert refused(archive(tmp_path / "cycle.epub", book)) == "attachment_too_large"
    entities = '<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    for name, page, text in (
        ("entities", f"{entities}<p>&b; text", "&b; text\n"),
        ("deep", "<div>" * 100_000 + "deep", "deep\n"),
        ("marks", "<" * 100_000, "<" * 100_000 + "\n"),
        ("spans", "<table><tr><td colspan=1000000 rowspan=1000000>a<tr><td>b</table>", "| a |\n| --- |\n| b |\n"),
    ):
        path = tmp_path / f"{name}.html"
        path.write_text(page, "utf-8")
        assert text_of(path) == text
    table = tmp_path / "line.csv"
    table.write_bytes(b"a," * (50 << 20))
    assert refused(table) == "attachment_too_large"


@pytest.mark.parametrize("name", ["huge.txt", "huge.pdf", "huge.docx", "huge.csv", "huge.html", "huge.epub"])
def test_files_of_500_megabytes_are_refused_without_being_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    heads = {".pdf": b"%PDF-1.7\n", ".docx": b"PK\x03\x04", ".epub": b"PK\x03\x04"}
    path.write_bytes(heads.get(path.suffix, b"words and words\n"))
    with path.open("r+b") as file:
        file.truncate(500 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refused(path) in ("attachment_too_large", "attachment_damaged", "attachment_not_text")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 << 10


def test_reading_reports_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    path = pdf(tmp_path / "long.pdf", [prose(f"page {number} " * 300) for number in range(150)])
    shares: list[float] = []
    assert page_count(read_attachment(path, report=shares.append).content) == 150
    assert shares == sorted(shares)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_attachment(path, token)


def test_child_reaches_neither_the_network_nor_programs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = LimitedProcess(ChildProgram("tests.documents.reaching_child", ""), 1 << 30)
        answer = process.ask({"port": server.getsockname()[1]}, 60, lambda: False)
        process.close()
    assert answer == {"connect": "PermissionError", "program": "PermissionError", "fork": "PermissionError", "read": ""}
