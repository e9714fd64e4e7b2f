"""Anthropic's Messages API of the local server, with the official client and real models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from app.local_server.fields import ApiError
from app.local_server.messages_request import parse_messages_call
from tests.fuzz.test_local_server import MODEL
from tests.local_server.conftest import PATIENCE_S, Serve, Served
from tests.rigs.tiny_model import write_tiny_model

QUESTION: Any = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]
GREEDY = {"temperature": 0}
ADD: Any = {
    "name": "add",
    "description": "Adds two numbers.",
    "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
}


def client_of(served: Served, key: str = "none", **options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=served.url, api_key=key, max_retries=0, timeout=PATIENCE_S, **options)


@pytest.fixture(scope="module")
def client(starter_server: Served) -> Iterator[anthropic.Anthropic]:
    with client_of(starter_server) as client:
        yield client


@pytest.fixture(scope="module")
def calling(calling_server: Served) -> Iterator[anthropic.Anthropic]:
    with client_of(calling_server) as client:
        yield client


def test_whole_and_streamed_answers_are_equal_and_counted(client: anthropic.Anthropic, starter_server: Served) -> None:
    fields: Any = {"model": "starter", "max_tokens": 60, "messages": QUESTION, "extra_body": GREEDY}
    whole = client.messages.create(**fields)
    (block,) = whole.content
    assert block.type == "text"
    assert "Paris" in block.text
    assert (whole.stop_reason, whole.role, whole.model) == ("end_turn", "assistant", "starter")
    _, openai = starter_server.ask(QUESTION[0]["content"], temperature=0)
    assert openai["choices"][0]["message"]["content"] == block.text
    used = whole.usage
    assert used.output_tokens == openai["usage"]["completion_tokens"]
    assert used.input_tokens + (used.cache_read_input_tokens or 0) == openai["usage"]["prompt_tokens"]
    assert (
        client.messages.count_tokens(model="starter", messages=QUESTION).input_tokens
        == (openai["usage"]["prompt_tokens"])
    )
    with client.messages.stream(**fields) as stream:
        assert "".join(stream.text_stream) == block.text
        final = stream.get_final_message()
    assert (final.stop_reason, final.content[0].text) == ("end_turn", block.text)
    assert final.usage.output_tokens == used.output_tokens


def test_ends_of_answers(client: anthropic.Anthropic) -> None:
    def ask(**fields: Any) -> Any:
        return client.messages.create(**{"model": "starter", "max_tokens": 60, "messages": QUESTION, **fields})

    assert ask(max_tokens=3).stop_reason == "max_tokens"
    stopped = ask(extra_body=GREEDY, stop_sequences=["never", "Paris"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "Paris")
    assert "Paris" not in stopped.content[0].text
    begun = [*QUESTION, {"role": "assistant", "content": "The capital of France is"}]
    assert ask(extra_body=GREEDY, messages=begun).content[0].text.startswith(" Paris")
    # Programs made for Claude send some requests to other Claude models.
    assert ask(model="claude-haiku-4-5", max_tokens=1).model == "starter"
    schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": False}
    answer = ask(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(answer.content[0].text) in ({"n": 1}, {"n": 2})


def test_tools(calling: anthropic.Anthropic) -> None:
    fields: Any = {"model": "calls", "max_tokens": 24, "extra_body": GREEDY, "tools": [ADD]}
    asked = calling.messages.create(messages=QUESTION, **fields)
    text, call = asked.content
    assert asked.stop_reason == "tool_use"
    assert text.type == "text"
    assert call.type == "tool_use"
    assert (text.text, call.name, call.input) == ("Let me add.", "add", {"a": 2, "b": 3})
    with calling.messages.stream(messages=QUESTION, **fields) as stream:
        streamed = stream.get_final_message()
    assert streamed.stop_reason == "tool_use"
    assert [each.input for each in streamed.content if each.type == "tool_use"] == [{"a": 2, "b": 3}]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "5"}]}
    turns: Any = [*QUESTION, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
    answer = calling.messages.create(messages=turns, **fields)
    assert [each.text for each in answer.content if each.type == "text"] == ["It is five."]
    assert answer.stop_reason == "end_turn"
    forced = calling.messages.create(
        messages=QUESTION, tool_choice={"type": "tool", "name": "add"}, **fields | {"max_tokens": 400}
    )
    assert [each.type for each in forced.content] == ["tool_use"]
    counted = calling.messages.count_tokens(model="calls", messages=QUESTION, tools=[ADD]).input_tokens
    assert counted > calling.messages.count_tokens(model="calls", messages=QUESTION).input_tokens


def test_thoughts_are_blocks(serve: Serve, tmp_path: Path) -> None:
    template = "{{ messages[0].content }}{% if enable_thinking is defined and not enable_thinking %}{% endif %}>"
    script = ("<think>", "hm", "</", "think>", "yes")
    served = serve(write_tiny_model(tmp_path / "thinks.gguf", chat_template=template, script=script))
    with client_of(served) as client:
        fields: Any = {"model": "thinks", "max_tokens": 60, "messages": [{"role": "user", "content": "Why?"}]}
        whole = client.messages.create(thinking={"type": "enabled", "budget_tokens": 1024}, **fields)
        thought, text = whole.content
        assert thought.type == "thinking"
        assert text.type == "text"
        assert (thought.thinking, text.text) == ("hm", "yes")
        with client.messages.stream(**fields) as stream:
            thought, text = stream.get_final_message().content
        assert [thought.model_dump()["thinking"], text.model_dump()["text"]] == ["hm", "yes"]


def test_a_key_and_errors_in_its_format(serve: Serve) -> None:
    served = serve(key="right")
    with client_of(served, key="wrong") as client, pytest.raises(anthropic.AuthenticationError) as refused:
        client.messages.create(model="starter", max_tokens=1, messages=QUESTION)
    assert refused.value.body == {
        "type": "error",
        "error": {"type": "authentication_error", "message": "The API key is missing or wrong."},
    }
    with client_of(served, key="right") as client:
        assert client.messages.create(model="starter", max_tokens=1, messages=QUESTION).usage.output_tokens == 1
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(model="gpt-4o", max_tokens=1, messages=QUESTION)
        with pytest.raises(anthropic.BadRequestError) as refused_too_long:
            client.messages.create(
                model="starter", max_tokens=1, messages=[{"role": "user", "content": "word " * 20_000}]
            )
        assert "tokens" in str(refused_too_long.value)
    with anthropic.Anthropic(base_url=served.url, auth_token="right", max_retries=0) as client:
        assert client.messages.count_tokens(model="starter", messages=QUESTION).input_tokens > 0


def parsed(**fields: Any) -> Any:
    return parse_messages_call(
        json.dumps({"model": "m", "max_tokens": 5, "messages": QUESTION, **fields}).encode(), MODEL
    )


def test_what_claude_code_sends_is_understood() -> None:
    cached = {"type": "ephemeral"}
    billing = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.39.c39; cch=56445;"}
    call = parsed(
        system=[billing, {"type": "text", "text": "You are Claude Code.", "cache_control": cached}],
        tools=[{**ADD, "cache_control": cached, "eager_input_streaming": True}],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        metadata={"user_id": "someone"},
        thinking={"type": "adaptive", "display": "summarized"},
        output_config={"effort": "low"},
        context_management={"edits": []},
        stream=True,
    )
    system, _ = call.request.messages
    # The part that differs in every request would keep all others from being reused.
    assert system.content == "You are Claude Code."
    assert (call.request.sampling.thinking, call.tool_use.is_parallel, call.is_stream) == ("low", False, True)


def test_wrong_requests_are_refused_by_name() -> None:
    result = {"type": "tool_result", "tool_use_id": "x", "content": "5"}
    for fields, place in (
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source.type"),
        ({"messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [result]}]}, "messages[0].content[0]"),
        ({"system": 7}, "system"),
        ({"stop_sequences": [""]}, "stop_sequences"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [ADD], "tool_choice": {"type": "tool", "name": "none"}}, "tool_choice"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"thinking": {"type": "much"}}, "thinking.type"),
        ({"temperature": "hot"}, "temperature"),
        ({"mcp_servers": []}, "mcp_servers"),
    ):
        with pytest.raises(ApiError) as refused:
            parsed(**fields)
        assert (refused.value.status, refused.value.param) == (400, place), refused.value.message
