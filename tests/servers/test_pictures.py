"""Pictures on the wire, and servers and models that don't take them, over real HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.backend import ChatRequest, PromptMessage
from app.conversation import Picture, Role
from app.sampling import Sampling
from app.servers import protocol
from app.servers.backend import ServerBackend
from app.servers.client import ServerClient
from model_manager.errors import UserError
from tests.rigs.openai_server import openai_server
from tests.rigs.pictures import attached

PICTURE = attached().picture
assert PICTURE is not None
URL = f"data:image/png;base64,{base64.b64encode(PICTURE.data).decode()}"
ASKED = PromptMessage(Role.USER, "What is this?", "q1", pictures=(PICTURE,))
EARLIER = (ASKED, PromptMessage(Role.ASSISTANT, "A flag.", "a1"), PromptMessage(Role.USER, "Of whom?", "q2"))
REQUEST = ChatRequest((ASKED,), Sampling(seed=3))
PARTS = [{"type": "image_url", "image_url": {"url": URL}}, {"type": "text", "text": "What is this?"}]
NOTE = "[Picture, which you can't see: cat.png]\n\nWhat is this?"


@pytest.fixture
def clients() -> Iterator[list[ServerClient]]:
    made: list[ServerClient] = []
    yield made
    for each in made:
        each.close()


def backend(clients: list[ServerClient], url: str) -> ServerBackend:
    client = ServerClient(url)
    clients.append(client)
    return ServerBackend(lambda: client, "server:x/apus", "apus")


@pytest.mark.parametrize("owner", ["vllm", "llamacpp", "library", "organization_owner", "openai"])
def test_picture_is_a_data_url_before_the_text(clients: list[ServerClient], owner: str) -> None:
    with openai_server(owner=owner) as server:
        list(backend(clients, server.url).stream(REQUEST))
        (body,) = server.chats()
    assert body["messages"] == [{"role": "user", "content": PARTS}]
    data = body["messages"][0]["content"][0]["image_url"]["url"].partition(",")[2]
    assert PICTURE is not None
    assert base64.b64decode(data) == PICTURE.data


def test_pictures_of_earlier_questions_and_without_text(clients: list[ServerClient]) -> None:
    alone = PromptMessage(Role.USER, "", "q3", pictures=(PICTURE, PICTURE))  # type: ignore[arg-type]
    answered = (*EARLIER, PromptMessage(Role.ASSISTANT, "Nobody.", "a2"), alone)
    with openai_server() as server:
        list(backend(clients, server.url).stream(replace(REQUEST, messages=answered)))
        (body,) = server.chats()
    assert [each["content"] for each in body["messages"]] == [PARTS, "A flag.", "Of whom?", "Nobody.", PARTS[:1] * 2]


def test_tokens_of_pictures_are_added_to_those_that_vllm_counts(clients: list[ServerClient]) -> None:
    large = Picture("x", b"", "image/png", 1400, 1400)
    with openai_server(context=1024) as server:
        request = replace(REQUEST, messages=(replace(ASKED, pictures=(large,)),))
        with pytest.raises(UserError) as raised:
            list(backend(clients, server.url).stream(request))
        assert all(isinstance(each.body["messages"][0]["content"], str) for each in server.seen if each.body)
    assert raised.value.code == "question_too_long"
    assert raised.value.data["prompt_tokens"] >= 2048


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "apus is not a multimodal model"),
        (400, "Invalid content type. image_url is only supported by certain models."),
        (404, "No endpoints found that support image input"),
        (422, "messages[0]: unknown variant `image_url`, expected `text`"),
        (500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
    ],
)
def test_refusal_of_pictures(clients: list[ServerClient], status: int, message: str) -> None:
    with openai_server(refuses_pictures=(status, message)) as server, pytest.raises(UserError) as raised:
        list(backend(clients, server.url).stream(REQUEST))
    assert raised.value.code == "server_reads_no_pictures"
    assert raised.value.data["model"] == "apus"
    assert raised.value.data["detail"] == message.rstrip(".")


def test_other_errors_of_requests_with_pictures_stay_as_they_are(clients: list[ServerClient]) -> None:
    body = b'{"error": {"message": "out of memory"}}'
    with openai_server(status=500, body=body) as server, pytest.raises(UserError) as raised:
        list(backend(clients, server.url).stream(REQUEST))
    assert raised.value.code == "server_failing"


def test_earlier_pictures_are_named_for_a_model_that_refuses_them(clients: list[ServerClient]) -> None:
    with openai_server(refuses_pictures=(400, "apus is not a multimodal model")) as server:
        source, request = backend(clients, server.url), replace(REQUEST, messages=EARLIER)
        list(source.stream(request))
        list(source.stream(request))
        first, second, third = server.chats()
    assert first["messages"][0]["content"] == PARTS
    # It is known from then on.
    assert second["messages"][0]["content"] == third["messages"][0]["content"] == NOTE


def test_model_that_is_listed_without_pictures(clients: list[ServerClient]) -> None:
    with openai_server(owner="llamacpp", capabilities=("completion",)) as server:
        source = backend(clients, server.url)
        with pytest.raises(UserError) as raised:
            list(source.stream(REQUEST))
        assert not server.chats()
        list(source.stream(replace(REQUEST, messages=EARLIER)))
        (body,) = server.chats()
    assert (raised.value.code, raised.value.data) == ("model_reads_no_pictures", {"model": "apus"})
    assert body["messages"][0]["content"] == NOTE


@pytest.mark.parametrize(
    ("entry", "more", "expected"),
    [
        ({}, {}, None),
        ({}, {"models": [{"name": "m", "capabilities": ["completion", "multimodal"]}]}, True),
        ({}, {"models": [{"name": "m", "capabilities": ["completion"]}]}, False),
        ({}, {"models": [{"name": "other", "capabilities": ["completion"]}, 5, {"name": 7}]}, None),
        ({}, {"models": 5}, None),
        ({"architecture": {"input_modalities": ["text", "image"]}}, {}, True),
        ({"architecture": {"input_modalities": ["text"]}}, {}, False),
        ({"architecture": {"input_modalities": None}}, {}, None),
        ({"architecture": "qwen2"}, {}, None),
        ({"capabilities": {"vision": True}}, {}, True),
        ({"capabilities": {"vision": "yes"}}, {}, None),
    ],
)
def test_what_servers_say_of_their_models(
    entry: dict[str, object], more: dict[str, object], expected: bool | None
) -> None:
    body = json.dumps({"data": [{"id": "m", **entry}], **more}).encode()
    (model,) = protocol.served_models(body)
    assert model.reads_pictures is expected
