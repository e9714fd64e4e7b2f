"""The picker of presets: apply one, save what is chosen as a new one, rename, delete, bring a built-in one back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QLineEdit, QMenu, QToolButton, QWidget

from app.config.presets import Choices, Preset, Presets
from model_manager.errors import UserError
from ui.widgets.dialog_parts import CONTROL_WIDTH, StatusLine
from ui.widgets.error_text import error_text
from ui.widgets.icons import icon
from ui.widgets.preset_strings import PresetStrings
from ui.widgets.setting_rows import choice_box

MENU_BUTTON = 32


class PresetsBar(QWidget):
    """A combo box of presets and a menu of what can be done with them."""

    chosen = Signal(object)
    """The ``Preset`` that shall be applied, or None for what the settings say."""

    def __init__(self, presets: Presets, status: StatusLine) -> None:
        super().__init__()
        self._presets, self._status = presets, status
        self._words = PresetStrings(self)
        self._choices = Choices()
        self.picker = choice_box("presetPicker")
        self.menu_button = QToolButton(self)
        self.menu_button.setObjectName("presetMenuButton")
        self.menu_button.setFixedSize(MENU_BUTTON, MENU_BUTTON)
        self.menu_button.setIconSize(QSize(18, 18))
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.setObjectName("presetMenu")
        self.menu.aboutToShow.connect(self._fill_menu)
        self.menu_button.setMenu(self.menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.picker)
        layout.addWidget(self.menu_button)
        self.setFixedWidth(CONTROL_WIDTH + 4 + MENU_BUTTON)
        self.setFocusProxy(self.picker)
        self.picker.currentIndexChanged.connect(self._picked)

    def show_choices(self, choices: Choices) -> None:
        """Name the preset that says just this; none where no preset does."""
        self._choices = choices
        self.picker.blockSignals(True)
        self.picker.clear()
        self.picker.addItem(self.tr("None"), None)
        for preset in self._list():
            self.picker.addItem(preset.name, preset.id)
            if preset.choices == choices:
                self.picker.setCurrentIndex(self.picker.count() - 1)
        self.picker.blockSignals(False)

    def retranslate(self) -> None:
        """Word everything anew."""
        self.menu_button.setIcon(icon("more", self.palette().windowText().color().name()))
        self.menu_button.setToolTip(self.tr("Save, rename, delete"))
        self.menu_button.setAccessibleName(self.tr("Preset actions"))
        self.show_choices(self._choices)

    def preset(self) -> Preset | None:
        """The one that is shown."""
        return next((each for each in self._list() if each.id == self.picker.currentData()), None)

    def _list(self) -> list[Preset]:
        return self._presets.list(self._words.built_in())

    def _picked(self) -> None:
        preset = self.preset()
        self.chosen.emit(preset)

    def _fill_menu(self) -> None:
        self.menu.clear()
        shown = self.preset()
        self.menu.addAction(self.tr("Save as new preset…"), self._ask_for_name)
        for preset in self._list():
            if shown is None or preset.id != shown.id:
                continue
            self.menu.addSeparator()
            self.menu.addAction(self.tr("Rename “{name}”…").format(name=preset.name), self._ask_for_new_name)
            if preset.is_built_in:
                reset = self.menu.addAction(self.tr("Reset “{name}”").format(name=preset.name), self._remove)
                reset.setEnabled(preset.is_edited)
            else:
                self.menu.addAction(self.tr("Delete “{name}”").format(name=preset.name), self._remove)
        if shown is None:
            over = self.menu.addMenu(self.tr("Replace existing preset"))
            for preset in self._list():
                over.addAction(preset.name, partial(self._save_over, preset))

    def _ask_for_name(self) -> None:
        self._ask(self.tr("Save as new preset"), self.tr("Name"), "", self._save_as)

    def _ask_for_new_name(self) -> None:
        preset = self.preset()
        if preset is not None:
            self._ask(self.tr("Rename preset"), self.tr("Name"), preset.name, self._rename)

    def _ask(self, title: str, label: str, text: str, done: Callable[[str], None]) -> None:
        dialog = QInputDialog(self)
        dialog.setObjectName("presetName")
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        dialog.setTextValue(text)
        dialog.setTextEchoMode(QLineEdit.EchoMode.Normal)
        dialog.textValueSelected.connect(done)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _save_as(self, name: str) -> None:
        if name.strip():
            self._try(lambda: self._presets.add(name, self._choices))

    def _rename(self, name: str) -> None:
        preset = self.preset()
        if preset is not None and name.strip():
            self._try(lambda: self._presets.save(Preset(preset.id, name, preset.choices)))

    def _save_over(self, preset: Preset) -> None:
        self._try(lambda: self._presets.save(Preset(preset.id, preset.name, self._choices)))

    def _remove(self) -> None:
        preset = self.preset()
        if preset is None:
            return

        def restore() -> None:
            self._try(lambda: self._presets.save(preset))

        if self._try(lambda: self._presets.remove(preset.id)):
            said = self.tr("“{name}” was reset.") if preset.is_built_in else self.tr("“{name}” was deleted.")
            self._status.show_message(lambda: said.format(name=preset.name), action=(lambda: self.tr("Undo"), restore))

    def _try(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except UserError as error:
            failure = error
            self._status.show_message(lambda: error_text(failure), "bad")
            return False
        self._status.clear()
        self.show_choices(self._choices)
        return True
