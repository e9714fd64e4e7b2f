"""Settings, export and the crash dialog, with the real store and settings behind them."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, QPoint, QPointF, Qt, QThreadPool, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.config.settings import PARAMETERS, Settings, SettingsFile
from app.conversation import Status
from app.services import Services
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.export.dialog import ExportDialog
from ui.settings.page import SettingsPage
from ui.settings.sections import SECTIONS, section_titles
from ui.start.crash_dialog import MAX_ERRORS, CrashDialog, show_crash
from ui.widgets.dialog_parts import MARGIN
from ui.widgets.error_text import error_text

# Said of every window that has a layout, by the platform without a screen.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


@pytest.fixture(autouse=True)
def no_work_left(qapp: QApplication):
    yield
    QThreadPool.globalInstance().waitForDone()
    qapp.processEvents()


@pytest.fixture
def shown(qtbot) -> Callable[[Any], Any]:
    def show(dialog: QWidget) -> QWidget:
        qtbot.addWidget(dialog)
        with qtbot.waitExposed(dialog):
            dialog.show()
            dialog.resize(680, 580)
        assert (dialog.width(), dialog.height()) == (680, 580), "it fits into a small window"
        assert dialog.minimumSizeHint().width() <= 700
        assert dialog.accessibleName()
        return dialog

    return show


def add_conversation(store: ConversationStore, title: str, answer: str = "An answer.") -> str:
    conversation = store.create(title=title)
    _, message = store.begin_turn(conversation.id, "A question?")
    store.finish_answer(message.id, answer, Status.COMPLETE)
    return conversation.id


def pick_in_file_dialog(qtbot, parent: QWidget, path: Path) -> None:
    dialog = parent.findChild(QFileDialog, "fileDialog")
    assert dialog is not None
    dialog.setDirectory(str(path.parent))
    dialog.selectFile(path.name)
    qtbot.waitUntil(lambda: [Path(each) for each in dialog.selectedFiles()] == [path])
    dialog.accept()


class OpenedFolders(QObject):
    """Stands where the desktop's file manager would."""

    def __init__(self) -> None:
        super().__init__()
        self.folders: list[Path] = []

    @Slot(QUrl)
    def opened(self, url: QUrl) -> None:
        self.folders.append(Path(url.toLocalFile()))


@pytest.fixture
def file_manager():
    manager = OpenedFolders()
    QDesktopServices.setUrlHandler("file", manager, "opened")
    yield manager
    QDesktopServices.unsetUrlHandler("file")


# Settings


def test_settings_apply_and_are_saved_immediately(services: Services, shown, qtbot):
    dialog = shown(SettingsPage(services))
    assert dialog.objectName() == "settingsDialog"
    with qtbot.waitSignal(dialog.changed) as emitted:
        dialog.appearance.controls["theme"].setCurrentIndex(dialog.appearance.controls["theme"].findData("dark"))
    assert emitted.args[0].theme == "dark"
    dialog.appearance.controls["language"].setCurrentIndex(dialog.appearance.controls["language"].findData("zh_CN"))
    dialog.conversation.controls["temperature"].setValue(1.25)
    dialog.conversation.controls["top_k"].setValue(7)
    dialog.engine.controls["idle_release_minutes"].setCurrentIndex(
        dialog.engine.controls["idle_release_minutes"].findData(0)
    )
    stored = SettingsFile(services.folder.settings_file).current
    assert (stored.theme, stored.language, stored.temperature, stored.top_k) == ("dark", "zh_CN", 1.25, 7)
    assert stored.idle_release_minutes == 0


def test_named_value_or_number(services: Services, shown):
    dialog = shown(SettingsPage(services))
    assert not dialog.engine.controls["gpu_layers"].field.isVisible()
    dialog.engine.controls["gpu_layers"].choice.setCurrentIndex(1)
    assert services.settings.current.gpu_layers == -1
    dialog.engine.controls["gpu_layers"].choice.setCurrentIndex(2)
    assert not dialog.engine.controls["gpu_layers"].field.isHidden()
    dialog.engine.controls["gpu_layers"].field.setValue(12)
    dialog.engine.controls["context"].choice.setCurrentIndex(1)
    assert services.settings.current.gpu_layers == 12
    assert services.settings.current.context == 8192
    again = shown(SettingsPage(services))
    assert again.engine.controls["gpu_layers"].value() == 12
    assert again.engine.controls["context"].value() == 8192
    assert again.conversation.controls["max_tokens"].value() == 0


