"""Take the pictures of the documents from the real window.

    python packaging/screenshots.py              all pictures, into resources/pictures
    python packaging/screenshots.py NAME ...     only these, named as the files

The window and the store are real, with a new data folder for each picture.  The PC (two GPUs, RAM, disk) is simulated
and the conversations are from ``pictured.py``, so that a picture changes only with the program.  Unchanged pictures are
not written.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pictured import FORMULA, HOME_MODEL, branched, conversations, shown
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, Qt, QThreadPool
from PySide6.QtGui import QColor, QCursor, QImage, QImageWriter, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog

from app.config.paths import DataFolder
from app.config.settings import Settings
from app.engine.device_probe import plan_devices
from app.engine.protocol import Device, DeviceList
from app.planning.machine import Machine
from app.servers.protocol import ServedModel
from app.services import Services
from model_manager.devices.devices import HostMemory
from tests.rigs.apus_shapes import write_shape
from tests.rigs.fake_hub import FakeHub
from tests.rigs.open_model_files import publish_open_models
from ui.settings.page import SettingsPage
from ui.widgets.appearance import Appearance
from ui.widgets.theme import Theme, prepare_fonts
from ui.window.controller import WindowController
from ui.window.main_window import MainWindow

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "pictures"
SIZE = (1280, 860)
SHADOW = 20
SETTLED, POLL_S, PATIENCE_S = 4, 0.12, 60.0
GIB = 1 << 30
ALL_RAM, FREE_RAM = 64 * GIB, 56 * GIB
GPU, GPU_BYTES, GPU_FREE = "NVIDIA GeForce RTX 4090", 24564 << 20, round(23.54 * GIB)
DOCUMENTS = Path("/home/ada/Documents")


def prepare(folder: Path) -> None:
    """Set an empty home folder and a large screen, before the application is created."""
    screens = folder / "screens.json"
    screen = {"name": "one", "x": 0, "y": 0, "width": 1920, "height": 1200, "logicalDpi": 96, "logicalBaseDpi": 96}
    screens.write_text(json.dumps({"screens": [{**screen, "dpr": 1}]}), "utf-8")
    os.environ.update(
        QT_QPA_PLATFORM=f"offscreen:configfile={screens}",
        QT_SCALE_FACTOR="1",
        HOME=str(folder),
        XDG_CONFIG_HOME=str(folder),
        XDG_DATA_HOME=str(folder),
        LANG="C.UTF-8",
    )


@contextmanager
def simulated_pc() -> Iterator[None]:
    """Simulate a PC with two GPUs, its RAM, disk and documents folder."""
    gpus = tuple(Device(f"CUDA{n}", GPU_FREE, GPU_BYTES, backend="CUDA", description=GPU) for n in range(2))
    machine = Machine(
        devices=plan_devices(gpus),
        engine=DeviceList(gpus, "llama.cpp", ("CPU", "CUDA")),
    )
    host = HostMemory(FREE_RAM, bandwidth=60e9, cores=8, total_bytes=ALL_RAM)
    disk = shutil.disk_usage(FOLDER)._replace(total=1000 * GIB, used=388 * GIB, free=612 * GIB)
    with (
        mock.patch("app.planning.machine.MachineReader.read", return_value=machine),
        mock.patch("app.planning.machine.read_host", return_value=host),
        mock.patch("ui.export.dialog.documents_folder", return_value=DOCUMENTS),
        mock.patch("shutil.disk_usage", return_value=disk),
    ):
        yield


@dataclass(frozen=True)
class Picture:
    """A picture: the function that prepares it, its language and theme, and the content of the window."""

    show: Callable[[Studio], None]
    language: str = "en"
    theme: str = "light"
    has_conversations: bool = True
    has_home_model: bool = True


class Studio:
    """A window with its own data folder, and the actions that prepare a picture."""

    def __init__(self, application: QApplication, folder: Path, picture: Picture) -> None:
        self.language = picture.language
        self.services = Services(DataFolder(folder))
        self.services.settings.change(language=picture.language, theme=picture.theme)
        if picture.has_conversations:
            self.services.store.merge(conversations(picture.language))
            model_id = "starter"
            if picture.has_home_model:
                # A sparse file of the full shape, 1.6 MB on disk.
                path = folder / f"{HOME_MODEL}.gguf"
                write_shape(path, "IQ3_XXS")
                model_id = self.services.library.register(path).id
            self.services.settings.change(model_id=model_id)
        self._appearance = Appearance(application, self.services.settings.current)
        self.window = MainWindow(self.services.settings, self._appearance)
        self.window.resize(*SIZE)
        self.window.show()
        self.controller = WindowController(self.services, self.window)
        self.controller.complete_start()

    def open(self, conversation_id: str) -> None:
        """Show a conversation."""
        self.controller.models.request_advice()
        self.controller.conversation.open(conversation_id)
        self.settle()

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Process events until a condition holds."""
        until = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > until:
                sys.exit("the window did not reach the state of the picture")
            QApplication.processEvents()
            time.sleep(0.005)

    def settle(self) -> None:
        """Wait until nothing changes any more."""
        self.wait_for(self._is_settled)

    def _is_settled(self) -> bool:
        before = bytes_of(self.picture())
        for _ in range(SETTLED):
            until = time.monotonic() + POLL_S
            self.wait_for(lambda until=until: time.monotonic() > until)
            if QThreadPool.globalInstance().activeThreadCount() or bytes_of(self.picture()) != before:
                return False
        return True

    def picture(self) -> QImage:
        """Return the window with its open dialogs."""
        image = self.window.grab().toImage()
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, QDialog) and dialog.isVisible():
                image = overlay(image, dialog.grab().toImage(), self._appearance.theme)
        return image

    def close(self) -> None:
        """Close the window and its services."""
        self.window.quit()
        QThreadPool.globalInstance().waitForDone()
        self.services.close()
        self._appearance.use(Settings(language="en"))
        QCursor.setPos(0, 0)
        self.window.deleteLater()
        self._appearance.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def overlay(image: QImage, dialog: QImage, theme: Theme) -> QImage:
    """Draw a dialog with a shadow in the middle of the window."""
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    place = QPointF((image.width() - dialog.width()) // 2, (image.height() - dialog.height()) // 2)
    rect = QRectF(place, dialog.size())
    painter.setPen(Qt.PenStyle.NoPen)
    for step in range(SHADOW, 0, -1):
        painter.setBrush(QColor(0, 0, 0, 2))
        painter.drawRoundedRect(rect.adjusted(-step, -step + 6, step, step + 6), step, step)
    painter.drawImage(place, dialog)
    painter.setPen(QColor(theme.hairline))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))
    painter.end()
    return image


