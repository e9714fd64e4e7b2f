"""The page of a transcript: which messages are on the screen and where.

Heights are estimated for all messages and measured for those that are shown.  One message is the anchor: its place on
the screen is exact and the scroll bar follows from it.  So nothing jumps when a message above turns out taller than
estimated, when the width changes, or when text is added.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate, islice

from app.conversation import Status
from ui.transcript.blocks.stack import BodyPosition
from ui.transcript.item import Item
from ui.transcript.message import MessageView
from ui.transcript.style import COLUMN, MARGIN

KEPT_VIEWS = 40
"""Messages that stay laid out beyond those on the screen."""
EMPTY_HEIGHT, BYTE_HEIGHT, LINE_HEIGHT = 82, 0.3, 10
"""Estimated height of a message without text, of a byte of its text, and of a line break in it."""
PICTURE_HEIGHT = 160
"""The same of a row of pictures."""
MAX_PASSES = 8
"""Times that the screen is filled again because a message turned out to have another height."""

ReadingLine = tuple[int, BodyPosition, float]
"""A message, a position in it, and how far below the top of the screen it is."""


def _estimated_height(item: Item) -> float:
    pictures = PICTURE_HEIGHT if any(item.pictures) else 0
    return pictures + EMPTY_HEIGHT + BYTE_HEIGHT * len(item.content.encode()) + LINE_HEIGHT * item.content.count("\n")


class Page:
    """The messages of one conversation in a column of the viewport."""

    def __init__(self, make_view: Callable[[Item], MessageView]) -> None:
        self._make_view = make_view
        self.items: list[Item] = []
        self.index: dict[str, int] = {}
        """Number of each message by its id."""
        self.heights: list[float] = []
        self.views: dict[int, MessageView] = {}
        self.visible: list[tuple[int, float]] = []
        """Numbers of the messages on the screen, each with its top."""
        self.following = True
        """Whether the end of the page stays at the bottom of the screen."""
        self.scrolls = 0
        """How often the page was scrolled on request."""
        self.column = 0.0
        self.left = 0.0
        self.height = 0.0
        self._messages_height = 0.0
        self._anchor = (0, float(MARGIN))
        self._measured: set[int] = set()

    def set_items(self, items: list[Item], *, keep: bool = False) -> None:
        """Show other messages, scrolled to the end; with ``keep`` the scroll position is kept."""
        self.items = list(items)
        self.index = {item.id: number for number, item in enumerate(items)}
        self.heights = [_estimated_height(item) for item in items]
        self._messages_height = sum(self.heights)
        self.forget_views()
        self.following = self.following or not keep

    def add(self, item: Item) -> None:
        """Add a message at the end."""
        self.index[item.id] = len(self.items)
        self.items.append(item)
        self.heights.append(0.0)
        self._set_height(self.index[item.id], _estimated_height(item))

    def replace(self, item: Item) -> None:
        """Show another state of a message."""
        number = self.index[item.id]
        self.items[number] = item
        self.measure_again(number)
        if number in self.views:
            self.views[number].set_item(item)

    def view(self, number: int) -> MessageView:
        """Return a message laid out for the present width."""
        view = self.views.get(number)
        if view is None:
            view = self.views[number] = self._make_view(self.items[number])
            self.measure_again(number)
        if number not in self._measured or view.width != self.column:
            self._set_height(number, view.lay_out(self.column))
            self._measured.add(number)
        return view

    def _set_height(self, number: int, height: float) -> None:
        self._messages_height += height - self.heights[number]
        self.heights[number] = height

    def measure_again(self, number: int) -> None:
        """Lay a message out again when it is next shown."""
        self._measured.discard(number)

    def forget_views(self) -> None:
        """Make all views again: other colours, text size or language."""
        self.views.clear()
        self._measured.clear()

    def update_formulas(self) -> bool:
        """Show the formulas that have been rendered since; the line that is being read stays in place."""
        line = self._reading_line()
        changed = [number for number, view in self.views.items() if view.body.update_formulas()]
        self._measured.difference_update(changed)
        if changed:
            self._restore(line)
        return bool(changed)

    def wrap_code(self) -> None:
        """Lay out the code that is wrapped or drawn, or no longer; the line that is being read stays in place."""
        line = self._reading_line()
        for view in self.views.values():
            view.body.wrap_code()
        self._measured.clear()
        self._restore(line)

    def resize(self, width: float, height: float) -> None:
        """Use another size of the viewport; the line that is being read stays in place."""
        column = max(120.0, min(float(COLUMN), width - 2 * MARGIN))
        self.left = round((width - column) / 2)
        self.height = height
        if column != self.column:
            self.column = column
            line = self._reading_line()
            self._measured.clear()
            self._restore(line)

    def _reading_line(self) -> ReadingLine | None:
        """Return the line of text at the top of the screen."""
        number, top = self._anchor
        view = self.views.get(number)
        if view is None or top >= 0:
            return None
        return number, *view.line_at(-top)

    def _restore(self, line: ReadingLine | None) -> None:
        if line is not None and not self.following:
            number, position, below = line
            self._anchor = (number, below - self.view(number).body.rect_of(position).top())

    @property
    def total(self) -> float:
        """Height of the whole page."""
        return self._messages_height + 2 * MARGIN

    @property
    def offset(self) -> float:
        """How far the page is scrolled."""
        number, top = self._anchor
        return MARGIN + sum(islice(self.heights, number)) - top

    def scroll_by(self, distance: float) -> None:
        """Scroll down by a distance, exact to the pixel."""
        number, top = self._anchor
        self.show(number, top - distance)

    def scroll_to(self, offset: float) -> None:
        """Scroll to an offset of the page, as far as heights are known."""
        tops = list(accumulate(self.heights, initial=float(MARGIN)))
        number = max(0, min(bisect_right(tops, offset), len(self.items)) - 1)
        self.show(number, tops[number] - offset)

    def show(self, number: int, top: float) -> None:
        """Place a message's top at a distance below the top of the screen."""
        self._anchor = (number, top)
        self.following = False
        self.scrolls += 1

    def show_end(self) -> None:
        """Scroll to the end and follow it."""
        self.following = True
        self.scrolls += 1

    def arrange(self) -> None:
        """Find the messages on the screen and measure them."""
        self.visible = []
        count = len(self.items)
        if not count:
            self._anchor, self.following = (0, float(MARGIN)), True
            return
        followed = self.following
        for _ in range(MAX_PASSES):
            number, top = self._anchor
            if followed or number >= count:
                number = count - 1
                self.view(number)
                top = self.height - MARGIN - self.heights[number]
            self._fill(number, top)
            self._pull_to_ends()
            self._anchor = self.visible[0]
            line = self._reading_line()
            if not self._lay_out_visible():
                break
            self._restore(line)
        for number, top in self.visible:
            self.views[number].hold_head(-top)
        last, bottom = self.visible[-1]
        at_end = last == count - 1 and bottom + self.heights[last] <= self.height - MARGIN + 2
        # While a message is still being read, its present end is not the end.
        self.following = at_end and (followed or not self.views[last].is_behind)
        self._evict()

    def _lay_out_visible(self) -> bool:
        """Lay out what is on the screen for the present width; false if it was."""
        changed = [
            number for number, top in self.visible if self.views[number].body.lay_out_stale(-top, self.height - top)
        ]
        self._measured.difference_update(changed)
        return bool(changed)

    def lay_out_more(self, number: int, deadline: float) -> None:
        """Lay out more of a message until a time of ``perf_counter``; the line that is being read stays in place."""
        line = self._reading_line()
        if self.views[number].body.lay_out_stale(0, 0, deadline):
            self.measure_again(number)
            self._restore(line)

    def _fill(self, number: int, top: float) -> None:
        self.view(number)
        while top > 0 and number > 0:
            number -= 1
            self.view(number)
            top -= self.heights[number]
        while top + self.heights[number] <= 0 and number < len(self.items) - 1:
            top += self.heights[number]
            number += 1
            self.view(number)
        self.visible = []
        while number < len(self.items) and (top < self.height or not self.visible):
            self.view(number)
            self.visible.append((number, top))
            top += self.heights[number]
            number += 1

    def _pull_to_ends(self) -> None:
        """Let the page neither end above the bottom of the screen nor begin below its top."""
        last, top = self.visible[-1]
        gap = self.height - MARGIN - (top + self.heights[last])
        if last == len(self.items) - 1 and gap > 0:
            self._fill(last, top + gap)
        first, top = self.visible[0]
        if first == 0 and top > MARGIN:
            self._fill(0, float(MARGIN))

    def _evict(self) -> None:
        if len(self.views) <= KEPT_VIEWS + len(self.visible):
            return
        middle = self.visible[len(self.visible) // 2][0]
        keep = {number for number, _ in self.visible}
        keep |= {number for number in self.views if self.items[number].status is Status.STREAMING}
        far = sorted((number for number in self.views if number not in keep), key=lambda number: -abs(number - middle))
        for number in far[: len(self.views) - KEPT_VIEWS // 2 - len(keep)]:
            del self.views[number]

    def top_of(self, number: int) -> float | None:
        """Return the top of a message on the screen, or None where it is not on it."""
        return next((top for shown, top in self.visible if shown == number), None)

    def message_at(self, y: float) -> tuple[int, float] | None:
        """Return the message nearest to a height of the screen, and its top."""
        for number, top in self.visible:
            if y < top + self.heights[number]:
                return number, top
        return self.visible[-1] if self.visible else None
