"""Connections to servers are kept, and given up where the way to them is another."""

from __future__ import annotations

from pathlib import Path

from app.backend import ChatRequest, PromptMessage
from app.config.secrets import Secrets
from app.conversation import Role, Sampling
from app.servers.registry import Servers
from tests.rigs.openai_server import openai_server

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
