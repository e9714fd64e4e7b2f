"""The controls of a sampling, one row each: for the settings, and for one conversation of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget

from app.config.settings import PARAMETERS
from app.conversation import SamplerParameters, Sampling
from app.parameter import Parameter, parameters
from ui.widgets.dialog_parts import CONTROL_WIDTH, ChoiceOrNumber, Row, hairline, indent, wheel_only_with_focus
from ui.widgets.setting_rows import parameter_texts

NO_LIMIT, FRESH_SEED = 0, -1
LARGEST_SEED = (1 << 31) - 1
"""As far as a spin box counts."""


class SamplingRows(QWidget):
    """Shows a sampling and tells what a person makes of it."""

    changed = Signal(object)
    """The ``Sampling`` as it is now."""

    def __init__(self, *, with_seed: bool) -> None:
        super().__init__()
        self._sampling = Sampling()
        self.numbers: dict[str, QSpinBox | QDoubleSpinBox] = {
            key: _number(key, each) for key, each in parameters(SamplerParameters).items()
        }
        self.max_tokens = ChoiceOrNumber((NO_LIMIT,), 1024, 1, int(PARAMETERS["max_tokens"].maximum), 256)
        self.seed = ChoiceOrNumber((FRESH_SEED,), 42, 0, LARGEST_SEED, 1)
        self.rows = {key: Row(number) for key, number in self.numbers.items()}
        self.rows["max_tokens"] = Row(self.max_tokens)
        if with_seed:
            self.rows["seed"] = Row(self.seed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for place, row in enumerate(self.rows.values()):
            if place:
                layout.addWidget(hairline())
            layout.addWidget(row)
        # Bound as a default: each function keeps its own key.
        for key, number in self.numbers.items():
            number.valueChanged.connect(lambda value, key=key: self._set(**{key: value}))
        self.max_tokens.changed.connect(lambda value: self._set(max_tokens=value or None))
        self.seed.changed.connect(lambda value: self._set(seed=None if value == FRESH_SEED else value))

    def sampling(self) -> Sampling:
        """What the controls say."""
        return self._sampling

    def show_sampling(self, sampling: Sampling) -> None:
        """Let the controls say this, without telling anybody."""
        self._sampling = sampling
        for key, number in self.numbers.items():
            number.blockSignals(True)
            number.setValue(getattr(sampling, key))
            number.blockSignals(False)
        self.max_tokens.set_value(sampling.max_tokens or NO_LIMIT)
        self.seed.set_value(FRESH_SEED if sampling.seed is None else min(sampling.seed, LARGEST_SEED))

    def finish(self) -> None:
        """Take what is half typed."""
        for number in (*self.numbers.values(), self.max_tokens.number, self.seed.number):
            number.interpretText()

    def retranslate(self) -> None:
        """Word everything anew."""
        for key, (title, explanation) in self._words().items():
            if key in self.rows:
                self.rows[key].set_texts(title, explanation)
        self.max_tokens.set_texts([self.tr("No limit")], self.tr("Custom"), self.tr("Tokens"))
        self.seed.set_texts([self.tr("Random each time")], self.tr("Custom"), self.tr("Seed"))

    def _set(self, **values: Any) -> None:
        self._sampling = dataclasses.replace(self._sampling, **values)
        self.changed.emit(self._sampling)

    def _words(self) -> dict[str, tuple[str, str]]:
        return {
            **{key: parameter_texts(each) for key, each in parameters(SamplerParameters).items()},
            "max_tokens": (
                self.tr("Maximum tokens"),
                self.tr("In tokens; an English word is slightly more than one."),
            ),
            "seed": (
                self.tr("Seed"),
                self.tr("The same seed and settings give the same answer again."),
            ),
        }


def _number(key: str, parameter: Parameter) -> QSpinBox | QDoubleSpinBox:
    number: QSpinBox | QDoubleSpinBox
    if isinstance(parameter.default, int):
        number = QSpinBox()
        number.setRange(int(parameter.minimum), int(parameter.maximum))
    else:
        number = QDoubleSpinBox()
        number.setRange(parameter.minimum, parameter.maximum)
        number.setSingleStep(parameter.step)
    number.setObjectName(key)
    number.setKeyboardTracking(False)
    number.setFixedWidth(CONTROL_WIDTH // 2)
    wheel_only_with_focus(number)
    indent(number)
    return number
