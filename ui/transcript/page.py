"""Which messages are on the screen and where: heights guessed for all, measured for those that are seen.

One message is the anchor: its place on the screen is the truth and the scroll bar follows from it.  So nothing jumps
when a message above turns out taller than it was guessed, when the window changes its width, or when text is added.
"""

from __future__ import annotations

from collections.abc import Callable

from app.conversation import Status
from ui.transcript.heights import Heights
from ui.transcript.item import Item
from ui.transcript.message import MessageView
from ui.transcript.style import COLUMN, MARGIN

KEPT = 40
"""Messages that stay laid out beyond those on the screen."""
BARE_HEIGHT, BYTE_HEIGHT, LINE_HEIGHT = 82, 0.3, 10
"""What a guess of a height is made of: a message without text, a byte of its text, a line break in it."""


def _guess(item: Item) -> float:
    return BARE_HEIGHT + BYTE_HEIGHT * len(item.content.encode()) + LINE_HEIGHT * item.content.count("\n")


class Page:
    """The messages of one conversation as a page of a certain width and height."""

    def __init__(self, make_view: Callable[[Item], MessageView], thought_is_open: Callable[[Item], bool]) -> None:
        self._make_view = make_view
        self.thought_is_open = thought_is_open
        self.items: list[Item] = []
        self.index: dict[str, int] = {}
        self.heights = Heights()
        self.views: dict[int, MessageView] = {}
        self.visible: list[tuple[int, float]] = []
        self.following = True
        """Whether the end of the page stays at the bottom of the screen."""
        self.column = 0.0
        self.left = 0.0
        self.height = 0.0
        self._anchor = (0, float(MARGIN))
        self._measured: set[int] = set()

    # Its messages

    def set_items(self, items: list[Item], *, keep: bool = False) -> None:
        """Another conversation, from its end; with ``keep`` what stands on the screen stays there."""
        self.items = list(items)
        self.index = {item.id: number for number, item in enumerate(items)}
        self.heights = Heights([_guess(item) for item in items])
        self.views, self._measured = {}, set()
        self.following = self.following or not keep

    def append(self, item: Item) -> None:
        """One more message at the end."""
        self.index[item.id] = len(self.items)
        self.items.append(item)
        self.heights.append(_guess(item))

    def replace(self, item: Item) -> None:
        """Another state of a message that is there."""
        number = self.index[item.id]
        self.items[number] = item
        self._measured.discard(number)
        if number in self.views:
            self.views[number].set_item(item)

    def grow(self, item: Item, added: str) -> None:
        """More of an answer that is being written."""
        number = self.index[item.id]
        self.items[number] = item
        self._measured.discard(number)
        if number in self.views:
            self.views[number].item = item
            self.views[number].grow(added)

    def view(self, number: int) -> MessageView:
        """A message, laid out for the present width."""
        view = self.views.get(number)
        if view is None:
            view = self.views[number] = self._make_view(self.items[number])
            self._measured.discard(number)
        if number not in self._measured or view.width != self.column:
            self.heights[number] = view.lay_out(self.column)
            self._measured.add(number)
        return view

    def hold(self) -> tuple[int, tuple[int, int], float] | None:
        """The line at the top of the screen, to come back to when heights above it have changed."""
        number, top = self._anchor
        view = self.views.get(number)
        if view is None or top >= 0:
            return None
        place, below = view.first_text(-top, self.height) or view.place_at_height(-top)
        return number, place, below

    def come_back(self, held: tuple[int, tuple[int, int], float] | None) -> None:
        """Put that line where it was."""
        if held is not None and not self.following:
            number, place, below = held
            self._anchor = (number, below - self.view(number).top_of(place))

    def measure_again(self, number: int) -> None:
        """A message may have another height."""
        self._measured.discard(number)

    def forget_views(self) -> None:
        """Lay everything out anew: other colours, another size, other words."""
        self.views.clear()
        self._measured.clear()

    # Its place on the screen

    def resize(self, width: float, height: float) -> None:
        """Another size of the screen; what one is reading stays in its place."""
        column = max(120.0, min(float(COLUMN), width - 2 * MARGIN))
        self.left = round((width - column) / 2)
        self.height = height
        if column == self.column:
            return
        self.column = column
        number, top = self._anchor
        reading = None
        if number in self.views and top < 0:
            view = self.views[number]
            reading = view.place_at_height(-top)
        self._measured.clear()
        if reading is not None:
            view = self.view(number)
            self._anchor = (number, reading[1] - view.top_of(reading[0]))

    @property
    def total(self) -> float:
        """The height of the whole page."""
        return self.heights.total + 2 * MARGIN

    @property
    def offset(self) -> float:
        """How far the page is scrolled."""
        number, top = self._anchor
        return MARGIN + self.heights.before(number) - top

    def scroll_by(self, distance: float) -> None:
        """Move the page up by a distance, to the pixel, whatever was guessed."""
        number, top = self._anchor
        self._anchor = (number, top - distance)
        self.following = False

    def scroll_to(self, offset: float) -> None:
        """Go to a place of the page as the guesses have it."""
        number = self.heights.at(offset - MARGIN) if self.items else 0
        self._anchor = (number, MARGIN + self.heights.before(number) - offset)
        self.following = False

    def show(self, number: int, below: float) -> None:
        """Bring a message's top to a distance below the top of the screen."""
        self._anchor = (number, below)
        self.following = False

    def arrange(self) -> None:
        """Find the messages on the screen and measure them."""
        self.visible = []
        count = len(self.items)
        if not count:
            self._anchor, self.following = (0, float(MARGIN)), True
            return
        number, top = self._anchor
        followed = self.following
        if self.following or number >= count:
            number = count - 1
            self.view(number)
            top = self.height - MARGIN - self.heights[number]
        self._fill(number, top)
        self._pull_to_ends()
        self._anchor = self.visible[0]
        last, bottom = self.visible[-1][0], self.visible[-1][1]
        at_end = last == count - 1 and bottom + self.heights[last] <= self.height - MARGIN + 2
        # The end of a message that is not read yet is no end.
        self.following = at_end and (followed or not self.views[last].is_behind)
        self._evict()

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
        """The page neither ends above the bottom of the screen nor begins below its top."""
        last, top = self.visible[-1]
        gap = self.height - MARGIN - (top + self.heights[last])
        if last == len(self.items) - 1 and gap > 0:
            self._fill(last, top + gap)
        first, top = self.visible[0]
        if first == 0 and top > MARGIN:
            self._fill(0, float(MARGIN))

    def _evict(self) -> None:
        if len(self.views) <= KEPT + len(self.visible):
            return
        middle = self.visible[len(self.visible) // 2][0]
        keep = {number for number, _ in self.visible}
        keep |= {n for n in self.views if self.items[n].status is Status.STREAMING}
        far = sorted((n for n in self.views if n not in keep), key=lambda n: -abs(n - middle))
        for number in far[: len(self.views) - KEPT // 2 - len(keep)]:
            del self.views[number]

    def message_at(self, y: float) -> tuple[int, float] | None:
        """The message nearest to a height of the screen, and its top."""
        for number, top in self.visible:
            if y < top + self.heights[number]:
                return number, top
        return self.visible[-1] if self.visible else None
