"""Search in the conversation without laying it out: the texts of the messages are searched in slices of time.

A match is identified by its message and its number in the message, which is laid out only to show the match.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from app.markdown.blocks import Table, block_text
from app.markdown.control_characters import visible
from app.markdown.parser import parse, split_thought
from ui.transcript.blocks.part import search_pattern
from ui.transcript.blocks.stack import Marks
from ui.transcript.item import Item
from ui.transcript.reader import question_text
from ui.transcript.state import Match, TranscriptState

SLICE_S, PAUSE_MS = 0.008, 2
REFRESH_MS = 300
"""How soon a growing answer is searched again."""
_MARKUP = str.maketrans("", "", "*_~`\\[]()#>|<!: \t\r\n\u00a0")
_FENCE = re.compile(r"^.*(?:```|~~~).*$", re.MULTILINE)
_NOT_SHOWN = ("](", "][", "]:", "&", "$", "\\")
"""Markup whose source text may differ from the shown text, so that it must be parsed."""


def _texts(item: Item) -> Iterator[tuple[bool, str]]:
    """Yield the texts of a message in the order in which they are shown, each with whether it is a thought."""
    if item.is_question:
        yield False, question_text(item.content)[0]
        return
    for block in parse(visible(item.content)):
        text = block_text(block)
        for each in re.split("[\t\n]", text) if isinstance(block, Table) else [text]:
            yield block.thought, each


def _count_in_source(item: Item, needle: str) -> tuple[int, int] | None:
    """Count the matches in the thoughts and after them without parsing, or return None where that is not exact.

    It is exact where markup neither hides nor interrupts a match: then leaving it out adds none.
    """
    content, low = item.content, needle.lower()
    if not item.is_question:
        in_markup = "[" in content or low.isdecimal() or low in "think"
        in_markup = in_markup or any(mark in content for mark in _NOT_SHOWN)
        in_markup = in_markup or any(low in line.lower() for line in _FENCE.findall(content))
        if in_markup or not all(character.isalnum() or character == " " for character in low):
            return None
    thought, _, answer = split_thought(content)
    found = (thought.lower().count(low), answer.lower().count(low))
    without_markup = content.lower().translate(_MARKUP).count(low.translate(_MARKUP))
    return found if item.is_question or sum(found) == without_markup else None


def count_matches(item: Item, needle: str) -> tuple[int, int]:
    """Return how often a text occurs in the thoughts of a message and after them."""
    low = needle.lower()
    bare = low.translate(_MARKUP)
    if bare not in item.content.lower().translate(_MARKUP) and not any(mark in item.content for mark in _NOT_SHOWN):
        return 0, 0
    counted = _count_in_source(item, needle) if bare == low.replace(" ", "") else None
    if counted is not None:
        return counted
    pattern, counts = search_pattern(needle), [0, 0]
    for is_thought, text in _texts(item):
        counts[not is_thought] += sum(1 for _ in pattern.finditer(text.replace("\u00a0", " ")))
    return counts[0], counts[1]


class Finder(QObject):
    """The search for one text, in all messages of a conversation or in one of them."""

    changed = Signal()
    """More matches are known, or another one is the current match."""

    def __init__(self, state: TranscriptState, parent: QObject) -> None:
        super().__init__(parent)
        self._state = state
        self.needle = ""
        self._only: int | None = None
        """The only message that is searched."""
        self._matches: list[int] = []
        """For each match the number of its message, in order."""
        self._in_thoughts: dict[int, int] = {}
        """How many of the matches of a message are in its thoughts."""
        self._next = 0
        """The first message that is not searched yet."""
        self._from = 0
        """Where the search began on the screen."""
        self._current: tuple[int, int] | None = None
        """Message and number of the current match."""
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._search_slice)
        self._stale: set[int] = set()
        """Searched messages whose text has changed."""

    def search(self, needle: str) -> None:
        """Search the conversation; the first match on the screen or below becomes the current one."""
        self.needle, self._only = needle, None
        shown = self._state.page.visible
        self._from = next((number for number, top in shown if top >= 0), shown[0][0] if shown else 0)
        self._start()

    def search_message(self, number: int, needle: str) -> bool:
        """Search one message and go to its first match; false if it has none."""
        self.needle, self._only, self._from = needle, number, number
        self._start()
        return bool(self._current)

    def restart(self) -> None:
        """Search other messages; a search in one message ends."""
        if self._only is not None:
            self.needle, self._only = "", None
        self._start()

    def _start(self) -> None:
        self._matches, self._in_thoughts = [], {}
        self._next, self._current = 0, None
        self._stale.clear()
        self._timer.stop()
        if self.needle and self._only is not None:
            self._count(self._only)
            self._next = len(self._state.page.items)
        self._search_slice()

    def refresh(self, number: int) -> None:
        """Search a message again some time later: its text has changed."""
        if self.needle and self._only is None:
            self._stale.add(number)
            if not self._timer.isActive():
                self._timer.start(REFRESH_MS)

    @property
    def is_searching(self) -> bool:
        """Whether some messages are not searched yet."""
        return bool(self.needle) and self._next < len(self._state.page.items)

    @property
    def total(self) -> int:
        """Number of known matches."""
        return len(self._matches)

    @property
    def place(self) -> int:
        """Number of the current match, from 1; 0 before there is one."""
        if self._current is None:
            return 0
        number, match = self._current
        return bisect_left(self._matches, number) + match + 1

    def _search_slice(self) -> None:
        items, deadline = self._state.page.items, time.perf_counter() + SLICE_S
        is_refresh = bool(self._stale) and not self.is_searching
        for number in self._stale:
            if number < min(self._next, len(items)):
                self._count(number)
        self._stale.clear()
        if self._current and self._current[1] >= self._matches.count(self._current[0]):
            self._current = None
        while self.is_searching:
            self._count(self._next)
            self._next += 1
            if self._next % 8 == 0 and time.perf_counter() > deadline:
                self._timer.start(PAUSE_MS)
                break
        # A text that appears while an answer is written must not move the page.
        if self._current is None and self._matches and not is_refresh:
            first = bisect_left(self._matches, self._from)
            if first < self.total or not self.is_searching:
                self._go(first % self.total)
        self.changed.emit()

    def _count(self, number: int) -> None:
        in_thoughts, after = count_matches(self._state.page.items[number], self.needle)
        self._in_thoughts[number] = in_thoughts
        first, last = bisect_left(self._matches, number), bisect_right(self._matches, number)
        self._matches[first:last] = [number] * (in_thoughts + after)

    def step(self, step: int) -> None:
        """Go to the next match (1) or the one before (-1), around the ends."""
        if self._current:
            self._go((self.place - 1 + step) % self.total)
        elif self._matches:
            self._go(0 if step > 0 else self.total - 1)

    def _go(self, index: int) -> None:
        state, number = self._state, self._matches[index]
        match = index - bisect_left(self._matches, number)
        self._current = (number, match)
        if match < self._in_thoughts[number] and not state.thoughts.is_open(state.page.items[number]):
            state.set_thought_open(number, True)
        state.show_match(number, self.current_match(number))
        self.changed.emit()

    def handle_read(self, number: int) -> None:
        """Go to the current match of a long message that has now been read to its end."""
        if self._current and self._current[0] == number:
            self._state.show_match(number, self.current_match(number))

    def marks(self, number: int) -> Marks:
        """Return the matches in a message that is laid out."""
        if not self.needle or self._only not in {None, number}:
            return {}
        return self._state.page.view(number).body.find(self.needle)

    def current_match(self, number: int) -> Match | None:
        """Return the current match if it is in a message."""
        if self._current is None or self._current[0] != number:
            return None
        view = self._state.page.view(number)
        found = [(at, *span) for at, ranges in sorted(self.marks(number).items()) for span in ranges]
        collapsed = self._in_thoughts[number] if view.has_thought and not view.thought_open else 0
        match = self._current[1] - collapsed
        return found[min(match, len(found) - 1)] if found and match >= 0 else None
