"""Paths of the data folder and of the program's resources."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from model_manager.errors import UserError

DATA_DIR_VARIABLE = "APUS_CHAT_DATA_DIR"


@dataclass(frozen=True)
class DataFolder:
    """The data folder and the paths in it."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """Settings, as JSON."""
        return self.root / "settings.json"

    @property
    def presets_file(self) -> Path:
        """Presets of the user, as JSON."""
        return self.root / "presets.json"

    @property
    def drafts_file(self) -> Path:
        """Unsent messages, as JSON."""
        return self.root / "drafts.json"

    @property
    def conversations(self) -> Path:
        """The database of conversations and its backups."""
        return self.root / "conversations"

    @property
    def models(self) -> Path:
        """Model files, and the registry of those in other folders."""
        return self.root / "models"

    @property
    def servers_file(self) -> Path:
        """Servers, as JSON; their API keys are in the keyring."""
        return self.root / "servers.json"

    @property
    def logs(self) -> Path:
        """The program's log and the engine's."""
        return self.root / "logs"


def data_folder(path: str | None = None) -> DataFolder:
    """Return the data folder, and create it: as given, else from the environment, else the system's default.

    Raises:
        UserError: ``data_folder_not_writable`` with ``path``.
    """
    named = path or os.environ.get(DATA_DIR_VARIABLE)
    root = Path(named).expanduser().resolve() if named else platformdirs.user_data_path("apus-chat", appauthor=False)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("data_folder_not_writable", path=str(root), detail=str(error)) from error
    return DataFolder(root)


def resources() -> Path:
    """Return the folder of icons, translations and themes, next to ``app`` in the tree, the wheel and the bundle."""
    return Path(__file__).resolve().parents[2] / "resources"
