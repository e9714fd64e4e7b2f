"""What the keyboard does on the transcript: scrolling, going from message to message and through what they offer,
selecting from a caret.

Up and down with Ctrl (or Alt) go from message to message; Tab, left and right walk through the buttons and links of
that message; Enter presses.  Shift with the arrows selects, from the beginning of that message where nothing is
selected yet; F7 shows a caret that moves without Shift too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QKeyCombination, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPainterPath, QPen

from ui.transcript.buttons import paint_ring
from ui.transcript.cursor_motion import Step, moved
from ui.transcript.focus_order import Stop, stops
from ui.transcript.selection import Selection, Spot
from ui.transcript.style import MARGIN

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript

LINE_STEP = 48
EDGE = 24
"""How near to an edge of the screen the caret may come."""

_SCROLLS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_PageUp: (0, -1),
    Qt.Key.Key_PageDown: (0, 1),
}
_STEPS = {
    Qt.Key.Key_Left: (Step.LEFT, Step.WORD_LEFT),
    Qt.Key.Key_Right: (Step.RIGHT, Step.WORD_RIGHT),
    Qt.Key.Key_Up: (Step.UP, Step.UP),
    Qt.Key.Key_Down: (Step.DOWN, Step.DOWN),
    Qt.Key.Key_Home: (Step.LINE_START, Step.FIRST),
    Qt.Key.Key_End: (Step.LINE_END, Step.LAST),
}
"""What a key does to the caret, alone and with Ctrl."""
MARKDOWN_KEYS = QKeyCombination(Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier, Qt.Key.Key_C)
_PRESS = {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}


class Keyboard(QObject):
    """The keyboard in one transcript."""

    moved = Signal()
    """Another message has the keyboard, or another button or link of it."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._transcript = transcript
        self.message = -1
        """The message that has the keyboard, or none."""
        self.key = ""
        """Its button or link that has the keyboard, or none."""
        self.caret: Spot | None = None
        self.browsing = False
        """Whether the caret moves without Shift."""
        self._column: float | None = None
        transcript.installEventFilter(self)

    def reset(self) -> None:
        """The page is another one, or the pointer took over."""
        self.message, self.key, self.caret, self._column = -1, "", None, None

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Keep from the window what means something else here: Escape and the copying of Markdown."""
        if event.type() is not QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        own = event.key() == Qt.Key.Key_Escape and self._can_leave()
        if event.keyCombination() == MARKDOWN_KEYS:
            own = self.message >= 0 or not self._transcript.selection.is_empty
        if own:
            event.accept()
        return own

    def handle(self, event: QKeyEvent) -> bool:
        """Take a key; false if it means nothing here."""
        transcript, key = self._transcript, Qt.Key(event.key())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if event.matches(QKeySequence.StandardKey.Copy):
            transcript.copy()
        elif event.keyCombination() == MARKDOWN_KEYS:
            transcript.copy_markdown()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            transcript.select_all()
        elif key == Qt.Key.Key_Escape:
            return self._leave()
        elif key == Qt.Key.Key_F7:
            self._browse(not self.browsing)
        elif key == Qt.Key.Key_F3:
            transcript.find_bar.step(-1 if shift else 1)
        elif shift and key == Qt.Key.Key_F10:
            transcript.show_menu()
        elif (control or alt) and not shift and key in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            self.go_to_message(1 if key == Qt.Key.Key_Down else -1)
        elif key in _STEPS and (shift or self.browsing):
            self._move_caret(_STEPS[key][control], extend=shift)
        elif key in {Qt.Key.Key_Left, Qt.Key.Key_Right} and self.message >= 0:
            self.walk(1 if key == Qt.Key.Key_Right else -1)
        elif key in _PRESS and self.key:
            self.press()
        else:
            return self._scroll(key, shift=shift)
        return True

    def _scroll(self, key: Qt.Key, *, shift: bool) -> bool:
        transcript = self._transcript
        height = transcript.page.height
        if key == Qt.Key.Key_Home:
            transcript.show_message(0)
        elif key == Qt.Key.Key_End:
            transcript.jump_to_newest()
        elif key in _SCROLLS:
            lines, pages = _SCROLLS[key]
            transcript.scroll_by(lines * LINE_STEP + pages * (height - LINE_STEP))
        elif key == Qt.Key.Key_Space:
            transcript.scroll_by((-1 if shift else 1) * (height - LINE_STEP))
        else:
            return False
        return True

    # From message to message

    def go_to_message(self, way: int) -> None:
        """The next message or the one before takes the keyboard and comes to the screen."""
        page = self._transcript.page
        if not page.visible:
            return
        shown = [number for number, _ in page.visible]
        if self.message in shown:
            number = min(max(0, self.message + way), len(page.items) - 1)
        else:
            number = shown[0] if way > 0 else shown[-1]
        self.take(number)
        top = dict(page.visible).get(number)
        room = page.height - MARGIN
        if top is None or top < 0 or (top + page.heights[number] > room and top > MARGIN):
            below = max(float(MARGIN), room - page.heights[number]) if way > 0 else float(MARGIN)
            self._transcript.show_message(number, below)

    def take(self, number: int, key: str = "") -> None:
        """Give the keyboard to a message and to one of its buttons or links."""
        changed = number != self.message
        self.message, self.key = number, key
        if changed and not self.browsing and self._transcript.selection.is_empty:
            self.caret = None
        self._transcript.viewport().update()
        if changed:
            self.moved.emit()

    def enter(self, *, backwards: bool) -> None:
        """The keyboard comes into the transcript: to the message one reads."""
        page = self._transcript.page
        shown = [number for number, _ in page.visible]
        self.key = ""
        if shown and self.message not in shown:
            self.take(shown[-1])
        if self.message >= 0 and backwards:
            self.walk(-1)
        self._transcript.viewport().update()

    # Within a message

    def walk(self, way: int) -> bool:
        """To the next button or link of the message or the one before; false at its ends."""
        if not 0 <= self.message < len(self._transcript.page.items):
            return False
        found = self._stops()
        keys = [stop.key for stop in found]
        at = keys.index(self.key) + way if self.key in keys else (0 if way > 0 else len(keys) - 1)
        if not 0 <= at < len(keys):
            if self.key in keys and way < 0:
                self.key = ""
                self._transcript.viewport().update()
                return True
            return False
        self.key = keys[at]
        self._bring(found[at].rects[0])
        self._transcript.viewport().update()
        self.moved.emit()
        return True

    def _stops(self) -> list[Stop]:
        return stops(self._transcript.page.view(self.message))

    def stop(self) -> Stop | None:
        """The button or link that has the keyboard."""
        if not self.key or not 0 <= self.message < len(self._transcript.page.items):
            return None
        return next((stop for stop in self._stops() if stop.key == self.key), None)

    def press(self) -> None:
        """Press the button that has the keyboard, or follow the link."""
        stop = self.stop()
        if stop is None:
            self.key = ""
        elif stop.address:
            self._transcript.link_activated.emit(stop.address)
        else:
            self._transcript.press(self.message, stop.key)

    # Selecting

    def _browse(self, on: bool) -> None:
        self.browsing = on
        if on and self.caret is None:
            self.caret = self._start()
        self._transcript.viewport().update()

    def _start(self) -> Spot:
        transcript = self._transcript
        if not transcript.selection.is_empty:
            return transcript.selection.focus
        shown = [number for number, _ in transcript.page.visible]
        if self.message < 0 and shown:
            top = dict(transcript.page.visible)[shown[0]]
            number = shown[0] if top >= 0 or len(shown) == 1 else shown[1]
            return number, 0, 0
        return max(0, self.message), 0, 0

    def _move_caret(self, step: Step, *, extend: bool) -> None:
        transcript, page = self._transcript, self._transcript.page
        if not page.items:
            return
        if not transcript.selection.is_empty:
            self.caret = transcript.selection.focus
        spot = self.caret or self._start()
        spot = (min(spot[0], len(page.items) - 1), *spot[1:])
        view = page.view(spot[0])
        spot = (spot[0], *min(spot[1:], view.end))
        anchor = transcript.selection.anchor if not transcript.selection.is_empty else spot
        if step not in {Step.UP, Step.DOWN}:
            self._column = None
        elif self._column is None:
            self._column = view.rect_of((spot[1], spot[2])).x()
        self.caret = moved(page, spot, step, self._column)
        transcript.set_selection(Selection(anchor, self.caret) if extend else Selection())
        if self.caret[0] != self.message:
            self.message, self.key = self.caret[0], ""
            self.moved.emit()
        self._bring(page.view(self.caret[0]).rect_of(self.caret[1:]), self.caret[0])

    def _bring(self, rect: QRectF, number: int | None = None) -> None:
        """Scroll until a spot of a message is on the screen."""
        transcript, page = self._transcript, self._transcript.page
        number = self.message if number is None else number
        top = dict(page.visible).get(number)
        if top is None:
            transcript.show_message(number, page.height / 3 - rect.top())
            return
        above = top + rect.top() - EDGE
        below = top + rect.bottom() + EDGE - page.height
        if above < 0:
            transcript.scroll_by(above)
        elif below > 0:
            transcript.scroll_by(below)

    # Leaving

    def _can_leave(self) -> bool:
        transcript = self._transcript
        return bool(self.key or self.browsing or not transcript.selection.is_empty or transcript.find_bar.isVisible())

    def _leave(self) -> bool:
        if self.key:
            self.key = ""
        elif not self._transcript.selection.is_empty:
            self._transcript.set_selection(Selection())
            self.caret = self.caret if self.browsing else None
        elif self.browsing:
            self._browse(False)
            self.caret = None
        elif self._transcript.find_bar.isVisible():
            self._transcript.find_bar.leave()
        else:
            return False
        self._transcript.viewport().update()
        return True

    # How it looks

    def paint(self, painter: QPainter, number: int) -> None:
        """Mark the message, the link and the caret that have the keyboard; buttons mark themselves."""
        transcript = self._transcript
        if not transcript.hasFocus():
            return
        view, style = transcript.page.view(number), transcript.text_style
        if number == self.message and not self.browsing:
            shape = QPainterPath()
            if view.item.is_question:
                shape.addRoundedRect(view.bubble.adjusted(-3, -3, 3, 3), 12, 12)
                painter.strokePath(shape, QPen(style.colour("accent"), 2))
            else:
                shape.addRoundedRect(QRectF(-16, view.text_top, 3, max(20.0, view.text_bottom - view.text_top)), 2, 2)
                painter.fillPath(shape, style.colour("accent"))
            stop = self.stop()
            if stop is not None and stop.address:
                for rect in stop.rects:
                    paint_ring(painter, style, rect.adjusted(-3, -2, 3, 2))
        moves = self.browsing or not transcript.selection.is_empty
        if self.caret is not None and moves and self.caret[0] == number and view.parts:
            place = view.rect_of(self.caret[1:])
            painter.fillRect(QRectF(place.x() - 0.75, place.y(), 1.5, place.height()), style.colour("accent"))

    def link_at(self, point: QPointF) -> str:
        """The address of the link that has the keyboard, if that is what is at a point."""
        stop = self.stop() if self._transcript.hasFocus() else None
        return stop.address if stop and point == self.point() else ""

    def point(self) -> QPointF:
        """Where on the viewport the keyboard is."""
        page = self._transcript.page
        top = dict(page.visible).get(self.message)
        if top is None:
            return QPointF(page.left, min(page.height, 2.0 * MARGIN))
        stop = self.stop()
        at = stop.rects[0].center() if stop else QPointF(8, page.view(self.message).text_top + 8)
        return QPointF(page.left + at.x(), min(max(0.0, top + at.y()), page.height - 1))
