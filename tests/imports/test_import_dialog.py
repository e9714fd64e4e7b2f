"""The import dialog in the real window."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QThreadPool, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from app.config.presets import Presets
from app.store.store import ConversationStore
from tests.imports.chatgpt_export import conversation
from tests.imports.exports import cherry_studio, claude, jan, lm_studio, open_webui, silly_tavern, write
from tests.window.conftest import OpenWindow, open_window
from tests.window.input import find, indexes, titles
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
    until(qtbot, dialog.summary.text, "From ChatGPT. Conversations: 1, messages: 7. Date: 11/14/23.")
    assert titles(window) == []
    qtbot.waitUntil(dialog.start.hasFocus, timeout=30_000)
    qtbot.keyClick(dialog.start, Qt.Key.Key_Return)
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


def test_exports_of_all_programs_through_the_window(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.controller.show_import()
    dialog = find(window, "importDialog", ImportDialog)
    assert isinstance(dialog, ImportDialog)
    numbered = tmp_path / "numbered"
    write(numbered / "conversations-000.json", [conversation()])
    write(numbered / "conversations-001.json", [conversation("22222222-0000-4000-8000-000000000002", title="Reefs")])
    asked = {"messages": [{"role": "user", "content": "Depth?"}, {"role": "assistant", "content": "12 m"}]}
    exports = {
        "ChatGPT": (numbered, ["Mariana trench", "Reefs"]),
        "Claude": (claude(tmp_path / "claude"), ["Tides"]),
        "LM Studio": (lm_studio(tmp_path / "lmstudio"), ["Harbours"]),
        "Open WebUI": (open_webui(tmp_path / "openwebui"), ["Salt"]),
        "Jan": (jan(tmp_path / "jan"), ["Fog"]),
        "SillyTavern": (silly_tavern(tmp_path / "tavern"), ["Ahab - 2024-5-6"]),
        "Cherry Studio": (cherry_studio(tmp_path / "cherry"), ["Winds"]),
        "JSON Lines": (write(tmp_path / "data.jsonl", asked), ["Depth?"]),
    }
    for program, (path, expected) in exports.items():
        drop(dialog, path)
        until(qtbot, dialog.summary.text, f"From {program}. Conversations: {len(expected)}")
        dialog.start.click()
        until(qtbot, dialog.status.label.text, f"New conversations: {len(expected)}")
        dialog.summary.clear()
    dialog.accept()
    store = window.controller.services.store
    found = {each.title: each.id for each in store.list()}
    assert set(found) == {title for _path, expected in exports.values() for title in expected}
    assert {"Work", "Sailing", "气象"} <= {str(each.data()) for each in indexes(window)}
    for title, id_ in found.items():
        window.controller.conversation.open(id_)
        assert len(window.controller.transcript.page.items) == len(store.branch(id_)), title


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
