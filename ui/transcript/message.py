"""One message laid out for a width: divider, attachments, thoughts, text, note and actions below each other."""

from __future__ import annotations

import time
from itertools import takewhile
from operator import attrgetter

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QLinearGradient, QPainter, QPainterPath

from app.conversation import Status
from app.markdown.blocks import Block, Code
from app.tool_calls import CALL
from ui.transcript import decorations
from ui.transcript.blocks.formula import RenderContext
from ui.transcript.blocks.part import Part
from ui.transcript.blocks.stack import BodyPosition, BodyRange, Marks, PartStack
from ui.transcript.decorations import Button, ButtonKind, ButtonStates
from ui.transcript.item import Item, TranscriptStrings
from ui.transcript.reader import (
    MAX_REREAD,
    READ_AT_ONCE,
    IncrementalReader,
    ThoughtStates,
    is_thinking,
    last_thought,
    question_text,
    read_at_once,
)
from ui.transcript.style import QUESTION_SHARE, RADIUS

BUBBLE_X, BUBBLE_Y = 16, 11
"""Padding of a question."""
SPACE_ABOVE_QUESTION, SPACE_ABOVE_ANSWER = 14, 2
PASSAGE_SPACE = 10
THOUGHT_HEIGHT, AUTHOR_HEIGHT = 26, 26
FOLDED_FROM, FOLDED_LINES = 18, 12
"""Lines of a question from which on only the first of them are shown, until the user wants all."""
CARET_SIZE = 8.0
FIRST_S, NEXT_S = 0.02, 0.01
"""Seconds of reading when a message is first shown, and with each piece that arrives."""


