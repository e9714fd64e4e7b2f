"""Pictures in requests to the local server, for a model that reads them and one that doesn't."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from app.config.paths import DataFolder
from app.local_server.access import Access
from app.local_server.pictures import MAX_PICTURES
from app.services import Services
from tests.local_server.conftest import PATIENCE_S, Served
from tests.rigs.tiny_model import write_tiny_model
from tests.rigs.tiny_vision import picture, write_projector

DATA = base64.b64encode(picture(seed=1).data).decode()
OTHER = base64.b64encode(picture(seed=2).data).decode()


@pytest.fixture(scope="module")
def seeing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    model = write_tiny_model(folder / "sees.gguf")
    write_projector(folder / "mmproj-sees.gguf")
    served = Served(Services(DataFolder(folder / "data")), str(model), Access())
    yield served
    served.close()


def asked(*urls: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What is this?"}]}]


def test_the_model_gets_the_pictures(seeing_server: Served) -> None:
    def ask(*urls: str) -> tuple[str, int, float]:
        status, body = seeing_server.ask(messages=asked(*urls), temperature=0, max_tokens=12, logprobs=True)
        assert status == 200, body
        (choice,) = body["choices"]
        first = choice["logprobs"]["content"][0]["logprob"]
        return choice["message"]["content"], body["usage"]["prompt_tokens"], first

    one, plain = ask(f"data:image/png;base64,{DATA}"), ask()
    assert one[1] > plain[1]
    assert ask(f"data:image/png;base64,{OTHER}")[2] != one[2]
    with anthropic.Anthropic(base_url=seeing_server.url, api_key="k", max_retries=0, timeout=PATIENCE_S) as client:
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
        messages: Any = [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}]
        answer = client.messages.create(model="sees", max_tokens=12, messages=messages, extra_body={"temperature": 0})
        assert answer.content[0].model_dump()["text"] == one[0]
        assert client.messages.count_tokens(model="sees", messages=messages).input_tokens == one[1]


def test_what_is_no_picture_is_refused(seeing_server: Served, starter_server: Served) -> None:
    for url in ("https://example.com/a.png", "data:image/png,abc", "data:image/png;base64,%%%"):
        status, body = seeing_server.ask(messages=asked(url))
        assert (status, body["error"]["param"]) == (400, "messages[0].content"), body
    text = base64.b64encode(b"no picture at all").decode()
    status, body = seeing_server.ask(messages=asked(text))
    assert (status, body["error"]["code"].partition("_")[0]) == (400, "picture"), body
    status, body = seeing_server.ask(messages=asked(*[DATA] * (MAX_PICTURES + 1)))
    assert (status, body["error"]["param"]) == (400, "messages")
    status, body = starter_server.ask(messages=asked(DATA))
    assert (status, body["error"]["code"]) == (400, "pictures_not_supported")
    assert seeing_server.ask(max_tokens=1)[0] == 200
