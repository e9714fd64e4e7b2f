"""User settings in one JSON file.  Each setting is declared once: type, default, bounds or choices, page and label."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.context import ContextPolicy
from app.parameter import parameter, parameters
from app.sampling import MEMORY_TOOLS, SamplerParameters, Sampling
from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.json_file import JsonFile
from model_manager.errors import UserError
from model_manager.hub.access import MIRROR, OFFICIAL, host_of

if TYPE_CHECKING:
    from app.config.device_preferences import DevicePreferences

AUTOMATIC_LAYERS = -2
DEFAULT_PORT = 8033
"""Of the local server."""
LEND_PORT, ALL_ADDRESSES = 50052, "0.0.0.0"
"""llama.cpp's own default port of an RPC server, and all networks."""
NO_PROXY = "none"
LANGUAGES = {"en": "English", "zh_CN": "简体中文", "zh_TW": "繁體中文"}
"""Names of the languages by code, each in its own language."""


@dataclass(frozen=True)
class BackupSchedule:
    """Interval between automatic backups, and the number of them that are kept."""

    id: str
    """Value of the setting ``backup_schedule``."""
    label: str
    interval: timedelta
    kept: int


DAILY = BackupSchedule("daily", QT_TRANSLATE_NOOP("parameters", "Every day"), timedelta(days=1), kept=7)
WEEKLY = BackupSchedule("weekly", QT_TRANSLATE_NOOP("parameters", "Every week"), timedelta(weeks=1), kept=4)
SCHEDULES = {each.id: each for each in (DAILY, WEEKLY)}


