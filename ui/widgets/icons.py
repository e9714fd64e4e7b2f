"""Icons of one family, drawn as SVG in ``resources/icons`` and coloured by role when they are made.

A drawing says ``currentColor`` where its colour goes; the caller says which colour that is, so an icon made for one
theme is made again for another.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from app.config.paths import resources

SIZE = 18
RATIOS = (1.0, 1.25, 1.5, 2.0, 3.0)
"""Device pixel ratios drawn ahead, as far as a screen has them: a stroke of 1.5 px is blurred when it is scaled."""
DISABLED_OPACITY = 0.4


@lru_cache(maxsize=64)
def _drawing(name: str) -> str:
    return (resources() / "icons" / f"{name}.svg").read_text("utf-8")


def names() -> list[str]:
    """Every icon there is."""
    return sorted(path.stem for path in (resources() / "icons").glob("*.svg"))


def pixmap(name: str, colour: str, size: int = SIZE, ratio: float = 1.0, opacity: float = 1.0) -> QPixmap:
    """One picture of an icon for a screen of this device pixel ratio."""
    key = f"icon {name} {colour} {size} {ratio} {opacity}"
    picture = QPixmap()
    if QPixmapCache.find(key, picture):
        return picture
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", colour).encode()))
    painter = QPainter(picture)
    painter.setOpacity(opacity)
    renderer.render(painter, QRectF(picture.rect()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, picture)
    return picture


def icon(name: str, colour: str, size: int = SIZE) -> QIcon:
    """An icon in ``colour``, paler where its control is disabled."""
    made = QIcon()
    for ratio in ratios_here():
        made.addPixmap(pixmap(name, colour, size, ratio), QIcon.Mode.Normal)
        made.addPixmap(pixmap(name, colour, size, ratio, DISABLED_OPACITY), QIcon.Mode.Disabled)
    return made


def ratios_here() -> list[float]:
    """The ratios of the screens, and those between: some desktops draw a window smaller and others larger."""
    screens = {screen.devicePixelRatio() for screen in QGuiApplication.screens()}
    most = max(screens, default=1.0)
    return sorted(screens | {ratio for ratio in RATIOS if ratio <= most})
