"""Between the gauge and the conversation that is shown: figures to the one, what a person chooses to the other."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.config.settings import SettingsFile
from app.conversation import ContextPolicy
from app.servers.registry import is_server_model
from model_manager.errors import UserError
from ui.conversation.context_gauge import ContextGauge
from ui.conversation.context_popover import ContextOpener
from ui.conversation.conversation import ConversationPage
from ui.conversation.model_picker import ModelChoice
from ui.widgets.appearance import Appearance
from ui.widgets.error_text import error_text


class ContextControl(QObject):
    """Keeps the gauge true and opens what is behind it."""

    complaint = Signal(str)

    def __init__(
        self,
        gauge: ContextGauge,
        page: ConversationPage,
        models: ModelChoice,
        settings: SettingsFile,
        appearance: Appearance,
    ) -> None:
        super().__init__(gauge)
        self._page, self._models, self._settings, self._appearance = page, models, settings, appearance
        self._opener = ContextOpener(gauge)
        gauge.popover_wanted.connect(self.open)
        page.context.changed.connect(self._show)
        models.changed.connect(page.context.look_again)
        self._opener.policy_chosen.connect(self._choose)
        self._opener.larger_wanted.connect(self._show_plan)

    def open(self) -> None:
        """Open the card."""
        model_id = self._models.model_id()
        self._opener.open(
            self._appearance.theme,
            self._policy(),
            can_be_larger=model_id is not None and not is_server_model(model_id),
        )

    def _show(self) -> None:
        self._opener.set_use(self._page.context.use)

    def _policy(self) -> ContextPolicy:
        try:
            own = self._page.choices().context_policy
        except UserError:
            # It was deleted meanwhile.
            own = None
        return own or ContextPolicy(self._settings.now.context_policy)

    def _choose(self, policy: ContextPolicy) -> None:
        try:
            self._page.choose(replace(self._page.choices(), context_policy=policy))
        except UserError as error:
            self.complaint.emit(error_text(error))

    def _show_plan(self) -> None:
        model_id = self._models.model_id()
        if model_id is not None:
            self._models.show_plan(model_id, self._models.name())
