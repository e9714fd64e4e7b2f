"""Data section of the settings: backups, imports, deleting all data."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QListWidget, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.config.drafts import Draft
from app.config.presets import ConversationOverrides
from app.conversation import Attachment, Status
from app.store.store import ConversationStore
from tests.window.conftest import OpenWindow
from tests.window.input import find, titles
from ui.export.dialog import ExportDialog
from ui.settings.backups import BackupsPage
from ui.settings.data import EraseDialog
from ui.settings.page import SettingsPage
from ui.settings.sections import SECTIONS
from ui.window.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints", extend=True)


def store_of(window: MainWindow) -> ConversationStore:
    return window.controller.services.store


def say(store: ConversationStore, title: str) -> str:
    talk = store.create(title=title)
    _, answer = store.begin_turn(talk.id, "?", attachments=[Attachment("a.txt", f"{title} attached")])
    store.finish_answer(answer.id, f"{title} answered", Status.COMPLETE)
    return talk.id


@pytest.fixture
def window(open_window: OpenWindow) -> MainWindow:
    return open_window()


@pytest.fixture
def settings(window: MainWindow) -> SettingsPage:
    window.controller.show_settings()
    return find(window, "settingsDialog", SettingsPage)  # type: ignore[return-value]


def backups(settings: SettingsPage) -> BackupsPage:
    # The page may have been left.
    settings.data.backups_requested.emit()
    return find(settings.window(), "backupsDialog", BackupsPage)  # type: ignore[return-value]


def rows(dialog: BackupsPage) -> list[str]:
    found = find(dialog, "backupsList", QListWidget)
    assert isinstance(found, QListWidget)
    return [found.item(row).text() for row in range(found.count())]


def confirm(qtbot: QtBot, dialog: BackupsPage, name: str) -> None:
    box = find(dialog, "restoreQuestion", QMessageBox)
    qtbot.mouseClick(find(box, name, QPushButton), Qt.MouseButton.LeftButton)


def said(qtbot: QtBot, text: Callable[[], str], words: str) -> None:
    qtbot.waitUntil(lambda: words in text(), timeout=20_000)


def test_all_conversations_are_exported_from_the_settings(window: MainWindow, settings: SettingsPage) -> None:
    say(store_of(window), "first")
    store_of(window).delete(say(store_of(window), "second"))
    settings.data.export_button.click()
    dialog = find(window, "exportDialog", ExportDialog)
    assert isinstance(dialog, ExportDialog)
    assert dialog.scope.everything.isChecked()
    assert dialog.scope.everything.text() == "All conversations outside the trash (1)"
    dialog.reject()


def test_backup_is_made_and_restored(window: MainWindow, qtbot: QtBot) -> None:
    first = say(store_of(window), "first")
    window.controller.conversation.open(first)
    window.controller.show_settings()
    dialog = backups(window.centre.page)  # type: ignore[arg-type]
    status = dialog.status.label.text
    assert (rows(dialog), dialog.restore.isEnabled()) == ([], False)
    dialog.make.setFocus()
    qtbot.keyClick(dialog.make, Qt.Key.Key_Return)
    assert not dialog.make.isEnabled()
    said(qtbot, status, "Backup complete")
    assert dialog.make.hasFocus()
    assert any("manual" in row for row in rows(dialog)), "the copy of the day may be there too"
    second = say(store_of(window), "second")
    store_of(window).delete(first)
    window.controller.conversation.open(second)
    assert window.centre.page is None, "opening a conversation leaves the pages"
    window.controller.show_backups()
    dialog = window.centre.page  # type: ignore[assignment]
    status = dialog.status.label.text
    dialog.list.setCurrentRow(next(place for place, row in enumerate(rows(dialog)) if "manual" in row))
    qtbot.mouseClick(dialog.restore, Qt.MouseButton.LeftButton)
    confirm(qtbot, dialog, "confirmRestoreButton")
    said(qtbot, status, "Restored")
    assert titles(window) == ["first"]
    assert window.controller.conversation.session.conversation_id is None, "the open one is gone"
    assert "before a restore" in rows(dialog)[0]
    dialog.list.setCurrentRow(0)
    dialog.list.itemActivated.emit(dialog.list.item(0))
    confirm(qtbot, dialog, "confirmRestoreButton")
    qtbot.waitUntil(lambda: titles(window) == ["second"])


def test_cancelled_or_failed_restore_changes_nothing(
    window: MainWindow, settings: SettingsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    talk = say(store_of(window), "kept")
    dialog = backups(settings)
    foreign = tmp_path / "notes.sqlite3"
    foreign.write_text("no database")
    dialog.ask_to_restore(foreign)
    box = find(dialog, "restoreQuestion", QMessageBox)
    assert "notes.sqlite3" in box.text()  # type: ignore[attr-defined]
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: dialog.findChild(QMessageBox, "restoreQuestion") is None)
    dialog.ask_to_restore(foreign)
    confirm(qtbot, dialog, "confirmRestoreButton")
    said(qtbot, dialog.status.label.text, "choose another backup")
    qtbot.waitUntil(lambda: dialog.findChild(QMessageBox, "restoreQuestion") is None)
    sound = store_of(window).backup_now()
    _, answer = store_of(window).begin_turn(talk, "now")
    dialog.ask_to_restore(sound.path)
    confirm(qtbot, dialog, "confirmRestoreButton")
    said(qtbot, dialog.status.label.text, "An answer isn't finished")
    store_of(window).finish_answer(answer.id, "", Status.COMPLETE)
    assert [each.title for each in store_of(window).list()] == ["kept"]


def test_data_section_stays_in_view_and_facts_vanish_when_all_data_is_deleted(window: MainWindow, qtbot: QtBot) -> None:
    services = window.controller.services
    for number in range(8):
        services.store.add_fact(f"SECRET fact {number}")
    services.settings.change(preset_id=services.presets.add("SECRET preset", ConversationOverrides("prompt")).id)
    window.controller.show_settings("data")
    settings: SettingsPage = window.centre.page  # type: ignore[assignment]
    bar = settings._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() > 0)
    settings.data.erase.setFocus()
    before = bar.value()
    settings.data.erase.click()
    dialog = find(settings, "eraseDialog", EraseDialog)
    dialog.sure.setChecked(True)
    qtbot.mouseClick(dialog.erase, Qt.MouseButton.LeftButton)
    assert bar.value() == before, "a button that loses the focus as it is disabled moved the page"
    said(qtbot, settings._status.label.text, "deleted")
    assert settings.memory.rows == []
    presets = settings.conversation.controls["preset_id"]
    assert (presets.currentText(), presets.findText("SECRET preset")) == ("None", -1)
    assert window.focusWidget() is settings.data.erase


def test_all_data_is_deleted_after_confirmation(
    window: MainWindow, settings: SettingsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    services = window.controller.services
    store = services.store
    talk = say(store, "SECRET")
    store.delete(say(store, "SECRET in the bin"))
    store.archive(say(store, "SECRET put away"))
    store.backup_now()
    copies = len(store.backups())
    services.presets.add("SECRET preset", ConversationOverrides("SECRET prompt"))
    services.drafts.put(None, Draft("SECRET draft"))
    services.drafts.save()
    services.folder.logs.mkdir(exist_ok=True)
    for name in ("apus-chat.log", "apus-chat.log.1", "engine.log"):
        (services.folder.logs / name).write_text("SECRET line")
    (services.folder.root / "presets.json.damaged").write_text("SECRET")
    # As processes leave them that are killed while they write.
    (services.folder.root / ".drafts.json.01234567.new").write_text("SECRET")
    (services.folder.conversations / ".0123.part").write_text("SECRET")
    services.states.path.mkdir()
    services.states.file(talk).write_text("SECRET")
    services.states.file(talk).with_suffix(".state.123.partial").write_text("SECRET")
    services.settings.change(temperature=0.3, model_id="starter")
    window.controller.conversation.open(talk)
    window.controller.show_settings()
    settings = window.centre.page  # type: ignore[assignment]
    settings.data.erase.click()
    dialog = find(settings, "eraseDialog", EraseDialog)
    assert isinstance(dialog, EraseDialog)
    assert copies >= 1
    assert "3 in total" in dialog.deleted.text()
    assert not dialog.erase.isEnabled()
    dialog.sure.click()
    qtbot.mouseClick(dialog.erase, Qt.MouseButton.LeftButton)
    said(qtbot, settings.data._status.label.text, "All your data has been deleted.")
    assert titles(window) == []
    assert window.controller.conversation.session.is_empty
    assert (services.settings.current.temperature, services.settings.current.model_id) == (0.3, "starter")
    for path in services.folder.root.rglob("*"):
        if path.is_file():
            assert b"SECRET" not in path.read_bytes(), path
    assert say(store, "life goes on")


def test_a_backup_saved_without_a_suffix_gets_one(
    window: MainWindow, settings: SettingsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    say(store_of(window), "kept")
    settings.data.back_up.click()
    dialog = find(settings, "fileDialog", QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile("backup")
    dialog.accept()
    said(qtbot, settings.data._status.label.text, "Backup saved")
    assert (tmp_path / "backup.sqlite3").is_file()


def test_the_conversation_cache_is_shown_and_cleared(window: MainWindow, settings: SettingsPage, qtbot: QtBot) -> None:
    states, form = window.controller.services.states, settings.data.form
    states.path.mkdir()
    # States of unknown conversations are deleted after the start.
    names = [window.controller.services.store.create().id for _ in range(2)]
    assert form.rows["cache"].explanation.text() == "None"
    assert not settings.data.clear_cache.isEnabled()
    for clear in (
        lambda: settings.data.clear_cache.click(),
        lambda: form.controls["conversation_cache"].changed.emit(0),
    ):
        for name in names:
            states.file(name).write_bytes(bytes(3 << 20))
        settings.hide()
        settings.show()
        assert "Conversations: 2, 6 MiB" in form.rows["cache"].explanation.text()
        clear()
        qtbot.waitUntil(lambda: form.rows["cache"].explanation.text() == "None")
        assert states.files() == []
    assert window.controller.services.settings.current.conversation_cache == 0


def test_a_deleted_conversation_has_no_state(window: MainWindow, qtbot: QtBot) -> None:
    store, states = store_of(window), window.controller.services.states
    talks = [say(store, text) for text in ("one", "two", "three", "four")]
    states.path.mkdir()
    for talk in (*talks, "a conversation that is gone"):
        states.file(talk).write_bytes(b"state")
    store.delete(talks[0])
    store.archive(talks[1])
    store.delete_message(store.branch(talks[2])[-1].id)
    assert not states.file(talks[0]).exists()
    assert not states.file(talks[2]).exists()
    # Two seconds after the start.
    qtbot.waitUntil(lambda: len(states.files()) == 2, timeout=20_000)
    assert set(states.files()) == {states.file(talks[1]), states.file(talks[3])}


def test_nothing_is_deleted_during_an_answer_or_without_confirmation(
    window: MainWindow, settings: SettingsPage, qtbot: QtBot
) -> None:
    talk = say(store_of(window), "kept")
    settings.data.erase.click()
    dialog = find(settings, "eraseDialog", EraseDialog)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: settings.findChild(EraseDialog, "eraseDialog") is None)
    store_of(window).begin_turn(talk, "now")
    settings.data.erase.click()
    dialog = find(settings, "eraseDialog", EraseDialog)
    assert isinstance(dialog, EraseDialog)
    dialog.sure.click()
    dialog.erase.click()
    said(qtbot, settings.data._status.label.text, "An answer isn't finished")
    assert [each.title for each in store_of(window).list()] == ["kept"]


def test_the_section_list_follows_the_page_and_takes_messages_away(settings: SettingsPage, qtbot: QtBot) -> None:
    sections, bar = settings.sections, settings._scroll.verticalScrollBar()
    names, view = list(SECTIONS), settings._scroll.viewport()
    # The section that fills most of the view is marked, though a rest of the one before is at the top.
    heading = settings._headings[names.index("conversation")]
    qtbot.waitUntil(lambda: bar.maximum() > heading.y())
    bar.setValue(heading.y() - view.height() // 5)
    assert sections.currentRow() == names.index("conversation")
    sections.select(names.index("data"))
    assert settings._headings[names.index("data")].mapTo(view, QPoint(0, 0)).y() < view.height() // 10
    settings._status.show_message("of Data", "bad")
    sections.select(names.index("engine"))
    assert settings._status.label.text() == ""


def test_the_data_section_says_what_is_on_the_disk(settings: SettingsPage, qtbot: QtBot) -> None:
    row = settings.data.form.rows["disk_use"]
    qtbot.waitUntil(lambda: row.explanation.text().endswith("iB"), timeout=20_000)
    assert re.match(r"\d.*iB in all\. Models: .*, conversations: \d.*, backups: ", row.explanation.text())


def test_rare_sampling_settings_are_folded_until_they_are_needed(
    window: MainWindow, settings: SettingsPage, qtbot: QtBot
) -> None:
    form = settings.conversation
    assert not form.rows["top_k"].isVisible()
    assert form.rows["temperature"].isVisible()
    settings.show_section("conversation", "top_k")
    qtbot.waitUntil(lambda: form.controls["top_k"].hasFocus())
    form.fold.click()
    assert not form.rows["top_k"].isVisible()
    window.controller.services.settings.change(top_k=7)
    settings.refresh()
    assert form.rows["top_k"].isVisible(), "a value other than the default is not hidden"
