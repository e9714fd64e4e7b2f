"""Strip of all layers by device, with borders that can be dragged or moved with the arrow keys.

The effect of moving a border on the plan is in ``ui.plan.changes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from ui.plan.bar_data import pixels_per_layer, strip_edges
from ui.plan.bars import blend
from ui.widgets.dialog_parts import SMALL_SIZE
from ui.widgets.theme import current_theme, interface_font

HEIGHT, RADIUS = 26, 5.0
MIN_SEGMENT = 12.0
"""Width of a segment without layers, in pixels."""
GRIP_WIDTH, GRIP_HEIGHT = 14, 32
MARK = 3
PAGE_STEP = 5

Segment = tuple[str, int]
"""Device name (empty for RAM) and its number of layers, including the output."""


class Border(QSlider):
    """Border between two segments; its value is the number of layers before it.

    A slider for the keyboard and screen readers, a handle for the mouse.
    """

    dragged = Signal(int)
    """The value at the mouse position."""

    def __init__(self, parent: QWidget, key: tuple[str, str]) -> None:
        """``key``: names of the segments before and after it."""
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.key = key
        self.segments: tuple[Segment, ...] = ()
        """All segments at the start of a drag."""
        self.setObjectName(f"planBorder{key[0] or 'Ram'}{key[1]}")
        self.setFixedSize(GRIP_WIDTH, GRIP_HEIGHT)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setPageStep(PAGE_STEP)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.pixels = 1.0
        """Pixels per layer."""
        self._drag_start: tuple[float, int, float] | None = None

    @property
    def is_dragged(self) -> bool:
        """Whether it is being dragged."""
        return self._drag_start is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start dragging."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._drag_start = (event.globalPosition().x(), self.value(), self.pixels)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the value at the mouse position."""
        if self._drag_start is None:
            return
        # Relative to the start of the drag, because the border moves with every new plan.
        x, value, pixels = self._drag_start
        self.dragged.emit(value + round((event.globalPosition().x() - x) / pixels))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End dragging."""
        self._drag_start = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the scroll area."""
        event.ignore()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the grip."""
        theme, painter = current_theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        active = self.is_dragged or self.hasFocus()
        colour = QColor(theme.accent if active or self.underMouse() else theme.quiet_text)
        painter.setPen(QPen(colour if self.isEnabled() else QColor(theme.hairline), 2 if active else 1.2))
        painter.setBrush(QColor(theme.raised))
        grip = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        painter.drawRoundedRect(grip, 4, 4)
        if self.isEnabled():
            painter.setPen(QPen(QColor(theme.quiet_text), 1))
            middle = grip.center()
            for y in (-3.0, 0.0, 3.0):
                painter.drawLine(QPointF(middle.x() - 1.5, middle.y() + y), QPointF(middle.x() + 1.5, middle.y() + y))
        painter.end()


class LayerStrip(QWidget):
    """All layers in a row, by device; layers with experts in RAM are marked."""

    moved = Signal(object, int, int)
    """Segments at the start of the movement, number of the border, and layers before it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("planLayers")
        self.setFixedHeight(GRIP_HEIGHT)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._segments: tuple[Segment, ...] = ()
        self._names: tuple[str, ...] = ()
        self._marked: tuple[int, ...] = ()
        self._borders: dict[tuple[str, str], Border] = {}
        self._keys: list[tuple[str, str]] = []

    @property
    def borders(self) -> tuple[Border, ...]:
        """Borders between the segments, from left to right."""
        return tuple(self._borders[key] for key in self._keys)

    def show_segments(self, segments: Sequence[Segment], names: Sequence[str], marked: Sequence[int]) -> None:
        """Show these segments; ``names`` are their labels, ``marked`` are numbers of layers."""
        self._segments, self._names, self._marked = tuple(segments), tuple(names), tuple(marked)
        self._keys = _keys_of(segments)
        for border in list(self._borders.values()):
            if border.key not in self._keys and not border.is_dragged:
                del self._borders[border.key]
                border.hide()
                border.deleteLater()
        for number, key in enumerate(self._keys):
            border, before, after = self._border(key), segments[number][1], segments[number + 1][1]
            if not border.is_dragged:
                border.segments = self._segments
            with QSignalBlocker(border):
                border.setRange(0, before + after)
                border.setValue(before)
            text = self.tr("Boundary between {one} and {other}: {before} and {after} layers").format(
                one=names[number], other=names[number + 1], before=before, after=after
            )
            border.setAccessibleName(text)
            border.setToolTip(text)
        self._place()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(240, GRIP_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move the borders."""
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the segments; RAM is grey."""
        theme, painter = current_theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(interface_font(SMALL_SIZE))
        top = (self.height() - HEIGHT) / 2
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(0, top, self.width(), HEIGHT), RADIUS, RADIUS)
        painter.setClipPath(shape)
        edges, first = self._edges(), 0
        for number, (name, count) in enumerate(self._segments):
            place = QRectF(edges[number], top, edges[number + 1] - edges[number], HEIGHT)
            ground = blend(theme.quiet_text, theme.page, 0.2) if not name else _tone(number, theme.accent, theme.page)
            painter.fillRect(place, QBrush(ground if count else QColor(theme.sidebar)))
            self._draw_marks(painter, place, first, count, QColor(theme.text))
            self._draw_label(painter, place, self._names[number], count, QColor(theme.text))
            first += count
        painter.end()

    def _draw_marks(self, painter: QPainter, place: QRectF, first: int, count: int, colour: QColor) -> None:
        # One stroke at the lower edge for each layer with experts in RAM.
        if not count:
            return
        step = place.width() / count
        for layer in self._marked:
            if first <= layer < first + count:
                width = max(1.5, step - 1.5)
                x = place.left() + (layer - first) * step
                painter.fillRect(QRectF(x, place.bottom() - MARK, width, MARK), colour)

    def _draw_label(self, painter: QPainter, place: QRectF, name: str, count: int, colour: QColor) -> None:
        metrics = QFontMetrics(painter.font())
        room = place.width() - GRIP_WIDTH - 6
        text = f"{name} · {count}"
        if metrics.horizontalAdvance(text) > room:
            text = str(count)
        if count and metrics.horizontalAdvance(text) <= room:
            painter.setPen(colour)
            painter.drawText(place.adjusted(0, 0, 0, -1), int(Qt.AlignmentFlag.AlignCenter), text)

    def _edges(self) -> tuple[float, ...]:
        return strip_edges([count for _, count in self._segments], self.width(), MIN_SEGMENT)

    def _place(self) -> None:
        edges, counts = self._edges(), [count for _, count in self._segments]
        for edge, border in zip(edges[1:], self.borders, strict=False):
            border.pixels = pixels_per_layer(counts, self.width(), MIN_SEGMENT)
            border.move(round(edge - GRIP_WIDTH / 2), 0)

    def _border(self, key: tuple[str, str]) -> Border:
        border = self._borders.get(key)
        if border is None:
            border = self._borders[key] = Border(self, key)
            border.dragged.connect(partial(self._move, border))
            border.valueChanged.connect(partial(self._move, border))
            border.show()
        return border

    def _move(self, border: Border, value: int) -> None:
        segments = border.segments if border.is_dragged else self._segments
        keys = _keys_of(segments)
        if border.key in keys:
            self.moved.emit(segments, keys.index(border.key), value)


def _keys_of(segments: Sequence[Segment]) -> list[tuple[str, str]]:
    return list(pairwise(name for name, _ in segments))


def _tone(number: int, accent: str, page: str) -> QColor:
    # Adjacent segments alternate between two tones.
    return blend(accent, page, 0.34 if number % 2 else 0.22)
