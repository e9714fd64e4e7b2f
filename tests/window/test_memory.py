"""The memory in the window: the list in the settings, the switch of a conversation, and *Remember this…*."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox
from pytestqt.qtbot import QtBot

from tests.rigs.openai_server import openai_server
from tests.window.conftest import OpenWindow
from tests.window.input import find, send, wait_for_answer
from tests.window.test_servers import open_settings, said
from ui.settings.fact_dialog import FactDialog
from ui.settings.memory import SEARCHED_FROM, MemorySettings
from ui.window.main_window import MainWindow


def facts(window: MainWindow) -> list[str]:
    return [each.text for each in window.controller.services.store.facts()]


def shown(page: MemorySettings) -> list[str]:
    return [row.fact.text for row in page.rows if not row.isHidden()]


def test_facts_are_added_edited_searched_copied_and_deleted(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    dialog = open_settings(window, qtbot)
    page = dialog.memory
    assert page.copy.isHidden()
    assert page.none.isVisible()
    qtbot.keyClicks(page.text, "I live in Oslo")
    qtbot.keyClick(page.text, Qt.Key.Key_Return)
    page.text.setText("I'm vegetarian")
    page.add_button.click()
    assert page.text.text() == ""
    assert shown(page) == ["I'm vegetarian", "I live in Oslo"]
    assert page.none.isHidden()
    page.add_button.click()
    assert "has no text" in said(dialog, "memoryStatus")
    page.rows[1].edit.click()
    editor = window.findChild(FactDialog)
    assert editor is not None
    editor.field.setPlainText("x" * 501)
    assert not editor.save.isEnabled()
    editor.field.setPlainText("I live in Bergen")
    editor.save.click()
    assert shown(page) == ["I'm vegetarian", "I live in Bergen"]
    page.copy.click()
    assert QGuiApplication.clipboard().text() == "I live in Bergen\nI'm vegetarian"
    page.rows[0].delete.click()
    assert facts(window) == ["I live in Bergen"]
    page._status.action.click()
    assert sorted(facts(window)) == ["I live in Bergen", "I'm vegetarian"]
    assert page.search.isHidden()
    for number in range(SEARCHED_FROM - 2):
        page.text.setText(f"fact {number}")
        page.add()
    page.search.setText("VEGE")
    assert shown(page) == ["I'm vegetarian"]


def test_the_memory_is_switched_off_for_all_or_one_conversation(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    services, session = window.controller.services, window.controller.conversation.session
    services.store.add_fact("I'm vegetarian")
    window.controller.toggle_conversation_settings()
    box = find(window, "conversationMemory", QCheckBox)
    assert box.isChecked()
    assert "vegetarian" in session.effective("").system_prompt
    box.click()
    assert "vegetarian" not in session.effective("").system_prompt
    window.controller.conversation.open_temporary()
    panel = window.controller._conversation_settings
    assert panel is not None
    assert (panel.memory.isChecked(), panel.memory.isEnabled()) == (False, False)
    page = open_settings(window, qtbot).memory
    page.form.controls["memory"].click()
    assert not services.settings.current.memory
    assert not page.form.rows["memory_tool"].isEnabled()
    assert not page.form.rows["memory_unasked"].isEnabled()


def test_a_message_is_remembered_from_its_menu(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    with openai_server(words=("You", " are", " **vegetarian**."), context=100_000) as server:
        services = window.controller.services
        services.settings.change(titles_by_model=False)
        window.controller.models.use(services.servers.add(server.url).model_id("apus"))
        send(qtbot, window, "I eat no meat")
        message = wait_for_answer(qtbot, window)
    page = window.controller.transcript.page
    assert all("remember" in item.actions for item in page.items)
    window.controller.conversation.act("remember", message.id)
    dialog = window.findChild(FactDialog)
    assert dialog is not None
    assert dialog.field.toPlainText() == "You are vegetarian."
    dialog.reject()
    dialog.setParent(None)
    # A fact has one line: of a longer message the first one or what is selected is offered.
    longer = services.store.edit_answer(message.id, "You like tea.\n\n- green\n- from Japan")
    window.controller.conversation.refresh()
    window.controller.conversation.act("remember", longer.id)
    dialog = window.findChild(FactDialog)
    assert dialog is not None
    assert dialog.field.toPlainText() == "You like tea."
    dialog.field.setPlainText("I'm vegetarian.")
    dialog.save.click()
    assert facts(window) == ["I'm vegetarian."]
    assert "Remembered" in window.notice._text.text()
    services.settings.change(memory=False)
    window.controller.conversation.refresh()
    assert not any("remember" in item.actions for item in page.items)
