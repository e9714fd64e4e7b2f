"""Paths of the data folder and of the program's resources."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import platformdirs

from model_manager.errors import UserError

DATA_DIR_VARIABLE = "APUS_CHAT_DATA_DIR"


class DataFolder:
    """The data folder and the paths in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings_file = root / "settings.json"
        self.presets_file = root / "presets.json"
        self.drafts_file = root / "drafts.json"
        """Unsent messages."""
        self.servers_file = root / "servers.json"
        """Servers; their API keys are in the keyring."""
        self.tools_file = root / "tools.json"
        """MCP servers; their secrets are in the keyring where there is one."""
        self.certificate_file = root / "local-server.pem"
        """Private key and certificate of the local server for other computers."""
        self.conversations = root / "conversations"
        """The database of conversations and its backups."""
        self.states = root / "states"
        """The conversation cache: what the engine keeps of conversations."""
        self.vectors = root / "vectors"
        """Vectors of the passages of documents."""
        self.exact_batches = root / "exact_batches.json"
        """Models and devices that compute guessed tokens exactly."""
        self.pages = root / "pages"
        """HTML of answers that the browser shows, until the program closes."""
        self.models = root / "models"
        """Model files, and the registry of those in other folders."""
        self.lent = root / "lent"
        """What other PCs loaded on the devices of this one."""
        self.logs = root / "logs"
        """The program's log and the engine's."""


def data_folder(path: str | None = None) -> DataFolder:
    """Return the data folder, and create it: as given, else from the environment, else the system's default.

    Raises:
        UserError: ``data_folder_not_writable`` with ``path``.
    """
    named = path or os.environ.get(DATA_DIR_VARIABLE)
    root = Path(named).expanduser().resolve() if named else platformdirs.user_data_path("apus-chat", appauthor=False)
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UserError("data_folder_not_writable", path=str(root), detail=str(error)) from error
    return DataFolder(root)


@cache
def resources() -> Path:
    """Return the folder of icons, translations and themes, next to ``app`` in the tree, the wheel and the bundle."""
    return Path(__file__).resolve().parents[2] / "resources"
