"""Shared models in the network: announced and found over real multicast DNS on this computer."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from zeroconf import DNSOutgoing, DNSPointer, ServiceInfo, Zeroconf, const

from app import discovery
from app.config.paths import DataFolder
from app.discovery import TYPE, Announcement, SharedModel, find_shared
from app.local_server.access import Access, network_address
from app.local_server.certificate import own_certificate
from app.served_models import ServedModels
from app.services import Services

HERE = ["127.0.0.1"]
PATIENCE_S = 20.0
LISTEN_S = 4.0
"""Longer than the program's, because a suite keeps the processor busy."""


def found_at(*ports: int, wait_s: float = LISTEN_S, own: str = "") -> list[int]:
    """Return which of these ports are found, without the announcements of tests that run at the same time."""
    urls = [each.url for each in find_shared(wait_s, HERE, own=own)]
    return [port for port in ports if f"http://127.0.0.1:{port}/v1" in urls]


def test_what_is_announced_is_found_until_it_is_closed() -> None:
    first, second = (Announcement("127.0.0.1", port, HERE) for port in (8034, 8035))
    assert first.is_known.wait(PATIENCE_S)
    assert second.is_known.wait(PATIENCE_S)
    # Both are found, although computers of the same name announced them at once.
    assert found_at(8034, 8035) == [8034, 8035]
    assert found_at(8034, 8035, own="http://127.0.0.1:8034") == [8035]
    first.close()
    second.close()
    assert found_at(8034, 8035, wait_s=discovery.ANSWER_S) == []


@pytest.mark.parametrize(
    ("port", "names"),
    [(8036, [f"a\0b.{TYPE}", TYPE, "other.local.", f".{TYPE}"]), (8037, [f"{number}.{TYPE}" for number in range(100)])],
    ids=["impossible", "not described"],
)
def test_names_that_no_service_has_hide_nothing(port: int, names: list[str]) -> None:
    announcement = Announcement("127.0.0.1", port, HERE)
    assert announcement.is_known.wait(PATIENCE_S)
    answers = []
    for start in range(0, len(names), 20):
        answers.append(DNSOutgoing(const._FLAGS_QR_RESPONSE | const._FLAGS_AA))
        for name in names[start : start + 20]:
            pointer = DNSPointer(TYPE, const._TYPE_PTR, const._CLASS_IN, const._DNS_OTHER_TTL, name)
            answers[-1].add_answer_at_time(pointer, 0)
    is_over = threading.Event()

    def answer() -> None:
        while not is_over.wait(0.1):
            for each in answers:
                zeroconf.send(each)

    with Zeroconf(HERE) as zeroconf:
        sender = threading.Thread(target=answer)
        sender.start()
        begin = time.monotonic()
        try:
            found = found_at(port)
        finally:
            is_over.set()
            sender.join()
            announcement.close()
        seconds = time.monotonic() - begin
    assert found == [port]
    assert seconds < 4 * LISTEN_S


def test_a_shared_server_is_announced_and_one_for_this_computer_is_not(tmp_path: Path) -> None:
    services = Services(DataFolder(tmp_path / "data"))
    try:
        server, models = services.local_server, ServedModels(services, "starter")
        server.start(Access(), models)
        assert server.announcement is None
        certificate, _ = own_certificate(tmp_path / "own.pem")
        for access in (Access("0.0.0.0", key="k"), Access("0.0.0.0", key="k", certificate=certificate)):
            url = server.start(access, models)
            assert server.announcement is not None
            assert server.announcement.is_known.wait(PATIENCE_S)
            assert f"{url}/v1" in [each.url for each in find_shared(LISTEN_S)]
            assert url.startswith("https://" if access.certificate else "http://")
        assert f"{url}/v1" not in [each.url for each in find_shared(LISTEN_S, own=url)]
        server.stop()
        assert f"{url}/v1" not in [each.url for each in find_shared(LISTEN_S)]
    finally:
        services.close()


@pytest.mark.parametrize(
    ("address", "port", "name", "found"),
    [
        ("192.168.1.20", 8033, "Study", SharedModel("Study", "http://192.168.1.20:8033/v1")),
        ("192.168.1.20", 8033, "书房 的电脑", SharedModel("书房 的电脑", "http://192.168.1.20:8033/v1")),
        # Anyone in the network can answer: no addresses outside of it, no control characters.
        ("8.8.8.8", 80, "Study", None),
        ("224.0.0.251", 80, "Study", None),
        ("0.0.0.0", 80, "Study", None),
        ("192.168.1.20", 0, "Study", None),
        ("192.168.1.20", 8033, b"\xff\xfe", SharedModel("��", "http://192.168.1.20:8033/v1")),
        ("192.168.1.20", 8033, "", None),
        ("192.168.1.20", 8033, "Stu\u202edy", SharedModel("Study", "http://192.168.1.20:8033/v1")),
    ],
)
def test_answers_are_checked(address: str, port: int, name: str | bytes, found: SharedModel | None) -> None:
    for scheme, more in (("http", {}), ("https", {"tls": "1"})):
        properties = {"name": name, **more}
        info = ServiceInfo(TYPE, f"a.{TYPE}", addresses=[socket.inet_aton(address)], port=port, properties=properties)
        expected = found and replace(found, url=found.url.replace("http", scheme))
        assert discovery._shared(info) == expected


def test_names_of_computers_fit_into_an_announcement(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.example.org", "很" * 100, "", "x\n" * 50):
        monkeypatch.setattr("platform.node", lambda name=name: name)
        info = discovery._service("127.0.0.1", 8033)
        assert 0 < len(info.properties[b"name"] or b"") <= discovery.MAX_NAME
        with Zeroconf(HERE) as zeroconf:
            zeroconf.register_service(info, cooperating_responders=True)


def test_without_a_network_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_arguments: object, **_options: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("zeroconf.Zeroconf.__init__", no_socket)
    assert find_shared() == ()
    Announcement(network_address(), 8033).close()
