"""A host on the way to a server, which hears what passes; with a certificate it poses to each as the other.

with Eavesdropper("192.168.1.20:8033") as between: ...    between.host, between.heard
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path

from tests.rigs.proxies import BUFFER, _Proxy


class Eavesdropper(_Proxy):
    """``certificate`` is a PEM file with a private key."""

    def __init__(self, target: str, certificate: Path | None = None) -> None:
        super().__init__()
        self._target = target
        self.heard = bytearray()
        """What clients sent: as it passes, or decrypted."""
        self.is_over = threading.Event()
        """Set when a client is gone."""
        self._answering = self._asking = None
        if certificate is not None:
            self._answering = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._answering.load_cert_chain(certificate)
            self._asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._asking.check_hostname, self._asking.verify_mode = False, ssl.CERT_NONE

    def serve(self, client: socket.socket) -> None:
        host, _, port = self._target.rpartition(":")
        try:
            with contextlib.ExitStack() as stack:
                server = self.connect(host, int(port))
                if self._answering and self._asking:
                    client = stack.enter_context(self._answering.wrap_socket(client, server_side=True))
                    server = self._asking.wrap_socket(server)
                stack.enter_context(server)
                # ValueError: closed at the end of a test.
                with contextlib.suppress(ValueError):
                    self._pass_on(client, server)
        finally:
            self.is_over.set()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """In one thread, because two can't use a TLS connection at once."""
        other = {client: server, server: client}
        while True:
            ready = [each for each in other if isinstance(each, ssl.SSLSocket) and each.pending()]
            for source in ready or select.select([*other], [], [])[0]:
                source.settimeout(0)
                try:
                    data = source.recv(BUFFER)
                except ssl.SSLWantReadError:
                    # Part of a record, or a session ticket.
                    continue
                if not data:
                    return
                if source is client:
                    self.heard += data
                other[source].settimeout(None)
                other[source].sendall(data)
