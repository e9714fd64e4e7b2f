"""The servers a person added: kept in one JSON file, their keys in the keyring.

A key belongs to one server and is asked for by that server's id; it stands in no file.
"""

from __future__ import annotations

import ipaddress
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from app.config.secrets import Secrets
from model_manager.disk.json_file import JsonFile
from model_manager.errors import UserError

ID_PREFIX = "server:"


@dataclass(frozen=True)
class Server:
    """A server and the names of its models that were seen last."""

    id: str
    url: str
    """The base of its API, which ends in ``/v1`` for most."""
    name: str = ""
    """What the person calls it; empty for its host."""
    models: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    @property
    def title(self) -> str:
        """Its name for a person."""
        return self.name or self.host

    def model_id(self, name: str) -> str:
        """The id of one of its models."""
        return f"{ID_PREFIX}{self.id}/{name}"


def is_server_model(model_id: str) -> bool:
    """Whether a server answers for this id."""
    return model_id.startswith(ID_PREFIX)


def parts_of(model_id: str) -> tuple[str, str]:
    """The server's id, and the name of the model there."""
    server_id, _, name = model_id.removeprefix(ID_PREFIX).partition("/")
    return server_id, name


def api_base(text: str) -> str:
    """The base of an API from what a person typed: with a scheme, without the last path of a request.

    ``localhost:8000`` becomes ``http://localhost:8000/v1``, ``api.example.com`` becomes
    ``https://api.example.com/v1``; a path that was typed is kept.

    Raises:
        UserError: ``server_address_invalid`` (url).
    """
    text = text.strip()
    if text.partition("://")[2].strip("/") == "" and "://" in text:
        raise UserError("server_address_invalid", url=text)
    text = text.rstrip("/")
    for tail in ("/chat/completions", "/completions", "/models"):
        text = text.removesuffix(tail)
    if "://" not in text:
        text = f"{'http' if is_near(f'http://{text}') else 'https'}://{text}"
    try:
        split = urlsplit(text)
        _ = split.port  # raises where it is no number
    except ValueError as error:
        raise UserError("server_address_invalid", url=text) from error
    is_address = split.scheme in ("http", "https") and bool(split.hostname) and split.username is None
    if not is_address or any(character.isspace() for character in text):
        raise UserError("server_address_invalid", url=text)
    return text if split.path.strip("/") else f"{text}/v1"


def is_near(url: str) -> bool:
    """Whether a URL leads to this machine or a private network: where plain HTTP is what one expects."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".lan", ".home.arpa")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def is_open_to_readers(url: str) -> bool:
    """Whether what is said to this address, the key included, can be read on its way: plain HTTP, and not to here."""
    split = urlsplit(url)
    host = split.hostname or ""
    try:
        is_here = host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    return split.scheme == "http" and not is_here


class KnownServers:
    """The servers that the user added, and their file.  Thread-safe."""

    def __init__(self, path: Path, secrets: Secrets) -> None:
        self._file = JsonFile(path, tuple[Server, ...], ())
        self._secrets = secrets
        self._lock = threading.Lock()
        self._servers = self._file.read()

    @property
    def problem(self) -> UserError | None:
        """Why the file could not be read, if so."""
        return self._file.problem

    def list(self) -> tuple[Server, ...]:
        """All, in the order in which they were added."""
        return self._servers

    def get(self, server_id: str) -> Server:
        """One of them.

        Raises:
            UserError: ``server_unknown`` (id).
        """
        for server in self._servers:
            if server.id == server_id:
                return server
        raise UserError("server_unknown", id=server_id)

    def add(self, url: str, name: str = "", key: str = "", models: Sequence[str] = ()) -> Server:
        """Remember a server and its key.

        Raises:
            UserError: ``server_address_invalid`` (url), or as ``JsonFile.write``.
        """
        server = Server(uuid.uuid4().hex[:8], api_base(url), name.strip(), tuple(models))
        self._keep((*self._servers, server))
        if key.strip():
            self._secrets.set(_secret(server.id), key)
        return server

    def change(self, server_id: str, *, name: str | None = None, models: Sequence[str] | None = None) -> Server:
        """Another name, or what its models are now.

        Raises:
            UserError: ``server_unknown`` (id), or as ``JsonFile.write``.
        """
        server = self.get(server_id)
        changed = replace(
            server,
            name=server.name if name is None else name.strip(),
            models=server.models if models is None else tuple(models),
        )
        if changed != server:
            self._keep(tuple(changed if each.id == server_id else each for each in self._servers))
        return changed

    def remove(self, server_id: str) -> None:
        """Forget a server and its key.

        Raises:
            UserError: ``server_unknown`` (id), ``secret_stays``, or as ``JsonFile.write``.
        """
        gone = self.get(server_id)
        self._keep(tuple(each for each in self._servers if each is not gone))
        self._secrets.delete(_secret(server_id))

    def key_of(self, server_id: str) -> str:
        """Its key, empty where it has none.  May wait for the keyring to be unlocked."""
        return self._secrets.get(_secret(server_id)) or ""

    def set_key(self, server_id: str, key: str) -> None:
        """Another key; an empty one is forgotten.

        Raises:
            UserError: ``secret_stays``.
        """
        self._secrets.set(_secret(server_id), key)

    def _keep(self, servers: tuple[Server, ...]) -> None:
        with self._lock:
            self._file.write(servers)
            self._servers = servers


def _secret(server_id: str) -> str:
    return f"{ID_PREFIX}{server_id}"
