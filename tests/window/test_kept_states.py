"""Conversations continued in the window after others and after a restart: states are restored, not read again."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.backend import PromptProgress
from tests.window.conftest import OpenWindow
from tests.window.input import branch, send, wait_for_answer
from ui.window.main_window import MainWindow

QUESTION = "The keeper of the lighthouse wrote down what the sea brought to the shore that day. " * 6
LEAST_TOKENS = 100


def continue_(qtbot: QtBot, window: MainWindow, text: str) -> PromptProgress:
    """Send a message and return the last progress of its prompt."""
    send(qtbot, window, text)
    running = window.controller.conversation.session.running
    assert running is not None
    wait_for_answer(qtbot, window)
    assert running.prompt is not None
    assert running.result is not None
    assert running.result.error is None
    return running.prompt


def test_a_conversation_continues_without_being_read_again(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.services.settings.change(temperature=0.0, max_tokens=8)
    first = continue_(qtbot, window, QUESTION)
    assert first.total - first.reused > LEAST_TOKENS
    long = branch(window)[-1].conversation_id
    window.controller.conversation.open(None)
    other = continue_(qtbot, window, "Which animals live in the desert, and what do they eat?")
    assert other.reused < LEAST_TOKENS
    window.controller.conversation.open(long)
    switched = continue_(qtbot, window, "And then?")
    assert switched.reused >= first.total
    assert switched.total - switched.reused < LEAST_TOKENS / 4

    window = open_window()
    window.controller.conversation.open(long)
    restarted = continue_(qtbot, window, "And the next day?")
    assert restarted.reused >= switched.total
    assert restarted.total - restarted.reused < LEAST_TOKENS / 4
