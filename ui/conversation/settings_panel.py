"""Settings of the open conversation in a panel: preset, system prompt, sampling, answer format and context policy.

Changes are stored immediately and apply from the next answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.chat.session import ChatSession
from app.config.presets import ConversationOverrides, Preset
from app.context import ContextPolicy
from app.parameter import parameters
from app.sampling import CONTROLLED, REPETITION, VARIETY, Sampling
from app.services import Services
from model_manager.errors import UserError
from ui.conversation.answer_format import AnswerFormat
from ui.conversation.tool_choice import ToolChoice
from ui.widgets.controls import CheckBox, ChoiceBox, PromptField
from ui.widgets.dialog_parts import (
    Row,
    StatusLine,
    button,
    hairline,
    heading,
    quiet_label,
    scrolled,
)
from ui.widgets.error_text import error_text
from ui.widgets.icons import icon
from ui.widgets.layouts import MAX_WIDGET_SIZE, hbox, vbox
from ui.widgets.parameter_form import ParameterForm, sampling_parameters
from ui.widgets.preset_picker import PresetsBar
from ui.widgets.theme import interface_font
from ui.widgets.tool_button import set_name, tool_button

SIMPLE = ("temperature", "top_p", "max_tokens", "stop")
"""The parameters of sampling that are shown first."""
GROUPS = ("", REPETITION, VARIETY, CONTROLLED)
SPACE, SCROLL_BAR_WIDTH = 16, 10


class ConversationSettings(QWidget):
    """The settings of the open conversation, also before its first question."""

    changed = Signal()
    """Settings were stored."""

    def __init__(
        self,
        services: Services,
        session: ChatSession,
        default_prompt: str,
        thinking: Sequence[str] = (),
        *,
        model_knows_tools: bool = True,
    ) -> None:
        """``default_prompt`` is the system prompt of conversations without their own.

        ``thinking`` are the values of ``Sampling.thinking`` that the model has.
        """
        super().__init__()
        self.setObjectName("conversationSettings")
        self.setAccessibleName(self.tr("Conversation settings"))
        self._settings, self._session, self._default_prompt = services.settings, session, default_prompt
        self.close_button = tool_button("closePanelButton", "close")
        set_name(self.close_button, self.tr("Close"), "Esc")
        self._status = StatusLine("conversationSettingsStatus", hide_when_empty=True)
        self.presets = PresetsBar(services.presets, services.settings, self._status)
        placeholder = self.tr("For example: Answer briefly.")
        self.system_prompt = PromptField("conversationSystemPrompt", placeholder, height=120)
        self.default_prompt = button("usualPromptButton", self.tr("Use default prompt"), quiet=True)
        # What is below must not move while the user types.
        policy = self.default_prompt.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.default_prompt.setSizePolicy(policy)
        defaults = self.tr("Use defaults")
        declarations = sampling_parameters()
        self.sampling = ParameterForm({name: declarations[name] for name in SIMPLE}, compact=True)
        others = {name: each for name, each in declarations.items() if name not in SIMPLE}
        self.samplers = ParameterForm(
            {name: others[name] for name in sorted(others, key=lambda name: GROUPS.index(others[name].group))},
            compact=True,
        )
        self.default_sampling = button("defaultSamplingButton", defaults, quiet=True)
        self.more = tool_button("moreSamplersButton", "chevron-right", with_text=True)
        self.more.setText(self.tr("All samplers"))
        labels = parameters(Sampling)["thinking"].choices
        self.thinking = ChoiceBox(
            "conversationThinking",
            {value: QCoreApplication.translate("parameters", labels[value]) for value in ("", *thinking)},
        )
        self._has_thinking = bool(thinking)
        self.format = AnswerFormat()
        self.tools = ToolChoice(services.tools, model_knows_tools=model_knows_tools)
        self.memory = CheckBox("conversationMemory")
        self.context_policy = ChoiceBox(
            "conversationContextPolicy",
            {
                None: defaults,
                ContextPolicy.STOP: self.tr("Stop and ask me"),
                ContextPolicy.ROLL: self.tr("Leave out the oldest turns"),
                ContextPolicy.SUMMARISE: self.tr("Summarise the oldest turns"),
            },
        )
        self._status.setContentsMargins(SPACE, 8, SPACE, 8)
        vbox((self._page(), 1), self._status, parent=self)
        self.refresh()
        self._show_samplers(any_changed(self._overrides.sampling, self._default_values(), others))
        self.presets.chosen.connect(self._apply_preset)
        self.system_prompt.changed.connect(lambda text: self._set(system_prompt=text))
        self.default_prompt.clicked.connect(self._use_default_prompt)
        for form in (self.sampling, self.samplers):
            form.changed.connect(lambda values: self._set_sampling(**values))
        self.default_sampling.clicked.connect(self._use_default_sampling)
        self.more.clicked.connect(lambda: self._show_samplers(self.samplers.isHidden()))
        self.thinking.changed.connect(lambda thinking: self._set_sampling(thinking=thinking))
        self.format.changed.connect(lambda schema: self._set_sampling(json_schema=schema))
        self.tools.changed.connect(lambda names: self._set_sampling(tools=names))
        self.memory.changed.connect(lambda is_on: self._set_sampling(memory=is_on))
        self.context_policy.changed.connect(lambda policy: self._set(context_policy=policy))

    def refresh(self) -> None:
        """Show the stored overrides, which may have been changed elsewhere."""
        if self._status.attempt(lambda: self._session.overrides()):
            self._show(self._session.overrides())

    def finish(self) -> None:
        """Store unfinished input."""
        for field in (self.sampling, self.samplers, self.system_prompt, self.format.schema):
            field.finish()

    def _page(self) -> QWidget:
        """Return the scrolled rows."""
        prompt = QWidget()
        vbox(self.system_prompt, hbox(None, self.default_prompt), parent=prompt, spacing=4)
        prompt.setFocusProxy(self.system_prompt)
        preset_text = self.tr("Sets the system prompt, answer format, tools, sampling and other options at once.")
        prompt_text = self.tr("Instructions for the model at the start of the conversation.")
        policy_text = self.tr(
            "If turns are left out or summarised, a line in the conversation marks the messages above it that the "
            "model no longer sees. Those that you keep in context always stay."
        )
        thinking_text = self.tr("Whether, or how much, the model thinks before it answers.")
        format_text = self.tr("JSON answers always match the chosen format, unless they are cut at the token limit.")
        tools_text = self.tr("The model may call them; you are asked before a tool runs. Not with JSON answers.")
        self.presets.picker.setMinimumWidth(0)
        self.presets.picker.setMaximumWidth(MAX_WIDGET_SIZE)

        def row(control: QWidget, title: str, explanation: str) -> Row:
            return Row(control, title, explanation, wide=True, compact=True)

        thinking = (row(self.thinking, self.tr("Thinking"), thinking_text),) if self._has_thinking else ()
        title = heading(self.tr("Conversation settings"))
        title.setFont(interface_font(bold=True))
        sampling = QLabel(self.tr("Sampling"))
        sampling.setToolTip(self.tr("How the next token is chosen."))
        sampling.setFont(interface_font(bold=True))
        page = QWidget()
        vbox(
            quiet_label(
                self.tr("Changes apply from the next answer. Each answer keeps a record of the settings used.")
            ),
            8,
            row(self.presets, self.tr("Preset"), preset_text),
            row(prompt, self.tr("System prompt"), prompt_text),
            *thinking,
            row(self.format.kind, self.tr("Answer format"), format_text),
            self.format,
            row(self.tools, self.tr("Tools"), tools_text),
            *self._memory_row(),
            row(self.context_policy, self.tr("When the context is full"), policy_text),
            10,
            hairline(),
            6,
            hbox(sampling, None, self.default_sampling),
            quiet_label(
                self.tr("Lower values make answers more predictable, higher ones more varied. Presets set them too.")
            ),
            self.sampling,
            self.more,
            self.samplers,
            None,
            parent=page,
            margins=(SPACE, 4, SPACE - SCROLL_BAR_WIDTH, SPACE),
        )
        scroll = scrolled(page)
        # Nothing moves when the scroll bar would appear.
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        head = hbox(title, None, self.close_button, margins=(SPACE, 8, 8, 4))
        body = QWidget()
        vbox(head, (scroll, 1), parent=body)
        return body

    def _memory_row(self) -> tuple[Row, ...]:
        """Return the switch of the memory, where the settings use it."""
        if not self._settings.current.memory:
            return ()
        text = self.tr("Whether the model is given the facts of Settings > Memory. Never in temporary chats.")
        self.memory.setEnabled(not self._session.is_temporary)
        return (Row(self.memory, self.tr("Use the memory"), text, compact=True),)

    def _show_samplers(self, shown: bool) -> None:
        self.more.setAccessibleDescription(self.tr("Shown") if shown else self.tr("Hidden"))
        self.more.setIcon(icon("chevron-down" if shown else "chevron-right", "quiet_text"))
        self.samplers.setVisible(shown)

    def _show(self, overrides: ConversationOverrides) -> None:
        """Show overrides in the controls."""
        self._overrides = overrides
        prompt = overrides.system_prompt
        if prompt is None or (not prompt and self._session.folder().overrides.system_prompt):
            prompt = self._default_prompt
        self.system_prompt.set_value(prompt)
        self.thinking.set_value(overrides.sampling.thinking if overrides.sampling else "")
        self.format.set_value(overrides.sampling.json_schema if overrides.sampling else "")
        sampling = overrides.sampling or self._default_values()
        self.tools.set_value(sampling.tools, answers_are_json=bool(sampling.json_schema or sampling.grammar))
        self.sampling.show_values(sampling)
        self.samplers.show_values(sampling)
        self.default_sampling.setVisible(overrides.sampling is not None)
        self.memory.set_value((overrides.sampling or self._default_values()).memory and not self._session.is_temporary)
        self.context_policy.set_value(overrides.context_policy)
        self._show_preset()

    def _show_preset(self) -> None:
        self.presets.show_overrides(self._session.folder().over(self._overrides), self._default_values())
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
        self.changed.emit()

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

    def _set_sampling(self, **values: Any) -> None:
        settings = self._default_values()
        sampling = replace(self._overrides.sampling or settings, **values)
        self._apply(replace(self._overrides, sampling=None if sampling == settings else sampling))

    def _use_default_sampling(self) -> None:
        """Use the samplers of the settings; what the settings don't have is kept."""
        settings = self._default_values()
        self._set_sampling(**{name: getattr(settings, name) for name in sampling_parameters()})

    def _default_values(self) -> Sampling:
        return self._session.default_sampling()

    def _use_default_prompt(self) -> None:
        self.system_prompt.setPlainText(self._default_prompt)
        self.system_prompt.finish()


def any_changed(sampling: Sampling | None, defaults: Sampling, names: Iterable[str]) -> bool:
    """Return whether some of these fields have other values than the defaults."""
    return sampling is not None and any(getattr(sampling, name) != getattr(defaults, name) for name in names)
