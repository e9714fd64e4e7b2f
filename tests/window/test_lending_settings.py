"""Lending section of the settings: switch, address for the other PC, use, limit, and a port in use."""

from __future__ import annotations

import socket

import pytest
from pytestqt.qtbot import QtBot

from tests.rigs.rpc_device import library_folder
from tests.window.conftest import OpenWindow
from tests.window.test_local_server_settings import PATIENCE_MS, free_port
from ui.settings.page import SettingsPage


@pytest.mark.skipif(library_folder() is None, reason="the engine was built without RPC")
def test_lending_is_switched_and_shows_its_address(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    services, port = window.controller.services, free_port()
    services.settings.change(lend_port=port, lend_limit_gib=1)
    window.controller.show_settings("lending")
    page = window.findChild(SettingsPage).lending
    assert page.address.text() == "Not lent"
    with socket.create_server(("0.0.0.0", port)):
        page.switch.click()
        qtbot.waitUntil(lambda: f"Port {port}" in page._status.label.text(), timeout=PATIENCE_MS)
    assert services.lender.state is None
    page.switch.click()
    qtbot.waitUntil(lambda: page.address.text().endswith(f":{port}"), timeout=PATIENCE_MS)
    assert page.switch.text() == "Stop lending"
    assert "used by other PCs" in page.form.rows["address"].explanation.text()
    qtbot.waitUntil(page.switch.isEnabled, timeout=PATIENCE_MS)
    page.switch.click()
    qtbot.waitUntil(lambda: page.address.text() == "Not lent", timeout=PATIENCE_MS)
    assert services.lender.state is None
