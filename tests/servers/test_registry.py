"""The list of servers: addresses as people type them, what is kept and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.secrets import Secrets
from app.servers.client import api_base, is_unencrypted
from app.servers.protocol import Kind, ServedModel
from app.servers.registry import Servers, split_model_id
from model_manager.errors import UserError
from model_manager.hub.access import is_private_network


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("localhost:8000", "http://localhost:8000/v1"),
        ("192.168.1.5:8000/v1/", "http://192.168.1.5:8000/v1"),
        ("api.example.com", "https://api.example.com/v1"),
        ("https://api.example.com/openai/v2", "https://api.example.com/openai/v2"),
        (" http://box:1234/v1/chat/completions ", "http://box:1234/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
        ("https://api.example.com/v1/models", "https://api.example.com/v1"),
    ],
)
def test_typed_addresses_are_normalised(typed: str, base: str) -> None:
    assert api_base(typed) == base


@pytest.mark.parametrize(
    "typed",
    ["", "http://", "ftp://box/v1", "http://a b/", "http://me:pw@box/v1", "http://box:x/", "[::1", "http://[x]/"],
)
def test_invalid_addresses_are_refused(typed: str) -> None:
    with pytest.raises(UserError) as caught:
        api_base(typed)
    assert caught.value.code == "server_address_invalid"


def test_private_and_unencrypted_addresses() -> None:
    assert is_private_network("http://10.0.0.3:8000/v1")
    assert is_private_network("http://tower:8000/v1")
    assert not is_private_network("https://api.example.com/v1")
    assert is_unencrypted("http://10.0.0.3:8000/v1")
    assert is_unencrypted("http://api.example.com/v1")
    assert not is_unencrypted("http://127.0.0.1:8000/v1")
    assert not is_unencrypted("https://api.example.com/v1")


def test_servers_are_stored_without_their_keys(tmp_path: Path) -> None:
    path, secrets = tmp_path / "servers.json", Secrets({})
    known = Servers(path, secrets)
    server = known.add("localhost:8000", " Tower ", "sk-secret", [ServedModel("apus", Kind.OTHER, 4096)])
    assert split_model_id(server.model_id("apus/large")) == (server.id, "apus/large")
    assert "sk-secret" not in path.read_text()
    again = Servers(path, secrets)
    assert again.list() == (server,)
    assert (again.get(server.id).title, again.key_of(server.id)) == ("Tower", "sk-secret")
    assert (server.models, again.context_of(server.model_id("apus"))) == (("apus",), 4096)
    assert (again.context_of(server.model_id("other")), again.context_of("server:gone/apus")) == (0, 0)
    unnamed = again.add("localhost:8001")
    assert Servers(path, secrets).get(unnamed.id).title == "localhost:8001"
    again.remove(server.id)
    assert (Servers(path, secrets).list(), again.key_of(server.id)) == ((unnamed,), "")
    with pytest.raises(UserError) as caught:
        again.get(server.id)
    assert caught.value.code == "server_unknown"


@pytest.mark.parametrize("content", ["", "{", "3", '[{"id": 1}]', '[{"id": "a"}]'])
def test_a_damaged_file_is_set_aside_and_reported_once(tmp_path: Path, content: str) -> None:
    path, aside = tmp_path / "servers.json", tmp_path / "servers.json.damaged"
    path.write_text(content)
    registry = Servers(path, Secrets({}))
    assert registry.list() == ()
    assert registry.problem is not None
    assert (registry.problem.code, registry.problem.data) == ("file_set_aside", {"path": path, "aside": aside})
    registry.add("localhost:8000")
    assert aside.read_text() == content
    again = Servers(path, Secrets({}))
    assert (len(again.list()), again.problem) == (1, None)


def test_two_processes_keep_the_servers_of_both(tmp_path: Path) -> None:
    first, second = (Servers(tmp_path / "servers.json", Secrets({})) for _ in range(2))
    one, two = first.add("localhost:8000"), second.add("localhost:8001")
    first.remove(one.id)
    assert Servers(tmp_path / "servers.json", Secrets({})).list() == first.list() == (two,)
