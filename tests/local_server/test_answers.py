"""Answers of the local server to the real client of OpenAI, to curl and to plain HTTP, from real models."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pydantic
import pytest
from openai.types.chat import ChatCompletionMessageParam

from app.local_server.request import IGNORED
from tests.local_server.conftest import Serve, Served
from tests.rigs.tiny_embedder import N_EMBD, write_tiny_embedder
from tests.rigs.tiny_model import write_tiny_model

QUESTION = "What is the capital of France? Answer in one short sentence."
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


def engine_count(served: Served, text: str) -> int:
    """Tokens of a text, from the engine."""
    counts = served.services.engine.count_if_idle([text])
    assert counts is not None
    return counts[0]


def test_whole_and_streamed_answers_are_equal_and_counted_exactly(starter_server: Served) -> None:
    chat = starter_server.openai.chat.completions
    whole = chat.create(model="starter", messages=MESSAGES, temperature=0, max_completion_tokens=60)
    (choice,) = whole.choices
    assert "Paris" in str(choice.message.content)
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert whole.usage is not None
    # The prompt has the tokens of its text and those of the template; the answer ends before its end token.
    assert whole.usage.completion_tokens == engine_count(starter_server, str(choice.message.content))
    assert whole.usage.prompt_tokens > engine_count(starter_server, QUESTION)
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    chunks = list(
        chat.create(
            model="starter", messages=MESSAGES, temperature=0, stream=True, stream_options={"include_usage": True}
        )
    )
    texts = [each.choices[0].delta.content for each in chunks if each.choices]
    assert "".join(filter(None, texts)) == choice.message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [each.choices[0].finish_reason for each in chunks if each.choices][-1] == "stop"
    assert [each.usage is not None for each in chunks] == [False] * (len(chunks) - 1) + [True]
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    # The same prompt is in the KV cache, except for its last token.
    assert usage.prompt_tokens_details.cached_tokens == usage.prompt_tokens - 1
    assert (usage.prompt_tokens, usage.completion_tokens) == (whole.usage.prompt_tokens, whole.usage.completion_tokens)
    limited = chat.create(model="starter", messages=MESSAGES, temperature=0, max_tokens=3)
    assert limited.usage is not None
    assert (limited.choices[0].finish_reason, limited.usage.completion_tokens) == ("length", 3)


def test_text_is_continued_without_the_chat_template(starter_server: Served) -> None:
    text = "The capital of France is"
    done = starter_server.openai.completions.create(model="starter", prompt=text, temperature=0, max_tokens=5)
    assert "Paris" in done.choices[0].text
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (engine_count(starter_server, text), 5)
    stream = starter_server.openai.completions.create(
        model="starter", prompt=text, temperature=0, max_tokens=5, stream=True
    )
    assert "".join(each.choices[0].text for each in stream) == done.choices[0].text


def test_each_accepted_field_does_what_it_says(starter_server: Served) -> None:
    def text(**fields: Any) -> str:
        status, body = starter_server.ask(QUESTION, **{"max_tokens": 10, **fields})
        assert status == 200, body
        return str(body["choices"][0]["message"]["content"])

    greedy = text(temperature=0)
    assert text(temperature=2, top_k=1) == greedy
    assert text(temperature=2, top_p=0) == greedy
    assert text(temperature=2, min_p=1) == greedy
    assert text(temperature=1.5, seed=7) == text(temperature=1.5, seed=7)
    assert len({text(temperature=1.5, seed=seed) for seed in range(3)}) > 1
    assert text(temperature=0, stop=["Paris", "never"]) == greedy.partition("Paris")[0]
    assert (
        text(temperature=0, max_completion_tokens=2, max_tokens=None)
        == greedy[: len(text(temperature=0, max_tokens=2))]
    )
    assert text(temperature=0, frequency_penalty=2, presence_penalty=2) != greedy
    assert text(temperature=0, repeat_penalty=1.9) == text(temperature=0, repetition_penalty=1.9) != greedy
    assert text(temperature=2, mirostat=2, mirostat_tau=0) == greedy
    assert text(temperature=0, dry_multiplier=5, dry_allowed_length=0, dry_sequence_breakers=[]) != greedy
    assert text(temperature=0, **dict.fromkeys(IGNORED, None)) == greedy
    habitual = {
        "user": "me",
        "metadata": {"a": "b"},
        "store": True,
        "n": 1,
        "tools": [],
        "response_format": {"type": "text"},
    }
    assert text(temperature=0, **habitual) == greedy


def test_probabilities_and_bias_of_tokens(starter_server: Served) -> None:
    fields = {"temperature": 0, "max_tokens": 8, "logprobs": True, "top_logprobs": 3}
    status, body = starter_server.ask(QUESTION, **fields)
    assert status == 200
    choice, usage = body["choices"][0], body["usage"]
    tokens = choice["logprobs"]["content"]
    assert len(tokens) == usage["completion_tokens"] > 3
    assert bytes(byte for each in tokens for byte in each["bytes"]).decode() == choice["message"]["content"]
    for each in tokens:
        # At temperature 0 the most probable token was chosen.
        assert (each["token"], each["logprob"]) == (
            each["top_logprobs"][0]["token"],
            each["top_logprobs"][0]["logprob"],
        )
        assert 0 < math.fsum(math.exp(top["logprob"]) for top in each["top_logprobs"]) <= 1.000001
        assert len(each["top_logprobs"]) == 3
    streamed = starter_server.send("POST", "/v1/chat/completions", {**fields, "stream": True, "messages": MESSAGES})
    events = [json.loads(line[6:]) for line in streamed.read().splitlines() if line.startswith(b"data: {")]
    parts = [each["choices"][0]["logprobs"] for each in events]
    assert [each for part in parts if part for each in part["content"]] == tokens
    text = "The capital of France is"
    done = starter_server.openai.completions.create(
        model="starter", prompt=text, temperature=0, max_tokens=4, logprobs=2
    )
    old = done.choices[0].logprobs
    assert old is not None
    assert old.text_offset is not None
    assert old.tokens is not None
    whole = text + done.choices[0].text
    assert [whole[place:].startswith(token) for place, token in zip(old.text_offset, old.tokens, strict=True)] == [
        True
    ] * 4
    assert [len(top) for top in old.top_logprobs or ()] == [2] * 4
    # Every token whose text has no capital: the answer can't be the same.
    status, body = starter_server.ask(QUESTION, temperature=0, max_tokens=8, logit_bias={"504": 100})
    assert status == 200
    assert len(set(body["choices"][0]["message"]["content"].split())) <= 2


def test_answers_satisfy_a_schema_or_say_that_they_were_cut(starter_server: Served) -> None:
    class City(pydantic.BaseModel):
        name: str
        inhabitants: int
        is_capital: bool

    parsed = starter_server.openai.chat.completions.parse(
        model="starter", messages=MESSAGES, temperature=0, response_format=City
    )
    assert isinstance(parsed.choices[0].message.parsed, City)
    assert parsed.choices[0].finish_reason == "stop"
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    for wanted in ({"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}):
        status, body = starter_server.ask(QUESTION, response_format=wanted, seed=1, max_tokens=60)
        assert status == 200, body
        choice = body["choices"][0]
        if choice["finish_reason"] == "stop":
            assert isinstance(json.loads(choice["message"]["content"]), dict)
        for cut in ({"max_tokens": 1}, {"stop": "{"}):
            status, body = starter_server.ask(QUESTION, response_format=wanted, **cut)
            assert body["choices"][0]["finish_reason"] == "length"
    for wrong in ({"type": 7}, {"type": "object", "$ref": "#/none"}):
        status, body = starter_server.ask(
            response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": wrong}}
        )
        assert (status, body["error"]["param"]) == (400, "response_format"), body
    status, body = starter_server.call("POST", "/v1/completions", {"prompt": "x", "response_format": wanted})
    assert (status, body["error"]["param"]) == (400, "response_format")


def test_other_fields_are_refused_by_name(starter_server: Served) -> None:
    for field, value in {
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": "required",
        "n": 2,
        "temperature": 3,
        "top_p": "1",
        "top_k": -1,
        "max_tokens": 0,
        "seed": 1.5,
        "stop": [""],
        "logit_bias": {"x": 1},
        "top_logprobs": 2,
        "response_format": {"type": "xml"},
        "reasoning_effort": "high",
        "functions": [{}],
        "stream": "yes",
        "stream_options": [],
        "messages": [],
        "audio": {},
        "mirostat": 3,
        "dry_sequence_breakers": [""],
        "presence_penalty": True,
    }.items():
        status, body = starter_server.ask(**{field: value})
        assert (status, body["error"]["type"], body["error"]["param"]) == (400, "invalid_request_error", field), body
        assert field in body["error"]["message"]
    for messages, place in (
        ([{"role": "function", "content": "x"}], "messages[0].role"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "messages[0].content"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}], "messages[0].content"),
        ([{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{}]}], "messages[1].tool_calls.id"),
        ([{"role": "user", "content": "x", "name": "Ann"}], "messages[0].name"),
        (["x"], "messages[0]"),
    ):
        status, body = starter_server.ask(messages=messages)
        assert (status, body["error"]["param"]) == (400, place), body
    status, body = starter_server.ask(model="gpt-4o")
    assert (status, body["error"]["code"]) == (404, "model_not_found")
    assert "'starter'" in body["error"]["message"]
    status, body = starter_server.ask("word " * 20_000)
    assert (status, body["error"]["code"]) == (400, "context_length_exceeded")


def test_answers_are_sent_back_as_clients_got_them(starter_server: Served) -> None:
    answer = {"role": "assistant", "content": "4", "refusal": None, "tool_calls": [], "reasoning_content": "2 + 2"}
    parts = [{"type": "text", "text": "And"}, {"type": "text", "text": "3 + 3?"}]
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}, answer]
    status, body = starter_server.ask(messages=[*messages, {"role": "user", "content": parts}], max_tokens=4)
    assert status == 200, body


def test_models_and_health(starter_server: Served) -> None:
    (model,) = starter_server.openai.models.list().data
    assert (model.id, model.object, model.owned_by) == ("starter", "model", "apus-chat")
    assert starter_server.openai.models.retrieve("starter").id == "starter"
    assert starter_server.call("GET", "/v1/models/other")[0] == 404
    assert starter_server.call("GET", "/health")[1] == {"status": "ok", "running": 0, "waiting": 0}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(starter_server: Served) -> None:
    body = json.dumps({"messages": MESSAGES, "stream": True, "temperature": 0, "max_tokens": 20})
    command = ["curl", "-sSN", f"{starter_server.url}/v1/chat/completions", "-d", body]
    output = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    *events, end, last = output.split(b"\n\n")
    assert (end, last) == (b"data: [DONE]", b"")
    parts = [json.loads(each.removeprefix(b"data: "))["choices"][0]["delta"].get("content", "") for each in events]
    assert "Paris" in "".join(parts)


def test_embeddings(serve: Serve, tmp_path: Path) -> None:
    served = serve(write_tiny_embedder(tmp_path / "embedder.gguf"))
    texts = ["the cat sat", "the dog ran on the mat"]
    answer = served.openai.embeddings.create(model="embedder", input=texts)
    assert [len(each.embedding) for each in answer.data] == [N_EMBD] * 2
    assert all(math.isclose(math.hypot(*each.embedding), 1, rel_tol=1e-5) for each in answer.data)
    # Each word is a token, between [CLS] and [SEP].
    assert answer.usage.prompt_tokens == 3 + 6 + 2 * 2
    (plain,) = served.openai.embeddings.create(model="embedder", input=texts[1], encoding_format="float").data
    # Alone and beside other texts it is computed in another order.
    assert plain.embedding == pytest.approx(answer.data[1].embedding, abs=1e-3)
    for field, value in {"input": [], "dimensions": 8, "encoding_format": "int8", "truncate": True}.items():
        body = {"model": "embedder", "input": "cat", field: value}
        status, error = served.call("POST", "/v1/embeddings", body)
        assert (status, error["error"]["param"]) == (400, field), error
    too_long = {"model": "embedder", "input": "cat " * 1000}
    assert served.call("POST", "/v1/embeddings", too_long)[1]["error"]["code"] == "context_length_exceeded"
    for model, status in (("starter", 400), (str(tmp_path / "embedder.gguf"), 404), ("none", 404)):
        assert served.call("POST", "/v1/embeddings", {"model": model, "input": "cat"})[0] == status, model
    status, error = served.ask()
    assert (status, error["error"]["code"]) == (400, "embedding_model")
    # Beside the model that answers, by its id in the library.
    served = serve()
    served.services.library.register(tmp_path / "embedder.gguf")
    assert [each.id for each in served.openai.models.list()] == ["starter", "embedder"]
    assert served.openai.models.retrieve("embedder").created > 0
    (other,) = served.openai.embeddings.create(model="embedder", input=texts[1]).data
    assert other.embedding == pytest.approx(plain.embedding, abs=1e-5)
    # Tokens in place of texts are those of OpenAI's own models, which LangChain sends.
    for tokens in ([1820, 5679, 10837, 389, 279, 5634], [[1820, 5679, 10837, 389, 279, 5634]]):
        (same,) = served.openai.embeddings.create(model="embedder", input=tokens).data
        assert same.embedding == pytest.approx(plain.embedding, abs=1e-5)
    for wrong in ([-1], [100_256], [[]], [True], [[1.0]], [1, "the"]):
        body = {"model": "embedder", "input": wrong}
        assert served.call("POST", "/v1/embeddings", body)[1]["error"]["param"] == "input", wrong


def test_thoughts_are_apart_from_the_answer(serve: Serve, tmp_path: Path) -> None:
    script = ("<think>", "hm", "</", "think>", "yes")
    template = "{{ messages[0].content }}{% if enable_thinking is defined and not enable_thinking %}{% endif %}>"
    served = serve(write_tiny_model(tmp_path / "thinks.gguf", chat_template=template, script=script))
    status, body = served.ask("Why?", reasoning_effort="none", logprobs=True)
    assert status == 200, body
    message = body["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("hm", "yes")
    assert body["usage"]["completion_tokens"] == len(script)
    assert [each["token"] for each in body["choices"][0]["logprobs"]["content"]][-1] == "yes"
    served.send("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "Why?"}], "stream": True})
    stream = served.openai.chat.completions.create(
        model="thinks", messages=[{"role": "user", "content": "Why?"}], stream=True
    )
    deltas = [each.choices[0].delta.model_dump() for each in stream]
    assert "".join(each.get("reasoning_content") or "" for each in deltas) == "hm"
    assert "".join(each["content"] or "" for each in deltas) == "yes"
