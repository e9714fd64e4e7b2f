"""The settings that a new conversation begins with: preset, system prompt, sampling, what to do when it is full."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QPlainTextEdit

from app.config.presets import Presets
from app.config.settings import Settings
from app.conversation import SamplerParameters, Sampling
from app.parameter import parameters
from ui.widgets.preset_strings import PresetStrings
from ui.widgets.sampling_rows import SamplingRows
from ui.widgets.setting_rows import SettingsGroup, show_choice

TYPING_PAUSE_MS = 500
"""A text is saved when the person pauses, not at every key."""


class ConversationDefaults(SettingsGroup):
    """What conversations have that have nothing of their own."""

    def __init__(self, presets: Presets) -> None:
        super().__init__()
        self._presets = presets
        self._preset_words = PresetStrings(self)
        self._kept_prompt = ""
        self.preset = self._combo("preset_id", "defaultPreset", ("",))
        self.system_prompt = prompt_field("systemPrompt")
        self.sampling = SamplingRows(with_seed=False)
        self.context_policy = self._combo("context_policy", "contextPolicy")
        self.titles = QCheckBox()
        self.titles.setObjectName("titlesByModel")
        # Without words beside it, its right edge is that of the other controls.
        self.titles.setStyleSheet("QCheckBox { spacing: 0; }")
        self._add_row("preset_id", self.preset)
        self._add_row("system_prompt", self.system_prompt, wide=True)
        self._add(self.sampling)
        self._add_row("context_policy", self.context_policy)
        self._add_row("titles_by_model", self.titles)
        self.rows.update(self.sampling.rows)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_PAUSE_MS)
        self._typing.timeout.connect(self.finish_text)
        self.system_prompt.textChanged.connect(lambda: self._typing.start())
        self.sampling.changed.connect(self._sampling_chosen)
        self.titles.toggled.connect(lambda on: self.chosen.emit({"titles_by_model": on}))

    def show_settings(self, settings: Settings) -> None:
        """Let every control show its setting, without telling anybody."""
        self._fill_presets(settings.preset_id)
        show_choice(self.context_policy, settings.context_policy)
        self.sampling.show_sampling(settings.sampling())
        self._kept_prompt = settings.system_prompt
        for control in (self.system_prompt, self.titles):
            control.blockSignals(True)
        self.system_prompt.setPlainText(settings.system_prompt)
        self.titles.setChecked(settings.titles_by_model)
        for control in (self.system_prompt, self.titles):
            control.blockSignals(False)

    def finish_text(self) -> None:
        """Keep the system prompt as it stands."""
        self._typing.stop()
        text = self.system_prompt.toPlainText()
        if text != self._kept_prompt:
            self._kept_prompt = text
            self.chosen.emit({"system_prompt": text})

    def finish(self) -> None:
        """Keep what is half typed."""
        self.sampling.finish()
        self.finish_text()

    def retranslate(self) -> None:
        """Word everything anew."""
        super().retranslate()
        self._fill_presets(self.preset.currentData() or "")
        self.sampling.retranslate()
        self.system_prompt.setPlaceholderText(self.tr("For example: Answer briefly."))

    def _fill_presets(self, chosen: str) -> None:
        combo = self.preset
        combo.blockSignals(True)
        combo.clear()
        combo.addItem(self.tr("None"), "")
        for preset in self._presets.list(self._preset_words.built_in()):
            combo.addItem(preset.name, preset.id)
        # One that was deleted since counts as none.
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
        combo.blockSignals(False)

    def _sampling_chosen(self, sampling: Sampling) -> None:
        values = {name: getattr(sampling, name) for name in parameters(SamplerParameters)}
        self.chosen.emit({**values, "max_tokens": sampling.max_tokens or 0})


def prompt_field(name: str) -> QPlainTextEdit:
    """A field for a system prompt."""
    field = QPlainTextEdit()
    field.setObjectName(name)
    field.setTabChangesFocus(True)
    field.document().setDocumentMargin(8)
    field.setFixedHeight(88)
    return field
