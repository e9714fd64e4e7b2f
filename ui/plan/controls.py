"""Controls of the memory plan: context slider, combo box and spin box.  ``changed`` has the value set by the user."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QSlider, QSpinBox, QWidget

from ui.plan.strings import tokens_short, tokens_text
from ui.widgets.controls import indent, wheel_only_with_focus
from ui.widgets.dialog_parts import SMALL_SIZE
from ui.widgets.layouts import vbox
from ui.widgets.theme import current_theme, interface_font

HANDLE = 16
"""Width of the slider's handle in the style sheet, in pixels."""
LABEL_HEIGHT = 18
AUTOMATIC = -1


def _centre(step: int, steps: int, width: int) -> float:
    """Return the position of a step on a slider of ``width`` pixels."""
    return HANDLE / 2 + ((width - HANDLE) * step / (steps - 1) if steps > 1 else 0)


def _nearest(x: float, steps: int, width: int) -> int:
    """Return the step nearest to ``x`` on a slider of ``width`` pixels."""
    return min(range(steps), key=lambda step: abs(_centre(step, steps, width) - x))


class _StepSlider(QSlider):
    """Slider of few steps; a press moves it to the nearest step, from which it can be dragged."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move to the nearest step; a page's length, as by default, would often not reach it."""
        steps = self.maximum() + 1
        step = _nearest(event.position().x(), steps, self.width())
        if event.button() == Qt.MouseButton.LeftButton:
            self.setValue(step)
            handle = QPointF(_centre(step, steps, self.width()), self.height() / 2)
            event = QMouseEvent(
                event.type(), handle, event.globalPosition(), event.button(), event.buttons(), event.modifiers()
            )
        super().mousePressEvent(event)


class _StepLabels(QWidget):
    """Labels of a slider's steps; a click selects the nearest step."""

    clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFont(interface_font(SMALL_SIZE))
        self.setFixedHeight(LABEL_HEIGHT)
        self.labels: tuple[str, ...] = ()
        self.current = 0

    def show_current(self, step: int) -> None:
        """Emphasise the label of a step."""
        self.current = step
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the nearest step."""
        if self.labels:
            self.clicked.emit(_nearest(event.position().x(), len(self.labels), self.width()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the labels that have room, the current one first."""
        theme, painter = current_theme(), QPainter(self)
        metrics = QFontMetrics(self.font())
        drawn: list[QRect] = []
        for step in sorted(range(len(self.labels)), key=lambda step: step != self.current):
            width = metrics.horizontalAdvance(self.labels[step])
            left = min(max(0, round(_centre(step, len(self.labels), self.width()) - width / 2)), self.width() - width)
            rect = QRect(left, 0, width, self.height())
            if any(rect.adjusted(-5, 0, 5, 0).intersects(other) for other in drawn):
                continue
            drawn.append(rect)
            painter.setPen(theme.text if step == self.current and self.isEnabled() else theme.quiet_text)
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), self.labels[step])
        painter.end()


class ContextSlider(QWidget):
    """Slider over context lengths in steps."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.slider = _StepSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("planContext")
        self.slider.setFixedHeight(20)
        self.slider.setPageStep(1)
        wheel_only_with_focus(self.slider)
        self.labels = _StepLabels()
        self._steps: tuple[int, ...] = ()
        vbox(self.slider, self.labels, parent=self, spacing=2)
        self.setFocusProxy(self.slider)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.slider.valueChanged.connect(self._handle_value)
        self.labels.clicked.connect(self.slider.setValue)

    def show_steps(self, steps: Sequence[int], context: int) -> None:
        """Offer these context lengths in tokens, with ``context``, one of them, selected."""
        self._steps = tuple(steps)
        step = self._steps.index(context)
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, len(self._steps) - 1)
            self.slider.setValue(step)
        self.labels.labels = tuple(tokens_short(each) for each in self._steps)
        self.labels.show_current(step)
        self.slider.setAccessibleDescription(tokens_text(context))

    def sizeHint(self) -> QSize:
        """Return the size of the slider with its labels."""
        return QSize(240, 20 + 2 + LABEL_HEIGHT)

    def _handle_value(self, step: int) -> None:
        self.labels.show_current(step)
        self.changed.emit(self._steps[step])


class OptionComboBox(QComboBox):
    """Combo box of labelled values."""

    changed = Signal(object)

    def __init__(self, object_name: str) -> None:
        super().__init__()
        self.setObjectName(object_name)
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        wheel_only_with_focus(self)
        self.activated.connect(lambda place: self.changed.emit(self.itemData(place)))

    def show_values(self, labels: Mapping[Any, str], value: object, disabled: Collection[object] = ()) -> None:
        """Offer the values of ``labels`` and ``value``, which is selected."""
        if value not in labels:
            labels = {**labels, value: str(value)}
        if list(labels) != [self.itemData(place) for place in range(self.count())]:
            self.clear()
            for each in labels:
                self.addItem("", each)
        for place, (each, text) in enumerate(labels.items()):
            self.setItemText(place, text)
            # The role of QStandardItemModel that holds an item's flags: 0 disables it, None restores the default.
            self.setItemData(place, 0 if each in disabled else None, Qt.ItemDataRole.UserRole - 1)
        self.setCurrentIndex(list(labels).index(value))


class OptionSpinBox(QSpinBox):
    """Spin box for a number or "automatic"; a step from there begins at the plan's number."""

    changed = Signal(object)

    def __init__(self, object_name: str, minimum: int) -> None:
        super().__init__()
        self.setObjectName(object_name)
        self._minimum = minimum
        self._planned: int | None = None
        self.setMinimum(AUTOMATIC)
        self.setKeyboardTracking(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        indent(self)
        wheel_only_with_focus(self)
        self.valueChanged.connect(lambda _value: self.changed.emit(self.number))

    def show_number(self, fixed: int | None, planned: int | None, maximum: int) -> None:
        """Show the fixed number, or "automatic" with the plan's number (None if the engine decides)."""
        self._planned = planned
        text = self.tr("Automatic") if planned is None else self.tr("Automatic ({kind})").format(kind=planned)
        with QSignalBlocker(self):
            self.setMaximum(maximum)
            self.setSpecialValueText(text)
            self.setValue(AUTOMATIC if fixed is None else fixed)

    @property
    def number(self) -> int | None:
        """The number, or None for automatic."""
        return None if self.value() == AUTOMATIC else max(self._minimum, self.value())

    def stepBy(self, steps: int) -> None:
        """Step from "automatic" to the number next to the plan's, and below the minimum back to it."""
        if self.value() == AUTOMATIC:
            start = self._planned if self._planned is not None else self._minimum - (1 if steps > 0 else 0)
            self.setValue(max(self._minimum, start + steps))
        elif self.value() + steps < self._minimum:
            self.setValue(AUTOMATIC)
        else:
            super().stepBy(steps)

    def stepEnabled(self) -> QSpinBox.StepEnabledFlag:
        """Allow steps in both directions also from "automatic", the smallest value internally."""
        flags = QSpinBox.StepEnabledFlag
        if self.value() == AUTOMATIC:
            down = self._planned is not None and self._planned > self._minimum
            return flags.StepUpEnabled | (flags.StepDownEnabled if down else flags.StepNone)
        return super().stepEnabled()
