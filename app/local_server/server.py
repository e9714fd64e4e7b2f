"""The local server: starts and stops the web server, which has a thread, and reports what it does."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import uvicorn
from starlette.types import ASGIApp

from app.chat.worker import InferenceWorker
from app.local_server.access import Access, is_loopback
from app.local_server.application import make_application
from app.local_server.clients import Client, Clients
from app.local_server.model import ServedModel
from app.local_server.protocol import BoundedProtocol
from app.local_server.request_queue import RequestQueue
from model_manager.disk.files import error_detail
from model_manager.errors import UserError

MAX_CONNECTIONS = 256
MAX_HEADERS = 32 << 10
"""Bytes."""
KEEP_ALIVE_S = 30
"""For which an idle connection stays open."""
STOP_S = 2.0
"""For which the last responses may take."""


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
    """Of the running answer."""


class LocalServer:
    """Serves the model to other programs, one request after another in the inference worker.

    ``start`` and ``stop`` belong to one thread at a time.
    """

    def __init__(self, worker: InferenceWorker) -> None:
        self._queue = RequestQueue(worker)
        self._clients = Clients()
        self._running: _WebServer | None = None

    def start(self, access: Access, model: Callable[[], ServedModel]) -> str:
        """Accept requests; returns the URL of the server.  A running server is stopped before.

        ``model`` returns the model for each request, in any thread.

        Raises:
            UserError: ``port_in_use`` (port), ``address_not_usable`` (host, detail), or ``network_needs_key`` (host)
                where another interface than the loopback one has no key.
        """
        self.stop()
        if not access.key and not is_loopback(access.host):
            raise UserError("network_needs_key", host=access.host)
        listener = _listen(access)
        access = replace(access, port=listener.getsockname()[1])
        self._clients = Clients()
        self._running = _WebServer(listener, access, make_application(access, self._queue, self._clients, model))
        return self._running.url

    def stop(self) -> None:
        """Cancel all requests and close all connections."""
        running, self._running = self._running, None
        if running is not None:
            self._queue.cancel_all()
            running.stop()

    def status(self) -> ServerStatus:
        """Return what the server does, for any thread."""
        server, request = self._running, self._queue.running
        if server is None:
            return ServerStatus()
        return ServerStatus(
            url=server.url,
            access=server.access,
            clients=self._clients.list(),
            requests=self._clients.requests,
            running=int(request is not None),
            waiting=self._queue.waiting,
            tokens_per_second=request.tokens_per_second() if request is not None else None,
        )


class _WebServer:
    """uvicorn in a thread."""

    def __init__(self, listener: socket.socket, access: Access, app: ASGIApp) -> None:
        self.access = access
        host = f"[{access.host}]" if ":" in access.host else access.host
        self.url = f"http://{host}:{access.port}"
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEADERS,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(STOP_S),
        )
        self._server = uvicorn.Server(config)
        # The socket accepts connections already; they wait for the thread.
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="local server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections."""
        self._server.should_exit = True
        self._thread.join(2 * STOP_S)


def _listen(access: Access) -> socket.socket:
    family = socket.AF_INET6 if ":" in access.host else socket.AF_INET
    try:
        return socket.create_server((access.host, access.port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError("port_in_use", port=access.port) from error
        raise UserError("address_not_usable", host=access.host, port=access.port, detail=error_detail(error)) from error
