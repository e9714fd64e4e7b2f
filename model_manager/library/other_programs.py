"""Model folders of other programs for local models on the three systems, so that nothing is downloaded twice.

Their files are listed and loaded in place, and never changed or deleted.

Sources: LM Studio's ``settings.json`` (``downloadsFolder``) and ``.lmstudio-home-pointer``; ``mysettings.cpp`` of
GPT4All (``AppLocalDataLocation``, key ``modelPath``); ``src-tauri/src/core/app/commands.rs`` of Jan; ``constants.py``
of huggingface_hub; ``fs_get_cache_directory`` of llama.cpp; ``envconfig/config.go`` of Ollama and its Linux service,
``manifest/manifest.go`` and ``manifest/paths.go`` for its files.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from model_manager.disk.files import file_identity, is_file, is_folder
from model_manager.disk.json_file import JsonError, from_json

Program = Literal["LM Studio", "GPT4All", "Jan", "Hugging Face", "llama.cpp", "Ollama"]

_MAX_SETTINGS_BYTES = 1 << 20
_OLLAMA_MODEL_LAYER = "application/vnd.ollama.image.model"
_OLLAMA_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_MAX_OLLAMA_MANIFESTS = 2000


Base = Literal["cache", "data", "local_data", "settings"]

_XDG_DATA, _XDG_CONFIG = ("XDG_DATA_HOME", ".local/share"), ("XDG_CONFIG_HOME", ".config")
_MAC_DATA = ("", "Library/Application Support")
_LOCAL, _ROAMING = ("LOCALAPPDATA", "AppData/Local"), ("APPDATA", "AppData/Roaming")
_BASES: dict[Base, tuple[tuple[str, str], ...]] = {
    "cache": (("XDG_CACHE_HOME", ".cache"), ("", "Library/Caches"), _LOCAL),
    "data": (_XDG_DATA, _MAC_DATA, _ROAMING),
    "local_data": (_XDG_DATA, _MAC_DATA, _LOCAL),
    # On macOS those of programs that use Qt.
    "settings": (_XDG_CONFIG, _XDG_CONFIG, _ROAMING),
}
"""Environment variable, and default below the home folder, on Linux, macOS and Windows."""


@dataclass(frozen=True)
class SystemFolders:
    """Home folder, environment variables and ``sys.platform`` (``linux``, ``darwin``, ``win32``)."""

    home: Path
    environment: Mapping[str, str]
    platform: str

    def folder(self, variable: str) -> Path | None:
        """Return the folder in an environment variable."""
        text = self.environment.get(variable, "").strip()
        if text.startswith("~"):
            text = text[1:].lstrip("/\\") or "."
        return self.home / text if text else None

    def base(self, kind: Base) -> Path:
        """Return the folder for data of a kind."""
        variable, default = _BASES[kind][{"darwin": 1, "win32": 2}.get(self.platform, 0)]
        return self.folder(variable) or self.home / default


@dataclass(frozen=True)
class ProgramFolder:
    """A folder in which a program stores models."""

    program: Program
    path: Path


def system_folders() -> SystemFolders:
    """Return the folders of this system and user."""
    return SystemFolders(Path.home(), os.environ, sys.platform)


def find_folders(system: SystemFolders) -> tuple[ProgramFolder, ...]:
    """Return the existing folders of other programs, each once, with or without models."""
    found: list[ProgramFolder] = []
    seen: set[object] = set()
    for program, path in _candidates(system):
        if is_folder(path) and (key := file_identity(path)) not in seen:
            seen.add(key)
            found.append(ProgramFolder(program, path))
    return tuple(found)


def is_ollama_folder(folder: Path) -> bool:
    """Return whether the folder is arranged like Ollama's: ``manifests`` and ``blobs``."""
    return is_folder(folder / "manifests") and is_folder(folder / "blobs")


