"""Connections to servers: kept, given up where the way to them is another, one for each answer at the same time."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from app.backend import AnswerFinished, ChatEvent, ChatRequest, PromptMessage, TextDelta
from app.config.secrets import Secrets
from app.conversation import Role
from app.sampling import Sampling
from app.servers.registry import Servers
from model_manager.cancellation import CancelToken
from tests.rigs.openai_server import WORDS, openai_server

REQUEST = ChatRequest((PromptMessage(Role.USER, "How many experts?"),), Sampling(seed=3))


def test_models_are_listed_again_after_a_change_of_proxy_or_key(tmp_path: Path) -> None:
    proxies: list[str | None] = [None]
    with openai_server(key="sk-right") as server:
        servers = Servers(tmp_path / "servers.json", Secrets({}), lambda: proxies[0])
        known = servers.add(server.url, key="sk-right")

        def lists() -> int:
            for _ in range(2):
                list(servers.backend(known.model_id("apus")).stream(REQUEST))
            return sum(each.path == "/v1/models" for each in server.seen)

        assert lists() == 1
        proxies[0] = "http://127.0.0.1:9"
        assert lists() == 2, "a server on this machine is reached without a proxy all the same"
        servers.disconnect(known.id)
        assert lists() == 3
        assert servers.refresh(known.id).models == ("apus",)
        assert Servers(tmp_path / "servers.json", Secrets({})).get(known.id).models == ("apus",)
        servers.close()


def test_an_answer_does_not_wait_for_another_one_of_its_server(tmp_path: Path) -> None:
    with openai_server(waits_before=2) as server:
        servers = Servers(tmp_path / "servers.json", Secrets({}))
        model_id = servers.add(server.url).model_id("apus")
        token, slow = CancelToken(), list[ChatEvent]()
        thread = threading.Thread(target=lambda: slow.extend(servers.backend(model_id).stream(REQUEST, token)))
        thread.start()
        assert server.waiting.wait(10)
        server.behaviour = replace(server.behaviour, waits_before=None)
        for _ in range(2):
            quick = list(servers.backend(model_id).stream(REQUEST))
            assert "".join(each.text for each in quick if isinstance(each, TextDelta)) == "".join(WORDS)
        assert thread.is_alive()
        token.cancel()
        thread.join(10)
        assert isinstance(slow[-1], AnswerFinished)
        assert slow[-1].finish_reason == "cancelled"
        list(servers.backend(model_id).stream(REQUEST))
        assert sum(each.path == "/v1/models" for each in server.seen) == 1, "they share what is known of the server"
        servers.close()


def test_the_context_of_a_server_is_known_after_a_restart(tmp_path: Path) -> None:
    with openai_server(context=2048) as server:
        servers = Servers(tmp_path / "servers.json", Secrets({}))
        model_id = servers.add(server.url).model_id("apus")
        assert servers.context_of(model_id) == 0
        list(servers.backend(model_id).stream(REQUEST))
        servers.close()
        server.behaviour = replace(server.behaviour, context=512)
        servers = Servers(tmp_path / "servers.json", Secrets({}))
        assert servers.context_of(model_id) == 2048
        list(servers.backend(model_id).stream(REQUEST))
        assert servers.context_of(model_id) == 512
        servers.close()
