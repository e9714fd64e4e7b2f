"""Single instance per data folder: a second start hands its files over to the first and exits.

The primary instance listens on a local socket.  The socket of a killed process is replaced.  ``QtNetwork`` is imported
late, because it would delay the window.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT_MS = 2000
"""Time for the primary instance to reply; it may be busy painting."""
MAX_BYTES = 1 << 20
MAX_PATH_BYTES = 100
"""Length of a socket's path that all systems allow; Linux 107, macOS 103."""


def socket_name(folder: Path) -> str:
    """Return the path of the socket in the data folder, which no other user can enter.

    On Windows, and where the path would be too long, it is a name made from the folder.
    """
    path = folder.resolve() / "window.sock"
    if sys.platform != "win32" and len(os.fsencode(path)) <= MAX_PATH_BYTES:
        return str(path)
    from PySide6.QtCore import QCryptographicHash

    # Qt is loaded already; hashlib with OpenSSL would delay the start.
    digest = QCryptographicHash.hash(os.fsencode(path), QCryptographicHash.Algorithm.Sha256)
    return f"apus-chat-{bytes(digest.toHex().data()).decode()[:16]}"


def hand_over(folder: Path, files: Sequence[Path]) -> bool:
    """Hand files over to the primary instance for ``folder``, which comes to the front; return false without one."""
    name = socket_name(folder)
    if Path(name).is_absolute() and not Path(name).exists():
        return False
    from PySide6.QtNetwork import QLocalSocket

    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(WAIT_MS) or not _is_own(Path(socket.fullServerName())):
        return False
    socket.write(json.dumps([str(path.resolve()) for path in files]).encode() + b"\n")
    # Without its reply, an instance that is just closing would lose the files.
    has_reply = socket.waitForReadyRead(WAIT_MS)
    socket.disconnectFromServer()
    return has_reply


def _is_own(path: Path) -> bool:
    """Return whether this user has created a socket; in the temporary folder it could be another one's."""
    try:
        return sys.platform == "win32" or path.stat().st_uid == os.geteuid()
    except OSError:
        return False


class SingleInstance(QObject):
    """Listener of the primary instance."""

    files_received = Signal(list)
    """Another start has handed over its files, a list of ``Path`` that may be empty."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._server: QLocalServer | None = None

    def listen(self) -> None:
        """Become the primary instance."""
        from PySide6.QtNetwork import QLocalServer

        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._accept)
        name = socket_name(self._folder)
        if not self._server.listen(name):
            # Left by a killed process: nothing has replied there.
            QLocalServer.removeServer(name)
            self._server.listen(name)

    def close(self) -> None:
        """Stop listening; the next start becomes the primary instance."""
        if self._server is not None:
            self._server.close()

    def _accept(self) -> None:
        assert self._server is not None
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(partial(self._read, socket))
            self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > MAX_BYTES:
                socket.abort()
            return
        try:
            paths = [Path(str(each)) for each in json.loads(bytes(socket.readLine(MAX_BYTES).data()))]
        except (ValueError, TypeError):
            socket.abort()
            return
        socket.write(b"taken\n")
        socket.flush()
        self.files_received.emit(paths)
