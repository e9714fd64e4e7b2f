"""PDF export as pypdf reads it: pages, copied text, links."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from pypdf import PageObject, PdfReader
from pypdfium2 import PdfDocument
from PySide6.QtGui import QFontDatabase, QGuiApplication

from app.conversation import Attachment, ConversationTree, Role, Status
from app.export.formats import ExportLabels, ExportOptions, ThoughtExport
from app.formulas import FormulaRenderer
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled
from tests.export.conftest import PROVENANCE
from tests.export.tree_builders import HOSTILE, answered, talk
from ui.pdf.document import pdf_format
from ui.pdf.style import escape_url
from ui.widgets.theme import CHINESE_FAMILIES, LIGHT

ROOT = Path(__file__).resolve().parents[2]
COMMON = "".join(
    bytes((row, cell)).decode("gb2312")
    for row in range(0xB0, 0xD8)
    for cell in range(0xA1, 0xFF)
    if (row, cell) < (0xD7, 0xFA)
)
"""The 3755 characters of the first level of GB 2312, the most frequent ones."""

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def has_chinese(qapp: QGuiApplication) -> None:
    if not set(CHINESE_FAMILIES) & set(QFontDatabase.families()):
        pytest.skip("no Simplified Chinese font on this machine")


def read(tree: ConversationTree, **options: object) -> PdfReader:
    content = pdf_format().write([tree], ExportOptions(metadata=False, paper="a4", **options))  # type: ignore[arg-type]
    return PdfReader(io.BytesIO(content), strict=True)


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def squeezed(text: str) -> str:
    return "".join(text.split())


def addresses(reader: PdfReader) -> list[str]:
    return [
        str(annotation.get_object()["/A"]["/URI"]) for page in reader.pages for annotation in page.get("/Annots", [])
    ]


def places(page: PageObject) -> list[float]:
    """How far from the left edge each piece of text begins, in points."""
    found: list[float] = []

    def visit(text: str, matrix: list[float], place: list[float], *_: object) -> None:
        if text.strip():
            found.append(place[4] * matrix[0] + matrix[4])

    page.extract_text(visitor_text=visit)
    return found


def filled(page: PageObject, colour: str) -> list[tuple[float, float]]:
    """The tops and bottoms, in tenths of a point, of the areas in a colour; areas that touch are one."""
    content = page.get_contents().get_data().decode("latin-1")  # type: ignore[union-attr]
    found: list[tuple[float, float]] = []
    for match in re.finditer(r"([\d.]+) ([\d.]+) ([\d.]+) scn\s+/GSa gs\s+q\s+[^\n]+ cm\s+([^\n]+) re\s+f", content):
        red, green, blue = (round(float(match[number]) * 255) for number in (1, 2, 3))
        _, top, _, height = map(float, match[4].split())
        if f"#{red:02x}{green:02x}{blue:02x}" != colour:
            continue
        if found and top <= found[-1][1] + 1:
            found[-1] = (found[-1][0], top + height)
        else:
            found.append((top, top + height))
    return found


# Copied text


@pytest.mark.usefixtures("has_chinese")
def test_common_chinese_characters_are_copied() -> None:
    content = f"{COMMON}\n\n**{COMMON[:500]}**\n\n# {COMMON[500:600]}\n\n```python\n{COMMON[600:700]}\n```"
    out = text_of(read(answered(content)))
    ideographs = "".join(each for each in out if "\u2e80" <= each <= "\u9fff" or "\uf900" <= each <= "\ufaff")
    assert ideographs == COMMON + COMMON[:500] + COMMON[500:600] + COMMON[600:700]


@pytest.mark.usefixtures("has_chinese")
@pytest.mark.parametrize(
    "content",
    [
        "The office is efficient: fi fl ffi ffl -> != == => <= >= && ||",
        "中文 and Latin 123 混排，标点“引号”…—《书》 ABC 0123456789",
        "digits after letters: abc 12, Q4_K_M 69.0 GB, x2 3y",
        "∑ ∫ √ ≤ ≥ ≠ ≈ ∞ ∂ ∇ ∈ ∉ ⊂ ∪ ∩ → ⇒ ↔ ∀ ∃ α β γ Ω µ ° ² ³ ½",
        "𝔸 𝑥 𝑦 𠮷野家",
        "naïve café Straße Ελληνικά Русский",
        "a-b c\u2010d e—f",
    ],
)
def test_copied_text_equals_the_source(content: str) -> None:
    for written in (content, f"```\n{content}\n```"):
        out = unicodedata.normalize("NFC", squeezed(text_of(read(answered(written)))))
        assert squeezed(content) in out


@pytest.mark.usefixtures("has_chinese")
def test_characters_that_share_a_glyph_are_the_plain_ones() -> None:
    assert "文见西口" in squeezed(text_of(read(answered("文见西口"))))
    # Where a text holds both, one shape cannot be two characters.
    assert squeezed(text_of(read(answered("⽂文")))).count("文文") == 1


def test_scripts_without_a_font_are_reported_instead_of_ending_the_program() -> None:
    code = (
        "import sys\n"
        "from app.export.formats import ExportOptions\n"
        "from tests.export.tree_builders import answered\n"
        "from ui.pdf.document import pdf_format\n"
        "codes = []\n"
        "pdf_format().write([answered('plain \u0915\u0924 **\u0ba4\u0bae** \ue123')],\n"
        "    ExportOptions(warn=lambda code, data: codes.append((code, data['characters']))))\n"
        "print(*codes[0])"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout.decode().startswith("pdf_characters_missing ")


def test_emoji_are_images_that_can_be_copied() -> None:
    if "Noto Color Emoji" not in QFontDatabase.families():
        pytest.skip("no colour font on this machine")
    content = "ok 😀 👩‍🚀 👍🏽 ✅ 🇨🇳 done"
    reader = read(answered(f"{content}\n\n`😀` **x😀y** 😀😀"))
    out = squeezed(text_of(reader))
    assert squeezed(content) in out
    assert "x😀y😀😀" in out
    # One image for each, however often it occurs.
    assert len(reader.pages[0].images) == 5


def test_formulas_are_curves_whose_source_can_be_copied(formula_renderer: FormulaRenderer) -> None:
    content = "Before $x^2$ after.\n\n$$\n\\frac{1}{2}\n$$\n\nand $\\unknowncommand{y}$"
    reader = read(answered(content), formula_renderer=formula_renderer)
    out = squeezed(text_of(reader))
    assert "Before$x^2$after." in out
    assert r"$$\frac{1}{2}$$" in out
    assert r"$\unknowncommand{y}$" in out
    assert len(reader.pages[0].images) == 0
    curves = re.findall(rb" c\n", reader.pages[0].get_contents().get_data())  # type: ignore[union-attr]
    assert len(curves) > 20


# Pages


def test_pages_have_numbers_a_title_and_a_language() -> None:
    reader = read(answered("\n\n".join(["word " * 200] * 20), title="The title"), labels=ExportLabels(language="zh-CN"))
    assert len(reader.pages) > 2
    for number, page in enumerate(reader.pages, 1):
        *_, title, foot = page.extract_text().strip().splitlines()
        assert (title, foot) == ("The title", f"Page {number}")
        assert [float(each) for each in page.mediabox[2:]] == pytest.approx([595, 842], abs=1)
    assert reader.metadata is not None
    assert reader.metadata.title == "The title"
    assert reader.root_object["/Lang"] == "zh-CN"


def test_outline_lists_the_questions() -> None:
    questions = ["First?", "第二个问题？ (with) \\ <b>", "x" * 200, "\U0001d538\u202e"]
    said = [each for words in questions for each in ((Role.USER, words), (Role.ASSISTANT, "a\n\n" * 20))]
    reader = read(talk(*said))
    entries = reader.outline
    assert (
        [str(each.title) for each in entries]
        == [  # type: ignore[union-attr]
            *questions[:2],
            "x" * 79 + "…",
            "\U0001d538[U+202E]",
        ]
    )
    for words, each in zip(questions[:2], entries, strict=False):
        number = reader.get_destination_page_number(each)  # type: ignore[arg-type]
        assert number is not None
        assert squeezed(words) in squeezed(reader.pages[number].extract_text())


def test_letter_paper() -> None:
    content = pdf_format().write([answered("x")], ExportOptions(paper="letter"))
    assert [float(each) for each in PdfReader(io.BytesIO(content)).pages[0].mediabox[2:]] == [612, 792]


@pytest.mark.parametrize("before", range(20, 60, 3))
def test_code_that_fits_a_page_is_not_split(before: int) -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(20))
    text = "\n\n".join(["one line"] * before) + f"\n\nAs follows:\n\n```python\n{code}\n```\n\nafter"
    (holder,) = [page.extract_text() for page in read(answered(text)).pages if "line_" in page.extract_text()]
    assert squeezed(code) in squeezed(holder)
    # With the paragraph that introduces it.
    assert "As follows:" in holder


@pytest.mark.parametrize("before", range(20, 60, 3))
def test_code_is_not_separated_from_its_list_item(before: int) -> None:
    text = "\n\n".join(["one line"] * before) + "\n\n1. generate it with\n\n   ```python\n   import secrets\n   ```\n"
    (holder,) = [page.extract_text() for page in read(answered(text)).pages if "secrets" in page.extract_text()]
    assert "generate it with" in holder


def test_attachments_fill_pages_and_their_words_are_not_broken() -> None:
    content = "\n\n".join(f"{number} The thermostat is guaranteed for two years. " * 4 for number in range(10))
    system = "\n\n".join(["one line"] * 20)
    reader = read(answered("answer", system=system, attachments=(Attachment("a.txt", content),)))
    assert "thermostat" in reader.pages[0].extract_text()
    assert text_of(reader).count("thermostat") == content.count("thermostat")


def test_code_longer_than_a_page() -> None:
    code = "\n".join(f"line_{number}" for number in range(300))
    out = text_of(read(answered(f"```\n{code}\n```")))
    assert re.findall(r"line_\d+", out) == code.split("\n")


def test_heading_does_not_end_a_page() -> None:
    for before in range(25, 45):
        reader = read(answered("\n\n".join(["one line"] * before) + "\n\n# Heading\n\nbelow"))
        (page,) = [page.extract_text() for page in reader.pages if "Heading" in page.extract_text()]
        assert "below" in page


def test_table_head_is_repeated_on_each_page() -> None:
    rows = "\n".join(f"| row {number} | {number} |" for number in range(120))
    reader = read(answered(f"| Name | Figure |\n|---|--:|\n{rows}"))
    holders = [page.extract_text() for page in reader.pages if "row " in page.extract_text()]
    assert len(holders) > 2
    assert all("Figure" in each for each in holders)
    assert re.findall(r"row (\d+)", "".join(holders)) == [str(number) for number in range(120)]


@pytest.mark.parametrize("columns", [12, 60])
def test_wide_table_fits_the_page(columns: int) -> None:
    row = "|" + "|".join(f"cell{number}" for number in range(columns)) + "|"
    reader = read(answered(f"{row}\n|{'---|' * columns}\n{row}"))
    out = squeezed(text_of(reader))
    for number in range(columns):
        assert out.count(f"cell{number}") >= 2 or columns > 12
    right = 595 - 50
    for page in reader.pages:
        assert max(places(page)) < right


def test_table_that_is_too_wide_is_split_between_columns() -> None:
    numbers = [f"{number * 7919 % 100_000:,}.{number:02d}" for number in range(1, 14)]
    head = "| Region |" + "".join(f" Month {number} |" for number in range(1, 14))
    rows = "| Nordrhein-Westfalen |" + "".join(f" {number} € |" for number in numbers)
    words = text_of(read(answered(f"{head}\n|---|{'--:|' * 13}\n{rows}"))).split()
    assert [word for word in words if word in numbers] == numbers
    # The first column is repeated beside each part.
    assert words.count("Nordrhein-Westfalen") == words.count("Region") > 1


def test_adjacent_code_blocks_are_separate() -> None:
    (page,) = read(
        answered("```\na\n```\n\n```\nb\n```\n\n> c\n>\n> ```\n> d\n> ```\n>\n> | e |\n> |---|\n> | f |")
    ).pages
    assert len(filled(page, LIGHT.code_ground)) == 3
    # One for the quote, and the line below a row.
    assert len(filled(page, LIGHT.hairline)) in {1, 2}
    bar = filled(page, LIGHT.hairline)[0]
    code = filled(page, LIGHT.code_ground)[-1]
    assert bar[0] < code[0] < code[1] < bar[1]


def test_text_from_right_to_left_begins_at_the_right(formula_renderer: FormulaRenderer) -> None:
    text = "1. نص\n2. عربي $x$ قصير\n\n> نص\n\n| نص | عربي |\n|---|---|\n| نص | عربي |"
    found = places(read(answered(text), formula_renderer=formula_renderer).pages[0])
    assert sum(place > 300 for place in found) > 8
    # The title, the time, the speakers, the question and the footer.
    assert sum(place < 300 for place in found) <= 7


def test_formulas_beside_text_from_right_to_left_have_their_space(formula_renderer: FormulaRenderer) -> None:
    widths = []
    for before, after in (("QQ", "ZZ"), ("قبل", "بعد")):
        options = ExportOptions(metadata=False, paper="a4", formula_renderer=formula_renderer)
        tree = answered(f"{before} $x = \\frac{{a}}{{b}} + y$ {after}")
        page = PdfDocument(pdf_format().write([tree], options))[0]
        chars = page.get_textpage()
        shown = [(chars.get_text_range(number, 1), chars.get_charbox(number)) for number in range(chars.count_chars())]
        boxes = [box for char, box in shown if char in before + after]
        assert len(boxes) == len(before + after)
        # Left, bottom, right and top: the formula is in the widest gap between the letters.
        edges = sorted((box[0], box[2]) for box in boxes)
        left, right = max(((one[1], other[0]) for one, other in pairwise(edges)), key=lambda gap: gap[1] - gap[0])
        bottom, top = min(box[1] for box in boxes), max(box[3] for box in boxes)
        height, ink = page.get_height(), page.render(scale=4, grayscale=True).to_numpy() < 128
        rows = ink[int(4 * (height - top)) : int(4 * (height - bottom))]
        gap = rows[:, int(4 * left) + 2 : int(4 * right) - 2].any(axis=0)
        assert gap.sum() > len(gap) / 3
        assert not gap[:4].any()
        assert not gap[-4:].any()
        widths.append(right - left)
    assert widths[0] == pytest.approx(widths[1], abs=4)


def test_row_higher_than_a_page_is_split() -> None:
    words = " ".join(f"w{number}" for number in range(4_000))
    out = text_of(read(answered(f"| a | b |\n|---|---|\n| {words} | x |")))
    # Qt draws long text in parts, which pypdf separates even within a word.
    assert re.findall(r"w\d+", squeezed(out)) == words.split()


# Options


def test_options_determine_the_content() -> None:
    tree = answered(
        "<think>\nmy idea\n</think>\n\nthe answer",
        question="the question",
        system="the system prompt",
        provenance=PROVENANCE,
        status=Status.STOPPED,
        attachments=(Attachment("notes.txt", "the notes\n\tindented"),),
    )
    content = pdf_format().write([tree], ExportOptions(thoughts=ThoughtExport.FOLD))
    out = text_of(PdfReader(io.BytesIO(content)))
    for words in ("the question", "the system prompt", "my idea", "the answer", "notes.txt", "the notes", "(stopped)"):
        assert words in out
    assert "ab" * 32 in squeezed(out)
    bare = text_of(read(tree, thoughts=ThoughtExport.DROP))
    assert "my idea" not in bare
    assert "ab" * 32 not in squeezed(bare)


# Hostile


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_content_is_drawn(content: str, formula_renderer: FormulaRenderer) -> None:
    tree = answered(
        content, question=content, title=content, system=content, attachments=(Attachment(content, content),)
    )
    reader = read(tree, formula_renderer=formula_renderer)
    for number in range(1, int(reader.trailer["/Size"])):
        found = reader.get_object(number)
        if isinstance(found, dict):
            assert not {"/JS", "/JavaScript", "/Launch", "/OpenAction", "/AA", "/EmbeddedFile"} & set(found)
            assert found.get("/S") not in ("/JavaScript", "/Launch", "/SubmitForm", "/GoToR")
    assert all(re.match(r"(https?://|mailto:)", each) for each in addresses(reader))


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/a(b)c",
        "https://example.org/\\)/x",
        "https://example.org/)>>/S/JavaScript/JS(app.alert(1))",
        "https://zh.wikipedia.org/wiki/文",
        "https://example.org/%20?x=1&y=2#z",
    ],
)
def test_url_stays_in_its_string(address: str) -> None:
    safe = escape_url(address)
    assert not set(safe) & set("()\\<> \r\n")
    assert safe.isascii()
    # The reader is strict: a string that ended early would leave something it cannot parse.
    for found in addresses(read(answered(f"[link](<{address}>) and {address}"))):
        assert re.fullmatch(r"https://[!-~]+", found)
        assert not set(found) & set("()\\<>")


@pytest.mark.parametrize(
    "content",
    ["x" * 300_000, "```\n" + "y" * 300_000 + "\n```", "😀" * 3_000, "a\u0301" * 20_000, "\n".join("|" * 200)],
    ids=["line", "code", "emoji", "marks", "bars"],
)
def test_huge_content(content: str) -> None:
    assert len(read(answered(content)).pages) >= 1


# Progress


def test_progress_grows_to_the_end() -> None:
    tree = talk(*[(Role.USER, "q"), (Role.ASSISTANT, "a\n\n" * 60)] * 10)
    reported: list[float] = []
    pdf_format().write([tree], ExportOptions(progress=reported.append))
    assert reported == sorted(reported)
    assert reported[-1] == 1.0


def test_cancellation_within_a_long_message() -> None:
    token = CancelToken()
    reported: list[float] = []
    timer = threading.Timer(0.1, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        pdf_format().write([answered("word " * 300_000)], ExportOptions(progress=reported.append, cancel=token))
    timer.join()
    assert len(reported) <= 1


def test_missing_characters_are_reported() -> None:
    reported: list[tuple[str, dict[str, object]]] = []
    options = ExportOptions(warn=lambda code, data: reported.append((code, dict(data))))
    pdf_format().write([answered("plain 文")], options)
    assert reported == []
    # A private character of the last plane: no font has it.
    pdf_format().write([answered("before \U000e0fff\U0001d0ff after \u1abf\U0001f8ff x")], options)
    assert [code for code, _ in reported] in (["pdf_characters_missing"], [])


def test_missing_chinese_font_is_reported(tmp_path: Path) -> None:
    """In a process that sees one font without Chinese."""
    fonts = Path("/usr/share/fonts/truetype/dejavu")
    if not fonts.is_dir():
        pytest.skip("needs DejaVu fonts and fontconfig")
    (tmp_path / "fonts.conf").write_text(
        f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>{fonts}</dir>'
        f"<cachedir>{tmp_path}</cachedir></fontconfig>"
    )
    script = (
        "from app.export.formats import ExportOptions\n"
        "from tests.export.tree_builders import answered\n"
        "from ui.pdf.document import pdf_format\n"
        "reported = []\n"
        "write = pdf_format().write\n"
        "write([answered('天空 sky')], ExportOptions(warn=lambda code, data: reported.append((code, dict(data)))))\n"
        "print(reported)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"FONTCONFIG_FILE": str(tmp_path / "fonts.conf"), "PATH": "", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[('pdf_chinese_face_missing', {'characters': '天 空'})]" in done.stdout


@pytest.mark.parametrize("before", range(20, 60, 3))
def test_a_bold_line_is_not_separated_from_what_it_names(before: int) -> None:
    text = "\n\n".join(["one line"] * before) + "\n\n**c#**\n\n```\nusing System;\n```\n\nafter"
    (holder,) = [page.extract_text() for page in read(answered(text)).pages if "System" in page.extract_text()]
    assert "c#" in holder
