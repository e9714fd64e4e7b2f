"""Downloads through HTTP and SOCKS proxies, from the settings and the environment, and errors of proxies."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_manager.download.download import DownloadOptions
from model_manager.download.session import RetryPolicy
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.http import HttpClient, TransientError
from tests.download.download_helpers import PIECE, Fetch, Shelf, read_range, sha256_of
from tests.rigs.fake_hub import FakeHub
from tests.rigs.proxies import HttpProxy, SocksProxy
from tests.rigs.tls_server import TlsServer

SIZE = 30 * PIECE + 321
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def source(shelf: Shelf) -> Path:
    return shelf.put("model.gguf", SIZE)


@pytest.mark.parametrize("make", [HttpProxy, SocksProxy])
@pytest.mark.parametrize("user", [None, ("me", "secret")])
def test_proxy_of_the_settings(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, make: Callable[..., HttpProxy | SocksProxy], user: object
) -> None:
    with make(user=user) as proxy:
        fetch.access = Access(hub.url, hub.url, proxy=proxy.url)
        (path,) = fetch(shelf.published())
    assert sha256_of(path) == sha256_of(source)
    assert len(proxy.seen) >= 1


def test_socks5_and_socks5h(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    for scheme in ("socks5", "socks5h"):
        with SocksProxy() as proxy, HttpClient(Access(hub.url, proxy=f"{scheme}://{proxy.host}")) as web:
            url = f"{hub.url}/somebody/model/resolve/main/model.gguf"
            assert read_range(web, url, 100, 1000) == source.read_bytes()[100:1100]


@pytest.mark.parametrize(("variable", "make"), [("HTTP_PROXY", HttpProxy), ("ALL_PROXY", SocksProxy)])
def test_proxy_of_the_environment(
    source: Path,
    shelf: Shelf,
    fetch: Fetch,
    hub: FakeHub,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    make: Callable[[], HttpProxy | SocksProxy],
) -> None:
    with make() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        fetch.access = Access(hub.url, hub.url)
        (path,) = fetch(shelf.published())
        assert sha256_of(path) == sha256_of(source)
        seen = len(proxy.seen)
        assert seen >= 1
        path.unlink()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        fetch(shelf.published())
        path.unlink()
        monkeypatch.delenv("NO_PROXY")
        fetch.access = Access(hub.url, hub.url, proxy="")
        fetch(shelf.published())
        assert len(proxy.seen) == seen, "neither NO_PROXY nor the settings let anything through"


def test_tunnel_to_a_tls_server(tmp_path: Path) -> None:
    content = b"0123456789" * 10
    with TlsServer(tmp_path, content) as server, HttpProxy() as proxy:
        web = HttpClient(Access(server.url, proxy=proxy.url))
        with pytest.raises(UserError) as caught:
            read_range(web, f"{server.url}/x", 10, 5)
        web.close()
    assert caught.value.code == "tls_failed"
    assert not isinstance(caught.value, TransientError)
    assert proxy.seen[0] == f"CONNECT {server.host}"


def test_untrusted_certificate(
    tmp_path: Path, source: Path, shelf: Shelf, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TlsServer(tmp_path, b"x" * 1000) as server:
        fetch.access = Access(server.url, server.url, proxy="")
        error = fetch.refused(shelf.published())
        assert (error.code, error.data["host"]) == ("tls_failed", server.host)
        # Certificates of the system, and of the variable used in companies.
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        with HttpClient(Access(server.url, token="t", token_hosts=frozenset({server.host}))) as web:
            assert read_range(web, f"{server.url}/x", 10, 5) == b"xxxxx"
    assert server.tokens == ["Bearer t"]


@pytest.mark.parametrize(
    ("proxy", "detail"),
    [
        (lambda: HttpProxy(answer="407 Proxy Authentication Required"), "407"),
        (lambda: HttpProxy(answer="403 Forbidden"), "403"),
        (lambda: SocksProxy(user=("me", "secret")), "Requested"),
    ],
)
def test_proxy_that_refuses(
    tmp_path: Path, source: Path, shelf: Shelf, fetch: Fetch, proxy: Callable[[], HttpProxy | SocksProxy], detail: str
) -> None:
    with proxy() as running, TlsServer(tmp_path, b"x") as server:
        address = f"{running.scheme}://{running.host}"
        fetch.access = Access(server.url, server.url, proxy=address)
        error = fetch.refused(shelf.published())
    assert (error.code, error.data["proxy"]) == ("proxy_failed", address)
    assert detail in str(error.data["detail"])


def test_errors_do_not_contain_the_proxy_password(source: Path, shelf: Shelf, fetch: Fetch, tmp_path: Path) -> None:
    with HttpProxy(answer="407 No") as proxy, TlsServer(tmp_path, b"x") as server:
        fetch.access = Access(server.url, server.url, proxy=f"http://me:secret@{proxy.host}")
        error = fetch.refused(shelf.published())
    assert "secret" not in str(error)
    assert "secret" not in repr(error.__cause__)


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:1", "http://127.0.0.1:99999", "nonsense"])
def test_invalid_proxy_address(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, proxy: str) -> None:
    fetch.access = Access(hub.url, hub.url, proxy=proxy)
    assert fetch.refused(shelf.published()).code == "proxy_failed"


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05", b"\x04\x00", b"\x05\x00\x05", b""])
def test_proxy_with_another_protocol(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, words: bytes) -> None:
    with fixed_answer(words) as address:
        fetch.access = Access(hub.url, hub.url, proxy=f"socks5://{address}")
        assert fetch.refused(shelf.published(), patience_s=1.5).code in ("proxy_failed", "connection_lost")


@contextlib.contextmanager
def fixed_answer(words: bytes) -> Iterator[str]:
    """Server that sends the same answer to every client and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client:
                        client.recv(100)
                        client.sendall(words)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "{}:{}".format(*listener.getsockname())
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("refuse", [1, 3, 4, 5])
def test_errors_behind_a_proxy_are_retried(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, refuse: int) -> None:
    with SocksProxy(refuse=refuse) as proxy:
        fetch.access = Access(hub.url, hub.url, proxy=proxy.url)
        running = fetch.start(shelf.published())
        waiting = running.until(lambda status: status.state == "waiting")
        assert waiting.problem is not None
        assert waiting.problem.code == "proxy_failed"
        proxy.refuse = 0
        running.join()
    assert sha256_of(running.paths[0]) == sha256_of(source)


