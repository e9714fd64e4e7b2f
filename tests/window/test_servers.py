"""OpenAI-compatible servers in the window: settings, answers, model menu."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.config.drafts import Drafts
from app.config.paths import DataFolder
from app.config.presets import ConversationOverrides
from app.conversation import Role, Status
from app.discovery import SharedModel
from app.local_server.access import Access
from app.local_server.certificate import own_certificate
from app.sampling import Sampling
from app.served_models import ServedModels
from app.servers.providers import Provider, providers
from app.services import Services
from app.structured.schema import JSON_OBJECT
from tests.rigs.openai_server import WORDS, Behaviour, OpenAiServer, openai_server
from tests.rigs.raw_server import HEAD, delta, raw_server
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, wait_for_answer, wait_for_words
from ui.conversation.answer_details import DetailsDialog
from ui.conversation.context_gauge import ContextPopover
from ui.settings.page import SettingsPage
from ui.widgets.theme import current_theme
from ui.window.main_window import MainWindow


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server(key="sk-right") as running:
        yield running


def open_settings(window: MainWindow, qtbot: QtBot) -> SettingsPage:
    window.controller.show_settings()
    dialog = window.findChild(SettingsPage)
    assert dialog is not None
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def add(dialog: SettingsPage, qtbot: QtBot, url: str, key: str) -> str:
    """Fill the form, press its button, and give back what the dialog says of it."""
    page = dialog.servers
    page.address.setText(url)
    page.key.setText(key)
    qtbot.mouseClick(page.add_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not said(dialog, "serverStatus").startswith("Connecting"), timeout=PATIENCE_MS)
    return said(dialog, "serverStatus")


def said(dialog: SettingsPage, name: str = "settingsStatus") -> str:
    label = dialog.findChild(QLabel, name)
    assert label is not None
    return label.text()


def use(window: MainWindow, server: OpenAiServer, qtbot: QtBot) -> None:
    dialog = open_settings(window, qtbot)
    add(dialog, qtbot, server.url, "sk-right")
    qtbot.waitUntil(lambda: len(dialog.servers.rows) == 1, timeout=PATIENCE_MS)
    (row,) = dialog.servers.rows.values()
    qtbot.mouseClick(row.use, Qt.MouseButton.LeftButton)


def use_url(window: MainWindow, url: str, name: str = "apus") -> str:
    """Use a model of a server that is added without its dialog."""
    services = window.controller.services
    model_id = services.servers.add(url).model_id(name)
    window.controller.models.use(model_id)
    return model_id


def model_button(window: MainWindow) -> str:
    return find(window, "modelButton", QToolButton).text()  # type: ignore[attr-defined, no-any-return]


def test_server_answers_and_a_local_model_continues(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer, tiny_model: Path
) -> None:
    window = open_window()
    use(window, server, qtbot)
    assert "apus" in model_button(window)
    assert "127.0.0.1" in find(window, "modelButton", QToolButton).toolTip()  # type: ignore[attr-defined]
    send(qtbot, window, "How many experts?")
    answer = wait_for_answer(qtbot, window)
    assert (answer.content, answer.status) == ("".join(WORDS), Status.COMPLETE)
    assert answer.provenance is not None
    assert (answer.provenance.endpoint, answer.provenance.engine) == (server.url, "vLLM")
    assert window.controller.transcript.page.items[-1].note == ""
    use_of_context = window.controller.conversation.context.use
    assert (use_of_context.used, use_of_context.size) == (17 + len(WORDS), 1024)
    assert find(window, "contextGauge").isVisible()
    session = window.controller.conversation.session
    session.set_overrides(ConversationOverrides(sampling=Sampling(json_schema=JSON_OBJECT)))
    window.controller.conversation.act("retry", answer.id)
    qtbot.waitUntil(lambda: branch(window)[-1].id != answer.id, timeout=PATIENCE_MS)
    assert wait_for_answer(qtbot, window).content == "".join(WORDS)
    assert window.controller.transcript.page.items[-1].note.startswith("This isn't JSON: ")
    session.set_overrides(ConversationOverrides())
    window.controller.models.use(str(tiny_model))
    window.controller.services.settings.change(max_tokens=5)
    send(qtbot, window, "And here?")
    qtbot.waitUntil(lambda: len(branch(window)) == 4 and branch(window)[-1].status is Status.COMPLETE, timeout=60_000)
    here = branch(window)[-1]
    assert here.provenance is not None
    assert here.provenance.endpoint is None
    assert here.provenance.file_sha256 is not None


def test_a_conversation_that_stayed_here_says_that_it_is_sent_to_a_server(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer, tiny_model: Path
) -> None:
    window = open_window()
    window.controller.models.use(str(tiny_model))
    window.controller.services.settings.change(max_tokens=5)
    send(qtbot, window, "Hello")
    wait_for_answer(qtbot, window)
    assert not window.hint.isVisible()
    use(window, server, qtbot)
    qtbot.waitUntil(window.hint.isVisible, timeout=5000)
    assert "runs on a server. With the next question it gets the whole conversation." in window.hint.label.text()
    served = window.controller.models.model_id()
    send(qtbot, window, "How many experts?")
    qtbot.waitUntil(lambda: len(branch(window)) == 4 and branch(window)[-1].status is Status.COMPLETE, timeout=60_000)
    qtbot.waitUntil(lambda: not window.hint.isVisible(), timeout=60_000)
    window.controller.models.use(str(tiny_model))
    send(qtbot, window, "And here?")
    qtbot.waitUntil(lambda: len(branch(window)) == 6 and branch(window)[-1].status is Status.COMPLETE, timeout=60_000)
    # Another answer has come from this computer: the next message would leave it again.
    window.controller.models.use(served)
    qtbot.waitUntil(window.hint.isVisible, timeout=60_000)
    assert window.hint.action.text() == "Switch back"
    assert window.hint.action.toolTip() == "Use Tiny random · F32 instead"
    qtbot.mouseClick(window.hint.action, Qt.MouseButton.LeftButton)
    assert window.controller.models.model_id() == str(tiny_model)
    assert not window.hint.isVisible()
    window.controller.models.use(served)
    window.controller.conversation.open_temporary()
    texts = [each.text() for each in window.controller.welcome.findChildren(QLabel)]
    assert any("isn't saved" in each and "Your messages are sent to a server: " in each for each in texts)


def test_stop_reaches_the_server(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    server.behaviour = Behaviour(key="sk-right", waits_before=3)
    window = open_window()
    use(window, server, qtbot)
    send(qtbot, window, "How many experts?")
    wait_for_words(qtbot, window, 5)
    qtbot.waitUntil(server.waiting.is_set, timeout=PATIENCE_MS)
    qtbot.mouseClick(find(window, "stopButton"), Qt.MouseButton.LeftButton)
    answer = wait_for_answer(qtbot, window)
    assert (answer.content, answer.status) == ("".join(WORDS[:3]), Status.STOPPED)
    qtbot.waitUntil(server.gone.is_set, timeout=PATIENCE_MS)


def test_form_reports_errors_and_warns_about_http(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    dialog = open_settings(open_window(), qtbot)
    page = dialog.servers
    assert "requires an API key" in add(dialog, qtbot, server.url, "")
    assert page.key.hasFocus()
    assert "doesn't accept the API key" in add(dialog, qtbot, server.url, "sk-wrong")
    assert page.key.selectedText() == "sk-wrong"
    assert "isn't a valid server address" in add(dialog, qtbot, "http://", "")
    assert page.address.hasFocus()
    assert page.rows == {}
    assert said(dialog) == "", "the result is beside the form, not at the bottom of the dialog"
    page.provider.activated.emit(0)
    assert said(dialog, "serverStatus") == "", "it was about another service"
    assert "isn't a valid server address" in add(dialog, qtbot, "http://", "")
    page.address.setText(server.url)
    assert said(dialog, "serverStatus") == ""
    warning = dialog.findChild(QLabel, "plainHttpWarning")
    assert warning is not None
    dialog.servers.address.setText("http://api.example.com/v1")
    assert not warning.isHidden()
    dialog.servers.address.setText(server.url)
    assert warning.isHidden()
    dialog.back_button.click()


def test_the_key_of_another_pc_decides_whether_it_is_reached_encrypted(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    sharing = Services(DataFolder(tmp_path / "sharing"))
    models = ServedModels(sharing, "starter")
    plain = Access(key="sk-right")
    url = sharing.local_server.start(plain, models)
    access = sharing.local_server.status().access
    assert access is not None
    encrypted = replace(access, certificate=own_certificate(tmp_path / "own.pem")[0])
    try:
        dialog = open_settings(open_window(), qtbot)
        page = dialog.servers
        add(dialog, qtbot, url, "sk-right")
        qtbot.waitUntil(lambda: len(page.rows) == 1, timeout=PATIENCE_MS)
        (row,) = page.rows.values()
        assert row.server.url == f"{url}/v1"
        # That PC encrypts from now on: the message says what to do, and the new key changes the address.
        sharing.local_server.start(encrypted, models)
        qtbot.mouseClick(row.refresh, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(
            lambda: "accepts encrypted connections only" in said(dialog, "serverListStatus"), timeout=PATIENCE_MS
        )
        assert "Copy its API key from the settings of that PC" in said(dialog, "serverListStatus")
        qtbot.mouseClick(row.change_key, Qt.MouseButton.LeftButton)
        row.key.setText(encrypted.shared_key)
        qtbot.keyClick(row.key, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: "offers starter" in said(dialog, "serverListStatus"), timeout=PATIENCE_MS)
        assert any(label.text() == f"{url}/v1".replace("http:", "https:") for label in row.findChildren(QLabel))
        qtbot.mouseClick(row.remove, Qt.MouseButton.LeftButton)
        find(dialog, "confirmRemoveButton").click()
        qtbot.waitUntil(lambda: page.rows == {}, timeout=PATIENCE_MS)
        # The address as it was announced may lie; a key that names the certificate is sent to no other server.
        page.address.setText("http://192.168.1.20:8033/v1")
        warning = dialog.findChild(QLabel, "plainHttpWarning")
        assert warning is not None
        assert not warning.isHidden()
        page.key.setText(encrypted.shared_key)
        assert warning.isHidden()
        wrong = encrypted.shared_key[:-22] + "A" * 22
        assert "can't prove that it is the PC" in add(dialog, qtbot, url, wrong)
        assert page.key.selectedText() == wrong
        assert "Copy the whole key" in add(dialog, qtbot, url.replace("http:", "https:"), "sk-right")
        assert page.window().focusWidget() is page.key
        assert page.rows == {}
        add(dialog, qtbot, url, encrypted.shared_key)
        qtbot.waitUntil(lambda: len(page.rows) == 1, timeout=PATIENCE_MS)
        (row,) = page.rows.values()
        assert row.server.url == f"{url}/v1".replace("http:", "https:")
        dialog.back_button.click()
    finally:
        sharing.close()


def test_focus_stays_where_a_server_was_added_and_changed(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer
) -> None:
    server.behaviour = Behaviour()
    window = open_window()
    dialog = open_settings(window, qtbot)
    page = dialog.servers
    page.address.setText(server.url)
    page.add_button.setFocus()
    qtbot.keyClick(page.add_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(page.rows) == 1, timeout=PATIENCE_MS)
    action = find(dialog, "serverStatusAction", QPushButton)
    assert isinstance(action, QPushButton)
    assert (action.text(), action.hasFocus()) == ("Use apus", True)
    qtbot.keyClick(action, Qt.Key.Key_Space)
    assert "apus" in model_button(window)
    window.controller.show_settings()
    shown = window.centre.page
    assert isinstance(shown, SettingsPage)
    dialog, page = shown, shown.servers
    (row,) = page.rows.values()
    row.refresh.setFocus()
    qtbot.keyClick(row.refresh, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "offers apus" in said(dialog, "serverListStatus"), timeout=PATIENCE_MS)
    assert row.refresh.hasFocus()
    assert said(dialog, "serverStatus") == ""
    qtbot.mouseClick(row.change_key, Qt.MouseButton.LeftButton)
    row.key.setText("sk-right")
    qtbot.keyClick(row.key, Qt.Key.Key_Return)
    assert row.change_key.hasFocus()
    qtbot.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    assert dialog.servers.rows
    find(dialog, "confirmRemoveButton").click()
    qtbot.waitUntil(lambda: page.rows == {}, timeout=PATIENCE_MS)
    assert page.window().focusWidget() is page.address
    dialog.back_button.click()


def test_server_is_added_once(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    window = open_window()
    dialog = open_settings(window, qtbot)
    add(dialog, qtbot, server.url, "sk-right")
    # The address may be typed in another form.
    assert add(dialog, qtbot, f" {server.url}/models", "sk-right").endswith(" is already in the list.")
    (row,) = dialog.servers.rows.values()
    assert row.models.hasFocus()
    assert len(window.controller.services.servers.list()) == 1


def test_unreachable_server_can_be_added(open_window: OpenWindow, qtbot: QtBot) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        window = open_window()
        dialog = open_settings(window, qtbot)
        assert "Can't reach" in add(dialog, qtbot, f"127.0.0.1:{held.getsockname()[1]}", "")
        action = find(dialog, "serverStatusAction")
        qtbot.mouseClick(action, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(dialog.servers.rows) == 1, timeout=PATIENCE_MS)
    (row,) = dialog.servers.rows.values()
    assert row.models.isHidden()
    dialog.back_button.click()
    models = window.controller.models
    (entry,) = (each for each in models.entries() if each.title == row.server.title)
    assert "No models listed" in entry.note
    with qtbot.waitSignal(models.servers_requested):
        models.choose(entry.key)


def test_server_is_refreshed_and_removed(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    dialog = open_settings(open_window(), qtbot)
    add(dialog, qtbot, server.url, "sk-right")
    qtbot.waitUntil(lambda: len(dialog.servers.rows) == 1, timeout=PATIENCE_MS)
    (row,) = dialog.servers.rows.values()
    server.behaviour = Behaviour(key="sk-other", models=("small", "large"))
    qtbot.mouseClick(row.refresh, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "doesn't accept the API key" in said(dialog, "serverListStatus"), timeout=PATIENCE_MS)
    qtbot.mouseClick(row.change_key, Qt.MouseButton.LeftButton)
    row.key.setText("sk-other")
    qtbot.keyClick(row.key, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: row.models.count() == 2, timeout=PATIENCE_MS)
    qtbot.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    assert dialog.servers.rows
    find(dialog, "confirmRemoveButton").click()
    qtbot.waitUntil(lambda: dialog.servers.rows == {}, timeout=PATIENCE_MS)
    dialog.back_button.click()


def test_removed_server_is_reported(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.controller.models.use("server:gone/apus")
    assert model_button(window) == "apus"
    send(qtbot, window, "How many experts?")
    answer = wait_for_answer(qtbot, window)
    assert answer.status is Status.FAILED
    assert answer.error is not None
    assert answer.error["code"] == "server_unknown"


def test_answer_of_a_closed_window_was_stopped_by_the_user(open_window: OpenWindow, qtbot: QtBot) -> None:
    with raw_server(HEAD + delta("Half"), holds=True) as url:
        window = open_window()
        use_url(window, url, "m")
        send(qtbot, window, "How many experts?")
        wait_for_words(qtbot, window, 4)
        window = open_window()
    answer = branch(window)[-1]
    assert (answer.content, answer.status, answer.error) == ("Half", Status.STOPPED, None)
    assert window.controller.transcript.page.items[-1].note == "Stopped."


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)", extend=True)
def test_context_of_a_server_is_known_after_a_restart(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer, tiny_model: Path
) -> None:
    server.behaviour = Behaviour(owner="llamacpp", context=1024)
    window = open_window()
    model_id = use_url(window, server.url)
    send(qtbot, window, "How many experts?")
    wait_for_answer(qtbot, window)
    window = open_window()

    def size() -> int:
        return window.controller.conversation.context.use.size  # type: ignore[no-any-return]

    assert size() == 1024
    gauge = window.header.gauge
    for id_, can_grow in ((str(tiny_model), True), (model_id, False)):
        window.controller.models.use(id_)
        qtbot.mouseClick(gauge, Qt.MouseButton.LeftButton)
        card = window.findChildren(ContextPopover)[-1]
        assert card.larger.isVisible() is can_grow, "the context of a server is its own"
        card.close()
    window.controller.models.use(str(tiny_model))
    assert size() == 0, "that of another model says nothing"
    window.controller.models.use(model_id)
    window.controller.conversation.open(None)
    assert size() == 1024
    sent = len(server.chats())
    send(qtbot, window, "much too long " * 1000)
    answer = wait_for_answer(qtbot, window)
    assert answer.error is not None
    assert answer.error["code"] == "question_too_long"
    assert len(server.chats()) == sent


def test_conversations_with_servers_do_not_wait(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer, tmp_path: Path
) -> None:
    server.behaviour = Behaviour(waits_before=2)
    window = open_window()
    conversation, session = window.controller.conversation, window.controller.conversation.session
    window.controller.models.use(str(write_tiny_model(tmp_path / "endless.gguf", context_length=16384)))
    send(qtbot, window, "to the engine")
    wait_for_words(qtbot, window)
    conversation.open(None)
    use_url(window, server.url)
    send(qtbot, window, "to the server")
    wait_for_words(qtbot, window, 5)
    conversation.open(None)
    server.behaviour = Behaviour()
    send(qtbot, window, "to the server, too")
    assert wait_for_answer(qtbot, window).content == "".join(WORDS)
    assert len(session.answers) == 2
    rows = window.sidebar.list.rows
    spoken = [rows.data(rows.index(row), Qt.ItemDataRole.AccessibleTextRole) for row in range(rows.rowCount())]
    assert sorted(text for text in spoken if "answering" in text) == [
        "to the engine, answering",
        "to the server, answering",
    ]
    marked = window.sidebar.list.grab().toImage()
    for answer in list(session.answers.values()):
        conversation.open(answer.message.conversation_id)
        session.stop()
        assert wait_for_answer(qtbot, window).status is Status.STOPPED
    window.sidebar.set_open(None)
    accent = QColor(current_theme().accent)

    def dots(image: QImage) -> int:
        return sum(image.pixelColor(image.width() - 24, y) == accent for y in range(image.height()))

    assert dots(marked) > dots(window.sidebar.list.grab().toImage()) == 0


def test_questions_wait_for_the_end_of_the_running_answer(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer
) -> None:
    server.behaviour = Behaviour(waits_before=2)
    window = open_window()
    use_url(window, server.url)
    composer, session = window.composer, window.controller.conversation.session

    def waiting() -> list[str]:
        return [each.text for each in composer.draft().queue]

    send(qtbot, window, "first")
    wait_for_words(qtbot, window, 5)
    first = session.conversation_id
    # What changes the branch of the running answer is refused.
    window.controller.conversation.act("delete", branch(window)[0].id)
    assert "Wait until the answer is complete" in window.notice.text()
    for text in ("second", "thirdd", "fourth"):
        send(qtbot, window, text)
    assert (composer.text(), waiting(), len(branch(window))) == ("", ["second", "thirdd", "fourth"], 2)
    queue = find(window, "questionQueue", QWidget)
    assert queue.isVisible()
    press(qtbot, queue, "editQueuedButton", 1)
    assert (composer.text(), waiting()) == ("thirdd", ["second", "fourth"])
    qtbot.keyClick(composer.field, Qt.Key.Key_Backspace)
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert (composer.text(), waiting()) == ("", ["second", "third", "fourth"]), "back to its place"
    qtbot.keyClick(composer.field, Qt.Key.Key_Up)
    assert (composer.text(), waiting()) == ("fourth", ["second", "third"])
    press(qtbot, queue, "editQueuedButton", 0)
    assert (composer.text(), waiting()) == ("second", ["third", "fourth"])
    press(qtbot, queue, "editQueuedButton", 1)
    assert (composer.text(), waiting()) == ("fourth", ["second", "third"])
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert waiting() == ["second", "third", "fourth"]
    press(qtbot, queue, "removeQueuedButton", 2)
    assert waiting() == ["second", "third"]
    # They belong to their conversation, are kept in its draft, and go on when it is open.
    window.controller.conversation.open(None)
    assert waiting() == []
    assert not queue.isVisible()
    window.controller.conversation.drafts.close()
    stored = Drafts(window.controller.services.folder.drafts_file).get(first)
    assert [each.text for each in stored.queue] == ["second", "third"]
    server.behaviour = Behaviour()
    server.let_go.set()
    qtbot.waitUntil(lambda: not session.answers, timeout=PATIENCE_MS)
    window.controller.conversation.open(first)
    qtbot.waitUntil(lambda: waiting() == [] and not session.answers, timeout=PATIENCE_MS)
    assert [each.content for each in branch(window) if each.role is Role.USER] == ["first", "second", "third"]
    # The notice has ended with what it was about.
    assert not window.notice.isVisible()
    # After a stop the next question waits for Enter.
    server.let_go.clear()
    server.behaviour = Behaviour(waits_before=2)
    send(qtbot, window, "fifth")
    wait_for_words(qtbot, window, 5)
    send(qtbot, window, "sixth")
    server.behaviour = Behaviour()
    session.stop()
    qtbot.waitUntil(lambda: not session.answers, timeout=PATIENCE_MS)
    assert waiting() == ["sixth"]
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: waiting() == [] and not session.answers, timeout=PATIENCE_MS)
    assert branch(window)[-2].content == "sixth"


def press(qtbot: QtBot, queue: QWidget, name: str, place: int) -> None:
    """Press the button of a waiting question."""

    def shown() -> list[QToolButton]:
        return [each for each in queue.findChildren(QToolButton, name) if each.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) > place)
    qtbot.mouseClick(shown()[place], Qt.MouseButton.LeftButton)


def test_details_promise_repeatable_answers_of_local_models_only(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer, tiny_model: Path
) -> None:
    server.behaviour = Behaviour()
    window = open_window()
    window.controller.services.settings.change(max_tokens=3)
    promises = []
    for use_model in (lambda: use_url(window, server.url), lambda: window.controller.models.use(str(tiny_model))):
        use_model()
        window.controller.conversation.open(None)
        send(qtbot, window, "How many experts?")
        window.controller.transcript.action_requested.emit("details", wait_for_answer(qtbot, window).id)
        dialog = window.findChildren(DetailsDialog)[-1]
        promises.append(any("produce the same answer" in label.text() for label in dialog.findChildren(QLabel)))
        dialog.reject()
    assert promises == [False, True]


def test_servers_are_found_and_added_with_one_click(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openai_server(owner="library", models=("llama3.2:3b", "qwen3:4b")) as ollama:
        monkeypatch.setattr(
            "app.servers.registry.local_providers", lambda: (Provider("Ollama", ollama.url, "https://docs.ollama.com"),)
        )
        # A model that another PC shares.
        monkeypatch.setattr("app.servers.registry.find_shared", lambda own: (SharedModel("Study", server.url),))
        window = open_window()
        dialog = open_settings(window, qtbot)
        page = dialog.servers
        qtbot.mouseClick(page.look_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(page.found_rows) == 2, timeout=PATIENCE_MS)
        assert (said(dialog, "serverListStatus"), said(dialog)) == ("Servers found: 2", "")
        here, other = page.found_rows
        qtbot.mouseClick(here.add, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: [row.server.title for row in page.rows.values()] == ["Ollama"], timeout=PATIENCE_MS)
        assert (here.isVisible(), other.isVisible()) == (False, True)
        # Of several models the one in use is shown.
        (row,) = page.rows.values()
        window.controller.models.use(row.server.model_id("qwen3:4b"))
        page.show_servers()
        (row,) = page.rows.values()
        assert row.models.currentText() == "qwen3:4b"
        qtbot.mouseClick(other.add, Qt.MouseButton.LeftButton)
        assert page.key.hasFocus()
        assert (page.address.text(), page.name.text()) == (server.url, "Study")
        assert said(dialog, "serverStatus") == "Enter the API key of Study."
        qtbot.keyClicks(page.key, "sk-right")
        qtbot.keyClick(page.key, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: len(page.rows) == 2, timeout=PATIENCE_MS)
        assert not other.isVisible()
        qtbot.mouseClick(page.look_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: said(dialog, "serverListStatus").startswith("No other servers"), timeout=PATIENCE_MS)
        assert page.found_rows == []


def test_a_known_service_fills_in_the_form(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("ui.settings.servers.QDesktopServices.openUrl", lambda url: opened.append(url.toString()))
    page = open_settings(open_window(), qtbot).servers
    assert page.provider.count() == len(providers()) + 1
    assert not page.keys_button.isVisible()
    for provider in providers():
        index = page.provider.findText(provider.name)
        page.provider.setCurrentIndex(index)
        page.provider.activated.emit(index)
        assert (page.address.text(), page.name.text()) == (provider.url, provider.name)
        assert page.keys_button.isVisible() is bool(provider.keys)
        assert page.key.placeholderText() == ("API key" if provider.keys else "API key (optional)")
        if provider.keys:
            assert page.key.hasFocus()
            page.keys_button.click()
            assert opened.pop() == QUrl(provider.keys).toString()
    page.provider.setCurrentIndex(0)
    page.provider.activated.emit(0)
    assert (page.address.text(), page.name.text()) == ("", "")
    # A name and an address of the user's own stay.
    page.name.setText("Mine")
    page.provider.setCurrentIndex(1)
    page.provider.activated.emit(1)
    assert (page.address.text(), page.name.text()) == (providers()[0].url, "Mine")
    page.address.setText("http://nas/v1")
    page.provider.setCurrentIndex(0)
    page.provider.activated.emit(0)
    assert (page.address.text(), page.name.text()) == ("http://nas/v1", "Mine")


def test_use_shows_the_conversation_in_which_the_server_answers(
    open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer
) -> None:
    window = open_window()
    use(window, server, qtbot)
    assert window.centre.page is None
    assert window.composer.field.hasFocus()


def test_a_hidden_page_gets_no_keys(open_window: OpenWindow, qtbot: QtBot, server: OpenAiServer) -> None:
    window = open_window()
    use_url(window, server.url)
    page = open_settings(window, qtbot)
    # The page below the shown one.
    window.controller.models.show_page()
    page.servers.address.setFocus()
    assert not page.servers.address.hasFocus()
    window.controller.show_settings()
    page.servers.address.setFocus()
    assert page.servers.address.hasFocus()
    # A model is chosen while another page is shown, as a finished download does.
    window.controller.models.use("other.gguf")
    assert not window.composer.field.hasFocus()
    window.composer.field.setFocus()
    focused = window.focusWidget()
    assert focused is not None
    assert focused.isVisible()
    qtbot.keyClicks(focused, "Secret")
    assert window.composer.text() == ""
    window.centre.show_first()
    window.composer.field.setFocus()
    assert window.composer.field.hasFocus()
