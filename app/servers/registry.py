"""Server registry: addresses and names in one JSON file, API keys in the keyring."""

from __future__ import annotations

import ipaddress
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from app.config.secrets import Secrets
from model_manager.disk.json_file import JsonError, JsonFile, from_json
from model_manager.errors import UserError

ID_PREFIX = "server:"


@dataclass(frozen=True)
class Server:
    """A server and the names of its models at the last refresh."""

    id: str
    url: str
    """Base URL of the API, usually ending in ``/v1``."""
    name: str = ""
    """Name given by the user; empty: the host."""
    models: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    @property
    def title(self) -> str:
        """Displayed name."""
        return self.name or self.host

    def model_id(self, name: str) -> str:
        """Return the id of one of its models: ``server:ID/NAME``."""
        return f"{ID_PREFIX}{self.id}/{name}"


def is_server_model(model_id: str) -> bool:
    """Return whether the id belongs to a model of a server."""
    return model_id.startswith(ID_PREFIX)


def split_model_id(model_id: str) -> tuple[str, str]:
    """Return the server's id and the name of the model on it."""
    server_id, _, name = model_id.removeprefix(ID_PREFIX).partition("/")
    return server_id, name


def api_base(text: str) -> str:
    """Normalise an address typed by the user to the base URL of the API.

    ``localhost:8000`` becomes ``http://localhost:8000/v1``, ``api.example.com`` becomes
    ``https://api.example.com/v1``; another path is kept.

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
        text = f"{'http' if is_private_network(f'http://{text}') else 'https'}://{text}"
    try:
        split = urlsplit(text)
        _ = split.port  # raises ValueError if it is not a number
    except ValueError as error:
        raise UserError("server_address_invalid", url=text) from error
    is_address = split.scheme in ("http", "https") and bool(split.hostname) and split.username is None
    if not is_address or any(character.isspace() for character in text):
        raise UserError("server_address_invalid", url=text)
    return text if split.path.strip("/") else f"{text}/v1"


def is_private_network(url: str) -> bool:
    """Return whether a URL points to this machine or a private network, where plain HTTP is expected."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".lan", ".home.arpa")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def is_unencrypted(url: str) -> bool:
    """Return whether messages and key are sent over a network in plain HTTP."""
    split = urlsplit(url)
    host = split.hostname or ""
    try:
        is_loopback = host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    return split.scheme == "http" and not is_loopback


class ServerRegistry:
    """The list of servers.  Thread-safe."""

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
        """Return all servers in the order in which they were added."""
        return self._servers

    def get(self, server_id: str) -> Server:
        """Return one server.

        Raises:
            UserError: ``server_unknown`` (id).
        """
        for server in self._servers:
            if server.id == server_id:
                return server
        raise UserError("server_unknown", id=server_id)

    def add(self, url: str, name: str = "", key: str = "", models: Sequence[str] = ()) -> Server:
        """Add a server and its key.

        Raises:
            UserError: ``server_address_invalid`` (url), or as ``JsonFile.write`` does.
        """
        server = Server(uuid.uuid4().hex[:8], api_base(url), name.strip(), tuple(models))
        self._write((*self._servers, server))
        if key.strip():
            self.set_key(server.id, key)
        return server

    def change(self, server_id: str, *, name: str | None = None, models: Sequence[str] | None = None) -> Server:
        """Change the name or the models of a server.

        Raises:
            UserError: ``server_unknown`` (id), or as ``JsonFile.write`` does.
        """
        server = self.get(server_id)
        changed = replace(
            server,
            name=server.name if name is None else name.strip(),
            models=server.models if models is None else tuple(models),
        )
        if changed != server:
            self._write(tuple(changed if each.id == server_id else each for each in self._servers))
        return changed

    def remove(self, server_id: str) -> None:
        """Remove a server and its key.

        Raises:
            UserError: ``server_unknown`` (id), ``secret_stays``, or as ``JsonFile.write`` does.
        """
        removed = self.get(server_id)
        self._write(tuple(each for each in self._servers if each is not removed))
        self._secrets.delete(secret_name(server_id))

    def key_of(self, server_id: str) -> str:
        """Return the API key, empty if none.  Can wait for the keyring to be unlocked."""
        return self._secrets.get(secret_name(server_id)) or ""

    def set_key(self, server_id: str, key: str) -> None:
        """Replace the API key; an empty one is removed.

        Raises:
            UserError: ``secret_stays``.
        """
        self._secrets.set(secret_name(server_id), key)

    def _write(self, servers: tuple[Server, ...]) -> None:
        with self._lock:
            self._file.write(servers)
            self._servers = servers


def secret_name(server_id: str) -> str:
    """Return the name of a server's API key in the keyring."""
    return f"{ID_PREFIX}{server_id}"


def read_servers(path: Path) -> tuple[Server, ...]:
    """Return the servers of a registry's file without changing it.

    Raises:
        UserError: ``file_unreadable`` (path, detail).
    """
    try:
        return from_json(path.read_bytes(), tuple[Server, ...])
    except FileNotFoundError:
        return ()
    except (OSError, JsonError) as error:
        raise UserError("file_unreadable", path=path, detail=str(error)) from error
