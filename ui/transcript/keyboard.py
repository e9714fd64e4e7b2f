"""Keyboard of the transcript: scrolling, going from message to message and through their buttons, selecting text.

Up and down with Ctrl or Alt go from message to message; Tab, left and right go through the buttons and links of that
message; Enter presses.  Shift with the arrows selects, from the beginning of that message where nothing is selected
yet; F7 shows a caret that moves without Shift too.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPainterPath, QPen, QTextCursor

from ui.transcript.blocks.part import Part
from ui.transcript.decorations import paint_ring
from ui.transcript.finder import FindBar
from ui.transcript.page import Page
from ui.transcript.state import LINE_STEP, Position, Selection, TranscriptState
from ui.transcript.style import MARGIN

EDGE = 24
"""How near to an edge of the screen the caret may come."""

Move = QTextCursor.MoveOperation
_BACK = {Move.PreviousCharacter, Move.PreviousWord, Move.Up}
_SCROLLS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_PageUp: (0, -1),
    Qt.Key.Key_PageDown: (0, 1),
    Qt.Key.Key_Space: (0, 1),
}
"""Lines and pages that a key scrolls."""
_MOVES = {
    Qt.Key.Key_Left: (Move.PreviousCharacter, Move.PreviousWord),
    Qt.Key.Key_Right: (Move.NextCharacter, Move.NextWord),
    Qt.Key.Key_Up: (Move.Up, Move.Up),
    Qt.Key.Key_Down: (Move.Down, Move.Down),
    Qt.Key.Key_Home: (Move.StartOfLine, Move.Start),
    Qt.Key.Key_End: (Move.EndOfLine, Move.End),
}
"""How a key moves the caret, alone and with Ctrl."""
MARKDOWN_KEYS = QKeyCombination(Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier, Qt.Key.Key_C)
_PRESS = {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}


class Keyboard(QObject):
    """The keyboard in one transcript."""

    menu_requested = Signal()

    def __init__(self, state: TranscriptState, find_bar: FindBar, parent: QObject) -> None:
        super().__init__(parent)
        self._state = state
        self._find_bar = find_bar
        self.caret: Position | None = None
        self.browsing = False
        """Whether the caret moves without Shift."""
        self._column: float | None = None
        """Horizontal position that the caret keeps while it moves up and down."""
        parent.installEventFilter(self)

    def reset(self) -> None:
        """Clear the focus, for another conversation."""
        self._state.set_focus(-1)
        self.caret = self._column = None

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Handle keys; two of them are shortcuts of the window with another meaning: Escape and copying as Markdown."""
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() is QEvent.Type.KeyPress:
            return self._handle(event)
        state, handled = self._state, False
        if event.type() is QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
            has_selection = not state.selection.is_empty
            handled = bool(state.focused_key or self.browsing or has_selection or self._find_bar.isVisible())
        elif event.type() is QEvent.Type.ShortcutOverride and event.keyCombination() == MARKDOWN_KEYS:
            handled = state.focused_message >= 0 or not state.selection.is_empty
        if handled:
            event.accept()
        return handled

    def _handle(self, event: QKeyEvent) -> bool:
        state, key = self._state, Qt.Key(event.key())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if event.matches(QKeySequence.StandardKey.Copy):
            state.copy()
        elif event.keyCombination() == MARKDOWN_KEYS:
            state.copy(markdown=True)
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            state.select_all()
        elif key == Qt.Key.Key_Escape:
            return self._escape()
        elif key == Qt.Key.Key_F7:
            self._browse(not self.browsing)
        elif key == Qt.Key.Key_F3:
            self._find_bar.step(-1 if shift else 1)
        elif shift and key == Qt.Key.Key_F10:
            self.menu_requested.emit()
        elif (control or alt) and not shift and key in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            self._go_to_message(1 if key == Qt.Key.Key_Down else -1)
        elif key in _MOVES and (shift or self.browsing):
            self._move_caret(_MOVES[key][control], extend=shift)
        elif key in {Qt.Key.Key_Left, Qt.Key.Key_Right} and state.focused_message >= 0:
            self.walk(1 if key == Qt.Key.Key_Right else -1)
        elif key in _PRESS and state.focused_key:
            state.press_focused()
        elif key == Qt.Key.Key_Home:
            state.show_message(0)
        elif key == Qt.Key.Key_End:
            state.jump_to_newest()
        elif key in _SCROLLS:
            lines, pages = _SCROLLS[key]
            pages *= -1 if shift and key == Qt.Key.Key_Space else 1
            state.scroll_by(lines * LINE_STEP + pages * (state.page.height - LINE_STEP))
        else:
            return False
        return True

    def _escape(self) -> bool:
        """Leave the innermost of focused button, selection, caret and find bar; false if there is none."""
        state = self._state
        if state.focused_key:
            state.set_focus(state.focused_message)
        elif not state.selection.is_empty:
            state.set_selection(Selection())
            self.caret = self.caret if self.browsing else None
        elif self.browsing:
            self._browse(False)
            self.caret = None
        elif self._find_bar.isVisible():
            self._find_bar.close_bar()
        else:
            return False
        return True

    def _go_to_message(self, step: int) -> None:
        """Focus the next message or the one before and scroll to it."""
        state, page = self._state, self._state.page
        if not page.visible:
            return
        number = page.visible[0 if step > 0 else -1][0]
        if page.top_of(state.focused_message) is not None:
            number = min(max(0, state.focused_message + step), len(page.items) - 1)
        state.set_focus(number)
        top, bottom = page.top_of(number), page.height - MARGIN
        if top is None or top < 0 or (top + page.heights[number] > bottom and top > MARGIN):
            shown = max(float(MARGIN), bottom - page.heights[number]) if step > 0 else float(MARGIN)
            state.show_message(number, shown)

    def enter(self, *, backwards: bool) -> None:
        """Focus the message that is being read: the transcript got the focus by Tab, or by Shift+Tab."""
        state, page = self._state, self._state.page
        number = state.focused_message
        if page.visible and page.top_of(number) is None:
            number = page.visible[-1][0]
        keys = [each.key for each in page.view(number).focus_targets()] if backwards and number >= 0 else []
        state.set_focus(number, keys[-1] if keys else "")

    def walk(self, step: int) -> bool:
        """Focus the next button or link of the message or the one before; false at its ends."""
        state = self._state
        if not 0 <= state.focused_message < len(state.page.items):
            return False
        targets = state.page.view(state.focused_message).focus_targets()
        keys = [target.key for target in targets]
        has_focus = state.focused_key in keys
        # The message itself is before its first button.
        at = (keys.index(state.focused_key) if has_focus else -1) + step
        if 0 <= at < len(keys):
            state.set_focus(state.focused_message, keys[at])
            self._scroll_to(state.focused_message, targets[at].rect)
            return True
        if has_focus and step < 0:
            state.set_focus(state.focused_message)
            return True
        return False

    def _browse(self, on: bool) -> None:
        self.browsing = on
        if on and self.caret is None:
            self.caret = self._caret_position()
        self._state.repaint_requested.emit()

    def _caret_position(self) -> Position:
        """Return where the caret is, or where it appears."""
        state, visible = self._state, self._state.page.visible
        if not state.selection.is_empty:
            return state.selection.focus
        if self.caret is not None and (self.browsing or self.caret[0] == state.focused_message):
            return self.caret
        number = max(0, state.focused_message)
        if state.focused_message < 0 and visible:
            number = next((shown for shown, top in visible if top >= 0), visible[0][0])
        return number, 0, 0

    def _move_caret(self, move: Move, *, extend: bool) -> None:
        state, page = self._state, self._state.page
        if not page.items:
            return
        number, at, offset = self._caret_position()
        number = min(number, len(page.items) - 1)
        body = page.view(number).body
        position = (number, *min((at, offset), body.end))
        anchor = position if state.selection.is_empty else state.selection.anchor
        if move not in {Move.Up, Move.Down}:
            self._column = None
        elif self._column is None:
            self._column = body.rect_of(position[1:]).x()
        self.caret = _moved(page, position, move, self._column)
        state.set_selection(Selection(anchor, self.caret) if extend else Selection())
        number, at, offset = self.caret
        if number != state.focused_message:
            state.set_focus(number)
        state.unfold(number, (at, offset))
        self._scroll_to(number, page.view(number).body.rect_of((at, offset)))

    def _scroll_to(self, number: int, rect: QRectF) -> None:
        """Scroll until a rectangle of a message is on the screen."""
        state, page = self._state, self._state.page
        top = page.top_of(number)
        if top is None:
            state.show_message(number, page.height / 3 - rect.top())
            return
        above = top + rect.top() - EDGE
        below = top + rect.bottom() + EDGE - page.height
        if above < 0:
            state.scroll_by(above)
        elif below > 0:
            state.scroll_by(below)

    def paint(self, painter: QPainter, number: int) -> None:
        """Mark the message, the link and the caret that have the focus; buttons mark themselves."""
        state = self._state
        view = state.page.view(number)
        accent = view.style.colour("accent")
        if number == state.focused_message and not self.browsing:
            shape = QPainterPath()
            if view.item.is_question:
                shape.addRoundedRect(view.bubble.adjusted(-3, -3, 3, 3), 12, 12)
                painter.strokePath(shape, QPen(accent, 2))
            else:
                height = max(20.0, view.text_bottom - view.text_top)
                shape.addRoundedRect(QRectF(-16, view.text_top, 3, height), 2, 2)
                painter.fillPath(shape, accent)
            target = state.focused_target()
            if target is not None:
                for rect in target.lines:
                    paint_ring(painter, view.style, rect.adjusted(-3, -2, 3, 2))
        is_shown = self.browsing or (not state.selection.is_empty and self.caret == state.selection.focus)
        if is_shown and self.caret is not None and self.caret[0] == number and view.parts:
            rect = view.body.rect_of(self.caret[1:])
            painter.fillRect(QRectF(rect.x() - 0.75, rect.y(), 1.5, rect.height()), accent)

    def focus_point(self) -> QPointF:
        """Return where on the viewport the focus is."""
        state, page = self._state, self._state.page
        top = page.top_of(state.focused_message)
        if top is None:
            return QPointF(page.left, min(page.height, 2.0 * MARGIN))
        target = state.focused_target()
        point = target.rect.center() if target else QPointF(8, page.view(state.focused_message).text_top + 8)
        return QPointF(page.left + point.x(), min(max(0.0, top + point.y()), page.height - 1))


