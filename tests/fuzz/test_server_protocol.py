"""Whatever a server sends: parsed within bounds or refused, and every answer ends and is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing

import pytest

from app.backend import ChatRequest, PromptMessage
from app.chat.answer import RunningAnswer
from app.conversation import Role, Status
from app.sampling import Sampling
from app.servers import client as client_module
from app.servers import protocol
from app.servers.backend import ServerBackend
from app.servers.client import ServerClient
from app.servers.protocol import Kind, ProtocolError, StreamError
from app.store.store import ConversationStore
from tests.fuzz.hostile import Hostile, case_count, hostile_cases
from tests.rigs.raw_server import CHUNKED, HEAD, chunk, raw_server, response

USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
EVENTS = (
    {"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"reasoning_content": "hm", "content": None}}], "usage": USAGE},
    {"choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": "there"}]}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": USAGE},
    {"error": {"message": "CUDA out of memory", "code": 500}},
)
MODEL_LIST = {
    "object": "list",
    "data": [
        {"id": "m", "owned_by": "vllm", "max_model_len": 4096},
        {"id": "b", "owned_by": "llamacpp", "meta": {"n_ctx": 8192, "n_ctx_train": 32768}},
    ],
}
ERRORS = ({"error": {"message": "no such model", "type": "x"}}, {"detail": "Not Found"}, {"error": "Unauthorized"})


def is_count(value: object, least: int = 0) -> bool:
    return value is None or (type(value) is int and least <= value <= protocol.MAX_TOKENS)


def is_message(text: str) -> bool:
    return len(text) <= protocol.MAX_MESSAGE and text.isprintable()


def pieces(case: Hostile, content: bytes) -> Iterable[bytes]:
    """The content as it arrives from a network."""
    places = sorted(case.randrange(len(content) + 1) for _ in range(case.choice((0, 1, 3, 20))))
    return [content[a:b] for a, b in zip([0, *places], [*places, len(content)], strict=True)]


def stream_of(case: Hostile) -> bytes:
    """A stream of events, a few of them changed."""
    end = case.choice((b"\n", b"\n", b"\r\n", b"\r"))
    lines: list[bytes] = []
    for _ in range(case.randrange(8)):
        event = case.choice(EVENTS)
        content = case.json_bytes(case.mutated(event) if case.chance(0.4) else event)
        if case.chance(0.1):
            lines.append(b": ping")
        lines += [b"data:" + case.choice((b"", b" ")) + line for line in content.split(b"\n")]
        lines += [b""] * case.choice((0, 1, 1, 1, 1, 1, 2))
    if case.chance(0.7):
        lines += [b"data: [DONE]", b"", b""]
    content = end.join(lines)
    return case.damaged(content) if case.chance(0.1) else content


def parsed(content: Iterable[bytes]) -> list[object]:
    """What the client finds in a stream, up to its end or the first error."""
    found: list[object] = []
    try:
        for event in protocol.events(content):
            if event.strip() == protocol.END:
                break
            found.append(protocol.parse_delta(event))
    except (ProtocolError, StreamError) as error:
        found.append(str(error))
    return found


@case_count
def test_streams_are_parsed_within_bounds(count: int) -> None:
    for case in hostile_cases(count):
        content = stream_of(case)
        found = parsed([content])
        assert parsed(pieces(case, content)) == found, case
        for each in found:
            if isinstance(each, protocol.Delta):
                assert is_count(each.prompt_tokens), case
                assert is_count(each.completion_tokens), case
                assert all(type(text) is str for text in (each.text, each.thought, each.finish_reason or "")), case


@case_count
def test_lists_errors_and_requests_are_within_bounds(count: int) -> None:
    for case in hostile_cases(count):
        try:
            for model in protocol.served_models(case.json_bytes(case.mutated(MODEL_LIST))):
                assert is_count(model.context, 1), case
                assert model.name.isprintable(), case
                assert 0 < len(model.name) <= protocol.MAX_NAME, case
            assert is_count(protocol.token_count(case.json_bytes(case.mutated({"count": 7})))), case
        except ProtocolError:
            pass
        assert is_message(protocol.error_message(case.json_bytes(case.mutated(case.choice(ERRORS))))), case
        said = (PromptMessage(Role.USER, case.text()), PromptMessage(Role.ASSISTANT, case.text()))
        body = protocol.chat_body(ChatRequest(said, Sampling(), case.text()), case.text(), case.choice(list(Kind)))
        assert len(json.loads(body)["messages"]) >= len(said), case


@case_count
def test_every_answer_ends_and_is_stored(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP; a tenth of the cases, which take milliseconds each."""
    for limit in ("LAST_EVENTS_S", "DRAIN_S"):
        monkeypatch.setattr(client_module, limit, 0.05)
    chat = b""
    store = ConversationStore.in_memory()
    conversation_id = store.create().id
    request = ChatRequest((PromptMessage(Role.USER, "Hi?"),), Sampling(seed=3))
    with raw_server(lambda: chat) as url, closing(ServerClient(url)) as client, closing(store):
        for case in hostile_cases(count // 10):
            content = stream_of(case)
            body = b"".join(chunk(each) for each in pieces(case, content) if each) + b"0\r\n\r\n"
            error = response(case.json_bytes(case.mutated(case.choice(ERRORS))), case.choice(("400 Bad", "404 No")))
            chat = case.choice((HEAD + content, CHUNKED + body, CHUNKED + body[:-9], error))
            backend = ServerBackend(lambda: client, "m", "m")
            answer = RunningAnswer(store.begin_turn(conversation_id, "Hi?")[1], store, backend, request, "m")
            result = answer.generate(lambda _event: None)
            assert (result.bug, result.save_error) == (None, None), case
            assert result.message.status in (Status.COMPLETE, Status.INTERRUPTED, Status.FAILED), case
            assert result.error is None or result.error.code.startswith("server_"), case
            assert store.message(result.message.id) == result.message, case
