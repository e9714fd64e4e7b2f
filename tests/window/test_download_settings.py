"""Downloads section of the settings, and downloads in the background."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest
from keyring.backend import KeyringBackend
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMessageBox, QPushButton

from app.config.secrets import HUB_TOKEN
from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from ui.models.page import ModelsPage
from ui.settings.page import SettingsPage
from ui.widgets.dialog_parts import MARGIN
from ui.window.controller import WindowController
from ui.window.main_window import MainWindow

REPOSITORY = "somebody/tiny"
MODEL = f"{REPOSITORY}:one.gguf"


class Safe(KeyringBackend):
    """A keyring in memory, in the place of the system's."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def safe() -> Iterator[Safe]:
    before, made = keyring.get_keyring(), Safe()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def no_safe() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    path = write_tiny_model(tmp_path / "one.gguf")
    with FakeHub() as served:
        served.add_file(REPOSITORY, "one.gguf", path)
        yield served


def open_at(hub: FakeHub, open_window: OpenWindow) -> tuple[MainWindow, WindowController]:
    window = open_window()
    assert window.controller is not None
    settings = window.controller.services.settings
    settings.change(endpoint=hub.url, authority=hub.url, proxy="none")
    return window, window.controller


def settings_dialog(window: MainWindow, controller: WindowController) -> SettingsPage:
    controller.show_settings()
    dialog = window.findChild(SettingsPage)
    assert dialog is not None
    return dialog


def test_endpoint_applies_at_once_and_an_invalid_one_is_reported(hub: FakeHub, open_window: OpenWindow, qtbot) -> None:
    window, controller = open_at(hub, open_window)
    dialog = settings_dialog(window, controller)
    endpoint, settings = dialog.downloads.form.controls["endpoint"], controller.services.settings
    endpoint.choice.setCurrentIndex(1)
    assert settings.current.endpoint == "https://hf-mirror.com"
    endpoint.choice.setCurrentIndex(2)
    endpoint.field.setText("hub.example.org/")
    endpoint.field.editingFinished.emit()
    assert settings.current.endpoint == "https://hub.example.org"
    for invalid in ("ftp://hub.example.org", "http://[::1"):
        dialog._status.label.clear()
        endpoint.field.setText(invalid)
        endpoint.field.editingFinished.emit()
        assert settings.current.endpoint == "https://hub.example.org"
        assert "https://" in dialog._status.label.text()
    endpoint.choice.setCurrentIndex(0)
    assert settings.current.endpoint == ""


def test_proxy_and_limit_apply(hub: FakeHub, open_window: OpenWindow) -> None:
    window, controller = open_at(hub, open_window)
    controls, settings = settings_dialog(window, controller).downloads.form.controls, controller.services.settings
    proxy, limit = controls["proxy"], controls["download_limit"]
    proxy.choice.setCurrentIndex(2)
    proxy.field.setText("socks5://127.0.0.1:1080")
    proxy.field.editingFinished.emit()
    assert settings.current.proxy == "socks5://127.0.0.1:1080"
    assert controller.services.downloads.access().proxy == "socks5://127.0.0.1:1080"
    proxy.choice.setCurrentIndex(1)
    assert controller.services.downloads.access().proxy == ""
    limit.field.setValue(0.5)
    limit.choice.setCurrentIndex(1)
    assert settings.current.download_limit == 488, "0.5 MB/s in KiB/s"


