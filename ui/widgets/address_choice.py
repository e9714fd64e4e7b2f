"""A control that offers a few known addresses and takes another one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from ui.widgets.dialog_parts import CONTROL_WIDTH, wheel_only_with_focus

OTHER = "other"


class ChoiceOrAddress(QWidget):
    """A few choices, or an address typed in."""

    changed = Signal(str)
    """The choice's value, or what was typed once it is complete."""

    def __init__(self, name: str, values: tuple[str, ...]) -> None:
        super().__init__()
        self.choice = QComboBox()
        self.choice.setObjectName(name)
        self.address = QLineEdit()
        self.address.setObjectName(f"{name}Address")
        wheel_only_with_focus(self.choice)
        for value in (*values, OTHER):
            self.choice.addItem("", value)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.choice)
        layout.addWidget(self.address)
        self.setFocusProxy(self.choice)
        self.setFixedWidth(CONTROL_WIDTH)
        self.address.hide()
        self.choice.currentIndexChanged.connect(self._chosen)
        self.address.editingFinished.connect(self._typed)

    def show_value(self, value: str) -> None:
        """Show a value without telling of it."""
        at = self.choice.findData(value)
        self.choice.blockSignals(True)
        self.choice.setCurrentIndex(at if at >= 0 else self.choice.count() - 1)
        self.choice.blockSignals(False)
        if at < 0:
            self.address.setText(value)
        self.address.setVisible(at < 0)

    def set_texts(self, *words: str) -> None:
        """Word the choices, the last of which takes an address."""
        for at, text in enumerate(words):
            self.choice.setItemText(at, text)

    def _chosen(self) -> None:
        is_other = self.choice.currentData() == OTHER
        self.address.setVisible(is_other)
        if is_other:
            self.address.setFocus()
            self._typed()
        else:
            self.changed.emit(self.choice.currentData())

    def _typed(self) -> None:
        text = self.address.text().strip()
        if self.choice.currentData() == OTHER and text:
            self.changed.emit(text)
