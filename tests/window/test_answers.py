"""Working with answers in a real window: edit, versions, delete, fork, pin, details, temporary chats, titles."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.backend import PromptProgress
from app.config.drafts import Draft
from app.conversation import Message, Role, Speculation, Status
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, indexes, send, titles, wait_for_answer, wait_for_words, write
from ui.conversation.answer_details import DetailsDialog
from ui.conversation.edit_dialog import EditDialog
from ui.conversation.message_items import MessageItems
from ui.export.dialog import ExportDialog
from ui.settings.page import SettingsPage
from ui.settings.shortcuts import SHORTCUTS
from ui.settings.shortcuts_dialog import ShortcutsDialog
from ui.widgets.theme import current_theme
from ui.window.main_window import MainWindow


@pytest.fixture
def window(open_window: OpenWindow, tiny_model: Path) -> MainWindow:
    made = open_window()
    made.controller.models.use(str(tiny_model))
    made.controller.services.settings.change(max_tokens=5, titles_by_model=False)
    return made


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "endless.gguf", context_length=16384)


def ask(qtbot: QtBot, window: MainWindow, text: str) -> tuple[Message, Message]:
    send(qtbot, window, text)
    answer = wait_for_answer(qtbot, window)
    return branch(window)[-2], answer


def act(window: MainWindow, action: str, message: Message) -> None:
    window.controller.transcript.action_requested.emit(action, message.id)


def press(qtbot: QtBot, window: MainWindow, keys: str) -> None:
    combination = QKeySequence(keys)[0]
    qtbot.keyClick(window.composer.field, combination.key(), combination.keyboardModifiers())


def contents(window: MainWindow) -> list[str]:
    return [message.content for message in branch(window) if message.role is Role.USER]


def item_of(window: MainWindow, message: Message):
    return next(item for item in window.controller.transcript.page.items if item.id == message.id)


def is_outlined(window: MainWindow, number: int) -> bool:
    """Whether the outline of a question has the colour of the accent."""
    transcript = window.controller.transcript
    page = transcript.page
    edge = page.view(number).bubble.translated(page.left, dict(page.visible)[number])
    colour = transcript.viewport().grab().toImage().pixelColor(round(edge.center().x()), round(edge.top()) + 1)
    return colour.name() == current_theme().accent


# Editing


def test_edited_question_is_a_new_version(window: MainWindow, qtbot: QtBot) -> None:
    question, answer = ask(qtbot, window, "first try")
    write(window, "half a draft")
    act(window, "edit", question)
    composer = window.composer
    assert composer.is_editing()
    assert find(window, "cancelEditButton").isVisible()
    assert composer.text() == "first try"
    send(qtbot, window, ", better")
    second = wait_for_answer(qtbot, window)
    assert contents(window) == ["first try, better"]
    assert second.id != answer.id
    assert composer.text() == "half a draft"
    assert not composer.is_editing()
    edited = branch(window)[0]
    assert item_of(window, edited).version == (2, 2)
    assert window.controller.services.store.message(question.id).content == "first try"

    act(window, "previous", edited)
    assert contents(window) == ["first try"]
    assert branch(window)[-1].id == answer.id
    assert item_of(window, question).version == (1, 2)
    act(window, "previous", question)
    assert contents(window) == ["first try"]
    act(window, "next", question)
    assert contents(window) == ["first try, better"]
    # Where only the question has versions, the keys change that one.
    press(qtbot, window, "Alt+Left")
    assert contents(window) == ["first try"]
    press(qtbot, window, "Alt+Right")
    assert contents(window) == ["first try, better"]
    # The answer shows its speed; the header does so only while it is written.
    assert window.header.status.text() == ""
    assert "tokens/s" in item_of(window, second).figures


def test_escape_cancels_an_edit_and_restores_the_draft(window: MainWindow, qtbot: QtBot) -> None:
    question, _ = ask(qtbot, window, "as it is")
    write(window, "draft")
    act(window, "edit", question)
    act(window, "edit", question)
    write(window, " changed")
    assert is_outlined(window, 0)
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Escape)
    assert window.composer.text() == "draft"
    assert not is_outlined(window, 0)
    assert not find(window, "cancelEditButton").isVisible()
    assert contents(window) == ["as it is"]


def test_arrow_up_in_the_empty_composer_edits_the_last_question(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "one")
    ask(qtbot, window, "two")
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Up)
    assert window.composer.text() == "two"
    qtbot.mouseClick(find(window, "cancelEditButton"), Qt.MouseButton.LeftButton)
    write(window, "x")
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Up)
    assert window.composer.text() == "x"
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert window.controller.transcript.hasFocus()
    assert window.controller.transcript.state.focused_message == 3


def test_unfinished_edit_is_restored_with_its_conversation(window: MainWindow, qtbot: QtBot) -> None:
    question, _ = ask(qtbot, window, "old words")
    write(window, "draft")
    act(window, "edit", question)
    write(window, " and new ones")
    here = window.controller.conversation.session.conversation_id
    window.controller.conversation.open(None)
    assert window.composer.text() == ""
    assert not window.composer.is_editing()
    window.controller.conversation.open(here)
    assert window.composer.text() == "old words and new ones"
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Escape)
    assert window.composer.text() == "draft"


# Versions


def test_retry_uses_the_current_sampling_and_model(window: MainWindow, qtbot: QtBot, endless: Path) -> None:
    _, first = ask(qtbot, window, "hello")
    window.controller.services.settings.change(temperature=1.5, max_tokens=9)
    window.controller.models.use(str(endless))
    press(qtbot, window, "Ctrl+R")
    second = wait_for_answer(qtbot, window)
    assert second.parent_id == first.parent_id
    assert first.provenance is not None
    assert second.provenance is not None
    assert second.provenance.sampling.temperature == 1.5
    assert second.provenance.completion_tokens == 9
    assert second.provenance.model_id != first.provenance.model_id
    assert item_of(window, second).version == (2, 2)
    press(qtbot, window, "Alt+Left")
    assert branch(window)[-1].id == first.id
    press(qtbot, window, "Alt+Right")
    assert branch(window)[-1].id == second.id


def test_branch_changes_are_refused_while_answering(window: MainWindow, qtbot: QtBot, endless: Path) -> None:
    question, _ = ask(qtbot, window, "hello")
    window.controller.models.use(str(endless))
    window.controller.services.settings.change(max_tokens=0)
    send(qtbot, window, "go on")
    wait_for_words(qtbot, window)
    act(window, "delete", question)
    assert "stop it first" in window.notice.text()
    assert contents(window) == ["hello", "go on"]
    act(window, "copy", question)
    assert QGuiApplication.clipboard().text() == "hello"
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Escape)
    wait_for_answer(qtbot, window)


# Deleting, forking, pinning


def test_deleting_a_message_deletes_those_below_and_can_be_undone(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "one")
    two, _ = ask(qtbot, window, "two")
    ask(qtbot, window, "three")
    before = [message.id for message in branch(window)]
    act(window, "delete", two)
    assert contents(window) == ["one"]
    assert window.notice.text() == "Message deleted, along with 3 below it."
    assert window.notice.button.isVisible()
    window.notice.button.click()
    assert [message.id for message in branch(window)] == before
    assert [item.id for item in window.controller.transcript.page.items] == before


def test_deleted_message_is_undone_by_keys_after_its_notice_is_gone(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "one")
    two, _ = ask(qtbot, window, "two")
    first = window.controller.conversation.session.conversation_id
    before = branch(window)
    act(window, "delete", two)
    window.notice.hide()
    write(window, "typed").undo()
    window.controller.conversation.open(None)
    press(qtbot, window, "Ctrl+Z")
    assert window.controller.conversation.session.conversation_id == first
    assert branch(window) == before
    assert [item.id for item in window.controller.transcript.page.items] == [message.id for message in before]


def test_keys_undo_the_text_or_the_deletion_whichever_was_later(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "one")
    two, _ = ask(qtbot, window, "two")
    act(window, "delete", two)
    window.notice.hide()
    assert window.composer.field.document().isUndoAvailable(), "sending can be undone"
    write(window, "x")
    press(qtbot, window, "Ctrl+Z")
    assert (window.composer.text(), contents(window)) == ("", ["one"])
    act(window, "delete", branch(window)[0])
    assert contents(window) == []
    for expected in (["one"], ["one", "two"]):
        press(qtbot, window, "Ctrl+Z")
        assert (window.composer.text(), contents(window)) == ("", expected)


def test_question_without_an_answer_can_be_retried(window: MainWindow, qtbot: QtBot) -> None:
    question, answer = ask(qtbot, window, "one")
    act(window, "delete", answer)
    assert window.notice.text() == "Message deleted."
    assert "retry" in item_of(window, question).actions
    act(window, "retry", question)
    again = wait_for_answer(qtbot, window)
    assert again.parent_id == question.id
    assert again.id != answer.id


def test_fork_is_a_separate_conversation(window: MainWindow, qtbot: QtBot) -> None:
    _, first = ask(qtbot, window, "one")
    ask(qtbot, window, "two")
    original = window.controller.conversation.session.conversation_id
    act(window, "fork", first)
    assert window.controller.conversation.session.conversation_id != original
    assert contents(window) == ["one"]
    qtbot.mouseClick(window.notice.button, Qt.MouseButton.LeftButton)
    assert window.controller.conversation.session.conversation_id == original
    act(window, "fork", first)
    ask(qtbot, window, "another way")
    store = window.controller.services.store
    assert original is not None
    assert [m.content for m in store.branch(original) if m.role is Role.USER] == ["one", "two"]
    assert len(titles(window)) == 3


def test_message_can_be_pinned_and_unpinned(window: MainWindow, qtbot: QtBot) -> None:
    question, _ = ask(qtbot, window, "keep this in mind")
    act(window, "pin", question)
    assert item_of(window, question).is_pinned
    assert window.controller.services.store.message(question.id).is_pinned
    act(window, "pin", question)
    assert not item_of(window, question).is_pinned


# Details


def test_copying_with_the_keyboard_is_shown_at_the_answer(window: MainWindow, qtbot: QtBot) -> None:
    _, answer = ask(qtbot, window, "hello")
    assert window.controller.transcript.state.done == (-1, "")
    press(qtbot, window, "Ctrl+Alt+C")
    assert QGuiApplication.clipboard().text() == answer.content.lstrip()
    assert window.controller.transcript.state.done == (1, "action:copy")


def test_details_show_the_provenance_of_an_answer(window: MainWindow, qtbot: QtBot) -> None:
    _, answer = ask(qtbot, window, "hello")
    press(qtbot, window, "Ctrl+I")
    dialog = find(window, "detailsDialog", DetailsDialog)
    assert isinstance(dialog, DetailsDialog)
    provenance = answer.provenance
    assert provenance is not None
    qtbot.mouseClick(find(dialog, "copyDetailsButton"), Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert provenance.file_sha256 is not None
    for value in (
        provenance.file_sha256,
        str(provenance.seed),
        provenance.engine,
        "Temperature: 0.7",
        "F32",
        "5 tokens",
    ):
        assert str(value) in text
    assert "The model ran entirely on the CPU." in text
    assert "{" not in text
    assert "guessed" not in text
    details = replace(provenance, speculation=Speculation(1500, 1200))
    text = DetailsDialog(replace(answer, provenance=details), details, "", window).as_text()
    assert "Guessed text: 1,200 of 1,500 guessed tokens were right" in text
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)


# Temporary chats


def stored_text(window: MainWindow) -> str:
    folder = window.controller.services.folder.root
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_temporary_chat_is_neither_listed_nor_stored(window: MainWindow, qtbot: QtBot, open_window: OpenWindow) -> None:
    ask(qtbot, window, "an ordinary one")
    press(qtbot, window, "Ctrl+Shift+N")
    session = window.controller.conversation.session
    assert session.is_temporary
    assert window.controller.welcome.isVisible()
    assert "not saved" in window.composer.field.placeholderText()
    send(qtbot, window, "zebrasecret")
    qtbot.waitUntil(lambda: session.running is None and not session.is_empty, timeout=PATIENCE_MS)
    assert [message.status for message in session.store.branch(session.conversation_id)][-1] is Status.COMPLETE
    write(window, "zebradraft")
    assert find(window, "keepTemporaryButton").isVisible()
    assert titles(window) == ["an ordinary one"]
    assert window.controller.services.store.search("zebra") == []
    window = open_window()
    assert window.controller.conversation.session.conversation_id is None
    assert titles(window) == ["an ordinary one"]
    assert "zebra" not in stored_text(window)


def question_box(window: MainWindow) -> QMessageBox:
    box = find(window, "temporaryQuestion", QMessageBox)
    assert isinstance(box, QMessageBox)
    return box


@pytest.mark.parametrize("button", ["keepButton", "discardButton", None])
def test_leaving_a_temporary_chat_asks_first(window: MainWindow, qtbot: QtBot, button: str | None) -> None:
    window.controller.services.store.create(title="Stored")
    window.controller.conversations.refresh()
    press(qtbot, window, "Ctrl+Shift+N")
    session = window.controller.conversation.session
    send(qtbot, window, "for now")
    qtbot.waitUntil(lambda: session.running is None and not session.is_empty, timeout=PATIENCE_MS)
    shown = session.conversation_id
    if button is None:
        window.sidebar.list.setCurrentIndex(indexes(window)[-1])
        qtbot.keyClick(window.sidebar.list, Qt.Key.Key_Return)
    else:
        window.controller.conversation.open(None)
    box = question_box(window)
    assert session.conversation_id == shown
    assert window.sidebar.list.selected_ids() == ()
    if button is None:
        qtbot.keyClick(box, Qt.Key.Key_Escape)
        assert session.conversation_id == shown
        assert session.is_temporary
        return
    qtbot.mouseClick(find(box, button, QPushButton), Qt.MouseButton.LeftButton)
    assert session.is_empty
    assert not session.is_temporary
    assert titles(window) == (["for now", "Stored"] if button == "keepButton" else ["Stored"])
    qtbot.waitUntil(lambda: window.findChild(QWidget, "temporaryQuestion") is None)


def test_temporary_chat_can_be_saved_while_answering(window: MainWindow, qtbot: QtBot, endless: Path) -> None:
    window.controller.models.use(str(endless))
    window.controller.services.settings.change(max_tokens=3000)
    qtbot.mouseClick(find(window, "temporaryButton"), Qt.MouseButton.LeftButton)
    send(qtbot, window, "keep me")
    wait_for_words_of_any(qtbot, window)
    qtbot.mouseClick(find(window, "keepTemporaryButton"), Qt.MouseButton.LeftButton)
    assert titles(window) == ["keep me"]
    answer = wait_for_answer(qtbot, window)
    assert answer.status is Status.COMPLETE
    assert answer.provenance is not None
    assert answer.provenance.completion_tokens == 3000
    assert window.controller.transcript.page.items[-1].content == answer.content


def wait_for_words_of_any(qtbot: QtBot, window: MainWindow) -> None:
    session = window.controller.conversation.session
    qtbot.waitUntil(lambda: session.running is not None and len(session.running.text) > 20, timeout=PATIENCE_MS)


def test_discarding_a_temporary_chat_cancels_its_answer(window: MainWindow, qtbot: QtBot, endless: Path) -> None:
    window.controller.models.use(str(endless))
    window.controller.services.settings.change(max_tokens=0)
    press(qtbot, window, "Ctrl+Shift+N")
    send(qtbot, window, "long")
    wait_for_words_of_any(qtbot, window)
    window.controller.conversation.open(None)
    qtbot.mouseClick(find(question_box(window), "discardButton", QPushButton), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.controller.conversation.session.answers, timeout=PATIENCE_MS)
    assert not window.notice.isVisible()


def test_header_button_toggles_a_temporary_chat(window: MainWindow, qtbot: QtBot) -> None:
    write(window, "what I was writing")
    button = find(window, "temporaryButton")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.controller.conversation.session.is_temporary
    assert window.composer.text() == "what I was writing"
    assert window.controller.services.drafts.get(None).text == ""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not window.controller.conversation.session.is_temporary
    assert window.composer.text() == "what I was writing"


def test_temporary_chat_can_be_exported(window: MainWindow, qtbot: QtBot) -> None:
    from ui.export.dialog import ExportDialog

    press(qtbot, window, "Ctrl+Shift+N")
    session = window.controller.conversation.session
    send(qtbot, window, "to be exported")
    qtbot.waitUntil(lambda: session.running is None and not session.is_empty, timeout=PATIENCE_MS)
    press(qtbot, window, "Ctrl+E")
    dialog = find(window, "exportDialog", ExportDialog)
    assert dialog._store is session.store
    assert dialog._store.get(session.conversation_id).title == "to be exported"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)


# Titles


def test_question_replaces_a_greeting_as_title(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "Hello there!")
    assert titles(window) == ["Hello there!"]
    ask(qtbot, window, "Why is the sea salty?")
    assert titles(window) == ["Why is the sea salty?"]
    ask(qtbot, window, "And lakes?")
    assert titles(window) == ["Why is the sea salty?"]


def test_neither_a_farewell_nor_what_follows_a_long_question_becomes_the_title(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.controller.services.settings.change(titles_by_model=False)
    ask(qtbot, window, "hello")
    ask(qtbot, window, "Bye!")
    assert titles(window) == ["hello"]
    window.controller.conversation.open(None)
    ask(qtbot, window, "word " * 40)
    first = titles(window)[0]
    ask(qtbot, window, "Now as JSON")
    assert first.endswith("…")
    assert titles(window)[0] == first


def test_chosen_title_is_kept(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "hi")
    conversation_id = window.controller.conversation.session.conversation_id
    assert conversation_id is not None
    window.controller.services.store.rename(conversation_id, "Mine")
    ask(qtbot, window, "Why is the sea salty?")
    assert titles(window) == ["Mine"]


def test_model_generates_a_title_for_a_long_question(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is.
    monkeypatch.setattr("app.chat.titles.MAX_ANSWER_S", 600.0)
    window = open_window()
    services = window.controller.services
    services.settings.change(temperature=0.0, max_tokens=30, context=2048)
    question = "please tell me, as briefly as you can, " + "about the capital of France and what it is known for " * 2
    send(qtbot, window, question)
    answer = wait_for_answer(qtbot, window)
    store = services.store
    first = store.get(answer.conversation_id).title
    assert first.endswith("…")
    qtbot.waitUntil(lambda: store.get(answer.conversation_id).title != first, timeout=PATIENCE_MS)
    title = store.get(answer.conversation_id).title
    assert 2 <= len(title) <= 72
    assert not store.get(answer.conversation_id).title_is_chosen
    qtbot.waitUntil(lambda: titles(window) == [title])
    assert len(store.messages(answer.conversation_id)) == 2


# Notifications


def test_slow_answer_is_notified_while_the_window_is_inactive(window: MainWindow, qtbot: QtBot) -> None:
    window.controller.notify_after_s = 0.0
    with qtbot.assertNotEmitted(window.controller.background.notified):
        ask(qtbot, window, "while I watch")
    other = QWidget()
    qtbot.addWidget(other)
    window.hide()
    with qtbot.waitSignal(window.controller.background.notified, timeout=PATIENCE_MS) as reported:
        window.controller.conversation.send(Draft("while I am away"))
    assert reported.args[0] == "Answer ready"
    window.show()


# Shortcuts


def test_shortcuts_are_listed_and_unique(window: MainWindow, qtbot: QtBot) -> None:
    shortcuts = [shortcut for group in SHORTCUTS.values() for shortcut in group]
    bound = [key for shortcut in shortcuts if shortcut.id for key in shortcut.keys]
    others = [key for shortcut in shortcuts if not shortcut.id for key in shortcut.keys]
    assert len(set(bound)) == len(bound)
    assert not set(bound) & set(others)
    assert all(shortcut.text for shortcut in shortcuts)
    press(qtbot, window, "F1")
    dialog = find(window, "shortcutsDialog", ShortcutsDialog)
    assert isinstance(dialog, ShortcutsDialog)
    assert dialog.buttons["temporary"].text() == "Ctrl+Shift+N"
    assert "Shift+Enter" in {label.text() for label in dialog.findChildren(QLabel)}
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)


def test_zoom_changes_the_whole_window_with_shortcuts(window: MainWindow, qtbot: QtBot) -> None:
    settings, size, ratio = window.controller.services.settings, window.size(), window.devicePixelRatio()
    window.sidebar.settings_button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    press(qtbot, window, "Ctrl+=")
    assert settings.current.zoom == 110
    assert not window.sidebar.settings_button.underMouse(), "the new window learns where the pointer is"
    assert window.devicePixelRatio() == pytest.approx(1.1 * ratio)
    assert window.width() == pytest.approx(size.width() / 1.1, abs=1), "it keeps its size on the screen"
    qtbot.waitUntil(window.composer.field.hasFocus, timeout=PATIENCE_MS)
    window.move(window.screen().availableGeometry().center())
    window.controller.apply_settings(settings.change(zoom=150))
    assert window.screen().availableGeometry().contains(window.geometry()), "it stays on the screen"
    window.controller.apply_settings(settings.change(zoom=200))
    assert window.devicePixelRatio() == pytest.approx(2 * ratio)
    qtbot.waitUntil(window.isActiveWindow, timeout=PATIENCE_MS)
    press(qtbot, window, "Ctrl+=")
    assert settings.current.zoom == 200
    window.controller.show_settings("appearance")
    page = window.centre.page
    assert isinstance(page, SettingsPage)
    press(qtbot, window, "Ctrl+0")
    assert (settings.current.zoom, window.devicePixelRatio()) == (100, ratio)
    normal = window.geometry()
    window.showMaximized()
    for percent in (150, 100):
        window.controller.apply_settings(settings.change(zoom=percent))
        assert window.isMaximized()
        assert window.windowHandle().windowState() == Qt.WindowState.WindowMaximized
    window.showNormal()
    qtbot.waitUntil(lambda: abs(window.height() - normal.height()) < 3, timeout=PATIENCE_MS)
    assert page.appearance.controls["zoom"].value() == 100


def test_the_zoom_changes_at_the_next_start_without_the_function_of_qt(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ui.widgets.zoom._FUNCTIONS", {})
    ratio = window.devicePixelRatio()
    press(qtbot, window, "Ctrl+=")
    assert (window.controller.services.settings.current.zoom, window.devicePixelRatio()) == (110, ratio)
    assert window.notice.text() == "The zoom will be 110 % at the next start."
    window.controller.show_settings("appearance")
    page = window.centre.page
    assert isinstance(page, SettingsPage)
    assert page.appearance.rows["zoom"].explanation.text().endswith("Applies at the next start.")
    script = """