def _moved(page: Page, position: Position, move: Move, x: float | None) -> Position:
    """Return where a movement of the caret leads; the same position at the ends.  ``x`` is kept by Up and Down."""
    if move is Move.Start:
        return 0, 0, 0
    if move is Move.End:
        last = len(page.items) - 1
        return last, *page.view(last).body.end
    number, at, offset = position
    parts = page.view(number).parts
    if at < len(parts):
        part = parts[at]
        cursor = QTextCursor(part.document)
        cursor.setPosition(min(offset, part.length))
        if move in {Move.Up, Move.Down} and x is not None:
            cursor.setVerticalMovementX(round(x - part.x - part.inner.x()))
        if cursor.movePosition(move) and cursor.position() != offset:
            return number, at, cursor.position()
    if move in {Move.StartOfLine, Move.EndOfLine}:
        return position
    neighbour = _neighbour(page, number, at, -1 if move in _BACK else 1)
    if neighbour is None:
        return position
    number, at, part = neighbour
    if move in {Move.Up, Move.Down}:
        y = part.rect_of(part.length if move is Move.Up else 0).center().y()
        return number, at, part.position_at(QPointF((x or 0.0) - part.x, y))
    return number, at, part.length if move in _BACK else 0


def _neighbour(page: Page, number: int, at: int, step: int) -> tuple[int, int, Part] | None:
    """Return the next part with text in a direction."""
    while True:
        at += step
        parts = page.view(number).parts
        if not 0 <= at < len(parts):
            number += step
            if not 0 <= number < len(page.items):
                return None
            at = -1 if step > 0 else len(page.view(number).parts)
        elif parts[at].length:
            return number, at, parts[at]
