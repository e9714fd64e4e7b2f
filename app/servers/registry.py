"""Servers: addresses and names in one JSON file, API keys in the keyring, and a chat backend for each model."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from app.config.secrets import Secrets
from app.discovery import find_shared
from app.servers.backend import ServerBackend
from app.servers.client import SHORT_S, ServerClient, api_base, encrypted_url
from app.servers.protocol import MAX_TOKENS, ServedModel
from app.servers.providers import FoundServer, answering, local_providers
from model_manager.disk.files import read_bytes
from model_manager.disk.json_file import JsonError, JsonFile, from_json
from model_manager.errors import UserError
from model_manager.hub.access import split_url

ID_PREFIX = "server:"
LOOK_S = 3.0
"""Seconds for a program on this computer to answer when servers are looked for."""


@dataclass(frozen=True)
class Server:
    """A server and its models when they were last listed."""

    id: str
    url: str
    """Base URL of the API, usually ending in ``/v1``."""
    name: str = ""
    """Name given by the user; empty: the host."""
    models: tuple[str, ...] = ()
    """Names of its models."""
    contexts: Mapping[str, int] = field(default_factory=dict)
    """Contexts in tokens by the names of models, as far as the server reports them."""
    reads_pictures: Mapping[str, bool] = field(default_factory=dict)
    """Whether models read pictures, likewise."""

    @property
    def host(self) -> str:
        """Host and port."""
        return split_url(self.url).netloc

    @property
    def title(self) -> str:
        """Displayed name."""
        return self.name or self.host

    def model_id(self, name: str) -> str:
        """Return the id of one of its models: ``server:ID/NAME``."""
        return f"{ID_PREFIX}{self.id}/{name}"

    def with_models(self, models: Iterable[ServedModel]) -> Server:
        """Return the server with other models."""
        models = tuple(models)
        contexts = {each.name: each.context for each in models if each.context}
        pictures = {each.name: each.reads_pictures for each in models if each.reads_pictures is not None}
        return replace(self, models=tuple(each.name for each in models), contexts=contexts, reads_pictures=pictures)


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
        self._file = JsonFile(path, tuple[Server, ...], (), private=True)
        self._secrets = secrets
        self._lock = threading.Lock()
        self._servers = self._file.read()
        self._proxy = proxy
        self._clients: dict[str, list[ServerClient]] = {}
        """By the ids of the servers; no two answers at a time use the same."""

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

    def at(self, url: str) -> Server | None:
        """Return the server with this address as a user types it, encrypted or not."""
        with contextlib.suppress(UserError):
            url = api_base(url)
        place = split_url(url)[1:]
        return next((each for each in self._servers if split_url(each.url)[1:] == place), None)

    def context_of(self, model_id: str) -> int:
        """Return the context in tokens of a model; 0 if it is not known."""
        server_id, name = split_model_id(model_id)
        contexts = (each.contexts.get(name, 0) for each in self._servers if each.id == server_id)
        return max(0, min(next(contexts, 0), MAX_TOKENS))

    def reads_pictures(self, model_id: str) -> bool | None:
        """Return whether a model reads pictures; None if that is not known."""
        server_id, name = split_model_id(model_id)
        return next((each.reads_pictures.get(name) for each in self._servers if each.id == server_id), None)

    def add(self, url: str, name: str = "", key: str = "", models: Iterable[ServedModel] = ()) -> Server:
        """Add a server and its key.

        Raises:
            UserError: ``server_address_invalid`` (url), or as ``JsonFile.write`` does.
        """
        server = Server(uuid.uuid4().hex[:8], api_base(url, key), name.strip()).with_models(models)
        self._change(lambda servers: (*servers, server))
        if key.strip():
            self.set_key(server.id, key)
        return server

    def remove(self, server_id: str) -> None:
        """Remove a server and its key.

        Raises:
            UserError: ``server_unknown`` (id), ``secret_stays``, or as ``JsonFile.write`` does.
        """
        self.get(server_id)
        self._change(lambda servers: tuple(each for each in servers if each.id != server_id))
        self._secrets.delete(secret_name(server_id))

    def key_of(self, server_id: str) -> str:
        """Return the API key, empty if none.  Can wait for the keyring to be unlocked."""
        return self._secrets.get(secret_name(server_id)) or ""

    def set_key(self, server_id: str, key: str) -> None:
        """Replace the API key; an empty one is removed.  With one that names a certificate, HTTP becomes HTTPS.

        Raises:
            UserError: ``secret_stays``, or as ``JsonFile.write`` does.
        """
        self._secrets.set(secret_name(server_id), key)
        self._change(
            lambda servers: tuple(
                replace(each, url=encrypted_url(each.url, key)) if each.id == server_id else each for each in servers
            )
        )

    def backend(self, model_id: str) -> ServerBackend:
        """Return the backend for ``server:ID/NAME``; its ``stream`` raises UserError ``server_unknown`` (id)."""
        server_id, name = split_model_id(model_id)
        return ServerBackend(
            lambda: self._connect(self.get(server_id)), model_id, name, partial(self._note_models, server_id)
        )

    def backend_at(self, url: str, key: str, name: str) -> ServerBackend:
        """Return a backend for an address outside the registry; an empty ``name`` selects its first model.

        Raises:
            UserError: ``server_address_invalid`` (url).
        """
        client = ServerClient(api_base(url, key), key, self._proxy())
        with self._lock:
            self._clients[url] = [client]
        return ServerBackend(lambda: client, name, name)

    def list_models(self, url: str, key: str, silence_s: float = SHORT_S) -> tuple[ServedModel, ...]:
        """List the models at an address.  Raises as ``ServerClient.models`` and ``api_base`` do."""
        client = ServerClient(api_base(url, key), key, self._proxy())
        try:
            return client.models(silence_s)
        finally:
            client.close()

    def find(self, own: str = "") -> tuple[FoundServer, ...]:
        """Look for servers that are not in the list: known programs on this computer, and shared models in the network.

        ``own`` is the URL of this program's local server, which is left out.
        """
        shared: list[FoundServer] = []
        search = threading.Thread(
            target=lambda: shared.extend(FoundServer(each.name, each.url, None) for each in find_shared(own=own)),
            daemon=True,
        )
        search.start()
        here = answering(local_providers(), partial(self.list_models, silence_s=LOOK_S))
        search.join()
        return tuple(each for each in (*here, *shared) if self.at(each.url) is None)

    def refresh(self, server_id: str) -> Server:
        """Update the list of a server's models.

        Raises:
            UserError: ``server_unknown`` (id), as ``ServerClient.models``, or as ``JsonFile.write`` does.
        """
        server = self.get(server_id)
        models = self.list_models(server.url, self.key_of(server_id))
        with self._lock:
            for client in self._clients.get(server_id, ()):
                client.knowledge.models = models
        self._set_models(server_id, models)
        return self.get(server_id)

    def disconnect(self, server_id: str) -> None:
        """Close the connections, for example after a change of key.  Ends running answers."""
        with self._lock:
            clients = self._clients.pop(server_id, [])
        for client in clients:
            client.stop()
            client.close()

    def close(self) -> None:
        """Close all connections.  Not while an answer is running."""
        with self._lock:
            clients = [client for each in self._clients.values() for client in each]
            self._clients = {}
        for client in clients:
            client.close()

    def _connect(self, server: Server) -> ServerClient:
        """Return a client that is marked as in use."""
        proxy = self._proxy()
        with self._lock:
            for client in self._clients.get(server.id, ()):
                if client.proxy == proxy and not client.is_in_use:
                    client.is_in_use = True
                    return client
        # Outside the lock: reading the key can wait for the keyring to be unlocked.
        key = self.key_of(server.id)
        with self._lock:
            clients = self._clients.get(server.id, [])
            # The proxy was changed meanwhile.
            outdated = [each for each in clients if each.proxy != proxy and not each.is_in_use]
            kept = [each for each in clients if each not in outdated]
            knowledge = next((each.knowledge for each in kept if each.proxy == proxy), None)
            client = ServerClient(server.url, key, proxy, knowledge)
            client.is_in_use = True
            self._clients[server.id] = [*kept, client]
        for each in outdated:
            each.close()
        return client

    def _set_models(self, server_id: str, models: Iterable[ServedModel]) -> None:
        self._change(
            lambda servers: tuple(each.with_models(models) if each.id == server_id else each for each in servers)
        )

    def _note_models(self, server_id: str, models: Iterable[ServedModel]) -> None:
        """Do the same during an answer, which a full disk must not end."""
        with contextlib.suppress(UserError):
            self._set_models(server_id, models)

    def _change(self, change: Callable[[tuple[Server, ...]], tuple[Server, ...]]) -> None:
        """Change the list as it is in the file: another process may have changed it."""
        with self._lock:
            before = self._file.read()
            after = change(before)
            if after != before:
                self._file.write(after)
            self._servers = after


def secret_name(server_id: str) -> str:
    """Return the name of a server's API key in the keyring."""
    return f"{ID_PREFIX}{server_id}"


def read_servers(path: Path) -> tuple[Server, ...]:
    """Return the servers of a registry's file without changing it.

    Raises:
        UserError: ``file_unreadable`` (path, detail).
    """
    try:
        return from_json(read_bytes(path), tuple[Server, ...])
    except FileNotFoundError:
        return ()
    except (OSError, JsonError) as error:
        raise UserError("file_unreadable", path=path, detail=str(error)) from error
