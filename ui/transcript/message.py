"""One message on the page: what stands above it, its parts under each other, the note below and the row of actions."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from app.conversation import Status
from app.markdown.blocks import Block
from ui.transcript.buttons import LINE_ACROSS, Button, Look, Touch, paint_button
from ui.transcript.head import CHIP_SPACE, Divider, chips
from ui.transcript.item import Item, Words
from ui.transcript.note import Note
from ui.transcript.parts import Part, PlainPart, Range
from ui.transcript.reading import AT_ONCE, WHOLE_MOST, Reader, is_thinking, read_whole, typed
from ui.transcript.row import Row
from ui.transcript.stack import Stack
from ui.transcript.style import QUESTION_SHARE, RADIUS, TextStyle
from ui.transcript.table import TablePart

Place = tuple[int, int]
"""A part of the message and a place in its text."""
Marks = dict[int, list[Range]]
"""For parts the stretches that are marked."""

BUBBLE_ACROSS, BUBBLE_DOWN = 16, 11
SPACE_ABOVE_QUESTION, SPACE_ABOVE_ANSWER = 14, 2
THOUGHT_HEIGHT = 26
FIRST_S, NEXT_S = 0.02, 0.01
"""How long a message may be read when it is first shown, and with each bit that comes."""


class MessageView:
    """A message laid out for a width and ready to be painted."""

    def __init__(self, item: Item, style: TextStyle, words: Words, *, thought_open: bool = False) -> None:
        self.item = item
        self.style = style
        self.words = words
        self.waiting = ""
        self.thought_open = thought_open
        self.thought_s = item.thought_s
        self.has_thought = False
        self._stack = Stack(style)
        self.buttons: list[Button] = []
        self.width = self.height = 0.0
        self.bubble = QRectF()
        self.stamp = 0
        """Another number with each change of the text."""
        self._reader: Reader | None = None
        self.is_cut = False
        """Whether something is not shown."""
        self.text_top = self.text_bottom = 0.0
        """Where the message begins and ends below what stands above it and without its row of actions."""
        self._divider, self._note, self._row = Divider(), Note(), Row()
        self._waiting_rect = self._thought_rect = QRectF()
        self._read()

    @property
    def parts(self) -> list[Part]:
        """The pieces of its text."""
        return self._stack.parts

    # What it shows

    def set_item(self, item: Item) -> None:
        """Another state of the same message; what stays the same is kept."""
        before, self.item = self.item, item
        self.thought_s = item.thought_s if item.thought_s is not None else self.thought_s
        if item.content == before.content and item.status == before.status:
            return
        if self._reader and item.content.startswith(before.content):
            self.grow(item.content[len(before.content) :])
        else:
            self._read()

    def grow(self, text: str) -> None:
        """More of an answer that is being written; ``item`` is brought up to date by the caller."""
        if self._reader is None:
            self._reader = Reader()
        self._reader.add(text)
        self.read_on(time.perf_counter() + NEXT_S)

    def read_on(self, until: float) -> bool:
        """Read what is not read yet until the clock says so; true if there is more."""
        reader = self._reader
        if reader is None:
            return False
        growing = self.item.status is Status.STREAMING
        while True:
            blocks = reader.step(growing=growing)
            self.is_cut = reader.is_cut
            self._show(blocks, growing=growing or reader.is_behind)
            if not reader.is_behind or time.perf_counter() > until:
                break
        if growing or reader.is_behind:
            return reader.is_behind
        self._reader = None
        if not reader.is_exact and len(self.item.content) <= WHOLE_MOST:
            self._show(read_whole(self.item.content), growing=False)
        return False

    @property
    def changed_from(self) -> float:
        """Down to where the last layout left an answer as it was."""
        return self._stack.changed_from

    @property
    def is_behind(self) -> bool:
        """Whether some of it is not read yet."""
        return self._reader is not None and self._reader.is_behind

    def set_thought_open(self, is_open: bool) -> None:
        """Unfold the thought, or fold it."""
        if is_open != self.thought_open:
            self.thought_open = is_open
            self._read()

    def _read(self) -> None:
        self._reader, self.is_cut = None, False
        if self.item.is_question:
            text, self.is_cut = typed(self.item.content)
            self._stack.parts = [PlainPart(self.style, text)]
            self.stamp += 1
        elif self.item.status is Status.STREAMING or len(self.item.content) > AT_ONCE:
            self._reader = Reader(self.item.content)
            self.read_on(time.perf_counter() + FIRST_S)
        else:
            self._show(read_whole(self.item.content), growing=False)

    def _show(self, blocks: list[Block], *, growing: bool) -> None:
        self.stamp += 1
        self.has_thought = bool(blocks) and blocks[0].thought
        if self.has_thought and not self.thought_open:
            blocks = [block for block in blocks if not block.thought]
        self._stack.show(blocks, growing=growing)
        self.is_cut = self.is_cut or self._stack.is_cut

    # Where it stands

    def lay_out(self, width: float) -> float:
        """Find the places of all pieces; returns the height."""
        self.width = width
        self.buttons = []
        y = self._divider.lay_out(self.item.divider, self.style, width)
        if self.item.is_question:
            self.height = self._lay_out_question(y, width)
        else:
            self.height = self._lay_out_answer(y, width)
        return self.height

    def _lay_out_question(self, y: float, width: float) -> float:
        y += SPACE_ABOVE_QUESTION
        self.buttons += chips(self.item, self.words, self.style, y, width * QUESTION_SHARE)
        for number, button in enumerate(self.buttons):
            self.buttons[number] = replace(button, rect=button.rect.translated(width * (1 - QUESTION_SHARE), 0))
            y = button.rect.bottom() + CHIP_SPACE
        (part,) = self.parts
        part.lay_out(width * QUESTION_SHARE - 2 * BUBBLE_ACROSS)
        part.x, part.y = width - part.width - BUBBLE_ACROSS, y + BUBBLE_DOWN
        self.bubble = part.rect.adjusted(-BUBBLE_ACROSS, -BUBBLE_DOWN, BUBBLE_ACROSS, BUBBLE_DOWN)
        self.text_top, y = self.bubble.top(), self.bubble.bottom()
        y = self._note.lay_out(self._notes, self.style, y + (8 if self._notes else 0), width, at_right=True)
        self.text_bottom = y
        return self._lay_out_row(y + 2)

    def _lay_out_answer(self, y: float, width: float) -> float:
        style = self.style
        y += SPACE_ABOVE_ANSWER
        self.text_top = y
        self._thought_rect = QRectF()
        if self.has_thought or self.is_thinking:
            y = self._lay_out_thought(y)
        y = self._stack.lay_out(y, width, self.words.copy_code)
        self.buttons += self._stack.buttons()
        if self.item.status is Status.STREAMING:
            self._waiting_rect = QRectF(0, y, width, style.line)
            y += 0 if self.parts or not self._thought_rect.isEmpty() else style.line
            self.text_bottom = y
            self._note.lay_out("", style, y, width, at_right=False)
            return self._lay_out_row(y + 4) + 4
        y = self._note.lay_out(self._notes, style, y + (12 if self.parts and self._notes else 0), width, at_right=False)
        self.text_bottom = y
        return self._lay_out_row(y + (10 if self.item.is_broken else 4)) + (8 if self.item.is_broken else 0)

    def _lay_out_thought(self, y: float) -> float:
        line = self.words.thought_line(self.thought_s, is_thinking=self.is_thinking)
        width = self.style.small_metrics.horizontalAdvance(line) + LINE_ACROSS + self.style.icon + 8
        self._thought_rect = QRectF(-LINE_ACROSS, y, width, self.style.scaled(THOUGHT_HEIGHT))
        icon, tip = ("chevron-down", self.words.close) if self.thought_open else ("chevron-right", self.words.open)
        self.buttons.append(Button("thought", self._thought_rect, icon, line, tip, True, Look.LINE))
        return self._thought_rect.bottom() + (6 if self.parts else 0)

    @property
    def is_thinking(self) -> bool:
        """Whether the model has not begun to answer."""
        return self.item.status is Status.STREAMING and is_thinking(self.item.content)

    @property
    def _notes(self) -> str:
        note = "" if self.item.status is Status.STREAMING else self.item.note
        return "\n".join(filter(None, (self.words.shown_in_part if self.is_cut else "", note)))

    def _lay_out_row(self, y: float) -> float:
        bottom = self._row.lay_out(self.item, self.words, self.style, y, self.width)
        self.buttons += self._row.buttons
        return bottom

    # How it looks

    def paint(self, painter: QPainter, clip: QRectF, selection: tuple[Place, Place] | None, marked: Marks) -> None:
        """Draw the text and what belongs to it, without the buttons."""
        self._divider.paint(painter, self.style)
        if self.item.is_question:
            shape = QPainterPath()
            shape.addRoundedRect(self.bubble, RADIUS, RADIUS)
            painter.fillPath(shape, self.style.colour("question"))
        top, bottom = clip.top() - 4, clip.bottom() + 4
        for number, part in enumerate(self.parts):
            if part.y > bottom or part.y + part.height < top:
                continue
            painter.save()
            painter.translate(part.x, part.y)
            inside = clip.translated(-part.x, -part.y)
            part.paint(painter, inside, self._range(number, selection), marked.get(number, []))
            painter.restore()
        self._note.paint(painter, self.style, failed=self.item.status is Status.FAILED)
        is_empty = not self.parts and self._thought_rect.isEmpty()
        if self.item.status is Status.STREAMING and is_empty and self.waiting:
            painter.setFont(self.style.small_font)
            painter.setPen(self.style.colour("quiet_text"))
            painter.drawText(self._waiting_rect.adjusted(20, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.waiting)

    def _range(self, number: int, selection: tuple[Place, Place] | None) -> Range | None:
        if selection is None:
            return None
        (first, start), (last, end) = selection
        if not first <= number <= last:
            return None
        low = start if number == first else 0
        high = end if number == last else self.parts[number].length
        return (low, high) if low < high else None

    def paint_buttons(self, painter: QPainter, clip: QRectF, touch: Touch, *, near: bool) -> None:
        """Draw what can be clicked: all of it while the pointer is near, else what always shows."""
        for button in self.buttons:
            if (near or button.always) and button.rect.intersects(clip):
                paint_button(painter, self.style, button, touch)
        self._row.paint(painter, self.style, near=near)

    def caret(self) -> QRectF:
        """Where the caret of a growing answer breathes."""
        half = 4.0
        if not self.parts:
            if self.is_thinking:
                thought = self._thought_rect
                return QRectF(thought.right() + 2, thought.center().y() - half, 2 * half, 2 * half)
            return QRectF(2, self._waiting_rect.center().y() - half, 2 * half, 2 * half)
        part = self.parts[-1]
        place = part.caret().translated(part.x, part.y)
        x = min(place.x() + 6, self.width - 2 * half)
        return QRectF(x, place.center().y() - half, 2 * half, 2 * half)

    def take_formulas(self) -> bool:
        """Show the formulas that have been drawn meanwhile; true if there are some."""
        return self._stack.take_formulas()

    def colour_more(self, until: float) -> bool:
        """Colour long code on until the clock says so; true if there is more to do."""
        return self._stack.colour_more(until)

    @property
    def wants_colour(self) -> bool:
        """Whether some long code has not all its colours."""
        return self._stack.wants_colour

    # What is where

    def button_at(self, point: QPointF) -> Button | None:
        """The button under a point."""
        return next((button for button in self.buttons if button.rect.contains(point)), None)

    def part_at(self, point: QPointF) -> Part | None:
        """The part under a point."""
        return next((part for part in self.parts if part.rect.contains(point)), None)

    def link_at(self, point: QPointF) -> str:
        """The address under a point."""
        part = self.part_at(point)
        return part.link_at(point - QPointF(part.x, part.y)) if part else ""

    def place_at(self, point: QPointF) -> Place:
        """The place in the text nearest to a point."""
        for number, part in enumerate(self.parts):
            if point.y() < part.y:
                return (number, 0)
            if point.y() <= part.y + part.height:
                return (number, part.position_at(point - QPointF(part.x, part.y)))
        return self.end

    def place_at_height(self, y: float) -> tuple[Place, float]:
        """The line nearest below a height, and how far below it stands."""
        place = self.place_at(QPointF(0, y))
        return place, self.top_of(place) - y

    def first_text(self, y: float, height: float) -> tuple[Place, float] | None:
        """The first piece of text that begins within a stretch of the message, and how far below its top."""
        for number, part in enumerate(self.parts):
            if y <= part.y < y + height and part.is_text:
                return (number, 0), self.top_of((number, 0)) - y
        return None

    @property
    def end(self) -> Place:
        """The place behind the last character."""
        return (len(self.parts) - 1, self.parts[-1].length) if self.parts else (0, 0)

    def text(self, start: Place, end: Place) -> str:
        """What is selected between two places."""
        text = ""
        for number in range(start[0], min(end[0] + 1, len(self.parts))):
            part = self.parts[number]
            low = start[1] if number == start[0] else 0
            high = end[1] if number == end[0] else part.length
            piece = part.text(low, high)
            goes_on = isinstance(part, TablePart) and part.goes_on
            text += ("\n" if goes_on else "\n\n") + piece if text and piece else piece
        return text

    def rect_of(self, place: Place) -> QRectF:
        """Where a place lies in the message; as wide as nothing."""
        if place[0] >= len(self.parts):
            return QRectF(0, 0, 0, self.style.line)
        part = self.parts[place[0]]
        return part.place_of(place[1]).translated(part.x, part.y)

    def top_of(self, place: Place) -> float:
        """How far below the message's top a place lies."""
        return self.rect_of(place).top() if place[0] < len(self.parts) else 0.0


def grown(item: Item, text: str) -> Item:
    """The item with more text at its end."""
    return replace(item, content=item.content + text)
