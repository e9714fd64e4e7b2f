"""One message on the page: its parts under each other, the note below it and the row of actions."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from app.chat.conversation import Status
from app.render.blocks import Block, Code, Prose, Table
from app.render.markdown import parse
from app.render.streaming import StreamingMarkdown
from ui import icons
from ui.transcript.buttons import Button, paint_button
from ui.transcript.code import CodePart
from ui.transcript.item import ACTIONS, Item, Words
from ui.transcript.parts import FlowPart, Part, PlainPart, RulePart
from ui.transcript.style import ACTION, CODE_HEAD, QUESTION_SHARE, RADIUS, TextStyle
from ui.transcript.table import TablePart, pieces, share_columns

Place = tuple[int, int]
"""A part of the message and a place in its text."""

BUBBLE_ACROSS, BUBBLE_DOWN = 16, 11
SPACE_ABOVE_QUESTION, SPACE_ABOVE_ANSWER = 14, 2
THOUGHT_HEAD = 26
BUTTON_HEIGHT = 30


class MessageView:
    """A message laid out for a width and ready to be painted."""

    def __init__(self, item: Item, style: TextStyle, words: Words) -> None:
        self.item = item
        self.style = style
        self.words = words
        self.waiting = ""
        self.parts: list[Part] = []
        self.buttons: list[Button] = []
        self.width = self.height = 0.0
        self.bubble = QRectF()
        self._stream: StreamingMarkdown | None = None
        self._waiting_rect = self._note_rect = self._figures_rect = self._thought_rect = QRectF()
        self._read()

    # What it shows

    def set_item(self, item: Item) -> None:
        """Another state of the same message; what stays the same is kept."""
        before, self.item = self.item, item
        if item.content == before.content and item.status == before.status:
            return
        stream = self._stream
        if stream and item.content.startswith(before.content):
            added = item.content[len(before.content) :]
            if item.status is Status.STREAMING:
                self.grow(added)
                return
            stream.feed(added)
            if stream.is_exact:
                self._stream = None
                self._show(stream.blocks(), growing=False)
                return
        self._read()

    def grow(self, text: str) -> None:
        """More of an answer that is being written; ``item`` is brought up to date by the caller."""
        if self._stream is None:
            self._stream = StreamingMarkdown()
        self._stream.feed(text)
        self._show(self._stream.blocks(preview=True), growing=True)

    def _read(self) -> None:
        self._stream = None
        if self.item.is_question:
            self.parts = [PlainPart(self.style, self.item.content)]
        elif self.item.status is Status.STREAMING:
            self.grow(self.item.content)
        else:
            self._show(parse(self.item.content), growing=False)

    def _show(self, blocks: list[Block], *, growing: bool) -> None:
        groups: list[list[Block]] = []
        for block in blocks:
            if groups and isinstance(block, Prose) and isinstance(groups[-1][-1], Prose):
                groups[-1].append(block)
            elif isinstance(block, Table):
                groups += [[piece] for piece in pieces(block)]
            else:
                groups.append([block])
        for number, group in enumerate(groups):
            kind = _part_for(group[0])
            if number == len(self.parts):
                self.parts.append(kind(self.style))
            elif type(self.parts[number]) is not kind:
                self.parts[number:] = [kind(self.style)]
            part = self.parts[number]
            last = number == len(groups) - 1
            if part.blocks == group and not getattr(part, "growing", False):
                # A long answer is mostly pieces that are finished.
                continue
            if isinstance(part, CodePart):
                if growing and last and (part.growing or not part.blocks):
                    part.growing = True
                    part.set_blocks(group)
                else:
                    part.set_blocks(group)
                    part.settle()
            else:
                part.set_blocks(group)
        del self.parts[len(groups) :]

    # Where it stands

    def lay_out(self, width: float) -> float:
        """Find the places of all pieces; returns the height."""
        self.width = width
        self.buttons = []
        bottom = self._lay_out_question(width) if self.item.is_question else self._lay_out_answer(width)
        self.height = bottom
        return self.height

    def _lay_out_question(self, width: float) -> float:
        (part,) = self.parts
        part.lay_out(width * QUESTION_SHARE - 2 * BUBBLE_ACROSS)
        part.x, part.y = width - part.width - BUBBLE_ACROSS, SPACE_ABOVE_QUESTION + BUBBLE_DOWN
        self.bubble = part.rect.adjusted(-BUBBLE_ACROSS, -BUBBLE_DOWN, BUBBLE_ACROSS, BUBBLE_DOWN)
        bottom = self.bubble.bottom() + 2
        names = [name for name in reversed(ACTIONS) if name in self.item.actions]
        for number, name in enumerate(names):
            rect = QRectF(width - ACTION * (number + 1), bottom, ACTION, ACTION)
            self._add_action(name, rect, always=False)
        return bottom + ACTION

    def _lay_out_answer(self, width: float) -> float:
        style, y, before = self.style, float(SPACE_ABOVE_ANSWER), None
        self._thought_rect = QRectF()
        if self.parts and self.parts[0].blocks[0].thought:
            self._thought_rect = QRectF(0, y, width, THOUGHT_HEAD - 6)
            y += THOUGHT_HEAD
        for number, part in enumerate(self.parts):
            first = part.blocks[0]
            if isinstance(part, TablePart) and not part.goes_on:
                whole = [part]
                for following in self.parts[number + 1 :]:
                    if not (isinstance(following, TablePart) and following.goes_on):
                        break
                    whole.append(following)
                share_columns(whole, width - style.indent(first))
            part.x = 0 if isinstance(part, FlowPart) else style.indent(first)
            part.y = y + style.gap(before, first)
            part.lay_out(width - part.x)
            y, before = part.y + part.height, part.blocks[-1]
            if isinstance(part, CodePart):
                tip = self.words.copy_code
                spot = QRectF(part.x + part.width - ACTION - 5, part.y + (CODE_HEAD - ACTION) / 2 + 1, ACTION, ACTION)
                self.buttons.append(Button(f"code:{number}", spot, "copy", "", tip, True))
        if self.item.status is Status.STREAMING:
            self._waiting_rect = QRectF(0, y, width, style.line)
            return y + (0 if self.parts else style.line) + ACTION + 8
        if self.item.note:
            space = width - 26
            metrics = style.small_metrics
            flags = Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
            height = metrics.boundingRect(QRectF(0, 0, space, 10_000), int(flags), self.item.note).height()
            self._note_rect = QRectF(26, y + (12 if self.parts else 0), space, height)
            y = self._note_rect.bottom()
        return self._lay_out_actions(y)

    def _lay_out_actions(self, y: float) -> float:
        x, style = 0.0, self.style
        names = [name for name in ACTIONS if name in self.item.actions]
        labelled = [name for name in names if self.item.is_broken and name in {"continue", "retry"}]
        if labelled:
            y += 10
            for name in labelled:
                width = style.small_metrics.horizontalAdvance(self.words.action(name)) + 44
                self._add_action(name, QRectF(x, y, width, BUTTON_HEIGHT), always=True, labelled=True)
                x += width + 8
        else:
            y += 4
            x = -(ACTION - icons.SIZE + 2) / 2
        height = BUTTON_HEIGHT if labelled else ACTION
        quiet = [name for name in reversed(names) if name not in labelled]
        for name in quiet:
            self._add_action(name, QRectF(x, y + (height - ACTION) / 2, ACTION, ACTION), always=bool(labelled))
            x += ACTION
        self._figures_rect = QRectF(x + 8, y, self.width - x - 8, height)
        return y + height + (8 if labelled else 0)

    def _add_action(self, name: str, rect: QRectF, *, always: bool, labelled: bool = False) -> None:
        label = self.words.action(name)
        self.buttons.append(Button(f"action:{name}", rect, name, label if labelled else "", label, always))

    # How it looks

    def paint(
        self,
        painter: QPainter,
        clip: QRectF,
        selection: tuple[Place, Place] | None,
        marked: dict[int, list[tuple[int, int]]],
    ) -> None:
        """Draw the text and what belongs to it, without the buttons."""
        if self.item.is_question:
            shape = QPainterPath()
            shape.addRoundedRect(self.bubble, RADIUS, RADIUS)
            painter.fillPath(shape, self.style.colour("question"))
        for number, part in enumerate(self.parts):
            if not part.rect.adjusted(-4, -4, 4, 4).intersects(clip):
                continue
            painter.save()
            painter.translate(part.x, part.y)
            inside = clip.translated(-part.x, -part.y)
            part.paint(painter, inside, self._range(number, selection), marked.get(number, []))
            painter.restore()
        if not self._thought_rect.isEmpty():
            painter.setFont(self.style.small_font)
            painter.setPen(self.style.colour("quiet_text"))
            painter.drawText(self._thought_rect, Qt.AlignmentFlag.AlignVCenter, self.words.thought)
        if self.item.status is not Status.STREAMING and self.item.note:
            self._paint_note(painter)
        if self.item.status is Status.STREAMING and not self.parts and self.waiting:
            painter.setFont(self.style.small_font)
            painter.setPen(self.style.colour("quiet_text"))
            painter.drawText(self._waiting_rect.adjusted(20, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.waiting)

    def _range(self, number: int, selection: tuple[Place, Place] | None) -> tuple[int, int] | None:
        if selection is None:
            return None
        (first, start), (last, end) = selection
        if not first <= number <= last:
            return None
        low = start if number == first else 0
        high = end if number == last else self.parts[number].length
        return (low, high) if low < high else None

    def _paint_note(self, painter: QPainter) -> None:
        failed = self.item.status is Status.FAILED
        role = "bad" if failed else "quiet_text"
        colour = getattr(self.style.theme, role)
        ratio = painter.device().devicePixelRatioF()
        picture = icons.pixmap("warning" if failed else "info", colour, 16, ratio)
        top = self._note_rect.top() + (self.style.small_metrics.height() - 16) / 2
        painter.drawPixmap(QPointF(0, top), picture)
        painter.setFont(self.style.small_font)
        painter.setPen(self.style.colour(role))
        painter.drawText(self._note_rect, int(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap), self.item.note)

    def paint_buttons(self, painter: QPainter, *, near: bool, over: str, pressed: str, done: str) -> None:
        """Draw what can be clicked: all of it while the pointer is near, else what always shows."""
        style = self.style
        for button in self.buttons:
            if not (near or button.always):
                continue
            paint_button(painter, style, button, over == button.key, pressed == button.key, done == button.key)
        if near and self.item.figures and self.item.status is not Status.STREAMING and not self.item.is_question:
            painter.setFont(style.small_font)
            painter.setPen(style.colour("quiet_text"))
            painter.drawText(self._figures_rect, Qt.AlignmentFlag.AlignVCenter, self.item.figures)

    def caret(self) -> QRectF:
        """Where the caret of a growing answer breathes."""
        half = 4.0
        if not self.parts:
            middle = self._waiting_rect.center().y()
            return QRectF(2, middle - half, 2 * half, 2 * half)
        part = self.parts[-1]
        place = part.caret().translated(part.x, part.y)
        x = min(place.x() + 6, self.width - 2 * half)
        return QRectF(x, place.center().y() - half, 2 * half, 2 * half)

    def colour_more(self, until: float) -> bool:
        """Colour long code on until the clock says so; true if there is more to do."""
        for part in self.parts:
            if isinstance(part, CodePart) and part.wants_colour:
                part.colour_more(until)
                if part.wants_colour:
                    return True
        return False

    @property
    def wants_colour(self) -> bool:
        """Whether some long code has not all its colours."""
        return any(isinstance(part, CodePart) and part.wants_colour for part in self.parts)

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

    def top_of(self, place: Place) -> float:
        """How far below the message's top a place lies."""
        if place[0] >= len(self.parts):
            return 0.0
        part = self.parts[place[0]]
        return part.y + part.place_of(place[1]).top()


def grown(item: Item, text: str) -> Item:
    """The item with more text at its end."""
    return replace(item, content=item.content + text)


def _part_for(block: Block) -> type[Part]:
    if isinstance(block, Prose):
        return FlowPart
    if isinstance(block, Code):
        return CodePart
    return TablePart if isinstance(block, Table) else RulePart
