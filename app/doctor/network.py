"""Check of the network: response times of the hub, its mirror and the servers.  Only on request of the user."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.config.secrets import Secrets
from app.config.settings import Settings
from app.doctor.diagnostic import Diagnostic, Severity
from app.servers.client import ServerClient
from app.servers.registry import Server, read_servers, secret_name
from model_manager.errors import UserError
from model_manager.hub.access import MIRROR, OFFICIAL, Access, host_of
from model_manager.hub.catalogue import APUS
from model_manager.hub.http import HttpClient

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class NetworkTarget:
    """Address to check: ``request`` returns after the response."""

    id: str
    subject: str
    request: Callable[[], None]


def check(settings: Settings, servers_file: Path, secrets: Secrets, proxy: str | None) -> Iterator[Diagnostic]:
    """Check all addresses at once, for at most five seconds.  The hub's token is not sent, no file is changed."""
    authority = settings.authority or OFFICIAL
    hubs = dict.fromkeys((settings.endpoint or authority, authority, *(() if settings.endpoint else (MIRROR,))))
    targets: list[NetworkTarget] = []
    for url in hubs:
        try:
            targets.append(_hub(url.rstrip("/"), proxy))
        except UserError as error:
            yield Diagnostic("hub", Severity.BAD, error, subject=host_of(url))
    try:
        targets += [_server(each, secrets, proxy) for each in read_servers(servers_file)]
    except UserError as error:
        yield Diagnostic("server", Severity.BAD, error)
    yield from check_all(targets)


def check_all(targets: list[NetworkTarget], timeout_s: float = TIMEOUT_S) -> Iterator[Diagnostic]:
    """Yield the results in the order of the responses, timeouts last."""
    answers: queue.SimpleQueue[tuple[NetworkTarget, Diagnostic]] = queue.SimpleQueue()

    def run(each: NetworkTarget) -> None:
        started = time.monotonic()
        try:
            each.request()
        except UserError as error:
            answers.put((each, Diagnostic(each.id, Severity.BAD, error, subject=each.subject)))
        else:
            data = {"milliseconds": max(1, round(1000 * (time.monotonic() - started)))}
            answers.put((each, Diagnostic(each.id, Severity.OK, "answers", data, each.subject)))

    for each in targets:
        # Daemon threads, because a running name lookup cannot be cancelled; requests have their own time limits.
        threading.Thread(target=run, args=(each,), name="reachable", daemon=True).start()
    silent = list(targets)
    deadline = time.monotonic() + timeout_s
    while silent and (left := deadline - time.monotonic()) > 0:
        try:
            each, result = answers.get(timeout=left)
        except queue.Empty:
            break
        silent.remove(each)
        yield result
    for each in silent:
        remedy = "other_endpoint" if each.id == "hub" else "check_server"
        yield Diagnostic(each.id, Severity.BAD, "silent", {"seconds": round(timeout_s)}, each.subject, remedy)


def _hub(url: str, proxy: str | None) -> NetworkTarget:
    access = Access(endpoint=url, authority=url, proxy=proxy)
    client = HttpClient(access, connect_timeout_s=TIMEOUT_S, read_timeout_s=TIMEOUT_S)
    host = host_of(url).rpartition("@")[2]

    def request() -> None:
        with client, client.get(f"{url}/api/models/{APUS[0].repository}") as response:
            # Any other status proves that the hub responds.
            if response.status >= 500:
                raise UserError("server_failing", host=host, status=response.status, detail="")

    return NetworkTarget("hub", host, request)


def _server(server: Server, secrets: Secrets, proxy: str | None) -> NetworkTarget:
    def request() -> None:
        key = secrets.get(secret_name(server.id)) or ""
        with contextlib.closing(ServerClient(server.url, key, proxy)) as client:
            client.models()

    return NetworkTarget("server", server.host, request)
