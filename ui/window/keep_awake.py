"""Sleep inhibition while an answer is generated or a download runs.

``wakepy`` is not used: it appears to the user as "wakepy", blocks on D-Bus and does not know ``ScreenSaver`` for this.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusConnection, QDBusPendingCallWatcher

DBUS_SERVICES = (
    ("org.freedesktop.PowerManagement.Inhibit", "/org/freedesktop/PowerManagement/Inhibit"),
    ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
)
"""Service (and interface) and object: that of KDE and Xfce, which lets the screen turn off, then that of GNOME and
others."""
REPLY_MS = 5000
ES_CONTINUOUS, ES_SYSTEM_REQUIRED = 0x8000_0000, 0x0000_0001
"""Flags of ``SetThreadExecutionState`` in <winbase.h>."""

logger = logging.getLogger(__name__)


class Inhibitor(Protocol):
    """Sleep inhibition of one system.  Used in the window's thread."""

    def inhibit(self, reason: str) -> None:
        """Prevent automatic sleep until ``release``; the system may show ``reason`` to the user."""

    def release(self) -> None:
        """Allow automatic sleep."""


class KeepAwake(QObject):
    """Inhibits sleep while ``is_busy`` returns true."""

    _refresh_requested = Signal()

    def __init__(self, is_busy: Callable[[], bool], inhibitor: Inhibitor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_busy = is_busy
        self._inhibitor = inhibitor
        self.is_active = False
        """Whether sleep is inhibited."""
        self._refresh_requested.connect(self._refresh)

    def refresh(self) -> None:
        """Check ``is_busy`` again.  May be called in any thread, and as often as needed."""
        self._refresh_requested.emit()

    def close(self) -> None:
        """Allow sleep from now on."""
        self._is_busy = lambda: False
        self._refresh()

    def _refresh(self) -> None:
        is_busy = self._is_busy()
        if is_busy == self.is_active:
            return
        self.is_active = is_busy
        if is_busy:
            self._inhibitor.inhibit(self.tr("An answer is being generated or a download is running"))
        else:
            self._inhibitor.release()


def system_inhibitor(system: str = sys.platform) -> Inhibitor:
    """Return the inhibitor of a system, named as in ``sys.platform``."""
    if system == "win32":
        return WindowsInhibitor()
    if system == "darwin":
        return MacInhibitor()
    return DBusInhibitor()


class WindowsInhibitor:
    """Uses ``SetThreadExecutionState``; the screen may turn off."""

    def __init__(self, set_state: Callable[[int], int] | None = None) -> None:
        """``set_state`` replaces the system's function in tests."""
        self._set_state = set_state or _set_thread_execution_state

    def inhibit(self, reason: str) -> None:
        """Prevent automatic sleep."""
        if not self._set_state(ES_CONTINUOUS | ES_SYSTEM_REQUIRED):
            logger.info("sleep cannot be inhibited")

    def release(self) -> None:
        """Allow automatic sleep."""
        self._set_state(ES_CONTINUOUS)


class MacInhibitor:
    """Runs ``caffeinate``, which ends with this process in any case; the screen may turn off."""

    def __init__(self, command: Sequence[str] = ("/usr/bin/caffeinate", "-i", "-w", str(os.getpid()))) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def inhibit(self, reason: str) -> None:
        """Prevent automatic sleep."""
        self.release()
        null = subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(self._command, stdin=null, stdout=null, stderr=null)
        except OSError as error:
            logger.info("sleep cannot be inhibited: %s", error)

    def release(self) -> None:
        """Allow automatic sleep."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait()


class DBusInhibitor:
    """Calls the desktop's service over D-Bus.

    Each inhibition has its own connection to the session bus and ends when that is closed: every desktop watches its
    clients, so that an inhibition also ends when the program crashes.
    """

    def __init__(self) -> None:
        self._bus: QDBusConnection | None = None
        self._calls = QObject()
        """Owner of the pending calls."""
        self._count = 0
        self._was_logged = False

    def inhibit(self, reason: str) -> None:
        """Prevent automatic sleep, by the first service that exists; does not wait for its reply."""
        self.release()
        address = session_bus_address()
        if not address:
            self._log("there is no session bus")
            return
        from PySide6.QtDBus import QDBusConnection

        self._count += 1
        bus = QDBusConnection.connectToBus(address, self._name())
        if not bus.isConnected():
            self._log(bus.lastError().message())
            QDBusConnection.disconnectFromBus(self._name())
            return
        self._bus = bus
        self._call(0, reason)

    def release(self) -> None:
        """Allow automatic sleep."""
        if self._bus is not None:
            from PySide6.QtDBus import QDBusConnection

            self._bus = None
            QDBusConnection.disconnectFromBus(self._name())

    def _call(self, place: int, reason: str) -> None:
        """Call the ``place``-th service."""
        from PySide6.QtDBus import QDBusMessage, QDBusPendingCallWatcher

        if self._bus is None:
            return
        if place == len(DBUS_SERVICES):
            self._log("no service on the session bus can do it")
            self.release()
            return
        name, path = DBUS_SERVICES[place]
        message = QDBusMessage.createMethodCall(name, path, name, "Inhibit")
        message.setArguments(["APUS Chat", reason])
        # The service of another desktop must not be started.
        message.setAutoStartService(False)
        watcher = QDBusPendingCallWatcher(self._bus.asyncCall(message, REPLY_MS), self._calls)
        count = self._count

        def handle_reply(call: QDBusPendingCallWatcher) -> None:
            call.deleteLater()
            if count == self._count and call.isError():
                self._call(place + 1, reason)

        watcher.finished.connect(handle_reply)

    def _name(self) -> str:
        return f"apus-chat-awake-{self._count}"

    def _log(self, detail: str) -> None:
        if not self._was_logged:
            self._was_logged = True
            logger.info("this computer may fall asleep while the program is busy: %s", detail)


def session_bus_address() -> str:
    """Return the address of the session bus, empty where there is none; libdbus would start one."""
    path = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / "bus"
    return os.environ.get("DBUS_SESSION_BUS_ADDRESS") or (f"unix:path={path}" if path.exists() else "")


def _set_thread_execution_state(flags: int) -> int:
    return int(getattr(ctypes, "windll").kernel32.SetThreadExecutionState(ctypes.c_uint(flags)))  # noqa: B009
