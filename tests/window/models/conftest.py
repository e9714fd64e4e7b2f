"""A models dialog over the real library, the real download queue and a hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QThreadPool
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from model_manager.download.queue import DownloadQueue
from model_manager.hub.access import Access
from model_manager.hub.catalogue import APUS
from model_manager.library.library import ModelLibrary
from tests.rigs.fake_hub import FakeHub
from tests.window.models.page import HOME, PATIENCE_MS, Open, publish
from ui.models.backend import ModelBackend
from ui.models.dialog import ModelsDialog


@pytest.fixture(autouse=True)
def no_work_left(qapp: QApplication) -> Iterator[None]:
    yield
    QThreadPool.globalInstance().waitForDone()
    qapp.processEvents()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def backend(tmp_path: Path, hub: FakeHub) -> Iterator[ModelBackend]:
    folder = tmp_path / "models"
    folder.mkdir()
    access = Access(endpoint=hub.url, authority=hub.url)
    library = ModelLibrary(tmp_path / "library", lambda: None, models_folder=folder)
    queue = DownloadQueue(lambda: folder, lambda: access)
    yield ModelBackend(library, queue, lambda: access, lambda: folder, lambda: hub.url)
    queue.close()


@pytest.fixture
def show(qtbot: QtBot, backend: ModelBackend) -> Iterator[Open]:
    opened: list[ModelsDialog] = []

    def open_one(
        current_id: str | None = None, size: tuple[int, int] | None = None, *, goes: bool = False, **more: Any
    ) -> ModelsDialog:
        dialog = ModelsDialog(backend, current_id, **more)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, goes)
        if not goes:
            qtbot.addWidget(dialog)
            opened.append(dialog)
        if size:
            dialog.resize(*size)
        with qtbot.waitExposed(dialog):
            dialog.show()
        qtbot.waitUntil(lambda: bool(dialog.list.rows()), timeout=PATIENCE_MS)
        return dialog

    yield open_one
    for dialog in opened:
        dialog.jobs.shut_down()


@pytest.fixture
def home(hub: FakeHub, tmp_path: Path) -> Path:
    """The smallest quantisation of the home model as its makers publish it: made before April 2024."""
    return publish(hub, tmp_path / "published", HOME, APUS[0].file_name, n_layer=1, n_expert=4, legacy=True)
