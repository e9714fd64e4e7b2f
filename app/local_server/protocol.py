"""HTTP/1.1 of the local server: uvicorn's, with a limit for the time of the headers, errors as JSON, and TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import h11
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.local_server.fields import ApiError
from model_manager.disk.json_file import to_json

HEADERS_S = 15.0
"""Seconds for the headers of a request to arrive."""
HANDSHAKE_S = 10.0
"""Seconds for the TLS handshake."""
MAX_CONNECTIONS = 256
"""Requests on further ones are refused; twice as many are closed at once."""
_BUSY = JSONResponse(
    ApiError(
        503, f"{MAX_CONNECTIONS} connections are open already. Try again later.", code="too_many_connections"
    ).body(),
    503,
    {"Connection": "close", "Retry-After": "1"},
)


class BoundedProtocol(H11Protocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    """Closes the connection, while the headers of a request are arriving."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self.app = _BUSY
        if len(self.connections) > 2 * MAX_CONNECTIONS:
            transport.abort()
        # asyncio does it only for sockets that were made with a protocol number.  Without it a piece of an answer waits
        # until the client has acknowledged the one before, which takes up to 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._limit_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Handle data of a request."""
        super().data_received(data)
        self._limit_headers()

    def shutdown(self) -> None:
        """End the connection at once, or after the response to a running request."""
        super().shutdown()
        if self.scheme == "https" and (self.cycle is None or self.cycle.response_complete):
            # A TLS connection would wait until the client confirms its end.
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what isn't HTTP, and close the connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            # In the body of a request: its handler learns that the client is gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = to_json(ApiError(400, msg, code="invalid_http").body())
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _limit_headers(self) -> None:
        is_waiting = self.cycle is None or self.cycle.response_complete
        if is_waiting and self._timer is None:
            self._timer = self.loop.call_later(HEADERS_S, self.timeout_keep_alive_handler)
        elif not is_waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None


class EncryptedProtocols:
    """Makes the protocols of connections: with TLS where ``is_encrypted`` is true of the address of this end.

    asyncio's own TLS servers limit the number of running handshakes in no way.
    """

    def __init__(self, context: ssl.SSLContext, is_encrypted: Callable[[str], bool]) -> None:
        self.context, self.is_encrypted = context, is_encrypted
        self.handshakes: set[asyncio.Task[None]] = set()

    def __call__(self, **options: Any) -> asyncio.Protocol:
        """Return the protocol of a connection; ``options`` are uvicorn's."""
        return _Handshake(self, BoundedProtocol(**options))


class _Handshake(asyncio.Protocol):
    """The beginning of a connection, until ``http`` gets it."""

    def __init__(self, protocols: EncryptedProtocols, http: BoundedProtocol) -> None:
        self._protocols, self._http = protocols, http
        self._early = bytearray()
        """What arrived together with the end of the handshake."""
        self._is_lost = self._is_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        handshakes = self._protocols.handshakes
        if not self._protocols.is_encrypted(transport.get_extra_info("sockname")[0]):
            self._hand_over(transport)
        elif len(handshakes) + len(self._http.connections) >= 2 * MAX_CONNECTIONS:
            transport.abort()
        else:
            task = asyncio.get_running_loop().create_task(self._encrypt(transport))
            handshakes.add(task)
            task.add_done_callback(handshakes.discard)

    def data_received(self, data: bytes) -> None:
        """Keep data for ``http``."""
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._is_lost = True
        if self._is_over:
            self._http.connection_lost(exc)

    async def _encrypt(self, transport: asyncio.Transport) -> None:
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                self._protocols.context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_S,
            )
        except OSError:
            # No TLS, another version, a client that refuses the certificate, or silence.
            transport.abort()
            return
        if encrypted is not None and not self._is_lost:
            self._hand_over(encrypted)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        self._is_over = True
        transport.set_protocol(self._http)
        self._http.connection_made(transport)
        if self._early:
            self._http.data_received(bytes(self._early))
