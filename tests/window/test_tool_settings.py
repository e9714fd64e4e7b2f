"""Tools section of the settings over real MCP servers."""

from __future__ import annotations

import json
import sys

import psutil
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tests.rigs import hostile_tool_server
from tests.tools.test_connection import servers_running
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS
from tests.window.test_servers import open_settings
from ui.conversation.tool_choice import ToolChoice
from ui.settings.tools import ToolSettings

COMMAND = [sys.executable, hostile_tool_server.__file__]


def tools_page(open_window: OpenWindow, qtbot: QtBot) -> ToolSettings:
    page = open_settings(open_window(), qtbot).tools
    page.text.setFocus()
    return page


def said(page: ToolSettings) -> str:
    label = page.findChild(QLabel, "toolsStatus")
    assert label is not None
    return label.text()


def test_a_pasted_server_is_added_connected_switched_off_and_removed(open_window: OpenWindow, qtbot: QtBot) -> None:
    before = servers_running()
    page = tools_page(open_window, qtbot)
    text = json.dumps({"mcpServers": {"rig": {"command": COMMAND[0], "args": COMMAND[1:]}}}, indent=2)
    page.text.setPlainText(text[:-3])
    assert "isn't the configuration of an MCP server" in page.check.text()
    qtbot.keyClick(page.text, Qt.Key.Key_Return)
    assert not page.rows
    page.text.setPlainText(text)
    assert page.check.text().startswith(f"rig: {COMMAND[0]}")
    qtbot.keyClick(page.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: [*page.rows] == ["rig"], timeout=PATIENCE_MS)
    assert said(page) == "Added rig."
    assert page.text.toPlainText() == ""
    assert page.check.isHidden()
    assert servers_running() == before

    row = page.rows["rig"]
    assert row.state.text() == "Not connected"
    assert row.show_tools.isHidden()
    row.connect_button.click()
    qtbot.waitUntil(lambda: row.state.text() == "Connected, 9 tools", timeout=PATIENCE_MS)
    assert len(servers_running()) == len(before) + 1
    row.show_tools.click()
    assert row.tools.isVisible()
    assert "<b>echo</b>" in row.tools.text()
    row.show_tools.click()
    assert row.tools.isHidden()

    row.switch.click()
    qtbot.waitUntil(lambda: row.state.text() == "Not connected", timeout=PATIENCE_MS)
    assert servers_running() == before
    assert not row.connect_button.isEnabled()
    row.remove.click()
    qtbot.waitUntil(lambda: said(page) == "Removed rig.", timeout=PATIENCE_MS)
    assert not page.rows
    page._status.action.click()
    qtbot.waitUntil(lambda: [*page.rows] == ["rig"], timeout=PATIENCE_MS)
    assert not page.rows["rig"].switch.isChecked()


def test_problems_are_shown_in_the_row_and_a_start_can_be_cancelled(open_window: OpenWindow, qtbot: QtBot) -> None:
    page = tools_page(open_window, qtbot)
    page.text.setPlainText("no-such-program --stdio")
    page.add_button.click()
    assert "there's no program “no-such-program” on this computer" in said(page)
    assert not page.rows
    assert page.check.isHidden(), "once is enough"
    page.text.setPlainText('{"command": "no-such-program --stdio"}')
    page.add_button.click()
    qtbot.waitUntil(lambda: said(page) == "Added no-such-program.", timeout=PATIENCE_MS)
    row = page.rows["no-such-program"]
    qtbot.waitUntil(row.connect_button.hasFocus, timeout=PATIENCE_MS)
    qtbot.keyClick(row.connect_button, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: row.state.text() == "Failed", timeout=PATIENCE_MS)
    assert "Node.js" in row.problem.text()
    choice = ToolChoice(page._tools, model_knows_tools=True)
    assert any(each.text() == "It couldn't be reached when it was last tried." for each in choice.sizes)
    choice.deleteLater()
    page.text.setPlainText('{"command": "no-such-program"}')
    page.add_button.click()
    qtbot.waitUntil(lambda: "already a tool server no-such-program" in said(page), timeout=PATIENCE_MS)

    page.text.setPlainText(json.dumps({"mute": {"command": COMMAND[0], "args": [COMMAND[1], "mute"]}}))
    page.add_button.click()
    qtbot.waitUntil(lambda: "mute" in page.rows, timeout=PATIENCE_MS)
    mute = page.rows["mute"]
    before = servers_running()
    mute.connect_button.click()
    assert (mute.state.text(), mute.connect_button.text()) == ("Connecting…", "Cancel")
    qtbot.waitUntil(lambda: servers_running() > before, timeout=PATIENCE_MS)
    started = servers_running() - before
    mute.connect_button.click()
    qtbot.waitUntil(lambda: mute.state.text() == "Not connected", timeout=PATIENCE_MS)
    assert not psutil.wait_procs(started, timeout=PATIENCE_MS / 1000)[1]
