"""Make the pictures of the READMEs by driving the real window: run it when something that they show has changed.

    python packaging/screenshots.py              all of them, into resources/pictures
    python packaging/screenshots.py NAME ...     these alone; their names are those of the files

The window, the store and everything behind them are real, over a folder that is made for each picture.  Pretended are
the PC (two cards, its RAM and disk) and the conversations (``pictured.py``), so that a picture changes only where the
program does; one that comes out as it was is not written again.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "resources" / "pictures"
SIZE = (1280, 860)
SHADOW = 24
SETTLED, POLL_S, PATIENCE_S = 4, 0.12, 60.0
CARDS = "23.54,23.54"
GIB = 1 << 30
RAM = (64 * GIB, 56 * GIB)
"""Of the pretended PC: all of it, and what is available."""


def prepare(folder: Path) -> None:
    """An empty home for this process, a screen that is large enough, and the PC that is pretended.  Before Qt."""
    screens = folder / "screens.json"
    screen = {"name": "one", "x": 0, "y": 0, "width": 1920, "height": 1200, "logicalDpi": 96, "logicalBaseDpi": 96}
    screens.write_text(json.dumps({"screens": [{**screen, "dpr": 1}]}), "utf-8")
    # What the export proposes is a path that anybody might have.
    (folder / "user-dirs.dirs").write_text('XDG_DOCUMENTS_DIR="/home/ada/Documents"\n', "utf-8")
    os.environ.update(
        QT_QPA_PLATFORM=f"offscreen:configfile={screens}",
        QT_SCALE_FACTOR="1",
        HOME=str(folder),
        XDG_CONFIG_HOME=str(folder),
        XDG_DATA_HOME=str(folder),
        LANG="C.UTF-8",
        APUS_CHAT_GPUS=CARDS,
    )


@contextmanager
def pretended_pc() -> Iterator[None]:
    """RAM, its speed and the disk as an ordinary PC has them: whatever machine makes the pictures."""
    import shutil

    from model_manager import devices

    ram = devices.Memory(RAM[0], RAM[1], 0, 0)
    host = devices.HostMemory(RAM[1], bandwidth=60e9, cores=8)
    disk = shutil.disk_usage(ROOT)._replace(total=1000 * GIB, used=388 * GIB, free=612 * GIB)
    with (
        mock.patch("app.planning.machine.read_host", lambda **_: host),
        mock.patch("ui.model_fits.read_memory", lambda: ram),
        mock.patch("ui.plan_dialog.read_memory", lambda: ram),
        mock.patch("shutil.disk_usage", lambda _path: disk),
    ):
        yield


class Studio:
    """One window over a data folder of its own, and the hands that bring it to what a picture shows."""

    def __init__(self, folder: Path, language: str, theme: str, *, is_first_start: bool = False) -> None:
        from PySide6.QtWidgets import QApplication

        from app.paths import DataFolder
        from app.services import build_services
        from ui.appearance import Appearance
        from ui.main_window import MainWindow

        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.language = language
        self.services = build_services(DataFolder(folder))
        self.services.settings.change(language=language, theme=theme)
        if not is_first_start:
            self._fill(folder)
        self._appearance = Appearance(application, self.services.settings.now)
        self.window = MainWindow(self.services.settings, self._appearance)
        self.window.resize(*SIZE)
        self.window.show()
        self.workspace = self.window.start(self.services)

    def _fill(self, folder: Path) -> None:
        from pictured import HOME_MODEL, conversations
        from tests.rigs.apus_shapes import write_shape

        # A file of the full shape that is a hole: 1.6 MB on the disk.
        path = folder / f"{HOME_MODEL}.gguf"
        write_shape(path, "IQ3_XXS")
        model = self.services.library.register(path)
        self.services.settings.change(model_id=model.id)
        self.services.store.merge(conversations(self.language))

    def open(self, conversation_id: str) -> None:
        """Show a conversation."""
        self.workspace.models._fits_now()
        self.workspace.open_conversation(conversation_id)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing moves any more."""
        from PySide6.QtCore import QThreadPool
        from PySide6.QtWidgets import QApplication

        before, same, until = b"", 0, time.monotonic() + PATIENCE_S
        while same < SETTLED:
            if time.monotonic() > until:
                sys.exit("the window does not come to rest")
            deadline = time.monotonic() + POLL_S
            while time.monotonic() < deadline:
                QApplication.processEvents()
                time.sleep(0.005)
            now = bytes_of(self.picture())
            is_idle = QThreadPool.globalInstance().activeThreadCount() == 0
            same = same + 1 if now == before and is_idle else 0
            before = now

    def picture(self) -> object:
        """The window, with the dialogs that are open over it."""
        from PySide6.QtWidgets import QApplication, QDialog

        image = self.window.grab().toImage()
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, QDialog) and dialog.isVisible():
                image = laid_over(image, dialog.grab().toImage(), self._appearance.theme)
        return image

    def close(self) -> None:
        """End everything behind it."""
        from PySide6.QtCore import QCoreApplication, QEvent, QThreadPool

        self.window.quit()
        QThreadPool.globalInstance().waitForDone()
        self.services.close()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def laid_over(image: object, dialog: object, theme: object) -> object:
    """A dialog in the middle of the window, on a soft shadow."""
    from PySide6.QtCore import QPointF, QRectF, Qt
    from PySide6.QtGui import QColor, QPainter

    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    place = QPointF((image.width() - dialog.width()) // 2, (image.height() - dialog.height()) // 2)
    rect = QRectF(place, dialog.size())
    painter.setPen(Qt.PenStyle.NoPen)
    for step in range(SHADOW, 0, -1):
        painter.setBrush(QColor(0, 0, 0, 3))
        painter.drawRoundedRect(rect.adjusted(-step, -step + 6, step, step + 6), step, step)
    painter.drawImage(place, dialog)
    painter.setPen(QColor(theme.hairline))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))
    painter.end()
    return image


