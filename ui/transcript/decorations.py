"""What surrounds a message's text: buttons, divider, attachments, note and the row of actions.

Buttons are painted areas of the page, not widgets, so that thousands of them cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from app.conversation import Picture
from ui.pictures.thumbnails import Thumbnails, fitted
from ui.transcript.item import ACTIONS, ATTACHMENT, PASSAGE, SOURCE, Item, TranscriptStrings
from ui.transcript.style import TextStyle
from ui.widgets import icons

FRAME_PADDING, CHIP_PADDING, LINE_PADDING = 30, 20, 8
"""Horizontal padding around a button's icon and label; for a line, the space on either side."""
DIVIDER_ABOVE, DIVIDER_BELOW, DIVIDER_SPACE = 16, 18, 14
DIVIDER_SHARE = 0.84
"""Share of the width that its text may take; the rest is line."""
CHIP_HEIGHT, CHIP_MAX_WIDTH, CHIP_SPACE = 30, 340, 8
PICTURE_WIDTH, PICTURE_HEIGHT, PICTURE_LEAST = 260, 200, 28
"""Largest and least size of a picture of a question."""
NOTE_SPACE = 10
"""Between the icon and the text of a note."""
FRAMED = (
    "decline_tools",
    "always_run_tools",
    "run_tools",
    "continue",
    "retry",
    "begin",
    "roll",
    "summarise",
    "edit",
)
"""Suggested next actions of an unfinished answer."""
RARE = ("retry_with", "compare", "fork", "details", "export", "remember", "pin", "delete")
"""Actions behind the last button of the row."""
ARROW_WIDTH = 22
FRAME_HEIGHT = 30
_ICONS = {
    "begin": "new-chat",
    "run_tools": "continue",
    "always_run_tools": "check",
    "decline_tools": "close",
    "retry_with": "models",
    "revise": "edit",
    "details": "info",
    "remember": "note",
    "delete": "trash",
    "summarise": "archive",
    "previous": "chevron-left",
    "next": "chevron-right",
}
_WRAPPED_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)
_WRAPPED_CENTRE = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)


class ButtonKind(Enum):
    """How a button is drawn."""

    ICON = 0
    FRAME = 1
    """Icon and label in a frame: a suggested next action."""
    CHIP = 2
    """Icon and label on a background: an attachment, a passage of one, or a web page."""
    LINE = 3
    """Quiet text with the icon after it."""
    TEXT = 4
    """Quiet text alone."""
    PICTURE = 5
    """A picture in a frame."""


@dataclass(frozen=True)
class Button:
    """An area that can be clicked; without a key it is only shown.  A link, whose text is the label, is not painted."""

    key: str
    """``action:retry``, ``thought``, ``code:2`` for the code of the third part, ``link:2:20`` for a link in it."""
    rect: QRectF
    icon: str = ""
    label: str = ""
    tip: str = ""
    always: bool = True
    """Whether it is shown without the pointer near."""
    kind: ButtonKind = ButtonKind.ICON
    opacity: float = 1.0
    """Opacity of the icon."""
    address: str = ""
    """Address of a link."""
    lines: Sequence[QRectF] = ()
    """Rectangles of a link, one for each line."""
    picture: Picture | None = None

    @property
    def name(self) -> str:
        """Accessible name."""
        return self.label if self.kind is ButtonKind.LINE else self.tip or self.label


@dataclass(frozen=True)
class ButtonStates:
    """Keys of the buttons of one message that look different: hovered, pressed, just used, with keyboard focus."""

    hovered: str = ""
    pressed: str = ""
    done: str = ""
    focused: str = ""


