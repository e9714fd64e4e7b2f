"""Settings dialog of one conversation: preset, system prompt, sampling, answer format and context policy.

Changes are stored immediately and apply from the next answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QDialog, QWidget

from app.chat.session import ChatSession
from app.config.presets import ConversationOverrides, Preset
from app.conversation import ContextPolicy, Sampling
from app.parameter import parameters
from app.services import Services
from model_manager.errors import UserError
from ui.conversation.answer_format import AnswerFormat
from ui.widgets.controls import ChoiceBox, PromptField
from ui.widgets.dialog_parts import MARGIN, Row, StatusLine, arrange, button, hairline, heading, quiet_label, scrolled
from ui.widgets.error_text import error_text
from ui.widgets.layouts import hbox, vbox
from ui.widgets.parameter_form import ParameterForm, sampling_parameters
from ui.widgets.preset_picker import PresetsBar

AS_IN_SETTINGS, OWN = "settings", "own"
SCROLL_BAR_WIDTH = 10


class ConversationSettings(QDialog):
    """The settings of the open conversation, also before its first question."""

    def __init__(
        self,
        services: Services,
        session: ChatSession,
        default_prompt: str,
        thinking: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        """``default_prompt`` is the system prompt of conversations without their own.

        ``thinking`` are the values of ``Sampling.thinking`` that the model has.
        """
        super().__init__(parent)
        self.setObjectName("conversationSettings")
        self.setWindowTitle(self.tr("Conversation settings"))
        self.setAccessibleName(self.tr("Conversation settings"))
        self._settings, self._session, self._default_prompt = services.settings, session, default_prompt
        self._status = StatusLine("conversationSettingsStatus")
        self.presets = PresetsBar(services.presets, self._status)
        placeholder = self.tr("For example: Answer briefly.")
        self.system_prompt = PromptField("conversationSystemPrompt", placeholder, height=120)
        self.default_prompt = button("usualPromptButton", self.tr("Use default prompt"), quiet=True)
        defaults = self.tr("Use defaults")
        self.which_sampling = ChoiceBox("whichSampling", {AS_IN_SETTINGS: defaults, OWN: self.tr("Custom")})
        self.sampling = ParameterForm(sampling_parameters())
        labels = parameters(Sampling)["thinking"].choices
        self.thinking = ChoiceBox(
            "conversationThinking",
            {value: QCoreApplication.translate("parameters", labels[value]) for value in ("", *thinking)},
        )
        self._has_thinking = bool(thinking)
        self.format = AnswerFormat()
        self.context_policy = ChoiceBox(
            "conversationContextPolicy",
            {
                None: defaults,
                ContextPolicy.STOP: self.tr("Stop and ask me"),
                ContextPolicy.ROLL: self.tr("Leave out the oldest turns"),
            },
        )
        close = button("closeButton", self.tr("Close"))
        arrange(self, self._page(), self._status, close)
        self._show(session.overrides())
        self.presets.chosen.connect(self._apply_preset)
        self.system_prompt.changed.connect(lambda text: self._set(system_prompt=text))
        self.default_prompt.clicked.connect(self._use_default_prompt)
        self.which_sampling.changed.connect(self._switch_sampling)
        self.sampling.changed.connect(self._set_sampling)
        self.thinking.changed.connect(lambda thinking: self._set_sampling_field(thinking=thinking))
        self.format.changed.connect(lambda schema: self._set_sampling_field(json_schema=schema))
        self.context_policy.changed.connect(lambda policy: self._set(context_policy=policy))
        close.clicked.connect(self.accept)
        self.resize(640, 620)

    def _page(self) -> QWidget:
        """Return the scrolled rows."""
        prompt = QWidget()
        vbox(self.system_prompt, hbox(None, self.default_prompt), parent=prompt, spacing=4)
        prompt.setFocusProxy(self.system_prompt)
        self.sampling.setContentsMargins(MARGIN, 0, 0, 0)
        preset_text = self.tr("Sets the system prompt, sampling and other options at once.")
        prompt_text = self.tr("Instructions for the model at the start of the conversation.")
        policy_text = self.tr(
            "Messages kept in context always stay. A line marks the messages above it that the model no longer sees."
        )
        preset = Row(self.presets, self.tr("Preset"), preset_text)
        system_prompt = Row(prompt, self.tr("System prompt"), prompt_text, wide=True)
        sampling = Row(self.which_sampling, self.tr("Sampling"), self.tr("How the next token is chosen."))
        thinking_text = self.tr("Whether, or how much, the model thinks before it answers.")
        thinking = (hairline(), Row(self.thinking, self.tr("Thinking"), thinking_text)) if self._has_thinking else ()
        format_text = self.tr("JSON answers always match the chosen format, unless they are cut at the token limit.")
        format_ = Row(self.format.kind, self.tr("Answer format"), format_text)
        policy = Row(self.context_policy, self.tr("When the context is full"), policy_text)
        sentence = self.tr("Changes apply from the next answer. Each answer keeps a record of the settings used.")
        head = heading(self.tr("Conversation settings")), 4, quiet_label(sentence), 8
        below = hairline(), system_prompt, hairline(), format_, self.format, *thinking, hairline(), sampling
        below = *below, self.sampling, hairline(), policy, None
        page = QWidget()
        column = vbox(*head, preset, *below, parent=page, margins=(MARGIN, MARGIN, MARGIN, MARGIN))
        scroll = scrolled(page)
        # The scroll bar takes part of the margin, so that nothing moves when it appears.
        scroll.verticalScrollBar().rangeChanged.connect(
            lambda _least, most: column.setContentsMargins(
                MARGIN, MARGIN, MARGIN - (SCROLL_BAR_WIDTH if most else 0), MARGIN
            )
        )
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return scroll

    def _show(self, overrides: ConversationOverrides) -> None:
        """Show overrides in the controls."""
        self._overrides = overrides
        prompt = self._default_prompt if overrides.system_prompt is None else overrides.system_prompt
        self.system_prompt.set_value(prompt)
        self.thinking.set_value(overrides.sampling.thinking if overrides.sampling else "")
        self.format.set_value(overrides.sampling.json_schema if overrides.sampling else "")
        self.which_sampling.set_value(AS_IN_SETTINGS if overrides.sampling is None else OWN)
        self.sampling.show_values(overrides.sampling or self._settings.current.sampling())
        self.sampling.setVisible(overrides.sampling is not None)
        self.context_policy.set_value(overrides.context_policy)
        self._show_preset()

    def _show_preset(self) -> None:
        self.presets.show_overrides(self._overrides)
        self.default_prompt.setVisible(self.system_prompt.toPlainText() != self._default_prompt)

    def _set(self, **values: Any) -> None:
        """Store other values of fields of the overrides."""
        overrides = replace(self._overrides, **values)
        try:
            self._session.set_overrides(overrides)
        except UserError as error:
            self._status.show_message(error_text(error), "bad")
            return
        self._status.clear()
        self._overrides = overrides
        self._show_preset()

    def _apply(self, overrides: ConversationOverrides) -> None:
        self._set(**vars(overrides))
        self._show(self._overrides)

    def _apply_preset(self, preset: Preset | None) -> None:
        self.system_prompt.finish()
        before = self._overrides
        self._apply(preset.overrides if preset else ConversationOverrides(self._default_prompt))
        if self._overrides != before:
            text = self.tr("“{name}” applied.").format(name=preset.name) if preset else self.tr("Defaults applied.")
            self._status.show_message(text, action=(self.tr("Undo"), lambda: self._apply(before)))

    def _set_sampling(self, values: dict[str, Any]) -> None:
        sampling = self._overrides.sampling or self._settings.current.sampling()
        self._set(sampling=replace(sampling, **values))

    def _set_sampling_field(self, **value: Any) -> None:
        """Store a field that the settings don't have."""
        settings = self._settings.current.sampling()
        sampling = replace(self._overrides.sampling or settings, **value)
        self._apply(replace(self._overrides, sampling=None if sampling == settings else sampling))

    def _use_default_prompt(self) -> None:
        self.system_prompt.setPlainText(self._default_prompt)
        self.system_prompt.finish()

    def _switch_sampling(self, which: str) -> None:
        own = self._overrides.sampling or self._settings.current.sampling()
        self._apply(replace(self._overrides, sampling=own if which == OWN else None))

    def done(self, result: int) -> None:
        """Store unfinished input however the dialog is closed."""
        if self._overrides.sampling is not None:
            self.sampling.finish()
        self.system_prompt.finish()
        self.format.schema.finish()
        super().done(result)
