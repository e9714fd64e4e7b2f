"""The models page over the real library, the real queue of downloads and a hub on loopback."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QThreadPool, QTranslator, QUrl
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from model_manager.download.queue import DownloadQueue
from model_manager.hub.access import Access
from model_manager.hub.catalogue import APUS
from model_manager.library.library import ModelLibrary
from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model
from ui.models.backend import ModelBackend
from ui.models.dialog import ModelsDialog
from ui.models.item import Fit
from ui.models.model_jobs import ModelJobs
from ui.models.row_text import RowText

# Said of every window that has a layout and of every menu, by the platform without a screen.
pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")

PATIENCE_MS = 20_000
HOME = "xDAN-AI/APUS-xDAN-4.0-MOE"
SLOW: dict[str, Any] = {"where": "cdn", "kind": "trickle", "times": -1, "rate": 500_000}
Open = Callable[..., ModelsDialog]


@pytest.fixture(autouse=True)
def no_work_left(qapp: QApplication) -> Iterator[None]:
    yield
    QThreadPool.globalInstance().waitForDone()
    qapp.processEvents()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def backend(tmp_path: Path, hub: FakeHub) -> Iterator[ModelBackend]:
    folder = tmp_path / "models"
    folder.mkdir()
    access = Access(endpoint=hub.url, authority=hub.url)
    library = ModelLibrary(tmp_path / "library", lambda: None, models_folder=folder)
    manager = DownloadQueue(lambda: folder, lambda: access)
    yield ModelBackend(library, manager, lambda: access, lambda: folder, lambda: hub.url)
    manager.close()


@pytest.fixture
def show(qtbot: QtBot, backend: ModelBackend) -> Iterator[Open]:
    opened: list[ModelsDialog] = []

    def open_one(
        current_id: str | None = None, size: tuple[int, int] | None = None, *, goes: bool = False, **more: Any
    ) -> ModelsDialog:
        dialog = ModelsDialog(backend, current_id, **more)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, goes)
        if not goes:
            qtbot.addWidget(dialog)
            opened.append(dialog)
        if size:
            dialog.resize(*size)
        with qtbot.waitExposed(dialog):
            dialog.show()
        qtbot.waitUntil(lambda: bool(dialog.list.rows()), timeout=PATIENCE_MS)
        return dialog

    yield open_one
    for dialog in opened:
        dialog.jobs.shut_down()


def publish(hub: FakeHub, folder: Path, repository: str, name: str, **shape: Any) -> Path:
    """A tiny model on the hub."""
    folder.mkdir(exist_ok=True)
    path = write_tiny_model(folder / name.replace("/", "-"), **shape)
    hub.add_file(repository, name, path)
    return path


@pytest.fixture
def home(hub: FakeHub, tmp_path: Path) -> Path:
    """The smallest quantisation of the home model as its makers publish it: made before April 2024."""
    return publish(hub, tmp_path / "published", HOME, APUS[0].file_name, n_layer=1, n_expert=4, legacy=True)


def rows(dialog: ModelsDialog) -> dict[str, RowText]:
    return dialog.list.rows()


def main_button(dialog: ModelsDialog, name: str = "downloadButton") -> QPushButton:
    found = dialog.findChild(QPushButton, name)
    assert found is not None
    return found


def wait_for_state(qtbot: QtBot, dialog: ModelsDialog, key: str, state: str) -> RowText:
    qtbot.waitUntil(lambda: key in rows(dialog) and rows(dialog)[key].state.startswith(state), timeout=PATIENCE_MS)
    return rows(dialog)[key]


def wait_for_words(qtbot: QtBot, dialog: ModelsDialog, words: str) -> None:
    qtbot.waitUntil(lambda: words in dialog.status.label.text(), timeout=PATIENCE_MS)


def choose(dialog: ModelsDialog, key: str) -> None:
    assert dialog.list.set_key(key)


def menu_of(qtbot: QtBot, dialog: ModelsDialog) -> QMenu:
    """The menu behind the three dots."""
    more = dialog.findChild(QToolButton, "moreModelButton")
    assert more is not None
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    menu = dialog.findChild(QMenu, "modelActions")
    assert menu is not None
    return menu


def press_in_menu(qtbot: QtBot, dialog: ModelsDialog, action: str) -> str:
    menu = menu_of(qtbot, dialog)
    found = next(each for each in menu.actions() if each.objectName() == action)
    text = found.text()
    found.trigger()
    menu.close()
    return text


def answer(qtbot: QtBot, dialog: ModelsDialog, *, yes: bool) -> tuple[str, str]:
    """Answer a question; what it asked, and what it said further."""
    box = next(each for each in dialog.findChildren(QMessageBox, "modelQuestion") if each.isVisible())
    said = box.text(), box.informativeText()
    agree = box.findChild(QPushButton, "agreeButton")
    button = agree if yes else box.defaultButton()
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    return said


def drop(dialog: ModelsDialog, *paths: Path) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = QPoint(5, 5)
    action, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place, action, data, left, none)
    enter.ignore()
    QApplication.sendEvent(dialog, enter)
    if enter.isAccepted():
        QApplication.sendEvent(dialog, QDropEvent(QPointF(place), action, data, left, none))
    return enter.isAccepted()


def pick_in_file_dialog(qtbot: QtBot, parent: QWidget, path: Path, name: str = "fileDialog") -> None:
    dialog = parent.findChild(QFileDialog, name)
    assert dialog is not None
    dialog.setDirectory(str(path.parent))
    dialog.selectFile(path.name)
    qtbot.waitUntil(lambda: [Path(each) for each in dialog.selectedFiles()] == [path])
    dialog.accept()


# What is listed


def test_the_home_model_and_the_starter_are_always_listed(show: Open):
    dialog = show()
    assert dialog.objectName() == "modelsDialog"
    assert list(rows(dialog)) == [*(entry.id for entry in APUS), "starter"]
    q3 = rows(dialog)["apus:Q3_K_M"]
    assert (q3.title, q3.size, q3.note, q3.state, q3.action) == (
        "Q3_K_M",
        "50.7 GiB",
        "Small loss",
        "Not downloaded",
        "Download",
    )
    assert rows(dialog)["apus:Q4_K_M"].note == "Close to the original"
    choose(dialog, "apus:Q3_K_M")
    assert main_button(dialog).text() == "Download 50.7 GiB"
    assert "Q3_K_M" in main_button(dialog).accessibleName()
    facts = {fact.label: fact.value for fact in dialog.details._facts}
    assert facts["Layers"] == "60"
    assert facts["Experts"] == "4 (2 active)"
    assert facts["Repository"] == HOME
    assert facts["Size"].startswith("about")


def test_the_starter_is_there_and_stays(qtbot: QtBot, tmp_path: Path, backend: ModelBackend, show: Open, starter: Path):
    library = ModelLibrary(tmp_path / "with starter", lambda: starter)
    dialog = ModelsDialog(ModelBackend(library, backend.manager, backend.access, backend.folder), "starter")
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    row = wait_for_state(qtbot, dialog, "starter", "Ready")
    assert row.mark == "In use"
    assert not row.action
    choose(dialog, "starter")
    assert dialog.details.button() is None
    names = {each.objectName() for each in menu_of(qtbot, dialog).actions()}
    assert "verify" in names
    assert not names & {"delete", "remove"}
    dialog.jobs.shut_down()


def test_the_fit_has_its_place_and_recommends(show: Open):
    fits = {
        "apus:Q2_K": Fit("Fits on 2 GPUs", "good"),
        "apus:IQ3_XXS": Fit("Fits on 2 GPUs, barely", "good", recommended=True),
    }
    dialog = show(fit_of=fits.get)
    assert rows(dialog)["apus:IQ3_XXS"].mark == "Recommended"
    assert rows(dialog)["apus:Q2_K"].fit == "Fits on 2 GPUs"
    assert not rows(dialog)["apus:Q4_K_M"].fit
    assert dialog.list.key() == "apus:IQ3_XXS"
    assert "Fits on 2 GPUs, barely" in rows(dialog)["apus:IQ3_XXS"].spoken()
    fits["apus:Q2_K"] = Fit("Fits no longer", "bad")
    dialog.refresh_fits()
    assert rows(dialog)["apus:Q2_K"].fit == "Fits no longer"


def test_a_recommendation_that_comes_late_leads_there_unless_a_row_was_chosen(show: Open):
    fits: dict[str, Fit] = {}
    early, late = show(fit_of=fits.get), show(fit_of=fits.get)
    assert early.list.key() == "apus:Q2_K"
    choose(late, "apus:Q4_K_M")
    fits["apus:Q3_K_M"] = Fit("Fits", "good", recommended=True)
    for dialog in (early, late):
        dialog.refresh_fits()
    assert early.list.key() == "apus:Q3_K_M"
    assert late.list.key() == "apus:Q4_K_M"


def test_the_model_in_use_is_marked_and_a_broken_one_says_why(
    backend: ModelBackend, show: Open, qtbot: QtBot, tmp_path: Path
):
    good = backend.library.register(write_tiny_model(tmp_path / "good.gguf", name="Good one"))
    broken = backend.library.register(write_tiny_model(tmp_path / "broken.gguf"))
    content = broken.path.read_bytes()
    broken.path.write_bytes(content[: len(content) // 2])
    dialog = show(good.id)
    assert dialog.list.key() == "good"
    assert rows(dialog)["good"].mark == "In use"
    assert rows(dialog)["good"].title == "Good one"
    assert dialog.details.button() is None
    assert "broken.gguf is incomplete" in rows(dialog)["broken"].problem
    assert "?" not in rows(dialog)["broken"].problem
    choose(dialog, "broken")
    assert dialog.details.button() is None
    assert "broken.gguf is incomplete" in dialog.details._problem.text()
    assert not dialog.grab().isNull()


# Downloads


def test_a_model_is_fetched_with_one_press_and_used_with_another(show: Open, qtbot: QtBot, home: Path, hub: FakeHub):
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
    qtbot.waitUntil(lambda: any(fact.value == "stacked during download" for fact in dialog.details._facts))
    facts = {fact.label: fact.value for fact in dialog.details._facts}
    assert "verified on" in facts[" "]
    with qtbot.waitSignal(dialog.model_chosen) as told:
        qtbot.mouseClick(main_button(dialog, "useModelButton"), Qt.MouseButton.LeftButton)
    assert told.args == ["apus:Q2_K"]
    assert not dialog.isVisible()


def test_pause_resume_and_cancel(show: Open, qtbot: QtBot, hub: FakeHub, home: Path, backend: ModelBackend):
    hub.fault(**SLOW)
    dialog = show()
    choose(dialog, "apus:Q2_K")
    button = main_button(dialog)
    button.click()
    qtbot.waitUntil(lambda: "%" in rows(dialog)["apus:Q2_K"].state, timeout=PATIENCE_MS)
    button.click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Paused")
    assert button.text() == "Resume"
    assert dialog.total.text() == "1 download, paused"
    button.click()
    qtbot.waitUntil(lambda: "%" in rows(dialog)["apus:Q2_K"].state, timeout=PATIENCE_MS)
    assert list(backend.folder().glob("*.part"))
    press_in_menu(qtbot, dialog, "cancel")
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Not downloaded")
    qtbot.waitUntil(lambda: not list(backend.folder().glob("*.part")), timeout=PATIENCE_MS)


def test_cancelling_names_what_it_deletes(
    show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path, backend: ModelBackend
):
    publish(hub, tmp_path / "published", HOME, APUS[0].file_name, n_layer=12)
    hub.fault(**{**SLOW, "rate": 600_000})
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    status = backend.manager.statuses
    qtbot.waitUntil(lambda: bool(status()) and status()[0].progress.done > 1 << 20, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: dialog.details._item.download.progress.done > 1 << 20, timeout=PATIENCE_MS)
    text = press_in_menu(qtbot, dialog, "cancel")
    assert "MiB" in text
    asked, further = answer(qtbot, dialog, yes=False)
    assert "APUS-xDAN-4.0-MoE Q2_K" in asked
    assert "MiB" in further
    assert status()
    press_in_menu(qtbot, dialog, "cancel")
    answer(qtbot, dialog, yes=True)
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Not downloaded")


def test_what_fails_says_why_and_can_be_tried_again(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
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


def test_what_waits_says_for_how_long_and_may_be_hurried(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
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


def test_downloads_go_on_after_each_other_and_one_may_go_first(
    show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path, backend: ModelBackend
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
    order = [status.id for status in backend.manager.statuses()]
    assert order == [APUS[0].id, APUS[2].id, APUS[1].id]


def test_progress_loses_neither_selection_nor_scrolling(
    show: Open, qtbot: QtBot, hub: FakeHub, home: Path, tmp_path: Path, backend: ModelBackend
):
    for number in range(12):
        backend.library.register(write_tiny_model(tmp_path / f"model {number}.gguf"))
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


def test_a_download_goes_on_when_the_dialog_is_closed_and_is_shown_by_the_next(
    show: Open, qtbot: QtBot, hub: FakeHub, home: Path
):
    hub.fault(**SLOW)
    first = show()
    first.controller.run("download", first.inventory.item("apus:Q2_K"))
    qtbot.waitUntil(lambda: "%" in rows(first)["apus:Q2_K"].state, timeout=PATIENCE_MS)
    qtbot.keyClick(first, Qt.Key.Key_Escape)
    assert not first.isVisible()
    second = show()
    wait_for_state(qtbot, second, "apus:Q2_K", "Ready")


def test_a_dialog_may_go_in_the_midst_of_everything(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
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


# The hub


def search(qtbot: QtBot, dialog: ModelsDialog, text: str) -> None:
    dialog.field.setFocus()
    dialog.field.clear()
    qtbot.keyClicks(dialog.field, text)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)


def wait_for_page(qtbot: QtBot, dialog: ModelsDialog, page: str) -> None:
    qtbot.waitUntil(lambda: dialog.search.page == page, timeout=PATIENCE_MS)


def test_a_model_is_found_on_the_hub_and_fetched(show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path):
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
    qtbot.keyClick(dialog.search.results, Qt.Key.Key_Return)
    wait_for_page(qtbot, dialog, "repository")
    models = dialog.search.models.rows()
    assert {row.title for row in models.values()} == {"Q8_0", "Q2_K"}
    key = "somebody/Tiny-GGUF:tiny.Q8_0.gguf"
    assert models[key].note == "Virtually lossless"
    dialog.search.models.set_key(key)
    facts = {fact.label: fact.value for fact in dialog.details._facts}
    assert facts["Licence"] == "apache-2.0"
    assert facts["File"] == "tiny.Q8_0.gguf"
    main_button(dialog).click()
    qtbot.waitUntil(lambda: dialog.search.models.rows()[key].state == "Ready", timeout=PATIENCE_MS)
    qtbot.keyClick(dialog.search.models, Qt.Key.Key_Escape)
    assert dialog.search.page == "results"
    qtbot.keyClick(dialog.search.results, Qt.Key.Key_Escape)
    assert dialog.search.page == "list"
    assert dialog.isVisible()
    assert not dialog.field.text()
    assert rows(dialog)[key].action == "Use"


def test_an_address_leads_to_its_repository(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
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


def test_an_incomplete_set_is_shown_with_its_problem(show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path):
    published = tmp_path / "published"
    publish(hub, published, "somebody/Cut-GGUF", "cut.Q8_0-00001-of-00002.gguf")
    publish(hub, published, "somebody/Cut-GGUF", "whole.Q4_0.gguf", seed=2)
    dialog = show()
    search(qtbot, dialog, "somebody/Cut-GGUF")
    wait_for_page(qtbot, dialog, "repository")
    broken = next(row for row in dialog.search.models.rows().values() if row.problem)
    assert "00002-of-00002" in broken.problem
    assert not broken.action


def test_nothing_found_and_no_network_are_said_in_words(show: Open, qtbot: QtBot, hub: FakeHub, tmp_path: Path):
    publish(hub, tmp_path / "published", "somebody/Tiny-GGUF", "tiny.gguf")
    dialog = show()
    search(qtbot, dialog, "no such model")
    message = dialog.search._label
    qtbot.waitUntil(lambda: "Nothing found" in message.text(), timeout=PATIENCE_MS)
    assert not dialog.search.retry.isVisible()
    hub.fault("api", "status", code=500, times=-1)
    search(qtbot, dialog, "tiny")
    qtbot.waitUntil(lambda: "reported a server error" in message.text(), timeout=PATIENCE_MS)
    assert not dialog.details.download.isVisible()
    hub.reset()
    dialog.search.retry.click()
    wait_for_page(qtbot, dialog, "results")


def test_a_magnet_link_is_fetched_only_after_a_word_about_sharing(show: Open, qtbot: QtBot, backend: ModelBackend):
    dialog = show()
    link = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"
    search(qtbot, dialog, link)
    assert "shares what you have with others" in dialog.search._label.text()
    assert not backend.manager.statuses()
    dialog.search.retry.click()
    assert [status.id for status in backend.manager.statuses()] == [link]
    assert dialog.search.page == "list"


# Files that are here


def test_the_first_file_is_added_and_used(show: Open, qtbot: QtBot, tiny_model: Path):
    dialog = show()
    dialog.adding.file.click()
    with qtbot.waitSignal(dialog.models_changed):
        pick_in_file_dialog(qtbot, dialog, tiny_model)
    row = wait_for_state(qtbot, dialog, "tiny", "Ready")
    assert row.label == "F32"
    assert "KiB" in row.size
    qtbot.waitUntil(lambda: dialog.list.key() == "tiny")
    qtbot.waitUntil(lambda: any(fact.value == "llama" for fact in dialog.details._facts))
    with qtbot.waitSignal(dialog.model_chosen) as told:
        qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert told.args == ["tiny"]
    assert not dialog.isVisible()


def test_files_can_be_dropped(show: Open, qtbot: QtBot, tmp_path: Path, tiny_model: Path):
    dialog = show()
    notes = tmp_path / "notes.txt"
    notes.write_text("no model")
    assert not drop(dialog, notes)
    assert drop(dialog, tiny_model)
    wait_for_state(qtbot, dialog, "tiny", "Ready")
    fake = tmp_path / "fake.gguf"
    fake.write_text("no model")
    assert drop(dialog, fake)
    wait_for_words(qtbot, dialog, "fake.gguf isn't a GGUF file")
    assert "fake" not in rows(dialog)
    assert drop(dialog, tiny_model)
    wait_for_words(qtbot, dialog, "already in the list")


def test_an_old_file_that_is_dropped_is_repaired_and_ready(show: Open, qtbot: QtBot, tmp_path: Path):
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    dialog = show()
    drop(dialog, old)
    wait_for_state(qtbot, dialog, str(old), "Needs conversion")
    assert dialog.list.key() == str(old)
    assert "April 2024" in dialog.details._problem.text()
    assert dialog.status.action.text() == "Convert"
    assert main_button(dialog, "convertModelButton").isVisible()
    dialog.status.action.click()
    wait_for_state(qtbot, dialog, "old", "Ready")
    assert str(old) not in rows(dialog)
    assert dialog.list.key() == "old"
    assert old.with_name("old.gguf.origin.json").exists()


def test_a_repair_into_a_copy_leaves_the_old_file_alone(
    show: Open, qtbot: QtBot, tmp_path: Path, backend: ModelBackend
):
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    before = old.read_bytes()
    dialog = show()
    drop(dialog, old)
    wait_for_state(qtbot, dialog, str(old), "Needs conversion")
    press_in_menu(qtbot, dialog, "convert_copy")
    wait_for_words(qtbot, dialog, "is ready to use")
    assert old.read_bytes() == before
    assert (backend.folder() / "old.gguf").exists()


def test_parts_that_are_dropped_are_joined(show: Open, qtbot: QtBot, tmp_path: Path):
    whole = write_tiny_model(tmp_path / "cut.gguf").read_bytes()
    (tmp_path / "cut.gguf").unlink()
    parts = [tmp_path / f"cut.gguf.part{number}of2" for number in (1, 2)]
    parts[0].write_bytes(whole[:100_000])
    parts[1].write_bytes(whole[100_000:])
    dialog = show()
    drop(dialog, *parts)
    wait_for_state(qtbot, dialog, str(parts[0]), "Needs joining")
    assert "2 parts" in rows(dialog)[str(parts[0])].problem
    main_button(dialog, "convertModelButton").click()
    wait_for_state(qtbot, dialog, "cut", "Ready")
    assert (tmp_path / "cut.gguf").read_bytes() == whole


def test_a_folder_of_another_program_is_listed_and_taken_off_again(
    show: Open, qtbot: QtBot, tmp_path: Path, backend: ModelBackend
):
    folder = tmp_path / "their models"
    folder.mkdir()
    write_tiny_model(folder / "theirs.gguf")
    dialog = show()
    dialog.adding.folder.click()
    pick_in_file_dialog(qtbot, dialog, folder, "folderDialog")
    wait_for_state(qtbot, dialog, "theirs", "Ready")
    wait_for_words(qtbot, dialog, "New models: 1")
    names = {each.objectName() for each in menu_of(qtbot, dialog).actions()}
    assert "remove_folder" in names
    assert not names & {"delete", "remove"}
    dialog.status.action.click()
    qtbot.waitUntil(lambda: "theirs" not in rows(dialog), timeout=PATIENCE_MS)
    assert (folder / "theirs.gguf").exists()


def test_what_other_programs_have_is_offered(show: Open, qtbot: QtBot, empty_home: Path, backend: ModelBackend):
    folder = empty_home / ".lmstudio" / "models"
    folder.mkdir(parents=True)
    write_tiny_model(folder / "theirs.gguf")
    dialog = show()
    qtbot.waitUntil(lambda: bool(dialog.adding.offered), timeout=PATIENCE_MS)
    dialog.adding.folder.click()
    menu = dialog.findChild(QMenu, "folderMenu")
    assert menu is not None
    first = menu.actions()[0]
    assert "LM Studio" in first.text()
    first.trigger()
    menu.close()
    wait_for_state(qtbot, dialog, "theirs", "Ready")
    assert backend.library.folders() == (folder,)


def test_a_model_is_taken_off_the_list_and_put_back(show: Open, qtbot: QtBot, tmp_path: Path, backend: ModelBackend):
    for name in ("one", "two"):
        backend.library.register(write_tiny_model(tmp_path / f"{name}.gguf"))
    dialog = show()
    choose(dialog, "one")
    press_in_menu(qtbot, dialog, "remove")
    qtbot.waitUntil(lambda: "one" not in rows(dialog), timeout=PATIENCE_MS)
    assert (tmp_path / "one.gguf").exists()
    assert dialog.list.key() == "two"
    dialog.status.action.click()
    wait_for_state(qtbot, dialog, "one", "Ready")
    qtbot.waitUntil(lambda: dialog.list.key() == "one")


def test_a_file_is_deleted_only_after_its_size_was_named(
    show: Open, qtbot: QtBot, tmp_path: Path, backend: ModelBackend
):
    path = write_tiny_model(backend.folder() / "mine.gguf", name="Mine")
    dialog = show("mine")
    choose(dialog, "mine")
    text = press_in_menu(qtbot, dialog, "delete")
    assert "KiB" in text
    asked, further = answer(qtbot, dialog, yes=False)
    assert "Mine" in asked
    assert str(path) in further
    assert "in use" in further
    assert path.exists()
    press_in_menu(qtbot, dialog, "delete")
    with qtbot.waitSignal(dialog.models_changed, timeout=PATIENCE_MS):
        answer(qtbot, dialog, yes=True)
    qtbot.waitUntil(lambda: "mine" not in rows(dialog), timeout=PATIENCE_MS)
    assert not path.exists()


def test_a_downloaded_model_that_was_deleted_can_be_fetched_again(
    show: Open, qtbot: QtBot, home: Path, backend: ModelBackend
):
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    press_in_menu(qtbot, dialog, "delete")
    answer(qtbot, dialog, yes=True)
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Not downloaded")
    assert not list(backend.folder().glob("*.gguf*"))
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")


def test_damage_is_found_and_mended(show: Open, qtbot: QtBot, home: Path, backend: ModelBackend):
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    press_in_menu(qtbot, dialog, "verify")
    wait_for_words(qtbot, dialog, "matches the published file exactly")
    (path,) = backend.folder().glob("*.gguf")
    with path.open("r+b") as file:
        file.seek(-1000, 2)
        file.write(b"damage")
    qtbot.waitUntil(lambda: not dialog.jobs.running())
    press_in_menu(qtbot, dialog, "verify")
    wait_for_words(qtbot, dialog, "doesn't match the published file")
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Damaged")
    main_button(dialog, "convertModelButton").click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    press_in_menu(qtbot, dialog, "verify")
    wait_for_words(qtbot, dialog, "matches the published file exactly")


def test_what_arrived_damaged_is_set_aside_and_mended(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    hub.fault("cdn", "corrupt", times=-1, offset=home.stat().st_size - 1000)
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    row = wait_for_state(qtbot, dialog, "apus:Q2_K", "Quarantined")
    assert row.action == "Re-download parts"
    hub.reset()
    main_button(dialog, "convertModelButton").click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")


def test_work_goes_on_without_the_dialog_where_somebody_holds_it(
    show: Open, qtbot: QtBot, tmp_path: Path, backend: ModelBackend
):
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    jobs = ModelJobs()
    dialog = show(jobs=jobs)
    drop(dialog, old)
    wait_for_state(qtbot, dialog, str(old), "Needs conversion")
    with qtbot.waitSignal(jobs.ended, timeout=PATIENCE_MS):
        main_button(dialog, "convertModelButton").click()
        dialog.close()
    assert [each.id for each in backend.library.list()] == ["old"]
    jobs.shut_down()


# Keyboard, names, language, width


def test_the_keyboard_alone_suffices(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    dialog = show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.list.hasFocus)
    assert dialog.list.key() == "apus:Q2_K"
    for _ in range(4):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    # The heading between was passed over.
    assert dialog.list.key() == "starter"
    for _ in range(4):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Up)
    assert dialog.list.key() == "apus:Q2_K"
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
    QApplication.sendEvent(dialog.list, event)
    menu = dialog.findChild(QMenu, "modelActions")
    assert menu is not None
    menu.close()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.list.hasFocus)
    qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    assert dialog.list.hasFocus()
    qtbot.keyClick(dialog, "f", Qt.KeyboardModifier.ControlModifier)
    assert dialog.field.hasFocus()
    qtbot.keyClick(dialog.list, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_a_row_s_own_button_acts_on_that_row_alone(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    hub.fault(**SLOW)
    dialog = show()
    choose(dialog, "apus:Q4_K_M")
    index = dialog.list.model().index(1, 0)
    rect = dialog.list.visualRect(index)
    pill = dialog.list._delegate.layout(rect).pill
    viewport = dialog.list.viewport()
    # Beside the button nothing happens, nor twice on a row that would fetch gigabytes.
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=rect.center())
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=rect.center())
    assert rows(dialog)["apus:Q2_K"].state == "Not downloaded"
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=pill.center())
    qtbot.waitUntil(lambda: rows(dialog)["apus:Q2_K"].action == "Pause", timeout=PATIENCE_MS)


def test_everything_has_a_name_for_those_who_cannot_see_it(show: Open, qtbot: QtBot, home: Path):
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    for kind in (QPushButton, QToolButton):
        for each in dialog.findChildren(kind):
            named = each.accessibleName() or each.text() or each.parent() is dialog.field
            assert named or each.isHidden(), each.objectName()
    for each in (
        dialog,
        dialog.list,
        dialog.field,
        dialog.search.results,
        dialog.search.models,
        dialog.details.progress,
    ):
        assert each.accessibleName()
    index = dialog.list.model().index(1, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole).startswith("Q2_K. ")
    copies = {each.property("copies") for each in dialog.findChildren(QToolButton, "copyButton")}
    sha256 = next(each for each in copies if len(each) == 64)
    button = next(each for each in dialog.findChildren(QToolButton) if each.property("copies") == sha256)
    button.click()
    assert QGuiApplication.clipboard().text() == sha256


class Marked(QTranslator):
    """Another language: every word stands between marks."""

    def translate(self, context: str, source: str, comment: str = "", n: int = -1) -> str:
        return f"‹{source}›"

    def isEmpty(self) -> bool:
        return False


def test_the_language_changes_everything_that_is_shown(show: Open, qtbot: QtBot, qapp: QApplication, tmp_path: Path):
    dialog = show(size=(720, 600))
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    drop(dialog, old)
    wait_for_state(qtbot, dialog, str(old), "Needs conversion")
    other = Marked()
    qapp.installTranslator(other)
    try:
        qtbot.waitUntil(lambda: dialog.windowTitle() == "‹Models›")
        qapp.processEvents()
        assert rows(dialog)["apus:Q2_K"].action == "‹Download›"
        assert rows(dialog)[str(old)].state == "‹Needs conversion›"
        assert dialog.status.label.text().startswith("‹")
        assert dialog.status.action.text() == "‹Convert›"
        assert dialog.details.fold.text() == "‹Details›"
        assert dialog.details._facts[0].label.startswith("‹")
        assert dialog.list.key() == str(old)
        choose(dialog, "apus:Q2_K")
        known = {fact.value for fact in dialog.details._facts} | {"APUS-xDAN-4.0-MoE"}
        for each in (*dialog.findChildren(QLabel), *dialog.findChildren(QAbstractButton)):
            text = re.sub(r"<[^>]*>", "", each.text())
            assert not re.search(r"[A-Za-z]{3}", text) or "‹" in text or each.toolTip() or text in known, text
    finally:
        qapp.removeTranslator(other)
    qtbot.waitUntil(lambda: dialog.windowTitle() == "Models")


def test_a_narrow_dialog_folds_the_facts_away_below_the_list(show: Open, qtbot: QtBot):
    dialog = show(size=(700, 600))
    choose(dialog, "apus:Q2_K")
    assert dialog.minimumSizeHint().width() <= 700
    below = dialog.details.mapTo(dialog, QPoint())
    assert below.y() > dialog.list.mapTo(dialog, QPoint()).y() + dialog.list.height() - 8
    assert main_button(dialog).isVisible()
    assert not dialog.details.area.isVisible()
    folded = dialog.details.height()
    dialog.details.fold.click()
    qtbot.waitUntil(lambda: dialog.details.area.isVisible() and dialog.details.height() > folded)
    assert dialog.list.height() > 100
    dialog.resize(1000, 600)
    qtbot.waitUntil(lambda: dialog.details.mapTo(dialog, QPoint()).x() > 500)
    assert not dialog.details.fold.isVisible()
    assert dialog.details.area.isVisible()


def test_several_files_are_added_at_once(show: Open, qtbot: QtBot, tmp_path: Path, tiny_model: Path):
    copy = tmp_path / "copy.gguf"
    shutil.copy(tiny_model, copy)
    dialog = show()
    dialog.add_paths([tiny_model, copy])
    wait_for_words(qtbot, dialog, "Added 2 models")
    qtbot.waitUntil(lambda: {"tiny", "copy"} <= set(rows(dialog)), timeout=PATIENCE_MS)
