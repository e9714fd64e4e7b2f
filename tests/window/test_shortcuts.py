"""Shortcuts that the user changes: other keys, conflicts, none, defaults; tool tips and the palette follow."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find
from ui.settings.page import SettingsPage
from ui.settings.shortcuts import assigned_keys
from ui.settings.shortcuts_dialog import KeyButton, ShortcutsDialog
from ui.widgets.filter_panel import FilterPanel
from ui.window.main_window import MainWindow


def press(qtbot: QtBot, window: MainWindow, keys: str) -> None:
    with qtbot.waitActive(window):
        window.activateWindow()
    sequence = QKeySequence(keys)[0]
    qtbot.keyClick(window.composer.field, sequence.key(), sequence.keyboardModifiers())


def dialog_of(window: MainWindow) -> ShortcutsDialog:
    window.controller.show_shortcuts()
    return window.findChildren(ShortcutsDialog, "shortcutsDialog")[-1]


def assign(qtbot: QtBot, button: KeyButton, keys: str) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Press keys…"
    sequence = QKeySequence(keys)[0]
    qtbot.keyClick(button, sequence.key(), sequence.keyboardModifiers())
    assert button.text() != "Press keys…"


def test_other_keys_work_and_are_shown_everywhere(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    dialog = dialog_of(window)
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    assert any("Grey ones can't be changed." in text for text in texts)
    assert dialog.buttons["next_version"].text() == "Alt+→"
    assert "Ctrl+↓ or Alt+↓" in texts
    assign(qtbot, dialog.buttons["sidebar"], "Ctrl+Alt+B")
    assert dialog.buttons["sidebar"].text() == "Ctrl+Alt+B"
    assert not dialog.status.label.text()
    dialog.accept()
    assert window.header.sidebar_button.toolTip() == "Show or hide conversations (Ctrl+Alt+B)"
    press(qtbot, window, "Ctrl+B")
    assert window.sidebar.isVisible()
    press(qtbot, window, "Ctrl+Alt+B")
    assert not window.sidebar.isVisible()
    press(qtbot, window, "Ctrl+K")
    panel = window.findChildren(FilterPanel, "palette")[-1]
    qtbot.keyClicks(panel.field, "show or hide conv")
    assert panel.entries()[0].value == "Ctrl+Alt+B"
    qtbot.keyClick(panel.field, Qt.Key.Key_Escape)

    # Also after a restart, and in another language.
    window = open_window()
    assert window.header.sidebar_button.toolTip().endswith("(Ctrl+Alt+B)")
    window.controller._change_setting("language", "zh_CN")
    qtbot.waitUntil(lambda: window.header.sidebar_button.toolTip().endswith("(Ctrl+Alt+B)"), timeout=PATIENCE_MS)
    window.controller._change_setting("language", "en")
    dialog = dialog_of(window)
    qtbot.mouseClick(dialog.defaults, Qt.MouseButton.LeftButton)
    assert dialog.buttons["sidebar"].text() == "Ctrl+B"
    assert not dialog.defaults.isEnabled()
    assert window.controller.services.settings.current.shortcuts == ""
    dialog.accept()
    assert window.header.sidebar_button.toolTip().endswith("(Ctrl+B)")


def test_a_key_that_is_used_already_is_reported(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    dialog = dialog_of(window)
    assign(qtbot, dialog.buttons["sidebar"], "Ctrl+N")
    assert dialog.status.label.text() == "Ctrl+N is already used for “New conversation”."
    assert dialog.buttons["sidebar"].text() == "Ctrl+B"
    qtbot.mouseClick(dialog.status.action, Qt.MouseButton.LeftButton)
    assert dialog.buttons["sidebar"].text() == "Ctrl+N"
    assert dialog.buttons["new"].text() == "None"
    assert window.sidebar.new_button.toolTip() == "New conversation"
    # Keys of the widget with the focus can't be taken from it.
    assign(qtbot, dialog.buttons["new"], "Ctrl+Shift+C")
    assert "Copy selection as Markdown" in dialog.status.label.text()
    assert dialog.status.action.isHidden()
    for keys in ("A", "Shift+Home", "Ctrl+V", "Tab"):
        assign(qtbot, dialog.buttons["new"], keys)
        assert dialog.status.label.text().endswith("is needed for editing text.")
    assign(qtbot, dialog.buttons["new"], "F9")
    assert dialog.buttons["new"].text() == "F9"
    assign(qtbot, dialog.buttons["new"], "Backspace")
    assert dialog.buttons["new"].text() == "None"
    assign(qtbot, dialog.buttons["sidebar"], "Esc")
    assert dialog.buttons["sidebar"].text() == "Ctrl+N"
    assert dialog.isVisible()
    dialog.accept()
    press(qtbot, window, "Ctrl+N")
    assert not window.sidebar.isVisible()


def test_the_settings_lead_to_the_shortcuts(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.show_settings()
    settings = find(window, "settingsDialog", SettingsPage)
    qtbot.mouseClick(find(settings, "shortcutsButton"), Qt.MouseButton.LeftButton)
    assert window.findChild(ShortcutsDialog) is not None


@pytest.mark.parametrize("stored", ["", "{", "[]", '{"sidebar": 5}', '{"gone": ["Ctrl+1"]}', "null", '{"new": "x"}'])
def test_what_is_not_understood_is_ignored(stored: str) -> None:
    assert assigned_keys(stored) == assigned_keys("")
