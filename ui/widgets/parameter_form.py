"""Form of rows that are built from the declarations of parameters (``app.parameter``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.config.settings import PARAMETERS
from app.parameter import Parameter, parameters
from app.sampling import Sampling
from ui.widgets.controls import (
    CheckBox,
    ChoiceBox,
    CustomChoiceBox,
    LinesField,
    NumberBox,
    PromptField,
    TextField,
    finish_input,
)
from ui.widgets.dialog_parts import Row, hairline, quiet_label
from ui.widgets.icons import icon
from ui.widgets.layouts import LEFT, nest, vbox
from ui.widgets.tool_button import tool_button

ExtraRow = tuple[QWidget, str, str]
"""Control, title and explanation of a row that belongs to no parameter."""


class ParameterForm(QWidget):
    """One row for each parameter.  The controls show the values of an object whose attributes are the parameters."""

    changed = Signal(dict)
    """New values by parameter name, set by the user."""

    def __init__(
        self,
        declarations: Mapping[str, Parameter],
        *,
        labels: Mapping[str, Mapping[Any, str]] | None = None,
        extra: Mapping[str, ExtraRow] | None = None,
        order: Sequence[str] = (),
        compact: bool = False,
        folded: Collection[str] = (),
    ) -> None:
        """``labels`` are choices by parameter name that the declaration does not have.

        The rows are those in ``order``, then all others, then those in ``folded`` below a button that shows them;
        ``compact`` ones are without lines between them.
        """
        super().__init__()
        self._declarations = declarations
        self.controls: dict[str, Any] = {}
        """By the names of parameters and extra rows."""
        self.rows: dict[str, Row] = {}
        self.headings: list[QLabel] = []
        """Of the groups of parameters."""
        self.column = column = vbox(parent=self)
        self.fold = tool_button("advancedButton", "chevron-right", with_text=True)
        self.fold.setText(self.tr("Advanced"))
        self.folded = QWidget()
        """Holds the rows below the button."""
        self._folded_names = folded
        group = ""
        names = dict.fromkeys((*order, *declarations, *(extra or {})))
        for name in sorted(names, key=lambda name: name in folded):
            if name in folded and column is self.column:
                nest(self.column, vbox(hairline(), 8, (self.fold, 0, LEFT), 4, self.folded))
                column = vbox(parent=self.folded)
            if name in declarations:
                declaration = declarations[name]
                control = _control(name, declaration, (labels or {}).get(name))
                control.changed.connect(partial(self._on_change, name))
                title, explanation = _translated(declaration.label), _translated(declaration.description)
            else:
                control, title, explanation = (extra or {})[name]
            if column.count() and not compact:
                column.addWidget(hairline())
            if compact and name in declarations and declarations[name].group not in ("", group):
                group = declarations[name].group
                self.headings.append(quiet_label(_translated(group)))
                self.headings[-1].setContentsMargins(0, 12, 0, 0)
                column.addWidget(self.headings[-1])
            self.controls[name] = control
            wide = isinstance(control, PromptField) or (compact and not isinstance(control, NumberBox | CheckBox))
            self.rows[name] = Row(control, title, explanation, wide=wide, compact=compact)
            column.addWidget(self.rows[name])
        self.fold.clicked.connect(lambda: self._set_folded(not self.folded.isHidden()))
        self._set_folded(True)

    def show_values(self, values: object) -> None:
        """Show the attributes of ``values``."""
        for name, declaration in self._declarations.items():
            self.controls[name].set_value(declaration.to_shown(getattr(values, name)))
            if getattr(values, name) != declaration.default:
                self.reveal(name)

    def reveal(self, name: str) -> None:
        """Show the row of a parameter where it is folded."""
        if name in self._folded_names:
            self._set_folded(False)

    def _set_folded(self, is_folded: bool) -> None:
        self.fold.setAccessibleDescription(self.tr("Hidden") if is_folded else self.tr("Shown"))
        self.fold.setIcon(icon("chevron-right" if is_folded else "chevron-down", "quiet_text"))
        self.folded.setHidden(is_folded)

    def finish(self) -> None:
        """Apply input that was typed but not confirmed."""
        for control in self.controls.values():
            finish_input(control)

    def _on_change(self, name: str, value: object) -> None:
        self.changed.emit({name: self._declarations[name].from_shown(value)})


def _control(name: str, declaration: Parameter, labels: Mapping[Any, str] | None) -> Any:
    """Return the control that suits the type and the bounds of a parameter."""
    choices = declaration.choices or declaration.named_values
    texts = labels or {value: _translated(label) for value, label in choices.items()}
    placeholder = _translated(declaration.placeholder)
    if texts and not declaration.named_values:
        return ChoiceBox(name, texts)
    if isinstance(declaration.default, bool):
        return CheckBox(name)
    if isinstance(declaration.default, str):
        kind = PromptField if declaration.is_multiline else TextField
        control: Any = kind(name, placeholder)
    elif isinstance(declaration.default, tuple):
        control = LinesField(name)
    else:
        bounds = declaration.to_shown(declaration.minimum), declaration.to_shown(declaration.maximum), declaration.step
        control = NumberBox(name, *bounds, 2 if isinstance(declaration.step, float) else 0)
        control.setValue(declaration.suggestion)
    if not texts:
        return control
    control.setAccessibleName(_translated(declaration.label))
    return CustomChoiceBox(f"{name}Choice", texts, control)


def settings_of_page(page: str) -> dict[str, Parameter]:
    """Return the declarations of the settings of one page."""
    return {name: declaration for name, declaration in PARAMETERS.items() if declaration.page == page}


def sampling_parameters() -> dict[str, Parameter]:
    """Return the declarations of a sampling that have a row."""
    return {name: declaration for name, declaration in parameters(Sampling).items() if declaration.label}


def _translated(text: str) -> str:
    return QCoreApplication.translate("parameters", text) if text else ""
