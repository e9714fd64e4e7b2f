"""The main path in a real window with a real engine: ask, watch, stop, retry, continue, close, find again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from app.chat.titles import title_from
from app.conversation import SearchHit, Status
from tests.rigs.engine_children import engine_children
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, indexes, send, titles, wait_for_answer, wait_for_words, write
from ui.sidebar.row_model import ROW_ROLE, Found
from ui.window.controller import WindowController
from ui.window.main_window import MainWindow

QUESTION = "What is the capital of France? Answer in one short sentence."


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model whose answers only end with its context."""
    return write_tiny_model(tmp_path / "endless.gguf", context_length=16384)


def use(window: MainWindow, model: Path) -> None:
    window.controller.models.use(str(model))


def test_first_start_offers_the_starter_and_leaves_the_composer_usable(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    assert window.controller.welcome.isVisible()
    assert find(window, "useStarterButton").isVisible()
    assert find(window, "chooseFileButton").isVisible()
    assert window.composer.field.hasFocus()
    qtbot.mouseClick(find(window, "useStarterButton"), Qt.MouseButton.LeftButton)
    assert not find(window, "useStarterButton").isVisible()
    assert window.focusWidget() is window.composer.field
    assert "SmolLM2" in find(window, "modelButton", QToolButton).text()  # type: ignore[attr-defined]


def test_a_start_with_conversations_is_no_first_start_before_they_are_listed(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_window().controller.services.store.create(title="one")
    monkeypatch.setattr(WindowController, "complete_start", lambda _self: None)
    window = open_window()
    assert not titles(window)
    assert window.controller.welcome.isVisible()
    assert not find(window, "useStarterButton").isVisible()


def test_answer_is_stored_and_found_after_a_restart(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.services.settings.change(temperature=0.0, max_tokens=40)
    send(qtbot, window, QUESTION)
    assert not window.controller.welcome.isVisible()
    assert window.composer.text() == ""
    answer = wait_for_answer(qtbot, window)
    assert answer.status is Status.COMPLETE
    assert "Paris" in answer.content
    assert titles(window) == [title_from(QUESTION)]
    assert answer.provenance is not None
    assert answer.provenance.file_sha256

    window = open_window()
    assert titles(window) == [title_from(QUESTION)]
    assert [message.content for message in branch(window)][1] == answer.content
    search = find(window, "searchField", QLineEdit)
    qtbot.keyClicks(search, "paris")
    qtbot.waitUntil(lambda: [type(index.data(ROW_ROLE)) for index in indexes(window)] == [Found, SearchHit])
    qtbot.keyClick(search, Qt.Key.Key_Return)
    assert window.controller.conversation.session.conversation_id == answer.conversation_id


def test_new_conversation_focuses_the_composer_and_stores_nothing(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.services.store.create(title="Old")
    window.controller.conversation.list_changed.emit()
    window.sidebar.search.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert window.composer.field.hasFocus()
    assert window.controller.conversation.session.is_empty
    assert titles(window) == ["Old"]


def test_enter_sends_and_shift_enter_breaks_the_line(open_window: OpenWindow, qtbot: QtBot, tiny_model: Path) -> None:
    window = open_window()
    use(window, tiny_model)
    window.controller.services.settings.change(max_tokens=3)
    composer = write(window, "one")
    qtbot.keyClick(composer, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    write(window, "two")
    assert composer.toPlainText() == "one\ntwo"
    assert window.controller.conversation.session.is_empty
    qtbot.keyClick(composer, Qt.Key.Key_Return)
    wait_for_answer(qtbot, window)
    assert branch(window)[0].content == "one\ntwo"


def test_enter_while_composing_does_not_send(open_window: OpenWindow, qtbot: QtBot, tiny_model: Path) -> None:
    window = open_window()
    use(window, tiny_model)
    composer = write(window, "早上")
    QApplication.sendEvent(composer, QInputMethodEvent("hao", []))
    qtbot.keyClick(composer, Qt.Key.Key_Return)
    assert window.controller.conversation.session.is_empty
    assert composer.toPlainText() == "早上"
    commit = QInputMethodEvent()
    commit.setCommitString("好")
    QApplication.sendEvent(composer, commit)
    window.controller.services.settings.change(max_tokens=2)
    qtbot.keyClick(composer, Qt.Key.Key_Return)
    wait_for_answer(qtbot, window)
    assert branch(window)[0].content == "早上好"


def test_empty_question_is_not_sent(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    assert not find(window, "sendButton").isEnabled()
    send(qtbot, window, "  \n ")
    assert window.controller.conversation.session.is_empty


def test_stop_keeps_the_text_and_continue_appends_to_it(open_window: OpenWindow, qtbot: QtBot, endless: Path) -> None:
    window = open_window()
    use(window, endless)
    send(qtbot, window, "hello")
    wait_for_words(qtbot, window)
    assert find(window, "stopButton").isVisible()
    assert not find(window, "sendButton").isVisible()
    qtbot.mouseClick(find(window, "stopButton"), Qt.MouseButton.LeftButton)
    stopped = wait_for_answer(qtbot, window)
    assert stopped.status is Status.STOPPED
    assert stopped.content
    assert find(window, "sendButton").isVisible()

    window.controller.services.settings.change(max_tokens=5)
    window.controller.transcript.action_requested.emit("continue", stopped.id)
    (written,) = [each for each in window.controller.transcript.page.items if each.id == stopped.id]
    assert (written.note, written.figures) == ("", ""), "they were about its beginning"
    continued = wait_for_answer(qtbot, window)
    assert continued.id == stopped.id
    assert continued.status is Status.COMPLETE
    assert continued.content.startswith(stopped.content)
    assert len(continued.content) > len(stopped.content)
    assert stopped.provenance is not None
    assert continued.provenance is not None
    tokens = stopped.provenance.completion_tokens + continued.provenance.completion_tokens
    (shown,) = [each for each in window.controller.transcript.page.items if each.id == stopped.id]
    assert f"{tokens} tokens" in shown.figures, "of both parts"
    assert window.composer.field.hasFocus()


def test_escape_stops_the_answer(open_window: OpenWindow, qtbot: QtBot, endless: Path) -> None:
    window = open_window()
    use(window, endless)
    send(qtbot, window, "hello")
    wait_for_words(qtbot, window)
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Escape)
    assert wait_for_answer(qtbot, window).status is Status.STOPPED


def test_retry_adds_a_version(open_window: OpenWindow, qtbot: QtBot, tiny_model: Path) -> None:
    window = open_window()
    use(window, tiny_model)
    window.controller.services.settings.change(max_tokens=6)
    send(qtbot, window, "hello")
    first = wait_for_answer(qtbot, window)
    window.controller.transcript.action_requested.emit("retry", first.id)
    second = wait_for_answer(qtbot, window)
    assert second.id != first.id
    assert second.parent_id == first.parent_id
    assert len(branch(window)) == 2
    assert len(window.controller.services.store.messages(first.conversation_id)) == 3
    assert not window.notice.isVisible()
    # What followed an earlier answer is one click away.
    send(qtbot, window, "and now?")
    wait_for_answer(qtbot, window)
    whole = [each.id for each in branch(window)]
    window.controller.transcript.action_requested.emit("retry", second.id)
    wait_for_answer(qtbot, window)
    assert len(branch(window)) == 2
    assert "kept with the other version" in window.notice.text()
    window.notice.button.click()
    assert [each.id for each in branch(window)] == whole
    assert not window.notice.isVisible()


@pytest.mark.skipif(not hasattr(os, "kill") or os.name == "nt", reason="Windows has no signal to kill with")
def test_dead_engine_is_reported_and_retry_works(open_window: OpenWindow, qtbot: QtBot, endless: Path) -> None:
    window = open_window()
    use(window, endless)
    send(qtbot, window, "hello")
    wait_for_words(qtbot, window)
    child = window.controller.services.engine.pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    died = wait_for_answer(qtbot, window)
    assert died.status is Status.INTERRUPTED
    assert died.content
    assert died.error is not None
    assert died.error["code"] == "engine_died"
    item = window.controller.transcript.page.items[-1]
    assert "SIGKILL" in item.note
    assert {"retry", "continue"} <= set(item.actions)
    window.controller.services.settings.change(max_tokens=4)
    window.controller.transcript.action_requested.emit("retry", died.id)
    assert wait_for_answer(qtbot, window).status is Status.COMPLETE


def test_unloadable_file_is_reported_in_the_answer(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_text("no model")
    window = open_window()
    use(window, bad)
    send(qtbot, window, "hello")
    failed = wait_for_answer(qtbot, window)
    assert failed.status is Status.FAILED
    assert "isn't a GGUF file" in window.controller.transcript.page.items[-1].note
    assert branch(window)[0].content == "hello"


def test_answer_continues_while_another_conversation_is_open(
    open_window: OpenWindow, qtbot: QtBot, endless: Path
) -> None:
    window = open_window()
    other = window.controller.services.store.create(title="Other")
    use(window, endless)
    window.controller.services.settings.change(max_tokens=1500)
    send(qtbot, window, "hello")
    wait_for_words(qtbot, window)
    asked_in = window.controller.conversation.session.conversation_id
    window.controller.conversation.open(other.id)
    assert not find(window, "stopButton").isVisible()
    window.controller.conversation.open(asked_in)
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.completion_tokens == 1500
    assert window.controller.transcript.page.items[-1].content == answer.content


def test_queued_question_can_be_stopped(open_window: OpenWindow, qtbot: QtBot, endless: Path) -> None:
    window = open_window()
    use(window, endless)
    send(qtbot, window, "first")
    wait_for_words(qtbot, window)
    first = window.controller.conversation.session.conversation_id
    window.controller.conversation.open(None)
    send(qtbot, window, "second")
    running = window.controller.conversation.session.running
    assert running is not None
    assert "Waiting" in window.controller.conversation._items.waiting(running, "Model")
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Escape)
    second = window.controller.conversation.session.conversation_id
    window.controller.conversation.open(first)
    window.controller.conversation.session.stop()
    qtbot.waitUntil(lambda: not window.controller.conversation.session.answers, timeout=PATIENCE_MS)
    store = window.controller.services.store
    assert first is not None
    assert second is not None
    assert store.branch(first)[-1].content
    assert store.branch(second)[-1].status is Status.STOPPED
    assert store.branch(second)[-1].content == ""


def test_closing_the_window_keeps_the_partial_answer(open_window: OpenWindow, qtbot: QtBot, endless: Path) -> None:
    window = open_window()
    use(window, endless)
    send(qtbot, window, "hello")
    wait_for_words(qtbot, window)
    window = open_window()
    answer = branch(window)[-1]
    assert answer.status is Status.STOPPED
    assert len(answer.content) >= 20


def test_model_can_be_unloaded(open_window: OpenWindow, qtbot: QtBot, tiny_model: Path) -> None:
    window = open_window()
    use(window, tiny_model)
    window.controller.services.settings.change(max_tokens=2)
    send(qtbot, window, "hello")
    wait_for_answer(qtbot, window)
    assert window.controller.services.engine.state is not None
    window.controller.models.release()
    qtbot.waitUntil(lambda: not engine_children(), timeout=PATIENCE_MS)
    assert window.controller.services.engine.state is None