def paint_button(painter: QPainter, style: TextStyle, button: Button, states: ButtonStates) -> None:
    """Draw one button: quiet until it is hovered."""
    rect, kind = button.rect, button.kind
    hovered, done, focused = (bool(key) and key == button.key for key in (states.hovered, states.done, states.focused))
    shape = QPainterPath()
    shape.addRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    if kind is ButtonKind.PICTURE:
        painter.strokePath(shape, QPen(style.colour("accent" if hovered else "hairline"), 1))
    elif hovered:
        painter.fillPath(shape, style.colour("pressed" if states.pressed == button.key else "hover"))
    elif kind is ButtonKind.CHIP:
        painter.fillPath(shape, style.colour("code_ground"))
    if kind in {ButtonKind.FRAME, ButtonKind.CHIP}:
        painter.strokePath(shape, QPen(style.colour("hairline"), 1))
    left, label_rect, elide = rect.center().x() - style.icon / 2, rect, Qt.TextElideMode.ElideNone
    match kind:
        case ButtonKind.FRAME:
            left, label_rect = rect.left() + 12, rect.adjusted(12 + style.icon + 6, 0, 0, 0)
        case ButtonKind.CHIP:
            left, label_rect = rect.left() + 8, rect.adjusted(8 + style.icon + 4, 0, -8, 0)
            elide = Qt.TextElideMode.ElideMiddle
        case ButtonKind.LINE:
            left, label_rect = rect.right() - style.icon - 4, rect.adjusted(LINE_PADDING, 0, 0, 0)
        case ButtonKind.TEXT:
            elide = Qt.TextElideMode.ElideRight
    if button.label:
        is_quiet = kind is ButtonKind.TEXT or (kind is ButtonKind.LINE and not hovered)
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text" if is_quiet else "text"))
        label = style.small_metrics.elidedText(button.label, elide, label_rect.width())
        painter.drawText(label_rect, Qt.AlignmentFlag.AlignVCenter, label)
    if button.icon:
        role = "text" if hovered or kind is ButtonKind.FRAME else "quiet_text"
        icon = "check" if done else button.icon
        paint_icon(painter, style, icon, QPointF(left, rect.center().y() - style.icon / 2), role, button.opacity)
    if focused:
        paint_ring(painter, style, rect)


def paint_picture(
    painter: QPainter, style: TextStyle, button: Button, picture: Picture, thumbnails: Thumbnails
) -> None:
    """Draw a picture below its frame; while it is decoded an empty area, and its name where it is damaged."""
    shape = QPainterPath()
    shape.addRoundedRect(button.rect, 6, 6)
    pixmap = thumbnails.pixmap(picture, button.rect.size().toSize(), painter.device().devicePixelRatioF())
    painter.save()
    painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
    painter.fillRect(button.rect, style.colour("code_ground"))
    if pixmap is not None and pixmap.isNull():
        painter.setFont(style.small_font)
        painter.setPen(style.colour("quiet_text"))
        painter.drawText(button.rect, _WRAPPED_CENTRE, button.name)
    elif pixmap is not None:
        painter.drawPixmap(button.rect, pixmap, QRectF(pixmap.rect()))
    painter.restore()


def paint_icon(
    painter: QPainter, style: TextStyle, icon: str, corner: QPointF, role: str, opacity: float = 1.0
) -> None:
    """Draw an icon in a colour of the theme."""
    ratio = painter.device().devicePixelRatioF()
    painter.drawPixmap(corner, icons.pixmap(icon, getattr(style.theme, role), style.icon, ratio, opacity))


def paint_ring(painter: QPainter, style: TextStyle, rect: QRectF, width: float = 2, tint: QColor | None = None) -> None:
    """Draw the outline of the element with the keyboard focus, or of the current match, which is tinted."""
    shape = QPainterPath()
    shape.addRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)
    if tint is not None:
        painter.fillPath(shape, tint)
    painter.strokePath(shape, QPen(style.colour("accent"), width))


def divider_rect(text: str, style: TextStyle, width: float) -> QRectF:
    """Return the place of the text of a divider at the top of a message."""
    available = QRectF(0, 0, width * DIVIDER_SHARE, 10_000)
    bounds = style.small_metrics.boundingRect(available, _WRAPPED_LEFT, text)
    return QRectF((width - bounds.width()) / 2 - 1, DIVIDER_ABOVE, bounds.width() + 2, bounds.height())


def summary_button(item: Item, strings: TranscriptStrings, style: TextStyle, rect: QRectF) -> Button:
    """Return the button on a divider, with its text."""
    place = rect.adjusted(-LINE_PADDING, -4, LINE_PADDING + style.icon, 4)
    return Button("action:summary", place, "chevron-right", item.divider, strings.show_summary, kind=ButtonKind.LINE)


