"""What surrounds the chat: the list, deleting and its undo, names, languages, themes, places and sizes."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.config.drafts import Draft
from app.config.settings import SettingsFile
from app.servers.protocol import ServedModel
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find, indexes, titles
from ui.imports.dialog import ImportDialog
from ui.settings.page import SettingsPage
from ui.settings.sections import SECTIONS
from ui.widgets.appearance import Appearance
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


def texts(window: MainWindow) -> set[str]:
    """Return all texts that the window shows, and the accessible ones."""
    widgets = [each for each in window.findChildren(QWidget) if each.isVisible()]
    shown = {each.text() for each in widgets if isinstance(each, QLabel | QAbstractButton)}
    shown |= {each.placeholderText() for each in widgets if isinstance(each, QLineEdit | QPlainTextEdit)}
    shown |= {text for each in widgets for text in (each.toolTip(), each.accessibleName())}
    return shown | {index.data() for index in indexes(window)}


def test_switched_language_has_the_texts_of_a_new_window(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    services = window.controller.services
    server = services.servers.add("http://localhost:8765/v1", models=[ServedModel("large", "chat", None)])
    services.settings.change(model_id=server.model_id("large"))
    with_conversations(window, "", "Two")
    services.store.delete(with_conversations(window, "Three")[0])
    window.controller.conversations.refresh()
    texts_of: dict[str, list[set[str]]] = {"en": [], "zh_CN": []}
    for language in ("zh_CN", "en", "zh_CN"):
        window.controller.apply_settings(services.settings.change(language=language))
        QApplication.processEvents()
        texts_of[language].append(texts(window))
    assert texts_of["zh_CN"][0] == texts_of["zh_CN"][1]
    assert not [text for text in texts_of["en"][0] if re.search("[\u4e00-\u9fff]", text)]
    assert "large（localhost:8765）" in texts_of["zh_CN"][0]


def test_switched_language_keeps_the_section_of_the_settings(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.show_settings("data")
    page = find(window, "settingsDialog", SettingsPage)
    assert isinstance(page, SettingsPage)
    qtbot.waitUntil(lambda: not page.data.open_folder.visibleRegion().isEmpty())
    for language in ("zh_CN", "en"):
        window.controller.apply_settings(window.controller.services.settings.change(language=language))
        QApplication.processEvents()
        qtbot.waitUntil(lambda: not page.data.open_folder.visibleRegion().isEmpty())
        assert page.sections.currentRow() == list(SECTIONS).index("data")
    # Where the language is chosen on the page, the focus stays at it.
    page.show_section("appearance")
    qtbot.waitUntil(lambda: page.sections.currentRow() == 0)
    window.controller.apply_settings(window.controller.services.settings.change(language="zh_CN"))
    qtbot.waitUntil(lambda: page.appearance.controls["language"].hasFocus())
    QApplication.processEvents()
    assert page._scroll.verticalScrollBar().value() == 0


def test_a_line_of_the_composer_is_level_with_its_buttons(open_window: OpenWindow) -> None:
    composer = open_window().composer
    for text in ("", "a line"):
        composer.set_text(text)
        QApplication.processEvents()
        line = composer.field.viewport().mapTo(composer, composer.field.cursorRect().center())
        button = composer.send_button.mapTo(composer, composer.send_button.rect().center())
        assert abs(line.y() - button.y()) <= 1


@pytest.mark.parametrize("text", ["one\ntwo\nthree\nfour", "你好\n世界", "مرحبا\n" + "x" * 300])
def test_the_composer_is_as_high_as_its_text(open_window: OpenWindow, text: str) -> None:
    composer = open_window().composer
    composer.set_text(text)
    QApplication.processEvents()
    assert composer.field.verticalScrollBar().maximum() == 0, "nothing is scrolled out of sight"


def test_the_width_of_the_sidebar_returns_with_it(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    handle = window._splitter.handle(1)
    start = handle.rect().center()
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(handle, start + QPoint(40, 0))
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=start + QPoint(40, 0))
    width = window.sidebar.width()
    assert width > 260
    qtbot.waitUntil(lambda: window.controller.services.settings.current.sidebar_width == width)
    size = window.size()
    window.resize(500, size.height())
    assert window.sidebar.parent() is window
    window.resize(size)
    qtbot.waitUntil(lambda: window.sidebar.width() == width)


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
    dialog = find(window, "settingsDialog", SettingsPage)
    assert isinstance(dialog, SettingsPage)
    dialog.appearance.controls["reduced_motion"].click()
    assert transcript._reduced_motion
    dialog.back_button.click()
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


def test_window_that_opens_narrow_hides_the_sidebar(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path / "settings.json")
    appearance = Appearance(qapp, settings.current)
    window = MainWindow(settings, appearance)
    qtbot.addWidget(window)
    window.resize(560, 500)
    window.show()
    qtbot.waitExposed(window)
    assert not window.sidebar.isVisible()
    window.toggle_sidebar()
    assert window.sidebar.isVisible()
    # The hint keeps its margins over the content.
    hint = find(window.sidebar, "nothingHere", QLabel)
    hint.setText("Your conversations appear here.")
    hint.show()
    assert hint.contentsRect().left() == find(window.sidebar, "resultCount", QLabel).contentsRect().left() == 20
    appearance.deleteLater()


def test_sidebar_is_over_the_content_of_a_narrow_window(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    one, two = with_conversations(window, "One", "Two")
    window.controller.services.store.delete(one)
    window.controller.conversations.refresh()
    window.resize(560, 600)
    qtbot.waitUntil(lambda: not window.sidebar.isVisible())

    def show() -> None:
        qtbot.mouseClick(window.header.sidebar_button, Qt.MouseButton.LeftButton)
        assert window.sidebar.isVisible()

    show()
    assert window.header.width() == 560, "the content keeps its width"
    for button in (each for each in window.sidebar.findChildren(QToolButton) if each.isVisible() and each.text()):
        assert button.width() >= button.sizeHint().width(), button.text()
    outside = window.childAt(540, 300)
    qtbot.mouseClick(outside, Qt.MouseButton.LeftButton)
    assert not window.sidebar.isVisible()
    assert window.focusWidget() is window.composer.field
    show()
    index = next(each for each in indexes(window) if each.data() == "Two")
    place = window.sidebar.list.visualRect(index).center()
    qtbot.mouseClick(window.sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert window.controller.conversation.session.conversation_id == two
    assert not window.sidebar.isVisible()
    show()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.sidebar.isVisible()
    window.resize(1000, 700)
    qtbot.waitUntil(window.sidebar.isVisible)
    assert window.header.width() == 1000 - window.sidebar.width() - 1


def test_focus_of_a_hidden_control_moves_to_the_composer(
    open_window: OpenWindow, qtbot: QtBot, tiny_model: Path
) -> None:
    window = open_window()
    chooses = partial(window.controller.models.use, str(tiny_model))
    sends = partial(window.controller.conversation.send, Draft("Hello"))
    for name, act in (("useServerButton", chooses), ("temporaryButton", sends)):
        control = find(window, name)
        control.setFocus()
        assert window.focusWidget() is control
        act()
        assert not control.isVisible()
        assert window.focusWidget() is window.composer.field, name
    session = window.controller.conversation.session
    session.stop()
    # The window must not close before the answer has ended.
    qtbot.waitUntil(lambda: not session.answers, timeout=PATIENCE_MS)


def test_enter_presses_the_button_that_has_the_focus(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    for button in (window.controller.welcome.models_button, window.sidebar.settings_button):
        page = "modelsDialog" if button is not window.sidebar.settings_button else "settingsDialog"
        button.setFocus()
        qtbot.keyClick(button, Qt.Key.Key_Return)
        assert find(window, page, QWidget).isVisible()
    # It isn't the default button of a dialog that is pressed.
    window.controller.show_import()
    dialog = find(window, "importDialog", ImportDialog)
    close = find(dialog, "closeButton", QWidget)
    close.setFocus()
    qtbot.keyClick(close, Qt.Key.Key_Return)
    assert not dialog.isVisible()


def test_letters_that_no_part_takes_are_written_into_the_message(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    field = window.composer.field
    for place, letter in ((window, "H"), (window.header.settings_button, "i")):
        place.setFocus()
        assert not field.hasFocus()
        qtbot.keyClick(place, letter)
        assert field.hasFocus()
    assert field.toPlainText() == "Hi"
    qtbot.keyClick(window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    assert find(window, "modelsDialog", QWidget).isVisible()
    qtbot.keyClick(window, "x")
    assert field.toPlainText() == "Hi"


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
    kinds = QAbstractButton, QLineEdit, QPlainTextEdit, QComboBox, QAbstractSpinBox, QAbstractItemView
    for control in dialog.findChildren(QWidget):
        is_part = isinstance(control.parent(), QAbstractSpinBox | QComboBox | QLineEdit)
        if isinstance(control, kinds) and control.isVisibleTo(dialog) and not is_part:
            spoken = QAccessible.queryAccessibleInterface(control)
            assert spoken is not None
            assert spoken.text(QAccessible.Text.Name), (type(control), control.objectName())
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(QWidget, name) is None)


def test_tab_visits_the_header_from_left_to_right(open_window: OpenWindow) -> None:
    window = open_window()
    header = window.header
    header.export_button.setEnabled(True)
    visited: list[QWidget] = []
    control = header.sidebar_button.nextInFocusChain()
    while control is not header.sidebar_button:
        if header.isAncestorOf(control) and control.isVisible() and control.focusPolicy() & Qt.FocusPolicy.TabFocus:
            visited.append(control)
        control = control.nextInFocusChain()
    assert {header.model_button, header.settings_button, header.export_button} <= set(visited)
    assert visited == sorted(visited, key=lambda each: each.mapTo(header, QPoint()).x())


def test_added_model_file_is_selected(open_window: OpenWindow, qtbot: QtBot, tiny_model: Path) -> None:
    window = open_window()
    window.controller.models.add_file(tiny_model)
    qtbot.waitUntil(lambda: window.controller.services.settings.current.model_id == "tiny")
    window.controller.models.add_file(tiny_model.parent / "none.gguf")
    qtbot.waitUntil(lambda: "doesn't exist" in window.notice.text())
    assert window.controller.services.settings.current.model_id == "tiny"


def test_pages_lead_back_one_after_another_and_remember_the_section(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.models.show_page()
    models = window.centre.page
    assert models is not None
    focus = QApplication.focusWidget()
    assert models.isAncestorOf(focus)
    window.controller.show_settings("servers")
    settings = window.centre.page
    assert isinstance(settings, SettingsPage)
    qtbot.waitUntil(lambda: settings.sections.currentRow() == 4, timeout=PATIENCE_MS)
    assert (window.sidebar.models_button.isChecked(), window.sidebar.settings_button.isChecked()) == (False, True)
    qtbot.keyClick(settings, Qt.Key.Key_Escape)
    assert window.centre.page is models
    assert QApplication.focusWidget() is focus
    qtbot.keyClick(models, Qt.Key.Key_Escape)
    assert window.centre.page is None
    assert window.composer.field.hasFocus()
    window.controller.show_settings()
    again = window.centre.page
    assert isinstance(again, SettingsPage)
    qtbot.waitUntil(lambda: again.sections.currentRow() == 4, timeout=PATIENCE_MS)
    window.resize(1200, 700)
    again.sections.setFocus()
    qtbot.keyClick(again.sections, Qt.Key.Key_Tab)
    assert again.servers.isAncestorOf(QApplication.focusWidget())
    again.back_button.click()


def test_a_message_about_the_chat_is_not_over_other_pages(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.notice.show_error("empty.txt is empty.")
    window.controller.show_settings()
    assert not window.notice.isVisible()
    window.centre.leave()
    assert window.notice.isVisible()
    window.notice.hide()
    window.controller.show_settings()
    window.notice.show_message("Downloaded.")
    assert window.notice.isVisible()
    window.controller.models.show_page()
    qtbot.waitUntil(window.notice.isVisible)
    window.centre.show_first()
    qtbot.waitUntil(window.notice.isVisible)
