"""Hostile texts: shown as text or cut with a note, without blocking the window."""

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from app.conversation import Status
from app.markdown.blocks import Table
from app.markdown.control_characters import visible
from tests.window.pages import answer, question, spot_of
from ui.transcript.decorations import Button
from ui.transcript.reader import STEP_CELLS, IncrementalReader, read_at_once

LONG = {
    "a line of 1 MB": "x" * 1_000_000,
    "words without a line end": "word " * 200_000,
    "a thousand nested quotes": "\n".join(">" * n + " deep" for n in range(1_000)),
    "an unclosed fence": "```python\n" + "x = 1\n" * 50_000,
    "brackets": ("[" * 400 + "\n") * 100,
    "a wide table": "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + ("|" + "1|" * 300 + "\n") * 5,
    "line ends": "\n" * 200_000,
}

CUT = ("a line of 1 MB", "words without a line end", "an unclosed fence", "a wide table")


def whole(transcript) -> str:
    return "\n".join(part.document.toPlainText() for part in transcript.page.view(0).parts)


def links(transcript) -> list[Button]:
    return [target for target in transcript.page.view(0).focus_targets() if target.address]


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("write", [answer, question])
def test_oversized_text_is_cut_and_copied_whole(transcript, qtbot, name, write):
    text = LONG[name]
    transcript.set_items([write("h", text)])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=60_000)
    assert len(whole(transcript)) < 410_000
    assert transcript.page.view(0).is_cut or write is question or name not in CUT
    transcript.state.select_all()
    transcript.state.copy(markdown=True)
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == text)


def test_a_cut_message_has_a_note(transcript):
    transcript.set_items([answer("h", LONG["a line of 1 MB"])])
    view = transcript.page.view(0)
    assert view.is_cut
    bottom = view.text_bottom
    transcript.set_items([answer("h", "short")])
    assert not transcript.page.view(0).is_cut
    assert bottom > transcript.page.view(0).text_bottom


def test_a_long_answer_is_read_completely_in_the_background(transcript, qtbot):
    text = "\n\n".join(f"## Part {n}\n\nSome **words** and `code`.\n\n1. one\n2. two" for n in range(200))
    transcript.set_items([answer("a", text)])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=60_000)
    assert not transcript.page.view(0).is_cut
    assert whole(transcript).count("Some words and code.") == 200
    assert whole(transcript).endswith("one\ntwo")


@pytest.mark.parametrize(("columns", "rows"), [(2, 300), (8, 100), (300, 5)])
def test_each_step_reads_few_cells_of_a_table(columns, rows):
    lines = [f"|{cell * columns}" for cell in ("a|", "-|", *["1|"] * rows)]
    reader, counts = IncrementalReader("\n".join(lines)), [0]
    while reader.is_behind:
        counts += [len(block.rows) for block in reader.step(growing=False) if isinstance(block, Table)]
    assert counts[-1] == rows
    assert max(after - before for before, after in pairwise(counts)) <= max(1, STEP_CELLS // columns)


def test_an_endless_growing_line_is_cut(transcript):
    transcript.set_items([answer("s", "", Status.STREAMING)])
    for _ in range(30):
        transcript.append_text("s", "y" * 1_000)
    view = transcript.page.view(0)
    assert view.is_cut
    assert len(whole(transcript)) <= 10_000
    assert len(transcript.page.items[0].content) == 30_000


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "file:///etc/passwd",
        "data:text/html,<b>x</b>",
        "vbscript:x",
        "&#106;avascript:alert(1)",
        "//evil.example",
        "\\\\server\\share",
    ],
)
def test_unsafe_addresses_are_not_links(transcript, qtbot, address):
    transcript.set_items([answer("a", f"Click [here]({address}) or ![there]({address}) now. <{address}>")])
    assert not links(transcript)
    with qtbot.assertNotEmitted(transcript.link_activated):
        QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=spot_of(transcript, 0, "here", 1))