def paint_divider(painter: QPainter, style: TextStyle, text: str, rect: QRectF, width: float) -> None:
    """Draw a line across the page with text on it."""
    painter.setFont(style.small_font)
    painter.setPen(style.colour("quiet_text"))
    painter.drawText(rect, _WRAPPED_CENTRE, text)
    middle = round(rect.center().y())
    for left, right in ((0.0, rect.left() - DIVIDER_SPACE), (rect.right() + DIVIDER_SPACE, width)):
        painter.fillRect(QRectF(left, middle, max(0.0, right - left), 1), style.colour("edge"))


def note_rect(text: str, style: TextStyle, top: float, width: float, *, at_right: bool) -> QRectF:
    """Return the place of a note's text; empty without text."""
    if not text:
        return QRectF(0, top, 0, 0)
    margin = float(style.icon + NOTE_SPACE)
    bounds = style.small_metrics.boundingRect(QRectF(0, 0, width - margin, 10_000), _WRAPPED_LEFT, text)
    left = width - bounds.width() - 2 if at_right else margin
    return QRectF(left, top, width - left, bounds.height())


def paint_note(painter: QPainter, style: TextStyle, text: str, rect: QRectF, *, failed: bool) -> None:
    """Draw a sentence after an icon, in the error colour if the answer ``failed``."""
    role, icon = ("bad", "warning") if failed else ("quiet_text", "info")
    top = rect.top() + (style.small_metrics.height() - style.icon) / 2
    paint_icon(painter, style, icon, QPointF(rect.left() - style.icon - NOTE_SPACE, top), role)
    painter.setFont(style.small_font)
    painter.setPen(style.colour(role))
    painter.drawText(rect, _WRAPPED_LEFT, text)


def attachment_buttons(
    item: Item, strings: TranscriptStrings, style: TextStyle, top: float, left: float, width: float
) -> list[Button]:
    """Place the attachments of a question in right-aligned rows."""
    rows = _chips(
        item.attachments, ATTACHMENT, "attachment", strings.attachment, style, top, left, width, item.pictures
    )
    rows = [
        [
            replace(each, kind=ButtonKind.PICTURE, icon="", label="", tip=strings.picture.format(name=each.label))
            if each.picture is not None
            else each
            for each in row
        ]
        for row in rows
    ]
    return [
        replace(button, rect=button.rect.translated(left + width - row[-1].rect.right(), 0))
        for row in rows
        for button in row
    ]


def passage_buttons(item: Item, strings: TranscriptStrings, style: TextStyle, top: float, width: float) -> list[Button]:
    """Place the passages that an answer was made from in rows, and the web pages in rows below."""
    rows = _chips(item.passages, PASSAGE, "file", strings.passage, style, top, 0, width)
    if item.passages:
        top = rows[-1][-1].rect.bottom() + CHIP_SPACE
    rows += _chips(item.sources, SOURCE, "globe", strings.source, style, top, 0, width)
    return [button for row in rows for button in row]


def _chips(
    labels: Sequence[str],
    action: str,
    icon: str,
    tip: str,
    style: TextStyle,
    top: float,
    left: float,
    width: float,
    pictures: Sequence[Picture | None] = (),
) -> list[list[Button]]:
    rows: list[list[Button]] = [[]]
    y, x, line = top, left, 0.0
    for number, label in enumerate(labels):
        picture = pictures[number] if number < len(pictures) else None
        if picture is not None:
            space = fitted(picture, min(width, style.scaled(PICTURE_WIDTH)), style.scaled(PICTURE_HEIGHT))
            size = space.expandedTo(QSize(PICTURE_LEAST, PICTURE_LEAST)).toSizeF()
        else:
            text_width = style.small_metrics.horizontalAdvance(label)
            chip = min(style.scaled(CHIP_MAX_WIDTH), width, text_width + style.icon + CHIP_PADDING)
            size = QSizeF(chip, style.scaled(CHIP_HEIGHT))
        if rows[-1] and x + size.width() > left + width:
            rows.append([])
            x, y, line = left, y + line + CHIP_SPACE, 0.0
        key, rect, name = f"action:{action}{number}", QRectF(QPointF(x, y), size), tip.format(name=label)
        rows[-1].append(Button(key, rect, icon, label, name, kind=ButtonKind.CHIP, picture=picture))
        x, line = x + size.width() + CHIP_SPACE, max(line, size.height())
    return rows


