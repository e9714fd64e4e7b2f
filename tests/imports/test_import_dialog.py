"""The import dialog in the real window."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QThreadPool, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.config.presets import Presets
from app.store.store import ConversationStore
from tests.imports.chatgpt_export import conversation
from tests.window.conftest import OpenWindow, open_window
from tests.window.input import find, titles
from ui.imports.dialog import ImportDialog
from ui.settings.page import SettingsPage

__all__ = ["open_window"]
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints", extend=True)


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path) -> Iterator[ImportDialog]:
    with ConversationStore.open(tmp_path / "data") as store:
        dialog = ImportDialog(store, Presets(tmp_path / "presets.json"))
        qtbot.addWidget(dialog)
        dialog.show()
        yield dialog
        QThreadPool.globalInstance().waitForDone()


def drop(dialog: ImportDialog, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button, key = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    dialog.dropEvent(QDropEvent(QPoint(5, 5), action, data, button, key))


def until(qtbot: QtBot, text: Callable[[], str], words: str) -> None:
    qtbot.waitUntil(lambda: words in text(), timeout=30_000)


def test_archive_dropped_on_the_window(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    path = tmp_path / "Takeout.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("conversations.json", json.dumps([conversation()]))
    window.files_dropped.emit([path])
    dialog = find(window, "importDialog", ImportDialog)
    assert isinstance(dialog, ImportDialog)
    until(qtbot, dialog.summary.text, "From ChatGPT. Conversations: 1, messages: 7. Dates: 11/14/23 to ")
    assert titles(window) == []
    qtbot.mouseClick(find(dialog, "importStartButton", QPushButton), Qt.MouseButton.LeftButton)
    until(qtbot, dialog.status.label.text, "New conversations: 1, new messages: 7.")
    assert titles(window) == ["Mariana trench"]
    dialog.accept()
    window.controller.show_settings()
    settings = find(window, "settingsDialog", SettingsPage)
    assert isinstance(settings, SettingsPage)
    settings.data.import_button.click()
    again = find(settings, "importDialog", ImportDialog)
    assert isinstance(again, ImportDialog)
    drop(again, path)
    until(qtbot, again.details.text, "1 of them exist already")
    again.start.click()
    until(qtbot, again.status.label.text, "already exists")


def test_preview_of_what_cannot_be_imported(dialog: ImportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([conversation(), {"title": "changed"}, 5, 6, 7]))
    assert not dialog.start.isEnabled()
    drop(dialog, path)
    until(qtbot, dialog.summary.text, "Conversations: 1")
    assert "tool calls (1)" in dialog.details.text()
    assert "conversations.json [1] (The layout" in dialog.details.text()
    assert dialog.details.text().endswith("1 more")
    assert dialog.details.height() >= dialog.details.heightForWidth(dialog.details.width())
    assert dialog.start.isEnabled()
    path.write_text('[{"title": "changed"}]')
    drop(dialog, path)
    until(qtbot, dialog.status.label.text, "The layout of this export isn't known.")
    assert not dialog.start.isEnabled()


def test_cancelled_preview_can_be_repeated(dialog: ImportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([conversation(str(number)) for number in range(200)]))
    dialog.inspect(path)
    dialog.cancel.click()
    qtbot.waitUntil(lambda: dialog.choose_file.isEnabled(), timeout=30_000)
    dialog.inspect(path)
    until(qtbot, dialog.summary.text, "Conversations: 200")
