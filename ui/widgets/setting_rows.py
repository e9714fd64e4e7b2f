"""What the groups of the settings page have in common: rows with hairlines, combo boxes bound to a setting each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from app.config.settings import PARAMETERS, Settings
from app.parameter import Parameter
from ui.widgets.dialog_parts import CONTROL_WIDTH, Row, hairline, wheel_only_with_focus


class SettingsGroup(QWidget):
    """Some settings.  Shows them and tells what a person makes of them; who holds the group keeps it."""

    chosen = Signal(dict)
    """Settings by their names, with the values they shall have."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.combos: dict[str, QComboBox] = {}
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)

    def show_settings(self, settings: Settings) -> None:
        """Let every control show its setting, without telling anybody."""
        for key, combo in self.combos.items():
            show_choice(combo, getattr(settings, key))

    def retranslate(self) -> None:
        """Set the texts of all rows and choices from their declarations."""
        for key, row in self.rows.items():
            if key in PARAMETERS and PARAMETERS[key].label:
                row.set_texts(*parameter_texts(PARAMETERS[key]))
        for key, combo in self.combos.items():
            labels = {value: text for value, text in PARAMETERS[key].choices.items() if text}
            word_choices(combo, {value: _translated(text) for value, text in labels.items()})

    def finish(self) -> None:
        """Keep what is half typed."""

    def _add_row(self, key: str, control: QWidget, *, wide: bool = False) -> None:
        self.rows[key] = Row(control, wide=wide)
        self._add(self.rows[key])

    def _add(self, widget: QWidget) -> None:
        if self.column.count():
            self.column.addWidget(hairline())
        self.column.addWidget(widget)

    def _combo(self, key: str, name: str, values: Sequence[object] = ()) -> QComboBox:
        """Return a combo box for the setting ``key``, with its declared choices unless ``values`` are given."""
        combo = choice_box(name, values or tuple(PARAMETERS[key].choices))
        self.combos[key] = combo
        combo.currentIndexChanged.connect(lambda _index: self.chosen.emit({key: combo.currentData()}))
        return combo

    def _word_rows(self, words: Mapping[str, tuple[str, str]]) -> None:
        for key, (title, explanation) in words.items():
            self.rows[key].set_texts(title, explanation)


def parameter_texts(parameter: Parameter) -> tuple[str, str]:
    """Return the translated label and description of a parameter."""
    return _translated(parameter.label), _translated(parameter.description)


def choice_box(name: str, values: Sequence[object] = ()) -> QComboBox:
    """A combo box as wide as the other controls."""
    combo = QComboBox()
    combo.setObjectName(name)
    combo.setFixedWidth(CONTROL_WIDTH)
    wheel_only_with_focus(combo)
    for value in values:
        combo.addItem("", value)
    return combo


def show_choice(combo: QComboBox, value: object) -> None:
    """Let a combo box show a value, without telling anybody; one that it lacks is added."""
    combo.blockSignals(True)
    if combo.findData(value) < 0:
        combo.addItem("" if value is None else str(value), value)
    combo.setCurrentIndex(combo.findData(value))
    combo.blockSignals(False)


def word_choices(combo: QComboBox, words: Mapping[Any, str]) -> None:
    """Word the values of a combo box."""
    for value, text in words.items():
        combo.setItemText(combo.findData(value), text)


def _translated(text: str) -> str:
    return QCoreApplication.translate("parameters", text) if text else ""
