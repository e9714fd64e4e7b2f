"""Everything about servers in one place, for ``Services``: the list, and a source for each of their models."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from app.config.secrets import Secrets
from app.servers.backend import ServerBackend, ServerState
from app.servers.client import ServerClient
from app.servers.protocol import ServedModel
from app.servers.registry import KnownServers, Server, api_base, parts_of


class Servers:
    """The servers that are known.  Safe to use from several threads; connections are kept between answers."""

    def __init__(self, path: Path, secrets: Secrets, proxy: Callable[[], str | None]) -> None:
        """``path`` is the list's file; ``proxy`` tells what ``Access`` wants, at the time of asking."""
        self.known = KnownServers(path, secrets)
        self._proxy = proxy
        self._lock = threading.Lock()
        self._open: dict[str, tuple[ServerClient, ServerState]] = {}

    def source(self, model_id: str) -> ServerBackend:
        """What answers for ``server:ID/NAME``; its stream raises UserError ``server_unknown`` (id) where none does."""
        server_id, name = parts_of(model_id)
        return ServerBackend(lambda: self._opened(self.known.get(server_id)), model_id, name)

    def source_at(self, url: str, key: str, name: str) -> ServerBackend:
        """What answers at an address that need not be known; ``name`` empty takes the first that it lists.

        Raises:
            UserError: ``server_address_invalid`` (url).
        """
        client, state = ServerClient(api_base(url), key, self._proxy()), ServerState()
        with self._lock:
            self._open[url] = client, state
        return ServerBackend(lambda: (client, state), name, name)

    def look(self, url: str, key: str) -> tuple[ServedModel, ...]:
        """What an address offers, before it is added.  Raises as ``ServerClient.models`` and ``api_base`` do."""
        client = ServerClient(api_base(url), key, self._proxy())
        try:
            return client.models()
        finally:
            client.close()

    def refresh(self, server_id: str) -> Server:
        """List a server's models anew.  Raises as ``ServerClient.models`` and ``KnownServers`` do."""
        server = self.known.get(server_id)
        models = self.look(server.url, self.known.key_of(server_id))
        _, state = self._opened(server)
        state.models = models
        return self.known.change(server_id, models=[each.name for each in models])

    def forget(self, server_id: str) -> None:
        """Ask it anew from the next answer on: its key is another, or the way to it.  Ends an answer under way."""
        with self._lock:
            opened = self._open.pop(server_id, None)
        if opened is not None:
            opened[0].stop()
            opened[0].close()

    def close(self) -> None:
        """Give the connections back, once no answer is under way."""
        with self._lock:
            opened, self._open = list(self._open.values()), {}
        for client, _ in opened:
            client.close()

    def _opened(self, server: Server) -> tuple[ServerClient, ServerState]:
        proxy = self._proxy()
        with self._lock:
            opened = self._open.get(server.id)
        if opened is not None and opened[0].proxy != proxy:
            self.forget(server.id)
            opened = None
        if opened is None:
            # Looked up outside of the lock: the keyring may wait for its owner.
            made = ServerClient(server.url, self.known.key_of(server.id), proxy), ServerState()
            with self._lock:
                opened = self._open.setdefault(server.id, made)
        return opened
