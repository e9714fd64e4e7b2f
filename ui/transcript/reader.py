"""Incremental reading of a message's Markdown: text that arrives while an answer is written, and long text in steps.

Text beyond the limits is cut and marked as such; copying always returns everything.
"""

from __future__ import annotations

import time
from collections import deque

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN
from app.markdown.blocks import Block
from app.markdown.control_characters import visible
from app.markdown.parser import parse
from app.markdown.streaming import StreamingMarkdown

READ_AT_ONCE = 8_000
"""Characters that are read in one go: a few milliseconds."""
STEP = 1_500
SLOW_STEP_S = 0.06
"""After a step that takes this much processor time nothing more is read: the next would block the window."""
MAX_LINE = 10_000
"""Characters of a line; laying out a longer one takes the square of its length."""
MAX_LINES = 12_000
MAX_SHOWN = 400_000
MAX_OPEN = 60_000
"""Characters of an open paragraph, quote or item, which is read again with each piece."""
MAX_QUESTION, MAX_QUESTION_LINES = 60_000, 3_000
"""Of a question, which is laid out in one go."""
MAX_REREAD = 60_000
"""Characters up to which a message with link references is read a second time as a whole."""


class Reader:
    """Reads a text that may still grow into blocks, step by step."""

    def __init__(self, text: str = "") -> None:
        self._stream = StreamingMarkdown()
        self._unread: deque[str] = deque()
        self._blocks: list[Block] = []
        self._size = self._line = self._lines = 0
        self._has_cut_line = self._is_slow = False
        self.add(text)

    def add(self, text: str) -> None:
        """Append text, to be read by later steps."""
        self._unread += _steps(text)

    @property
    def is_behind(self) -> bool:
        """Whether some of the text is not read yet."""
        return bool(self._unread) and not self._is_full

    def step(self, *, growing: bool) -> list[Block]:
        """Read one step and return the blocks so far; ``growing`` if more text may arrive."""
        if self._is_full and self._blocks:
            return self._blocks
        started = time.thread_time()
        if self._unread:
            self._feed(self._unread.popleft())
        self._blocks = self._stream.blocks(preview=growing or self.is_behind)
        self._is_slow = self._is_slow or time.thread_time() - started > SLOW_STEP_S
        return self._blocks

    @property
    def is_exact(self) -> bool:
        """Whether reading everything at once would give the same blocks."""
        return self._stream.is_exact

    @property
    def is_cut(self) -> bool:
        """Whether some of the text is not shown."""
        return self._has_cut_line or (self._is_full and bool(self._unread))

    @property
    def _is_full(self) -> bool:
        open_characters = self._stream.open_characters
        is_full = self._size > MAX_SHOWN or self._lines > MAX_LINES or open_characters > MAX_OPEN
        return is_full or (self._is_slow and open_characters > STEP)

    def _feed(self, text: str) -> None:
        kept = []
        text = visible(text)
        lines = text.split("\n")
        self._size += len(text)
        self._lines += len(lines) - 1
        for number, line in enumerate(lines):
            before = 0 if number else self._line
            shown = line[: max(0, MAX_LINE - before)]
            self._has_cut_line = self._has_cut_line or len(shown) < len(line)
            kept.append(shown)
            self._line = before + len(line)
        self._stream.feed("\n".join(kept))


def read_whole(text: str) -> list[Block]:
    """Return the blocks of a finished message of bounded length."""
    return parse(visible(text))


def question_text(text: str) -> tuple[str, bool]:
    """Return a question as it is shown, and whether it is cut."""
    lines = visible(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept, remaining = [], MAX_QUESTION
    for line in lines[:MAX_QUESTION_LINES]:
        kept.append(line[: min(remaining, MAX_LINE)])
        remaining -= len(kept[-1])
        if remaining <= 0:
            break
    shown = "\n".join(kept)
    return shown, len(shown) < sum(map(len, lines)) + len(lines) - 1


def is_thinking(text: str) -> bool:
    """Whether an answer is still inside the model's thoughts."""
    return text.lstrip()[: len(THOUGHT_OPEN)] == THOUGHT_OPEN and THOUGHT_CLOSE not in text


def _steps(text: str) -> list[str]:
    """Split a text into pieces of about ``STEP`` characters that end with a line where possible."""
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