def bytes_of(image: object) -> bytes:
    """All its pixels."""
    from PySide6.QtGui import QImage

    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    return bytes(rgb.constBits())


# What the pictures show ----------------------------------------------------------------------------------------------


def conversation(studio: Studio) -> None:
    from pictured import shown

    studio.open(shown(studio.language))


def branches(studio: Studio) -> None:
    from pictured import branched
    from PySide6.QtTest import QTest

    studio.open(branched())
    transcript = studio.workspace.transcript
    top = dict(transcript.page.visible)[1]
    view = transcript.page.view(1)
    row = max((button.rect.center().y() for button in view.buttons), default=view.height - 10)
    QTest.mouseMove(transcript.viewport(), transcript.viewport().rect().center())
    point = transcript.viewport().rect().center()
    point.setY(round(top + row - 40))
    QTest.mouseMove(transcript.viewport(), point)


def models(studio: Studio) -> None:
    conversation(studio)
    studio.workspace.models.show_dialog()


def plan(studio: Studio) -> None:
    conversation(studio)
    studio.workspace.models.show_plan(studio.workspace.models.model_id(), studio.workspace.models.name())


def first_start(studio: Studio) -> None:
    studio.settle()


def servers(studio: Studio) -> None:
    conversation(studio)
    known = studio.services.servers.known
    known.add("http://192.168.1.20:8000/v1", "vLLM in the cellar", models=("Qwen3-235B-A22B", "APUS-xDAN-4.0-MoE"))
    known.add("http://127.0.0.1:11434/v1", "Ollama", models=("llama3.2:3b",))
    studio.workspace.show_settings("servers")


def search(studio: Studio) -> None:
    conversation(studio)
    studio.window.sidebar.search.setFocus()
    studio.window.sidebar.search.setText("bandwidth")


def export(studio: Studio) -> None:
    from pictured import shown

    conversation(studio)
    studio.workspace.show_export((shown(studio.language),))


def narrow(studio: Studio) -> None:
    studio.window.resize(560, SIZE[1])
    conversation(studio)


@dataclass(frozen=True)
class Picture:
    """One picture: how to come to it, and in which language and theme."""

    show: Callable[[Studio], None]
    language: str = "en"
    theme: str = "light"


PICTURES = {
    "conversation-light": Picture(conversation),
    "conversation-zh-dark": Picture(conversation, "zh_CN", "dark"),
    "branches-light": Picture(branches),
    "models-light": Picture(models),
    "models-zh-light": Picture(models, "zh_CN"),
    "plan-light": Picture(plan),
    "plan-zh-light": Picture(plan, "zh_CN"),
    "first-start-light": Picture(first_start),
    "first-start-zh-light": Picture(first_start, "zh_CN"),
    "servers-light": Picture(servers),
    "search-light": Picture(search),
    "export-light": Picture(export),
    "narrow-light": Picture(narrow),
}


def take(name: str, folder: Path) -> None:
    """Make one picture and write it, unless it is there as it is."""
    from PySide6.QtGui import QImage, QImageWriter

    picture = PICTURES[name]
    studio = Studio(folder, picture.language, picture.theme, is_first_start=picture.show is first_start)
    try:
        picture.show(studio)
        studio.settle()
        image = studio.picture().convertToFormat(QImage.Format.Format_RGB888)
    finally:
        studio.close()
    path = FOLDER / f"{name}.png"
    if bytes_of(QImage(str(path))) == bytes_of(image):
        print(f"{name}: as it was")
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
        from PySide6.QtWidgets import QApplication

        application = QApplication(["apus-chat"])
        application.setCursorFlashTime(0)
        with pretended_pc():
            for name in names or PICTURES:
                take(name, Path(folder) / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
