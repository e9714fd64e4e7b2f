"""Servers: addresses and names in one JSON file, API keys in the keyring, and a chat backend for each model."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from app.config.secrets import Secrets
from app.servers.backend import ServerBackend
from app.servers.client import ServerClient, api_base
from app.servers.protocol import ServedModel
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


class Servers:
    """The list of servers and their connections, which are kept between answers.  Thread-safe."""

    def __init__(self, path: Path, secrets: Secrets, proxy: Callable[[], str | None] = lambda: None) -> None:
        """``path`` is the file of the list; ``proxy`` returns the current proxy as in ``Access``."""
        self._file = JsonFile(path, tuple[Server, ...], ())
        self._secrets = secrets
        self._lock = threading.Lock()
        self._servers = self._file.read()
        self._proxy = proxy
        self._connections: dict[str, ServerClient] = {}

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

    def backend(self, model_id: str) -> ServerBackend:
        """Return the backend for ``server:ID/NAME``; its ``stream`` raises UserError ``server_unknown`` (id)."""
        server_id, name = split_model_id(model_id)
        return ServerBackend(lambda: self._connect(self.get(server_id)), model_id, name)

    def backend_at(self, url: str, key: str, name: str) -> ServerBackend:
        """Return a backend for an address outside the registry; an empty ``name`` selects its first model.

        Raises:
            UserError: ``server_address_invalid`` (url).
        """
        connection = ServerClient(api_base(url), key, self._proxy())
        with self._lock:
            self._connections[url] = connection
        return ServerBackend(lambda: connection, name, name)

    def list_models(self, url: str, key: str) -> tuple[ServedModel, ...]:
        """List the models at an address.  Raises as ``ServerClient.models`` and ``api_base`` do."""
        client = ServerClient(api_base(url), key, self._proxy())
        try:
            return client.models()
        finally:
            client.close()

    def refresh(self, server_id: str) -> Server:
        """Update the list of a server's models.

        Raises:
            UserError: ``server_unknown`` (id), as ``ServerClient.models``, or as ``JsonFile.write`` does.
        """
        server = self.get(server_id)
        models = self.list_models(server.url, self.key_of(server_id))
        self._connect(server).listed = models
        server = self.get(server_id)
        changed = replace(server, models=tuple(each.name for each in models))
        if changed != server:
            self._write(tuple(changed if each.id == server_id else each for each in self._servers))
        return changed

    def disconnect(self, server_id: str) -> None:
        """Close the connection, for example after a change of key or proxy.  Ends a running answer."""
        with self._lock:
            connection = self._connections.pop(server_id, None)
        if connection is not None:
            connection.stop()
            connection.close()

    def close(self) -> None:
        """Close all connections.  Not while an answer is running."""
        with self._lock:
            connections, self._connections = list(self._connections.values()), {}
        for connection in connections:
            connection.close()

    def _connect(self, server: Server) -> ServerClient:
        proxy = self._proxy()
        with self._lock:
            connection = self._connections.get(server.id)
        if connection is not None and connection.proxy != proxy:
            self.disconnect(server.id)
            connection = None
        if connection is None:
            # Outside the lock: reading the key can wait for the keyring to be unlocked.
            new = ServerClient(server.url, self.key_of(server.id), proxy)
            with self._lock:
                connection = self._connections.setdefault(server.id, new)
        return connection

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
