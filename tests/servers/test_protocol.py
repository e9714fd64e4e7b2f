"""What is said to a server and what is understood of it, as bytes."""

from __future__ import annotations

import json
import random

import pytest

from app.backend import ChatRequest, PromptMessage
from app.chat.prompt import answer_message
from app.conversation import Role
from app.sampling import Sampling
from app.servers import protocol
from app.servers.protocol import Delta, Kind, ProtocolError, StreamError
from app.tool_calls import ToolCall, ToolStep

QUESTION = (PromptMessage(Role.SYSTEM, "Be brief."), PromptMessage(Role.USER, "海有多深？"))


def body_of(kind: Kind, *, left_away: frozenset[str] = frozenset(), prefill: str = "", **sampling: object) -> dict:
    request = ChatRequest(QUESTION, Sampling(seed=7, **sampling), prefill)  # type: ignore[arg-type]
    return json.loads(protocol.chat_body(request, "apus", kind, left_away))


def test_a_hosted_server_gets_only_standard_fields() -> None:
    body = body_of(Kind.OTHER)
    assert set(body) == {"model", "messages", "stream", "stream_options", "temperature", "top_p", "seed"}
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "海有多深？"},
    ]
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(("kind", "name"), [(Kind.VLLM, "repetition_penalty"), (Kind.LLAMA_SERVER, "repeat_penalty")])
def test_samplers_have_the_names_of_the_server(kind: Kind, name: str) -> None:
    body = body_of(kind, repeat_penalty=1.1, top_k=20, min_p=0.1, stop=("END",), max_tokens=9)
    assert (body[name], body["top_k"], body["min_p"]) == (1.1, 20, 0.1)
    assert (body["stop"], body["max_tokens"]) == (["END"], 9)


@pytest.mark.parametrize(("kind", "value"), [(Kind.LLAMA_SERVER, 1.5), (Kind.VLLM, None), (Kind.OTHER, None)])
def test_top_n_sigma_is_only_sent_to_llama_server(kind: Kind, value: float | None) -> None:
    assert body_of(kind, top_n_sigma=1.5).get("top_n_sigma") == value
    body = body_of(kind, dry_multiplier=0.8, dry_sequence_breakers=("\n",), presence_penalty=0.5)
    # Values that are as usual are left to the server.
    assert {name for name in body if name.startswith("dry")} == (
        {"dry_multiplier", "dry_sequence_breakers"} if value else set()
    )
    assert (body["presence_penalty"], "frequency_penalty" in body) == (0.5, False)


