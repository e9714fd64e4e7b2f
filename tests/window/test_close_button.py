"""The Close button is the same in all dialogs: never the primary one, and last unless another button is primary."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QDialog, QPushButton
from pytestqt.qtbot import QtBot

from app.conversation import Attachment
from tests.rigs.pictures import attached
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS
from tests.window.test_tab_order import PLACES
from ui.composer.attachments import AttachmentViewer
from ui.pictures.viewer import PictureViewer
from ui.widgets.dialog_parts import show_dialog
from ui.window.main_window import MainWindow


def show_picture(window: MainWindow) -> None:
    attachment = attached()
    assert attachment.picture is not None
    show_dialog(PictureViewer(attachment, attachment.picture, window))


DIALOGS: dict[str, Callable[[MainWindow], object]] = {
    **{name: PLACES[name] for name in ("shortcuts", "export", "diagnostics")},
    "import": lambda window: window.controller.show_import(),
    "attachment": lambda window: show_dialog(AttachmentViewer(Attachment("a.txt", "text"), window)),
    "picture": show_picture,
}


@pytest.mark.parametrize("name", DIALOGS)
def test_close_is_never_primary(open_window: OpenWindow, qtbot: QtBot, name: str) -> None:
    window = open_window()
    DIALOGS[name](window)
    qtbot.waitUntil(lambda: any(each.isVisible() for each in window.findChildren(QDialog)), timeout=PATIENCE_MS)
    (dialog,) = (each for each in window.findChildren(QDialog) if each.isVisible())
    close = dialog.findChild(QPushButton, "closeButton")
    assert close is not None
    assert not close.isDefault()
    beside = [
        each for each in dialog.findChildren(QPushButton)
        if each.isVisible() and each.parent() is close.parent() and each.y() == close.y()
    ]  # fmt: skip
    last = max(beside, key=lambda each: each.x())
    assert last is close or last.isDefault(), "the primary button is the last one"
