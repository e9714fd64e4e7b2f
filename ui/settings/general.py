"""The settings of how the window looks and speaks, and of the engine's place on this machine."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSpinBox

from app.config.settings import PARAMETERS, Settings
from ui.widgets.dialog_parts import CONTROL_WIDTH, ChoiceOrNumber, button, indent, wheel_only_with_focus
from ui.widgets.setting_rows import SettingsGroup

IDLE_MINUTES = (0, 5, 15, 30, 60, 120, 240)


class AppearanceSettings(SettingsGroup):
    """Language, theme, size of the text."""

    def __init__(self) -> None:
        super().__init__()
        self.language = self._combo("language", "languageChoice")
        self.theme = self._combo("theme", "themeChoice")
        self.text_size = QSpinBox()
        self.text_size.setObjectName("textSize")
        self.text_size.setRange(int(PARAMETERS["text_size"].minimum), int(PARAMETERS["text_size"].maximum))
        self.text_size.setFixedWidth(CONTROL_WIDTH // 2)
        self.text_size.setAlignment(Qt.AlignmentFlag.AlignLeft)
        wheel_only_with_focus(self.text_size)
        indent(self.text_size)
        self.text_size.valueChanged.connect(lambda value: self.chosen.emit({"text_size": value}))
        self._add_row("language", self.language)
        self._add_row("theme", self.theme)
        self._add_row("text_size", self.text_size)

    def show_settings(self, settings: Settings) -> None:
        """Let every control show its setting, without telling anybody."""
        super().show_settings(settings)
        self.text_size.blockSignals(True)
        self.text_size.setValue(settings.text_size)
        self.text_size.blockSignals(False)


class EngineSettings(SettingsGroup):
    """How much of a model lies where, and for how long; and the way to what this machine can do."""

    diagnostics_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.context = ChoiceOrNumber(
            (0,), 8192, 256, int(PARAMETERS["context"].maximum), int(PARAMETERS["context"].step)
        )
        self.gpu_layers = ChoiceOrNumber((-2, -1), 32, 0, int(PARAMETERS["gpu_layers"].maximum), 1)
        self.idle_release = self._combo("idle_release_minutes", "idleRelease", IDLE_MINUTES)
        self._choices = {"context": self.context, "gpu_layers": self.gpu_layers}
        for key, choice in self._choices.items():
            self._add_row(key, choice)
            choice.changed.connect(lambda value, key=key: self.chosen.emit({key: value}))
        self._add_row("idle_release_minutes", self.idle_release)
        self.check = button("checkMachineButton")
        self.check.clicked.connect(self.diagnostics_requested)
        self._add_row("check_machine", self.check)

    def show_settings(self, settings: Settings) -> None:
        """Let every control show its setting, without telling anybody."""
        super().show_settings(settings)
        for key, choice in self._choices.items():
            choice.set_value(getattr(settings, key))

    def finish(self) -> None:
        """Keep what is half typed."""
        for choice in self._choices.values():
            choice.number.interpretText()

    def retranslate(self) -> None:
        """Word everything anew."""
        super().retranslate()
        self.rows["check_machine"].set_texts(
            self.tr("Diagnostics"), self.tr("Shows what works, what doesn't and how to fix it.")
        )
        for index in range(self.idle_release.count()):
            self.idle_release.setItemText(index, self._minutes(self.idle_release.itemData(index)))
        self.check.setText(self.tr("Run diagnostics…"))
        self.context.set_texts([self.tr("Automatic")], self.tr("Custom"), self.tr("Tokens"))
        self.gpu_layers.set_texts([self.tr("Automatic"), self.tr("All")], self.tr("Custom"), self.tr("Layers"))

    def _minutes(self, minutes: int) -> str:
        if minutes == 0:
            return self.tr("Never")
        if minutes == 60:
            return self.tr("1 hour")
        if minutes > 60 and minutes % 60 == 0:
            return self.tr("{hours} hours").format(hours=minutes // 60)
        return self.tr("{minutes} minutes").format(minutes=minutes)
