"""Templates of well-known models: prompts equal to those of transformers, thoughts, switches of thinking."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.engine.child import template_child
from app.engine.child.template_child import TemplateRenderer
from app.thoughts import ThoughtStream, marks_of, template_variables, thinking_choices, thought_at_end
from tests.rigs.chat_templates import BOS, CONVERSATIONS, EOS, NOW, digest, plain_messages

TABLE: dict[str, dict[str, Any]] = json.loads(
    lzma.decompress((Path(__file__).parents[1] / "data" / "chat-templates.json.xz").read_bytes())
)
OPENED = {
    "Apriel-1.6-15b-Thinker-fixed",
    "GLM-4.7-Flash",
    "GLM-5.1",
    "MiniMax-M2",
    "Qwen3.5-4B",
    "Qwen3.5-4B-of-the-hub",
    "StepFun3.5-Flash",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "inclusionai-ling-3.0-flash",
    "llama-cpp-deepseek-r1",
}
"""Templates that open a thought themselves."""

Render = Callable[..., str | None]


class Clock:
    @staticmethod
    def now() -> object:
        return NOW


@pytest.fixture(params=TABLE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def renderer_of(name: str) -> TemplateRenderer:
    renderer = TemplateRenderer()
    renderer.handle({"source": TABLE[name]["source"], "bos": BOS, "eos": EOS, "messages": []})
    return renderer


@pytest.fixture
def render(name: str, monkeypatch: pytest.MonkeyPatch) -> Render:
    monkeypatch.setattr(template_child, "datetime", Clock)

    def text(number: int, thinking: str = "") -> str | None:
        messages = plain_messages(CONVERSATIONS[number])
        answer = renderer_of(name).handle({"messages": messages, "variables": template_variables(thinking)})
        return answer.get("text")

    return text


def test_prompts_equal_those_of_transformers(name: str, render: Render) -> None:
    assert [digest(render(number)) for number in range(len(CONVERSATIONS))] == TABLE[name]["prompts"]


def test_at_least_78_different_templates_are_compared() -> None:
    assert len({each["source"] for each in TABLE.values()}) >= 78


def test_each_switch_of_thinking_changes_the_prompt(name: str, render: Render) -> None:
    choices = thinking_choices(TABLE[name]["source"])
    prompts = {thinking: render(4, thinking) for thinking in ("", *choices)}
    assert None not in prompts.values()
    assert len(set(prompts.values())) >= max(len(choices), 2 if choices else 1)


def test_thoughts_are_folded(name: str, render: Render) -> None:
    source = TABLE[name]["source"]
    for thinking in ("", *thinking_choices(source)):
        at_end = thought_at_end(render(4, thinking) or "")
        marks, opened = (marks_of(source), None) if at_end is None else at_end[1:]
        if not thinking:
            assert (opened is not None) is (name in OPENED)
        answer = f"{'' if opened is not None else marks.open}Hm.{marks.close}Yes."
        thinks = None if opened is None else True
        stream = ThoughtStream(marks, thinks=thinks, opened="<think>" if thinks else "")
        assert "".join(map(stream.add, answer)) + stream.finish() == "<think>Hm.</think>Yes."
