"""Effective settings of a conversation: what it does not set itself comes from its folder, then from the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from app.chat.prompt import default_sampling, join_texts
from app.config.presets import ConversationOverrides, Presets
from app.config.settings import Settings
from app.context import ContextPolicy
from app.conversation import Attachment, Conversation
from app.sampling import Sampling
from app.store.store import ConversationStore


@dataclass(frozen=True)
class FolderDefaults:
    """What a folder, with the one that contains it, gives the conversations in it."""

    name: str = ""
    instructions: str = ""
    """Those of the outer folder first."""
    overrides: ConversationOverrides = field(default_factory=ConversationOverrides)
    """Of the preset, that of the inner folder where both have one."""
    model_id: str | None = None
    folder_ids: tuple[str, ...] = ()
    """Of the folders whose documents the conversations see."""

    def over(self, overrides: ConversationOverrides) -> ConversationOverrides:
        """Return overrides of a conversation, with the preset of the folder where they have none."""
        preset = self.overrides
        return replace(
            overrides,
            system_prompt=overrides.system_prompt or preset.system_prompt or overrides.system_prompt,
            sampling=overrides.sampling or preset.sampling,
            context_policy=overrides.context_policy or preset.context_policy,
        )


@dataclass(frozen=True)
class EffectiveSettings:
    """What an answer is made with."""

    system_prompt: str
    sampling: Sampling
    context_policy: ContextPolicy


def folder_defaults(
    store: ConversationStore, presets: Presets, translate: Callable[[str, str], str], folder_id: str | None
) -> FolderDefaults:
    """Return the defaults of a folder; without values for None.  ``translate`` as in ``Presets.list``."""
    path = store.folder_path(folder_id) if folder_id is not None else ()
    if not path:
        return FolderDefaults()
    known = {preset.id: preset.overrides for preset in presets.list(translate)}
    chosen = [known[each.preset_id] for each in path if each.preset_id in known]
    models = [each.model_id for each in path if each.model_id]
    return FolderDefaults(
        path[-1].name,
        join_texts(each.instructions.strip() for each in path),
        chosen[-1] if chosen else ConversationOverrides(),
        models[-1] if models else None,
        tuple(each.id for each in path),
    )


def folder_documents(store: ConversationStore, folder: FolderDefaults) -> dict[int, Attachment]:
    """Return the documents that the conversations of a folder see, by negative numbers as in ``Excerpt.attachment``."""
    found = store.folder_documents(*folder.folder_ids) if folder.folder_ids else {}
    return {-number: document for number, document in found.items()}


def own_overrides(conversation: Conversation) -> ConversationOverrides:
    """Return what a conversation sets itself."""
    return ConversationOverrides(conversation.system_prompt, conversation.sampling, conversation.context_policy)


def effective_settings(
    own: ConversationOverrides, folder: FolderDefaults, settings: Settings, model_id: str
) -> EffectiveSettings:
    """Return the settings of the next answer in a conversation with these overrides in a folder."""
    overrides = folder.over(own)
    return EffectiveSettings(
        join_texts([folder.instructions, overrides.system_prompt or ""]),
        overrides.sampling or default_sampling(settings.sampling(), model_id),
        overrides.context_policy or ContextPolicy(settings.context_policy),
    )
