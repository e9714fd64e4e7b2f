"""Settings dialog of one conversation: preset, system prompt, sampling and context policy.

Changes are stored immediately and apply from the next answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.config.presets import Choices, Preset, Presets
from app.config.settings import SettingsFile
from app.conversation import ContextPolicy, Sampling
from model_manager.errors import UserError
from ui.widgets.controls import ChoiceBox, PromptField
from ui.widgets.dialog_parts import (
    MARGIN,
    Row,
    StatusLine,
    TranslatedDialog,
    arrange,
    button,
    hairline,
    heading,
    quiet_label,
    scrolled,
)
from ui.widgets.error_text import error_text
from ui.widgets.parameter_form import ParameterForm, sampling_parameters
from ui.widgets.preset_picker import PresetsBar

AS_IN_SETTINGS, OWN = "settings", "own"
SCROLL_BAR_WIDTH = 10


class ConversationSettings(TranslatedDialog):
    """The settings of the open conversation, also before its first question."""

    def __init__(
        self,
        settings: SettingsFile,
        presets: Presets,
        choices: Choices,
        choose: Callable[[Choices], None],
        default_prompt: str,
        parent: QWidget | None = None,
    ) -> None:
        """``choose`` stores choices and may raise UserError.

        ``default_prompt`` is the system prompt of conversations without their own.
        """
        super().__init__(parent)
        self.setObjectName("conversationSettings")
        self._settings, self._choose, self._default_prompt = settings, choose, default_prompt
        self._choices = choices
        self._status = StatusLine("conversationSettingsStatus")
        self._heading = heading()
        self._sentence = quiet_label()
        self.presets = PresetsBar(presets, self._status)
        self.system_prompt = PromptField(
            "conversationSystemPrompt", self.tr("For example: Answer briefly."), height=120
        )
        self.default_prompt = button("usualPromptButton", quiet=True)
        as_in_settings = self.tr("Use defaults")
        self.which_sampling = ChoiceBox("whichSampling", {AS_IN_SETTINGS: as_in_settings, OWN: self.tr("Custom")})
        self.sampling = ParameterForm(sampling_parameters())
        self.context_policy = ChoiceBox(
            "conversationContextPolicy",
            {
                None: as_in_settings,
                ContextPolicy.STOP: self.tr("Stop and ask me"),
                ContextPolicy.ROLL: self.tr("Leave out the oldest turns"),
            },
        )
        self._close = button("closeButton")
        self._lay_out()
        self._show(choices)
        self.presets.chosen.connect(self._apply_preset)
        self.system_prompt.changed.connect(self._set_prompt)
        self.default_prompt.clicked.connect(self._use_default_prompt)
        self.which_sampling.currentIndexChanged.connect(self._switch_sampling)
        self.sampling.changed.connect(self._set_sampling)
        self.context_policy.currentIndexChanged.connect(self._set_policy)
        self._close.clicked.connect(self.accept)
        self.resize(640, 620)
        self._finish_setup()

    def _lay_out(self) -> None:
        prompt = QWidget()
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(self.default_prompt)
        column = QVBoxLayout(prompt)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.system_prompt)
        column.addLayout(below)
        prompt.setFocusProxy(self.system_prompt)
        self._rows = {
            "preset": Row(self.presets),
            "system_prompt": Row(prompt, wide=True),
            "sampling": Row(self.which_sampling),
            "context_policy": Row(self.context_policy),
        }
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(0)
        column.addWidget(self._heading)
        column.addSpacing(4)
        column.addWidget(self._sentence)
        column.addSpacing(8)
        for key, row in self._rows.items():
            if key != "preset":
                column.addWidget(hairline())
            column.addWidget(row)
            if key == "sampling":
                self.sampling.setContentsMargins(MARGIN, 0, 0, 0)
                column.addWidget(self.sampling)
        column.addStretch(1)
        scroll = scrolled(page)
        # The scroll bar takes part of the margin, so that nothing moves when it appears.
        scroll.verticalScrollBar().rangeChanged.connect(
            lambda _least, most: column.setContentsMargins(
                MARGIN, MARGIN, MARGIN - (SCROLL_BAR_WIDTH if most else 0), MARGIN
            )
        )
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        arrange(self, scroll, self._status, self._close)

    def _show(self, choices: Choices) -> None:
        """Show choices in the controls."""
        self._choices = choices
        self.system_prompt.set_value(self._shown_prompt())
        self.which_sampling.set_value(AS_IN_SETTINGS if choices.sampling is None else OWN)
        self.sampling.show_values(choices.sampling or self._settings.now.sampling())
        self.sampling.setVisible(choices.sampling is not None)
        self.context_policy.set_value(choices.context_policy)
        self._show_preset()

    def _show_preset(self) -> None:
        self.presets.show_choices(self._choices)
        self.default_prompt.setVisible(self.system_prompt.toPlainText() != self._default_prompt)

    def _set(self, choices: Choices) -> None:
        try:
            self._choose(choices)
        except UserError as error:
            self._status.show_message(error_text(error), "bad")
            return
        self._status.clear()
        self._choices = choices
        self._show_preset()

    def _apply(self, choices: Choices) -> None:
        self._set(choices)
        self._show(self._choices)

    def _apply_preset(self, preset: Preset | None) -> None:
        self.system_prompt.finish()
        before = self._choices
        self._apply(preset.choices if preset else Choices(self._default_prompt))
        if self._choices != before:
            text = self.tr("“{name}” applied.").format(name=preset.name) if preset else ""
            self._status.show_message(
                text or self.tr("Defaults applied."),
                action=(self.tr("Undo"), lambda: self._apply(before)),
            )

    def _set_prompt(self, text: str) -> None:
        self._set(replace(self._choices, system_prompt=text))

    def _set_sampling(self, values: dict[str, Any]) -> None:
        sampling = self._choices.sampling or self._settings.now.sampling()
        self._set(replace(self._choices, sampling=replace(sampling, **values)))

    def _shown_prompt(self) -> str:
        chosen = self._choices.system_prompt
        return self._default_prompt if chosen is None else chosen

    def _use_default_prompt(self) -> None:
        self.system_prompt.setPlainText(self._default_prompt)
        self.system_prompt.finish()

    def _switch_sampling(self) -> None:
        own: Sampling | None = None
        if self.which_sampling.currentData() == OWN:
            own = self._choices.sampling or self._settings.now.sampling()
        self._apply(replace(self._choices, sampling=own))

    def _set_policy(self) -> None:
        self._set(replace(self._choices, context_policy=self.context_policy.currentData()))

    def done(self, result: int) -> None:
        """Store unfinished input however the dialog is closed."""
        if self._choices.sampling is not None:
            self.sampling.finish()
        self.system_prompt.finish()
        super().done(result)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Conversation settings"))
        self.setAccessibleName(self.tr("Conversation settings"))
        self._heading.setText(self.tr("Conversation settings"))
        self._sentence.setText(
            self.tr("Changes apply from the next answer. Each answer keeps a record of the settings used.")
        )
        self._rows["preset"].set_texts(
            self.tr("Preset"), self.tr("Sets the system prompt, sampling and other options at once.")
        )
        self._rows["system_prompt"].set_texts(
            self.tr("System prompt"), self.tr("Instructions for the model at the start of the conversation.")
        )
        self._rows["sampling"].set_texts(self.tr("Sampling"), self.tr("How the next token is chosen."))
        self._rows["context_policy"].set_texts(
            self.tr("When the context is full"),
            self.tr("Pinned messages always stay. A line marks the messages above it that the model no longer sees."),
        )
        self.default_prompt.setText(self.tr("Use default prompt"))
        self._close.setText(self.tr("Close"))
