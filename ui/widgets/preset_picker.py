"""Picker of presets with a menu to save, rename, delete and reset them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QCoreApplication, QSize, Signal
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.config.presets import ConversationOverrides, Preset, Presets, matching_preset
from app.config.settings import SettingsFile
from app.sampling import Sampling
from ui.widgets.controls import CONTROL_WIDTH, ChoiceBox
from ui.widgets.dialog_parts import StatusLine, ask_for_name
from ui.widgets.icons import icon
from ui.widgets.layouts import hbox
from ui.widgets.tool_button import ToolButton

MENU_BUTTON = 32


class PresetsBar(QWidget):
    """Combo box of the presets and a menu button."""

    chosen = Signal(object)
    """The ``Preset`` to apply, or None for the defaults."""
    edited = Signal()
    """A preset was saved, renamed, deleted or reset."""

    def __init__(self, presets: Presets, settings: SettingsFile, status: StatusLine) -> None:
        super().__init__()
        self._presets, self._settings, self._status = presets, settings, status
        self._overrides, self._defaults = ConversationOverrides(), Sampling()
        self.picker = ChoiceBox("presetPicker")
        self.menu_button = ToolButton(self)
        self.menu_button.setObjectName("presetMenuButton")
        self.menu_button.setFixedSize(MENU_BUTTON, MENU_BUTTON)
        self.menu_button.setIconSize(QSize(18, 18))
        self.menu_button.setToolTip(self.tr("Save, rename, delete"))
        self.menu_button.setAccessibleName(self.tr("Preset actions"))
        self.menu_button.setIcon(icon("more", "text"))
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.setObjectName("presetMenu")
        self.menu.aboutToShow.connect(self._fill_menu)
        self.menu_button.setMenu(self.menu)
        hbox(self.picker, self.menu_button, parent=self, spacing=4)
        self.setFixedWidth(CONTROL_WIDTH + 4 + MENU_BUTTON)
        self.setFocusProxy(self.picker)
        self.picker.changed.connect(lambda _id: self.chosen.emit(self.preset()))

    def show_overrides(self, overrides: ConversationOverrides, defaults: Sampling) -> None:
        """Select the preset of ``overrides``, or none; ``defaults`` is the sampling where they have none."""
        self._overrides, self._defaults = overrides, defaults
        presets = self._list()
        shown = matching_preset(presets, overrides, defaults)
        self.picker.set_labels({None: self.tr("None"), **{preset.id: preset.name for preset in presets}})
        self.picker.set_value(shown.id if shown is not None else None)

    def preset(self) -> Preset | None:
        """Return the selected preset."""
        return next((each for each in self._list() if each.id == self.picker.currentData()), None)

    def _list(self) -> list[Preset]:
        return self._presets.list(QCoreApplication.translate)

    def _fill_menu(self) -> None:
        self.menu.clear()
        shown = self.preset()
        label = self.tr("Name")
        contents = self.tr("It contains all settings of this panel, also the answer format and the tools.")
        save_as = partial(
            self._ask_for_name, self.tr("Save as new preset"), f"{contents}\n\n{label}", "", self._save_as
        )
        self.menu.addAction(self.tr("Save as new preset…"), save_as)
        if shown is None or shown.overrides != self._overrides:
            replace_menu = self.menu.addMenu(self.tr("Replace existing preset"))
            for preset in self._list():
                changed = Preset(preset.id, preset.name, **vars(self._overrides))
                replace_menu.addAction(preset.name.replace("&", "&&"), partial(self._save, changed))
        if shown is None:
            return
        self.menu.addSeparator()
        rename = partial(self._ask_for_name, self.tr("Rename preset"), label, shown.name, partial(self._rename, shown))
        name = shown.name.replace("&", "&&")
        self.menu.addAction(self.tr("Rename “{name}”…").format(name=name), rename)
        text = self.tr("Reset “{name}”") if shown.is_built_in else self.tr("Delete “{name}”")
        remove = self.menu.addAction(text.format(name=name), partial(self._remove, shown))
        remove.setEnabled(not shown.is_built_in or self._presets.is_edited(shown.id))
        self.menu.addSeparator()
        is_default = self._settings.current.preset_id == shown.id
        chosen_id = "" if is_default else shown.id
        text = self.tr("Use “{name}” for new conversations").format(name=name)
        default = self.menu.addAction(
            text, lambda: self._status.attempt(lambda: self._settings.change(preset_id=chosen_id))
        )
        default.setCheckable(True)
        default.setChecked(is_default)

    def _ask_for_name(self, title: str, label: str, name: str, done: Callable[[str], None]) -> None:
        buttons = self.tr("Save"), self.tr("Cancel")
        # The focus would go back to what had it before the menu, and the panel scroll there.
        ask_for_name(self, "presetName", title, label, name, buttons, done).finished.connect(self.picker.setFocus)

    def _save_as(self, name: str) -> None:
        if name.strip() and self._try(lambda: self._presets.add(name, self._overrides)):
            text = self.tr("Preset “{name}” saved. Later changes don't change it.")
            self._status.show_message(text.format(name=" ".join(name.split())))

    def _rename(self, preset: Preset, name: str) -> None:
        if name.strip():
            self._save(replace(preset, name=name))

    def _save(self, preset: Preset) -> None:
        self._try(lambda: self._presets.save(preset))

    def _remove(self, preset: Preset) -> None:
        if self._try(lambda: self._presets.remove(preset.id)):
            text = self.tr("“{name}” was reset.") if preset.is_built_in else self.tr("“{name}” was deleted.")
            undo = (self.tr("Undo"), partial(self._save, preset))
            self._status.show_message(text.format(name=preset.name), action=undo)

    def _try(self, action: Callable[[], object]) -> bool:
        succeeded = self._status.attempt(action)
        if succeeded:
            self.show_overrides(self._overrides, self._defaults)
            self.edited.emit()
        return succeeded