@dataclass(frozen=True)
class Settings(SamplerParameters):
    """All settings.  A setting that the file lacks, or that is invalid there, has its default."""

    language: str = parameter(
        "",
        choices={"": QT_TRANSLATE_NOOP("parameters", "System"), **LANGUAGES},
        page="appearance",
        label=QT_TRANSLATE_NOOP("parameters", "Language"),
    )
    theme: str = parameter(
        "system",
        choices={
            "system": QT_TRANSLATE_NOOP("parameters", "System"),
            "light": QT_TRANSLATE_NOOP("parameters", "Light"),
            "dark": QT_TRANSLATE_NOOP("parameters", "Dark"),
        },
        page="appearance",
        label=QT_TRANSLATE_NOOP("parameters", "Theme"),
    )
    zoom: int = parameter(
        100,
        minimum=80,
        maximum=200,
        step=10,
        page="appearance",
        label=QT_TRANSLATE_NOOP("parameters", "Zoom"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Of the whole window, in percent. You can also press Ctrl\u00a0+ or Ctrl\u00a0−."
        ),
    )
    reduced_motion: bool = parameter(
        False,
        page="appearance",
        label=QT_TRANSLATE_NOOP("parameters", "Reduce motion"),
        description=QT_TRANSLATE_NOOP("parameters", "Keeps the caret of an answer that is being written still."),
    )
    wraps_code: bool = parameter(
        False,
        page="appearance",
        label=QT_TRANSLATE_NOOP("parameters", "Wrap long lines of code"),
    )
    preset_id: str = parameter(
        "",
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Preset"),
        description=QT_TRANSLATE_NOOP("parameters", "Overrides the settings below."),
    )
    """Preset of new conversations; empty for none."""
    system_prompt: str = parameter(
        "",
        is_multiline=True,
        placeholder=QT_TRANSLATE_NOOP("parameters", "For example: Answer briefly."),
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "System prompt"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Instructions for the model at the start of every new conversation."
        ),
    )
    max_tokens: int = parameter(
        0,
        minimum=1,
        maximum=1 << 24,
        step=256,
        named_values={0: QT_TRANSLATE_NOOP("parameters", "No limit")},
        suggestion=1024,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Maximum tokens"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Limits the length of an answer. An English word is slightly more than one token."
        ),
    )
    """Limit of an answer; 0 for none."""
    context_policy: str = parameter(
        ContextPolicy.STOP.value,
        choices={
            ContextPolicy.STOP.value: QT_TRANSLATE_NOOP("parameters", "Stop and ask me"),
            ContextPolicy.ROLL.value: QT_TRANSLATE_NOOP("parameters", "Leave out the oldest turns"),
            ContextPolicy.SUMMARISE.value: QT_TRANSLATE_NOOP("parameters", "Summarise the oldest turns"),
        },
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "When the context is full"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "If turns are left out or summarised, a line in the conversation marks the messages above it that the "
            "model no longer sees. Those that you keep in context always stay.",
        ),
    )
    titles_by_model: bool = parameter(
        True,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Model-generated titles"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "When idle, the model suggests a title if the first question doesn't provide one."
        ),
    )
    context: int = parameter(
        0,
        minimum=256,
        maximum=1 << 24,
        step=1024,
        named_values={0: QT_TRANSLATE_NOOP("parameters", "Automatic")},
        suggestion=8192,
        page="engine",
        label=QT_TRANSLATE_NOOP("parameters", "Context"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "How many tokens the model sees at once. More tokens use more memory."
        ),
    )
    """Tokens; 0 for the trained context, at most 8192."""
    gpu_layers: int = parameter(
        AUTOMATIC_LAYERS,
        minimum=0,
        maximum=100_000,
        named_values={
            AUTOMATIC_LAYERS: QT_TRANSLATE_NOOP("parameters", "Automatic"),
            -1: QT_TRANSLATE_NOOP("parameters", "All"),
        },
        suggestion=32,
        page="engine",
        label=QT_TRANSLATE_NOOP("parameters", "Layers on GPUs"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Automatic puts as many as fit on the GPUs. The CPU computes the rest."
        ),
    )
    """-1 for all, -2 for as many as fit."""
    speculation: bool = parameter(
        True,
        page="engine",
        label=QT_TRANSLATE_NOOP("parameters", "Guess text that repeats"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Writes text that repeats earlier text faster, where the answer stays exactly the same.",
        ),
    )
    idle_release_minutes: int = parameter(
        30,
        minimum=0,
        maximum=24 * 60,
        page="engine",
        label=QT_TRANSLATE_NOOP("parameters", "Unload model when idle for"),
        description=QT_TRANSLATE_NOOP("parameters", "Frees memory after this much time without a question."),
    )
    """0 for never."""
    devices: str = parameter("", page="devices")
    """JSON of ``DevicePreferences.devices``: excluded devices, ceilings and reserves."""
    rpc_servers: str = parameter("", page="devices")
    """HOST:PORT of llama.cpp RPC servers, separated by spaces."""
    search_service: str = parameter(
        "",
        choices={
            "": QT_TRANSLATE_NOOP("parameters", "None"),
            "searxng": "SearXNG",
            "brave": "Brave Search",
            "tavily": "Tavily",
        },
        page="tools",
        label=QT_TRANSLATE_NOOP("parameters", "Web search service"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Where models search the web. Without one they don't, and nothing is sent."
        ),
    )
    """Empty for none."""
    searxng_url: str = parameter(
        "",
        placeholder="https://",
        page="tools",
        label=QT_TRANSLATE_NOOP("parameters", "Address of SearXNG"),
        description=QT_TRANSLATE_NOOP("parameters", "The settings of SearXNG must allow JSON as an output format."),
    )
    web_private: bool = parameter(
        False,
        page="tools",
        label=QT_TRANSLATE_NOOP("parameters", "Pages on this computer and in its network"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Lets models read those too, such as the pages of your router. Leave it off unless you need it.",
        ),
    )
    memory: bool = parameter(
        True,
        page="memory",
        label=QT_TRANSLATE_NOOP("parameters", "Use the memory"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Models are given the facts below in every conversation except temporary chats; a model of a server "
            "receives them with your question.",
        ),
    )
    memory_tool: bool = parameter(
        False,
        page="memory",
        label=QT_TRANSLATE_NOOP("parameters", "Models can note facts"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "When you say “Remember that I'm vegetarian”, models that know tools can note it after you have "
            "allowed it.",
        ),
    )
    memory_unasked: bool = parameter(
        False,
        page="memory",
        label=QT_TRANSLATE_NOOP("parameters", "Note facts unasked"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Models also note lasting facts that you mention, without asking first. The answer shows what was noted.",
        ),
    )
    lend_limit_gib: int = parameter(
        0,
        minimum=1,
        maximum=4096,
        page="lending",
        named_values={0: QT_TRANSLATE_NOOP("parameters", "No limit")},
        suggestion=8,
        label=QT_TRANSLATE_NOOP("parameters", "Lend at most"),
        description=QT_TRANSLATE_NOOP("parameters", "Other PCs can't use more memory of this one than this, in GiB."),
    )
    lend_port: int = parameter(
        LEND_PORT, minimum=1024, maximum=65535, page="lending", label=QT_TRANSLATE_NOOP("parameters", "Port")
    )
    local_server: bool = parameter(
        False,
        page="local_server",
        label=QT_TRANSLATE_NOOP("parameters", "Answer other programs"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Editors and scripts can use the selected model through OpenAI's or Anthropic's API. Your own questions go "
            "first.",
        ),
    )
    local_server_port: int = parameter(
        DEFAULT_PORT, minimum=1, maximum=65535, page="local_server", label=QT_TRANSLATE_NOOP("parameters", "Port")
    )
    local_server_network: bool = parameter(
        False,
        page="local_server",
        label=QT_TRANSLATE_NOOP("parameters", "Allow other computers"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Computers in your network can use the selected model with the API key.",
        ),
    )
    local_server_encrypted: bool = parameter(
        True,
        page="local_server",
        label=QT_TRANSLATE_NOOP("parameters", "Encrypt the connection"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Other computers then need APUS Chat. Turn it off for other programs on them: anyone in the network can "
            "then read questions, answers and the key.",
        ),
    )
    """Of other computers."""
    local_server_origins: str = parameter(
        "",
        placeholder="https://chat.example",
        page="local_server",
        label=QT_TRANSLATE_NOOP("parameters", "Web sites that may use it"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Web pages in your browser can't use the local server, except those of the addresses entered here.",
        ),
    )
    """Origins, separated by spaces."""
    endpoint: str = parameter(
        "",
        named_values={"": host_of(OFFICIAL), MIRROR: host_of(MIRROR)},
        placeholder="https://",
        page="downloads",
        label=QT_TRANSLATE_NOOP("parameters", "Download from"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Hugging Face, a mirror of it, or another server with the same interface."
        ),
    )
    """URL of the hub or mirror for listings and downloads; empty for the official hub."""
    proxy: str = parameter(
        "",
        named_values={
            "": QT_TRANSLATE_NOOP("parameters", "System proxy"),
            NO_PROXY: QT_TRANSLATE_NOOP("parameters", "None"),
        },
        placeholder="http://127.0.0.1:7890",
        page="downloads",
        label=QT_TRANSLATE_NOOP("parameters", "Proxy"),
        description=QT_TRANSLATE_NOOP("parameters", "HTTP or SOCKS, for example socks5://127.0.0.1:1080"),
    )
    """A URL, ``none``, or empty for the system's proxy."""
    token_hosts: str = parameter(
        "",
        placeholder=QT_TRANSLATE_NOOP("parameters", "None"),
        page="downloads",
        label=QT_TRANSLATE_NOOP("parameters", "Other hosts that receive the token"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Servers you trust with your token, such as your own mirror. Usually empty."
        ),
    )
    """Further hosts that may receive the token, separated by spaces."""
    download_limit: int = parameter(
        0,
        minimum=16,
        maximum=1 << 24,
        step=0.25,
        unit=1024 / 1e6,
        named_values={0: QT_TRANSLATE_NOOP("parameters", "No limit")},
        suggestion=5,
        page="downloads",
        label=QT_TRANSLATE_NOOP("parameters", "Speed limit"),
        description=QT_TRANSLATE_NOOP("parameters", "In MB/s, for all downloads combined."),
    )
    """KiB per second, shown in MB/s; 0 for no limit."""
    downloads_in_background: bool = parameter(
        False,
        page="downloads",
        label=QT_TRANSLATE_NOOP("parameters", "Keep downloading when the window is closed"),
        description=QT_TRANSLATE_NOOP("parameters", "The program stays in the system tray until all downloads finish."),
    )
    """Continue downloads while the window is closed."""
    asks_before_closing: bool = parameter(
        True,
        page="downloads",
        label=QT_TRANSLATE_NOOP("parameters", "Ask before closing during a download"),
        description=QT_TRANSLATE_NOOP("parameters", "Otherwise downloads pause and continue at the next start."),
    )
    """Ask what to do with running downloads, unless they continue in the background."""
    backup_schedule: str = parameter(
        DAILY.id,
        choices={each.id: each.label for each in SCHEDULES.values()},
        page="data",
        label=QT_TRANSLATE_NOOP("parameters", "Automatic backups"),
        description=QT_TRANSLATE_NOOP("parameters", "Keeps the last seven daily or the last four weekly backups."),
    )
    """Id of a ``BackupSchedule``."""
    conversation_cache: int = parameter(
        10,
        minimum=1,
        maximum=1 << 12,
        named_values={
            0: QT_TRANSLATE_NOOP("parameters", "Off"),
            10: QT_TRANSLATE_NOOP("parameters", "10 GiB (default)"),
        },
        suggestion=20,
        page="data",
        label=QT_TRANSLATE_NOOP("parameters", "Conversation cache"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "In GiB, on this disk. Keeps what a model has read of a conversation, so that it answers sooner when you "
            "come back to it.",
        ),
    )
    """GiB; 0 for none."""
    authority: str = ""
    """URL of the hub for checksums; empty for the official one."""
    models_folder: str = ""
    """Folder of downloads; empty for the one in the data folder."""
    model_id: str | None = None
    """The model used last; a path where it is not in the library."""
    conversation_id: str | None = None
    """The conversation that was open last."""
    export_format: str = "md"
    """The last choice in the export dialog, like the three below."""
    export_metadata: bool = False
    export_thoughts: str = parameter("fold", choices=dict.fromkeys(("keep", "fold", "drop"), ""))
    export_folder: str = ""
    """Empty for the user's documents."""
    window_geometry: str = ""
    """Base64 of ``QWidget.saveGeometry``."""
    sidebar_width: int = parameter(260, minimum=180, maximum=600)
    """Device-independent pixels."""
    sidebar_shown: bool = True
    settings_section: str = ""
    """Name of the section of the settings that was shown last."""
    shortcuts: str = ""
    """JSON of the keys of actions by their ids, for those that the user has changed."""
    unread: str = ""
    """Ids of conversations with answers that were not opened yet, separated by spaces."""
    panel_width: int = parameter(340, minimum=300, maximum=640)
    """Of the settings of the conversation."""

    def sampling(self) -> Sampling:
        """Return the sampling of new answers."""
        values = {name: getattr(self, name) for name in parameters(SamplerParameters)}
        tools = (MEMORY_TOOLS,) if self.memory and self.memory_tool else ()
        return Sampling(**values, max_tokens=self.max_tokens or None, tools=tools)

    def device_preferences(self) -> DevicePreferences:
        """Return the device settings that apply to all models."""
        # Imported where it is needed, as it would delay the window.
        from app.config.device_preferences import parse_device_preferences

        return parse_device_preferences(self.rpc_servers, self.devices)

    def backups(self) -> BackupSchedule:
        """Return the schedule of automatic backups."""
        return SCHEDULES[self.backup_schedule]


