"""A shared model: programs stream while the window asks, JSON answers, and another PC uses this one's devices."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.rigs.rpc_device import library_folder
from tests.window.conftest import OpenWindow, window_over
from tests.window.input import PATIENCE_MS, branch, find, send, wait_for_answer
from tests.window.test_conversation_settings import close, opened
from tests.window.test_local_server_settings import free_port
from ui.conversation.answer_format import SCHEMA
from ui.settings.page import SettingsPage
from ui.window.main_window import MainWindow

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "is_capital": {"type": "boolean"}},
    "required": ["name", "is_capital"],
    "additionalProperties": False,
}


class Program(threading.Thread):
    """A program that streams an answer; ``begun`` and ``ended`` are the times of its first and last piece."""

    def __init__(self, url: str, question: str, **fields: Any) -> None:
        super().__init__(daemon=True)
        self._url, self._fields = url, {"messages": [{"role": "user", "content": question}], **fields}
        self.begun = self.ended = 0.0
        self.text = ""
        self.start()

    def run(self) -> None:
        with OpenAI(base_url=self._url, api_key="none", max_retries=0, timeout=PATIENCE_MS) as client:
            for piece in client.chat.completions.create(model="starter", stream=True, **self._fields):
                if piece.choices and (text := piece.choices[0].delta.content):
                    self.text += text
                    self.begun = self.begun or time.monotonic()
        self.ended = time.monotonic()


def page_of(window: MainWindow, name: str) -> Any:
    window.controller.show_settings(name)
    dialog = window.findChild(SettingsPage)
    assert dialog is not None
    return getattr(dialog, name)


def check_city(text: str) -> None:
    city = json.loads(text)
    assert list(city) == ["name", "is_capital"]
    assert isinstance(city["is_capital"], bool)


@pytest.mark.slow
@pytest.mark.skipif(library_folder() is None, reason="the engine was built without RPC")
def test_programs_the_window_and_another_pc_share_the_model(
    open_window: OpenWindow, qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    window = open_window()
    services = window.controller.services
    services.settings.change(
        model_id="starter", max_tokens=60, local_server_port=free_port(), lend_port=free_port(), titles_by_model=False
    )
    server = page_of(window, "local_server")
    server.form.controls["local_server"].click()
    qtbot.waitUntil(lambda: server.address.text().endswith("/v1"), timeout=PATIENCE_MS)
    url = server.address.text()
    window.centre.show_first()

    # Both stream when the question comes: the first gets its answer, the second waits behind the window.
    first = Program(url, "Count to one hundred.", max_tokens=60, stop=None)
    qtbot.waitUntil(lambda: first.begun > 0, timeout=PATIENCE_MS)
    second = Program(url, "Tell a story.", max_tokens=60)
    qtbot.waitUntil(lambda: services.local_server.status().waiting == 1, timeout=PATIENCE_MS)
    send(qtbot, window, "Name a colour.")
    answer = wait_for_answer(qtbot, window)
    answered_at = time.monotonic()
    assert answer.content
    assert answer.error is None
    qtbot.waitUntil(lambda: second.ended > 0, timeout=PATIENCE_MS)
    assert first.ended < answered_at
    assert first.ended < second.begun
    assert first.text
    assert second.text
    assert len(services.local_server.status().clients) == 1
    assert services.local_server.status().requests == 2

    # JSON, for a program and in the window.
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
    program = Program(url, "What is the capital of France?", response_format=form)
    qtbot.waitUntil(lambda: program.ended > 0, timeout=PATIENCE_MS)
    check_city(program.text)
    panel = opened(qtbot, window)
    panel.format.kind.setCurrentIndex(panel.format.kind.findData(SCHEMA))
    panel.format.schema.setPlainText(json.dumps(CITY))
    session = window.controller.conversation.session
    qtbot.waitUntil(
        lambda: (sampling := session.overrides().sampling) is not None and sampling.json_schema == json.dumps(CITY),
        timeout=PATIENCE_MS,
    )
    close(qtbot, window, panel)
    send(qtbot, window, "And of Italy?")
    check_city(wait_for_answer(qtbot, window).content)

    # Another data folder is the other PC.
    lending = page_of(window, "lending")
    lending.switch.click()
    qtbot.waitUntil(lambda: lending.copy.isVisibleTo(lending) and lending.switch.isEnabled(), timeout=PATIENCE_MS)
    address = lending.address.text()
    window.findChild(SettingsPage).back_button.click()
    with window_over(tmp_path / "other", qapp, qtbot) as other:
        other.controller.services.settings.change(model_id="starter", max_tokens=20, titles_by_model=False)
        devices = page_of(other, "devices")
        devices.address.setText(address)
        qtbot.keyClick(devices.address, Qt.Key.Key_Return)
        row = lambda: find(devices, f"server{address}").explanation.text()  # noqa: E731
        qtbot.waitUntil(lambda: devices.refresh_button.isEnabled() and "RPC0" in row(), timeout=PATIENCE_MS)
        other.findChild(SettingsPage).back_button.click()
        send(qtbot, other, "Name a colour.")
        # The weights go through the network, between two engines that share the processor.
        qtbot.waitUntil(
            lambda: bool(branch(other)) and other.controller.conversation.session.running is None,
            timeout=10 * PATIENCE_MS,
        )
        far = branch(other)[-1]
        assert far.content
        assert far.provenance is not None
        (lent,) = [each for each in far.provenance.plan["devices"] if each["name"] == "RPC0"]
        assert lent["actual"]["weights_bytes"] > 0
        qtbot.waitUntil(
            lambda: services.lender.state is not None and services.lender.state.used_bytes > 0, timeout=PATIENCE_MS
        )
        # The model of this PC answers meanwhile.
        send(qtbot, window, "And of Spain?")
        check_city(wait_for_answer(qtbot, window).content)
    lending = page_of(window, "lending")
    lending.switch.click()
    qtbot.waitUntil(lambda: services.lender.state is None and lending.switch.isEnabled(), timeout=PATIENCE_MS)
