"""Hostile requests to the local server, and schemas of answers: each is understood, or refused with an error."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.bounds import within_bounds
from app.local_server.access import Access
from app.local_server.fields import ApiError
from app.local_server.messages_request import parse_count_call, parse_messages_call
from app.local_server.model import ServedModel
from app.local_server.request import parse_call, parse_embedding_call, parse_tokenize_call
from app.sampling import Sampling
from app.structured.schema import schema_grammar
from model_manager.disk.json_file import to_json
from model_manager.errors import UserError
from tests.fuzz.hostile import Hostile, assert_one_line, case_count, hostile_cases

CHAT = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}]},
        {"role": "assistant", "content": "Hello", "reasoning_content": "hm", "tool_calls": []},
        {"role": "user", "content": "And?"},
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
    **{"temperature": 0.7, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1, "seed": 7, "n": 1},
    **{"max_tokens": 100, "stop": ["a", "b"], "logprobs": True, "top_logprobs": 3, "logit_bias": {"15": -100}},
    **{"presence_penalty": 0.5, "frequency_penalty": 0.5, "reasoning_effort": "low", "user": "me"},
    "chat_template_kwargs": {"enable_thinking": True},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "strict": True, "schema": {"type": "object", "properties": {"a": {}}}},
    },
}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
TOOL = {"name": "f", "description": "Does.", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}
TOOLS = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "b"}]},
        {"role": "tool", "tool_call_id": "b", "content": "1"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "2"}]},
        {"role": "assistant", "content": "Done"},
        {"role": "user", "content": "Again"},
    ],
    "tools": [{"type": "function", "function": {**TOOL, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
}
CACHED = {"cache_control": {"type": "ephemeral"}}
MESSAGES = {
    "model": "claude-x",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be brief.", **CACHED}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi", **CACHED}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "Let me."},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1", "is_error": True}]},
        {"role": "assistant", "content": "So"},
    ],
    "tools": [{"name": "f", "description": "Does.", "input_schema": TOOL["parameters"], **CACHED}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "output_config": {"effort": "low"},
    **{"stop_sequences": ["a"], "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stream": True, "metadata": {}},
}
TOKENIZE = {"content": "Hi", "parse_special": True, "add_special": False, "with_pieces": False}
TEXT = {"model": "m", "prompt": ["Once"], "max_tokens": 5, "logprobs": 2, "echo": False, "suffix": "", "stop": "x"}
EMBEDDING = {"model": "m", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 8}
KINDS = (
    *[("chat", CHAT), ("chat", TOOLS), ("messages", MESSAGES), ("messages", MESSAGES)],
    *[("text", TEXT), ("embedding", EMBEDDING), ("tokens", TOKENIZE)],
)
MODEL = ServedModel("m", None, Sampling(), ("on", "off", "low"), knows_tools=True)  # type: ignore[arg-type]
SUITE = Path(__file__).resolve().parents[1] / "data" / "json_schema_test_suite" / "schemas.jsonl"
MAX_SECONDS = 20.0


def _bytes(dice: Hostile, value: Any) -> bytes:
    return dice.json_bytes(value) if dice.chance(0.5) else json.dumps(value).encode()


def _check(error: ApiError, *expected: int) -> str:
    """Return the outcome, after a check of the response."""
    assert error.status in expected, error
    assert json.loads(to_json(error.body()))["error"]["message"] == error.message
    assert json.loads(to_json(error.anthropic_body()))["error"]["message"] == error.message
    assert len(error.message) < 2000
    return "refused"


def _parse(kind: str, body: bytes) -> str:
    try:
        if kind == "embedding":
            assert all(parse_embedding_call(body).texts)
        elif kind == "tokens":
            assert isinstance(parse_tokenize_call(body)[0], str)
        elif kind == "messages":
            parse_count_call(body, MODEL)
            request = parse_messages_call(body, MODEL).request
            assert within_bounds(replace(request.sampling, json_schema="")) == replace(request.sampling, json_schema="")
            assert all(
                call.result is not None for each in request.messages for step in each.steps for call in step.calls
            )
        else:
            sampling = replace(parse_call(body, MODEL, is_chat=kind == "chat").request.sampling, json_schema="")
            assert within_bounds(sampling) == sampling
    except ApiError as error:
        return _check(error, 400, 404)
    return "understood"


def _admit(headers: dict[str, str]) -> None:
    access = Access(key="k", origins=("http://a",))
    try:
        access.check_sender(headers)
        access.check_key(headers)
    except ApiError as error:
        _check(error, 401, 403)


@case_count
def test_hostile_requests(count: int) -> None:
    outcomes: Counter[str] = Counter()
    for dice in hostile_cases(count):
        kind, valid = dice.choice(KINDS)
        body = _bytes(dice, dice.mutated(valid))
        try:
            outcomes[_parse(kind, body)] += 1
            _admit({dice.choice(("origin", "host", "authorization")): dice.text() for _ in range(3)})
        except BaseException as error:
            error.add_note(f"{dice!r} {body[:300]!r}")
            raise
    assert min(outcomes.values()) > count / 10, outcomes


def _convert(schema: str) -> str:
    try:
        assert schema_grammar(schema).startswith("root ::= ")
    except UserError as error:
        assert_one_line(error)
        return error.code
    return "converted"


@case_count
def test_hostile_schemas(count: int) -> None:
    """A quarter of the cases, since some schemas take seconds."""
    schemas = [json.loads(line)[2] for line in SUITE.read_text("utf-8").splitlines()]
    outcomes: Counter[str] = Counter()
    for dice in hostile_cases(count // 4):
        text = _bytes(dice, dice.mutated(dice.choice(schemas))).decode(errors="replace")
        begin = time.thread_time()
        try:
            outcomes[_convert(text)] += 1
        except BaseException as error:
            error.add_note(f"{dice!r} {text[:300]}")
            raise
        assert time.thread_time() - begin < MAX_SECONDS, dice
    assert outcomes["converted"] > count / 16, outcomes
