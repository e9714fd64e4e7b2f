"""Tools in requests of OpenAI's API: definitions, calls and results, with the official client and a real model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.local_server.request import parse_call
from tests.fuzz.test_local_server import MODEL
from tests.local_server.conftest import Served

ADD: Any = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two numbers.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
    },
}
QUESTION: Any = [{"role": "user", "content": "What is 2 and 3?"}]
GREEDY: Any = {"model": "calls", "temperature": 0, "max_tokens": 24, "tools": [ADD]}


def test_a_call_is_made_and_its_result_is_read(calling_server: Served) -> None:
    chat = calling_server.openai.chat.completions
    (choice,) = chat.create(messages=QUESTION, **GREEDY).choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me add.")
    (call,) = choice.message.tool_calls or ()
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("add", {"a": 2, "b": 3})
    answer = choice.message.model_dump(exclude_none=True)
    result = {"role": "tool", "tool_call_id": call.id, "content": "5"}
    (choice,) = chat.create(messages=[*QUESTION, answer, result], **GREEDY).choices
    assert (choice.finish_reason, choice.message.content, choice.message.tool_calls) == ("stop", "It is five.", None)
    # A conversation that goes on after the answer.
    more = [*QUESTION, answer, result, {"role": "assistant", "content": "It is five."}, *QUESTION]
    (choice,) = chat.create(messages=more, **GREEDY).choices
    assert choice.finish_reason == "tool_calls"


def test_a_streamed_call_is_the_same(calling_server: Served) -> None:
    chunks = list(calling_server.openai.chat.completions.create(messages=QUESTION, stream=True, **GREEDY))
    deltas = [each.choices[0].delta for each in chunks]
    assert "".join(each.content or "" for each in deltas).rstrip() == "Let me add."
    (call,) = [call for each in deltas for call in each.tool_calls or ()]
    assert call.function is not None
    assert (call.index, call.type, call.function.name) == (0, "function", "add")
    assert json.loads(call.function.arguments or "") == {"a": 2, "b": 3}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    with calling_server.openai.chat.completions.stream(messages=QUESTION, **GREEDY) as stream:
        final = stream.get_final_completion()
    assert [each.function.name for each in final.choices[0].message.tool_calls or ()] == ["add"]


def test_a_choice_of_tools_is_followed(calling_server: Served) -> None:
    other: Any = {
        "type": "function",
        "function": {
            "name": "other",
            "parameters": {
                "$ref": "#/$defs/a",
                "$defs": {
                    "a": {
                        "type": "object",
                        "properties": {"n": {"enum": [1, 2]}},
                        "required": ["n"],
                        "additionalProperties": False,
                    }
                },
            },
        },
    }
    chat = calling_server.openai.chat.completions
    fields = GREEDY | {"tools": [ADD, other], "max_tokens": 400}
    without = chat.create(messages=QUESTION, tool_choice="none", **GREEDY).choices[0]
    assert without.message.tool_calls is None
    for chosen, names in (
        ("required", {"add", "other"}),
        ({"type": "function", "function": {"name": "other"}}, {"other"}),
    ):
        (choice,) = chat.create(messages=QUESTION, tool_choice=chosen, **fields).choices
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
        (call,) = choice.message.tool_calls or ()
        assert call.type == "function"
        assert call.function.name in names
        if call.function.name == "other":
            assert json.loads(call.function.arguments) in ({"n": 1}, {"n": 2})
    cut = chat.create(messages=QUESTION, tool_choice="required", **fields | {"max_tokens": 3}).choices[0]
    assert (cut.finish_reason, cut.message.tool_calls) == ("length", None)


def test_wrong_tools_are_refused_by_name(calling_server: Served, starter_server: Served) -> None:
    named = {"type": "function", "function": {"name": "none"}}
    for fields, place in (
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "custom"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tools": [ADD, ADD]}, "tools"),
        ({"tools": [ADD], "tool_choice": "always"}, "tool_choice"),
        ({"tools": [ADD], "tool_choice": named}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [ADD], "response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [ADD], "parallel_tool_calls": "no"}, "parallel_tool_calls"),
        (
            {
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": 7}}}],
                "tool_choice": "required",
            },
            "tools",
        ),
    ):
        status, body = calling_server.ask(**fields)
        assert (status, body["error"]["param"]) == (400, place), body
    status, body = starter_server.ask(tools=[ADD])
    assert (status, body["error"]["param"], body["error"]["code"]) == (400, "tools", "tools_not_supported")
    assert starter_server.ask(tools=[ADD], tool_choice="none", max_tokens=1)[0] == 200


def call_of(id_: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_calls_and_results_belong_together(calling_server: Served) -> None:
    def result(id_: str) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": id_, "content": id_}

    called = {"role": "assistant", "content": None, "tool_calls": [call_of("a"), call_of("b")]}
    for messages, place in (
        ([result("a")], "messages[0]"),
        ([*QUESTION, called, result("a")], "messages"),
        ([*QUESTION, called, *QUESTION], "messages[2]"),
        ([*QUESTION, called, result("a"), result("a")], "messages[3]"),
        ([*QUESTION, called, result("c")], "messages[2]"),
        ([*QUESTION, {**called, "tool_calls": [call_of("a"), call_of("a")]}], "messages[1]"),
        ([*QUESTION, {**called, "tool_calls": [call_of("a", "[]")]}], "messages[1].tool_calls.function.arguments"),
    ):
        status, body = calling_server.ask(messages=messages)
        assert (status, body["error"]["param"]) == (400, place), body
    # In any order, over several rounds, with the same ids again.
    rounds = [*QUESTION, called, result("b"), result("a"), called, result("a"), result("b")]
    answer = {"role": "assistant", "content": "Done."}
    call = parse_call(json.dumps({"messages": [*rounds, answer, *QUESTION]}).encode(), MODEL, is_chat=True)
    question, answered, _ = call.request.messages
    assert [[each.result for each in step.calls] for step in answered.steps] == [["a", "b"], ["a", "b"]]
    assert (answered.content, question.content) == ("Done.", "What is 2 and 3?")


def test_several_calls_unless_one_is_asked_for(calling_server: Served) -> None:
    from app.backend import AnswerFinished, ToolsCalled
    from app.local_server.reply import Reply
    from app.tool_calls import ToolCall

    for parallel, count in ((True, 2), (False, 1)):
        body = {"messages": QUESTION, "tools": [ADD], "parallel_tool_calls": parallel}
        reply = Reply(parse_call(json.dumps(body).encode(), MODEL, is_chat=True), "m")
        reply.add(ToolsCalled((ToolCall("add", {"a": 1}), ToolCall("add", {"a": 2}))))
        finished = AnswerFinished("stop", 1, 1, None, None, None)
        reply.add(finished)
        assert len(reply.whole(finished)["choices"][0]["message"]["tool_calls"]) == count


def test_tokens_of_a_text(starter_server: Served) -> None:
    status, body = starter_server.call("POST", "/tokenize", {"content": "Hello<|im_end|>"})
    assert status == 200, body
    _, plain = starter_server.call("POST", "/tokenize", {"content": "Hello<|im_end|>", "parse_special": False})
    assert len(plain["tokens"]) > len(body["tokens"]) == 2
    status, body = starter_server.call("POST", "/tokenize", {"content": "x", "with_pieces": True})
    assert (status, body["error"]["param"]) == (400, "with_pieces")


@pytest.mark.parametrize("path", ["/v1/tokenize", "/v1/messages/count_tokens"])
def test_other_bodies_are_refused(starter_server: Served, path: str) -> None:
    assert starter_server.call("POST", path, {})[0] == 400
