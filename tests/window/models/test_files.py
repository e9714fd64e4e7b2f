"""Files in the models dialog: adding, converting, joining, verifying, removing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.downloads import ModelDownloads
from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_embedder import write_tiny_embedder
from tests.rigs.tiny_model import write_tiny_model
from tests.window.models.page import (
    PATIENCE_MS,
    Open,
    answer,
    choose,
    drop,
    main_button,
    menu_of,
    pick_in_file_dialog,
    press_in_menu,
    rows,
    wait_for_state,
    wait_for_text,
)
from ui.models.jobs import ModelJobs

# For every window with a layout and every menu, by the platform without a screen.
pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")


def test_file_is_added_and_used(show: Open, qtbot: QtBot, tiny_model: Path):
    dialog = show()
    dialog.add_file.click()
    with qtbot.waitSignal(dialog.models_changed):
        pick_in_file_dialog(qtbot, dialog, tiny_model)
    row = wait_for_state(qtbot, dialog, "tiny", "Ready")
    assert row.label == "F32"
    assert "KiB" in row.size
    qtbot.waitUntil(lambda: dialog.list.key() == "tiny")
    qtbot.waitUntil(lambda: any(fact.value == "llama" for fact in dialog.details._details))
    with qtbot.waitSignal(dialog.model_chosen) as emitted:
        qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert emitted.args == ["tiny"]


def test_embedding_model_is_added_but_not_for_conversations(show: Open, qtbot: QtBot, tmp_path: Path):
    dialog = show()
    assert drop(dialog, write_tiny_embedder(tmp_path / "embedder.gguf"))
    row = wait_for_state(qtbot, dialog, "embedder", "Ready")
    assert (row.note, row.action) == ("Embedding model, for long documents and other programs", "")
    choose(dialog, "embedder")
    assert "use" not in [action.objectName() for action in menu_of(qtbot, dialog).actions()]


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
    wait_for_text(qtbot, dialog, "fake.gguf isn't a GGUF file")
    assert "fake" not in rows(dialog)
    assert drop(dialog, tiny_model)
    wait_for_text(qtbot, dialog, "already in the list")


def test_dropped_legacy_file_is_converted(show: Open, qtbot: QtBot, tmp_path: Path):
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


def test_conversion_to_a_copy_keeps_the_original(show: Open, qtbot: QtBot, tmp_path: Path, downloads: ModelDownloads):
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    before = old.read_bytes()
    dialog = show()
    drop(dialog, old)
    wait_for_state(qtbot, dialog, str(old), "Needs conversion")
    press_in_menu(qtbot, dialog, "convert_copy")
    wait_for_text(qtbot, dialog, "is ready to use")
    assert old.read_bytes() == before
    assert (downloads.folder() / "old.gguf").exists()


def test_dropped_parts_are_joined(show: Open, qtbot: QtBot, tmp_path: Path):
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


def test_folder_is_added_and_removed(show: Open, qtbot: QtBot, tmp_path: Path, downloads: ModelDownloads):
    folder = tmp_path / "their models"
    folder.mkdir()
    write_tiny_model(folder / "theirs.gguf")
    dialog = show()
    dialog.add_folder.click()
    pick_in_file_dialog(qtbot, dialog, folder, "folderDialog")
    wait_for_state(qtbot, dialog, "theirs", "Ready")
    wait_for_text(qtbot, dialog, "New models: 1")
    names = {each.objectName() for each in menu_of(qtbot, dialog).actions()}
    assert "remove_folder" in names
    assert not names & {"delete", "remove"}
    dialog.status.action.click()
    qtbot.waitUntil(lambda: "theirs" not in rows(dialog), timeout=PATIENCE_MS)
    assert (folder / "theirs.gguf").exists()


def test_folders_of_other_programs_are_offered(show: Open, qtbot: QtBot, empty_home: Path, downloads: ModelDownloads):
    folder = empty_home / ".lmstudio" / "models"
    folder.mkdir(parents=True)
    write_tiny_model(folder / "theirs.gguf")
    dialog = show()
    qtbot.waitUntil(lambda: bool(dialog.offered), timeout=PATIENCE_MS)
    dialog.add_folder.click()
    menu = dialog.findChild(QMenu, "folderMenu")
    assert menu is not None
    first = menu.actions()[0]
    assert "LM Studio" in first.text()
    first.trigger()
    menu.close()
    wait_for_state(qtbot, dialog, "theirs", "Ready")
    assert downloads.library.folders() == (folder,)


def test_removed_model_can_be_restored(show: Open, qtbot: QtBot, tmp_path: Path, downloads: ModelDownloads):
    for name in ("one", "two"):
        downloads.library.register(write_tiny_model(tmp_path / f"{name}.gguf"))
    dialog = show()
    choose(dialog, "one")
    press_in_menu(qtbot, dialog, "remove")
    qtbot.waitUntil(lambda: "one" not in rows(dialog), timeout=PATIENCE_MS)
    assert (tmp_path / "one.gguf").exists()
    assert dialog.list.key() == "two"
    dialog.status.action.click()
    wait_for_state(qtbot, dialog, "one", "Ready")
    qtbot.waitUntil(lambda: dialog.list.key() == "one")


def test_deletion_asks_and_names_the_size(show: Open, qtbot: QtBot, tmp_path: Path, downloads: ModelDownloads):
    path = write_tiny_model(downloads.folder() / "mine.gguf", name="Mine")
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
    assert dialog.status.label.text().startswith("Deleted Mine. ")
    assert dialog.status.label.text().endswith(" of disk space freed.")


def test_deleted_model_can_be_downloaded_again(show: Open, qtbot: QtBot, home: Path, downloads: ModelDownloads):
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    press_in_menu(qtbot, dialog, "delete")
    answer(qtbot, dialog, yes=True)
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Not downloaded")
    assert not list(downloads.folder().glob("*.gguf*"))
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")


def test_damaged_file_is_found_and_repaired(show: Open, qtbot: QtBot, home: Path, downloads: ModelDownloads):
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    press_in_menu(qtbot, dialog, "verify")
    wait_for_text(qtbot, dialog, "matches the published file exactly")
    (path,) = downloads.folder().glob("*.gguf")
    with path.open("r+b") as file:
        file.seek(-1000, 2)
        file.write(b"damage")
    qtbot.waitUntil(lambda: not dialog.jobs.running())
    press_in_menu(qtbot, dialog, "verify")
    wait_for_text(qtbot, dialog, "doesn't match the published file")
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Damaged")
    main_button(dialog, "convertModelButton").click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    press_in_menu(qtbot, dialog, "verify")
    wait_for_text(qtbot, dialog, "matches the published file exactly")


def test_damaged_download_is_quarantined_and_repaired(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    hub.fault("cdn", "corrupt", times=-1, offset=home.stat().st_size - 1000)
    dialog = show()
    choose(dialog, "apus:Q2_K")
    main_button(dialog).click()
    row = wait_for_state(qtbot, dialog, "apus:Q2_K", "Quarantined")
    assert row.action == "Re-download parts"
    hub.reset()
    main_button(dialog, "convertModelButton").click()
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")


def test_jobs_continue_after_the_page_is_left(show: Open, qtbot: QtBot, tmp_path: Path, downloads: ModelDownloads):
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    jobs = ModelJobs()
    dialog = show(jobs=jobs)
    drop(dialog, old)
    wait_for_state(qtbot, dialog, str(old), "Needs conversion")
    with qtbot.waitSignal(jobs.ended, timeout=PATIENCE_MS):
        main_button(dialog, "convertModelButton").click()
        dialog.close()
    assert [each.id for each in downloads.library.list()] == ["old"]
    jobs.shut_down()


def test_several_files_are_added(show: Open, qtbot: QtBot, tmp_path: Path, tiny_model: Path):
    copy = tmp_path / "copy.gguf"
    shutil.copy(tiny_model, copy)
    dialog = show()
    dialog.add_paths([tiny_model, copy])
    wait_for_text(qtbot, dialog, "Added 2 models")
    qtbot.waitUntil(lambda: {"tiny", "copy"} <= set(rows(dialog)), timeout=PATIENCE_MS)
