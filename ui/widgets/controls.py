"""Controls of settings: each has a ``changed`` signal for changes by the user, ``value`` and a silent ``set_value``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from ui.widgets.layouts import MAX_WIDGET_SIZE, hbox, vbox

CONTROL_WIDTH = 220
POPUP_PADDING = 24
"""Beside the choices of a combo box, in pixels."""
TYPING_PAUSE_MS = 500
"""A text is saved after this pause in typing."""
CUSTOM = "custom"
"""Value of the entry of ``CustomChoiceBox`` that shows the field."""


class _ScrollFilter(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_wheel = event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus()
        is_page = isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if is_wheel or is_page:
            event.ignore()
            return True
        return False


def wheel_only_with_focus(control: QWidget) -> None:
    """Let the wheel change the control only while it has the focus; otherwise it scrolls the page, as PgUp and PgDn."""
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    control.installEventFilter(_ScrollFilter(control))


def indent(number: QAbstractSpinBox) -> None:
    """Align the text of a spin box with that of other controls; the style sheet's padding does not reach it."""
    number.lineEdit().setTextMargins(6, 0, 0, 0)


class ChoiceBox(QComboBox):
    """Combo box of labelled values."""

    changed = Signal(object)

    def __init__(self, name: str, labels: Mapping[Any, str] | None = None) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFixedWidth(CONTROL_WIDTH)
        wheel_only_with_focus(self)
        self.set_labels(labels or {})
        self.currentIndexChanged.connect(lambda _index: self.changed.emit(self.currentData()))

    def showPopup(self) -> None:
        """Show the choices in their whole width, up to twice that of the box."""
        width = self.view().sizeHintForColumn(0) + POPUP_PADDING
        self.view().setMinimumWidth(min(width, 2 * CONTROL_WIDTH))
        super().showPopup()

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
        """Replace all values and their labels."""
        with QSignalBlocker(self):
            self.clear()
            for value, label in labels.items():
                self.addItem(label, value)


class NumberBox(QDoubleSpinBox):
    """Spin box of an integer, or of a number with ``decimals``."""

    changed = Signal(object)

    def __init__(self, name: str, minimum: float, maximum: float, step: float = 1, decimals: int = 0) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setDecimals(decimals)
        self.setRange(minimum, maximum)
        self.setSingleStep(step)
        self.setKeyboardTracking(False)
        self.setFixedWidth(CONTROL_WIDTH // 2)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft)
        wheel_only_with_focus(self)
        indent(self)
        self.valueChanged.connect(lambda _value: self.changed.emit(self.value()))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Take a comma for the decimal point, and the other way round: Qt reads the other one as a group separator."""
        if self.decimals():
            text = re.sub("[.,]", self.locale().decimalPoint(), text)
        return super().validate(text, position)

    def value(self) -> float:
        """Return the number, an ``int`` where there are no decimals."""
        return super().value() if self.decimals() else int(super().value())

    def set_value(self, value: float) -> None:
        """Show a value."""
        with QSignalBlocker(self):
            self.setValue(value)


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

    def __init__(self, name: str, placeholder: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setPlaceholderText(placeholder)
        self.setFixedWidth(CONTROL_WIDTH)
        self.editingFinished.connect(lambda: self.changed.emit(self.value()))

    def value(self) -> str:
        """Return the text."""
        return self.text().strip()

    def set_value(self, value: str) -> None:
        """Show a text."""
        self.setText(value)


class PromptField(QPlainTextEdit):
    """Field for a system prompt; ``changed`` is emitted after a pause in typing."""

    changed = Signal(object)

    def __init__(self, name: str, placeholder: str = "", height: int = 88) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(8)
        self.setFixedHeight(height)
        self._saved = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TYPING_PAUSE_MS)
        self._timer.timeout.connect(self.finish)
        self.textChanged.connect(self._timer.start)

    def value(self) -> Any:
        """Return the text."""
        return self.toPlainText()

    def set_value(self, value: Any) -> None:
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
            self.changed.emit(self.value())


class LinesField(PromptField):
    """Field for several texts, one per line, with ``\\n``, ``\\t`` and ``\\\\`` for characters within them."""

    def __init__(self, name: str) -> None:
        super().__init__(name, height=64)

    def value(self) -> tuple[str, ...]:
        """Return the texts."""
        plain = {"n": "\n", "t": "\t", "\\": "\\"}
        lines = filter(None, self.toPlainText().splitlines())
        return tuple(re.sub(r"\\([nt\\])", lambda found: plain[found[1]], line) for line in lines)

    def set_value(self, value: Iterable[str]) -> None:
        """Show texts."""
        lines = (text.replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t") for text in value)
        super().set_value("\n".join(lines))


class CustomChoiceBox(QWidget):
    """Combo box whose last entry, "Custom", shows a ``field`` for any other value."""

    changed = Signal(object)

    def __init__(self, name: str, labels: Mapping[Any, str], field: NumberBox | TextField) -> None:
        super().__init__()
        self._values = labels.keys()
        self.choice = ChoiceBox(name, {**labels, CUSTOM: self.tr("Custom")})
        self.field = field
        for control in (self.choice, field):
            control.setMinimumWidth(0)
            control.setMaximumWidth(MAX_WIDGET_SIZE)
        self.setFixedWidth(CONTROL_WIDTH)
        if isinstance(field, TextField):
            vbox(self.choice, field, parent=self, spacing=8)
        else:
            hbox((self.choice, 1), (field, 1), parent=self, spacing=8)
        field.hide()
        self.setFocusProxy(self.choice)
        self.choice.changed.connect(self._on_choice)
        field.changed.connect(self._emit)

    def set_value(self, value: Any) -> None:
        """Show a value."""
        is_custom = value not in self._values
        self.choice.set_value(CUSTOM if is_custom else value)
        if is_custom:
            self.field.set_value(value)
        self.field.setVisible(is_custom)

    def value(self) -> Any:
        """Return the selected value, or that of the field."""
        return self.field.value() if self._is_custom() else self.choice.value()

    def finish(self) -> None:
        """Apply a number that is being typed."""
        finish_input(self.field)

    def _is_custom(self) -> bool:
        return bool(self.choice.value() == CUSTOM)

    def _on_choice(self) -> None:
        self.field.setVisible(self._is_custom())
        if self._is_custom() and isinstance(self.field, TextField):
            self.field.setFocus()
        self._emit()

    def _emit(self) -> None:
        # An empty field is still to be filled in.
        if not self._is_custom() or self.field.value() != "":
            self.changed.emit(self.value())


def finish_input(control: QWidget) -> None:
    """Apply input that was typed but not confirmed."""
    for name in ("interpretText", "finish"):
        finish: Callable[[], None] | None = getattr(control, name, None)
        if finish is not None:
            finish()
