"""Calls of tools: the form is read from each well-known chat template, and what a model writes in it is understood."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from app.engine.child.template_child import TemplateRenderer
from app.engine.child.tool_calls import CallForm, CallStream, call_form
from tests.engine.test_chat_templates import TABLE, renderer_of

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "count": {"type": "integer"}, "deep": {"type": "object"}},
}
ARGUMENTS = {"city": 'São Paulo "x"\nline 2', "count": 3, "deep": {"a": [1, "two"]}}
TOOL = {"type": "function", "function": {"name": "find_it", "description": "Finds.", "parameters": SCHEMA}}
QUESTION = {"role": "user", "content": "Where is it?"}
WITHOUT_CALLS = {
    "MiniCPM3-4B",
    "community-granite-3.0-instruct",
    "granite-3.0-8b-instruct",
    "ibm-granite-granite-3.3-2B-Instruct",
    "llama-cpp-deepseek-r1",
}
"""They list tools, but refuse calls, leave them out, or have them written as Python."""
ONE_CALL = {"GigaChat3-10B-A1.8B", "openai-gpt-oss-120b"}
"""They write the first call of several only."""
NAMES = [name for name, each in TABLE.items() if "tools" in each["source"] and name not in WITHOUT_CALLS]


def render(name: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> str | None:
    return renderer_of(name).handle({"messages": messages, "variables": {"tools": tools}}).get("text")


@cache
def form_of(name: str) -> CallForm | None:
    return call_form(lambda messages, tools: render(name, messages, tools))


def written(name: str, count: int) -> str:
    """Return calls as the template writes them, between the question and the first result."""
    form = form_of(name)
    assert form is not None
    arguments = json.dumps(ARGUMENTS) if form.arguments_are_text else ARGUMENTS
    functions = [{"name": each, "arguments": arguments} for each in ("find_it", "second-tool")[:count]]
    calls = [{"id": f"abcdef00{n}", "type": "function", "function": each} for n, each in enumerate(functions)]
    results = [{"role": "tool", "name": "find_it", "tool_call_id": each["id"], "content": "RESULT"} for each in calls]
    text = render(name, [QUESTION, {"role": "assistant", "content": "", "tool_calls": calls}, *results], [TOOL])
    assert text is not None
    return text[text.rindex("Where is it?") :].partition("RESULT")[0]


@pytest.mark.parametrize("name", NAMES)
def test_calls_are_read_as_the_template_writes_them(name: str) -> None:
    form = form_of(name)
    assert form is not None
    for count in (1, 2):
        stream = CallStream(form)
        text = written(name, count)
        shown = "".join(map(stream.add, text))
        rest, calls = stream.finish({"find_it": SCHEMA, "second-tool": SCHEMA})
        expected = [("find_it", ARGUMENTS), ("second-tool", ARGUMENTS)][: 1 if name in ONE_CALL else count]
        assert calls == expected
        assert not rest
        assert "São" not in shown


def test_templates_without_calls_have_no_form() -> None:
    assert [name for name in WITHOUT_CALLS if form_of(name) is not None] == []


@pytest.mark.parametrize("name", ["Qwen-Qwen3-0.6B", "mistralai-Ministral-3-14B-Reasoning-2512", "Qwen3-Coder"])
def test_text_without_calls_is_shown_as_it_is(name: str) -> None:
    form = form_of(name)
    assert form is not None
    for text in ("It is <b>here</b> [1] {2}.", "<tool", f"{form.start} and no call", '{"name": "find_it"}'):
        stream = CallStream(form)
        shown = "".join(map(stream.add, text))
        rest, calls = stream.finish({"find_it": SCHEMA})
        assert (shown + rest, calls) == (text, [])


def test_an_answer_that_is_json_is_a_call_where_the_template_has_no_mark() -> None:
    form = CallForm("")
    stream = CallStream(form)
    assert stream.add(' {"name": "find_it", "parameters": {"count": 2}}') == ""
    assert stream.finish({}) == ("", [("find_it", {"count": 2})])
    stream = CallStream(form)
    assert stream.add("No call: {}") == "No call: {}"


def test_a_template_that_takes_a_tool_for_text_has_no_form() -> None:
    renderer = TemplateRenderer()
    source = "{{ tools }}{% for m in messages %}{{ m.content }}{% endfor %}"
    renderer.handle({"source": source, "bos": "", "eos": "", "messages": []})
    assert call_form(lambda messages, tools: renderer.handle({"messages": messages, "variables": {}})["text"]) is None


@pytest.mark.parametrize("name", ["Qwen-Qwen3-0.6B", "Qwen3-Coder", "mistralai-Ministral-3-14B-Reasoning-2512", None])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "[" * 900 + "]" * 900,
        '{"function": null}',
        '{"name": "f", "function": [5]}',
        '{"name": "f", "arguments": "{[1]: 2}"}',
        "{[1]}",
        "<function=" + "a" * 50_000,
        "<parameter=" * 8_000,
        "<parameter=a>1" * 8_000,
        "<function=f>\n<parameter=x>\n{1, (2,)}\n</parameter>\n<parameter=y>{[1]}</parameter>\n</function>",
        "<function=f>\n<parameter=x>" + "<![CDATA[" * 8_000 + "]]>\n</parameter>\n</function>",
    ],
    ids=lambda text: text[:24],
)
def test_whatever_a_model_writes_is_read_in_time(name: str | None, text: str) -> None:
    form = form_of(name) if name else CallForm("")
    assert form is not None
    begin = time.thread_time()
    stream = CallStream(form)
    stream.add(form.start + text)
    for _, arguments in stream.finish({})[1]:
        json.dumps(arguments)
    assert time.thread_time() - begin < 2
