"""Requests to a hub and its answers: listings, refusals, and answers that aren't a hub's."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from app.messages import sentence
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.client import HubClient
from model_manager.hub.http import TransientError
from model_manager.published import HubFile, Repository
from tests.hub.conftest import AddModel
from tests.rigs.fake_hub import FakeHub

REPO = "me/model-GGUF"


def problem_of(access: Access, repository: str = REPO) -> UserError:
    with pytest.raises(UserError) as caught:
        HubClient(access).repository(repository)
    assert sentence(caught.value).endswith(".")
    assert "?" not in sentence(caught.value), "every fact of the sentence is there"
    return caught.value


def test_repository_takes_one_request(hub: FakeHub, access: Access, add: AddModel) -> None:
    sha256 = add(hub, REPO, "sub folder/model-Q4_K_M.gguf", b"GGUF" * 10)
    add(hub, REPO, "README.md", b"# hello", lfs=False)
    hub.licences[REPO] = "llama3"
    hub.downloads[REPO] = 4711
    assert HubClient(access).repository(REPO) == Repository(
        id=REPO,
        commit=hub.commit(REPO),
        licence="llama3",
        gated=False,
        files=(HubFile("sub folder/model-Q4_K_M.gguf", 40, sha256), HubFile("README.md", 7, None)),
        downloads=4711,
        updated_at=datetime(2024, 4, 3, tzinfo=UTC),
        listed_by=host_of(hub.url),
    )
    assert [entry.method for entry in hub.log] == ["GET"]


def test_search_lists_gguf_repositories_by_downloads(hub: FakeHub, access: Access, add: AddModel) -> None:
    for number, name in enumerate(("a/tiny-GGUF", "b/Tiny-other-GGUF", "c/tiny-pytorch", "d/large-GGUF")):
        add(hub, name, "model.gguf")
        hub.downloads[name] = number
    hub.tags["c/tiny-pytorch"] = ["safetensors"]
    found = HubClient(access).search(" tiny ")
    assert [each.id for each in found] == ["b/Tiny-other-GGUF", "a/tiny-GGUF"]
    assert found[0].licence == "apache-2.0"
    assert found[0].downloads == 1
    assert not found[0].files
    assert [each.id for each in HubClient(access).search("", limit=2)] == ["d/large-GGUF", "b/Tiny-other-GGUF"]
    assert hub.count("api") == 2
    assert "filter=gguf" in hub.log[0].path
    assert "expand=sha" in hub.log[0].path, "a few fields of each, not everything"


def test_search_on_an_endpoint_that_ignores_the_filter(hub: FakeHub, access: Access) -> None:
    answer = '[{"id": "a/b", "sha": "1", "tags": ["safetensors"]}, {"id": "a/c", "sha": "2", "tags": ["gguf"]}]'
    hub.fault("api", "status", code=200, text=answer)
    assert [each.id for each in HubClient(access).search("x")] == ["a/c"]


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ('"cardData": {"license": "mit"}', "mit"),
        ('"cardData": {"license": "other", "license_name": "own-terms"}', "own-terms"),
        ('"cardData": {"license": "other"}', "other"),
        ('"cardData": {"license": ["mit", "gpl-3.0"]}', "mit, gpl-3.0"),
        ('"cardData": null, "tags": ["gguf", "license:cc0-1.0"]', "cc0-1.0"),
        ('"cardData": {}, "tags": ["gguf"]', None),
    ],
)
def test_licence_of_the_model_card(hub: FakeHub, access: Access, card: str, licence: str | None) -> None:
    hub.fault("api", "status", code=200, text=f'{{"id": "{REPO}", "sha": "abc", "siblings": [], {card}}}')
    assert HubClient(access).repository(REPO).licence == licence


def test_missing_repository(access: Access) -> None:
    assert problem_of(access, "me/nothing").code == "repository_missing"
    assert problem_of(access, "no/such/name").code == "repository_missing"


def test_private_repository_is_reported_missing(hub: FakeHub, access: Access) -> None:
    hub.fault("api", "status", code=401)
    assert problem_of(access).code == "repository_missing"


def test_gated_repository_with_and_without_token(hub: FakeHub, add: AddModel) -> None:
    add(hub, REPO, "model.gguf")
    hub.gated[REPO] = "right"
    hosts = frozenset({host_of(hub.url)})
    problem = problem_of(Access(endpoint=hub.url, proxy=""))
    assert (problem.code, problem.data) == ("gated_without_token", {"repository": REPO, "host": host_of(hub.url)})
    problem = problem_of(Access(endpoint=hub.url, token="wrong", token_hosts=hosts, proxy=""))
    assert (problem.code, problem.data) == ("gated_refused", {"repository": REPO, "host": host_of(hub.url)})
    assert HubClient(Access(endpoint=hub.url, token="right", token_hosts=hosts, proxy="")).repository(REPO).gated


def test_invalid_token(hub: FakeHub) -> None:
    hub.fault("api", "status", code=401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
    access = Access(endpoint=hub.url, token="old", token_hosts=frozenset({host_of(hub.url)}), proxy="")
    assert problem_of(access).code == "token_refused"


def test_busy_hub_is_reported_without_retries(hub: FakeHub, access: Access) -> None:
    hub.fault("api", "status", code=429, headers={"Retry-After": "30"}, times=-1)
    started = time.monotonic()
    problem = problem_of(access)
    assert problem.code == "web_busy"
    assert isinstance(problem, TransientError)
    assert problem.retry_after_s == 30
    with pytest.raises(UserError, match="web_busy"):
        HubClient(access).search("x")
    assert time.monotonic() - started < 2
    assert hub.count("api") == 2


@pytest.mark.parametrize(("status", "code"), [(500, "web_failing"), (502, "web_failing"), (503, "web_busy")])
def test_failing_hub(hub: FakeHub, access: Access, status: int, code: str) -> None:
    hub.fault("api", "status", code=status, times=-1)
    problem = problem_of(access)
    assert (problem.code, problem.data["status"]) == (code, status)
    assert isinstance(problem, TransientError)
    with pytest.raises(UserError, match=code):
        HubClient(access).search("x")
    assert hub.count("api") == 2


LOGIN_PAGE = "<!doctype html><html><title>Hotel</title></html>"


@pytest.mark.parametrize(
    ("answer", "headers", "code"),
    [
        (LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"}, 200),
        (LOGIN_PAGE, {}, 200),
        ("", {}, 200),
        ("[1, 2]", {}, 200),
        ('"text"', {}, 200),
        ("null", {}, 200),
        ("{}", {}, 200),
        ('{"id": "a/b", "siblings": []}', {}, 200),
        ('{"id": 7, "sha": "abc", "siblings": []}', {}, 200),
        ('{"id": "a/b", "sha": "abc", "siblings": [{"rfilename": "x.gguf"}]}', {}, 200),
        ('{"id": "a/b", "sha": "abc", "siblings": [{"rfilename": 3, "size": 3}]}', {}, 200),
        ('{"id": "a/b", "sha": "abc", "siblings": [{"rfilename": "x.gguf", "size": -3}]}', {}, 200),
        ('{"id": "a/b", "sha": "abc", "lastModified": "yesterday"}', {}, 200),
        ("[" * 100_000, {}, 200),
        (LOGIN_PAGE, {"Content-Type": "text/html"}, 511),
    ],
)
def test_answers_of_other_servers(
    hub: FakeHub, access: Access, answer: str, headers: dict[str, str], code: int
) -> None:
    hub.fault("api", "status", code=code, text=answer, headers=headers, times=-1)
    problem = problem_of(access)
    assert problem.code == "hub_answer_strange"
    assert problem.data["host"] == host_of(hub.url)
    if answer in (LOGIN_PAGE, "", "[1, 2]", '"text"', "null"):
        with pytest.raises(UserError, match="hub_answer_strange"):
            HubClient(access).search("x")


def test_malformed_hash_is_ignored(hub: FakeHub, access: Access) -> None:
    sibling = '{"rfilename": "x.gguf", "size": 3, "lfs": {"sha256": "12", "size": 3, "pointerSize": 1}}'
    hub.fault("api", "status", code=200, text=f'{{"id": "a/b", "sha": "abc", "siblings": [{sibling}]}}')
    assert HubClient(access).repository("a/b").files == (HubFile("x.gguf", 3, None),)


def test_redirect_of_a_renamed_repository_is_followed(hub: FakeHub, access: Access, add: AddModel) -> None:
    add(hub, REPO, "model.gguf")
    hub.fault("api", "status", code=307, headers={"Location": f"/api/models/{REPO}?blobs=true"})
    assert HubClient(access).repository("me/old-name").id == REPO


def test_redirect_loop(hub: FakeHub, access: Access) -> None:
    hub.fault("api", "redirect_loop", times=-1)
    assert problem_of(access).code == "redirect_loop"
    assert hub.count("api") < 10


def test_connection_refused(refusing_url: str) -> None:
    problem = problem_of(Access(endpoint=refusing_url, proxy=""))
    assert problem.code == "web_unreachable"
    assert problem.data["host"] == host_of(refusing_url)
    assert "refused" in str(problem.data["detail"])
    with pytest.raises(UserError, match="web_unreachable"):
        HubClient(Access(endpoint=refusing_url, proxy="")).search("x")


def test_unknown_host_name() -> None:
    assert problem_of(Access(endpoint="http://hub.invalid", proxy="")).code == "web_unreachable"


def test_https_to_a_plain_server(hub: FakeHub) -> None:
    problem = problem_of(Access(endpoint=hub.url.replace("http:", "https:"), proxy=""))
    assert problem.code == "web_unreachable"


def test_unreachable_proxy(refusing_url: str, hub: FakeHub) -> None:
    assert problem_of(Access(endpoint=hub.url, proxy=refusing_url)).code == "proxy_failed"
    assert problem_of(Access(endpoint=hub.url, proxy="gopher://x")).code == "proxy_failed"
    assert hub.count("api") == 0


def test_two_proxies_at_the_same_time(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    add(hub, "first/model", "model.gguf")
    add(second_hub, "second/model", "model.gguf")
    found: dict[str, list[str]] = {}
    for fake in (hub, second_hub):
        fake.fault("api", "delay", seconds=0.2, times=-1)

    def ask(proxy: str) -> None:
        # The fake hubs answer as a proxy: the request line has the whole address.
        asked = HubClient(Access(endpoint="http://hub.invalid", proxy=proxy))
        found[proxy] = [each.id for _ in range(3) for each in asked.search("model")]

    threads = [threading.Thread(target=ask, args=(fake.url,)) for fake in (hub, second_hub)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {hub.url: ["first/model"] * 3, second_hub.url: ["second/model"] * 3}


def test_cancelling_a_request_without_answer(silent_url: str) -> None:
    token = CancelToken()
    hub = HubClient(Access(endpoint=silent_url, proxy=""), token)
    ended: list[float] = []

    def ask() -> None:
        with pytest.raises(Cancelled):
            hub.repository(REPO)
        ended.append(time.monotonic())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive(), "it waits for an answer"
    cancelled = time.monotonic()
    token.cancel()
    thread.join(10)
    assert ended[0] - cancelled < 0.5
    with pytest.raises(Cancelled):
        hub.search("x")
