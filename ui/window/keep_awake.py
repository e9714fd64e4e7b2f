"""Keeps the computer from falling asleep while an answer is written or a download runs, and not a moment longer.

What each system wants for that is a small class of its own; where there is no way, nothing happens and the log says so
once.  A person's own order to sleep is obeyed all the same.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, Signal

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusConnection, QDBusPendingCallWatcher

SERVICES = (
    ("org.freedesktop.PowerManagement.Inhibit", "/org/freedesktop/PowerManagement/Inhibit"),
    ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
)
"""Names, which are those of the interfaces too, and objects: KDE's and Xfce's, which lets the screen go dark, then the
one that GNOME and all others know."""
ANSWER_MS = 5000
ES_CONTINUOUS, ES_SYSTEM_REQUIRED = 0x8000_0000, 0x0000_0001
"""``SetThreadExecutionState`` of <winbase.h>."""

logger = logging.getLogger(__name__)


class Inhibitor(Protocol):
    """One system's way.  Used by the window's thread alone."""

    def hold(self, why: str) -> None:
        """Stay awake until ``release``; ``why`` is for a person who looks at what keeps the computer awake."""

    def release(self) -> None:
        """Sleep may come again."""


class KeepAwake(QObject):
    """Holds while somebody is busy.  ``look`` may be called as often as one likes, and from any thread."""

    _looked = Signal()

    def __init__(self, is_busy: Callable[[], bool], inhibitor: Inhibitor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_busy = is_busy
        self._inhibitor = inhibitor
        self.is_held = False
        """Whether the computer is kept awake now."""
        self._looked.connect(self._look, Qt.ConnectionType.AutoConnection)

    def look(self) -> None:
        """Something began or ended."""
        self._looked.emit()

    def leave(self) -> None:
        """The program ends."""
        self._is_busy = lambda: False
        self._look()

    def _look(self) -> None:
        busy = self._is_busy()
        if busy == self.is_held:
            return
        self.is_held = busy
        if busy:
            self._inhibitor.hold(self.tr("An answer is being generated or a download is running"))
        else:
            self._inhibitor.release()


def system_inhibitor(system: str = sys.platform) -> Inhibitor:
    """The way of this system."""
    if system == "win32":
        return WindowsInhibitor()
    if system == "darwin":
        return MacInhibitor()
    return BusInhibitor()


class WindowsInhibitor:
    """Tells the system that this thread needs it."""

    def __init__(self, set_state: Callable[[int], int] | None = None) -> None:
        """``set_state`` stands for ``SetThreadExecutionState``."""
        self._set_state = set_state or _execution_state

    def hold(self, why: str) -> None:
        """The screen may go dark."""
        if not self._set_state(ES_CONTINUOUS | ES_SYSTEM_REQUIRED):
            logger.info("the system would not be kept awake")

    def release(self) -> None:
        """As ever."""
        self._set_state(ES_CONTINUOUS)


class Running(Protocol):
    """As much of a child process as it takes to end it."""

    def terminate(self) -> None:
        """Ask it to end."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code."""


class MacInhibitor:
    """Runs the system's own ``caffeinate``, which ends with this process in any case."""

    def __init__(self, start: Callable[[Sequence[str]], Running] | None = None, pid: int | None = None) -> None:
        self._start = start or _start
        self._pid = os.getpid() if pid is None else pid
        self._child: Running | None = None

    def hold(self, why: str) -> None:
        """Against sleep for want of use; the screen may go dark."""
        self.release()
        try:
            self._child = self._start(["/usr/bin/caffeinate", "-i", "-w", str(self._pid)])
        except OSError as error:
            logger.info("the system would not be kept awake: %s", error)

    def release(self) -> None:
        """End it."""
        child, self._child = self._child, None
        if child is not None:
            child.terminate()
            child.wait()


class BusInhibitor:
    """Asks the desktop over D-Bus.

    Each hold has a connection of its own to the session's bus.  Closing it is what ends the hold: every desktop watches
    who asked, so that nothing is left behind when a program dies either.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._bus: QDBusConnection | None = None
        self._calls = QObject()
        """Owns the calls that are under way: each is deleted by the event loop, once it has been answered."""
        self._count = 0
        self._has_told = False
        self.answered: Callable[[str], None] = lambda _name: None
        """Called with the name of the service that holds, empty where none does."""

    def hold(self, why: str) -> None:
        """Ask the first service that is there; nobody waits for its answer."""
        self.release()
        # Asked for "the" session's bus, libdbus would start one for us alone where there is none.
        address = session_bus(self._environment)
        if not address:
            self._tell("there is no session bus")
            return
        from PySide6.QtDBus import QDBusConnection

        self._count += 1
        bus = QDBusConnection.connectToBus(address, self._name())
        if not bus.isConnected():
            self._tell(bus.lastError().message())
            QDBusConnection.disconnectFromBus(self._name())
            return
        self._bus = bus
        self._ask(0, why)

    def release(self) -> None:
        """Close the connection."""
        if self._bus is None:
            return
        from PySide6.QtDBus import QDBusConnection

        self._bus = None
        QDBusConnection.disconnectFromBus(self._name())

    def _ask(self, place: int, why: str) -> None:
        from PySide6.QtDBus import QDBusMessage, QDBusPendingCallWatcher

        if self._bus is None:
            return
        if place == len(SERVICES):
            self._tell("nobody on the session bus can")
            self.release()
            return
        name, path = SERVICES[place]
        message = QDBusMessage.createMethodCall(name, path, name, "Inhibit")
        message.setArguments(["APUS Chat", why])
        # A desktop that is not there is not to be started for this.
        message.setAutoStartService(False)
        watcher = QDBusPendingCallWatcher(self._bus.asyncCall(message, ANSWER_MS), self._calls)
        count = self._count

        def answered(call: QDBusPendingCallWatcher) -> None:
            call.deleteLater()
            if count != self._count or self._bus is None:
                return
            if call.isError():
                self._ask(place + 1, why)
            else:
                self.answered(name)

        watcher.finished.connect(answered)

    def _name(self) -> str:
        return f"apus-chat-awake-{self._count}"

    def _tell(self, detail: str) -> None:
        if not self._has_told:
            self._has_told = True
            logger.info("this computer may fall asleep while it works: %s", detail)
        self.answered("")


def session_bus(environment: Mapping[str, str]) -> str:
    """The address of the session's bus, empty where there is none."""
    path = Path(environment.get("XDG_RUNTIME_DIR") or "/nonexistent") / "bus"
    return environment.get("DBUS_SESSION_BUS_ADDRESS") or (f"unix:path={path}" if path.exists() else "")


def _execution_state(flags: int) -> int:
    return int(getattr(ctypes, "windll").kernel32.SetThreadExecutionState(ctypes.c_uint(flags)))  # noqa: B009


def _start(command: Sequence[str]) -> Running:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
