"""Presets: a named system prompt, sampling and context policy that can be applied to a conversation.

A few are built in.  Their names and system prompts are translated, so the caller passes them in.  The user's presets,
and changes to built-in ones, are in one JSON file.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.conversation import ContextPolicy, Sampling
from model_manager.disk.json_file import JsonFile
from model_manager.errors import UserError

MAX_NAME_LENGTH = 80


@dataclass(frozen=True)
class Choices:
    """Values that a conversation can override; None for the value in the settings."""

    system_prompt: str | None = None
    sampling: Sampling | None = None
    context_policy: ContextPolicy | None = None


@dataclass(frozen=True)
class Preset:
    """Choices with a name."""

    id: str
    name: str
    choices: Choices
    is_built_in: bool = False
    is_edited: bool = False
    """A built-in preset that the user changed; ``Presets.remove`` resets it."""


BUILT_IN: dict[str, Sampling] = {
    "mathematics": Sampling(temperature=0.2, top_p=0.9, top_k=40, min_p=0.05),
    "translation": Sampling(temperature=0.3, top_p=0.9, top_k=40, min_p=0.05),
    "code": Sampling(temperature=0.2, top_p=0.95, top_k=40, min_p=0.05),
    "writing": Sampling(temperature=0.9, top_p=0.95, top_k=60, min_p=0.03, repeat_penalty=1.05),
}
"""Sampling of the built-in presets by their ids: nearly deterministic for tasks with one right answer."""


class Presets:
    """The presets and the file of the user's own.  Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, _StoredPresets, _StoredPresets(()))
        self._lock = threading.Lock()
        self._own = {each.id: _preset(each) for each in self._file.read().presets}

    @property
    def problem(self) -> UserError | None:
        """The error if the file could not be read."""
        return self._file.problem

    def list(self, built_in: Mapping[str, tuple[str, str]]) -> list[Preset]:
        """Return all presets, the built-in ones first.  ``built_in``: their names and system prompts by id."""
        first = [
            self._own.get(id_) or Preset(id_, name, Choices(prompt, BUILT_IN[id_]), is_built_in=True)
            for id_, (name, prompt) in ((id_, built_in[id_]) for id_ in BUILT_IN)
        ]
        return first + [preset for preset in self._own.values() if not preset.is_built_in]

    def save(self, preset: Preset) -> Preset:
        """Save a preset under its id, and return it.

        Raises:
            UserError: as ``JsonFile.write``; nothing is changed.
        """
        name = " ".join(preset.name.split())[:MAX_NAME_LENGTH]
        is_built_in = preset.id in BUILT_IN
        saved = replace(preset, name=name, is_built_in=is_built_in, is_edited=is_built_in)
        with self._lock:
            self._write({**self._own, saved.id: saved})
        return saved

    def add(self, name: str, choices: Choices) -> Preset:
        """Save choices as a new preset.  Raises as ``save``."""
        return self.save(Preset(str(uuid.uuid4()), name, choices))

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
        self._file.write(_StoredPresets(tuple(map(_stored, own.values()))))
        self._own = own


@dataclass(frozen=True)
class _StoredPreset:
    id: str
    name: str
    system_prompt: str | None = None
    sampling: Sampling | None = None
    context_policy: ContextPolicy | None = None


@dataclass(frozen=True)
class _StoredPresets:
    presets: tuple[_StoredPreset, ...]
    version: int = 1


def _preset(stored: _StoredPreset) -> Preset:
    choices = Choices(stored.system_prompt, stored.sampling, stored.context_policy)
    return Preset(stored.id, stored.name, choices, stored.id in BUILT_IN, stored.id in BUILT_IN)


def _stored(preset: Preset) -> _StoredPreset:
    choices = preset.choices
    return _StoredPreset(preset.id, preset.name, choices.system_prompt, choices.sampling, choices.context_policy)