def test_unconfirmed_input_is_saved_on_close(services: Services, shown, qtbot):
    dialog = shown(SettingsPage(services))
    dialog.conversation.controls["system_prompt"].setPlainText("Answer in rhymes.")
    dialog.conversation.controls["top_p"].setFocus()
    dialog.conversation.controls["top_p"].selectAll()
    qtbot.keyClicks(dialog.conversation.controls["top_p"], "0.5")
    dialog.finish()
    assert services.settings.current.system_prompt == "Answer in rhymes."
    assert services.settings.current.top_p == 0.5


def test_system_prompt_is_saved_after_a_pause(services: Services, shown, qtbot):
    dialog = shown(SettingsPage(services))
    with qtbot.waitSignal(dialog.changed):
        dialog.conversation.controls["system_prompt"].setPlainText("Be brief.")
    assert SettingsFile(services.folder.settings_file).current.system_prompt == "Be brief."


def test_numbers_have_bounds_and_every_setting_has_a_row(services: Services, shown):
    dialog = shown(SettingsPage(services))
    dialog.conversation.controls["temperature"].setValue(99)
    dialog.conversation.controls["repeat_penalty"].setValue(0)
    assert services.settings.current.temperature == 2
    assert services.settings.current.repeat_penalty == 0.5
    forms = (dialog.appearance, dialog.conversation, dialog.engine, dialog.downloads.form, dialog.data.form)
    forms += (dialog.local_server.form, dialog.lending.form, dialog.tools.web.form, dialog.memory.form)
    rows = {name: row for form in forms for name, row in form.rows.items()}
    shown_elsewhere = {"devices", "rpc_servers"}
    assert {name for name, each in PARAMETERS.items() if each.page} <= rows.keys() | shown_elsewhere
    for row in rows.values():
        # A button's name is its text.
        is_worded = isinstance(row.control, QPushButton) and bool(row.control.text())
        assert row.control.accessibleName() or row.control.focusProxy() or is_worded


def test_page_keys_scroll_the_page_and_change_no_number(services: Services, shown, qapp):
    dialog = shown(SettingsPage(services))
    number = dialog.conversation.controls["temperature"]
    bar, before = dialog.findChild(QScrollArea).verticalScrollBar(), number.value()
    dialog.findChild(QScrollArea).ensureWidgetVisible(number)
    number.setFocus()
    place = bar.value()
    QTest.keyClick(number, Qt.Key.Key_PageDown)
    assert bar.value() > place
    assert number.value() == before


def test_wheel_changes_only_the_focused_control(services: Services, shown, qapp):
    dialog = shown(SettingsPage(services))
    bar = dialog.findChild(QScrollArea).verticalScrollBar()
    for control in (
        dialog.appearance.controls["theme"],
        dialog.conversation.controls["temperature"],
        dialog.engine.controls["context"].choice,
    ):
        dialog.findChild(QScrollArea).ensureWidgetVisible(control)
        control.clearFocus()
        before = bar.value()
        place = control.mapTo(dialog, control.rect().center())
        assert dialog.childAt(place) in (control, *control.findChildren(QWidget))
        QTest.wheelEvent(dialog.windowHandle(), QPointF(place), QPoint(0, -120))
        qapp.processEvents()
        assert bar.value() > before
    assert services.settings.current == Settings()
    dialog.activateWindow()
    dialog.conversation.controls["temperature"].setFocus()
    dialog.findChild(QScrollArea).ensureWidgetVisible(dialog.conversation.controls["temperature"])
    place = dialog.conversation.controls["temperature"].mapTo(
        dialog, dialog.conversation.controls["temperature"].rect().center()
    )
    QTest.wheelEvent(dialog.windowHandle(), QPointF(place), QPoint(0, -120))
    assert services.settings.current.temperature < Settings.temperature


def test_defaults_are_restored_and_can_be_undone(services: Services, shown, qtbot):
    services.settings.change(temperature=1.5, system_prompt="Mine.", model_id="starter", sidebar_width=300)
    before = services.settings.current
    dialog = shown(SettingsPage(services))

    def restore() -> None:
        qtbot.mouseClick(dialog.data.restore, Qt.MouseButton.LeftButton)
        (box,) = (each for each in dialog.findChildren(QMessageBox, "defaultsQuestion") if each.isVisible())
        assert "all sections" in box.informativeText()
        qtbot.mouseClick(box.findChild(QPushButton, "agreeButton"), Qt.MouseButton.LeftButton)

    restore()
    assert services.settings.current == Settings(model_id="starter", sidebar_width=300)
    assert dialog.conversation.controls["temperature"].value() == pytest.approx(Settings.temperature)
    # A second click changes nothing, and leaves the first one undoable.
    restore()
    undo = dialog.findChild(QPushButton, "settingsStatusAction")
    assert undo.isVisible()
    qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert services.settings.current == before
    assert dialog.conversation.controls["system_prompt"].toPlainText() == "Mine."


