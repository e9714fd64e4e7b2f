"""Whom the token is shown to, and that nothing of this machine is told: seen by the servers that were asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.client import Hub
from tests.hub.conftest import AddModel
from tests.rigs.fake_hub import FakeHub

ROOT = Path(__file__).parents[2]
REPO = "me/model-GGUF"
ASK = """
import sys
from model_manager.access import Access
from model_manager.hub import Hub
hub = Hub(Access(endpoint=sys.argv[1], token=sys.argv[2] or None))
print(hub.repository("me/model-GGUF").id, len(hub.search("model")))
"""


def everything_shown(hub: FakeHub) -> str:
    return repr([(entry.path, entry.auth) for entry in hub.log])


@pytest.mark.parametrize("own_token", ["", "hf_OURS"])
def test_a_token_that_other_programs_stored_is_shown_to_nobody(
    hub: FakeHub, add: AddModel, tmp_path: Path, own_token: str
) -> None:
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


def test_a_token_goes_to_the_hosts_that_were_named_alone(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    for fake in (hub, second_hub):
        add(fake, REPO, "model.gguf")
    for fake in (hub, second_hub):
        access = Access(endpoint=fake.url, token="hf_OURS", token_hosts=frozenset({host_of(hub.url)}), proxy="")
        Hub(access).repository(REPO)
        Hub(access).search("model")
    assert [entry.auth for entry in hub.log] == ["Bearer hf_OURS"] * 2
    assert [entry.auth for entry in second_hub.log] == [None] * 2


def test_a_redirect_takes_no_token_along(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    add(second_hub, REPO, "model.gguf")
    place = f"{second_hub.url}/api/models/{REPO}/revision/main?blobs=true"
    hub.fault("api", "status", code=302, headers={"Location": place})
    access = Access(endpoint=hub.url, token="hf_OURS", token_hosts=frozenset({host_of(hub.url)}), proxy="")
    assert Hub(access).repository(REPO).id == REPO
    assert [entry.auth for entry in hub.log] == ["Bearer hf_OURS"]
    assert [entry.auth for entry in second_hub.log] == [None]


def test_no_error_holds_the_token(hub: FakeHub) -> None:
    access = Access(endpoint=hub.url, token="hf_OURS", token_hosts=frozenset({host_of(hub.url)}), proxy="")
    with pytest.raises(UserError) as caught:
        Hub(access).repository(REPO)
    assert "hf_OURS" not in repr(caught.value) + repr(caught.value.__cause__) + repr(access)


def test_the_library_is_imported_by_the_first_question_and_not_before() -> None:
    code = (
        "import sys; import model_manager.hub.resolver, model_manager.hub.mirrors;"
        "import model_manager.download.queue, app.config.secrets;"
        "print([name for name in ('huggingface_hub', 'keyring', 'hf_xet') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_library_tells_nothing_and_looks_for_nothing(hub: FakeHub, access: Access, add: AddModel) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    add(hub, REPO, "model.gguf")
    Hub(access).repository(REPO)
    assert constants.HF_HUB_DISABLE_TELEMETRY
    assert constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
    assert constants.HF_HUB_DISABLE_XET
    with pytest.raises(LookupError):
        get_session().get(f"{hub.url}/api/models")  # outside of a question it has no way to the network
    assert hub.count("api") == 1
