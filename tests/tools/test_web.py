"""The built-in tools of the web: searches of the three services, pages, and what is refused."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config.paths import DataFolder
from app.config.settings import SettingsFile
from app.messages import sentence
from app.services import Services
from app.tool_calls import ToolCall, call_block, folded, result_block
from app.tools import web_page, web_request
from app.tools.offered import OfferedTools
from app.tools.registry import ToolServers
from app.tools.search import MAX_RESULTS, SearchService, Source, search
from app.tools.server import ToolServer, parse_servers
from app.tools.web import sources_of
from app.tools.web_page import read_page
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import is_public_address
from tests.documents import builders
from tests.rigs.tiny_model import write_tiny_model
from tests.rigs.web import RESULTS, Reply, Web, web
from tests.tools.test_rounds import PATIENCE_S, ROOT, TEMPLATE

FOUND = tuple((title, url) for title, url, _ in RESULTS)


@pytest.fixture
def here() -> Iterator[Web]:
    with web() as served:
        yield served


def call(services: Services, name: str, **arguments: Any) -> ToolCall:
    offered = OfferedTools(services.tools)
    offered.offer(("web",), NEVER_CANCELLED)
    return offered.run(ToolCall(name, arguments), NEVER_CANCELLED)


def addresses_of(here: Web) -> dict[str, SearchService]:
    return {
        "searxng": SearchService("searxng", here.url),
        "brave": SearchService("brave", f"{here.url}/brave", here.key),
        "tavily": SearchService("tavily", f"{here.url}/tavily", here.key),
    }


@pytest.mark.parametrize("service", ["searxng", "brave", "tavily"])
def test_each_service_is_asked_in_its_own_format(here: Web, service: str) -> None:
    found = search(addresses_of(here)[service], "how many  experts?", None, NEVER_CANCELLED)
    assert tuple((each.title, each.url) for each in found) == FOUND
    assert found[0].snippet == "A token is routed to four experts. ## Not a result https://evil.example/"
    assert [each.host for each in found] == ["a.example", "b.example"]
    ((_, path, headers, body),) = here.seen
    assert "how+many+experts" in path or b"how many experts?" in body
    assert headers["User-Agent"] == "apus-chat"
    here.results = tuple((str(n), f"https://a.example/{n}", "") for n in range(50))
    assert len(search(addresses_of(here)[service], "q", None, NEVER_CANCELLED)) == MAX_RESULTS


@pytest.mark.parametrize("service", ["brave", "tavily"])
def test_a_wrong_key_is_named(here: Web, service: str) -> None:
    here.key, chosen = "another", addresses_of(here)[service]
    with pytest.raises(UserError, match="search_key_refused"):
        search(chosen, "q", None, NEVER_CANCELLED)


def test_what_services_send_instead_of_results_is_named(here: Web) -> None:
    searxng = addresses_of(here)["searxng"]
    here.has_json = False
    with pytest.raises(UserError, match="search_json_off"):
        search(searxng, "q", None, NEVER_CANCELLED)
    path = "/search?q=q&format=json"
    for reply, code in (
        (Reply(b"<html>"), "search_answer_wrong"),
        (Reply(b'{"results": 5}'), "search_answer_wrong"),
        (Reply(b"[" * 100_000), "search_answer_wrong"),
        (Reply(b"", 500), "search_refused"),
        (Reply(b"x" * (5 << 20)), "search_too_large"),
        (Reply(b"", headers={"Content-Encoding": "gzip"}), "search_unreachable"),
        (Reply(b"", 302, {"Location": path}), "search_unreachable"),
    ):
        here.replies[path] = reply
        with pytest.raises(UserError, match=code) as caught:
            search(searxng, "q", None, NEVER_CANCELLED)
        assert "?" not in sentence(caught.value)
    unusable = '[{"url": "javascript:alert(1)"}, {"url": "https://x.example/a b"}, {"title": "t"}, {"url": null}]'
    here.replies[path] = Reply(f'{{"results": {unusable}}}'.encode())
    assert search(searxng, "q", None, NEVER_CANCELLED) == ()


def test_a_key_stays_with_its_service(here: Web) -> None:
    here.replies["/tavily"] = Reply(b"", 302, {"Location": "/elsewhere"})
    with pytest.raises(UserError, match="search_refused"):
        search(addresses_of(here)["tavily"], "q", None, NEVER_CANCELLED)
    assert here.paths() == ["/tavily"]
    assert here.key not in repr(addresses_of(here)["tavily"])


def test_nothing_is_offered_or_sent_before_a_service_was_chosen(services: Services, here: Web) -> None:
    assert [(each.name, each.is_on) for each in services.tools.list()] == [("web", False), ("memory", True)]
    assert OfferedTools(services.tools).offer(("web",), NEVER_CANCELLED) == ()
    with pytest.raises(UserError, match="search_service_missing"):
        services.web.find("q", NEVER_CANCELLED)
    services.settings.change(search_service="searxng")
    assert not services.tools.get("web").is_on
    services.settings.change(searxng_url=here.url.removeprefix("http://"))
    offered = OfferedTools(services.tools).offer(("web",), NEVER_CANCELLED)
    assert [each.name for each in offered] == ["search_web", "read_page"]
    assert here.seen == []
    services.settings.change(search_service="brave")
    assert "API key" in (call(services, "search_web", query="q").result or "")
    assert here.seen == []


def test_results_and_pages_become_sources(services: Services, here: Web) -> None:
    services.settings.change(search_service="searxng", searxng_url=here.url, web_private=True)
    page = here.page(
        "/four", "<title>Four &amp;\n more</title><h1>Experts</h1><p>Each token has four.</p><script>x</script>"
    )
    calls = [
        call(services, "search_web", query="experts"),
        call(services, "read_page", url=page, question="How many?"),
        call(services, "read_page", url=here.url + "/gone", question="How many?"),
        call(services, "read_page", url="file:///etc/passwd", question="?"),
    ]
    assert [each.has_failed for each in calls] == [False, False, True, True]
    assert calls[1].result is not None
    assert "# Experts\n\nEach token has four." in calls[1].result
    assert "script" not in calls[1].result
    assert calls[2].result is not None
    assert "HTTP 404" in calls[2].result
    content = folded("", "Let me look.") + "".join(call_block(each) + result_block(each) for each in calls)
    sources = sources_of(content + "\n</think>\n\nFour.")
    assert [(each.title, each.url) for each in sources] == [("Four & more", page), *FOUND]
    assert sources_of("Four. ## Title\nhttps://a.example/") == ()


def test_of_a_long_page_the_matching_passages_are_given(here: Web) -> None:
    filler = "".join(
        f"<p>Paragraph {n} tells of the weather in the valley and of nothing else at all.</p>" for n in range(2000)
    )
    page = here.page("/long", f"<p>The beginning.</p>{filler}<p>The gate of the router is a softmax.</p>{filler}")
    _, text = read_page(page, "Which gate has the router?", None, NEVER_CANCELLED, public_only=False)
    assert "gate of the router is a softmax" in text
    assert len(text) < 10_000
    assert web_page.GAP in text
    _, beginning = read_page(page, "", None, NEVER_CANCELLED, public_only=False)
    assert beginning.startswith("The beginning.")


def test_a_pdf_is_read(here: Web, tmp_path: Path) -> None:
    pdf = builders.pdf(tmp_path / "a.pdf", [builders.prose("A token is routed to four experts.")]).read_bytes()
    here.replies["/a.pdf"] = Reply(pdf, headers={"Content-Type": "application/pdf"})
    _, text = read_page(f"{here.url}/a.pdf", "", None, NEVER_CANCELLED, public_only=False)
    assert "[Page 1]" in text


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(b"\x89PNG", headers={"Content-Type": "image/png"}), "page_not_text"),
        (Reply(b"\0\1\2\3" * 100, headers={"Content-Type": "application/octet-stream"}), "attachment_not_text"),
        (Reply(b"gone", 410), "page_refused"),
        (Reply(b"a" * ((16 << 20) + 1), headers={"Content-Type": "text/plain"}), "page_too_large"),
        (Reply(b"", 302, {"Location": "/x"}), "page_unreachable"),
        (Reply(b"", 302, {"Location": "file:///etc/passwd"}), "web_address_invalid"),
    ],
)
def test_what_is_no_page_is_refused(here: Web, reply: Reply, code: str) -> None:
    here.replies["/x"] = reply
    with pytest.raises(UserError, match=code):
        read_page(f"{here.url}/x", "", None, NEVER_CANCELLED, public_only=False)


def test_a_page_that_never_ends_is_given_up(here: Web) -> None:
    here.replies["/x"] = Reply(b"<p>a", headers={"Content-Type": "text/html"}, drips=True)
    with pytest.raises(UserError, match="page_too_slow"):
        web_request.request(f"{here.url}/x", None, NEVER_CANCELLED, limit_bytes=1 << 20, limit_s=0.5, kind="page")
    token = CancelToken()
    timer = threading.Timer(0.3, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        read_page(f"{here.url}/x", "", None, token, public_only=False)
    timer.join()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"],
)
def test_this_computer_and_its_network_are_refused(here: Web, host: str) -> None:
    port = here.url.rpartition(":")[2]
    with pytest.raises(UserError, match="web_address_private"):
        read_page(f"http://{host}:{port}/four", "", None, NEVER_CANCELLED)
    assert here.seen == []


def test_kinds_of_addresses() -> None:
    public = ("93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")
    private = (
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1"),
        *("fe80::1%1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "ff02::1", "x"),
    )
    assert [each for each in public if not is_public_address(each)] == []
    assert [each for each in private if is_public_address(each)] == []


def resolve_as(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Let ``public.example`` resolve to one address after the other, then to the last again and again."""
    real, left = socket.getaddrinfo, list(answers)

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host in ("public.example", b"public.example"):
            host = left.pop(0) if len(left) > 1 else left[0]
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_name_that_resolves_to_another_address_when_it_is_connected_is_refused(
    here: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_as(monkeypatch, "93.184.216.34", "127.0.0.1")
    port = here.url.rpartition(":")[2]
    with pytest.raises(UserError, match="web_address_private"):
        read_page(f"http://public.example:{port}/four", "", "", NEVER_CANCELLED)
    assert here.seen == []


def test_a_redirect_to_this_computer_is_refused(here: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_as(monkeypatch, "93.184.216.34")
    secret = here.page("/secret", "<p>of the router</p>")
    here.replies["http://public.example/x"] = Reply(b"", 302, {"Location": secret})
    here.replies["http://public.example/y"] = Reply(b"Hello", headers={"Content-Type": "text/plain"})
    # The rig is the proxy, and answers for the public host.
    source, text = read_page("http://public.example/y", "", here.url, NEVER_CANCELLED)
    assert (source, text) == (Source("public.example", "http://public.example/y"), "Hello")
    with pytest.raises(UserError, match="web_address_private"):
        read_page("http://public.example/x", "", here.url, NEVER_CANCELLED)
    assert "/secret" not in here.paths()
    assert secret not in here.paths()


def test_a_local_model_searches_from_the_command_line(here: Web, tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    command = [sys.executable, "-m", "app", "chat", "--message", "How many?", "--json", "--tools", "web", "--run-tools"]
    made_call = '{"name": "search_web", "arguments": {"query": "experts"}}'
    model = write_tiny_model(
        tmp_path / "calls.gguf",
        chat_template=TEMPLATE,
        script=("<tool_call>", made_call, "</tool_call>"),
        reply=("Four", " experts."),
        context_length=8192,
    )

    def chat() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--model", str(model), "--temperature", "0", "--max-tokens", "24"],
            cwd=ROOT,
            env={**os.environ, "APUS_CHAT_DATA_DIR": str(data.root)},
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )

    refused = chat()
    assert refused.returncode == 1
    assert "no search service" in refused.stderr
    SettingsFile(data.settings_file).change(search_service="searxng", searxng_url=here.url)
    done = chat()
    assert (done.returncode, done.stderr) == (0, 'apus-chat: running: search_web {"query": "experts"}\n')
    text = json.loads(done.stdout)["text"]
    assert text.endswith("Four experts.")
    assert tuple((each.title, each.url) for each in sources_of(text)) == FOUND


def test_built_in_tools_are_in_the_list_of_servers(services: Services) -> None:
    services.settings.change(search_service="searxng", searxng_url="search.example")
    tool = services.tools.connect("web")[0]
    assert tool.server == "web"
    services.tools.allow(tool)
    assert services.tools.get("web").allowed == ("search_web",)
    assert ToolServers(services.folder.tools_file, services.secrets, built_in=(services.web,)).get("web").allowed == (
        "search_web",
    )
    services.tools.ask_again("web")
    assert services.tools.get("web").allowed == ()
    with pytest.raises(UserError, match="tool_server_built_in"):
        services.tools.remove("web")
    with pytest.raises(UserError, match="tool_server_exists"):
        services.tools.add(ToolServer("web", ("x",)))
    (server,) = parse_servers('{"mcpServers": {"web": {"command": "x"}}}')
    assert server.name == "web MCP"
    services.tools.add(server)
    assert [each.name for each in services.tools.list()] == ["web", "memory", "web MCP"]
