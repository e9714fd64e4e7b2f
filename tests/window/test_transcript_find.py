"""Finding a text in the conversation: the bar, the count, from hit to hit, without laying everything out."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QToolButton

from app.conversation import Status
from tests.window.pages import answer, question, spot_of, talk
from ui.widgets.theme import LIGHT


@pytest.fixture
def page(transcript, qtbot):
    with qtbot.waitActive(transcript):
        transcript.activateWindow()
    transcript.setFocus()
    return transcript


def look_for(page, qtbot, text: str) -> None:
    page.open_find()
    page.find_bar.field.setText(text)
    QTest.keyClick(page.find_bar.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not page.finder.is_searching)


def count(page) -> str:
    return page.find_bar.findChild(QLabel, "findCount").text()


def enter(page, how: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier, key: str = "Return") -> None:
    QTest.keyClick(page.find_bar.field, Qt.Key[f"Key_{key}"], how)


def test_the_bar_opens_over_the_transcript_and_gives_the_keyboard_back(page):
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


def test_hits_are_counted_and_gone_through_around_the_ends(page, qtbot):
    page.set_items([question("q", "One word"), answer("a", "word **wo**rd\n\n- WORD"), question("z", "Last Word")])
    page.scroll_to_item("q")
    look_for(page, qtbot, "word")
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


def test_nothing_found_is_said(page, qtbot):
    page.set_items(talk(4))
    look_for(page, qtbot, "nowhere at all")
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
def test_what_one_sees_is_found_whatever_its_marks(page, qtbot, needle, text):
    page.set_items([question("q"), answer("a", text), question("z")])
    look_for(page, qtbot, needle)
    assert count(page) == "1 of 1"
    number, place, *span = 1, *page.finder.current_match(1)
    assert page.page.view(number).parts[place].text(*span).endswith(needle)


def test_hits_are_marked_and_the_present_one_stands_out(page, qtbot):
    page.set_items([answer("a", "\n\n".join(["A word here"] * 3))])
    plain = page.viewport().grab().toImage()
    look_for(page, qtbot, "word")
    marked = page.viewport().grab().toImage()
    enter(page)
    moved = page.viewport().grab().toImage()
    assert plain != marked != moved
    spot = spot_of(page, 0, "word", 1)
    assert QColor(LIGHT.accent) not in (plain.pixelColor(spot), moved.pixelColor(spot))
    QTest.keyClick(page.find_bar.field, Qt.Key.Key_Escape)
    assert page.finder.needle == ""


def test_a_hit_far_away_is_gone_to_without_laying_everything_out(page, qtbot):
    items = talk(500)
    items[40] = question("q", "the needle")
    page.set_items(items)
    look_for(page, qtbot, "needle")
    assert count(page) == "1 of 1"
    assert 0 < spot_of(page, 40, "needle").y() < page.page.height
    assert len(page.page.views) < 100


def test_the_search_begins_where_one_reads(page, qtbot):
    page.set_items([question(str(n), f"Question {n} word") for n in range(100)])
    page.scroll_to_item("50")
    look_for(page, qtbot, "word")
    assert count(page) == "51 of 100"


def test_a_folded_thought_opens_for_a_hit_inside(page, qtbot):
    content = "<think>a word inside</think>\na word outside"
    page.set_items([question("q"), answer("a", content)])
    look_for(page, qtbot, "word")
    assert count(page) == "1 of 2"
    assert page.page.view(1).thought_open
    page.state.set_thought_open(1, False)
    enter(page)
    assert count(page) == "2 of 2"
    assert not page.page.view(1).thought_open
    assert page.finder.current_match(1) is not None
    enter(page, Qt.KeyboardModifier.ShiftModifier)
    assert page.page.view(1).thought_open


def test_a_growing_answer_is_looked_through_again(page, qtbot):
    page.set_items([question("q", "a word"), answer("s", "", Status.STREAMING)])
    look_for(page, qtbot, "word")
    assert count(page) == "1 of 1"
    page.append_text("s", "one more word")
    qtbot.waitUntil(lambda: count(page) == "1 of 2")
    page.append_item(question("z", "and a word"))
    qtbot.waitUntil(lambda: count(page) == "1 of 3")


def test_another_conversation_is_searched_anew(page, qtbot):
    page.set_items([question("q", "a word")])
    look_for(page, qtbot, "word")
    page.set_items([question("z", "word and word")])
    qtbot.waitUntil(lambda: count(page) == "1 of 2")


def test_one_selected_line_is_what_is_looked_for(page, qtbot):
    page.set_items([answer("a", "A word and a word")])
    QTest.mouseDClick(page.viewport(), Qt.MouseButton.LeftButton, pos=spot_of(page, 0, "word", 1))
    page.open_find()
    assert page.find_bar.field.text() == "word"
    qtbot.waitUntil(lambda: count(page) == "1 of 2")


def test_escape_in_the_transcript_closes_the_bar(page, qtbot):
    page.set_items([question("q", "a word")])
    look_for(page, qtbot, "word")
    page.setFocus()
    QTest.keyClick(page, Qt.Key.Key_F3)
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert not page.find_bar.isVisible()


def test_control_f_finds_in_the_conversation_and_with_shift_in_all_of_them(open_window, qtbot):
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
