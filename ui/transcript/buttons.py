"""Buttons of a message: painted areas of the page, not widgets, so that thousands of them cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from ui.transcript.style import TextStyle
from ui.widgets import icons

FRAME_PADDING, CHIP_PADDING, LINE_PADDING = 30, 20, 8
"""Horizontal padding around a button's icon and label; for a line, the space on either side."""


class Look(Enum):
    """How a button is drawn."""

    ICON = 0
    FRAME = 1
    """Icon and label in a frame: a suggested next action."""
    CHIP = 2
    """Icon and label on a background: an attachment."""
    LINE = 3
    """Quiet text with the icon after it."""


@dataclass(frozen=True)
class Button:
    """An area that can be clicked."""

    key: str
    """``action:retry``, ``thought``, or ``code:2`` for the code of the third part."""
    rect: QRectF
    icon: str
    label: str
    tip: str
    always: bool
    """Whether it is shown without the pointer near."""
    look: Look = Look.ICON

    @property
    def name(self) -> str:
        """Accessible name."""
        return self.label if self.look is Look.LINE else self.tip or self.label


@dataclass(frozen=True)
class ButtonStates:
    """Keys of the buttons of one message that look different: hovered, pressed, just used, with keyboard focus."""

    hovered: str = ""
    pressed: str = ""
    done: str = ""
    focused: str = ""


def paint_button(painter: QPainter, style: TextStyle, button: Button, states: ButtonStates) -> None:
    """Draw one button: quiet until it is hovered."""
    hovered, rect = states.hovered == button.key, button.rect
    shape = QPainterPath()
    shape.addRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    if hovered:
        painter.fillPath(shape, style.colour("pressed" if states.pressed == button.key else "hover"))
    elif button.look is Look.CHIP:
        painter.fillPath(shape, style.colour("code_ground"))
    if button.look in {Look.FRAME, Look.CHIP}:
        painter.strokePath(shape, QPen(style.colour("hairline"), 1))
    label_rect, strong, role = rect, hovered, "text"
    match button.look:
        case Look.ICON:
            left = rect.center().x() - style.icon / 2
        case Look.FRAME:
            left, strong = rect.left() + 12, True
            label_rect = rect.adjusted(12 + style.icon + 6, 0, 0, 0)
        case Look.CHIP:
            left = rect.left() + 8
            label_rect = rect.adjusted(8 + style.icon + 4, 0, -8, 0)
        case Look.LINE:
            left, role = rect.right() - style.icon - 4, "text" if hovered else "quiet_text"
            label_rect = rect.adjusted(LINE_PADDING, 0, 0, 0)
    if button.label:
        label = button.label
        if button.look is Look.CHIP:
            label = style.small_metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, label_rect.width())
        painter.setFont(style.small_font)
        painter.setPen(style.colour(role))
        painter.drawText(label_rect, Qt.AlignmentFlag.AlignVCenter, label)
    colour = style.theme.text if strong else style.theme.quiet_text
    icon = "check" if states.done == button.key else button.icon
    picture = icons.pixmap(icon, colour, style.icon, painter.device().devicePixelRatioF())
    painter.drawPixmap(QPointF(left, rect.center().y() - style.icon / 2), picture)
    if states.focused == button.key:
        paint_ring(painter, style, rect)


def paint_ring(painter: QPainter, style: TextStyle, rect: QRectF, width: float = 2) -> None:
    """Draw the outline of the element with the keyboard focus, or of the current match."""
    shape = QPainterPath()
    shape.addRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)
    painter.strokePath(shape, QPen(style.colour("accent"), width))