import sys
from ui.start import application
from ui.widgets import zoom
zoom._FUNCTIONS = {}
made = application._make_application(sys.argv[1])
print(made.primaryScreen().devicePixelRatio(), zoom.zoom())
"""
    root = str(tmp_path / "data")
    run = subprocess.run([sys.executable, "-c", script, root], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.split() == ["1.1", "110"]


def test_shortcuts_open_the_neighbouring_conversations(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "one")
    one = window.controller.conversation.session.conversation_id
    window.controller.conversation.open(None)
    ask(qtbot, window, "two")
    two = window.controller.conversation.session.conversation_id
    press(qtbot, window, "Ctrl+PgDown")
    assert window.controller.conversation.session.conversation_id == one
    press(qtbot, window, "Ctrl+PgUp")
    assert window.controller.conversation.session.conversation_id == two
    press(qtbot, window, "Ctrl+PgUp")
    assert window.controller.conversation.session.conversation_id == two


def test_temporary_chat_offers_no_fork_and_edits_stay_temporary(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, "Ctrl+Shift+N")
    session = window.controller.conversation.session
    send(qtbot, window, "one")
    qtbot.waitUntil(lambda: session.running is None and not session.is_empty, timeout=PATIENCE_MS)
    for item in window.controller.transcript.page.items:
        assert "fork" not in item.actions
        assert "delete" in item.actions
    question = session.store.branch(session.conversation_id)[0]
    act(window, "edit", question)
    send(qtbot, window, " more")
    qtbot.waitUntil(lambda: session.running is None, timeout=PATIENCE_MS)
    assert item_of(window, session.store.branch(session.conversation_id)[0]).version == (2, 2)
    assert window.controller.services.store.list() == []


@pytest.mark.parametrize("width", [700, 1180])
def test_controls_have_accessible_names_and_fit(window: MainWindow, qtbot: QtBot, width: int) -> None:
    question, _ = ask(qtbot, window, "hello")
    window.resize(width, 600)
    window.controller.conversation.attachments.paste("word " * 1000)
    act(window, "edit", question)
    window.controller.conversation.attachments.paste("words " * 1000)
    for button in window.findChildren(QAbstractButton):
        if button.isVisible():
            assert button.accessibleName() or button.text(), button.objectName()
            assert button.width() >= min(20, button.minimumSizeHint().width()), button.objectName()
    assert window.width() == width
    right = window.composer.mapTo(window, window.composer.rect().topRight()).x()
    assert right < width


def test_draft_is_kept_when_it_cannot_be_stored(window: MainWindow, qtbot: QtBot) -> None:
    ask(qtbot, window, "hello")
    services = window.controller.services
    conversation_id = window.controller.conversation.session.conversation_id
    assert conversation_id is not None
    services.store.delete(conversation_id)
    send(qtbot, window, "words that took an hour")
    assert window.composer.text() == "words that took an hour"
    assert "There's no conversation" in window.notice.text()
    services.store.restore(conversation_id)


def test_single_message_can_be_exported(window: MainWindow, qtbot: QtBot) -> None:
    question, answer = ask(qtbot, window, "hello")
    for message in (question, answer):
        assert "export" in item_of(window, message).actions
        act(window, "export", message)
        dialog = window.findChild(ExportDialog)
        assert dialog is not None
        qtbot.waitUntil(dialog.isVisible)
        assert dialog.scope.scope.message_id == message.id
        dialog.reject()
        qtbot.waitUntil(lambda: window.findChild(ExportDialog) is None)


def test_edited_answer_is_a_new_version_and_the_original_stays(
    window: MainWindow, qtbot: QtBot, open_window: OpenWindow
) -> None:
    _, original = ask(qtbot, window, "one")
    store = window.controller.services.store
    text = "<think>Secret plan</think>\n\nThe **answer**."
    store.finish_answer(original.id, text, Status.COMPLETE, original.provenance)
    window.controller.conversation.refresh()
    act(window, "revise", original)
    dialog = find(window, "editDialog", EditDialog)
    save = find(dialog, "saveButton", QPushButton)
    assert dialog.field.toPlainText() == "The **answer**."
    assert not save.isEnabled(), "nothing has changed"
    act(window, "copy", original)
    assert QGuiApplication.clipboard().text() == "The **answer**."
    dialog.field.setPlainText("Better")
    # Unsaved changes are not lost by Escape.
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(QWidget, "editDialog") is None)
    assert [message.id for message in branch(window)][-1] == original.id
    act(window, "revise", original)
    dialog = find(window, "editDialog", EditDialog)
    assert dialog.field.toPlainText() == "Better"
    qtbot.waitUntil(dialog.isActiveWindow, timeout=PATIENCE_MS)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    edited = branch(window)[-1]
    assert (edited.content, edited.status) == ("<think>Secret plan</think>\n\nBetter", Status.COMPLETE)
    assert store.message(original.id).content == text
    item = item_of(window, edited)
    assert (item.version, item.figures) == ((2, 2), "Edited")
    assert "details" not in item.actions
    # The model continues from the edited version.
    answer = ask(qtbot, window, "two")[1]
    assert [message.id for message in branch(window)][1] == edited.id
    act(window, "previous", edited)
    assert branch(window)[-1].id == original.id
    assert answer.provenance is not None
    assert edited.provenance is not None
    assert edited.provenance.model_id == answer.provenance.model_id


def test_the_tokens_of_a_prompt_are_grouped(qtbot: QtBot) -> None:
    text = MessageItems()._reading(PromptProgress(1_780, 5_839, 500, None), 0, "", is_summary=False)
    assert text == "Reading the conversation: 1,280 of 5,339 tokens"
