"""Search of a hub in the models dialog."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.downloads import ModelDownloads
from tests.rigs.fake_hub import FakeHub
from tests.window.models.page import (
    HOME,
    PATIENCE_MS,
    Open,
    main_button,
    publish,
    rows,
    search,
    wait_for_page,
    wait_for_state,
)

# For every window with a layout and every menu, by the platform without a screen.
pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")


def test_model_is_found_and_downloaded(show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path):
    published = tmp_path / "published"
    publish(hub, published, "somebody/Tiny-GGUF", "tiny.Q8_0.gguf")
    publish(hub, published, "somebody/Tiny-GGUF", "tiny.Q2_K.gguf", seed=2)
    publish(hub, published, "another/Other-GGUF", "other.gguf", seed=3)
    hub.gated["another/Other-GGUF"] = "a token"
    dialog = show()
    qtbot.keyClicks(dialog.field, "gguf")
    wait_for_page(qtbot, dialog, "results")
    found = dialog.search.results.rows()
    assert set(found) == {"somebody/Tiny-GGUF", "another/Other-GGUF"}
    assert found["another/Other-GGUF"].mark == "Gated"
    assert "100 downloads" in found["somebody/Tiny-GGUF"].size
    assert found["somebody/Tiny-GGUF"].note == "apache-2.0"
    dialog.search.results.set_key("somebody/Tiny-GGUF")
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    dialog.field.setFocus()
    # Enter opens what is selected in the results.
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    wait_for_page(qtbot, dialog, "repository")
    assert dialog.go_back()
    assert dialog.search.page == "results"
    dialog.field.setFocus()
    qtbot.keyClick(dialog.field, Qt.Key.Key_Down)
    assert dialog.search.results.hasFocus()
    qtbot.keyClick(dialog.search.results, Qt.Key.Key_Return)
    wait_for_page(qtbot, dialog, "repository")
    models = dialog.search.models.rows()
    assert {row.title for row in models.values()} == {"Q8_0", "Q2_K"}
    key = "somebody/Tiny-GGUF:tiny.Q8_0.gguf"
    assert models[key].note == "Virtually lossless"
    dialog.search.models.set_key(key)
    facts = {fact.label: fact.value for fact in dialog.details._details}
    assert facts["Licence"] == "apache-2.0"
    assert facts["File"] == "tiny.Q8_0.gguf"
    main_button(dialog).click()
    qtbot.waitUntil(lambda: dialog.search.models.rows()[key].state == "Ready", timeout=PATIENCE_MS)
    assert dialog.go_back()
    assert dialog.search.page == "results"
    assert dialog.go_back()
    assert dialog.search.page == "list"
    assert not dialog.go_back()
    assert not dialog.field.text()
    assert rows(dialog)[key].action == "Use"


def test_pasted_address_opens_the_repository(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    dialog = show()
    search(qtbot, dialog, f"https://huggingface.co/{HOME}/tree/main")
    wait_for_page(qtbot, dialog, "repository")
    (row,) = dialog.search.models.rows().values()
    assert row.title == "Q2_K"
    main_button(dialog).click()
    # The catalogue's own row is that very model.
    dialog.search.back.click()
    assert dialog.search.page == "list"
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")


def test_incomplete_model_is_shown_with_its_error(show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path):
    published = tmp_path / "published"
    publish(hub, published, "somebody/Cut-GGUF", "cut.Q8_0-00001-of-00002.gguf")
    publish(hub, published, "somebody/Cut-GGUF", "whole.Q4_0.gguf", seed=2)
    dialog = show()
    search(qtbot, dialog, "somebody/Cut-GGUF")
    wait_for_page(qtbot, dialog, "repository")
    broken = next(row for row in dialog.search.models.rows().values() if row.problem)
    assert "00002-of-00002" in broken.problem
    assert not broken.action


def test_messages_for_no_results_and_server_errors(show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path):
    publish(hub, tmp_path / "published", "somebody/Tiny-GGUF", "tiny.gguf")
    dialog = show()
    search(qtbot, dialog, "no such model")
    message = dialog.search.message.label
    qtbot.waitUntil(lambda: "Nothing found" in message.text(), timeout=PATIENCE_MS)
    assert not dialog.search.message.action.isVisible()
    dialog.field.selectAll()
    qtbot.keyClicks(dialog.field, "somebody/Tiny")
    assert message.text() == "Press Enter to open somebody/Tiny."
    hub.fault("api", "status", code=500, times=-1)
    search(qtbot, dialog, "tiny")
    qtbot.waitUntil(lambda: "reported a server error" in message.text(), timeout=PATIENCE_MS)
    assert not any(each.isVisible() for each in dialog.details.buttons)
    hub.reset()
    dialog.search.message.action.click()
    wait_for_page(qtbot, dialog, "results")


def test_magnet_link_is_downloaded_after_confirmation(show: Open, qtbot: QtBot, downloads: ModelDownloads):
    dialog = show()
    link = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"
    search(qtbot, dialog, link)
    assert "shares what you have with others" in dialog.search.message.label.text()
    assert not downloads.queue.statuses()
    dialog.search.message.action.click()
    assert [status.id for status in downloads.queue.statuses()] == [link]
    assert dialog.search.page == "list"


def test_an_unreachable_hub_offers_the_settings_of_the_mirror(show: Open, qtbot: QtBot, downloads: ModelDownloads):
    downloads.settings.change(endpoint="http://127.0.0.1:9")
    dialog = show()
    search(qtbot, dialog, "anything")
    qtbot.waitUntil(dialog.search.settings.isVisible, timeout=PATIENCE_MS)
    with qtbot.waitSignal(dialog.settings_requested):
        dialog.search.settings.click()
    search(qtbot, dialog, "magnet:?xt=urn:btih:0")
    assert not dialog.search.settings.isVisible()
