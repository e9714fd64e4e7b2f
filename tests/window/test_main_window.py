"""What surrounds the chat: the list, deleting and its undo, names, languages, themes, places and sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.config.settings import SettingsFile
from tests.window.conftest import OpenWindow
from tests.window.input import find, titles
from ui.settings.dialog import SettingsDialog
from ui.window.main_window import MainWindow

NAMES = (
    "conversationList", "searchField", "newConversationButton", "transcript", "composer", "sendButton", "stopButton",
    "modelButton", "contextGauge",
)  # fmt: skip


def with_conversations(window: MainWindow, *named: str) -> list[str]:
    ids = [window.controller.services.store.create(title=title).id for title in named]
    window.controller.conversation.list_changed.emit()
    return ids


@pytest.mark.parametrize("name", NAMES)
def test_stable_object_names_exist(open_window: OpenWindow, name: str) -> None:
    widget = find(open_window(), name)
    assert widget.accessibleName()


def test_window_has_names(open_window: OpenWindow) -> None:
    window = open_window()
    assert (window.objectName(), window.accessibleName()) == ("mainWindow", "APUS Chat")


def test_delete_can_be_undone(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "First", "Second")
    window.controller.conversation.open(ids[1])
    window.sidebar.list.setFocus()
    qtbot.keyClick(window.sidebar.list, Qt.Key.Key_Delete)
    assert titles(window) == ["First"]
    assert window.controller.conversation.session.is_empty
    undo = next(button for button in window.notice.findChildren(QPushButton) if button.text() == "Undo")
    qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert sorted(titles(window)) == ["First", "Second"]
    assert window.controller.conversation.session.conversation_id == ids[1]


def test_conversation_is_renamed_in_the_list(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "Old name")
    window.controller.conversation.open(ids[0])
    window.sidebar.list.setFocus()
    qtbot.keyClick(window.sidebar.list, Qt.Key.Key_F2)
    editor = find(window.sidebar, "titleField", QLineEdit)
    editor.setText("新名字")  # type: ignore[attr-defined]
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.controller.services.store.get(ids[0]).title == "新名字")
    assert titles(window) == ["新名字"]


def test_search_without_results_shows_a_message(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    with_conversations(window, "Alpha")
    window.sidebar.search.setFocus()
    qtbot.keyClicks(window.sidebar.search, "zzz")
    qtbot.waitUntil(lambda: titles(window) == [])
    assert window.sidebar._empty_label.isVisible()
    qtbot.keyClick(window.sidebar.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: titles(window) == ["Alpha"])


def test_draft_stays_with_its_conversation(open_window: OpenWindow) -> None:
    window = open_window()
    first, second = with_conversations(window, "First", "Second")
    window.controller.conversation.open(first)
    window.composer.set_text("half a thought")
    window.controller.conversation.open(second)
    assert window.composer.text() == ""
    window.controller.conversation.open(first)
    assert window.composer.text() == "half a thought"


def test_language_can_change_while_running(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    assert window.sidebar.new_button.text() == "New conversation"
    settings = window.controller.services.settings.change(language="zh_CN")
    window.controller.apply_settings(settings)
    qtbot.waitUntil(lambda: window.sidebar.new_button.text() == "新建对话")
    window.controller.apply_settings(window.controller.services.settings.change(language="en"))
    qtbot.waitUntil(lambda: window.sidebar.new_button.text() == "New conversation")


def test_theme_can_change_while_running(open_window: OpenWindow) -> None:
    window = open_window()
    light = window.grab().toImage().pixelColor(window.width() // 2 + 100, 100).lightness()
    window.controller.apply_settings(window.controller.services.settings.change(theme="dark"))
    dark = window.grab().toImage().pixelColor(window.width() // 2 + 100, 100).lightness()
    assert light > 200
    assert dark < 60


def test_reduced_motion_is_a_setting_that_reaches_the_transcript(open_window: OpenWindow) -> None:
    window = open_window()
    transcript = window.controller.transcript
    assert not transcript._reduced_motion
    window.controller.show_settings()
    dialog = find(window, "settingsDialog", SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    dialog.appearance.controls["reduced_motion"].click()
    assert transcript._reduced_motion
    dialog.reject()
    assert open_window().controller.transcript._reduced_motion


def test_size_and_open_conversation_are_restored(open_window: OpenWindow) -> None:
    window = open_window()
    ids = with_conversations(window, "One", "Two")
    window.controller.conversation.open(ids[0])
    window.resize(777, 555)
    window = open_window()
    assert (window.width(), window.height()) == (777, 555)
    assert window.controller.conversation.session.conversation_id == ids[0]


def test_a_damaged_size_is_ignored(open_window: OpenWindow, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    SettingsFile(tmp_path / "data" / "settings.json").change(window_geometry="a b%ä")
    window = open_window()
    assert window.isVisible()


def test_narrow_window_hides_the_sidebar(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    assert window.sidebar.isVisible()
    window.resize(560, 500)
    qtbot.waitUntil(lambda: not window.sidebar.isVisible())
    window.resize(1000, 700)
    qtbot.waitUntil(window.sidebar.isVisible)
    qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert not window.sidebar.isVisible()


@pytest.mark.parametrize(
    ("keys", "name"),
    [((Qt.Key.Key_Comma,), "settingsDialog"), ((Qt.Key.Key_M,), "modelsDialog"), ((Qt.Key.Key_E,), "exportDialog")],
)
def test_dialogs_open_with_shortcuts_and_close_with_escape(
    open_window: OpenWindow, qtbot: QtBot, keys: tuple[Qt.Key, ...], name: str
) -> None:
    window = open_window()
    ids = with_conversations(window, "One")
    window.controller.conversation.open(ids[0])
    qtbot.keyClick(window, keys[0], Qt.KeyboardModifier.ControlModifier)
    dialog = find(window, name)
    assert dialog.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(QWidget, name) is None)


def test_added_model_file_is_selected(open_window: OpenWindow, qtbot: QtBot, tiny_model: Path) -> None:
    window = open_window()
    window.controller.models.add_file(tiny_model)
    qtbot.waitUntil(lambda: window.controller.services.settings.current.model_id == "tiny")
    window.controller.models.add_file(tiny_model.parent / "none.gguf")
    qtbot.waitUntil(lambda: "doesn't exist" in window.notice.text())
    assert window.controller.services.settings.current.model_id == "tiny"
