"""Titles: of a question's own words, of an answer's heading, and what is made of a model's proposal."""

from __future__ import annotations

import pytest

from app.chat.titles import (
    TITLE_CHARACTERS,
    clean_title,
    first_title,
    is_descriptive,
    is_greeting,
    title_from,
    title_from_answer,
)
from app.conversation import Attachment


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is the sea?", "What is the sea?"),
        ("\n\n  Hello\nsecond line", "Hello"),
        ("", ""),
        ("Please review this:\n\n```python\nx = 1\n```", "Please review this"),
        ("请用三句话介绍一下大海", "请用三句话介绍一下大海"),
        ("What is the capital of France? Answer in one short sentence.", "What is the capital of France?"),
        (
            "海水为什么是咸的？" + "请用通俗的语言解释一下，并举几个例子说明，" * 3,
            "海水为什么是咸的？",
        ),
    ],
)
def test_title_is_the_first_line_or_its_first_sentence(question: str, title: str) -> None:
    assert title_from(question) == title


@pytest.mark.parametrize("question", ["word " * 40, "字" * 200, "x" * 200, "Hm. " + "word " * 40])
def test_long_title_is_cut(question: str) -> None:
    title = title_from(question)
    assert len(title) <= TITLE_CHARACTERS
    assert title.endswith("…")
    assert not title.endswith(" …")


def test_attachment_gives_the_title_without_text() -> None:
    attachments = (Attachment("notes.md", "text"), Attachment("more.md", "text"))
    assert first_title("", attachments) == "notes.md"
    assert first_title("What is in it?", attachments) == "What is in it?"
    assert first_title("") == ""


@pytest.mark.parametrize("text", ["hi", "Hello there!", "你好", "您好！", "在吗？", "Good morning", "thanks", "test"])
def test_greetings_are_recognised(text: str) -> None:
    assert is_greeting(text)
    assert not is_descriptive(text)


@pytest.mark.parametrize("text", ["history of tea", "Hi, why is the sea salty?", "你好世界怎么写", "testing in Python"])
def test_questions_are_not_greetings(text: str) -> None:
    assert not is_greeting(text)
    assert is_descriptive(text)


def test_cut_title_is_not_telling() -> None:
    assert not is_descriptive("word " * 40)
    assert not is_descriptive("")


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("# The salt of the sea\n\nIt comes…", "The salt of the sea"),
        ("<think>\nhm\n</think>\n\n## **海水的盐分**\n…", "海水的盐分"),
        ("Sure.\n\n### Steps ###\n1. One", "Steps"),
        ("It comes from the rivers.", ""),
        ("#hashtag is no heading", ""),
    ],
)
def test_heading_of_an_answer_is_a_title(answer: str, title: str) -> None:
    assert title_from_answer(answer) == title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ('"The Salt of the Sea"', "The Salt of the Sea"),
        ("Title: The Salt of the Sea.", "The Salt of the Sea"),
        ("标题：《海水为什么是咸的》", "海水为什么是咸的"),
        ("**Sea salt**\nHere is why:", "Sea salt"),
        ("\n- Sea salt", "Sea salt"),
        (r"## Roots of $x^2$ and \( x^3 \)", "Roots of x^2 and x^3"),
        ("From $5 to $10 a day", "From $5 to $10 a day"),
        ("<think>The person wants", ""),
        ("<think>short</think>\nSea salt", "Sea salt"),
        ("short\n</think>\nSea salt", "Sea salt"),
        ("The sea is salty because the rivers bring salt and the sun takes only the water away.", ""),
        ("", ""),
        ("?", ""),
    ],
)
def test_generated_titles_are_cleaned_or_refused(said: str, title: str) -> None:
    assert clean_title(said) == title
