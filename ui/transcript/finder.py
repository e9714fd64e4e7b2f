"""Search in the conversation and its bar; the texts are searched in slices of time, without laying them out.

A match is identified by its message and its number in the message, which is laid out only to show the match.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from app.markdown.blocks import Block, Table, block_text, spans_text
from app.thoughts import split_thought
from ui.transcript.blocks.part import search_pattern
from ui.transcript.blocks.stack import Marks
from ui.transcript.item import Item
from ui.transcript.reader import MAX_SHOWN, question_text, read_in_steps
from ui.transcript.state import Match, TranscriptState
from ui.widgets.icons import icon
from ui.widgets.tool_button import ToolButton
from ui.widgets.translated import TranslatedWidget

SLICE_S, PAUSE_MS = 0.008, 2
REFRESH_MS = 300
"""How soon a growing answer is searched again."""
BAR_WIDTH, BAR_HEIGHT, BAR_MARGIN = 440, 44, 12
BUTTON_SIZE, ICON_SIZE = 30, 16
TYPING_MS = 120
"""Pause in typing after which the text is searched."""
_STEPS = {Qt.Key.Key_Return: 1, Qt.Key.Key_Enter: 1, Qt.Key.Key_F3: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
COUNTED_AT_ONCE = 60_000
"""Characters; longer answers are read in steps."""
_MARKUP = str.maketrans("", "", "*_~`\\[]()#>|<!: \t\r\n\u00a0")
_FENCE = re.compile(r"^.*(?:```|~~~).*$", re.MULTILINE)
_TAG = re.compile(r"<(?!/?think>)/?[a-zA-Z]")
_NOT_SHOWN = ("\x1b", "](", "][", "]:", "[^", "&", "$", "\\")
"""Markup whose source text may differ from the shown text, so that it must be parsed."""


def _texts(blocks: list[Block]) -> Iterator[tuple[bool, str]]:
    """Yield the texts of an answer in the order in which they are shown, each with whether it is a thought."""
    for block in blocks:
        if isinstance(block, Table):
            yield from ((block.thought, spans_text(cell)) for row in (block.head, *block.rows) for cell in row)
        else:
            yield block.thought, block_text(block)


def _count_in_source(content: str, needle: str, *, is_question: bool) -> tuple[int, int] | None:
    """Count the matches in the thoughts and after them without parsing, or return None where that is not exact.

    It is exact where markup neither hides nor interrupts a match: then leaving it out adds none.
    """
    low = needle.lower()
    if not is_question:
        in_markup = "[" in content or low.isdecimal() or low in "think"
        in_markup = in_markup or _is_hidden(content)
        in_markup = in_markup or any(low in line.lower() for line in _FENCE.findall(content))
        if in_markup or not all(character.isalnum() or character == " " for character in low):
            return None
    thought, _, answer = split_thought(content)
    found = (thought.lower().count(low), answer.lower().count(low))
    without_markup = content.lower().translate(_MARKUP).count(low.translate(_MARKUP))
    return found if is_question or sum(found) == without_markup else None


def _is_hidden(content: str) -> bool:
    return any(mark in content for mark in _NOT_SHOWN) or bool(_TAG.search(content))


def count_matches(item: Item, needle: str) -> Generator[None, None, tuple[int, int]]:
    """Return how often a text occurs in the thoughts of a message and after them; long messages are read in steps."""
    low, content = needle.lower(), question_text(item.content)[0] if item.is_question else item.content[:MAX_SHOWN]
    bare = low.translate(_MARKUP)
    if bare not in content.lower().translate(_MARKUP) and not _is_hidden(content):
        return 0, 0
    if bare == low.replace(" ", "") and (item.is_question or len(content) <= COUNTED_AT_ONCE):
        counted = _count_in_source(content, needle, is_question=item.is_question)
        if counted is not None:
            return counted
    texts: Iterable[tuple[bool, str]] = [(False, content)]
    if not item.is_question:
        blocks, _ = yield from read_in_steps(item.content)
        texts = _texts(blocks)
    pattern, counts = search_pattern(needle), [0, 0]
    for is_thought, text in texts:
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
        self._scrolls = 0
        """``Page.scrolls`` when the search began, or showed its match: a user who has scrolled since is not moved."""
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._search_slice)
        self._stale: set[int] = set()
        """Searched messages whose text has changed."""
        self._steps: Generator[None, None, None] | None = None
        """The search in a message that has begun."""

    def search(self, needle: str) -> None:
        """Search the conversation; the first match on the screen or below becomes the current one."""
        self.needle, self._only = needle, None
        shown = self._state.page.visible
        self._from = next((number for number, top in shown if top >= 0), shown[0][0] if shown else 0)
        self._start()

    def search_message(self, number: int, needle: str) -> None:
        """Search one message and go to its first match; those of the others are marked too."""
        self.needle, self._only, self._from = needle, number, number
        self._start()

    def restart(self) -> None:
        """Search other messages; a search in one message ends."""
        if self._only is not None:
            self.needle, self._only = "", None
        self._start()

    def _start(self) -> None:
        self._matches, self._in_thoughts = [], {}
        self._next, self._current = 0, None
        self._scrolls = self._state.page.scrolls
        self._stale.clear()
        self._timer.stop()
        self._steps = None
        self._next = self._only or 0
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
        end = len(self._state.page.items) if self._only is None else self._only + 1
        return bool(self.needle) and self._next < end

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
        deadline = time.perf_counter() + SLICE_S
        is_refresh = not self.is_searching
        while self._steps is not None or self._stale or self.is_searching:
            if time.perf_counter() > deadline:
                self._timer.start(PAUSE_MS)
                break
            if self._steps is None:
                self._steps = self._count(self._stale.pop() if self._stale else self._next)
            if next(self._steps, self) is self:
                self._steps = None
        if self._current and self._current[1] >= self._matches.count(self._current[0]):
            self._current = None
        # A text that appears while an answer is written must not move the page.
        if self._current is None and self._matches and not is_refresh:
            first = bisect_left(self._matches, self._from)
            if first < self.total or not self.is_searching:
                self._set_current(first % self.total)
        self.changed.emit()

    def _count(self, number: int) -> Generator[None, None, None]:
        items = self._state.page.items
        if number < len(items):
            in_thoughts, after = yield from count_matches(items[number], self.needle)
            self._in_thoughts[number] = in_thoughts
            first, last = bisect_left(self._matches, number), bisect_right(self._matches, number)
            self._matches[first:last] = [number] * (in_thoughts + after)
        if number == self._next:
            self._next += 1

    @property
    def has_other_versions(self) -> bool:
        """Whether messages have versions that are not shown, which are not searched."""
        return any(each.version is not None for each in self._state.page.items)

    def step(self, step: int) -> None:
        """Go to the next match (1) or the one before (-1), around the ends."""
        if self._current:
            self._go((self.place - 1 + step) % self.total)
        elif self._matches:
            self._go(0 if step > 0 else self.total - 1)

    def _go(self, index: int) -> None:
        self._scrolls = self._state.page.scrolls
        self._set_current(index)
        self.changed.emit()

    def _set_current(self, index: int) -> None:
        state, number = self._state, self._matches[index]
        match = index - bisect_left(self._matches, number)
        self._current = (number, match)
        if self._scrolls != state.page.scrolls:
            return
        if match < self._in_thoughts[number] and not state.thoughts.is_open(state.page.items[number]):
            state.set_thought_open(number, True)
        self.handle_read(number)

    def handle_read(self, number: int) -> None:
        """Show the current match, if it is in a message that has now been read to its end."""
        if self._current and self._current[0] == number and self._scrolls == self._state.page.scrolls:
            self._state.show_match(number, self.current_match(number))
            self._scrolls = self._state.page.scrolls

    def marks(self, number: int) -> Marks:
        """Return the matches in a message that is laid out."""
        return self._state.page.view(number).body.find(self.needle) if self.needle else {}

    def current_match(self, number: int) -> Match | None:
        """Return the current match if it is in a message."""
        if self._current is None or self._current[0] != number:
            return None
        view = self._state.page.view(number)
        found = [(at, *span) for at, ranges in sorted(self.marks(number).items()) for span in ranges]
        collapsed = self._in_thoughts[number] if view.has_thought and not view.thought_open else 0
        match = self._current[1] - collapsed
        return found[min(match, len(found) - 1)] if found and match >= 0 else None


class FindBar(TranslatedWidget):
    """A field, the number of matches, two arrows and a cross; the search itself is the finder's."""

    def __init__(self, finder: Finder, page: QAbstractScrollArea) -> None:
        super().__init__(page)
        self._finder, self._page = finder, page
        self.setObjectName("findBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.field = QLineEdit(self)
        self.field.setObjectName("findField")
        self.field.setFrame(False)
        for watched in (self, self.field):
            watched.installEventFilter(self)
        self._count = QLabel(self)
        self._count.setObjectName("findCount")
        self._previous = self._button("findPreviousButton", "chevron-up", lambda: self.step(-1))
        self._next = self._button("findNextButton", "chevron-down", lambda: self.step(1))
        self._close = self._button("findCloseButton", "close", self.close_bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 6, 4)
        layout.setSpacing(2)
        layout.addWidget(self.field, 1)
        layout.addWidget(self._count)
        layout.addSpacing(6)
        for button in (self._previous, self._next, self._close):
            layout.addWidget(button)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._search)
        self._searched = ""
        self._previous_focus: QWidget | None = None
        self.field.textEdited.connect(lambda _text: self._typing.start())
        finder.changed.connect(self._show_count)
        self.resize(BAR_WIDTH, BAR_HEIGHT)
        self.hide()
        self._retranslate()

    def showEvent(self, event: QShowEvent) -> None:
        """Move the conversation down, of which the bar must not hide the first matches."""
        self._page.setViewportMargins(0, BAR_HEIGHT + 2 * BAR_MARGIN, 0, 0)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Move the conversation back."""
        self._page.setViewportMargins(0, 0, 0, 0)
        super().hideEvent(event)

    def _button(self, name: str, picture: str, handler: Callable[[], None]) -> QToolButton:
        button = ToolButton(self)
        button.setObjectName(name)
        button.setFixedSize(BUTTON_SIZE, BUTTON_SIZE)
        button.setAutoRaise(True)
        button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        button.setIcon(icon(picture, "text"))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(handler)
        return button

    def open_bar(self, text: str = "") -> None:
        """Show the bar with the focus in the field; ``text`` is searched at once."""
        if not self.isVisible():
            self._previous_focus = QApplication.focusWidget()
        if text:
            self.field.setText(text)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._search()

    def close_bar(self) -> None:
        """Hide the bar and give the focus back."""
        focused = QApplication.focusWidget()
        had_focus = focused is not None and self.isAncestorOf(focused)
        self._typing.stop()
        self.hide()
        self._searched = ""
        self._finder.search("")
        if had_focus and self._previous_focus is not None:
            self._previous_focus.setFocus(Qt.FocusReason.OtherFocusReason)
        self._previous_focus = None

    def step(self, step: int) -> None:
        """Go to the next match (1) or the one before (-1); text that was just typed is searched first."""
        if not self.isVisible():
            return
        if self.field.text() != self._searched:
            self._search()
        else:
            self._finder.step(step)

    def _show_count(self) -> None:
        finder = self._finder
        text = "…" if finder.is_searching else ""
        if self._searched and finder.total:
            text = self.tr("{place} of {count}").format(place=finder.place, count=finder.total) + text
        elif self._searched and not finder.is_searching:
            text = self.tr("No matches")
        if text and finder.has_other_versions:
            text = self.tr("{matches} · shown versions").format(matches=text)
        self._count.setText(text)
        self._count.setAccessibleName(text)
        for button in (self._previous, self._next):
            button.setEnabled(finder.total > 0)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Handle Enter, Escape, the arrows and F3, also where they are shortcuts of the window."""
        if event.type() not in {QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride} or not isinstance(event, QKeyEvent):
            return False
        key = Qt.Key(event.key())
        if key != Qt.Key.Key_Escape and key not in _STEPS:
            return False
        event.accept()
        if event.type() == QEvent.Type.ShortcutOverride:
            return True
        if key == Qt.Key.Key_Escape:
            self.close_bar()
        else:
            self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEPS[key])
        return True

    def _search(self) -> None:
        self._typing.stop()
        self._searched = self.field.text()
        self._finder.search(self._searched)

    def _retranslate(self) -> None:
        label = self.tr("Find in this conversation")
        self.setAccessibleName(label)
        self.field.setPlaceholderText(label)
        self.field.setAccessibleName(label)
        for button, label, keys in (
            (self._previous, self.tr("Previous match"), "Shift+F3"),
            (self._next, self.tr("Next match"), "F3"),
            (self._close, self.tr("Close"), "Esc"),
        ):
            button.setAccessibleName(label)
            button.setToolTip(f"{label} ({keys})")