def bytes_of(image: QImage) -> bytes:
    """Return all pixels; none for a missing picture."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    return b"" if rgb.isNull() else bytes(rgb.constBits())


# Pictures ------------------------------------------------------------------------------------------------------------


def conversation(studio: Studio) -> None:
    studio.open(shown(studio.language))
    # Rendered in a child process.
    studio.wait_for(lambda: studio.services.formula_renderer.is_known(FORMULA, True))
    studio.settle()


def branches(studio: Studio) -> None:
    studio.open(branched())
    transcript = studio.controller.transcript
    top = dict(transcript.page.visible)[1]
    view = transcript.page.view(1)
    row = max((button.rect.center().y() for button in view.buttons), default=view.height - 10)
    QTest.mouseMove(transcript.viewport(), transcript.viewport().rect().center())
    point = transcript.viewport().rect().center()
    point.setY(round(top + row - 40))
    QTest.mouseMove(transcript.viewport(), point)


@contextmanager
def simulated_hub(studio: Studio) -> Iterator[None]:
    """Publish the open models on a hub of this process."""
    with FakeHub() as hub, tempfile.TemporaryDirectory(prefix="apus-chat-hub-") as folder:
        publish_open_models(hub, Path(folder))
        studio.services.settings.change(endpoint=hub.url, authority=hub.url, proxy="none")
        yield


def models(studio: Studio) -> None:
    conversation(studio)
    with simulated_hub(studio):
        studio.controller.models.show_page()
        studio.settle()


def plan(studio: Studio) -> None:
    conversation(studio)
    with simulated_hub(studio):
        studio.controller.models.show_plan_of_selected()
        studio.settle()


def first_start(studio: Studio) -> None:
    studio.settle()


def served(*names: str) -> list[ServedModel]:
    return [ServedModel(name, "chat", None) for name in names]


def servers(studio: Studio) -> None:
    conversation(studio)
    known = studio.services.servers
    known.add(
        "http://192.168.1.20:8000/v1", "vLLM in the cellar", models=served("Qwen3-235B-A22B", "APUS-xDAN-4.0-MoE")
    )
    known.add("http://127.0.0.1:11434/v1", "Ollama", models=served("llama3.2:3b"))
    studio.controller.show_settings()
    studio.settle()
    page = studio.window.findChild(SettingsPage)
    assert page is not None
    index = page.servers.provider.findText("DeepSeek")
    page.servers.provider.setCurrentIndex(index)
    page.servers.provider.activated.emit(index)
    # Rows get their heights when they become visible.
    for section in ("devices", "servers"):
        studio.controller.show_settings(section)
        studio.settle()


def search(studio: Studio) -> None:
    conversation(studio)
    field = studio.window.sidebar.search
    field.setFocus()
    field.setText("bandwidth")
    studio.settle()
    QTest.keyClick(field, Qt.Key.Key_Return)
    studio.settle()
    field.setFocus()


def export(studio: Studio) -> None:
    conversation(studio)
    studio.controller.show_export((shown(studio.language),))


def narrow(studio: Studio) -> None:
    studio.window.resize(560, SIZE[1])
    conversation(studio)


PICTURES = {
    "conversation-light": Picture(conversation),
    "conversation-zh-dark": Picture(conversation, "zh_CN", "dark"),
    "branches-light": Picture(branches),
    "models-light": Picture(models, has_home_model=False),
    "models-zh-light": Picture(models, "zh_CN", has_home_model=False),
    "plan-light": Picture(plan),
    "plan-zh-light": Picture(plan, "zh_CN"),
    "first-start-light": Picture(first_start, has_conversations=False),
    "first-start-zh-light": Picture(first_start, "zh_CN", has_conversations=False),
    "servers-light": Picture(servers),
    "search-light": Picture(search),
    "export-light": Picture(export),
    "narrow-light": Picture(narrow),
}


def take(application: QApplication, name: str, folder: Path) -> None:
    """Take one picture and write it if it has changed."""
    studio = Studio(application, folder, PICTURES[name])
    try:
        PICTURES[name].show(studio)
        studio.settle()
        image = studio.picture().convertToFormat(QImage.Format.Format_RGB888)
    finally:
        studio.close()
    path = FOLDER / f"{name}.png"
    if bytes_of(QImage(str(path))) == bytes_of(image):
        print(f"{name}: unchanged")
        return
    writer = QImageWriter(str(path), b"png")
    writer.setCompression(100)
    if not writer.write(image):
        sys.exit(f"{path}: {writer.errorString()}")
    print(f"{name}: {path.stat().st_size // 1000} kB")


def main(names: list[str]) -> int:
    unknown = set(names) - set(PICTURES)
    if unknown:
        print(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="apus-chat-pictures-") as folder:
        prepare(Path(folder))

        prepare_fonts()
        application = QApplication(["apus-chat"])
        application.setCursorFlashTime(0)
        with simulated_pc():
            for name in names or PICTURES:
                take(application, name, Path(folder) / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
