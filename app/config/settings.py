"""What the person chose, kept in one JSON file: each setting is declared once, with its type, default and bounds."""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.config.device_settings import DeviceWishes, are_servers, are_wishes, device_wishes
from app.conversation import ContextPolicy, Sampling
from model_manager.disk.files import write_atomically

AUTOMATIC_LAYERS = -2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """All settings.  A file that lacks one, or holds a value out of bounds, gives its default."""

    language: str = ""
    """``en``, ``zh_CN``, or empty for the system's."""
    theme: str = "system"
    """``system``, ``light`` or ``dark``."""
    model_id: str | None = None
    """The model used last, by the window or the command line; a path where it is not in the library."""
    context: int = 0
    """Tokens; 0 takes the trained context, at most 8192."""
    gpu_layers: int = AUTOMATIC_LAYERS
    """Layers on GPUs: -1 all, -2 as many as fit."""
    idle_release_minutes: int = 30
    """Release the loaded file after so many minutes without a question; 0 never."""
    system_prompt: str = ""
    """For new conversations."""
    temperature: float = Sampling.temperature
    top_p: float = Sampling.top_p
    top_k: int = Sampling.top_k
    min_p: float = Sampling.min_p
    repeat_penalty: float = Sampling.repeat_penalty
    max_tokens: int = 0
    """Of an answer; 0 sets no limit."""
    context_policy: str = ContextPolicy.STOP.value
    """``stop`` or ``roll``, for conversations that do not say otherwise."""
    text_size: int = 15
    """Of the transcript and the composer, in device-independent pixels."""
    titles_by_model: bool = True
    """Let the model name a conversation where neither the question nor the answer does."""
    preset_id: str = ""
    """The preset of new conversations; empty for none."""
    devices: str = ""
    """JSON of ``app.config.device_settings``: devices left out, ceilings and reserves."""
    rpc_servers: str = ""
    """HOST:PORT of llama.cpp RPC servers, separated by spaces."""
    export_format: str = "md"
    """The last choice of the export, like the three below."""
    export_metadata: bool = True
    export_thoughts: str = "fold"
    export_folder: str = ""
    """Empty for the person's documents."""
    models_folder: str = ""
    """Where downloads lie; empty for the data folder's own."""
    endpoint: str = ""
    """Of the hub that lists models and gives their bytes; empty for the official one."""
    authority: str = ""
    """Of the hub that is asked for checksums; empty for the official one."""
    proxy: str = ""
    """A URL, ``none``, or empty for what the system says."""
    token_hosts: str = ""
    """Further hosts that the token may be shown to, separated by spaces."""
    download_limit: int = 0
    """KiB per second; 0 sets no limit."""
    downloads_in_background: bool = False
    """Go on with downloads while the window is closed."""
    window_geometry: str = ""
    """Base64 of what the window saves of its place and size."""
    sidebar_width: int = 260
    """Device-independent pixels."""
    sidebar_shown: bool = True
    conversation_id: str | None = None
    """The conversation that was open last."""

    def sampling(self) -> Sampling:
        """The sampling for new answers."""
        return Sampling(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            repeat_penalty=self.repeat_penalty,
            max_tokens=self.max_tokens or None,
        )

    def device_wishes(self) -> DeviceWishes:
        """What is fixed about the devices for all models."""
        return device_wishes(self.rpc_servers, self.devices)


CHOICES: dict[str, tuple[str, ...]] = {
    "language": ("", "en", "zh_CN"),
    "theme": ("system", "light", "dark"),
    "context_policy": tuple(policy.value for policy in ContextPolicy),
    "export_format": ("md", "html", "pdf", "json", "txt", "jsonl"),
    "export_thoughts": ("keep", "fold", "drop"),
}
BOUNDS: dict[str, tuple[float, float]] = {
    "context": (0, 1 << 24),
    "gpu_layers": (AUTOMATIC_LAYERS, 100_000),
    "idle_release_minutes": (0, 24 * 60),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (0, 1000),
    "min_p": (0, 1),
    "repeat_penalty": (0.5, 2),
    "max_tokens": (0, 1 << 24),
    "text_size": (11, 28),
    "download_limit": (0, 1 << 24),
    "sidebar_width": (180, 600),
}
"""Least and greatest value, both allowed."""
CHECKS: dict[str, Callable[[object], bool]] = {"devices": are_wishes, "rpc_servers": are_servers}
"""Texts with a form of their own."""


class SettingsFile:
    """The settings and the file they are kept in.  Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._settings = _read(path)

    @property
    def now(self) -> Settings:
        """The settings as they are."""
        return self._settings

    def change(self, **values: Any) -> Settings:
        """Set some and save all.

        Raises:
            UserError: ``disk_full`` or ``data_folder_not_writable``; the change holds for this run all the same.
        """
        with self._lock:
            changed = dataclasses.replace(self._settings, **values)
            if changed != self._settings:
                self._settings = changed
                text = json.dumps(dataclasses.asdict(changed), ensure_ascii=False, indent=2)
                write_atomically(self._path, text.encode())
            return changed


def _read(path: Path) -> Settings:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        logger.warning("settings not readable, defaults taken: %s", error)
        return Settings()
    if not isinstance(stored, dict):
        return Settings()
    known = {field.name: field for field in dataclasses.fields(Settings)}
    return Settings(**{key: value for key, value in stored.items() if key in known and _is_valid(key, value)})


def _is_valid(key: str, value: object) -> bool:
    default = getattr(Settings(), key)
    if key in CHECKS:
        return CHECKS[key](value)
    if key in CHOICES:
        return value in CHOICES[key]
    if key in BOUNDS:
        least, most = BOUNDS[key]
        kinds = (int, float) if isinstance(default, float) else (int,)
        return isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most
    if default is None:
        return value is None or isinstance(value, str)
    return type(value) is type(default)
