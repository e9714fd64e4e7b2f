"""OpenAI-compatible servers in the window: settings, answers, model menu."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMenu, QToolButton
from pytestqt.qtbot import QtBot

from app.conversation import Status
from tests.rigs.openai_server import WORDS, Behaviour, OpenAiServer, openai_server
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, wait_for_answer, wait_for_words
from ui.settings.dialog import SettingsDialog
from ui.window.main_window import MainWindow


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server(key="sk-right") as running:
        yield running


def open_settings(window: MainWindow, qtbot: QtBot) -> SettingsDialog:
    window.controller.show_settings()
    dialog = window.findChild(SettingsDialog)
    assert dialog is not None
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def add(dialog: SettingsDialog, qtbot: QtBot, url: str, key: str) -> str:
    """Fill the form, press its button, and give back what the dialog says of it."""
    page = dialog.servers
    page.address.setText(url)
    page.key.setText(key)
    qtbot.mouseClick(page.add_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.add_button.isEnabled() and "Asking" not in said(dialog), timeout=PATIENCE_MS)
    return said(dialog)


def said(dialog: SettingsDialog) -> str:
    label = dialog.findChild(QLabel, "settingsStatus")
    assert label is not None
    return label.text()


def use(window: MainWindow, server: OpenAiServer, qtbot: QtBot) -> None:
    dialog = open_settings(window, qtbot)
    add(dialog, qtbot, server.url, "sk-right")
    qtbot.waitUntil(lambda: len(dialog.servers.rows) == 1, timeout=PATIENCE_MS)
    (row,) = dialog.servers.rows.values()
    qtbot.mouseClick(row.use, Qt.MouseButton.LeftButton)
    dialog.accept()


def model_button(window: MainWindow) -> str:
    return find(window, "modelButton", QToolButton).text()  # type: ignore[attr-defined, no-any-return]


def test_server_answers_and_a_local_model_continues(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer, tiny_model: Path
) -> None:
    window = open_window()
    use(window, server, qtbot)
    assert "apus" in model_button(window)
    assert "127.0.0.1" in model_button(window)
    send(qtbot, window, "How many experts?")
    answer = wait_for_answer(qtbot, window)
    assert (answer.content, answer.status) == ("".join(WORDS), Status.COMPLETE)
    assert answer.provenance is not None
    assert (answer.provenance.endpoint, answer.provenance.engine) == (server.url, "vLLM")
    use_of_context = window.controller.conversation.context.use
    assert (use_of_context.used, use_of_context.size) == (17 + len(WORDS), 1024)
    assert find(window, "contextGauge").isVisible()
    window.controller.models.use(str(tiny_model))
    window.controller.services.settings.change(max_tokens=5)
    send(qtbot, window, "And here?")
    qtbot.waitUntil(lambda: len(branch(window)) == 4 and branch(window)[-1].status is Status.COMPLETE, timeout=60_000)
    here = branch(window)[-1]
    assert here.provenance is not None
    assert here.provenance.endpoint is None
    assert here.provenance.file_sha256 is not None


def test_stop_reaches_the_server(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(key="sk-right", waits_before=3)
    window = open_window()
    use(window, server, qtbot)
    send(qtbot, window, "How many experts?")
    wait_for_words(qtbot, window, 5)
    qtbot.waitUntil(server.waiting.is_set, timeout=PATIENCE_MS)
    qtbot.mouseClick(find(window, "stopButton"), Qt.MouseButton.LeftButton)
    answer = wait_for_answer(qtbot, window)
    assert (answer.content, answer.status) == ("".join(WORDS[:3]), Status.STOPPED)
    qtbot.waitUntil(server.gone.is_set, timeout=PATIENCE_MS)


def test_form_reports_errors_and_warns_about_http(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    dialog = open_settings(open_window(), qtbot)
    assert "requires an API key" in add(dialog, qtbot, server.url, "")
    assert "doesn't accept the API key" in add(dialog, qtbot, server.url, "sk-wrong")
    assert "isn't a valid server address" in add(dialog, qtbot, "http://", "")
    assert dialog.servers.rows == {}
    warning = dialog.findChild(QLabel, "plainHttpWarning")
    assert warning is not None
    dialog.servers.address.setText("http://api.example.com/v1")
    assert not warning.isHidden()
    dialog.servers.address.setText(server.url)
    assert warning.isHidden()
    dialog.reject()


def test_unreachable_server_can_be_added(open_window: OpenWindow, qtbot: QtBot) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        dialog = open_settings(open_window(), qtbot)
        assert "Can't reach" in add(dialog, qtbot, f"127.0.0.1:{held.getsockname()[1]}", "")
        action = find(dialog, "settingsStatusAction")
        qtbot.mouseClick(action, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(dialog.servers.rows) == 1, timeout=PATIENCE_MS)
    (row,) = dialog.servers.rows.values()
    assert row.models.isHidden()
    dialog.reject()


def test_server_is_refreshed_and_removed(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    dialog = open_settings(open_window(), qtbot)
    add(dialog, qtbot, server.url, "sk-right")
    qtbot.waitUntil(lambda: len(dialog.servers.rows) == 1, timeout=PATIENCE_MS)
    (row,) = dialog.servers.rows.values()
    server.behaviour = Behaviour(key="sk-other", models=("small", "large"))
    qtbot.mouseClick(row.refresh, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "doesn't accept the API key" in said(dialog), timeout=PATIENCE_MS)
    qtbot.mouseClick(row.change_key, Qt.MouseButton.LeftButton)
    row.key.setText("sk-other")
    qtbot.keyClick(row.key, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: row.models.count() == 2, timeout=PATIENCE_MS)
    qtbot.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.servers.rows == {}, timeout=PATIENCE_MS)
    dialog.reject()


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)")  # the offscreen platform
def test_model_menu_lists_server_models(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(key="sk-right", models=("small", "large"))
    window = open_window()
    use(window, server, qtbot)
    qtbot.mouseClick(find(window, "modelButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.findChild(QMenu, "modelMenu") is not None)
    menu = window.findChild(QMenu, "modelMenu")
    assert menu is not None
    offered = {action.text(): action for action in menu.actions() if action.isCheckable()}
    assert offered["small"].isChecked()
    offered["large"].trigger()
    menu.close()
    assert "large" in model_button(window)
    send(qtbot, window, "How many experts?")
    wait_for_answer(qtbot, window)
    assert server.chats()[-1]["model"] == "large"


def test_removed_server_is_reported(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.models.use("server:gone/apus")
    assert model_button(window) == "apus"
    send(qtbot, window, "How many experts?")
    answer = wait_for_answer(qtbot, window)
    assert answer.status is Status.FAILED
    assert answer.error is not None
    assert answer.error["code"] == "server_unknown"
