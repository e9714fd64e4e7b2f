"""What the pointer does on the transcript: hovering, clicking, selecting, the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QHelpEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip

from ui.transcript.buttons import Button
from ui.transcript.message import MessageView
from ui.transcript.selection import Selection, Spot

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript

NOTCH = 96
"""Pixels for a notch of a wheel."""
EDGE_MS = 30


class Pointer(QObject):
    """The pointer over one transcript."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._transcript = transcript
        self.message = -1
        """The message under the pointer."""
        self._button: tuple[int, str] = (-1, "")
        self._pressed: tuple[int, str] = (-1, "")
        self._press_link = ""
        self._press_point = QPointF()
        self._last_point = QPointF()
        self._selecting = False
        self._double = QTimer(self, singleShot=True)
        self._edge = QTimer(self, interval=EDGE_MS)
        self._edge.timeout.connect(self._beyond_the_edge)

    def reset(self) -> None:
        """The page is another one."""
        self.message, self._button, self._pressed = -1, (-1, ""), (-1, "")
        self._selecting = False
        self._edge.stop()

    def over(self, number: int) -> tuple[str, str]:
        """The button of a message under the pointer, and the one that is held down."""
        return (
            self._button[1] if self._button[0] == number else "",
            self._pressed[1] if self._pressed[0] == number else "",
        )

    def handle(self, event: QEvent) -> bool:
        """Take an event of the viewport; true if it needs no more."""
        kinds = QEvent.Type
        if isinstance(event, QMouseEvent):
            if event.type() is kinds.MouseMove:
                self._move(event)
            elif event.type() is kinds.MouseButtonPress and event.button() is Qt.MouseButton.LeftButton:
                self._press(event)
            elif event.type() is kinds.MouseButtonDblClick and event.button() is Qt.MouseButton.LeftButton:
                self._double_click(event)
            elif event.type() is kinds.MouseButtonRelease and event.button() is Qt.MouseButton.LeftButton:
                self._release(event)
            else:
                return False
            return True
        if isinstance(event, QWheelEvent):
            return self._wheel(event)
        if event.type() is kinds.Leave:
            self.message, self._button = -1, (-1, "")
            self._transcript.viewport().update()
        if event.type() is kinds.ToolTip and isinstance(event, QHelpEvent):
            self._tooltip(event)
            return True
        return False

    # What lies under a point

    def link_at(self, point: QPointF) -> str:
        """The address under a point of the viewport."""
        found = self._view_at(point)
        return found[1].link_at(found[2]) if found else ""

    def _view_at(self, point: QPointF) -> tuple[int, MessageView, QPointF] | None:
        page = self._transcript.page
        place = page.message_at(point.y())
        if place is None:
            return None
        return place[0], page.view(place[0]), point - QPointF(page.left, place[1])

    def _button_at(self, point: QPointF) -> tuple[int, Button] | None:
        found = self._view_at(point)
        button = found[1].button_at(found[2]) if found else None
        return (found[0], button) if found and button else None

    def _spot_at(self, point: QPointF) -> Spot | None:
        found = self._view_at(point)
        return (found[0], *found[1].place_at(found[2])) if found else None

    # Moving

    def _move(self, event: QMouseEvent) -> None:
        point = self._last_point = event.position()
        if self._selecting:
            self._extend(point)
            outside = not 0 <= point.y() <= self._transcript.page.height
            if outside and not self._edge.isActive():
                self._edge.start()
            elif not outside:
                self._edge.stop()
            return
        self._hover(point)

    def _hover(self, point: QPointF) -> None:
        found = self._view_at(point)
        button = found[1].button_at(found[2]) if found else None
        part = found[1].part_at(found[2]) if found else None
        cursor = Qt.CursorShape.ArrowCursor
        if button or (found and found[1].link_at(found[2])):
            cursor = Qt.CursorShape.PointingHandCursor
        elif part:
            cursor = Qt.CursorShape.IBeamCursor
        viewport = self._transcript.viewport()
        if viewport.cursor().shape() is not cursor:
            viewport.setCursor(cursor)
        state = (found[0] if found else -1), ((found[0], button.key) if found and button else (-1, ""))
        if state != (self.message, self._button):
            self.message, self._button = state
            viewport.update()

    def _beyond_the_edge(self) -> None:
        y, height = self._last_point.y(), self._transcript.page.height
        beyond = min(0.0, y) or max(0.0, y - height)
        if not self._selecting or not beyond:
            self._edge.stop()
            return
        self._transcript.scroll_by(max(-60.0, min(60.0, beyond)))
        self._extend(QPointF(self._last_point.x(), min(max(0.0, y), height - 1)))

    def _wheel(self, event: QWheelEvent) -> bool:
        pixels, notches = event.pixelDelta(), event.angleDelta()
        across = pixels.x() or notches.x() * NOTCH / 120
        down = pixels.y() or notches.y() * NOTCH / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if notches.y():
                self._transcript.change_text_size(1 if notches.y() > 0 else -1)
            event.accept()
            return True
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not across:
            across, down = down, 0
        if abs(across) > abs(down):
            found = self._view_at(event.position())
            part = found[1].part_at(found[2]) if found else None
            if part and part.scroll(-across):
                self._transcript.viewport().update()
        elif down:
            self._transcript.scroll_by(-down)
            self._hover(event.position())
        event.accept()
        return True

    def _tooltip(self, event: QHelpEvent) -> None:
        point = QPointF(event.pos())
        button = self._button_at(point)
        text = self.link_at(point)
        if button:
            done = self._transcript.done == f"{button[0]} {button[1].key}"
            tip = button[1].tip if button[1].tip != button[1].label else ""
            text = self._transcript.words.copied if done else tip
        QToolTip.showText(event.globalPos(), text, self._transcript.viewport())

    # Clicking and selecting

    def _press(self, event: QMouseEvent) -> None:
        point = self._press_point = self._last_point = event.position()
        transcript = self._transcript
        button = self._button_at(point)
        if button:
            self._pressed = (button[0], button[1].key)
            transcript.viewport().update()
            return
        self._press_link = self.link_at(point)
        spot = self._spot_at(point)
        if spot is None:
            return
        if self._double.isActive():
            self._double.stop()
            self._select_around(spot, paragraph=True)
            return
        transcript.keyboard.reset()
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        anchor = transcript.selection.anchor if shift and not transcript.selection.is_empty else spot
        transcript.set_selection(Selection(anchor, spot))
        self._selecting = True

    def _double_click(self, event: QMouseEvent) -> None:
        if self._button_at(event.position()):
            self._press(event)
            return
        spot = self._spot_at(event.position())
        if spot is not None:
            self._select_around(spot, paragraph=False)
            self._double.start(QApplication.doubleClickInterval())

    def _select_around(self, spot: Spot, *, paragraph: bool) -> None:
        view = self._transcript.page.view(spot[0])
        if not view.parts:
            return
        part = view.parts[spot[1]]
        start, end = part.paragraph_at(spot[2]) if paragraph else part.word_at(spot[2])
        self._transcript.set_selection(Selection((*spot[:2], start), (*spot[:2], end)))

    def _extend(self, point: QPointF) -> None:
        spot = self._spot_at(point)
        if spot is not None:
            self._transcript.set_selection(Selection(self._transcript.selection.anchor, spot))

    def _release(self, event: QMouseEvent) -> None:
        transcript, point = self._transcript, event.position()
        self._edge.stop()
        pressed, self._pressed = self._pressed, (-1, "")
        button = self._button_at(point)
        if pressed[1]:
            transcript.viewport().update()
            if button and (button[0], button[1].key) == pressed:
                transcript.press(button[0], button[1].key)
            return
        was_selecting, self._selecting = self._selecting, False
        near = (point - self._press_point).manhattanLength() < QApplication.startDragDistance()
        link = self.link_at(point)
        if was_selecting and near and link and link == self._press_link and transcript.selection.is_empty:
            transcript.link_activated.emit(link)
        self._hover(point)
