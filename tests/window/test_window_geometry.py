"""Where the window stood: found again where it was maximised, brought back where its screen is gone."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS


def test_maximised_state_and_normal_size_are_restored(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.showNormal()
    window.setGeometry(20, 30, 640, 500)
    qtbot.waitUntil(lambda: window.geometry() == QRect(20, 30, 640, 500), timeout=PATIENCE_MS)
    window.showMaximized()
    qtbot.waitUntil(window.isMaximized, timeout=PATIENCE_MS)
    again = open_window()
    assert again.isMaximized()
    # To which size it goes back from there is the desktop's doing, by what it is told here.
    assert again.normalGeometry().size() == QRect(20, 30, 640, 500).size()


def test_window_of_a_missing_screen_is_moved_to_an_existing_one(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    # As on a second screen at the right, which is unplugged by the next start.
    window.setGeometry(4000, 2500, 640, 500)
    qtbot.waitUntil(lambda: window.geometry().x() == 4000, timeout=PATIENCE_MS)
    again = open_window()
    room = QApplication.primaryScreen().availableGeometry()
    assert room.contains(again.geometry().center())
    assert again.geometry().top() >= room.top(), "its title can be taken hold of"


def test_invalid_geometry_is_ignored(open_window: OpenWindow) -> None:
    window = open_window()
    settings = window.controller.services.settings
    window.close()
    settings.change(window_geometry="AAAA")
    again = open_window()
    assert QApplication.primaryScreen().availableGeometry().intersects(again.geometry())
    assert again.width() >= again.minimumWidth()
