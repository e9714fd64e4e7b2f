"""Controls of settings: each has a ``changed`` signal for changes by the user, ``value`` and a silent ``set_value``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

CONTROL_WIDTH = 220
TYPING_PAUSE_MS = 500
"""A text is saved after this pause in typing."""


class _WheelFilter(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def wheel_only_with_focus(control: QWidget) -> None:
    """Let the wheel change the control only while it has the focus; otherwise it scrolls the page."""
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    control.installEventFilter(_WheelFilter(control))


def indent(number: QAbstractSpinBox) -> None:
    """Align the text of a spin box with that of other controls; the style sheet's padding does not reach it."""
    number.lineEdit().setTextMargins(6, 0, 0, 0)


class ChoiceBox(QComboBox):
    """Combo box of labelled values."""

    changed = Signal(object)

    def __init__(self, name: str, values: Iterable[object] = ()) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFixedWidth(CONTROL_WIDTH)
        wheel_only_with_focus(self)
        for value in values:
            self.addItem("", value)
        self.currentIndexChanged.connect(lambda _index: self.changed.emit(self.currentData()))

    def value(self) -> Any:
        """Return the selected value."""
        return self.currentData()

    def set_value(self, value: object) -> None:
        """Select a value; one that is not listed is added."""
        with QSignalBlocker(self):
            if self.findData(value) < 0:
                self.addItem("" if value is None else str(value), value)
            self.setCurrentIndex(self.findData(value))

    def set_labels(self, labels: Mapping[Any, str]) -> None:
        """Label the values and add missing ones."""
        with QSignalBlocker(self):
            for value, label in labels.items():
                if self.findData(value) < 0:
                    self.addItem(label, value)
                self.setItemText(self.findData(value), label)


class IntegerBox(QSpinBox):
    """Spin box of an integer."""

    changed = Signal(int)

    def __init__(self, name: str, minimum: float, maximum: float, step: float = 1) -> None:
        super().__init__()
        self.setRange(int(minimum), int(maximum))
        self.setSingleStep(int(step))
        _set_up_number(self, name)
        self.valueChanged.connect(self.changed)

    def set_value(self, value: int) -> None:
        """Show a value."""
        with QSignalBlocker(self):
            self.setValue(value)


class DecimalBox(QDoubleSpinBox):
    """Spin box of a decimal number."""

    changed = Signal(float)

    def __init__(self, name: str, minimum: float, maximum: float, step: float) -> None:
        super().__init__()
        self.setRange(minimum, maximum)
        self.setSingleStep(step)
        _set_up_number(self, name)
        self.valueChanged.connect(self.changed)

    def set_value(self, value: float) -> None:
        """Show a value."""
        with QSignalBlocker(self):
            self.setValue(value)


def _set_up_number(box: QAbstractSpinBox, name: str) -> None:
    box.setObjectName(name)
    box.setKeyboardTracking(False)
    box.setFixedWidth(CONTROL_WIDTH // 2)
    box.setAlignment(Qt.AlignmentFlag.AlignLeft)
    wheel_only_with_focus(box)
    indent(box)


class CheckBox(QCheckBox):
    """Check box without text, aligned with the right edge of other controls."""

    changed = Signal(bool)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setStyleSheet("QCheckBox { spacing: 0; }")
        self.toggled.connect(self.changed)

    def value(self) -> bool:
        """Return whether it is checked."""
        return self.isChecked()

    def set_value(self, value: bool) -> None:
        """Check or uncheck it."""
        with QSignalBlocker(self):
            self.setChecked(value)


class TextField(QLineEdit):
    """One line of text; ``changed`` is emitted once the input is complete."""

    changed = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFixedWidth(CONTROL_WIDTH)
        self.editingFinished.connect(lambda: self.changed.emit(self.text()))

    def set_value(self, value: str) -> None:
        """Show a text."""
        self.setText(value)


class PromptField(QPlainTextEdit):
    """Field for a system prompt; ``changed`` is emitted after a pause in typing."""

    changed = Signal(object)

    def __init__(self, name: str, height: int = 88) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(8)
        self.setFixedHeight(height)
        self._saved = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TYPING_PAUSE_MS)
        self._timer.timeout.connect(self.finish)
        self.textChanged.connect(self._timer.start)

    def value(self) -> str:
        """Return the text."""
        return self.toPlainText()

    def set_value(self, value: str) -> None:
        """Show a text."""
        self._saved = value
        if value != self.toPlainText():
            with QSignalBlocker(self):
                self.setPlainText(value)
        self._timer.stop()

    def finish(self) -> None:
        """Emit ``changed`` for a text that was not saved yet."""
        self._timer.stop()
        if self.toPlainText() != self._saved:
            self._saved = self.toPlainText()
            self.changed.emit(self._saved)


