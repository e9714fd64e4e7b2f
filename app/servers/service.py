"""All servers: the registry and a chat backend for each of their models."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from app.config.secrets import Secrets
from app.servers.backend import ServerBackend, ServerState
from app.servers.client import ServerClient
from app.servers.protocol import ServedModel
from app.servers.registry import Server, ServerRegistry, api_base, split_model_id

Connection = tuple[ServerClient, ServerState]


class Servers:
    """Registry, connections and backends.  Thread-safe; connections are kept between answers."""

    def __init__(self, path: Path, secrets: Secrets, proxy: Callable[[], str | None]) -> None:
        """``path`` is the file of the registry; ``proxy`` returns the current proxy as in ``Access``."""
        self.registry = ServerRegistry(path, secrets)
        self._proxy = proxy
        self._lock = threading.Lock()
        self._connections: dict[str, Connection] = {}

    def backend(self, model_id: str) -> ServerBackend:
        """Return the backend for ``server:ID/NAME``; its ``stream`` raises UserError ``server_unknown`` (id)."""
        server_id, name = split_model_id(model_id)
        return ServerBackend(lambda: self._connect(self.registry.get(server_id)), model_id, name)

    def backend_at(self, url: str, key: str, name: str) -> ServerBackend:
        """Return a backend for an address outside the registry; an empty ``name`` selects its first model.

        Raises:
            UserError: ``server_address_invalid`` (url).
        """
        connection = ServerClient(api_base(url), key, self._proxy()), ServerState()
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
        """Update the list of a server's models.  Raises as ``ServerClient.models`` and ``ServerRegistry`` do."""
        server = self.registry.get(server_id)
        models = self.list_models(server.url, self.registry.key_of(server_id))
        _, state = self._connect(server)
        state.models = models
        return self.registry.change(server_id, models=[each.name for each in models])

    def disconnect(self, server_id: str) -> None:
        """Close the connection, for example after a change of key or proxy.  Ends a running answer."""
        with self._lock:
            connection = self._connections.pop(server_id, None)
        if connection is not None:
            connection[0].stop()
            connection[0].close()

    def close(self) -> None:
        """Close all connections.  Not while an answer is running."""
        with self._lock:
            connections, self._connections = list(self._connections.values()), {}
        for client, _ in connections:
            client.close()

    def _connect(self, server: Server) -> Connection:
        proxy = self._proxy()
        with self._lock:
            connection = self._connections.get(server.id)
        if connection is not None and connection[0].proxy != proxy:
            self.disconnect(server.id)
            connection = None
        if connection is None:
            # Outside the lock: reading the key can wait for the keyring to be unlocked.
            new = ServerClient(server.url, self.registry.key_of(server.id), proxy), ServerState()
            with self._lock:
                connection = self._connections.setdefault(server.id, new)
        return connection
