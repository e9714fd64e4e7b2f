"""The real vLLM in the window, as a person meets it: ``pytest -m vllm``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.conversation import Status
from tests.rigs.vllm_server import KEY, VllmServer
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, wait_for_answer, wait_for_words
from tests.window.test_servers import add, open_settings
from ui.window.main_window import MainWindow

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    with VllmServer(tmp_path_factory.mktemp("vllm") / "log") as server:
        yield server


def use(window: MainWindow, vllm: VllmServer, qtbot: QtBot, key: str = KEY) -> None:
    dialog = open_settings(window, qtbot)
    add(dialog, qtbot, vllm.url, key)
    qtbot.waitUntil(lambda: len(dialog.servers.rows) == 1, timeout=PATIENCE_MS)
    (row,) = dialog.servers.rows.values()
    assert [row.models.itemText(place) for place in range(row.models.count())] == ["apus"]
    qtbot.mouseClick(row.use, Qt.MouseButton.LeftButton)


def test_added_asked_stopped_and_continued_by_a_file_here(
    open_window: OpenWindow, qtbot: QtBot, vllm: VllmServer, tiny_model: Path
) -> None:
    window = open_window()
    settings = window.controller.services.settings
    use(window, vllm, qtbot)
    settings.change(max_tokens=30, titles_by_model=False)
    send(qtbot, window, "Hello")
    answer = wait_for_answer(qtbot, window)
    assert answer.status is Status.COMPLETE
    assert answer.provenance is not None
    assert (answer.provenance.completion_tokens, answer.provenance.engine) == (30, "vLLM")
    assert answer.provenance.endpoint == vllm.url
    settings.change(max_tokens=0)
    send(qtbot, window, "More")
    wait_for_words(qtbot, window, 20)
    qtbot.mouseClick(find(window, "stopButton"), Qt.MouseButton.LeftButton)
    stopped = wait_for_answer(qtbot, window)
    assert stopped.status is Status.STOPPED
    qtbot.waitUntil(lambda: vllm.requests_running() == 0, timeout=PATIENCE_MS)
    window.controller.models.use(str(tiny_model))
    settings.change(max_tokens=5)
    window.controller.transcript.action_requested.emit("continue", stopped.id)
    qtbot.waitUntil(lambda: branch(window)[-1].status is Status.COMPLETE, timeout=PATIENCE_MS)
    continued = branch(window)[-1]
    assert continued.content.startswith(stopped.content)
    assert continued.provenance is not None
    assert continued.provenance.endpoint is None


def test_a_wrong_key(open_window: OpenWindow, qtbot: QtBot, vllm: VllmServer) -> None:
    dialog = open_settings(open_window(), qtbot)
    assert "doesn't accept the API key" in add(dialog, qtbot, vllm.url, "sk-wrong")
    assert dialog.servers.rows == {}
    dialog.back_button.click()


def test_a_conversation_longer_than_its_context(open_window: OpenWindow, qtbot: QtBot, vllm: VllmServer) -> None:
    window = open_window()
    use(window, vllm, qtbot)
    window.controller.services.settings.change(max_tokens=20, titles_by_model=False)
    send(qtbot, window, "why " * 200)
    wait_for_answer(qtbot, window)
    send(qtbot, window, "and why " * 40)
    refused = wait_for_answer(qtbot, window)
    assert refused.status is Status.FAILED
    assert refused.error is not None
    assert refused.error["code"] == "context_full"
    window.controller.transcript.action_requested.emit("roll", refused.id)
    qtbot.waitUntil(lambda: branch(window)[-1].status is Status.COMPLETE, timeout=PATIENCE_MS)
    rolled = branch(window)[-1]
    assert rolled.provenance is not None
    assert rolled.provenance.left_out == tuple(message.id for message in branch(window)[:2])


def test_killed_in_the_middle_and_back_again(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    with VllmServer(tmp_path / "log") as server:
        window = open_window()
        use(window, server, qtbot)
        window.controller.services.settings.change(titles_by_model=False)
        send(qtbot, window, "Hello")
        wait_for_words(qtbot, window, 20)
        server.kill()
        broken = wait_for_answer(qtbot, window)
        assert broken.status is Status.INTERRUPTED
        assert broken.content
        assert broken.error is not None
        assert broken.error["code"] == "server_lost"
        window.controller.transcript.action_requested.emit("continue", broken.id)
        away = wait_for_answer(qtbot, window)
        assert away.error is not None
        assert away.error["code"] == "server_unreachable"
        assert away.content == broken.content
        server.start()
        window.controller.services.settings.change(max_tokens=5)
        window.controller.transcript.action_requested.emit("continue", broken.id)
        qtbot.waitUntil(lambda: branch(window)[-1].status is Status.COMPLETE, timeout=PATIENCE_MS)
        assert branch(window)[-1].content.startswith(broken.content)
