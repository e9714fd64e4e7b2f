"""The real program as a screen reader has it: over the AT-SPI bridge, with a display and a window manager."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.config.paths import DataFolder
from app.conversation import Status
from app.servers.protocol import Kind, ServedModel
from app.services import Services
from app.tools.server import ToolServer
from tests.rigs.at_spi import Desktop, Node, missing, wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
ANSWER = """See [the page](https://a.b/c) and $x^2$.

| a | b |
|---|---|
| 1 | 2 |

```py
x = 1
```

```py
y = 2
```

$$y = 1$$
"""
READABLE = "See the page and $x^2$.\n\na\tb\n1\t2\n\n```py\nx = 1\n```\n\n```py\ny = 2\n```\n\n$$y = 1$$"
BUTTONS = "Copy or save table", "Copy code", "Copy code 2", "Copy", "Try again"
TEXTS = "list item", "label", "filler"
"""Roles of what can have the focus without being a control."""
DIALOGS = (
    (("Ctrl", "E"), "dialog", "Export"),
    (("Ctrl", "Shift", "I"), "dialog", "Import"),
    (("F1",), "dialog", "Keyboard shortcuts"),
    (("Ctrl", "Shift", "D"), "dialog", "Diagnostics"),
    (("Ctrl", ","), "list", "Sections"),
)
"""Keys that open a dialog or page, and a control of it."""
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@contextmanager
def program(
    desktop: Desktop, folder: Path, leave: Callable[[subprocess.Popen[bytes]], object] = subprocess.Popen.terminate
) -> Iterator[Node]:
    """The running program; ``leave`` ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "--data-dir", str(folder)], cwd=ROOT, env=desktop.environment
    )
    try:
        yield desktop.program()
        leave(process)
        assert process.wait(timeout=PATIENCE_S) == 0, "it crashed"
    finally:
        process.kill()
        process.wait(timeout=PATIENCE_S)


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    with tempfile.TemporaryDirectory(prefix="at-spi") as folder, Desktop(Path(folder)) as made:
        yield made


def problems(root: Node) -> list[str]:
    """Return what a screen reader user can't make out: controls without a name, or with that of a neighbour."""
    from jeepney.wrappers import DBusErrorResponse  # on Linux only

    found: list[list[str]] = []

    def is_read() -> bool:
        # Objects can be deleted meanwhile.
        with suppress(DBusErrorResponse):
            found.append(problems_now(root))
        return bool(found)

    wait_until(is_read)
    return found[0]


def problems_now(root: Node) -> list[str]:
    found = []
    for parent in root.shown():
        names: Counter[tuple[str, str]] = Counter()
        for each in parent.children():
            states = each.states
            if "showing" not in states:
                continue
            role, name = each.role, each.label
            is_control = role not in ("list item", "label", "filler") and (
                "focusable" in states or "Press" in each.actions
            )
            if is_control and not name:
                found.append(f"{role} without a name in {parent.role} {parent.name!r}, {each.description!r}")
            if is_control:
                names[role, name] += 1
                if name and each.description.startswith(f"{name} ("):
                    found.append(f"{role} {name!r} is repeated: {each.description!r}")
            if role in ("slider", "progress bar", "spin box") and not {"Value", "Text"} & {*each.interfaces}:
                found.append(f"{role} {name!r} without a value")
            if role in ("unknown", "invalid"):
                found.append(f"no role: {name}")
        found += [f"{count} × {role} {name!r}" for (role, name), count in names.items() if count > 1]
    return found


