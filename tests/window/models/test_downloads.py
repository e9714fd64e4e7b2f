"""Downloads in the models dialog."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.downloads import ModelDownloads
from model_manager.hub.catalogue import APUS
from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model
from tests.window.models.page import (
    HOME,
    PATIENCE_MS,
    SLOW,
    Open,
    answer,
    choose,
    main_button,
    press_in_menu,
    publish,
    rows,
    search,
    wait_for_state,
)
from ui.models.item import Fit

# For every window with a layout and every menu, by the platform without a screen.
pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")


def test_model_is_downloaded_and_used(show: Open, qtbot: QtBot, home: Path, hub: FakeHub):
    dialog = show()
    choose(dialog, "apus:Q2_K")
    hub.fault(**SLOW)
    with qtbot.waitSignal(dialog.models_changed, timeout=PATIENCE_MS):
        qtbot.mouseClick(main_button(dialog), Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: "%" in rows(dialog)["apus:Q2_K"].state, timeout=PATIENCE_MS)
        assert dialog.details.progress.isVisible()
        assert main_button(dialog).text() == "Pause"
        assert dialog.total.text().startswith("1 download")
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    assert not dialog.total.text()
    qtbot.waitUntil(lambda: any(fact.value == "stacked during download" for fact in dialog.details._details))
    facts = {fact.label: fact.value for fact in dialog.details._details}
    assert "verified on" in facts[" "]
    with qtbot.waitSignal(dialog.model_chosen) as emitted:
        qtbot.mouseClick(main_button(dialog, "useModelButton"), Qt.MouseButton.LeftButton)
    assert emitted.args == ["apus:Q2_K"]


def test_a_download_without_a_published_hash_is_not_called_verified(show: Open, qtbot: QtBot, home: Path, hub: FakeHub):
    for file in hub.repos[HOME].values():
        file.lfs = False
    dialog = show()
    choose(dialog, "apus:Q2_K")
    qtbot.mouseClick(main_button(dialog), Qt.MouseButton.LeftButton)
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    qtbot.waitUntil(lambda: any(fact.label == "SHA-256" for fact in dialog.details._details), timeout=PATIENCE_MS)
    texts = [fact.value for fact in dialog.details._details if fact.label == " "]
    assert [text.partition(" of ")[0] for text in texts if "verified" in text] == [
        "The hub lists no SHA-256, so the download"
    ]


def test_model_that_does_not_fit_is_no_main_action_and_asks(show: Open, qtbot: QtBot, home: Path, hub: FakeHub):
    fits = {"apus:Q2_K": Fit("Doesn't fit: it would take 40 GiB of RAM.", "bad"), "apus:IQ3_XXS": Fit("Fits", "good")}
    dialog = show(fit_of=fits.get)
    choose(dialog, "apus:IQ3_XXS")
    assert main_button(dialog).property("primary")
    choose(dialog, "apus:Q2_K")
    assert not main_button(dialog).property("primary")
    hub.fault(**SLOW)
    for start in (
        lambda: qtbot.mouseClick(main_button(dialog), Qt.MouseButton.LeftButton),
        lambda: dialog.list.activated_button.emit("apus:Q2_K"),
    ):
        start()
        assert "It doesn't fit on this computer." in answer(qtbot, dialog, yes=False)[0]
        assert rows(dialog)["apus:Q2_K"].state == "Not downloaded"
    qtbot.mouseClick(main_button(dialog), Qt.MouseButton.LeftButton)
    answer(qtbot, dialog, yes=True)
    qtbot.waitUntil(lambda: "%" in rows(dialog)["apus:Q2_K"].state, timeout=PATIENCE_MS)


def test_pause_resume_and_cancel(show: Open, qtbot: QtBot, hub: FakeHub, home: Path, downloads: ModelDownloads):
    hub.fault(**SLOW)
    dialog = show()
    choose(dialog, "apus:Q2_K")
    button = main_button(dialog)
    button.click()
    qtbot.waitUntil(lambda: "%" in rows(dialog)["apus:Q2_K"].state, timeout=PATIENCE_MS)
    button.click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Paused")
    assert button.text() == "Resume"
    assert not dialog.details.cancel.isHidden()
    assert dialog.total.text() == "1 download, paused"
    button.click()
    qtbot.waitUntil(lambda: "%" in rows(dialog)["apus:Q2_K"].state, timeout=PATIENCE_MS)
    assert list(downloads.folder().glob("*.part"))
    dialog.details.cancel.click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Not downloaded")
    assert dialog.details.cancel.isHidden()
    qtbot.waitUntil(lambda: not list(downloads.folder().glob("*.part")), timeout=PATIENCE_MS)


def test_cancelling_asks_and_names_the_size(
    show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path, downloads: ModelDownloads
):
    publish(hub, tmp_path / "published", HOME, APUS[0].file_name, n_layer=12)
    hub.fault(**{**SLOW, "rate": 600_000})
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    status = downloads.queue.statuses
    qtbot.waitUntil(lambda: bool(status()) and status()[0].progress.done > 1 << 20, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: dialog.details._shown[0].download.progress.done > 1 << 20, timeout=PATIENCE_MS)
    text = press_in_menu(qtbot, dialog, "cancel", of_row=True)
    assert "MiB" in text
    asked, further = answer(qtbot, dialog, yes=False)
    assert "APUS-xDAN-4.0-MoE Q2_K" in asked
    assert "MiB" in further
    assert status()
    dialog.details.cancel.click()
    answer(qtbot, dialog, yes=True)
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Not downloaded")


def test_failed_download_shows_its_error_and_can_be_retried(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    hub.gated[HOME] = "a token"
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Stopped")
    assert "accepted its terms" in dialog.details._problem.text()
    assert rows(dialog)["apus:Q2_K"].action == "Try again"
    hub.gated.clear()
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    assert not dialog.details._problem.isVisible()


def test_waiting_download_shows_the_time_and_can_be_retried_at_once(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    hub.fault("api", "status", code=503, times=-1)
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Retrying in")
    assert rows(dialog)["apus:Q2_K"].problem
    assert "waiting" in dialog.total.text()
    hub.reset()
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")


def test_queued_download_can_be_moved_up(
    show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path, downloads: ModelDownloads
):
    for entry in APUS[:3]:
        publish(hub, tmp_path / "published", HOME, entry.file_name)
    hub.fault(**SLOW)
    dialog = show()
    for entry in APUS[:3]:
        choose(dialog, entry.id)
        main_button(dialog).click()
    wait_for_state(qtbot, dialog, APUS[2].id, "Queued")
    assert dialog.total.text().startswith("3 downloads")
    press_in_menu(qtbot, dialog, "move_up")
    order = [status.id for status in downloads.queue.statuses()]
    assert order == [APUS[0].id, APUS[2].id, APUS[1].id]


def test_progress_keeps_selection_and_scroll_position(
    show: Open, qtbot: QtBot, hub: FakeHub, home: Path, tmp_path: Path, downloads: ModelDownloads
):
    for number in range(12):
        downloads.library.register(write_tiny_model(tmp_path / f"model {number}.gguf"))
    hub.fault(**SLOW)
    dialog = show(size=(900, 520))
    dialog.controller.run("download", dialog.inventory.item("apus:Q2_K"))
    choose(dialog, "model 9")
    bar = dialog.list.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() > 0)
    bar.setValue(bar.value() - 30)
    place = bar.value()
    seen = set()
    qtbot.waitUntil(lambda: seen.add(rows(dialog)["apus:Q2_K"].state) or len(seen) > 4, timeout=PATIENCE_MS)
    assert dialog.list.key() == "model 9"
    assert bar.value() == place
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    assert dialog.list.key() == "model 9"
    assert bar.value() == place


def test_download_continues_after_the_page_is_left(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    hub.fault(**SLOW)
    first = show()
    first.controller.run("download", first.inventory.item("apus:Q2_K"))
    qtbot.waitUntil(lambda: "%" in rows(first)["apus:Q2_K"].state, timeout=PATIENCE_MS)
    first.finish()
    first.close()
    second = show()
    wait_for_state(qtbot, second, "apus:Q2_K", "Ready")


def test_page_can_be_deleted_during_work(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    hub.fault(**SLOW)
    dialog = show(goes=True)
    dialog.controller.run("download", dialog.inventory.item("apus:Q2_K"))
    qtbot.waitUntil(lambda: "%" in rows(dialog)["apus:Q2_K"].state, timeout=PATIENCE_MS)
    search(qtbot, dialog, "anything")
    dialog.inventory.rescan()
    dialog.close()
    qtbot.waitUntil(lambda: not isValid(dialog))
    later = show()
    wait_for_state(qtbot, later, "apus:Q2_K", "Ready")
