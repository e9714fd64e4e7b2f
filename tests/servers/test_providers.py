"""Known providers, and the servers that are found on this computer."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.config.secrets import Secrets
from app.discovery import SharedModel
from app.servers.client import api_base, is_private_network
from app.servers.providers import Provider, answering, local_providers, providers
from app.servers.registry import Servers
from tests.rigs.openai_server import openai_server
from tests.rigs.raw_server import raw_server


def test_each_provider_has_an_address_its_source_and_a_page_for_keys() -> None:
    known = providers()
    assert len(known) >= 16
    assert len({each.name for each in known}) == len({each.url for each in known}) == len(known)
    for each in known:
        assert api_base(each.url) == each.url
        assert urlsplit(each.source).scheme == "https"
        # A program on this computer needs no key, a service needs one and is encrypted.
        assert bool(each.keys) == (urlsplit(each.url).scheme == "https") == (not is_private_network(each.url))
        assert not each.keys or urlsplit(each.keys).scheme == "https"
        # Where regions differ, each says which one it is.
        assert not re.search("[一-鿿]", each.name)
        assert each.name_in("en") == each.name
        assert each.name_in("zh_CN") == (each.chinese or each.name)
    regions = [each for each in known if re.search(r"\((China|international)\)$", each.name)]
    assert len(regions) == 8
    assert all(re.search("（.*(中国|国际)站）$", each.chinese) for each in regions)
    assert len({each.name_in("zh_CN") for each in known}) == len(known)
    assert {urlsplit(each.url).port for each in local_providers()} == {11434, 1234, 8000, 8080}


def provider(name: str, url: str) -> Provider:
    return Provider(name, url, "")


def test_servers_that_answer_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        openai_server(owner="library", models=("a", "b")) as open_one,
        openai_server(key="k") as locked,
        raw_server(b"", models=b"<html></html>") as other,
        socket.create_server(("127.0.0.1", 0)) as closed,
    ):
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        closed.close()
        candidates = [
            provider("Nobody", nobody),
            provider("Open", open_one.url),
            provider("Other", other),
            provider("Locked", locked.url),
        ]
        servers = Servers(tmp_path / "servers.json", Secrets(tmp_path / "secrets.json"))
        found = answering(candidates, servers.list_models)
        assert [(each.name, each.models and [m.name for m in each.models]) for each in found] == [
            ("Open", ["a", "b"]),
            ("Locked", None),
        ]
        shared = SharedModel("Study", "http://192.168.1.20:8033/v1")
        monkeypatch.setattr("app.servers.registry.local_providers", lambda: candidates)
        monkeypatch.setattr("app.servers.registry.find_shared", lambda own: (shared,))
        assert [each.name for each in servers.find()] == ["Open", "Locked", "Study"]
        # Those in the list are not found again.
        servers.add(open_one.url)
        servers.add(shared.url)
        assert [each.name for each in servers.find()] == ["Locked"]
        servers.close()
