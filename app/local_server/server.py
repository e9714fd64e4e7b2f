"""The local server: starts and stops the web server, which has a thread, and reports what it does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.chat.worker import InferenceWorker
from app.discovery import Announcement
from app.local_server.access import Access, is_loopback, network_address
from app.local_server.clients import Client, Clients
from app.local_server.model import ModelProvider
from app.local_server.request_queue import RequestQueue
from model_manager.errors import UserError

if TYPE_CHECKING:
    from app.local_server.web_server import WebServer  # imported by the start: most people never start it


@dataclass(frozen=True)
class ServerStatus:
    """What the server does.  ``url`` is empty while it is stopped."""

    url: str = ""
    access: Access | None = None
    clients: tuple[Client, ...] = ()
    requests: int = 0
    """Since the start of the server."""
    running: int = 0
    waiting: int = 0
    tokens_per_second: float | None = None
    """Of the running answer, or else of the last one."""
    problem: UserError | None = None
    """Why the last start failed."""


class LocalServer:
    """Serves the model to other programs, one request after another in the inference worker.  Thread-safe."""

    def __init__(self, worker: InferenceWorker) -> None:
        self._queue = RequestQueue(worker)
        self._clients = Clients()
        self._lock = threading.RLock()
        self._running: WebServer | None = None
        self.announcement: Announcement | None = None
        """Of a server that other computers may use."""
        self._problem: UserError | None = None

    def start(self, access: Access, model: ModelProvider) -> str:
        """Accept requests; returns the URL of the server.  A server with another ``access`` is stopped before.

        Where other computers may use it, it is announced in the network.

        Raises:
            UserError: ``port_in_use`` (port), ``address_not_usable`` (host, port, detail), or ``network_needs_key``
                (host) where another interface than the loopback one has no key.
        """
        from app.local_server.application import make_application
        from app.local_server.web_server import WebServer, listen

        with self._lock:
            if self._running is not None and self._running.access == access:
                return self._running.url
            self.stop()
            try:
                if not access.key and not is_loopback(access.host):
                    raise UserError("network_needs_key", host=access.host)
                listener = listen(access)
            except UserError as error:
                self._problem = error
                raise
            access = replace(access, port=listener.getsockname()[1])
            self._clients = Clients()
            application = make_application(access, self._queue, self._clients, model)
            self._running = WebServer(listener, access, application)
            if not is_loopback(access.host):
                is_encrypted = access.certificate is not None
                self.announcement = Announcement(network_address(), access.port, is_encrypted=is_encrypted)
            return self._running.url

    def stop(self) -> None:
        """Cancel all requests and close all connections."""
        with self._lock:
            self._problem = None
            if self.announcement is not None:
                self.announcement.close()
                self.announcement = None
            if self._running is not None:
                self._queue.cancel_all()
                self._running.stop()
                self._running = None

    def status(self) -> ServerStatus:
        """Return what the server does."""
        server, request = self._running, self._queue.running
        if server is None:
            return ServerStatus(problem=self._problem)
        return ServerStatus(
            url=server.url,
            access=server.access,
            clients=self._clients.list(),
            requests=self._clients.requests,
            running=int(request is not None),
            waiting=self._queue.waiting,
            tokens_per_second=request.tokens_per_second() if request else self._queue.tokens_per_second,
        )
