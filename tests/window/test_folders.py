"""Folders in the sidebar as a person uses them: made, named, filled by menu, keys and mouse, moved, deleted, undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QMenu, QMessageBox, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.conversation import Attachment
from app.store.store import ConversationStore
from tests.rigs.openai_server import openai_server
from tests.window.conftest import OpenWindow
from tests.window.input import find, indexes, send, wait_for_answer
from ui.sidebar.folder_drag import MIME_TYPE
from ui.sidebar.row_model import ROW_ROLE
from ui.widgets.theme import LIGHT
from ui.window.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing|propagateSizeHints)", extend=True)


def store_of(window: MainWindow) -> ConversationStore:
    return window.controller.services.store


def shown(window: MainWindow) -> list[str]:
    """The rows from the top down, indented as they are."""
    return ["  " * window.sidebar.list.rows.depth(each.row()) + each.data() for each in indexes(window)]


def select(window: MainWindow, *titles: str) -> None:
    view = window.sidebar.list
    view.clearSelection()
    for index in indexes(window):
        if index.data() in titles:
            view.selectionModel().select(index, view.selectionModel().SelectionFlag.Select)
            view.selectionModel().setCurrentIndex(index, view.selectionModel().SelectionFlag.NoUpdate)


def choose(window: MainWindow, menu: str, text: str) -> None:
    """Open the menu of what is selected, and trigger the action with this name or label, also in its submenus."""
    view = window.sidebar.list
    view.customContextMenuRequested.emit(view.visualRect(view.selectedIndexes()[0]).center())
    opened = find(window, menu, QMenu)
    (action,) = [each for each in opened.findChildren(QAction) if text in (each.objectName(), each.text())]
    assert action.isEnabled()
    action.trigger()
    opened.close()
    opened.setObjectName("")


def undo(qtbot: QtBot, window: MainWindow) -> None:
    button = next(each for each in window.notice.findChildren(QPushButton) if each.text() == "Undo")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def drop(window: MainWindow, dragged: str, target: str, part: float = 0.5) -> None:
    """Drop JSON onto the row with this title, at a part of its height from the top."""
    view = window.sidebar.list
    (index,) = [each for each in indexes(window) if each.data() == target]
    rect, content = view.visualRect(index), QMimeData()
    content.setData(MIME_TYPE, dragged.encode())
    place = QPointF(rect.center().x(), rect.top() + part * rect.height())
    values = Qt.DropAction.MoveAction, content, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    move = QDragMoveEvent(place.toPoint(), *values)
    view.dragMoveEvent(move)
    assert move.isAccepted()
    view.dropEvent(QDropEvent(place, *values))


@pytest.fixture
def window(open_window: OpenWindow) -> MainWindow:
    """Work with Reports in it and one conversation in each, Home, and two conversations outside."""
    opened = open_window()
    store = store_of(opened)
    work = store.add_folder("Work").id
    reports = store.add_folder("Reports", work).id
    store.add_folder("Home")
    for title, folder_id in {"one": None, "two": None, "figures": reports, "plan": work}.items():
        store.create(title=title, folder_id=folder_id)
    opened.controller.conversations.refresh()
    return opened


def ids_of(window: MainWindow) -> dict[str, str]:
    store = store_of(window)
    return {**{each.name: each.id for each in store.folders()}, **{each.title: each.id for each in store.list()}}


ALL = ["Work", "  Reports", "    figures", "  plan", "Home", "  Drag conversations here.", "Today", "two", "one"]


def test_folders_are_shown_above_the_dates_and_stay_collapsed(
    window: MainWindow, open_window: OpenWindow, qtbot: QtBot
) -> None:
    view = window.sidebar.list
    assert shown(window) == ALL
    spoken = indexes(window)[0].data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "Work, folder with 2 conversations, expanded"
    view.setFocus()
    select(window, "figures")
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left):
        qtbot.keyClick(view, key)
    assert shown(window)[:3] == ["Work", "  Reports", "  plan"]
    qtbot.keyClick(view, Qt.Key.Key_Left)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert shown(window)[:2] == ["Work", "Home"]
    rect = view.visualRect(indexes(window)[1])
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert shown(window) == ["Work", "Home", "Today", "two", "one"]
    window = open_window()
    assert shown(window) == ["Work", "Home", "Today", "two", "one"]
    view = window.sidebar.list
    view.setFocus()
    select(window, "Work")
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert shown(window)[:3] == ["Work", "  Reports", "  plan"]


def test_a_new_folder_is_named_at_once_and_gets_conversations(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(find(window, "newFolderButton"), Qt.MouseButton.LeftButton)
    field = find(window, "titleField", QLineEdit)
    field.setText("旅行 & more")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(QLineEdit, "titleField") is None)
    assert "旅行 & more" in shown(window)
    select(window, "one", "two", "plan")
    choose(window, "conversationMenu", "No folder")
    assert window.notice.text() == "“plan” moved out of its folder."
    undo(qtbot, window)
    select(window, "one", "two", "plan")
    choose(window, "conversationMenu", "旅行 && more")
    assert shown(window)[-4:] == ["旅行 & more", "  plan", "  two", "  one"]
    undo(qtbot, window)
    added = [each for each in shown(window) if "旅行" in each]
    assert shown(window) == [*ALL[:6], *added, ALL[5], *ALL[6:]]


def test_conversations_and_folders_are_dragged(window: MainWindow) -> None:
    ids = ids_of(window)
    drop(window, f'["{ids["one"]}", "{ids["two"]}"]', "plan")
    assert shown(window)[:6] == ["Work", "  Reports", "    figures", "  plan", "  two", "  one"]
    drop(window, f'["{ids["one"]}"]', "Home")
    assert shown(window)[-2:] == ["Home", "  one"]
    drop(window, f'{{"folder": "{ids["Home"]}"}}', "Work", 0.1)
    assert shown(window)[:3] == ["Home", "  one", "Work"]
    drop(window, f'{{"folder": "{ids["Home"]}"}}', "Work")
    assert shown(window)[:5] == ["Work", "  Reports", "    figures", "  Home", "    one"]
    # One with folders in it can't be in another one.
    drop(window, f'{{"folder": "{ids["Reports"]}"}}', "Work", 0.9)
    assert shown(window)[-2:] == ["Reports", "  figures"]
    drop(window, f'["{ids["one"]}"]', "Reports")
    assert store_of(window).get(ids["one"]).folder_id == ids["Reports"]


def test_a_conversation_starts_in_a_folder(window: MainWindow) -> None:
    select(window, "Reports")
    choose(window, "folderMenu", "New conversation here")
    session = window.controller.conversation.session
    assert session.is_empty
    assert session.folder_id() == ids_of(window)["Reports"]
    window.controller.conversation.open(None)
    assert session.folder_id() is None


@pytest.mark.parametrize("button", ["deleteFolderButton", "deleteWithConversationsButton"])
def test_deleting_a_folder_asks_and_can_be_undone(window: MainWindow, qtbot: QtBot, button: str) -> None:
    window.controller.conversation.open(ids_of(window)["figures"])
    window.sidebar.list.setFocus()
    select(window, "Work")
    qtbot.keyClick(window.sidebar.list, Qt.Key.Key_Delete)
    question = find(window, "deleteFolderQuestion", QMessageBox)
    assert len(store_of(window).folders()) == 3
    in_order = [each.text() for each in sorted(question.buttons(), key=lambda each: each.x())]
    assert in_order == ["Cancel", "Delete folder", "Delete folder and 2 conversations"]
    assert question.defaultButton().text() == "Cancel"
    qtbot.mouseClick(find(question, button), Qt.MouseButton.LeftButton)
    if button == "deleteFolderButton":
        assert shown(window)[:2] == ["Reports", "  figures"]
        assert shown(window)[-3:] == ["plan", "two", "one"]
        assert store_of(window).trash() == []
    else:
        assert shown(window) == ["Home", "  Drag conversations here.", "Today", "two", "one"]
        assert {each.title for each in store_of(window).trash()} == {"plan", "figures"}
        assert window.controller.conversation.session.is_empty
    undo(qtbot, window)
    assert shown(window) == ALL


def test_deleting_a_folder_with_one_conversation_speaks_of_one(window: MainWindow, qtbot: QtBot) -> None:
    window.sidebar.list.setFocus()
    select(window, "Reports")
    qtbot.keyClick(window.sidebar.list, Qt.Key.Key_Delete)
    question = find(window, "deleteFolderQuestion", QMessageBox)
    moves = "Its conversation moves to the folder above, or goes to the trash if you delete it too."
    assert question.informativeText() == f"{moves} The trash doesn't keep the folder."
    button = find(question, "deleteWithConversationsButton")
    assert button.text() == "Delete folder and conversation"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.notice.text() == "Folder “Reports” deleted, its conversation moved to trash."


def test_a_change_of_one_conversation_shows_the_same_as_a_refresh(window: MainWindow) -> None:
    store, ids = store_of(window), ids_of(window)
    controller = window.controller.conversations
    for change in (
        lambda: store.update(ids["plan"], is_pinned=True),
        lambda: store.move_to_folder(ids["Work"], ids["one"]),
        lambda: store.move_to_folder(None, ids["one"]),
        lambda: store.archive(ids["plan"]),
        lambda: store.unarchive(ids["plan"]),
        lambda: store.delete(ids["figures"]),
    ):
        change()
        for id_ in (ids["plan"], ids["one"], ids["figures"]):
            controller.refresh(id_)
        rows = shown(window)
        controller.refresh()
        assert shown(window) == rows


def test_settings_of_a_folder_apply_to_its_conversations(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    select(window, "Work")
    choose(window, "folderMenu", "settingsFolderAction")
    dialog = find(window, "folderSettings")
    find(dialog, "folderName", QLineEdit).setText("Bakery")
    find(dialog, "folderInstructions", QPlainTextEdit).setPlainText("Answer briefly.")
    preset, model = find(dialog, "folderPreset", QComboBox), find(dialog, "folderModel", QComboBox)
    preset.setCurrentIndex(preset.findData("code"))
    model.setCurrentIndex(model.findData("starter"))
    path = tmp_path / "hours.md"
    path.write_text("# Hours\n\nThe shop opens at nine.\n", encoding="utf-8")
    dialog.chips.read(path)
    save = find(dialog, "saveButton", QPushButton)
    assert save.width() < dialog.width() / 3, "as in other dialogs"
    qtbot.waitUntil(save.isEnabled)
    qtbot.mouseClick(save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.findChild(QDialog, "folderSettings") is None)
    assert shown(window)[0] == "Bakery"
    select(window, "Bakery")
    choose(window, "folderMenu", "New conversation here")
    composer = window.composer
    assert composer.folder_button.isVisible()
    assert (composer.folder_button.text(), composer.preset_button.text()) == ("Bakery", "Code")
    assert window.controller.services.settings.current.model_id == "starter"
    session = window.controller.conversation.session
    assert session.effective("starter").system_prompt.startswith(
        "Answer briefly.\n\nYou are an experienced programmer."
    )
    assert [each.name for each in session.folder_documents().values()] == ["hours.md"]
    assert composer.folder_button.toolTip().splitlines() == [
        "Folder: Bakery",
        "The model follows its instructions.",
        "The model reads its documents: hours.md",
    ]
    qtbot.mouseClick(composer.folder_button, Qt.MouseButton.LeftButton)
    dialog = find(window, "folderSettings")
    assert dialog.instructions.toPlainText() == "Answer briefly."
    # A document is shown in the dialog itself, not in one over it.
    dialog.chips.opened.emit(dialog.chips.attachments()[0])
    viewer = find(dialog, "attachmentViewer", QDialog)
    assert viewer.isVisible()
    assert not viewer.isWindow()
    qtbot.keyClick(viewer, Qt.Key.Key_Escape)
    qtbot.waitUntil(dialog.instructions.isVisible)
    dialog.chips.remove(dialog.chips.attachments()[0])
    qtbot.mouseClick(find(dialog, "saveButton", QPushButton), Qt.MouseButton.LeftButton)
    assert session.folder_documents() == {}
    assert "hours.md" not in composer.folder_button.toolTip()
    window.controller.conversation.open(ids_of(window)["one"])
    assert not composer.folder_button.isVisible()


def test_search_finds_folders_and_is_limited_to_one(window: MainWindow, qtbot: QtBot) -> None:
    sidebar, field = window.sidebar, window.sidebar.search
    field.setText("plan")
    qtbot.waitUntil(lambda: shown(window) == ["plan"])
    field.setText("REPORT")
    qtbot.waitUntil(lambda: shown(window) == ["Reports"])
    store_of(window).add_documents(ids_of(window)["Home"], [Attachment("保险 Policy.pdf", "…", 1)])
    field.setText("保险 POLICY")
    qtbot.waitUntil(lambda: shown(window) == ["Home", "保险 Policy.pdf"])
    field.setText("report")
    qtbot.waitUntil(lambda: shown(window) == ["Reports"])
    sidebar.list.activated.emit(indexes(window)[0])
    assert sidebar.search_text() == ""
    assert sidebar.list.selected_folder().folder.name == "Reports"
    choose(window, "folderMenu", "searchFolderAction")
    assert field.placeholderText() == "Search in “Reports”"
    field.setText("o n e")
    field.setText("a")
    store_of(window).rename(ids_of(window)["figures"], "a figure")
    sidebar.search_requested.emit("a")
    qtbot.waitUntil(lambda: shown(window) == ["a figure"])
    qtbot.mouseClick(find(window, "searchFolderButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: set(shown(window)) == {"a figure", "plan"})
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.placeholderText() == "Search"


def test_search_finds_documents_of_folders_and_opens_them_at_the_match(window: MainWindow, qtbot: QtBot) -> None:
    sidebar, field, store = window.sidebar, window.sidebar.search, store_of(window)
    text = "[Page 1]\n\nThe house.\n\n[Page 2]\n\nWater damage 水渍 is covered up to 5,000 €.\n"
    store.add_documents(ids_of(window)["Home"], [Attachment("policy.pdf", text, 1)])
    field.setText("水渍")
    line = "…The house. [Page 2] Water damage 水渍 is covered up to 5,000 €."
    rows = ["Home", "policy.pdf", line]
    qtbot.waitUntil(lambda: shown(window) == rows)
    assert find(window, "resultCount").text() == "1 result"
    _, name, row = indexes(window)
    spoken = [each.data(Qt.ItemDataRole.AccessibleTextRole) for each in (name, row)]
    assert spoken == ["Document policy.pdf", f"policy.pdf: {line}"]
    ((begin, end),) = row.data(ROW_ROLE).spans
    assert line[begin:end] == "水渍"
    # No conversation is selected with it.
    sidebar.list.setCurrentIndex(row)
    assert (sidebar.list.selected_ids(), sidebar.list.selected_folder()) == ((), None)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    viewer = window.findChild(QDialog, "attachmentViewer")
    assert (viewer.windowTitle(), viewer.text.textCursor().selectedText()) == ("policy.pdf", "水渍")
    assert viewer.insert.isHidden()
    viewer.accept()
    sidebar.search_in(store.folder(ids_of(window)["Reports"]))
    qtbot.waitUntil(lambda: shown(window) == [])
    sidebar.search_in(store.folder(ids_of(window)["Home"]))
    qtbot.waitUntil(lambda: shown(window) == rows)
    store.remove_documents(store.folder_documents(ids_of(window)["Home"]))
    sidebar.list.activated.emit(indexes(window)[1])
    assert window.findChild(QDialog, "attachmentViewer") is None


def test_the_palette_shows_folders_and_moves_the_open_conversation(window: MainWindow, qtbot: QtBot) -> None:
    controller, ids = window.controller, ids_of(window)
    controller.conversation.open(ids["one"])
    controller.show_palette()
    palette = controller._palette
    titles = [each.title for each in palette.search("home")]
    assert {"Home", "Move to folder: Home"} <= set(titles)
    palette._choose(f"move:{ids['Home']}")
    assert store_of(window).get(ids["one"]).folder_id == ids["Home"]
    assert window.composer.folder_button.text() == "Home"
    undo(qtbot, window)
    assert store_of(window).get(ids["one"]).folder_id is None
    store_of(window).update_folder(ids["Work"], is_expanded=False)
    palette._choose(f"folder:{ids['Reports']}")
    assert window.sidebar.list.selected_folder().folder.name == "Reports"


def test_documents_of_a_folder_are_counted_before_the_first_question_and_shown_at_the_answer(
    window: MainWindow, qtbot: QtBot
) -> None:
    controller, store, ids = window.controller, store_of(window), ids_of(window)
    store.add_documents(ids["Home"], [Attachment("plan.txt", "The house is warm. " * 40)])
    controller.conversation.open(None, folder_id=ids["Home"])
    assert controller.conversation.context.use.used > 150
    with openai_server(context=100_000) as server:
        controller.models.use(controller.services.servers.add(server.url).model_id("apus"))
        controller.services.settings.change(titles_by_model=False)
        send(qtbot, window, "Is it warm?")
        answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.whole_documents == ("plan.txt",)
    item = controller.transcript.page.items[-1]
    assert item.passages == ("plan.txt",)
    controller.conversation.act("passage:0", answer.id)
    viewer = window.findChild(QDialog, "attachmentViewer")
    assert viewer.windowTitle() == "plan.txt"
    viewer.accept()
    store.remove_documents(store.folder_documents(ids["Home"]))
    controller.conversation.act("passage:0", answer.id)
    assert window.notice.text() == "The document was removed from the folder."


def test_a_folder_does_not_look_open_beside_the_open_conversation(window: MainWindow, qtbot: QtBot) -> None:
    window.controller.conversation.open(ids_of(window)["one"])
    window.sidebar.list.setFocus()
    select(window, "Home")
    view = window.sidebar.list

    def is_marked() -> bool:
        rect = view.visualRect(next(each for each in indexes(window) if each.data() == "Home"))
        picture = view.viewport().grab().toImage()
        return picture.pixelColor(QPoint(rect.left() + 12, rect.top() + 6)).name() == LIGHT.pressed

    assert is_marked()
    window.composer.field.setFocus()
    assert not is_marked()


def test_the_heading_outside_is_marked_where_a_conversation_would_leave_its_folder(window: MainWindow) -> None:
    view, ids = window.sidebar.list, ids_of(window)
    marked = {}
    for title in ("plan", "one"):
        content = QMimeData()
        content.setData(MIME_TYPE, json.dumps([ids[title]]).encode())
        values = Qt.DropAction.MoveAction, content, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        view.dragMoveEvent(QDragMoveEvent(QPoint(40, view.height() - 4), *values))
        target = view.delegate.drop_target
        marked[title] = None if target is None else target.data()
    assert marked == {"plan": "Today", "one": None}
