"""Controller of the open conversation's own settings: preset, system prompt, web search, context policy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.backends import knows_tools, thinking_choices_of
from app.chat.prompt import first_system_prompt
from app.chat.session import ChatSession
from app.config.presets import ConversationOverrides, Preset, matching_preset
from app.context import ContextPolicy
from app.services import Services
from app.tools.server import WEB
from model_manager.errors import UserError
from ui.composer.composer import Composer
from ui.conversation.model_picker import ModelPicker
from ui.widgets.notice import NoticeBar

if TYPE_CHECKING:
    from ui.conversation.settings_panel import ConversationSettings


class OverridesController(QObject):
    """Changes the overrides of the open conversation, and shows them at the composer."""

    changed = Signal()
    """They were changed outside their panel."""
    search_service_requested = Signal()
    """The settings of the web search."""
    input_needed = Signal()
    """Unfinished input in the panel must be stored now."""

    def __init__(
        self,
        services: Services,
        session: ChatSession,
        composer: Composer,
        notice: NoticeBar,
        models: ModelPicker,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._services, self._session, self._composer = services, session, composer
        self._notice, self._models = notice, models
        self.changed.connect(self.refresh)

    def make_panel(self) -> ConversationSettings:
        """Return the settings of the open conversation for the selected model."""
        from ui.conversation.settings_panel import ConversationSettings

        chosen, model_id = self._services.settings.current.system_prompt, self._models.model_id() or ""
        prompt = self._session.folder().overrides.system_prompt
        if prompt is None:
            prompt = first_system_prompt(chosen, model_id)
        made = ConversationSettings(
            self._services,
            self._session,
            prompt,
            thinking_choices_of(self._services, model_id),
            model_knows_tools=knows_tools(self._services, model_id),
        )
        self.input_needed.connect(made.finish)
        self.changed.connect(made.refresh)
        made.changed.connect(self.refresh)
        made.presets.edited.connect(self.refresh)
        return made

    def toggle_web_search(self) -> None:
        """Let the model search the web in the open conversation, or no longer."""
        session = self._session
        shown = session.conversation_id

        def toggle() -> None:
            tools = session.sampling().tools
            others = tuple(name for name in tools if name != WEB)
            session.change_sampling(tools=others if WEB in tools else (*others, WEB))
            if WEB not in tools and not self._knows_tools():
                self._notice.show_message(
                    self.tr("The selected model doesn't know tools, so it can't search the web."),
                    self.tr("Choose a model…"),
                    self._models.show_picker,
                    is_true=lambda: not self._knows_tools(),
                )

        if self._services.web.is_ready:
            self._notice.attempt(toggle)
        else:
            self._notice.show_message(
                self.tr("To search the web, set up a search service first. No search is sent before that."),
                self.tr("Choose…"),
                self.search_service_requested.emit,
                is_true=lambda: session.conversation_id == shown and not self._services.web.is_ready,
            )
        self.changed.emit()

    def apply_preset(self, preset: Preset) -> None:
        """Apply a preset to the open conversation; the notice offers to undo it."""
        session = self._session
        before = after = ConversationOverrides()
        conversation_id = session.conversation_id

        def apply() -> None:
            nonlocal before, after
            before = session.overrides()
            session.set_overrides(preset.overrides)
            after = session.overrides()

        def restore() -> None:
            # What was changed since, or another conversation, is left alone.
            if session.conversation_id == conversation_id and session.overrides() == after:
                session.set_overrides(before)

        def undo() -> None:
            self._notice.attempt(restore)
            self.changed.emit()

        if self._notice.attempt(apply):
            self.changed.emit()
            text = self.tr("“{name}” applied.").format(name=preset.name)
            self._notice.show_undo(text, undo)

    def set_context_policy(self, policy: ContextPolicy) -> None:
        """Change what happens when the context of the open conversation is full."""
        session = self._session
        self._notice.attempt(lambda: session.set_overrides(replace(session.overrides(), context_policy=policy)))
        self.changed.emit()

    def refresh(self) -> None:
        """Show the preset of the open conversation at the composer, and whether its model searches the web."""
        try:
            folder = self._session.folder()
            documents = self._services.store.folder_document_names(*folder.folder_ids)
            overrides = folder.over(self._session.overrides())
            tools, defaults = self._session.sampling().tools, self._session.default_sampling()
        except UserError:
            # The conversation has been deleted by another process.
            return
        self._composer.show_web_search(WEB in tools and self._services.web.is_ready)
        presets = self._services.presets.list(QCoreApplication.translate)
        preset = matching_preset(presets, overrides, defaults)
        self._composer.show_preset(
            preset.name if preset is not None else "",
            folder.name,
            has_instructions=bool(folder.instructions),
            documents=documents,
        )

    def _knows_tools(self) -> bool:
        return knows_tools(self._services, self._models.model_id() or "")


def default_overrides(services: Services) -> ConversationOverrides:
    """Return the overrides of new conversations: the preset that the settings name, if there is one."""
    preset_id = services.settings.current.preset_id
    presets = services.presets.list(QCoreApplication.translate)
    return next((preset.overrides for preset in presets if preset.id == preset_id), ConversationOverrides())
