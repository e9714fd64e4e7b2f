"""Icons from the SVG files in ``resources/icons``, whose ``currentColor`` is replaced by a colour of the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from app.config.paths import resources
from ui.widgets.theme import current_theme

SIZE = 18
RATIOS = (1.0, 1.25, 1.5, 2.0, 3.0)
"""Device pixel ratios to draw for, up to that of the screens: scaling blurs a stroke of 1.5 px."""
DISABLED_OPACITY = 0.4
_PROPERTY = "themedIcon"


@lru_cache(maxsize=64)
def _svg(name: str) -> str:
    return (resources() / "icons" / f"{name}.svg").read_text("utf-8")


def pixmap(name: str, colour: str, size: int = SIZE, ratio: float = 1.0, opacity: float = 1.0) -> QPixmap:
    """Return an icon as a pixmap for this device pixel ratio."""
    key = f"icon {name} {colour} {size} {ratio} {opacity}"
    image = QPixmap()
    if QPixmapCache.find(key, image):
        return image
    image = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    image.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", colour).encode()))
    painter = QPainter(image)
    painter.setOpacity(opacity)
    renderer.render(painter, QRectF(image.rect()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, image)
    return image


def icon(name: str, colour: str, size: int = SIZE) -> QIcon:
    """Return an icon in ``colour``, paler for disabled controls."""
    made = QIcon()
    for ratio in _device_pixel_ratios():
        made.addPixmap(pixmap(name, colour, size, ratio), QIcon.Mode.Normal)
        made.addPixmap(pixmap(name, colour, size, ratio, DISABLED_OPACITY), QIcon.Mode.Disabled)
    return made


def set_icon(target: QAbstractButton | QAction | QLabel, name: str, role: str = "quiet_text", size: int = SIZE) -> None:
    """Show an icon in the colour of a role of ``Theme``; ``redraw_icons`` draws it again."""
    target.setProperty(_PROPERTY, (name, role, size))
    colour = getattr(current_theme(), role)
    if isinstance(target, QLabel):
        target.setPixmap(pixmap(name, colour, size, target.devicePixelRatioF()))
    else:
        target.setIcon(icon(name, colour, size))


def redraw_icons() -> None:
    """Draw all icons of ``set_icon`` again, after a change of the theme or of the screens."""
    for widget in QApplication.allWidgets():
        for target in (widget, *widget.actions()):
            if isinstance(target, QAbstractButton | QAction | QLabel) and (drawn := target.property(_PROPERTY)):
                set_icon(target, *drawn)


def _device_pixel_ratios() -> list[float]:
    """Return the ratios of the screens and those below: a desktop can scale a window down."""
    screens = {screen.devicePixelRatio() for screen in QGuiApplication.screens()}
    most = max(screens, default=1.0)
    return sorted(screens | {ratio for ratio in RATIOS if ratio <= most})
