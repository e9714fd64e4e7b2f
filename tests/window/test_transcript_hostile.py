"""Texts that are meant to hurt: shown as text or cut with a note, never executed, never in the way of the window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from app.conversation import Status
from app.markdown.control_characters import visible
from tests.window.pages import answer, question, spot_of
from ui.transcript.clipboard import copy
from ui.transcript.message import FocusTarget

LONG = {
    "a line of 1 MB": "x" * 1_000_000,
    "words without a line end": "word " * 200_000,
    "a thousand nested quotes": "\n".join(">" * n + " deep" for n in range(1_000)),
    "an unclosed fence": "```python\n" + "x = 1\n" * 50_000,
    "brackets": ("[" * 400 + "\n") * 100,
    "a wide table": "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + ("|" + "1|" * 300 + "\n") * 5,
    "line ends": "\n" * 200_000,
}


def whole(transcript) -> str:
    return "\n".join(part.document.toPlainText() for part in transcript.page.view(0).parts)


def links(transcript) -> list[FocusTarget]:
    return [target for target in transcript.page.view(0).focus_targets() if target.address]


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("write", [answer, question])
def test_what_is_too_much_is_cut_and_copied_whole(transcript, qtbot, name, write):
    text = LONG[name]
    transcript.set_items([write("h", text)])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=20_000)
    assert len(whole(transcript)) < 410_000
    transcript.state.select_all()
    copy(transcript.state, markdown=True)
    assert QGuiApplication.clipboard().text() == text


@pytest.mark.parametrize("name", ["a line of 1 MB", "words without a line end", "an unclosed fence", "a wide table"])
def test_a_cut_says_so(transcript, qtbot, name):
    transcript.set_items([answer("h", LONG[name])])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=20_000)
    view = transcript.page.view(0)
    assert view.is_cut
    bottom = view.text_bottom
    transcript.set_items([answer("h", "short")])
    assert not transcript.page.view(0).is_cut
    assert bottom > transcript.page.view(0).text_bottom


def test_a_long_answer_is_read_on_in_the_background_and_is_the_same_in_the_end(transcript, qtbot):
    text = "\n\n".join(f"## Part {n}\n\nSome **words** and `code`.\n\n1. one\n2. two" for n in range(400))
    transcript.set_items([answer("a", text)])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind)
    assert not transcript.page.view(0).is_cut
    assert whole(transcript).count("Some words and code.") == 400
    assert whole(transcript).endswith("one\ntwo")


def test_a_growing_line_without_end_is_cut_too(transcript):
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
def test_addresses_that_do_something_are_text(transcript, qtbot, address):
    transcript.set_items([answer("a", f"Click [here]({address}) or ![there]({address}) now. <{address}>")])
    assert not links(transcript)
    with qtbot.assertNotEmitted(transcript.link_activated):
        QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=spot_of(transcript, 0, "here", 1))


def test_a_picture_is_a_link_that_says_what_it_shows(transcript):
    transcript.set_items([answer("a", "![A graph of it](https://a.b/c.png)")])
    (link,) = links(transcript)
    assert (link.name, link.address) == ("A graph of it", "https://a.b/c.png")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b>bold</b> &lt;i&gt;"])
def test_tags_are_text(transcript, text):
    transcript.set_items([answer("a", text)])
    assert whole(transcript) == text.replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize("trick", ["\u202e", "\u2066", "\u200f", "\x1b", "\x07", "\u2028", "\u2029", "\x7f", "\x9b"])
@pytest.mark.parametrize("write", [answer, question])
def test_tricks_with_the_order_of_characters_are_seen(transcript, trick, write):
    transcript.set_items([write("a", f"safe{trick}txt.exe")])
    shown = whole(transcript)
    assert trick not in shown
    assert len(shown) == len("safe?txt.exe")
    assert shown[4] in "\ufffd\u241b\u2407\u2421"


def test_what_is_visible_keeps_its_places():
    text = "a\u202eb\x00c\td\ne\rf 中 é 😀 ا"
    assert visible(text) == "a\ufffdb\u2400c\td\ne\rf 中 é 😀 ا"


def test_emoji_joined_and_marked_stay_as_they_are(transcript):
    text = "👩‍👩‍👧 ❤️ é नि"
    transcript.set_items([answer("a", text)])
    assert whole(transcript) == text
