"""The computer stays awake while something runs, over a real bus of its own, and falls asleep again at once."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QThreadPool
from pytestqt.qtbot import QtBot

from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find, send, wait_for_words
from ui.window.keep_awake import BusInhibitor, KeepAwake, MacInhibitor, WindowsInhibitor, system_inhibitor

DAEMON = shutil.which("dbus-daemon")
WITH_A_BUS = pytest.mark.skipif(DAEMON is None, reason="there is no dbus-daemon on this machine")
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
"""A desktop's service: tells who asks it and when that one is gone, as the real ones watch it."""


class Bus:
    """A bus of our own, and services on it."""

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


def answers_of(inhibitor: BusInhibitor) -> list[str]:
    told: list[str] = []
    inhibitor.answered = told.append
    return told


@WITH_A_BUS
def test_a_desktop_is_asked_and_told_of_the_end(qtbot: QtBot, bus: Bus) -> None:
    desktop = bus.serve("org.freedesktop.ScreenSaver")
    inhibitor = BusInhibitor()
    told = answers_of(inhibitor)
    for _ in range(2):
        inhibitor.hold("work")
        qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE_MS)
        assert line_of(desktop) == "held|APUS Chat|work\n"
        inhibitor.release()
        assert line_of(desktop) == "released\n"
        assert told == ["org.freedesktop.ScreenSaver"]
        told.clear()


@WITH_A_BUS
def test_the_one_that_lets_the_screen_go_dark_comes_first(qtbot: QtBot, bus: Bus) -> None:
    bus.serve("org.freedesktop.ScreenSaver")
    desktop = bus.serve("org.freedesktop.PowerManagement.Inhibit")
    inhibitor = BusInhibitor()
    told = answers_of(inhibitor)
    inhibitor.hold("work")
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE_MS)
    assert told == ["org.freedesktop.PowerManagement.Inhibit"]
    assert line_of(desktop) == "held|APUS Chat|work\n"
    inhibitor.release()
    assert line_of(desktop) == "released\n"


@WITH_A_BUS
def test_released_before_anybody_answered_nothing_stays_held(qtbot: QtBot, bus: Bus) -> None:
    desktop = bus.serve("org.freedesktop.ScreenSaver")
    inhibitor = BusInhibitor()
    told = answers_of(inhibitor)
    inhibitor.hold("first")
    inhibitor.release()
    inhibitor.hold("second")
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE_MS)
    inhibitor.release()
    lines = [line_of(desktop)]
    while not lines[-1].startswith("held|APUS Chat|second"):
        lines.append(line_of(desktop))
    assert line_of(desktop) == "released\n"


@WITH_A_BUS
def test_a_bus_without_a_desktop_is_one_line_of_the_log(
    qtbot: QtBot, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    inhibitor = BusInhibitor()
    told = answers_of(inhibitor)
    with caplog.at_level(logging.INFO):
        for count in (1, 2):
            inhibitor.hold("work")
            qtbot.waitUntil(lambda count=count: len(told) == count, timeout=PATIENCE_MS)
            inhibitor.release()
    assert told == ["", ""]
    assert sum("fall asleep" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize(
    "environment", [{}, {"XDG_RUNTIME_DIR": "/nowhere"}, {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}]
)
def test_without_a_bus_nothing_happens(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    inhibitor = BusInhibitor()
    with caplog.at_level(logging.INFO):
        inhibitor.hold("work")
        inhibitor.release()
        inhibitor.hold("work")
    assert len([record for record in caplog.records if "fall asleep" in record.message]) == 1


@WITH_A_BUS
def test_the_window_holds_while_it_answers(qtbot: QtBot, bus: Bus, open_window: OpenWindow, tmp_path: Path) -> None:
    desktop = bus.serve("org.freedesktop.ScreenSaver")
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    window = open_window()
    window.controller.models.use(str(model))
    assert not window.controller.awake.is_active
    send(qtbot, window, "hello")
    assert line_of_while_the_window_lives(qtbot, desktop).startswith("held|APUS Chat|An answer")
    wait_for_words(qtbot, window)
    assert window.controller.awake.is_active
    qtbot.mouseClick(find(window, "stopButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.controller.awake.is_active, timeout=PATIENCE_MS)
    assert line_of(desktop) == "released\n"


def line_of_while_the_window_lives(qtbot: QtBot, child: subprocess.Popen[str]) -> str:
    """A line of a child for which the window's own event loop has something to do."""
    lines: list[str] = []
    QThreadPool.globalInstance().start(lambda: lines.append(line_of(child)))
    qtbot.waitUntil(lambda: bool(lines), timeout=PATIENCE_MS)
    return lines[0]


class Noting:
    def __init__(self) -> None:
        self.done: list[str] = []

    def hold(self, why: str) -> None:
        self.done.append("hold")

    def release(self) -> None:
        self.done.append("release")


def test_it_holds_once_and_lets_go_when_the_program_ends(qtbot: QtBot) -> None:
    busy, inhibitor = [False], Noting()
    awake = KeepAwake(lambda: busy[0], inhibitor)
    awake.look()
    busy[0] = True
    for _ in range(3):
        awake.look()
    assert inhibitor.done == ["hold"]
    # From the thread of a download.
    busy[0] = False
    QThreadPool.globalInstance().start(awake.look)
    qtbot.waitUntil(lambda: inhibitor.done == ["hold", "release"], timeout=PATIENCE_MS)
    busy[0] = True
    awake.look()
    awake.leave()
    awake.look()
    assert inhibitor.done == ["hold", "release", "hold", "release"]


def test_windows_is_told_that_the_system_is_needed_but_not_the_screen() -> None:
    flags: list[int] = []

    def set_state(value: int) -> int:
        flags.append(value)
        return 1

    inhibitor = WindowsInhibitor(set_state)
    inhibitor.hold("work")
    inhibitor.release()
    assert flags == [0x80000001, 0x80000000]


def test_windows_that_refuses_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        WindowsInhibitor(lambda _flags: 0).hold("work")
    assert "kept awake" in caplog.text


def test_a_mac_runs_its_own_program_for_that_until_the_end() -> None:
    started: list[Sequence[str]] = []
    children: list[Any] = []

    def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
        started.append(command)
        children.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]))
        return children[-1]

    inhibitor = MacInhibitor(start, pid=4711)
    inhibitor.hold("work")
    assert started == [["/usr/bin/caffeinate", "-i", "-w", "4711"]]
    assert children[0].poll() is None
    inhibitor.release()
    assert children[0].returncode is not None
    inhibitor.release()


def test_a_mac_without_the_program_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def missing(_command: Sequence[str]) -> subprocess.Popen[bytes]:
        raise FileNotFoundError("caffeinate")

    with caplog.at_level(logging.INFO):
        inhibitor = MacInhibitor(missing)
        inhibitor.hold("work")
        inhibitor.release()
    assert "caffeinate" in caplog.text


def test_each_system_has_its_way() -> None:
    kinds = {system: type(system_inhibitor(system)) for system in ("win32", "darwin", "linux")}
    assert kinds == {"win32": WindowsInhibitor, "darwin": MacInhibitor, "linux": BusInhibitor}
