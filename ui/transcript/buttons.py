"""The buttons of a message: spots of the page that are painted, not widgets, so that thousands cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from ui.transcript.style import TextStyle
from ui.widgets import icons

FRAME_AROUND, CHIP_AROUND = 30, 20
"""What a frame and a chip are wider than their icon and their label."""
LINE_ACROSS = 8
"""Free space left and right of a line that can be clicked."""


class Look(Enum):
    """How a button is drawn."""

    ICON = 0
    FRAME = 1
    """An icon and a label in a frame: what one does next."""
    CHIP = 2
    """An icon and a label on a ground: a thing that belongs to the message."""
    LINE = 3
    """Quiet words with the icon behind them."""


@dataclass(frozen=True)
class Button:
    """A spot that can be clicked."""

    key: str
    """``action:retry``, ``thought``, or ``code:2`` for the code of the third part."""
    rect: QRectF
    icon: str
    label: str
    tip: str
    always: bool
    """Whether it shows without the pointer near."""
    look: Look = Look.ICON

    @property
    def name(self) -> str:
        """What it is called where it cannot be seen."""
        return self.label if self.look is Look.LINE else self.tip or self.label


@dataclass(frozen=True)
class Touch:
    """What the pointer and the keyboard are at in one message: keys of buttons."""

    over: str = ""
    pressed: str = ""
    done: str = ""
    focused: str = ""


def paint_button(painter: QPainter, style: TextStyle, button: Button, touch: Touch) -> None:
    """Draw one button: quiet until the pointer is on it."""
    is_over, is_pressed = touch.over == button.key, touch.pressed == button.key
    shape = QPainterPath()
    shape.addRoundedRect(button.rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    if is_over:
        painter.fillPath(shape, style.colour("pressed" if is_pressed else "hover"))
    elif button.look is Look.CHIP:
        painter.fillPath(shape, style.colour("code_ground"))
    if button.look in {Look.FRAME, Look.CHIP}:
        painter.strokePath(shape, QPen(style.colour("hairline"), 1))
    icon = "check" if touch.done == button.key else button.icon
    match button.look:
        case Look.ICON:
            _paint_icon(painter, style, button, icon, button.rect.center().x() - style.icon / 2, is_over)
        case Look.FRAME:
            _paint_icon(painter, style, button, icon, button.rect.left() + 12, True)
            room = button.rect.adjusted(12 + style.icon + 6, 0, 0, 0)
            _paint_label(painter, style, room, button.label, "text")
        case Look.CHIP:
            _paint_icon(painter, style, button, icon, button.rect.left() + 8, is_over)
            room = button.rect.adjusted(8 + style.icon + 4, 0, -8, 0)
            label = style.small_metrics.elidedText(button.label, Qt.TextElideMode.ElideMiddle, room.width())
            _paint_label(painter, style, room, label, "text")
        case Look.LINE:
            room = button.rect.adjusted(LINE_ACROSS, 0, 0, 0)
            _paint_label(painter, style, room, button.label, "text" if is_over else "quiet_text")
            _paint_icon(painter, style, button, icon, button.rect.right() - style.icon - 4, is_over)
    if touch.focused == button.key:
        paint_ring(painter, style, button.rect)


def paint_ring(painter: QPainter, style: TextStyle, rect: QRectF) -> None:
    """The mark around what has the keyboard."""
    painter.strokePath(ring(rect), QPen(style.colour("accent"), 2))


def ring(rect: QRectF) -> QPainterPath:
    """The outline around what has the keyboard."""
    shape = QPainterPath()
    shape.addRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)
    return shape


def _paint_icon(painter: QPainter, style: TextStyle, button: Button, icon: str, left: float, strong: bool) -> None:
    colour = style.theme.text if strong else style.theme.quiet_text
    picture = icons.pixmap(icon, colour, style.icon, painter.device().devicePixelRatioF())
    painter.drawPixmap(QPointF(left, button.rect.center().y() - style.icon / 2), picture)


def _paint_label(painter: QPainter, style: TextStyle, room: QRectF, label: str, role: str) -> None:
    painter.setFont(style.small_font)
    painter.setPen(style.colour(role))
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, label)
