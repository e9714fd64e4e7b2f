"""uvicorn in a thread."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from app.local_server.access import Access, network_address
from app.local_server.protocol import BoundedProtocol, EncryptedProtocols
from model_manager.disk.files import error_detail
from model_manager.errors import UserError

MAX_HEADERS = 32 << 10
"""Bytes."""
KEEP_ALIVE_S = 30
"""For which an idle connection stays open."""
STOP_S = 2.0
"""For which the last responses may take."""


class WebServer:
    """A running server.  ``url`` is the address for programs on this computer, or in its network."""

    def __init__(self, listener: socket.socket, access: Access, app: ASGIApp) -> None:
        self.access = access
        host = network_address() if access.host in ("0.0.0.0", "::") else access.host
        host = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if access.certificate else 'http'}://{host}:{access.port}"
        http: object = BoundedProtocol
        if access.certificate is not None:
            http = EncryptedProtocols(access.certificate.context, access.is_encrypted_at)
        config = uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], http),
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEADERS,
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


def listen(access: Access) -> socket.socket:
    """Open the socket.  Raises ``UserError``: ``port_in_use`` (port), ``address_not_usable`` (host, port, detail)."""
    family = socket.AF_INET6 if ":" in access.host else socket.AF_INET
    try:
        return socket.create_server((access.host, access.port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError("port_in_use", port=access.port) from error
        raise UserError("address_not_usable", host=access.host, port=access.port, detail=error_detail(error)) from error
