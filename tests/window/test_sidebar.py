"""Rows of the sidebar and the title of the open conversation, as a person uses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMenu, QToolButton, QToolTip
from pytestqt.qtbot import QtBot

from app.conversation import Shelf
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import find, send, titles, wait_for_words
from tests.window.test_history import (
    CONTROL,
    SHIFT,
    add_talk,
    click,
    found,
    index_of,
    press,
    rows,
    search,
    store_of,
    undo,
    with_conversations,
)
from ui.sidebar.row_model import ROW_ROLE, Mark
from ui.widgets.theme import LIGHT
from ui.window.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)", extend=True)


def menu_button(window: MainWindow, title: str) -> QRect:
    """Return the place of the menu button in a row."""
    index = index_of(window, title)
    return window.sidebar.list.delegate.menu_area(rows(window).visualRect(index), index)


def open_menu(window: MainWindow) -> QMenu:
    (menu,) = [each for each in window.sidebar.findChildren(QMenu, "conversationMenu") if each.isVisible()]
    return menu


def entries(menu: QMenu) -> list[str]:
    """Return the texts of an open menu, which is closed."""
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    menu.close()
    return texts


def has_dots(window: MainWindow, title: str) -> bool:
    """Return whether the dots of the menu button are painted in a row."""
    place = menu_button(window, title)
    picture = window.grab(QRect(rows(window).viewport().mapTo(window, place.topLeft()), place.size())).toImage()
    pixels = [picture.pixelColor(x, y).lightness() for x in range(picture.width()) for y in range(picture.height())]
    return max(pixels) - min(pixels) > 40


def test_title_of_the_conversation_is_in_header_and_window_title(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    button = find(window, "titleButton", QToolButton)
    assert isinstance(button, QToolButton)
    long = "Islands & the sea, " * 12
    one, two = with_conversations(window, "R&D [*]", long)
    assert window.windowTitle() == "APUS Chat"
    assert not button.isVisible()
    window.controller.conversation.open(one)
    assert window.windowTitle() == "R&D [*][*] — APUS Chat", "Qt shows the doubled mark once"
    assert button.text() == "R&&D [*]"
    header = window.header
    beside = header.model_button.geometry().right() + 9
    assert button.mapTo(header, QPoint(0, 0)).x() == beside, "it doesn't move when the speed appears"
    window.controller.conversation.open(two)
    assert button.text().startswith("Islands")
    assert button.text().endswith("…")
    assert button.accessibleName() == f"Title: {long.strip()}"
    assert window.windowTitle() == f"{long.strip()} — APUS Chat"
    window.resize(430, 600)
    assert not button.isVisible()
    assert window.header.width() == 430, "the title never makes the window wider"
    window.resize(1100, 700)
    window.controller.conversation.open(None)
    assert window.windowTitle() == "APUS Chat"
    assert not button.isVisible()


def test_title_is_edited_in_the_header(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    (id_,) = with_conversations(window, "Old name")
    window.controller.conversation.open(id_)
    button, field = find(window, "titleButton", QToolButton), find(window, "headerTitleField", QLineEdit)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.focusWidget() is field
    qtbot.keyClicks(field, "never mind")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.isHidden()
    assert store_of(window).get(id_).title == "Old name"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(field, "New name")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert (store_of(window).get(id_).title, store_of(window).get(id_).title_is_chosen) == ("New name", True)
    assert titles(window) == ["New name"]
    assert window.windowTitle() == "New name — APUS Chat"
    assert window.focusWidget() is button
    qtbot.keyClick(rows(window), Qt.Key.Key_F2)
    editor = find(window.sidebar, "titleField", QLineEdit)
    qtbot.keyClicks(editor, "From the list")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.windowTitle() == "From the list — APUS Chat")
    store_of(window).rename(id_, "By another part")
    window.controller.conversation.list_changed.emit()
    assert button.accessibleName() == "Title: By another part"


ONE, SEVERAL = (
    ["Open", "Rename", "Pin", "Archive", "Move to", "Export…", "Move to trash"],
    ["Pin", "Archive", "Move to", "Export…", "Move to trash"],
)


def test_menu_button_of_a_row_opens_its_menu(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "three", "two", "one")
    window.controller.conversation.open(ids[2])
    viewport = rows(window).viewport()
    assert not has_dots(window, "two")
    qtbot.mouseMove(viewport, QPoint(9, 9))
    qtbot.mouseMove(viewport, menu_button(window, "two").center())
    qtbot.waitUntil(lambda: has_dots(window, "two"))
    assert not has_dots(window, "three")
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=menu_button(window, "two").center())
    assert entries(open_menu(window)) == ONE
    assert window.sidebar.list.selected_ids() == (ids[1],)
    assert window.controller.conversation.session.conversation_id == ids[2], "the button opens nothing else"
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=menu_button(window, "two").center())
    assert window.controller.conversation.session.conversation_id == ids[2], "not with two clicks either"
    for menu in window.sidebar.findChildren(QMenu, "conversationMenu"):
        menu.close()
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=menu_button(window, "two").center())
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=QPoint(20, menu_button(window, "two").center().y()))
    assert not [each for each in window.sidebar.findChildren(QMenu, "conversationMenu") if each.isVisible()]
    click(qtbot, window, "one", CONTROL)
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=menu_button(window, "two").center())
    assert entries(open_menu(window)) == SEVERAL, "the menu of a selected row is that of the selection"
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=menu_button(window, "three").center())
    assert entries(open_menu(window)) == ONE
    assert window.sidebar.list.selected_ids() == (ids[0],)


def test_menu_button_shows_with_the_keyboard_focus(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "three", "two", "one")
    rows(window).setFocus()
    rows(window).setCurrentIndex(index_of(window, "one"))
    qtbot.keyClick(rows(window), Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: has_dots(window, "two"))
    assert not has_dots(window, "one")
    qtbot.keyClick(rows(window), Qt.Key.Key_F10, SHIFT)
    assert entries(open_menu(window)) == ONE
    qtbot.keyClick(rows(window), Qt.Key.Key_Down, SHIFT)
    assert window.sidebar.list.selected_ids() == (ids[1], ids[0])
    qtbot.keyClick(rows(window), Qt.Key.Key_F10, SHIFT)
    assert entries(open_menu(window)) == SEVERAL
    window.composer.field.setFocus()
    qtbot.waitUntil(lambda: not has_dots(window, "three"))


def test_several_conversations_are_pinned_and_deleted_from_the_bar(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    ids = with_conversations(window, "three", "two", "one")
    click(qtbot, window, "one")
    click(qtbot, window, "three", SHIFT)
    press(qtbot, window, "pinChosenButton")
    assert store_of(window).order(Shelf.CONVERSATIONS).numbers == [3, 2, 1]
    assert all(store_of(window).get(id_).is_pinned for id_ in ids)
    press(qtbot, window, "deleteChosenButton")
    assert titles(window) == []
    undo(qtbot, window)
    assert all(store_of(window).get(id_).is_pinned for id_ in ids), "the undo brings the pins back"
    rows(window).selectAll()
    press(qtbot, window, "unpinChosenButton")
    assert not any(store_of(window).get(id_).is_pinned for id_ in ids)


def test_without_the_focus_the_open_conversation_or_several_ones_are_marked(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    ids = with_conversations(window, "four", "three", "two", "one")
    window.controller.conversation.open(ids[0])
    view = rows(window)

    def marked() -> list[str]:
        picture = view.viewport().grab().toImage()
        found = []
        for title in titles(window):
            row = view.visualRect(index_of(window, title))
            if picture.pixelColor(QPoint(row.left() + 12, row.top() + 6)).name() == LIGHT.pressed:
                found.append(title)
        return found

    assert marked() == ["four"]
    window.sidebar.list.setFocus()
    view.setCurrentIndex(index_of(window, "one"))
    assert marked() == ["one", "four"]
    window.composer.field.setFocus()
    assert marked() == ["four"]
    click(qtbot, window, "one")
    click(qtbot, window, "two", CONTROL)
    window.controller.conversation.open(ids[0])
    window.composer.field.setFocus()
    qtbot.waitUntil(lambda: marked() == ["one", "two"])


def test_titles_shown_whole_have_no_tool_tip(open_window: OpenWindow) -> None:
    window = open_window()
    with_conversations(window, "A title that is much too long for the sidebar, so that its end is cut", "short")
    view = rows(window)

    def tip(title: str) -> str:
        rect = view.visualRect(index_of(window, title))
        place = rect.topLeft() + QPoint(40, rect.height() // 2)
        QApplication.sendEvent(
            view.viewport(), QHelpEvent(QEvent.Type.ToolTip, place, view.viewport().mapToGlobal(place))
        )
        return QToolTip.text() if QToolTip.isVisible() else ""

    long = next(each for each in titles(window) if each != "short")
    assert tip("short") == ""
    assert tip(long) == long


def test_rows_mark_answers_that_run_wait_and_are_new(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.controller.models.use(str(write_tiny_model(tmp_path / "endless.gguf", context_length=16384)))

    def spoken(title: str) -> str:
        return str(index_of(window, title).data(Qt.ItemDataRole.AccessibleTextRole))

    def mark(title: str) -> Mark | None:
        return window.sidebar.list.rows.mark(index_of(window, title).data(ROW_ROLE))

    send(qtbot, window, "the first question")
    first = window.controller.conversation.session.conversation_id
    wait_for_words(qtbot, window)
    window.controller.conversation.open(None)
    send(qtbot, window, "the second question")
    second = window.controller.conversation.session.conversation_id
    assert (mark("the first question"), spoken("the first question")) == (
        Mark.ANSWERING,
        "the first question, answering",
    )
    assert (mark("the second question"), spoken("the second question")) == (
        Mark.QUEUED,
        "the second question, waiting for another answer",
    )
    (running,) = [
        each
        for each in window.controller.conversation.session.answers.values()
        if each.message.conversation_id == first
    ]
    running.token.cancel()
    qtbot.waitUntil(lambda: mark("the first question") is Mark.UNREAD, timeout=60_000)
    assert spoken("the first question") == "the first question, new answer"
    qtbot.waitUntil(lambda: mark("the second question") is Mark.ANSWERING, timeout=60_000)
    # The mark is kept until the answer was opened, also after another start.
    assert window.controller.services.settings.current.unread == first
    window.controller.conversation.open(first)
    assert mark("the first question") is None
    assert window.controller.services.settings.current.unread == ""
    window.controller.conversation.open(second)
    window.controller.conversation.session.stop()
    qtbot.waitUntil(lambda: mark("the second question") is None, timeout=60_000)
    window.controller.services.settings.change(unread=f"gone {first}", conversation_id=second)
    window = open_window()
    qtbot.waitUntil(lambda: "the first question" in titles(window))
    assert mark("the first question") is Mark.UNREAD
    assert window.controller.services.settings.current.unread == first


def test_keys_of_the_search_field_move_over_the_hits(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    add_talk(store_of(window), "Zebras", "Nothing here.")
    days = [f"The zebra of day {day}." for day in range(5)]
    long = add_talk(store_of(window), "A marathon", *days)
    field, opened = window.sidebar.search, list[tuple[str, str]]()
    window.sidebar.list.opened.connect(lambda id_, message: opened.append((id_, message)))
    field.setFocus()
    search(qtbot, window, "zebra", "A marathon")
    assert found(window) == ["A marathon", *reversed(days[2:]), "All 5 hits", "Zebras"]

    def current() -> str:
        return str(rows(window).currentIndex().data())

    def enter(modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> str:
        qtbot.keyClick(field, Qt.Key.Key_Return, modifiers)
        assert window.focusWidget() is field, "the next Enter goes on"
        return current()

    assert enter() == days[4]
    branch = store_of(window).branch(long)
    assert opened == [(long, branch[-1].id)]
    assert enter() == days[3]
    assert opened[-1] == (long, branch[-3].id)
    assert enter(SHIFT) == days[4]
    assert enter(SHIFT) == "Zebras", "it goes round"
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert (current(), len(opened)) == ("All 5 hits", 4), "the arrows open nothing"
    assert enter() == days[1], "the others are shown in place"
    assert found(window) == ["A marathon", *reversed(days), "Zebras"]
    assert len(opened) == 4
    assert enter() == days[1]
    assert opened[-1] == (long, branch[3].id)
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert enter() == days[0]
    assert window.controller.conversation.session.conversation_id == long


def test_all_hits_of_a_search_are_counted_after_the_first_are_shown(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    names = [f"Talk {number}" for number in range(12)]
    for name in names:
        add_talk(store_of(window), name, *(f"zebra {day}" for day in range(25)))
    window.sidebar.search.setText("zebra")
    label = find(window, "resultCount", QLabel)
    qtbot.waitUntil(lambda: label.text() == "First 250 results")  # type: ignore[attr-defined]
    shown = [index_of(window, name).data(Qt.ItemDataRole.AccessibleTextRole) for name in names[2:]]
    assert all("25 hits" in spoken for spoken in shown)
