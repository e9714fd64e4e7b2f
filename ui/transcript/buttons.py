"""The buttons of a message: spots of the page that are painted, not widgets, so that thousands cost nothing."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from ui import icons
from ui.transcript.style import TextStyle

PICTURE = 16


@dataclass(frozen=True)
class Button:
    """A spot that can be clicked."""

    key: str
    """``action:retry``, or ``code:2`` for the code of the third part."""
    rect: QRectF
    icon: str
    label: str
    tip: str
    always: bool
    """Whether it shows without the pointer near."""


def paint_button(
    painter: QPainter, style: TextStyle, button: Button, is_over: bool, is_pressed: bool, is_done: bool
) -> None:
    """Draw one button: quiet until the pointer is on it, framed where it has a label."""
    shape = QPainterPath()
    shape.addRoundedRect(button.rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    if is_over:
        painter.fillPath(shape, style.colour("pressed" if is_pressed else "hover"))
    if button.label:
        painter.strokePath(shape, style.colour("hairline"))
    colour = style.theme.text if is_over or button.label else style.theme.quiet_text
    ratio = painter.device().devicePixelRatioF()
    picture = icons.pixmap("check" if is_done else button.icon, colour, PICTURE, ratio)
    left = button.rect.left() + (12 if button.label else (button.rect.width() - PICTURE) / 2)
    painter.drawPixmap(QPointF(left, button.rect.center().y() - PICTURE / 2), picture)
    if button.label:
        painter.setFont(style.small_font)
        painter.setPen(style.colour("text"))
        painter.drawText(button.rect.adjusted(34, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, button.label)
