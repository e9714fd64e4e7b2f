"""Mouse on the transcript: hovering, clicking, selecting, the wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QHelpEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from ui.transcript.blocks.part import Part
from ui.transcript.decorations import Button
from ui.transcript.message import MessageView
from ui.transcript.state import Position, Selection, TranscriptState

WHEEL_STEP = 96
"""Pixels for a notch of a wheel."""
BAR_REACH = 4
"""Pixels above and below a scroll bar that belong to it."""
EDGE_MS = 30
EDGE_STEP = 60.0
"""Most pixels that a selection beyond the edge scrolls every ``EDGE_MS``."""


@dataclass(frozen=True)
class _Hit:
    """What is at a point of the viewport; the defaults are those of an empty conversation."""

    number: int = -1
    view: MessageView | None = None
    button: Button | None = None
    part: Part | None = None
    link: str = ""
    is_scroll_bar: bool = False
    """Whether it is the scroll bar of the part."""
    position: Position = (0, 0, 0)
    """The position nearest to the point."""


class Pointer(QObject):
    """The mouse over one transcript."""

    def __init__(self, state: TranscriptState, viewport: QWidget) -> None:
        super().__init__(viewport)
        self._state = state
        self._viewport = viewport
        self.message = -1
        """Number of the message under the pointer, or -1."""
        self._press_link = ""
        self._press_point = self._last_point = QPointF()
        self._selecting = False
        self._scrolled: Part | None = None
        """The part whose scroll bar is dragged."""
        self._triple_click = QTimer(self, singleShot=True)
        self._edge_scroll = QTimer(self, interval=EDGE_MS)
        self._edge_scroll.timeout.connect(self._scroll_beyond_edge)
        self._handlers: dict[QEvent.Type, Callable[[Any], None]] = {
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseButtonDblClick: self._double_click,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.ToolTip: self._show_tooltip,
            QEvent.Type.Leave: lambda _event: self._set_hovered(-1, (-1, "")),
        }
        viewport.setMouseTracking(True)
        viewport.installEventFilter(self)

    def reset(self) -> None:
        """End hovering, pressing and selecting, for another conversation."""
        self.message = -1
        self._state.hovered = self._state.pressed = (-1, "")
        self._selecting, self._scrolled = False, None
        self._edge_scroll.stop()

    def link_at(self, point: QPointF) -> str:
        """Return the address under a point of the viewport."""
        return self._hit(point).link

    def eventFilter(self, _viewport: QObject, event: QEvent) -> bool:
        """Handle the mouse events of the viewport."""
        handler = self._handlers.get(event.type())
        if handler is None:
            return False
        if isinstance(event, QMouseEvent) and event.button() not in {
            Qt.MouseButton.LeftButton,
            Qt.MouseButton.NoButton,
        }:
            return False
        event.accept()
        handler(event)
        return True

    def _hit(self, point: QPointF) -> _Hit:
        page = self._state.page
        found = page.message_at(point.y())
        if found is None:
            return _Hit()
        number, top = found
        view, inside = page.view(number), point - QPointF(page.left, top)
        part = view.body.part_at(inside)
        link, is_scroll_bar = "", False
        if part:
            beside = inside - part.rect.topLeft()
            link = part.link_at(beside)
            is_scroll_bar = part.overflow > 0 and part.scroll_bar.adjusted(0, -BAR_REACH, 0, BAR_REACH).contains(beside)
        position = (number, *view.body.position_at(inside))
        return _Hit(number, view, view.button_at(inside), part, link, is_scroll_bar, position)

    def _move(self, event: QMouseEvent) -> None:
        before, point = self._last_point, event.position()
        self._last_point = point
        if self._scrolled:
            width = self._scrolled.scroll_bar.width()
            self._scrolled.scroll((point.x() - before.x()) * (width + self._scrolled.overflow) / width)
            self._state.repaint_requested.emit()
            return
        if not self._selecting:
            self._hover(point)
            return
        self._extend(point)
        if 0 <= point.y() <= self._state.page.height:
            self._edge_scroll.stop()
        elif not self._edge_scroll.isActive():
            self._edge_scroll.start()

    def _hover(self, point: QPointF) -> None:
        hit = self._hit(point)
        cursor = Qt.CursorShape.IBeamCursor if hit.part else Qt.CursorShape.ArrowCursor
        if hit.is_scroll_bar:
            cursor = Qt.CursorShape.ArrowCursor
        elif hit.button or hit.link:
            cursor = Qt.CursorShape.PointingHandCursor
        if self._viewport.cursor().shape() is not cursor:
            self._viewport.setCursor(cursor)
        self._set_hovered(hit.number, (hit.number, hit.button.key) if hit.button else (-1, ""))

    def _set_hovered(self, message: int, button: tuple[int, str]) -> None:
        if (message, button) != (self.message, self._state.hovered):
            self.message, self._state.hovered = message, button
            self._state.repaint_requested.emit()

    def _scroll_beyond_edge(self) -> None:
        y, height = self._last_point.y(), self._state.page.height
        beyond = min(0.0, y) or max(0.0, y - height)
        if not self._selecting or not beyond:
            self._edge_scroll.stop()
            return
        self._state.scroll_by(max(-EDGE_STEP, min(EDGE_STEP, beyond)))
        self._extend(QPointF(self._last_point.x(), min(max(0.0, y), height - 1)))

    def _wheel(self, event: QWheelEvent) -> None:
        pixels, notches = event.pixelDelta(), event.angleDelta()
        across = pixels.x() or notches.x() * WHEEL_STEP / 120
        down = pixels.y() or notches.y() * WHEEL_STEP / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if notches.y():
                self._state.zoom_requested.emit(1 if notches.y() > 0 else -1)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not across:
            across, down = down, 0
        if abs(across) > abs(down):
            part = self._hit(event.position()).part
            if part and part.scroll(-across):
                self._state.repaint_requested.emit()
        elif down:
            self._state.scroll_by(-down)
            self._hover(event.position())

    def _show_tooltip(self, event: QHelpEvent) -> None:
        hit = self._hit(QPointF(event.pos()))
        text = hit.link
        if hit.button:
            text = hit.button.tip if hit.button.tip != hit.button.label else ""
            if self._state.done == (hit.number, hit.button.key):
                text = self.tr("Copied")
        QToolTip.showText(event.globalPos(), text, self._viewport)

    def _press(self, event: QMouseEvent) -> None:
        point = self._press_point = self._last_point = event.position()
        hit = self._hit(point)
        self._press_link = hit.link
        if hit.view is None:
            return
        state, position = self._state, hit.position
        if hit.button:
            state.pressed = (hit.number, hit.button.key)
            state.repaint_requested.emit()
            return
        if hit.is_scroll_bar:
            self._scrolled = hit.part
            return
        if self._triple_click.isActive():
            self._triple_click.stop()
            self._select_around(hit, paragraph=True)
            return
        state.set_focus(-1)
        extend = event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not state.selection.is_empty
        state.set_selection(Selection(state.selection.anchor if extend else position, position))
        self._selecting = True

    def _double_click(self, event: QMouseEvent) -> None:
        hit = self._hit(event.position())
        if hit.button:
            self._press(event)
        else:
            self._select_around(hit, paragraph=False)
            self._triple_click.start(QApplication.doubleClickInterval())

    def _select_around(self, hit: _Hit, *, paragraph: bool) -> None:
        if hit.view is None or not hit.view.parts:
            return
        number, at, position = hit.position
        part = hit.view.parts[at]
        start, end = part.paragraph_at(position) if paragraph else part.word_at(position)
        self._state.set_selection(Selection((number, at, start), (number, at, end)))

    def _extend(self, point: QPointF) -> None:
        self._state.set_selection(Selection(self._state.selection.anchor, self._hit(point).position))

    def _release(self, event: QMouseEvent) -> None:
        state, point = self._state, event.position()
        hit = self._hit(point)
        self._edge_scroll.stop()
        pressed, state.pressed = state.pressed, (-1, "")
        if pressed[1]:
            state.repaint_requested.emit()
            if hit.button and (hit.number, hit.button.key) == pressed:
                state.button_pressed.emit(*pressed)
            return
        was_selecting, self._selecting, self._scrolled = self._selecting, False, None
        is_click = (point - self._press_point).manhattanLength() < QApplication.startDragDistance()
        if was_selecting and is_click and hit.link and hit.link == self._press_link and state.selection.is_empty:
            state.link_activated.emit(hit.link)
        self._hover(point)