class MessageView:
    """A message ready to be painted; rectangles and points are relative to its top left corner."""

    def __init__(self, item: Item, context: RenderContext, strings: TranscriptStrings, thoughts: ThoughtStates) -> None:
        self.item = item
        self.style = context.style
        self._thumbnails = context.thumbnails
        self.body = PartStack(context)
        self.has_thought = self.thought_open = self.has_tools = False
        self.thought_s: float | None = None
        """Seconds of thinking as they are shown."""
        self._thought_shown = ("", False)
        """The line of the thoughts, and whether it has a preview below it."""
        self._is_thought_new = False
        self.width = self.height = 0.0
        self.bubble = QRectF()
        """Background of a question; without text the place of its attachments."""
        self.is_folded = False
        """Whether it is a long question of which only the beginning is shown."""
        self.is_cut = False
        """Whether some of the message is not shown."""
        self.text_top = self.text_bottom = 0.0
        """The message without the divider above it and the row of actions below it."""
        self._strings = strings
        self._thoughts = thoughts
        self._reader: IncrementalReader | None = None
        self._drawn: list[Button] = []
        """Also those that can't be clicked."""
        self._body_buttons = 0
        """The first of them that belongs to code or a table."""
        self._divider_rect = self._note_rect = self._waiting_rect = self._thought_rect = self._preview_rect = QRectF()
        self._read()

    @property
    def parts(self) -> list[Part]:
        """The parts of its text."""
        return self.body.parts

    def set_item(self, item: Item) -> None:
        """Show another state of the same message, keeping its unchanged parts."""
        before, self.item = self.item, item
        has_changed = (item.content, item.status) != (before.content, before.status)
        if self.thought_open != self._thoughts.is_open(item):
            self._read()
        elif has_changed and self._reader and item.content.startswith(before.content):
            self._reader.add(item.content[len(before.content) :])
            self.read_until(time.perf_counter() + NEXT_S)
        elif has_changed:
            self._read()

    def _read(self) -> None:
        self._reader, self.is_cut = None, False
        self.thought_open = self._thoughts.is_open(self.item)
        if self.item.is_question:
            text, self.is_cut = question_text(self.item.content)
            self.body.show_plain(text)
        elif self.item.status is Status.STREAMING or len(self.item.content) > READ_AT_ONCE:
            self._reader = IncrementalReader(self.item.content)
            self.read_until(time.perf_counter() + FIRST_S)
        else:
            self._show(read_at_once(self.item.content), growing=False)

    def read_until(self, deadline: float) -> None:
        """Read text that is not read yet until a time of ``perf_counter``."""
        reader = self._reader
        if reader is None:
            return
        growing = self.item.status is Status.STREAMING
        while True:
            begun = time.perf_counter()
            blocks = reader.step(growing=growing)
            self.is_cut = reader.is_cut
            self._show(blocks, growing=growing or reader.is_behind)
            now = time.perf_counter()
            # The next step takes as long as this one.
            if not reader.is_behind or now + (now - begun) > deadline:
                break
        if growing or reader.is_behind:
            return
        self._reader = None
        if not reader.is_exact and len(self.item.content) <= MAX_REREAD:
            self._show(read_at_once(self.item.content), growing=False)

    def _show(self, blocks: list[Block], *, growing: bool) -> None:
        self.has_thought = bool(blocks) and blocks[0].thought
        thoughts = takewhile(attrgetter("thought"), blocks)
        self.has_tools = any(isinstance(each, Code) and each.language == CALL for each in thoughts)
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

    def lay_out(self, width: float) -> float:
        """Find the places of everything; returns the height."""
        self.width = width
        top = 0.0
        if self.item.divider:
            self._divider_rect = decorations.divider_rect(self.item.divider, self.style, width)
            top = self._divider_rect.bottom() + decorations.DIVIDER_BELOW
        if self.item.is_question:
            y, above, below = self._lay_out_question(top, width), 2, 0
        else:
            y, above, below = self._lay_out_answer(top, width), 4, 0
            if self.item.status is Status.STREAMING:
                below = 4
            elif self.item.is_open:
                above, below = 10, 8
        self._note_rect = decorations.note_rect(self._note_text, self.style, y, width, at_right=self.item.is_question)
        self.text_bottom = self._note_rect.bottom()
        if self.item.has_summary:
            self._drawn.append(decorations.summary_button(self.item, self._strings, self.style, self._divider_rect))
        row, bottom = decorations.action_row(self.item, self._strings, self.style, self.text_bottom + above, width)
        self._drawn += row
        self.height = bottom + below
        return self.height

    def hold_head(self, top: float) -> None:
        """Keep the head of the code at a height below that height."""
        if self.body.hold_head(top, self._strings):
            buttons = list(self.body.buttons(self._strings))
            self._drawn[self._body_buttons : self._body_buttons + len(buttons)] = buttons

    @property
    def buttons(self) -> list[Button]:
        """The buttons in reading order."""
        return [button for button in self._drawn if button.key]

    def _lay_out_question(self, y: float, width: float) -> float:
        y, share = y + SPACE_ABOVE_QUESTION, width * QUESTION_SHARE
        self._drawn = decorations.attachment_buttons(self.item, self._strings, self.style, y, width - share, share)
        (part,) = self.parts
        if self._drawn:
            bottom = max(each.rect.bottom() for each in self._drawn)
            if not self._has_bubble:
                part.x, part.y = width, bottom
                self.bubble = QRectF(QPointF(min(each.rect.left() for each in self._drawn), y), QPointF(width, bottom))
                self.text_top = y
                return bottom + (8 if self._note_text else 0)
            y = bottom + decorations.CHIP_SPACE
        part.lay_out(share - 2 * BUBBLE_X)
        part.x, part.y = width - part.width - BUBBLE_X, y + BUBBLE_Y
        is_long = part.height > FOLDED_FROM * self.style.line
        self.is_folded = is_long and self.item.id not in self._thoughts.unfolded
        if self.is_folded:
            part.height = FOLDED_LINES * self.style.line
        self.bubble = part.rect.adjusted(-BUBBLE_X, -BUBBLE_Y, BUBBLE_X, BUBBLE_Y)
        if is_long:
            self._lay_out_fold()
        self.text_top = self.bubble.top()
        return self.bubble.bottom() + (8 if self._note_text else 0)

    @property
    def _has_bubble(self) -> bool:
        """Whether it is a question with text; others are only attachments."""
        return self.item.is_question and bool(self.item.content.strip() or not self.item.attachments)

    def _lay_out_fold(self) -> None:
        """Place the button that shows all of a long question, or only its beginning, below the text."""
        icon, label = "chevron-up", self._strings.show_less
        if self.is_folded:
            icon, label = "chevron-down", self._strings.show_more
        width = self._line_width(label)
        left = min(self.bubble.left() + BUBBLE_X - decorations.LINE_PADDING, self.bubble.right() - width)
        rect = QRectF(left, self.bubble.bottom() - BUBBLE_Y / 2, width, self.style.scaled(THOUGHT_HEIGHT))
        self._drawn.append(Button("fold", rect, icon, label, kind=ButtonKind.LINE))
        self.bubble = self.bubble.united(rect).adjusted(0, 0, 0, BUBBLE_Y / 2)

    def _line_width(self, label: str) -> float:
        return self.style.small_metrics.horizontalAdvance(label) + decorations.LINE_PADDING + self.style.icon + 8

    def _lay_out_answer(self, y: float, width: float) -> float:
        y += SPACE_ABOVE_ANSWER
        self.text_top, self._drawn, self._thought_rect, self._preview_rect = y, [], QRectF(), QRectF()
        if self.item.author:
            line = QRectF(0, y, width, self.style.scaled(AUTHOR_HEIGHT))
            self._drawn.append(Button("", line, label=self.item.author, kind=ButtonKind.TEXT))
            y = line.bottom()
        if self.has_thought or self.is_thinking:
            y = self._lay_out_thought(y)
        y = self.body.lay_out(y, width)
        self._body_buttons = len(self._drawn)
        self._drawn += self.body.buttons(self._strings)
        if self.item.status is Status.STREAMING:
            self._waiting_rect = QRectF(0, y, width, self.style.line)
            return y if self.parts or not self._thought_rect.isEmpty() else y + self.style.line
        chips = decorations.passage_buttons(self.item, self._strings, self.style, y + PASSAGE_SPACE, self.width)
        if chips:
            self._drawn += chips
            y = chips[-1].rect.bottom()
        return y + (12 if (self.parts or chips) and self._note_text else 0)

    def _lay_out_thought(self, y: float) -> float:
        self.thought_s = self._thoughts.seconds(self.item)
        line = self._strings.thought_line(self.thought_s, is_thinking=self.is_thinking, has_tools=self.has_tools)
        height = self.style.scaled(THOUGHT_HEIGHT)
        self._thought_rect = QRectF(-decorations.LINE_PADDING, y, self._line_width(line), height)
        icon, tip = "chevron-right", self._strings.show
        if self.thought_open:
            icon, tip = "chevron-down", self._strings.hide
        self._drawn.append(Button("thought", self._thought_rect, icon, line, tip, kind=ButtonKind.LINE))
        has_preview = self.is_thinking and not self.thought_open
        before, self._thought_shown = self._thought_shown, (line, has_preview)
        self._is_thought_new = has_preview or self._thought_shown != before
        if has_preview:
            self._preview_rect = QRectF(0, self._thought_rect.bottom(), self.width, height)
            return self._preview_rect.bottom()
        return self._thought_rect.bottom() + (6 if self.parts else 0)

    @property
    def changed_from(self) -> float:
        """Height down to which the last layout of a growing answer changed nothing."""
        return self._thought_rect.top() if self._is_thought_new else self.body.changed_from

    @property
    def _note_text(self) -> str:
        if self.item.status is Status.STREAMING:
            return ""
        return "\n".join(filter(None, (self._strings.shown_in_part if self.is_cut else "", self.item.note)))

    def paint(self, painter: QPainter, clip: QRectF, selection: BodyRange | None, marks: Marks) -> None:
        """Draw the message without its buttons."""
        if self.item.divider:
            # A button draws the text and its icon.
            text, icon = ("", self.style.icon + 4) if self.item.has_summary else (self.item.divider, 0)
            place = self._divider_rect.adjusted(0, 0, icon, 0)
            decorations.paint_divider(painter, self.style, text, place, self.width)
        if self._has_bubble:
            shape = QPainterPath()
            shape.addRoundedRect(self.bubble, RADIUS, RADIUS)
            painter.fillPath(shape, self.style.colour("question"))
        painter.save()
        if self.is_folded:
            painter.setClipRect(self.parts[0].rect, Qt.ClipOperation.IntersectClip)
        self.body.paint(painter, clip, selection, marks)
        painter.restore()
        if self.is_folded:
            self._paint_fade(painter)
        if not self._preview_rect.isEmpty():
            painter.setFont(self.style.small_font)
            painter.setPen(self.style.colour("quiet_text"))
            text = last_thought(self.item.content)
            text = self.style.small_metrics.elidedText(text, Qt.TextElideMode.ElideLeft, self._preview_rect.width())
            painter.drawText(self._preview_rect, Qt.AlignmentFlag.AlignVCenter, text)
        if self._note_text:
            failed = self.item.status is Status.FAILED
            decorations.paint_note(painter, self.style, self._note_text, self._note_rect, failed=failed)

    def _paint_fade(self, painter: QPainter) -> None:
        """Let the last line of a folded question fade out."""
        rect = self.parts[0].rect
        rect.setTop(rect.bottom() - self.style.line)
        fade = QLinearGradient(rect.topLeft(), rect.bottomLeft())
        colour = self.style.colour("question")
        fade.setColorAt(1, colour)
        colour.setAlpha(0)
        fade.setColorAt(0, colour)
        painter.fillRect(rect, fade)

    def paint_buttons(self, painter: QPainter, clip: QRectF, states: ButtonStates, *, near: bool) -> None:
        """Draw the buttons; ``near`` if the pointer or the keyboard is at the message, which shows all of them."""
        for button in self._drawn:
            if (near or button.always) and button.rect.intersects(clip):
                if button.picture is not None:
                    decorations.paint_picture(painter, self.style, button, button.picture, self._thumbnails)
                decorations.paint_button(painter, self.style, button, states)

    def paint_progress(self, painter: QPainter, waiting: str, opacity: float) -> None:
        """Draw the caret of a growing answer, and ``waiting`` beside it if the answer has not begun."""
        if waiting and not self.parts and self._thought_rect.isEmpty():
            painter.setFont(self.style.small_font)
            painter.setPen(self.style.colour("quiet_text"))
            painter.drawText(self._waiting_rect.adjusted(20, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, waiting)
        colour = self.style.colour("accent")
        colour.setAlphaF(opacity)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(self.caret_rect())

    def caret_rect(self) -> QRectF:
        """Return the rectangle of the caret at the end of a growing answer."""
        if self.parts:
            end = self.body.rect_of(self.body.end)
            x, y, left = min(end.x() + 6, self.width - CARET_SIZE), end.center().y(), self.body.end_at_left
            if left is not None:
                x = max(0.0, left - 6 - CARET_SIZE)
        elif self.is_thinking:
            x, y = self._thought_rect.right() + 2, self._thought_rect.center().y()
        else:
            x, y = 2.0, self._waiting_rect.center().y()
        return QRectF(x, y - CARET_SIZE / 2, CARET_SIZE, CARET_SIZE)

    def button_at(self, point: QPointF) -> Button | None:
        """Return the button under a point."""
        return next((button for button in self.buttons if button.rect.contains(point)), None)

    def focus_targets(self) -> list[Button]:
        """Return the buttons and links in reading order."""
        targets = self.buttons
        for number, part in enumerate(self.parts):
            for start, end, address in part.links():
                lines = [rect.translated(part.x, part.y) for rect in part.line_rects(start, end)]
                if lines:
                    name = part.text(start, end)
                    targets.append(Button(f"link:{number}:{start}", lines[0], label=name, address=address, lines=lines))
        return sorted(targets, key=lambda target: (round(target.rect.center().y()), target.rect.x()))

    def line_at(self, y: float) -> tuple[BodyPosition, float]:
        """Return the line at a height, or the next text below a formula, and how far below the height it is."""
        number, position = self.body.position_at(QPointF(0, y))
        while number < len(self.parts) - 1 and not self.parts[number].is_text:
            number, position = number + 1, 0
        return (number, position), self.body.rect_of((number, position)).top() - y
