"""What of a branch is sent, and the title made of its first question."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.chat.conversation import Message, Role, Status
from app.chat.prompt import TITLE_CHARACTERS, first_system_prompt, prompt_messages, title_from


def message(role: Role, content: str, status: Status = Status.COMPLETE) -> Message:
    return Message("id", "conversation", None, role, status, content, datetime.now(UTC))


def sent(*branch: Message, system: str = "") -> list[tuple[str, str]]:
    return [(str(each.role), each.content) for each in prompt_messages(system, branch)]


def test_the_system_prompt_comes_first_and_only_where_there_is_one() -> None:
    question = message(Role.USER, "hello")
    assert sent(question, system="Be brief.") == [("system", "Be brief."), ("user", "hello")]
    assert sent(question, system="  \n") == [("user", "hello")]


def test_a_question_without_an_answer_is_left_out() -> None:
    branch = [
        message(Role.USER, "first"),
        message(Role.ASSISTANT, "", Status.FAILED),
        message(Role.USER, "second"),
        message(Role.ASSISTANT, "half", Status.INTERRUPTED),
        message(Role.USER, "third"),
    ]
    assert sent(*branch) == [("user", "second"), ("assistant", "half"), ("user", "third")]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is the sea?", "What is the sea?"),
        ("\n\n  Hello\nsecond line", "Hello"),
        ("", ""),
        ("请用三句话介绍一下大海", "请用三句话介绍一下大海"),
    ],
)
def test_a_title_is_the_first_line(question: str, title: str) -> None:
    assert title_from(question) == title


@pytest.mark.parametrize("question", ["word " * 40, "字" * 200, "x" * 200])
def test_a_long_title_is_cut(question: str) -> None:
    title = title_from(question)
    assert len(title) <= TITLE_CHARACTERS
    assert title.endswith("…")
    assert not title.endswith(" …")


def test_a_new_conversation_begins_as_the_model_s_makers_recommend() -> None:
    recommended = "You are a helpful assistant named APUS-xDAN4.0 MoE."
    assert first_system_prompt("", "apus:Q2_K") == recommended
    assert first_system_prompt("Be brief.", "apus:Q2_K") == "Be brief."
    assert first_system_prompt("", "starter") == ""
    assert first_system_prompt("", "somebody/else:file.gguf") == ""
