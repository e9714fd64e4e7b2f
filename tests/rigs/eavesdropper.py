"""A host on the way to a server, which hears what passes; with a certificate it poses to each as the other.

with Eavesdropper("192.168.1.20:8033") as between: ...    between.host, between.heard
"""

from __future__ import annotations

import contextlib
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
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                with contextlib.suppress(OSError):
                    while data := client.recv(BUFFER):
                        self.heard += data
                        server.sendall(data)
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                back.join()
        finally:
            self.is_over.set()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(BUFFER):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
