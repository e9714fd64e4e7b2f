"""Keyboard, accessible names, language and layout of the models dialog."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTranslator
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model
from tests.window.models.page import (
    PATIENCE_MS,
    SLOW,
    Open,
    choose,
    context_menu,
    drop,
    main_button,
    menu_of,
    rows,
    wait_for_state,
)
from ui.models.actions import TITLES
from ui.models.item import Fit

# For every window with a layout and every menu, by the platform without a screen.
pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")


class Marked(QTranslator):
    """A language in which every string is put in brackets."""

    def translate(self, context: str, source: str, comment: str = "", n: int = -1) -> str:
        return f"‹{source}›"

    def isEmpty(self) -> bool:
        return False


def test_keyboard_operation(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
    dialog = show()
    dialog.activateWindow()
    dialog.take_focus()
    qtbot.waitUntil(dialog.list.hasFocus)
    assert dialog.list.key() == "apus:Q2_K"
    for _ in range(4):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    # The heading between was passed over.
    assert dialog.list.key() == "starter"
    for _ in range(4):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Up)
    assert dialog.list.key() == "apus:Q2_K"
    context_menu(dialog, dialog.list).close()
    dialog.activateWindow()
    dialog.take_focus()
    qtbot.waitUntil(dialog.list.hasFocus)
    # Enter right after opening the page downloads nothing.
    qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert main_button(dialog).hasFocus()
    assert dialog._downloads.queue.statuses() == ()
    qtbot.keyClick(main_button(dialog), Qt.Key.Key_Space)
    wait_for_state(qtbot, dialog, "apus:Q2_K", "Ready")
    dialog.start_search()
    assert dialog.field.hasFocus()


def test_button_of_a_row_acts_on_that_row(show: Open, qtbot: QtBot, hub: FakeHub, home: Path):
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


def test_every_action_can_be_carried_out(show: Open):
    assert show().controller._handlers().keys() == TITLES.keys()


def test_everything_has_an_accessible_name(show: Open, qtbot: QtBot, home: Path):
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


def test_all_texts_are_translated(show: Open, qtbot: QtBot, qapp: QApplication, tmp_path: Path):
    other = Marked()
    qapp.installTranslator(other)
    try:
        dialog = show(size=(720, 600))
        old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
        drop(dialog, old)
        wait_for_state(qtbot, dialog, str(old), "‹Needs conversion›")
        assert dialog.windowTitle() == "‹Models›"
        assert rows(dialog)["apus:Q2_K"].action == "‹Download›"
        assert dialog.status.label.text().startswith("‹")
        assert dialog.status.action.text() == "‹Convert›"
        assert dialog.details.fold.text() == "‹Details›"
        qtbot.waitUntil(lambda: bool(dialog.details._details) and dialog.details._details[0].label.startswith("‹"))
        assert dialog.list.key() == str(old)
        choose(dialog, "apus:Q2_K")
        known = {fact.value for fact in dialog.details._details} | {"APUS-xDAN-4.0-MoE"}
        for each in (*dialog.findChildren(QLabel), *dialog.findChildren(QAbstractButton)):
            text = re.sub(r"<[^>]*>", "", each.text())
            assert not re.search(r"[A-Za-z]{3}", text) or "‹" in text or each.toolTip() or text in known, text
    finally:
        qapp.removeTranslator(other)


def test_the_menu_beside_the_buttons_does_not_repeat_them(show: Open, qtbot: QtBot):
    dialog = show(fit_of=lambda key: Fit("Fits.", "good") if key == "apus:Q2_K" else None)
    choose(dialog, "apus:Q2_K")
    assert dialog.details.plan.isVisible()
    menu = menu_of(qtbot, dialog)
    assert [each.objectName() for each in menu.actions()] == ["open_page"]
    assert menu.geometry().right() <= dialog.mapToGlobal(dialog.rect().topRight()).x()
    for widget in (dialog.list, dialog.details):
        menu.close()
        QApplication.processEvents()
        menu = context_menu(dialog, widget)
        names = [each.objectName() for each in menu.actions() if each.objectName()]
        assert names == ["download", "plan", "open_page"]
    menu.close()


def test_narrow_dialog_folds_the_details_below_the_list(show: Open, qtbot: QtBot):
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


def test_the_details_beside_the_list_are_one_scroll_area(show: Open, qtbot: QtBot):
    dialog = show(size=(1080, 480))
    choose(dialog, "apus:Q2_K")
    details = dialog.details
    bar = details.area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    assert details.area.height() > details.height() - 16
    assert details.area.isAncestorOf(main_button(dialog))
    bar.setValue(bar.maximum())
    choose(dialog, "apus:Q4_K_M")
    assert bar.value() == 0, "another model is shown from its name on"
    dialog.resize(700, 600)
    qtbot.waitUntil(lambda: not details.area.isAncestorOf(main_button(dialog)))
    qtbot.waitUntil(main_button(dialog).isVisible)


def test_the_lowest_page_scrolls_and_cuts_no_text(show: Open, qtbot: QtBot):
    dialog = show(size=(420, 310))
    choose(dialog, "apus:Q2_K")
    dialog.status.show_message("A long sentence that takes more than one line in a page as narrow as this one. " * 2)
    whole = dialog.details.parentWidget()
    qtbot.waitUntil(lambda: whole.height() > dialog.height())
    assert dialog.list.height() > 100
    labels = [each for each in dialog.details.findChildren(QLabel) if each.isVisible() and each.text()]
    for label in (*labels, *dialog.status.findChildren(QLabel)):
        assert label.height() >= label.heightForWidth(label.width()), label.text()
    title = dialog.details.findChild(QLabel, "modelTitle")
    assert title.height() < 2 * title.fontMetrics().height(), "the name takes one line"


def test_the_settings_of_downloads_are_one_click_away(show: Open, qtbot: QtBot):
    dialog = show()
    with qtbot.waitSignal(dialog.settings_requested):
        dialog.open_settings.click()
