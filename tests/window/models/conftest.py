"""A models dialog over the real library, the real download queue and a hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QThreadPool
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import SettingsFile
from app.downloads import ModelDownloads
from model_manager.hub.catalogue import APUS
from model_manager.library.library import ModelLibrary
from tests.rigs.fake_hub import FakeHub
from tests.window.models.page import HOME, PATIENCE_MS, Open, publish
from ui.models.page import ModelsPage


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
def downloads(tmp_path: Path, hub: FakeHub) -> Iterator[ModelDownloads]:
    folder = DataFolder(tmp_path)
    folder.models.mkdir()
    settings = SettingsFile(folder.settings_file)
    settings.change(endpoint=hub.url, authority=hub.url, proxy="none")
    made = ModelDownloads(folder, settings, Secrets({}))
    made.library = ModelLibrary(tmp_path / "library", lambda: None, models_folder=folder.models)
    yield made
    made.close()


@pytest.fixture
def show(qtbot: QtBot, downloads: ModelDownloads) -> Iterator[Open]:
    opened: list[ModelsPage] = []

    def open_one(
        current_id: str | None = None, size: tuple[int, int] = (1080, 740), *, goes: bool = False, **more: Any
    ) -> ModelsPage:
        dialog = ModelsPage(downloads, current_id, **more)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, goes)
        if not goes:
            qtbot.addWidget(dialog)
            opened.append(dialog)
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
