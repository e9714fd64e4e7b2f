"""Texts brought along in a real window: dropped, pasted, chosen, shown, removed, sent, remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QThreadPool, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.config.drafts import Drafts
from app.conversation import Attachment, GivenPassage
from app.documents.attachments import MAX_BYTES
from tests.documents.builders import docx, pdf, prose, w_p
from tests.rigs.tiny_embedder import write_tiny_embedder
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, titles, wait_for_answer, write
from ui.composer.attachment_chips import AttachmentChip, ReadingChip
from ui.composer.attachments import AttachmentViewer
from ui.composer.text_field import LONG_PASTE
from ui.conversation.answer_details import DetailsDialog
from ui.conversation.context_gauge import ContextGauge
from ui.window.main_window import MainWindow


@pytest.fixture
def window(open_window: OpenWindow, tiny_model: Path) -> MainWindow:
    made = open_window()
    made.controller.models.use(str(tiny_model))
    made.controller.services.settings.change(max_tokens=3, titles_by_model=False)
    return made


def names(window: MainWindow) -> list[str]:
    return [attachment.name for attachment in window.composer.chips.attachments()]


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(event)


def texts(folder: Path, **contents: str) -> list[Path]:
    made = []
    for name, content in contents.items():
        made.append(folder / f"{name}.txt")
        made[-1].write_text(content, "utf-8")
    return made


def test_dropped_files_are_attached_and_sent(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    drop(window, *texts(tmp_path, one="the first text", two="the second"))
    qtbot.waitUntil(lambda: sorted(names(window)) == ["one.txt", "two.txt"])
    send(qtbot, window, "What do they say?")
    answer = wait_for_answer(qtbot, window)
    question = branch(window)[0]
    assert sorted(each.content for each in question.attachments) == ["the first text", "the second"]
    assert question.content == "What do they say?"
    assert names(window) == []
    assert titles(window) == ["What do they say?"]
    assert answer.provenance is not None
    (item, _) = window.controller.transcript.page.items
    assert [label.split(" · ")[0] for label in item.attachments] == [each.name for each in question.attachments]
    window.controller.transcript.action_requested.emit("attachment:1", question.id)
    viewer = find(window, "attachmentViewer", AttachmentViewer)
    assert isinstance(viewer, AttachmentViewer)
    assert viewer.text.toPlainText() == question.attachments[1].content
    assert viewer.text.isReadOnly()
    assert not find(viewer, "insertAttachmentButton", QPushButton).isVisible()
    qtbot.mouseClick(find(viewer, "copyAttachmentButton", QPushButton), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == question.attachments[1].content
    qtbot.keyClick(viewer, Qt.Key.Key_Escape)
    window.controller.transcript.action_requested.emit("details", answer.id)
    details = find(window, "detailsDialog", DetailsDialog)
    assert isinstance(details, DetailsDialog)
    assert "Read as a whole: " + "\n".join(each.name for each in question.attachments) in details.as_text()
    qtbot.keyClick(details, Qt.Key.Key_Escape)


def test_typing_after_a_dialog_about_a_message_goes_to_the_composer(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    drop(window, *texts(tmp_path, one="the first text"))
    qtbot.waitUntil(lambda: names(window) == ["one.txt"])
    send(qtbot, window, "What does it say?")
    answer, transcript = wait_for_answer(qtbot, window), window.controller.transcript

    def open_and_close(action: str, message_id: str, dialog: str) -> None:
        transcript.action_requested.emit(action, message_id)
        shown = find(window, dialog)
        qtbot.keyClick(shown, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: window.findChild(QDialog) is None)

    for action, message_id, dialog in (
        ("details", answer.id, "detailsDialog"),
        ("attachment:0", answer.parent_id or "", "attachmentViewer"),
    ):
        transcript.setFocus(Qt.FocusReason.MouseFocusReason)
        open_and_close(action, message_id, dialog)
        assert window.focusWidget() is window.composer.field
        # A message that was reached with the keyboard has the focus again.
        transcript.setFocus(Qt.FocusReason.OtherFocusReason)
        transcript.keyboard.enter(backwards=False)
        open_and_close(action, message_id, dialog)
        assert window.focusWidget() is transcript
        transcript.keyboard.reset()


def test_document_is_shown_with_its_headings_and_pages(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    pages = [[(20, 50, "Tides"), *prose("The tide rises twice a day.")], prose("It falls as often.")]
    drop(window, pdf(tmp_path / "tides.pdf", pages))
    qtbot.waitUntil(lambda: names(window) == ["tides.pdf"], timeout=PATIENCE_MS)
    chip = window.composer.chips.findChildren(AttachmentChip)[-1]
    qtbot.mouseClick(chip.open_button, Qt.MouseButton.LeftButton)
    viewer = find(window, "attachmentViewer", AttachmentViewer)
    assert isinstance(viewer, AttachmentViewer)
    assert any(": 2 pages, " in each.text() for each in viewer.findChildren(QLabel))
    document = viewer.text.document()
    line = next(
        block for at in range(document.blockCount()) if "# Tides" in (block := document.findBlockByNumber(at)).text()
    )
    viewer.highlighter.rehighlightBlock(line)  # type: ignore[union-attr]
    assert any(each.format.font().bold() and each.start == 2 for each in line.layout().formats())
    qtbot.keyClick(viewer, Qt.Key.Key_Escape)


def test_attachment_without_text_can_be_sent_and_gives_the_title(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    assert not find(window, "sendButton").isEnabled()
    drop(window, *texts(tmp_path, notes="something"))
    qtbot.waitUntil(find(window, "sendButton").isEnabled)
    qtbot.mouseClick(find(window, "sendButton"), Qt.MouseButton.LeftButton)
    wait_for_answer(qtbot, window)
    assert titles(window) == ["notes.txt"]


def test_long_paste_becomes_an_attachment(window: MainWindow, qtbot: QtBot) -> None:
    field = window.composer.field
    QGuiApplication.clipboard().setText("short 短")
    field.paste()
    assert window.composer.text() == "short 短"
    long = "line\n" * (LONG_PASTE // 5 + 1)
    QGuiApplication.clipboard().setText(long)
    field.paste()
    QGuiApplication.clipboard().setText(long + "other")
    field.paste()
    assert window.composer.text() == "short 短"
    assert names(window) == ["Pasted text", "Pasted text 2"]
    QGuiApplication.clipboard().setText("x" * (MAX_BYTES + 1))
    field.paste()
    assert len(names(window)) == 2
    assert "16.0 MiB" in window.notice.text()


def test_attached_paste_can_be_inserted_into_the_message(window: MainWindow, qtbot: QtBot) -> None:
    long = "word " * 1000
    window.controller.conversation.attachments.paste(long)
    qtbot.mouseClick(find(window, "openAttachmentButton"), Qt.MouseButton.LeftButton)
    viewer = find(window, "attachmentViewer", AttachmentViewer)
    qtbot.mouseClick(find(viewer, "insertAttachmentButton", QPushButton), Qt.MouseButton.LeftButton)
    assert window.composer.text() == long
    assert names(window) == []


def test_binary_file_is_refused(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    program = tmp_path / "program.bin"
    program.write_bytes(b"\x7fELF" + bytes(200))
    (good,) = texts(tmp_path, good="text")
    drop(window, program, good)
    qtbot.waitUntil(lambda: "program.bin can't be attached" in window.notice.text() and bool(names(window)))
    assert names(window) == ["good.txt"]


def test_document_is_read_beside_the_window_and_can_be_cancelled(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    long = pdf(tmp_path / "long.pdf", [prose(f"page {number} " * 300) for number in range(150)])
    drop(window, long)
    chip = find(window, "attachmentChip", ReadingChip)
    assert not find(window, "sendButton").isEnabled()
    qtbot.waitUntil(lambda: "%" in chip.findChildren(QLabel)[-1].text(), timeout=PATIENCE_MS)
    qtbot.mouseClick(find(chip, "removeAttachmentButton"), Qt.MouseButton.LeftButton)
    assert window.composer.chips.isHidden()
    drop(
        window,
        long,
        docx(tmp_path / "报告.docx", w_p("标题", style="1") + w_p("内容")),
        pdf(tmp_path / "scan.pdf", [[]]),
    )
    qtbot.waitUntil(lambda: sorted(names(window)) == ["long.pdf", "报告.docx"], timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "scan.pdf contains only pictures" in window.notice.text(), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not window.composer.chips.is_reading)
    sizes = [label.text() for label in window.composer.chips.findChildren(QLabel)]
    assert any(size.startswith("150 pages · about ") for size in sizes)
    assert {each.content for each in window.composer.chips.attachments()} >= {"# 标题\n\n内容\n"}


def test_dropped_model_file_goes_to_the_library(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, tiny_model: Path
) -> None:
    model = tmp_path / "another.gguf"
    model.write_bytes(tiny_model.read_bytes())
    drop(window, model, *texts(tmp_path, notes="text"))
    qtbot.waitUntil(lambda: names(window) == ["notes.txt"])
    qtbot.waitUntil(lambda: window.controller.services.settings.current.model_id == "another")


def test_attachment_shows_its_tokens_and_can_be_removed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    send(qtbot, window, "load the model")
    wait_for_answer(qtbot, window)
    drop(window, *texts(tmp_path, notes="a b c d e f"))
    chips = window.composer.chips
    qtbot.waitUntil(lambda: any(each.tokens for each in chips.attachments()), timeout=PATIENCE_MS)
    (attachment,) = chips.attachments()
    assert (attachment.tokens,) == window.controller.services.engine.count_if_idle(["a b c d e f"])
    assert f"{attachment.tokens} tokens" in [label.text() for label in chips.findChildren(QLabel)]
    conversation = window.controller.conversation
    gauge, used = find(window, "contextGauge", ContextGauge), conversation.context.use.used
    assert gauge.use.used == used + attachment.tokens
    qtbot.mouseClick(find(window, "removeAttachmentButton"), Qt.MouseButton.LeftButton)
    assert names(window) == []
    assert chips.isHidden()
    assert gauge.use.used == used


def test_tokens_are_estimated_without_a_model(window: MainWindow, qtbot: QtBot) -> None:
    window.controller.conversation.attachments.paste("海" * 2000)
    assert "about 1,400 tokens" in [label.text() for label in window.composer.chips.findChildren(QLabel)]


@pytest.mark.parametrize("is_loaded", [True, False])
def test_attachments_that_do_not_fit_beside_the_conversation_are_marked(
    window: MainWindow, qtbot: QtBot, is_loaded: bool
) -> None:
    """Before a load too: no context is larger than the one that the model was trained for."""
    if is_loaded:
        send(qtbot, window, "load the model")
        wait_for_answer(qtbot, window)

    def marked() -> list[str]:
        chips = window.composer.chips.findChildren(AttachmentChip)
        return [c.attachment.name for c in chips if c.isVisible() and "don't fit in the context" in c.toolTip()]

    attachments = window.controller.conversation.attachments
    attachments.paste("x y " * 1100)
    qtbot.waitUntil(lambda: bool(names(window)))
    assert marked() == []
    attachments.paste("z y " * 1100)
    qtbot.waitUntil(lambda: marked() == ["Pasted text", "Pasted text 2"], timeout=PATIENCE_MS)
    assert any("passages only" in label.text() for label in window.composer.chips.findChildren(QLabel))
    window.composer.chips.remove(window.composer.chips.attachments()[0])
    assert marked() == []


def test_chips_are_not_cut_in_a_narrow_window(window: MainWindow, qtbot: QtBot) -> None:
    chips = window.composer.chips
    chips.add(Attachment("A long report of the harbour authority (final version).pdf", "[Page 1]\n\nwords", 31234))
    chips.set_room(100)
    for width in (360, 900, 380):
        window.resize(width, 700)
        (chip,) = chips.findChildren(AttachmentChip)
        qtbot.waitUntil(lambda chip=chip: chip.width() == min(chip.sizeHint().width(), chips.width()))
        assert chip.sizeHint().width() <= chips.width()
        assert chip.rect().contains(chip.remove_button.geometry())
        label = chip.findChild(QLabel)
        assert label is not None
        assert label.width() >= label.sizeHint().width()
        assert label.text().startswith("1 page")
    assert "31,234 tokens" in chip.toolTip()


def test_embedding_model_of_the_library_reads_the_passages_in_the_background(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    services = window.controller.services
    services.library.register(write_tiny_embedder(tmp_path / "embedder.gguf"))
    services.settings.change(context=512)
    text = "\n\n".join(f"the cat sat on the mat is blue, number {number}. " * 12 for number in range(14))
    shares: list[str] = []
    drop(window, *texts(tmp_path, cats=text))
    qtbot.waitUntil(lambda: names(window) == ["cats.txt"])
    (chip,) = [each for each in window.composer.chips.findChildren(AttachmentChip) if each.isVisible()]
    labels = chip.findChildren(QLabel)
    qtbot.waitUntil(
        lambda: (
            shares.extend(label.text() for label in labels)
            or services.vectors.similarities([text], "the dog") is not None
        ),
        timeout=PATIENCE_MS,
    )
    assert any(share.endswith("%") for share in shares)
    qtbot.waitUntil(lambda: not any(label.text().endswith("%") for label in labels), timeout=PATIENCE_MS)
    # Removing a chip cancels its reading.
    window.composer.chips.remove(chip.attachment)
    drop(window, *texts(tmp_path, more=text + text))
    qtbot.waitUntil(lambda: names(window) == ["more.txt"])
    (chip,) = [each for each in window.composer.chips.findChildren(AttachmentChip) if each.isVisible()]
    qtbot.mouseClick(chip.remove_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=PATIENCE_MS)
    assert services.vectors.similarities([text + text], "the dog") is None
    services.erase_everything()
    assert services.vectors.similarities([text], "the dog") is None


def test_passages_of_a_long_document_are_below_the_answer_and_open_there(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    pages = [prose(f"Nothing but weather on day {number}. " * 12) for number in range(60)]
    pages[41] = prose("The lighthouse was painted red by the keeper's daughter. " * 3)
    drop(window, pdf(tmp_path / "station.pdf", pages))
    qtbot.waitUntil(lambda: names(window) == ["station.pdf"], timeout=PATIENCE_MS)
    send(qtbot, window, "Who painted the lighthouse?")
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.documents is not None
    transcript = window.controller.transcript
    item = transcript.page.items[-1]
    assert "p. 42" in item.passages
    assert item.note == ""
    view = transcript.page.view(1)
    button = next(each for each in view.buttons if each.label == "p. 42")
    transcript.press(1, button.key)
    viewer = find(window, "attachmentViewer", AttachmentViewer)
    assert isinstance(viewer, AttachmentViewer)
    assert viewer.text.textCursor().selectedText().startswith("The lighthouse was painted red")
    qtbot.keyClick(viewer, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(QDialog) is None)
    # In the attachment of the question all passages are marked.
    window.controller.transcript.action_requested.emit("attachment:0", answer.parent_id)
    viewer = find(window, "attachmentViewer", AttachmentViewer)
    assert isinstance(viewer, AttachmentViewer)
    marked = [each.cursor.selectedText() for each in viewer.text.extraSelections()]
    assert len(marked) == answer.provenance.documents.given
    assert any(each.startswith("The lighthouse was painted red") for each in marked)
    labels = [each.text() for each in viewer.findChildren(QLabel)]
    assert any("60 pages, " in each and f"from {len(marked)} passages of it" in each for each in labels)
    qtbot.keyClick(viewer, Qt.Key.Key_Escape)
    window.controller.transcript.action_requested.emit("details", answer.id)
    details = find(window, "detailsDialog", DetailsDialog)
    assert isinstance(details, DetailsDialog)
    assert "station.pdf: pages " in details.as_text()
    qtbot.keyClick(details, Qt.Key.Key_Escape)
    send(qtbot, window, "Summarise it")
    wait_for_answer(qtbot, window)
    assert "names nothing in them" in transcript.page.items[-1].note


def test_passages_of_a_document_of_the_folder_open_from_the_answer(window: MainWindow, qtbot: QtBot) -> None:
    pages = [f"[Page {number}]\n\n" + f"Nothing but weather on day {number}. " * 12 for number in range(1, 61)]
    pages[41] = "[Page 42]\n\n" + "The lighthouse was painted red by the keeper's daughter. " * 3
    store, controller = window.controller.services.store, window.controller.conversation
    folder = store.add_folder("Station")
    store.add_documents(folder.id, [Attachment("station.pdf", "\n\n".join(pages), 9000)])
    controller.open(store.create(title="Logbook", folder_id=folder.id).id)
    send(qtbot, window, "Who painted the lighthouse?")
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.documents is not None
    view = window.controller.transcript.page.view(1)
    button = next(each for each in view.buttons if each.label == "p. 42")
    window.controller.transcript.press(1, button.key)
    viewer = find(window, "attachmentViewer", AttachmentViewer)
    assert isinstance(viewer, AttachmentViewer)
    assert viewer.text.textCursor().selectedText().startswith("The lighthouse was painted red")


def test_attach_button_opens_a_file_dialog(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    one, two = texts(tmp_path, one="1", two="2")
    qtbot.mouseClick(find(window, "attachButton"), Qt.MouseButton.LeftButton)
    dialog = find(window, "fileDialog", QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.filesSelected.emit([str(one), str(two)])
    dialog.reject()
    qtbot.waitUntil(lambda: sorted(names(window)) == ["one.txt", "two.txt"])
    qtbot.waitUntil(lambda: window.findChild(QFileDialog, "fileDialog") is None)
    qtbot.mouseClick(find(window, "attachButton"), Qt.MouseButton.LeftButton)
    again = find(window, "fileDialog", QFileDialog)
    assert isinstance(again, QFileDialog)
    assert again.directory().path() == str(tmp_path), "where the last files were"


def test_drafts_and_attachments_survive_a_restart(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, open_window: OpenWindow
) -> None:
    send(qtbot, window, "a conversation")
    wait_for_answer(qtbot, window)
    conversation_id = window.controller.conversation.session.conversation_id
    write(window, "half a question 半")
    window.controller.conversation.attachments.paste("word " * 1000)
    window.controller.conversation.open(None)
    write(window, "and a new one")
    window = open_window()
    window.controller.conversation.open(conversation_id)
    assert window.composer.text() == "half a question 半"
    assert names(window) == ["Pasted text"]
    window.controller.conversation.open(None)
    assert window.composer.text() == "and a new one"
    assert names(window) == []


def test_drafts_are_saved_while_the_window_is_open(window: MainWindow, qtbot: QtBot) -> None:
    write(window, "not lost in a crash")
    path = window.controller.services.folder.drafts_file
    qtbot.waitUntil(lambda: path.exists() and Drafts(path).get(None).text == "not lost in a crash")
    send(qtbot, window, "")
    wait_for_answer(qtbot, window)
    qtbot.waitUntil(lambda: Drafts(path).get(None).text == "")


def test_edited_question_keeps_its_attachments(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    drop(window, *texts(tmp_path, notes="text"))
    qtbot.waitUntil(lambda: bool(names(window)))
    send(qtbot, window, "What is it?")
    wait_for_answer(qtbot, window)
    question = branch(window)[0]
    window.controller.transcript.action_requested.emit("edit", question.id)
    assert names(window) == ["notes.txt"]
    send(qtbot, window, " Briefly.")
    wait_for_answer(qtbot, window)
    assert branch(window)[0].content == "What is it? Briefly."
    assert branch(window)[0].attachments == question.attachments
    assert names(window) == []


def test_deleting_all_data_deletes_the_drafts(window: MainWindow, qtbot: QtBot) -> None:
    from ui.settings.page import SettingsPage

    write(window, "words nobody shall find")
    window.controller.show_settings()
    settings = find(window, "settingsDialog", SettingsPage)
    assert isinstance(settings, SettingsPage)
    window.controller.services.erase_everything()
    settings.conversations_changed.emit()
    assert window.composer.text() == ""
    qtbot.keyClick(settings, Qt.Key.Key_Escape)
    path = window.controller.services.folder.drafts_file
    assert not path.exists() or "nobody" not in path.read_text("utf-8")


def test_number_of_attachments_is_limited(window: MainWindow, qtbot: QtBot) -> None:
    for number in range(21):
        window.controller.conversation.attachments.paste(f"{number} " + "word " * 1000)
    assert len(names(window)) == 20
    assert "up to 20 attachments" in window.notice.text()


def test_the_viewer_goes_from_passage_to_passage_and_measures_a_long_line_in_characters(window: MainWindow) -> None:
    content = "One long line. " * 40
    given = [GivenPassage(start, start + 14, 0, "") for start in (0, 75, 300)]
    viewer = AttachmentViewer(Attachment("pasted", content, tokens=120), window, given)
    assert any("600 characters" in each.text() for each in viewer.findChildren(QLabel))
    places = []
    for _ in range(3):
        viewer.next.click()
        places.append(viewer.text.textCursor().selectionStart())
    assert places == [75, 300, 0]
    assert AttachmentViewer(Attachment("pasted", content), window, given[:1]).next.isHidden()
