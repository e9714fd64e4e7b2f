"""Mouse on the transcript: hovering, clicking, selecting, the wheel."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QHelpEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from ui.transcript.blocks.part import Part
from ui.transcript.buttons import Button
from ui.transcript.message import MessageView
from ui.transcript.state import Selection, Spot, TranscriptState

WHEEL_STEP = 96
"""Pixels for a notch of a wheel."""
EDGE_MS = 30
EDGE_STEP = 60.0
"""Most pixels that a selection beyond the edge scrolls every ``EDGE_MS``."""


@dataclass(frozen=True)
class Hit:
    """Result of a hit test at a point of the viewport."""

    number: int
    view: MessageView
    point: QPointF
    """The point in the message."""

    @property
    def button(self) -> Button | None:
        """The button under the point."""
        return self.view.button_at(self.point)

    @property
    def part(self) -> Part | None:
        """The part under the point."""
        return self.view.body.part_at(self.point)

    @property
    def link(self) -> str:
        """The address under the point."""
        return self.view.body.link_at(self.point)

    @property
    def spot(self) -> Spot:
        """The spot nearest to the point."""
        return self.number, *self.view.body.place_at(self.point)


class Pointer(QObject):
    """The mouse over one transcript."""

    def __init__(self, state: TranscriptState, viewport: QWidget) -> None:
        super().__init__(viewport)
        self._state = state
        self._viewport = viewport
        self.message = -1
        """Number of the message under the pointer, or -1."""
        self._hovered = self._pressed = (-1, "")
        """Number of a message and the key of its button."""
        self._press_link = ""
        self._press_point = self._last_point = QPointF()
        self._selecting = False
        self._triple_click = QTimer(self, singleShot=True)
        self._edge_scroll = QTimer(self, interval=EDGE_MS)
        self._edge_scroll.timeout.connect(self._scroll_beyond_edge)
        viewport.setMouseTracking(True)
        viewport.installEventFilter(self)

    def reset(self) -> None:
        """End hovering, pressing and selecting, for another conversation."""
        self.message, self._hovered, self._pressed = -1, (-1, ""), (-1, "")
        self._selecting = False
        self._edge_scroll.stop()

    def button_keys(self, number: int) -> tuple[str, str]:
        """Return the keys of the hovered and of the pressed button of a message."""
        hovered, pressed = (key if message == number else "" for message, key in (self._hovered, self._pressed))
        return hovered, pressed

    def link_at(self, point: QPointF) -> str:
        """Return the address under a point of the viewport."""
        hit = self._hit(point)
        return hit.link if hit else ""

    def eventFilter(self, _viewport: QObject, event: QEvent) -> bool:
        """Handle the mouse events of the viewport."""
        if isinstance(event, QMouseEvent):
            if event.type() is QEvent.Type.MouseMove:
                self._move(event.position())
                return True
            handlers = {
                QEvent.Type.MouseButtonPress: self._press,
                QEvent.Type.MouseButtonDblClick: self._double_click,
                QEvent.Type.MouseButtonRelease: self._release,
            }
            handler = handlers.get(event.type())
            if handler is None or event.button() is not Qt.MouseButton.LeftButton:
                return False
            handler(event)
            return True
        if isinstance(event, QWheelEvent):
            self._wheel(event)
            event.accept()
            return True
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            self._show_tooltip(event)
            return True
        if event.type() is QEvent.Type.Leave:
            self.message, self._hovered = -1, (-1, "")
            self._state.repaint_requested.emit()
        return False

    def _hit(self, point: QPointF) -> Hit | None:
        page = self._state.page
        found = page.message_at(point.y())
        if found is None:
            return None
        number, top = found
        return Hit(number, page.view(number), point - QPointF(page.left, top))

    # Moving

    def _move(self, point: QPointF) -> None:
        self._last_point = point
        if not self._selecting:
            self._hover(point)
            return
        self._extend(point)
        is_inside = 0 <= point.y() <= self._state.page.height
        if is_inside:
            self._edge_scroll.stop()
        elif not self._edge_scroll.isActive():
            self._edge_scroll.start()

    def _hover(self, point: QPointF) -> None:
        hit = self._hit(point)
        button = hit.button if hit else None
        cursor = Qt.CursorShape.ArrowCursor
        if hit and (button or hit.link):
            cursor = Qt.CursorShape.PointingHandCursor
        elif hit and hit.part:
            cursor = Qt.CursorShape.IBeamCursor
        if self._viewport.cursor().shape() is not cursor:
            self._viewport.setCursor(cursor)
        message = hit.number if hit else -1
        hovered = (message, button.key) if button else (-1, "")
        if (message, hovered) != (self.message, self._hovered):
            self.message, self._hovered = message, hovered
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
                self._state.text_size_requested.emit(1 if notches.y() > 0 else -1)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not across:
            across, down = down, 0
        if abs(across) > abs(down):
            hit = self._hit(event.position())
            part = hit.part if hit else None
            if part and part.scroll(-across):
                self._state.repaint_requested.emit()
        elif down:
            self._state.scroll_by(-down)
            self._hover(event.position())

    def _show_tooltip(self, event: QHelpEvent) -> None:
        hit = self._hit(QPointF(event.pos()))
        button = hit.button if hit else None
        text = hit.link if hit else ""
        if hit and button:
            text = button.tip if button.tip != button.label else ""
            if self._state.done == (hit.number, button.key):
                text = self._state.strings.copied
        QToolTip.showText(event.globalPos(), text, self._viewport)

    # Clicking and selecting

    def _press(self, event: QMouseEvent) -> None:
        point = self._press_point = self._last_point = event.position()
        hit = self._hit(point)
        self._press_link = hit.link if hit else ""
        if hit is None:
            return
        state, button, spot = self._state, hit.button, hit.spot
        if button:
            self._pressed = (hit.number, button.key)
            state.repaint_requested.emit()
            return
        if self._triple_click.isActive():
            self._triple_click.stop()
            self._select_around(hit, paragraph=True)
            return
        state.set_focus(-1)
        extend = event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not state.selection.is_empty
        state.set_selection(Selection(state.selection.anchor if extend else spot, spot))
        self._selecting = True

    def _double_click(self, event: QMouseEvent) -> None:
        hit = self._hit(event.position())
        if hit and hit.button:
            self._press(event)
        elif hit:
            self._select_around(hit, paragraph=False)
            self._triple_click.start(QApplication.doubleClickInterval())

    def _select_around(self, hit: Hit, *, paragraph: bool) -> None:
        if not hit.view.parts:
            return
        number, at, position = hit.spot
        part = hit.view.parts[at]
        start, end = part.paragraph_at(position) if paragraph else part.word_at(position)
        self._state.set_selection(Selection((number, at, start), (number, at, end)))

    def _extend(self, point: QPointF) -> None:
        hit = self._hit(point)
        if hit is not None:
            self._state.set_selection(Selection(self._state.selection.anchor, hit.spot))

    def _release(self, event: QMouseEvent) -> None:
        state, point = self._state, event.position()
        hit = self._hit(point)
        button, link = (hit.button, hit.link) if hit else (None, "")
        self._edge_scroll.stop()
        pressed, self._pressed = self._pressed, (-1, "")
        if pressed[1]:
            state.repaint_requested.emit()
            if hit and button and (hit.number, button.key) == pressed:
                state.button_pressed.emit(*pressed)
            return
        was_selecting, self._selecting = self._selecting, False
        is_click = (point - self._press_point).manhattanLength() < QApplication.startDragDistance()
        if was_selecting and is_click and link and link == self._press_link and state.selection.is_empty:
            state.link_activated.emit(link)
        self._hover(point)