def test_fastest_mirror_is_used(hub: FakeHub, open_window: OpenWindow, qtbot) -> None:
    hub.add_file("xDAN-AI/APUS-xDAN-4.0-MOE", "APUS-xDAN4.0-MoE-0402.Q2_K.gguf", hub.repos[REPOSITORY]["one.gguf"].path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        window, controller = open_at(hub, open_window)
        # What is known by name cannot be reached from here: only the endpoint in the settings answers.
        controller.services.settings.change(proxy=closed)
        dialog = settings_dialog(window, controller)
        dialog.downloads.test_mirrors()
        qtbot.waitUntil(lambda: not dialog.downloads.is_testing, timeout=20_000)
        assert controller.services.settings.current.endpoint == hub.url
        controller.services.settings.change(proxy="none")
        dialog.downloads.test_mirrors()
        qtbot.waitUntil(lambda: not dialog.downloads.is_testing, timeout=20_000)
    lines = dialog.downloads.mirrors.label.text().splitlines()
    assert lines[0].startswith("127.0.0.1")
    assert [line.startswith("127.0.0.1") for line in lines[1:] if line.endswith("MB/s")] == [True]
    assert sum(line.endswith("unreachable") for line in lines) == 2
    assert dialog._status.label.text() == "", "beside the button"
    # Nothing changed, and two of three are unreachable: no Undo, and not green.
    assert lines[0].endswith("is the fastest and is used for downloads already.")
    assert not dialog.downloads.mirrors.action.isVisible()
    assert not dialog.downloads.mirrors.label.property("good")
    assert controller.services.settings.current.endpoint == hub.url


def test_token_is_stored_in_the_keyring_only(
    hub: FakeHub, open_window: OpenWindow, safe: Safe, qtbot, tmp_path: Path
) -> None:
    window, controller = open_at(hub, open_window)
    page = settings_dialog(window, controller).downloads
    page.token.setText("hf_verysecret")
    page.save_token.click()
    qtbot.waitUntil(lambda: page.save_token.text() == "Remove")
    assert safe.kept == {("apus-chat", HUB_TOKEN): "hf_verysecret"}
    assert page.token.text() == ""
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert b"hf_verysecret" not in path.read_bytes(), path
    page.save_token.click()
    qtbot.waitUntil(lambda: page.save_token.text() == "Save")
    assert safe.kept == {}


def test_token_is_kept_in_memory_without_a_keyring(hub: FakeHub, open_window: OpenWindow, no_safe: None, qtbot) -> None:
    window, controller = open_at(hub, open_window)
    dialog = settings_dialog(window, controller)
    dialog.downloads.token.setText("hf_shortlived")
    dialog.downloads.save_token.click()
    qtbot.waitUntil(lambda: bool(dialog._status.label.text()))
    assert "until you quit" in dialog._status.label.text()
    assert controller.services.downloads.access().token == "hf_shortlived"


def test_models_folder_is_moved_with_its_files(hub: FakeHub, open_window: OpenWindow, qtbot, tmp_path: Path) -> None:
    window, controller = open_at(hub, open_window)
    services = controller.services
    with qtbot.waitSignal(controller.background.download_finished, timeout=20_000):
        services.downloads.queue.add(MODEL)
    dialog = settings_dialog(window, controller)
    target = tmp_path / "another drive"
    dialog.downloads.move_to(target)
    qtbot.waitUntil(lambda: not dialog.downloads.busy, timeout=20_000)
    assert services.downloads.folder() == target
    assert (target / "one.gguf").exists()
    assert not (services.folder.models / "one.gguf").exists()
    assert services.library.resolve(MODEL).path == target / "one.gguf"
    assert json.loads((tmp_path / "data" / "settings.json").read_text())["models_folder"] == str(target)


def test_finished_download_offers_to_use_the_model(
    hub: FakeHub, open_window: OpenWindow, tiny_model: Path, qtbot
) -> None:
    window, controller = open_at(hub, open_window)
    controller.models.use(str(tiny_model))
    with qtbot.waitSignal(controller.background.download_finished, timeout=20_000):
        controller.services.downloads.queue.add(MODEL)
    assert window.notice.isVisible()
    assert window.notice.button.isVisible()
    window.notice.button.click()
    assert controller.services.settings.current.model_id == MODEL


def test_closed_window_keeps_downloading_only_with_the_setting(hub: FakeHub, open_window: OpenWindow, qtbot) -> None:
    hub.fault("cdn", "trickle", times=-1, rate=60_000)
    window, controller = open_at(hub, open_window)
    services = controller.services
    services.settings.change(downloads_in_background=True)
    services.downloads.queue.add(MODEL)
    assert window.close() is False
    assert window.isMinimized()
    hub.faults.clear()
    with qtbot.waitSignal(controller.background.download_finished, timeout=20_000):
        services.downloads.queue.reconnect()
    # Nothing is left to be done: now it closes.
    qtbot.waitUntil(lambda: not services.downloads.queue.is_active)
    assert window.close() is True


@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.parametrize("choice", ["continueInBackground", "pauseAndQuit"])
def test_closing_during_a_download_asks(
    hub: FakeHub, open_window: OpenWindow, qtbot, choice: str, remembers: bool
) -> None:
    hub.fault("cdn", "trickle", times=-1, rate=20_000)
    window, controller = open_at(hub, open_window)
    services = controller.services
    services.downloads.queue.add(MODEL)

    def question() -> QMessageBox:
        assert window.close() is False
        assert window.close() is False
        (box,) = (each for each in window.findChildren(QMessageBox, "closeQuestion") if each.isVisible())
        margins = box.layout().contentsMargins()
        assert (margins.left(), margins.right()) == (MARGIN, MARGIN)
        assert box.text() == "A download is still running."
        return box

    question().reject()
    assert window.isVisible()
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert window.isVisible()
    question().reject()
    box = question()
    box.checkBox().setChecked(remembers)
    button = box.findChild(QPushButton, choice)
    assert button is not None
    button.click()
    settings, stays = services.settings.current, choice == "continueInBackground"
    assert settings.asks_before_closing is not remembers
    assert settings.downloads_in_background is (stays and remembers)
    assert window.isMinimized() is stays
    assert window.isVisible() is stays


def test_quitting_stops_downloads(hub: FakeHub, open_window: OpenWindow, qtbot) -> None:
    hub.fault("cdn", "trickle", times=-1, rate=20_000)
    window, controller = open_at(hub, open_window)
    controller.services.settings.change(downloads_in_background=True)
    controller.services.downloads.queue.add(MODEL)
    window.quit()
    assert not window.isVisible()


def test_files_dropped_on_the_window_open_the_models_dialog(
    hub: FakeHub, open_window: OpenWindow, tmp_path: Path, qtbot
) -> None:
    window, _controller = open_at(hub, open_window)
    whole = (tmp_path / "one.gguf").read_bytes()
    parts = [tmp_path / f"cut.gguf.part{number}of2" for number in (1, 2)]
    parts[0].write_bytes(whole[:100_000])
    parts[1].write_bytes(whole[100_000:])
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in parts])
    position = QPoint(300, 300)
    drop = QDropEvent(
        position.toPointF(),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(drop)
    dialog = window.findChild(ModelsPage)
    assert dialog is not None
    qtbot.waitUntil(dialog.isVisible)


def test_legacy_file_offers_its_conversion(hub: FakeHub, open_window: OpenWindow, tmp_path: Path, qtbot) -> None:
    window, controller = open_at(hub, open_window)
    legacy = write_tiny_model(tmp_path / "legacy.gguf", n_expert=4, legacy=True)
    controller.models.add_file(legacy)
    qtbot.waitUntil(lambda: window.notice.isVisible() and "legacy.gguf" in window.notice.text())
    button = next(each for each in window.notice.findChildren(QPushButton) if each.text() == "Convert…")
    button.click()
    dialog = window.findChild(ModelsPage)
    assert dialog is not None
    assert dialog.isVisible()
