"""Web search in the window: the service in the settings, the switch at the composer, the sources below an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.tools.web import secret_name
from tests.rigs.openai_server import openai_server
from tests.rigs.tiny_model import write_tiny_model
from tests.rigs.web import Web, web
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find, send, wait_for_answer
from tests.window.test_servers import open_settings, said
from ui.conversation.answer_details import DetailsDialog
from ui.settings.page import SettingsPage
from ui.widgets.controls import ChoiceBox
from ui.widgets.filter_panel import FilterPanel
from ui.window.main_window import MainWindow


@pytest.fixture
def here() -> Iterator[Web]:
    with web() as served:
        served.page("/four", "<title>Four experts</title><p>Each token has four.</p>")
        yield served


@pytest.fixture
def opened_links() -> Iterator[list[str]]:
    """Addresses that were opened in the browser."""
    opened: list[str] = []

    class Browser(QObject):
        @Slot(QUrl)
        def opened(self, url: QUrl) -> None:
            opened.append(url.toString())

    browser = Browser()
    QDesktopServices.setUrlHandler("https", browser, "opened")
    yield opened
    QDesktopServices.unsetUrlHandler("https")


def tools_of(window: MainWindow) -> tuple[str, ...]:
    return window.controller.conversation.session.effective("").sampling.tools


def use_searxng(window: MainWindow, here: Web) -> None:
    window.controller.services.settings.change(
        search_service="searxng", searxng_url=here.url, web_private=True, titles_by_model=False
    )


def test_the_switch_leads_to_the_settings_until_a_service_is_chosen(
    open_window: OpenWindow, qtbot: QtBot, here: Web
) -> None:
    window = open_window()
    switch = window.composer.web_button
    assert switch.accessibleName() == "Web search"
    switch.click()
    assert not switch.isChecked()
    assert tools_of(window) == ()
    assert "set up a search service first" in window.notice._text.text()
    window.notice.button.click()
    page = window.findChild(SettingsPage)
    assert page is not None
    form, settings = page.tools.web.form, window.controller.services.settings
    qtbot.waitUntil(lambda: form.controls["search_service"].hasFocus())
    assert not page.tools.web.test.isEnabled()
    choice = form.controls["search_service"]
    assert isinstance(choice, ChoiceBox)
    choice.setCurrentText("SearXNG")
    assert settings.current.search_service == "searxng"
    assert form.rows["searxng_url"].isEnabled()
    assert not form.rows["search_key"].isEnabled()
    form.controls["searxng_url"].setText(here.url)
    qtbot.keyClick(form.controls["searxng_url"], Qt.Key.Key_Return)
    page.tools.web.test.setFocus()
    page.tools.web.test.click()
    qtbot.waitUntil(lambda: said(page, "webSearchStatus").startswith("The search works"), timeout=PATIENCE_MS)
    assert page.tools.web.test.hasFocus()
    assert said(page, "webSearchStatus") == "The search works. Found: a.example, b.example"
    assert len(here.seen) == 1
    status = page.findChild(QLabel, "webSearchStatus")
    below = page.tools.web.test.mapTo(page, QPoint(0, page.tools.web.test.height())).y()
    assert 0 <= status.mapTo(page, QPoint()).y() - below < 30, "it is below its button"


def test_a_key_goes_to_the_keyring(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    services = window.controller.services
    services.settings.change(search_service="tavily")
    page = open_settings(window, qtbot).tools.web
    assert not page.form.rows["searxng_url"].isEnabled()
    page.key.setText(" tvly-1 ")
    qtbot.keyClick(page.key, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: services.secrets.get(secret_name("tavily")) == "tvly-1", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: page.key.text() == "", timeout=PATIENCE_MS)
    assert page.save_key.text() == "Remove"
    assert "tvly" not in services.folder.settings_file.read_text()
    page.save_key.click()
    qtbot.waitUntil(lambda: services.secrets.get(secret_name("tavily")) is None, timeout=PATIENCE_MS)


def test_one_click_searches_and_the_sources_are_below_the_answer(
    open_window: OpenWindow, qtbot: QtBot, here: Web, opened_links: list[str]
) -> None:
    arguments = json.dumps({"url": f"{here.url}/four", "question": "How many?"})
    calls = (("search_web", '{"query": "experts"}'), ("read_page", arguments))
    window = open_window()
    use_searxng(window, here)
    with openai_server(calls=calls, words=("Four", " experts."), context=100_000) as server:
        window.controller.models.use(window.controller.services.servers.add(server.url).model_id("apus"))
        find(window, "webSearchButton", QToolButton).click()
        assert window.composer.web_button.isChecked()
        assert tools_of(window) == ("web",)
        send(qtbot, window, "How many experts?")
        message = wait_for_answer(qtbot, window)
        page = window.controller.transcript.page
        assert "search_web, read_page" in page.items[-1].note
        assert page.items[-1].sources == ()
        assert here.seen == []
        window.controller.conversation.act("run_tools", message.id)
        message = wait_for_answer(qtbot, window)
    assert [path.partition("?")[0] for path in here.paths()] == ["/search", "/four"]
    assert page.items[-1].sources[0].startswith("Four experts · 127.0.0.1")
    assert page.items[-1].sources[1:] == ("Four experts · a.example", "Gates · b.example")
    buttons = [each for each in page.view(len(page.items) - 1).buttons if each.icon == "globe"]
    assert [each.key for each in buttons] == ["action:source:0", "action:source:1", "action:source:2"]
    assert buttons[1].tip == "Open the page: Four experts · a.example"
    window.controller.conversation.act("source:1", message.id)
    find(window, "openButton", QPushButton).click()
    assert opened_links == ["https://a.example/four"]
    window.controller.conversation.act("details", message.id)
    details = window.findChild(DetailsDialog)
    assert details is not None
    assert "Gates: https://www.b.example/gates?x=1" in details.as_text()
    details.close()


def test_the_switch_is_of_one_conversation_and_has_a_shortcut(
    open_window: OpenWindow, qtbot: QtBot, here: Web, tmp_path: Path
) -> None:
    model = write_tiny_model(tmp_path / "plain.gguf", script=("Fine",))
    window = open_window()
    use_searxng(window, here)
    window.controller.models.use(str(model))
    keys = QKeySequence("Ctrl+Alt+W")[0]
    qtbot.keyClick(window.composer.field, keys.key(), keys.keyboardModifiers())
    assert window.composer.web_button.isChecked()
    assert "doesn't know tools" in window.notice._text.text()
    assert window.notice.button.text() == "Choose a model…"
    window.notice.button.click()
    window.findChildren(FilterPanel)[-1].close_panel()
    send(qtbot, window, "Who won?")
    assert wait_for_answer(qtbot, window).provenance.lacks_tools
    shown = window.controller.transcript.page.items[-1]
    assert shown.note.startswith("Answered without web search: this model doesn't know tools.")
    assert "retry_with" in shown.actions
    assert here.seen == []
    window.controller.conversation.open_temporary()
    assert not window.composer.web_button.isChecked()
    window.composer.web_button.click()
    window.composer.web_button.click()
    assert tools_of(window) == ()
    assert window.controller.conversation.session.overrides().sampling is None
    window.composer.web_button.click()
    window.controller.services.settings.change(search_service="")
    window.controller.apply_settings(window.controller.services.settings.current)
    assert not window.composer.web_button.isChecked()


def test_tools_that_run_without_asking_ask_again(open_window: OpenWindow, qtbot: QtBot, here: Web) -> None:
    window = open_window()
    use_searxng(window, here)
    tools = window.controller.services.tools
    tools.allow(tools.connect("web")[0])
    page = open_settings(window, qtbot).tools.web
    assert page.allowed.names.text() == "Run without asking: search_web"
    page.allowed.ask_again.click()
    qtbot.waitUntil(page.allowed.isHidden, timeout=PATIENCE_MS)
    assert tools.get("web").allowed == ()
