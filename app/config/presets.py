"""Named presets: a system prompt, a sampling and a context policy that a conversation can be given at once.

A few come with the program.  Their names and system prompts are words, so whoever shows them hands those in, in the
person's language; what the person makes of them lies over them in a file of its own and can be taken off again.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.conversation import ContextPolicy, Sampling
from model_manager.disk.files import set_aside, write_atomically
from model_manager.errors import UserError

VERSION = 1
LONGEST_NAME = 80

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choices:
    """What a conversation may have of its own; None takes what the settings say."""

    system_prompt: str | None = None
    sampling: Sampling | None = None
    context_policy: ContextPolicy | None = None


@dataclass(frozen=True)
class Preset:
    """Choices under a name."""

    id: str
    name: str
    choices: Choices
    is_built_in: bool = False
    is_edited: bool = False
    """A built-in one that the person changed; ``reset`` brings back what came with the program."""


BUILT_IN: dict[str, Sampling] = {
    "mathematics": Sampling(temperature=0.2, top_p=0.9, top_k=40, min_p=0.05),
    "translation": Sampling(temperature=0.3, top_p=0.9, top_k=40, min_p=0.05),
    "code": Sampling(temperature=0.2, top_p=0.95, top_k=40, min_p=0.05),
    "writing": Sampling(temperature=0.9, top_p=0.95, top_k=60, min_p=0.03, repeat_penalty=1.05),
}
"""Id and sampling of those that come with the program: close to certain where one answer is right, freer in prose."""


class Presets:
    """The presets and the file that holds the person's.  Safe to use from several threads.

    A file that cannot be read is put aside, never overwritten; ``trouble`` then holds the ``presets_damaged`` that
    tells so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.trouble: UserError | None = None
        self._own: dict[str, Preset] = self._read()

    def list(self, words: Mapping[str, tuple[str, str]]) -> list[Preset]:
        """All presets, those of the program first.  ``words``: name and system prompt of each built-in one."""
        built_in = [self._built_in(id_, *words[id_]) for id_ in BUILT_IN]
        return built_in + [preset for preset in self._own.values() if not preset.is_built_in]

    def save(self, preset: Preset) -> Preset:
        """Keep a preset under its id, in place of what that was.

        Raises:
            UserError: ``disk_full`` or ``file_not_writable``; nothing is changed then.
        """
        kept = dataclasses.replace(
            preset,
            name=" ".join(preset.name.split())[:LONGEST_NAME],
            is_built_in=preset.id in BUILT_IN,
            is_edited=preset.id in BUILT_IN,
        )
        with self._lock:
            self._write({**self._own, kept.id: kept})
        return kept

    def add(self, name: str, choices: Choices) -> Preset:
        """Keep choices as a new preset.  Raises as ``save``."""
        return self.save(Preset(str(uuid.uuid4()), name, choices))

    def remove(self, preset_id: str) -> None:
        """Delete a preset of the person's; a built-in one becomes again what came with the program.

        Raises:
            UserError: as ``save``.
        """
        with self._lock:
            self._write({id_: preset for id_, preset in self._own.items() if id_ != preset_id})

    def erase(self) -> None:
        """Forget all that the person made of them.

        Raises:
            UserError: as ``save``.
        """
        with self._lock:
            if self._own:
                self._write({})

    def _built_in(self, preset_id: str, name: str, system_prompt: str) -> Preset:
        edited = self._own.get(preset_id)
        return edited or Preset(preset_id, name, Choices(system_prompt, BUILT_IN[preset_id]), is_built_in=True)

    def _write(self, own: dict[str, Preset]) -> None:
        content = {"version": VERSION, "presets": [_to_json(preset) for preset in own.values()]}
        write_atomically(self._path, json.dumps(content, ensure_ascii=False, indent=2).encode())
        self._own = own

    def _read(self) -> dict[str, Preset]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.trouble = UserError("file_not_readable", path=self._path, detail=error.strerror or str(error))
            return {}
        try:
            presets = [_from_json(entry) for entry in json.loads(text)["presets"]]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            logger.warning("presets not readable: %s", error)
            aside = set_aside(self._path)
            self.trouble = UserError("presets_damaged", path=aside or self._path)
            return {}
        return {preset.id: preset for preset in presets}


def sampling_to_json(sampling: Sampling | None) -> dict[str, Any] | None:
    """A sampling as JSON holds it."""
    return None if sampling is None else dataclasses.asdict(sampling)


def sampling_from_json(stored: dict[str, Any] | None) -> Sampling | None:
    """The sampling that JSON holds; keys of a newer program are passed over.

    Raises:
        TypeError, ValueError: something else lies there.
    """
    if stored is None:
        return None
    usual = Sampling()
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Sampling):
        if field.name not in stored:
            continue
        value, default = stored[field.name], getattr(usual, field.name)
        if field.name == "stop":
            values["stop"] = tuple(str(text) for text in value)
        elif value is None and default is None:
            values[field.name] = None
        else:
            values[field.name] = float(value) if isinstance(default, float) else int(value)
    return Sampling(**values)


def _to_json(preset: Preset) -> dict[str, Any]:
    choices = preset.choices
    return {
        "id": preset.id,
        "name": preset.name,
        "system_prompt": choices.system_prompt,
        "sampling": sampling_to_json(choices.sampling),
        "context_policy": choices.context_policy.value if choices.context_policy else None,
    }


def _from_json(entry: dict[str, Any]) -> Preset:
    id_, prompt, policy = str(entry["id"]), entry.get("system_prompt"), entry.get("context_policy")
    return Preset(
        id=id_,
        name=str(entry["name"]),
        choices=Choices(
            None if prompt is None else str(prompt),
            sampling_from_json(entry.get("sampling")),
            ContextPolicy(policy) if policy else None,
        ),
        is_built_in=id_ in BUILT_IN,
        is_edited=id_ in BUILT_IN,
    )