def ollama_models(folder: Path) -> dict[str, Path]:
    """Return Ollama's files by names such as ``llama3.2-3b``, each file once; models in several files are left out.

    manifests/HOST/NAMESPACE/MODEL/TAG     JSON: the layers of a model, as in a registry of container images
    blobs/sha256-64HEX                     the layers; those of the model type are GGUF files
    """
    found: dict[str, Path] = {}
    try:
        manifests = sorted((folder / "manifests").glob("*/*/*/*"))[:_MAX_OLLAMA_MANIFESTS]
    except OSError:
        return found
    for manifest in manifests:
        path = _ollama_file(manifest, folder / "blobs")
        if path is None or path in found.values():
            continue
        model, tag = manifest.parent.name, manifest.name
        name = model if tag == "latest" else f"{model}-{tag}"
        namespace = manifest.parent.parent.name
        found[name if namespace == "library" and name not in found else f"{namespace}-{name}"] = path
    return found


@dataclass(frozen=True)
class _OllamaLayer:
    mediaType: str
    digest: str


@dataclass(frozen=True)
class _OllamaManifest:
    layers: tuple[_OllamaLayer, ...]


def _ollama_file(manifest: Path, blobs: Path) -> Path | None:
    try:
        layers = from_json(_read_text(manifest), _OllamaManifest).layers
    except JsonError:
        return None
    digests = [each.digest for each in layers if each.mediaType == _OLLAMA_MODEL_LAYER]
    match = _OLLAMA_DIGEST.fullmatch(digests[0]) if len(digests) == 1 else None
    if match is None:
        return None
    # Until version 0.1.45 or so the name had a colon where the system allows one.
    names = (f"sha256-{match[1]}", f"sha256:{match[1]}")
    return next((blobs / name for name in names if is_file(blobs / name)), None)


def _candidates(system: SystemFolders) -> Iterator[tuple[Program, Path]]:
    home = system.home
    pointer = _read_text(home / ".lmstudio-home-pointer").strip()
    for folder in (*([home / pointer] if pointer else []), home / ".lmstudio", home / ".cache" / "lm-studio"):
        chosen = _setting(folder / "settings.json", "downloadsFolder")
        yield "LM Studio", home / chosen if chosen else folder / "models"

    flatpak = home / ".var" / "app" / "io.gpt4all.gpt4all"
    own = system.base("settings"), system.base("local_data")
    for settings, data in (own, (flatpak / "config", flatpak / "data")):
        text = _read_text(settings / "nomic.ai" / "GPT4All.ini")
        if match := re.search(r"^modelPath=(.+)$", text, re.MULTILINE):
            # Qt doubles backslashes in INI files.
            yield "GPT4All", home / match[1].strip().strip('"').replace("\\\\", "\\")
        yield "GPT4All", data / "nomic.ai" / "GPT4All"

    data = system.base("data")
    jan = [system.folder("JAN_DATA_FOLDER")]
    for folder in (data / "Jan", data / "jan.ai.app", system.base("settings") / "Jan"):
        chosen = _setting(folder / "settings.json", "data_folder")
        jan.append(home / chosen if chosen else None)
    # The last one until version 0.5.
    for each in (*jan, data / "Jan" / "data", home / "jan"):
        if each is not None:
            yield "Jan", each / "llamacpp" / "models"
            yield "Jan", each / "models"

    # The library uses ~/.cache on all three systems.
    hub_home = system.folder("HF_HOME") or (system.folder("XDG_CACHE_HOME") or home / ".cache") / "huggingface"
    yield "Hugging Face", system.folder("HF_HUB_CACHE") or system.folder("HUGGINGFACE_HUB_CACHE") or hub_home / "hub"
    yield "llama.cpp", system.folder("LLAMA_CACHE") or system.base("cache") / "llama.cpp"
    yield "Ollama", system.folder("OLLAMA_MODELS") or home / ".ollama" / "models"
    if system.platform == "linux":
        # The service of its installer runs as another user.
        yield "Ollama", Path("/usr/share/ollama/.ollama/models")


def _setting(path: Path, key: str) -> str | None:
    try:
        value = from_json(_read_text(path), dict[str, Any]).get(key)
    except JsonError:
        return None
    return value if isinstance(value, str) and value and "\0" not in value else None


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_SETTINGS_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        return ""
