"""A desktop for a screen reader: a display, a session bus and the accessibility bus of AT-SPI.

``Desktop`` starts Xvfb and dbus-daemon, which starts the services of at-spi2-core; programs get ``environment``.
A ``Node`` is an object of a program as a screen reader sees it, read over D-Bus with jeepney, which keyring needs too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 120
STEP_S = 0.05
SETTLED_S = 0.4
MOST_STOPS = 80
"""Presses of a key on the way to an object."""
ROOT = "/org/a11y/atspi/accessible/root"
REGISTRY = "org.a11y.atspi.Registry"
ACCESSIBLE, ACTION, TEXT = "org.a11y.atspi.Accessible", "org.a11y.atspi.Action", "org.a11y.atspi.Text"
STATES = {
    4: "checked",
    5: "collapsed",
    8: "enabled",
    9: "expandable",
    10: "expanded",
    11: "focusable",
    12: "focused",
    16: "modal",
    22: "selectable",
    23: "selected",
    25: "showing",
    41: "checkable",
    43: "read only",
}
"""Names of the states that matter here by their bits."""

KEYCODES = {
    "Escape": 9, "Tab": 23, "Return": 36, "Ctrl": 37, "Shift": 50, "Alt": 64, "Space": 65, "F1": 67, "F2": 68,
    "Home": 110, "Up": 111, "PgUp": 112, "Left": 113, "Right": 114, "End": 115, "Down": 116, "PgDown": 117,
    **{key: 24 + place for place, key in enumerate("QWERTYUIOP")},
    **{key: 38 + place for place, key in enumerate("ASDFGHJKL")},
    **{key: 52 + place for place, key in enumerate("ZXCVBNM,./")},
}  # fmt: skip
"""Of the keyboard of Xvfb."""
KEY_PRESS, KEY_RELEASE = 0, 1
LABELLED_BY = 2
"""Kind of a relation."""


def missing() -> str:
    """Return why there can be no such desktop, or an empty string."""
    programs = [each for each in ("Xvfb", "openbox", "dbus-daemon") if shutil.which(each) is None]
    if not Path("/usr/share/dbus-1/services/org.a11y.Bus.service").exists():
        programs.append("at-spi2-core")
    return f"missing: {', '.join(programs)}" if programs else ""


def wait_until(condition: Callable[[], Any]) -> Any:
    """Return the first true value of a condition."""
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(STEP_S)
    return found


class Desktop:
    """The display and both buses; a context manager."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is for the sockets: the path must be short."""
        self._folder = folder
        self._processes: list[subprocess.Popen[str]] = []
        self.environment: dict[str, str] = {}
        self.announcements: deque[Any] = deque()
        self._focus: deque[Any] = deque()
        self._focused: Node | None = None

    def __enter__(self) -> Desktop:
        from jeepney import DBusAddress, MatchRule, message_bus, new_method_call
        from jeepney.io.blocking import open_dbus_connection

        self._folder.mkdir(mode=0o700, exist_ok=True)
        names = {"DBUS_SESSION_BUS_ADDRESS", "AT_SPI_BUS_ADDRESS", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
        self.environment = {name: value for name, value in os.environ.items() if name not in names}
        self.environment |= {"XDG_RUNTIME_DIR": str(self._folder), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
        screen = "Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-ac", "-noreset"
        self.environment["DISPLAY"] = f":{self._start(*screen)}"
        self._start("openbox", "--startup", "echo ready")
        address = self._start("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1")
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        launcher = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
        with open_dbus_connection(address) as session:
            (self._address,) = session.send_and_get_reply(new_method_call(launcher, "GetAddress")).body
        self._bus = open_dbus_connection(self._address)
        focused = MatchRule(type="signal", interface="org.a11y.atspi.Event.Object", member="StateChanged")
        focused.add_arg_condition(0, "focused")
        said = MatchRule(type="signal", interface="org.a11y.atspi.Event.Object", member="Announcement")
        events = (said, self.announcements, "announcement"), (focused, self._focus, "state-changed:focused")
        for rule, queue, event in events:
            self._bus.send_and_get_reply(message_bus.AddMatch(rule))
            self._bus.filter(rule, queue=queue)
            registry = "/org/a11y/atspi/registry"
            self.call(REGISTRY, registry, REGISTRY, "RegisterEvent", "sass", f"object:{event}", [], "")
        return self

    def __exit__(self, *_error: object) -> None:
        self._bus.close()
        for process in reversed(self._processes):
            process.terminate()
            process.communicate(timeout=PATIENCE_S)

    def _start(self, *command: str) -> str:
        """Start a program; return the first line that it prints."""
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", env=self.environment
        )
        self._processes.append(process)
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def call(self, name: str, path: str, interface: str, method: str, signature: str = "", *arguments: Any) -> Any:
        """Call a method on the accessibility bus; return its only result."""
        from jeepney import DBusAddress, new_method_call
        from jeepney.wrappers import unwrap_msg

        message = new_method_call(DBusAddress(path, name, interface), method, signature or None, arguments)
        body = unwrap_msg(self._bus.send_and_get_reply(message, timeout=PATIENCE_S))
        return body[0] if len(body) == 1 else body

    def program(self) -> Node:
        """Wait for a program with a window, and return the program: a window may be gone in the next moment."""

        def running() -> Node | None:
            with suppress(Exception):
                for name, path in self.call(REGISTRY, ROOT, ACCESSIBLE, "GetChildren"):
                    if any("showing" in each.states for each in Node(self, name, path).children()):
                        return Node(self, name, path)
            return None

        found = wait_until(running)
        assert isinstance(found, Node)
        return found

    def press(self, *keys: str) -> None:
        """Press keys of ``KEYCODES`` together as on a keyboard."""
        codes = [KEYCODES[key] for key in keys]
        path, interface = "/org/a11y/atspi/registry/deviceeventcontroller", "org.a11y.atspi.DeviceEventController"
        for code, kind in [*((code, KEY_PRESS) for code in codes), *((code, KEY_RELEASE) for code in reversed(codes))]:
            self.call(REGISTRY, path, interface, "GenerateKeyboardEvent", "isu", code, "", kind)

    def type(self, text: str) -> None:
        """Type text; an uppercase letter with Shift."""
        for each in text:
            key = "Space" if each == " " else each.upper()
            self.press(*(("Shift",) if each.isupper() else ()), key)

    def walk_to(self, role: str, name: str, *keys: str) -> Node:
        """Press Tab, or other keys, until an object has the focus whose name or label begins so."""
        self._settle()
        if self._focused is None:
            window = self.program()
            self._focused = wait_until(lambda: next((n for n in window.shown() if "focused" in n.states), None))
        passed: list[str] = []
        while len(passed) < MOST_STOPS:
            before = self._focused
            self.press(*(keys or ("Tab",)))
            # What has the focus can get it again, for example when its window is activated.
            wait_until(lambda before=before: self.focus_changes() and self._focused != before)
            self._settle()
            node = self._focused
            assert node is not None
            with suppress(Exception):  # objects can be deleted meanwhile
                passed.append(f"{node.role} {node.label!r}")
                if node.role == role and name in (node.label[: len(name)], node.name[: len(name)]):
                    return node
        raise AssertionError(f"{role} {name!r} is not among {passed}")

    def _settle(self) -> None:
        """Wait until the focus stays where it is: a list gets it before its current item does, and events are late."""

        def is_settled() -> bool:
            self.focus_changes()
            time.sleep(SETTLED_S)
            if self.focus_changes():
                return False
            with suppress(Exception):  # objects can be deleted meanwhile
                return self._focused is None or "focused" in self._focused.states
            return False

        wait_until(is_settled)

    def focus_changes(self) -> list[Node]:
        """Return the objects that got the focus since the last call."""
        self._receive()
        events = [(each.header.fields[7], each.header.fields[1], each.body[1]) for each in self._focus]
        self._focus.clear()
        found = [Node(self, bus, path) for bus, path, is_focused in events if is_focused]
        self._focused = found[-1] if found else self._focused
        return found

    def _receive(self) -> None:
        """Receive waiting signals."""
        self.call(REGISTRY, ROOT, ACCESSIBLE, "GetRole")

    def announced(self) -> list[str]:
        """Return what programs asked the screen reader to say since the last call."""
        self._receive()
        texts = [message.body[3][1] for message in self.announcements]
        self.announcements.clear()
        return texts


@dataclass(frozen=True)
class Node:
    """One object of a program."""

    desktop: Desktop
    bus: str
    path: str

    def call(self, interface: str, method: str, signature: str = "", *arguments: Any) -> Any:
        return self.desktop.call(self.bus, self.path, interface, method, signature, *arguments)

    def _property(self, interface: str, name: str) -> Any:
        return self.call("org.freedesktop.DBus.Properties", "Get", "ss", interface, name)[1]

    @property
    def name(self) -> str:
        return str(self._property(ACCESSIBLE, "Name"))

    @property
    def label(self) -> str:
        """Its own name, or for a combo box, whose name is its value, that of its label."""
        if self.role != "combo box":
            return self.name
        labels = [
            each for kind, found in self.call(ACCESSIBLE, "GetRelationSet") if kind == LABELLED_BY for each in found
        ]
        return " ".join(Node(self.desktop, *each).name for each in labels)

    @property
    def description(self) -> str:
        return str(self._property(ACCESSIBLE, "Description"))

    @property
    def role(self) -> str:
        return str(self.call(ACCESSIBLE, "GetRoleName"))

    @property
    def interfaces(self) -> list[str]:
        return [each.rpartition(".")[2] for each in self.call(ACCESSIBLE, "GetInterfaces")]

    @property
    def states(self) -> set[str]:
        low, high = self.call(ACCESSIBLE, "GetState")
        bits = low | high << 32
        return {name for bit, name in STATES.items() if bits >> bit & 1}

    def children(self) -> list[Node]:
        return [Node(self.desktop, *each) for each in self.call(ACCESSIBLE, "GetChildren")]

    def shown(self) -> Iterator[Node]:
        """Yield the objects below that are on the screen, in their order, and this one."""
        yield self
        for child in self.children():
            if "showing" in child.states:
                yield from child.shown()

    def find(self, role: str, name: str) -> Node:
        """Wait for an object on the screen whose name begins so."""

        def found() -> Node | None:
            with suppress(Exception):  # objects can be deleted during the search
                return next((each for each in self.shown() if each.role == role and each.name.startswith(name)), None)
            return None

        node = wait_until(found)
        assert isinstance(node, Node)
        return node

    @property
    def actions(self) -> list[str]:
        return [name for name, *_ in self.call(ACTION, "GetActions")] if "Action" in self.interfaces else []

    def act(self, action: str = "Press") -> None:
        assert self.call(ACTION, "DoAction", "i", self.actions.index(action))

    def focus(self) -> None:
        assert self.call("org.a11y.atspi.Component", "GrabFocus")
        wait_until(lambda: "focused" in self.states)

    @property
    def text(self) -> str:
        return str(self.call(TEXT, "GetText", "ii", 0, -1))

    def write(self, text: str) -> None:
        assert self.call("org.a11y.atspi.EditableText", "SetTextContents", "s", text)
