"""State of one transcript that the widget shares with its helpers: page, selection and keyboard focus."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from app.markdown.blocks import plain_text
from app.markdown.control_characters import visible
from app.thoughts import split_thought
from ui.transcript.blocks.stack import BodyPosition, BodyRange
from ui.transcript.decorations import Button
from ui.transcript.item import Item, TranscriptStrings
from ui.transcript.message import MessageView
from ui.transcript.page import Page
from ui.transcript.reader import ThoughtStates, read_in_steps
from ui.transcript.style import MARGIN

Position = tuple[int, int, int]
"""Number of a message, number of a part in it, position in the part's text."""
Match = tuple[int, int, int]
"""Number of a part, start and end of the matching text."""

END = 1 << 30
"""Number of a part, and position, beyond all existing ones."""
COPY_SLICE_S, COPY_PAUSE_MS = 0.03, 1
LINE_STEP = 48
"""Pixels that an arrow key scrolls."""
SHOW_MARGIN = 2.0 * LINE_STEP
"""Minimum distance of a shown match from the edges of the viewport."""


@dataclass(frozen=True)
class Selection:
    """Selected text, over messages that need not be laid out."""

    anchor: Position = (0, 0, 0)
    """Where the selection began."""
    focus: Position = (0, 0, 0)
    """The end that moves."""

    @property
    def start(self) -> Position:
        """The earlier end."""
        return min(self.anchor, self.focus)

    @property
    def end(self) -> Position:
        """The later end."""
        return max(self.anchor, self.focus)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return self.anchor == self.focus

    def within(self, message: int, end: BodyPosition) -> BodyRange | None:
        """Return the selected range of one message whose last position is ``end``."""
        if self.is_empty or not self.start[0] <= message <= self.end[0]:
            return None
        first = self.start[1:] if message == self.start[0] else (0, 0)
        last = self.end[1:] if message == self.end[0] else end
        return first, min(last, end)


