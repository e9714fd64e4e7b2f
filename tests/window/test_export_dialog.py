"""The export dialog."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.settings import SettingsFile
from app.conversation import Status
from app.services import Services
from app.store.store import ConversationStore
from tests.export.conftest import PROVENANCE
from ui.export.dialog import ExportDialog
from ui.widgets.theme import DARK, LIGHT, apply_theme

Make = Callable[..., ExportDialog]


@pytest.fixture
def store(services: Services) -> ConversationStore:
    return services.store


@pytest.fixture
def make(services: Services, qtbot: QtBot) -> Make:
    def made(conversation_id: str | None, **more: object) -> ExportDialog:
        dialog = ExportDialog(services.store, conversation_id, settings=services.settings, **more)  # type: ignore[arg-type]
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return made


class Opener(QObject):
    """Replaces the desktop's programs."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Path] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(Path(url.toLocalFile()))


@pytest.fixture
def opener() -> Iterator[Opener]:
    made = Opener()
    QDesktopServices.setUrlHandler("file", made, "open")
    yield made
    QDesktopServices.unsetUrlHandler("file")


def talk(store: ConversationStore, title: str, answer: str = "An answer.", turns: int = 1) -> str:
    conversation = store.create(title=title)
    for number in range(turns):
        _, message = store.begin_turn(conversation.id, f"Question {number}")
        store.finish_answer(message.id, answer, Status.COMPLETE, PROVENANCE)
    return conversation.id


def choose(dialog: ExportDialog, name: str) -> None:
    dialog.options.format_box.setCurrentIndex(dialog.options.format_box.findData(name))


def test_the_dialog_is_as_high_as_its_choices(services: Services, make: Make, qtbot: QtBot) -> None:
    conversation = talk(services.store, "Title")
    dialog = make(conversation)
    assert dialog._scroll.height() == dialog._form.minimumSize().height()
    whole = make(conversation, message_id=services.store.branch(conversation)[0].id)
    for name in ("md", "jsonl", "pdf", "html"):
        choose(whole, name)
        QApplication.processEvents()
        assert whole._scroll.verticalScrollBar().maximum() == 0


def press_export(qtbot: QtBot, dialog: ExportDialog) -> str:
    qtbot.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog._is_busy(), timeout=20_000)
    return dialog.status.label.text()


def test_each_format_has_a_description(make: Make, store: ConversationStore) -> None:
    dialog = make(talk(store, "Sky"))
    names = [dialog.options.format_box.itemData(row) for row in range(dialog.options.format_box.count())]
    assert names == ["md", "html", "pdf", "json", "txt", "jsonl"]
    notes = set()
    for name in names:
        choose(dialog, name)
        assert dialog.path.text().endswith(f"Sky.{name}")
        notes.add(dialog.options.description.text())
    assert len(notes) == 6


