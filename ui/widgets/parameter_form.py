"""Form of rows that are built from the declarations of parameters (``app.parameter``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.config.settings import PARAMETERS
from app.conversation import Sampling
from app.parameter import Parameter, parameters
from ui.widgets.controls import (
    CheckBox,
    ChoiceBox,
    ChoiceOrAddress,
    ChoiceOrNumber,
    DecimalBox,
    IntegerBox,
    PromptField,
    finish_input,
)
from ui.widgets.dialog_parts import Row, hairline

Labels = Callable[[], Mapping[Any, str]]
"""Labels of values in the current language."""


class ParameterForm(QWidget):
    """One row for each parameter.  The controls show the values of an object whose attributes are the parameters."""

    changed = Signal(dict)
    """New values by parameter name, set by the user."""

    def __init__(
        self,
        declarations: Mapping[str, Parameter],
        *,
        labels: Mapping[str, Labels] | None = None,
        extra: Mapping[str, QWidget] | None = None,
        order: Sequence[str] = (),
    ) -> None:
        """``labels`` replace or add the choices of a parameter by its name.

        ``extra`` are controls that replace the usual one of a parameter, or make a row of their own, whose texts the
        caller sets.  The rows are those in ``order``, then all others.
        """
        super().__init__()
        self._declarations = declarations
        self._labels = labels or {}
        controls = {name: self._control(name, each) for name, each in declarations.items() if name not in (extra or {})}
        controls |= extra or {}
        names = list(dict.fromkeys((*order, *declarations, *controls)))
        self.controls: dict[str, Any] = {name: controls[name] for name in names}
        """By parameter name."""
        self.rows = {
            name: Row(control, wide=isinstance(control, PromptField)) for name, control in self.controls.items()
        }
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        for name, row in self.rows.items():
            if name != names[0]:
                self.column.addWidget(hairline())
            self.column.addWidget(row)
        for name in declarations:
            if hasattr(self.controls[name], "changed"):
                # Bound as a default: each function keeps its own name.
                self.controls[name].changed.connect(lambda value, name=name: self.changed.emit({name: value}))

    def show_values(self, values: object) -> None:
        """Show the attributes of ``values``."""
        for name in self._declarations:
            if hasattr(self.controls[name], "set_value"):
                self.controls[name].set_value(getattr(values, name))

    def finish(self) -> None:
        """Apply input that was typed but not confirmed."""
        for control in self.controls.values():
            finish_input(control)

    def retranslate(self) -> None:
        """Set all texts in the current language."""
        for name, declaration in self._declarations.items():
            control = self.controls[name]
            if declaration.label:
                self.rows[name].set_texts(_translated(declaration.label), _translated(declaration.description))
            if isinstance(control, ChoiceBox):
                control.set_labels(self._choices(name, declaration))
            elif isinstance(control, ChoiceOrNumber | ChoiceOrAddress):
                labels = self._choices(name, declaration).values()
                control.set_texts(labels, self.tr("Custom"), _translated(declaration.label))

    def _choices(self, name: str, declaration: Parameter) -> Mapping[Any, str]:
        if name in self._labels:
            return self._labels[name]()
        return {value: _translated(label) for value, label in (declaration.choices or declaration.named_values).items()}

    def _control(self, name: str, declaration: Parameter) -> QWidget:
        bounds = (declaration.minimum or 0, declaration.maximum or 0, declaration.step)
        if declaration.named_values:
            return ChoiceOrNumber(declaration.named_values, *bounds, int(declaration.suggestion))
        if declaration.choices or name in self._labels:
            return ChoiceBox(name, self._choices(name, declaration))
        if isinstance(declaration.default, bool):
            return CheckBox(name)
        if isinstance(declaration.default, float):
            return DecimalBox(name, *bounds)
        return IntegerBox(name, *bounds) if isinstance(declaration.default, int) else PromptField(name)


def settings_of_page(page: str) -> dict[str, Parameter]:
    """Return the declarations of the settings of one page."""
    return {name: declaration for name, declaration in PARAMETERS.items() if declaration.page == page}


def sampling_parameters() -> dict[str, Parameter]:
    """Return the declarations of a sampling that have a row."""
    return {name: declaration for name, declaration in parameters(Sampling).items() if declaration.label}


def _translated(text: str) -> str:
    return QCoreApplication.translate("parameters", text)
