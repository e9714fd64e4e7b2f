"""A real window over real services in an empty data folder."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QSpacerItem, QWidget, QWidgetItem
from pytestqt.qtbot import QtBot
from shiboken6 import Shiboken

from app.config.paths import DataFolder
from app.config.settings import Settings
from app.services import Services
from ui.transcript import Transcript
from ui.widgets.appearance import Appearance
from ui.window.controller import WindowController
from ui.window.main_window import MainWindow

OpenWindow = Callable[[], MainWindow]
MUCH_GARBAGE = 100_000
"""Objects allocated since the last collection."""
PRODUCT = Path(__file__).parents[2] / "ui"


@pytest.fixture(autouse=True)
def collection_between_tests() -> Iterator[None]:
    """Leaves garbage to the thread of the widgets: in the thread of a job its deletion can lock up both."""
    gc.disable()
    yield
    if gc.get_count()[0] > MUCH_GARBAGE:
        gc.collect()


class Usage(NamedTuple):
    """As ``shutil.disk_usage`` returns it."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def large_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Every model has room on the disk, whatever is free here; sets other free bytes."""

    def set_free(n_bytes: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 44, (1 << 44) - n_bytes, n_bytes))

    set_free(1 << 43)
    return set_free


@pytest.fixture(autouse=True)
def no_part_is_a_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails where a part of a window is made visible before it has a parent, which makes it a window for a moment.

    It takes the focus, and Qt can end with a segmentation fault once the part gets its parent.
    """
    windows, set_visible = [], QWidget.setVisible

    def checked(widget: QWidget, visible: bool) -> None:
        by_product = Path(sys._getframe(1).f_code.co_filename).is_relative_to(PRODUCT)
        if visible and by_product and widget.parent() is None and not isinstance(widget, QDialog | QMainWindow):
            windows.append(f"{type(widget).__name__} {widget.objectName()}")
        set_visible(widget, visible)

    monkeypatch.setattr(QWidget, "setVisible", checked)
    yield
    assert windows == []


@contextmanager
def window_over(folder: Path, qapp: QApplication, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window over a data folder."""
    services = Services(DataFolder(folder))
    # Without a hub, unless a test has one.
    services.settings.change(language="en", theme="light", authority="http://127.0.0.1:9", proxy="none")
    appearance = Appearance(qapp, services.settings.current)
    window = MainWindow(services.settings, appearance)
    with qtbot.waitActive(window):
        window.show()
    window.controller = WindowController(services, window)
    window.controller.complete_start()
    try:
        yield window
        # What is left would crash the program: see ``forget_items``.
        items = [each for each in Shiboken.getAllValidWrappers() if isinstance(each, QWidgetItem | QSpacerItem)]
        assert items == []
    finally:
        # Without the question about running downloads.
        window.can_close = lambda: True
        window.close()
        services.close()
        appearance.use(Settings(language="en"))
        window.deleteLater()
        appearance.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def open_window(tmp_path: Path, qapp: QApplication, qtbot: QtBot) -> Iterator[OpenWindow]:
    """Opens windows over the same data folder, one after another; the one before is closed first."""
    hook = sys.excepthook
    with ExitStack() as last:

        def open_one() -> MainWindow:
            last.close()
            return last.enter_context(window_over(tmp_path / "data", qapp, qtbot))

        yield open_one
    sys.excepthook = hook


@pytest.fixture
def transcript(qtbot: QtBot) -> Transcript:
    """A transcript on the screen, empty."""
    widget = Transcript()
    qtbot.addWidget(widget)
    widget.resize(900, 600)
    widget.show()
    QApplication.processEvents()
    return widget
