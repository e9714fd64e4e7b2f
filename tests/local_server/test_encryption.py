"""A shared model is used over TLS by another PC with the key alone; hosts between the two learn nothing."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from openai import OpenAI

from app.backend import AnswerFinished, ChatEvent, ChatRequest, PromptMessage, TextDelta, ToolsCalled
from app.config.paths import DataFolder
from app.config.pinned_key import fingerprint, key_suffix, pinned_context, split_key
from app.config.secrets import LOCAL_SERVER_KEY, Secrets
from app.config.settings import SettingsFile
from app.conversation import Role
from app.local_server import protocol
from app.local_server.access import Access
from app.local_server.certificate import Certificate, own_certificate
from app.local_server.web_server import STOP_S
from app.messages import sentence
from app.sampling import Sampling
from app.served_models import local_access, start_local_server
from app.servers.client import ServerClient
from app.servers.registry import Servers
from app.services import Services
from app.tool_calls import ToolCall, ToolDefinition
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from tests.local_server.conftest import PATIENCE_S, Serve, Served
from tests.rigs.eavesdropper import Eavesdropper
from tests.rigs.tiny_model import write_tiny_model
from tests.rigs.tls_server import TlsServer
from tests.tools.test_rounds import CALL, TEMPLATE

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "Who lives in Zanzibar?"
SECRET = "the-secret-of-Zanzibar"
ADD = ToolDefinition("add", "Adds two numbers.", {"type": "object", "properties": {"a": {}, "b": {}}})


def request(text: str = QUESTION, **more: object) -> ChatRequest:
    return ChatRequest((PromptMessage(Role.USER, text),), Sampling(temperature=0, max_tokens=24), **more)  # type: ignore[arg-type]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return own_certificate(tmp_path / "own.pem")[0]


@pytest.fixture
def other_pc(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(tmp_path / "servers.json", Secrets({}))
    yield servers
    servers.close()


def shared(serve: Serve, certificate: Certificate, model: Path | str = "starter") -> tuple[Served, str]:
    """Return a server that is encrypted on the loopback interface too, and its key for other PCs."""
    served = serve(model, key=SECRET, certificate=certificate)
    access = served.services.local_server.status().access
    assert access is not None
    return served, access.shared_key


def text_of(events: list[ChatEvent]) -> str:
    return "".join(each.text for each in events if isinstance(each, TextDelta))


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        action()
    assert len(sentence(caught.value)) > 20
    return caught.value.code


def names(url: str, key: str) -> list[str]:
    with closing(ServerClient(f"{url}/v1", key)) as client:
        return [each.name for each in client.models()]


def test_the_key_alone_gives_another_pc_an_encrypted_connection(
    serve: Serve, certificate: Certificate, other_pc: Servers, tmp_path: Path
) -> None:
    model = write_tiny_model(tmp_path / "calls.gguf", chat_template=TEMPLATE, script=CALL, reply=("It is", " five."))
    served, key = shared(serve, certificate, model)
    with Eavesdropper(urlsplit(served.url).netloc) as between:
        # The address as a user types it: the key says that it is encrypted.
        models = other_pc.list_models(between.host, key)
        server = other_pc.add(between.host, "Study", key, models)
        assert server.url == f"https://{between.host}/v1"
        events = list(other_pc.backend(server.model_id("calls")).stream(request(tools=(ADD,))))
        assert [each.calls for each in events if isinstance(each, ToolsCalled)] == [
            (ToolCall("add", {"a": 2, "b": 3}),)
        ]
        assert text_of(events).strip() == "Let me add."
        assert other_pc.refresh(server.id).models == ("calls",)
        other_pc.disconnect(server.id)
    assert between.heard
    for secret in (SECRET, QUESTION, "calls", key):
        assert secret.encode() not in between.heard
    # The rig would have heard them.
    url = served.services.local_server.start(Access(key=SECRET), served.models)
    with Eavesdropper(urlsplit(url).netloc) as between:
        server = other_pc.add(f"http://{between.host}", "", SECRET)
        list(other_pc.backend(server.model_id("calls")).stream(request()))
        other_pc.disconnect(server.id)
    assert SECRET.encode() in between.heard
    assert QUESTION.encode() in between.heard


def test_stop_ends_an_encrypted_answer_here_and_there(
    serve: Serve, certificate: Certificate, other_pc: Servers, tmp_path: Path
) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=1 << 17)
    served, key = shared(serve, certificate, model)
    server = other_pc.add(served.url, "", key)
    token, events = CancelToken(), list[ChatEvent]()
    for event in other_pc.backend(server.model_id("endless")).stream(
        ChatRequest((PromptMessage(Role.USER, QUESTION),), Sampling()), token
    ):
        events.append(event)
        if len(events) == 20:
            token.cancel()
    assert isinstance(events[-1], AnswerFinished)
    assert events[-1].finish_reason == "cancelled"
    deadline = time.monotonic() + PATIENCE_S
    while served.services.local_server.status().running:
        assert time.monotonic() < deadline


def test_a_man_in_the_middle_gets_neither_key_nor_question(
    serve: Serve, certificate: Certificate, other_pc: Servers, tmp_path: Path
) -> None:
    served, key = shared(serve, certificate)
    own_certificate(tmp_path / "other.pem")
    with Eavesdropper(urlsplit(served.url).netloc, tmp_path / "other.pem") as between:
        url = f"https://{between.host}/v1"
        server, client = other_pc.add(url, "", key), ServerClient(url, key)
        for attempt in (
            lambda: other_pc.list_models(url, key),
            lambda: list(other_pc.backend(server.model_id("starter")).stream(request())),
            lambda: list(client.chat(b"{}", "starter")),
            lambda: client.models(),
        ):
            between.is_over.clear()
            assert code_of(attempt) == "server_not_verified"
            assert between.is_over.wait(PATIENCE_S)
        assert client.token_count("starter", [{"role": "user", "content": QUESTION}]) is None
        client.close()
        assert between.heard == b""
        # A client that doesn't check the certificate would have been heard.
        with OpenAI(base_url=url, api_key=key, max_retries=0, http_client=httpx2.Client(verify=False)) as unwary:
            assert unwary.models.list().data[0].id == "starter"
        assert SECRET.encode() in between.heard


def test_a_key_with_a_certificate_is_never_sent_unencrypted(other_pc: Servers) -> None:
    key = SECRET + key_suffix("A" * 22)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = bytearray()

        def answer() -> None:
            # As a server in plain HTTP, which the announcement of an attacker leads to.
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                heard.extend(connection.recv(1 << 16))
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"data": []}')

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        assert code_of(lambda: other_pc.list_models(url, key)) == "server_not_verified"
        thread.join(PATIENCE_S)
    assert heard[:1] == b"\x16"
    assert SECRET.encode() not in heard
    # Nor by a list of servers that says otherwise.
    assert ServerClient(url, key).url == url.replace("http:", "https:")


def test_a_reinstalled_pc_is_refused_until_its_new_key_is_entered(
    serve: Serve, certificate: Certificate, other_pc: Servers, tmp_path: Path
) -> None:
    served, key = shared(serve, certificate)
    server = other_pc.add(served.url, "", key)
    assert len(list(other_pc.backend(server.model_id("starter")).stream(request()))) > 2
    other_pc.disconnect(server.id)
    access = served.services.local_server.status().access
    assert access is not None
    (tmp_path / "own.pem").unlink()
    anew = Access(port=access.port, key=SECRET, certificate=own_certificate(tmp_path / "own.pem")[0])
    served.services.local_server.start(anew, served.models)
    with pytest.raises(UserError) as caught:
        list(other_pc.backend(server.model_id("starter")).stream(request()))
    assert caught.value.code == "server_not_verified"
    assert "If APUS Chat was reinstalled there, enter its new API key" in sentence(caught.value)
    other_pc.set_key(server.id, anew.shared_key)
    other_pc.disconnect(server.id)
    assert other_pc.refresh(server.id).models == ("starter",)


def test_a_server_that_encrypts_from_now_on_says_which_key_it_needs(serve: Serve, other_pc: Servers) -> None:
    served = serve(key=SECRET)
    server = other_pc.add(served.url, "", SECRET)
    assert other_pc.refresh(server.id).models == ("starter",)
    access = served.services.local_server.status().access
    assert access is not None
    folder = served.services.folder
    anew = Access(port=access.port, key=SECRET, certificate=own_certificate(folder.certificate_file)[0])
    served.services.local_server.start(anew, served.models)
    assert code_of(lambda: other_pc.refresh(server.id)) == "server_encrypted"
    # Without the part that names the certificate it can't be verified either.
    assert code_of(lambda: other_pc.list_models(f"https://{server.host}/v1", SECRET)) == "server_self_signed"
    # The new key makes the same entry encrypted, and another one isn't possible.
    other_pc.set_key(server.id, anew.shared_key)
    assert other_pc.refresh(server.id).url == f"https://{server.host}/v1"
    assert other_pc.at(f"http://{server.host}/v1") == other_pc.at(f"https://{server.host}/v1") == other_pc.list()[0]


def test_programs_on_this_computer_go_on_in_plain_http(services: Services, other_pc: Servers) -> None:
    services.settings.change(local_server=True, local_server_network=True, local_server_port=free_port())
    assert start_local_server(services) is None
    status = services.local_server.status()
    assert status.access is not None
    assert services.secrets.get(LOCAL_SERVER_KEY) == status.access.key
    port = status.access.port
    services.settings.change(model_id="starter")
    for key in (status.access.key, status.access.shared_key):
        with OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key, max_retries=0) as local:
            assert local.models.list().data[0].id == "starter"
    if urlsplit(status.url).hostname == "127.0.0.1":
        pytest.skip("this computer has no network")
    assert status.url.startswith("https://")
    assert [each.name for each in other_pc.list_models(status.url, status.access.shared_key)] == ["starter"]
    assert code_of(lambda: other_pc.list_models(f"http://{urlsplit(status.url).netloc}", "x")) == "server_encrypted"
    # Others can be allowed to come without encryption.
    services.settings.change(local_server_encrypted=False)
    start_local_server(services)
    status = services.local_server.status()
    assert status.access is not None
    assert status.access.shared_key == status.access.key
    assert [each.name for each in other_pc.list_models(status.url, status.access.key)] == ["starter"]
    assert status.url.startswith("http://")


def free_port() -> int:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("stored", "is_encrypted"),
    [
        ("{}", True),
        ('{"local_server": true, "local_server_network": false}', True),
        # Its clients would stop without a word.
        ('{"local_server_network": true}', False),
        ('{"local_server_network": true, "local_server_encrypted": true}', True),
    ],
)
def test_only_who_shared_before_goes_on_unencrypted(tmp_path: Path, stored: str, is_encrypted: bool) -> None:
    path = tmp_path / "settings.json"
    path.write_text(stored)
    settings = SettingsFile(path)
    assert settings.current.local_server_encrypted == is_encrypted
    settings.change(local_server_network=True)
    assert SettingsFile(path).current.local_server_encrypted == is_encrypted


# The file


def test_the_private_key_is_made_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    made, problem = own_certificate(path)
    assert problem is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert own_certificate(path) == (made, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["own.pem"]
    text = subprocess.run(
        ["openssl", "x509", "-in", path, "-noout", "-text", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "prime256v1" in text
    assert "Dec 31 23:59:59 9999 GMT" in text
    der = ssl.PEM_cert_to_DER_cert(path.read_text().partition("-----END PRIVATE KEY-----\n")[2])
    assert made.fingerprint == fingerprint(der)


def damaged(path: Path, kind: str) -> None:
    content = path.read_bytes()
    own_certificate(path.with_name("other.pem"))
    changed = {
        "empty": b"",
        "cut": content[: len(content) - 40],
        "binary": os.urandom(2000),
        "no key": content.partition(b"-----END PRIVATE KEY-----\n")[2],
        "not base64": content.replace(b"MII", b"???"),
        "key of another": other_key(path.with_name("other.pem")) + content.partition(b"-----END PRIVATE KEY-----\n")[2],
    }
    if kind == "with a password":
        command = ["openssl", "pkcs8", "-topk8", "-in", path, "-passout", "pass:secret", "-v2", "aes-128-cbc"]
        protected = subprocess.run(command, capture_output=True, check=True).stdout
        changed[kind] = protected + content.partition(b"-----END PRIVATE KEY-----\n")[2]
    path.write_bytes(changed[kind])


def other_key(path: Path) -> bytes:
    key, end, _ = path.read_bytes().partition(b"-----END PRIVATE KEY-----\n")
    return key + end


@pytest.mark.parametrize(
    "kind", ["empty", "cut", "binary", "no key", "not base64", "key of another", "with a password"]
)
def test_a_damaged_file_is_made_anew_and_said(services: Services, kind: str) -> None:
    services.settings.change(local_server=True, local_server_network=True, local_server_port=free_port())
    before, _ = local_access(services)
    path = services.folder.certificate_file
    damaged(path, kind)
    problem = start_local_server(services)
    assert problem is not None
    assert problem.code == "certificate_replaced"
    aside = path.with_name("local-server.pem.damaged")
    assert problem.data == {"aside": aside}
    assert aside.exists()
    assert "enter the API key again" in sentence(problem)
    after, none = local_access(services)
    assert none is None
    assert (after.key, after.shared_key != before.shared_key) == (before.key, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    services.settings.change(model_id="starter")
    assert names(services.local_server.status().url, after.shared_key) == ["starter"]


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    path.mkdir()
    assert code_of(lambda: own_certificate(path)) == "is_a_folder"
    path.rmdir()
    path.write_bytes(b"x" * (1 << 20))
    assert code_of(lambda: own_certificate(path)) == "file_unreadable"
    assert path.stat().st_size == 1 << 20
    assert code_of(lambda: own_certificate(tmp_path / "missing" / "own.pem")) == "folder_missing"


# Connections


def test_connections_that_do_not_encrypt_end_and_are_limited(
    serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 5)
    served, key = shared(serve, certificate)
    address = urlsplit(served.url)

    def connect() -> socket.socket:
        return socket.create_connection((address.hostname, address.port), PATIENCE_S)

    with ExitStack() as stack:
        silent = [stack.enter_context(connect()) for _ in range(10)]
        refused = stack.enter_context(connect())
        with suppress(ConnectionResetError):
            assert refused.recv(1) == b""
        for each in silent:
            each.close()
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(UserError):
            assert names(served.url, key)
            break
        assert time.monotonic() < deadline
    monkeypatch.setattr(protocol, "HANDSHAKE_S", 0.05)
    for data in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(500)):
        with connect() as other:
            other.sendall(data)
            with suppress(ConnectionResetError):
                while other.recv(1 << 16):
                    pass
    assert names(served.url, key)


def test_a_request_may_come_with_the_end_of_the_handshake(serve: Serve, certificate: Certificate) -> None:
    served, key = shared(serve, certificate)
    address = urlsplit(served.url)
    body = b'{"messages": [{"role": "user", "content": "' + b"x" * 200_000 + b'"}], "n": 2}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    whole = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    for _ in range(5):
        with socket.create_connection((address.hostname, address.port), PATIENCE_S) as connection:
            client, incoming, outgoing = handshake_over(connection, pinned_context(certificate.fingerprint))
            client.write(whole)
            connection.sendall(outgoing.read())
            answer = b""
            while not answer.endswith(b"}}"):
                with suppress(ssl.SSLWantReadError):
                    answer += client.read(1 << 16)
                    continue
                incoming.write(connection.recv(1 << 16))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"param":"n"' in answer


def test_a_stop_does_not_wait_for_connections_without_requests(serve: Serve, certificate: Certificate) -> None:
    served, key = shared(serve, certificate)
    address = urlsplit(served.url)
    with ExitStack() as stack:

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection((address.hostname, address.port), PATIENCE_S))

        for _ in range(5):
            connect()
        # One that was used, and doesn't confirm its end.
        used = stack.enter_context(pinned_context(certificate.fingerprint).wrap_socket(connect()))
        used.sendall(f"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        assert used.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        begin = time.monotonic()
        served.services.local_server.stop()
        assert time.monotonic() - begin < STOP_S


@pytest.mark.parametrize("is_within_tls", [False, True])
def test_the_certificate_is_compared_in_the_handshake(tmp_path: Path, is_within_tls: bool) -> None:
    with TlsServer(tmp_path, b"x") as server:
        der = ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
        for pin, is_right in ((fingerprint(der), True), (fingerprint(der)[:-1] + "~", False), ("", False)):
            context = pinned_context(pin)
            host, _, port = server.host.partition(":")
            with socket.create_connection((host, int(port)), PATIENCE_S) as connection, ExitStack() as stack:
                if not is_right:
                    stack.enter_context(pytest.raises(ssl.SSLError, match="another certificate"))
                if is_within_tls:
                    handshake_over(connection, context)
                else:
                    context.wrap_socket(connection).close()


def handshake_over(
    connection: socket.socket, context: ssl.SSLContext
) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """Leave the client's last message in the second buffer."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing)
    while True:
        with suppress(ssl.SSLWantReadError):
            client.do_handshake()
            return client, incoming, outgoing
        connection.sendall(outgoing.read())
        incoming.write(connection.recv(1 << 16))


