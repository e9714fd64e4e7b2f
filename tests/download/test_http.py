"""HTTP client, response headers and errors, and GGUF headers read by range."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import h11
import pytest

from app.messages import error_message
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.header import read_header
from model_manager.gguf.reader import MAX_HEADER_BYTES
from model_manager.hub.access import Access, host_of
from model_manager.hub.http import (
    HttpClient,
    TransientError,
    content_range,
    file_url,
    header_number,
    retry_after_s,
    status_error,
)
from model_manager.hub.remote_header import read_remote_header
from model_manager.published import HubFile, TargetFile
from tests.download.download_helpers import REPOSITORY, Shelf, read_range
from tests.rigs.apus_shapes import QUANTS, write_shape
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf
from tests.rigs.tls_server import TlsServer

GIB = 1 << 30


@pytest.fixture
def web(hub: FakeHub) -> Iterator[HttpClient]:
    with HttpClient(Access(hub.url, hub.url, proxy="")) as web:
        yield web


@pytest.fixture
def impatient(hub: FakeHub) -> Iterator[HttpClient]:
    with HttpClient(Access(hub.url, hub.url, proxy=""), read_timeout_s=0.5) as web:
        yield web


def test_file_urls() -> None:
    made = file_url("https://huggingface.co/", "some body/repo", "refs/pr/1", "a folder/ä#?%.gguf")
    assert made == "https://huggingface.co/some%20body/repo/resolve/refs%2Fpr%2F1/a%20folder/%C3%A4%23%3F%25.gguf"


def test_read_range(web: HttpClient, hub: FakeHub, shelf: Shelf) -> None:
    content = shelf.put("m.gguf", 300_000).read_bytes()
    url = file_url(hub.url, REPOSITORY, "main", "m.gguf")
    for start, length in ((0, 1), (0, 300_000), (299_999, 1), (1234, 100_000)):
        assert read_range(web, url, start, length) == content[start : start + length]
    hub.fault("cdn", "ignore_range", times=1)
    assert read_range(web, url, 1000, 10) == content[1000:1010]
    with pytest.raises(UserError, match="web_answer_wrong"):
        read_range(web, url, 299_999, 2)
    with pytest.raises(UserError, match="published_size_differs"):
        read_range(web, url, 300_000, 1)


def test_connections_are_reused(web: HttpClient, hub: FakeHub, shelf: Shelf) -> None:
    shelf.put("m.gguf", 300_000)
    accepted = []
    accept = hub.server.get_request
    hub.server.get_request = lambda: (accepted.append(1), accept())[1]  # type: ignore[method-assign]
    for _ in range(5):
        read_range(web, file_url(hub.url, REPOSITORY, "main", "m.gguf"), 0, 1000)
    # One to the hub, one to the content network
    assert len(accepted) == 2


def test_reused_connection_that_the_server_closed(web: HttpClient, hub: FakeHub, shelf: Shelf) -> None:
    content = shelf.put("m.gguf", 300_000).read_bytes()
    hub.repos[REPOSITORY]["m.gguf"].direct = True
    url = file_url(hub.url, REPOSITORY, "main", "m.gguf")
    hub.fault("resolve", "cut", after=1000, times=1)
    assert read_range(web, url, 0, 1000) == content[:1000]
    assert read_range(web, url, 0, 1000) == content[:1000]


def test_get_reads_a_small_body(web: HttpClient, hub: FakeHub, shelf: Shelf) -> None:
    shelf.put("m.gguf", 300_000)
    with web.get(f"{hub.url}/api/models/{REPOSITORY}") as response:
        body = response.read(1 << 20)
        assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert b"somebody/model" in body
    with web.get(f"{hub.url}/api/models/{REPOSITORY}") as response:
        assert response.read(10) == body[:10]


@pytest.mark.parametrize("after", [0, 100])
def test_read_timeout(impatient: HttpClient, hub: FakeHub, shelf: Shelf, after: int) -> None:
    shelf.put("m.gguf", 300_000)
    hub.fault("cdn", "stall", after=after, seconds=30, times=-1)
    with pytest.raises(TransientError) as caught:
        read_range(impatient, file_url(hub.url, REPOSITORY, "main", "m.gguf"), 0, 1000)
    assert (caught.value.code, caught.value.data) == (
        "web_silent",
        {"host": host_of(hub.cdn_url), "seconds": 0.5},
    )


def test_abort_of_a_stalled_request(hub: FakeHub, shelf: Shelf) -> None:
    shelf.put("m.gguf", 300_000)
    hub.fault("cdn", "stall", after=100, seconds=30, times=-1)
    web = HttpClient(Access(hub.url, hub.url, proxy=""))
    errors: list[BaseException] = []

    def read() -> None:
        try:
            read_range(web, file_url(hub.url, REPOSITORY, "main", "m.gguf"), 0, 1000)
        except Cancelled as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    while hub.bytes_sent() < 100:
        time.sleep(0.01)
    begun = time.monotonic()
    web.abort()
    thread.join(5)
    assert time.monotonic() - begun < 0.3
    assert len(errors) == 1
    with pytest.raises(Cancelled):
        read_range(web, file_url(hub.url, REPOSITORY, "main", "m.gguf"), 0, 1000)
    web.close()


def test_abort_while_a_response_is_drained(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []
    connect = socket.create_connection

    def connect_and_record(*args: Any, **options: Any) -> socket.socket:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(socket, "create_connection", connect_and_record)
    # As if the aborting thread was interrupted before it shut the connection down.
    monkeypatch.setattr(socket.socket, "shutdown", lambda *_: None)
    hub.fault("resolve", "status", code=503)
    with HttpClient(Access(hub.url, hub.url, proxy="")) as web:
        response = web.get(file_url(hub.url, REPOSITORY, "main", "m.gguf"))
        web.abort()
        with pytest.raises(Cancelled):
            response.drain()
    assert [each.fileno() for each in opened] == [-1]


def test_retry_after() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert retry_after_s("7") == 7
    assert retry_after_s(" 1.5 ") == 1.5
    assert retry_after_s(format_datetime(now + timedelta(seconds=20), usegmt=True), now) == 20.5
    assert retry_after_s(format_datetime(now - timedelta(days=1), usegmt=True), now) == 0
    assert retry_after_s("Fri, 02 Jan 2026 03:04:15", now) == 10.5
    assert retry_after_s("999999999") == 3600
    for nothing in (None, "", "soon", "nan", "inf", "-inf", "Fri, 99 Jan 2026"):
        assert retry_after_s(nothing) is None, nothing
    assert retry_after_s("-5") == 0


def test_numbers_in_response_headers() -> None:
    assert content_range("bytes 0-9/10") == (0, 9, 10)
    assert content_range("Bytes  5-7/*") == (5, 7, None)
    for wrong in (None, "", "bytes */10", "bytes 1-/10", "items 0-9/10", "bytes 0-9", "bytes -1-9/10"):
        assert content_range(wrong) is None, wrong
    assert header_number("12") == 12
    for wrong in (None, "", "-1", "1e3", "٣", "9" * 30):
        assert header_number(wrong) is None, wrong


@pytest.mark.parametrize(
    ("status", "headers", "with_token", "code"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, False, "gated_without_token"),
        (403, {"X-Error-Code": "GatedRepo"}, True, "gated_refused"),
        (403, {"X-Error-Code": "GatedRepo"}, False, "gated_without_token"),
        (401, {"X-Error-Code": "RepoNotFound"}, False, "repository_missing"),
        (404, {"X-Error-Code": "EntryNotFound"}, False, "published_file_missing"),
        (404, {}, False, "published_file_missing"),
        (401, {}, True, "token_refused"),
        (401, {}, False, "web_refused"),
        (451, {}, False, "web_refused"),
        (429, {}, False, "web_busy"),
        (503, {}, False, "web_busy"),
        (500, {}, False, "web_failing"),
        (599, {}, False, "web_failing"),
    ],
)
def test_errors_of_statuses(status: int, headers: dict[str, str], with_token: bool, code: str) -> None:
    url = "https://hub.test/some/body/resolve/main/m.gguf"
    error = status_error(status, headers, url, with_token=with_token)
    assert error.code == code
    assert error.data["host"] == "hub.test"
    assert isinstance(error, TransientError) == (status in (429, 503, 500, 599))


# Bodies of many chunks

BIG = 8 << 20


@pytest.fixture
def big(shelf: Shelf, hub: FakeHub) -> bytes:
    content = shelf.put("big.gguf", BIG).read_bytes()
    hub.repos[REPOSITORY]["big.gguf"].direct = True
    return content


def read_into(received: bytearray, web: HttpClient, url: str, start: int = 0) -> None:
    with web.get_range(url, start, BIG - start) as response:
        assert response.check_range(start, BIG - start, BIG)
        for chunk in response.chunks():
            received += chunk


def test_body_of_known_length_is_not_copied_by_the_parser(
    web: HttpClient, hub: FakeHub, big: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    receive = h11.Connection.receive_data

    def receive_and_count(parser: h11.Connection, data: bytes) -> None:
        parsed.append(len(data))
        receive(parser, data)

    monkeypatch.setattr(h11.Connection, "receive_data", receive_and_count)
    received = bytearray()
    read_into(received, web, file_url(hub.url, REPOSITORY, "main", "big.gguf"))
    assert received == big
    # Headers, and the part of the body that came with them.
    assert 0 < sum(parsed) <= 64 << 10


def test_body_over_tls(tmp_path: Path, big: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with TlsServer(tmp_path, big) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        with HttpClient(Access(server.url)) as web:
            for start in (0, 1 << 20):
                received = bytearray()
                read_into(received, web, f"{server.url}/x", start)
                assert received == big[start:]


def test_reasons_of_failed_connections_are_not_in_the_language_of_the_system(tmp_path: Path, hub: FakeHub) -> None:
    def reason(url: str) -> str:
        with HttpClient(Access(url, url, proxy="")) as web, pytest.raises(UserError) as caught:
            web.get(f"{url}/x")
        found = str(caught.value.data["detail"])
        assert error_message(caught.value.code, caught.value.data, lambda text: text.replace(found, "原因")).count(
            "原因"
        )
        return found

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert reason(f"http://127.0.0.1:{closed.getsockname()[1]}") == "connection refused"
    assert reason("http://nowhere.invalid") == "name not found"
    assert reason(hub.url.replace("http://", "https://")) == "no secure connection"
    with TlsServer(tmp_path, b"x") as server:
        assert reason(server.url) == "self-signed"


def test_body_without_length(web: HttpClient, hub: FakeHub, big: bytes) -> None:
    hub.fault("resolve", "drop_headers", names=["Content-Length"], times=1)
    received = bytearray()
    read_into(received, web, file_url(hub.url, REPOSITORY, "main", "big.gguf"))
    assert received == big


@pytest.mark.parametrize("kind", ["cut", "reset", "stall"])
def test_body_that_breaks_off(web: HttpClient, impatient: HttpClient, hub: FakeHub, big: bytes, kind: str) -> None:
    hub.fault("resolve", kind, after=BIG - (1 << 20), seconds=30, times=1)
    received = bytearray()
    with pytest.raises(TransientError, match="web_silent" if kind == "stall" else "connection_lost"):
        read_into(received, impatient if kind == "stall" else web, file_url(hub.url, REPOSITORY, "main", "big.gguf"))
    assert BIG // 2 < len(received) <= BIG - (1 << 20) or kind == "reset"
    assert big.startswith(received)


def test_abort_while_a_body_is_read(hub: FakeHub, big: bytes) -> None:
    hub.fault("resolve", "stall", after=BIG // 2, seconds=30, times=1)
    received = bytearray()
    with HttpClient(Access(hub.url, hub.url, proxy="")) as web:
        timer = threading.Timer(0.5, web.abort)
        timer.start()
        with pytest.raises(Cancelled):
            read_into(received, web, file_url(hub.url, REPOSITORY, "main", "big.gguf"))
        timer.join()
    assert len(received) == BIG // 2


# The header


def target_of(path: Path) -> TargetFile:
    return TargetFile(path.name, (HubFile(path.name, path.stat().st_size),))


class Far:
    """File that is read by ranges, with the lengths requested."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[int] = []

    def read_part(self, part: HubFile, start: int, length: int) -> bytes:
        assert length > 0
        self.requests.append(length)
        with self.path.open("rb") as file:
            file.seek(start)
            content = file.read(length)
        assert len(content) == length, "beyond the end of the file"
        return content

    def head(self) -> tuple[object, bytes]:
        return read_remote_header(target_of(self.path), self.read_part)