def test_vllm_continues_a_prefilled_answer() -> None:
    body = body_of(Kind.VLLM, prefill="The sea")
    assert body["messages"][-1] == {"role": "assistant", "content": "The sea"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


@pytest.mark.parametrize("said", ["<think>\nhm\n</think>\n\nDeep.", "hm\n</think>\n\nDeep."])
def test_earlier_thoughts_are_not_sent(said: str) -> None:
    sent = (*QUESTION, answer_message(said), PromptMessage(Role.USER, "So?"))
    body = json.loads(protocol.chat_body(ChatRequest(sent, Sampling()), "apus", Kind.OTHER))
    assert body["messages"][2] == {"role": "assistant", "content": "Deep."}


@pytest.mark.parametrize(
    ("kind", "thinking", "enabled"),
    [(Kind.VLLM, "off", False), (Kind.LLAMA_SERVER, "on", True), (Kind.VLLM, "", None), (Kind.OTHER, "off", None)],
)
def test_thinking_is_a_variable_of_the_servers_template(kind: Kind, thinking: str, enabled: bool | None) -> None:
    assert body_of(kind, thinking=thinking).get("chat_template_kwargs", {}).get("enable_thinking") is enabled


@pytest.mark.parametrize(
    ("kind", "thinking", "effort"),
    [
        (Kind.OTHER, "", None),
        (Kind.OTHER, "on", None),
        (Kind.OTHER, "off", "none"),
        (Kind.OTHER, "low", "low"),
        (Kind.VLLM, "high", "high"),
        (Kind.LLAMA_SERVER, "high", None),
    ],
)
def test_reasoning_effort(kind: Kind, thinking: str, effort: str | None) -> None:
    assert body_of(kind, thinking=thinking).get("reasoning_effort") == effort


def test_rejected_fields_are_left_out() -> None:
    message = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    sent = protocol.chat_body(ChatRequest(QUESTION, Sampling(max_tokens=50)), "apus", Kind.OTHER)
    assert protocol.rejected_field(sent, message) == "max_tokens"
    body = body_of(Kind.OTHER, left_away=frozenset({"max_tokens"}), max_tokens=50)
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 50
    assert protocol.rejected_field(json.dumps(body).encode(), message) == "max_completion_tokens"
    assert protocol.rejected_field(sent, "the messages are wrong") is None


def test_events_are_parsed_across_chunks_and_line_ends() -> None:
    events = ['{"a": "一二三"}', "second\nline", "[DONE]"]
    chance = random.Random(5)
    for end in ("\n", "\r\n", "\r"):
        lines = [[": ping", "event: x", *(f"data: {line}" for line in event.split("\n")), "", ""] for event in events]
        whole = "".join(end.join(each) for each in lines).encode()
        for _ in range(200):
            places = sorted(chance.sample(range(1, len(whole)), 6))
            pieces = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
            assert list(protocol.events(pieces)) == events


def test_the_last_event_needs_no_empty_line() -> None:
    assert list(protocol.events([b"data: one\n\nda", b'ta: {"two": 2}'])) == ["one", '{"two": 2}']
    assert list(protocol.events([b"data: one\n\nda", b"ta: [DONE]\r"])) == ["one", "[DONE]"]
    assert list(protocol.events([b"data: one\n\nda", b'ta: {"cut": '])) == ["one"]


@pytest.mark.parametrize(
    ("event", "delta"),
    [
        ({"choices": [{"delta": {"content": "Hi"}, "finish_reason": None}]}, Delta(text="Hi")),
        ({"choices": [{"delta": {"reasoning_content": "hm", "content": None}}]}, Delta(thought="hm")),
        ({"choices": [{"delta": {"reasoning": "hm"}}]}, Delta(thought="hm")),
        ({"choices": [{"delta": {}, "finish_reason": "length"}]}, Delta(finish_reason="length")),
        (
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
            Delta(prompt_tokens=3, completion_tokens=2),
        ),
        ({"choices": None, "usage": None}, Delta()),
    ],
)
def test_deltas(event: dict, delta: Delta) -> None:
    assert protocol.parse_delta(json.dumps(event)) == delta


def test_an_error_inside_the_stream_is_raised() -> None:
    with pytest.raises(StreamError, match="out of memory"):
        protocol.parse_delta('{"error": {"message": "out of memory"}}')


@pytest.mark.parametrize("size", [1 << 16, 1 << 30], ids=["in pieces", "at once"])
def test_an_event_is_too_long_however_it_arrives(size: int) -> None:
    stream = b"data: 1\n\ndata: " + bytes(protocol.MAX_EVENT) + b"\n\ndata: 2\n\n"
    events = protocol.events(stream[start : start + size] for start in range(0, len(stream), size))
    assert next(events) == "1"
    with pytest.raises(ProtocolError, match="too long"):
        next(events)


@pytest.mark.parametrize("event", ["no json", "[1]", '"text"', '{"choices": [3]}', '{"choices": 7}'])
def test_other_json_is_a_protocol_error(event: str) -> None:
    with pytest.raises(ProtocolError):
        protocol.parse_delta(event)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"error": {"message": "no such model"}}', "no such model"),
        (b'{"object": "error", "message": "too long"}', "too long"),
        (b'{"error": "Unauthorized"}', "Unauthorized"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b"<html>", ""),
        (b"[]", ""),
    ],
)
def test_error_messages(body: bytes, sentence: str) -> None:
    assert protocol.error_message(body) == sentence


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 1024 tokens. However, you requested 1200 tokens",
        "the request exceeds the available context size, try increasing it",
        "The input (5000 tokens) exceeds the limit",
    ],
)
def test_messages_about_a_full_context(message: str) -> None:
    assert protocol.is_context_full(message)
    assert not protocol.is_context_full("temperature must be at most 2")


def test_the_model_list_has_program_and_context() -> None:
    body = {
        "data": [
            {"id": "a", "owned_by": "vllm", "max_model_len": 4096},
            {"id": "b", "owned_by": "llamacpp", "meta": {"n_ctx_train": 8192}},
            {"id": "c", "owned_by": "someone"},
        ]
    }
    found = protocol.served_models(json.dumps(body).encode())
    assert [(each.name, each.kind, each.context) for each in found] == [
        ("a", Kind.VLLM, 4096),
        ("b", Kind.LLAMA_SERVER, 8192),
        ("c", Kind.OTHER, None),
    ]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"data": 3}', b'{"data": [1]}'])
