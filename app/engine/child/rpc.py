"""Check of llama.cpp RPC servers before the engine uses them: it aborts its process where one does not work.

Protocol: ``ggml/src/ggml-rpc/ggml-rpc.cpp`` of the llama.cpp revision inside llama-cpp-python 0.3.36.  A request is a
byte for the command, the length of its data in 8 bytes, and the data; an answer is a length and data.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from app.engine.protocol import Failure
from model_manager.errors import UserError

CONNECT_S = 5.0
OPTIONAL_CONNECT_S = 1.5
"""For optional servers: shorter, because the PC may be switched off."""
ANSWER_S = 3.0
"""A server serves one program at a time and lets the next one wait silently."""
HELLO = 14
CAPABILITIES_BYTES = 24
PROTOCOL_MAJOR, PROTOCOL_MINOR = 7, 0
_REQUEST = struct.pack("<BQ", HELLO, CAPABILITIES_BYTES) + bytes(CAPABILITIES_BYTES)
_ANSWER = struct.Struct(f"<QBBBx{CAPABILITIES_BYTES}x")
"""The length of what follows (4 + 24 bytes), and the version: major, minor, patch."""


def missing_servers(servers: Sequence[str], *, in_build: bool) -> tuple[Failure, ...]:
    """Check servers in parallel and return a failure for each unusable one; without RPC ``in_build`` that is all."""
    if not in_build:
        return tuple(Failure("rpc_not_in_build", {"server": server}) for server in servers)

    def problem(server: str) -> Failure | None:
        try:
            check_server(server, OPTIONAL_CONNECT_S)
        except UserError as error:
            return Failure(error.code, error.data)
        return None

    if not servers:
        return ()
    with ThreadPoolExecutor(len(servers), "rpc") as threads:
        return tuple(found for found in threads.map(problem, servers) if found is not None)


def check_server(server: str, connect_s: float = CONNECT_S) -> None:
    """Connect to HOST:PORT, shake hands and disconnect.

    Raises:
        UserError: with ``server``: ``rpc_server_unreachable`` where nothing listens; ``rpc_server_silent`` without an
            answer, as while another program uses it; ``rpc_server_foreign`` where something else answers;
            ``rpc_server_other_version`` (theirs, ours) for another protocol version.
    """
    host, _, port = server.rpartition(":")
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), connect_s)
    except (OSError, ValueError, OverflowError):
        raise UserError("rpc_server_unreachable", server=server) from None
    with connection:
        connection.settimeout(ANSWER_S)
        try:
            connection.sendall(_REQUEST)
            answer = b""
            while len(answer) < _ANSWER.size and (part := connection.recv(_ANSWER.size - len(answer))):
                answer += part
        except TimeoutError:
            raise UserError("rpc_server_silent", server=server) from None
        except OSError:
            raise UserError("rpc_server_unreachable", server=server) from None
    if len(answer) < _ANSWER.size:
        raise UserError("rpc_server_foreign", server=server)
    length, major, minor, _patch = _ANSWER.unpack(answer)
    if length != 4 + CAPABILITIES_BYTES:
        raise UserError("rpc_server_foreign", server=server)
    if major != PROTOCOL_MAJOR or minor > PROTOCOL_MINOR:
        ours = f"{PROTOCOL_MAJOR}.{PROTOCOL_MINOR}"
        raise UserError("rpc_server_other_version", server=server, theirs=f"{major}.{minor}", ours=ours)