@pytest.mark.parametrize("name", ["md", "html", "pdf", "json", "txt", "jsonl"])
def test_each_format_writes_a_file(
    make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    dialog = make(talk(store, "Sky"))
    choose(dialog, name)
    dialog.path.setText(str(tmp_path / "sky"))
    assert f"sky.{name}" in press_export(qtbot, dialog)
    content = (tmp_path / f"sky.{name}").read_bytes()
    if name == "pdf":
        assert "An answer." in PdfReader(tmp_path / "sky.pdf").pages[0].extract_text()
    else:
        assert b"An answer." in content


def test_one_message_is_exported(make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path) -> None:
    conversation_id = talk(store, "Sky", turns=2)
    answer = store.branch(conversation_id)[1]
    dialog = make(conversation_id, message_id=answer.id)
    assert dialog.scope.message.isChecked()
    dialog.path.setText(str(tmp_path / "one.md"))
    press_export(qtbot, dialog)
    text = (tmp_path / "one.md").read_text(encoding="utf-8")
    assert "An answer." in text
    assert "Question" not in text
    choose(dialog, "jsonl")
    assert "messages before it" in dialog.options.description.text()
    dialog.path.setText(str(tmp_path / "one.jsonl"))
    press_export(qtbot, dialog)
    assert len(json.loads((tmp_path / "one.jsonl").read_bytes())["messages"]) == 2


def test_selection_is_a_folder(make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path) -> None:
    ids = [talk(store, title) for title in ("One", "Two", "Three")]
    dialog = make(None, selection=ids[:2])
    assert dialog.scope.selected.isChecked()
    assert "2" in dialog.scope.selected.text()
    dialog.path.setText(str(tmp_path / "out"))
    assert "2" in press_export(qtbot, dialog)
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["One.md", "Two.md"]


def test_all_includes_the_archive(make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path) -> None:
    kept, archived, deleted = (talk(store, title) for title in ("Kept", "Archived", "Deleted"))
    store.archive(archived)
    store.delete(deleted)
    dialog = make(archived)
    assert "Archived" in dialog.scope.this_one.text()
    assert "2" in dialog.scope.everything.text()
    dialog.scope.everything.click()
    choose(dialog, "json")
    dialog.path.setText(str(tmp_path / "all.json"))
    press_export(qtbot, dialog)
    found = json.loads((tmp_path / "all.json").read_bytes())["conversations"]
    assert [each["id"] for each in found] == [kept, archived]


def test_options_that_do_not_apply_are_hidden(make: Make, store: ConversationStore) -> None:
    conversation_id = talk(store, "Sky")
    dialog = make(conversation_id)
    assert dialog.scope.message.isHidden()
    assert dialog.scope.selected.isHidden()
    assert dialog.scope.this_one.isChecked()
    for name in ("md", "html", "pdf", "txt"):
        choose(dialog, name)
        assert dialog.options.branches.isHidden()
        assert dialog.options.thoughts.isEnabled()
        can_fold = name in ("md", "html")
        thoughts = [dialog.options.thoughts.itemText(place) for place in range(dialog.options.thoughts.count())]
        assert thoughts == ["Shown", *(["Collapsed"] if can_fold else []), "Omitted"]
        assert dialog.options.thoughts.currentText() == ("Collapsed" if can_fold else "Shown")
    choose(dialog, "jsonl")
    assert dialog.options.branches.isVisible()
    assert dialog.options.unfinished.isVisible()
    choose(dialog, "json")
    assert not dialog.options.metadata.isEnabled()
    assert not dialog.options.thoughts.isEnabled()


def choose_thoughts(dialog: ExportDialog, text: str) -> None:
    box = dialog.options.thoughts
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def test_options_are_applied(make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = make(talk(store, "Sky", "<think>\nidea\n</think>\n\nanswer"))
    choose(dialog, "html")
    dialog.options.metadata.setChecked(False)
    choose_thoughts(dialog, "Omitted")
    dialog.path.setText(str(tmp_path / "sky.html"))
    press_export(qtbot, dialog)
    text = (tmp_path / "sky.html").read_text(encoding="utf-8")
    assert "idea" not in text
    assert "ab" * 32 not in text


def test_choices_are_remembered(
    make: Make, store: ConversationStore, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    conversation_id = talk(store, "Sky")
    dialog = make(conversation_id)
    choose(dialog, "txt")
    dialog.options.metadata.setChecked(False)
    choose_thoughts(dialog, "Omitted")
    (tmp_path / "here").mkdir()
    dialog.path.setText(str(tmp_path / "here" / "sky.txt"))
    press_export(qtbot, dialog)
    dialog.close()
    again = make(conversation_id)
    assert (again.options.format.name, again.options.metadata.isChecked(), again.options.thoughts.currentText()) == (
        "txt",
        False,
        "Omitted",
    )
    assert Path(again.path.text()).parent == tmp_path / "here"
    assert SettingsFile(services.folder.settings_file).current.export_format == "txt"


def test_copy_to_the_clipboard(make: Make, store: ConversationStore, qtbot: QtBot) -> None:
    dialog = make(talk(store, "Sky"))
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Copied" in dialog.status.label.text())
    assert "# Sky" in QGuiApplication.clipboard().text()
    choose(dialog, "pdf")
    assert dialog.copy.isHidden()


def test_exported_file_can_be_opened(
    make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path, opener: Opener
) -> None:
    dialog = make(talk(store, "Sky"))
    assert dialog.open_file.isHidden()
    dialog.path.setText(str(tmp_path / "sky.md"))
    press_export(qtbot, dialog)
    qtbot.mouseClick(dialog.open_file, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.status.action, Qt.MouseButton.LeftButton)
    assert opener.opened == [tmp_path / "sky.md", tmp_path]


def test_long_export_shows_progress_and_can_be_cancelled(
    make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = make(talk(store, "Sky", "word 字 " * 3_000, turns=60))
    choose(dialog, "pdf")
    dialog.path.setText(str(tmp_path / "sky.pdf"))
    (tmp_path / "sky.pdf").write_text("old")
    qtbot.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    assert dialog.progress.isVisible()
    assert not dialog.export.isEnabled()
    assert not dialog.options.format_box.isEnabled()
    qtbot.waitUntil(lambda: dialog.progress.value() > 0, timeout=20_000)
    qtbot.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog._is_busy(), timeout=20_000)
    assert "Cancelled" in dialog.status.label.text()
    assert (tmp_path / "sky.pdf").read_text() == "old"
    assert dialog.progress.isHidden()
    assert dialog.export.isEnabled()


def test_window_stays_responsive_during_a_pdf_export(
    make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = make(talk(store, "Sky", "word 字 " * 3_000, turns=6))
    choose(dialog, "pdf")
    dialog.path.setText(str(tmp_path / "sky.pdf"))
    qtbot.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    turns = 0
    while dialog._is_busy():
        QApplication.processEvents()
        turns += 1
    assert turns > 20
    assert (tmp_path / "sky.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [420, 900])
def test_controls_keep_their_minimum_height_and_can_be_scrolled_to(
    make: Make, store: ConversationStore, qapp: QApplication, theme: object, width: int
) -> None:
    apply_theme(qapp, theme)  # type: ignore[arg-type]
    conversation_id = talk(store, "A rather long title of a conversation about many things")
    dialog = make(conversation_id, selection=[conversation_id, talk(store, "Two")])
    dialog.resize(width, 100)
    choose(dialog, "jsonl")
    QApplication.processEvents()
    for box in (dialog.options.format_box, dialog.options.thoughts, dialog.path, dialog.export):
        box.setFocus(Qt.FocusReason.TabFocusReason)
        # The style sheet's rounding may take a pixel.
        assert box.height() >= box.minimumSizeHint().height() - 1
        inside = box.mapTo(dialog, box.rect().bottomRight())
        assert dialog.rect().contains(inside), box.objectName()
    apply_theme(qapp, LIGHT)


def test_controls_have_accessible_names(make: Make, store: ConversationStore) -> None:
    dialog = make(talk(store, "Sky"))
    for box in (dialog.options.format_box, dialog.options.thoughts, dialog.path, dialog.progress):
        assert box.accessibleName()
    for button in (dialog.browse, dialog.copy, dialog.cancel, dialog.export, dialog.open_file, dialog.options.metadata):
        assert button.text()


def test_the_result_is_forgotten_with_the_choices_it_was_made_from(
    make: Make, store: ConversationStore, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = make(talk(store, "Sky"))
    dialog.path.setText(str(tmp_path / "sky.md"))
    assert "sky.md" in press_export(qtbot, dialog)
    assert not dialog.open_file.isHidden()
    choose(dialog, "html")
    assert dialog.status.label.text() == ""
    assert dialog.open_file.isHidden()