def test_unreachable_proxy_is_named(source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{holder.getsockname()[1]}"
        fetch.access = Access(hub.url, hub.url, proxy=address)
        error = fetch.refused(shelf.published(), patience_s=1.5)
    assert (error.code, error.data) == ("proxy_failed", {"proxy": address, "detail": "connection refused"})


@pytest.mark.parametrize("make", [HttpProxy, SocksProxy])
def test_cancelling_and_changing_the_proxy(
    source: Path, shelf: Shelf, fetch: Fetch, hub: FakeHub, make: Callable[[], HttpProxy | SocksProxy]
) -> None:
    hub.fault("cdn", "stall", after=PIECE, seconds=60, times=-1, skip=1)
    patient = DownloadOptions(PIECE, RetryPolicy(60.0, 60.0, 60.0, 60.0))
    with make() as proxy:
        fetch.access = Access(hub.url, hub.url, proxy=proxy.url)
        running = fetch.start(shelf.published(), options=patient)
        running.until(lambda status: status.progress.done > 0)
        begun = time.monotonic()
        running.cancel()
        assert time.monotonic() - begun <= 0.5
        assert isinstance(running.error, Cancelled)

        again = fetch.start(shelf.published(), options=patient)
        again.until(lambda status: status.state == "downloading")
        hub.reset()
        fetch.access = Access(hub.url, hub.url, proxy="")
        again.transfer.reconnect()
        again.join()
    assert sha256_of(again.paths[0]) == sha256_of(source)
