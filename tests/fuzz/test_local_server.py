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
from app.local_server.model import ServedModel
from app.local_server.request import ApiError, parse_call, parse_embedding_call
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
TEXT = {"model": "m", "prompt": ["Once"], "max_tokens": 5, "logprobs": 2, "echo": False, "suffix": "", "stop": "x"}
EMBEDDING = {"model": "m", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 8}
MODEL = ServedModel("m", None, Sampling(), ("on", "off", "low"))  # type: ignore[arg-type]
SUITE = Path(__file__).resolve().parents[1] / "data" / "json_schema_test_suite" / "schemas.jsonl"
MAX_SECONDS = 20.0


def _bytes(dice: Hostile, value: Any) -> bytes:
    return dice.json_bytes(value) if dice.chance(0.5) else json.dumps(value).encode()


def _check(error: ApiError, *expected: int) -> str:
    """Return the outcome, after a check of the response."""
    assert error.status in expected, error
    assert json.loads(to_json(error.body()))["error"]["message"] == error.message
    assert len(error.message) < 2000
    return "refused"


def _parse(kind: str, body: bytes) -> str:
    try:
        if kind == "embedding":
            assert all(parse_embedding_call(body).texts)
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
        kind, valid = dice.choice((("chat", CHAT), ("chat", CHAT), ("text", TEXT), ("embedding", EMBEDDING)))
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