def test_an_image_is_a_link_with_its_description(transcript):
    transcript.set_items([answer("a", "![A graph of it](https://a.b/c.png)")])
    (link,) = links(transcript)
    assert (link.name, link.address) == ("A graph of it", "https://a.b/c.png")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<iframe>x</iframe> &lt;i&gt;"]
)
def test_html_tags_are_shown_as_text(transcript, text):
    transcript.set_items([answer("a", text)])
    assert whole(transcript) == text.replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize("trick", ["\u202e", "\u202a", "\x1b", "\x07", "\u2028", "\u2029", "\x7f", "\x9b"])
@pytest.mark.parametrize("write", [answer, question])
def test_control_characters_are_made_visible(transcript, trick, write):
    transcript.set_items([write("a", f"safe{trick}txt.exe")])
    shown = whole(transcript)
    assert trick not in shown
    assert len(shown) == len("safe?txt.exe")
    assert shown[4] in "\ufffd\u241b\u2407\u2421"


def test_visible_characters_keep_their_positions():
    text = "a\u202eb\x00c\td\ne\rf 中 é 😀 ا"
    assert visible(text) == "a\ufffdb\u2400c\td\ne\rf 中 é 😀 ا"


COLOURED = "a \x1b[1;31mred\x1b[0m \x1b]8;;https://x.org\x1b\\link\x1b]8;;\x07 \x1b]0;title\x07end\x1b[K"
ESCAPES = [
    (COLOURED, "a red link end"),
    (f"```\n{COLOURED}\n```", "a red link end"),
    (f"`{COLOURED}`", "a red link end"),
    ("\x1b", "\u241b"),
    ("x \x1b[3", "x \u241b[3"),
    ("\x1b[31", "\u241b[31"),
    ("\x1bname", "\u241bname"),
    ("\x1b]0;" + "x" * 3_000, "\u241b]0;" + "x" * 3_000),
]


@pytest.mark.parametrize(("text", "shown"), ESCAPES)
def test_escape_sequences_of_terminals_are_left_out(transcript, text, shown):
    transcript.set_items([answer("a", text)])
    assert whole(transcript) == shown
    transcript.state.select_all()
    transcript.state.copy()
    assert shown in QGuiApplication.clipboard().text()


@pytest.mark.parametrize(("text", "shown"), ESCAPES)
def test_escape_sequences_that_arrive_in_pieces_are_left_out(transcript, text, shown):
    for end in range(1, min(len(text), 200) + 1):
        transcript.set_items([replace(answer("a", text[:end]), status=Status.STREAMING)])
        assert "\u241b[" not in whole(transcript)
    transcript.set_items([answer("a", text)])
    assert whole(transcript) == shown


@pytest.mark.parametrize("part", ["\x1b", "\x1b[", "\x1b]", "\x1b[1", "\x1b]8;;x", "![](data:", "![](data:x", "![x]("])
def test_open_escapes_and_pictures_are_read_in_linear_time(part):
    def seconds(count):
        started = time.process_time()
        read_at_once(part * count)
        return time.process_time() - started

    seconds(100)
    assert seconds(8_000) < 8 * seconds(2_000) + 0.1


def test_combined_characters_are_unchanged(transcript):
    text = "👩‍👩‍👧 ❤️ é नि"
    transcript.set_items([answer("a", text)])
    assert whole(transcript) == text


def test_a_text_that_never_ends_is_searched_and_copied_in_steps(transcript, qtbot):
    text = "[a]( **word\n" * 60_000
    transcript.set_items([answer("h", text)])
    transcript.finder.search("word")
    assert transcript.finder.is_searching
    qtbot.waitUntil(lambda: not transcript.finder.is_searching, timeout=60_000)
    assert transcript.finder.total > 0
    transcript.state.select_all()
    transcript.state.copy()
    assert QGuiApplication.clipboard().text() != text
    # Of a text that is not shown whole the source is copied.
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == text, timeout=60_000)
