"""The controls of a sampling, one row each: for the settings, and for one conversation of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget

from app.config.settings import BOUNDS
from app.conversation import Sampling
from ui.widgets.dialog_parts import CONTROL_WIDTH, ChoiceOrNumber, Row, hairline, indent, wheel_only_with_focus

STEPS = {"temperature": 0.1, "top_p": 0.05, "top_k": 1, "min_p": 0.01, "repeat_penalty": 0.05}
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
        self.numbers: dict[str, QSpinBox | QDoubleSpinBox] = {key: _number(key, step) for key, step in STEPS.items()}
        self.max_tokens = ChoiceOrNumber((NO_LIMIT,), 1024, 1, int(BOUNDS["max_tokens"][1]), 256)
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
            "temperature": (
                self.tr("Temperature"),
                self.tr(
                    "Higher values give more varied answers, lower values more predictable ones; 0 always picks "
                    "the most probable token."
                ),
            ),
            "top_p": (
                self.tr("Top-p"),
                self.tr("Samples from the most probable tokens that together reach this probability; 1 keeps all."),
            ),
            "top_k": (self.tr("Top-k"), self.tr("Samples from this many of the most probable tokens; 0 keeps all.")),
            "min_p": (
                self.tr("Min-p"),
                self.tr(
                    "Excludes tokens whose probability is below this fraction of the most probable token's; 0 "
                    "keeps all."
                ),
            ),
            "repeat_penalty": (
                self.tr("Repeat penalty"),
                self.tr("Values above 1 make repetition less likely; 1 has no effect."),
            ),
            "max_tokens": (
                self.tr("Maximum tokens"),
                self.tr("In tokens; an English word is slightly more than one."),
            ),
            "seed": (
                self.tr("Seed"),
                self.tr("The same seed and settings give the same answer again."),
            ),
        }


def _number(key: str, step: float) -> QSpinBox | QDoubleSpinBox:
    least, most = BOUNDS[key]
    number: QSpinBox | QDoubleSpinBox
    if isinstance(step, int):
        number = QSpinBox()
        number.setRange(int(least), int(most))
    else:
        number = QDoubleSpinBox()
        number.setRange(least, most)
        number.setSingleStep(step)
    number.setObjectName(key)
    number.setKeyboardTracking(False)
    number.setFixedWidth(CONTROL_WIDTH // 2)
    wheel_only_with_focus(number)
    indent(number)
    return number
