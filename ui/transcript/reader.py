"""Incremental reading of a message: text that arrives while an answer is written, long text in steps, thoughts.

Text beyond the limits is cut and marked as such; copying always returns everything.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Generator

from PySide6.QtCore import QCoreApplication

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN, Status
from app.markdown.blocks import Block, with_picture_word
from app.markdown.control_characters import open_escape, visible
from app.markdown.parser import parse
from app.markdown.streaming import StreamingMarkdown
from ui.transcript.item import Item

READ_AT_ONCE = 8_000
"""Characters that are read in one go: a few milliseconds."""
STEP, STEP_LINES, STEP_CELLS = 1_500, 60, 100
"""Characters that are read between two looks at the clock: a third of them where they have more lines than this, and
as many as have no more than this number of table cells."""
SLOW_STEP_S = 0.03
"""Nothing more is read where the next step would take this much processor time and block the window."""
MAX_LINE = 10_000
"""Characters of a line; laying out a longer one takes the square of its length."""
MAX_LINES = 12_000
MAX_SHOWN = 400_000
MAX_OPEN = 60_000
"""Characters of an open paragraph, quote or item, which is read again with each piece."""
MAX_QUESTION, MAX_QUESTION_LINES = 60_000, 1_200
"""Of a question, which is laid out in one go."""
PREVIEW_LENGTH = 400
"""Characters at the end of growing thoughts from which their last line is taken."""
_MARKUP = re.compile(r"^\s*(?:#+|[-*+>]|\d+[.)])\s+|[*`#]+")
MAX_REREAD = 60_000
"""Characters up to which a message with link references is read a second time as a whole."""


class IncrementalReader:
    """Reads a text that may still grow into blocks, step by step."""

    def __init__(self, text: str = "") -> None:
        self._stream = StreamingMarkdown()
        self._unread: deque[str] = deque()
        self._blocks: list[Block] = []
        self._size = self._line = self._lines = 0
        self._has_cut_line = self._is_slow = self._has_picture = False
        self._held = ""
        """The beginning of an escape sequence."""
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
        if self._held and not growing and not self._unread:
            self._feed("", is_last=True)
        self._blocks = _in_own_words(self._stream.blocks(preview=growing or self.is_behind), self._has_picture)
        # The next step reads the open end again, and about as much more.
        growth = 1 + STEP / max(STEP, self._stream.open_characters)
        self._is_slow = self._is_slow or (time.thread_time() - started) * growth > SLOW_STEP_S
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
        return is_full or (self._is_slow and open_characters > STEP // 2)

    def _feed(self, text: str, *, is_last: bool = False) -> None:
        kept = []
        text = self._held + text
        end = len(text) if is_last else open_escape(text)
        text, self._held = visible(text[:end]), text[end:]
        self._has_picture = self._has_picture or "data:" in text
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


def read_at_once(text: str) -> list[Block]:
    """Return the blocks of a whole answer as they are shown."""
    return _in_own_words(parse(visible(text)), "data:" in text)


def _in_own_words(blocks: list[Block], has_picture: bool) -> list[Block]:
    return with_picture_word(blocks, QCoreApplication.translate("export", "Picture")) if has_picture else blocks


def read_in_steps(text: str) -> Generator[None, None, tuple[list[Block], bool]]:
    """Read an answer as it is shown, and yield between two steps; returns its blocks, and whether it is cut."""
    reader = IncrementalReader(text)
    blocks = reader.step(growing=False)
    while reader.is_behind:
        yield
        blocks = reader.step(growing=False)
    if not reader.is_exact and len(text) <= MAX_REREAD:
        blocks = read_at_once(text)
    return blocks, reader.is_cut


def question_text(text: str) -> tuple[str, bool]:
    """Return a question as it is shown, and whether it is cut."""
    text = visible(text).replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")[:MAX_QUESTION_LINES]
    shown = "\n".join(line[:MAX_LINE] for line in lines)[:MAX_QUESTION]
    return shown, len(shown) < len(text)


def is_thinking(text: str) -> bool:
    """Whether an answer is still inside the model's thoughts."""
    return text.lstrip()[: len(THOUGHT_OPEN)] == THOUGHT_OPEN and THOUGHT_CLOSE not in text


def last_thought(text: str) -> str:
    """Return the last line of the thoughts of an answer that is being written, without its Markdown syntax."""
    text = text[-PREVIEW_LENGTH:].replace(THOUGHT_OPEN, "").rstrip().removesuffix("```").rstrip()
    return visible(_MARKUP.sub("", text.rpartition("\n")[2])).strip()


class ThoughtStates:
    """Which thoughts and long questions are expanded, and the time that thoughts took; until the program ends."""

    def __init__(self) -> None:
        self.unfolded: set[str] = set()
        """Long questions that are shown as a whole."""
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


def _steps(text: str) -> list[str]:
    """Split a text into pieces of about ``STEP`` characters that end with a line where possible."""
    steps, start = [], 0
    while start < len(text):
        end = len(text)
        size = end - start
        if size > STEP:
            end = text.rfind("\n", start, start + STEP) + 1
            size = STEP
        if text.count("\n", start, end) > STEP_LINES:
            size = min(size, STEP // 3)
            end = text.rfind("\n", start, start + size) + 1
        cells = text.count("|", start, end)
        if cells > STEP_CELLS:
            end = text.rfind("\n", start, start + (end - start) * STEP_CELLS // cells) + 1
        if end <= start:
            end = text.find("\n", start) + 1 or len(text)
        steps.append(text[start:end])
        start = end
    return steps
