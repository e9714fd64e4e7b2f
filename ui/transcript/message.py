"""One message laid out for a width: divider, attachments, thoughts, text, note and actions below each other."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from app.conversation import Status
from app.markdown.blocks import Block
from ui.transcript.blocks.formula import RenderContext
from ui.transcript.blocks.part import Part
from ui.transcript.blocks.stack import Marks, PartStack, Place
from ui.transcript.buttons import LINE_PADDING, Button, ButtonStates, Look, paint_button
from ui.transcript.decorations import CHIP_SPACE, ActionRow, Divider, Note, attachment_buttons
from ui.transcript.item import Item
from ui.transcript.reader import MAX_REREAD, READ_AT_ONCE, Reader, is_thinking, question_text, read_whole
from ui.transcript.strings import TranscriptStrings
from ui.transcript.style import QUESTION_SHARE, RADIUS

BUBBLE_X, BUBBLE_Y = 16, 11
"""Padding of a question."""
SPACE_ABOVE_QUESTION, SPACE_ABOVE_ANSWER = 14, 2
THOUGHT_HEIGHT = 26
CARET_SIZE = 8.0
FIRST_S, NEXT_S = 0.02, 0.01
"""Seconds of reading when a message is first shown, and with each piece that arrives."""


@dataclass(frozen=True)
class FocusTarget:
    """A button or a link that can have the keyboard focus."""

    key: str
    """The key of the button, or ``link:0:20`` for a link in the first part."""
    rects: tuple[QRectF, ...]
    """Rectangles in the message; a link may be on several lines."""
    name: str
    address: str = ""
    """Address of a link."""


class MessageView:
    """A message ready to be painted; rectangles and points are relative to its top left corner."""

    def __init__(self, item: Item, context: RenderContext, strings: TranscriptStrings, *, thought_open: bool) -> None:
        self.item = item
        self.style = context.style
        self.body = PartStack(context)
        self.waiting = ""
        """Line shown instead of an answer that has not begun."""
        self.thought_open = thought_open
        self.thought_s = item.thought_s
        self.has_thought = False
        self.buttons: list[Button] = []
        self.width = self.height = 0.0
        self.bubble = QRectF()
        """Background of a question."""
        self.is_cut = False
        """Whether some of the message is not shown."""
        self.text_top = self.text_bottom = 0.0
        """The message without the divider above it and the row of actions below it."""
        self._strings = strings
        self._reader: Reader | None = None
        self._divider, self._note, self._row = Divider(), Note(), ActionRow()
        self._waiting_rect = self._thought_rect = QRectF()
        self._read()

    @property
    def parts(self) -> list[Part]:
        """The parts of its text."""
        return self.body.parts

    # Content

    def set_item(self, item: Item) -> None:
        """Show another state of the same message, keeping its unchanged parts."""
        before, self.item = self.item, item
        self.thought_s = item.thought_s if item.thought_s is not None else self.thought_s
        if item.content == before.content and item.status == before.status:
            return
        if self._reader and item.content.startswith(before.content):
            self._grow(item.content[len(before.content) :])
        else:
            self._read()

    def append(self, item: Item, text: str) -> None:
        """Show more of an answer that is being written; ``item`` already contains ``text``."""
        self.item = item
        self._grow(text)

    def _grow(self, text: str) -> None:
        if self._reader is None:
            self._reader = Reader()
        self._reader.add(text)
        self.read_until(time.perf_counter() + NEXT_S)

    def _read(self) -> None:
        self._reader, self.is_cut = None, False
        if self.item.is_question:
            text, self.is_cut = question_text(self.item.content)
            self.body.show_plain(text)
        elif self.item.status is Status.STREAMING or len(self.item.content) > READ_AT_ONCE:
            self._reader = Reader(self.item.content)
            self.read_until(time.perf_counter() + FIRST_S)
        else:
            self._show(read_whole(self.item.content), growing=False)

    def read_until(self, deadline: float) -> None:
        """Read text that is not read yet until a time of ``perf_counter``."""
        reader = self._reader
        if reader is None:
            return
        growing = self.item.status is Status.STREAMING
        while True:
            blocks = reader.step(growing=growing)
            self.is_cut = reader.is_cut
            self._show(blocks, growing=growing or reader.is_behind)
            if not reader.is_behind or time.perf_counter() > deadline:
                break
        if growing or reader.is_behind:
            return
        self._reader = None
        if not reader.is_exact and len(self.item.content) <= MAX_REREAD:
            self._show(read_whole(self.item.content), growing=False)

    def _show(self, blocks: list[Block], *, growing: bool) -> None:
        self.has_thought = bool(blocks) and blocks[0].thought
        if self.has_thought and not self.thought_open:
            blocks = [block for block in blocks if not block.thought]
        self.body.show(blocks, growing=growing)
        self.is_cut = self.is_cut or self.body.is_cut

    @property
    def is_behind(self) -> bool:
        """Whether some of the text is not read yet."""
        return self._reader is not None and self._reader.is_behind

    @property
    def is_thinking(self) -> bool:
        """Whether the model has not begun to answer."""
        return self.item.status is Status.STREAMING and is_thinking(self.item.content)

    def set_thought_open(self, is_open: bool) -> None:
        """Expand or collapse the thoughts."""
        if is_open != self.thought_open:
            self.thought_open = is_open
            self._read()

    # Layout

    def lay_out(self, width: float) -> float:
        """Find the places of everything; returns the height."""
        self.width = width
        top = self._divider.lay_out(self.item.divider, self.style, width)
        if self.item.is_question:
            self.height = self._lay_out_question(top + SPACE_ABOVE_QUESTION, width)
        else:
            self.height = self._lay_out_answer(top + SPACE_ABOVE_ANSWER, width)
        return self.height

    def _lay_out_question(self, y: float, width: float) -> float:
        share = width * QUESTION_SHARE
        self.buttons = attachment_buttons(self.item, self._strings, self.style, y, width - share, share)
        if self.buttons:
            y = self.buttons[-1].rect.bottom() + CHIP_SPACE
        (part,) = self.parts
        part.lay_out(share - 2 * BUBBLE_X)
        part.x, part.y = width - part.width - BUBBLE_X, y + BUBBLE_Y
        self.bubble = part.rect.adjusted(-BUBBLE_X, -BUBBLE_Y, BUBBLE_X, BUBBLE_Y)
        self.text_top = self.bubble.top()
        y = self.bubble.bottom() + (8 if self._note_text else 0)
        self.text_bottom = self._note.lay_out(self._note_text, self.style, y, width, at_right=True)
        return self._lay_out_row(self.text_bottom + 2)

    def _lay_out_answer(self, y: float, width: float) -> float:
        self.text_top, self.buttons, self._thought_rect = y, [], QRectF()
        if self.has_thought or self.is_thinking:
            y = self._lay_out_thought(y)
        y = self.body.lay_out(y, width, self._strings.copy_code)
        self.buttons += self.body.buttons
        if self.item.status is Status.STREAMING:
            self._waiting_rect = QRectF(0, y, width, self.style.line)
            y += 0 if self.parts or not self._thought_rect.isEmpty() else self.style.line
            self.text_bottom = self._note.lay_out("", self.style, y, width, at_right=False)
            return self._lay_out_row(y + 4) + 4
        y += 12 if self.parts and self._note_text else 0
        self.text_bottom = self._note.lay_out(self._note_text, self.style, y, width, at_right=False)
        above, below = (10, 8) if self.item.is_unfinished else (4, 0)
        return self._lay_out_row(self.text_bottom + above) + below

    def _lay_out_thought(self, y: float) -> float:
        line = self._strings.thought_line(self.thought_s, is_thinking=self.is_thinking)
        width = self.style.small_metrics.horizontalAdvance(line) + LINE_PADDING + self.style.icon + 8
        self._thought_rect = QRectF(-LINE_PADDING, y, width, self.style.scaled(THOUGHT_HEIGHT))
        icon, tip = "chevron-right", self._strings.show
        if self.thought_open:
            icon, tip = "chevron-down", self._strings.hide
        self.buttons.append(Button("thought", self._thought_rect, icon, line, tip, True, Look.LINE))
        return self._thought_rect.bottom() + (6 if self.parts else 0)

    @property
    def _note_text(self) -> str:
        note = "" if self.item.status is Status.STREAMING else self.item.note
        return "\n".join(filter(None, (self._strings.shown_in_part if self.is_cut else "", note)))

    def _lay_out_row(self, y: float) -> float:
        bottom = self._row.lay_out(self.item, self._strings, self.style, y, self.width)
        self.buttons += self._row.buttons
        return bottom

    # Painting

    def paint(self, painter: QPainter, clip: QRectF, selection: tuple[Place, Place] | None, marks: Marks) -> None:
        """Draw the message without its buttons."""
        self._divider.paint(painter, self.style)
        if self.item.is_question:
            shape = QPainterPath()
            shape.addRoundedRect(self.bubble, RADIUS, RADIUS)
            painter.fillPath(shape, self.style.colour("question"))
        self.body.paint(painter, clip, selection, marks)
        self._note.paint(painter, self.style, failed=self.item.status is Status.FAILED)
        is_empty = not self.parts and self._thought_rect.isEmpty()
        if self.item.status is Status.STREAMING and is_empty and self.waiting:
            painter.setFont(self.style.small_font)
            painter.setPen(self.style.colour("quiet_text"))
            painter.drawText(self._waiting_rect.adjusted(20, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.waiting)

    def paint_buttons(self, painter: QPainter, clip: QRectF, states: ButtonStates, *, near: bool) -> None:
        """Draw the buttons; ``near`` if the pointer or the keyboard is at the message, which shows all of them."""
        for button in self.buttons:
            if (near or button.always) and button.rect.intersects(clip):
                paint_button(painter, self.style, button, states)
        self._row.paint(painter, self.style, self.item, near=near)

    def caret_rect(self) -> QRectF:
        """Return the rectangle of the caret at the end of a growing answer."""
        if self.parts:
            end = self.body.rect_of(self.body.end)
            x, y = min(end.x() + 6, self.width - CARET_SIZE), end.center().y()
        elif self.is_thinking:
            x, y = self._thought_rect.right() + 2, self._thought_rect.center().y()
        else:
            x, y = 2.0, self._waiting_rect.center().y()
        return QRectF(x, y - CARET_SIZE / 2, CARET_SIZE, CARET_SIZE)

    # Buttons and places

    def button_at(self, point: QPointF) -> Button | None:
        """Return the button under a point."""
        return next((button for button in self.buttons if button.rect.contains(point)), None)

    def focus_targets(self) -> list[FocusTarget]:
        """Return the buttons and links in reading order."""
        targets = [FocusTarget(button.key, (button.rect,), button.name) for button in self.buttons]
        for number, part in enumerate(self.parts):
            for start, end, address in part.links():
                rects = tuple(rect.translated(part.x, part.y) for rect in part.line_rects(start, end))
                if rects:
                    name = Part.text(part, start, end)
                    targets.append(FocusTarget(f"link:{number}:{start}", rects, name, address))
        return sorted(targets, key=lambda target: (round(target.rects[0].center().y()), target.rects[0].x()))

    def line_at(self, y: float) -> tuple[Place, float]:
        """Return the line at a height, or the next text below a formula, and how far below the height it is."""
        number, position = self.body.place_at(QPointF(0, y))
        while number < len(self.parts) - 1 and not self.parts[number].is_text:
            number, position = number + 1, 0
        return (number, position), self.body.rect_of((number, position)).top() - y