def test_unsaved_settings_are_reported_and_apply(services: Services, shown):
    dialog = shown(SettingsPage(services))
    services.folder.settings_file.mkdir()
    dialog.conversation.controls["top_k"].setValue(3)
    assert services.settings.current.top_k == 3
    assert str(services.folder.settings_file) in dialog._status.label.text()
    services.folder.settings_file.rmdir()
    dialog.conversation.controls["top_k"].setValue(4)
    assert not dialog._status.label.text()


def test_database_is_backed_up(services: Services, shown, qtbot, tmp_path: Path, file_manager: OpenedFolders):
    add_conversation(services.store, "Kept twice")
    dialog = shown(SettingsPage(services))
    dialog.data.back_up.click()
    pick_in_file_dialog(qtbot, dialog, tmp_path / "copy.sqlite3")
    qtbot.waitUntil(lambda: "Backup saved" in dialog._status.label.text())
    with sqlite3.connect(tmp_path / "copy.sqlite3") as copy:
        assert copy.execute("SELECT title FROM conversations").fetchall() == [("Kept twice",)]
    copy.close()
    dialog._status.action.click()
    dialog.data.open_folder.click()
    assert file_manager.folders == [tmp_path, services.folder.root]


# Export


@pytest.fixture
def store(services: Services) -> ConversationStore:
    return services.store


def test_a_conversation_becomes_a_file_in_the_documents(
    store: ConversationStore, shown, qtbot, empty_home: Path, file_manager: OpenedFolders
):
    conversation_id = add_conversation(store, "Why: is the sky blue?")
    add_conversation(store, "Another")
    dialog = shown(ExportDialog(store, conversation_id))
    assert dialog.objectName() == "exportDialog"
    path = empty_home / "Why is the sky blue.md"
    assert dialog.path.text() == str(path)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: path.name in dialog.status.label.text())
    assert "An answer." in path.read_text(encoding="utf-8")
    dialog.status.action.click()
    assert file_manager.folders == [empty_home]


def test_all_conversations_become_a_folder_or_one_file(store: ConversationStore, shown, qtbot, tmp_path: Path):
    for title in ("One", "Two"):
        add_conversation(store, title)
    dialog = shown(ExportDialog(store, None))
    assert not dialog.scope.this_one.isEnabled()
    assert Path(dialog.path.text()).suffix != ".md"
    dialog.path.setText(str(tmp_path / "out" / "texts"))
    dialog.export.click()
    qtbot.waitUntil(lambda: "2" in dialog.status.label.text())
    assert sorted(each.name for each in (tmp_path / "out" / "texts").iterdir()) == ["One.md", "Two.md"]
    dialog.options.format_box.setCurrentIndex(dialog.options.format_box.findData("json"))
    assert Path(dialog.path.text()).parent == tmp_path / "out"
    assert not dialog.options.metadata.isEnabled()
    dialog.path.setText(str(tmp_path / "all"))
    dialog.export.click()
    qtbot.waitUntil(lambda: "all.json" in dialog.status.label.text())
    assert len(json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))["conversations"]) == 2


def test_what_the_person_typed_stays_where_it_can(store: ConversationStore, shown, tmp_path: Path):
    dialog = shown(ExportDialog(store, add_conversation(store, "Sky")))
    dialog.path.setText(str(tmp_path / "mine.md"))
    dialog.options.format_box.setCurrentIndex(dialog.options.format_box.findData("json"))
    assert dialog.path.text() == str(tmp_path / "mine.json")
    dialog.scope.everything.setChecked(True)
    assert Path(dialog.path.text()).parent == tmp_path
    assert "mine" not in dialog.path.text()
    dialog.path.setText("")
    assert not dialog.export.isEnabled()


def test_a_file_that_would_be_replaced_is_named_before(store: ConversationStore, shown, qtbot, tmp_path: Path):
    dialog = shown(ExportDialog(store, add_conversation(store, "Sky")))
    dialog.browse.click()
    pick_in_file_dialog(qtbot, dialog, tmp_path / "sky.md")
    assert dialog.path.text() == str(tmp_path / "sky.md")
    assert not dialog._path_note.text()
    (tmp_path / "older.md").write_text("old")
    dialog.path.setText(str(tmp_path / "older"))
    assert "replaced" in dialog._path_note.text()


