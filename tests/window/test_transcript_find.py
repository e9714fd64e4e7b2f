"""Search in the conversation: find bar, number of matches, stepping through them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QToolButton

from app.conversation import Status
from tests.window.pages import answer, question, spot_of, talk, wheel
from ui.widgets.theme import LIGHT


@pytest.fixture
def page(transcript, qtbot):
    with qtbot.waitActive(transcript):
        transcript.activateWindow()
    transcript.setFocus()
    return transcript


def search(page, qtbot, text: str) -> None:
    page.open_find()
    page.find_bar.field.setText(text)
    QTest.keyClick(page.find_bar.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not page.finder.is_searching, timeout=60_000)


def count(page) -> str:
    return page.find_bar.findChild(QLabel, "findCount").text()


def enter(page, how: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier, key: str = "Return") -> None:
    QTest.keyClick(page.find_bar.field, Qt.Key[f"Key_{key}"], how)


def test_the_find_bar_takes_the_focus_and_returns_it(page):
    page.set_items(talk(4))
    page.open_find()
    field = page.findChild(QLineEdit, "findField")
    assert field.hasFocus()
    assert field.accessibleName()
    assert all(button.accessibleName() and button.toolTip() for button in page.find_bar.findChildren(QToolButton))
    assert page.find_bar.geometry().right() < page.viewport().width()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not page.find_bar.isVisible()
    assert page.hasFocus()


def test_the_find_bar_covers_no_match(page, qtbot):
    page.set_items([answer("a", "word " * 200)])
    page.scroll_to_item("a")
    before = page.viewport().height()
    search(page, qtbot, "word")
    assert page.find_bar.geometry().bottom() < page.viewport().y()
    QTest.keyClick(page.find_bar.field, Qt.Key.Key_Escape)
    assert page.viewport().height() == before


def test_the_column_stays_where_a_scroll_bar_appears(page, qtbot):
    page.set_items(talk(2))
    left, width = page.page.left, page.viewport().width()
    page.set_items(talk(200))
    qtbot.waitUntil(lambda: page.viewport().width() < width)
    assert page.page.left == left


def test_stepping_through_matches_wraps_around(page, qtbot):
    page.set_items([question("q", "One word"), answer("a", "word **wo**rd\n\n- WORD"), question("z", "Last Word")])
    page.scroll_to_item("q")
    search(page, qtbot, "word")
    assert count(page) == "1 of 5"
    for expected in (2, 3, 4, 5, 1):
        enter(page)
        assert count(page) == f"{expected} of 5"
    enter(page, Qt.KeyboardModifier.ShiftModifier)
    assert count(page) == "5 of 5"
    enter(page, key="F3")
    assert count(page) == "1 of 5"
    QTest.mouseClick(page.find_bar.findChild(QToolButton, "findNextButton"), Qt.MouseButton.LeftButton)
    assert count(page) == "2 of 5"


def test_no_matches(page, qtbot):
    page.set_items(talk(4))
    search(page, qtbot, "nowhere at all")
    assert count(page) == "No matches"
    assert not page.find_bar.findChild(QToolButton, "findNextButton").isEnabled()


@pytest.mark.parametrize(
    ("needle", "text"),
    [
        ("fett gedruckt", "Ein **fett** gedruckt"),
        ("print(layer)", "Words\n\n```python\nprint(layer)\n```"),
        ("in a cell", "| a | b |\n|---|---|\n| 1 | found **in** a cell |"),
        ("专家", "每一层有四个**专家**，只用两个"),
        ("the manual", "See [the](https://a.b) manual"),
        ("a & b", "a &amp; b"),
        ("😀 smile", "😀😀 smile"),
        ("fifty", "- one\n  - two\n    - fifty"),
        ("[x]", "an array[x]"),
    ],
)
def test_shown_text_is_found_regardless_of_markup(page, qtbot, needle, text):
    page.set_items([question("q"), answer("a", text), question("z")])
    search(page, qtbot, needle)
    assert count(page) == "1 of 1"
    number, place, *span = 1, *page.finder.current_match(1)
    assert page.page.view(number).parts[place].text(*span).endswith(needle)


def test_matches_are_marked_and_the_current_one_is_outlined(page, qtbot):
    page.set_items([answer("a", "\n\n".join(["A word here"] * 3))])
    plain = page.viewport().grab().toImage()
    search(page, qtbot, "word")
    marked = page.viewport().grab().toImage()
    enter(page)
    moved = page.viewport().grab().toImage()
    assert plain != marked != moved
    spot = spot_of(page, 0, "word", 1)
    # The current match has one mark, no higher than its outline.
    place = page.page.view(0).parts[0].line_rects(2, 6)[0]
    above = spot.y() - round(place.height() / 2) - 3
    assert marked.pixelColor(spot.x(), above) == QColor(LIGHT.page)
    assert QColor(LIGHT.accent) not in (plain.pixelColor(spot), moved.pixelColor(spot))
    QTest.keyClick(page.find_bar.field, Qt.Key.Key_Escape)
    assert page.finder.needle == ""


def test_a_distant_match_is_shown_without_laying_out_everything(page, qtbot):
    items = talk(500)
    items[40] = question("q", "the needle")
    page.set_items(items)
    search(page, qtbot, "needle")
    assert count(page) == "1 of 1"
    assert 0 < spot_of(page, 40, "needle").y() < page.page.height
    assert len(page.page.views) < 100


def test_the_search_starts_at_the_visible_messages(page, qtbot):
    page.set_items([question(str(n), f"Question {n} word") for n in range(100)])
    page.scroll_to_item("50")
    search(page, qtbot, "word")
    assert count(page) == "51 of 100"


def test_a_match_in_collapsed_thoughts_expands_them(page, qtbot):
    content = "<think>a word inside</think>\na word outside"
    page.set_items([question("q"), answer("a", content)])
    search(page, qtbot, "word")
    assert count(page) == "1 of 2"
    assert page.page.view(1).thought_open
    page.state.set_thought_open(1, False)
    enter(page)
    assert count(page) == "2 of 2"
    assert not page.page.view(1).thought_open
    assert page.finder.current_match(1) is not None
    enter(page, Qt.KeyboardModifier.ShiftModifier)
    assert page.page.view(1).thought_open


def test_a_growing_answer_is_searched_again(page, qtbot):
    page.set_items([question("q", "a word"), answer("s", "", Status.STREAMING)])
    search(page, qtbot, "word")
    assert count(page) == "1 of 1"
    page.append_text("s", "one more word")
    qtbot.waitUntil(lambda: count(page) == "1 of 2")
    page.append_item(question("z", "and a word"))
    qtbot.waitUntil(lambda: count(page) == "1 of 3")


def test_another_conversation_is_searched_from_the_start(page, qtbot):
    page.set_items([question("q", "a word")])
    search(page, qtbot, "word")
    page.set_items([question("z", "word and word")])
    qtbot.waitUntil(lambda: count(page) == "1 of 2")


def test_a_search_in_one_message_ends_with_the_conversation_or_a_search_in_all(page, qtbot):
    page.set_items([question("q", "a word"), answer("a", "a word and a word"), question("z", "word")])
    page.scroll_to_item("a", "word")
    assert (page.finder.total, page.finder.place) == (2, 1)
    assert [bool(page.finder.marks(number)) for number in range(3)] == [True, True, True]
    search(page, qtbot, "word")
    assert count(page) == "1 of 4"
    page.find_bar.close_bar()
    page.scroll_to_item("a", "word")
    page.set_items([question("other", "a word")])
    assert page.finder.needle == ""
    assert page.finder.marks(0) == {}


def test_selected_text_is_searched(page, qtbot):
    page.set_items([answer("a", "A word and a word")])
    QTest.mouseDClick(page.viewport(), Qt.MouseButton.LeftButton, pos=spot_of(page, 0, "word", 1))
    page.open_find()
    assert page.find_bar.field.text() == "word"
    qtbot.waitUntil(lambda: count(page) == "1 of 2")


def test_escape_in_the_transcript_closes_the_find_bar(page, qtbot):
    page.set_items([question("q", "a word")])
    search(page, qtbot, "word")
    page.setFocus()
    QTest.keyClick(page, Qt.Key.Key_F3)
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert not page.find_bar.isVisible()


def test_ctrl_f_searches_the_conversation_and_ctrl_shift_f_all(open_window, qtbot):
    window = open_window()
    store = window.controller.services.store
    conversation = store.create(title="One", model_id="starter")
    _, made = store.begin_turn(conversation.id, "A question about words")
    store.finish_answer(made.id, "An answer with words", Status.COMPLETE)
    window.controller.conversation.open(conversation.id)
    composer, bar = window.composer.field, window.controller.transcript.find_bar
    assert composer.hasFocus()
    QTest.keyClick(composer, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert bar.field.hasFocus()
    QTest.keyClicks(bar.field, "words")
    qtbot.waitUntil(lambda: bar.findChild(QLabel, "findCount").text() == "1 of 2")
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    assert composer.hasFocus()
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(composer, Qt.Key.Key_F, both)
    assert window.sidebar.search.hasFocus()


def test_a_search_does_not_move_a_page_that_was_scrolled_meanwhile(page, qtbot):
    text = "\n\n".join(f"Paragraph {n}: " + "words " * 60 for n in range(170))
    page.set_items([question("q"), answer("a", text)])
    page.scroll_to_item("a", "Paragraph 150:")
    assert page.finder.is_searching
    wheel(page, -3)
    before = spot_of(page, 1, "Paragraph 0:").y()
    qtbot.waitUntil(lambda: not page.finder.is_searching and not page.page.view(1).is_behind, timeout=300_000)
    assert spot_of(page, 1, "Paragraph 0:").y() == before
    assert page.finder.place == 1
    page.finder.step(1)
    assert 0 < spot_of(page, 1, "Paragraph 150:").y() < page.height()
    wheel(page, 3)
    before = spot_of(page, 1, "Paragraph 150:").y()
    page.finder.handle_read(1)
    assert spot_of(page, 1, "Paragraph 150:").y() == before


def test_the_count_says_that_other_versions_are_not_searched(page, qtbot):
    page.set_items([question("q", "a word", version=(2, 2))])
    search(page, qtbot, "word")
    assert count(page) == "1 of 1 · shown versions"
    search(page, qtbot, "gone")
    assert count(page) == "No matches · shown versions"
