"""What the ``models`` commands work with: the library, the settings, and the way to a hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import Settings, SettingsFile
from app.downloads import access_from, models_folder
from model_manager.hub.access import Access
from model_manager.library.library import ModelLibrary


@dataclass(frozen=True)
class ModelServices:
    """Everything that is needed for models, without conversations or an engine."""

    folder: DataFolder
    settings: Settings
    secrets: Secrets
    library: ModelLibrary

    @property
    def models_folder(self) -> Path:
        """Where downloads go."""
        return models_folder(self.settings, self.folder)

    def access(self, endpoint: str | None = None) -> Access:
        """How a hub is reached, through ``endpoint`` where one is named for this call."""
        return access_from(self.settings, self.secrets, endpoint)


def build_model_services(folder: DataFolder) -> ModelServices:
    """Open the library and the settings of a data folder."""
    settings = SettingsFile(folder.settings_file).now
    library = ModelLibrary(folder.models, models_folder=models_folder(settings, folder))
    return ModelServices(folder, settings, Secrets(), library)
