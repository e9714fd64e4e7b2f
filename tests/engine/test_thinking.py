"""Thoughts of real answers: in a model's own marks, opened by its template, repeated as it wants, switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.backend import PromptMessage
from app.chat.prompt import answer_message
from app.conversation import Role
from app.engine.child.template import PromptTemplate
from app.engine.local_engine import LocalEngine
from tests.engine.requests import ask, load
from tests.rigs.tiny_model import write_tiny_model

MESSAGES = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"
OPENS = MESSAGES + "<think>\n"
SWITCH = MESSAGES + "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
HARMONY = MESSAGES + "{# <|channel|>analysis<|message|> #}"
QUESTION = PromptMessage(Role.USER, "Why?")

Start = Callable[[str], PromptTemplate]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[PromptTemplate] = []

    def begin(source: str) -> PromptTemplate:
        started.append(PromptTemplate(source, "<s>", "</s>"))
        return started[-1]

    yield begin
    for each in started:
        each.close()


@pytest.mark.parametrize(
    ("template", "script", "text"),
    [
        ("{{ messages[0].content }}{# [THINK] #}>", ("[THINK]", "hm", "[/THINK]", "yes"), "<think>hm</think>yes"),
        ("{{ messages[0].content }}<think>", ("hm", "</think>", "yes"), "<think>hm</think>yes"),
        ("{{ messages[0].content }}>", ("<think>", "hm", "</think>", "yes"), "<think>hm</think>yes"),
        ("{{ messages[0].content }}>", ("no", "<|other|>", "yes"), "noyes"),
    ],
    ids=["control tokens", "opened by the template", "standard", "other control tokens"],
)
def test_thoughts_have_the_standard_tags(
    engine: LocalEngine, tmp_path: Path, template: str, script: tuple[str, ...], text: str
) -> None:
    load(engine, write_tiny_model(tmp_path / "thinks.gguf", chat_template=template, script=script))
    answer = ask(engine, "Why?")
    assert answer.finished is not None
    assert (answer.text, answer.finished.finish_reason) == (text, "stop")
    # A thought that was stopped goes on, and so does the answer after it.
    for end in range(len("<think>"), len(text)):
        if text[end:].startswith(("</think>", "yes")):
            assert ask(engine, "Why?", prefill=text[:end]).text == text[end:]


def test_an_answer_continues_in_the_models_own_marks(start: Start) -> None:
    for template, prefill, end in (
        (OPENS, "<think>\nHm", "[assistant]<think>\nHm"),
        (OPENS, "<think>\nHm</think>Yes", "[assistant]<think>\nHm</think>Yes"),
        (OPENS, "Hm\n</think>Yes", "[assistant]<think>Hm\n</think>Yes"),
        (OPENS, "Yes", "[assistant]Yes"),
        (MESSAGES, "Yes", "[assistant]Yes"),
        (HARMONY, "<think>Hm", "[assistant]<|channel|>analysis<|message|>Hm"),
        (
            HARMONY,
            "<think>Hm</think>Yes",
            "[assistant]<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Yes",
        ),
        (HARMONY, "Yes", "[assistant]<|channel|>final<|message|>Yes"),
    ):
        assert start(template).prompt([QUESTION], prefill).text.endswith(f"[user]Why?{end}"), (template, prefill)
    off = start(SWITCH)
    assert off.prompt([QUESTION], "Yes", "off").text.endswith("[assistant]<think>\n\n</think>\n\nYes")
    assert off.prompt([QUESTION], "<think>Hm", "off").text.endswith("[assistant]<think>Hm")


def test_the_template_decides_about_earlier_thoughts(start: Start) -> None:
    sent = [QUESTION, answer_message("<think>\nHm.\n</think>\n\nYes."), QUESTION]
    assert start(MESSAGES).prompt(sent, "").text == "[user]Why?[assistant]Yes.[user]Why?[assistant]"
    repeats = "{% for m in messages %}{{ m.reasoning_content }}{{ m.thinking }}|{{ m.content }}{% endfor %}"
    assert start(repeats).prompt(sent, "").text == "|Why?Hm.Hm.|Yes.|Why?"


@pytest.mark.parametrize(
    ("thinking", "text"),
    [("", "None None None"), ("off", "False False None"), ("on", "True True None"), ("low", "True True low")],
)
def test_thinking_sets_the_variables_of_the_template(start: Start, thinking: str, text: str) -> None:
    shown = (
        f"{{{{ {name} if {name} is defined else none }}}}"
        for name in ("enable_thinking", "thinking", "reasoning_effort")
    )
    assert start(" ".join(shown)).prompt([QUESTION], "", thinking).text == text


def test_thinking_is_counted_as_the_answer_finds_it(engine: LocalEngine, tmp_path: Path) -> None:
    load(engine, write_tiny_model(tmp_path / "switch.gguf", chat_template=SWITCH))
    for thinking in ("", "off"):
        answer = ask(engine, "Why?", max_tokens=1, thinking=thinking)
        assert answer.finished is not None
        assert engine.count([QUESTION], thinking=thinking)[0] == answer.finished.prompt_tokens


def test_an_answer_without_a_token_has_no_thought(engine: LocalEngine, tmp_path: Path) -> None:
    load(engine, write_tiny_model(tmp_path / "ends.gguf", chat_template=OPENS, end_bias=60.0))
    assert ask(engine, "Why?").text == ""
