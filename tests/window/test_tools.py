"""Tools in the window: chosen in the panel, asked for in the transcript, run, refused, and seen after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QCheckBox
from pytestqt.qtbot import QtBot

from app.tool_calls import split_steps
from tests.rigs.tiny_model import write_tiny_model
from tests.tools.test_rounds import CALL, RIG, TEMPLATE
from tests.window.conftest import OpenWindow
from tests.window.input import branch, find, send, wait_for_answer
from ui.window.main_window import MainWindow


@pytest.fixture
def window(open_window: OpenWindow, tmp_path: Path) -> MainWindow:
    model = write_tiny_model(
        tmp_path / "calls.gguf", chat_template=TEMPLATE, script=CALL, reply=("It is", " five."), name="Calls"
    )
    made = open_window()
    services = made.controller.services
    services.tools.add(RIG)
    services.settings.change(max_tokens=24, temperature=0.0, titles_by_model=False)
    made.controller.models.use(str(model))
    return made


def choose_rig(qtbot: QtBot, window: MainWindow) -> None:
    keys = QKeySequence("Ctrl+Shift+S")[0]
    qtbot.keyClick(window.composer.field, keys.key(), keys.keyboardModifiers())
    box = find(window, "toolServer:rig", QCheckBox)
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert box.isChecked()


def actions(window: MainWindow) -> set[str]:
    return set(window.controller.transcript.page.items[-1].actions)


def test_a_call_is_run_once_the_user_allows_it(window: MainWindow, qtbot: QtBot) -> None:
    choose_rig(qtbot, window)
    send(qtbot, window, "What is 2 and 3?")
    wait_for_answer(qtbot, window)
    item = window.controller.transcript.page.items[-1]
    assert {"run_tools", "always_run_tools", "decline_tools"} <= actions(window)
    assert "add" in item.note
    view = window.controller.transcript.page.view(len(window.controller.transcript.page.items) - 1)
    assert view.buttons[0].label == "Thoughts and tools"
    assert "continue" not in actions(window)
    window.controller.conversation.act("run_tools", item.id)
    answer = wait_for_answer(qtbot, window)
    steps, _, rest = split_steps(answer.content)
    assert (steps[0].calls[0].result, rest) == ("5", "It is five.")
    view = window.controller.transcript.page.view(len(window.controller.transcript.page.items) - 1)
    assert view.buttons[0].label.startswith("Thoughts and tools")
    assert "run_tools" not in actions(window)
    assert branch(window)[-1].content == window.controller.transcript.page.items[-1].content


def test_the_model_learns_that_a_call_was_declined(window: MainWindow, qtbot: QtBot) -> None:
    choose_rig(qtbot, window)
    send(qtbot, window, "What is 2 and 3?")
    message = wait_for_answer(qtbot, window)
    window.controller.conversation.act("decline_tools", message.id)
    steps, _, rest = split_steps(wait_for_answer(qtbot, window).content)
    (call,) = steps[0].calls
    assert call.has_failed
    assert "declined" in (call.result or "")
    assert rest == "It is five."