def test_a_screen_reader_reads_and_operates_the_window(desktop: Desktop, tmp_path: Path) -> None:
    services = Services(DataFolder(tmp_path))
    services.settings.change(
        language="en", authority="http://127.0.0.1:9", proxy="none", model_id="starter", titles_by_model=False
    )
    services.settings.change(max_tokens=40)
    answer = services.store.begin_turn(services.store.create(title="About x").id, "Why? 👋")[1]
    services.store.finish_answer(answer.id, ANSWER, status=Status.COMPLETE)
    services.close()
    with program(desktop, tmp_path) as window:
        # A conversation is opened, and read.
        window.find("list item", "About x")
        window.find("list", "Conversations").focus()
        desktop.press("Down")
        desktop.press("Return")
        reply = window.find("list item", "Answer")
        question = window.find("list item", "You")
        assert question.text == "Why? 👋"
        assert reply.text == READABLE
        buttons = {each.name: each for each in reply.children() if each.role == "push button"}
        assert set(BUTTONS) <= set(buttons)
        assert buttons["Copy"].description == "Answer"
        link = next(each for each in reply.children() if each.role == "link")
        assert (link.name, link.actions) == ("the page", ["Press"])
        assert problems(window) == []

        # The answer is announced while it is written, and its end.
        desktop.announced()
        transcript = window.find("list", "Conversation")
        window.find("text", "Message").write("Name the days of the week, one per line.")
        window.find("push button", "Send").act()
        said: list[str] = []

        def has_ended() -> bool:
            said.extend(desktop.announced())
            return bool(said) and said[-1] == "The answer is complete."

        wait_until(has_ended)
        written = transcript.children()[3].text
        assert written
        assert "\n\n".join(said[:-1]).split() == written.split()

        # The palette and the list of models say the current row.
        window.find("text", "Message").focus()
        desktop.press("Ctrl", "K")
        field = window.find("text", "Search conversations, models")
        wait_until(lambda: "focused" in field.states)
        rows = window.find("list", "Search conversations, models").children()
        desktop.announced()
        desktop.press("Down")
        assert wait_until(desktop.announced)[-1].startswith("New conversation")
        wait_until(lambda: "selected" in next(each for each in rows if each.name.startswith("New conv")).states)
        assert problems(window) == []
        desktop.press("Escape")
        window.find("push button", "Model: ").act()
        window.find("text", "Search models")
        window.find("list item", "SmolLM2")
        assert problems(window) == []
        desktop.press("Escape")

        # Panel and pages.
        panel = window.find("check box", "Conversation settings")
        panel.act()
        window.find("combo box", "None")
        assert "checked" in panel.states
        folded = window.find("push button", "All samplers")
        assert problems(window) == []
        folded.act()
        window.find("spin box", "Repeat penalty")
        assert problems(window) == []
        panel.act()
        window.find("check box", "Models").act()
        window.find("list item", "SmolLM2")
        assert problems(window) == []
        window.find("check box", "Settings").act()
        # All sections are on one page.
        window.find("combo box", "English")
        assert problems(window) == []


def test_a_screen_reader_reads_pages_and_dialogs(desktop: Desktop, tmp_path: Path) -> None:
    services = Services(DataFolder(tmp_path))
    services.settings.change(language="en", authority="http://127.0.0.1:9", proxy="none", model_id="starter")
    services.servers.add("https://models.example.org/v1", models=[ServedModel("Qwen3", Kind.VLLM, None)])
    services.tools.add(ToolServer("files", ("npx",)))
    services.store.add_fact("I'm a vegetarian.")
    services.close()
    with program(desktop, tmp_path) as window:
        window.find("push button", "Model: SmolLM2")
        for keys, role, name in DIALOGS:
            desktop.press(*keys)
            window.find(role, name)
            assert problems(window) == [], name
            desktop.press("Escape")
            wait_until(lambda: "focused" in window.find("text", "Message").states)
        desktop.press("Ctrl", "M")
        window.find("list item", "SmolLM2")
        window.find("check box", "Memory layout").act()
        slider = window.find("slider", "")
        assert "Value" in slider.interfaces
        assert problems(window) == []
        window.find("push button", "More options").act()
        window.find("combo box", "Automatic")
        assert problems(window) == []
