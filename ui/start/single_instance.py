"""One window for one data folder: a second start hands over what it was to open, and ends.

Whoever listens on the folder's local socket is the first.  A socket that a killed program left behind is taken over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCryptographicHash, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT_MS = 2000
"""How long the first one may take to answer; it may be painting."""
LONGEST = 1 << 20


def socket_name(folder: Path) -> str:
    """The socket of a data folder.  Short: a path of more than 107 bytes is no socket's on Linux."""
    # Qt's own, for it is here already: OpenSSL's costs the start some milliseconds.
    digest = QCryptographicHash.hash(str(folder.resolve()).encode(), QCryptographicHash.Algorithm.Sha256)
    return f"apus-chat-{bytes(digest.toHex().data()).decode()[:16]}"


def hand_over(folder: Path, files: Sequence[Path]) -> bool:
    """Give the files to the program that runs over ``folder`` and let it come to the front; false where none runs."""
    socket = QLocalSocket()
    socket.connectToServer(socket_name(folder))
    if not socket.waitForConnected(WAIT_MS):
        return False
    socket.write(json.dumps([str(path.resolve()) for path in files]).encode() + b"\n")
    # Its word that it took them: without, a program in the middle of its end would lose them.
    taken = socket.waitForReadyRead(WAIT_MS)
    socket.disconnectFromServer()
    return taken


class SingleInstance(QObject):
    """The first one's ear."""

    asked = Signal(list)
    """Another start: the paths that it was to open, perhaps none.  The window is to come to the front."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._take)
        name = socket_name(folder)
        if not self._server.listen(name):
            # Nobody answered there a moment ago.
            QLocalServer.removeServer(name)
            self._server.listen(name)

    def close(self) -> None:
        """Listen no more: the next start opens a window of its own."""
        self._server.close()

    def _take(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(self._read)
            if socket.canReadLine():
                self._answer(socket)

    def _read(self) -> None:
        socket = self.sender()
        assert isinstance(socket, QLocalSocket)
        if socket.canReadLine():
            self._answer(socket)
        elif socket.bytesAvailable() > LONGEST:
            socket.abort()

    def _answer(self, socket: QLocalSocket) -> None:
        try:
            told = json.loads(bytes(socket.readLine(LONGEST).data()))
            paths = [Path(str(each)) for each in told]
        except (ValueError, TypeError):
            socket.abort()
            return
        socket.write(b"taken\n")
        socket.flush()
        self.asked.emit(paths)
