"""Whether the hub, its mirror and the servers answer, and how fast.  Only when a person asks for it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.config.secrets import Secrets
from app.config.settings import Settings
from app.doctor.diagnostic import Finding, State, Text
from app.servers.client import ServerClient
from app.servers.registry import KnownServers, Server
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import MIRROR, OFFICIAL, Access, host_of
from model_manager.hub.catalogue import APUS
from model_manager.hub.http import HttpClient

PATIENCE_S = 5.0


@dataclass(frozen=True)
class Asked:
    """An address that is asked: ``ask`` returns once it has answered, ``abort`` makes it end."""

    id: str
    subject: str
    ask: Callable[[], None]
    abort: Callable[[], None]


def look(settings: Settings, servers_file: Path, secrets: Secrets, proxy: str | None) -> Iterator[Finding]:
    """Ask everybody at once; at most five seconds.  The hub's token is not shown to anybody."""
    authority = settings.authority or OFFICIAL
    hubs = dict.fromkeys((settings.endpoint or authority, authority, *(() if settings.endpoint else (MIRROR,))))
    asked: list[Asked] = []
    for url in hubs:
        try:
            asked.append(_hub(url.rstrip("/"), proxy))
        except UserError as error:
            yield Finding("hub", State.BAD, error, subject=host_of(url))
    for server in KnownServers(servers_file, secrets).list():
        asked.append(_server(server, secrets, proxy))
    yield from ask_all(asked)


def ask_all(asked: list[Asked], patience_s: float = PATIENCE_S) -> Iterator[Finding]:
    """The findings in the order of the answers; who is silent comes last."""
    answers: queue.SimpleQueue[tuple[Asked, float, UserError | None]] = queue.SimpleQueue()

    def run(each: Asked) -> None:
        begun = time.monotonic()
        try:
            each.ask()
        except UserError as error:
            answers.put((each, time.monotonic() - begun, error))
        except Cancelled:
            pass
        else:
            answers.put((each, time.monotonic() - begun, None))

    for each in asked:
        # Daemons: a name that is being looked up cannot be hurried, and shall hold nobody.
        threading.Thread(target=run, args=(each,), name="reachable", daemon=True).start()
    silent = list(asked)
    ends = time.monotonic() + patience_s
    while silent and (left := ends - time.monotonic()) > 0:
        try:
            each, seconds, error = answers.get(timeout=left)
        except queue.Empty:
            break
        silent.remove(each)
        yield _finding(each, seconds, error)
    for each in silent:
        each.abort()
        remedy = Text("other_endpoint" if each.id == "hub" else "check_server")
        facts = {"seconds": round(patience_s)}
        yield Finding(each.id, State.BAD, Text("silent", facts), subject=each.subject, remedy=remedy)


def _finding(each: Asked, seconds: float, error: UserError | None) -> Finding:
    if error is None:
        facts = {"milliseconds": max(1, round(1000 * seconds))}
        return Finding(each.id, State.OK, Text("answers", facts), subject=each.subject)
    return Finding(each.id, State.BAD, error, subject=each.subject)


def _hub(url: str, proxy: str | None) -> Asked:
    access = Access(endpoint=url, authority=url, proxy=proxy)
    client = HttpClient(access, connect_timeout_s=PATIENCE_S, read_timeout_s=PATIENCE_S)
    host = host_of(url).rpartition("@")[2]

    def ask() -> None:
        with client, client.get(f"{url}/api/models/{APUS[0].repository}") as response:
            # Any other status is an answer too.
            if response.status >= 500:
                raise UserError("server_failing", host=host, status=response.status, detail="")

    return Asked("hub", host, ask, client.abort)


def _server(server: Server, secrets: Secrets, proxy: str | None) -> Asked:
    opened: list[ServerClient] = []

    def ask() -> None:
        client = ServerClient(server.url, secrets.get(f"server:{server.id}") or "", proxy)
        opened.append(client)
        try:
            client.models()
        finally:
            client.close()

    def abort() -> None:
        for client in opened:
            client.stop()

    return Asked("server", server.host, ask, abort)
