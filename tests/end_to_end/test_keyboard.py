"""The first hour with the real program by keys alone, with a display and a window manager."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.config.paths import DataFolder
from app.conversation import Status
from app.services import Services
from tests.end_to_end.test_screen_reader import desktop, program
from tests.rigs.at_spi import Desktop, Node, missing, wait_until

__all__ = ["desktop"]
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
MESSAGE = "text", "Message"
FIRST, LONG, EDITED = "Say hello.", "Write a long story about a ship.", "Write about a train."


def focused(window: Node, role: str, name: str) -> Node:
    """Wait until an object has the focus."""
    node = window.find(role, name)
    try:
        wait_until(lambda: "focused" in node.states)
    except AssertionError:
        now = [f"{each.role} {each.label!r}" for each in window.shown() if "focused" in each.states]
        raise AssertionError(f"{role} {name!r} hasn't the focus, but {now}") from None
    return node


def ended(desktop: Desktop) -> str:
    """Wait for the announcement of the end of an answer."""
    ends = "The answer is complete.", "Stopped"
    said: list[str] = []

    def has_ended() -> bool:
        said.extend(desktop.announced())
        return any(each.startswith(ends) for each in said)

    wait_until(has_ended)
    return said[-1]


def questions(window: Node) -> list[str]:
    rows = window.find("list", "Conversation").children()
    return [each.text for each in rows if each.name.startswith("You")]


def test_the_first_hour_by_keys_alone(desktop: Desktop, tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    data = tmp_path / "data"
    services = Services(DataFolder(data))
    services.settings.change(language="en", authority="http://127.0.0.1:9", proxy="none", titles_by_model=False)
    services.settings.change(max_tokens=200, theme="light", export_folder=str(exports), export_format="md")
    services.close()
    quit_by_keys = lambda _process: desktop.press("Ctrl", "Q")  # noqa: E731
    with program(desktop, data, quit_by_keys) as window:
        # The starter model, and the first answer.
        focused(window, *MESSAGE)
        desktop.walk_to("push button", "Try the tiny starter model")
        desktop.press("Space")
        focused(window, *MESSAGE)
        desktop.type(FIRST)
        desktop.press("Return")
        ended(desktop)

        # A long answer is stopped; the question is edited; both versions can be read.
        desktop.type(LONG)
        desktop.press("Return")
        window.find("push button", "Stop")
        desktop.press("Escape")
        assert ended(desktop).startswith("Stopped")
        desktop.press("Ctrl", "Shift", "E")
        wait_until(lambda: window.find(*MESSAGE).text == LONG)
        desktop.press("Ctrl", "A")
        desktop.type(EDITED)
        desktop.press("Return")
        ended(desktop)
        assert questions(window) == [FIRST, EDITED]
        desktop.press("Alt", "Left")
        wait_until(lambda: questions(window) == [FIRST, LONG])
        desktop.press("Alt", "Right")
        wait_until(lambda: questions(window) == [FIRST, EDITED])

        # Search, and the palette.
        desktop.press("Ctrl", "Shift", "F")
        desktop.type("hello")
        desktop.press("Return")
        wait_until(lambda: any(re.match(r"\d+ results?$", each.name) for each in window.shown()))
        desktop.press("Escape")
        focused(window, *MESSAGE)
        desktop.press("Ctrl", "K")
        focused(window, "text", "Search conversations, models")
        desktop.type("run diagnostics")
        desktop.press("Escape")
        focused(window, *MESSAGE)

        # A folder, and the conversation in it.
        desktop.walk_to("push button", "New folder", "Shift", "Tab")
        desktop.press("Space")
        wait_until(lambda: any(each.role == "text" for each in desktop.focus_changes()))
        desktop.press("Ctrl", "A")
        desktop.type("Trips")
        desktop.press("Return")
        window.find("list item", "Trips")
        desktop.press("Ctrl", "K")
        focused(window, "text", "Search conversations, models")
        desktop.type("move to folder trips")
        window.find("list item", "Move to folder: Trips")
        desktop.press("Return")
        window.find("label", "“Say hello")

        # A setting, and back.
        desktop.press("Ctrl", ",")
        focused(window, "list", "Sections")
        theme_box = desktop.walk_to("combo box", "Theme")
        desktop.press("End")
        # Qt handles a shortcut before keys that wait.
        wait_until(lambda: theme_box.name != "Light")
        desktop.press("Escape")
        focused(window, *MESSAGE)

        # Export.
        desktop.press("Ctrl", "E")
        focused(window.find("dialog", "Export"), "push button", "Export")
        desktop.press("Return")
        window.find("label", "Exported to")
        desktop.press("Escape")
        focused(window, *MESSAGE)

    with program(desktop, data, quit_by_keys) as window:
        focused(window, *MESSAGE)
        desktop.press("Ctrl", "PgDown")
        wait_until(lambda: questions(window) == [FIRST, EDITED])

    services = Services(DataFolder(data))
    (conversation,) = services.store.list()
    path = [each.name for each in services.store.folder_path(conversation.folder_id or "")]
    answers = [each.status for each in services.store.branch(conversation.id)[1::2]]
    theme = services.settings.current.theme
    services.close()
    assert path == ["Trips"]
    assert answers == [Status.COMPLETE, Status.COMPLETE]
    assert theme != "light"
    (exported,) = exports.iterdir()
    assert EDITED in exported.read_text(encoding="utf-8")