class TranscriptState(QObject):
    """State shared by the helpers of a transcript; they request actions of the widget by signals."""

    arrange_requested = Signal()
    """The page was scrolled or a message has another height."""
    repaint_requested = Signal()
    focus_moved = Signal()
    """Another message, button or link has the keyboard focus."""
    button_pressed = Signal(int, str)
    """Number of a message and the key of its button."""
    link_activated = Signal(str)
    zoom_requested = Signal(int)
    """A larger (1) or smaller (-1) text, or the default size (0)."""

    def __init__(self, make_view: Callable[[Item], MessageView], parent: QObject) -> None:
        super().__init__(parent)
        self.page = Page(make_view)
        self.thoughts = ThoughtStates()
        self.strings = TranscriptStrings()
        self.selection = Selection()
        self.focused_message = -1
        """Number of the message that has the keyboard focus, or -1."""
        self.focused_key = ""
        """Key of its button or link that has the focus, or empty."""
        self.hovered = self.pressed = self.done = (-1, "")
        """The button under the pointer, and the copy button that shows a tick: number of its message and its key."""
        self._copying: Steps
        self._copy_timer = QTimer(self, singleShot=True, interval=COPY_PAUSE_MS)
        self._copy_timer.timeout.connect(self._copy_slice)

    def set_selection(self, selection: Selection) -> None:
        """Select other text."""
        self.selection = selection
        self.repaint_requested.emit()

    def select_all(self) -> None:
        """Select the whole conversation."""
        if self.page.items:
            self.set_selection(Selection((0, 0, 0), (len(self.page.items) - 1, END, END)))

    def set_focus(self, number: int, key: str = "") -> None:
        """Give the keyboard focus to a message, or to one of its buttons or links."""
        moved = (number, key) != (self.focused_message, self.focused_key)
        self.focused_message, self.focused_key = number, key
        self.repaint_requested.emit()
        if moved:
            self.focus_moved.emit()

    def focused_target(self) -> Button | None:
        """Return the button or link that has the keyboard focus."""
        if not self.focused_key or not 0 <= self.focused_message < len(self.page.items):
            return None
        targets = self.page.view(self.focused_message).focus_targets()
        return next((target for target in targets if target.key == self.focused_key), None)

    def press_focused(self) -> None:
        """Press the button or follow the link that has the keyboard focus."""
        target = self.focused_target()
        if target is None:
            self.focused_key = ""
        elif target.address:
            self.link_activated.emit(target.address)
        else:
            self.button_pressed.emit(self.focused_message, target.key)

    def scroll_by(self, distance: float) -> None:
        """Scroll down by a distance."""
        self.page.scroll_by(distance)
        self.arrange_requested.emit()

    def show_message(self, number: int, top: float = MARGIN) -> None:
        """Scroll a message's top to a distance below the top of the screen."""
        self.page.show(number, float(top))
        self.arrange_requested.emit()

    def show_match(self, number: int, match: Match | None) -> None:
        """Scroll to a match in a message, or to its top, unless it is on the screen."""
        if match:
            self.unfold(number, match[:2])
            self.page.view(number).parts[match[0]].reveal(match[1])
        top = self.page.top_of(number)
        inside = self.page.view(number).body.rect_of(match[:2]).top() if match else 0.0
        if top is None or not SHOW_MARGIN <= top + inside <= self.page.height - SHOW_MARGIN:
            third = self.page.height / 3
            self.page.show(number, third - inside if match and inside > third else float(MARGIN))
        self.arrange_requested.emit()

    def jump_to_newest(self) -> None:
        """Scroll to the end and follow it."""
        self.page.show_end()
        self.arrange_requested.emit()

    def set_thought_open(self, number: int, is_open: bool) -> None:
        """Expand or collapse the thoughts of a message."""
        self.thoughts.set_open(self.page.items[number], is_open)
        self.page.replace(self.page.items[number])
        self.arrange_requested.emit()

    def set_folded(self, number: int, is_folded: bool) -> None:
        """Show only the beginning of a long question, or all of it."""
        item, unfolded = self.page.items[number], self.thoughts.unfolded
        (unfolded.discard if is_folded else unfolded.add)(item.id)
        self.page.replace(item)
        if is_folded and (self.page.top_of(number) or 0) < 0:
            self.page.show(number, float(MARGIN))
        self.arrange_requested.emit()

    def unfold(self, number: int, position: BodyPosition) -> None:
        """Show all of a folded question if a position is in the rest of it."""
        view = self.page.view(number)
        if view.is_folded and view.body.rect_of(position).bottom() > view.parts[0].rect.bottom():
            self.set_folded(number, False)

    def selected_text(self, *, markdown: bool = False) -> str:
        """Return the selected text at once."""
        return _at_once(self._selected(markdown=markdown))

    def _selected(self, *, markdown: bool) -> Steps:
        """Return the selected text; messages are separated by blank lines.

        The Markdown of a whole message is its source.  Whole messages are not laid out.
        """
        page, selection = self.page, self.selection
        if selection.is_empty:
            return ""
        texts = []
        for number in range(selection.start[0], min(selection.end[0] + 1, len(page.items))):
            item, text = page.items[number], ""
            if self._is_whole(number):
                with_thought = self.thoughts.is_open(item)
                text = item.content if markdown else (yield from text_in_steps(item, with_thought=with_thought))
            elif selected := selection.within(number, (body := page.view(number).body).end):
                for piece in body.texts(*selected, markdown=markdown):
                    text += piece
                    yield
            texts.append(text)
            yield
        if len(texts) > 1 and markdown:
            texts = [text.strip("\n") for text in texts]
        return "\n\n".join(text for text in texts if text)

    def _is_whole(self, number: int) -> bool:
        """Whether the whole of a message is selected."""
        start, end, view = self.selection.start, self.selection.end, self.page.views.get(number)
        if start > (number, 0, 0):
            return False
        return end >= (number, END, 0) or end[0] > number or (view is not None and end >= (number, *view.body.end))

    def copy(self, *, markdown: bool = False) -> None:
        """Copy the selected text; where nothing is selected, the message that has the keyboard focus."""
        if not self.selection.is_empty:
            self._start_copying(self._selected(markdown=markdown))
        elif 0 <= self.focused_message < len(self.page.items):
            self.copy_message(self.focused_message, markdown=markdown)

    def copy_message(self, number: int, *, markdown: bool) -> None:
        """Copy a message without its thoughts, or its source."""
        item = self.page.items[number]
        if markdown:
            QGuiApplication.clipboard().setText(item.content)
        else:
            self._start_copying(text_in_steps(item, with_thought=False))

    def _start_copying(self, steps: Steps) -> None:
        self._copying = steps
        self._copy_slice()

    def _copy_slice(self) -> None:
        deadline = time.thread_time() + COPY_SLICE_S
        try:
            while time.thread_time() < deadline:
                next(self._copying)
        except StopIteration as end:
            if end.value:
                QGuiApplication.clipboard().setText(end.value)
        else:
            self._copy_timer.start()


Steps = Generator[None, None, str]
"""Text that is made in steps, because it may take long."""


def _at_once(steps: Steps) -> str:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return str(end.value)


def item_text(item: Item, *, with_thought: bool) -> str:
    """Return the plain text of a whole message, with or without its thoughts."""
    return _at_once(text_in_steps(item, with_thought=with_thought))


def text_in_steps(item: Item, *, with_thought: bool) -> Steps:
    """Return the plain text of a whole message; of one that is too long to be shown its source."""
    if item.is_question:
        return visible(item.content)
    content = item.content if with_thought else split_thought(item.content)[2]
    blocks, is_cut = yield from read_in_steps(content)
    return visible(content) if is_cut else plain_text(blocks)
