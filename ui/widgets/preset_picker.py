"""Picker of presets with a menu to save, rename, delete and reset them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMenu, QToolButton, QWidget

from app.config.presets import Choices, Preset, Presets
from model_manager.errors import UserError
from ui.widgets.controls import CONTROL_WIDTH, ChoiceBox
from ui.widgets.dialog_parts import StatusLine
from ui.widgets.error_text import error_text
from ui.widgets.icons import set_icon
from ui.widgets.layouts import hbox
from ui.widgets.preset_strings import built_in_presets

MENU_BUTTON = 32


class PresetsBar(QWidget):
    """Combo box of the presets and a menu button."""

    chosen = Signal(object)
    """The ``Preset`` to apply, or None for the defaults."""

    def __init__(self, presets: Presets, status: StatusLine) -> None:
        super().__init__()
        self._presets, self._status = presets, status
        self._choices = Choices()
        self.picker = ChoiceBox("presetPicker")
        self.menu_button = QToolButton(self)
        self.menu_button.setObjectName("presetMenuButton")
        self.menu_button.setFixedSize(MENU_BUTTON, MENU_BUTTON)
        self.menu_button.setIconSize(QSize(18, 18))
        self.menu_button.setToolTip(self.tr("Save, rename, delete"))
        self.menu_button.setAccessibleName(self.tr("Preset actions"))
        set_icon(self.menu_button, "more", "text")
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.setObjectName("presetMenu")
        self.menu.aboutToShow.connect(self._fill_menu)
        self.menu_button.setMenu(self.menu)
        hbox(self.picker, self.menu_button, parent=self, spacing=4)
        self.setFixedWidth(CONTROL_WIDTH + 4 + MENU_BUTTON)
        self.setFocusProxy(self.picker)
        self.picker.changed.connect(lambda _id: self.chosen.emit(self.preset()))

    def show_choices(self, choices: Choices) -> None:
        """Select the preset that equals ``choices``, or none."""
        self._choices = choices
        presets = self._list()
        self.picker.set_labels({None: self.tr("None"), **{preset.id: preset.name for preset in presets}})
        self.picker.set_value(next((preset.id for preset in presets if preset.choices == choices), None))

    def preset(self) -> Preset | None:
        """Return the selected preset."""
        return next((each for each in self._list() if each.id == self.picker.currentData()), None)

    def _list(self) -> list[Preset]:
        return self._presets.list(built_in_presets())

    def _fill_menu(self) -> None:
        self.menu.clear()
        shown = self.preset()
        self.menu.addAction(self.tr("Save as new preset…"), self._ask_for_name)
        if shown is None:
            replace = self.menu.addMenu(self.tr("Replace existing preset"))
            for preset in self._list():
                replace.addAction(preset.name, partial(self._save_over, preset))
            return
        self.menu.addSeparator()
        self.menu.addAction(self.tr("Rename “{name}”…").format(name=shown.name), self._ask_for_new_name)
        if shown.is_built_in:
            reset = self.menu.addAction(self.tr("Reset “{name}”").format(name=shown.name), self._remove)
            reset.setEnabled(shown.is_edited)
        else:
            self.menu.addAction(self.tr("Delete “{name}”").format(name=shown.name), self._remove)

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
            text = self.tr("“{name}” was reset.") if preset.is_built_in else self.tr("“{name}” was deleted.")
            self._status.show_message(text.format(name=preset.name), action=(self.tr("Undo"), restore))

    def _try(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except UserError as error:
            self._status.show_message(error_text(error), "bad")
            return False
        self._status.clear()
        self.show_choices(self._choices)
        return True
