"""The list of models: sections, filter, keyboard; another model for one answer; names and versions of answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from app.conversation import Message, Status
from tests.rigs.openai_server import Behaviour, OpenAiServer, openai_server
from tests.rigs.tiny_embedder import write_tiny_embedder
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, wait_for_answer
from ui.conversation.compare_dialog import CompareDialog
from ui.conversation.model_list import ModelPanel
from ui.models.page import ModelsPage
from ui.window.main_window import MainWindow


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server() as running:
        running.behaviour = Behaviour(models=("small", "large"))
        yield running


@pytest.fixture
def window(open_window: OpenWindow, tmp_path: Path, server: OpenAiServer) -> MainWindow:
    """A window with two files and two models of a server."""
    made = open_window()
    services = made.controller.services
    services.settings.change(max_tokens=3, titles_by_model=False)
    for name, title in (("red", "Red panda"), ("white", "White bear")):
        services.library.register(write_tiny_model(tmp_path / f"{name}.gguf", name=title))
    address = services.servers.add(server.url, "Cellar")
    services.servers.refresh(address.id)
    made.controller.models.use("red")
    return made


def opened(qtbot: QtBot, window: MainWindow) -> ModelPanel:
    with qtbot.waitActive(window):
        window.activateWindow()
    qtbot.mouseClick(window.header.model_button, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    return newest(window)


def newest(window: MainWindow) -> ModelPanel:
    """A closed panel is deleted later."""
    return window.findChildren(ModelPanel, "modelPanel")[-1]


def closed(window: MainWindow) -> bool:
    return not any(panel.isVisible() for panel in window.findChildren(ModelPanel))


def retry_with(qtbot: QtBot, window: MainWindow, answer: Message, name: str) -> Message:
    window.controller.transcript.action_requested.emit("retry_with", answer.id)
    panel = newest(window)
    qtbot.keyClicks(panel.field, name)
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    return wait_for_answer(qtbot, window)


def test_sections_have_size_fit_context_and_marks(window: MainWindow, qtbot: QtBot) -> None:
    send(qtbot, window, "hello")
    wait_for_answer(qtbot, window)
    panel = opened(qtbot, window)
    qtbot.waitUntil(lambda: any("RAM" in entry.note for entry in panel.entries()), timeout=PATIENCE_MS)
    entries = {entry.title: entry for entry in panel.entries()}
    sections = list(dict.fromkeys(entry.section for entry in panel.entries()))
    assert sections == ["This computer", "Cellar", ""]
    red = entries["Red panda"]
    assert (red.is_checked, red.mark) == (True, "Loaded")
    assert red.value == "476 KiB"
    assert red.note.endswith("2k context")
    assert (entries["White bear"].is_checked, entries["White bear"].mark) == (False, "")
    # The last used model is the first of its section, and the current row.
    assert panel.entries()[0].title == "Red panda"
    assert panel.key() == "red"
    panel.list.clicked.emit(panel.list.model().index(panel.list.model().rowCount() - 1, 0))
    assert find(window, "addServerButton").isVisible()
    find(window, "settingsDialog").back_button.click()


def test_embedding_models_are_not_offered(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.controller.models.add_file(write_tiny_embedder(tmp_path / "embedder.gguf"))
    notice = find(window, "noticeBar")
    qtbot.waitUntil(lambda: "is an embedding model" in notice.text(), timeout=PATIENCE_MS)
    assert window.controller.models.model_id() == "red"
    titles = [entry.title for entry in opened(qtbot, window).entries()]
    assert "Red panda" in titles
    assert "embedder" not in titles


def test_keyboard_filters_moves_and_chooses(window: MainWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    panel = opened(qtbot, window)
    assert panel.field.hasFocus()
    qtbot.keyClicks(panel.field, "cellar")
    assert [entry.title for entry in panel.entries()] == ["small", "large"]
    qtbot.keyClick(panel.field, Qt.Key.Key_Down)
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    assert closed(window)
    button = window.header.model_button
    # A narrow header has no room for the server.
    assert (button.text(), button.toolTip()) == ("large", "large on Cellar")
    assert window.composer.field.hasFocus()
    send(qtbot, window, "How many experts?")
    wait_for_answer(qtbot, window)
    assert server.chats()[-1]["model"] == "large"

    panel = opened(qtbot, window)
    assert panel.key().endswith("/large")
    for _ in range(2):
        # Around the end and back.
        qtbot.keyClick(panel.field, Qt.Key.Key_Up)
    assert panel.key() != panel.entries()[0].key
    qtbot.keyClick(panel.field, Qt.Key.Key_Tab)
    # A model of a server has no memory layout.
    assert find(panel, "showModelsButton").hasFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert closed(window)
    assert window.composer.field.hasFocus()
    panel = opened(qtbot, window)
    qtbot.keyClicks(panel.field, "nothing of this kind")
    assert panel.entries() == []
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    assert not closed(window)
    qtbot.mouseClick(panel, Qt.MouseButton.LeftButton, pos=QPoint(window.width() - 4, window.height() - 4))
    assert closed(window)


def test_a_model_that_is_not_here_is_shown_on_the_models_page(window: MainWindow, qtbot: QtBot) -> None:
    panel = opened(qtbot, window)
    qtbot.waitUntil(lambda: bool(window.controller.models._fits.home), timeout=PATIENCE_MS)
    qtbot.keyClicks(panel.field, "apus q4")
    (entry,) = panel.entries()
    assert entry.section == "Not downloaded"
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    dialog = find(window, "modelsDialog", ModelsPage)
    assert isinstance(dialog, ModelsPage)
    qtbot.waitUntil(lambda: dialog.list.key() == "apus:Q4_K_M", timeout=PATIENCE_MS)
    dialog.back_button.click()


def test_another_model_answers_again(window: MainWindow, qtbot: QtBot) -> None:
    send(qtbot, window, "hello")
    first = wait_for_answer(qtbot, window)
    items = window.controller.transcript.page.items
    assert [item.author for item in items] == ["", ""]
    assert "retry_with" in items[-1].actions
    second = retry_with(qtbot, window, first, "large")
    assert second.id != first.id
    assert second.provenance is not None
    assert second.provenance.model_id.endswith("/large")
    # The selected model stays, and the answers have names now.
    assert window.controller.models.model_id() == "red"
    shown = window.controller.transcript.page.items[-1]
    assert (shown.author, shown.version) == ("large on Cellar", (2, 2))
    window.controller.conversation.show_other_version(-1)
    assert window.controller.transcript.page.items[-1].author.startswith("Red panda")
    window.controller.conversation.open(None)
    send(qtbot, window, "elsewhere")
    wait_for_answer(qtbot, window)
    assert [item.author for item in window.controller.transcript.page.items] == ["", ""]


def test_versions_of_a_question_are_compared_with_their_answers(window: MainWindow, qtbot: QtBot) -> None:
    controller = window.controller
    send(qtbot, window, "hello")
    first = wait_for_answer(qtbot, window)
    question = branch(window)[0]
    assert "compare" not in controller.transcript.page.items[0].actions
    retry_with(qtbot, window, first, "large")
    controller.conversation.show_other_version(-1)
    controller.transcript.action_requested.emit("edit", question.id)
    window.composer.set_text("good morning")
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Return)
    second = wait_for_answer(qtbot, window)
    assert "compare" in controller.transcript.page.items[0].actions
    controller.transcript.action_requested.emit("compare", branch(window)[0].id)
    dialog = find(window, "compareDialog", CompareDialog)
    assert isinstance(dialog, CompareDialog)
    shown = [[item.content for item in side.transcript.page.items] for side in dialog.sides]
    # Of the question that isn't shown the newest answer.
    assert [texts[0] for texts in shown] == ["hello", "good morning"]
    assert shown[1][1] == second.content
    assert dialog.sides[0].choice.currentText().startswith("Version 1 · large on Cellar")
    assert find(dialog, "comparedQuestion", QLabel).isHidden()
    qtbot.mouseClick(dialog.sides[0].keep, Qt.MouseButton.LeftButton)
    assert branch(window)[0].id == question.id


def test_new_chats_say_that_they_are_sent_to_a_server(window: MainWindow, qtbot: QtBot) -> None:
    controller = window.controller

    def says(text: str) -> bool:
        return any(text in each.text() for each in controller.welcome.findChildren(QLabel) if each.isVisible())

    sent = "Your messages are sent to a server: large on Cellar."
    controller.models.use(next(each.key for each in controller.models.entries() if each.title == "large"))
    controller.conversation.open(None)
    qtbot.waitUntil(lambda: says(sent))
    controller.conversation.open_temporary()
    qtbot.waitUntil(lambda: says(sent) and says("This chat isn't saved"))


def test_versions_are_compared_side_by_side(window: MainWindow, qtbot: QtBot) -> None:
    send(qtbot, window, "hello")
    first = wait_for_answer(qtbot, window)
    assert "compare" not in window.controller.transcript.page.items[-1].actions
    window.controller.conversation.session.change_sampling(temperature=1.3)
    second = retry_with(qtbot, window, first, "large")
    window.controller.transcript.action_requested.emit("compare", second.id)
    dialog = find(window, "compareDialog", CompareDialog)
    assert isinstance(dialog, CompareDialog)
    left, right = dialog.sides
    assert find(dialog, "comparedQuestion", QLabel).text() == "hello"
    assert [side.transcript.page.items[0].content for side in dialog.sides] == [first.content, second.content]
    assert left.choice.currentText().startswith("Version 1 · Red panda")
    assert left.choice.currentText().endswith(" · Temperature 0.7")
    assert right.choice.currentText() == "Version 2 · large on Cellar · Temperature 1.3"
    # A question would be a dialog over this one.
    right.transcript.link_activated.emit("https://example.org/page")
    assert dialog.status.label.text() == "https://example.org/page"
    assert dialog.status.action.isVisible()
    assert window.findChild(QMessageBox, "linkQuestion") is None
    dialog.resize(500, 600)
    qtbot.waitUntil(lambda: left.geometry().bottom() < right.geometry().top())
    qtbot.mouseClick(left.keep, Qt.MouseButton.LeftButton)
    assert branch(window)[-1].id == first.id
    assert branch(window)[-1].status is Status.COMPLETE