def icon_of(action: str) -> str:
    """Return the icon of an action."""
    return _ICONS.get(action, action)


def rare_actions(item: Item) -> list[str]:
    """Return the actions behind the last button of the row."""
    return [name for name in RARE if name in item.actions]


def action_row(
    item: Item, strings: TranscriptStrings, style: TextStyle, top: float, width: float
) -> tuple[list[Button], float]:
    """Place actions, versions and figures below a message, a question's at the right; returns the bottom too.

    Versions, which are always shown, follow the actions of an answer, and are at the end of the row of a question.
    The pin comes last, as it would move what is below the pointer.
    """
    names = [name for name in ACTIONS if name in item.actions]
    framed = [name for name in names if item.is_open and name in FRAMED]
    # Without them there would be a gap in front of what is always shown.
    always = bool(framed or item.is_pinned or (item.version and not item.is_question))
    side = style.action
    height = style.scaled(FRAME_HEIGHT) if framed else side
    step = -1 if item.is_question else 1
    shift = (side - style.icon) / 2
    first = width + shift if item.is_question else -shift
    x = 0.0 if framed else first
    buttons: list[Button] = []

    def cell(space: float) -> QRectF:
        nonlocal x, top
        if abs(x - first) > shift and not -shift - 1 < x + step * space < width + shift + 1:
            x, top = first, top + height
        left = x if step > 0 else x - space
        x += step * space
        return QRectF(left, top + (height - side) / 2, space, side)

    def add(name: str, rect: QRectF, *, always: bool, kind: ButtonKind = ButtonKind.ICON) -> None:
        tip = strings.action(name, is_pinned=item.is_pinned)
        label = tip if kind is ButtonKind.FRAME else ""
        buttons.append(Button(f"action:{name}", rect, icon_of(name), label, tip, always, kind))

    def add_versions(version: tuple[int, int]) -> None:
        nonlocal x
        x += step * 6
        for name in ("previous", "", "next")[::step]:
            if not name:
                label = "{}/{}".format(*version)
                rect = cell(style.small_metrics.horizontalAdvance(label) + 4)
                buttons.append(Button("", rect.adjusted(2, 0, 0, 0), label=label, kind=ButtonKind.TEXT))
            elif name in item.actions:
                add(name, cell(style.scaled(ARROW_WIDTH)), always=True)
            else:
                rect = cell(style.scaled(ARROW_WIDTH))
                buttons.append(Button("", rect, icon_of(name), opacity=icons.DISABLED_OPACITY))
        x += step * 2

    if item.version and item.is_question:
        add_versions(item.version)
    for name in reversed(framed):
        text_width = style.small_metrics.horizontalAdvance(strings.action(name))
        rect = cell(text_width + style.icon + FRAME_PADDING)
        add(name, QRectF(rect.x(), top, rect.width(), height), always=True, kind=ButtonKind.FRAME)
        x += 8
    rare = [name for name in rare_actions(item) if name != "pin" or not item.is_pinned]
    quick = [name for name in names if name not in (*RARE, *framed, "previous", "next")]
    for name in [*quick, *(rare if len(rare) == 1 else ["more"] if rare else [])][::step]:
        if name == "more":
            buttons.append(Button("action:more", cell(side), "more", "", strings.more, always))
        else:
            add(name, cell(side), always=always)
    if item.version and not item.is_question:
        add_versions(item.version)
    if item.is_pinned and "pin" in names:
        add("pin", cell(side), always=True)
    elif item.is_pinned:
        buttons.append(Button("", cell(side), "pin"))
    figures = QRectF(x + 8, top, width - x - 8, height)
    if item.figures and not item.is_question and style.small_metrics.horizontalAdvance(item.figures) < figures.width():
        buttons.append(Button("", figures, label=item.figures, always=False, kind=ButtonKind.TEXT))
    # Reading order and Tab order are from left to right.
    buttons.sort(key=lambda button: (round(button.rect.center().y()), button.rect.x()))
    return buttons, top + height
