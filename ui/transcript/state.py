"""State of one transcript that the widget shares with its helpers: page, selection, thoughts and keyboard focus."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN, Status
from ui.transcript.blocks.stack import Place
from ui.transcript.item import Item
from ui.transcript.message import FocusTarget, MessageView
from ui.transcript.page import Page
from ui.transcript.reader import is_thinking
from ui.transcript.strings import TranscriptStrings
from ui.transcript.style import MARGIN

Spot = tuple[int, int, int]
"""Number of a message, number of a part in it, position in the part's text."""
Match = tuple[int, int, int]
"""Number of a part, start and end of the matching text."""

END = 1 << 30
"""Number of a part, and position, beyond all existing ones."""
LINE_STEP = 48
"""Pixels that an arrow key scrolls."""
SHOW_MARGIN = 2.0 * LINE_STEP
"""Minimum distance of a shown match from the edges of the viewport."""


@dataclass(frozen=True)
class Selection:
    """Selected text, over messages that need not be laid out."""

    anchor: Spot = (0, 0, 0)
    """Where the selection began."""
    focus: Spot = (0, 0, 0)
    """The end that moves."""

    @property
    def start(self) -> Spot:
        """The earlier end."""
        return min(self.anchor, self.focus)

    @property
    def end(self) -> Spot:
        """The later end."""
        return max(self.anchor, self.focus)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return self.anchor == self.focus

    def within(self, message: int, end: Place) -> tuple[Place, Place] | None:
        """Return the selected places of one message whose last place is ``end``."""
        if self.is_empty or not self.start[0] <= message <= self.end[0]:
            return None
        first = self.start[1:] if message == self.start[0] else (0, 0)
        last = self.end[1:] if message == self.end[0] else end
        return first, min(last, end)


class Thoughts:
    """Which thoughts of the model are expanded and how long they took, by message id, until the program ends."""

    def __init__(self) -> None:
        self._chosen: dict[str, bool] = {}
        self._open_while_thinking = False
        self._started: dict[str, float] = {}
        self._durations: dict[str, float] = {}

    def is_open(self, item: Item) -> bool:
        """Whether the thoughts are shown: as the user chose, else collapsed.

        Thoughts that were never closed are shown, because the finished answer has no other text.
        """
        if item.id in self._chosen:
            return self._chosen[item.id]
        if item.status is Status.STREAMING:
            return self._open_while_thinking and is_thinking(item.content)
        return item.status is Status.COMPLETE and is_thinking(item.content)

    def set_open(self, item: Item, is_open: bool) -> None:
        """Expand or collapse thoughts; a choice while the model thinks applies to later thoughts too."""
        self._chosen[item.id] = is_open
        if item.status is Status.STREAMING and is_thinking(item.content):
            self._open_while_thinking = is_open

    def measure(self, item: Item) -> None:
        """Measure how long an answer that is being written thinks."""
        if item.id in self._durations or not item.content.lstrip().startswith(THOUGHT_OPEN):
            return
        now = time.monotonic()
        started = self._started.setdefault(item.id, now)
        if THOUGHT_CLOSE in item.content:
            self._durations[item.id] = now - started

    def seconds(self, item: Item) -> float | None:
        """Return how long the model thought, or has been thinking; None where that is unknown."""
        if item.thought_s is not None:
            return item.thought_s
        if item.id in self._durations:
            return self._durations[item.id]
        if item.status is Status.STREAMING and item.id in self._started:
            return time.monotonic() - self._started[item.id]
        return None


class TranscriptState(QObject):
    """State shared by the helpers of a transcript; they request actions of the widget by signals."""

    arrange_requested = Signal()
    """The page was scrolled or a message has another height."""
    repaint_requested = Signal()
    focus_moved = Signal()
    """Another message, button or link has the keyboard focus."""
    button_pressed = Signal(int, str)
    """Number of a message and the key of its button."""
    action_requested = Signal(int, str)
    """Number of a message and one of ``item.ACTIONS``."""
    link_activated = Signal(str)
    text_size_requested = Signal(int)
    """A larger (1) or smaller (-1) text, or the default size (0)."""

    def __init__(self, make_view: Callable[[Item], MessageView], parent: QObject) -> None:
        super().__init__(parent)
        self.page = Page(make_view)
        self.thoughts = Thoughts()
        self.strings = TranscriptStrings()
        self.selection = Selection()
        self.focused_message = -1
        """Number of the message that has the keyboard focus, or -1."""
        self.focused_key = ""
        """Key of its button or link that has the focus, or empty."""
        self.done = (-1, "")
        """The copy button that shows a tick: number of its message and its key."""

    # Selection and focus

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

    def focused_target(self) -> FocusTarget | None:
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

    # Scrolling

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
        top = self.page.top_of(number)
        inside = self.page.view(number).body.rect_of(match[:2]).top() if match else 0.0
        if top is None or not SHOW_MARGIN <= top + inside <= self.page.height - SHOW_MARGIN:
            third = self.page.height / 3
            self.page.show(number, third - inside if match and inside > third else float(MARGIN))
        self.arrange_requested.emit()

    def jump_to_newest(self) -> None:
        """Scroll to the end and follow it."""
        self.page.following = True
        self.arrange_requested.emit()

    def set_thought_open(self, number: int, is_open: bool) -> None:
        """Expand or collapse the thoughts of a message."""
        self.thoughts.set_open(self.page.items[number], is_open)
        if number in self.page.views:
            self.page.views[number].set_thought_open(is_open)
        self.page.measure_again(number)
        self.arrange_requested.emit()
