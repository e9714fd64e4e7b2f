"""Where the program keeps its things: one data folder, the system's usual one or the one that was asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from model_manager.errors import UserError

DATA_DIR_VARIABLE = "APUS_CHAT_DATA_DIR"


@dataclass(frozen=True)
class DataFolder:
    """The data folder and what lies in it."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """Settings, as JSON."""
        return self.root / "settings.json"

    @property
    def presets_file(self) -> Path:
        """The person's presets, as JSON."""
        return self.root / "presets.json"

    @property
    def drafts_file(self) -> Path:
        """What was written and not sent, as JSON."""
        return self.root / "drafts.json"

    @property
    def conversations(self) -> Path:
        """The database of conversations and its backups."""
        return self.root / "conversations"

    @property
    def models(self) -> Path:
        """Model files and the list of those that lie elsewhere."""
        return self.root / "models"

    @property
    def servers_file(self) -> Path:
        """The servers that were added, as JSON; their keys are in the keyring."""
        return self.root / "servers.json"

    @property
    def logs(self) -> Path:
        """The program's log and the engine's."""
        return self.root / "logs"


def data_folder(asked_for: str | None = None) -> DataFolder:
    """The data folder: as asked for, else from the environment, else the system's usual place; it is made.

    Raises:
        UserError: ``data_folder_not_writable`` with ``path``.
    """
    named = asked_for or os.environ.get(DATA_DIR_VARIABLE)
    root = Path(named).expanduser().resolve() if named else platformdirs.user_data_path("apus-chat", appauthor=False)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("data_folder_not_writable", path=str(root), detail=str(error)) from error
    return DataFolder(root)


def resources() -> Path:
    """The folder of icons, translations and themes, beside ``app`` in the tree, the wheel and the frozen program."""
    return Path(__file__).resolve().parents[2] / "resources"
