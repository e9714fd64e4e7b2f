"""HTTP/1.1 of the local server: uvicorn's, with a limit for the time of the headers, and errors as JSON."""

from __future__ import annotations

import asyncio
import socket

import h11
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.local_server.fields import ApiError
from model_manager.disk.json_file import to_json

HEADERS_S = 15.0
"""Seconds for the headers of a request to arrive."""
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
