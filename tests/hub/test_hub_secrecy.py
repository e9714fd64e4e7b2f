"""Hosts that receive the token, as logged by the servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.client import HubClient
from tests.hub.conftest import AddModel
from tests.rigs.fake_hub import FakeHub

ROOT = Path(__file__).parents[2]
REPO = "me/model-GGUF"
ASK = """
import sys
from model_manager.hub.access import Access
from model_manager.hub.client import HubClient
hub = HubClient(Access(endpoint=sys.argv[1], token=sys.argv[2] or None))
print(hub.repository("me/model-GGUF").id, len(hub.search("model")))
"""


def everything_shown(hub: FakeHub) -> str:
    return repr([(entry.path, entry.auth) for entry in hub.log])


@pytest.mark.parametrize("own_token", ["", "hf_OURS"])
def test_tokens_of_other_programs_are_not_sent(hub: FakeHub, add: AddModel, tmp_path: Path, own_token: str) -> None:
    add(hub, REPO, "model.gguf")
    stored = tmp_path / "hf"
    stored.mkdir()
    (stored / "token").write_text("hf_STORED")
    environment = {**os.environ, "HF_HOME": str(stored), "HF_TOKEN": "hf_ENVIRONMENT", "NO_PROXY": "*"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, hub.url, own_token],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == [REPO, "1"]
    assert hub.count("api") == 2
    assert [entry.auth for entry in hub.log] == [None, None]
    assert "hf_" not in everything_shown(hub)


def test_token_is_sent_to_its_hosts_only(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    for fake in (hub, second_hub):
        add(fake, REPO, "model.gguf")
    for fake in (hub, second_hub):
        access = Access(endpoint=fake.url, token="hf_OURS", token_hosts=frozenset({host_of(hub.url)}), proxy="")
        HubClient(access).repository(REPO)
        HubClient(access).search("model")
    assert [entry.auth for entry in hub.log] == ["Bearer hf_OURS"] * 2
    assert [entry.auth for entry in second_hub.log] == [None] * 2


def test_redirect_to_another_host_gets_no_token(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    add(second_hub, REPO, "model.gguf")
    place = f"{second_hub.url}/api/models/{REPO}?blobs=true"
    hub.fault("api", "status", code=302, headers={"Location": place})
    access = Access(endpoint=hub.url, token="hf_OURS", token_hosts=frozenset({host_of(hub.url)}), proxy="")
    assert HubClient(access).repository(REPO).id == REPO
    assert [entry.auth for entry in hub.log] == ["Bearer hf_OURS"]
    assert [entry.auth for entry in second_hub.log] == [None]


def test_errors_do_not_contain_the_token(hub: FakeHub) -> None:
    access = Access(endpoint=hub.url, token="hf_OURS", token_hosts=frozenset({host_of(hub.url)}), proxy="")
    with pytest.raises(UserError) as caught:
        HubClient(access).repository(REPO)
    assert "hf_OURS" not in repr(caught.value) + repr(caught.value.__cause__) + repr(access)
