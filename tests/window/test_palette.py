"""The palette: conversations, models, presets, settings and commands in one search."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.config.paths import resources
from app.config.settings import Settings
from app.conversation import Shelf, Status
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find, titles
from ui.settings.page import SettingsPage
from ui.widgets.dialog_parts import Row
from ui.widgets.filter_panel import Entry, FilterPanel
from ui.window.main_window import MainWindow

TITLES = ("量子力学导论", "Chicken soup", "Sorting files in Python", "重庆银行开户", "Dark chocolate")


@pytest.fixture
def window(open_window: OpenWindow, tmp_path: Path) -> MainWindow:
    made = open_window()
    services = made.controller.services
    services.library.register(write_tiny_model(tmp_path / "panda.gguf", name="Red panda"))
    for title in TITLES:
        services.store.create(title=title)
    made.controller.conversation.list_changed.emit()
    return made


def opened(qtbot: QtBot, window: MainWindow) -> FilterPanel:
    with qtbot.waitActive(window):
        window.activateWindow()
    keys = QKeySequence("Ctrl+K")[0]
    qtbot.keyClick(window.composer.field, keys.key(), keys.keyboardModifiers())
    panel = window.findChildren(FilterPanel, "palette")[-1]
    assert isinstance(panel, FilterPanel)
    assert panel.field.hasFocus()
    return panel


def typed(qtbot: QtBot, window: MainWindow, text: str) -> tuple[FilterPanel, list[Entry]]:
    panel = opened(qtbot, window)
    qtbot.waitUntil(lambda: len(window.controller._palette._numbers) == len(TITLES), timeout=PATIENCE_MS)
    qtbot.keyClicks(panel.field, text)
    return panel, panel.entries()


def chosen(qtbot: QtBot, window: MainWindow, text: str) -> Entry:
    """Type a text and choose the best result; return its row."""
    panel, entries = typed(qtbot, window, text)
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    assert not panel.isVisible()
    return entries[0]


def test_it_opens_with_the_latest_conversations_and_the_commands(window: MainWindow, qtbot: QtBot) -> None:
    panel = opened(qtbot, window)
    entries = panel.entries()
    assert [entry.title for entry in entries if entry.section == "Conversations"] == list(reversed(TITLES))
    commands = {entry.title: entry.value for entry in entries if entry.section == "Commands"}
    assert commands["New conversation"] == "Ctrl+N"
    # Without an answer there is nothing to repeat.
    assert "Try the last answer again" not in commands
    assert panel.key().startswith("conversation:")


@pytest.mark.parametrize(
    ("text", "title"),
    [("lzlx", TITLES[0]), ("cqyh", TITLES[3]), ("soup ch", TITLES[1]), ("sfip", TITLES[2]), ("py", TITLES[2])],
)
def test_conversations_are_found(window: MainWindow, qtbot: QtBot, text: str, title: str) -> None:
    assert chosen(qtbot, window, text).title == title
    conversation_id = window.controller.conversation.session.conversation_id
    assert window.controller.services.store.get(conversation_id).title == title
    assert window.composer.field.hasFocus()


def test_models_presets_settings_and_commands_are_chosen(window: MainWindow, qtbot: QtBot) -> None:
    assert chosen(qtbot, window, "panda").section == "Models"
    assert window.controller.models.model_id() == "panda"
    assert chosen(qtbot, window, "mathematics").section == "Presets"
    session = window.controller.conversation.session
    assert "LaTeX" in (session.overrides().system_prompt or "")
    assert "Mathematics" in window.notice.text()
    window.notice.button.click()
    assert session.overrides().system_prompt is None
    entry = chosen(qtbot, window, "zoom")
    assert (entry.section, entry.label) == ("Settings", "Appearance")
    dialog = find(window, "settingsDialog", SettingsPage)
    assert isinstance(dialog, SettingsPage)
    qtbot.waitUntil(dialog.appearance.controls["zoom"].hasFocus, timeout=PATIENCE_MS)
    dialog.back_button.click()
    was_shown = window.sidebar.isVisible()
    assert chosen(qtbot, window, "show or hide conv").section == "Commands"
    assert window.sidebar.isVisible() is not was_shown


def test_the_section_with_the_best_match_is_the_first(window: MainWindow, qtbot: QtBot) -> None:
    panel, entries = typed(qtbot, window, "dark")
    assert entries[0].title == "Dark chocolate"
    assert "".join(entries[0].title[at] for at in entries[0].positions) == "Dark"
    panel.field.setText("xylophone")
    assert [entry.section for entry in panel.entries()] == ["Search"]
    panel.field.setText("drkc")
    assert panel.entries()[0].title == "Dark chocolate"
    panel.field.setText("dark")
    assert "Automatic backups" not in [entry.title for entry in panel.entries()], "only letters of words not shown"
    panel.field.setText("top-k")
    assert panel.entries()[0].section == "Settings"
    # The shorter title, which is nearer to the text; commands are found by other words for them too.
    for text, found in {"model": "Models", "switch model": "Choose a model", "font size": "Zoom in"}.items():
        panel.field.setText(text)
        first = next(entry for entry in panel.entries() if entry.section in ("Commands", "Settings"))
        assert (first.section, first.title) == ("Commands", found)


def test_all_messages_can_be_searched_from_it(window: MainWindow, qtbot: QtBot) -> None:
    panel, _ = typed(qtbot, window, "chicken")
    qtbot.keyClick(panel.field, Qt.Key.Key_Up)
    assert panel.key() == "search:chicken"
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    assert window.sidebar.search.hasFocus()
    qtbot.waitUntil(lambda: titles(window) == ["Chicken soup"], timeout=PATIENCE_MS)


def test_archived_conversations_are_found_and_deleted_ones_not(window: MainWindow, qtbot: QtBot) -> None:
    store = window.controller.services.store
    ids = {conversation.title: conversation.id for conversation in store.list()}
    store.archive(ids["Chicken soup"])
    panel, entries = typed(qtbot, window, "chicken")
    assert (entries[0].title, entries[0].label) == ("Chicken soup", "Archive")
    qtbot.keyClick(panel.field, Qt.Key.Key_Escape)
    store.delete(ids["Chicken soup"])
    store.create(title="Another one")
    _, entries = typed(qtbot, window, "chicken")
    assert [entry.section for entry in entries] == ["Search"]


def test_the_open_conversation_is_renamed_archived_and_deleted(window: MainWindow, qtbot: QtBot) -> None:
    store, session = window.controller.services.store, window.controller.conversation.session
    _, entries = typed(qtbot, window, "delete")
    assert "Move this conversation to trash" not in [each.title for each in entries]
    find(window, "palette", FilterPanel).close_panel()
    window.controller.conversation.open(store.list()[0].id)
    assert chosen(qtbot, window, "rena").title == "Rename this conversation"
    field = find(window, "conversationTitle").findChild(QLineEdit)
    assert field.selectedText() == "Dark chocolate"
    qtbot.keyClicks(field, "Renamed")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert store.get(session.conversation_id).title == "Renamed"
    for text, title, shelf in (
        ("archive this", "Archive this conversation", Shelf.ARCHIVE),
        ("this delete", "Move this conversation to trash", Shelf.TRASH),
    ):
        conversation = store.list()[0]
        window.controller.conversation.open(conversation.id)
        before = store.count(shelf)
        assert chosen(qtbot, window, text).title == title
        assert (store.count(shelf), session.conversation_id) == (before + 1, None)
        # Both are in the sidebar, which is hidden in a narrow window.
        window.sidebar.hide()
        panel = opened(qtbot, window)
        qtbot.keyClicks(panel.field, f"show {shelf.value}")
        qtbot.keyClick(panel.field, Qt.Key.Key_Return)
        assert (window.sidebar.isVisible(), window.sidebar.list.rows.shelf) == (True, shelf)


def found(window: MainWindow, text: str, section: str) -> list[Entry]:
    """Return what the palette finds in one of its sections."""
    palette = window.controller._palette
    assert palette is not None
    return [entry for entry in palette.search(text) if entry.section == section]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_row_of_the_settings_is_found_by_its_title(open_window: OpenWindow, qtbot: QtBot, language: str) -> None:
    window = open_window()
    window.controller.apply_settings(window.controller.services.settings.change(language=language))
    QApplication.processEvents()
    window.controller.show_settings()
    page = find(window, "settingsDialog", SettingsPage)
    opened(qtbot, window).close_panel()
    section = QCoreApplication.translate("Palette", "Settings")
    titles = {row.title.text() for row in page.findChildren(Row) if row.title.text()}
    assert len(titles) > 35
    # Those are commands too, and listed once.
    once = {page.appearance.rows["shortcuts"].title.text(), page.about.form.rows["diagnostics"].title.text()}
    commands = QCoreApplication.translate("Palette", "Commands")
    for title in once:
        assert [entry.section for entry in window.controller._palette.search(title) if entry.title == title] == [
            commands
        ]
    titles -= once | {entry.title for entry in found(window, "", commands)}
    lost = [title for title in titles if title not in [entry.title for entry in found(window, title, section)]]
    assert lost == []
    # Choices by their names, before other settings; a setting that is chosen gets the focus.
    for text in {"en": ("dark", "light"), "zh_CN": ("深色", "shense", "ss", "qianse")}[language]:
        assert any(entry.key.startswith("choice:theme:") for entry in found(window, text, section)), text
    window.controller._palette._choose("setting:appearance:theme")
    qtbot.waitUntil(page.appearance.controls["theme"].hasFocus, timeout=PATIENCE_MS)
    # A choice itself is made at once, and shown by the settings.
    word = {"en": "dark", "zh_CN": "深色"}[language]
    dark = found(window, word, section)[0]
    assert (dark.key, dark.is_checked) == ("choice:theme:dark", False)
    window.controller._palette._choose(dark.key)
    assert window.controller.services.settings.current.theme == "dark"
    assert page.appearance.controls["theme"].value() == "dark"
    opened(qtbot, window).close_panel()
    assert [entry.key for entry in found(window, word, section) if entry.is_checked] == [dark.key]
    # Commands by other words than theirs.
    for text, command in {
        "en": (("switch model", "choose_model"), ("text size", "larger")),
        "zh_CN": (("换模型", "choose_model"), ("字体大小", "larger")),
    }[language]:
        assert found(window, text, commands)[0].key == f"command:{command}"
    # The fields for other servers have no row.
    for text, name in (("mcp", "toolServerText"), ({"en": "web search", "zh_CN": "lwss"}[language], "search_service")):
        key = found(window, text, section)[0].key
        assert key == f"setting:tools:{name}"
        window.controller._palette._choose(key)
        field = page.tools.text if name == "toolServerText" else page.tools.web.form.controls[name]
        qtbot.waitUntil(field.hasFocus, timeout=PATIENCE_MS)


@pytest.mark.parametrize("form", ["characters", "initials", "pinyin"])
def test_every_command_is_found_in_chinese(window: MainWindow, qtbot: QtBot, form: str) -> None:
    window.appearance.use(Settings(language="zh_CN"))
    store = window.controller.services.store
    conversation = store.create()
    answer = store.begin_turn(conversation.id, "?")[1]
    store.finish_answer(answer.id, "!", Status.COMPLETE)
    window.controller.conversation.open(conversation.id)
    opened(qtbot, window).close_panel()
    section = QCoreApplication.translate("Palette", "Commands")
    commands = window.controller._palette._others[-1].entries
    assert len(commands) > 30
    readings = {
        character: readings.split(",")
        for readings, characters in (
            line.split(" ") for line in (resources() / "pinyin.txt").read_text("utf-8").splitlines()
        )
        for character in characters
    }
    lost = []
    for command in commands:
        # Of characters with several readings the words decide; the test types any, as each is accepted.
        syllables = [readings.get(each, [each])[0] for each in command.title if each.isalnum()]
        typed = {
            "characters": command.title,
            "initials": "".join(each[0] for each in syllables),
            "pinyin": "".join(syllables),
        }[form]
        if command.key not in [each.key for each in found(window, typed, section)]:
            lost.append((command.title, typed))
    assert lost == []
    for text in {"characters": ("导出",), "initials": ("dc", "dcdh"), "pinyin": ("daochu", "daochuduihua")}[form]:
        assert found(window, text, section)[0].title == "导出对话"