PARAMETERS = parameters(Settings)
"""The declarations by the names of the settings."""


class SettingsFile:
    """The settings and their file.  Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: JsonFile[dict[str, Any]] = JsonFile(path, dict[str, Any], {}, private=True)
        self._lock = threading.Lock()
        stored = self._file.read()
        self._settings = _settings(stored)
        self._invalid = {name for name in PARAMETERS.keys() & stored if not PARAMETERS[name].accepts(stored[name])}

    @property
    def problem(self) -> UserError | None:
        """The error if the file could not be read, or ``settings_invalid`` (path, names) if
        values have another type or are out of bounds."""
        if self._invalid:
            return UserError("settings_invalid", path=self._path, names=", ".join(sorted(self._invalid)))
        return self._file.problem

    @property
    def current(self) -> Settings:
        """The current settings."""
        return self._settings

    def change(self, **values: Any) -> Settings:
        """Change settings and save the file; returns the new settings.

        What another process has saved meanwhile is kept.

        Raises:
            UserError: as ``JsonFile.write``; the change still applies until the program ends.
        """
        with self._lock:
            if self._invalid & values.keys() or dataclasses.replace(self._settings, **values) != self._settings:
                stored = {**dataclasses.asdict(self._settings), **self._file.read(), **values}
                self._settings = dataclasses.replace(_settings(stored), **values)
                self._file.write(stored)
                self._invalid -= values.keys()
            return self._settings


def _settings(stored: Mapping[str, Any]) -> Settings:
    if stored.get("local_server_network") is True:
        # Shared before there was a choice: the programs on the other computers would stop without a word.
        stored = {"local_server_encrypted": False, **stored}
    return Settings(
        **{name: stored[name] for name, each in PARAMETERS.items() if name in stored and each.accepts(stored[name])}
    )
