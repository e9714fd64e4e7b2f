"""Pictures of messages as images: decoded in threads, in the size in which they are shown, and cached by Qt."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader, QPixmap, QPixmapCache

from app.conversation import Picture
from ui.widgets.job import run_job


def decoded(picture: Picture, size: QSize | None = None) -> QImage:
    """Return the picture, scaled to a size; a null image where it is damaged.

    Its size and format are those of its header: ``app.bounds`` lets no other picture in.
    """
    buffer = QBuffer()
    buffer.setData(QByteArray(picture.data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(picture.media_type.removeprefix("image/").encode()))
    if size is not None:
        reader.setScaledSize(size)
    image = reader.read()
    if size is not None and not image.isNull() and image.size() != size:
        image = image.scaled(size, mode=Qt.TransformationMode.SmoothTransformation)
    return image


def fitted(picture: Picture, width: float, height: float) -> QSize:
    """Return the size in which a picture fits into a rectangle; a smaller picture keeps its own."""
    share = min(1.0, width / max(1, picture.width), height / max(1, picture.height))
    return QSize(max(1, round(picture.width * share)), max(1, round(picture.height * share)))


class Thumbnails(QObject):
    """Small versions of pictures.  ``QPixmapCache`` bounds their memory."""

    ready = Signal()
    """Pictures that were asked for can be shown, or have turned out to be damaged."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pending = set[str]()
        self._damaged = set[str]()

    def pixmap(self, picture: Picture, size: QSize, ratio: float) -> QPixmap | None:
        """Return a picture in a size; None while it is decoded, and a null pixmap where it is damaged."""
        # Python keeps the hash of bytes.
        key = f"thumbnail {hash(picture.data)} {len(picture.data)} {size.width()} {size.height()} {ratio}"
        found = QPixmap()
        if QPixmapCache.find(key, found) or key in self._damaged:
            return found
        if key not in self._pending:
            self._pending.add(key)
            run_job(self, partial(decoded, picture, size * ratio), partial(self._keep, key, ratio), lambda _error: None)
        return None

    def _keep(self, key: str, ratio: float, image: QImage) -> None:
        self._pending.discard(key)
        if image.isNull():
            self._damaged.add(key)
        else:
            pixmap = QPixmap.fromImage(image)
            pixmap.setDevicePixelRatio(ratio)
            QPixmapCache.insert(key, pixmap)
        self.ready.emit()
