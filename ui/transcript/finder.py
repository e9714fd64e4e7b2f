"""Finds a text in the whole conversation without laying it out: it looks into the texts, a little at a time.

A hit is known by its message and by its number in it; only where one goes is laid out.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.markdown.blocks import Block, Table, block_text, spans_text
from app.markdown.control_characters import visible
from app.markdown.parser import parse, split_thought
from ui.transcript.item import Item
from ui.transcript.message import Marks, MessageView
from ui.transcript.parts import find_in, pattern_of
from ui.transcript.reading import typed

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript

SLICE_S, PAUSE_MS = 0.008, 2
AGAIN_MS = 300
"""How soon a growing answer is looked through again."""
MARKED_MOST = 64
"""Messages whose marks are remembered."""
_MARKUP = str.maketrans("", "", "*_~`\\[]()#>|<!: \t\r\n\u00a0")
_FENCE = re.compile(r"^.*(?:```|~~~).*$", re.MULTILINE)
_HIDES = ("](", "][", "]:", "&", "$", "\\")
"""What may stand in a source and not in what is shown of it: then only reading it tells."""


def pieces(item: Item) -> Iterator[tuple[bool, str]]:
    """The texts of a message in the order in which they are drawn, each with whether it is part of the thought."""
    if item.is_question:
        yield False, typed(item.content)[0]
        return
    for block in parse(visible(item.content)):
        for text in _texts(block):
            yield block.thought, text


def _texts(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        for row in (block.head, *block.rows):
            yield from map(spans_text, row)
    else:
        yield block_text(block)


def _counted(item: Item, needle: str) -> tuple[int, int] | None:
    """How often a text of letters stands in the thought and behind it, where that is sure without reading Markdown.

    It is where the marks hide nothing and part nothing: then leaving them out brings no hit, and none stands in them.
    """
    content, low = item.content, needle.lower()
    if not item.is_question:
        stands_in_marks = "[" in content or low.isdecimal() or low in "think"
        stands_in_marks = stands_in_marks or any(mark in content for mark in _HIDES)
        stands_in_marks = stands_in_marks or any(low in line.lower() for line in _FENCE.findall(content))
        if stands_in_marks or not all(character.isalnum() or character == " " for character in low):
            return None
    thought, _, answer = split_thought(content)
    found = (thought.lower().count(low), answer.lower().count(low))
    bare = content.lower().translate(_MARKUP).count(low.translate(_MARKUP))
    return found if item.is_question or sum(found) == bare else None


class Finder(QObject):
    """The search for one text in one conversation."""

    changed = Signal()
    """More was found, or another hit is the present one."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._transcript = transcript
        self.needle = ""
        self._counts: dict[int, tuple[int, int]] = {}
        """For messages with hits: how many in the thought, and how many behind it."""
        self._order: list[int] = []
        self._sums: list[int] = []
        self._next = 0
        self._from = 0
        self._here: tuple[int, int] | None = None
        """Message and number of the present hit."""
        self._wanted: int | None = None
        """The message that is being read in order to go there."""
        self._marks: dict[int, tuple[MessageView, int, Marks]] = {}
        self._slices = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._slices.timeout.connect(self._look_on)
        self._again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._again.timeout.connect(self._look_again)
        self._stale: set[int] = set()

    # What is looked for

    def look_for(self, needle: str) -> None:
        """Begin anew; the first hit in what begins on the screen or below becomes the present one."""
        self.needle = needle
        shown = self._transcript.page.visible
        self._from = next((number for number, top in shown if top >= 0), shown[0][0] if shown else 0)
        self.restart()

    def restart(self) -> None:
        """The conversation is another one."""
        self._counts, self._order, self._sums, self._marks = {}, [], [], {}
        self._next, self._here, self._wanted = 0, None, None
        self._stale.clear()
        self._slices.stop()
        if self.needle:
            self._look_on()
        self.changed.emit()

    def forget_marks(self) -> None:
        """The messages are laid out anew."""
        self._marks = {}

    def refresh(self, number: int) -> None:
        """A message has another text; a growing one is looked at again only now and then."""
        if not self.needle:
            return
        self._stale.add(number)
        if not self._again.isActive():
            self._again.start()

    @property
    def is_looking(self) -> bool:
        """Whether some messages were not looked at yet."""
        return bool(self.needle) and self._next < len(self._transcript.page.items)

    @property
    def total(self) -> int:
        """How many hits are known."""
        return self._sums[-1] if self._sums else 0

    @property
    def place(self) -> int:
        """Which of the hits is the present one, from 1; 0 before there is one."""
        if self._here is None:
            return 0
        return self._before(self._here[0]) + self._here[1] + 1

    # Looking

    def _look_on(self) -> None:
        items, until = self._transcript.page.items, time.perf_counter() + SLICE_S
        needle = self.needle.lower().translate(_MARKUP)
        while self._next < len(items):
            self._count(self._next, needle)
            self._next += 1
            if self._next % 8 == 0 and time.perf_counter() > until:
                self._slices.start()
                break
        self._sum_up()
        if self._here is None and self._order:
            first = bisect_left(self._order, self._from)
            if first < len(self._order) or not self.is_looking:
                self._go(self._order[first if first < len(self._order) else 0], 0)
        self.changed.emit()

    def _look_again(self) -> None:
        needle = self.needle.lower().translate(_MARKUP)
        for number in self._stale:
            if number < self._next and number < len(self._transcript.page.items):
                self._count(number, needle)
        self._next = max(self._next, 0)
        self._stale.clear()
        self._sum_up()
        if self._here and self._here[1] >= sum(self._counts.get(self._here[0], (0, 0))):
            self._here = None
        if self.is_looking:
            self._slices.start()
        self.changed.emit()

    def _count(self, number: int, needle: str) -> None:
        item = self._transcript.page.items[number]
        self._counts.pop(number, None)
        content = item.content
        if needle not in content.lower().translate(_MARKUP) and not any(mark in content for mark in _HIDES):
            return
        known = _counted(item, self.needle) if needle == self.needle.lower().replace(" ", "") else None
        if known is not None:
            if any(known):
                self._counts[number] = known
            return
        pattern, thought, answer = pattern_of(self.needle), 0, 0
        for is_thought, text in pieces(item):
            found = sum(1 for _ in pattern.finditer(text.replace("\u00a0", " ")))
            thought, answer = thought + found * is_thought, answer + found * (not is_thought)
        if thought or answer:
            self._counts[number] = (thought, answer)

    def _sum_up(self) -> None:
        self._order = sorted(self._counts)
        self._sums = list(accumulate(sum(self._counts[number]) for number in self._order))

    def _before(self, number: int) -> int:
        at = bisect_left(self._order, number)
        return self._sums[at - 1] if at else 0

    # Going from hit to hit

    def step(self, way: int) -> None:
        """Go to the next hit (1) or the one before (-1), around the ends."""
        total = self.total
        if not total:
            return
        at = (self.place - 1 + way) % total if self._here else (0 if way > 0 else total - 1)
        order = bisect_right(self._sums, at)
        self._go(self._order[order], at - (self._sums[order - 1] if order else 0))

    def _go(self, number: int, at: int) -> None:
        thought, answer = self._counts[number]
        self._here = (number, at % (thought + answer))
        transcript = self._transcript
        if self._here[1] < thought and not transcript.thoughts.is_open(transcript.page.items[number]):
            transcript.set_thought_open(number, True)
        if transcript.page.view(number).is_behind:
            self._wanted = number
            transcript.read_behind(number)
        transcript.show_hit(number, self.present(number))
        self.changed.emit()

    def arrived(self, number: int) -> None:
        """A message that was long to read is read."""
        if self._wanted == number:
            self._wanted = None
            if self._here and self._here[0] == number:
                self._transcript.show_hit(number, self.present(number))

    # What is marked

    def marks(self, number: int) -> Marks:
        """The hits in a message that is laid out."""
        if not self.needle:
            return {}
        view = self._transcript.page.view(number)
        known = self._marks.get(number)
        if known is None or known[0] is not view or known[1] != view.stamp:
            if len(self._marks) > MARKED_MOST:
                self._marks.clear()
            known = self._marks[number] = (view, view.stamp, find_in(view.parts, self.needle))
        return known[2]

    def present(self, number: int) -> tuple[int, int, int] | None:
        """The present hit if it lies in a message: its part, its beginning, its end."""
        if self._here is None or self._here[0] != number:
            return None
        view = self._transcript.page.view(number)
        found = [(at, *span) for at, ranges in sorted(self.marks(number).items()) for span in ranges]
        folded = self._counts.get(number, (0, 0))[0] if view.has_thought and not view.thought_open else 0
        place = self._here[1] - folded
        return found[min(place, len(found) - 1)] if found and place >= 0 else None