def test_an_invalid_model_list_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.served_models(body)


ANTHROPIC, GEMINI = "https://api.anthropic.com/v1", "https://generativelanguage.googleapis.com/v1beta/openai"


def test_anthropics_models_are_listed_by_its_own_api() -> None:
    assert protocol.models_request("http://127.0.0.1:8000/v1", "k") == ("/models", {})
    path, headers = protocol.models_request(ANTHROPIC, "sk-ant")
    assert (path, headers) == ("/models?limit=1000", {"anthropic-version": "2023-06-01", "x-api-key": "sk-ant"})
    entry = {"type": "model", "id": "claude-x", "display_name": "Claude X", "max_input_tokens": 200_000}
    (model,) = protocol.served_models(json.dumps({"data": [entry], "has_more": False}).encode(), ANTHROPIC)
    assert (model.name, model.kind, model.context) == ("claude-x", Kind.ANTHROPIC, 200_000)


def test_fields_and_stops_of_anthropic_and_gemini() -> None:
    for kind in (Kind.ANTHROPIC, Kind.GEMINI):
        body = body_of(kind, top_k=20, min_p=0.1, repeat_penalty=1.1, stop=("\n\n", "END"), thinking="low")
        assert {"top_k", "min_p", "repeat_penalty", "chat_template_kwargs"}.isdisjoint(body)
        assert body["reasoning_effort"] == "low"
        # Anthropic refuses stop sequences of white space.
        assert body["stop"] == (["END"] if kind is Kind.ANTHROPIC else ["\n\n", "END"])


def test_gemini_gets_calls_that_it_did_not_sign() -> None:
    step = ToolStep((ToolCall("add", {"a": 1}, "1"),))
    sent = (*QUESTION, PromptMessage(Role.ASSISTANT, "One.", steps=(step,)))
    for kind in (Kind.GEMINI, Kind.OTHER):
        body = json.loads(protocol.chat_body(ChatRequest(sent, Sampling()), "m", kind))
        (call,) = body["messages"][2]["tool_calls"]
        signature = {"google": {"thought_signature": "skip_thought_signature_validator"}}
        assert call.get("extra_content") == (signature if kind is Kind.GEMINI else None)


def test_errors_of_gemini_and_mistral_name_the_rejected_field() -> None:
    body = protocol.chat_body(ChatRequest(QUESTION, Sampling(seed=7, max_tokens=5)), "m", Kind.OTHER)
    text = 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'
    gemini = protocol.error_message(json.dumps([{"error": {"code": 400, "message": text}}]).encode())
    assert (gemini, protocol.rejected_field(body, gemini)) == (text, "seed")
    wrong = {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_tokens"], "msg": "Not permitted", "input": 5}]}
    for said in ({"object": "error", "message": wrong}, wrong):
        assert protocol.rejected_field(body, protocol.error_message(json.dumps(said).encode())) == "max_tokens"


def test_a_server_that_refuses_the_role_of_results_gets_them_as_text() -> None:
    step = ToolStep((ToolCall("add", {"a": 1}, "1"), ToolCall("add", {"a": 2}, "2")), "Let me add.")
    sent = (*QUESTION, PromptMessage(Role.ASSISTANT, "", steps=(step,)))
    request = ChatRequest(sent, Sampling())
    body = protocol.chat_body(request, "m", Kind.VLLM)
    without_results = protocol.chat_body(ChatRequest(QUESTION, Sampling()), "m", Kind.VLLM)
    for text in (
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Only user and assistant roles are supported!",
        "Unknown role: tool",
    ):
        assert protocol.rejected_field(body, text) == protocol.TOOL_ROLE
        assert protocol.rejected_field(without_results, text) is None
    plain = json.loads(protocol.chat_body(request, "m", Kind.VLLM, frozenset({protocol.TOOL_ROLE})))
    assert plain["messages"][2:] == [
        {"role": "assistant", "content": 'Let me add.\n\nadd {"a": 1}\n\nadd {"a": 2}'},
        {"role": "user", "content": "Result of add:\n1\n\nResult of add:\n2"},
    ]