@pytest.mark.parametrize(
    ("key", "secret", "pin"),
    [
        ("apus-x.cert-" + "A" * 22, "apus-x", "A" * 22),
        (" apus-x.cert-" + "a_-0" * 5 + "zz\n", "apus-x", "a_-0" * 5 + "zz"),
        ("a.cert-b.cert-" + "A" * 22, "a.cert-b", "A" * 22),
        # Keys of other services, and cut ones.
        ("sk-proj-abc", "sk-proj-abc", ""),
        ("eyJh.eyJz." + "A" * 43, "eyJh.eyJz." + "A" * 43, ""),
        ("apus-x.cert-" + "A" * 21, "apus-x.cert-" + "A" * 21, ""),
        ("apus-x.cert-" + "A" * 23, "apus-x.cert-" + "A" * 23, ""),
        (".cert-" + "A" * 22, ".cert-" + "A" * 22, ""),
        ("", "", ""),
    ],
)
def test_keys_are_split(key: str, secret: str, pin: str) -> None:
    assert split_key(key) == (secret, pin)


# The command line


@pytest.mark.parametrize("is_plain", [False, True])
def test_serve_encrypts_for_other_computers_unless_plain_http_is_given(
    tmp_path: Path, other_pc: Servers, is_plain: bool
) -> None:
    command = [sys.executable, "-m", "app", "serve", "--host", "0.0.0.0", "--port", "0", "--api-key-env", "KEY"]
    command += ["--data-dir", str(tmp_path / "data"), *(["--plain-http"] if is_plain else [])]
    with subprocess.Popen(
        # The key as it was copied from the settings of a window.
        command,
        env={**os.environ, "KEY": SECRET + key_suffix("A" * 22)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        certificate, _ = (None, None) if is_plain else own_certificate(DataFolder(tmp_path / "data").certificate_file)
        suffix = key_suffix(certificate.fingerprint) if certificate else ""
        is_alone = urlsplit(url).hostname == "127.0.0.1"
        models = () if is_alone else other_pc.list_models(url, SECRET + suffix)
        connection = HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=PATIENCE_S)
        connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {SECRET}"})
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert is_alone or [each.name for each in models] == ["starter"]
    assert url.startswith("http://" if is_plain else "https://")
    assert ("plain HTTP: the questions, answers and the key can be read" in errors) == is_plain
    assert is_plain or f"needs the API key with {suffix} appended" in errors
    assert SECRET not in errors
