"""The surroundings of a message's text: divider, attachments, note and row of actions."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from ui.transcript.buttons import CHIP_PADDING, FRAME_PADDING, Button, Look
from ui.transcript.item import ACTIONS, ATTACHMENT, Item
from ui.transcript.strings import TranscriptStrings
from ui.transcript.style import TextStyle
from ui.widgets import icons

DIVIDER_ABOVE, DIVIDER_BELOW = 16, 18
DIVIDER_SHARE = 0.84
"""Share of the width that its text may take; the rest is line."""
CHIP_HEIGHT, CHIP_MAX_WIDTH, CHIP_SPACE = 30, 340, 8
NOTE_SPACE = 10
"""Between the icon and the text of a note."""
FRAMED = ("continue", "retry", "begin", "roll")
"""Suggested next actions of an unfinished answer."""
RARE = ("fork", "details", "export", "pin", "delete")
"""Actions behind the last button of the row."""
ARROW_WIDTH = 22
FRAME_HEIGHT = 30
_ICONS = {
    "begin": "new-chat",
    "details": "info",
    "delete": "trash",
    "previous": "chevron-left",
    "next": "chevron-right",
}
_WRAPPED_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)
_WRAPPED_CENTRE = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)


def icon_of(action: str) -> str:
    """Return the icon of an action."""
    return _ICONS.get(action, action)


def rare_actions(item: Item) -> list[str]:
    """Return the actions behind the last button of the row."""
    return [name for name in RARE if name in item.actions and not (name == "pin" and item.is_pinned)]


class Divider:
    """A line across the page with text on it, or nothing."""

    def __init__(self) -> None:
        self._text = ""
        self._width = 0.0
        self._rect = QRectF()

    def lay_out(self, text: str, style: TextStyle, width: float) -> float:
        """Find its place; returns the bottom."""
        self._text, self._width = text, width
        if not text:
            return 0.0
        available = QRectF(0, 0, width * DIVIDER_SHARE, 10_000)
        bounds = style.small_metrics.boundingRect(available, _WRAPPED_LEFT, text)
        self._rect = QRectF((width - bounds.width()) / 2 - 1, DIVIDER_ABOVE, bounds.width() + 2, bounds.height())
        return self._rect.bottom() + DIVIDER_BELOW

    def paint(self, painter: QPainter, style: TextStyle) -> None:
        """Draw it."""
        if not self._text:
            return
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        painter.drawText(self._rect, _WRAPPED_CENTRE, self._text)
        middle, space = round(self._rect.center().y()), 14
        for left, right in ((0.0, self._rect.left() - space), (self._rect.right() + space, self._width)):
            painter.fillRect(QRectF(left, middle, max(0.0, right - left), 1), style.colour("edge"))


class Note:
    """A sentence after an icon, or nothing: why a message was not finished, or that it is shown in part."""

    def __init__(self) -> None:
        self._text = ""
        self._rect = QRectF()

    def lay_out(self, text: str, style: TextStyle, top: float, width: float, *, at_right: bool) -> float:
        """Find its place; returns the bottom."""
        self._text = text
        if not text:
            return top
        margin = float(style.icon + NOTE_SPACE)
        bounds = style.small_metrics.boundingRect(QRectF(0, 0, width - margin, 10_000), _WRAPPED_LEFT, text)
        left = width - bounds.width() - 2 if at_right else margin
        self._rect = QRectF(left, top, width - left, bounds.height())
        return self._rect.bottom()

    def paint(self, painter: QPainter, style: TextStyle, *, failed: bool) -> None:
        """Draw the icon and the text, in the error colour if the answer ``failed``."""
        if not self._text:
            return
        role, icon = ("bad", "warning") if failed else ("quiet_text", "info")
        top = self._rect.top() + (style.small_metrics.height() - style.icon) / 2
        _paint_icon(painter, style, icon, QPointF(self._rect.left() - style.icon - NOTE_SPACE, top), role=role)
        painter.setFont(style.small_font)
        painter.setPen(style.colour(role))
        painter.drawText(self._rect, _WRAPPED_LEFT, self._text)


def attachment_buttons(
    item: Item, strings: TranscriptStrings, style: TextStyle, top: float, left: float, width: float
) -> list[Button]:
    """Place the attachments of a question in right-aligned rows."""
    buttons: list[Button] = []
    height, y, x = style.scaled(CHIP_HEIGHT), top, left
    row: list[Button] = []
    for number, label in enumerate(item.attachments):
        text_width = style.small_metrics.horizontalAdvance(label)
        chip = min(style.scaled(CHIP_MAX_WIDTH), width, text_width + style.icon + CHIP_PADDING)
        if row and x + chip > left + width:
            buttons += _right_aligned(row, left + width)
            row, x, y = [], left, y + height + CHIP_SPACE
        tip = strings.attachment.format(name=label)
        rect = QRectF(x, y, chip, height)
        row.append(Button(f"action:{ATTACHMENT}{number}", rect, "attachment", label, tip, True, Look.CHIP))
        x += chip + CHIP_SPACE
    return buttons + _right_aligned(row, left + width)


def _right_aligned(row: list[Button], right: float) -> list[Button]:
    shift = right - row[-1].rect.right() if row else 0.0
    return [replace(button, rect=button.rect.translated(shift, 0)) for button in row]


class ActionRow:
    """Actions, versions and figures in a row below a message; a question's row runs from the right."""

    def __init__(self) -> None:
        self.buttons: list[Button] = []
        self.height = 0.0
        self._version = QRectF()
        self._figures = QRectF()
        self._icons: list[tuple[str, QRectF, float]] = []
        """Icons that are no buttons, with their opacity."""

    def lay_out(self, item: Item, strings: TranscriptStrings, style: TextStyle, top: float, width: float) -> float:
        """Place everything; returns the bottom."""
        self.buttons, self._icons = [], []
        names = [name for name in ACTIONS if name in item.actions]
        framed = [name for name in names if item.is_unfinished and name in FRAMED]
        side = style.action
        self.height = style.scaled(FRAME_HEIGHT) if framed else side
        step = -1 if item.is_question else 1
        shift = (side - style.icon) / 2
        first = width + shift if item.is_question else -shift
        x = 0.0 if framed else first

        def cell(space: float) -> QRectF:
            nonlocal x, top
            if abs(x - first) > shift and not -shift - 1 < x + step * space < width + shift + 1:
                x, top = first, top + self.height
            left = x if step > 0 else x - space
            x += step * space
            return QRectF(left, top + (self.height - side) / 2, space, side)

        def add(name: str, rect: QRectF, *, always: bool, look: Look = Look.ICON) -> None:
            tip = strings.action(name, is_pinned=item.is_pinned)
            label = tip if look is Look.FRAME else ""
            self.buttons.append(Button(f"action:{name}", rect, icon_of(name), label, tip, always, look))

        for name in reversed(framed):
            text_width = style.small_metrics.horizontalAdvance(strings.action(name))
            rect = cell(text_width + style.icon + FRAME_PADDING)
            add(name, QRectF(rect.x(), top, rect.width(), self.height), always=True, look=Look.FRAME)
            x += 8
        if item.is_pinned and "pin" in names:
            add("pin", cell(side), always=True)
        elif item.is_pinned:
            self._icons.append(("pin", cell(side), 1.0))
        if item.version:
            x += step * 2
            for name in ("previous", "", "next") if step > 0 else ("next", "", "previous"):
                if not name:
                    self._version = cell(style.small_metrics.horizontalAdvance("{}/{}".format(*item.version)) + 4)
                elif name in item.actions:
                    add(name, cell(style.scaled(ARROW_WIDTH)), always=True)
                else:
                    self._icons.append((icon_of(name), cell(style.scaled(ARROW_WIDTH)), icons.DISABLED_OPACITY))
            x += step * 6
        rare = rare_actions(item)
        quick = [name for name in names if name not in (*RARE, *framed, "previous", "next")]
        for name in quick + (rare if len(rare) == 1 else []):
            add(name, cell(side), always=bool(framed))
        if len(rare) > 1:
            self.buttons.append(Button("action:more", cell(side), "more", "", strings.more, bool(framed)))
        self._figures = QRectF() if item.is_question else QRectF(x + 8, top, width - x - 8, self.height)
        # Reading order and Tab order are from left to right.
        self.buttons.sort(key=lambda button: (round(button.rect.center().y()), button.rect.x()))
        return top + self.height

    def paint(self, painter: QPainter, style: TextStyle, item: Item, *, near: bool) -> None:
        """Draw everything except the buttons; ``near``: the pointer or the keyboard focus is at the message."""
        half = QPointF(style.icon / 2, style.icon / 2)
        for icon, rect, opacity in self._icons:
            _paint_icon(painter, style, icon, rect.center() - half, opacity=opacity)
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        if item.version:
            painter.drawText(self._version, Qt.AlignmentFlag.AlignCenter, "{}/{}".format(*item.version))
        if near and item.figures and not self._figures.isEmpty():
            elided = Qt.TextElideMode.ElideRight
            text = style.small_metrics.elidedText(item.figures, elided, self._figures.width())
            painter.drawText(self._figures, Qt.AlignmentFlag.AlignVCenter, text)


def _paint_icon(
    painter: QPainter, style: TextStyle, icon: str, corner: QPointF, *, role: str = "quiet_text", opacity: float = 1.0
) -> None:
    ratio = painter.device().devicePixelRatioF()
    painter.drawPixmap(corner, icons.pixmap(icon, getattr(style.theme, role), style.icon, ratio, opacity))
