"""Pictures in a real window: dropped, pasted, shown, saved, sent to a server, kept in drafts, refused."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QGuiApplication, QImage, QRegion
from PySide6.QtWidgets import QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from app.conversation import Attachment, Picture, Status
from app.servers.protocol import Kind, ServedModel
from tests.rigs.openai_server import OpenAiServer, openai_server
from tests.rigs.pictures import attached, picture_file
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, titles, wait_for_answer
from ui.composer.attachment_chips import AttachmentChip
from ui.pictures.thumbnails import Thumbnails, decoded, fitted
from ui.pictures.viewer import PictureViewer
from ui.transcript.decorations import ButtonKind
from ui.window.main_window import MainWindow


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server() as running:
        yield running


@pytest.fixture
def window(open_window: OpenWindow, server: OpenAiServer) -> MainWindow:
    made = open_window()
    use_server(made, server)
    return made


def use_server(window: MainWindow, server: OpenAiServer) -> None:
    added = window.controller.services.servers.add(server.url, models=[ServedModel("apus", Kind.VLLM, 1024)])
    window.controller.models.use(added.model_id("apus"))
    window.controller.services.settings.change(titles_by_model=False)


def drop_data(window: MainWindow, data: QMimeData) -> None:
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    drop_data(window, data)


def picture_path(folder: Path, name: str = "cat.png", size: tuple[int, int] = (400, 300)) -> Path:
    path = folder / name
    path.write_bytes(picture_file("PNG", size))
    return path


def attachments(window: MainWindow) -> tuple[Attachment, ...]:
    return window.composer.chips.attachments()


def wait_for_pictures(qtbot: QtBot, window: MainWindow, count: int = 1) -> list[Picture]:
    chips = window.composer.chips
    qtbot.waitUntil(lambda: len(attachments(window)) == count and not chips.is_reading, timeout=PATIENCE_MS)
    return [each.picture for each in attachments(window) if each.picture is not None]


def red(width: int = 30, height: int = 20) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    return image


def test_chips_of_one_line_are_level(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.resize(1100, 700)
    (tmp_path / "notes.txt").write_text("text")
    for path in (picture_path(tmp_path), tmp_path / "notes.txt"):
        drop(window, path)
    wait_for_pictures(qtbot, window, 2)
    chips = window.composer.chips
    one, two = (each.geometry() for each in chips.findChildren(AttachmentChip))
    assert one.height() != two.height()
    assert abs(one.center().y() - two.center().y()) <= 1
    assert chips.rect().contains(one.united(two))


def test_dropped_picture_is_sent_shown_and_opened(
    window: MainWindow, server: OpenAiServer, qtbot: QtBot, tmp_path: Path
) -> None:
    drop(window, picture_path(tmp_path))
    (picture,) = wait_for_pictures(qtbot, window)
    chip = find(window, "attachmentChip", AttachmentChip)
    assert isinstance(chip, AttachmentChip)
    button = find(chip, "openAttachmentButton", QToolButton)
    assert button.accessibleName() == "Show cat.png, 400 × 300"
    assert chip._size.font() == button.font()

    def drawn() -> QSize:
        # Without the gap before the name.
        return QRegion(button.icon().pixmap(QSize(64, 64)).mask()).boundingRect().size()

    qtbot.waitUntil(lambda: drawn() == QSize(36, 27))
    send(qtbot, window, "What is this?")
    wait_for_answer(qtbot, window)
    question = branch(window)[0]
    assert [each.picture for each in question.attachments] == [picture]
    assert attachments(window) == ()
    (part, text) = server.chats()[-1]["messages"][-1]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert base64.b64decode(part["image_url"]["url"].partition(",")[2]) == picture.data
    transcript = window.controller.transcript
    view = transcript.page.view(0)
    (shown,) = [each for each in view.buttons if each.kind is ButtonKind.PICTURE]
    assert (shown.name, shown.rect.size().toSize()) == ("Picture: cat.png", QSize(260, 195))
    size = shown.rect.size().toSize()
    qtbot.waitUntil(lambda: transcript.thumbnails.pixmap(picture, size, transcript.devicePixelRatioF()) is not None)
    left, top = transcript.page.left, transcript.page.top_of(0) or 0.0
    corner = shown.rect.topLeft() + QPointF(left, top)
    grabbed = transcript.viewport().grab().toImage()
    ratio = grabbed.devicePixelRatio()
    assert grabbed.pixelColor(((corner + QPointF(20, 20)) * ratio).toPoint()) == QColor("red")
    assert grabbed.pixelColor(((corner + QPointF(240, 20)) * ratio).toPoint()) == QColor("blue")
    qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=(corner + QPointF(20, 20)).toPoint())
    viewer = find(window, "pictureViewer", PictureViewer)
    assert isinstance(viewer, PictureViewer)
    assert viewer.canvas.accessibleName() == "cat.png"
    qtbot.mouseClick(find(viewer, "copyPictureButton"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().image().size() == QSize(400, 300)
    qtbot.mouseClick(find(viewer, "savePictureButton"), Qt.MouseButton.LeftButton)
    saved = tmp_path / "saved.png"
    dialog = find(viewer, "fileDialog", QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.selectFile(str(saved))
    dialog.accept()
    qtbot.waitUntil(saved.exists)
    assert saved.read_bytes() == picture.data
    with qtbot.waitSignal(viewer.finished):
        qtbot.keyClick(viewer, Qt.Key.Key_Escape)


def test_clipboard_picture_and_its_name(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(2):
        QGuiApplication.clipboard().setImage(red())
        window.composer.field.paste()
    pictures = wait_for_pictures(qtbot, window, 1 + 1)
    assert sorted(each.name for each in attachments(window)) == ["Pasted picture", "Pasted picture 2"]
    assert {(each.width, each.height) for each in pictures} == {(30, 20)}
    assert window.composer.text() == ""


def test_picture_beside_a_text_is_pasted_as_the_text(window: MainWindow) -> None:
    data = QMimeData()
    data.setText("three cells")
    data.setImageData(red())
    QGuiApplication.clipboard().setMimeData(data)
    window.composer.field.paste()
    assert window.composer.text() == "three cells"
    assert not window.composer.chips.is_reading
    # An object of Python in the clipboard must not outlive Python.
    QGuiApplication.clipboard().clear()


def test_picture_dropped_from_a_browser(window: MainWindow, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setImageData(red(50, 40))
    data.setHtml("<img src='https://example.com/x.png'>")
    drop_data(window, data)
    (picture,) = wait_for_pictures(qtbot, window)
    assert (picture.width, picture.height) == (50, 40)


def test_picture_alone_can_be_sent(window: MainWindow, server: OpenAiServer, qtbot: QtBot, tmp_path: Path) -> None:
    drop(window, picture_path(tmp_path))
    wait_for_pictures(qtbot, window)
    qtbot.mouseClick(find(window, "sendButton"), Qt.MouseButton.LeftButton)
    wait_for_answer(qtbot, window)
    assert titles(window) == ["cat.png"]
    assert [each["type"] for each in server.chats()[-1]["messages"][-1]["content"]] == ["image_url"]


def test_pictures_stay_in_edits_versions_and_drafts(
    window: MainWindow, server: OpenAiServer, qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    drop(window, picture_path(tmp_path))
    (picture,) = wait_for_pictures(qtbot, window)
    send(qtbot, window, "What is this?")
    wait_for_answer(qtbot, window)
    window.controller.conversation.act("retry", branch(window)[-1].id)
    wait_for_answer(qtbot, window)
    window.controller.conversation.act("edit", branch(window)[0].id)
    assert [each.picture for each in attachments(window)] == [picture]
    send(qtbot, window, " Really?")
    wait_for_answer(qtbot, window)
    assert branch(window)[0].attachments[0].picture == picture
    assert all(isinstance(body["messages"][-1]["content"], list) for body in server.chats())
    drop(window, picture_path(tmp_path, "dog.png"))
    wait_for_pictures(qtbot, window)
    again = open_window()
    assert [each.name for each in attachments(again)] == ["dog.png"]
    assert attachments(again)[0].picture is not None


def test_damaged_picture_is_one_sentence(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(picture_file("PNG", (300, 300))[:200])
    drop(window, path)
    sentence = "cut.png is damaged and can't be shown."
    qtbot.waitUntil(lambda: window.notice.text().startswith(sentence), timeout=PATIENCE_MS)
    assert attachments(window) == ()


def test_model_that_reads_no_pictures(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.controller.models.use("starter")
    window.controller.services.settings.change(max_tokens=3, titles_by_model=False)
    drop(window, picture_path(tmp_path))
    wait_for_pictures(qtbot, window)
    chip = find(window, "attachmentChip", AttachmentChip)
    assert "not read by this model" in find(chip, "openAttachmentButton").accessibleName()
    assert "doesn't read pictures" in chip.toolTip()
    send(qtbot, window, "What is this?")
    assert window.notice.text().endswith(
        " doesn't read pictures. Choose a model that does, or remove the pictures from the question."
    )
    assert branch(window) == []
    assert window.composer.text() == "What is this?"
    # Its button would get the focus.
    assert window.hint.action.isVisible()
    window.notice.button.setFocus()
    qtbot.keyClick(window.notice.button, Qt.Key.Key_Return)
    assert window.composer.field.hasFocus()
    answer = wait_for_answer(qtbot, window)
    assert branch(window)[0].attachments == ()
    assert answer.status is Status.COMPLETE
    assert attachments(window) == ()


def test_earlier_pictures_do_not_stop_a_model_that_reads_none(
    window: MainWindow, tiny_model: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    drop(window, picture_path(tmp_path))
    wait_for_pictures(qtbot, window)
    send(qtbot, window, "What is this?")
    wait_for_answer(qtbot, window)
    window.controller.services.settings.change(max_tokens=3)
    window.controller.models.use(str(tiny_model))
    send(qtbot, window, "And now?")
    assert wait_for_answer(qtbot, window).status is Status.COMPLETE
    window.controller.conversation.act("retry", branch(window)[1].id)
    failed = wait_for_answer(qtbot, window)
    assert (failed.error or {}).get("code") == "model_reads_no_pictures"


def test_server_that_refuses_pictures(window: MainWindow, server: OpenAiServer, qtbot: QtBot, tmp_path: Path) -> None:
    server.behaviour.refuses_pictures = (400, "apus is not a multimodal model")
    drop(window, picture_path(tmp_path))
    wait_for_pictures(qtbot, window)
    send(qtbot, window, "What is this?")
    answer = wait_for_answer(qtbot, window)
    assert answer.status is Status.FAILED
    (_, item) = window.controller.transcript.page.items
    assert "doesn't accept pictures: “apus is not a multimodal model”." in item.note


def test_thumbnails_are_decoded_beside_the_window_and_damaged_ones_are_named(qtbot: QtBot, window: MainWindow) -> None:
    thumbnails, picture = Thumbnails(window), attached(size=(400, 200)).picture
    assert picture is not None
    size = fitted(picture, 100, 100)
    assert size == QSize(100, 50)
    with qtbot.waitSignal(thumbnails.ready):
        assert thumbnails.pixmap(picture, size, 1.0) is None
    pixmap = thumbnails.pixmap(picture, size, 1.0)
    assert pixmap is not None
    assert pixmap.size() == size
    damaged = Picture("x", picture.data[:60], "image/png", 400, 200)
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.pixmap(damaged, size, 1.0)
    found = thumbnails.pixmap(damaged, size, 1.0)
    assert found is not None
    assert found.isNull()


def test_decoded_in_a_size() -> None:
    content = io.BytesIO()
    Image.new("RGB", (1000, 500), "green").save(content, "JPEG")
    picture = Picture("x", content.getvalue(), "image/jpeg", 1000, 500)
    assert decoded(picture).size() == QSize(1000, 500)
    assert decoded(picture, QSize(77, 33)).size() == QSize(77, 33)


def test_folders_take_no_pictures(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    from ui.sidebar.folder_settings import FolderSettings

    store = window.controller.services.store
    folder = store.add_folder("Trips")
    window.controller.folders.act("settings", folder.id)
    dialog = window.findChild(FolderSettings)
    assert dialog is not None
    dialog.chips.read(picture_path(tmp_path))
    qtbot.waitUntil(lambda: not dialog.chips.is_reading, timeout=PATIENCE_MS)
    assert dialog.chips.attachments() == ()
    dialog.reject()
