"""Settings, model library and hub access for commands without conversations."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import Settings, SettingsFile
from app.downloads import access_from, models_folder
from app.messages import sentence
from model_manager.hub.access import Access
from model_manager.library.library import ModelLibrary


@dataclass(frozen=True)
class ModelServices:
    """Settings, model library and hub access."""

    folder: DataFolder
    settings: Settings
    secrets: Secrets
    library: ModelLibrary

    @property
    def models_folder(self) -> Path:
        """Folder of downloads."""
        return models_folder(self.settings, self.folder)

    def access(self, endpoint: str | None = None) -> Access:
        """Return the access to the hub, or to ``endpoint``."""
        return access_from(self.settings, self.secrets, endpoint)


def open_settings(folder: DataFolder) -> SettingsFile:
    """Open the settings, and report a damaged file on standard error."""
    settings = SettingsFile(folder.settings_file)
    if settings.problem is not None:
        sys.stderr.write(f"apus-chat: {sentence(settings.problem)}\n")
    return settings


def build_model_services(folder: DataFolder) -> ModelServices:
    """Open the settings and the library of a data folder."""
    settings = open_settings(folder).now
    library = ModelLibrary(folder.models, models_folder=models_folder(settings, folder))
    return ModelServices(folder, settings, Secrets(), library)
