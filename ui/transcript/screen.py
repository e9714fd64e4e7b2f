"""The page on the screen: scrolling, painting, and the calls that Qt makes.

What the window calls is in ``widget``; what the pointer does in ``pointer``, the keyboard in ``keyboard``, where the
messages stand in ``page``.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.conversation import Status
from ui.transcript.buttons import Touch, ring
from ui.transcript.caret import Caret
from ui.transcript.find_bar import FindBar
from ui.transcript.finder import Finder
from ui.transcript.item import Item, Words
from ui.transcript.jump import JumpButton
from ui.transcript.keyboard import LINE_STEP, Keyboard
from ui.transcript.menu import make_menu
from ui.transcript.message import MessageView
from ui.transcript.page import Page
from ui.transcript.parts import find_in
from ui.transcript.pointer import Pointer
from ui.transcript.selection import Selection
from ui.transcript.strings import TranscriptWords
from ui.transcript.style import TextStyle
from ui.transcript.thoughts import Thoughts
from ui.widgets.theme import LIGHT

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript

WORK_MS, WORK_PAUSE_MS = 8, 4
COPIED_MS = 1500
SECOND_MS = 1000
FIND_MARGIN = 12
JUMP_SPACE = 12
CARET_ROOM = 8


class Screen(QAbstractScrollArea):
    """The messages on the screen."""

    action_requested = Signal(str, str)
    """An action and the id of its message."""
    link_activated = Signal(str)
    text_size_wanted = Signal(int)
    """A larger (1) or smaller (-1) text, or one of the usual size (0)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # A screen is never anything else than the lower half of a transcript.
        transcript = cast("Transcript", self)
        self.pointer = Pointer(transcript)
        self.keyboard = Keyboard(transcript)
        self.viewport().setMouseTracking(True)
        self.text_style = TextStyle(LIGHT)
        self._own_words = TranscriptWords(self)
        self._words = self._own_words.now()
        self.thoughts = Thoughts()
        self.page = Page(self._make_view, self.thoughts.is_open)
        self.selection = Selection()
        self.done = ""
        """The copy button that just did its work: message and key."""
        self.marked: tuple[int, str] = (-1, "")
        """A message and the text that is marked in it."""
        self.waiting: dict[str, str] = {}
        self._behind: set[int] = set()
        self._setting_bar = False
        self._work = QTimer(self, singleShot=True, interval=WORK_PAUSE_MS)
        self._work.timeout.connect(self._work_on)
        self._caret = Caret(self)
        self._caret.moved.connect(self._breathe)
        self._second = QTimer(self, interval=SECOND_MS)
        self._second.timeout.connect(self._count_seconds)
        self._forget_done = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._forget_done.timeout.connect(lambda: self.show_done(""))
        self.jump = JumpButton(self)
        self.finder = Finder(transcript)
        self.find_bar = FindBar(self)
        self.find_bar.wanted.connect(self.finder.look_for)
        self.find_bar.stepped.connect(self.finder.step)
        self.finder.changed.connect(self._show_found)
        self.keyboard.moved.connect(self._tell_reader)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    def _make_view(self, item: Item) -> MessageView:
        view = MessageView(item, self.text_style, self._words, thought_open=self.thoughts.is_open(item))
        view.waiting = self.waiting.get(item.id, "")
        view.thought_s = self.thoughts.seconds(item)
        return view

    @property
    def words(self) -> Words:
        """Its own words in the present language."""
        return self._words

    def _retranslate(self) -> None:
        self._words = self._own_words.now()
        self.jump.set_words(self._words.jump)
        self.setAccessibleName(self._words.conversation)
        self.relayout()

    def relayout(self) -> None:
        """Lay everything out anew."""
        self.page.forget_views()
        self.finder.forget_marks()
        self.arrange()

    # Where things stand

    def arrange(self, grown: int | None = None) -> None:
        """Find the messages on the screen and bring the bar up to date; ``grown`` is the only message that changed."""
        page, bar = self.page, self.verticalScrollBar()
        if page.height <= 0:
            return
        before = page.visible
        page.arrange()
        # The range has whole pixels and the anchor has not; the bar is only a picture of where the page stands.
        self._setting_bar = True
        bar.setPageStep(int(page.height))
        bar.setSingleStep(LINE_STEP)
        most = max(0, math.ceil(page.total - page.height))
        bar.setRange(0, most)
        bar.setValue(most if page.following else round(page.offset))
        self._setting_bar = False
        self.jump.setVisible(bool(page.items) and not page.following)
        if any((view := page.view(number)).is_behind or view.wants_colour for number, _ in page.visible):
            self._work.start()
        moved = None if grown is None or self.find_bar.isVisible() else _moved(before, page.visible, grown)
        whole = self.viewport().devicePixelRatioF().is_integer()
        if grown is None or moved is None or not (moved.is_integer() and whole):
            self.viewport().update()
            return
        # An answer grows by a line or less: painting all the rest again costs more than everything else.
        if moved:
            self.viewport().scroll(0, -int(moved))
        above = max(0, int(page.visible[-1][1] + page.view(grown).changed_from) - CARET_ROOM)
        self.viewport().update(0, above, self.viewport().width(), self.viewport().height() - above)

    def _work_on(self) -> None:
        """Read long messages and colour long code on for a moment."""
        until, page = time.perf_counter() + WORK_MS / 1000, self.page
        for number in dict.fromkeys([*(number for number, _ in page.visible), *self._behind]):
            if number >= len(page.items):
                self._behind.discard(number)
                continue
            view = page.view(number)
            if view.is_behind:
                view.read_on(until)
                page.measure_again(number)
            if not view.is_behind:
                if number in self._behind:
                    self._behind.discard(number)
                    self.finder.arrived(number)
                view.colour_more(until)
            if time.perf_counter() > until:
                break
        self.arrange()
        if self._behind:
            self._work.start()

    def _scrolled(self, value: int) -> None:
        if self._setting_bar:
            return
        distance = value - self.page.offset
        if abs(distance) <= 2 * self.page.height:
            self.page.scroll_by(distance)
        else:
            self.page.scroll_to(value)
        self.arrange()

    def read_behind(self, number: int) -> None:
        """Read the rest of a long message, whether it is on the screen or not."""
        self._behind.add(number)
        self._work.start()

    def show_done(self, key: str) -> None:
        """Put a tick on a copy button for a moment."""
        self.done = key
        if key:
            self._forget_done.start()
        self.viewport().update()

    def _show_found(self) -> None:
        self.find_bar.tell(self.finder.place, self.finder.total, is_looking=self.finder.is_looking)
        self.viewport().update()

    def _tell_reader(self) -> None:
        # Most people have no screen reader, and their window starts a little sooner without this.
        from ui.transcript.accessible import tell_focus

        tell_focus(self)

    def _count_seconds(self) -> None:
        for number, _ in self.page.visible:
            view = self.page.views.get(number)
            if view and view.is_thinking:
                view.thought_s = self.thoughts.seconds(view.item)
                self.page.measure_again(number)
                self.arrange()

    def watch_breath(self) -> None:
        """Breathe and count while something is written that can be seen."""
        is_writing = self.isVisible() and any(item.status is Status.STREAMING for item in self.page.items[-2:])
        self._caret.watch(is_writing)
        if is_writing != self._second.isActive():
            self._second.start() if is_writing else self._second.stop()

    def _breathe(self) -> None:
        for number, top in self.page.visible:
            view = self.page.views.get(number)
            if view and view.item.status is Status.STREAMING:
                spot = view.caret().translated(self.page.left, top).adjusted(-2, -2, 2, 2)
                self.viewport().update(spot.toAlignedRect())

    # Qt's calls

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The column follows the width; the line one reads stays."""
        size = self.viewport().size()
        self.page.resize(size.width(), size.height())
        self.arrange()
        self.jump.move(self._beside_the_column(size.width()), size.height() - self.jump.height() - 16)
        self.find_bar.resize(min(self.find_bar.width_wanted, size.width() - 2 * FIND_MARGIN), self.find_bar.height())
        self.find_bar.move(size.width() - self.find_bar.width() - FIND_MARGIN, FIND_MARGIN)
        super().resizeEvent(event)

    def _beside_the_column(self, width: int) -> int:
        """Where the button to the newest stands: right of the text where there is room, else over its end."""
        edge = round(self.page.left + self.page.column)
        beside = edge + JUMP_SPACE
        return beside if beside + self.jump.width() <= width else edge - self.jump.width()

    def showEvent(self, event: QShowEvent) -> None:
        """The caret breathes only while it can be seen."""
        super().showEvent(event)
        self.watch_breath()

    def hideEvent(self, event: QHideEvent) -> None:
        """What cannot be seen needs no motion."""
        super().hideEvent(event)
        self.watch_breath()

    def changeEvent(self, event: QEvent) -> None:
        """Another language gives other words."""
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Nothing to move: what the bar says is painted anew."""

    def viewportEvent(self, event: QEvent) -> bool:
        """Leave and tooltips go to the pointer, which knows the buttons."""
        if self.pointer.handle(event):
            return True
        return super().viewportEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Who comes with the Tab key sees where the keyboard is."""
        super().focusInEvent(event)
        if event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}:
            self.keyboard.enter(backwards=event.reason() is Qt.FocusReason.BacktabFocusReason)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The marks of the keyboard go with it."""
        super().focusOutEvent(event)
        self.viewport().update()

    def focusNextPrevChild(self, following: bool) -> bool:
        """Tab walks through a message before it leaves."""
        if self.hasFocus() and self.keyboard.walk(1 if following else -1):
            return True
        return super().focusNextPrevChild(following)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that mean nothing here go to the window."""
        if not self.keyboard.handle(event):
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the message under the pointer, or with the one that has the keyboard."""
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            self.show_menu()
        else:
            self.show_menu(QPointF(self.viewport().mapFromGlobal(event.globalPos())))

    def show_menu(self, point: QPointF | None = None) -> None:
        """The menu at a point of the viewport, or where the keyboard is."""
        point = point or self.keyboard.point()
        menu = make_menu(cast("Transcript", self), point)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(QPoint(round(point.x()), round(point.y()))))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the messages on the screen."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dirty = QRectF(event.rect())
        painter.fillRect(dirty, self.text_style.colour("page"))
        for number, top in self.page.visible:
            clip = dirty.translated(-self.page.left, -top)
            if clip.bottom() < 0 or clip.top() > self.page.heights[number]:
                continue
            painter.save()
            painter.translate(self.page.left, top)
            self._paint_message(painter, number, clip)
            painter.restore()
        painter.end()

    def _paint_message(self, painter: QPainter, number: int, clip: QRectF) -> None:
        page, has_keyboard = self.page, self.hasFocus() and number == self.keyboard.message
        view = page.view(number)
        if self.finder.needle:
            marks = self.finder.marks(number)
        else:
            marks = find_in(view.parts, self.marked[1]) if number == self.marked[0] else {}
        view.paint(painter, clip, self.selection.within(number, view.end), marks)
        hit = self.finder.present(number)
        if hit is not None and hit[0] < len(view.parts):
            part = view.parts[hit[0]]
            for band in part.bands(*hit[1:]):
                shape = ring(band.translated(part.x, part.y).adjusted(-2, -1, 2, 1))
                painter.strokePath(shape, QPen(self.text_style.colour("accent"), 1.5))
        over, pressed = self.pointer.over(number)
        done = self.done.removeprefix(f"{number} ") if self.done.startswith(f"{number} ") else ""
        last = number == len(page.items) - 1 and not view.item.is_question
        near = has_keyboard or last or number == self.pointer.message
        touch = Touch(over, pressed, done, self.keyboard.key if has_keyboard else "")
        view.paint_buttons(painter, clip, touch, near=near)
        self.keyboard.paint(painter, number)
        if view.item.status is Status.STREAMING:
            self._caret.paint(painter, view.caret(), self.text_style.colour("accent"))


def _moved(before: list[tuple[int, float]], after: list[tuple[int, float]], grown: int) -> float | None:
    """How far everything went up while the last message on the screen grew, or None where more than that happened."""
    old = dict(before)
    if not after or after[-1][0] != grown or before[-1][0] != grown:
        return None
    moved = {old[number] - top if number in old else None for number, top in after}
    return moved.pop() if len(moved) == 1 else None
