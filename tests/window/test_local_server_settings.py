"""Local server section of the settings: switch, address, key, activity, and a port in use."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import keyring
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.config.secrets import LOCAL_SERVER_KEY
from app.conversation import Status
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find, send, titles, wait_for_answer
from tests.window.test_download_settings import Safe
from ui.settings.local_server import LocalServerSettings
from ui.settings.page import SettingsPage
from ui.window.controller import WindowController
from ui.window.main_window import MainWindow


@pytest.fixture
def safe() -> Iterator[Safe]:
    before, made = keyring.get_keyring(), Safe()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def open_page(window: MainWindow) -> LocalServerSettings:
    controller: WindowController = window.controller
    controller.show_settings("local_server")
    dialog = window.findChild(SettingsPage)
    assert dialog is not None
    return dialog.local_server


def test_switched_on_it_answers_and_shows_who_asks(open_window: OpenWindow, qtbot: QtBot, safe: Safe) -> None:
    window = open_window()
    services = window.controller.services
    services.settings.change(local_server_port=free_port())
    page = open_page(window)
    model = page.form.rows["model"].explanation
    # Selected until the user selects another one.
    assert (model.text(), page.copy_model.isVisible()) == ("starter", True)
    # Other programs get no answer from it.
    services.settings.change(model_id="server:1/large")
    qtbot.waitUntil(lambda: model.text().startswith("No model on this computer is selected."), timeout=PATIENCE_MS)
    assert (bool(model.property("warning")), page.copy_model.isVisible()) == (True, False)
    services.settings.change(model_id=None)
    assert page.address.text() == "Not running"
    page.form.controls["local_server"].click()
    qtbot.waitUntil(lambda: page.address.text().endswith("/v1"), timeout=PATIENCE_MS)
    page.copy_address.click()
    base = QGuiApplication.clipboard().text()
    assert base == page.address.text()

    def ask(key: str = "") -> None:
        body = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}).encode()
        headers = {"User-Agent": "editor/1.2", "Authorization": f"Bearer {key}"}
        urlopen(Request(f"{base}/chat/completions", body, headers)).close()

    ask()
    activity = page.form.rows["activity"].explanation
    qtbot.waitUntil(lambda: "editor/1.2, 127.0.0.1 · requests: 1 · now" in activity.text(), timeout=PATIENCE_MS)
    assert activity.text().startswith("Requests: 1")
    # A key is made, and needed from then on.
    page.make_key.click()
    qtbot.waitUntil(page.copy_key.hasFocus, timeout=PATIENCE_MS)
    qtbot.waitUntil(
        lambda: (access := services.local_server.status().access) is not None and access.key != "", timeout=PATIENCE_MS
    )
    page.copy_key.click()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() != base, timeout=PATIENCE_MS)
    key = QGuiApplication.clipboard().text()
    assert safe.kept == {("apus-chat", LOCAL_SERVER_KEY): key}
    ask(key)
    with pytest.raises(OSError, match="401"):
        ask()
    # Another one locks out who has this one.
    page.make_key.click()
    question = find(window, "replaceKeyQuestion", QMessageBox)
    question.findChild(QPushButton, "replaceKeyButton").click()
    qtbot.waitUntil(lambda: safe.kept != {("apus-chat", LOCAL_SERVER_KEY): key}, timeout=PATIENCE_MS)
    page.form.controls["local_server"].click()
    qtbot.waitUntil(lambda: page.address.text() == "Not running", timeout=PATIENCE_MS)
    with pytest.raises(OSError, match="refused"):
        ask(key)


def test_other_computers_need_a_key_which_is_made(open_window: OpenWindow, qtbot: QtBot, safe: Safe) -> None:
    window = open_window()
    services = window.controller.services
    services.settings.change(local_server=True, local_server_port=free_port())
    page = open_page(window)
    page.form.controls["local_server_network"].click()
    qtbot.waitUntil(
        lambda: (access := services.local_server.status().access) is not None and access.host == "0.0.0.0",
        timeout=PATIENCE_MS,
    )
    access = services.local_server.status().access
    assert access is not None
    assert safe.kept == {("apus-chat", LOCAL_SERVER_KEY): access.key}
    qtbot.waitUntil(lambda: not page.copy_key.isHidden(), timeout=PATIENCE_MS)
    # Instead of a removed one, another would be made.
    assert page.remove_key.isHidden()
    page.form.controls["local_server_network"].click()
    assert not page.remove_key.isHidden()


def test_other_computers_are_encrypted_unless_it_is_turned_off(
    open_window: OpenWindow, qtbot: QtBot, safe: Safe
) -> None:
    window = open_window()
    services = window.controller.services
    port = free_port()
    services.settings.change(model_id="starter", local_server=True, local_server_port=port)
    page = open_page(window)
    row, key_row = page.form.rows["local_server_encrypted"], page.form.rows["key"]
    assert not row.isEnabled()
    page.form.controls["local_server_network"].click()
    qtbot.waitUntil(lambda: page.address.text().startswith("https://"), timeout=PATIENCE_MS)
    assert row.isEnabled()
    local = f"http://127.0.0.1:{port}/v1"
    assert page.form.rows["address"].explanation.text().endswith(f"Programs on this computer: {local}")
    qtbot.waitUntil(lambda: "proves to other computers" in key_row.explanation.text(), timeout=PATIENCE_MS)
    access = services.local_server.status().access
    assert access is not None

    def copied(key: str) -> bool:
        page.copy_key.click()
        qtbot.waitUntil(lambda: QGuiApplication.clipboard().text().startswith("apus-"), timeout=PATIENCE_MS)
        return QGuiApplication.clipboard().text() == key

    qtbot.waitUntil(lambda: copied(access.shared_key), timeout=PATIENCE_MS)
    assert access.shared_key.startswith(f"{access.key}.cert-")
    assert safe.kept == {("apus-chat", LOCAL_SERVER_KEY): access.key}
    urlopen(Request(f"{local}/models", headers={"Authorization": f"Bearer {access.key}"})).close()
    page.form.controls["local_server_encrypted"].click()
    qtbot.waitUntil(lambda: page.address.text().startswith("http://"), timeout=PATIENCE_MS)
    assert "anyone in the network can then read questions, answers and the key" in row.explanation.text()
    assert row.explanation.property("warning")
    assert key_row.explanation.text() == "Every request needs it."
    qtbot.waitUntil(lambda: copied(access.key), timeout=PATIENCE_MS)
    # The window reports a damaged certificate, which is replaced by a new one.
    services.settings.change(local_server_encrypted=True)
    services.folder.certificate_file.write_text("damaged")
    window.controller.apply_settings(services.settings.current)
    qtbot.waitUntil(window.notice.isVisible, timeout=PATIENCE_MS)
    assert "The certificate for other computers was damaged" in window.notice.text()
    # Nor is a key copied that names another one than the server's.
    services.folder.certificate_file.write_text("damaged")
    page.copy_key.click()
    status = window.findChild(QLabel, "settingsStatus")
    assert status is not None
    qtbot.waitUntil(lambda: "The certificate for other computers was damaged" in status.text(), timeout=PATIENCE_MS)

    def shared_key() -> str:
        access = services.local_server.status().access
        return "" if access is None else access.shared_key

    qtbot.waitUntil(lambda: shared_key() == QGuiApplication.clipboard().text(), timeout=PATIENCE_MS)


def test_a_port_in_use_is_reported_and_another_one_works(open_window: OpenWindow, qtbot: QtBot, safe: Safe) -> None:
    window = open_window()
    services = window.controller.services
    with socket.create_server(("127.0.0.1", 0)) as other:
        services.settings.change(local_server_port=other.getsockname()[1])
        page = open_page(window)
        page.form.controls["local_server"].click()
        activity = page.form.rows["activity"].explanation
        qtbot.waitUntil(lambda: "is in use by another program" in activity.text(), timeout=PATIENCE_MS)
        assert page.address.text() == "Not running"
        page.form.controls["local_server_port"].changed.emit(free_port())
        qtbot.waitUntil(lambda: page.address.text().endswith("/v1"), timeout=PATIENCE_MS)
    # The next window starts it again.
    window = open_window()
    assert window.controller.services.settings.current.local_server
    qtbot.waitUntil(lambda: window.controller.services.local_server.status().url != "", timeout=PATIENCE_MS)


def test_a_question_of_the_window_goes_before_those_of_programs(
    open_window: OpenWindow, qtbot: QtBot, safe: Safe, tmp_path: Path
) -> None:
    window = open_window()
    services = window.controller.services
    services.settings.change(
        context=1 << 17, max_tokens=5, titles_by_model=False, local_server=True, local_server_port=free_port()
    )
    window.controller.models.use(str(write_tiny_model(tmp_path / "endless.gguf", context_length=1 << 17)))
    window.controller.apply_settings(services.settings.current)
    qtbot.waitUntil(lambda: services.local_server.status().url != "", timeout=PATIENCE_MS)
    order: list[str] = []
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Go"}]
    base = f"{services.local_server.status().url}/v1"
    with OpenAI(base_url=base, api_key="none") as first, OpenAI(base_url=base, api_key="none") as second:
        stream = first.chat.completions.create(model="endless", messages=messages, stream=True, max_tokens=1 << 17)
        next(iter(stream))

        def wait_in_the_queue() -> None:
            # So long that the signal of the answer in the window comes before.
            second.chat.completions.create(model="endless", messages=messages, max_tokens=2000)
            order.append("program")

        waiting = Thread(target=wait_in_the_queue)
        waiting.start()
        qtbot.waitUntil(lambda: services.local_server.status().waiting == 1, timeout=PATIENCE_MS)
        window.controller.conversation.answer_finished.connect(lambda _answer: order.append("window"))
        send(qtbot, window, "Hello")
        stream.close()
        assert wait_for_answer(qtbot, window).status is Status.COMPLETE
        qtbot.waitUntil(lambda: len(order) == 2, timeout=PATIENCE_MS)
        waiting.join()
    assert order == ["window", "program"]
    # Nothing of the requests is among the conversations.
    assert titles(window) == ["Hello"]