@pytest.mark.parametrize("quant", QUANTS)
@pytest.mark.parametrize("legacy", [False, True])
def test_headers_of_published_shapes_over_http(
    tmp_path: Path, shelf: Shelf, hub: FakeHub, web: HttpClient, quant: str, legacy: bool
) -> None:
    path = tmp_path / "shape.gguf"
    size = write_shape(path, quant, legacy=legacy)
    shelf.put_file("shape.gguf", path, sha256="0" * 64)
    url = file_url(hub.url, REPOSITORY, "main", "shape.gguf")

    target = TargetFile("shape.gguf", (HubFile("shape.gguf", size),))
    header, head = read_remote_header(target, lambda _part, start, length: read_range(web, url, start, length))

    local = read_header(path)
    assert (header.tensors, header.metadata, header.data_offset) == (local.tensors, local.metadata, local.data_offset)
    assert header.file_bytes == size > 38 * GIB
    assert header.experts_in_separate_tensors == legacy
    with path.open("rb") as file:
        assert head == file.read(local.data_offset)
    requests = [entry for entry in hub.log if entry.where == "cdn"]
    assert len(requests) <= 3
    assert sum(entry.sent for entry in requests) <= 4 << 20


def test_small_file_takes_one_request(tmp_path: Path) -> None:
    far = Far(write_plain_gguf(tmp_path / "small.gguf", 1000))
    header, head = far.head()
    assert far.requests == [1000]
    assert len(head) == header.data_offset  # type: ignore[attr-defined]


