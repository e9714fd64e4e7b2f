"""The list of servers: addresses as people type them, what is kept and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.secrets import Secrets
from app.servers.registry import KnownServers, api_base, is_near, is_open_to_readers, parts_of
from model_manager.errors import UserError


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
def test_addresses_as_typed(typed: str, base: str) -> None:
    assert api_base(typed) == base


@pytest.mark.parametrize(
    "typed", ["", "http://", "ftp://box/v1", "http://a b/", "http://me:pw@box/v1", "http://box:x/"]
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(UserError) as caught:
        api_base(typed)
    assert caught.value.code == "server_address_invalid"


def test_near_and_open() -> None:
    assert is_near("http://10.0.0.3:8000/v1")
    assert is_near("http://tower:8000/v1")
    assert not is_near("https://api.example.com/v1")
    assert is_open_to_readers("http://10.0.0.3:8000/v1")
    assert is_open_to_readers("http://api.example.com/v1")
    assert not is_open_to_readers("http://127.0.0.1:8000/v1")
    assert not is_open_to_readers("https://api.example.com/v1")


def test_the_list_is_kept_and_its_keys_are_not_in_it(tmp_path: Path) -> None:
    path, secrets = tmp_path / "servers.json", Secrets({})
    known = KnownServers(path, secrets)
    server = known.add("localhost:8000", " Tower ", "sk-secret", ["apus"])
    assert parts_of(server.model_id("apus/large")) == (server.id, "apus/large")
    assert "sk-secret" not in path.read_text()
    again = KnownServers(path, secrets)
    assert again.list() == (server,)
    assert (again.get(server.id).title, again.key_of(server.id)) == ("Tower", "sk-secret")
    again.change(server.id, name="", models=["a", "b"])
    assert KnownServers(path, secrets).get(server.id).title == "localhost:8000"
    again.remove(server.id)
    assert (KnownServers(path, secrets).list(), again.key_of(server.id)) == ((), "")
    with pytest.raises(UserError) as caught:
        again.get(server.id)
    assert caught.value.code == "server_unknown"


@pytest.mark.parametrize("content", ["", "{", "3", '[{"id": 1}]', '[{"id": "a"}]'])
def test_a_damaged_list_is_set_aside_and_reported_once(tmp_path: Path, content: str) -> None:
    path, aside = tmp_path / "servers.json", tmp_path / "servers.json.damaged"
    path.write_text(content)
    known = KnownServers(path, Secrets({}))
    assert known.list() == ()
    assert known.problem is not None
    assert (known.problem.code, known.problem.data) == ("file_set_aside", {"path": path, "aside": aside})
    known.add("localhost:8000")
    assert aside.read_text() == content
    again = KnownServers(path, Secrets({}))
    assert (len(again.list()), again.problem) == (1, None)
