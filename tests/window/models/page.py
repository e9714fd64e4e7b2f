"""Helpers for tests of the models dialog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model
from ui.models.page import ModelsPage
from ui.models.row_text import RowText

PATIENCE_MS = 20_000
HOME = "xDAN-AI/APUS-xDAN-4.0-MOE"
SLOW: dict[str, Any] = {"where": "cdn", "kind": "trickle", "times": -1, "rate": 500_000}
Open = Callable[..., ModelsPage]


def publish(hub: FakeHub, folder: Path, repository: str, name: str, **shape: Any) -> Path:
    """A tiny model on the hub."""
    folder.mkdir(exist_ok=True)
    path = write_tiny_model(folder / name.replace("/", "-"), **shape)
    hub.add_file(repository, name, path)
    return path


def rows(dialog: ModelsPage) -> dict[str, RowText]:
    return dialog.list.rows()


def main_button(dialog: ModelsPage, name: str = "downloadButton") -> QPushButton:
    found = dialog.findChild(QPushButton, name)
    assert found is not None
    return found


def wait_for_state(qtbot: QtBot, dialog: ModelsPage, key: str, state: str) -> RowText:
    qtbot.waitUntil(lambda: key in rows(dialog) and rows(dialog)[key].state.startswith(state), timeout=PATIENCE_MS)
    return rows(dialog)[key]


def wait_for_text(qtbot: QtBot, dialog: ModelsPage, words: str) -> None:
    qtbot.waitUntil(lambda: words in dialog.status.label.text(), timeout=PATIENCE_MS)


def choose(dialog: ModelsPage, key: str) -> None:
    assert dialog.list.set_key(key)


def menu_of(qtbot: QtBot, dialog: ModelsPage) -> QMenu:
    """The menu behind the three dots."""
    more = dialog.findChild(QToolButton, "moreModelButton")
    assert more is not None
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    menu = dialog.findChild(QMenu, "modelActions")
    assert menu is not None
    return menu


def context_menu(dialog: ModelsPage, widget: QWidget) -> QMenu:
    """The menu that a right click on a list or the details opens."""
    QApplication.sendEvent(widget, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint()))
    menu = dialog.findChild(QMenu, "modelActions")
    assert menu is not None
    return menu


def press_in_menu(qtbot: QtBot, dialog: ModelsPage, action: str, *, of_row: bool = False) -> str:
    menu = context_menu(dialog, dialog.list) if of_row else menu_of(qtbot, dialog)
    found = next(each for each in menu.actions() if each.objectName() == action)
    text = found.text()
    found.trigger()
    menu.close()
    return text


def answer(qtbot: QtBot, dialog: ModelsPage, *, yes: bool) -> tuple[str, str]:
    """Answer a question; what it asked, and what it said further."""
    box = next(each for each in dialog.findChildren(QMessageBox, "modelQuestion") if each.isVisible())
    said = box.text(), box.informativeText()
    agree = box.findChild(QPushButton, "agreeButton")
    button = agree if yes else box.defaultButton()
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    return said


def drop(dialog: ModelsPage, *paths: Path) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = QPoint(5, 5)
    action, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place, action, data, left, none)
    enter.ignore()
    QApplication.sendEvent(dialog, enter)
    if enter.isAccepted():
        QApplication.sendEvent(dialog, QDropEvent(QPointF(place), action, data, left, none))
    return enter.isAccepted()


def pick_in_file_dialog(qtbot: QtBot, parent: QWidget, path: Path, name: str = "fileDialog") -> None:
    dialog = parent.findChild(QFileDialog, name)
    assert dialog is not None
    dialog.setDirectory(str(path.parent))
    dialog.selectFile(path.name)
    qtbot.waitUntil(lambda: [Path(each) for each in dialog.selectedFiles()] == [path])
    dialog.accept()


def search(qtbot: QtBot, dialog: ModelsPage, text: str) -> None:
    dialog.field.setFocus()
    dialog.field.clear()
    qtbot.keyClicks(dialog.field, text)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)


def wait_for_page(qtbot: QtBot, dialog: ModelsPage, page: str) -> None:
    qtbot.waitUntil(lambda: dialog.search.page == page, timeout=PATIENCE_MS)
