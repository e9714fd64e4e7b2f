"""Icons from the SVG files in ``resources/icons``, whose ``currentColor`` is replaced by a colour of the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPaintEvent, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from app.config.paths import resources
from ui.widgets.theme import current_theme

SIZE = 18
DISABLED_OPACITY = 0.4


@lru_cache(maxsize=64)
def _svg(name: str) -> str:
    return (resources() / "icons" / f"{name}.svg").read_text("utf-8")


def pixmap(name: str, colour: str, size: int = SIZE, ratio: float = 1.0, opacity: float = 1.0) -> QPixmap:
    """Return an icon as a pixmap for this device pixel ratio; ``colour`` is a role of the theme or ``#rrggbb``."""
    colour = colour if colour.startswith("#") else getattr(current_theme(), colour)
    key = f"icon {name} {colour} {size} {ratio} {opacity}"
    image = QPixmap()
    if QPixmapCache.find(key, image):
        return image
    image = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    if image.isNull():
        # In a widget that has no size yet.
        return image
    image.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", colour).encode()))
    painter = QPainter(image)
    painter.setOpacity(opacity)
    renderer.render(painter, QRectF(image.rect()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, image)
    return image


def icon(name: str, colour: str = "quiet_text", size: int = SIZE) -> QIcon:
    """Return an icon of at most ``size`` pixels, paler for disabled controls.

    ``colour`` is a role of the theme, which the icon then follows, or ``#rrggbb``.
    """
    return QIcon(_SvgIconEngine(name, colour, size))


_clones: list[QIconEngine] = []
"""Qt owns them, but PySide would delete those that Python does not reference."""


class _SvgIconEngine(QIconEngine):
    """Draws the icon when it is painted, for the pixel ratio of the screen and in the current theme."""

    def __init__(self, name: str, colour: str, size: int) -> None:
        super().__init__()
        self._name, self._colour, self._size = name, colour, size

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        picture = self.scaledPixmap(rect.size(), mode, state, painter.device().devicePixelRatioF())
        place = QRect(QPoint(), picture.deviceIndependentSize().toSize())
        place.moveCenter(rect.center())
        painter.drawPixmap(place, picture)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, _state: QIcon.State, scale: float) -> QPixmap:
        opacity = DISABLED_OPACITY if mode is QIcon.Mode.Disabled else 1.0
        return pixmap(self._name, self._colour, min(size.width(), size.height(), self._size), scale, opacity)

    def actualSize(self, size: QSize, _mode: QIcon.Mode, _state: QIcon.State) -> QSize:
        return size.boundedTo(QSize(self._size, self._size))

    def clone(self) -> QIconEngine:
        made = _SvgIconEngine(self._name, self._colour, self._size)
        _clones.append(made)
        return made


class IconLabel(QWidget):
    """An icon alone; ``colour`` is as for ``icon``."""

    def __init__(self, name: str, colour: str, size: int = SIZE) -> None:
        super().__init__()
        self.setFixedSize(size, size)
        self.set_icon(name, colour)

    def set_icon(self, name: str, colour: str) -> None:
        """Show another icon."""
        self._name, self._colour = name, colour
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the icon."""
        painter = QPainter(self)
        size = min(self.width(), self.height())
        place = QRect((self.width() - size) // 2, (self.height() - size) // 2, size, size)
        painter.drawPixmap(place, pixmap(self._name, self._colour, size, self.devicePixelRatioF()))
        painter.end()
