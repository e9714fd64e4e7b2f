"""The sidebar as a person uses it: several chosen at once, pins, archive, bin, undo, search with the hit in place."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QListView, QMenu, QMessageBox, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.conversation import Attachment, Conversation, ConversationTree, Shelf, Status
from app.store.store import ConversationStore
from tests.window.conftest import OpenWindow
from tests.window.input import find, indexes, titles
from ui.sidebar.row_model import ROW_ROLE, Heading
from ui.widgets.formats import date_text
from ui.window.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing|propagateSizeHints)", extend=True)

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def store_of(window: MainWindow) -> ConversationStore:
    return window.controller.services.store


def with_conversations(window: MainWindow, *named: str) -> list[str]:
    """The last named one is the newest, and stands at the top."""
    ids = [store_of(window).create(title=title).id for title in named]
    window.controller.conversation.list_changed.emit()
    return ids


def rows(window: MainWindow) -> QListView:
    return window.sidebar.list


def headings(window: MainWindow) -> list[str]:
    return [index.data() for index in indexes(window) if isinstance(index.data(ROW_ROLE), Heading)]


def index_of(window: MainWindow, text: str) -> QModelIndex:
    (index,) = [each for each in indexes(window) if each.data() == text]
    return index


def click(
    qtbot: QtBot, window: MainWindow, title: str, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
):
    rows(window).scrollTo(index_of(window, title))
    place = rows(window).visualRect(index_of(window, title)).center()
    qtbot.mouseClick(rows(window).viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def press(qtbot: QtBot, window: MainWindow, name: str) -> None:
    button = find(window, name)
    assert button.isVisible(), name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def undo(qtbot: QtBot, window: MainWindow) -> None:
    button = next(each for each in window.notice.findChildren(QPushButton) if each.text() == "Undo")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def menu(window: MainWindow) -> QMenu:
    view = rows(window)
    view.customContextMenuRequested.emit(view.visualRect(view.selectedIndexes()[0]).center())
    return find(window, "conversationMenu", QMenu)  # type: ignore[return-value]


def pick(window: MainWindow, action: str) -> None:
    shown = menu(window)
    found = shown.findChild(QAction, f"{action}Action")
    assert found is not None, action
    found.trigger()
    shown.close()
    shown.setObjectName("")


def offered(window: MainWindow) -> list[str]:
    shown = menu(window)
    names = [action.text() for action in shown.actions() if not action.isSeparator()]
    shown.close()
    shown.setObjectName("")
    return names


def answer_question(qtbot: QtBot, window: MainWindow, name: str) -> None:
    box = find(window, "purgeQuestion", QMessageBox)
    button = next(
        each for each in box.findChildren(QPushButton) if each.objectName() == name or each.text().strip("&") == name
    )
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.findChild(QMessageBox, "purgeQuestion") is None)


def test_shortcut_to_the_next_conversation_selects_it_alone(open_window: OpenWindow, qtbot: QtBot) -> None:
    """The key goes through the window system, as a real one does: the application sees Ctrl held."""
    window = open_window()
    ids = with_conversations(window, "one", "two", "three", "four")
    window.controller.conversation.open(ids[3])
    keys = (Qt.Key.Key_PageDown, CONTROL), (Qt.Key.Key_Tab, CONTROL), (Qt.Key.Key_Tab, CONTROL)
    for id_, (key, modifiers) in zip(
        (ids[2], ids[1], ids[0], ids[1]), (*keys, (Qt.Key.Key_Backtab, CONTROL | SHIFT)), strict=True
    ):
        QTest.keyClick(window.windowHandle(), key, modifiers)
        assert window.controller.conversation.session.conversation_id == id_
        assert window.sidebar.list.selected_ids() == (id_,)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_F6)
    assert window.sidebar.list.hasFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Delete)
    assert [each.id for each in store_of(window).trash()] == [ids[1]]


def test_conversations_are_grouped_by_age_with_pinned_ones_first(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    now = datetime.now(UTC)
    ages = {"now": 0, "yesterday": 1, "in the week": 4, "old": 40, "old and pinned": 41}
    store_of(window).merge(
        ConversationTree(
            Conversation(
                f"00000000-0000-4000-8000-00000000000{number}",
                title,
                now - timedelta(days=days),
                now - timedelta(days=days),
            ),
            (),
        )
        for number, (title, days) in enumerate(ages.items())
    )
    window.controller.conversations.refresh()
    assert headings(window) == ["Today", "Yesterday", "Previous 7 days", "Earlier"]
    window.sidebar.list.setFocus()
    rows(window).setCurrentIndex(index_of(window, "old and pinned"))
    assert offered(window) == ["Open", "Rename", "Pin", "Archive", "Move to", "Export…", "Move to trash"]
    pick(window, "pin")
    assert headings(window) == ["Pinned", "Today", "Yesterday", "Previous 7 days", "Earlier"]
    assert titles(window)[0] == "old and pinned"
    assert index_of(window, "old and pinned").data(Qt.ItemDataRole.AccessibleTextRole) == "old and pinned, pinned"
    pick(window, "unpin")
    assert "Pinned" not in headings(window)


def test_a_change_of_one_conversation_shows_the_same_as_a_refresh(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    now = datetime.now(UTC)
    ids = [str(UUID(int=number)) for number in range(40)]
    store_of(window).merge(
        ConversationTree(Conversation(id_, f"talk {number}", now, now - timedelta(hours=7 * number)), ())
        for number, id_ in enumerate(ids)
    )
    window.controller.conversations.refresh()
    chance, model = random.Random(4), window.sidebar.list.rows
    for action in chance.choices(["pin", "unpin", "delete", "restore", "archive", "unarchive"], k=60):
        (id_,) = chance.sample(ids[:20], 1)
        read = model._read
        window.sidebar.action_requested.emit(action, (id_,))
        assert model._read is read, "the others are not read again"
        shown, under, pinned = titles(window), headings(window), window.sidebar.list.are_pinned()
        window.controller.conversations.refresh()
        assert (titles(window), headings(window), window.sidebar.list.are_pinned()) == (shown, under, pinned), action
    assert headings(window)[0] == "Pinned"
    assert 20 < len(shown) < 40


def test_several_conversations_are_selected_and_deleted_together(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "five", "four", "three", "two", "one")
    click(qtbot, window, "three")
    assert window.controller.conversation.session.conversation_id == ids[2]
    assert not window.sidebar.selection_bar.isVisible()
    click(qtbot, window, "one", CONTROL)
    assert window.sidebar.list.selected_ids() == (ids[4], ids[2])
    assert window.controller.conversation.session.conversation_id == ids[2], "choosing opens nothing"
    click(qtbot, window, "four", SHIFT)
    assert set(window.sidebar.list.selected_ids()) >= {ids[1], ids[2], ids[3], ids[4]}
    count = len(window.sidebar.list.selected_ids())
    assert window.sidebar.selection_bar.findChild(QLabel).text() == f"{count} selected"
    window.controller.conversation.list_changed.emit()
    assert len(window.sidebar.list.selected_ids()) == count, "what is chosen survives an answer's end"
    press(qtbot, window, "deleteChosenButton")
    assert titles(window) == ["five"]
    assert window.notice.text() == f"{count} conversations moved to trash."
    assert window.controller.conversation.session.is_empty, "the open one was among them"
    undo(qtbot, window)
    assert titles(window) == ["one", "two", "three", "four", "five"]
    assert window.controller.conversation.session.conversation_id == ids[2]


def test_nothing_else_is_selected_in_place_of_deleted_conversations(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "five", "four", "three", "two", "one")
    window.controller.conversation.open(ids[2])
    click(qtbot, window, "two", CONTROL)
    click(qtbot, window, "one", CONTROL)
    window.sidebar.list.setFocus()
    qtbot.keyClick(rows(window), Qt.Key.Key_Delete)
    assert titles(window) == ["four", "five"]
    assert window.sidebar.list.selected_ids() == ()
    undo(qtbot, window)
    assert window.sidebar.list.selected_ids() == (ids[2],), "the one that is open again"


def test_beside_the_rows_there_is_no_menu(open_window: OpenWindow) -> None:
    window = open_window()
    with_conversations(window, "one")
    view = rows(window)
    view.setCurrentIndex(index_of(window, "one"))
    for place in (QPoint(10, view.height() - 4), view.visualRect(view.model().index(0, 0)).center()):
        view.customContextMenuRequested.emit(place)
        assert window.sidebar.findChild(QMenu, "conversationMenu") is None


def test_select_all_and_escape(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "one", "two", "three")
    window.sidebar.list.setFocus()
    qtbot.keyClick(rows(window), Qt.Key.Key_A, CONTROL)
    assert set(window.sidebar.list.selected_ids()) == set(ids)
    assert offered(window) == ["Pin", "Archive", "Move to", "Export…", "Move to trash"]
    pick(window, "pin")
    assert all(each.is_pinned for each in store_of(window).list())
    assert offered(window)[0] == "Unpin"
    qtbot.keyClick(rows(window), Qt.Key.Key_Escape)
    assert len(window.sidebar.list.selected_ids()) <= 1
    qtbot.keyClick(rows(window), Qt.Key.Key_A, CONTROL)
    qtbot.keyClick(rows(window), Qt.Key.Key_Delete)
    assert titles(window) == []
    assert find(window, "nothingHere", QLabel).text() == "Your conversations appear here."  # type: ignore[attr-defined]


def test_arrow_keys_and_enter_open_a_conversation(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "second", "first")
    window.sidebar.list.setFocus()
    qtbot.keyClick(rows(window), Qt.Key.Key_Down)
    qtbot.keyClick(rows(window), Qt.Key.Key_Down)
    qtbot.keyClick(rows(window), Qt.Key.Key_Return)
    assert window.controller.conversation.session.conversation_id in ids


def test_archive_and_unarchive(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "kept", "put away", "also away")
    store_of(window).update(ids[2], is_pinned=True)
    window.controller.conversation.open(ids[1])
    window.controller.conversations.refresh()
    click(qtbot, window, "also away", CONTROL)
    pick(window, "archive")
    assert titles(window) == ["kept"]
    assert window.notice.text() == "2 conversations archived."
    assert window.controller.conversation.session.is_empty
    assert window.composer.field.hasFocus()
    qtbot.keyClicks(window.composer.field, "a")
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Z, CONTROL)
    assert (window.composer.text(), titles(window)) == ("", ["kept"]), "first what was written"
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Z, CONTROL)
    assert titles(window) == ["also away", "put away", "kept"]
    qtbot.keyClick(rows(window), Qt.Key.Key_Z, CONTROL)
    assert titles(window) == ["also away", "put away", "kept"]
    assert store_of(window).get(ids[2]).is_pinned, "the undo brings the pin back"
    store_of(window).archive(*ids[1:])
    window.controller.conversations.refresh()
    link = find(window, "archiveButton", QToolButton)
    assert link.text() == "Archive · 2"  # type: ignore[attr-defined]
    press(qtbot, window, "archiveButton")
    assert sorted(titles(window)) == ["also away", "put away"]
    click(qtbot, window, "put away")
    assert window.controller.conversation.session.conversation_id == ids[1], "it can be read there"
    assert offered(window) == ["Open", "Rename", "Unarchive", "Export…", "Move to trash"]
    press(qtbot, window, "unarchiveChosenButton")
    assert titles(window) == ["also away"]
    qtbot.keyClick(rows(window), Qt.Key.Key_Escape)
    assert titles(window) == ["put away", "kept"]
    assert link.text() == "Archive · 1"  # type: ignore[attr-defined]


def test_archived_conversation_is_opened_again_at_the_next_start(open_window: OpenWindow) -> None:
    window = open_window()
    (id_,) = with_conversations(window, "put away")
    store_of(window).archive(id_)
    window.controller.conversations.refresh()
    window.controller.conversation.open(id_)
    window = open_window()
    assert window.controller.conversation.session.conversation_id == id_


def test_trash_restores_and_purges_after_a_question(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "one", "two", "three", "kept")
    store_of(window).delete(*ids[:3])
    window.controller.conversations.refresh()
    assert find(window, "binButton", QToolButton).text() == "Trash · 3"  # type: ignore[attr-defined]
    press(qtbot, window, "binButton")
    assert sorted(titles(window)) == ["one", "three", "two"]
    tips = [each.data(Qt.ItemDataRole.ToolTipRole) for each in indexes(window)]
    assert f"one, deleted {date_text(datetime.now(UTC))}" in tips
    assert "30 days" in " ".join(label.text() for label in window.sidebar.heading.findChildren(QLabel))
    before = window.controller.conversation.session.conversation_id
    click(qtbot, window, "one")
    assert window.controller.conversation.session.conversation_id == before, "what is deleted is not opened"
    assert offered(window) == ["Restore", "Delete permanently…"]
    assert find(window, "restoreChosenButton", QToolButton).text() == "Restore"  # type: ignore[attr-defined]
    press(qtbot, window, "restoreChosenButton")
    assert window.notice.text() == "“one” restored."
    click(qtbot, window, "two")
    qtbot.keyClick(rows(window), Qt.Key.Key_Delete)
    answer_question(qtbot, window, "Cancel")
    assert len(store_of(window).trash()) == 2
    press(qtbot, window, "purgeChosenButton")
    answer_question(qtbot, window, "purgeButton")
    assert titles(window) == ["three"]
    press(qtbot, window, "emptyBinButton")
    answer_question(qtbot, window, "purgeButton")
    assert store_of(window).trash() == []
    assert "The trash is empty." in find(window, "nothingHere", QLabel).text()  # type: ignore[attr-defined]
    assert not find(window, "emptyBinButton").isVisible()
    press(qtbot, window, "shelfBackButton")
    assert titles(window) == ["one", "kept"] or titles(window) == ["kept", "one"]
    assert not find(window, "binButton").isVisible()


def test_title_editor_survives_a_refresh(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "old", "other")
    window.controller.conversation.open(ids[0])
    pick(window, "rename")
    editor = find(window.sidebar, "titleField", QLineEdit)
    editor.setText("half wr")  # type: ignore[attr-defined]
    store_of(window).create(title="from another process")
    window.controller.conversation.list_changed.emit()
    assert editor.isVisible()
    editor.setText("half written, now whole")  # type: ignore[attr-defined]
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "from another process" in titles(window))
    assert store_of(window).get(ids[0]).title == "half written, now whole"
    assert store_of(window).get(ids[0]).title_is_chosen


def test_message_without_results_quotes_the_search_text(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    with_conversations(window, "Alpha")
    window.sidebar.search.setFocus()
    qtbot.keyClicks(window.sidebar.search, "zzz")
    qtbot.waitUntil(lambda: '"zzz"' in find(window, "nothingHere", QLabel).text())  # type: ignore[attr-defined]


def found(window: MainWindow) -> list[str]:
    """Return the texts of all rows of the search results."""
    return [index.data() for index in indexes(window)]


def search(qtbot: QtBot, window: MainWindow, text: str, first: str) -> None:
    """Search, and wait until ``first`` is the first row."""
    window.sidebar.search.setText(text)
    qtbot.waitUntil(lambda: found(window)[:1] == [first])


def add_talk(store: ConversationStore, title: str, *answers: str) -> str:
    talk = store.create(title=title)
    for text in answers:
        _, answer = store.begin_turn(talk.id, "?")
        store.finish_answer(answer.id, text, Status.COMPLETE)
    return talk.id


def test_search_results_are_grouped_by_conversation(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    add_talk(store_of(window), "Zebras", "Nothing here.")
    add_talk(store_of(window), "A marathon", *(f"The zebra of day {day}." for day in range(30)))
    short = add_talk(
        store_of(window), "Horses", "A zebra is a horse.", "| kind | stripes |\n|---|---:|\n| zebra | many |"
    )
    search(qtbot, window, "zebra", "Horses")
    qtbot.waitUntil(lambda: "All 30 hits" in found(window))
    assert found(window) == [
        *("Horses", "kind stripes zebra many", "A zebra is a horse."),
        *("A marathon", "The zebra of day 29.", "The zebra of day 28.", "The zebra of day 27.", "All 30 hits"),
        "Zebras",
    ]
    assert find(window, "resultCount", QLabel).text() == "33 results"  # type: ignore[attr-defined]
    spoken = index_of(window, "Horses").data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == f"Horses, 2 hits, {date_text(store_of(window).get(short).updated_at)}"
    delegate, day = rows(window).itemDelegate(), date_text(store_of(window).get(short).updated_at)
    ends = [delegate.end_of_result(index_of(window, each).data(ROW_ROLE)) for each in ("Horses", "Zebras")]
    assert ends == [f"2 hits · {day}", day]
    click(qtbot, window, "A zebra is a horse.")
    assert window.controller.conversation.session.conversation_id == short
    assert rows(window).currentIndex().data() == "A zebra is a horse."
    assert [index.data() for index in rows(window).selectedIndexes()] == ["A zebra is a horse."]
    window.controller.conversation.list_changed.emit()
    qtbot.waitUntil(lambda: rows(window).currentIndex().data() == "A zebra is a horse.")
    click(qtbot, window, "All 30 hits")
    assert len(found(window)) == 3 + 31 + 1
    assert rows(window).currentIndex().data() == "The zebra of day 26."
    assert window.controller.conversation.session.conversation_id == short, "more results open nothing"
    window.sidebar.search.setText("stripes")
    qtbot.waitUntil(lambda: find(window, "resultCount", QLabel).text() == "1 result")  # type: ignore[attr-defined]
    assert len(found(window)) == 2
    window.sidebar.search.clear()
    qtbot.waitUntil(lambda: headings(window) == ["Today"])
    assert not find(window, "resultCount").isVisible()


def test_an_imported_conversation_that_was_found_stays_selected(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    talk = replace(store_of(window).create(title="Horses"), id="horses", source={"program": "ChatGPT", "id": "1"})
    store_of(window).merge([ConversationTree(talk, ())])
    for text in ("A zebra is a horse.", "A zebra has stripes."):
        _, answer = store_of(window).begin_turn(talk.id, "?")
        store_of(window).finish_answer(answer.id, text, Status.COMPLETE)
    search(qtbot, window, "zebra", "Horses")
    qtbot.keyClick(window.sidebar.search, Qt.Key.Key_Down)
    assert [index.data() for index in rows(window).selectedIndexes()] == ["Horses"]
    window.sidebar.search.setText("stripes")
    qtbot.waitUntil(lambda: found(window) == ["Horses", "A zebra has stripes."])
    assert [index.data() for index in rows(window).selectedIndexes()] == ["Horses"]


def test_search_results_open_at_the_hit_and_count_once_per_conversation(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    talk = store_of(window).create(title="谈天")
    attached = [Attachment("光谱.csv", "波长,强度")]
    _, first = store_of(window).begin_turn(talk.id, "为什么天空是蓝的?", attachments=attached)
    store_of(window).finish_answer(first.id, "因为瑞利散射：天空里的分子。", Status.COMPLETE)
    with_conversations(window, "other")
    search(qtbot, window, "天空", "谈天")
    assert len(found(window)) == 3
    qtbot.keyClick(rows(window), Qt.Key.Key_A, CONTROL)
    assert window.sidebar.list.selected_ids() == (talk.id,)
    assert all("天" in index.data(Qt.ItemDataRole.AccessibleTextRole) for index in indexes(window))
    qtbot.keyClick(window.sidebar.search, Qt.Key.Key_Return)
    assert window.controller.conversation.session.conversation_id == talk.id
    assert window.controller.transcript.finder.needle
    window.sidebar.search.setText("")
    qtbot.waitUntil(lambda: not window.controller.transcript.finder.needle)
    window.sidebar.search.setText("光谱")
    qtbot.waitUntil(lambda: len(found(window)) == 2)
    rows(window).setCurrentIndex(indexes(window)[0])
    assert offered(window) == ["Open", "Archive", "Export…", "Move to trash"]
    pick(window, "delete")
    qtbot.waitUntil(lambda: titles(window) == [])
    undo(qtbot, window)
    qtbot.waitUntil(lambda: titles(window) == ["谈天"])


def test_keys_of_the_menu_work_after_a_click(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    one, two = with_conversations(window, "one", "two")
    click(qtbot, window, "one")
    assert window.controller.conversation.session.conversation_id == one
    assert window.focusWidget() is rows(window)
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_F2)
    editor = find(window.sidebar, "titleField", QLineEdit)
    qtbot.keyClicks(editor, "new name")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: titles(window) == ["two", "new name"])
    assert store_of(window).get(one).title == "new name"
    qtbot.waitUntil(lambda: window.focusWidget() is rows(window))
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Delete)
    assert titles(window) == ["two"]
    click(qtbot, window, "two")
    qtbot.keyClicks(window.focusWidget(), "Hi")
    assert window.composer.text() == "Hi"
    assert window.focusWidget() is window.composer.field
    assert window.controller.conversation.session.conversation_id == two


def test_the_whole_line_of_a_new_conversation_can_be_clicked(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    (id_,) = with_conversations(window, "one")
    window.controller.conversation.open(id_)
    right = window.sidebar.new_folder_button.geometry().left()
    place = QPoint(right - 8, window.sidebar.new_button.geometry().center().y())
    assert window.sidebar.childAt(place) is window.sidebar.new_button
    button = window.sidebar.new_button
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=button.mapFrom(window.sidebar, place))
    assert window.controller.conversation.session.is_empty


def test_a_long_list_reads_only_what_is_shown(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    now = datetime.now(UTC)
    store_of(window).merge(
        ConversationTree(Conversation(str(UUID(int=number)), f"talk {number}", now, now - timedelta(hours=number)), ())
        for number in range(1000)
    )
    window.controller.conversations.refresh()
    rows(window).grab()
    model, read = window.sidebar.list.rows, window.sidebar.list.rows._read
    assert model.rowCount() == 1000 + 4
    assert 0 < len(read) <= 100
    rows(window).verticalScrollBar().setValue(rows(window).verticalScrollBar().maximum())
    rows(window).grab()
    for row, modifiers in ((model.rowCount() - 1, Qt.KeyboardModifier.NoModifier), (model.rowCount() - 3, CONTROL)):
        place = rows(window).visualRect(model.index(row)).center()
        qtbot.mouseClick(rows(window).viewport(), Qt.MouseButton.LeftButton, modifiers, place)
    assert window.controller.conversation.session.conversation_id == str(UUID(int=999))
    pick(window, "delete")
    assert {each.title for each in store_of(window).trash()} == {"talk 999", "talk 997"}
    assert model.rowCount() == 998 + 4
    assert "talk 998" in [each.data() for each in shown(window)], "the place in the list is kept"
    assert len(read) + len(window.sidebar.list.rows._read) <= 300


def shown(window: MainWindow) -> list[QModelIndex]:
    """Return the rows in sight."""
    inside = rows(window).viewport().rect()
    return [each for each in indexes(window) if rows(window).visualRect(each).intersects(inside)]


def test_selected_conversations_are_exported(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "one", "two", "three")
    asked: list[tuple[str, ...]] = []
    window.sidebar.action_requested.connect(lambda action, ids: asked.append(ids))
    click(qtbot, window, "one")
    click(qtbot, window, "two", CONTROL)
    press(qtbot, window, "exportChosenButton")
    assert set(asked[0]) == {ids[0], ids[1]}
    dialog = find(window, "exportDialog")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(QWidget, "exportDialog") is None)


def test_maintenance_makes_a_backup_and_updates_the_index(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window()
    store = store_of(window)
    talk = store.create(title="天")
    _, first = store.begin_turn(talk.id, "?")
    store.finish_answer(first.id, "因为光" * 80_000, Status.COMPLETE)
    qtbot.waitUntil(lambda: [each.kind for each in store.backups()] == ["daily"], timeout=20_000)
    store.backups()[0].path.unlink()
    window.controller.maintenance.backup_timer.timeout.emit()
    qtbot.waitUntil(lambda: [each.kind for each in store.backups()] == ["daily"], timeout=20_000)
    window.controller.conversation.list_changed.emit()

    def is_indexed() -> bool:
        with store._connections.reading() as connection:
            return connection.execute("SELECT 1 FROM search_entries").fetchone() is not None

    qtbot.waitUntil(is_indexed, timeout=20_000)
    assert len(store.search("为光")) == 1


@pytest.mark.parametrize("shelf", [Shelf.CONVERSATIONS, Shelf.TRASH])
def test_sidebar_buttons_have_names(open_window: OpenWindow, shelf: str) -> None:
    window = open_window()
    ids = with_conversations(window, "one", "two")
    store_of(window).delete(ids[0])
    window.controller.conversations.refresh()
    window.sidebar.show_shelf(shelf)
    rows(window).selectAll()
    for button in window.sidebar.findChildren(QToolButton) + window.sidebar.findChildren(QPushButton):
        if button.isVisible():
            assert button.accessibleName() or button.text(), button.objectName()
