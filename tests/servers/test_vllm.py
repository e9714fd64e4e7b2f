"""Against the real vLLM, through the chat source and the command line: ``pytest -m vllm``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backend import AnswerFinished, ChatRequest, PromptMessage, TextDelta
from app.conversation import Role
from app.sampling import Sampling
from app.servers.backend import ServerBackend
from app.servers.client import ServerClient
from app.servers.protocol import Kind
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from tests.rigs.vllm_server import KEY, VllmServer

pytestmark = pytest.mark.vllm
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    with VllmServer(tmp_path_factory.mktemp("vllm") / "log") as server:
        yield server


@pytest.fixture
def client(vllm: VllmServer) -> Iterator[ServerClient]:
    made = ServerClient(vllm.url, KEY)
    yield made
    made.close()


def source_of(client: ServerClient) -> ServerBackend:
    return ServerBackend(lambda: client, "id", "apus")


def request(text: str = "Hello", **sampling: object) -> ChatRequest:
    return ChatRequest((PromptMessage(Role.USER, text),), Sampling(seed=1, **sampling))  # type: ignore[arg-type]


def chat(vllm: VllmServer, data: Path, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", "chat", "--data-dir", str(data)]
    command += ["--endpoint", vllm.url, "--api-key-env", "RIG_KEY", *arguments]
    environment = {**os.environ, "RIG_KEY": key}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=False)


def test_vllm_is_recognised(client: ServerClient) -> None:
    (model,) = client.models()
    assert (model.name, model.kind, model.context) == ("apus", Kind.VLLM, 1024)
    assert client.token_count("apus", [{"role": "user", "content": "Hello"}]) == 24


def test_every_sampler_is_accepted(client: ServerClient) -> None:
    sent = request(max_tokens=12, temperature=0.5, top_k=20, min_p=0.1, repeat_penalty=1.1, stop=("never said",))
    events = list(source_of(client).stream(sent))
    done = events[-1]
    assert isinstance(done, AnswerFinished)
    assert (done.finish_reason, done.prompt_tokens, done.completion_tokens) == ("length", 24, 12)
    assert client.knowledge.rejected == set()


def test_stop_frees_the_server(vllm: VllmServer, client: ServerClient) -> None:
    source = source_of(client)
    events, token = [], CancelToken()
    for each in source.stream(request(max_tokens=900), token):
        events.append(each)
        if isinstance(each, TextDelta) and len(events) == 6:
            token.cancel()
    done = events[-1]
    assert isinstance(done, AnswerFinished)
    assert done.finish_reason == "cancelled"
    assert done.completion_tokens < 900
    idle = threading.Event()
    for _ in range(500):
        if vllm.requests_running() == 0:
            break
        idle.wait(0.02)
    assert vllm.requests_running() == 0


def test_an_answer_is_continued(client: ServerClient) -> None:
    source = source_of(client)
    sent = ChatRequest(request().messages, Sampling(seed=1, max_tokens=4), prefill="abc")
    done = list(source.stream(sent))[-1]
    assert isinstance(done, AnswerFinished)
    assert done.prompt_tokens == 24 + 3


@pytest.mark.parametrize(("key", "code"), [("sk-wrong", "server_key_refused"), ("", "server_key_missing")])
def test_wrong_keys(vllm: VllmServer, key: str, code: str) -> None:
    client = ServerClient(vllm.url, key)
    with pytest.raises(UserError, match=code):
        list(source_of(client).stream(request()))
    client.close()


def test_a_conversation_longer_than_its_context(client: ServerClient) -> None:
    with pytest.raises(UserError) as caught:
        list(source_of(client).stream(request("x" * 3000)))
    assert caught.value.code in ("server_context_full", "context_full")


def test_the_command_line(vllm: VllmServer, tmp_path: Path) -> None:
    done = chat(vllm, tmp_path, "--message", "Hello", "--max-tokens", "20", "--json")
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)
    assert (reported["completion_tokens"], reported["finish_reason"], reported["plan"]) == (20, "length", None)
    again = chat(
        vllm, tmp_path, "--message", "More", "--conversation", reported["conversation_id"], "--max-tokens", "5"
    )
    assert again.returncode == 0, again.stderr
    refused = chat(vllm, tmp_path, "--message", "Hello", key="sk-wrong")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "doesn't accept the API key" in refused.stderr
    unknown = chat(vllm, tmp_path, "--message", "Hello", "--model", "other")
    assert (unknown.returncode, "does not offer other" in unknown.stderr) == (1, True)


def test_a_killed_server_works_again_after_its_restart(tmp_path: Path) -> None:
    with VllmServer(tmp_path / "log") as server:
        client = ServerClient(server.url, KEY)
        source = source_of(client)
        pieces = []
        with pytest.raises(UserError, match="server_lost"):  # noqa: PT012 - it is killed between two pieces
            for each in source.stream(request(max_tokens=900)):
                if isinstance(each, TextDelta):
                    pieces.append(each)
                    if len(pieces) == 3:
                        server.kill()
        assert len(pieces) >= 3
        with pytest.raises(UserError, match="server_unreachable"):
            list(source.stream(request()))
        server.start()
        done = list(source.stream(request(max_tokens=5)))[-1]
        assert isinstance(done, AnswerFinished)
        assert done.completion_tokens == 5
        client.close()
