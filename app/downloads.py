"""Download queue, models folder and hub access according to the settings."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from app.config.paths import DataFolder
from app.config.secrets import HUB_TOKEN, Secrets
from app.config.settings import NO_PROXY, Settings, SettingsFile
from app.planning.open_models import open_model_names
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.download.queue import DownloadQueue
from model_manager.errors import UserError
from model_manager.hub.access import OFFICIAL, Access, host_of
from model_manager.library.library import ModelLibrary
from model_manager.library.relocation import relocate_models, roll_back, unfinished_relocation
from model_manager.progress import OnProgress, ignore_progress

KIB = 1024

_log = logging.getLogger(__name__)


def models_folder(settings: Settings, folder: DataFolder) -> Path:
    """Return the folder for downloads."""
    return Path(settings.models_folder) if settings.models_folder else folder.models


def proxy_of(settings: Settings) -> str | None:
    """Return the proxy for ``Access``: an address, empty for none, None for the system's settings."""
    return {"": None, NO_PROXY: ""}.get(settings.proxy, settings.proxy)


def access_from(settings: Settings, secrets: Secrets, endpoint: str | None = None) -> Access:
    """Return the access to the hub; ``endpoint`` replaces the one in the settings.

    Reads the token from the system's keyring, which may block: not for the window's thread.
    """
    authority = settings.authority or OFFICIAL
    return Access(
        endpoint=(endpoint or settings.endpoint or authority).rstrip("/"),
        authority=authority.rstrip("/"),
        token=secrets.get(HUB_TOKEN),
        token_hosts=frozenset({host_of(authority), *settings.token_hosts.lower().split()}),
        proxy=proxy_of(settings),
    )


class ModelDownloads:
    """Download queue that follows the settings, and the library of downloaded models."""

    def __init__(self, folder: DataFolder, settings: SettingsFile, secrets: Secrets) -> None:
        self._folder = folder
        self.settings = settings
        self._secrets = secrets
        self.library = ModelLibrary(folder.models, models_folder=self.folder, names=open_model_names())
        self.queue = DownloadQueue(self.folder, self.access)
        self._apply_limit()

    def start(self) -> None:
        """Continue an interrupted move of the models folder, then the downloads.  Returns at once."""
        threading.Thread(target=self._resume, name="models folder", daemon=True).start()

    def folder(self) -> Path:
        """Return the current folder for downloads."""
        return models_folder(self.settings.current, self._folder)

    def access(self, endpoint: str | None = None) -> Access:
        """Return the access to the hub, or to ``endpoint``.  Not for the window's thread: it reads the keyring."""
        return access_from(self.settings.current, self._secrets, endpoint)

    def page_of(self, repository: str) -> str:
        """Return the address of the page of a repository on the hub."""
        return f"{(self.settings.current.endpoint or OFFICIAL).rstrip('/')}/{repository}"

    def settings_changed(self) -> None:
        """Apply changed settings: endpoint, proxy, token and speed limit."""
        self._apply_limit()
        self.queue.reconnect()

    def move_to(
        self,
        target: Path,
        on_progress: OnProgress = ignore_progress,
        cancel: CancelToken = NEVER_CANCELLED,
    ) -> None:
        """Move all models and partial files to ``target`` and use it from now on.

        Raises ``Cancelled`` and ``UserError`` as ``relocate_models``; then the old folder stays in use.
        """
        with self.queue.suspended():
            self._move(self.folder(), target, on_progress, cancel)

    def close(self) -> None:
        """Stop; the next start continues."""
        self.queue.close()

    def _move(
        self,
        source: Path,
        target: Path,
        on_progress: OnProgress = ignore_progress,
        cancel: CancelToken = NEVER_CANCELLED,
    ) -> None:
        def use_target() -> None:
            self.settings.change(models_folder="" if target == self._folder.models else str(target))

        relocate_models(source, target, on_progress, cancel, use_target)
        self.library.relocate(source, target)

    def _resume(self) -> None:
        try:
            move = unfinished_relocation(self.folder())
            if move is not None and move.committed:
                self._move(move.source, move.target)
            elif move is not None:
                # The old folder is complete, the new one has copies only.
                roll_back(move)
        except UserError as error:
            _log.warning("the move of the models folder is unfinished: %s", error)
        self.queue.start()

    def _apply_limit(self) -> None:
        limit = self.settings.current.download_limit
        self.queue.limit(limit * KIB if limit else None)
