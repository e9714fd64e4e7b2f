"""Hands and eyes of the tests: types, presses, waits for what a person would see."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QListView, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.conversation import Conversation, Message, Status
from ui.sidebar.row_model import ROW_ROLE, Found
from ui.window.main_window import MainWindow

PATIENCE_MS = 60_000


def find(window: QWidget, name: str, kind: type = QWidget) -> QWidget:
    found = window.findChild(kind, name)
    assert found is not None, name
    return found  # type: ignore[no-any-return]


def write(window: MainWindow, text: str) -> QPlainTextEdit:
    """Put text into the composer as an input method does; any script can be written that way."""
    composer = find(window, "composer", QPlainTextEdit)
    event = QInputMethodEvent()
    event.setCommitString(text)
    QApplication.sendEvent(composer, event)
    return composer  # type: ignore[return-value]


def send(qtbot: QtBot, window: MainWindow, text: str) -> None:
    qtbot.keyClick(write(window, text), Qt.Key.Key_Return)


def branch(window: MainWindow) -> list[Message]:
    conversation_id = window.controller.conversation.session.conversation_id
    return window.controller.services.store.branch(conversation_id) if conversation_id else []


def wait_for_answer(qtbot: QtBot, window: MainWindow) -> Message:
    qtbot.waitUntil(
        lambda: window.controller.conversation.session.running is None and bool(branch(window)), timeout=PATIENCE_MS
    )
    return branch(window)[-1]


def wait_for_words(qtbot: QtBot, window: MainWindow, characters: int = 20) -> None:
    def are_there() -> bool:
        running = window.controller.conversation.session.running
        return running is not None and len(running.text) >= characters

    qtbot.waitUntil(are_there, timeout=PATIENCE_MS)


def titles(window: MainWindow) -> list[str]:
    """Return the titles of the conversations in the list, or of those that a search found."""
    return [str(index.data()) for index in indexes(window) if isinstance(index.data(ROW_ROLE), Conversation | Found)]


def indexes(window: MainWindow) -> list[QModelIndex]:
    """Return the rows of the list of conversations."""
    rows = find(window, "conversationList", QListView)
    assert isinstance(rows, QListView)
    return [rows.model().index(row, 0) for row in range(rows.model().rowCount())]


def is_complete(message: Message) -> bool:
    return message.status is Status.COMPLETE