class _ChoiceOrOther(QWidget):
    """Combo box whose last entry, "Custom", shows a field for any other value."""

    changed = Signal(object)

    def __init__(self, values: Iterable[object], field: QWidget, direction: QBoxLayout.Direction) -> None:
        super().__init__()
        self._values = list(values)
        self.choice = QComboBox()
        wheel_only_with_focus(self.choice)
        for _ in (*self._values, "custom"):
            self.choice.addItem("")
        layout = QBoxLayout(direction, self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.choice, 1)
        layout.addWidget(field, 1)
        self._field = field
        self._field.hide()
        self.setFocusProxy(self.choice)
        self.setFixedWidth(CONTROL_WIDTH)
        self.choice.currentIndexChanged.connect(self._on_choice)

    def set_texts(self, labels: Iterable[str], custom: str, field: str) -> None:
        """Label the values, the custom entry and, for screen readers, the field."""
        for index, text in enumerate((*labels, custom)):
            self.choice.setItemText(index, text)
        self._field.setAccessibleName(field)

    def set_value(self, value: object) -> None:
        """Show a value."""
        is_custom = value not in self._values
        with QSignalBlocker(self.choice), QSignalBlocker(self._field):
            self.choice.setCurrentIndex(len(self._values) if is_custom else self._values.index(value))
            if is_custom:
                self._set_field(value)
        self._field.setVisible(is_custom)

    def value(self) -> Any:
        """Return the selected value, or that of the field."""
        return self._field_value() if self._is_custom() else self._values[self.choice.currentIndex()]

    def _is_custom(self) -> bool:
        return self.choice.currentIndex() == len(self._values)

    def _on_choice(self) -> None:
        self._field.setVisible(self._is_custom())
        self._emit()

    def _emit(self) -> None:
        self.changed.emit(self.value())

    def _field_value(self) -> Any:
        raise NotImplementedError

    def _set_field(self, value: Any) -> None:
        raise NotImplementedError


class ChoiceOrNumber(_ChoiceOrOther):
    """A few values with names, such as "Automatic", or a number."""

    def __init__(self, values: Iterable[object], minimum: float, maximum: float, step: float, suggestion: int) -> None:
        self.number = IntegerBox("", minimum, maximum, step)
        self.number.setMaximumWidth(CONTROL_WIDTH)
        self.number.setMinimumWidth(0)
        self.number.setValue(suggestion)
        super().__init__(values, self.number, QBoxLayout.Direction.LeftToRight)
        self.number.changed.connect(self._emit)

    def interpretText(self) -> None:
        """Apply a number that is being typed."""
        self.number.interpretText()

    def _field_value(self) -> int:
        return self.number.value()

    def _set_field(self, value: Any) -> None:
        self.number.setValue(min(value, self.number.maximum()))


class ChoiceOrAddress(_ChoiceOrOther):
    """A few known addresses, or another one."""

    def __init__(self, name: str, values: Iterable[str]) -> None:
        self.address = QLineEdit()
        self.address.setObjectName(f"{name}Address")
        super().__init__(values, self.address, QBoxLayout.Direction.TopToBottom)
        self.choice.setObjectName(name)
        self.address.editingFinished.connect(self._emit)

    def _on_choice(self) -> None:
        if self._is_custom():
            self.address.show()
            self.address.setFocus()
        super()._on_choice()

    def _emit(self) -> None:
        if not self._is_custom() or self.value():
            super()._emit()

    def _field_value(self) -> str:
        return self.address.text().strip()

    def _set_field(self, value: Any) -> None:
        self.address.setText(value)


def finish_input(control: QWidget) -> None:
    """Apply input that was typed but not confirmed."""
    for name in ("interpretText", "finish"):
        finish: Callable[[], None] | None = getattr(control, name, None)
        if finish is not None:
            finish()
