"""What a conversation has of its own, or will begin with: kept in its store, or here before it has begun."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.chat.prompt import first_system_prompt
from app.config.presets import Choices
from app.conversation import Conversation
from app.services import Services
from app.store.store import ConversationStore
from ui.widgets.preset_strings import PresetStrings


class OwnChoices(QObject):
    """System prompt, sampling and context policy of the conversation that is shown."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._words = PresetStrings(self)
        self._first: Choices | None = None

    def forget(self) -> None:
        """Another conversation is shown: what was chosen for one that had not begun is gone with it."""
        self._first = None

    def of(self, store: ConversationStore, conversation_id: str | None) -> Choices:
        """What it has, or will begin with.  Raises UserError as the store does."""
        if conversation_id is None:
            return self._first or self._usual()
        conversation = store.get(conversation_id)
        return Choices(conversation.system_prompt, conversation.sampling, conversation.context_policy)

    def choose(self, store: ConversationStore, conversation_id: str | None, choices: Choices) -> None:
        """Give it these from the next answer on.  Raises UserError as the store does."""
        if conversation_id is None:
            self._first = choices
            return
        before = self.of(store, conversation_id)
        if choices.system_prompt is not None and choices.system_prompt != before.system_prompt:
            store.update(conversation_id, system_prompt=choices.system_prompt)
        if choices.sampling != before.sampling:
            store.update(conversation_id, sampling=choices.sampling)
        if choices.context_policy != before.context_policy:
            store.update(conversation_id, context_policy=choices.context_policy)

    def begin(self, store: ConversationStore, title: str, model_id: str) -> Conversation:
        """A conversation that has what was chosen for it.  Raises UserError as the store does."""
        choices = self.of(store, None)
        system_prompt = choices.system_prompt
        if system_prompt is None:
            system_prompt = first_system_prompt(self._services.settings.now.system_prompt, model_id)
        made = store.create(title=title, system_prompt=system_prompt, model_id=model_id)
        self.choose(store, made.id, Choices(system_prompt, choices.sampling, choices.context_policy))
        self._first = None
        return made

    def _usual(self) -> Choices:
        """What the preset of new conversations says, where the settings name one."""
        wanted = self._services.settings.now.preset_id
        presets = self._services.presets.list(self._words.built_in())
        return next((preset.choices for preset in presets if preset.id == wanted), Choices())
