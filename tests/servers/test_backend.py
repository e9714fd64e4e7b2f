"""A model of a server as a chat source, over real HTTP."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.backend import AnswerFinished, ChatEvent, ChatRequest, ContextFitted, ModelLoaded, PromptMessage, TextDelta
from app.context import ContextPolicy
from app.conversation import Role
from app.sampling import Sampling
from app.servers.backend import ServerBackend
from app.servers.client import ServerClient
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from tests.rigs.openai_server import WORDS, Behaviour, OpenAiServer, openai_server

REQUEST = ChatRequest((PromptMessage(Role.USER, "How many experts?"),), Sampling(seed=3))


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server() as running:
        yield running


class Asking:
    """Makes sources; closes what they opened."""

    def __init__(self) -> None:
        self._clients: list[ServerClient] = []

    def client(self, url: str, key: str = "") -> ServerClient:
        self._clients.append(ServerClient(url, key))
        return self._clients[-1]

    def source(self, url: str, key: str = "", name: str = "apus") -> ServerBackend:
        client = self.client(url, key)
        return ServerBackend(lambda: client, f"server:x/{name}", name)

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def ask() -> Iterator[Asking]:
    asking = Asking()
    yield asking
    asking.close()


def text_of(events: list[ChatEvent]) -> str:
    return "".join(each.text for each in events if isinstance(each, TextDelta))


def code_of(source: ServerBackend, request: ChatRequest = REQUEST) -> UserError:
    with pytest.raises(UserError) as caught:
        list(source.stream(request))
    return caught.value


def test_an_answer_is_streamed_with_counts_and_speeds(ask: Asking, server: OpenAiServer) -> None:
    source = ask.source(server.url)
    events = list(source.stream(REQUEST))
    assert events[0] == ModelLoaded(0.0, 1024)
    assert text_of(events) == "".join(WORDS)
    done = events[-1]
    assert isinstance(done, AnswerFinished)
    assert (done.finish_reason, done.prompt_tokens, done.completion_tokens) == ("stop", 17, len(WORDS))
    last_piece = [each for each in events if isinstance(each, TextDelta)][-1]
    assert (last_piece.tokens, last_piece.context_used) == (len(WORDS), 17 + len(WORDS))
    origin = source.origin()
    assert (origin.engine, origin.endpoint, origin.plan) == ("vLLM", server.url, {})


def test_without_a_name_the_first_model_is_used(ask: Asking, server: OpenAiServer) -> None:
    source = ask.source(server.url, name="")
    list(source.stream(REQUEST))
    assert (source.name, server.chats()[0]["model"]) == ("apus", "apus")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_put_between_tags(ask: Asking, name: str) -> None:
    with openai_server(thoughts=("let me", " see"), reasoning_field=name) as server:
        events = list(ask.source(server.url).stream(REQUEST))
    assert text_of(events) == "<think>\nlet me see\n</think>\n\n" + "".join(WORDS)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("[TH", "INK]", "hm", "[/THINK]", "Yes."), "<think>hm</think>Yes."),
        (("hm\n", "</thi", "nk>", "Yes."), "hm\n</think>Yes."),
        (("<", "b>"), "<b>"),
        (("<thi",), "<thi"),
    ],
)
def test_marks_in_the_text_become_tags(ask: Asking, words: tuple[str, ...], text: str) -> None:
    with openai_server(words=words, tells_usage=False) as server:
        events = list(ask.source(server.url).stream(REQUEST))
    assert text_of(events) == text
    assert isinstance(events[-1], AnswerFinished)
    assert events[-1].completion_tokens == len(words)


def test_thoughts_without_an_answer_are_closed(ask: Asking) -> None:
    with openai_server(thoughts=("let me", " see"), words=(), finish_reason="length") as server:
        events = list(ask.source(server.url).stream(REQUEST))
    assert text_of(events) == "<think>\nlet me see\n</think>\n\n"
    assert isinstance(events[-1], AnswerFinished)
    assert events[-1].finish_reason == "length"


def test_events_are_counted_without_usage(ask: Asking) -> None:
    with openai_server(owner="someone", context=None, tells_usage=False, line_end="\r\n") as server:
        events = list(ask.source(server.url).stream(REQUEST))
    assert events[0] == ModelLoaded(0.0, 0)
    assert isinstance(events[-1], AnswerFinished)
    assert events[-1].completion_tokens == len(WORDS)


@pytest.mark.parametrize("owner", ["llamacpp", "someone"])
def test_until_the_server_counts_the_prompt_its_estimate_is_part_of_the_context(ask: Asking, owner: str) -> None:
    with openai_server(owner=owner, tells_usage=False) as server:
        events = list(ask.source(server.url).stream(replace(REQUEST, context_policy=ContextPolicy.ROLL)))
    (fitted,) = (each for each in events if isinstance(each, ContextFitted))
    assert (fitted.prompt_tokens > 0) is (owner == "llamacpp"), "only known together with the context"
    pieces = [each for each in events if isinstance(each, TextDelta)]
    assert {each.context_used - each.tokens for each in pieces if each.context_used} <= {fitted.prompt_tokens}
    assert all(each.context_used for each in pieces) is (owner == "llamacpp")


def test_a_rejected_field_is_no_longer_sent(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(owner="someone", refuses=("seed", "top_p"))
    source = ask.source(server.url)
    assert text_of(list(source.stream(REQUEST))) == "".join(WORDS)
    list(source.stream(REQUEST))
    assert ["seed" in each or "top_p" in each for each in server.chats()] == [True, True, False, False]


def test_max_completion_tokens_replaces_a_rejected_max_tokens(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(owner="someone", refuses=("max_tokens",), instead="max_completion_tokens")
    limited = replace(REQUEST, sampling=Sampling(seed=3, max_tokens=9))
    assert text_of(list(ask.source(server.url).stream(limited))) == "".join(WORDS)
    assert [each.get("max_completion_tokens") for each in server.chats()] == [None, 9]
    assert "max_tokens" not in server.chats()[1]


def test_a_connection_lost_before_the_first_token_is_retried_once(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(breaks_before=[0])
    assert text_of(list(ask.source(server.url).stream(REQUEST))) == "".join(WORDS)
    server.behaviour = Behaviour(breaks_before=[0, 0, 0])
    assert code_of(ask.source(server.url)).code == "server_lost"
    assert len(server.chats()) == 4


def test_a_connection_lost_in_the_middle_is_not_retried(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(breaks_before=[3])
    events: list[ChatEvent] = []
    with pytest.raises(UserError, match="server_lost"):
        events.extend(ask.source(server.url).stream(REQUEST))
    assert text_of(events) == "".join(WORDS[:3])
    assert len(server.chats()) == 1


def test_stop_ends_the_answer_on_the_server_too(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(waits_before=2)
    source, token = ask.source(server.url), CancelToken()
    stopper = threading.Thread(target=lambda: server.waiting.wait(10) and token.cancel())
    stopper.start()
    events = list(source.stream(REQUEST, token))
    stopper.join()
    assert text_of(events) == "".join(WORDS[:2])
    assert isinstance(events[-1], AnswerFinished)
    assert (events[-1].finish_reason, events[-1].completion_tokens) == ("cancelled", 2)
    assert server.gone.wait(10)
    server.behaviour = Behaviour()
    assert text_of(list(source.stream(REQUEST))) == "".join(WORDS)


def test_stop_before_the_first_token(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(waits_before=0)
    source, token = ask.source(server.url), CancelToken()
    stopper = threading.Thread(target=lambda: server.waiting.wait(10) and token.cancel())
    stopper.start()
    with pytest.raises(Cancelled):
        list(source.stream(REQUEST, token))
    stopper.join()
    assert server.gone.wait(10)


def test_the_key_goes_to_the_server(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(key="sk-right")
    assert code_of(ask.source(server.url)).code == "server_key_missing"
    assert code_of(ask.source(server.url, "sk-wrong")).code == "server_key_refused"
    list(ask.source(server.url, "sk-right").stream(REQUEST))
    assert server.seen[-1].headers["authorization"] == "Bearer sk-right"


HTML = b"<html><body>Welcome to the hotel</body></html>"
FULL = b'{"error": {"message": "This model\'s maximum context length is 1024 tokens."}}'


@pytest.mark.parametrize(
    ("status", "body", "headers", "code"),
    [
        (403, b"", {}, "server_key_missing"),
        (404, b'{"detail": "Not Found"}', {}, "server_not_an_api"),
        (404, HTML, {"Content-Type": "text/html"}, "server_not_an_api"),
        (400, FULL, {}, "server_context_full"),
        (400, b'{"error": {"message": "bad roles"}}', {}, "server_refused"),
        (429, b'{"error": {"message": "quota"}}', {"Retry-After": "7"}, "server_busy"),
        (500, b"Internal Server Error", {}, "server_failing"),
        (503, b'{"error": {"message": "Loading model"}}', {}, "server_failing"),
        (302, b"", {"Location": "http://example.invalid/"}, "server_not_an_api"),
    ],
)
def test_error_responses(
    ask: Asking, server: OpenAiServer, status: int, body: bytes, headers: dict[str, str], code: str
) -> None:
    server.behaviour = Behaviour(status=status, body=body, headers=headers)
    assert code_of(ask.source(server.url)).code == code


def test_a_missing_model(ask: Asking, server: OpenAiServer) -> None:
    error = code_of(ask.source(server.url, name="other"))
    assert (error.code, error.data["model"]) == ("server_model_missing", "other")


@pytest.mark.parametrize(
    ("sentence", "code"),
    [("CUDA out of memory", "server_failing"), ("maximum context length is 9", "server_context_full")],
)
def test_an_error_inside_the_stream(ask: Asking, server: OpenAiServer, sentence: str, code: str) -> None:
    server.behaviour = Behaviour(error_in_stream=sentence)
    error = code_of(ask.source(server.url))
    assert (error.code, error.data["detail"]) == (code, sentence)


def test_a_refused_connection(ask: Asking) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/v1"
        error = code_of(ask.source(url))
    assert error.code == "server_unreachable"


def test_a_server_without_models(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(models=())
    assert code_of(ask.source(server.url, name="")).code == "server_empty"


def test_an_answer_is_continued(ask: Asking, server: OpenAiServer) -> None:
    list(ask.source(server.url).stream(replace(REQUEST, prefill="The")))
    assert server.chats()[0]["continue_final_message"] is True
    assert json.dumps(server.chats()[0]["messages"][-1]) == '{"role": "assistant", "content": "The"}'


def long_conversation(turns: int) -> tuple[PromptMessage, ...]:
    said = []
    for number in range(turns):
        said.append(PromptMessage(Role.USER, f"Question {number} " + "why " * 20, f"q{number}"))
        said.append(PromptMessage(Role.ASSISTANT, "Because. " * 10, f"a{number}"))
    return (*said, PromptMessage(Role.USER, "And now?", "last"))


def test_a_full_context_follows_the_policy(ask: Asking, server: OpenAiServer) -> None:
    long = replace(REQUEST, messages=long_conversation(20))
    error = code_of(ask.source(server.url), long)
    assert (error.code, error.data["context"]) == ("context_full", 1024)
    assert server.chats() == []
    events = list(ask.source(server.url).stream(replace(long, context_policy=ContextPolicy.ROLL)))
    (fitted,) = [each for each in events if isinstance(each, ContextFitted)]
    assert fitted.left_out[:2] == ("q0", "a0")
    assert fitted.prompt_tokens < 1024
    (sent,) = server.chats()
    assert len(sent["messages"]) == 41 - len(fitted.left_out)
    assert sent["messages"][-1]["content"] == "And now?"


def test_an_unknown_context_is_found_by_shortening(ask: Asking, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(owner="someone", context=None, characters=2500)
    long = replace(REQUEST, messages=long_conversation(20))
    assert code_of(ask.source(server.url), long).code == "server_context_full"
    source = ask.source(server.url)
    rolling = replace(long, context_policy=ContextPolicy.ROLL)
    events = list(source.stream(rolling))
    assert text_of(events) == "".join(WORDS)
    fitted = [each for each in events if isinstance(each, ContextFitted)][-1]
    assert fitted.left_out[:2] == ("q0", "a0")
    tries = len(server.chats())
    list(source.stream(rolling))
    assert len(server.chats()) == tries + 1, "what was learnt is kept"


def test_the_server_counts_the_tokens_of_a_conversation(ask: Asking, server: OpenAiServer) -> None:
    client = ask.client(server.url)
    assert client.token_count("apus", [{"role": "user", "content": "12345"}]) == 5
    server.behaviour = Behaviour(owner="someone")
    assert client.token_count("apus", [{"role": "user", "content": "12345"}]) is None