def test_an_export_that_fails_says_so(store: ConversationStore, shown, qtbot, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    dialog = shown(ExportDialog(store, add_conversation(store, "Sky")))
    dialog.path.setText(str(tmp_path / "file" / "sky.md"))
    dialog.export.click()
    qtbot.waitUntil(lambda: "can't be written" in dialog.status.label.text())
    assert dialog.export.isEnabled()


def test_a_dialog_closed_meanwhile_comes_back_only_when_the_work_fails(
    store: ConversationStore, shown, qtbot, tmp_path: Path
):
    (tmp_path / "file").write_text("in the way")
    dialog = shown(ExportDialog(store, add_conversation(store, "Sky")))
    dialog.path.setText(str(tmp_path / "file" / "sky.md"))
    dialog.export.click()
    dialog.close()
    assert not dialog.isVisible()
    qtbot.waitUntil(dialog.isVisible)
    assert "can't be written" in dialog.status.label.text()
    dialog.path.setText(str(tmp_path / "sky.md"))
    dialog.export.click()
    with qtbot.waitSignal(dialog.finished):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert (tmp_path / "sky.md").exists()
    assert not dialog.isVisible()


def test_without_conversations_there_is_nothing_to_export(store: ConversationStore, shown):
    dialog = shown(ExportDialog(store, None))
    assert not dialog.export.isEnabled()
    assert dialog.status.label.text()


# The last resort


def a_bug(text: str) -> BaseException:
    try:
        raise KeyError(text)
    except KeyError as error:
        return error


def crash_dialogs() -> list[CrashDialog]:
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, CrashDialog) and each.isVisible()]


def test_a_second_bug_joins_the_first(qtbot, tmp_path: Path, file_manager: OpenedFolders):
    show_crash(a_bug("first"), tmp_path)
    (dialog,) = crash_dialogs()
    for number in range(MAX_ERRORS + 3):
        show_crash(a_bug(f"bug {number}"), tmp_path)
    assert crash_dialogs() == [dialog]
    text = dialog.details.toPlainText()
    assert "KeyError: 'first'" in text
    assert f"bug {MAX_ERRORS - 2}" in text
    assert "4 more" in text
    assert not dialog.details.isVisible()
    folded = dialog.height()
    dialog.fold.click()
    assert dialog.details.isVisible()
    assert folded < dialog.height() <= 600
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == text
    dialog.open_log.click()
    assert file_manager.folders == [tmp_path]
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not isValid(dialog))
    assert not crash_dialogs()


def test_a_bug_in_a_slot_can_be_shown_by_the_hook(qtbot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: show_crash(error, tmp_path))
    button = QPushButton()
    qtbot.addWidget(button)
    button.clicked.connect(lambda: {}["missing"])
    button.click()
    (dialog,) = crash_dialogs()
    assert "KeyError: 'missing'" in dialog.details.toPlainText()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not isValid(dialog))


def test_an_error_becomes_a_sentence():
    assert error_text(UserError("disk_full", path=Path("/x/y"))).startswith("The disk is full, so /x/y")


def test_section_list_scrolls_and_follows(services: Services, shown: Callable[[Any], Any]) -> None:
    dialog = shown(SettingsPage(services))
    dialog.resize(600, 560)
    choice = dialog.section_choice
    assert (dialog.sections.isVisible(), choice.isVisible()) == (False, True)
    assert [choice.itemText(place) for place in range(choice.count())] == list(section_titles().values())
    choice.setCurrentIndex(6)
    choice.activated.emit(6)
    assert dialog.memory.visibleRegion().boundingRect().height() > 100
    dialog.findChild(QScrollArea).verticalScrollBar().setValue(0)
    assert choice.currentIndex() == 0
    dialog.resize(900, 560)
    assert (dialog.sections.isVisible(), choice.isVisible()) == (True, False)
    dialog.sections.setCurrentRow(4)
    assert dialog.servers.visibleRegion().boundingRect().height() > 100
    bar = dialog.findChild(QScrollArea).verticalScrollBar()
    bar.setValue(0)
    assert dialog.sections.currentRow() == 0
    bar.setValue(bar.maximum())
    assert dialog.sections.currentRow() == dialog.sections.count() - 1


def test_section_stays_at_the_top_while_others_grow(
    services: Services, shown: Callable[[Any], Any], qtbot: QtBot
) -> None:
    dialog = shown(SettingsPage(services))
    dialog.show_section("servers")
    bar = dialog.findChild(QScrollArea).verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() > 0)
    dialog.conversation.controls["system_prompt"].setFixedHeight(400)
    heading = dialog._headings[list(SECTIONS).index("servers")]
    qtbot.waitUntil(lambda: abs(heading.mapTo(dialog._body, QPoint(0, 0)).y() - MARGIN) <= 2)
