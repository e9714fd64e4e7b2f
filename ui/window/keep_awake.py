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
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

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


class SleepInhibitor:
    """Sleep inhibition of one system; the screen may turn off.  Used in the window's thread."""

    is_active = False
    """Whether sleep is inhibited."""

    def set_active(self, is_active: bool, reason: str = "") -> None:
        """Prevent automatic sleep, or allow it again; the system may show ``reason`` to the user."""
        if is_active != self.is_active:
            self.is_active = is_active
            if is_active:
                self._inhibit(reason)
            else:
                self._release()

    def _inhibit(self, reason: str) -> None:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError


def system_inhibitor(system: str = sys.platform) -> SleepInhibitor:
    """Return the inhibitor of a system, named as in ``sys.platform``."""
    if system == "win32":
        return WindowsInhibitor()
    return MacInhibitor() if system == "darwin" else DBusInhibitor()


class WindowsInhibitor(SleepInhibitor):
    """Uses ``SetThreadExecutionState``."""

    def __init__(self, set_state: Callable[[int], int] | None = None) -> None:
        """``set_state`` replaces the system's function in tests."""
        self._set_state = set_state or _set_thread_execution_state

    def _inhibit(self, reason: str) -> None:
        if not self._set_state(ES_CONTINUOUS | ES_SYSTEM_REQUIRED):
            logger.info("sleep cannot be inhibited")

    def _release(self) -> None:
        self._set_state(ES_CONTINUOUS)


class MacInhibitor(SleepInhibitor):
    """Runs ``caffeinate``, which ends with this process in any case."""

    def __init__(self, command: Sequence[str] = ("/usr/bin/caffeinate", "-i", "-w", str(os.getpid()))) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def _inhibit(self, reason: str) -> None:
        null = subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(self._command, stdin=null, stdout=null, stderr=null)
        except OSError as error:
            logger.info("sleep cannot be inhibited: %s", error)

    def _release(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait()


class DBusInhibitor(SleepInhibitor):
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

    def _inhibit(self, reason: str) -> None:
        """Call the first service that exists, without waiting for its reply."""
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

    def _release(self) -> None:
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
            self._release()
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
