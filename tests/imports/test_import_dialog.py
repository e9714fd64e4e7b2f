"""The import dialog in the real window."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.imports.chatgpt_export import conversation
from tests.window.conftest import OpenWindow, open_window
from tests.window.input import find, titles
from ui.imports.dialog import ImportDialog
from ui.settings.dialog import SettingsDialog
from ui.window.main_window import MainWindow

__all__ = ["open_window"]
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints", extend=True)


@pytest.fixture
def window(open_window: OpenWindow) -> MainWindow:
    return open_window()


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> ImportDialog:
    window.controller.show_settings()
    settings = find(window, "settingsDialog", SettingsDialog)
    assert isinstance(settings, SettingsDialog)
    settings.data.import_button.click()
    return find(settings, "importDialog", ImportDialog)  # type: ignore[return-value]


def drop(dialog: ImportDialog, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button, key = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    dialog.dropEvent(QDropEvent(QPoint(5, 5), action, data, button, key))


def until(qtbot: QtBot, text: Callable[[], str], words: str) -> None:
    qtbot.waitUntil(lambda: words in text(), timeout=30_000)


def test_preview_and_import(window: MainWindow, dialog: ImportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([conversation(), {"title": "changed"}, 5]))
    assert not dialog.start.isEnabled()
    drop(dialog, path)
    until(qtbot, dialog.summary.text, "From ChatGPT. Conversations: 1, messages: 7. Dates: 11/14/23 to ")
    assert "tool calls (1)" in dialog.details.text()
    assert "conversations.json [1] (" in dialog.details.text()
    assert titles(window) == []
    qtbot.mouseClick(find(dialog, "importStartButton", QPushButton), Qt.MouseButton.LeftButton)
    until(qtbot, dialog.status.label.text, "New conversations: 1, new messages: 7.")
    assert titles(window) == ["Mariana trench"]
    assert not dialog.start.isEnabled()
    drop(dialog, path)
    until(qtbot, dialog.details.text, "1 of them exist already")
    dialog.start.click()
    until(qtbot, dialog.status.label.text, "already exists")


def test_other_files_and_cancelling(dialog: ImportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('{"a": 1}')
    dialog.inspect(path)
    until(qtbot, dialog.status.label.text, "No conversations were found")
    assert not dialog.start.isEnabled()
    path.write_text(json.dumps([conversation(str(number)) for number in range(200)]))
    dialog.inspect(path)
    dialog.cancel.click()
    qtbot.waitUntil(lambda: dialog.choose_file.isEnabled(), timeout=30_000)
    dialog.inspect(path)
    until(qtbot, dialog.summary.text, "Conversations: 200")


def test_archive_dropped_on_the_window(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "Takeout.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("conversations.json", json.dumps([conversation()]))
    window.files_dropped.emit([path])
    dialog = find(window, "importDialog", ImportDialog)
    assert isinstance(dialog, ImportDialog)
    until(qtbot, dialog.summary.text, "Conversations: 1, messages: 7.")
    dialog.start.click()
    qtbot.waitUntil(lambda: titles(window) == ["Mariana trench"], timeout=30_000)
