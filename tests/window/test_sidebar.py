"""Rows of the sidebar and the title of the open conversation, as a person uses them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from tests.window.conftest import OpenWindow
from tests.window.input import find, titles
from tests.window.test_history import rows, store_of, with_conversations


def test_title_of_the_conversation_is_in_header_and_window_title(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    button = find(window, "titleButton", QToolButton)
    assert isinstance(button, QToolButton)
    long = "Islands & the sea, " * 12
    one, two = with_conversations(window, "R&D [*]", long)
    assert window.windowTitle() == "APUS Chat"
    assert not button.isVisible()
    window.controller.conversation.open(one)
    assert window.windowTitle() == "R&D [*][*] — APUS Chat", "Qt shows the doubled mark once"
    assert button.text() == "R&&D [*]"
    window.controller.conversation.open(two)
    assert button.text().startswith("Islands")
    assert button.text().endswith("…")
    assert button.accessibleName() == f"Title: {long.strip()}"
    assert window.windowTitle() == f"{long.strip()} — APUS Chat"
    window.resize(430, 600)
    assert not button.isVisible()
    assert window.header.width() == 430, "the title never makes the window wider"
    window.resize(1100, 700)
    window.controller.conversation.open(None)
    assert window.windowTitle() == "APUS Chat"
    assert not button.isVisible()


def test_title_is_edited_in_the_header(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    (id_,) = with_conversations(window, "Old name")
    window.controller.conversation.open(id_)
    button, field = find(window, "titleButton", QToolButton), find(window, "headerTitleField", QLineEdit)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.focusWidget() is field
    qtbot.keyClicks(field, "never mind")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.isHidden()
    assert store_of(window).get(id_).title == "Old name"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(field, "New name")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert (store_of(window).get(id_).title, store_of(window).get(id_).title_is_chosen) == ("New name", True)
    assert titles(window) == ["New name"]
    assert window.windowTitle() == "New name — APUS Chat"
    assert window.focusWidget() is button
    qtbot.keyClick(rows(window), Qt.Key.Key_F2)
    editor = find(window.sidebar, "titleField", QLineEdit)
    qtbot.keyClicks(editor, "From the list")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.windowTitle() == "From the list — APUS Chat")
    store_of(window).rename(id_, "By another part")
    window.controller.conversation.list_changed.emit()
    assert button.accessibleName() == "Title: By another part"
