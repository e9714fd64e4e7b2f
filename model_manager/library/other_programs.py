"""Where other programs for local models keep their files on the three systems, so that nothing is downloaded twice.

Their files stay theirs: they are listed and loaded where they lie, and never changed or deleted.

Sources: LM Studio's ``settings.json`` (``downloadsFolder``) and ``.lmstudio-home-pointer``; ``mysettings.cpp`` of
GPT4All (``AppLocalDataLocation``, key ``modelPath``); ``src-tauri/src/core/app/commands.rs`` of Jan; ``constants.py``
of huggingface_hub; ``fs_get_cache_directory`` of llama.cpp; ``envconfig/config.go`` of Ollama and its Linux service.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_manager.library.folder_scan import identity
from model_manager.library.importer import ImportCandidate, look_at

Program = Literal["LM Studio", "GPT4All", "Jan", "Hugging Face", "llama.cpp", "Ollama"]

_MAX_SETTINGS_BYTES = 1 << 20


@dataclass(frozen=True)
class MachineFacts:
    """What the places depend on.  ``platform`` is one of ``sys.platform``'s: ``linux``, ``darwin``, ``win32``."""

    home: Path
    environment: Mapping[str, str]
    platform: str

    def folder(self, variable: str) -> Path | None:
        """The folder that a variable of the environment names."""
        text = self.environment.get(variable, "").strip()
        if text.startswith("~"):
            text = text[1:].lstrip("/\\") or "."
        return self.home / text if text else None

    @property
    def cache(self) -> Path:
        """Where programs keep what they can fetch again."""
        if self.platform == "win32":
            return self.local_data
        if self.platform == "darwin":
            return self.home / "Library" / "Caches"
        return self.folder("XDG_CACHE_HOME") or self.home / ".cache"

    @property
    def data(self) -> Path:
        """Where programs keep what is the person's, on Windows on every machine of theirs."""
        if self.platform == "win32":
            return self.folder("APPDATA") or self.home / "AppData" / "Roaming"
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return self.folder("XDG_DATA_HOME") or self.home / ".local" / "share"

    @property
    def local_data(self) -> Path:
        """The same, on Windows for this machine alone."""
        if self.platform == "win32":
            return self.folder("LOCALAPPDATA") or self.home / "AppData" / "Local"
        return self.data

    @property
    def settings(self) -> Path:
        """Where programs keep their settings; Qt's own place on macOS too."""
        if self.platform == "win32":
            return self.data
        return self.folder("XDG_CONFIG_HOME") or self.home / ".config"


@dataclass(frozen=True)
class ProgramFolder:
    """A folder in which a program keeps models."""

    program: Program
    path: Path


def machine_facts() -> MachineFacts:
    """The facts of this machine and this person."""
    return MachineFacts(Path.home(), os.environ, sys.platform)


def find_folders(facts: MachineFacts) -> tuple[ProgramFolder, ...]:
    """The folders of other programs that are there, each once.  Whether models lie in them is not looked at."""
    found: list[ProgramFolder] = []
    seen: set[object] = set()
    for program, path in _places(facts):
        # Path.is_dir raises for a folder that is closed to us, as that of Ollama's service can be.
        if os.path.isdir(path) and (key := identity(path)) not in seen:  # noqa: PTH112
            seen.add(key)
            found.append(ProgramFolder(program, path))
    return tuple(found)


def models_in(folder: ProgramFolder) -> tuple[ImportCandidate, ...]:
    """What could be taken over from a folder: models that load, and those that would after a repair into a copy.

    Reads headers: not for the window's thread.
    """
    candidates = look_at((folder.path,), foreign=True)
    return tuple(each for each in candidates if each.kind in ("model", "legacy", "parts"))


def _places(facts: MachineFacts) -> Iterator[tuple[Program, Path]]:
    for path in _lm_studio(facts):
        yield "LM Studio", path
    for path in _gpt4all(facts):
        yield "GPT4All", path
    for data in _jan(facts):
        yield "Jan", data / "llamacpp" / "models"
        yield "Jan", data / "models"
    yield "Hugging Face", _hub_cache(facts)
    yield "llama.cpp", facts.folder("LLAMA_CACHE") or facts.cache / "llama.cpp"
    yield "Ollama", facts.folder("OLLAMA_MODELS") or facts.home / ".ollama" / "models"
    if facts.platform == "linux":
        # The service that its installer sets up runs as a user of its own.
        yield "Ollama", Path("/usr/share/ollama/.ollama/models")


def _lm_studio(facts: MachineFacts) -> Iterator[Path]:
    homes = [facts.home / ".lmstudio", facts.home / ".cache" / "lm-studio"]
    pointer = _text(facts.home / ".lmstudio-home-pointer").strip()
    for home in (*([facts.home / pointer] if pointer else []), *homes):
        chosen = _setting(home / "settings.json", "downloadsFolder")
        yield facts.home / chosen if chosen else home / "models"


def _gpt4all(facts: MachineFacts) -> Iterator[Path]:
    flatpak = facts.home / ".var" / "app" / "io.gpt4all.gpt4all"
    for settings, data in ((facts.settings, facts.local_data), (flatpak / "config", flatpak / "data")):
        # Qt's INI form doubles backslashes.
        match = re.search(r"^modelPath=(.+)$", _text(settings / "nomic.ai" / "GPT4All.ini"), re.MULTILINE)
        if match:
            yield facts.home / match[1].strip().strip('"').replace("\\\\", "\\")
        yield data / "nomic.ai" / "GPT4All"


def _jan(facts: MachineFacts) -> Iterator[Path]:
    if named := facts.folder("JAN_DATA_FOLDER"):
        yield named
    for home in (facts.data / "Jan", facts.data / "jan.ai.app", facts.settings / "Jan"):
        if chosen := _setting(home / "settings.json", "data_folder"):
            yield facts.home / chosen
    yield facts.data / "Jan" / "data"
    # Until version 0.5.
    yield facts.home / "jan"


def _hub_cache(facts: MachineFacts) -> Path:
    named = facts.folder("HF_HUB_CACHE") or facts.folder("HUGGINGFACE_HUB_CACHE")
    if named:
        return named
    # The library keeps to ~/.cache on all three systems.
    home = facts.folder("HF_HOME") or (facts.folder("XDG_CACHE_HOME") or facts.home / ".cache") / "huggingface"
    return home / "hub"


def _setting(path: Path, key: str) -> str | None:
    try:
        value = json.loads(_text(path))[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return value if isinstance(value, str) and value and "\0" not in value else None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_SETTINGS_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        return ""
