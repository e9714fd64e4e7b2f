"""What stands above the text of a message: a line with words across the page, and the files that came with it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from ui.transcript.buttons import CHIP_AROUND, Button, Look
from ui.transcript.item import ATTACHMENT, Item, Words
from ui.transcript.style import TextStyle

DIVIDER_ABOVE, DIVIDER_BELOW = 16, 18
DIVIDER_SHARE = 0.84
"""How much of the width its words may take; the rest is line."""
CHIP_HEIGHT, CHIP_MOST, CHIP_SPACE = 30, 340, 8


class Divider:
    """A line with words on it, or nothing."""

    def __init__(self) -> None:
        self._words = ""
        self._width = 0.0
        self._rect = QRectF()

    def lay_out(self, words: str, style: TextStyle, width: float) -> float:
        """Find its place; returns the bottom."""
        self._words, self._width = words, width
        if not words:
            return 0.0
        room = QRectF(0, 0, width * DIVIDER_SHARE, 10_000)
        text = style.small_metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft), words)
        self._rect = QRectF((width - text.width()) / 2 - 1, DIVIDER_ABOVE, text.width() + 2, text.height())
        return self._rect.bottom() + DIVIDER_BELOW

    def paint(self, painter: QPainter, style: TextStyle) -> None:
        """Draw it."""
        if not self._words:
            return
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        painter.drawText(self._rect, int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter), self._words)
        middle, space = round(self._rect.center().y()), 14
        for left, right in ((0.0, self._rect.left() - space), (self._rect.right() + space, self._width)):
            painter.fillRect(QRectF(left, middle, max(0.0, right - left), 1), style.colour("edge"))


def chips(item: Item, words: Words, style: TextStyle, top: float, width: float) -> list[Button]:
    """The attachments of a question in rows at the right; a click asks for one of them."""
    made: list[Button] = []
    sizes = [
        min(style.scaled(CHIP_MOST), width, style.small_metrics.horizontalAdvance(label) + style.icon + CHIP_AROUND)
        for label in item.attachments
    ]
    first, y, height = 0, top, style.scaled(CHIP_HEIGHT)
    while first < len(sizes):
        last, room = first, -float(CHIP_SPACE)
        while last < len(sizes) and room + CHIP_SPACE + sizes[last] <= width:
            room += CHIP_SPACE + sizes[last]
            last += 1
        x = width - room
        for number in range(first, last):
            label = item.attachments[number]
            rect = QRectF(x, y, sizes[number], height)
            tip = words.attachment.format(name=label)
            made.append(Button(f"action:{ATTACHMENT}{number}", rect, "attachment", label, tip, True, Look.CHIP))
            x += sizes[number] + CHIP_SPACE
        first, y = last, y + height + CHIP_SPACE
    return made
