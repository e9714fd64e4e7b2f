"""Pages and dialogs at 200 % on a screen of 1280 x 800: no text is cut, and everything can be scrolled to."""

from __future__ import annotations

import contextlib

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.servers.protocol import ServedModel
from app.servers.providers import FoundServer
from app.tools.server import ToolServer
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS
from tests.window.test_tab_order import PLACES
from ui.settings.page import SettingsPage

SIZE = 640, 400
"""Of the whole screen, in pixels of 200 %."""
DIALOG = 600, 340
"""The largest dialog there."""
ELIDED = ("modelButton",)
"""Buttons whose text is elided."""


def cut(widget: QWidget) -> bool:
    """Return whether a label, button or choice is too small for its text."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel) and widget.wordWrap():
        return widget.height() < widget.heightForWidth(widget.width())
    if isinstance(widget, QLabel):
        return bool(widget.text()) and widget.width() < widget.sizeHint().width()
    if isinstance(widget, QComboBox):
        return widget.width() < metrics.horizontalAdvance(widget.currentText())
    if (
        isinstance(widget, QAbstractButton)
        and widget.objectName() not in ELIDED
        and not isinstance(widget.parent(), QLineEdit)
    ):
        icon = 0 if widget.icon().isNull() or isinstance(widget, QCheckBox) else widget.iconSize().width()
        return widget.width() < metrics.horizontalAdvance(widget.text().replace("&", "")) + icon
    return False


def out_of_reach(widget: QWidget) -> bool:
    """Return whether a widget is beyond its window, or beyond the width of the area that scrolls it."""
    parent = widget.parentWidget()
    while parent is not None and not parent.isWindow() and not isinstance(parent, QAbstractScrollArea):
        parent = parent.parentWidget()
    if isinstance(parent, QScrollArea):
        content = parent.widget()
        return content is not None and content.width() > parent.viewport().width()
    window = widget.window()
    return not window.rect().contains(QRect(widget.mapTo(window, QPoint()), widget.size()))


def faults(windows: list[QWidget]) -> list[str]:
    """Return the visible texts that are cut or out of reach."""
    kinds = QLabel, QAbstractButton, QComboBox
    texts = [
        each for top in windows for each in top.findChildren(QWidget) if each.isVisible() and isinstance(each, kinds)
    ]
    assert texts
    return [
        f"{type(each).__name__} {each.objectName()} {getattr(each, 'text', str)()!r} {each.geometry()}"
        for each in texts
        if cut(each) or out_of_reach(each)
    ]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_cut_or_out_of_reach(open_window: OpenWindow, qtbot: QtBot, place: str, language: str) -> None:
    window = open_window()
    window.controller.apply_settings(window.controller.services.settings.change(language=language))
    window.resize(*SIZE)
    window.composer.field.setFocus()
    PLACES[place](window)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None, timeout=PATIENCE_MS)
    shown = [each for each in QApplication.topLevelWidgets() if each.isVisible()]
    for each in shown:
        if each is not window:
            each.resize(*DIALOG)
            assert (each.width() <= SIZE[0], each.height() <= SIZE[1]) == (True, True), each.minimumSizeHint()
    with contextlib.suppress(qtbot.TimeoutError):
        qtbot.waitUntil(lambda: faults(shown) == [], timeout=PATIENCE_MS // 4)
    assert faults(shown) == []


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_narrowest_settings_do_not_scroll_sideways(open_window: OpenWindow, qtbot: QtBot, language: str) -> None:
    window = open_window()
    services = window.controller.services
    services.servers.add("https://models.example.org/v1", models=[ServedModel("Qwen3-235B-A22B-2507", "chat", None)])
    services.tools.add(ToolServer(name="files", command=("npx",)))
    services.store.add_fact("I'm a vegetarian.")
    window.controller.apply_settings(services.settings.change(language=language))
    QApplication.sendPostedEvents()
    window.resize(window.minimumWidth(), 700)
    window.controller.show_settings()
    page = window.centre.page
    assert isinstance(page, SettingsPage)
    page.servers.provider.setCurrentIndex(1)
    page.servers.provider.activated.emit(1)
    page.servers.rows[next(iter(page.servers.rows))].change_key.click()
    found = FoundServer("LM Studio", "http://127.0.0.1:1234/v1", None)
    page.servers._show_found([found])
    page.downloads._show_token(True)
    qtbot.waitUntil(lambda: page.servers.found_rows[0].isVisible(), timeout=PATIENCE_MS)
    with contextlib.suppress(qtbot.TimeoutError):
        qtbot.waitUntil(lambda: faults([page]) == [], timeout=PATIENCE_MS // 4)
    assert faults([page]) == []


def test_a_dialog_is_no_larger_than_its_screen(open_window: OpenWindow) -> None:
    window = open_window()
    window.controller.apply_settings(window.controller.services.settings.change(zoom=200))
    window.controller.show_shortcuts()
    (dialog,) = (each for each in QApplication.topLevelWidgets() if each.isVisible() and each is not window)
    room = dialog.screen().availableGeometry()
    assert dialog.width() < room.width() < 900
    assert dialog.height() < room.height()
