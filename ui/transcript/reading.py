"""A message read bit by bit: what comes while an answer is written, and what would hold the window if read at once.

What is beyond all bounds is cut, and said to be: copying always gives everything.
"""

from __future__ import annotations

import time
from collections import deque

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN
from app.markdown.blocks import Block
from app.markdown.control_characters import visible
from app.markdown.parser import parse
from app.markdown.streaming import StreamingMarkdown

AT_ONCE = 8_000
"""Characters that are read in one go: a few milliseconds."""
STEP = 1_500
SLOW_S = 0.06
"""A step that takes this much of the processor is the last one: the next would hold the window."""
LINE_MOST = 10_000
"""A line without an end takes the square of its length to lay out."""
LINES_MOST = 12_000
SHOWN_MOST = 400_000
OPEN_MOST = 60_000
"""One open paragraph, quote or item is read again with each bit."""
TYPED_MOST, TYPED_LINES = 60_000, 3_000
"""A question, which is set as one piece."""
WHOLE_MOST = 60_000
"""Up to here a message with link references is read a second time as a whole."""


class Reader:
    """The blocks of a text that may still grow."""

    def __init__(self, text: str = "") -> None:
        self._stream = StreamingMarkdown()
        self._unread: deque[str] = deque()
        self._blocks: list[Block] = []
        self._size = self._line = self._lines = 0
        self._has_cut_line = self._is_slow = False
        self.add(text)

    def add(self, text: str) -> None:
        """More of the text; it is read when there is time."""
        self._unread += _steps(text)

    @property
    def is_behind(self) -> bool:
        """Whether some of the text is not read yet."""
        return bool(self._unread) and not self._is_full

    def step(self, *, growing: bool) -> list[Block]:
        """Read one step on; returns the blocks so far.  ``growing`` says whether more of the text may come."""
        if self._is_full and self._blocks:
            return self._blocks
        started = time.thread_time()
        if self._unread:
            self._feed(self._unread.popleft())
        self._blocks = self._stream.blocks(preview=growing or self.is_behind)
        self._is_slow = self._is_slow or time.thread_time() - started > SLOW_S
        return self._blocks

    @property
    def is_exact(self) -> bool:
        """Whether reading the whole at once would give the same."""
        return self._stream.is_exact

    @property
    def is_cut(self) -> bool:
        """Whether something is not shown."""
        return self._has_cut_line or (self._is_full and bool(self._unread))

    @property
    def _is_full(self) -> bool:
        open_characters = self._stream.open_characters
        is_full = self._size > SHOWN_MOST or self._lines > LINES_MOST or open_characters > OPEN_MOST
        return is_full or (self._is_slow and open_characters > STEP)

    def _feed(self, text: str) -> None:
        text = visible(text)
        breaks = text.count("\n")
        self._size += len(text)
        self._lines += breaks
        if self._line + len(text) > LINE_MOST:
            text = self._cut_lines(text)
        else:
            self._line = len(text) - text.rfind("\n") - 1 if breaks else self._line + len(text)
        self._stream.feed(text)

    def _cut_lines(self, text: str) -> str:
        kept = []
        for number, line in enumerate(text.split("\n")):
            before = 0 if number else self._line
            room = max(0, LINE_MOST - before)
            self._has_cut_line = self._has_cut_line or len(line) > room
            kept.append(line[:room])
            self._line = before + len(line)
        return "\n".join(kept)


def read_whole(text: str) -> list[Block]:
    """The blocks of a finished message of a bounded length."""
    return parse(visible(text))


def typed(text: str) -> tuple[str, bool]:
    """A question as it is shown, and whether something is left out."""
    lines = visible(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept, room = [], TYPED_MOST
    for line in lines[:TYPED_LINES]:
        kept.append(line[: min(room, LINE_MOST)])
        room -= len(kept[-1])
        if room <= 0:
            break
    shown = "\n".join(kept)
    return shown, len(shown) < sum(map(len, lines)) + len(lines) - 1


def is_thinking(text: str) -> bool:
    """Whether a growing text is still inside the model's thought."""
    return text.lstrip()[: len(THOUGHT_OPEN)] == THOUGHT_OPEN and THOUGHT_CLOSE not in text


def _steps(text: str) -> list[str]:
    """Pieces of about ``STEP`` characters that end with a line where they can: a line is then read once."""
    steps, start = [], 0
    while len(text) - start > STEP:
        end = text.rfind("\n", start, start + STEP) + 1
        if end <= start:
            end = text.find("\n", start) + 1 or len(text)
        steps.append(text[start:end])
        start = end
    if start < len(text):
        steps.append(text[start:])
    return steps
