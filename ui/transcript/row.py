"""The row below a message: what can be done with it, which of several versions it is, and a few quiet figures.

What is rarely wanted waits behind one button, so that the row stays calm.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from ui.transcript.buttons import FRAME_AROUND, Button, Look
from ui.transcript.item import ACTIONS, Item, Words
from ui.transcript.style import TextStyle
from ui.widgets import icons

FRAMED = ("continue", "retry", "begin", "roll")
"""What one does next with an answer that was not finished."""
RARE = ("fork", "details", "export", "pin", "delete")
ARROW = 22
FRAME_HEIGHT = 30
ICONS = {
    "begin": "new-chat",
    "details": "info",
    "delete": "trash",
    "previous": "chevron-left",
    "next": "chevron-right",
}
"""Where the icon is called otherwise than the action."""


def icon_of(name: str) -> str:
    """The icon of an action."""
    return ICONS.get(name, name)


def rare_actions(item: Item) -> list[str]:
    """What waits behind the last button of the row."""
    return [name for name in RARE if name in item.actions and not (name == "pin" and item.is_pinned)]


class Row:
    """The row of one message, laid out."""

    def __init__(self) -> None:
        self.buttons: list[Button] = []
        self.height = 0.0
        self._item: Item | None = None
        self._place = QRectF()
        self._figures = QRectF()
        self._pin = QRectF()
        self._idle: list[tuple[str, QRectF]] = []

    def lay_out(self, item: Item, words: Words, style: TextStyle, top: float, width: float) -> float:
        """Place everything; returns the bottom.  A question has its row at the right, the other way round."""
        self.buttons, self._idle, self._item = [], [], item
        self._place = self._pin = QRectF()
        names = [name for name in ACTIONS if name in item.actions]
        framed = [name for name in names if item.is_broken and name in FRAMED]
        side = style.action
        self.height = style.scaled(FRAME_HEIGHT) if framed else side
        step = -1 if item.is_question else 1
        shift = (side - style.icon) / 2
        first = width + shift if item.is_question else -shift
        x = 0.0 if framed else first

        def cell(room: float, height: float = side) -> QRectF:
            nonlocal x, top
            if abs(x - first) > shift and not -shift - 1 < x + step * room < width + shift + 1:
                x, top = first, top + self.height
            left = x if step > 0 else x - room
            x += step * room
            return QRectF(left, top + (self.height - height) / 2, room, height)

        for name in reversed(framed):
            room = style.small_metrics.horizontalAdvance(words.action(name)) + style.icon + FRAME_AROUND
            rect = cell(room, self.height)
            self.buttons.append(_button(name, rect, words, item, always=True, look=Look.FRAME))
            x += 8
        always = bool(framed)
        if item.is_pinned:
            self._pin = cell(side)
            if "pin" in names:
                self.buttons.append(_button("pin", self._pin, words, item, always=True))
                self._pin = QRectF()
        if item.place:
            x += step * 2
            arrows = ("previous", "next") if step > 0 else ("next", "previous")
            self._arrow(arrows[0], cell(style.scaled(ARROW)), words, item)
            self._place = cell(style.small_metrics.horizontalAdvance("{}/{}".format(*item.place)) + 4)
            self._arrow(arrows[1], cell(style.scaled(ARROW)), words, item)
            x += step * 6
        rare = rare_actions(item)
        quick = [name for name in names if name not in (*RARE, *framed, "previous", "next")]
        quick += rare if len(rare) == 1 else []
        for name in quick:
            self.buttons.append(_button(name, cell(side), words, item, always=always))
        if len(rare) > 1:
            self.buttons.append(Button("action:more", cell(side), "more", "", words.more, always))
        self._figures = QRectF() if item.is_question else QRectF(x + 8, top, width - x - 8, self.height)
        # The eye and the Tab key go from left to right.
        self.buttons.sort(key=lambda button: (round(button.rect.center().y()), button.rect.x()))
        return top + self.height

    def _arrow(self, name: str, rect: QRectF, words: Words, item: Item) -> None:
        if name in item.actions:
            self.buttons.append(_button(name, rect, words, item, always=True))
        else:
            self._idle.append((icon_of(name), rect))

    def paint(self, painter: QPainter, style: TextStyle, *, near: bool) -> None:
        """Draw what is no button."""
        item = self._item
        if item is None:
            return
        ratio = painter.device().devicePixelRatioF()
        half = QPointF(style.icon / 2, style.icon / 2)
        for icon, rect in self._idle:
            picture = icons.pixmap(icon, style.theme.quiet_text, style.icon, ratio, icons.DISABLED_OPACITY)
            painter.drawPixmap(rect.center() - half, picture)
        if not self._pin.isEmpty():
            picture = icons.pixmap("pin", style.theme.quiet_text, style.icon, ratio)
            painter.drawPixmap(self._pin.center() - half, picture)
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        if item.place:
            painter.drawText(self._place, Qt.AlignmentFlag.AlignCenter, "{}/{}".format(*item.place))
        if near and item.figures and not self._figures.isEmpty():
            metrics = style.small_metrics
            text = metrics.elidedText(item.figures, Qt.TextElideMode.ElideRight, self._figures.width())
            painter.drawText(self._figures, Qt.AlignmentFlag.AlignVCenter, text)


def _button(name: str, rect: QRectF, words: Words, item: Item, *, always: bool, look: Look = Look.ICON) -> Button:
    label = words.action(name, is_pinned=item.is_pinned)
    return Button(f"action:{name}", rect, icon_of(name), label if look is Look.FRAME else "", label, always, look)
