"""Dialog with a picture in the size of the window, to be saved or copied."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QGuiApplication, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QDialog, QSizePolicy, QWidget

from app.conversation import Attachment, Picture
from app.units import grouped, size_text
from model_manager.disk.files import write_atomically
from ui.pictures.thumbnails import decoded, fitted
from ui.widgets.dialog_parts import MARGIN, StatusLine, arrange, button, heading, quiet_label
from ui.widgets.file_dialogs import ask_for_file, documents_folder
from ui.widgets.layouts import vbox

WINDOW_SHARE = 0.9
"""Share of the window that the dialog takes at most."""
LEAST_SIZE = 420, 320


class PictureViewer(QDialog):
    """A picture with buttons that save and copy it."""

    def __init__(self, attachment: Attachment, picture: Picture, parent: QWidget) -> None:
        super().__init__(parent)
        self._picture = picture
        self.setObjectName("pictureViewer")
        self.setWindowTitle(attachment.name)
        self.setAccessibleName(self.tr("Picture {name}").format(name=attachment.name))
        self.canvas = _Canvas(picture)
        self.canvas.setAccessibleName(attachment.name)
        size = self.tr("{width} × {height} pixels, {bytes}").format(
            width=grouped(picture.width), height=grouped(picture.height), bytes=size_text(len(picture.data))
        )
        self._status = StatusLine("pictureStatus")
        save = button("savePictureButton", self.tr("Save as…"))
        copy = button("copyPictureButton", self.tr("Copy"))
        close = button("closeButton", self.tr("Close"))
        items = heading(attachment.name), 4, quiet_label(size), 12, (self.canvas, 1)
        arrange(self, vbox(*items, margins=(MARGIN, MARGIN, MARGIN, 16)), self._status, save, copy, close)
        save.clicked.connect(self._choose_file)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setImage(self.canvas.image))
        close.clicked.connect(self.accept)
        close.setFocus()
        room = parent.window().size() * WINDOW_SHARE
        wanted = QSize(picture.width + 2 * MARGIN, picture.height + 160)
        self.resize(wanted.boundedTo(room).expandedTo(QSize(*LEAST_SIZE)))

    def _choose_file(self) -> None:
        suffix = ".png" if self._picture.media_type == "image/png" else ".jpg"
        place = documents_folder() / Path(self.windowTitle()).with_suffix(suffix).name
        ask_for_file(self, self.tr("Save as"), "", self._save, save_as=place)

    def _save(self, path: Path) -> None:
        if self._status.attempt(partial(write_atomically, path, self._picture.data)):
            self._status.show_message(self.tr("Saved as {name}.").format(name=path.name))


class _Canvas(QWidget):
    """The picture in the middle, scaled down to the space."""

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture
        self.image: QImage = decoded(picture)
        self._shown = QPixmap()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture."""
        size, ratio = fitted(self._picture, self.width(), self.height()), self.devicePixelRatioF()
        if self._shown.size() != size * ratio:
            self._shown = QPixmap.fromImage(decoded(self._picture, size * ratio))
            self._shown.setDevicePixelRatio(ratio)
        painter = QPainter(self)
        place = QRect(QPoint(), size)
        place.moveCenter(self.rect().center())
        painter.drawPixmap(place, self._shown)
        painter.end()
