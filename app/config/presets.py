"""Presets: a named system prompt, sampling and context policy that can be applied to a conversation.

A few are built in, with translated names and system prompts.  The user's presets, and changes to built-in ones, are in
one JSON file.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.bounds import within_bounds
from app.context import ContextPolicy
from app.sampling import Sampling
from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.json_file import JsonFile
from model_manager.errors import UserError

MAX_NAME_LENGTH = 80


@dataclass(frozen=True)
class ConversationOverrides:
    """Values that a conversation can override; None for the value in the settings."""

    system_prompt: str | None = None
    sampling: Sampling | None = None
    context_policy: ContextPolicy | None = None


@dataclass(frozen=True)
class Preset:
    """Overrides with a name."""

    id: str
    name: str
    system_prompt: str | None = None
    sampling: Sampling | None = None
    context_policy: ContextPolicy | None = None

    @property
    def overrides(self) -> ConversationOverrides:
        """The overrides without the name."""
        return ConversationOverrides(self.system_prompt, self.sampling, self.context_policy)

    @property
    def is_built_in(self) -> bool:
        """Whether ``Presets.remove`` resets it instead of deleting it."""
        return self.id in BUILT_IN


_BUILT_IN = (
    # Nearly deterministic for tasks with one right answer.
    Preset(
        "mathematics",
        QT_TRANSLATE_NOOP("presets", "Mathematics"),
        QT_TRANSLATE_NOOP(
            "presets",
            "You are a careful mathematician. Work step by step and justify every step. Write formulas in "
            "LaTeX: inline formulas between $ signs, display formulas between $$ signs on separate lines. "
            "If there is another method, use it to check the result, and give the final answer at the end "
            "in \\boxed{}. If the problem is unclear or has no solution, say so.",
        ),
        Sampling(temperature=0.2, top_p=0.9, top_k=40, min_p=0.05),
    ),
    Preset(
        "translation",
        QT_TRANSLATE_NOOP("presets", "Chinese–English translation"),
        QT_TRANSLATE_NOOP(
            "presets",
            "You are a professional translator between Chinese and English. Translate Chinese into English "
            "and English into Simplified Chinese. Preserve the meaning, tone, names, numbers, formulas, "
            "code and Markdown, and write what a native speaker would write. Give only the translation. "
            "Add a note only if the original is ambiguous.",
        ),
        Sampling(temperature=0.3, top_p=0.9, top_k=40, min_p=0.05),
    ),
    Preset(
        "code",
        QT_TRANSLATE_NOOP("presets", "Code"),
        QT_TRANSLATE_NOOP(
            "presets",
            "You are an experienced programmer. Give complete, runnable code in fenced code blocks that "
            "name the language. Prefer the standard library and simple constructs, handle errors, and "
            "don't invent functions. Briefly explain what isn't obvious, and ask if a requirement is "
            "missing.",
        ),
        Sampling(temperature=0.2, top_p=0.95, top_k=40, min_p=0.05),
    ),
    Preset(
        "writing",
        QT_TRANSLATE_NOOP("presets", "Writing"),
        QT_TRANSLATE_NOOP(
            "presets",
            "You are a skilled author and editor. Write in the language of the request, in clear, lively "
            "and natural prose that suits the given reader and occasion. Avoid clichés, empty phrases and "
            "needless lists. When you edit, keep the author's voice and say in one line what you changed.",
        ),
        Sampling(temperature=0.9, top_p=0.95, top_k=60, min_p=0.03, repeat_penalty=1.05),
    ),
)
BUILT_IN = {preset.id: preset for preset in _BUILT_IN}
"""The built-in presets by id, with texts of the translation context ``presets``."""


def matching_preset(presets: Sequence[Preset], overrides: ConversationOverrides, defaults: Sampling) -> Preset | None:
    """Return the preset that equals ``overrides``, else one that differs in the tools and the memory alone.

    ``defaults`` is the sampling where there is none.
    """

    def without_tools(values: ConversationOverrides) -> ConversationOverrides:
        return replace(values, sampling=replace(values.sampling or defaults, tools=(), memory=True))

    like = [each for each in presets if without_tools(each.overrides) == without_tools(overrides)]
    return next((each for each in like if each.overrides == overrides), like[0] if like else None)


@dataclass(frozen=True)
class _StoredPresets:
    presets: tuple[Preset, ...]
    version: int = 1


class Presets:
    """The presets and the file of the user's own.  Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, _StoredPresets, _StoredPresets(()), private=True)
        self._lock = threading.Lock()
        self._own = {
            each.id: replace(each, sampling=each.sampling and within_bounds(each.sampling))
            for each in self._file.read().presets
        }

    @property
    def problem(self) -> UserError | None:
        """The error if the file could not be read."""
        return self._file.problem

    def list(self, translate: Callable[[str, str], str]) -> list[Preset]:
        """Return all presets, the built-in ones first; ``translate`` gets the context and a text."""
        first = [
            self._own.get(each.id)
            or replace(
                each, name=translate("presets", each.name), system_prompt=translate("presets", each.system_prompt or "")
            )
            for each in _BUILT_IN
        ]
        return first + [preset for preset in self._own.values() if not preset.is_built_in]

    def is_edited(self, preset_id: str) -> bool:
        """Return whether the user changed this built-in preset."""
        return preset_id in BUILT_IN and preset_id in self._own

    def save(self, preset: Preset) -> Preset:
        """Save a preset under its id, and return it.

        Raises:
            UserError: as ``JsonFile.write``; nothing is changed.
        """
        saved = replace(preset, name=" ".join(preset.name.split())[:MAX_NAME_LENGTH])
        with self._lock:
            self._write({**self._own, saved.id: saved})
        return saved

    def add(self, name: str, overrides: ConversationOverrides) -> Preset:
        """Save overrides as a new preset.  Raises as ``save``."""
        return self.save(Preset(str(uuid.uuid4()), name, **vars(overrides)))

    def own(self, preset_ids: Container[str]) -> Sequence[Preset]:
        """Return those of the user's own presets that have one of these ids."""
        return [each for each in self._own.values() if each.id in preset_ids and not each.is_built_in]

    def add_missing(self, preset: Preset) -> None:
        """Save an imported preset; one that exists is unchanged.  Raises as ``save``."""
        if preset.id not in self._own and not preset.is_built_in:
            self.save(preset)

    def remove(self, preset_id: str) -> None:
        """Delete a preset of the user, or reset a built-in one.  Raises as ``save``."""
        with self._lock:
            self._write({id_: preset for id_, preset in self._own.items() if id_ != preset_id})

    def erase(self) -> None:
        """Delete all presets of the user, and reset the built-in ones.  Raises as ``save``."""
        with self._lock:
            if self._own:
                self._write({})

    def _write(self, own: dict[str, Preset]) -> None:
        self._file.write(_StoredPresets(tuple(own.values())))
        self._own = own
