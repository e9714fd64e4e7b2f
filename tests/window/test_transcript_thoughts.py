"""Thoughts of the model: one line that expands; searched, and copied as Markdown."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.conversation import Status
from tests.window.pages import answer, button_of, question, spot_of
from ui.transcript.reader import last_thought

CONTENT = "<think>\nFirst a **secret** plan.\n\n- then more\n</think>\nThe answer."


def text_of(transcript, number: int = 0) -> str:
    return "\n".join(part.document.toPlainText() for part in transcript.page.view(number).parts)


def line_of(transcript, number: int = 0) -> str:
    (line,) = [button.label for button in transcript.page.view(number).buttons if button.key == "thought"]
    return line


def click(transcript, number: int = 0) -> None:
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=button_of(transcript, number, "thought"))


def test_finished_thoughts_are_one_line_that_expands(transcript):
    transcript.set_items([answer("a", CONTENT, thought_s=12.4)])
    assert line_of(transcript) == "Thought for 12 s"
    assert text_of(transcript) == "The answer."
    height = transcript.page.heights[0]
    click(transcript)
    assert text_of(transcript).startswith("First a secret plan.\nthen more")
    assert transcript.page.heights[0] > height
    click(transcript)
    assert text_of(transcript) == "The answer."
    assert transcript.page.heights[0] == height


@pytest.mark.parametrize(
    ("seconds", "line"), [(None, "Thoughts"), (0.2, "Thought for 1 s"), (75.0, "Thought for 1 min 15 s")]
)
def test_the_thought_line_shows_a_known_duration(transcript, seconds, line):
    transcript.set_items([answer("a", CONTENT, thought_s=seconds)])
    assert line_of(transcript) == line


def test_expanded_thoughts_stay_expanded_in_another_conversation(transcript):
    items = [question("q"), answer("a", CONTENT), answer("b", CONTENT)]
    transcript.set_items(items)
    click(transcript, 1)
    transcript.set_items([question("other")])
    transcript.set_items(items)
    assert "secret" in text_of(transcript, 1)
    assert "secret" not in text_of(transcript, 2)


def test_the_thought_line_counts_seconds_while_thinking(transcript):
    transcript.set_items([answer("s", "", Status.STREAMING, actions=())])
    for piece in ("<thi", "nk>A sec", "ret"):
        transcript.append_text("s", piece)
    assert line_of(transcript) == "Thinking… 1 s"
    assert text_of(transcript) == ""
    click(transcript)
    assert text_of(transcript) == "A secret"
    transcript.append_text("s", " plan.</think>Hello")
    assert line_of(transcript) == "Thought for 1 s"
    assert text_of(transcript) == "A secret plan.\nHello"
    transcript.update_item(answer("s", "<think>A secret plan.</think>Hello", thought_s=3.0))
    assert line_of(transcript) == "Thought for 3 s"


def test_a_closing_tag_alone_folds_the_text_before_it(transcript):
    transcript.set_items([answer("s", "", Status.STREAMING, actions=())])
    for piece in ("A secret", " plan.\n\n- more\n", "</thi"):
        transcript.append_text("s", piece)
    assert "secret" in text_of(transcript)
    transcript.append_text("s", "nk>\n\nHello")
    assert text_of(transcript) == "Hello"
    transcript.update_item(answer("s", "A secret plan.\n\n- more\n</think>\n\nHello", thought_s=3.0))
    assert line_of(transcript) == "Thought for 3 s"
    assert text_of(transcript) == "Hello"


def test_thoughts_expanded_by_default_collapse_when_finished(transcript):
    first, second = (answer(name, "<think>secret", Status.STREAMING, actions=()) for name in "ab")
    transcript.set_items([first])
    click(transcript)
    transcript.update_item(answer("a", CONTENT))
    transcript.append_item(second)
    assert text_of(transcript, 1) == "secret"
    transcript.append_text("b", "</think>Hello")
    assert text_of(transcript, 1) == "Hello"


@pytest.mark.parametrize("status", [Status.STOPPED, Status.INTERRUPTED])
def test_interrupted_thoughts_stay_collapsed(transcript, status):
    transcript.set_items([answer("a", "<think>Only a secret", status, note="Stopped.", thought_s=5.0)])
    assert line_of(transcript) == "Thought for 5 s"
    assert text_of(transcript) == ""


def test_an_answer_of_only_thoughts_is_shown(transcript):
    transcript.set_items([answer("a", "<think>All there is")])
    assert text_of(transcript) == "All there is"


def test_empty_thoughts_have_no_line(transcript):
    transcript.set_items([answer("a", "<think>\n\n</think>\nHello")])
    assert not [button for button in transcript.page.view(0).buttons if button.key == "thought"]


def test_collapsed_thoughts_are_copied_only_as_markdown(transcript):
    transcript.set_items([answer("a", CONTENT)])
    transcript.state.select_all()
    transcript.state.copy()
    assert QGuiApplication.clipboard().text() == "The answer."
    transcript.state.copy(markdown=True)
    assert QGuiApplication.clipboard().text() == CONTENT
    click(transcript)
    transcript.state.select_all()
    transcript.state.copy()
    assert "secret" in QGuiApplication.clipboard().text()


def test_scrolling_to_a_match_in_thoughts_expands_them(transcript):
    transcript.set_items([answer("a", CONTENT)])
    transcript.scroll_to_item("a", "answer")
    assert "secret" not in text_of(transcript)
    transcript.scroll_to_item("a", "secret")
    assert spot_of(transcript, 0, "secret").y() < 600


def test_updating_an_answer_keeps_its_thoughts_expanded(transcript):
    transcript.set_items([answer("a", CONTENT)])
    click(transcript)
    transcript.update_item(replace(answer("a", CONTENT), is_pinned=True))
    assert "secret" in text_of(transcript)


def test_the_last_line_of_the_thoughts_is_shown_while_the_model_thinks(transcript):
    transcript.set_items([answer("s", "<think>", Status.STREAMING, actions=())])
    transcript.set_reduced_motion(True)
    QApplication.processEvents()
    blank = transcript.viewport().grab().toImage()
    for line in ("First I **count** the layers.\n\n", "- Then the `memory`", " of each"):
        transcript.append_text("s", line)
        QApplication.processEvents()
    view = transcript.page.view(0)
    assert last_thought(view.item.content) == "Then the memory of each"
    before = transcript.viewport().grab().toImage()
    assert before != blank
    transcript.viewport().repaint()
    assert transcript.viewport().grab().toImage() == before
    height = view.height
    # It goes with the thoughts, or where they are expanded.
    click(transcript)
    assert transcript.page.view(0).height > height
    click(transcript)
    assert transcript.page.view(0).height == height
    transcript.append_text("s", "</think>Yes")
    assert transcript.page.view(0).parts[0].y < height


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<think>", ""),
        ("<think>\n\n", ""),
        ("<think>One\n\n\n", "One"),
        ("<think>One\n## Two *words*", "Two words"),
        ("<think>" + "x" * 5_000, "x" * 400),
        ("<think>a\x07b\u202e", "a\u2407b\ufffd"),
    ],
)
def test_last_line_of_growing_thoughts(text, line):
    assert last_thought(text) == line
