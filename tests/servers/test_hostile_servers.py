"""Servers that send what no server should: every answer ends, with its text, and with the right reason."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.backend import AnswerFinished, ChatEvent, ChatRequest, ModelLoaded, PromptMessage, TextDelta
from app.conversation import Role
from app.sampling import Sampling
from app.servers import client as client_module
from app.servers.backend import MAX_ANSWER, ServerBackend
from app.servers.client import ServerClient
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from tests.rigs.openai_server import openai_server
from tests.rigs.raw_server import CHUNKED, DONE, FINISH, HEAD, chunk, delta, event, raw_server, response

REQUEST = ChatRequest((PromptMessage(Role.USER, "Hi?"),), Sampling(seed=3))
DEEP = b"[" * 200_000 + b"]" * 200_000
HI = {"delta": {"content": "Hi"}}
END = FINISH + DONE


def stream(url: str, key: str = "", token: CancelToken | None = None) -> Iterator[ChatEvent]:
    with closing(ServerClient(url, key)) as client:
        yield from ServerBackend(lambda: client, "m", "m").stream(REQUEST, token or CancelToken())


def ask(chat: bytes, **behaviour: object) -> tuple[str, AnswerFinished | UserError]:
    """The text of an answer, and how it ended."""
    text, end = "", None
    with raw_server(chat, **behaviour) as url:  # type: ignore[arg-type]
        try:
            for each in stream(url):
                if isinstance(each, TextDelta):
                    text += each.text
                    text.encode()
                elif isinstance(each, AnswerFinished):
                    end = each
        except UserError as error:
            return text, error
    assert end is not None
    return text, end


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("12.0, 3.0", (12, 3)),
        ("true, true", (0, 1)),
        ("NaN, Infinity", (0, 1)),
        ("-5, -7", (0, 1)),
        ("1" + "0" * 40 + ", 1e300", (0, 1)),
        ('"many", ["lots"]', (0, 1)),
        ("null, {}", (0, 1)),
    ],
)
def test_token_counts_that_are_no_counts(numbers: str, expected: tuple[int, int]) -> None:
    prompt, completion = numbers.split(", ")
    usage = f'{{"prompt_tokens": {prompt}, "completion_tokens": {completion}}}'
    chat = f'data: {{"choices": [{json.dumps(HI)}], "usage": {usage}}}\n\n'
    text, end = ask(HEAD + chat.encode() + END)
    assert (text, getattr(end, "prompt_tokens", None), getattr(end, "completion_tokens", None)) == ("Hi", *expected)
    assert isinstance(end, AnswerFinished)
    assert (type(end.prompt_tokens), type(end.completion_tokens)) == (int, int)


@pytest.mark.parametrize(
    ("chat", "text"),
    [
        (delta("Hi") + END, "Hi"),
        (delta("Hi") + FINISH, "Hi"),
        (delta("Hi") + DONE, "Hi"),
        (delta("Hi") + b"data: [DONE]", "Hi"),
        (delta("Hi") + FINISH + b'data: {"cho', "Hi"),
        (delta("Hi", finish_reason="") + delta("!", finish_reason="null") + DONE, "Hi!"),
        (delta("Hi", finish_reason={"a": [1]}) + DONE, "Hi"),
        (END + delta("after the end"), ""),
        (delta("Hi").replace(b"\n", b"\r") + END.replace(b"\n", b"\r"), "Hi"),
        (event({"choices": [HI], "usage": [1]}) + END, "Hi"),
        (event({"choices": [{"delta": {"content": [{"type": "text", "text": "Hi"}, 3, "!"]}}]}) + END, "Hi!"),
        (event({"choices": [{"delta": {"content": {"a": 1}, "reasoning": [2]}}]}) + END, ""),
        (event({"choices": [{"delta": {"tool_calls": [{"a": 1}]}, "finish_reason": "tool_calls"}]}), ""),
        (b'data: {"choices":[{"delta":{"content":"x\\ud83d"}}]}\n\n' + END, "x\ufffd"),
        (b'data: {"choices":[{"delta":{"content":"\\ude00x"}}]}\n\n' + END, "\ufffdx"),
        (
            b'data: {"choices":[{"delta":{"content":"x\\ud83d"}}]}\n\n'
            b'data: {"choices":[{"delta":{"content":"\\ude00y"}}]}\n\n' + END,
            "x😀y",
        ),
        (b'data: {"choices":[{"delta":{"content":"a\xff\xfe\xc3b"}}]}\n\n' + END, "a\ufffd\ufffd\ufffdb"),
    ],
)
def test_odd_streams_that_are_complete(chat: bytes, text: str) -> None:
    for whole in (HEAD + chat, CHUNKED + chunk(chat) + b"0\r\n\r\n"):
        found, end = ask(whole)
        assert found == text
        assert isinstance(end, AnswerFinished), end


@pytest.mark.parametrize(
    ("chat", "text", "code"),
    [
        (HEAD + delta("Hello"), "Hello", "server_lost"),
        (HEAD + delta("Hello") + b'data: {"choices":[{"delta":{"con', "Hello", "server_lost"),
        (HEAD + delta("Hello") + b'data: {"choices":[{"delta":{}}', "Hello", "server_lost"),
        (CHUNKED + chunk(delta("Hello")) + b'40\r\ndata: {"choi', "Hello", "server_lost"),
        (CHUNKED + chunk(delta("Hello")) + b"0\r\n\r\n", "Hello", "server_lost"),
        (CHUNKED + b"zz\r\nhello\r\n", "", "server_lost"),
        (HEAD, "", "server_lost"),
        (HEAD + b"data: " + DEEP + b"\n\n" + DONE, "", "server_not_an_api"),
        (HEAD + b'data: {"a": ' + DEEP + b"}\n\n" + DONE, "", "server_not_an_api"),
        (HEAD + b"data: " + b"[" * 200_000 + b"\n\n" + DONE, "", "server_not_an_api"),
        (HEAD + b"data: hello\n\n" + DONE, "", "server_not_an_api"),
        (HEAD + event({"choices": [{"delta": [1, 2]}]}) + DONE, "", "server_not_an_api"),
        (HEAD + event({"choices": {"a": 1}}) + DONE, "", "server_not_an_api"),
        (HEAD + delta("Hi") + event({"error": {"message": ["a"]}}), "Hi", "server_failing"),
        (response(b'{"error":' * 100_000, "400 Bad Request"), "", "server_refused"),
        (response(DEEP, "500 Oops"), "", "server_failing"),
        (response(b'{"message": "\\ud83d"}', "404 Not Found"), "", "server_not_an_api"),
    ],
)
def test_broken_streams(chat: bytes, text: str, code: str) -> None:
    found, error = ask(chat)
    assert isinstance(error, UserError)
    assert (found, error.code) == (text, code)


def test_messages_of_servers_are_one_printable_line_without_the_key() -> None:
    said = "you sent\nsk-secret \x1b]0;owned\x07\u202e\ud83d" + "y" * 5000
    for chat in (response(json.dumps({"error": {"message": said}}).encode(), "400 Bad"), HEAD + event({"error": said})):
        with raw_server(chat) as url, pytest.raises(UserError) as caught:
            list(stream(url, "sk-secret"))
        detail = str(caught.value.data["detail"])
        assert detail.isprintable()
        assert detail.startswith("you sent … ]0;owned yyy")
        assert len(detail) <= 500


@pytest.mark.parametrize(
    ("chat", "endless"),
    [
        (HEAD + delta("Hi") + FINISH, b""),
        (HEAD + delta("Hi") + FINISH + DONE, b": x\n"),
        (HEAD + delta("Hi") + FINISH, event({"usage": {"prompt_tokens": 3}})),
        (CHUNKED + chunk(delta("Hi") + FINISH + DONE), b""),
    ],
)
def test_a_connection_left_open_after_the_end(chat: bytes, endless: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("LAST_EVENTS_S", "DRAIN_S"):
        monkeypatch.setattr(client_module, limit, 0.1)
    text, end = ask(chat, endless=endless, holds=True)
    assert text == "Hi"
    assert isinstance(end, AnswerFinished), end


@pytest.mark.parametrize(
    ("chat", "endless"),
    [(b"", b"data: " + b"a" * 1000 + b"\n"), (b"", b"data:\n" * 1000), (b"data: ", b"a" * 65536)],
)
def test_an_event_without_an_end(chat: bytes, endless: bytes) -> None:
    _, error = ask(HEAD + chat, endless=endless)
    assert isinstance(error, UserError)
    assert error.code == "server_not_an_api"


def test_an_answer_without_an_end() -> None:
    text, end = ask(HEAD, endless=delta("x" * 65536))
    assert isinstance(end, AnswerFinished)
    assert end.finish_reason == "length"
    assert MAX_ANSWER < len(text) <= MAX_ANSWER + 65536


@pytest.mark.parametrize("head", [HEAD, CHUNKED])
def test_stop_where_the_body_ends_with_the_connection(head: bytes) -> None:
    token = CancelToken()
    begin = delta("Hi") if head is HEAD else chunk(delta("Hi"))
    with raw_server(head + begin, holds=True) as url:
        events = []
        for each in stream(url, token=token):
            events.append(each)
            if isinstance(each, TextDelta):
                threading.Timer(0.05, token.cancel).start()
    assert isinstance(events[-1], AnswerFinished)
    assert events[-1].finish_reason == "cancelled"


@pytest.mark.parametrize(
    ("models", "context"),
    [
        (b'{"data": [{"id": "m", "max_model_len": 4096.0}, {"id": 3}, {"id": "\\u001b[31m"}]}', 4096),
        (b'{"data": [{"id": "m", "max_model_len": 1' + b"0" * 300 + b', "context_length": 2048}]}', 2048),
        (b'{"data": [{"id": "m", "max_model_len": true, "meta": {"n_ctx": NaN, "n_ctx_train": 7}}]}', 7),
        (b'{"data": [{"id": "m", "meta": 7}, 5]}', 0),
        (b'{"data": null}', 0),
        (DEEP, 0),
        (b"[" * (5 << 20), 0),
    ],
)
def test_odd_lists_of_models(models: bytes, context: int) -> None:
    with raw_server(HEAD + delta("Hi") + END, models=models) as url:
        events = list(stream(url))
    assert events[0] == ModelLoaded(0.0, context)
    assert isinstance(events[-1], AnswerFinished)


def test_a_connection_is_used_for_several_answers() -> None:
    with openai_server() as server, closing(ServerClient(server.url)) as client:
        for _ in range(3):
            list(ServerBackend(lambda: client, "m", "apus").stream(REQUEST))
        chats = [each for each in server.seen if each.path.endswith("/chat/completions")]
    assert len(chats) == 3
    assert len({each.peer for each in chats}) == 1