@pytest.mark.parametrize("vocabulary_bytes", [(2 << 20) - 200, 2 << 20, 3 << 20, 5 << 20, 33 << 20])
def test_long_headers(tmp_path: Path, vocabulary_bytes: int) -> None:
    path = tmp_path / "long.gguf"
    long = gguf(strings("general.architecture", "llama"), string_array("tokens", vocabulary_bytes))
    path.write_bytes(long + bytes(40 << 20))
    far = Far(path)
    header, head = far.head()
    assert header.data_offset == len(long)  # type: ignore[attr-defined]
    assert head == long
    assert sum(far.requests) <= max(2 << 20, 2 * len(long))
    assert len(far.requests) <= 6


def test_hostile_lengths_read_little(tmp_path: Path) -> None:
    huge = 60 * GIB
    for name, content in hostile().items():
        path = tmp_path / "hostile.gguf"
        path.write_bytes(content)
        with path.open("r+b") as file:
            file.truncate(huge)
        far = Far(path)
        with pytest.raises(UserError) as caught:
            far.head()
        assert caught.value.code in ("gguf_damaged", "not_gguf", "gguf_version_unsupported"), name
        assert sum(far.requests) <= (MAX_HEADER_BYTES if name.startswith("far") else 4 << 20), name
        assert len(far.requests) <= 8, name


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_gguf"),
        (b"GG", "not_gguf"),
        (b"<!DOCTYPE html>" + bytes(100), "web_page_instead"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "lfs_pointer_instead"),
    ],
)
def test_files_without_a_gguf_header(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        Far(path).head()
    assert caught.value.code == code


def strings(key: str, value: str) -> bytes:
    return packed(key) + struct.pack("<I", 8) + packed(value)


def packed(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def string_array(key: str, n_bytes: int) -> bytes:
    word = packed("x" * 992)
    return packed(key) + struct.pack("<IIQ", 9, 8, n_bytes // len(word)) + word * (n_bytes // len(word))


def gguf(*keys: bytes, tensors: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, len(keys)) + b"".join(keys)


def hostile() -> dict[str, bytes]:
    number_array: Callable[[int], bytes] = lambda count: packed("a") + struct.pack("<IIQ", 9, 4, count)  # noqa: E731
    return {
        "an array of 2^60 numbers": gguf(number_array(1 << 60), strings("b", "c")),
        "an array of 10^10 numbers": gguf(number_array(10**10), strings("b", "c")),
        "2^60 strings": gguf(packed("a") + struct.pack("<IIQ", 9, 8, 1 << 60)),
        "a string of 2^50 bytes": gguf(packed("a") + struct.pack("<IQ", 8, 1 << 50)),
        "2^60 keys": b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60),
        "2^60 tensors": b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0),
        "a name of 2^40 bytes": gguf(struct.pack("<Q", 1 << 40)),
        "data that begins after 2 GiB": gguf(packed("general.alignment") + struct.pack("<II", 4, 1 << 31), tensors=1)
        + packed("t")
        + struct.pack("<IQIQ", 1, 4, 0, 0),
        "far: an array of 100 MiB and nonsense after it": gguf(number_array(25 << 20), strings("b", "c")),
    }
