"""Sleep inhibition with a private D-Bus."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QThreadPool
from pytestqt.qtbot import QtBot

from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find, send, wait_for_words
from ui.window.keep_awake import DBusInhibitor, MacInhibitor, WindowsInhibitor, system_inhibitor

DAEMON = shutil.which("dbus-daemon")
NEEDS_BUS = pytest.mark.skipif(DAEMON is None, reason="there is no dbus-daemon on this machine")
SERVICE = """
import sys
from jeepney import HeaderFields, MatchRule, MessageType, message_bus, new_method_return
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection(bus=sys.argv[1])
bus.send_and_get_reply(message_bus.RequestName(sys.argv[2]))
bus.send_and_get_reply(message_bus.AddMatch(MatchRule(type="signal", member="NameOwnerChanged")))
print("ready", flush=True)
holders = set()
while True:
    message = bus.receive()
    member = message.header.fields.get(HeaderFields.member)
    if message.header.message_type is MessageType.method_call and member == "Inhibit":
        holders.add(message.header.fields[HeaderFields.sender])
        bus.send(new_method_return(message, "u", (7,)))
        print("held", *message.body, sep="|", flush=True)
    elif member == "NameOwnerChanged" and message.body[2] == "" and message.body[0] in holders:
        print("released", flush=True)
"""
"""A desktop service: prints its calls, and the disconnection of a client as the real services watch it."""


class Bus:
    """A session bus with services."""

    def __init__(self) -> None:
        self.children: list[subprocess.Popen[str]] = []
        assert DAEMON is not None
        self.address = self._started([DAEMON, "--session", "--nofork", "--print-address=1"]).strip()

    def serve(self, name: str) -> subprocess.Popen[str]:
        assert self._started([sys.executable, "-c", SERVICE, self.address, name]).strip() == "ready"
        return self.children[-1]

    def close(self) -> None:
        for child in reversed(self.children):
            child.kill()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()

    def _started(self, command: list[str]) -> str:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        self.children.append(child)
        return line_of(child)


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    made = Bus()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", made.address)
    yield made
    made.close()


@NEEDS_BUS
def test_desktop_service_is_called_and_sees_the_release(qtbot: QtBot, bus: Bus) -> None:
    desktop = bus.serve("org.freedesktop.ScreenSaver")
    inhibitor = DBusInhibitor()
    for _ in range(2):
        inhibitor.set_active(True, "work")
        assert read_line(qtbot, desktop) == "held|APUS Chat|work\n"
        inhibitor.set_active(False)
        assert line_of(desktop) == "released\n"


@NEEDS_BUS
def test_service_that_lets_the_screen_turn_off_is_preferred(qtbot: QtBot, bus: Bus) -> None:
    bus.serve("org.freedesktop.ScreenSaver")
    desktop = bus.serve("org.freedesktop.PowerManagement.Inhibit")
    inhibitor = DBusInhibitor()
    inhibitor.set_active(True, "work")
    assert read_line(qtbot, desktop) == "held|APUS Chat|work\n"
    inhibitor.set_active(False)
    assert line_of(desktop) == "released\n"


@NEEDS_BUS
def test_release_before_the_reply_leaves_nothing_inhibited(qtbot: QtBot, bus: Bus) -> None:
    desktop = bus.serve("org.freedesktop.ScreenSaver")
    inhibitor = DBusInhibitor()
    inhibitor.set_active(True, "first")
    inhibitor.set_active(False)
    inhibitor.set_active(True, "second")
    lines = [read_line(qtbot, desktop)]
    while not lines[-1].startswith("held|APUS Chat|second"):
        lines.append(read_line(qtbot, desktop))
    inhibitor.set_active(False)
    assert line_of(desktop) == "released\n"


@NEEDS_BUS
def test_bus_without_a_service_is_logged_once(qtbot: QtBot, bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    inhibitor = DBusInhibitor()
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            inhibitor.set_active(True, "work")
            qtbot.waitUntil(lambda: inhibitor._bus is None, timeout=PATIENCE_MS)
            inhibitor.set_active(False)
    assert sum("fall asleep" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize(
    "environment", [{}, {"XDG_RUNTIME_DIR": "/nowhere"}, {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}]
)
def test_missing_bus_is_logged_once(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    inhibitor = DBusInhibitor()
    with caplog.at_level(logging.INFO):
        inhibitor.set_active(True, "work")
        inhibitor.set_active(False)
        inhibitor.set_active(True, "work")
    assert len([record for record in caplog.records if "fall asleep" in record.message]) == 1


@NEEDS_BUS
def test_window_inhibits_sleep_during_an_answer(
    qtbot: QtBot, bus: Bus, open_window: OpenWindow, tmp_path: Path
) -> None:
    desktop = bus.serve("org.freedesktop.ScreenSaver")
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    window = open_window()
    window.controller.models.use(str(model))
    assert not window.controller.awake.is_active
    send(qtbot, window, "hello")
    assert read_line(qtbot, desktop).startswith("held|APUS Chat|An answer")
    wait_for_words(qtbot, window)
    assert window.controller.awake.is_active
    qtbot.mouseClick(find(window, "stopButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.controller.awake.is_active, timeout=PATIENCE_MS)
    assert line_of(desktop) == "released\n"
    send(qtbot, window, "again")
    assert read_line(qtbot, desktop).startswith("held|APUS Chat|An answer")
    window.close()
    assert line_of(desktop) == "released\n"
    window.controller.conversation.state_changed.emit()
    assert not window.controller.awake.is_active


def read_line(qtbot: QtBot, child: subprocess.Popen[str]) -> str:
    """Read a line while the event loop runs."""
    lines: list[str] = []
    QThreadPool.globalInstance().start(lambda: lines.append(line_of(child)))
    qtbot.waitUntil(lambda: bool(lines), timeout=PATIENCE_MS)
    return lines[0]


def test_windows_keeps_the_system_but_not_the_screen_awake() -> None:
    flags: list[int] = []

    def set_state(value: int) -> int:
        flags.append(value)
        return 1

    inhibitor = WindowsInhibitor(set_state)
    inhibitor.set_active(False)
    for _ in range(2):
        inhibitor.set_active(True, "work")
    inhibitor.set_active(False)
    assert flags == [0x80000001, 0x80000000]


def test_windows_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        WindowsInhibitor(lambda _flags: 0).set_active(True, "work")
    assert "cannot be inhibited" in caplog.text


def test_mac_runs_a_program_until_the_release() -> None:
    inhibitor = MacInhibitor([sys.executable, "-c", "import time; time.sleep(600)"])
    inhibitor.set_active(True, "work")
    process = inhibitor._process
    assert process is not None
    assert process.poll() is None
    inhibitor.set_active(False)
    assert process.returncode is not None
    assert MacInhibitor()._command == ("/usr/bin/caffeinate", "-i", "-w", str(os.getpid()))


def test_mac_without_the_program_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        inhibitor = MacInhibitor(["/nowhere/caffeinate"])
        inhibitor.set_active(True, "work")
        inhibitor.set_active(False)
    assert "caffeinate" in caplog.text


def test_each_system_has_its_inhibitor() -> None:
    kinds = {system: type(system_inhibitor(system)) for system in ("win32", "darwin", "linux")}
    assert kinds == {"win32": WindowsInhibitor, "darwin": MacInhibitor, "linux": DBusInhibitor}
